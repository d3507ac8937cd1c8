// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoint level, for kernels that allow neither fentry nor kprobes: file systems'
 * own tracepoints. As raw ones they attach without module BTF (5.10).
 */
#include "ext4.bpf.h"
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

/* At every level: by whom ever. */
SEC("raw_tp/ext4_zero_range")
int fs_ext4_zero(struct bpf_raw_tracepoint_args *ctx)
{
	ext4_zeroed((struct inode *)ctx->args[0], ctx->args[1], ctx->args[2], ctx->args[3]);
	return 0;
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

/* The file that the system call in progress writes to, which is its first argument, or the third.
 */
static __always_inline struct file *written_file(struct inode *inode)
{
	struct io_kiocb *request = worker_request();
	unsigned long first = 0, third = 0;
	struct pt_regs *regs;
	struct file *file;

	if (request)
		return BPF_CORE_READ(request, file);
	regs = user_registers();
	if (!regs)
		return NULL;
	bpf_probe_read_kernel(&first, sizeof(first), &PT_REGS_PARM1(regs));
	bpf_probe_read_kernel(&third, sizeof(third), &PT_REGS_PARM3(regs));
	file = file_of(first, inode);
	return file ? file : file_of(third, inode);
}

/* A file system that tells where a sync enters, not where it returns. */
static __always_inline int enter_only(struct inode *inode, struct file *file)
{
	struct frame *frame = current_frame();

	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == self_tgid)
		count_hit(HOOK_FS_TRACEPOINT);
	if (is_in_call(frame, HOOK_FS_TRACEPOINT))
		return frame_inner((__u64)inode);
	/* A write that it is the end of is seen to return, so it is the same one still: some
	 * kernels sync a direct write twice on btrfs. */
	if (frame && frame->ino == BPF_CORE_READ(inode, i_ino) && frame->work == carried_out())
		return 0;
	if (current_is_kthread() || !is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	if (!file)
		file = written_file(inode);
	if (!file)
		return 0; /* an io_uring request that its submitter carries out: a blind spot */
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

/* Of files and of directories. */
SEC("raw_tp")
int fs_xfs(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(xfs_enter(ctx->args[0]));
}

/* By the name that the tracepoint has up to 7.1, or by the later one. */
SEC("raw_tp")
int fs_btrfs(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(btrfs_enter_file(ctx->args[0]));
}

SEC("raw_tp/f2fs_sync_file_enter")
int fs_f2fs_enter(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(enter_only((void *)ctx->args[0], NULL));
}

SEC("raw_tp/f2fs_sync_file_exit")
int fs_f2fs_exit(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(vfs_exit(HOOK_FS_TRACEPOINT, (int)ctx->args[3]));
}

/* What the kernel's struct iocb has for user space, include/uapi/linux/aio_abi.h. */
struct user_iocb {
	__u64 data;
	__u32 key;
	__u32 flags;
	__u16 opcode;
	__s16 priority;
	__u32 fd;
};

#define AIO_FSYNC	 2
#define AIO_FDSYNC	 3
#define MAX_AIO_REQUESTS 256

/* The request of Linux AIO that the word at @place of the caller points to. 1: there is none. A
 * function of its own: the verifier then checks it once, not for each request. */
__noinline int submit_one(__u64 place)
{
	struct user_iocb request;
	struct asker asker;
	struct file *file;
	__u64 address;

	if (bpf_probe_read_user(&address, sizeof(address), (void *)place) ||
	    bpf_probe_read_user(&request, sizeof(request), (void *)address))
		return 1;
	if (request.opcode != AIO_FSYNC && request.opcode != AIO_FDSYNC)
		return 0;
	file = fd_file(request.fd);
	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != EXT4_MAGIC)
		return 0;
	__builtin_memset(&asker, 0, sizeof(asker));
	asker_is_current(&asker, SYNC_AIO_FSYNC, request.opcode == AIO_FDSYNC ? SYNC_DATASYNC : 0);
	asker_await((__u64)file, &asker);
	return 0;
}

/* Requests of Linux AIO that a worker will carry out, told by ext4's tracepoints. */
static __always_inline int submit_enter(struct syscall_enter *ctx)
{
	__u64 list = ctx->args[2], count = ctx->args[1];
	__u32 i;

	if (!is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	for (i = 0; i < MAX_AIO_REQUESTS && i < count; i++)
		if (submit_one(list + i * 8))
			break;
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_io_submit")
int enter_io_submit(struct syscall_enter *ctx)
{
	return GUARDED(submit_enter(ctx));
}

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

/* Of its log up to @sequence, or of all of it (0): that may be for something else in between,
 * without waiting, and tells of itself once more (xfs_log_force, xlog_cil_force_seq). */
static __always_inline int note_forced(__u64 sequence)
{
	struct frame *frame = current_frame();

	if (!frame)
		return 0;
	frame->log_forced = 1;
	if (frame->fs_magic == XFS_MAGIC && sequence && !frame->log_forced_whole &&
	    sequence > frame->order)
		frame->order = sequence;
	frame->log_forced_whole = !sequence;
	return 0;
}

/* In a sync call by sync_inode_metadata() alone, and so to its end. */
static __always_inline int note_inode(struct inode *inode)
{
	struct frame *frame = current_frame();

	if (frame && frame->ino == BPF_CORE_READ(inode, i_ino) &&
	    frame->s_dev == BPF_CORE_READ(inode, i_sb, s_dev))
		frame->flags |= SYNC_INODE_WRITTEN;
	return 0;
}

/* At every level. */
SEC("raw_tp/writeback_write_inode_start")
int inode_written(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(note_inode((void *)ctx->args[0]));
}

SEC("raw_tp/xfs_log_force")
int xfs_log_forced(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(note_forced(ctx->args[1]));
}

SEC("raw_tp/xfs_log_force")
int fs_xfs_log_force(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(log_forced());
}
