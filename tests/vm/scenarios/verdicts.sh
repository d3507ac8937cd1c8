# shellcheck shell=sh
# What flushaudit says of each workload, on each file system and kind of drive.
# disks: virtio-wb virtio-wt nvme
# timeout: 2400
# check: check-verdicts
# shellcheck source=/dev/null
. /harness/guest.sh

# Audits one workload. The marks are set by the audited command itself, so that
# they stand inside the audit; the sync before leaves no flush to come from
# earlier work.
audit() { # NAME DISK|- WORKLOAD...
    audit_name=$1 audit_disk=$2
    shift 2
    sync
    audit_status=0
    # shellcheck disable=SC2016 # expanded by the inner shell
    flushaudit run ${LEVEL:+--level "$LEVEL"} --json -o "$RESULTS/$audit_name.json" -- \
        sh -euc 'name=$1; shift; workload mark "$name-begin"; workload "$@"; workload mark "$name-end"' \
        sh "$audit_name" "$@" || audit_status=$?
    kernel_name=-
    [ "$audit_disk" = - ] || kernel_name=$(disk_name "$audit_disk")
    echo "$audit_name $audit_status $audit_disk $kernel_name" >>"$RESULTS/runs"
}

for name in virtio-wb virtio-wt nvme; do
    for fs in ext4 xfs btrfs; do
        fresh $fs $name /mnt
        mkdir /mnt/dir /mnt/threads
        audit $fs-$name-append-fsync $name append-fsync /mnt/append 5 5000
        audit $fs-$name-overwrite-fdatasync $name overwrite-fdatasync /mnt/overwrite 5 4096
        audit $fs-$name-direct-fdatasync $name direct-fdatasync /mnt/direct 5 4096
        audit $fs-$name-dir-fsync $name dir-fsync /mnt/dir 5
        audit $fs-$name-metadata-fsync $name metadata-fsync /mnt/metadata 5
        audit $fs-$name-busy-fdatasync $name busy-fdatasync /mnt/busy 20
        audit $fs-$name-threads-fsync $name threads-fsync /mnt/threads 3 5
        umount /mnt
    done
done

fresh ext4 virtio-wb /mnt nobarrier
audit nobarrier virtio-wb append-fsync /mnt/append 5 5000
umount /mnt

fresh ext4 virtio-wb /mnt
cache=/sys/block/$(disk_name virtio-wb)/queue/write_cache
echo "write through" >"$cache"
audit cache-override virtio-wb append-fsync /mnt/append 5 5000
echo "write back" >"$cache"

audit sync-file-range virtio-wb sync-file-range /mnt/range 5 4096

mkdir /mnt/lower /mnt/upper /mnt/work /merged
modprobe overlay
mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work overlay /merged
audit overlay virtio-wb append-fsync /merged/append 5 5000
umount /merged
rm -rf /mnt/upper /mnt/work
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work,volatile overlay /merged
audit overlay-volatile virtio-wb append-fsync /merged/append 5 5000
umount /merged

modprobe loop
truncate -s 64M /mnt/image
loop=$(losetup -f --show /mnt/image)
fresh ext4 "$loop" /merged
audit loop virtio-wb append-fsync /merged/append 5 5000
umount /merged
losetup -d "$loop"
umount /mnt

mkdir /ram
mount -t tmpfs tmpfs /ram
audit tmpfs - append-fsync /ram/append 5 5000
