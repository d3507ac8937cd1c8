#!/usr/bin/env bash
# What was not seen is told: buffers made too small on purpose.
# shellcheck disable=SC2016 # expanded by jq and the inner shell
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 8
fresh ext4
mkdir "$MNT/many"

# The reader of the ring, this command's parent, stands still meanwhile, or it
# might keep up.
flood='kill -STOP $PPID; "$@"; s=$?; kill -CONT $PPID; exit $s'

AUDIT_OPTIONS=(--ring-size 4096)
audit ring sh -c "$flood" sh "$workload" threads-fsync "$MNT/many" 8 500
AUDIT_OPTIONS=()
problem=''
holds '.totals.lost_events > 0' || problem=$(summary)
point "a ring too small: losses are counted" "$problem"
problem=''
holds '(.totals | .syncs == .durable + .not_durable + .unproven) and .totals.syncs == 4000' ||
    problem="$(show .totals), 4000 calls were made"
point "a ring too small: no call goes missing from the totals" "$problem"
problem=''
holds '.totals.unproven > 0 and .totals.not_durable == 0 and
    all(.syncs[]; .verdict == "durable" or .reason == "events-lost")' || problem=$(summary)
point "a ring too small: what it touched is unproven, events-lost" "$problem"
problem=''
[ "$STATUS" = 3 ] || problem="exit $STATUS"
point "a ring too small: exit 3" "$problem"
"$FLUSHAUDIT" run --ring-size 4096 -- sh -c "$flood" sh "$workload" threads-fsync "$MNT/many" 8 500 >/dev/null 2>"$work/text" || true
problem=''
grep -qi 'lost' "$work/text" && grep -q -- '--ring-size' "$work/text" || problem=$(head -n 5 "$work/text")
point "a ring too small: the text report says so and names the option" "$problem"

# With one entry the ledger cannot hold the writes of two files at once.
AUDIT_OPTIONS=(--ledger-size 1)
audit ledger "$workload" threads-fsync "$MNT/many" 8 100
AUDIT_OPTIONS=()
problem=''
holds '(.totals | .syncs == .durable + .not_durable + .unproven) and .totals.syncs == 800' ||
    problem="$(show .totals), 800 calls were made"
point "a ledger too small: no call goes missing" "$problem"
problem=''
{ [ "$STATUS" = 3 ] || [ "$STATUS" = 1 ]; } && holds '.totals.unproven > 0 and
    all(.syncs[] | select(.verdict == "unproven"); .reason | IN("events-lost", "untracked"))' ||
    problem=$(summary)
point "a ledger too small: unproven, never silently durable" "$problem"

# Where nothing would be durable, a small ledger must not make it so.
fresh ext4 nobarrier
mkdir "$MNT/many"
AUDIT_OPTIONS=(--ledger-size 1 --ring-size 4096)
audit both "$workload" threads-fsync "$MNT/many" 4 100
AUDIT_OPTIONS=()
problem=''
holds '.totals.durable == 0 and .totals.syncs == 400' || problem=$(summary)
point "both too small, barriers off: nothing is durable" "$problem"
