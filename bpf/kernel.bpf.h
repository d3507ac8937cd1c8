/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_KERNEL_BPF_H
#define FLUSHAUDIT_KERNEL_BPF_H

/*
 * The only place that knows kernel structs: minimal CO-RE definitions of the
 * fields that are read, and one accessor per fact. A suffix after ___ marks a
 * flavour of older or newer kernels; which one applies is asked from BTF,
 * never from the version. "measured" names kernels the accessor was run on.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "events.h"

#define SB_RDONLY (1UL << 0) /* include/linux/fs.h */
#define SB_BORN	  (1UL << 29)

#define S_IFMT		    0170000 /* include/uapi/linux/stat.h */
#define S_IFDIR		    0040000
#define S_IFREG		    0100000
#define S_IFLNK		    0120000
#define BDEV_MAGIC	    0x62646576
#define BTRFS_MAGIC	    0x9123683E
#define EXT4_MAGIC	    0xEF53
#define OVERLAYFS_MAGIC	    0x794c7630
#define F2FS_MAGIC	    0xF2F52010
#define XFS_MAGIC	    0x58465342
#define BTRFS_BTREE_INODE   1
#define PF_KTHREAD	    0x00200000 /* include/linux/sched.h, same since 2.6 */
#define PF_WQ_WORKER	    0x00000020
#define SECCOMP_MODE_FILTER 2 /* include/uapi/linux/seccomp.h */
#define PF_IO_WORKER	    0x00000010
#ifdef bpf_target_arm64
#define FILE_DIRECT 0200000 /* O_DIRECT, arch/arm64/include/uapi/asm/fcntl.h */
#else
#define FILE_DIRECT 040000 /* asm-generic/fcntl.h */
#endif
#define FILE_SYNC	    04000000 /* __O_SYNC of asm-generic/fcntl.h; O_SYNC is this and O_DSYNC */
#define FILE_DSYNC	    00010000
#define FILE_NAMELESS	    020000000 /* __O_TMPFILE of asm-generic/fcntl.h: stays with the open file */
#define IOCB_DSYNC	    0x2	      /* include/linux/fs.h: RWF_DSYNC; measured 5.10 to 7.2 */
#define IOCB_SYNC	    0x4
#define IOMAP_DIO_NEED_SYNC (1U << 29) /* fs/iomap/direct-io.c, the same 5.10 to 7.2 */
#define URING_OP_FSYNC	    3	       /* include/uapi/linux/io_uring.h */

#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct request_queue;

struct gendisk {
	int major;
	int first_minor;
	struct request_queue *queue;
};

struct block_device {
	struct gendisk *bd_disk;
	__u32 bd_dev;
};

struct queue_limits___features { /* 6.11 on, measured 6.12, 6.18, 7.2 */
	unsigned int features;
	unsigned int flags;
};

struct request_queue {
	const void *mq_ops; /* NULL: bio based */
	unsigned long queue_flags;
	struct gendisk *disk; /* 5.15 on */
};

struct request_queue___features {
	struct queue_limits___features limits;
};

struct bvec_iter {
	__u64 bi_sector;
	unsigned int bi_size;
	unsigned int bi_idx;
	unsigned int bi_bvec_done;
};

struct page;

struct bio_vec {
	struct page *bv_page;
	unsigned int bv_len;
	unsigned int bv_offset;
};

struct bio {
	struct bio *bi_next;
	struct block_device *bi_bdev; /* 5.12 on */
	unsigned int bi_opf;
	unsigned char bi_status;
	struct bvec_iter bi_iter;
	void *bi_end_io;
	void *bi_private;
	unsigned short bi_vcnt;
	struct bio_vec *bi_io_vec;
};

struct device {
	unsigned int devt;
};

struct hd_struct {
	__u64 start_sect;
	__u64 nr_sects;
	struct device __dev;
};

struct disk_part_tbl {
	int len;
	struct hd_struct *part[];
};

struct gendisk___parts {
	int major;
	int first_minor;
	struct request_queue *queue;
	struct disk_part_tbl *part_tbl;
};

struct bio___disk { /* up to 5.11 */
	struct gendisk___parts *bi_disk;
	unsigned char bi_partno;
};

struct blk_flush_queue {
	unsigned int flush_pending_idx : 1;
	unsigned int flush_running_idx : 1;
};

struct blk_mq_hw_ctx {
	struct blk_flush_queue *fq;
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int rq_flags;
	struct bio *bio;
	__u64 start_time_ns;
	struct blk_mq_hw_ctx *mq_hctx;
};

struct request___disk { /* up to 5.16 */
	struct gendisk *rq_disk;
};

struct xarray {
	unsigned int xa_flags;
};

struct inode;

struct address_space {
	struct inode *host;
	struct xarray i_pages;
};

struct page {
	unsigned long compound_head;
	struct address_space *mapping;
};

struct page___index { /* up to 5.15 */
	unsigned long index;
};

struct folio { /* 5.16 on; as long as it is of one page, it is its page */
	unsigned long index;
};

struct pt_regs___x86 {
	unsigned long orig_ax;
};

struct pt_regs___arm64 {
	int syscallno;
};

struct folio___count { /* 5.16 on, measured 6.1, 6.12 */
	unsigned int _folio_nr_pages;
};

struct folio___pages { /* measured 6.18, 7.2 */
	unsigned int _nr_pages;
};

struct page___mask { /* 7.1 on, measured 7.2 */
	unsigned long compound_info;
};

struct file_system_type {
	const char *name;
};

typedef struct {
	__u8 b[16];
} uuid_t;

typedef struct {
	int counter;
} atomic_t;

struct super_block {
	__u32 s_dev;
	unsigned long s_flags;
	unsigned long s_magic;
	atomic_t s_active; /* references */
	struct block_device *s_bdev;
	struct file_system_type *s_type;
	void *s_fs_info;
	uuid_t s_uuid;
	int s_stack_depth; /* 0: it lies on no other file system */
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	struct address_space *i_mapping;
	unsigned long i_ino; /* 8 bytes on every kernel, u64 since 7.x */
	__u32 i_rdev;
	__u32 i_generation;
	unsigned int i_nlink;
	struct hlist_head i_dentry;
	long long i_size;
};

struct bdev_inode {
	struct block_device bdev;
	struct inode vfs_inode;
};

struct xfs_cil {
	__u64 xc_current_sequence;
};

struct xlog {
	struct xfs_cil *l_cilp;
};

struct xfs_mount {
	struct xlog *m_log;
};

struct xfs_inode {
	struct xfs_mount *i_mount;
	struct inode i_vnode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	union {
		struct hlist_node d_alias;
	} d_u;
};

struct dentry___flat { /* 7.x */
	struct hlist_node d_alias;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct file {
	unsigned int f_flags;
	unsigned int f_mode;
	struct path f_path;
	struct address_space *f_mapping;
	struct inode *f_inode;
	void *private_data;
};

struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct signal_struct {
	atomic_t live;
};

struct seccomp {
	int mode;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	void *stack;
	struct files_struct *files;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct mm_struct *mm;
	char comm[16];
	struct seccomp seccomp;
	void *io_uring; /* since the task has used it */
	unsigned int ptrace;
	/* 5.17 on: struct io_worker of an io_uring worker, struct kthread of a kernel thread */
	void *worker_private;
};

struct task_struct___child_tid {
	int *set_child_tid; /* up to 5.16: struct kthread of a kernel thread */
};

struct kthread {
	void *data; /* struct worker of one that serves work queues */
};

struct worker {
	struct work_struct *current_work;
	struct pool_workqueue *current_pwq;
};

struct pool_workqueue {
	struct workqueue_struct *wq;
};

struct workqueue_struct {
	char name[24];
};

struct work_struct {
	void *func;
};

struct task_struct___worker {
	void *pf_io_worker; /* up to 5.17 */
};

struct io_wq_work;

struct io_worker {
	struct io_wq_work *cur_work;
};

struct io_wq_work {
	unsigned int flags;
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	struct io_wq_work work;
};

struct io_kiocb___task { /* up to 6.12 */
	struct task_struct *task;
};

struct io_uring_task {
	struct task_struct *task;
};

struct io_kiocb___context {
	struct io_uring_task *tctx;
};

struct rb_node {
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct mm_struct {
	unsigned long total_vm;
};

struct mm_struct___tree { /* up to 6.0 */
	struct rb_root mm_rb;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct file *vm_file;
};

struct vm_area_struct___tree {
	struct rb_node vm_rb;
};

struct kiocb {
	struct file *ki_filp;
	int ki_flags;
};

struct fsync_iocb {
	struct file *file;
};

struct iomap_dio {
	struct kiocb *iocb;
	unsigned int flags;
	int error;
};

/* A direct write of a file system that leaves it to fs/direct-io.c. */
struct dio {
	struct kiocb *iocb;
	struct work_struct complete_work;
};

struct journal_s {
	unsigned int j_transaction_sequence;
	unsigned int j_commit_sequence;
	unsigned long j_flags;
	void *j_committing_transaction;
};

struct ext4_sb_info {
	struct journal_s *s_journal;
};

struct btrfs_fs_info {
	struct super_block *sb;
	__u64 last_trans_committed;
};

struct btrfs_root {
	struct btrfs_fs_info *fs_info;
	int log_transid_committed;
};

struct btrfs_inode {
	struct btrfs_root *root;
	__u64 last_trans;
	int last_sub_trans;
	struct inode vfs_inode;
};

struct ext4_inode_info {
	unsigned long i_flags;
	unsigned int i_sync_tid;
	unsigned int i_datasync_tid;
	long long i_disksize;
	struct inode vfs_inode;
};

enum req_flag_bits {
	__REQ_SYNC = 11,
	__REQ_META = 12,
	__REQ_FUA = 17,
	__REQ_PREFLUSH = 18,
	__REQ_NOWAIT = 21,
};

enum pageflags {
	PG_writeback = 1,
	PG_head = 2,
};

enum req_op {
	REQ_OP_WRITE = 1,
	REQ_OP_FLUSH = 2,
	REQ_OP_WRITE_ZEROES = 9,
};

#pragma clang attribute pop

/* A typed pointer as a plain number, which is what functions of their own take. */
static __always_inline __u64 as_number(const void *pointer)
{
	__u64 key = (__u64)pointer, number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &key);
	return number;
}

#define UNTYPED(pointer) ((typeof(pointer))as_number(pointer))

/* linux/dm-*, md and others: operations that put data on a device. Measured: stable 5.10 to 7.2. */
static __always_inline bool op_is_data(unsigned int opf)
{
	unsigned int op = opf & 0xff;

	/* 7: WRITE_SAME up to 5.17, ZONE_APPEND from 6.x on; 21: ZONE_APPEND between */
	return op == REQ_OP_WRITE || op == REQ_OP_WRITE_ZEROES || op == 7;
}

#define OPF(name) (1U << bpf_core_enum_value(enum req_flag_bits, __REQ_##name))

/*
 * The accessors of the block side take the typed arguments of tp_btf programs
 * and dereference them directly: 6 ns for what costs 68 through probe reads.
 */
static __always_inline __u32 disk_number(struct gendisk *disk)
{
	return (__u32)disk->major << 20 | (__u32)disk->first_minor;
}

/*
 * Write cache of a queue as the kernel uses it, in our own bits. Up to 6.10
 * QUEUE_FLAG_WC = 17 and QUEUE_FLAG_FUA = 18 (include/linux/blkdev.h, macros;
 * verified against sysfs on 5.10 and 6.1); from 6.11 limits.features bits 0, 1
 * and limits.flags bit 0 = BLK_FLAG_WRITE_CACHE_DISABLED (1122c0c1cc71).
 */
static __always_inline __u64 queue_cache(struct request_queue *queue)
{
	__u64 bits = CACHE_BIT_KNOWN;

	if (queue->mq_ops)
		bits |= CACHE_BIT_RQ_BASED;
	if (bpf_core_field_exists(((struct request_queue___features *)0)->limits.features)) {
		struct request_queue___features *q = (void *)queue;
		unsigned int features = q->limits.features;
		unsigned int off = q->limits.flags & 1;

		if ((features & 1) && !off)
			bits |= CACHE_BIT_WRITE_BACK;
		if ((features & 1) && off)
			bits |= CACHE_BIT_OVERRIDE;
		if ((features & 2) && !off)
			bits |= CACHE_BIT_FUA;
	} else {
		unsigned long flags = queue->queue_flags;

		if (flags & (1UL << 17))
			bits |= CACHE_BIT_WRITE_BACK;
		if (flags & (1UL << 18))
			bits |= CACHE_BIT_FUA;
	}
	return bits;
}

#define MAX_PARTITIONS 16

/*
 * Up to 5.11 a bio has been moved to the whole disk before it is seen
 * (blk_partition_remap): the partition it was for is the one that holds its
 * sector. Of an empty flush it cannot be told. 0: none, or not to be told.
 */
static __always_inline __u32 bio_partition(struct bio *bio)
{
	struct bio___disk *old = (void *)bio;
	struct disk_part_tbl *table;
	struct hd_struct *part;
	__u64 sector, start;
	__u32 i;

	if (bpf_core_field_exists(bio->bi_bdev))
		return 0;
	table = BPF_CORE_READ(old, bi_disk, part_tbl);
	sector = BPF_CORE_READ(bio, bi_iter.bi_sector);
	for (i = 1; i < MAX_PARTITIONS && i < (__u32)BPF_CORE_READ(table, len); i++) {
		bpf_probe_read_kernel(&part, sizeof(part), &table->part[i]);
		if (!part)
			continue;
		start = BPF_CORE_READ(part, start_sect);
		if (sector >= start && sector - start < BPF_CORE_READ(part, nr_sects))
			return BPF_CORE_READ(part, __dev.devt);
	}
	return 0;
}

/* Where a bio goes: @disk the whole disk, @part the number it was addressed to. */
static __always_inline struct request_queue *bio_target(struct bio *bio, __u32 *disk, __u32 *part)
{
	if (bpf_core_field_exists(bio->bi_bdev)) {
		struct block_device *bdev = bio->bi_bdev;

		*disk = disk_number(bdev->bd_disk);
		*part = bdev->bd_dev;
		return bdev->bd_disk->queue;
	} else {
		struct bio___disk *old = (void *)bio;

		*disk = disk_number((void *)old->bi_disk);
		*part = *disk + old->bi_partno;
		return old->bi_disk->queue;
	}
}

/* 0: a request of no disk (a controller's admin queue). */
static __always_inline __u32 request_disk(struct request *rq)
{
	struct gendisk *disk;

	if (bpf_core_field_exists(rq->q->disk))
		disk = rq->q->disk;
	else
		disk = ((struct request___disk *)rq)->rq_disk;
	return disk ? disk_number(disk) : 0;
}

/*
 * Does the flush queue of an issued flush request have none running? The two
 * indices differ from the moment a flush is started (blk_kick_flush) until it
 * has ended (flush_end_io); both in block/blk-flush.c.
 */
static __always_inline bool flush_has_ended(struct request *flush)
{
	struct blk_mq_hw_ctx *hctx = BPF_CORE_READ(flush, mq_hctx);
	struct blk_flush_queue *queue = BPF_CORE_READ(hctx, fq);

	return queue && BPF_CORE_READ_BITFIELD_PROBED(queue, flush_pending_idx) ==
				BPF_CORE_READ_BITFIELD_PROBED(queue, flush_running_idx);
}

/*
 * The page that keeps the state of a compound one. A tail page points to its
 * head: up to 7.0 compound_head = head | 1; from 7.1 compound_info, bit 0 set: a
 * mask to apply to the page's own address where struct page is a power of two
 * in size, else head | 1.
 */
static __always_inline struct page *page_head(struct page *page)
{
	unsigned long link;

	if (bpf_core_field_exists(((struct page___mask *)0)->compound_info)) {
		link = BPF_CORE_READ((struct page___mask *)page, compound_info);
		if (link & 1) {
			unsigned long mask = link & ~1UL;

			if ((-mask & (-mask - 1)) == 0)
				return (void *)((unsigned long)page & mask);
			return (void *)(link - 1);
		}
		return page;
	}
	link = BPF_CORE_READ(page, compound_head);
	return link & 1 ? (void *)(link - 1) : page;
}

/* The address space a page belongs to, NULL for anonymous and kernel memory. */
static __always_inline struct address_space *page_mapping(struct page *page)
{
	unsigned long mapping = (unsigned long)BPF_CORE_READ(page_head(page), mapping);

	return (mapping & 3) ? NULL : (void *)mapping;
}

/* Where in its file a page is, in pages. */
static __always_inline __u64 page_index(struct page *page)
{
	struct page *head = page_head(page);
	__u64 index;

	if (bpf_core_field_exists(((struct folio *)0)->index))
		index = BPF_CORE_READ((struct folio *)head, index);
	else
		index = BPF_CORE_READ((struct page___index *)head, index);
	return index + ((__u64)page - (__u64)head) / bpf_core_type_size(struct page);
}

/* How many pages the folio is of that begins with @page. */
static __always_inline __u32 folio_pages(struct page *page)
{
	unsigned long flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags), page);
	if (!(flags & (1UL << bpf_core_enum_value(enum pageflags, PG_head))))
		return 1;
	if (bpf_core_field_exists(((struct folio___pages *)0)->_nr_pages))
		return BPF_CORE_READ((struct folio___pages *)page, _nr_pages);
	if (bpf_core_field_exists(((struct folio___count *)0)->_folio_nr_pages))
		return BPF_CORE_READ((struct folio___count *)page, _folio_nr_pages);
	return 1;
}

/* Which file system it is: another one made on the same device has another number. */
static __always_inline __u64 fs_id(struct super_block *sb)
{
	__u64 half[2] = {};

	bpf_core_read(half, sizeof(half), &sb->s_uuid);
	return half[0] ^ half[1];
}

/* A name of the inode, as the dentry cache has it. NULL: none. */
static __always_inline struct dentry *inode_alias(struct inode *inode)
{
	struct hlist_node *node = BPF_CORE_READ(inode, i_dentry.first);

	if (!node)
		return NULL;
	if (bpf_core_field_exists(((struct dentry___flat *)0)->d_alias))
		return (void *)node - bpf_core_field_offset(struct dentry___flat, d_alias);
	return (void *)node - bpf_core_field_offset(struct dentry, d_u.d_alias);
}

/*
 * The errno of a completion. Requests end with -errno up to 5.10, then with a
 * blk_status_t, whose first values have not changed since 4.13 (blk_types.h).
 */
static __always_inline int completion_errno(int status)
{
	if (status <= 0)
		return status;
	switch (status) {
	case 2: /* BLK_STS_TIMEOUT */
		return -110;
	case 3: /* BLK_STS_NOSPC */
		return -28;
	case 4: /* BLK_STS_TRANSPORT */
		return -67;
	case 5: /* BLK_STS_TARGET */
		return -121;
	case 7: /* BLK_STS_MEDIUM */
		return -61;
	default:
		return -5;
	}
}

/* Is the page being written? Its flags are its first word on every kernel. */
static __always_inline bool page_under_writeback(struct page *page)
{
	unsigned long flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags), page_head(page));
	return flags & (1UL << bpf_core_enum_value(enum pageflags, PG_writeback));
}

/* The block device behind the inode of a block special file's page cache. */
static __always_inline struct block_device *inode_bdev(struct inode *inode)
{
	struct bdev_inode *both =
		(void *)inode - bpf_core_field_offset(struct bdev_inode, vfs_inode);

	return &both->bdev;
}

#endif
