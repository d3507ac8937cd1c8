#!/usr/bin/env bash
# Many threads at once: group commit, and a file that another thread keeps writing.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 15

threads=8 calls=1000 total=8000

# Where the device completed fewer flushes than there were calls, some call was
# covered by a flush that somebody else asked for.
shared=".totals.flushes >= $total or ([.syncs[] | select(.reason == \"shared-flush\")] | length) > 0"

# Threads that sync one file on btrfs may meet a kernel hole (README), which is then named.
named='all(.syncs[]; .kind == "kernel" or .verdict == "durable" or
    (.detail | test("kernel hole btrfs-concurrent-fsync")))'

# One point for the calls, one for the flushes: as many as /proc/diskstats has.
group() { # NAME TITLE KIND PATH [EXIT MORE-VERDICTS]
    local before after counted problem=''
    sync -f "$MNT"
    before=$(idle_flushes "$LOOP")
    audit "$1" "$workload" "$3" "$4" $threads $calls
    after=$(flushes_of "$LOOP")
    expect "$2" "${5-0}" fsync=$total "$proven ${6-}" "($shared) and ($named)"
    counted=$(jq -r --arg dev "$(dev_of "$LOOP")" '[.flushes[] | select(.dev == $dev)] | length' "$JSON" 2>&1) || true
    [ "$counted" = $((after - before)) ] || problem="flushaudit has $counted, diskstats $((after - before))"
    point "$2: flushes as diskstats counts them ($((after - before)))" "$problem"
    say "$(summary)"
    say "not durable: $(show '[.syncs[] | select(.verdict != "durable") |
        [.id, .kind, .tid, .latency_ns, .verdict, .reason, .detail]] | .[:5]')"
}

for fs in ext4 xfs btrfs; do
    fresh $fs
    mkdir "$MNT/own"
    group $fs-own "$fs: $threads threads x $calls fsync, own files" threads-fsync "$MNT/own"
    set --
    [ $fs != btrfs ] || set -- 0,1,3 "not-durable/early-return not-durable/no-flush not-durable/not-written unproven/commit-unseen"
    group $fs-one "$fs: $threads threads x $calls fsync, one file" threads-fsync-one "$MNT/one" "$@"
    audit $fs-busy "$workload" busy-fdatasync "$MNT/busy" 200
    # The last call, after the other thread has ended, may find nothing to do.
    expect "$fs: fdatasync of a file that another thread keeps writing" 0 fdatasync=201 "$proven durable/clean" \
        '[.syncs[] | select(.reason == "clean")] | length <= 1'
done
