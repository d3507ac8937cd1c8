#!/usr/bin/env bash
# Sync calls that never get to a file system: answered by a library, a seccomp filter, a FUSE server. Each way once, and a
# healthy twin of it in which nothing is found.
# shellcheck disable=SC2016 # jq's own variables
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
plan 39

compile() { ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -g -Wall -Wextra -Werror "$@"; }
player=$top/.build/vm/swallow
noop=$work/libdonothing.so pass=$work/libpasson.so
cp "$top/.build/vm/libdonothing.so" "$noop"
compile -O0 -shared -fPIC -o "$work/libslow.so" "$live/swallow_library.c"
compile -O2 -shared -fPIC -DPASS_ON -o "$pass" "$live/swallow_library.c"
chmod 755 "$work"/*.so
fresh ext4

# The findings, as "SEVERITY PATH" lines.
# What is swallowed is never-synced as well, as a rule.
interposed='[.findings[] | select(.kind == "interposed")]'
found() { jq -r "${interposed}[] | \"\(.severity) \(.path)\"" "$JSON"; }

# One point: exactly these findings, this exit status, this many sync calls that got through,
# and the command succeeded. @text: the detail must match it.
expect_found() { # TITLE EXIT CALLS FINDINGS [TEXT]
    local problem=''
    if [ "$STATUS" != "$2" ]; then
        problem="exit $STATUS, not $2"
    elif ! holds '.totals.lost_events == 0 and .command.exit_status == 0'; then
        problem="lost events, or the command failed"
    elif ! holds '.totals.syncs == ($n | tonumber)' --arg n "$3"; then
        problem="$(show .totals.syncs) calls got through, not $3"
    elif [ "$(found)" != "$4" ]; then
        problem="found: $(found)"
    elif [ -n "${5-}" ] && ! holds "${interposed}[0].detail | test(\$text)" --arg text "$5"; then
        problem="it says: $(show "${interposed}[0].detail")"
    fi
    [ -z "$problem" ] || problem+=" ($(summary))"
    point "$1" "$problem"
}

audit plain "$player" plain "$MNT/plain"
expect_found "no library: nothing is found" 0 1 ''
holds 'all(.syncs[]; .verdict == "durable")' || say "$(summary)"

audit preload env LD_PRELOAD="$noop" "$player" plain "$MNT/preload"
expect_found "a preloaded library that does nothing" 1 0 "risk $noop" \
    '^its own fsync, fdatasync return success and do nothing; mapped by 1 process, first by swallow '
audit slow env LD_PRELOAD="$work/libslow.so" "$player" plain "$MNT/slow"
expect_found "... compiled without optimisation" 1 0 "risk $work/libslow.so" 'do nothing'
audit pass env LD_PRELOAD="$pass" "$player" plain "$MNT/pass"
expect_found "a preloaded library that passes on: advice, and the call is durable" 0 1 "advice $pass" \
    'fsync, fdatasync itself; what becomes of such calls is not known'
audit child "$player" child "$noop" "$MNT/child"
expect_found "preloaded into a child later" 1 0 "risk $noop" 'mapped by 1 process'
audit open "$player" open "$noop" "$MNT/open"
expect_found "loaded by dlopen" 1 0 "risk $noop"
audit eatmydata eatmydata "$player" forks 2 "$MNT/eaten"
expect_found "libeatmydata" 1 0 "risk $(readlink -f /usr/lib/*/libeatmydata.so)" \
    'made to swallow fsync, fdatasync, sync, syncfs, msync, sync_file_range'
# A file system where nothing may be mapped to run: the dynamic linker goes on without it.
mount -o remount,noexec "$MNT"
cp "$noop" "$MNT/libdonothing.so"
audit noexec env LD_PRELOAD="$MNT/libdonothing.so" "$player" plain "$MNT/noexec"
expect_found "one that could not be mapped is not found" 0 1 ''
mount -o remount,exec "$MNT"

# Names that are no text.
hostile=$work/$'lib\033[31m\n\xff.so'
cp "$noop" "$hostile"
audit hostile env LD_PRELOAD="$hostile" "$player" plain "$MNT/hostile"
expect_found "a hostile name" 1 0 "risk $work"'/lib\x1b[31m\n\xff.so'

# Files that may be out of reach by the time the auditor looks.
found_or_said() { # TITLE PATH-PATTERN
    local problem=''
    # shellcheck disable=SC2053 # a pattern
    if [ -n "$(found)" ]; then
        [[ $STATUS$(found) == 1$2 ]] || problem="exit $STATUS, found: $(found)"
    elif ! holds '.tool.blind_spots | any(test("could not be looked at"))'; then
        problem="neither"
    fi
    [ -z "$problem" ] || problem+=" ($(summary))"
    point "$1: found, or said not to have been looked at" "$problem"
}
cp "$noop" "$work/libgone.so"
audit gone sh -c 'LD_PRELOAD="$2" "$1" plain "$3"; rm "$2"' sh "$player" "$work/libgone.so" "$MNT/gone"
found_or_said "removed at once" "risk $work/libgone.so*"
in_namespace='mount -t tmpfs none /mnt && cp "$2" /mnt/libhidden.so && LD_PRELOAD=/mnt/libhidden.so "$1" plain "$3"'
audit hidden unshare --mount sh -c "$in_namespace" sh "$player" "$noop" "$MNT/hidden"
found_or_said "in another mount namespace" "risk */libhidden.so"

# Many processes: counted, and what is harmless is looked at once.
audit many env LD_PRELOAD="$noop" sh -c 'for i in 1 2 3 4 5 6 7 8 9; do "$1" plain "$2"; done' sh "$player" "$MNT/many"
expect_found "each process that maps it is counted" 1 0 "risk $noop" 'mapped by 10 processes, first by (env|sh) '
audit build sh -c 'for i in $(seq 300); do /bin/true; done' sh
problem=''
{ [ "$STATUS" = 0 ] && [ -z "$(found)" ] && holds '.totals.lost_events == 0'; } || problem=$(summary)
point "300 processes without such a library: nothing found, nothing lost" "$problem"

# --- seccomp ---

# One call, with this verdict; nothing lost.
expect_answered() { # TITLE EXIT CALL VERDICT/REASON TEXT
    local problem=''
    if [ "$STATUS" != "$2" ]; then
        problem="exit $STATUS, not $2"
    elif ! holds '.totals.lost_events == 0 and .command.exit_status == 0 and .totals.syncs == 1'; then
        problem="lost events, not one call, or the command failed"
    elif ! holds '.syncs[0] | .kind == $call and "\(.verdict)/\(.reason)" == $verdict and
        (.detail // "" | test($text))' --arg call "$3" --arg verdict "$4" --arg text "$5"; then
        problem=$(show '.syncs[0] | [.kind, .verdict, .reason, .detail]')
    fi
    [ -z "$problem" ] || problem+=" ($(summary))"
    point "$1" "$problem"
}

for call in fsync fdatasync syncfs sync msync sync_file_range; do
    audit "zero-$call" "$player" zero $call "$MNT/zero"
    expect_answered "a seccomp filter answers $call with 0" 1 $call not-durable/swallowed \
        'seccomp filter.* answered the call'
done
audit notify "$player" notify fsync "$MNT/notify"
expect_answered "a supervisor answers fsync with 0" 1 fsync not-durable/swallowed 'supervisor'
problem=''
holds '.syncs[0] | .path == $path and .grounds == "inferred"' --arg path "$MNT/notify" || problem=$(show '.syncs[0]')
point "... the file is named" "$problem"
audit trap "$player" trap fsync "$MNT/trap"
expect_answered "a seccomp filter turns fsync into a signal" 1 fsync not-durable/swallowed 'signal'
audit refuse "$player" refuse fsync "$MNT/refuse"
expect_answered "a seccomp filter refuses fsync" 1 fsync not-durable/not-written 'refused the call .* was told'
problem=''
for call in fsync fdatasync syncfs msync; do
    audit "allow-$call" "$player" allow $call "$MNT/allow"
    [ "$STATUS" = 0 ] && holds '.totals | .syncs == 1 and .durable == 1 and .lost_events == 0' ||
        problem+="$call: $(summary) "
done
point "a seccomp filter that lets all through: durable, nothing lost" "$problem"
AUDIT_OPTIONS=(--comm somebody)
audit other "$player" zero fsync "$MNT/other"
AUDIT_OPTIONS=()
problem=''
{ [ "$STATUS" = 0 ] && holds '.totals | .syncs == 0 and .lost_events == 0'; } || problem=$(summary)
point "a seccomp filter answers a process that is not audited: not told" "$problem"

# --- ptrace ---

audit traced "$player" traced fsync "$MNT/traced"
problem=''
{ [ "$STATUS" = 1 ] && holds '.totals.syncs == 0 and .findings[0].kind == "never-synced" and
    (.tool.blind_spots | any(test("^1 thread ended with a tracer")))'; } ||
    problem="$(summary), $(show .tool.blind_spots)"
point "a call that a tracer makes none is not seen: its file was never synced, and there was a tracer" "$problem"
audit untraced "$player" plain "$MNT/untraced"
problem=''
holds '.tool.blind_spots | any(test("tracer")) | not' || problem=$(show .tool.blind_spots)
point "... and not where there was none" "$problem"

# --- FUSE ---

[ -e /dev/fuse ] || modprobe fuse

# A server without one kind of sync, or with all. Sets MNT and LOG, which has a line for each
# sync it was asked for.
serve() { # WITHOUT
    MNT=$work/fuse-$1
    LOG=$work/fuse-$1.log
    mkdir "$MNT"
    "$top/.build/vm/fuse_server" "$LOG" "$1" "$MNT" # goes to the background
    on_exit "release '$MNT'"
}
cat >"$work/sync.py" <<'END'
import ctypes, os, sys
directory = os.open(sys.argv[1], os.O_RDONLY)
fd = os.open(sys.argv[1] + "/file", os.O_WRONLY)
calls = {"fsync": lambda: os.fsync(fd), "fdatasync": lambda: os.fdatasync(fd), "dirsync": lambda: os.fsync(directory),
         "syncfs": lambda: ctypes.CDLL(None).syncfs(fd) and sys.exit("syncfs")}
for call in sys.argv[2:]:
    os.write(fd, b"some data")
    calls[call]()
END
# One point: the calls had these outcomes in turn, and the server was asked for just that.
expect_served() { # TITLE EXIT "VERDICT/REASON..." ASKED-OF-THE-SERVER TEXT...
    local problem='' title=$1 exit=$2 verdicts=$3 asked=$4 i=0 text
    shift 4
    if [ "$STATUS" != "$exit" ]; then
        problem="exit $STATUS, not $exit"
    elif ! holds '.totals.lost_events == 0 and .command.exit_status == 0'; then
        problem="lost events, or the command failed"
    elif ! holds '[.syncs[] | "\(.verdict)/\(.reason)"] | join(" ") == $verdicts' --arg verdicts "$verdicts"; then
        problem=$(show '.syncs | map([.kind, .verdict, .reason])')
    elif [ "$(paste -sd, "$LOG")" != "$asked" ]; then
        problem="the server was asked for $(paste -sd, "$LOG")"
    fi
    for text; do
        [ -n "$problem" ] || holds ".syncs[$i].detail | test(\$text)" --arg text "$text" ||
            problem="call $i says: $(show ".syncs[$i].detail")"
        i=$((i + 1))
    done
    [ -z "$problem" ] || problem+=" ($(summary))"
    point "$title" "$problem"
}
asked=unproven/userspace-fs never=not-durable/swallowed

serve none
audit fuse python3 "$work/sync.py" "$MNT" fsync fdatasync dirsync
expect_served "a FUSE server that syncs: it is asked each time, what it does is not known" 3 "$asked $asked $asked" \
    'fsync all,fsync data,fsyncdir all' \
    '^sent: FUSE_WRITE and FUSE_FSYNC; the FUSE server must .*; meanwhile no sync call of it \(PID [0-9]+\) was seen$' 'FUSE_FSYNC \(data only\);' 'FUSE_FSYNCDIR;'
problem=''
[ "$(stat -f -c %T "$MNT")" = fuseblk ] || [ "$(stat -f -c %T "$MNT")" = fuse ] || problem=$(stat -f -c %T "$MNT")
holds '.syncs[0].fs | startswith("fuse")' || problem=$(show '.syncs[0].fs')
point "... the file system is named" "$problem"
: >"$LOG"
audit syncfs python3 "$work/sync.py" "$MNT" syncfs
expect_served "syncfs of it: nothing is asked" 1 "$never" '' 'passes syncfs to no FUSE server like this one'
serve fsync
audit nofsync python3 "$work/sync.py" "$MNT" fsync fdatasync fsync
expect_served "a FUSE server without fsync: asked once, and swallowed from then on" 1 "$never $never $never" 'fsync all' \
    'answered ENOSYS to FUSE_FSYNC once' 'ENOSYS to FUSE_FSYNC once'
: >"$LOG"
audit nofsync-later python3 "$work/sync.py" "$MNT" fsync dirsync
expect_served "... also for a later audit; directories, which it knows, are asked for" 1 "$never $asked" 'fsyncdir all' \
    'ENOSYS to FUSE_FSYNC once' 'sent: .*FUSE_FSYNCDIR'
serve fsyncdir
audit nofsyncdir python3 "$work/sync.py" "$MNT" dirsync dirsync fsync
expect_served "a FUSE server without fsync of directories" 1 "$never $never $asked" 'fsyncdir all,fsync all' \
    'ENOSYS to FUSE_FSYNCDIR once' 'ENOSYS to FUSE_FSYNCDIR once' 'sent: .*FUSE_FSYNC;'

# A library that such a server holds: reading it could make the auditor wait for ever.
cp "$noop" "$MNT/file"
audit onfuse env LD_PRELOAD="$MNT/file" "$player" plain "$work/onfuse"
problem=''
{ [ -z "$(found)" ] && holds '.totals.syncs == 0 and (.tool.blind_spots | any(test("^1 mapping of code could not be looked at")))'; } ||
    problem="found: $(found) ($(summary)) $(show .tool.blind_spots)"
point "a library on FUSE is mapped and not read, which is said" "$problem"

# A server that keeps the files in a directory and syncs them there.
MNT=$work/bound
mkdir "$work/kept" "$MNT"
bindfs "$work/kept" "$MNT"
on_exit "release '$MNT'"
# What the server did, and nobody else: durable, for a call of its own, not counted, inside that call.
joined='[.syncs[] | select(.comm == "bindfs")] as $served | [.syncs[] | select(.comm != "bindfs" and .kind != "kernel")] as $asked |
    .totals.lost_events == 0 and .totals.syncs == ($asked | length) and
    ($served | all(. as $s | .verdict == "durable" and (.path | startswith($kept)) and
        any($asked[]; .id == $s.parent_id and .t_ns <= $s.t_ns and .t_ns + .latency_ns >= $s.t_ns + $s.latency_ns)))'
sync_bound() { dd if=/dev/zero of="$MNT/$1" bs=4096 count=1 conv=fsync status=none; }
export -f sync_bound
export MNT
audit bound bash -c 'sync_bound f; sync_bound g'
problem=''
{ [ "$STATUS" = 3 ] && holds "$joined"' and ($served | length == 2)' --arg kept "$work/kept/"; } || problem=$(show .syncs)
holds 'all(.syncs[] | select(.comm == "dd"); .reason == "userspace-fs" and (.detail | test("meanwhile it \\(PID [0-9]+\\) made 1 sync, 1 durable$")))' ||
    problem+=$(show .syncs)
point "what a FUSE server syncs is joined to the call it is made for" "$problem"
AUDIT_OPTIONS=(--path "$MNT/g")
audit bound-path bash -c 'sync_bound f; sync_bound g'
AUDIT_OPTIONS=()
problem=''
holds "$joined"' and ($served | length == 1) and .totals.syncs == 1' --arg kept "$work/kept/g" || problem=$(show .syncs)
point "... of the calls that a filter asks for" "$problem"
cat >"$work/crowd.py" <<'END'
import os, sys, threading
def work(path):
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    for _ in range(20):
        os.write(fd, bytes(4096))
        os.fsync(fd)
threads = [threading.Thread(target=work, args=(f"{sys.argv[1]}/crowd{n}",)) for n in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
END
audit bound-crowd python3 "$work/crowd.py" "$MNT"
problem=''
holds "$joined and .totals.syncs == 80" --arg kept "$work/kept/" || problem=$(show '.totals, .syncs[:4]')
point "... where it is plain which that is" "$problem"
release "$MNT"
audit bound-here bash -c 'bindfs "$1" "$MNT"; sync_bound f; sleep 1.2; sync_bound g; umount "$MNT"' - "$work/kept"
problem=''
holds '.totals.lost_events == 0 and .totals.syncs == 4 and
    ([.syncs[] | select(.comm == "dd") | .id] as $asked | [.syncs[] | select(.comm == "bindfs")] |
        length == 2 and .[1].parent_id == $asked[1] and all(.verdict == "durable"))' || problem=$(show .syncs)
point "... of a server that the command itself starts, which is counted" "$problem"
audit bound-nobody sync
problem=''
holds '.totals.syncs == 1 and (.syncs | map(select(.kind != "kernel")) | length == 1)' || problem=$(show .syncs)
point "... and no other call has such a part" "$problem"
