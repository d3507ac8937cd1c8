#!/usr/bin/env bash
# Writes that fail, on a device whose room has run out: below it a sparse file on
# a small file system that is full. What was lost is counted by reading it back.
# shellcheck disable=SC2016 # jq's own variables, and those of an inner shell
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 23

size=262144 # written where no room is left

# The small file system: without a journal, so that it stays usable when full.
attach_loop 160M
mkfs.ext4 -q -F -b 4096 -m 0 -O ^has_journal -E lazy_itable_init=0 "$LOOP"
small=$work/small
mkdir "$small"
mount "$LOOP" "$small"
on_exit "release '$small'"

fill() { # to the last block
    local step end
    sync -f "$MNT" 2>/dev/null || true # it may report what failed before
    sync -f "$small"
    for step in 16M 1M 64K 4K; do
        while end=$(stat -c %s "$small/filler" 2>/dev/null || echo 0)
            fallocate -o "$end" -l $step "$small/filler" 2>/dev/null; do :; done
    done
    sync -f "$small"
}
make_room() { rm -f "$small/filler"; sync -f "$small"; }

# A fresh file system whose image lies on the small one. Sets LOOP and MNT.
cramped() { # FSTYPE
    attach_loop 512M "$small"
    # Block by block: the loop driver takes a write to its file that came out short
    # for a whole one (lo_complete_rq in drivers/block/loop.c), and tells nobody.
    queue=/sys/block/${LOOP#/dev/}/queue/max_sectors_kb
    on_exit "echo '$(cat "$queue")' >'$queue'"
    echo 4 >"$queue"
    mounts=$((mounts + 1))
    MNT=$work/$1-$mounts
    if [ "$1" = ext4 ]; then # a journal that cannot be written would end it
        mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0 "$LOOP"
        mkdir "$MNT"
        mount "$LOOP" "$MNT"
        on_exit "release '$MNT'"
    else
        make_fs "$1" "$LOOP"
        mount_fs "$1" "$LOOP" "$MNT"
    fi
    # Its place is taken before: what fails is data.
    "$act" open wc "$MNT/file" write 4096 fsync
    "$act" open wc "$MNT/other" write 4096 fsync
}

reasons='[.syncs[] | select(.kind == "fsync") | "\(.verdict)/\(.reason)"]'
# What the first fsync was too early for, the second may still report.
tell=(try-fsync sleep 100 try-fsync)
swallowed='[.findings[] | select(.kind == "error-swallowed" and .severity == "risk")]'

for fs in ext4 xfs btrfs; do
    cramped $fs
    fill

    # The classic: the first fsync tells, the last one says that all is well.
    audit $fs-retry "$act" open w "$MNT/file" pwrite 4096 $size "${tell[@]}" fsync
    problem=''
    holds "$reasons == [range(3) | \"not-durable/write-failed\"] and .syncs[0].ret == -28 and
        .command.exit_status == 0" || problem=$(summary)
    point "$fs: an fsync that succeeds after one that failed is not durable" "$problem"
    problem=''
    holds "$swallowed | length == 1 and (.[0] | .path == \$path and
        (.detail | test(\"fsync by PID [0-9]+ was told .*; fsync by PID [0-9]+ reported success\")))" \
        --arg path "$MNT/file" || problem=$(show .findings)
    point "$fs: error-swallowed, and who was told" "$problem"
    problem=''
    [ "$STATUS" = 1 ] || problem="exit $STATUS"
    point "$fs: exit 1" "$problem"

    # What is not 'a' now was lost. A look at the page cache would not tell.
    make_room
    umount "$MNT"
    mount "$LOOP" "$MNT"
    lost=$((size - $(tail -c +4097 "$MNT/file" | tr -dc a | wc -c)))
    problem=''
    holds "${swallowed}[0].bytes == \$lost" --argjson lost "$lost" || problem="$lost bytes are gone, the report says $(show '.findings[0].bytes')"
    [ "$lost" -gt 0 ] || problem="nothing was lost"
    point "$fs: bytes is what is gone from the medium" "$problem"

    fill
    # Once there is room, all is written again: then it is durable, and not before.
    audit $fs-again sh -euc 'act=$1 file=$2 size=$3 filler=$4; shift 4
        "$act" open w "$file" pwrite 4096 "$size" "$@"; rm "$filler"; sync -f "${filler%/*}"
        "$act" open w "$file" pwrite 4096 4096 fsync pwrite 4096 "$size" fsync fsync' \
        sh "$act" "$MNT/file" $size "$small/filler" "${tell[@]}"
    problem=''
    holds "$reasons | .[:3] == [range(3) | \"not-durable/write-failed\"] and (.[3:] | length == 2 and
        all(.[]; startswith(\"durable/\")))" || problem="$(show "$reasons") $(summary)"
    point "$fs: durable again once all of it was written again" "$problem"

    # Nobody of the audited was told: somebody else took the error.
    fill
    (
        until [ -e "$work/written" ]; do sleep 0.01; done
        "$act" open w "$MNT/other" "${tell[@]}"
        : >"$work/taken"
    ) &
    audit $fs-untold sh -euc '"$1" open w "$2" pwrite 4096 "$3"; : >"$4/written"
        until [ -e "$4/taken" ]; do sleep 0.01; done; "$1" open w "$2" fsync' sh "$act" "$MNT/other" $size "$work"
    wait
    rm "$work/written" "$work/taken"
    problem=''
    holds "$reasons == [\"not-durable/write-failed\"] and .syncs[-1].ret == 0 and ($swallowed | length == 1 and
        (.[0].detail | test(\"no audited call was told\")))" || problem="$(show .findings) $(summary)"
    point "$fs: error-swallowed, and nobody was told" "$problem"
    make_room

    # Another file, of whatever number, has nothing to do with it.
    audit $fs-well sh -euc 'rm "$2"; "$1" open wc "$2" pwrite 4096 "$3" fsync fsync' sh "$act" "$MNT/other" $size
    problem=''
    [ "$STATUS" = 0 ] && holds '[.findings[] | select(.kind != "never-synced")] == [] and .totals.durable == 2' || problem="exit $STATUS $(summary)"
    point "$fs: no failure, no finding" "$problem"
    umount "$MNT"
    losetup -d "$LOOP"
done

# A failed direct write is told to the writer by write() itself.
cramped ext4
fill
audit direct sh -c '"$1" open wd "$2" pwrite 4096 "$3"; "$1" open w "$2" fsync' sh "$act" "$MNT/file" $size
problem=''
holds "[.findings[] | select(.kind != \"never-synced\")] == [] and ($reasons | all(.[]; startswith(\"durable/\")))" || problem="$(show .findings) $(summary)"
point "a failed direct write taints no sync" "$problem"
"$FLUSHAUDIT" run -- "$act" open w "$MNT/file" pwrite 4096 $size "${tell[@]}" fsync >/dev/null 2>"$work/text" || true
problem=''
grep -q '^FINDINGS$' "$work/text" && grep -q "^  risk   error-swallowed $MNT/file$" "$work/text" || problem=$(cat "$work/text")
point "the text report shows the finding" "$problem"
