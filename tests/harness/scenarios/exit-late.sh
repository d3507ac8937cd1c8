# shellcheck shell=sh
# Fails with its very last command, after writing results.
echo something >"$RESULTS/word"
exit 3
