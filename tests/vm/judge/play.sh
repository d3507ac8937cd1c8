# shellcheck shell=sh
# The played guest: runs scripts under flushaudit, each on a stack of its own.
# /harness/extra/cases has a line for each:
#   NAME STACK VARIANT DISK[,DISK...] SECOND SCRIPT FLAGS
# VARIANT none: the script works on the device itself. FLAGS is - or a list of:
# faults (errors do not end the script), vanishes (a drive is gone for good, which
# ends the guest: matrix.py gives the case a boot of its own, nothing here looks), apart
# (an audit of its own, for what is found when it ends; nothing here looks either), names (what
# names become is judged, when the audit has ended).
# With /harness/extra/together one audit spans all.
# shellcheck source=/dev/null
. /harness/guest.sh
# shellcheck source=/dev/null
. /harness/stacks.sh

audited() { # NAME COMMAND...
    audited_name=$1 audited_status=0
    shift
    # shellcheck disable=SC2086 # none, or words
    flushaudit run ${LEVEL:+--level "$LEVEL"} ${audited_options-} --json -o "$RESULTS/$audited_name.json" -- "$@" || audited_status=$?
    case $audited_status in 0 | 1 | 3) ;; *) fail "$audited_name: flushaudit ended with $audited_status" ;; esac
}

# The emulated NVMe drive drops the FUA bit on its way to the drive's log, so the
# guest's own trace of what it sent tells; see FuaTrace of crash.py.
trace_nvme() {
    trace_disks=$(cut -d' ' -f4,5 /harness/extra/cases | tr ', ' '\n' | grep '^nvme' | sort -u) || return 0
    for trace_disk in $trace_disks; do
        echo "$trace_disk $(cat "/sys/block/$(disk_name "$trace_disk")/dev")" >>"$RESULTS/traced"
    done
    echo 16384 >/sys/kernel/tracing/buffer_size_kb
    echo 1 >/sys/kernel/tracing/events/block/block_rq_issue/enable
    # Which numbers its paths have, of which nothing else tells on 5.10.
    case $trace_disks in *nvme-paths*) echo 1 >/sys/kernel/tracing/events/block/block_bio_remap/enable ;; esac
}

play() { # NAME STACK VARIANT DISKS SECOND SCRIPT FLAGS
    play_name=$1 play_stack=$2 play_variant=$3 play_second=$5 play_flags=,$7,
    play_report=$RESULTS/$play_name.json
    echo "== $*"
    missing=$(stack_missing "$play_stack" || true)
    [ -n "$missing" ] || [ "$play_variant" = none ] || missing=$(stack_missing "$play_variant" || true)
    if [ -n "$missing" ]; then
        echo "$play_name missing $missing" >>"$RESULTS/outcomes"
        return
    fi
    play_devices=
    for play_disk in $(echo "$4" | tr , ' '); do
        drive_set "$play_disk" wipe
        play_devices="$play_devices $(disk "$play_disk")"
    done
    if [ "$play_second" = - ]; then
        play_second=
    else
        drive_set "$play_second" wipe
        play_second=$(disk "$play_second")
    fi
    # shellcheck disable=SC2086 # a list of devices
    stack_up "$play_stack" create $play_devices
    play_top=$TOP
    set -- player play --dir /played --device "$play_top" --script "/harness/extra/$6" \
        --history "$RESULTS/$play_name.history" --marks "$play_name"
    case $play_flags in *,faults,*) set -- "$@" --keep-going ;; esac
    mkdir -p /played
    if [ "$play_variant" != none ]; then
        fs_create "$play_variant" "$play_top" "$play_second"
        stack_sync "$play_stack"
        fs_mount "$play_variant" create /played "$play_top" "$play_second"
    fi
    sync
    mark "$play_name-base"
    if [ -e /harness/extra/together ]; then
        play_report=$RESULTS/together.json
        "$@" || echo "the player ended with $?" # its history has no end then
    else
        case $play_flags in *,names,*) audited_options=--names ;; *) audited_options= ;; esac
        audited "$play_name" "$@"
        mark "$play_name-audited"
    fi
    if [ "$play_variant" != none ]; then
        fs_umount "$play_variant" /played
    fi
    stack_down "$play_stack"
    echo "$play_name played $(basename "$play_report")" >>"$RESULTS/outcomes"
}

play_all() {
    while read -r case_line; do
        # shellcheck disable=SC2086 # words
        play $case_line </dev/null
    done </harness/extra/cases
}

# At the tracepoint level a file system is seen only if its module was there first.
load_modules() {
    for module in loop overlay ext4 $(cut -d' ' -f3 /harness/extra/cases | cut -d- -f1 | sort -u); do
        modprobe -q "$module" || true
    done
}

if [ "${1-}" != inside ]; then
    load_modules
    trace_nvme
fi
if [ -e /harness/extra/together ] && [ "${1-}" != inside ]; then
    audited together sh -eu /harness/scenario.sh inside
    [ -e "$RESULTS/outcomes" ] || fail "no case was played"
else
    play_all
fi
if [ "${1-}" != inside ] && [ -e "$RESULTS/traced" ]; then
    cat /sys/kernel/tracing/trace >"$RESULTS/trace"
fi
