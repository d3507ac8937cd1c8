#!/usr/bin/env bash
# Tools that sync on demand: fio by each of its ways into the kernel, dpkg, rsync. Sync
# calls against strace, or fio's own count where rings carry them; flushes against
# /proc/diskstats.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 51

fresh ext4

# --- fio ---

# 24 writes of 4 KiB, a sync between two, or each write synchronous. What fio says it did is
# its count of syncs or of writes (it does not count its fdatasyncs); of a ring strace sees
# how many requests it took.
while read -r name kind count options; do
    [[ $name != io_uring* ]] || UNSEEN=$kind
    # shellcheck disable=SC2086 # words
    compare "fio-$name" fio --name=job --filename="$MNT/$name" --size=96k --bs=4k --rw=write --thread \
        --output-format=json --output="$ram/fio.out" --ioengine="${name%%-*}" --iodepth=4 --fallocate=none \
        --create_on_open=1 $options
    UNSEEN=none
    asked=$(sed -n '/^{/,$p' "$ram/fio.out" | jq ".jobs[0].$count.total_ios")
    # Nobody has to tell a kernel thread that polls the ring.
    if [[ $name = io_uring* && $options != *sqthread_poll* ]]; then
        taken=$(python3 "$live/straced.py" --ring "$ram/fio-$name.strace")
        if [ "$count" = sync ]; then taken=$((taken - 24)); fi
        if [ "$asked" = 0 ]; then asked=$taken; fi
        [ "$asked" = "$taken" ] || asked="$asked, the ring $taken"
    fi
    # fio does not sync what it wrote last.
    [ "$kind" = o_dsync ] || [ "$kind" = o_sync ] || UNSYNCED="?/$name"
    verdicts "fio $name: as many as asked for ($asked), all durable" 0 "$proven durable/clean" "$(calls_are "$kind=$asked")"
    UNSYNCED=''
done <<'END_OF_LIST'
pvsync2-fsync fsync sync --fsync=1
pvsync2-dsync o_dsync write --sync=dsync
pvsync2-sync-direct o_sync write --sync=sync --direct=1
libaio-fsync-direct fsync sync --fsync=1 --direct=1
libaio-dsync o_dsync write --sync=dsync
libaio-dsync-direct o_dsync write --sync=dsync --direct=1
io_uring-fsync io_uring_fsync sync --fsync=1
io_uring-fdatasync-direct io_uring_fsync sync --fdatasync=1 --direct=1
io_uring-dsync o_dsync write --sync=dsync
io_uring-dsync-direct o_dsync write --sync=dsync --direct=1
io_uring-registered-fsync io_uring_fsync sync --fsync=1 --registerfiles=1
io_uring-polled-fsync io_uring_fsync sync --fsync=1 --sqthread_poll=1
io_uring-polled-dsync-direct o_dsync write --sync=dsync --direct=1 --sqthread_poll=1
END_OF_LIST

# --- dpkg ---

# A package of 20 files. Each is synced, and the database of packages; with force-unsafe-io
# only the database is.
mkdir -p "$work/package/DEBIAN" "$work/package/opt/data"
cat >"$work/package/DEBIAN/control" <<'END_OF_FILE'
Package: flushaudit-test
Version: 1
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: files
END_OF_FILE
for ((i = 0; i < 20; i++)); do echo "content $i" >"$work/package/opt/data/file-$i"; done
dpkg-deb --root-owner-group -b "$work/package" "$work/package.deb" >/dev/null
for mode in safe unsafe; do
    root=$MNT/dpkg-$mode
    mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info"
    : >"$root/var/lib/dpkg/status"
    # Images of containers force it in dpkg.cfg.d.
    if [ $mode = safe ]; then option=--no-force-unsafe-io; else option=--force-unsafe-io; fi
    compare "dpkg-$mode" dpkg $option --root="$root" --log=/dev/null -i "$work/package.deb"
    files=$(calls_on fsync '/opt/data/file-[0-9]+')
    database=$(calls_on fsync '/var/lib/dpkg/')
    if [ $mode = safe ]; then files="($files) == 20"; else files="($files) == 0"; fi
    # What was only written out, the syncs of the database cover.
    verdicts "dpkg $option: what it synced is durable" 0 \
        "not-durable/writeout-only $proven durable/clean" "$files and ($database) >= 20"
done

# --- rsync ---

for options in -a "-a --fsync"; do
    name=rsync${options//[- ]/}
    # shellcheck disable=SC2086 # words
    compare "$name" rsync $options "$work/package/opt/" "$MNT/$name"
    case $options in
    *fsync) verdicts "rsync --fsync: each file once, durable" 0 "$proven" "$(calls_are fsync=20)" ;;
    *)
        UNSYNCED="/file-[0-9]+"
        verdicts "rsync without --fsync: no calls, and it is said" 0 none "$(calls_are '')"
        UNSYNCED=''
        ;;
    esac
done
