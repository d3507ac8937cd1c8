# shellcheck shell=sh
# What scenarios are written with. A scenario is run by "sh -eu": the first
# command that fails ends it as failed.

# This shell runs busybox's own applets before any program of the same name.
mount() { /usr/sbin/mount "$@"; }
umount() { /usr/sbin/umount "$@"; }
losetup() { /usr/sbin/losetup "$@"; }

mark() { workload mark "$1"; }

drive_set() { workload set "$1" "$2"; } # DISK OPTION, see drive.c

fail() { echo "FAILED: $*"; exit 1; }

disk() { readlink -f "/dev/by-harness/$1"; }

disk_name() { basename "$(disk "$1")"; } # vda

# A fresh file system on a disk of the host (or any device), mounted.
fresh() { # FSTYPE DISK|DEVICE MOUNTPOINT [MOUNTOPTIONS]
    device=$2
    [ -b "$device" ] || device=$(disk "$2")
    modprobe -q "$1"
    case $1 in
    ext4) mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$device" ;;
    *) "mkfs.$1" -q -f "$device" >/dev/null ;;
    esac
    mkdir -p "$3"
    mount -t "$1" ${4:+-o "$4"} "$device" "$3"
}

# Flushes that the guest kernel has seen completed on a disk.
flushes_of() { awk '{ print $16 }' "/sys/block/$(disk_name "$1")/stat"; }

# Marks a moment at which DISK is idle and sets FLUSHES to the kernel's count at
# it. The name may be repeated in the log: its last place counts.
quiet_mark() { # NAME DISK
    quiet_tries=0
    while :; do
        sleep 0.2
        FLUSHES=$(flushes_of "$2")
        mark "$1"
        [ "$FLUSHES" != "$(flushes_of "$2")" ] || return 0
        quiet_tries=$((quiet_tries + 1))
        [ $quiet_tries -lt 50 ] || fail "$2 is never idle"
    done
}

# Runs a command and demands its exit status, one of a comma-separated list.
expect() { # STATUS[,STATUS...] COMMAND...
    expect_want=$1
    shift
    expect_got=0
    "$@" || expect_got=$?
    case ,$expect_want, in
    *,$expect_got,*) ;;
    *) fail "exit $expect_got, not $expect_want: $*" ;;
    esac
}
