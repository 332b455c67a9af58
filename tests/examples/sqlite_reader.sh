#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
#
# sqlite_reader.sh READER [ROWS]    in an empty folder: the answers of the example are those of
#                                   sqlite3, at five page sizes; what is not read is refused by
#                                   name; damaged files get a message and no more
# Exit status 77: sqlite3 is not installed.
set -euo pipefail
reader=$1 rows=${2:-100000}
command -v sqlite3 >/dev/null || { echo "skipped: sqlite3 is not installed"; exit 77; }
rm -f ./*.db ./*.db-wal ./*.db-journal ./wanted ./found

fail() {
    echo "$*" >&2
    exit 1
}
# What sqlite3 says of a column, in the reader's form.
wanted() { # FILE TABLE COLUMN [SUM]
    sqlite3 -separator $'\n' "$1" "SELECT 'count ' || count($3),
        'sum ' || ${4:-ifnull(sum($3), '-')},
        'minimum ' || ifnull(min($3), '-'), 'maximum ' || ifnull(max($3), '-') FROM $2"
}
compare() {
    wanted "$@" >wanted
    "$reader" "$1" "$2" "$3" >found
    diff wanted found || fail "$1: $2.$3 differs"
}
refused() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    if "$reader" "$@" >found 2>&1; then fail "not refused: $*"; fi
    grep -qE "$pattern" found || fail "$* says: $(cat found)"
}

for size in 512 1024 4096 32768 65536; do
    file=of_$size.db
    # Integers of every width, reals, texts that need overflow pages, blobs, and NULL.
    sqlite3 "$file" <<SQL
PRAGMA page_size = $size;
CREATE TABLE every (id INTEGER PRIMARY KEY, -- the rowid: not in the row, "so" to say
    small INT, wide, "a, (b) real" REAL, [name] TEXT DEFAULT ('x,)y'), picture BLOB,
    few NUMERIC(10, 2), CHECK (id > -1000000));
CREATE TABLE keyed (v TEXT, "k" INTEGER, CONSTRAINT pk PRIMARY KEY ("k"));
CREATE TABLE apart (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE vacant (a, b);
CREATE VIEW seen AS SELECT id FROM every;
CREATE INDEX by_name ON every (name);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
INSERT INTO every SELECT i * 3 - 1000, i % 2,
    CASE i % 9 WHEN 0 THEN NULL ELSE (1 << (i % 63)) * (1 - i % 2 * 2) END,
    CASE i % 4 WHEN 0 THEN i ELSE i / 7.0 END,
    CASE i % 500 WHEN 7 THEN printf('%.*c', i % 20000, 'x') ELSE 'name ' || (i * 7919 % 100003) END,
    CASE i % 3 WHEN 0 THEN NULL ELSE CAST('picture ' || (i * 7919 % 1009) AS BLOB) END,
    CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i + 0.5 ELSE i END FROM n;
INSERT INTO keyed SELECT name, id * 5 FROM every LIMIT 1000;
SQL
    compare "$file" every id
    compare "$file" every small
    wanted "$file" every '"a, (b) real"' >wanted
    "$reader" "$file" every 'A, (b) REAL' >found
    diff wanted found || fail "$file: the quoted column differs"
    compare "$file" every few
    compare "$file" every name "'-'"
    compare "$file" keyed k
    compare "$file" keyed v "'-'"
    compare "$file" vacant a
    sqlite3 "$file" "SELECT 'maximum ' || quote(max(picture)) FROM every" >wanted
    "$reader" "$file" every picture | grep maximum | diff wanted - || fail "$file: every.picture"
    compare "$file" every wide
    "$reader" "$file" >found
    printf 'every %s\nkeyed %s\napart WITHOUT ROWID: not read\nvacant 0\n' "$rows" \
        "$(sqlite3 "$file" 'SELECT count(*) FROM keyed')" | diff - found || fail "$file: the list"
    refused 'apart is WITHOUT ROWID' "$file" apart v
done

file=of_1024.db
refused 'no table other' "$file" other v
refused 'has no column v' "$file" every v
refused 'is no SQLite database' "$0"
refused 'cannot be opened' absent.db
sqlite3 "$file" "ALTER TABLE vacant ADD COLUMN late DEFAULT 7;
    CREATE TABLE made (a, b AS (a + 1)); INSERT INTO vacant (a) VALUES (1)"
refused 'made has generated columns' "$file" made a
sqlite3 "$file" "CREATE TABLE old (a); INSERT INTO old VALUES (1);
    ALTER TABLE old ADD COLUMN late DEFAULT 7; ALTER TABLE old ADD COLUMN later"
compare "$file" old later
sqlite3 "$file" "CREATE TABLE large (a); INSERT INTO large VALUES (9223372036854775807), (1)"
compare "$file" large a "'- (integer overflow)'"
refused 'row 1 is older than column late' "$file" old late
sqlite3 utf16.db "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (a)"
refused 'UTF-16' utf16.db
sqlite3 wal.db "PRAGMA journal_mode = wal; CREATE TABLE t (a);" ".shell cp wal.db copy.db" \
    ".shell cp wal.db-wal copy.db-wal" >/dev/null
refused 'copy.db-wal, which are not read' copy.db
rm copy.db-wal
sqlite3 wal.db "INSERT INTO t VALUES (42)"
compare wal.db t a

# Damage: 60 files with some bytes changed. Each is read, or refused with the page and a reason.
sqlite3 small.db "PRAGMA page_size = 1024; ATTACH '$file' AS large;
    CREATE TABLE every AS SELECT id, name, picture FROM large.every LIMIT 400"
length=$(stat -c %s small.db)
RANDOM=1
refusals=0
for ((n = 0; n < 60; ++n)); do
    cp small.db damaged.db
    for ((i = 0; i < 6; ++i)); do
        printf "\\x$(printf %x $((RANDOM % 256)))" | dd of=damaged.db conv=notrunc bs=1 status=none \
            seek=$((100 + (RANDOM * 32768 + RANDOM) % (length - 100)))
    done
    status=0
    "$reader" damaged.db every name >found 2>&1 || status=$?
    [[ $status -le 1 ]] || fail "damaged file $n: status $status: $(tail -n 3 found)"
    if [[ $status -eq 1 ]]; then
        refusals=$((refusals + 1))
        grep -qE '^damaged.db: (page [0-9]+: .|no table|table )' found ||
            fail "damaged file $n: $(cat found)"
    fi
done
[[ $refusals -gt 10 && $refusals -lt 55 ]] || fail "$refusals of 60 damaged files were refused"
echo "all answers agree; $refusals of 60 damaged files were refused"
