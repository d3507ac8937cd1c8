#!/usr/bin/env bash
# What a command leaves unsynced when it ends is found, and nothing else is.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 29

memory=$(mktemp -d /dev/shm/flushaudit-live.XXXXXX)
on_exit "rm -rf '$memory'"

# A tiny language, so that each test reads as what it does.
cat >"$work/leave.py" <<'END_OF_SCRIPT'
import mmap
import os
import sys
import time
os.chdir(sys.argv[1])
files = {}
def opened(name, flags=0):
    return os.open(name, os.O_RDWR | os.O_CREAT | flags, 0o644)
for step in sys.argv[2:]:
    what, name, *rest = step.split(":")
    name = bytes(name, "ascii").decode("unicode_escape")
    if what == "write":
        files[name] = files.get(name) or opened(name)
        os.write(files[name], b"x" * int(rest[0]))
    elif what == "fsync":
        os.fsync(files[name])
    elif what == "map":
        with mmap.mmap(files[name], 0) as mapped:
            mapped[0] = 65
    elif what == "direct":
        page = mmap.mmap(-1, 4096)
        os.write(opened(name, os.O_DIRECT), page)
    elif what == "dsync":
        os.write(opened(name, os.O_DSYNC), b"x" * int(rest[0]))
    elif what == "rename":
        os.rename(name, rest[0])
    elif what == "truncate":
        os.truncate(name, int(rest[0]))
    elif what == "unlink":
        os.unlink(name)
    elif what == "await":
        os.mkdir(name)
        while os.path.exists(name):
            time.sleep(0.01)
    elif what == "syncfs":
        os.system("sync -f .")
END_OF_SCRIPT

left='[.findings[] | select(.kind == "never-synced") | "\(.path | ltrimstr($top + "/"))=\(.bytes)"] | sort | join(" ")'

# One point: exactly these files are found, as a risk, and the exit status is theirs.
leaves() { # TITLE "FILE=BYTES..." STEP...
    local title=$1 wanted=$2 got problem='' status=1
    shift 2
    [ -n "$wanted" ] || status=0
    audit leave /usr/bin/python3 "$work/leave.py" "$MNT" "$@"
    got=$(jq -r --arg top "$MNT" "$left" "$JSON" 2>&1)
    if [ "$got" != "$wanted" ]; then
        problem="found '$got', not '$wanted'"
    elif [ "$STATUS" != $status ] || ! holds '.command.exit_status == 0 and .totals.lost_events == 0 and
        all(.findings[]; .severity == "risk") and (.totals.syncs == .totals.durable)'; then
        problem=$(summary)
    fi
    [ -z "$problem" ] || problem+=" ($(show .findings))"
    point "$title" "$problem"
}

for fs in ext4 xfs btrfs; do
    fresh $fs
    leaves "$fs: a file that nobody synced" "a=5000" write:a:5000
    leaves "$fs: its twin that was" "" write:b:5000 fsync:b dsync:c:3000
    leaves "$fs: written again after its sync" "d=4096" write:d:4096 fsync:d write:d:4096
    leaves "$fs: through a mapping" "e=4096" write:e:4096 fsync:e map:e
    leaves "$fs: renamed over another" "g=3000" write:g:100 fsync:g write:f:3000 rename:f:g
    leaves "$fs: removed again, or synced with all others" "" write:h:100 unlink:h write:i:5000 syncfs:i
done

# --- one file system is enough ---

fresh ext4
leaves "a direct write" "k=4096" direct:k
leaves "cut to the size it has, or to less, after its sync" "" write:l:5000 fsync:l truncate:l:5000 write:m:5000 fsync:m truncate:m:300
leaves "a hostile name" 'n\x01\n\\=10' 'write:n\x01\n\\:10'

# What the page cache held already is made dirty by nobody.
echo before >"$MNT/dirty"
leaves "a page that was dirty before the audit" "dirty=3" write:dirty:3
leaves "a file that another process made durable before" "" write:j:4096 syncfs:j

# Nobody chooses where his output goes; and what is in memory alone can be lost by no power cut.
problem=''
"$FLUSHAUDIT" run --json -o "$work/given.json" -- sh -c "echo x; echo y >'$memory/y'" >"$MNT/given" || problem="exit $?"
JSON=$work/given.json
holds '[.findings[] | "\(.kind) \(.severity) \(.path)"] == ["never-synced advice \($path)"]' --arg path "$MNT/given" ||
    problem+=" $(show .findings)"
point "an output that was handed down is advice, a file in memory nothing" "$problem"

# --- how long what was exposed: --exposure ---

# A stranger syncs all, as soon as the command waits for it.
(
    until [ -d "$MNT/marker" ]; do sleep 0.01; done
    sync -f "$MNT"
    rmdir "$MNT/marker"
) &
problem=''
AUDIT_OPTIONS=(--exposure)
audit exposed /usr/bin/python3 "$work/leave.py" "$MNT" write:u:10 syncfs:u write:s:5000 await:marker \
    write:t:3000 fsync:t write:t:3000 fsync:t write:v:20 write:w:30 unlink:w
AUDIT_OPTIONS=()
wait
got=$(jq -r '.exposure[] | "\(.path | split("/") | last)=\(.state)"' "$JSON" | sort | paste -sd' ' -)
wanted='s=written-back t=durable u=durable v=at-risk w=gone'
[ "$got" = "$wanted" ] || problem="it says '$got', not '$wanted'"
holds '(.flushes | map({(.id | tostring): .complete_ns}) | add) as $ended | (.syncs | map({(.id | tostring): .}) | add) as $calls |
    all(.exposure[]; .comm == "python3" and .longest_ns >= 0) and
    all(.exposure[] | select(.state == "written-back");
        $ended[.flush_id | tostring] and .flushed_after_ns > 0 and .longest_ns == .flushed_after_ns and
        (.detail | test("is committed$"))) and
    all(.exposure[] | select(.state == "durable"); $calls[.sync_id | tostring].verdict == "durable" and
        .longest_ns > $calls[.sync_id | tostring].latency_ns / 2) and
    (.exposure[] | select(.path | endswith("/t")) | .syncs == 2) and
    ([.programs[] | select(.comm == "python3") | .at_risk, .risk_bytes] == [1, 20])' ||
    problem+=" $(show '[.exposure, .programs]')"
point "--exposure: each file, how it stands and by what" "$problem"
problem=''
"$FLUSHAUDIT" run --exposure -o "$work/exposed.txt" -- "$workload" append-fsync "$MNT/log" 20 4096 || problem="exit $?"
grep -qE '^  [[:graph:]]+ +each of its 20 sync calls was durable when it returned; up to [0-9.]+ [mu]?s of writes exposed \([^)]*/log\)$' "$work/exposed.txt" ||
    problem+=' no line for the program'
grep -qE "^ +[0-9.]+ [mu]?s +4096  [[:graph:]]+ +$MNT/log: durable by fsync #[0-9]+, the last of 20 that made it so\$" "$work/exposed.txt" ||
    problem+=' no line for the file'
[ -z "$problem" ] || problem+=": $(cat "$work/exposed.txt")"
point "a line for each program and each file" "$problem"

# --- git, with nothing else on the device ---

fresh ext4
for method in fsync batch writeout-only; do
    repo=$MNT/git-$method
    git init -q "$repo"
    for ((i = 0; i < 500; i++)); do echo "content $i $method" >"$repo/file-$i"; done
    sync -f "$MNT"
    audit "git-$method" git -C "$repo" -c core.fsync=all -c "core.fsyncMethod=$method" add .
    left=$(jq '[.findings[] | select(.kind == "never-synced" and (.path | test("/objects/")))] | length' "$JSON")
    case $method in
    writeout-only) wanted=500 ;;
    *) wanted=0 ;;
    esac
    problem=''
    [ "$left" = $wanted ] || problem="$left, not $wanted: $(summary) $(show '.findings[:3]')"
    point "git add with core.fsyncMethod=$method: $wanted objects at risk" "$problem"
done
