# shellcheck shell=sh
# The played guest: runs scripts under flushaudit, each on a stack of its own.
# /harness/extra/cases has a line for each:
#   NAME STACK VARIANT DISK[,DISK...] SECOND SCRIPT FLAGS
# VARIANT none: the script works on the device itself. FLAGS is - or a list of:
# faults (errors do not end the script), vanishes (a drive is gone for good, which
# ends the guest: matrix.py gives the case a boot of its own, nothing here looks), apart
# (an audit of its own, for what is found when it ends; nothing here looks either), names (what
# names become is judged, when an audit has ended that all were mounted in).
# With /harness/extra/together one audit spans all, one after the other; with
# /harness/extra/beside it spans all too, and they are mounted side by side until it ended.
# Each is mounted at /played/NAME.
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

# Runs a command with the words of each line of a list of cases behind it. The command is part of no
# condition: what fails in it ends the scenario.
each_case() { # LIST COMMAND...
    each_list=$1
    shift
    while read -r each_line; do
        # shellcheck disable=SC2086 # words
        "$@" $each_line </dev/null
    done <"$each_list"
}

# Does this kernel have what a case is played on?
is_playable() { # NAME STACK VARIANT...
    echo "== $*"
    missing=$(stack_missing "$2" || true)
    [ -n "$missing" ] || [ "$3" = none ] || missing=$(stack_missing "$3" || true)
    [ -n "$missing" ] || return 0
    echo "$1 missing $missing" >>"$RESULTS/outcomes"
    return 1
}

# Makes and mounts it.
play_up() { # NAME STACK VARIANT DISKS SECOND SCRIPT FLAGS
    play_name=$1 play_stack=$2 play_variant=$3 play_second=$5
    STACK_RUN=/run/stacks/$play_name # read by stacks.sh
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
    echo "$TOP" >"/run/top-$play_name"
    mkdir -p "/played/$play_name"
    if [ "$play_variant" != none ]; then
        fs_create "$play_variant" "$TOP" "$play_second"
        stack_sync "$play_stack"
        fs_mount "$play_variant" create "/played/$play_name" "$TOP" "$play_second"
    fi
    sync
    mark "$play_name-base"
}

# Sets PLAYER, the command that plays a case.
play_command() { # NAME STACK VARIANT DISKS SECOND SCRIPT FLAGS
    PLAYER="player play --dir /played/$1 --device $(cat "/run/top-$1") --script /harness/extra/$6"
    PLAYER="$PLAYER --history $RESULTS/$1.history --marks $1"
    case ,$7, in *,faults,*) PLAYER="$PLAYER --keep-going" ;; esac
}

play_down() { # REPORT NAME STACK VARIANT DISKS...
    # shellcheck disable=SC2034 # read by stacks.sh
    STACK_RUN=/run/stacks/$2
    if [ "$4" != none ]; then
        fs_umount "$4" "/played/$2"
    fi
    stack_down "$3"
    echo "$2 played $1" >>"$RESULTS/outcomes"
}

# One case, in the audit that spans all or in one of its own.
play() { # NAME STACK VARIANT DISKS SECOND SCRIPT FLAGS
    is_playable "$@" || return 0
    play_up "$@"
    if [ -e /harness/extra/together ]; then
        play_within "$@"
        play_down together.json "$@"
        return
    fi
    play_command "$@"
    case ,$7, in *,names,*) audited_options=--names ;; *) audited_options= ;; esac
    # shellcheck disable=SC2086 # words
    audited "$1" $PLAYER
    mark_audited "$@"
    play_down "$1.json" "$@"
}

# One case, in an audit that spans others, too.
play_within() { # NAME STACK VARIANT DISKS SECOND SCRIPT FLAGS
    play_command "$@"
    $PLAYER || echo "the player ended with $?" # its history has no end then
}

up_beside() { # NAME STACK VARIANT DISKS SECOND SCRIPT FLAGS
    is_playable "$@" || return 0
    play_up "$@"
    echo "$*" >>/run/beside
}

mark_audited() { mark "$1-audited"; } # NAME...

play_all_beside() {
    : >/run/beside
    each_case /harness/extra/cases up_beside
    case $(cut -d' ' -f7 /run/beside) in *names*) audited_options=--names ;; esac
    audited beside sh -eu /harness/scenario.sh inside
    each_case /run/beside mark_audited
    each_case /run/beside play_down beside.json
}

# At the tracepoint level a file system is seen only if its module was there first.
load_modules() {
    for module in loop overlay ext4 $(cut -d' ' -f3 /harness/extra/cases | cut -d- -f1 | sort -u); do
        modprobe -q "$module" || true
    done
}

if [ "${1-}" = inside ]; then
    if [ -e /harness/extra/beside ]; then each_case /run/beside play_within; else each_case /harness/extra/cases play; fi
    exit
fi
load_modules
trace_nvme
if [ -e /harness/extra/beside ]; then
    play_all_beside
elif [ -e /harness/extra/together ]; then
    audited together sh -eu /harness/scenario.sh inside
else
    each_case /harness/extra/cases play
fi
[ -e "$RESULTS/outcomes" ] || fail "no case was played"
if [ -e "$RESULTS/traced" ]; then
    cat /sys/kernel/tracing/trace >"$RESULTS/trace"
fi
