#!/usr/bin/env bash
# Many threads at once: group commit, and a file that another thread keeps writing.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 9

threads=8 calls=1000 total=8000

# Where the device completed fewer flushes than there were calls, some call was
# covered by a flush that somebody else asked for.
shared=".totals.flushes >= $total or ([.syncs[] | select(.reason == \"shared-flush\")] | length) > 0"

for fs in ext4 xfs btrfs; do
    fresh $fs
    mkdir "$MNT/own"
    audit $fs-own "$workload" threads-fsync "$MNT/own" $threads $calls
    expect "$fs: $threads threads x $calls fsync, own files" 0 fsync=$total "$proven" "$shared"
    say "$(summary) flushes=$(jq -c '[.devices[] | {(.name): .flushes}] | add' "$JSON" 2>/dev/null)"
    audit $fs-one "$workload" threads-fsync-one "$MNT/one" $threads $calls
    expect "$fs: $threads threads x $calls fsync, one file" 0 fsync=$total "$proven" "$shared"
    say "$(summary) flushes=$(jq -c '[.devices[] | {(.name): .flushes}] | add' "$JSON" 2>/dev/null)"
    audit $fs-busy "$workload" busy-fdatasync "$MNT/busy" 200
    expect "$fs: fdatasync of a file that another thread keeps writing" 0 fdatasync=201 "$proven"
done
