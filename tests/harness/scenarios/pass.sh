# shellcheck shell=sh
# shellcheck source=/dev/null
. /harness/guest.sh
mark here
drive_set virtio-wb fail-flush=1
expect 1 workload append-fsync "$(disk virtio-wb)" 1 4096
mark told
WORKLOAD_MARKS=call workload append-fsync "$(disk virtio-wb)" 3 4096
[ -e /sys/kernel/btf/vmlinux ] || fail "no BTF"
[ -d /sys/kernel/tracing/events/syscalls ] || fail "no tracefs"
grep -q ' /sys/fs/bpf bpf ' /proc/mounts || fail "no bpf file system"
echo fine >"$RESULTS/word"
