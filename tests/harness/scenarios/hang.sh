# shellcheck shell=sh
# Outlives its own limit.
echo something >"$RESULTS/word"
sleep 1000
