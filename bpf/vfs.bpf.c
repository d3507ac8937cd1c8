// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens below the system calls, by fentry or kprobes: the real inode of a stacked
 * file system, the end of the write-back wait, syncs that no sync call asked for.
 * Attaching is not coverage: compilers inline vfs_fsync_range into its callers, so
 * neither kind of hook is enough alone.
 */
#include "vfs.bpf.h"

/*
 * Some kernels sync a direct write twice on btrfs (6.1): where it completes and again where
 * the write returns. It is one call: the second is of the same bytes, with no write in between.
 */
static __always_inline bool is_second_sync(struct file *file, __s64 start, __s64 end)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct direct_sync *sync = bpf_map_lookup_elem(&direct_syncs, &tid);

	if (!sync || sync->file != (__u64)file)
		return false;
	if (sync->seen) {
		bpf_map_delete_elem(&direct_syncs, &tid);
		return sync->start == start && sync->end == end;
	}
	sync->seen = 1;
	sync->start = start;
	sync->end = end;
	return false;
}

static __always_inline int range_enter(struct file *file, __s64 start, __s64 end, bool datasync)
{
	if (!current_frame() && is_second_sync(file, start, end))
		return 0;
	return vfs_enter(file, datasync, HOOK_VFS_FSYNC_RANGE);
}

/* file_write_and_wait_range returned: the data of the call has been written. */
static __always_inline int wait_over(struct file *file, __u64 end)
{
	struct frame *frame;
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tid = pid_tgid;

	if ((__u32)(pid_tgid >> 32) == self_tgid)
		count_hit(HOOK_WRITE_AND_WAIT);
	frame = bpf_map_lookup_elem(&frames, &tid);
	if (!frame || (__u64)BPF_CORE_READ(file, f_mapping) != frame->mapping)
		return 0;
	frame->wait_done_ns = bpf_ktime_get_ns();
	frame->wait_source = WAIT_OBSERVED;
	frame_waited(end);
	if (frame->own_data_pending > 0)
		frame_wait_over(frame, frame->wait_done_ns, WAIT_OBSERVED);
	return 0;
}

SEC("fentry/vfs_fsync")
int BPF_PROG(fentry_vfs_fsync, struct file *file, int datasync)
{
	return GUARDED(vfs_enter(UNTYPED(file), datasync, HOOK_VFS_FSYNC));
}

SEC("fexit/vfs_fsync")
int BPF_PROG(fexit_vfs_fsync, struct file *file, int datasync, int ret)
{
	return GUARDED(vfs_exit(HOOK_VFS_FSYNC, ret));
}

SEC("fentry/vfs_fsync_range")
int BPF_PROG(fentry_vfs_fsync_range, struct file *file, __s64 start, __s64 end, int datasync)
{
	return GUARDED(range_enter(UNTYPED(file), start, end, datasync));
}

SEC("fexit/vfs_fsync_range")
int BPF_PROG(fexit_vfs_fsync_range, struct file *file, __s64 start, __s64 end, int datasync,
	     int ret)
{
	return GUARDED(vfs_exit(HOOK_VFS_FSYNC_RANGE, ret));
}

SEC("fexit/file_write_and_wait_range")
int BPF_PROG(fexit_write_and_wait, struct file *file, __s64 start, __s64 end, int ret)
{
	return GUARDED(wait_over(UNTYPED(file), end));
}

SEC("kprobe/vfs_fsync")
int BPF_KPROBE(kprobe_vfs_fsync, struct file *file, int datasync)
{
	return GUARDED(vfs_enter(file, datasync, HOOK_VFS_FSYNC));
}

SEC("kretprobe/vfs_fsync")
int BPF_KRETPROBE(kretprobe_vfs_fsync, int ret)
{
	return GUARDED(vfs_exit(HOOK_VFS_FSYNC, ret));
}

SEC("kprobe/vfs_fsync_range")
int BPF_KPROBE(kprobe_vfs_fsync_range, struct file *file, __s64 start, __s64 end, int datasync)
{
	return GUARDED(range_enter(file, start, end, datasync));
}

SEC("kretprobe/vfs_fsync_range")
int BPF_KRETPROBE(kretprobe_vfs_fsync_range, int ret)
{
	return GUARDED(vfs_exit(HOOK_VFS_FSYNC_RANGE, ret));
}

/* A kretprobe does not know the arguments; the frame's mapping was noted at entry. */
SEC("kprobe/file_write_and_wait_range")
int BPF_KPROBE(kprobe_write_and_wait, struct file *file, __s64 start, __s64 end)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct frame *frame = bpf_map_lookup_elem(&frames, &tid);

	if (frame) {
		frame->waiting_on = (__u64)file;
		frame->waiting_end = end;
	}
	return 0;
}

SEC("kretprobe/file_write_and_wait_range")
int BPF_KRETPROBE(kretprobe_write_and_wait, int ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct frame *frame = bpf_map_lookup_elem(&frames, &tid);

	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == self_tgid)
		count_hit(HOOK_WRITE_AND_WAIT);
	if (frame && frame->waiting_on)
		wait_over((struct file *)frame->waiting_on, frame->waiting_end);
	return 0;
}

SEC("fexit/sync_inodes_sb")
int BPF_PROG(fexit_sync_inodes, struct super_block *sb)
{
	return GUARDED(inodes_over(UNTYPED(sb), true));
}

SEC("kprobe/sync_inodes_sb")
int BPF_KPROBE(kprobe_sync_inodes, struct super_block *sb)
{
	return GUARDED(frame_inner_fs((__u64)sb));
}

SEC("kretprobe/sync_inodes_sb")
int BPF_KRETPROBE(kretprobe_sync_inodes)
{
	struct frame *frame = current_frame();

	return frame ? GUARDED(inodes_over((struct super_block *)frame->sb, true)) : 0;
}

/* io_uring's sync_file_range; the system call has been opened already. */
static __always_inline int range_called(struct file *file, int ret)
{
	struct asker asker = {};
	struct frame *frame;

	if (current_frame() || !current_is_io_worker() ||
	    !is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	asker_is_current(&asker, SYNC_URING_FILE_RANGE, SYNC_WRITEOUT);
	if (frame_open((__u64)file, asker.kind, HOOK_VFS_FSYNC, asker.flags))
		return 0;
	frame = current_frame();
	if (!frame)
		return 0;
	frame_asked_by(frame, &asker);
	frame_named((__u64)file);
	return frame_close(HOOK_VFS_FSYNC, ret, SCRATCH_OTHER);
}

SEC("fexit/sync_file_range")
int BPF_PROG(fexit_file_range, struct file *file, __s64 offset, __s64 bytes, unsigned int flags,
	     int ret)
{
	return GUARDED(range_called(UNTYPED(file), ret));
}

/* What it returns is not known here; that it promises nothing is. */
SEC("kprobe/sync_file_range")
int BPF_KPROBE(kprobe_file_range, struct file *file)
{
	return GUARDED(range_called(file, 0));
}

/* Linux AIO has a worker sync the file. */
static __always_inline int aio_asked(struct fsync_iocb *request, bool datasync)
{
	__u64 key = (__u64)BPF_CORE_READ(request, file);
	struct asker asker = {};

	if (!is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	asker_is_current(&asker, SYNC_AIO_FSYNC, datasync ? SYNC_DATASYNC : 0);
	asker_await(key, &asker);
	return 0;
}

SEC("fentry/aio_fsync")
int BPF_PROG(fentry_aio_fsync, struct fsync_iocb *request, void *iocb, bool datasync)
{
	return GUARDED(aio_asked(UNTYPED(request), datasync));
}

SEC("kprobe/aio_fsync")
int BPF_KPROBE(kprobe_aio_fsync, struct fsync_iocb *request, void *iocb, bool datasync)
{
	return GUARDED(aio_asked(request, datasync));
}
