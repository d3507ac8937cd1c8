#!/usr/bin/env bash
# Each way a sync call can end, on this machine: healthy stacks and broken ones.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 49

# --- healthy: all durable ---

for fs in ext4 xfs btrfs; do
    fresh $fs
    mkdir "$MNT/dir" "$MNT/small"

    audit $fs-append "$workload" append-fsync "$MNT/append" 20 5000
    expect "$fs: append + fsync" 0 fsync=20 "$proven"
    audit $fs-overwrite "$workload" overwrite-fdatasync "$MNT/overwrite" 20 4096
    expect "$fs: overwrite + fdatasync" 0 fdatasync=20,fsync=1 "$proven"
    audit $fs-direct "$workload" direct-fdatasync "$MNT/direct" 20 4096
    expect "$fs: O_DIRECT + fdatasync" 0 fdatasync=20,fsync=1 "$proven"
    audit $fs-dir "$workload" dir-fsync "$MNT/dir" 20
    expect "$fs: directory fsync after create" 0 fsync=20 "$proven"
    audit $fs-chmod "$act" open wc "$MNT/chmod" write 4096 fsync times 10 chmod 600 fsync chmod 644 fsync
    expect "$fs: metadata-only fsync (chmod)" 0 fsync=21 "$proven"
    audit $fs-truncate "$act" open wc "$MNT/cut" write 40960 fsync truncate 100 fsync truncate 1048576 fsync
    expect "$fs: truncate + fsync" 0 fsync=3 "$proven"
    audit $fs-clean "$act" open wc "$MNT/clean" write 4096 fsync times 5 fsync
    expect "$fs: clean fsync" 0 fsync=6 "$proven durable/clean"
    audit $fs-small "$act" files 200 "$MNT/small"
    expect "$fs: many small files" 0 fsync=200 "$proven"
    audit $fs-large "$act" open wc "$MNT/large" write 67108864 fsync pwrite 4096 33554432 fdatasync
    expect "$fs: large writes" 0 fdatasync=1,fsync=1 "$proven"
    audit $fs-read "$act" open wc "$MNT/other" write 4096 fsync open r "$MNT/large" fsync open rD "$MNT" fsync
    expect "$fs: fsync of what was only read" 0 fsync=3 "$proven durable/clean"

    # Before the audit nobody looked, and btrfs rightly sends no flush.
    if [ $fs = btrfs ]; then
        audit $fs-first "$act" open r "$MNT/large" fsync
        expect "$fs: nothing to do in the first call of all" 3 fsync=1 unproven/untracked
    fi

    # A call that promises no flush, then one that does.
    audit $fs-range "$act" open wc "$MNT/range" write 4096 range
    expect "$fs: sync_file_range alone" 1 sync_file_range=1 "not-durable/writeout-only"
    audit $fs-covered "$act" open wc "$MNT/covered" write 4096 range sleep 20 fsync
    expect "$fs: sync_file_range, covered by a later fsync" 0 fsync=1,sync_file_range=1 \
        "not-durable/writeout-only $proven" \
        '[.syncs[] | select(.kind == "sync_file_range")][0] as $s |
         $s.covered_by != null and $s.covered_after_ns > 15000000 and
         ([.flushes[] | select(.id == $s.covered_by)] | length) == 1'
done

# --- on this machine's own disk, without a loop device between ---

audit own "$workload" append-fsync "$work/own" 20 5000
expect "the file system of $disk_dir" 0 fsync=20 "$proven durable/write-through"

# --- calls that name no file ---

audit bad "$act" bad
problem=''
holds "($sums) and ([.syncs[] | select(.ret < 0)] | length) == 2 and .totals.durable == 0" || problem=$(summary)
point "calls that fail are listed and never durable" "$problem"

# --- broken stacks: never durable ---

fresh ext4 nobarrier
audit nobarrier "$workload" append-fsync "$MNT/file" 20 5000
expect "ext4 nobarrier" 1 fsync=20 not-durable/no-flush

fresh ext4
cache=/sys/block/$(basename "$LOOP")/queue/write_cache
was=$(cat "$cache")
on_exit "echo '$was' >'$cache'"
echo "write through" >"$cache"
audit cache-override "$workload" append-fsync "$MNT/file" 20 5000
echo "$was" >"$cache"
# Up to 6.1 the kernel cannot tell this from a drive without a cache.
doubt=1
LC_ALL=C grep -qa blk_features_t /sys/kernel/btf/vmlinux || doubt=1,3
expect "a queue switched to write through while the drive's cache is on" "$doubt" fsync=20 \
    "not-durable/no-flush unproven/cache-unknown"

mkdir "$work/tmpfs"
mount -t tmpfs -o size=700M tmpfs "$work/tmpfs"
on_exit "release '$work/tmpfs'"
audit tmpfs "$workload" append-fsync "$work/tmpfs/file" 20 5000
expect "tmpfs" 1 fsync=20 not-durable/swallowed

fresh ext4 '' "$work/tmpfs"
audit loop-tmpfs "$workload" append-fsync "$MNT/file" 20 5000
problem=''
if [ "$STATUS" = 0 ] || ! holds "($sums) and .totals.durable == 0" ||
    ! holds '[.syncs[] | select(.kind == "fsync")] | length == 20'; then
    problem=$(summary)
fi
point "a loop device whose backing file lies on tmpfs" "$problem"

fresh ext4
mkdir "$MNT/lower" "$MNT/upper" "$MNT/work" "$work/merged"
on_exit "release '$work/merged'"
layers=lowerdir=$MNT/lower,upperdir=$MNT/upper,workdir=$MNT/work
mount -t overlay -o "$layers" overlay "$work/merged"
audit overlay "$workload" append-fsync "$work/merged/file" 20 5000
expect "overlayfs" 0 fsync=20 "$proven"
umount "$work/merged"
rm -rf "$MNT/upper" "$MNT/work"
mkdir "$MNT/upper" "$MNT/work"
mount -t overlay -o "$layers,volatile" overlay "$work/merged"
audit overlay-volatile "$workload" append-fsync "$work/merged/file" 20 5000
expect "overlayfs volatile" 1 fsync=20 not-durable/swallowed
umount "$work/merged"

# --- block devices ---

attach_loop 64M
audit raw "$act" open w "$LOOP" times 10 write 4096 fsync
expect "fsync of a raw block device" 0 fsync=10 "$proven"
audit raw-direct "$act" open wd "$LOOP" times 10 write 4096 fdatasync
expect "O_DIRECT + fdatasync on a raw block device" 0 fdatasync=10 "$proven"
audit raw-range "$act" open w "$LOOP" write 4096 range
expect "sync_file_range of a raw block device" 1 sync_file_range=1 not-durable/writeout-only

# A file system on a device without a journal of its own has no commit to wait for.
attach_loop 512M
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0 "$LOOP"
mkdir "$work/nojournal"
mount -t ext4 "$LOOP" "$work/nojournal"
on_exit "release '$work/nojournal'"
audit nojournal "$workload" append-fsync "$work/nojournal/file" 20 5000
expect "ext4 without a journal" 0 fsync=20 "$proven"
