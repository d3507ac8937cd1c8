/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_EXT4_BPF_H
#define FLUSHAUDIT_EXT4_BPF_H

/* What ext4 says of the inode a call is about. */
#include "call.bpf.h"

#define FALLOC_FL_KEEP_SIZE 0x01 /* linux/falloc.h */
#define JBD2_ABORT	    0x02 /* linux/jbd2.h */

/* fs/ext4/ext4.h, on disk */
#define EXT4_JOURNAL_DATA_FL 0x4000UL
#define EXT4_INLINE_DATA_FL  0x10000000UL

/* Is it ext4's? ext2's own driver has the same magic and other structs. */
static __always_inline bool is_ext4(struct super_block *sb)
{
	struct file_system_type *type = BPF_CORE_READ(sb, s_type);
	char name[5] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(type, name));
	return name[0] == 'e' && name[1] == 'x' && name[2] == 't' && name[3] == '4';
}

static __always_inline struct journal_s *ext4_journal(struct super_block *sb)
{
	struct ext4_sb_info *info = BPF_CORE_READ(sb, s_fs_info);

	if (!bpf_core_field_exists(info->s_journal))
		return NULL;
	return BPF_CORE_READ(info, s_journal);
}

/* Was it given up after an error? False as well where that cannot be read. */
static __always_inline bool journal_aborted(struct journal_s *journal)
{
	return bpf_core_field_exists(journal->j_flags) &&
	       (BPF_CORE_READ(journal, j_flags) & JBD2_ABORT);
}

/* Known with module BTF only, which 5.10 has not. */
static __always_inline bool ext4_known(void)
{
	return bpf_core_field_exists(((struct ext4_inode_info *)0)->i_sync_tid);
}

static __always_inline struct ext4_inode_info *ext4_info(struct inode *inode)
{
	return (void *)inode - bpf_core_field_offset(struct ext4_inode_info, vfs_inode);
}

/* i_flags, 0: not known. */
static __always_inline unsigned long ext4_flags(struct ext4_inode_info *info)
{
	return bpf_core_field_exists(info->i_flags) ? BPF_CORE_READ(info, i_flags) : 0;
}

/* The journal transaction that holds the inode's last change. */
static __always_inline __u32 ext4_tid(struct frame *frame, struct inode *inode)
{
	struct ext4_inode_info *info = ext4_info(inode);

	/* ext4_fsync_journal() goes by i_datasync_tid also where the data is in the inode. */
	return (frame->flags & SYNC_DATASYNC) && !(frame->flags & SYNC_DATA_IN_INODE)
		       ? BPF_CORE_READ(info, i_datasync_tid)
		       : BPF_CORE_READ(info, i_sync_tid);
}

/*
 * Is what the call needs committed? (fs/ext4/fsync.c, ext4_fsync_journal; tid_gt in linux/jbd2.h).
 */
static __always_inline void ext4_enter(struct frame *frame, struct inode *inode,
				       struct super_block *sb)
{
	struct ext4_inode_info *info;
	struct journal_s *journal;
	unsigned long flags;

	if (!ext4_known() || frame->fs_magic != EXT4_MAGIC || !is_ext4(sb))
		return;
	info = ext4_info(inode);
	flags = ext4_flags(info);
	/* ext4_sync_parent() goes by it; the states are the upper half of i_flags. */
	if (ext4_new_entry >= 0 && ext4_new_entry < 32 && bpf_core_field_exists(info->i_flags) &&
	    !(flags >> 32 >> ext4_new_entry & 1))
		frame->flags |= SYNC_NAME_SYNCED;
	journal = ext4_journal(sb);
	if (!journal)
		return;
	if (flags & EXT4_INLINE_DATA_FL)
		frame->flags |= SYNC_DATA_IN_INODE;
	frame->tid_wanted = ext4_tid(frame, inode);
	frame->flags |= SYNC_TID_KNOWN;
	if ((int)(frame->tid_wanted - BPF_CORE_READ(journal, j_commit_sequence)) > 0)
		frame->flags |= SYNC_TID_NEEDED;
}

/* All of it: what the newest transaction holds that was begun before the call. */
static __always_inline void ext4_enter_fs(struct frame *frame, struct super_block *sb)
{
	struct journal_s *journal;

	if (!ext4_known() || frame->fs_magic != EXT4_MAGIC || !is_ext4(sb))
		return;
	journal = ext4_journal(sb);
	if (!journal)
		return;
	frame->tid_wanted = BPF_CORE_READ(journal, j_transaction_sequence) - 1;
	frame->flags |= SYNC_TID_KNOWN;
	if ((int)(frame->tid_wanted - BPF_CORE_READ(journal, j_commit_sequence)) > 0)
		frame->flags |= SYNC_TID_NEEDED;
}

/* The size the inode has in the transaction, or block, that is going to the disk. */
static __always_inline void ext4_note_disk_size(struct frame *frame)
{
	struct inode *inode = frame_inode(frame);
	struct ext4_inode_info *info = NULL;

	if (!inode || frame->fs_magic != EXT4_MAGIC || (frame->flags & SYNC_WHOLE_FS) ||
	    !bpf_core_field_exists(info->i_disksize) || !is_ext4((void *)frame->sb))
		return;
	info = ext4_info(inode);
	frame->disk_size = BPF_CORE_READ(info, i_disksize);
}

static __always_inline void zeroed_add(struct state_zeroed *to, const struct state_zeroed *how)
{
	if (how->any)
		to->any = 1;
	if (how->journalled)
		to->journalled = 1;
	if (how->tail)
		to->tail = 1;
}

static __always_inline void zeroed_note(struct state_inode *key, const struct state_zeroed *how)
{
	struct state_zeroed *found = bpf_map_lookup_elem(&zeroed, key);

	if (!found) {
		bpf_map_update_elem(&zeroed, key, how, BPF_NOEXIST);
		found = bpf_map_lookup_elem(&zeroed, key);
	}
	zeroed_add(found ? found : &zeroed_rest, how);
}

/* @length bytes of the inode from @start on are about to be zeroed, by fallocate with @mode. */
static __always_inline void ext4_zeroed(struct inode *inode, __u64 start, __u64 length, __u32 mode)
{
	struct state_zeroed how = {.any = 1};
	__u64 size = BPF_CORE_READ(inode, i_size);
	struct state_inode key;

	read_inode_key(&key, inode);
	if (ext4_known() && (ext4_flags(ext4_info(inode)) & EXT4_JOURNAL_DATA_FL))
		how.journalled = 1;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && size % page_bytes &&
	    start / page_bytes <= size / page_bytes && start + length > size)
		how.tail = 1;
	zeroed_note(&key, &how);
	key.ino = key.generation = 0;
	zeroed_note(&key, &how);
	key.s_dev = 0;
	zeroed_note(&key, &how);
}

/* What a call is about that returns: how it was zeroed before. */
static __always_inline __u8 ext4_was_zeroed(struct frame *frame)
{
	struct state_inode key = {.s_dev = frame->s_dev};
	struct state_zeroed *found, how = {};

	if (frame->fs_magic != EXT4_MAGIC && frame->kind != SYNC_SYNC)
		return 0;
	if (frame->mapping) {
		key.ino = frame->ino;
		key.generation = frame->generation;
	}
	found = bpf_map_lookup_elem(&zeroed, &key);
	if (found)
		how = *found;
	zeroed_add(&how, &zeroed_rest);
	return (how.any ? ZEROED : 0) | (how.journalled ? ZEROED_JOURNALLED : 0) |
	       (how.tail ? ZEROED_TAIL : 0);
}

static __always_inline void ext4_exit(struct frame *frame)
{
	struct journal_s *journal;
	struct inode *inode;
	__u32 committed;
	__u64 now;

	if (!ext4_known() || !(frame->flags & SYNC_TID_KNOWN))
		return;
	journal = ext4_journal((void *)frame->sb);
	if (!journal)
		return;
	now = bpf_ktime_get_ns();
	committed = BPF_CORE_READ(journal, j_commit_sequence);
	inode = frame_inode(frame);
	if (inode && (int)(ext4_tid(frame, inode) - committed) <= 0)
		frame->flags |= SYNC_TID_PASSED;
	if ((int)(frame->tid_wanted - committed) > 0)
		frame->flags |= SYNC_TID_UNCOMMITTED;
	/* In this order: a commit that fails gives the journal up before it is over. */
	else if (!BPF_CORE_READ(journal, j_committing_transaction) && !journal_aborted(journal))
		frame->commits_over_ns = now;
}

#endif
