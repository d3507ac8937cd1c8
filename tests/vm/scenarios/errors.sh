# shellcheck shell=sh
# Writes and flushes that the drive fails, and what file systems make of it.
# disks: virtio-wb:1G
# timeout: 300
# check: check-errors
# shellcheck source=/dev/null
. /harness/guest.sh

# A page and 15 more, the drive fails a write of them, who asks again is told that
# all is well; then all is written again. btrfs notes the error where the write ends and once
# more in a worker, now and then after the first call has returned: then the second is told, too.
cat >/tmp/retry <<'END'
set -eu
fsync() { dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null; }
dd if=/dev/zero of="$1" bs=4096 count=16 conv=notrunc 2>/dev/null
workload set virtio-wb fail-write=1
! fsync "$1"
fsync "$1" || fsync "$1"
dd if=/dev/zero of="$1" bs=4096 count=16 conv=notrunc 2>/dev/null
fsync "$1"
END

# The drive fails a flush whose result nobody looks at.
cat >/tmp/flush <<'END'
set -eu
dd if=/dev/zero of="$1" bs=4096 count=32 2>/dev/null
workload set virtio-wb fail-flush=1
dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null
END

# The drive fails a write of the journal or log; then the file system is mounted anew.
cat >/tmp/anew <<'END'
set -eu
. /harness/guest.sh
fsync() { dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null; }
workload set virtio-wb fail-write=1
: >"$1.new"
! fsync "$1.new"
umount /mnt
sleep 0.5
mount "$(disk virtio-wb)" /mnt
sleep 0.5
for n in 1 2 3; do
    dd if=/dev/zero of="$1.$n" bs=4096 count=4 2>/dev/null
    fsync "$1.$n"
done
END

# An audit that lost events (the kernel skips runs of BPF programs, and counts them)
# may only be in doubt, which is not what is looked at here: it is made again.
audit() { # NAME SCRIPT FILE
    for audit_try in 1 2 3; do
        dd if=/dev/zero of="$3" bs=4096 count=16 conv=fsync 2>/dev/null
        sync
        audit_status=0
        flushaudit run ${LEVEL:+--level "$LEVEL"} --json -o "$RESULTS/$1.json" -- sh "$2" "$3" || audit_status=$?
        echo "$audit_status" >"$RESULTS/$1.status"
        ! grep -q '^"losses": \[\]' "$RESULTS/$1.json" || break
        echo "$1: try $audit_try lost events"
    done
}

# The write that fails must be the file's, none of a commit that comes by itself.
options_of() { # FSTYPE
    case $1 in ext4 | btrfs) echo commit=300 ;; esac
}

for fs in ext4 xfs btrfs; do
    fresh $fs virtio-wb /mnt "$(options_of $fs)"
    audit $fs /tmp/retry /mnt/file
    umount /mnt
done

for fs in ext4 xfs; do
    fresh $fs virtio-wb /mnt "$(options_of $fs)"
    audit anew-$fs /tmp/anew /mnt/file
    umount /mnt
done

fresh ext4 virtio-wb /mnt journal_async_commit,data=writeback,commit=300
audit flush /tmp/flush /mnt/file
umount /mnt

sectors=$(blockdev --getsz "$(disk virtio-wb)")
modprobe dm-mod
echo "0 $((sectors - 4096)) linear $(disk virtio-wb) 0" | dmsetup create top --noudevsync --noudevrules
for fs in ext4 xfs; do
    fresh $fs /dev/dm-0 /mnt "$(options_of $fs)"
    audit dm-$fs /tmp/retry /mnt/file
    umount /mnt
done
dmsetup remove top --noudevsync
