# shellcheck shell=sh
# shellcheck source=/dev/null
. /harness/guest.sh
echo something >"$RESULTS/word"
expect 0 false
