# shellcheck shell=sh
# Device stacks: what lies below decides.
# disks: virtio-wb:1G nvme:1G
# timeout: 300
# check: check-layers
# shellcheck source=/dev/null
. /harness/guest.sh

audited() { # NAME COMMAND...
    name=$1
    shift
    flushaudit run ${LEVEL:+--level "$LEVEL"} --json -o "$RESULTS/$name.json" -- "$@" || true
}
audit() { audited "$1" workload append-fsync "$2" 5 5000; } # NAME FILE

sectors=$(blockdev --getsz "$(disk virtio-wb)")
modprobe dm-mod
# No udev here: devtmpfs has the nodes, by number.
lower=/dev/dm-0 upper=/dev/dm-1
echo "0 $((sectors - 4096)) linear $(disk virtio-wb) 0" | dmsetup create lower --noudevsync --noudevrules
echo "0 $((sectors - 8192)) linear $lower 0" | dmsetup create upper --noudevsync --noudevrules
for fs in ext4 xfs btrfs; do
    fresh $fs $upper /mnt
    audit linear-$fs /mnt/append
    umount /mnt
done
# A layer above the drive that was told that there is no cache below.
fresh ext4 $upper /mnt
echo "write through" >/sys/block/dm-1/queue/write_cache
audit override-above /mnt/append
echo "write back" >/sys/block/dm-1/queue/write_cache
umount /mnt
dmsetup remove upper --noudevsync
dmsetup remove lower --noudevsync

echo "0 $((sectors - 4096)) striped 2 128 $(disk virtio-wb) 0 $(disk nvme) 0" | \
    dmsetup create stripe --noudevsync --noudevrules
fresh xfs /dev/dm-0 /mnt
audit stripe /mnt/append
umount /mnt
dmsetup remove stripe --noudevsync

# A write that a raid0 sends on in parts, to members without requests.
for half in virtio-wb nvme; do
    echo "0 $((sectors - 4096)) linear $(disk $half) 0" | \
        dmsetup create $half --noudevsync --noudevrules
done
modprobe -a md-mod raid0
mkdir -p /run/mdadm
mdadm --create /dev/md0 --quiet --run --level=0 --metadata=1.0 --raid-devices=2 /dev/dm-0 /dev/dm-1
audited parts xfs_io -d -c 'pwrite -b 2m 256k 2m' -c fsync /dev/md0
mdadm --stop --quiet /dev/md0
dmsetup remove virtio-wb --noudevsync
dmsetup remove nvme --noudevsync

# Zeros for a layer that has no command for them are written as bios of 1 MiB, each of which ends
# in the next: no tracepoint of 5.10 tells the end of such a one.
modprobe dm-crypt
modprobe -qa aes_generic xts ecb || true # not modules of their own everywhere
key=$(printf '%064d' 0)$(printf '%064d' 1)
echo "0 $((sectors - 4096)) crypt aes-xts-plain64 $key 0 $(disk virtio-wb) 0" | \
    dmsetup create crypt --noudevsync --noudevrules
# shellcheck disable=SC2016 # expanded by the inner shell
audited zeroed sh -euc '
    xfs_io -c "fzero 0 8m" /dev/dm-0
    . /harness/guest.sh
    fresh btrfs /dev/dm-0 /mnt
    xfs_io -f -c "pwrite 0 4k" -c fsync -c fsync -c fsync /mnt/clean'
umount /mnt
dmsetup remove crypt --noudevsync

modprobe zram
echo 128M >/sys/block/zram0/disksize
fresh ext4 /dev/zram0 /mnt
audit zram /mnt/append
umount /mnt

modprobe loop
mkdir -p /below
fresh ext4 virtio-wb /below nobarrier
truncate -s 64M /below/image
loop=$(losetup -f --show /below/image)
fresh ext4 "$loop" /mnt
audit loop-on-nobarrier /mnt/append
umount /mnt
losetup -d "$loop"
umount /below
