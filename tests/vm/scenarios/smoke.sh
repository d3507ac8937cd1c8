# shellcheck shell=sh
# Every disk and file system works, and the kernel counts the flushes that the
# drive counts.
# disks: virtio-wb virtio-wt nvme scsi scsi-fua ahci nbd
# timeout: 240
# check: check-smoke
# levels: no
# shellcheck source=/dev/null
. /harness/guest.sh

for name in virtio-wb virtio-wt nvme scsi scsi-fua ahci nbd; do
    for fs in ext4 xfs btrfs; do
        # Three file systems on one disk, one on the others: time is dear here.
        [ $name = virtio-wb ] || [ $fs = ext4 ] || continue
        fresh $fs $name /mnt
        mkdir /mnt/dir /mnt/threads
        quiet_mark "$name-$fs-begin" $name
        before=$FLUSHES
        workload append-fsync /mnt/append 5 5000
        workload overwrite-fdatasync /mnt/overwrite 5 4096
        workload direct-fdatasync /mnt/direct 5 4096
        workload sync-file-range /mnt/range 5 4096
        workload dir-fsync /mnt/dir 5
        workload metadata-fsync /mnt/metadata 5
        workload threads-fsync /mnt/threads 3 5
        workload threads-fsync-one /mnt/one 3 5
        workload busy-fdatasync /mnt/busy 5
        quiet_mark "$name-$fs-end" $name
        echo "$name $fs $((FLUSHES - before)) $(cat "/sys/block/$(disk_name $name)/queue/write_cache")" \
            >>"$RESULTS/flushes"
        umount /mnt
    done
done
