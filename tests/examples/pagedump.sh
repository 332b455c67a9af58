#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
#
# pagedump.sh PAGEDUMP    in an empty folder: what it says of the files and logs of other examples,
#                         whole and damaged; the pictures in docs are what it prints today
set -euo pipefail
export LC_ALL=C
dump=$(realpath "$1")
programs=$(dirname "$dump")
docs=$(realpath "$(dirname "$0")/../../docs")
fail() {
    echo "$*" >&2
    exit 1
}
says() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    "$dump" "$@" >found 2>&1 || true
    grep -qE -- "$pattern" found || fail "$* says: $(cat found)"
}
# Pages with changed bytes and a seal that fits: the table is CRC-32C's.
table=()
for ((i = 0; i < 256; ++i)); do
    crc=$i
    for k in 0 1 2 3 4 5 6 7; do crc=$((crc & 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1)); done
    table[i]=$crc
done
load() { # FILE PAGE: its bytes into `bytes`
    mapfile -t bytes < <(od -An -v -tu1 -w1 -j $(($2 * 4096)) -N 4096 "$1" | tr -d ' ')
}
offset_of() { # BYTE...: where the page in `bytes` has these, for the last time
    local at=" ${bytes[*]} "
    [[ $at == *" $* "* ]] || fail "the page does not have $*"
    at=${at% "$*" *}
    set -- $at
    echo $#
}
store() { # FILE PAGE OFFSET BYTE...: with a new seal
    [[ -n $3 ]] || exit 1
    local file=$1 page=$2 at=$3 crc=$((0xFFFFFFFF)) i
    for i in "${@:4}"; do bytes[at]=$i at=$((at + 1)); done
    for i in "${bytes[@]:4}"; do ((crc = table[(crc ^ i) & 255] ^ (crc >> 8), 1)); done
    ((crc ^= 0xFFFFFFFF, 1))
    for i in 0 1 2 3; do bytes[i]=$((crc >> 8 * i & 255)); done
    printf "$(printf '\\x%x' "${bytes[@]}")" |
        dd of="$file" conv=notrunc bs=4096 seek="$page" status=none
}
finds() { # TEXT: --check says so of damaged.db, and ends with 1
    if "$dump" damaged.db --check >found; then fail "--check does not find: $1"; fi
    grep -qxF -- "  $1" found || fail "--check does not say '$1' but: $(cat found)"
}
is_json() { # ARGUMENTS...
    command -v python3 >/dev/null || return 0
    "$dump" "$@" --json >json || [[ $? -eq 1 ]]
    python3 -m json.tool json >/dev/null || fail "no JSON: $*"
}
rm -f ./*
"$programs/heap_table" >/dev/null
stat -c '%n %s %y' bank.db bank.log >whole
pages=$(($(stat -c %s bank.db) / 4096))

says "^bank.db  pages $pages  page size 4096" bank.db
says '^    root accounts  kind heap file .* by owner; unique number' bank.db
says '^    root accounts.owner  kind tree .*schema \(string,record\):nothing' bank.db
says '^page 1  kind allocation page .* used [0-9]+  of 32576' bank.db 1
says "^  pages 1  to $((pages - 1))  are used$" bank.db 1
says '^  page 5  room [0-9]+' bank.db 2
says '^page 3  kind tree node .* tree 2 .* level 1 .* below no limit' bank.db 3
says '^  entry 1  key 330  child 11' bank.db 3
# What heap_table has inserted, in rows and in the leaves of both indexes.
says '^  slot 0  row 17 bytes  number 0  owner "Ada"  cents 100$' bank.db 5
says '^  slot 8  row 19 bytes  number 8  owner "Grace"  cents 160$' bank.db 5
says '^page 11 .* level 0 .* from 330  below 660$' bank.db 11
says '^  entry 0  key 330  value 9:154$' bank.db 11
says '^  entry 0  key \("Ada",5:173\)$' bank.db 12
says '^  slot 0  row 17 bytes  a 0  b "Ada"  c 100$' --schema 'a:u32,b:string,c:i64' bank.db 5
says '^  slot 0  row 17 bytes  DOES NOT FIT the schema b  content ' \
    --schema 'a:u64,b:string' bank.db 5
says '^no schema: a is no column' --schema a:u33 bank.db 5
says '^no schema: .* at ""' --schema a: bank.db 5
says "there are pages 0 to $((pages - 1))" bank.db "$pages"
says 'absent.db cannot be opened' absent.db
says 'bad option' --page-size 1000 bank.db
says '^usage' bank.db --what

# The map has a character for each page, and the kinds that the summary counts.
"$dump" bank.db --map | sed -nE 's/^ +[0-9]+  //p' | tr -d '\n' >map
[[ $(wc -c <map) -eq $pages ]] || fail "the map has $(wc -c <map) pages, not $pages"
for kind in 'tree node:LlIi' 'record page:Rr' 'directory page:D'; do
    count=$(tr -cd "${kind#*:}" <map | wc -c)
    says "^  ${kind%:*}  pages $count\$" bank.db
done
for page in 0 1 2 3 5 11 12; do is_json bank.db "$page"; done

"$dump" bank.db --check >found || fail "the file is whole: $(cat found)"
for line in "bank.db  pages $pages  wrong 0" "  checked: heap file accounts: 6 pages of rows" \
    "  checked: tree accounts.owner: 10 pages, entries 1000" \
    "  checked: rows of accounts by their schema: 1000" \
    "  checked: index accounts.number: whether its entries lead to their rows" \
    "  checked: index accounts.owner: whether its entries lead to their rows" \
    "  checked: whether each page in use belongs to something"; do
    grep -qxF "$line" found || fail "--check does not say '$line' but: $(cat found)"
done
# A byte of a page has changed, in three kinds of them.
for page in 1 3 5; do
    cp bank.db damaged.db
    printf '\xA5' | dd of=damaged.db conv=notrunc bs=1 seek=$((page * 4096 + 30)) status=none
    if "$dump" damaged.db --check >found; then fail "page $page passes"; fi
    grep -qx "  page $page  wrong its seal does not fit" found || fail "$(cat found)"
    "$dump" damaged.db --map | sed -nE 's/^ +[0-9]+  //p' | tr -d '\n' >map
    [[ $(head -c $((page + 1)) map | tail -c 1) == '!' ]] || fail "the map does not show page $page"
    says "WRONG its seal does not fit" damaged.db "$page"
done
# What a seal does not see: something was written there that does not belong there.
damage() { # PAGE: damaged.db is whole, and the page is in `bytes`
    cp bank.db damaged.db
    load damaged.db "$1"
}
damage 11
store damaged.db 11 "$(offset_of 154 0 9 0 0 0 0 0)" 153  # key 330 leads to the row of 329
finds 'page 9  wrong slot 153: an entry of index accounts.number leads here, and not to its row'
grep -q 'seal' found && fail "the seal fits: $(cat found)"
damage 12
store damaged.db 12 $(($(offset_of 3 0 5 0 175) + 4)) 174  # ("Ada",5:175) is ("Ada",5:174)
store damaged.db 12 $(($(offset_of 0 175 0 5) + 1)) 174     # and so is its head in the slot
finds 'page 5  wrong slot 174: an entry of index accounts.owner leads here, and not to its row'
damage 1
store damaged.db 1 24 $((bytes[24] ^ 1 << 5))
finds 'page 6  wrong part of something, and marked as free'
damage 1
at=$((24 + (pages - 1) / 8))  # from page 1 on
store damaged.db 1 "$at" $((bytes[at] ^ 1 << (pages - 1) % 8))
finds "page 1  wrong page $pages is marked as used, behind the file's end"
damage 3
store damaged.db 3 "$(offset_of 11 0 0 0 0 0)" 14
finds 'page 14  wrong reached twice'
damage 5
store damaged.db 5 "$(offset_of 17 0 65 100 97)" 255
finds 'page 5  wrong slot 0: its row does not fit the schema: owner'
says '^  slot 0  row 17 bytes  DOES NOT FIT the schema owner  content "' damaged.db 5
damage 2
store damaged.db 2 40 9
finds 'page 9  wrong reached twice'
damage 0
store damaged.db 0 "$(offset_of 111 119 110 101 114 58 115)" 111 119 27 91  # "ow\e[r:s"
grep -q "$(printf '\033')" <("$dump" damaged.db) && fail "an escape reaches the terminal"
"$dump" damaged.db --check >found || true
grep -q '^  not checked: rows of accounts: no schema: ' found || fail "$(cat found)"
damage 0
store damaged.db 0 $(($(offset_of 44 111 119 110 101 114 58 115) + 5)) 120  # "ownex:s"
finds 'page 2  wrong index accounts.owner: its column is not there'
damage 0
store damaged.db 0 "$(offset_of 32 98 121 32 111 119 110 101 114)" 32 98 121 32 111 119 110 101 120
finds 'page 0  wrong index accounts.ownex is not there'  # the table's schema names one
# A page of names behind page 0, with the root z: number 4, of page 5, with the schema int.
damage 0
store damaged.db 0 96 "$pages" 0 0 0 0 0 0 0
bytes=()
for ((i = 0; i < 4096; ++i)); do bytes[i]=0; done
names=(4 0 0 0 2 1 5 0 0 0 0 0 122 105 110 116)
for i in "${!names[@]}"; do bytes[4080 + i]=${names[i]}; done
bytes[4]=$pages bytes[12]=9 bytes[14]=1 bytes[24]=1 bytes[26]=$((0xF0)) bytes[27]=$((0x0F))
store damaged.db "$pages" 40 $((0xC1)) $((0x3F)) 32 0  # 16 bytes at 4080
says '^    root accounts  kind heap file ' damaged.db
says '^    root z  kind tree  number 4  page 5  schema int$' damaged.db
says '^  page of names  pages 1$' damaged.db
says "^page 0  kind catalog .* next $pages\$" damaged.db 0
says "^page $pages  kind page of names .* next 0\$" damaged.db "$pages"
says '^  root z  kind tree  number 4  page 5  schema int$' damaged.db "$pages"
is_json damaged.db "$pages"
"$dump" damaged.db --map | sed -nE 's/^ +[0-9]+  //p' | tr -d '\n' >map
[[ $(tail -c 1 map) == N ]] || fail "the map does not show the page of names"
finds "page $pages  wrong root 4 has a number that was not given yet"
store damaged.db "$pages" 32 "$pages"
finds "page 0  wrong find a root of page $pages of damaged.db (the chain of names comes back to\
 it): page is corrupt"
says '^    root z  kind tree ' damaged.db
head -c 20000 bank.db >damaged.db
finds 'page 4  wrong the file ends in it'
# Who has the file locked is not in the way, and nothing is written.
if command -v python3 >/dev/null; then
    python3 - "$dump" 2>found <<'END' || fail "a lock is in the way, or was taken"
import fcntl, subprocess, sys
with open("bank.db", "r+b") as held:
    fcntl.lockf(held, fcntl.LOCK_EX)
    sys.exit(subprocess.run([sys.argv[1], "bank.db", "--check"], stdout=2).returncode)
END
fi

# Rows in heap pages, by a schema of the user's.
"$programs/users" >/dev/null
says '^  slot 0  tuple [0-9]+ bytes  id 1  name "Ada"$' users.db 0 --schema id:i64,name:string
says '^  slot 1  tuple [0-9]+ bytes  id 2  name "Grace"$' users.db 0 --schema '{id:i64,name:string}'
says '^  slot 1  tuple [0-9]+ bytes  DOES NOT FIT the schema it is too short' \
    users.db 0 --schema id:i64,name:string,balance:f64?
says '^  slot 1  tuple [0-9]+ bytes  content ".*Grace" ' users.db 0
says '^  not checked: the file as a whole: it has no catalog' users.db --check

# The log. All of heap_table's changes are there, and its last act.
"$dump" --log bank.log >found || fail "$(cat found)"
grep -qE '^bank.log  log [0-9]+  blocks in its ring 16382$' found || fail "$(head found)"
[[ $(grep -c '^  record ' found) -eq $(sed -nE 's/^  end .* records ([0-9]+) .*/\1/p' found) ]]
[[ $(grep -A 1 'kind files' found | tail -n 1) =~ ^\ {4}file\ bank.db\ \ number\ 1\ \ pages\ 0 ]]
grep -qx '    bank.db page 0  image 4096 bytes' found
last=$(tail -n 3 found | head -n 2 | tr -s '\n ' ' ')
[[ $last =~ ^\ record\ [0-9]+\ bytes\ 8\ kind\ closed\ closed\ bank.db\ $ ]] || fail "last: $last"
tail -n 1 found | grep -qE '^  end [0-9]+ .* behind it a blank sector$'
is_json --log bank.log
read -r begin end <<<"$(awk '/^  record/ && $4 > 8000 { print last, $2; exit }
                             /^  record/ { last = $2 }' found)" # of a record that is long
sector=$((16 + (end - 2000) / 480)) # of the file, within that record
ends() { # PATTERN: what is said behind the last whole record
    tail -n 1 found | grep -qE "^  end $begin  $1" || fail "no '$1' but: $(tail -n 1 found)"
}
cp --sparse=always bank.log damaged.log
dd if=/dev/zero of=damaged.log conv=notrunc bs=512 count=1 seek=$sector status=none
"$dump" --log damaged.log >found || fail "a torn log is none that is damaged: $(tail -n 2 found)"
ends '.* a record begins there that lacks [0-9]+ bytes  behind it a blank sector'
cp --sparse=always bank.log damaged.log
printf '\xA5' | dd of=damaged.log conv=notrunc bs=1 seek=$((sector * 512 + 99)) status=none
if "$dump" --log damaged.log >found; then fail "damage passes"; fi
grep -q "^damaged.log .* WRONG a sector's checksum is wrong" found || fail "$(head -n 1 found)"
ends ".* behind it damage: a sector's checksum is wrong"
RANDOM=2
for ((n = 0; n < 12; ++n)); do # sectors and headers
    printf "\\x$(printf %x $((RANDOM % 256)))" | dd of=damaged.log conv=notrunc bs=1 status=none \
        seek=$((RANDOM % (n < 6 ? 32768 : 600)))
    status=0
    "$dump" --log damaged.log >found 2>&1 || status=$?
    [[ $status -le 1 ]] || fail "--log: status $status: $(tail -n 3 found)"
done
says '^bank.db  WRONG it has no header' --log bank.db
says '^this is a log: pagedump --log bank.log$' bank.log --check
says '^usage' --help
says '^usage' bank.db --map --json
says '^users.db  WRONG it has no header' --log users.db
head -c 4096 bank.log >damaged.log
says 'WRONG ' --log damaged.log
says 'absent.log cannot be opened' --log absent.log
says '^usage' --log bank.log 3
# One with several lives, which ended by kill -9, of a file with a name of its own.
mkdir killed
(cd killed && "$programs/transfer" >/dev/null && "$dump" --log bank.log >../found) ||
    fail "$(head found)"
grep -qE '^  record [0-9]+  bytes 56  kind change$' found || fail "no transfer in the log"
[[ $(grep -cE '^    [0-9]+$' found) -ge 5 ]] || fail "opened more often: $(head -n 20 found)"
rm -r killed

# A file that was not closed needs its log, which is said.
printf 'Package: %s\nVersion: 1\n\n' a b >list.txt
"$programs/engine" load list.txt >/dev/null
(exec 2>/dev/null; "$programs/engine" --crash-after 1 install a || true)
says '^  not checked: what log [0-9]+ alone has: the file was not closed' engine.db --check

# The pictures are what is printed today.
mkdir made
"$docs/pictures" "$programs" made
for picture in pagedump-map.svg pagedump-page.svg; do
    cmp "made/$picture" "$docs/$picture" || fail "docs/pictures makes another $picture"
    [[ $(wc -c <"made/$picture") -lt 60000 ]] || fail "$picture is large"
done
rm -r made
stat -c '%n %s %y' bank.db bank.log | cmp - whole || fail "a file was written"

# Any bytes are shown, or refused with a message.
RANDOM=1
for ((n = 0; n < 12; ++n)); do
    cp bank.db damaged.db
    for ((i = 0; i < 20; ++i)); do
        printf "\\x$(printf %x $((RANDOM % 256)))" |
            dd of=damaged.db conv=notrunc bs=1 status=none \
                seek=$(((RANDOM * 32768 + RANDOM) % (i < 10 ? 4096 * 6 : 4096 * pages)))
    done
    for what in 0 1 2 3 4 5 --check; do
        status=0
        "$dump" --page-size 4096 damaged.db "$what" >found 2>&1 || status=$?
        [[ $status -le 1 ]] || fail "$what: status $status: $(tail -n 3 found)"
    done
done
# Likewise behind a seal that fits: so the checks go on to what is in the page.
for ((n = 0; n < 12; ++n)); do
    page=$((n % 6 * (n % 2 + 1)))
    damage "$page"
    for range in 80 80 80 4072; do bytes[24 + RANDOM % range]=$((RANDOM % 256)); done
    store damaged.db "$page" 24 "${bytes[24]}"
    for what in "$page" --check; do
        status=0
        "$dump" --page-size 4096 damaged.db "$what" >found 2>&1 || status=$?
        [[ $status -le 1 ]] || fail "$what, page $page: status $status: $(tail -n 3 found)"
    done
done
echo "all pages are shown"
