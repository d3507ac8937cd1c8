# shellcheck shell=sh
# Passes, on a kernel that complains.
echo something >"$RESULTS/word"
echo "<4>WARNING: CPU: 0 PID: 1 at made/up.c:1" >/dev/kmsg
