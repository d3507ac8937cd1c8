/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_OWNER_BPF_H
#define FLUSHAUDIT_OWNER_BPF_H

/* Attribution: which inode a write is charged to, by the first page of its bio. */
#include "state.bpf.h"

/* Whom a write is charged to. */
struct owner {
	__u64 hash; /* 0: nobody */
	__u64 ino;
	__u32 s_dev;
	bool meta; /* block device pages, btrfs tree pages, buffers marked REQ_META */
	bool direct;
};

/* What attribution reads of a bio; its pointer may be typed or a plain number. */
struct bio_view {
	__u64 end_io;
	__u64 private;
	__u64 vector;
	__u32 index;
	__u32 opf;
};

static __always_inline void view_bio(struct bio *bio, struct bio_view *view)
{
	view->end_io = (__u64)BPF_CORE_READ(bio, bi_end_io);
	view->private = (__u64)BPF_CORE_READ(bio, bi_private);
	view->vector = (__u64)BPF_CORE_READ(bio, bi_io_vec);
	view->index = BPF_CORE_READ(bio, bi_iter.bi_idx);
	view->opf = BPF_CORE_READ(bio, bi_opf);
}

/* Does a bio that ends so end in its parent? */
static __always_inline bool is_chained(__u64 end_io)
{
	return end_io_chain && end_io == end_io_chain;
}

/* The front part of a split bio ends in its parent: how the whole ends. */
static __always_inline void view_end(struct bio_view *view, __u64 *end_io, __u64 *private)
{
	*end_io = view->end_io;
	*private = view->private;
	if (is_chained(*end_io)) {
		struct bio *parent = (void *)view->private;

		*end_io = (__u64)BPF_CORE_READ(parent, bi_end_io);
		*private = (__u64)BPF_CORE_READ(parent, bi_private);
	}
}

/*
 * The bio whose end is the first to be told of when @bio ends: @bio, or the one it is chained to.
 * Up to 5.11 the end of a chained bio is not traced (bio_endio goes on with its parent before it
 * tells); what is chained and is queued by itself (iomap_chain_bio, __blkdev_issue_zero_pages,
 * xlog_split_iclog) is queued before its parent.
 */
static __always_inline __u64 ends_with(struct bio *bio)
{
	if (bpf_core_field_exists(bio->bi_bdev) ||
	    !is_chained((__u64)BPF_CORE_READ(bio, bi_end_io)))
		return (__u64)bio;
	return (__u64)BPF_CORE_READ(bio, bi_private);
}

/* A write to raid0 is split by md, by raid0 itself, and by the queue of a member. */
#define MAX_SPLITS 4

/* The bio at *@key as it was remembered, or the one it is a part of, which *@key is then. */
static __always_inline struct bio_entry *find_bio(__u64 *key)
{
	struct bio_entry *found;
	struct bio *bio;
	__u32 i;

	for (i = 0; i < MAX_SPLITS; i++) {
		found = bpf_map_lookup_elem(&bios, key);
		if (found)
			return found;
		bio = (void *)*key;
		if (end_io_chain ? !is_chained((__u64)BPF_CORE_READ(bio, bi_end_io)) : i)
			return NULL;
		*key = (__u64)BPF_CORE_READ(bio, bi_private);
	}
	return bpf_map_lookup_elem(&bios, key);
}

/* How f2fs wraps the end of a bio up to 5.16 (struct f2fs_private_dio). It is in no BTF, so it
 * must not be among the types of kernel.bpf.h, all of which are relocated. */
struct wrapped_end {
	__u64 inode;
	__u64 private;
	__u64 end_io;
};

/* The direct write by fs/direct-io.c that a bio is a part of, NULL: it is of none. */
static __always_inline struct dio *dio_of(struct bio_view *view, bool *async)
{
	struct wrapped_end wrapped = {};
	__u64 end_io, private;

	if (!bpf_core_type_exists(struct dio))
		return NULL;
	view_end(view, &end_io, &private);
	if (!bpf_core_field_exists(((struct task_struct *)0)->worker_private) && /* 5.17 on */
	    (view->opf & OPF(SYNC)) && private &&
	    !bpf_probe_read_kernel(&wrapped, sizeof(wrapped), (void *)private) &&
	    (wrapped.end_io == end_io_direct[STATE_DIRECT_AIO] ||
	     wrapped.end_io == end_io_direct[STATE_DIRECT_SYNC])) {
		end_io = wrapped.end_io;
		private = wrapped.private;
	}
	*async = end_io == end_io_direct[STATE_DIRECT_AIO];
	return end_io && (*async || end_io == end_io_direct[STATE_DIRECT_SYNC]) ? (void *)private
										: NULL;
}

/* The address space of a direct write, from the structure its end function gets.
 * The kinds that are not found that way belong to no inode that can be known. */
static __always_inline bool direct_mapping(struct bio_view *view, struct address_space **mapping)
{
	struct dio *by_pages;
	__u64 end_io, private;
	bool async;
	__u32 i;

	view_end(view, &end_io, &private);
	if (end_io_iomap && end_io == end_io_iomap) {
		struct iomap_dio *dio = (void *)private;

		*mapping = BPF_CORE_READ(dio, iocb, ki_filp, f_mapping);
		return true;
	}
	by_pages = dio_of(view, &async);
	if (by_pages) {
		*mapping = BPF_CORE_READ(by_pages, iocb, ki_filp, f_mapping);
		return true;
	}
	for (i = 0; i < STATE_DIRECT_END_IOS; i++)
		if (end_io_direct[i] && end_io == end_io_direct[i])
			return true;
	return false;
}

static __always_inline struct page *first_page(struct bio_view *view)
{
	struct bio_vec *vector = (void *)view->vector;

	if (!vector)
		return NULL;
	vector += view->index; /* 16 bytes each on every kernel */
	return BPF_CORE_READ(vector, bv_page);
}

static __always_inline void attribute(struct bio_view *view, __u32 disk, struct owner *owner)
{
	struct address_space *mapping = NULL;
	struct super_block *sb;
	struct inode *host;
	unsigned long magic;
	struct page *page;

	__builtin_memset(owner, 0, sizeof(*owner));
	owner->direct = direct_mapping(view, &mapping);
	if (!owner->direct && (view->opf & 0xff) != REQ_OP_WRITE_ZEROES) {
		page = first_page(view);
		mapping = page ? page_mapping(page) : NULL;
	}
	if (!mapping) {
		owner->meta = view->opf & OPF(META);
		return;
	}
	host = BPF_CORE_READ(mapping, host);
	sb = BPF_CORE_READ(host, i_sb);
	magic = BPF_CORE_READ(sb, s_magic);
	owner->s_dev = BPF_CORE_READ(sb, s_dev);
	owner->ino = BPF_CORE_READ(host, i_ino);
	if (magic == BDEV_MAGIC) {
		owner->ino = BPF_CORE_READ(host, i_rdev);
		owner->meta = !owner->direct;
	} else if (magic == BTRFS_MAGIC) {
		owner->meta = owner->ino == BTRFS_BTREE_INODE;
	} else if (magic == F2FS_MAGIC) {
		/* one bio mixes the pages of several inodes (f2fs_submit_page_write) */
		owner->meta = owner->ino <= 2; /* the node and meta inodes */
		if (!owner->direct)
			return;
	}
	owner->hash = slot_owner(owner->s_dev, owner->ino, disk);
}

#endif
