# shellcheck shell=sh
# Every BPF program loads and attaches at every level, and the level that is
# chosen without asking is the best. So they do for `watch`, which sees what is
# of the machine, of a cgroup and a name, and of a process and its children.
# disks: virtio-wb
# timeout: 900
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

# Begins a watch in the background: NAME.out is what it prints, $NAME its process.
begin() { # NAME OPTION...
    name=$1
    shift
    flushaudit watch --level "$level" --json --path "/mnt/watched-$level" "$@" \
        >"$RESULTS/$name-$level.out" 2>"$RESULTS/$name-$level.err" &
    eval "$name=$!"
}

ready() { # NAME
    process=''
    eval "process=\$$1"
    until grep -q "watching at level $level" "$RESULTS/$1-$level.err"; do
        kill -0 "$process" || fail "watch ended: $(cat "$RESULTS/$1-$level.err")"
        sleep 0.1
    done
}

# Ends it: it saw that many calls and lost none.
saw() { # NAME CALLS
    eval "process=\$$1"
    kill -INT "$process"
    expect 0 wait "$process"
    calls=$(grep -c '"kind":"fsync"' "$RESULTS/$1-$level.out" || true)
    [ "$calls" = "$2" ] || fail "$1 at level $level saw $calls calls, not $2"
    grep -q ' 0 events lost' "$RESULTS/$1-$level.err" || fail "$1 lost events: $(cat "$RESULTS/$1-$level.err")"
}

mkdir /run/cgroups
mount -t cgroup2 none /run/cgroups
mkdir -p /run/cgroups/audited/below /run/cgroups/other
for level in fentry kprobe tracepoint; do
    begin all
    begin some --comm 'workl*' --cgroup audited
    [ $level != fentry ] || begin mine --pid $$ --comm sh --comm workload
    ready all
    ready some
    [ $level != fentry ] || ready mine
    for cgroup in audited/below other; do
        # shellcheck disable=SC2016 # expanded by the inner shell
        sh -c 'echo $$ >"/run/cgroups/$1/cgroup.procs"; exec workload append-fsync "/mnt/$2" 3 4096' \
            sh $cgroup "watched-$level"
    done
    saw all 6
    saw some 3
    [ $level != fentry ] || saw mine 6
done
umount /mnt
