# shellcheck shell=sh
# Outlives its limit and stops the one who would notice, so only the host can.
echo something >"$RESULTS/word"
for pid in $(pidof init); do
    [ "$pid" = 1 ] || kill -STOP "$pid"
done
sleep 1000
