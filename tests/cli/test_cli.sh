#!/usr/bin/env bash
# The command line: help, errors and exit codes of the built program.
# shellcheck source-path=SCRIPTDIR/../live source=tap.sh
. "$(dirname "$0")/../live/tap.sh"
plan 45

top=$(cd "$(dirname "$0")/../.." && pwd)
FLUSHAUDIT=${FLUSHAUDIT:-$top/.build/flushaudit}
[ -x "$FLUSHAUDIT" ] || { echo "Bail out! there is no $FLUSHAUDIT: run make"; exit 1; }
work=$(mktemp -d)
on_exit "rm -rf --one-file-system '$work'"
chmod 711 "$work"

# Runs flushaudit; sets STATUS, the streams are in $work/out and $work/err.
call() {
    STATUS=0
    "$@" </dev/null >"$work/out" 2>"$work/err" || STATUS=$?
}

said() { tr '\n' '|' <"$work/err"; }

# One point: the command exits 2, prints nothing to stdout, and a short message
# that names the cause and the next step (both extended regular expressions).
fails() { # TITLE CAUSE NEXT COMMAND...
    local problem='' title=$1 cause=$2 next=$3
    shift 3
    call "$@"
    [ $STATUS = 2 ] || problem+="exit $STATUS, not 2; "
    [ ! -s "$work/out" ] || problem+="something on stdout; "
    grep -qiE -- "$cause" "$work/err" || problem+="the cause ($cause) is not named; "
    grep -qiE -- "$next" "$work/err" || problem+="the next step ($next) is not named; "
    [ "$(grep -vc '^ ' "$work/err")" -le "${LINES_ALLOWED:-6}" ] || problem+="more than ${LINES_ALLOWED:-6} lines; "
    [ -z "$problem" ] || problem+="it said: $(said)"
    point "$title" "$problem"
}

helps() { # TITLE WORDS COMMAND...
    local problem='' title=$1 words=$2
    shift 2
    call "$@"
    [ $STATUS = 0 ] || problem+="exit $STATUS; "
    grep -q -- "$words" "$work/out" || problem+="'$words' is not on stdout; "
    [ ! -s "$work/err" ] || problem+="something on stderr; "
    point "$title" "$problem"
}

# --- help ---

helps "--help" 'run' "$FLUSHAUDIT" --help
helps "run --help" '--json' "$FLUSHAUDIT" run --help
helps "watch --help" '--bad' "$FLUSHAUDIT" watch --help
helps "--version" '[0-9]\.[0-9]' "$FLUSHAUDIT" --version
call "$FLUSHAUDIT" --help
cp "$work/out" "$work/help"
for command in run watch; do
    call "$FLUSHAUDIT" $command --help
    cat "$work/out" >>"$work/help"
    for option in --level --ring-size --ledger-size --pid --comm --cgroup --unit --dev --path; do
        grep -q -- "$option" "$work/out" || echo "$command $option" >>"$work/unhelped"
    done
done
problem=''
[ ! -s "$work/unhelped" ] || problem=$(paste -sd, "$work/unhelped")
point "help of every auditing command names the common options" "${problem:+missing: $problem}"
problem=''
for option in --json --db --all --level --follow --user --ring-size --ledger-size --bad --count --duration; do
    grep -q -- "$option" "$work/help" || problem+="$option "
done
point "help names every option" "${problem:+missing: $problem}"
problem=''
[ "$(wc -L <"$work/help")" -le 100 ] || problem="a line of $(wc -L <"$work/help") columns"
point "help fits 100 columns" "$problem"

# --- usage errors: told before anything is attached ---

call "$FLUSHAUDIT"
problem=''
if [ $STATUS != 2 ] || [ -s "$work/out" ] || ! grep -q 'run ' "$work/err"; then problem="exit $STATUS: $(said)"; fi
point "no command: the commands are listed on stderr" "$problem"
fails "an unknown command" 'frobnicate' '--help' "$FLUSHAUDIT" frobnicate
fails "an unknown option" '--frobnicate|frobnicate' '--help' "$FLUSHAUDIT" run --frobnicate -- true
fails "an unknown option before the command" 'frobnicate' '--help' "$FLUSHAUDIT" --frobnicate
fails "an abbreviated option is no option" '--jso' '--help' "$FLUSHAUDIT" run --jso -- true
fails "run without a command" 'command' '--help|--' "$FLUSHAUDIT" run
fails "run -- without a command" 'command' '--help|--' "$FLUSHAUDIT" run --
fails "an option without its value" '-o|requires' '--help' "$FLUSHAUDIT" run -o
fails "an unknown level" 'psychic' 'fentry.*kprobe.*tracepoint' "$FLUSHAUDIT" run --level psychic -- true
fails "an unknown value of --follow" 'sideways' 'command' "$FLUSHAUDIT" run --follow=sideways -- true
fails "a ring size that is no number" '--ring-size|ring' 'byte|number|power' "$FLUSHAUDIT" run --ring-size many -- true
fails "a ledger size of nothing" '--ledger-size|ledger' 'number|at least|1' "$FLUSHAUDIT" run --ledger-size 0 -- true

fails "watch with a command" "'true'.*no command" 'flushaudit run' "$FLUSHAUDIT" watch -- true
fails "watch: an abbreviated option is no option" '--dura' '--help' "$FLUSHAUDIT" watch --dura 1
fails "a count of nothing" '--count 0' 'number from 1' "$FLUSHAUDIT" watch --count 0
fails "run --pid" '--pid' 'watch --pid' "$FLUSHAUDIT" run --pid $$ -- true

# --- filters that name nothing there is ---

fails "--pid of no process" '--pid 4194305: no such process' '--comm|ps' "$FLUSHAUDIT" watch --pid 4194305
fails "--pid that is no number" '--pid systemd' 'number' "$FLUSHAUDIT" watch --pid systemd
fails "--comm with a * inside" "a\*b" 'ps -o comm' "$FLUSHAUDIT" watch --comm 'a*b'
fails "--dev that is none" '--dev nosuch: no block device' 'lsblk' "$FLUSHAUDIT" watch --dev nosuch
fails "--dev of a file" '--dev /etc/passwd: no block device' 'lsblk' "$FLUSHAUDIT" watch --dev /etc/passwd
fails "--path of nothing" "--path ''" 'file or directory' "$FLUSHAUDIT" watch --path ''
if grep -q ' cgroup2 ' /proc/mounts; then
    fails "--cgroup that is none" '--cgroup nosuch: there is no /' '/proc/PID/cgroup' "$FLUSHAUDIT" watch --cgroup nosuch
    fails "--unit that does not run" '--unit nosuch: no cgroup' 'systemctl' "$FLUSHAUDIT" run --unit nosuch -- true
else
    fails "--cgroup without cgroup2" 'no cgroup2' 'mount' "$FLUSHAUDIT" watch --cgroup nosuch
    fails "--unit without cgroup2" 'no cgroup2' 'mount' "$FLUSHAUDIT" run --unit nosuch -- true
fi

# --- what the environment refuses ---

fails "an unknown user" 'nosuchuser' 'user' "$FLUSHAUDIT" run --user nosuchuser -- true
fails "a command that does not exist" 'no-such-command.*(not found|No such file)' 'no-such-command' \
    "$FLUSHAUDIT" run -- no-such-command
: >"$work/plain"
fails "a command that is not executable" "plain.*Permission denied" 'chmod|executable|permission' \
    "$FLUSHAUDIT" run -- "$work/plain"
fails "an output file in no directory" 'missing/report.*No such file or directory' 'directory' \
    "$FLUSHAUDIT" run -o "$work/missing/report" -- true
fails "a database in no directory" 'missing/audit.db' 'directory|open' \
    "$FLUSHAUDIT" run --db "$work/missing/audit.db" -- true
fails "a report on a full disk" '/dev/full.*No space left' 'space|room' "$FLUSHAUDIT" run -o /dev/full -- true

mkdir "$work/full"
mount -t tmpfs -o size=256k tmpfs "$work/full"
on_exit "umount '$work/full'"
: >"$work/full/audit.db"
dd if=/dev/zero of="$work/full/filler" bs=4k status=none 2>/dev/null || true
# The command was run before the disk was found full: its report may stand above.
LINES_ALLOWED=20 fails "a database on a full disk" 'full/audit.db.*(full|space)' 'free space|elsewhere|another|room' \
    "$FLUSHAUDIT" run --db "$work/full/audit.db" -- true

# Where nobody can reach it, and the libraries it needs are those of the system.
install -m 755 "$FLUSHAUDIT" "$work/flushaudit"
fails "no root" 'root|privilege|CAP_' 'sudo|root' \
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$work/flushaudit" run -- true
fails "no root: the options are checked first" 'frobnicate' '--help' \
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$work/flushaudit" run --frobnicate -- true

# shellcheck disable=SC2016 # expanded by the inner shell
no_btf='mount -t tmpfs tmpfs /sys/kernel/btf; exec "$0" run -- true'
if [ -d /sys/kernel/btf ]; then
    fails "no BTF" 'BTF|/sys/kernel/btf' 'CONFIG_DEBUG_INFO_BTF' \
        unshare -m sh -ec "$no_btf" "$FLUSHAUDIT"
else
    skip "no BTF" "this kernel has none"
fi

# --- output ---

call "$FLUSHAUDIT" run --json -- echo words
problem=''
[ "$(cat "$work/out")" = words ] || problem="stdout is not the command's: $(cat "$work/out")"
jq -e '.schema == 1' "$work/err" >/dev/null 2>&1 || problem+=" stderr is not the report: $(said)"
point "--json without -o: the report goes to stderr, the command keeps stdout" "$problem"

escape=$(printf '\033')
call "$FLUSHAUDIT" run --all -- true
problem=''
! grep -q "$escape" "$work/err" || problem="ESC in: $(said)"
point "no colour where stderr is not a terminal" "$problem"

problem=''
NO_COLOR=1 TERM=xterm script -qec "$FLUSHAUDIT run --all -- sync --version" "$work/typescript" </dev/null >/dev/null 2>&1 ||
    problem="exit $?"
! tail -n +2 "$work/typescript" | grep -q "$escape" || problem="ESC on a terminal with NO_COLOR"
point "NO_COLOR on a terminal" "$problem"

STATUS=0
"$FLUSHAUDIT" run -o "$work/report" -- true <&- >"$work/out" 2>"$work/err" || STATUS=$?
problem=''
if [ $STATUS != 0 ] || [ ! -s "$work/report" ]; then problem="exit $STATUS: $(said)"; fi
point "stdin may be closed" "$problem"
