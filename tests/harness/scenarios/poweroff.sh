# shellcheck shell=sh
# Goes down in good order, and without a result.
echo something >"$RESULTS/word"
poweroff -f
sleep 1000
