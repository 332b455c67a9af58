#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# charts.sh PROGRAM DATA    what the program makes of a small run, and what it says of files that
#                           are no run
program=$1
data=$2
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# expect STATUS PATTERN ARGUMENT...
expect() {
    status=$1 pattern=$2
    shift 2
    said=$("$program" "$@" 2>&1)
    got=$?
    if [ "$got" -ne "$status" ] || ! printf '%s\n' "$said" | tr '\n' ' ' | grep -Eq -- "$pattern"
    then
        echo "charts $*: status $got, expected $status with \"$pattern\":"
        echo "$said"
        failed=1
    fi
}

# has FILE TEXT
has() {
    if ! grep -Fq -- "$2" "$work/out/$1"; then
        echo "$1: not there: $2"
        failed=1
    fi
}

# refused PATTERN SED-SCRIPT: the small run with a change is no run.
refused() {
    sed "$2" "$data/bench_results.json" >"$work/changed.json"
    expect 1 "^charts: .*changed\.json: $1" "$work/changed.json" "$work/refused"
}

# A chart that an earlier run has left is not of this one.
mkdir "$work/out" && : >"$work/out/scan-dark.svg" && : >"$work/out/mine.svg"
expect 0 'no figures of miss.*no figures of scan.*hit-light.svg.*copy-dark.svg' \
    "$data/bench_results.json" "$work/out"
if [ "$(cd "$work/out" && echo *)" != "copy-dark.svg copy-light.svg hit-dark.svg hit-light.svg\
 mine.svg report.md results.json table-dark.svg table-light.svg" ]; then
    echo "other files:" "$work"/out/* && failed=1
fi
cmp "$data/bench_results.json" "$work/out/results.json" || failed=1

has report.md '- machine: 2 x Some \<Processor\>'
has report.md '**A quick run**'
has report.md 'srcset="hit-dark.svg"'
has report.md '1 of 3 are met.'
has report.md '| hit, quire / A\|B | 1.64 | at most 1.50 | **MISS** | + 9.3 % |'
has report.md '| hit, bare | 1.00 | at most 1.00 | ok | |'
has report.md '| flush / loop | 0.72 | at least 0.90 | **MISS** | - 20 % |'
has report.md '| | 64 MiB, 1 thread | 64 MiB, 2 threads |'
has report.md '| **quire** | 15.2<br><sub>14.0 to 99.0</sub> | 39.0<br><sub>20.0 to 41.0</sub> |'
has report.md '| A\&B | 1,305<br><sub>1,200 to 1,400</sub> | |'
has report.md '**flush**, pages/s, 1 round'
for colours in light dark; do
    has hit-$colours.svg '64 MiB, 1 thread, ns: bare 6.00, quire 15.2, A&amp;B 1,305.'
    has hit-$colours.svg '2 x Some &lt;Processor&gt;, Linux 6.1.0'
    has hit-$colours.svg '>not measured</text>'
    has copy-$colours.svg 'scan, 0.5 x pool, ns: views 7.70 (CPU 5.10).'
    has copy-$colours.svg '>5.10 CPU</text>'
    has table-$colours.svg 'get, 8 bytes, million/s: quire 1.25, A&amp;B 0.80.'
    has table-$colours.svg 'get, 120 bytes, million/s: quire 0.95.'
    has table-$colours.svg 'scan, 8 bytes, thousand/s: quire 410.'
done

refused 'not JSON: ' '$d'
refused 'not of bench/run: no "commit"' '/"commit"/d'
refused 'not of bench/run: "quick" is no truth value' 's/"quick": true/"quick": "true"/'
refused 'hit, lines, number 1: "median" is no number' 's/6\.004/"6.004"/'
refused 'hit, lines, number 3: "threads" is no count' 's/"threads": 2/"threads": -2/'
refused 'copy: no "lines"' '/"copy"/,$s/"lines"/"rows"/'
refused 'newcomer, targets, number 1: "met_by" is neither' 's/"at least"/"at last"/'
echo '[1, 2]' >"$work/list.json"
expect 1 'list.json: not of bench/run: not an object $' "$work/list.json" "$work/refused"
sed '/"disk"/s/,$//; /"hit"/,$d' "$data/bench_results.json" >"$work/none.json"
echo '}' >>"$work/none.json"
expect 1 'none.json: no program has measured anything $' "$work/none.json" "$work/refused"
expect 1 'cannot read .*/absent.json $' "$work/absent.json" "$work/refused"
expect 1 'cannot read ' "$work" "$work/refused"
expect 1 'charts: ' "$data/bench_results.json" "$work/list.json"
expect 2 '^usage: ' "$work/list.json"
if [ -e "$work/refused" ]; then
    echo "something was written of what was refused" && failed=1
fi
exit $failed
