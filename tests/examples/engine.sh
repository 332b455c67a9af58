#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
#
# engine.sh ENGINE [FILE]    in an empty folder: what the example says of 400 made packages and
#                            those of FILE, by default /var/lib/dpkg/status, is what awk makes of
#                            them; misuse gets a message; after kill -9 during an install only whole
#                            transactions are there
set -euo pipefail
export LC_ALL=C
engine=$1 list=list.txt
rm -f ./engine.db ./engine.log ./found ./wanted ./*.txt

fail() {
    echo "$*" >&2
    exit 1
}
refused() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    if "$engine" "$@" >found 2>&1; then fail "not refused: $*"; fi
    [[ $(grep -c . found) -eq 1 ]] && grep -qE "^engine: $pattern" found ||
        fail "$* says: $(cat found)"
}
installed() { # how many there are, if everything is whole
    "$engine" check >found 2>&1 || fail "after $*: $(cat found)"
    sed -n 's/^whole; installed: //p' found
}

# ---- the list: a machine may have few packages, so there are some that each test has
awk 'BEGIN {
    for (i = 1; i <= 400; ++i) {
        printf "Package: made-%03d\nVersion: 1.%d\nSection: made\nInstalled-Size: %d\n", i, i % 9,
            (i * 7919) % 100000
        printf "Depends: made-%03d (>= 1.0), made-%03d:any", int(i / 2) + 1, (i * 31) % 40 + 1
        printf "%s\n\n", i % 5 ? "" : sprintf(" | absent-%d, made-%03d", i, int(i / 3) + 1)
    }
}' >"$list"
status=${2:-/var/lib/dpkg/status}
if [[ -e $status ]]; then cat "$status" >>"$list"; fi

# ---- what awk makes of the list: "package KiB", "package need" for each need
awk '
function finish(   n, i, items, name) {
    if (package != "" && !(package in seen)) {
        seen[package] = 1
        print package, kib + 0 >"packages.txt"
        n = split(pre "," depends, items, ",")
        for (i = 1; i <= n; ++i) {
            name = items[i]
            sub(/^[ \t]+/, "", name)
            sub(/[ \t:(|[<].*/, "", name)
            if (name != "") { print package, name >"needs.txt" }
        }
    }
    package = kib = pre = depends = ""
}
/^$/ { finish() }
/^Package:/ { package = $2 }
/^Installed-Size:/ { kib = $2 }
/^Pre-Depends:/ { pre = substr($0, 13) }
/^Depends:/ { depends = substr($0, 9) }
END { finish() }' "$list"
sort -u -o needs.txt needs.txt
needs_of() { # PACKAGE: all that it needs, directly or not
    awk -v start="$1" '
        { needs[$1] = needs[$1] " " $2 }
        END {
            todo[count = 1] = start; seen[start] = 1
            for (at = 1; at <= count; ++at) {
                n = split(needs[todo[at]], direct, " ")
                for (i = 1; i <= n; ++i) {
                    if (!(direct[i] in seen)) { seen[direct[i]] = 1; todo[++count] = direct[i] }
                }
            }
            for (at = 2; at <= count; ++at) { print todo[at] }
        }' needs.txt | sort
}

# ---- answers
refused 'no engine.db here' check
refused 'cannot read absent' load absent
refused 'cannot read \.' load .
"$engine" load "$list" >found 2>&1
[[ $(installed load) -eq 0 ]] || fail "installed after load: $(cat found)"
awk '{ print $2, $1 }' packages.txt | sort -k1,1nr -k2,2 >wanted.txt
"$engine" largest 100000 | diff wanted.txt - >found || fail "largest: $(head found)"
[[ $("$engine" largest 10) == "$(head -n 10 wanted.txt)" ]] || fail "the ten largest differ"
compared=0
while read -r package; do
    needs_of "$package" >wanted
    "$engine" depends "$package" | diff wanted - >found || fail "depends $package: $(cat found)"
    compared=$((compared + 1))
done < <(awk '{ print $2, $1 }' packages.txt | sort -k1,1nr -k2,2 | awk 'NR % 40 == 3 { print $2 }')

# ---- misuse
"$engine" load "$(dirname "$0")/../data/malformed_stanzas.txt" >found 2>&1
[[ $(grep -c 'left out' found) -eq 3 ]] && grep -q '^3 packages loaded' found ||
    fail "malformed stanzas: $(cat found)"
"$engine" load "$list" >found 2>&1
refused 'there is no package no-such-thing' depends no-such-thing
refused 'there is no package no-such-thing' install "$(head -n 1 wanted.txt | cut -d' ' -f2)" \
    no-such-thing
refused 'not a number: ten' largest ten
refused 'usage: ' install
refused 'usage: ' remove x
[[ $(installed misuse) -eq 0 ]] || fail "a failed install has installed: $(cat found)"

# ---- kill -9: each of these packages comes with what it needs, or not at all
victims=$(cut -d' ' -f2 wanted.txt | awk 'NR % 7 == 3' | head -n 200)
in_list() { # what of closure.txt is in the list
    cut -d' ' -f1 packages.txt | sort | comm -12 - closure.txt
}
size_of() { # how many packages of the list an install of $1 adds to those in installed.txt
    { needs_of "$1"; echo "$1"; } | sort -u >closure.txt
    in_list | comm -23 - installed.txt | wc -l
}
: >installed.txt
kills=0 absent=0 whole=0 have=0
for package in $victims; do
    [[ $kills -lt 20 ]] || break
    more=$(size_of "$package")
    [[ $more -gt 0 ]] || continue
    steps=$(awk 'NR == FNR { all[$1] = 1; next } $1 in all' closure.txt needs.txt | wc -l)
    steps=$((steps + $(in_list | wc -l)))
    # Early, in the middle, after the last write, before the sync, and after it.
    case $((kills % 4)) in
        0) at=$((1 + steps / 3)) ;;
        1) at=$steps ;;
        2) at=$((steps + 1)) ;;
        3) at=$((steps + 2)) ;;
    esac
    status=0
    ("$engine" --crash-after $at install "$package" >found 2>&1; exit $?) 2>/dev/null || status=$?
    [[ $status -eq 137 ]] || fail "install $package was not killed at step $at: $status"
    kills=$((kills + 1))
    now=$(installed "kill at $at of $package")
    if [[ $now -eq $have && $at -lt $((steps + 2)) ]]; then
        absent=$((absent + 1))
    elif [[ $now -eq $((have + more)) && $at -gt $steps ]]; then
        whole=$((whole + 1)) have=$now
        sort -u installed.txt <(in_list) >new.txt
        mv new.txt installed.txt
    else
        fail "killed at step $at of $steps of $package: $now installed, of $have and $more more"
    fi
done
[[ $kills -eq 20 && $absent -gt 5 && $whole -ge 5 ]] ||
    fail "only $kills kills: $absent absent, $whole whole"

# From outside, at any moment of a run.
outside=0 whole_outside=0
for package in $victims; do
    [[ $outside -lt 20 ]] || break
    more=$(size_of "$package")
    [[ $more -gt 0 ]] || continue
    outside=$((outside + 1))
    # --foreground: otherwise timeout is killed, too, and the engine may still have its lock.
    (timeout --foreground -s KILL 0.0$((RANDOM % 40 + 10)) "$engine" install "$package" ||
        true) >found 2>&1
    now=$(installed "kill from outside, $package")
    if [[ $now -eq $((have + more)) ]]; then
        have=$now whole_outside=$((whole_outside + 1))
        sort -u installed.txt <(in_list) >new.txt
        mv new.txt installed.txt
    elif [[ $now -ne $have ]]; then
        fail "killed from outside in $package: $now installed, of $have and $more more"
    fi
done

# ---- two at once: of threads one undoes its transaction and tries again; a second process is
# refused, unless the first one has ended
mapfile -t two < <(cut -d' ' -f2 wanted.txt | head -n 2)
"$engine" race "${two[@]}" 2>race.txt &
until [[ -s race.txt ]] || ! kill -0 $! 2>/dev/null; do :; done
"$engine" largest 1 >found 2>&1 || grep -q '^engine: .*locked' found || fail "two: $(cat found)"
wait $! || fail "the race failed: $(cat race.txt)"
grep -q 'undone, and tried again' race.txt || fail "no deadlock: $(cat race.txt)"
for one in "${two[@]}"; do
    { needs_of "$one"; echo "$one"; } | sort -u >closure.txt
    in_list >>installed.txt
done
[[ $(installed race) -eq $(sort -u installed.txt | wc -l) ]] || fail "the race: $(cat found)"
echo "$compared closures agree; of $kills kills at a step $absent left nothing and $whole a whole" \
    "install, and of $outside at any moment $whole_outside a whole one"
