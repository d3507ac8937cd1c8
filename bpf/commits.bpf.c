// SPDX-License-Identifier: GPL-2.0-only
/*
 * In which transaction of its file system a change of names is, when journals commit theirs, and
 * which sync calls have f2fs make a checkpoint.
 * By tracepoints alone, which are the same at every attach level and tell it without module BTF
 * (5.10).
 */
#include "ext4.bpf.h"
#include "frame.bpf.h"
#include "names.bpf.h"

#define EXT4_HANDLE_DIR 4 /* EXT4_HT_DIR: fs/ext4/ext4_jbd2.h, measured: 5.10 to 7.2 */

/* The current system call of an audited process changes names there, if it is one that does: what
 * is left of another is not taken for its own. */
static __always_inline void note_order(struct state_order *order)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct state_order *earlier = bpf_map_lookup_elem(&orders, &tid);

	order->syscall = current_syscall();
	if (earlier && earlier->syscall == order->syscall)
		order->at_ns = earlier->at_ns;
	else
		order->at_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&orders, &tid, order, BPF_ANY);
}

/* ext4 changes directories with handles of that type only. */
static __always_inline int handle_of(__u32 s_dev, __u64 number, __u32 type)
{
	struct state_order order = {.number = number, .s_dev = s_dev};

	if (type != EXT4_HANDLE_DIR || !names_are_wanted())
		return 0;
	note_order(&order);
	if (bpf_map_update_elem(&awaited, &s_dev, &number, BPF_ANY))
		count_loss(LOSS_DEVICES);
	return 0;
}

SEC("raw_tp/jbd2_handle_start")
int handle_started(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(handle_of(ctx->args[0], ctx->args[1], ctx->args[2]));
}

/* Transactions of xfs are gathered in memory, and written out together under one number. */
static __always_inline int change_of_xfs(struct xfs_inode *inode)
{
	struct state_order order = {};

	if (!names_are_wanted() || !bpf_core_field_exists(inode->i_vnode) ||
	    !bpf_core_field_exists(((struct xfs_cil *)0)->xc_current_sequence))
		return 0;
	order.s_dev = BPF_CORE_READ(inode, i_vnode.i_sb, s_dev);
	order.cil = (__u64)BPF_CORE_READ(inode, i_mount, m_log, l_cilp);
	note_order(&order);
	return 0;
}

/* Its first argument is a directory in all of them. */
SEC("raw_tp")
int xfs_changes(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(change_of_xfs((struct xfs_inode *)ctx->args[0]));
}

/* A transaction that room was reserved for: "transaction", and its number. */
static __always_inline int change_of_btrfs(struct btrfs_fs_info *info, __u64 what, __u64 number)
{
	struct state_order order = {.number = number};
	char name[3] = {};

	if (!names_are_wanted() || !bpf_core_field_exists(info->sb))
		return 0;
	bpf_probe_read_kernel(name, sizeof(name), (void *)what);
	if (name[0] != 't' || name[1] != 'r' || name[2] != 'a')
		return 0;
	order.s_dev = BPF_CORE_READ(info, sb, s_dev);
	note_order(&order);
	return 0;
}

SEC("raw_tp/btrfs_space_reservation")
int btrfs_changes(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(
		change_of_btrfs((struct btrfs_fs_info *)ctx->args[0], ctx->args[1], ctx->args[2]));
}

/* struct trace_event_raw_jbd2_commit, whose layout is the tracefs format: 5.10 to 7.2. */
struct commit_begins {
	__u64 common;
	__u32 s_dev;
	__u32 is_sync;
	__u32 transaction;
};

SEC("tracepoint/jbd2/jbd2_start_commit")
int commit_begins(struct commit_begins *ctx)
{
	return note_names ? GUARDED(frame_commit(ctx->s_dev, ctx->transaction)) : 0;
}

/* Only these are told: databases have journals commit thousands of times a second. Transactions
 * may change a name until they are locked, which is after they began to commit. */
static __always_inline bool is_awaited(struct frame *frame)
{
	__u64 *newest = bpf_map_lookup_elem(&awaited, &frame->s_dev);

	return newest && (int)(*newest - frame->ino) >= 0; /* tid_geq(): linux/jbd2.h */
}

/* The transaction is on the disk, unless the journal was given up meanwhile. */
static __always_inline int commit_ended(struct journal_s *journal)
{
	struct frame *frame = current_frame();
	__u32 key = frame_key(HOOK_COMMIT);

	if (!frame || frame->opener != HOOK_COMMIT)
		return 0;
	if (!is_awaited(frame))
		return bpf_map_delete_elem(&frames, &key);
	if (bpf_core_field_exists(journal->j_flags)) {
		frame->flags |= SYNC_TID_KNOWN;
		if (journal_aborted(journal))
			frame->flags |= SYNC_TID_UNCOMMITTED;
	}
	return frame_close(HOOK_COMMIT, 0, SCRATCH_OTHER);
}

SEC("raw_tp/jbd2_end_commit")
int commit_ends(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(commit_ended((struct journal_s *)ctx->args[0]));
}

/* f2fs_sync_file_exit(inode, cp_reason, datasync, ret): CP_NO_NEEDED is 0, 5.10 to 7.2. */
static __always_inline int checkpoint_made(struct inode *inode, int reason, int ret)
{
	struct frame *frame = current_frame();

	if (frame && reason && !ret && frame->ino == BPF_CORE_READ(inode, i_ino) &&
	    frame->s_dev == BPF_CORE_READ(inode, i_sb, s_dev))
		frame->flags |= SYNC_CHECKPOINT;
	return 0;
}

SEC("raw_tp/f2fs_sync_file_exit")
int f2fs_checkpointed(struct bpf_raw_tracepoint_args *ctx)
{
	return note_names ? GUARDED(checkpoint_made((struct inode *)ctx->args[0], ctx->args[1],
						    ctx->args[3]))
			  : 0;
}
