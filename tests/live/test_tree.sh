#!/usr/bin/env bash
# What is audited: a command with all its descendants, and nothing else.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 18
fresh ext4
f=$MNT/file

audit double-fork bash -c '( ( sleep 0.3; "$0" open wc "$1" write 4096 fsync ) & ) & ' "$act" "$f"
expect "a double fork" 0 fsync=1 "$proven"

audit daemon bash -c 'setsid -f sh -c "sleep 1; \"\$0\" open wc \"\$1\" write 4096 times 3 fsync" "$0" "$1"' "$act" "$f"
expect "a daemon that syncs after its parent has ended" 0 fsync=3 "$proven durable/clean"

audit grandchild sh -c 'sh -c "sh -c \"exec \\\"$0\\\" open wc \\\"$1\\\" write 4096 fsync\""' "$act" "$f"
expect "exec in a grandchild" 0 fsync=1 "$proven"

mkdir "$MNT/threads"
audit threads "$workload" threads-fsync "$MNT/threads" 20 5
expect "20 threads" 0 fsync=100 "$proven" '[.syncs[].tid] | unique | length >= 20'

audit first "$act" open wc "$f" fsync
expect "the first instructions of the command itself" 0 fsync=1 "$proven durable/clean" \
    '[.syncs[] | select(.kind == "fsync")][0] | .comm == "act" and .pid == .tid and .latency_ns > 0'

# Many short lives: none may slip through.
audit brood bash -c 'for ((i = 0; i < 300; i++)); do "$0" open wc "$1" pwrite 0 512 fsync & ((i % 20)) || wait; done; wait' \
    "$act" "$f"
expect "300 short-lived children" 0 fsync=300 "$proven durable/clean"

# --- not audited ---

"$act" open wc "$MNT/other" times 1000000 pwrite 0 512 fsync &
other=$!
on_exit "kill $other"
audit others "$act" open wc "$f" pwrite 0 4096 fsync
expect "a neighbour's calls are not listed" 0 fsync=1 "$proven"
kill $other
wait $other 2>/dev/null || true

# The auditor syncs in its self-test and for its database; none of it is the command's.
AUDIT_OPTIONS=(--db "$MNT/audit.db")
audit none true
AUDIT_OPTIONS=()
expect "the auditor's own calls are not listed" 0 "" "" '.totals.syncs == 0'
problem=''
sqlite3 "$MNT/audit.db" 'PRAGMA integrity_check' >"$work/integrity" 2>&1
[ "$(cat "$work/integrity")" = ok ] || problem=$(cat "$work/integrity")
point "--db leaves a database that sqlite3 can read" "$problem"

# --- when it ends ---

AUDIT_OPTIONS=(--follow=command)
began=$SECONDS
audit follow bash -c '"$0" open wc "$1" pwrite 0 4096 fsync; setsid -f sleep 8' "$act" "$f"
AUDIT_OPTIONS=()
took=$((SECONDS - began))
if [ $took -lt 7 ]; then
    expect "--follow=command ends with the command" 0 fsync=1 "$proven"
else
    not_ok "--follow=command ends with the command" "it took $took s"
fi

# A signal ends the audit, which still reports. A child of a script ignores
# SIGINT, hence python3, which restores it.
signalled() { # SIGNAL
    local pid try
    JSON=$work/$1.json
    rm -f "$JSON" "$work/sleeper"
    STATUS=0
    python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$FLUSHAUDIT" run --json -o "$JSON" -- \
        sh -c '"$0" open wc "$1" pwrite 0 4096 fsync; echo $$ >"$2"; exec sleep 60' \
        "$act" "$f" "$work/sleeper" >/dev/null 2>"$work/$1.err" &
    pid=$!
    for ((try = 0; try < 100; try++)); do
        [ ! -s "$work/sleeper" ] || break
        sleep 0.1
    done
    kill -"$1" $pid
    wait $pid || STATUS=$?
    kill "$(cat "$work/sleeper")" 2>/dev/null || true
}
for signal in INT TERM; do
    began=$SECONDS
    signalled $signal
    problem=''
    if [ "$(calls_status)" != 0 ] || ! holds "($sums) and .totals.durable == 1"; then
        problem=$(summary)
    elif [ $((SECONDS - began)) -gt 30 ]; then
        problem="it took $((SECONDS - began)) s"
    fi
    point "SIG$signal ends the audit with its report" "$problem"
done

# --- the command's streams and status ---

head -c 1000000 /dev/urandom >"$work/in"
STATUS=0
"$FLUSHAUDIT" run --json -o "$work/cat.json" -- cat <"$work/in" >"$work/out" 2>"$work/err" || STATUS=$?
problem=''
if ! cmp -s "$work/in" "$work/out"; then
    problem="the command's output was changed"
elif [ -s "$work/err" ]; then
    problem="stderr holds: $(head -n 3 "$work/err")"
fi
point "standard input and output pass through" "$problem"

"$FLUSHAUDIT" run -- echo words >"$work/out" 2>"$work/err" || true
problem=''
[ "$(cat "$work/out")" = words ] || problem="stdout: $(cat "$work/out")"
[ -s "$work/err" ] || problem+=" no report on stderr"
point "the text report goes to stderr" "$problem"

audit status sh -c 'exit 7'
problem=''
[ "$STATUS" = 0 ] || problem="exit $STATUS;"
holds '.command.exit_status == 7 and .command.argv == ["sh", "-c", "exit 7"]' || problem+=$(summary)
point "the command's exit status is in the report" "$problem"

audit killed sh -c 'kill -9 $$'
problem=''
holds '.command.exit_status == 137' || problem=$(summary)
point "a command killed by a signal: 128 + its number" "$problem"

AUDIT_OPTIONS=(--user nobody)
audit user sh -c 'id -un; test -z "$(id -Gn | tr -d " " | sed s/nogroup//)"'
AUDIT_OPTIONS=()
problem=''
[ "$(cat "$work/user.out")" = nobody ] && holds '.command.exit_status == 0' ||
    problem="it runs as $(cat "$work/user.out"): $(summary)"
point "--user runs the command as that user, without root's groups" "$problem"

# The report says what it could see.
audit level true
problem=''
holds '.schema == 1 and (.tool.level | IN("fentry", "kprobe", "tracepoint")) and
    (.tool.blind_spots | type) == "array" and (.tool.version | length) > 0 and
    .tool.kernel == $kernel' --arg kernel "$(uname -r)" || problem=$(show .tool)
point "the report names level, blind spots, version and kernel" "$problem"
