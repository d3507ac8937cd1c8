# shellcheck shell=bash
# TAP lines, and release of what a test holds. A test says "plan N", prints N
# points and exits; it fails when a point failed or one is missing.
set -euo pipefail
LC_ALL=C
export LC_ALL

# --- TAP ---

planned=0 points=0 failures=0

plan() { planned=$1; echo "1..$1"; }

ok() { points=$((points + 1)); echo "ok $points - $1"; } # TITLE

not_ok() { # TITLE PROBLEM
    points=$((points + 1))
    failures=$((failures + 1))
    echo "not ok $points - $1: ${2//$'\n'/ }"
}

skip() { points=$((points + 1)); echo "ok $points - $1 # SKIP $2"; } # TITLE REASON

skip_rest() { # REASON
    while [ $points -lt "$planned" ]; do skip "not run" "$1"; done
    exit 0
}

# One point: ok when no problem is named.
point() { if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi; } # TITLE PROBLEM

say() { echo "# $*"; }

# --- release, last first ---

undo=()
on_exit() { undo+=("$*"); }

# shellcheck disable=SC2317 # called by trap
leave() {
    local status=$? i
    trap '' INT TERM HUP
    trap - EXIT
    set +e
    cd /
    for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
        eval "${undo[i]}" >/dev/null 2>&1
    done
    if [ $status = 0 ] && { [ $points != "$planned" ] || [ $failures != 0 ]; }; then status=1; fi
    if [ $points != "$planned" ]; then
        echo "# ended early: $points points of $planned"
    fi
    exit $status
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
