/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_F2FS_BPF_H
#define FLUSHAUDIT_F2FS_BPF_H

/* What f2fs itself knows of an inode (fs/f2fs/f2fs.h), where its module has BTF. */
#include "call.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct f2fs_inode_info {
	struct inode vfs_inode;
	unsigned long flags[1];
};

#pragma clang attribute pop

/* A call returns: does the inode differ from its node block still? fsync leaves it so where it
 * holds that recovery finds out the size by itself (f2fs_skip_inode_update). */
static __always_inline void f2fs_exit(struct frame *frame)
{
	struct f2fs_inode_info *info = NULL;
	struct inode *inode;

	if (frame->fs_magic != F2FS_MAGIC || (frame->flags & SYNC_WHOLE_FS))
		return;
	frame->disk_size = frame->size_enter;
	inode = frame_inode(frame);
	if (!inode || f2fs_dirty_inode < 0 || !bpf_core_field_exists(info->flags))
		return;
	info = (void *)inode - bpf_core_field_offset(struct f2fs_inode_info, vfs_inode);
	frame->inode_state = BPF_CORE_READ(info, flags[0]) >> (f2fs_dirty_inode & 31) & 1
				     ? INODE_DIRTY
				     : INODE_CLEAN;
}

#endif
