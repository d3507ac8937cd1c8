# shellcheck shell=sh
# The recovery guest: asks the judge for requests until there are no more.
# shellcheck source=/dev/null
. /harness/guest.sh
# shellcheck source=/dev/null
. /harness/stacks.sh
# shellcheck source=/dev/null
. /harness/extra/recover.sh
# shellcheck disable=SC2034 # read by stacks.sh
ST_APPLETS='mount umount'

mkdir -p /recovered
count=0
while :; do
    player ask next >/tmp/named
    [ "$(head -n 1 /tmp/named)" != "done" ] || break
    # The judge names disks as the host does.
    read -r stack variant disks second </tmp/named
    devices=
    for name in $(echo "$disks" | tr , ' '); do
        [ "$name" = missing ] || name=$(disk "$name")
        devices=$devices${devices:+,}$name
    done
    [ "$second" = - ] || second=$(disk "$second")
    echo "$stack $variant $devices $second" >/tmp/request
    sed 1d /tmp/named >>/tmp/request
    recover /tmp/request /recovered >/tmp/answer || echo "failed: $(tail -n 1 /tmp/request.log)" >/tmp/answer
    player ask "$(head -n 1 /tmp/answer)" >/dev/null
    count=$((count + 1))
done
echo "$count requests" >"$RESULTS/recovered"
