#!/usr/bin/env bash
# watch: a line for each call that strace counts, each filter with what it leaves out, lines that
# stay in their columns, memory that stays bounded, and an end that loses nothing.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 33

# The same program under two names, on a file system each.
cp "$workload" "$work/alpha"
cp "$workload" "$work/beta"
fresh ext4
first=$MNT first_dev=$LOOP
fresh ext4
second=$MNT second_dev=$LOOP

# --- watches in the background ---

declare -A watching=()

# Begins a watch that prints to $work/NAME.out; messages are in NAME.err.
begin() { # NAME OPTION...
    local name=$1
    shift
    "$FLUSHAUDIT" watch "$@" </dev/null >"$work/$name.out" 2>"$work/$name.err" &
    watching[$name]=$!
    on_exit "kill ${watching[$name]}"
}

# Waits until those that were begun watch.
ready() {
    local name tries
    for name in "${!watching[@]}"; do
        for ((tries = 0; tries < 600; tries++)); do
            ! grep -q 'watching at level' "$work/$name.err" || break
            kill -0 "${watching[$name]}" 2>/dev/null || break
            sleep 0.1
        done
    done
}

# Ends one. Sets STATUS.
end() { # NAME [SIGNAL]
    STATUS=0
    kill "-${2:-INT}" "${watching[$1]}" 2>/dev/null || true
    wait "${watching[$1]}" || STATUS=$?
    unset "watching[$1]"
}

# One point: the watch ended well, lost nothing, and printed so many calls of each name.
sees() { # TITLE NAME "COMM=N,..."
    local problem='' got
    end "$2"
    got=$(jq -r .comm "$work/$2.out" | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd, -)
    [ "$got" = "$3" ] || problem="it printed '$got', not '$3'"
    grep -q ' 0 events lost' "$work/$2.err" || problem+=" lost: $(tail -n 2 "$work/$2.err")"
    [ $STATUS = 0 ] || problem+=" exit $STATUS: $(tail -n 2 "$work/$2.err") $(jq -c 'select(.verdict != "durable")' "$work/$2.out" | head -3)"
    point "$1" "$problem"
}

# --- a place in the cgroup hierarchy ---

cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -z "$cgroups" ]; then
    cgroups=$work/cgroups
    mkdir "$cgroups"
    mount -t cgroup2 none "$cgroups"
    on_exit "umount '$cgroups'"
fi
unit=flushaudit-test-$$.service
mkdir -p "$cgroups/$unit/inner" "$cgroups/$unit-other"
on_exit "rmdir '$cgroups/$unit/inner' '$cgroups/$unit' '$cgroups/$unit-other'"
inside() { # CGROUP COMMAND...
    sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$cgroups/$1" "${@:2}"
}
straced() { strace -f -qq -e trace=fsync,fdatasync,sync_file_range -o "$work/$1.strace" "${@:2}"; }
count_of() { grep -cE '(fsync|fdatasync|sync_file_range)(\(| resumed).*= 0' "$work/$1.strace"; }

# --- who asked, and about what ---

# A process that runs already, with a child; more come later.
mkfifo "$work/go"
sh -c 'sleep 1000 & child=$!; read -r x <"$1"; "$2" append-fsync "$4/later" 5 4096; "$3" threads-fsync "$4" 3 4; kill $child' \
    sh "$work/go" "$work/alpha" "$work/beta" "$first" &
family=$!
sleep 1000 &
other=$!
on_exit "kill $family $other"

only=(--path "$first" --path "$second") # others may sync on this machine
begin all --json "${only[@]}"
begin comm --json --comm alpha "${only[@]}"
begin begins --json --comm 'alph*' --comm 'be*' "${only[@]}"
begin none --json --comm alph --comm alphabet
begin path --json --path "$first"
begin file --json --path "$second/b"
begin pattern --json --path "$first/*/not" --path "$second/?"
begin dev --json --dev "$first_dev"
begin number --json --dev "$(dev_of "$second_dev")"
begin both --json --comm alpha --path "$second"
begin cgroup --json --cgroup "$unit" "${only[@]}"
begin elsewhere --json --cgroup "$cgroups/$unit-other" "${only[@]}"
begin unit --json --unit "${unit%.service}" --comm alpha
begin pid --json --pid $family --comm alpha --comm beta
begin stranger --json --pid $other
ready

inside "$unit/inner" strace -f -qq -e trace=fsync,fdatasync,sync_file_range -o "$work/alpha.strace" \
    "$work/alpha" append-fsync "$first/a" 40 4096 &
job=$!
straced beta "$work/beta" overwrite-fdatasync "$second/b" 30 4096
wait $job
sleep 0.5
a=$(count_of alpha) b=$(count_of beta)
sees "two programs: as many calls as strace counts ($a and $b)" all "alpha=$a,beta=$b"
sees "--comm: its calls" comm "alpha=$a"
sees "--comm NAME*, twice: those of both" begins "alpha=$a,beta=$b"
sees "--comm of nobody, though names begin so: none" none ""
sees "--path of a directory: what is below" path "alpha=$a"
sees "--path of a file" file "beta=$b"
sees "--path of a pattern" pattern "beta=$b"
sees "--dev by its node: what is on the file system there" dev "alpha=$a"
sees "--dev by its number" number "beta=$b"
sees "--comm and --path: both must hold" both ""
sees "--cgroup: what is in it and below" cgroup "alpha=$a"
sees "--cgroup of others: none" elsewhere ""
sees "--unit" unit "alpha=$a"
echo go >"$work/go"
wait $family
for ((i = 0; i < 100; i++)); do kill -0 "${watching[pid]}" 2>/dev/null || break; sleep 0.1; done
problem=''
! kill -0 "${watching[pid]}" 2>/dev/null || problem="it goes on"
point "--pid: ends with the last of those processes" "$problem"
sees "--pid: later children, and threads of theirs" pid "alpha=5,beta=12"
sees "--pid of another: none" stranger ""

# What workers carry out counts as asked for by who asked.
player=$top/.build/vm/player
sed '/uringrange/d' "$top/tests/vm/judge/scripts/calls" >"$work/script"
begin workers --json --comm player --path "$first"
begin nobody --json --comm playe --path "$first"
ready
"$player" play --dir "$first" --script "$work/script" --history "$work/history" >/dev/null
sleep 0.5
end workers
made=$(awk -F'\t' '$1 == "C" && $4 != "sync" && $4 != "end" { print $4, $3 }' "$work/history" | sort | uniq -c)
seen=$(jq -r '"\(.kind) \(.tid)"' "$work/workers.out" | sort | uniq -c)
problem=''
[ -n "$made" ] && [ "$made" = "$seen" ] || problem="made: $made; seen: $seen"
point "--comm holds of io_uring's and AIO's workers: $(jq -r .kind "$work/workers.out" | sort -u | paste -sd' ' -)" "$problem"
sees "... and not of another name" nobody ""

# --- a cgroup that ends and begins anew, as that of a unit that is restarted ---

begin again --json --unit "$unit" --comm alpha
ready
inside "$unit/inner" "$work/alpha" append-fsync "$first/again" 2 4096
rmdir "$cgroups/$unit/inner" "$cgroups/$unit"
mkdir -p "$cgroups/$unit/inner"
sleep 0.5
inside "$unit" "$work/alpha" append-fsync "$first/again" 3 4096
sleep 0.3
sees "--unit holds of a unit that was restarted" again "alpha=5"

# --- filters of run ---

both='"$1" append-fsync "$3/x" 3 4096; "$2" append-fsync "$4/y" 4 4096'
filtered() { # TITLE CALLS OPTION...
    AUDIT_OPTIONS=("${@:3}")
    audit filtered sh -c "$both" sh "$work/alpha" "$work/beta" "$first" "$second"
    AUDIT_OPTIONS=()
    expect "$1" 0 "$2" "$proven" "all(.syncs[]; .kind == \"kernel\" or .comm == \"beta\") and .totals.lost_events == 0"
}
filtered "run --comm: of what the command starts" fsync=4 --comm beta
filtered "run --path" fsync=4 --path "$second/y"
filtered "run --dev" fsync=4 --dev "$second_dev"

# --- lines ---

hostile=$'\e[31m\nx\xff y'
cp "$act" "$work/$hostile"
cp "$act" "$work/a-name-that-is-longer-than-fits"
begin text --path "$first/lines"
begin objects --json --path "$first/lines"
begin bad --bad --path "$first/lines"
ready
mkdir "$first/lines"
"$work/$hostile" open wc "$first/lines/$hostile" write 100 fsync range
"$work/a-name-that-is-longer-than-fits" open wc "$first/lines/z" write 100 fdatasync times 3 write 1 fsync
sleep 0.5
end text
problem=''
awk 'NR == 1 { at = index($0, "PATH"); next }
    substr($0, at - 1, 2) != " /" { print "line " NR ": " $0; bad = 1 }
    END { exit bad || NR != 7 }' "$work/text.out" >"$work/shifted" || problem="$(cat "$work/shifted") of $(cat "$work/text.out")"
point "columns stay where they are, whatever names hold" "$problem"
problem=''
! LC_ALL=C grep -q '[^[:print:]]' "$work/text.out" || problem=$(cat -v "$work/text.out")
point "control characters are escaped" "$problem"
end objects
keys=$(jq -c 'keys' "$work/objects.out" | sort -u)
wanted=$(jq -c '.syncs[0] | keys' "$JSON")
problem=''
[ "$(jq -c . "$work/objects.out" | wc -l)" = 6 ] && [ "$(wc -l <"$work/objects.out")" = 6 ] && [ "$keys" = "$wanted" ] ||
    problem="keys $keys, not $wanted: $(cat "$work/objects.out")"
point "--json: one object per line, the fields of the report's" "$problem"
end bad
problem=''
[ $STATUS = 0 ] && [ "$(grep -c sync_file_range "$work/bad.out")" = 1 ] && [ "$(wc -l <"$work/bad.out")" = 2 ] ||
    problem="exit $STATUS: $(cat "$work/bad.out" "$work/bad.err")"
point "--bad: only the call that was not durable; covered later, it does not fail the audit" "$problem"

# --- how it ends ---

# Somebody syncs all the time, when it begins and when it ends.
"$work/beta" threads-fsync "$second" 4 1000000 &
busy=$!
on_exit "kill $busy"
problem=''
timeout 120 "$FLUSHAUDIT" watch --json --path "$second" --count 25 >"$work/out" 2>"$work/err" || problem="exit $?"
[ "$(wc -l <"$work/out")" = 25 ] || problem+=" $(wc -l <"$work/out") lines"
grep -q ' 0 events lost' "$work/err" || problem+=" $(cat "$work/err")"
point "--count: ends after so many lines; calls in progress at both ends are no losses" "$problem"
began=$SECONDS problem=''
timeout 120 "$FLUSHAUDIT" watch --json --comm beta --duration 2 >"$work/out" 2>"$work/err" || problem="exit $?"
[ -s "$work/out" ] && [ $((SECONDS - began)) -lt 60 ] && grep -q ' 0 events lost' "$work/err" ||
    problem+=" $((SECONDS - began)) s: $(cat "$work/err")"
point "--duration" "$problem"
problem=''
(timeout 120 "$FLUSHAUDIT" watch --path "$second" 2>"$work/err" || echo "exit $?" >>"$work/err") | head -n 3 >"$work/out"
grep -q ' 0 events lost' "$work/err" && ! grep -q exit "$work/err" && [ "$(wc -l <"$work/out")" = 3 ] || problem=$(cat "$work/err")
point "a closed pipe ends it" "$problem"
kill $busy
wait $busy || true
problem='' STATUS=0
timeout 120 "$FLUSHAUDIT" watch --json >/dev/full 2>"$work/err" & watching[full]=$!
ready_full() { for ((i = 0; i < 600; i++)); do ! grep -q watching "$work/err" || break; sleep 0.1; done; }
ready_full
"$work/alpha" append-fsync "$first/full" 3 4096
wait "${watching[full]}" || STATUS=$?
unset "watching[full]"
[ $STATUS = 2 ] && grep -q 'No space left' "$work/err" || problem="exit $STATUS: $(cat "$work/err")"
point "a full disk is an error" "$problem"
begin term --json --comm nobody
ready
end term TERM
problem=''
[ $STATUS = 0 ] && grep -q '^flushaudit: 0 sync calls' "$work/term.err" || problem="exit $STATUS: $(cat "$work/term.err")"
point "SIGTERM ends it, with a summary" "$problem"
mount -t tmpfs tmpfs "$work/full" 2>/dev/null || { mkdir "$work/full" && mount -t tmpfs tmpfs "$work/full"; }
on_exit "umount '$work/full'"
begin fails --json --path "$work/full"
ready
"$work/alpha" append-fsync "$work/full/x" 3 4096
sleep 0.5
end fails
problem=''
[ $STATUS = 1 ] && [ "$(jq -r '.reason' "$work/fails.out" | uniq -c | awk '{ print $1 $2 }')" = 3swallowed ] ||
    problem="exit $STATUS: $(cat "$work/fails.out" "$work/fails.err")"
point "a call that was not durable: exit 1" "$problem"

# --- memory ---

rss() { awk '/^VmRSS/ { print $2 }' "/proc/${watching[memory]}/status"; }
again=$work/again-$$ # nobody else's name
cp "$act" "$again"
begin memory --json --comm "$(basename "$again")"
ready
# More than are ever kept of those that were not durable, and durable ones. Once, records that
# wait to be judged may take more than they did before; what is kept takes more each time, 25000
# rows 10 MB.
"$again" open wc "$work/full/t" write 1 times 20000 fsync
"$again" open wc "$first/t" write 1 fsync times 10000 fdatasync
sleep 3
sizes=$(rss) least=''
for _ in 1 2; do
    "$again" open wc "$work/full/t" write 1 times 15000 fsync
    "$again" open wc "$first/t" write 1 fsync times 10000 fdatasync
    sleep 3
    growth=$(($(rss) - ${sizes##* }))
    [ -n "$least" ] && [ "$least" -lt $growth ] || least=$growth
    sizes+=" $(rss)"
done
end memory
n=$(wc -l <"$work/memory.out")
problem=''
[ "$n" = 80003 ] && grep -q '80003 sync calls' "$work/memory.err" || problem="$n lines: $(cat "$work/memory.err")"
[ "$least" -lt 4096 ] || problem+=" memory grew by $least KiB and more each time"
point "25000 calls more, twice: the memory stays ($sizes KiB), the totals count all" "$problem"
