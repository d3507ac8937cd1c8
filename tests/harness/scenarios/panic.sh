# shellcheck shell=sh
echo something >"$RESULTS/word"
echo c >/proc/sysrq-trigger
