#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
#
# pagedump.sh PAGEDUMP    in an empty folder: what it says of the file of examples/heap_table, whole
#                         and damaged
set -euo pipefail
dump=$1
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
rm -f ./*
"$(dirname "$dump")/heap_table" >/dev/null
pages=$(($(stat -c %s bank.db) / 4096))

says "^bank.db  pages $pages  page size 4096" bank.db
says '^    root accounts  kind heap file .* by owner; unique number' bank.db
says '^    root accounts.owner  kind tree .*schema \(string,record\):nothing' bank.db
says '^page 1  kind allocation page .* used [0-9]+  of 32576' bank.db 1
says '^page 3  kind tree node .* tree 2 ' bank.db 3
says '^  slot 0  row ".*(Ada|Grace)" ' bank.db 5
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
if command -v python3 >/dev/null; then
    for page in 0 1 2 3 5; do "$dump" bank.db "$page" --json | python3 -m json.tool >/dev/null; done
fi

"$dump" bank.db --check | grep -qx "bank.db  pages $pages  wrong 0" || fail "the file is whole"
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
# Any bytes are shown, or refused with a message.
RANDOM=1
for ((n = 0; n < 30; ++n)); do
    cp bank.db damaged.db
    for ((i = 0; i < 20; ++i)); do
        printf "\\x$(printf %x $((RANDOM % 256)))" | dd of=damaged.db conv=notrunc bs=1 status=none \
            seek=$(((RANDOM * 32768 + RANDOM) % (i < 10 ? 4096 * 6 : 4096 * pages)))
    done
    for page in 0 1 2 3 4 5; do
        status=0
        "$dump" --page-size 4096 damaged.db "$page" >found 2>&1 || status=$?
        [[ $status -le 1 ]] || fail "page $page: status $status: $(tail -n 3 found)"
    done
done
echo "all pages are shown"
