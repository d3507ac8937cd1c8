# shellcheck shell=sh
# Sync calls that something answers before a file system can, and healthy twins of them.
# disks: virtio-wb
# timeout: 600
# check: check-swallowed
# shellcheck source=/dev/null
. /harness/guest.sh

# As in errors.sh: one that lost events is made again.
audit() { # NAME COMMAND...
    audit_name=$1
    shift
    for audit_try in 1 2 3; do
        audit_status=0
        # What a try before had the servers asked for does not count.
        case $audit_name in
        fuse) : >/tmp/log-none ;;
        fuse-without) : >/tmp/log-fsync ;;
        esac
        flushaudit run ${LEVEL:+--level "$LEVEL"} --json -o "$RESULTS/$audit_name.json" -- "$@" || audit_status=$?
        echo "$audit_status" >"$RESULTS/$audit_name.status"
        ! grep -q '^"losses": \[\]' "$RESULTS/$audit_name.json" || break
        echo "$audit_name: try $audit_try lost events"
    done
}

fresh ext4 virtio-wb /mnt
modprobe -q fuse || : # built in
for without in none fsync; do
    mkdir -p /fuse-$without
    fuse_server /tmp/log-$without $without /fuse-$without
done
mkdir /fuse-keep
fuse_server /tmp/log-keep keep:/mnt/kept /fuse-keep

audit plain swallow plain /mnt/plain
audit preload env LD_PRELOAD=/usr/libdonothing.so swallow plain /mnt/preload
audit child /usr/bin/swallow child /usr/libdonothing.so /mnt/child
audit allow swallow allow fsync /mnt/allow
audit zero swallow zero fsync /mnt/zero
audit notify swallow notify fdatasync /mnt/notify
audit refuse swallow refuse fsync /mnt/refuse
audit fuse sh -c 'swallow plain /fuse-none/file && swallow plain /fuse-none/file'
audit fuse-without sh -c 'swallow plain /fuse-fsync/file && swallow plain /fuse-fsync/file'
audit fuse-keep sh -c 'swallow plain /fuse-keep/file && swallow plain /fuse-keep/file'
cp /tmp/log-none /tmp/log-fsync "$RESULTS"
umount /fuse-none
umount /fuse-fsync
umount /fuse-keep
umount /mnt
