#!/usr/bin/env bash
# Counts are exact: sync calls against strace in the same run, flushes against
# /proc/diskstats over the same span, for git and for the databases that live
# in the program that uses them: SQLite, LMDB, RocksDB.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 60

fresh ext4

# --- git ---

for method in fsync writeout-only batch; do
    repo=$MNT/git-$method
    git init -q "$repo"
    for ((i = 0; i < 500; i++)); do echo "content $i $method" >"$repo/file-$i"; done
    compare "git-$method" git -C "$repo" -c core.fsync=all -c "core.fsyncMethod=$method" add .
    case $method in
    fsync) verdicts "git fsync: all durable" 0 "$proven durable/clean" ;;
    # Nothing that git did covers the last objects.
    writeout-only)
        UNSYNCED="/git-writeout-only/.git/(index|objects/.*)"
        verdicts "git writeout-only: not durable" 1 not-durable/writeout-only
        UNSYNCED=''
        ;;
    batch) verdicts "git batch: what was only written out is covered at the end" 0 \
        "not-durable/writeout-only $proven durable/clean" ;;
    esac
done

# --- SQLite ---

# 20 transactions. A rollback journal is synced, then the database; EXTRA syncs the
# directory as well once the journal is gone. In WAL mode only FULL and EXTRA sync each one.
for mode in DELETE WAL; do
    for level in OFF NORMAL FULL EXTRA; do
        name=sqlite-$mode-$level
        {
            echo "PRAGMA synchronous=$level; PRAGMA journal_mode=$mode; CREATE TABLE t (n);"
            for ((i = 1; i <= 20; i++)); do echo "INSERT INTO t VALUES ($i);"; done
        } >"$work/$name.sql"
        compare "$name" sqlite3 -init /dev/null "$MNT/$name.db" ".read $work/$name.sql"
        case $mode-$level in
        *-OFF)
            UNSYNCED="/$name.db(-wal)?"
            verdicts "$name: no calls, and the database is said to be unsynced" 0 none "$(calls_are '')"
            UNSYNCED=''
            ;;
        WAL-NORMAL) claim="($(calls_on fdatasync 'db-wal$')) < 20" ;;
        WAL-*) claim="($(calls_on fdatasync 'db-wal$')) >= 20" ;;
        *) claim="($(calls_on fdatasync 'db$')) >= 20 and ($(calls_on fdatasync 'db-journal$')) >= 20" ;;
        esac
        [ $level = OFF ] || verdicts "$name: all durable" 0 "$proven durable/clean" "$claim"
    done
done

# --- LMDB ---

# 20 transactions: the pages, then the meta page, which a descriptor opened O_DSYNC writes;
# through a writable map, both by msync.
cat >"$work/pages.py" <<'END_OF_SCRIPT'
import sys
import lmdb
options = dict.fromkeys(sys.argv[3:], True)
for name in ("sync", "metasync"):
    if options.pop("no-" + name, False):
        options[name] = False
environment = lmdb.open(sys.argv[1], map_size=1 << 20, **options)
for number in range(int(sys.argv[2])):
    with environment.begin(write=True) as transaction:
        transaction.put(b"key %d" % number, b"value")
# No sync when it is closed: the process just ends.
END_OF_SCRIPT
for options in "" no-metasync no-sync writemap "writemap map_async" "writemap no-sync"; do
    name=lmdb-${options:-default}
    name=${name// /-}
    mkdir "$MNT/$name"
    # shellcheck disable=SC2086 # words
    compare "$name" /usr/bin/python3 "$work/pages.py" "$MNT/$name" 20 $options
    case $options in
    "") wanted="fdatasync=20,o_dsync=20" ;;
    no-metasync) wanted="fdatasync=20" ;;
    *no-sync) wanted="" ;;
    *) wanted="msync=40" ;;
    esac
    # The table of readers is of use only while somebody has the database open. Without
    # metasync the next transaction's sync is to cover this one's meta page.
    UNSYNCED=/lock.mdb
    case $options in no-metasync | *map_async | *no-sync) UNSYNCED+="|/data.mdb" ;; esac
    case $options in
    *map_async)
        verdicts "LMDB, MDB_MAPASYNC: only written out" 1 not-durable/writeout-only "$(calls_are "$wanted")"
        ;;
    *no-sync)
        verdicts "LMDB, $options: no calls, and the database is said to be unsynced" 0 none "$(calls_are "$wanted")"
        ;;
    *) verdicts "LMDB, ${options:-as it is}: all durable" 0 "$proven durable/clean" "$(calls_are "$wanted")" ;;
    esac
    UNSYNCED=''
done

# --- RocksDB ---

# 40 keys. Without sync=1 its own files are synced, not the log of the keys. Whether the
# system has sync_file_range it finds out by calls that write nothing.
for options in --sync=1 --sync=0 "--sync=0 --disable_wal=1"; do
    name=rocksdb$(tr -d ' =-' <<<"$options")
    # shellcheck disable=SC2086 # words
    compare "$name" db_bench --benchmarks=fillseq --num=40 --threads=1 --compression_type=none \
        --db="$MNT/$name" $options
    claim="($(calls_on fdatasync '[.]log$'))"
    # What it says of itself, and the keys where they are not to be synced.
    UNSYNCED="/$name/LOG"
    [ "$options" != --sync=0 ] || UNSYNCED+="|/$name/[0-9]*[.]log"
    case $options in
    --sync=1) claim+=" >= 40" ;;
    --sync=0) claim+=" == 0" ;;
    *) claim+=" == 0 and ($(calls_on fdatasync '[.]sst$')) >= 1" ;;
    esac
    verdicts "RocksDB, $options: what it synced is durable" 0 \
        "not-durable/writeout-only $proven durable/clean" "$claim"
done
