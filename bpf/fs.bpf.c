// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoint level, for kernels that allow neither fentry nor kprobes: file systems'
 * own tracepoints. As raw ones they attach without module BTF (5.10).
 */
#include "vfs.bpf.h"

SEC("raw_tp/ext4_sync_file_enter")
int fs_ext4_enter(struct bpf_raw_tracepoint_args *ctx)
{
	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == self_tgid)
		count_hit(HOOK_FS_TRACEPOINT);
	return GUARDED(vfs_enter((struct file *)ctx->args[0], ctx->args[1], HOOK_FS_TRACEPOINT));
}

SEC("raw_tp/ext4_sync_file_exit")
int fs_ext4_exit(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(vfs_exit(HOOK_FS_TRACEPOINT, (int)ctx->args[1]));
}

SEC("raw_tp/ext4_sync_fs")
int fs_ext4_all(struct bpf_raw_tracepoint_args *ctx)
{
	/* Called once without and once with waiting, then after the inodes were waited for. */
	return ctx->args[1] ? GUARDED(inodes_over((void *)ctx->args[0], false)) : 0;
}

SEC("raw_tp/btrfs_sync_fs")
int fs_btrfs_all(struct bpf_raw_tracepoint_args *ctx)
{
	struct frame *frame = current_frame();

	if (!frame || !ctx->args[1])
		return 0;
	return GUARDED(inodes_over((void *)frame->sb, false));
}

/* The open file behind a descriptor, if it is of that inode. */
static __always_inline struct file *file_of(unsigned long fd, struct inode *inode)
{
	struct file *file = fd_file(fd);

	return file && BPF_CORE_READ(file, f_inode) == inode ? file : NULL;
}

/* The file that the system call in progress writes to, which is its first argument, or the third. */
static __always_inline struct file *written_file(struct inode *inode)
{
	struct io_kiocb *request = worker_request();
	struct file *file = NULL;
	unsigned long first = 0, third = 0;

	if (request)
		return BPF_CORE_READ(request, file);
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());

		bpf_probe_read_kernel(&first, sizeof(first), &PT_REGS_PARM1(regs));
		bpf_probe_read_kernel(&third, sizeof(third), &PT_REGS_PARM3(regs));
		file = file_of(first, inode);
		if (!file)
			file = file_of(third, inode);
	}
	return file;
}

/* A file system that tells where a sync enters, not where it returns. */
static __always_inline int enter_only(struct inode *inode, struct file *file)
{
	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == self_tgid)
		count_hit(HOOK_FS_TRACEPOINT);
	if (is_in_call(current_frame(), HOOK_FS_TRACEPOINT))
		return frame_inner((__u64)inode);
	if (current_is_kthread() || !is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	if (!file)
		file = written_file(inode);
	if (!file) {
		count_loss(LOSS_ENTRIES);
		return 0;
	}
	return open_below(file, !(BPF_CORE_READ(file, f_flags) & FILE_SYNC), HOOK_FS_TRACEPOINT);
}

static __always_inline int xfs_enter(__u64 ip)
{
	if (!bpf_core_field_exists(((struct xfs_inode *)0)->i_vnode))
		return 0;
	return enter_only((void *)ip + bpf_core_field_offset(struct xfs_inode, i_vnode), NULL);
}

static __always_inline int btrfs_enter_file(__u64 address)
{
	struct file *file = (void *)address;

	return enter_only(BPF_CORE_READ(file, f_inode), file);
}

SEC("raw_tp/xfs_file_fsync")
int fs_xfs_file(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(xfs_enter(ctx->args[0]));
}

SEC("raw_tp/xfs_dir_fsync")
int fs_xfs_dir(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(xfs_enter(ctx->args[0]));
}

SEC("raw_tp/btrfs_sync_file")
int fs_btrfs(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(btrfs_enter_file(ctx->args[0]));
}

SEC("raw_tp/btrfs_sync_file_enter")
int fs_btrfs_enter(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(btrfs_enter_file(ctx->args[0]));
}

/* The write that such a sync was the end of returns. */
#define CLOSE_AT_EXIT_OF(name)                                                                     \
	SEC("tracepoint/syscalls/sys_exit_" #name)                                                 \
	int close_##name(struct syscall_exit *ctx)                                                 \
	{                                                                                          \
		struct frame *frame = current_frame();                                             \
                                                                                                   \
		if (!frame || frame->opener != HOOK_FS_TRACEPOINT)                                 \
			return 0;                                                                  \
		return GUARDED(frame_close(HOOK_FS_TRACEPOINT, ctx->ret < 0 ? ctx->ret : 0,        \
					   SCRATCH_SYSCALL));                                      \
	}

CLOSE_AT_EXIT_OF(write)
CLOSE_AT_EXIT_OF(writev)
CLOSE_AT_EXIT_OF(pwrite64)
CLOSE_AT_EXIT_OF(pwritev)
CLOSE_AT_EXIT_OF(pwritev2)
CLOSE_AT_EXIT_OF(sendfile64)
CLOSE_AT_EXIT_OF(splice)
CLOSE_AT_EXIT_OF(copy_file_range)

/*
 * xfs forces its log only after the data wait (xfs_file_fsync); the last time counts.
 * Before that it flushes a data device that is not the log's: that tells earlier.
 */
static __always_inline int log_forced(void)
{
	struct frame *frame = current_frame();

	if (!frame || frame->wait_source == WAIT_OBSERVED)
		return 0;
	if (frame->kind == SYNC_SYNC && frame->wait_done_ns)
		return 0; /* all file systems' data, see inodes_over() */
	if (frame->wait_source == WAIT_OWN_FLUSH && frame->wait_done_ns && frame->asked_alone)
		return 0;
	frame_wait_over(frame, bpf_ktime_get_ns(), WAIT_LOG_FORCE);
	return 0;
}

SEC("raw_tp/xfs_log_force")
int fs_xfs_log_force(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(log_forced());
}
