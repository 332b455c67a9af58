#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
#
# postgres_reader.sh READER [ROWS]    the answers of the example are those of psql, from a server
#                                     that this starts in a folder of /tmp
# Exit status 77: PostgreSQL is not installed.
set -euo pipefail
reader=$1 rows=${2:-100000}
bin=$({ find /usr/lib/postgresql/*/bin -name initdb -printf '%h\n' 2>/dev/null || true; } |
    sort -V | tail -n 1)
[[ -n $bin ]] || { echo "skipped: PostgreSQL is not installed"; exit 77; }
fail() {
    echo "$*" >&2
    exit 1
}

dir=$(mktemp -d /tmp/postgres_reader.XXXXXX)
as=()
if [[ $EUID -eq 0 ]]; then # the server does not run as root
    chown postgres "$dir"
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
server() { (cd "$dir" && HOME=$dir "${as[@]}" "$@"); }
trap 'server "$bin/pg_ctl" -D data -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
server "$bin/initdb" -D data --data-checksums -A trust -U quire >/dev/null
server "$bin/pg_ctl" -D data -w -l log -o "-k $dir -h ''" start >/dev/null || cat "$dir/log"
query() { server "$bin/psql" -h "$dir" -U quire -d postgres -qAt -F ' ' -c "$1"; }

query "CREATE TABLE every (id int8, small int2, real float8, name text, day date, flag bool,
           number numeric(20, 3), wide int4)"
query "INSERT INTO every SELECT i, i % 300 - 150, CASE WHEN i % 7 > 0 THEN i / 8.0 END,
           CASE i % 1000 WHEN 0 THEN NULL WHEN 1 THEN repeat('x', i % 3000)
                WHEN 2 THEN (SELECT string_agg(md5((i + j)::text), '') FROM generate_series(1, 200) j)
                ELSE 'name ' || i END,
           DATE '2020-01-01' + i % 4000, i % 2 = 0, i / 3.0, CASE WHEN i % 5 > 0 THEN i * 20000 END
           FROM generate_series(1, $rows) i"
query "UPDATE every SET small = small + 1 WHERE id % 11 = 0"
query "DELETE FROM every WHERE id % 13 = 0"
query "BEGIN; DELETE FROM every WHERE id < 500; ROLLBACK"
query "BEGIN; SELECT count(*) FROM (SELECT 1 FROM every WHERE id < 100 FOR UPDATE) locked; COMMIT" >/dev/null
query "CREATE TABLE vacant (a int4)"
query CHECKPOINT

path=$(query "SELECT pg_relation_filepath('every')")
types=(int8 int2 float8 text date bool numeric int4)
query "SET extra_float_digits = 0; SELECT 'rows ' || count(*) || E'\nint8 ' || count(id) || ' sum ' || sum(id) ||
           E'\nint2 ' || count(small) || ' sum ' || sum(small) || E'\nfloat8 ' || count(real) ||
           ' sum ' || sum(real) || E'\ntext ' || count(name) ||
           ' longest ' || max(octet_length(name)) || E'\ndate ' || count(day) || E'\nbool ' ||
           count(flag) || E'\nnumeric ' || count(number) || E'\nint4 ' || count(wide) || ' sum ' ||
           sum(wide) FROM every" >"$dir/wanted"
"$reader" "$dir/data/$path" "${types[@]}" >"$dir/found"
diff "$dir/wanted" "$dir/found" || fail "the answers differ"
vacant=$(query "SELECT pg_relation_filepath('vacant')")
[[ $("$reader" "$dir/data/$vacant" int4) == $'rows 0\nint4 0 sum 0' ]] || fail "the empty table"

refused() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    if "$reader" "$@" >"$dir/found" 2>&1; then fail "not refused: $*"; fi
    grep -qE "$pattern" "$dir/found" || fail "$* says: $(cat "$dir/found")"
}
refused 'no type int3' "$dir/data/$path" int3
refused 'page 0: a row contradicts itself' "$dir/data/$path" text text text text text
server "$bin/pg_ctl" -D data -w stop >/dev/null
printf 'x' | dd of="$dir/data/$path" conv=notrunc bs=1 seek=$((8192 * 5 + 4000)) status=none
refused 'read of page 5 .*corrupt' "$dir/data/$path" "${types[@]}"

# Damage that no checksum tells: the file is read, or refused with a reason.
cp "$dir/data/$path" "$dir/whole"
length=$(stat -c %s "$dir/whole")
RANDOM=1 refusals=0
for ((n = 0; n < 40; ++n)); do
    cp "$dir/whole" "$dir/data/$path"
    for ((i = 0; i < 8; ++i)); do
        printf "\\x$(printf %x $((RANDOM % 256)))" | dd of="$dir/data/$path" conv=notrunc bs=1 \
            status=none seek=$(((RANDOM * 32768 + RANDOM) % (i < 4 ? 8192 : length)))
    done
    status=0
    "$reader" --no-checksums "$dir/data/$path" "${types[@]}" >"$dir/found" 2>&1 || status=$?
    [[ $status -le 1 ]] || fail "damaged file $n: status $status: $(tail -n 3 "$dir/found")"
    refusals=$((refusals + status))
done
[[ $refusals -gt 5 ]] || fail "$refusals of 40 damaged files were refused"
echo "all answers agree; $refusals of 40 damaged files were refused"
