/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_BTRFS_BPF_H
#define FLUSHAUDIT_BTRFS_BPF_H

/* What btrfs says of the inode a call is about. */
#include "call.bpf.h"

/* Known with module BTF only, which 5.10 has not. */
static __always_inline bool btrfs_known(struct frame *frame)
{
	return frame->fs_magic == BTRFS_MAGIC &&
	       bpf_core_field_exists(((struct btrfs_inode *)0)->last_sub_trans) &&
	       bpf_core_field_exists(((struct btrfs_root *)0)->log_transid_committed) &&
	       bpf_core_field_exists(((struct btrfs_fs_info *)0)->last_trans_committed);
}

/*
 * Is the inode's last change, of this transaction and this log within it,
 * committed? btrfs_inode_in_log() asks root->last_log_commit, which is 0 before
 * the first log of a transaction as it is after it: log_transid_committed tells
 * them apart.
 */
static __always_inline bool btrfs_committed(struct btrfs_root *root, __u64 trans, int sub_trans)
{
	return trans <= BPF_CORE_READ(root, fs_info, last_trans_committed) ||
	       sub_trans <= BPF_CORE_READ(root, log_transid_committed);
}

static __always_inline struct btrfs_inode *btrfs_inode_of(struct inode *inode)
{
	return (void *)inode - bpf_core_field_offset(struct btrfs_inode, vfs_inode);
}

static __always_inline void btrfs_enter(struct frame *frame, struct inode *inode)
{
	struct btrfs_inode *info;

	frame->btrfs_root = 0;
	if (!btrfs_known(frame))
		return;
	info = btrfs_inode_of(inode);
	frame->btrfs_root = (__u64)BPF_CORE_READ(info, root);
	frame->btrfs_trans = BPF_CORE_READ(info, last_trans);
	frame->btrfs_sub_trans = BPF_CORE_READ(info, last_sub_trans);
}

static __always_inline void btrfs_exit(struct frame *frame)
{
	struct btrfs_root *root = (void *)frame->btrfs_root;
	struct btrfs_inode *info;
	struct inode *inode;

	if (!btrfs_known(frame) || !root)
		return;
	frame->order = BPF_CORE_READ(root, fs_info, last_trans_committed);
	if (!btrfs_committed(root, frame->btrfs_trans, frame->btrfs_sub_trans))
		frame->flags |= SYNC_LOG_UNCOMMITTED;
	inode = frame_inode(frame);
	info = btrfs_inode_of(inode);
	if (inode && btrfs_committed(root, BPF_CORE_READ(info, last_trans),
				     BPF_CORE_READ(info, last_sub_trans)))
		frame->flags |= SYNC_LOG_COMMITTED;
}

#endif
