# shellcheck shell=sh
# What flushaudit says of each workload, on each file system and kind of drive.
# disks: virtio-wb virtio-wt nvme
# timeout: 900
# check: check-verdicts
# shellcheck source=/dev/null
. /harness/guest.sh

# Audits one workload, or with "all" every workload on one mount: an attach is
# dear here. The marks -begin and -end are set by the audited command itself, so
# that they stand inside the audit; -before and -after stand outside of it. The
# syncs before leave no flush to come from earlier work: the first one may write
# a file system on a loop device after the one that holds the loop's file.
audit() { # NAME DISK|- WORKLOAD...
    audit_name=$1 audit_disk=$2
    shift 2
    sync
    sync
    mark "$audit_name-before"
    audit_status=0
    # shellcheck disable=SC2016 # expanded by the inner shell
    flushaudit run ${LEVEL:+--level "$LEVEL"} --json -o "$RESULTS/$audit_name.json" -- \
        sh -euc 'name=$1; shift; workload mark "$name-begin"; "$@"; workload mark "$name-end"' \
        sh "$audit_name" "$@" || audit_status=$?
    mark "$audit_name-after"
    kernel_name=-
    [ "$audit_disk" = - ] || kernel_name=$(disk_name "$audit_disk")
    echo "$audit_name $audit_status $audit_disk $kernel_name" >>"$RESULTS/runs"
}

cat >/tmp/all <<'END'
set -eu
mkdir "$1/dir" "$1/threads"
workload append-fsync "$1/append" 5 5000
workload overwrite-fdatasync "$1/overwrite" 5 4096
workload direct-fdatasync "$1/direct" 5 4096
workload dir-fsync "$1/dir" 5
workload metadata-fsync "$1/metadata" 5
workload busy-fdatasync "$1/busy" 20
workload threads-fsync "$1/threads" 3 5
END

for name in virtio-wb virtio-wt nvme; do
    for fs in ext4 xfs btrfs; do
        fresh $fs $name /mnt
        audit $fs-$name $name sh /tmp/all /mnt
        umount /mnt
    done
done

fresh ext4 virtio-wb /mnt nobarrier
audit nobarrier virtio-wb workload append-fsync /mnt/append 5 5000
umount /mnt

fresh ext4 virtio-wb /mnt
cache=/sys/block/$(disk_name virtio-wb)/queue/write_cache
echo "write through" >"$cache"
audit cache-override virtio-wb workload append-fsync /mnt/append 5 5000
echo "write back" >"$cache"

audit sync-file-range virtio-wb workload sync-file-range /mnt/range 5 4096

mkdir /mnt/lower /mnt/upper /mnt/work /merged
modprobe overlay
mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work overlay /merged
audit overlay virtio-wb workload append-fsync /merged/append 5 5000
umount /merged
rm -rf /mnt/upper /mnt/work
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work,volatile overlay /merged
audit overlay-volatile virtio-wb workload append-fsync /merged/append 5 5000
umount /merged

modprobe loop
truncate -s 64M /mnt/image
loop=$(losetup -f --show /mnt/image)
fresh ext4 "$loop" /merged
audit loop virtio-wb workload append-fsync /merged/append 5 5000
umount /merged
losetup -d "$loop"
umount /mnt

mkdir /ram
mount -t tmpfs tmpfs /ram
audit tmpfs - workload append-fsync /ram/append 5 5000
