# shellcheck shell=sh
# Every BPF program loads and attaches at every level, and the level that is
# chosen without asking is the best.
# disks: virtio-wb
# timeout: 200
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
umount /mnt
