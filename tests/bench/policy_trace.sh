#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# policy_trace.sh PROGRAM DATA    what the program prints for a trace with a known answer, and what
#                                 it says of arguments and files that make no sense
program=$1
data=$2
failed=0

# expect STATUS PATTERN ARGUMENT...
expect() {
    status=$1 pattern=$2
    shift 2
    said=$("$program" "$@" 2>&1 </dev/null)
    got=$?
    if [ "$got" -ne "$status" ] || ! printf '%s\n' "$said" | tr '\n' ' ' | grep -Eq -- "$pattern"
    then
        echo "policy_trace $*: status $got, expected $status with \"$pattern\":"
        echo "$said"
        failed=1
    fi
}

# The reference string of the textbooks: with three frames LRU misses 10 times, the optimum 7 times;
# with four 8 and 6 times. Second chance and sieve, done by hand, with three: 1, 2, 3, 4 leave in
# order; 1 and 2 are hit and marked; so 3 takes the frame of 5, and 4 and 5 those of 1 and 2.
trace=$data/belady_1966.txt
expect 0 '^requests 12 misses 10 optimum 7 misses/optimum 1\.429 $' "$trace" lru 3
expect 0 '^requests 12 misses 8 optimum 6 misses/optimum 1\.333 $' "$trace" lru 4
expect 0 '^requests 12 misses 10 optimum 7 ' "$trace" clock 3
expect 0 '^requests 12 misses 10 optimum 7 ' "$trace" sieve 3
for policy in lru clock sieve s3_fifo; do
    expect 0 '^requests 12 misses 5 optimum 5 misses/optimum 1\.000 $' "$trace" "$policy" 5
    expect 0 '^requests 12 misses 12 optimum 12 ' "$trace" "$policy" 1
    expect 0 '^requests 12 misses 5 optimum 5 ' "$trace" "$policy" 18446744073709551615
done

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
printf '7\nseven\n' >"$work/words"
printf '7\n\n8\n' >"$work/gap"
printf '18446744073709551616\n' >"$work/large"
printf '18446744073709551615\r\n0' >"$work/fine"
: >"$work/empty"
expect 0 '^requests 2 misses 2 optimum 2 ' "$work/fine" lru 1
expect 2 '^policy_trace: .*words:2: not a page number: "seven" $' "$work/words" lru 3
expect 2 'gap:2: not a page number: "" $' "$work/gap" lru 3
expect 2 'large:1: not a page number' "$work/large" lru 3
expect 2 'empty: no page numbers $' "$work/empty" lru 3
expect 2 'standard input: no page numbers $' - lru 3
expect 2 'none: cannot be opened $' "$work/none" lru 3
expect 2 'cannot be read $' "$work" lru 3
expect 2 'no policy "fifo"; there are: lru clock sieve s3_fifo $' "$trace" fifo 3
for frames in 0 -1 3x '' 18446744073709551616; do
    expect 2 'FRAMES is a number from 1' "$trace" lru "$frames"
done
expect 2 'usage: policy_trace FILE POLICY FRAMES $'
expect 2 'usage: ' "$trace" lru
expect 2 'usage: ' "$trace" lru 3 4
exit $failed
