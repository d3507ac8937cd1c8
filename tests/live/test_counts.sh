#!/usr/bin/env bash
# Counts are exact: sync calls against strace in the same run, flushes against
# /proc/diskstats over the same span, for git, SQLite and PostgreSQL.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 27

kinds="fsync fdatasync sync_file_range"

# How often each call returned, as "kind=n,kind=n" sorted by kind.
straced() { # LOG
    awk '{ call = "" }
        /<unfinished \.\.\.>/ { next }
        match($0, /^[0-9]+ +[a-z_]+\(/) { call = $2; sub(/\(.*/, "", call) }
        match($0, /^[0-9]+ +<\.\.\. [a-z_]+ resumed>/) { call = $3 }
        call != "" && /= -?[0-9]+/ { n[call]++ }
        END { for (call in n) print call "=" n[call] }' "$1" | sort | paste -sd, -
}

reported='[.syncs[] | select(.kind != "kernel")] | group_by(.kind) |
    map("\(.[0].kind)=\(length)") | sort | join(",")'

# Audits strace and the command below it on the idle device LOOP. Two points:
# the calls are those that strace saw, the flushes those the device completed.
compare() { # NAME COMMAND...
    local name=$1 before after want got problem
    shift
    sync -f "$MNT"
    before=$(idle_flushes "$LOOP")
    audit "$name" strace -f -qq -o "$work/$name.strace" -e "trace=${kinds// /,}" "$@"
    after=$(flushes_of "$LOOP")
    touch "$work/$name.strace"

    want=$(straced "$work/$name.strace")
    problem=''
    if ! got=$(jq -er "$reported" "$JSON" 2>&1) || ! holds "($sums) and .totals.lost_events == 0"; then
        problem="no consistent report: $(summary)"
    elif ! holds '.command.exit_status == 0'; then
        problem="the command failed: $(tail -n 3 "$work/$name.err" "$work/$name.out")"
    elif [ "$got" != "$want" ]; then
        problem="flushaudit has '$got', strace '$want'"
    fi
    point "$name: sync calls as strace counts them (${want:-none})" "$problem"

    want=$((after - before))
    got=$(jq -r --arg dev "$(dev_of "$LOOP")" '
        [.devices[] | select(.dev == $dev) | .flushes] as $counted |
        [.flushes[] | select(.dev == $dev)] | length as $listed |
        if ($counted | length) == 0 then $listed
        elif $counted[0] == $listed then $listed else "\($counted[0]) counted, \($listed) listed" end' \
        "$JSON" 2>/dev/null) || got="no report"
    problem=''
    [ "$got" = $want ] || problem="flushaudit has $got, diskstats $want"
    point "$name: flushes as diskstats counts them ($want)" "$problem"
}

# The verdicts of that audit: each call one of these.
verdicts() { # TITLE EXIT "VERDICT/REASON..."
    local problem=''
    if [[ ",$2," != *",$STATUS,"* ]] || ! holds 'all(.syncs[] | select(.kind != "kernel");
        "\(.verdict)/\(.reason)" as $v | ($wanted | split(" ") | index([$v])) != null)' --arg wanted "$3"; then
        problem=$(summary)
    fi
    point "$1" "$problem"
}

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
    writeout-only) verdicts "git writeout-only: not durable" 1 not-durable/writeout-only ;;
    batch) verdicts "git batch: what was only written out is covered at the end" 0 \
        "not-durable/writeout-only $proven durable/clean" ;;
    esac
done

# --- SQLite ---

for mode in DELETE WAL; do
    for level in FULL OFF; do
        name=sqlite-$mode-$level
        {
            echo "PRAGMA synchronous=$level; PRAGMA journal_mode=$mode; CREATE TABLE t (n);"
            for ((i = 1; i <= 20; i++)); do echo "INSERT INTO t VALUES ($i);"; done
        } >"$work/$name.sql"
        compare "$name" sqlite3 -init /dev/null "$MNT/$name.db" ".read $work/$name.sql"
        if [ $level = FULL ]; then
            verdicts "$name: all durable" 0 "$proven durable/clean"
        else
            verdicts "$name: no calls" 0 none
        fi
    done
done

# --- PostgreSQL ---

pg=''
for dir in /usr/lib/postgresql/*/bin; do [ ! -x "$dir/pgbench" ] || pg=$dir; done
if [ -z "$pg" ]; then skip_rest "PostgreSQL is not installed"; fi
cat >"$work/serve" <<'END'
#!/bin/sh -eu
# The whole life of a server: start, a short pgbench, stop.
cd "$2"
"$1/pg_ctl" start -s -w -D "$2/data" -l "$2/log" -o "-c listen_addresses= -c unix_socket_directories=$2 -c fsync=$3"
"$1/pgbench" -h "$2" -i -q -s 1 postgres
"$1/pgbench" -h "$2" -n -c 4 -j 2 -t 50 postgres
"$1/psql" -h "$2" -qc CHECKPOINT postgres
"$1/pg_ctl" stop -s -w -m fast -D "$2/data"
END
chmod 755 "$work/serve"
for fsync in on off; do
    home=$MNT/pg-$fsync
    install -d -o postgres "$home"
    (cd / && runuser -u postgres -- "$pg/initdb" -N -A trust -U postgres -D "$home/data") >"$work/initdb.out" 2>&1
    : >"$work/postgresql-$fsync.strace"
    chmod 666 "$work/postgresql-$fsync.strace"
    # The user is changed by flushaudit in one run, by the command in the other.
    export PGUSER=postgres
    if [ $fsync = on ]; then
        AUDIT_OPTIONS=(--user postgres)
        compare "postgresql-$fsync" "$work/serve" "$pg" "$home" $fsync
        AUDIT_OPTIONS=()
        verdicts "PostgreSQL with fsync on: all durable" 0 "not-durable/writeout-only $proven durable/clean"
    else
        compare "postgresql-$fsync" runuser -u postgres -- "$work/serve" "$pg" "$home" $fsync
        problem=''
        holds '[.syncs[] | select(.kind == "fsync" or .kind == "fdatasync")] | length < 20' ||
            problem=$(summary)
        point "PostgreSQL with fsync off: next to no calls" "$problem"
    fi
done
