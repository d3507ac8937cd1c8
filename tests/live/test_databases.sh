#!/usr/bin/env bash
# Database servers in each of their ways to be durable, or not to be: sync calls against
# strace, flushes against /proc/diskstats, and the verdicts that the configuration warrants.
# Each server is a private instance on the throwaway file system, gone when its run ends.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 49
fresh ext4

any='fsync|fdatasync|o_sync|o_dsync'

# In jq: the line of a program names the file that its commits wait for.
line_names() { # PROGRAM PATH
    echo "([.programs[] | select(.comm == \"$1\")] | length == 1 and
        (.[0].most_synced_path | test(\"$2\")))"
}

# A copy of a data directory, on the medium before the audit begins.
instance() { # TEMPLATE NAME
    HOME_DIR=$MNT/$2
    mkdir "$HOME_DIR"
    cp -a "$1" "$HOME_DIR/data"
    chown --reference="$1" "$HOME_DIR"
}

script() { cat >"$1"; chmod 755 "$1"; } # FILE

# --- PostgreSQL ---

pg=''
for dir in /usr/lib/postgresql/*/bin; do [ ! -x "$dir/pgbench" ] || pg=$dir; done
script "$work/postgresql" <<'END_OF_SCRIPT'
#!/bin/sh -eu
# The whole life of a server: start, WORK, stop.
bin=$1 home=$2 options=$3 work=$4
cd "$home"
"$bin/pg_ctl" start -s -w -D "$home/data" -l "$home/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$home -c autovacuum=off $options"
case $work in
init) "$bin/pgbench" -h "$home" -i -q -s 1 postgres ;;
bench) "$bin/pgbench" -h "$home" -n -c 4 -j 2 -t 15 postgres ;;
segments)
    for round in 1 2; do
        for n in $(seq 6); do
            echo "SELECT pg_logical_emit_message(true, '$round', '$n'); SELECT pg_switch_wal();"
        done
        echo 'CHECKPOINT;'
    done | "$bin/psql" -h "$home" -q -o /dev/null postgres
    ;;
esac
"$bin/psql" -h "$home" -qc CHECKPOINT postgres
"$bin/pg_ctl" stop -s -w -m fast -D "$home/data"
END_OF_SCRIPT
export PGUSER=postgres
template=$MNT/postgresql
install -d -o postgres "$template"
(cd / && runuser -u postgres -- "$pg/initdb" -N -A trust -U postgres --wal-segsize=1 -D "$template/data") \
    >"$work/initdb.out" 2>&1
(cd / && runuser -u postgres -- "$work/postgresql" "$pg" "$template" "-c fsync=off" init) >"$work/init.out" 2>&1

# 4 clients, 15 transactions each: at most 4 commits share a sync.
while read -r name kind options; do
    instance "$template/data" "postgresql-$name"
    # The user is changed by flushaudit in one run, by the command in the others.
    as=(runuser -u postgres --)
    if [ "$name" = fdatasync ]; then AUDIT_OPTIONS=(--user postgres) as=(); fi
    compare "postgresql-$name" "${as[@]}" "$work/postgresql" "$pg" "$HOME_DIR" "$options" bench
    AUDIT_OPTIONS=()
    # What it never syncs: its log, and what is made anew at each start.
    UNSYNCED="/postgresql-$name(/log|/data/(pg_subtrans/0000|pg_stat/pgstat.stat|.*/pg_internal.init))"
    wal=$(calls_on "$kind" /pg_wal/0)
    case $name in
    no-fsync)
        UNSYNCED="/postgresql-$name/(log|data/.*)"
        verdicts "PostgreSQL with fsync off: no sync call at all" 0 '' \
            '.totals.syncs == 0 and ([.programs[] | select(.comm == "postgres")][0] | .syncs == 0 and .at_risk > 10)'
        ;;
    async)
        verdicts "PostgreSQL with synchronous_commit off: durable, and fewer syncs than commits" 0 \
            "not-durable/writeout-only $proven durable/clean" "($wal) < 15"
        ;;
    *)
        verdicts "PostgreSQL with wal_sync_method $name: durable, a sync for each round of commits" 0 \
            "not-durable/writeout-only $proven durable/clean" \
            "($wal) >= 15 and ($(calls_on "$any" /pg_wal/0)) == ($wal) and $(line_names postgres /pg_wal/0)"
        ;;
    esac
    rm -rf "$HOME_DIR"
done <<'END_OF_LIST'
fdatasync fdatasync -c wal_sync_method=fdatasync
fsync fsync -c wal_sync_method=fsync
open_datasync o_dsync -c wal_sync_method=open_datasync
open_sync o_sync -c wal_sync_method=open_sync -c wal_level=minimal -c max_wal_senders=0
async fdatasync -c synchronous_commit=off -c wal_writer_delay=10s
no-fsync fdatasync -c fsync=off
END_OF_LIST

# Segments of its log that are done with are renamed to be the next ones.
instance "$template/data" postgresql-segments
AUDIT_OPTIONS=(--user postgres --names)
audit postgresql-segments "$work/postgresql" "$pg" "$HOME_DIR" '' segments
AUDIT_OPTIONS=()
problem=''
holds '[.changes[] | select(.kind == "rename" and (.new_path | test("/pg_wal/0")))] | (map(select(.old_path | test("/pg_wal/0"))) | length) >= 6 and
    all(.[]; .old_posix == "durable" and .new_posix == "durable" and .filesystem == "durable" and
        (.data == "durable" or (.old_path | test("/pg_wal/0"))))' ||
    problem=$(show '[.changes[] | select(.kind == "rename" and (.new_path | test("/pg_wal/0")))] |
        map([.old_path, .new_path, .old_posix, .new_posix, .filesystem, .data])')
point "PostgreSQL that recycles segments of its log: each is renamed with all steps" "$problem"
rm -rf "$HOME_DIR"

# --- MariaDB ---

script "$work/mariadb" <<'END_OF_SCRIPT'
#!/bin/sh -eu
# A server, 30 transactions by one client, the end of the server.
home=$1
shift
/usr/sbin/mariadbd --no-defaults --user="$(id -un)" --datadir="$home/data" --socket="$home/socket" --skip-networking \
    --pid-file="$home/pid" --log-bin="$home/data/binlog" --innodb-buffer-pool-size=16M --innodb-log-file-size=4M "$@" \
    >"$home/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server; tail -n 5 "$home/log"' EXIT
for try in $(seq 300); do
    [ ! -S "$home/socket" ] || break
    sleep 0.1
done
{
    echo 'CREATE TABLE test.t (n INT PRIMARY KEY) ENGINE=InnoDB;'
    for n in $(seq 30); do echo "INSERT INTO test.t VALUES ($n);"; done
    echo 'SHUTDOWN;'
} | mariadb --no-defaults --socket="$home/socket" -u root
trap - EXIT
wait $server
END_OF_SCRIPT
template=$MNT/mariadb
install -d -o nobody "$template"
runuser -u nobody -- mariadb-install-db --no-defaults --datadir="$template/data" \
    --auth-root-authentication-method=normal --innodb-log-file-size=4M >"$work/install.out" 2>&1

# Every pair of settings once.
while read -r commit method binlog; do
    name=mariadb-$commit-$method-$binlog
    instance "$template/data" "$name"
    AUDIT_OPTIONS=(--user nobody)
    compare "$name" "$work/mariadb" "$HOME_DIR" --innodb-flush-log-at-trx-commit="$commit" \
        --innodb-flush-method="$method" --sync-binlog="$binlog"
    AUDIT_OPTIONS=()
    UNSYNCED="/$name/(log|data/ib_buffer_pool)"
    claim="($(calls_on "$any" 'ib_logfile0$')) $([ "$commit" = 1 ] && echo '>= 30' || echo '< 30')"
    claim+=" and ($(calls_on "$any" 'binlog[.][0-9]*$')) $([ "$binlog" = 1 ] && echo '>= 30' || echo '< 10')"
    case $commit$binlog in
    1?) claim+=" and $(line_names mariadbd '/ib_logfile0$')" ;;
    ?1) claim+=" and $(line_names mariadbd '/binlog[.]000001$')" ;;
    esac
    verdicts "MariaDB, innodb_flush_log_at_trx_commit=$commit innodb_flush_method=$method sync_binlog=$binlog: durable, with a sync for each transaction where asked" \
        0 "$proven durable/clean" "$claim"
    rm -rf "$HOME_DIR"
done <<'END_OF_LIST'
0 fsync 1
0 O_DIRECT 0
1 fsync 0
1 O_DIRECT 1
2 fsync 1
2 O_DIRECT 0
END_OF_LIST

UNSYNCED=''

# --- redis ---

# Debian's redis-tools hold the server under another name: it is what it is called as.
ln -s /usr/bin/redis-check-rdb "$work/redis-server"
script "$work/redis" <<'END_OF_SCRIPT'
#!/bin/sh -eu
# A server, 40 keys set one after the other, the end of the server.
server=$1 home=$2 policy=$3
"$server" --dir "$home" --unixsocket "$home/socket" --port 0 --save '' --appendonly yes --appendfsync "$policy" \
    >"$home/log" &
pid=$!
trap 'kill $pid 2>/dev/null || true; wait $pid; tail -n 5 "$home/log"' EXIT
for try in $(seq 300); do
    [ ! -S "$home/socket" ] || break
    sleep 0.1
done
for n in $(seq 40); do echo "SET key-$n $n"; done | redis-cli -s "$home/socket"
# A second passes between the last key and the end.
sleep 1.2
redis-cli -s "$home/socket" SHUTDOWN
trap - EXIT
wait $pid
END_OF_SCRIPT
for policy in always everysec no; do
    name=redis-$policy
    mkdir "$MNT/$name"
    compare "$name" "$work/redis" "$work/redis-server" "$MNT/$name" $policy
    log=$(calls_on "$any" '[.]incr[.]aof$')
    case $policy in
    always) claim="($log) >= 40 and $(line_names redis-server '[.]incr[.]aof$')" ;;
    everysec) claim="($log) >= 1 and ($log) < 10 and $(line_names redis-server '[.]incr[.]aof$')" ;;
    # One when the server ends.
    no) claim="($log) <= 1" ;;
    esac
    UNSYNCED="/$name/log"
    verdicts "redis, appendfsync $policy: durable, as often as promised" 0 "$proven durable/clean" "$claim"
done

# --- etcd ---

cat >"$work/etcd.py" <<'END_OF_SCRIPT'
"""A server, 20 keys put one after the other, the end of the server."""
import base64
import http.client
import json
import socket
import subprocess
import sys
import time

home = sys.argv[1]
ports = []
held = [socket.socket() for _ in range(2)]
for one in held:
    one.bind(("127.0.0.1", 0))
    ports.append(one.getsockname()[1])
for one in held:
    one.close()
client, peer = (f"http://127.0.0.1:{port}" for port in ports)
with open(home + "/log", "w") as log:
    server = subprocess.Popen(
        ["etcd", "--data-dir", home + "/data", "--listen-client-urls", client, "--advertise-client-urls", client,
         "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer],
        stdout=log, stderr=log)
try:
    for number in range(20):
        body = json.dumps({"key": base64.b64encode(b"key %d" % number).decode(), "value": "dmFsdWU="})
        for _ in range(300):
            try:
                line = http.client.HTTPConnection("127.0.0.1", ports[0])
                line.request("POST", "/v3/kv/put", body)
                if line.getresponse().status == 200:
                    break
            except OSError:
                pass
            time.sleep(0.1)
        else:
            sys.exit("etcd does not answer: " + open(home + "/log").read()[-500:])
finally:
    server.terminate()
    server.wait()
END_OF_SCRIPT
mkdir "$MNT/etcd"
compare etcd python3 "$work/etcd.py" "$MNT/etcd"
UNSYNCED=/etcd/log
verdicts "etcd: all durable, a sync of its log for each key" 0 "$proven durable/clean" \
    "($(calls_on "$any" '[.]wal$')) >= 20 and $(line_names etcd '[.]wal$')"
