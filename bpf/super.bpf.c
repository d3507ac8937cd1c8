// SPDX-License-Identifier: GPL-2.0-only
/* A file system is frozen (FIFREEZE), or comes to its end (umount): all of it is synced. */
#include "frame.bpf.h"

/* Is it on a device, and was it in use to be written to? One whose mount fails ends as well. */
static __always_inline bool holds_data(struct super_block *sb)
{
	unsigned long flags = BPF_CORE_READ(sb, s_flags);

	return (flags & SB_BORN) && !(flags & SB_RDONLY) &&
	       (BPF_CORE_READ(sb, s_bdev) || BPF_CORE_READ(sb, s_magic) == BTRFS_MAGIC);
}

static __always_inline int super_enter(struct super_block *sb, __u32 kind)
{
	if (current_frame() || current_is_kthread() ||
	    !is_target(bpf_get_current_pid_tgid() >> 32) || !holds_data(sb) ||
	    frame_open(0, kind, HOOK_SUPER, SYNC_WHOLE_FS))
		return 0;
	return frame_aim_super((__u64)sb);
}

SEC("kprobe/freeze_super")
int BPF_KPROBE(kprobe_freeze, struct super_block *sb)
{
	return GUARDED(super_enter(sb, SYNC_FREEZE));
}

SEC("kretprobe/freeze_super")
int BPF_KRETPROBE(kretprobe_freeze, int ret)
{
	return GUARDED(frame_close(HOOK_SUPER, ret, SCRATCH_OTHER));
}

/* A reference to it is given up. After the last one its memory is gone. */
static __always_inline int super_put(struct super_block *sb)
{
	return BPF_CORE_READ(sb, s_active.counter) == 1 ? super_enter(sb, SYNC_UMOUNT) : 0;
}

SEC("kprobe/deactivate_locked_super")
int BPF_KPROBE(kprobe_umount, struct super_block *sb)
{
	return GUARDED(super_put(sb));
}

SEC("kretprobe/deactivate_locked_super")
int BPF_KRETPROBE(kretprobe_umount)
{
	return GUARDED(frame_close(HOOK_SUPER, 0, SCRATCH_OTHER));
}
