# shellcheck shell=bash
# What the live tests are written with: throwaway file systems and audits. What
# a test mounted or attached is released when it ends, however it ends.
live=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$live/../.." && pwd)
FLUSHAUDIT=${FLUSHAUDIT:-$top/.build/flushaudit}
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$live/tap.sh"

# --- a place on a real disk ---

disk_dir=${FLUSHAUDIT_TMP:-/var/tmp}
case $(stat -f -c %T "$disk_dir") in
tmpfs | ramfs | overlayfs)
    echo "Bail out! $disk_dir is not on a disk: set FLUSHAUDIT_TMP to a directory that is"
    exit 1
    ;;
esac
[ "$(id -u)" = 0 ] || { echo "Bail out! the live tests need root"; exit 1; }
[ -x "$FLUSHAUDIT" ] || { echo "Bail out! there is no $FLUSHAUDIT: run make"; exit 1; }
work=$(mktemp -d "$disk_dir/flushaudit-live.XXXXXX")
on_exit "rm -rf --one-file-system '$work'"
chmod 711 "$work"

# The programs that make the sync calls.
"$top/tests/vm/build"
# shellcheck disable=SC2034 # used by the tests
workload=$top/.build/vm/workload
act=$top/.build/live/act
mkdir -p "$top/.build/live"
if [ ! "$act" -nt "$live/act.c" ]; then
    ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -pthread -o "$act.$$" "$live/act.c"
    mv "$act.$$" "$act"
fi

# --- devices and file systems ---

release() { # MOUNTPOINT
    local try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        umount "$1" 2>/dev/null && return
        mountpoint -q "$1" || return 0
        sleep "0.$try"
    done
    umount -l "$1"
}

# Attaches an image of SIZE in DIRECTORY (default: on the disk). Sets LOOP.
attach_loop() { # SIZE [DIRECTORY]
    local image
    image=$(mktemp "${2:-$work}/image.XXXXXX")
    truncate -s "$1" "$image"
    LOOP=$(losetup -f --show "$image")
    # An override outlives the device it was made for.
    echo "write back" >"/sys/block/${LOOP#/dev/}/queue/write_cache"
    on_exit "losetup -d $LOOP; rm -f $image"
}

make_fs() { # FSTYPE DEVICE
    case $1 in
    ext4) mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$2" ;;
    *) "mkfs.$1" -q -f "$2" >/dev/null ;;
    esac
}

# Mounts with no periodic commit, so that the device is idle unless a test works.
mount_fs() { # FSTYPE DEVICE MOUNTPOINT [OPTIONS]
    local options=${4-}
    case $1 in
    ext4) options=commit=300,noinit_itable${options:+,$options} ;;
    btrfs) options=commit=300${options:+,$options} ;;
    esac
    mkdir -p "$3"
    mount -t "$1" ${options:+-o "$options"} "$2" "$3"
    on_exit "release '$3'"
    sync -f "$3"
}

# A new file system on a new loop device. Sets LOOP and MNT.
mounts=0
fresh() { # FSTYPE [OPTIONS [DIRECTORY-OF-THE-IMAGE]]
    attach_loop 512M "${3-}"
    make_fs "$1" "$LOOP"
    mounts=$((mounts + 1))
    MNT=$work/$1-$mounts
    mount_fs "$1" "$LOOP" "$MNT" "${2-}"
}

dev_of() { lsblk -dno MAJ:MIN "$1" | tr -d ' '; } # DEVICE

# The kernel's own count of flushes completed on a device, as /proc/diskstats has it.
flushes_of() { awk -v n="$(basename "$1")" '$3 == n { print $19 }' /proc/diskstats; } # DEVICE

# ... once nothing is going on there.
idle_flushes() { # DEVICE
    local before='' now
    while now=$(flushes_of "$1"); [ "$now" != "$before" ]; do
        before=$now
        sleep 0.3
    done
    echo "$now"
}

# --- audits ---

AUDIT_OPTIONS=()

# Audits a command: the report is $JSON, the exit status $STATUS; what the
# command and the auditor said is in $work/NAME.out and NAME.err. With
# FLUSHAUDIT_REPORTS=DIRECTORY a copy of each report is left there.
audit() { # NAME COMMAND...
    local name=$1
    shift
    JSON=$work/$name.json
    STATUS=0
    rm -f "$JSON"
    "$FLUSHAUDIT" run "${AUDIT_OPTIONS[@]}" --json -o "$JSON" -- "$@" \
        </dev/null >"$work/$name.out" 2>"$work/$name.err" || STATUS=$?
    if [ -n "${FLUSHAUDIT_REPORTS-}" ]; then
        cp "$JSON" "$work/$name.err" "$FLUSHAUDIT_REPORTS/" 2>/dev/null || true
    fi
}

# What is compared of a report. "kernel" calls are nested in others and not the
# command's own; they must hold where those hold.
summary() { # prints exit status, calls, verdicts, nested, lost
    local text
    if ! text=$(jq -er '
        [.syncs[] | select(.kind != "kernel")] as $own |
        "calls=" + ($own | group_by(.kind) | map("\(.[0].kind)=\(length)") | join(",")) +
        " verdicts=" + ($own | group_by([.verdict, .reason]) |
            map("\(.[0].verdict)/\(.[0].reason)=\(length)") | join(",")) +
        " nested=" + ([.syncs[] | select(.kind == "kernel" and .verdict != "durable") |
            "\(.verdict)/\(.reason)"] | unique | join(",")) +
        " lost=\(.totals.lost_events) command=\(.command.exit_status)"' "$JSON" 2>&1); then
        [ -s "$JSON" ] || text="there is none "
        text="no readable report: $text$(tail -n 3 "${JSON%.json}.err" 2>/dev/null)"
    fi
    echo "exit=$STATUS $text"
}

# The exit status as the calls alone would have it: what a command leaves unsynced beside the
# calls that a test is about is test_exposure.sh's.
calls_status() {
    if [ "$STATUS" = 1 ] && holds '[.findings[] | select(.severity == "risk") | .kind] |
        length > 0 and all(. == "never-synced")' && holds 'all(.syncs[]; .verdict != "not-durable" or
        (.reason == "writeout-only" and .covered_by != null))'; then
        holds '.totals.unproven == 0 and .totals.lost_events == 0' && echo 0 || echo 3
    else
        echo "$STATUS"
    fi
}

# True when the jq expression holds of the report.
holds() { jq -e "${@:2}" "$1" "$JSON" >/dev/null 2>&1; } # EXPRESSION [JQ-OPTION...]

show() { jq -c "$1" "$JSON" 2>&1 || true; } # EXPRESSION

# shellcheck disable=SC2016 # jq's own variables
# The totals must be those of the list of the command's own calls, whatever else
# is asked.
sums='[.syncs[] | select(.kind != "kernel") | .verdict] as $v |
    def count(w): [$v[] | select(. == w)] | length;
    .totals | .syncs == ($v | length) and .durable == count("durable") and
    .not_durable == count("not-durable") and .unproven == count("unproven")'

# One point: the report holds exactly these calls, each with one of these
# reasons, nothing lost, the command succeeded, and the exit code is right.
expect() { # TITLE EXIT[,EXIT] CALLS "VERDICT/REASON..." [MORE-JQ]
    local problem=''
    # shellcheck disable=SC2016 # jq's own variables
    if [[ ",$2," != *",$(calls_status),"* ]]; then
        problem="exit $STATUS, not $2"
    elif ! holds "$sums"; then
        problem="the totals are not those of the list: $(show .totals)"
    elif ! holds '.totals.lost_events == 0 and .command.exit_status == 0'; then
        problem="lost events, or the command failed"
    elif ! holds '[.syncs[] | select(.kind != "kernel")] | group_by(.kind) |
        map("\(.[0].kind)=\(length)") | join(",") == $calls' --arg calls "$3"; then
        problem="not the calls $3"
    elif ! holds 'all(.syncs[] | select(.kind != "kernel");
        "\(.verdict)/\(.reason)" as $v | ($wanted | split(" ") | index([$v])) != null)' --arg wanted "$4"; then
        problem="a verdict that is not one of $4"
    elif [ "$2" = 0 ] && ! holds 'all(.syncs[]; .verdict == "durable" or .reason == "writeout-only")'; then
        problem="a nested call that is not durable"
    elif [ -n "${5-}" ] && ! holds "$5"; then
        problem="not true: $5"
    fi
    [ -z "$problem" ] || problem+=" ($(summary))"
    point "$1" "$problem"
}

# The reasons a call may have that had something to make durable on a drive with
# a volatile cache.
# shellcheck disable=SC2034 # used by the tests
proven="durable/flushed durable/shared-flush durable/fua"

# --- counts, against somebody else's ---

# Kinds that strace cannot see, for a ring carries them; the test has another count of them.
UNSEEN=none
# The calls of the report in the words of straced.py.
# shellcheck disable=SC2016 # jq's own variables
reported='.syncs[] | select(.kind != "kernel" and (.kind | test("^(\($unseen))$") | not)) |
    [.kind, .tid, if .kind == "sync" or .kind == "msync" then "" else .path end] | @tsv'

by_kind() { cut -f1 | sort | uniq -c | awk '{ print $2 "=" $1 }' | sort | paste -sd, - | sed 's/^$/none/'; }

# Runs a command between two looks at a device's count of flushes. It is itself below the
# audit, for a sync(2) of somebody else during the start of the audit would be in one count only.
cat >"$work/between" <<'END_OF_SCRIPT'
#!/bin/sh
device=$1 log=$2 status=0
shift 2
look() { awk -v n="$device" '$3 == n { print $19 }' /proc/diskstats; }
look >"$log"
"$@" || status=$?
now=$(look) before=''
while [ "$now" != "$before" ]; do
    sleep 0.1
    before=$now now=$(look)
done
echo "$now" >>"$log"
exit $status
END_OF_SCRIPT
chmod 755 "$work/between"

# What the instruments write is on no disk, so that no audit has anything to say of it.
ram=$work/ram
mkdir "$ram"
mount -t tmpfs -o mode=711 tmpfs "$ram"
on_exit "release '$ram'"

# Audits strace and the command below it on the idle device LOOP. Two points: the calls are
# those that strace saw, each once with its thread and file; the flushes those that the
# device completed.
traced=$(python3 "$live/straced.py" --traced)
compare() { # NAME COMMAND...
    local name=$1 want got problem log=$ram/$1.strace span=$ram/$1.span
    shift
    : | tee "$log" >"$span"
    chmod 666 "$log" "$span"
    sync -f "$MNT"
    idle_flushes "$LOOP" >/dev/null
    audit "$name" "$work/between" "${LOOP#/dev/}" "$span" strace -f -qq -y -s 16 --seccomp-bpf -o "$log" \
        -e "trace=$traced" -e 'abbrev=!io_submit' "$@"

    python3 "$live/straced.py" "$log" | sort >"$work/$name.want"
    jq -r --arg unseen "$UNSEEN" "$reported" "$JSON" 2>/dev/null | sort >"$work/$name.got"
    problem=''
    if ! holds "($sums) and .totals.lost_events == 0"; then
        problem="no consistent report: $(summary)"
    elif ! holds '.command.exit_status == 0'; then
        problem="the command failed: $(tail -n 3 "$work/$name.err" "$work/$name.out")"
    elif ! cmp -s "$work/$name.want" "$work/$name.got"; then
        problem="flushaudit has '$(by_kind <"$work/$name.got")': $(diff "$work/$name.want" "$work/$name.got" | head -n 6 || true)"
    fi
    point "$name: sync calls as strace counts them ($(by_kind <"$work/$name.want"))" "$problem"

    want=$(awk 'NR == 1 { before = $1 } { after = $1 } END { print after - before }' "$span")
    got=$(jq -r --arg dev "$(dev_of "$LOOP")" '
        [.devices[] | select(.dev == $dev) | .flushes] as $counted |
        [.flushes[] | select(.dev == $dev)] | length as $listed |
        if ($counted | length) == 0 then $listed
        elif $counted[0] == $listed then $listed else "\($counted[0]) counted, \($listed) listed" end' \
        "$JSON" 2>/dev/null) || got="no report"
    problem=''
    [ "$got" = "$want" ] || problem="flushaudit has $got, diskstats $want"
    point "$name: flushes as diskstats counts them ($want)" "$problem"
}

# The paths that the audit holds to be at risk must all match this, and there must be some:
# what the configuration leaves to the kernel. Empty: there must be none. With a leading "?"
# there may be none.
UNSYNCED=''
risks_problem() {
    local paths pattern=${UNSYNCED#\?}
    paths=$(jq -r '.findings[] | select(.severity == "risk") | "\(.kind) \(.path)"' "$JSON")
    if [ -n "$pattern" ]; then
        [ -n "$paths" ] || [[ $UNSYNCED = \?* ]] || echo "nothing is said to be unsynced, but $pattern is"
        paths=$(grep -vE "^never-synced .*($pattern)\$" <<<"$paths" || true)
    fi
    [ -z "$paths" ] || echo "said to be at risk: $(head -n 3 <<<"$paths")"
}

# The verdicts of that audit: each call one of these, the files at risk those of UNSYNCED, the
# exit status right (1 where a file is at risk), and what is said of the numbers true.
# shellcheck disable=SC2016 # jq's own variables
verdicts() { # TITLE EXIT "VERDICT/REASON..." [MORE-JQ]
    local problem exit=$2
    if holds 'any(.findings[]; .severity == "risk")'; then exit=1; fi
    problem=$(risks_problem)
    if [ -n "$problem" ]; then
        problem+=" ($(summary))"
    elif [ "$exit" != "$STATUS" ] || ! holds 'all(.syncs[] | select(.kind != "kernel");
        "\(.verdict)/\(.reason)" as $v | ($wanted | split(" ") | index([$v])) != null)' --arg wanted "$3"; then
        problem=$(summary)
    elif [ -n "${4-}" ] && ! holds "$4"; then
        problem="not true: $4 ($(summary))"
    fi
    point "$1" "$problem"
}

# In jq: the calls are exactly these.
calls_are() { # "KIND=N,..."
    echo "([.syncs[] | select(.kind != \"kernel\")] | group_by(.kind) |
        map(\"\\(.[0].kind)=\\(length)\") | join(\",\")) == \"$1\""
}

# In jq: how many calls of one of these kinds were on files whose path matches.
calls_on() { echo "[.syncs[] | select((.kind | test(\"^($1)\$\")) and .path and (.path | test(\"$2\")))] | length"; } # KINDS PATH
