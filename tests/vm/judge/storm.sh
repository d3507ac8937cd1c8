# shellcheck shell=sh
# The healthy stacks under load: many threads that sync, others that only write.
# /harness/extra/storm: CALLS THREADS SEED FILESYSTEM...
# shellcheck source=/dev/null
. /harness/guest.sh
# shellcheck source=/dev/null
. /harness/stacks.sh

read -r calls threads seed variants </harness/extra/storm
for variant in $variants; do
    modprobe -q "$variant" || true
    drive_set virtio-wb wipe
    stack_up plain create "$(disk virtio-wb)"
    fs_create "$variant" "$TOP"
    fs_mount "$variant" create /storm "$TOP"
    storm_status=0
    flushaudit run ${LEVEL:+--level "$LEVEL"} --json -o "$RESULTS/$variant.json" -- \
        player storm --dir /storm --threads "$threads" --calls "$calls" --seed "$seed" --background 4 \
        >"$RESULTS/$variant.calls" || storm_status=$?
    case $storm_status in 0 | 1 | 3) ;; *) fail "$variant: flushaudit ended with $storm_status" ;; esac
    fs_umount "$variant" /storm
    stack_down plain
done
