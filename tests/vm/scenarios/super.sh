# shellcheck shell=sh
# File systems that are mounted, written to, frozen and unmounted while they are audited: is all
# that is there durable when the call returns?
# disks: virtio-wb:512M virtio-wt:512M
# timeout: 400
# check: check-super
# payload: yes
# shellcheck source=/dev/null
. /harness/guest.sh

cat >/tmp/all <<'END'
set -eu
. /harness/guest.sh

fill() { # DIRECTORY
    mkdir "/mnt/$1"
    for n in 1 2 3 4 5 6; do
        dd if=/dev/urandom of="/mnt/$1/$n" bs=5000 count=$n 2>/dev/null
    done
}

# One call: the sums of what is there before, and a mark when it is over.
call() { # STACK KIND DISK COMMAND...
    call_name=$1-$2
    echo "$1 $2 $3" >>"$RESULTS/calls"
    shift 3
    (cd /mnt && find . -type f -exec md5sum {} +) | sort >"$RESULTS/$call_name.sums"
    "$@"
    mark "$call_name"
}

stack() { # NAME FSTYPE DISK [MOUNTOPTIONS]
    mount -t "$2" ${4:+-o "$4"} "$(disk "$3")" /mnt
    fill first
    call "$1" umount "$3" umount /mnt
    mount -t "$2" ${4:+-o "$4"} "$(disk "$3")" /mnt
    fill second
    call "$1" freeze "$3" fsfreeze --freeze /mnt
    fsfreeze --unfreeze /mnt
    rm -r /mnt/first
    call "$1" umount-again "$3" umount /mnt
}

for fs in ext4 xfs btrfs; do
    fresh $fs virtio-wb /tmp/made
    umount /tmp/made
    stack $fs $fs virtio-wb
done
fresh ext4 virtio-wt /tmp/made
umount /tmp/made
stack write-through ext4 virtio-wt
fresh ext4 virtio-wb /tmp/made
umount /tmp/made
stack nobarrier ext4 virtio-wb nobarrier
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0 "$(disk virtio-wb)"
stack no-journal ext4 virtio-wb
# These promise nothing: a read-only mount, one that fails, one in memory.
mount -t ext4 -o ro "$(disk virtio-wb)" /mnt
umount /mnt
mount -t xfs "$(disk virtio-wb)" /mnt 2>/dev/null || true
mount -t tmpfs none /mnt
umount /mnt
END
mkdir -p /mnt /tmp/made
export RESULTS
flushaudit run ${LEVEL:+--level "$LEVEL"} --json -o "$RESULTS/all.json" -- sh /tmp/all || true
