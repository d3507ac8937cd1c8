# shellcheck shell=sh
# Every BPF program loads and attaches at every level, and the level that is
# chosen without asking is the best. So they do for `watch`, which sees what
# programs of a name do in a cgroup, with tracefs not mounted.
# disks: virtio-wb
# timeout: 600
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
# Names that are made, moved and removed, by programs that only --names needs. A directory known by
# its path is looked for a moment after the change: it must be there still.
mkdir /mnt/names
for level in fentry kprobe tracepoint; do
    out=$RESULTS/names-$level.json
    # shellcheck disable=SC2016 # expanded by the inner shell
    flushaudit run --level $level --names --json -o "$out" -- sh -euc 'cd "$1"
        touch a; mkdir d; mv a d/b; ln d/b /mnt/names/l; ln -s l s; sync d; mv s t; rm l t; sleep 1; rm -r d' \
        sh /mnt/names || true
    for wanted in create:1 mkdir:1 rename:2 link:1 symlink:1 unlink:3 rmdir:1; do
        seen=$(grep -c "\"kind\":\"${wanted%:*}\",.*\"old_posix\"" "$out" || true)
        [ "$seen" = "${wanted#*:}" ] || fail "--names at level $level has ${wanted%:*} $seen times: $(cat "$out")"
    done
    # The new directory was synced after the file came there, the old one never; but where the
    # kernel skipped runs of our programs, that is not known.
    grep -q '"old_path":"/mnt/names/a".*"old_posix":"\(not-durable\|unproven\)".*"new_path":"/mnt/names/d/b".*"new_posix":"durable"' \
        "$out" || fail "--names at level $level misjudges the rename: $(cat "$out")"
done
# A change whose return is not seen leaves what was noted of it: the next one is not in its directory.
for level in fentry kprobe tracepoint; do
    out=$RESULTS/unseen-$level.json
    mkdir -p /mnt/$level.d/from /mnt/$level.d/to
    flushaudit run --level $level --names --json -o "$out" -- workload mkdir-after-unseen /mnt/$level.d 2 || true
    grep -q '"kind":"mkdir"' "$out" || fail "level $level does not see the names: $(cat "$out")"
    ! grep -q '"kind":"mkdir",.*"new_posix":"durable"' "$out" ||
        fail "level $level takes the directory of an earlier change: $(cat "$out")"
done
expect 0 flushaudit run --json -o "$RESULTS/auto.json" -- true
grep -q '"level":"fentry"' "$RESULTS/auto.json" || fail "fentry was not chosen"

# From here on as on a minimal system.
umount /sys/kernel/tracing
mkdir /run/cgroups
mount -t cgroup2 none /run/cgroups
mkdir -p /run/cgroups/audited/below /run/cgroups/other
for level in fentry kprobe tracepoint; do
    out=$RESULTS/watch-$level.out err=$RESULTS/watch-$level.err
    flushaudit watch --level $level --json --comm 'workl*' --cgroup audited >"$out" 2>"$err" &
    watch=$!
    until grep -q "watching at level $level" "$err"; do
        kill -0 $watch || fail "watch ended: $(cat "$err")"
        sleep 0.1
    done
    for cgroup in audited/below other; do
        # shellcheck disable=SC2016 # expanded by the inner shell
        sh -c 'echo $$ >"/run/cgroups/$1/cgroup.procs"; exec workload append-fsync "/mnt/$2" 3 4096' \
            sh $cgroup watched
    done
    kill -INT $watch
    expect 0 wait $watch
    calls=$(grep -c '"kind":"fsync"' "$out" || true)
    [ "$calls" = 3 ] || fail "watch at level $level saw $calls calls, not 3: $(cat "$out")"
    grep -q ' 0 events lost' "$err" || fail "watch lost events: $(cat "$err")"
done
umount /mnt
