# shellcheck shell=sh
# Every BPF program loads and attaches at every level, and the level that is
# chosen without asking is the best. So they do for `watch`, which sees what is
# of the machine, of a cgroup and a name, and of a process and its children.
# disks: virtio-wb
# timeout: 400
# levels: no
# shellcheck source=/dev/null
. /harness/guest.sh

fresh ext4 virtio-wb /mnt
export TMPDIR=/mnt
for level in fentry kprobe tracepoint; do
    expect 0 flushaudit run -v --level $level --json -o "$RESULTS/$level.json" -- \
        workload append-fsync /mnt/$level 3 4096
    grep -q "\"level\":\"$level\"" "$RESULTS/$level.json" || fail "level $level was not taken"
done
expect 0 flushaudit run --json -o "$RESULTS/auto.json" -- true
grep -q '"level":"fentry"' "$RESULTS/auto.json" || fail "fentry was not chosen"

# Begins a watch: NAME.out is what it prints, $NAME its process.
begin() { # NAME OPTION...
    name=$1
    shift
    flushaudit watch -v --level "$level" --json "$@" >"$RESULTS/$name.out" 2>"$RESULTS/$name.err" &
    eval "$name=$!"
    tries=0
    until grep -q "watching at level $level" "$RESULTS/$name.err"; do
        kill -0 $! || fail "watch ended: $(cat "$RESULTS/$name.err")"
        tries=$((tries + 1))
        [ $tries -lt 300 ] || fail "watch does not begin"
        sleep 0.1
    done
}

# Ends it: it saw that many calls and lost none.
saw() { # NAME CALLS
    process=''
    eval "process=\$$1"
    kill -INT "$process"
    expect 0 wait "$process"
    calls=$(grep -c '"kind":"fsync"' "$RESULTS/$1.out" || true)
    [ "$calls" = "$2" ] || fail "$1 at level $level saw $calls calls, not $2: $(cat "$RESULTS/$1.out" "$RESULTS/$1.err")"
    grep -q ' 0 events lost' "$RESULTS/$1.err" || fail "$1 lost events: $(cat "$RESULTS/$1.err")"
}

mkdir /run/cgroups
mount -t cgroup2 none /run/cgroups
mkdir -p /run/cgroups/audited/below /run/cgroups/other
for level in fentry kprobe tracepoint; do
    begin all
    begin some --comm 'workl*' --cgroup audited
    begin mine --pid $$ --comm sh --comm workload
    for cgroup in audited/below other; do
        # shellcheck disable=SC2016 # expanded by the inner shell
        sh -c 'echo $$ >"/run/cgroups/$1/cgroup.procs"; exec workload append-fsync "/mnt/$2" 3 4096' \
            sh $cgroup "watched-$level"
    done
    saw all 6
    saw some 3
    saw mine 6
done
umount /mnt
