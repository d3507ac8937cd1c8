/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_EVENTS_H
#define FLUSHAUDIT_EVENTS_H

/*
 * The records that cross the ring buffer. Fixed width, padding explicit and
 * zeroed, no kernel constant untranslated but dev, inode, pid and errno. Times
 * are CLOCK_MONOTONIC nanoseconds, sizes are bytes, a device number is
 * major << 20 | minor.
 */
#include <linux/types.h>

#define EVENTS_VERSION	     1
#define EVENT_MAX_DEVICES    8
#define EVENT_COMM_SIZE	     16
#define EVENT_PATH_SIZE	     4096
#define EVENT_PATH_MAX_DEPTH 64
#define EVENT_NAME_SIZE	     4096 /* PATH_MAX */

enum event_type {
	EVENT_PATH = 1, /* the name of the file a sync call is about, at its entry */
	EVENT_SYNC,	/* a sync call that returned */
	EVENT_FLUSH,	/* a flush that completed */
	EVENT_DRAIN,	/* the last write in flight of a watched inode completed */
	EVENT_WRITE,	/* a write that failed, or one queued to a file that has failed ones */
	EVENT_WRITTEN,	/* an audited process wrote to a file for the first time */
	EVENT_MAPPED,	/* code of a file that is not known to be harmless was mapped */
	EVENT_CHANGE,	/* an audited process changed a name: its directories changed */
	EVENT_TYPES,
};

enum event_sync_kind {
	SYNC_FSYNC = 0,
	SYNC_FDATASYNC,
	SYNC_FILE_RANGE,
	SYNC_SYNC,   /* all file systems */
	SYNC_SYNCFS, /* one file system */
	SYNC_MSYNC,
	SYNC_O_SYNC,	  /* a write to a file opened so, or with RWF_SYNC */
	SYNC_O_DSYNC,	  /* likewise, RWF_DSYNC; also a file or mount that is synchronous itself */
	SYNC_AIO_FSYNC,	  /* IOCB_CMD_FSYNC, IOCB_CMD_FDSYNC */
	SYNC_URING_FSYNC, /* IORING_OP_FSYNC */
	SYNC_URING_FILE_RANGE,
	SYNC_FREEZE, /* all of a file system that is frozen, */
	SYNC_UMOUNT, /* or comes to its end */
	SYNC_SERVER, /* a server in the kernel syncs a file for a client: nfsd, nvmet */
	SYNC_KERNEL, /* a kernel thread's own sync of a file: loop */
	SYNC_SURVEY, /* none: how a file stands that audited processes wrote to */
	SYNC_COMMIT, /* none: a journal commits a transaction, whose number is in the place of ino
		      */
	SYNC_KINDS,
};

/* Where the moment the call's write-back wait was over is known from. */
enum event_wait_source {
	WAIT_UNSEEN = 0,
	WAIT_OBSERVED,	/* file_write_and_wait_range returned */
	WAIT_OWN_FLUSH, /* the calling thread asked for a flush, which it does only after the wait
			 */
	WAIT_LOG_FORCE, /* the calling thread forced the log, likewise */
};

enum event_sync_flag {
	SYNC_HAS_PATH = 1 << 0,
	SYNC_NO_FILE = 1 << 1, /* the descriptor named no open file */
	SYNC_INNER = 1 << 2,   /* a stacked file system passed the call to the inode named here */
	SYNC_ASKED_FLUSH = 1 << 3, /* the calling thread asked for a flush, alone or with a write */
	SYNC_DIRTY_EXIT = 1 << 4,  /* the page cache had dirty pages of the inode at return */
	SYNC_DIRECTORY = 1 << 5,
	SYNC_TOPOLOGY_UNKNOWN = 1 << 6, /* the device stack of the file system was not known yet */
	SYNC_TOUCHED_BY_LOSS = 1 << 7,	/* a write of this call could not be followed to its end */
	SYNC_DATA_IN_INODE = 1 << 8,	/* ext4: inline data, no block of its own */
	SYNC_BLOCK_DEVICE = 1 << 9,
	/* ext4: the transaction of the inode's last change before the call */
	SYNC_TID_UNCOMMITTED = 1 << 10, /* was not committed at return */
	SYNC_TID_KNOWN = 1 << 11,
	SYNC_TID_NEEDED = 1 << 12,  /* was not committed at entry */
	SYNC_CHECKPOINT = 1 << 13,  /* f2fs: the call was one for a checkpoint, of all of it */
	SYNC_TID_PASSED = 1 << 14,  /* that of the newest change was committed at return */
	SYNC_NAME_SYNCED = 1 << 15, /* ext4: the name is older than the last sync */
	/* btrfs: a log or transaction that was committed at return */
	SYNC_LOG_UNCOMMITTED = 1 << 16, /* does not hold what the inode was at entry */
	SYNC_LOG_COMMITTED = 1 << 17,	/* holds what it was at return */
	SYNC_OWN_COMMIT = 1 << 18,	/* the calling thread itself queued a commit record */
	SYNC_ACCOMPANIED = 1 << 19,	/* another call synced the inode, on f2fs any, meanwhile */
	SYNC_DATASYNC = 1 << 20,	/* only what is needed to read the data again */
	SYNC_WHOLE_FS =
		1 << 21,       /* all of a file system: numbers of devices stand for the inode's */
	SYNC_DIRECT = 1 << 22, /* a direct write that was durable by itself, or not at all */
	SYNC_WRITEOUT = 1 << 23,   /* it never promises a flush */
	SYNC_END_UNSEEN = 1 << 24, /* that it returned is known, not when */
	SYNC_SEVERAL = 1 << 25,	   /* it is about several files, of which this is the first */
	SYNC_UNENTERED = 1 << 26,  /* it never entered; a seccomp filter is there to answer it */
	/* FUSE: whether the kernel asks the server; neither: not known */
	SYNC_UNSENT = 1 << 27, /* not: the server once said that it knows no such request */
	SYNC_SENT = 1 << 28,
	/* xfs: a log write is in flight that was so when a thread that has used io_uring had forced
	 * the log and returned, now or from an earlier call about the file */
	SYNC_LOG_LEFT = 1 << 29,
	SYNC_INODE_WRITTEN = 1 << 30, /* the calling thread had the file system write the inode */
	SYNC_SIZE_LATER = 1U << 31, /* the file did not reach as far as the write that is synced */
};

#define DISK_SEVERAL 0xffffffffU

enum event_device_role {
	DEVICE_DATA = 1 << 0, /* the file system stands on it */
	DEVICE_LOG = 1 << 1,  /* holds its journal or log */
	DEVICE_LEAF = 1 << 2, /* a leaf below */
};

enum event_cache_bit {
	CACHE_BIT_WRITE_BACK = 1 << 0, /* the kernel sends flushes to this queue */
	CACHE_BIT_FUA = 1 << 1,
	CACHE_BIT_OVERRIDE =
		1 << 2, /* the driver said write-back, somebody switched it off (6.12 on) */
	CACHE_BIT_KNOWN = 1 << 3,
	CACHE_BIT_RQ_BASED = 1 << 4,
};

struct event_header {
	__u16 type;
	__u16 version;
	__u32 size;
};

/* What the ledger knew of one device when a sync call returned. */
struct event_device {
	__u32 disk;
	__u32 part;
	__u32 slot; /* of the ledger, where the inode is counted on this disk */
	__u32 lost; /* writes of this device that found a map full, since the audit began */
	__u8 roles;
	__u8 cache;
	__u8 slot_vague;    /* what it says of the inode may be another's, or too late */
	__u8 direct;	    /* direct writes of the inode were seen */
	__s32 log_inflight; /* synchronous metadata writes in flight at return */
	__u64 settled_ns;   /* see ledger_settled(), at entry */
	__u64 watermark_ns;
	__u64 flush_error_ns; /* completion of the newest failed flush, 0: none */
	__s64 inflight_bytes; /* of the inode */
	__u64 last_done_ns;   /* newest non-FUA completion of the inode, 0: none seen */
	__u64 last_error_ns;  /* newest failed write-back of the inode, 0: none known */
	__s64 unattributed_inflight_bytes;
	__u64 unattributed_done_ns;
	__s64 any_inflight_bytes;
	__u64 any_done_ns;
	__u64 data_done_ns;	/* newest completion that is not the file system's own, at all */
	__u64 log_enter_ns;	/* newest non-FUA synchronous metadata write at entry ... */
	__u64 log_done_ns;	/* ... and at return */
	__u64 commit_queued_ns; /* newest completed commit record: when it was queued, */
	__u64 commit_flush_ns;	/* when the flush that goes with it was asked for, 0: none */
	__u64 commit_done_ns;	/* when it completed, */
	__u64 commit_stable_ns; /* = commit_done_ns if it carried FUA to the drive */
};

/* ext4: how a range of the inode, or of one of the file system, was made to read as zeroes. */
enum event_zeroed {
	ZEROED = 1 << 0,
	ZEROED_JOURNALLED = 1 << 1, /* of one that is known to have its data in the journal */
	ZEROED_TAIL = 1 << 2,	    /* one that made it longer, from its last page on */
};

enum event_inode_state {
	INODE_UNKNOWN = 0,
	/* f2fs: at return, what was noted in the inode in memory is in its node block, */
	INODE_CLEAN,
	INODE_DIRTY, /* or is not */
	/* ext4: it was made without a name, and that it got one was not shown to be committed */
	INODE_NAMELESS,
};

struct event_sync {
	struct event_header header;
	__u64 id;
	__u64 enter_ns;
	__u64 exit_ns;
	__u32 pid;
	__u32 tid;
	__u8 comm[EVENT_COMM_SIZE];
	__u8 kind;
	__u8 wait_source;
	__u8 nr_devices;
	__u8 range_known;  /* synced_end is that of the call, not just the file's */
	__u32 generation;  /* of the inode: tells a file from an earlier one of the same number */
	__u32 flags;	   /* enum event_sync_flag */
	__s32 ret;	   /* 0 or -errno */
	__u32 s_dev;	   /* of the inode the data belongs to */
	__u32 outer_s_dev; /* of the inode the caller named; differs for a stacked file system */
	__u64 ino;
	__u64 size; /* of the file at return, ~0: not known */
	__u64 outer_ino;
	__u64 fs_magic;
	__u64 outer_fs_magic;
	__u64 wait_done_ns;	/* no write this call waited for completed later than this */
	__u64 own_bytes;	/* queued by the calling thread inside the call */
	__u64 own_data_done_ns; /* newest non-FUA completion among them, data */
	__u64 own_meta_done_ns; /* likewise, metadata */
	__u64 own_data_queued_ns;
	__s32 own_pending;	 /* data writes of them still in flight at return */
	__s32 own_flush_pending; /* flushes asked for by the thread, not complete at return */
	__u32 own_errors;	 /* writes of them that failed */
	__u32 own_fua;		 /* writes that carried FUA to the drive */
	__u32 own_data_disk;	 /* where own data went; 0: nowhere, DISK_SEVERAL */
	__s32 own_meta_pending;	 /* metadata writes of them still in flight at return */
	__u64 written_ns;	 /* since when the file has what no call before was to sync, */
	__u64 written_bytes;	 /* and how much, whole pages; 0: nothing, or it stays so */
	__u64 fs_id;		 /* made of the UUID of the file system */
	/* A call about a part of a file: where that ends, or the file did at entry; 0: it is about
	 * all of it. ext4: the size that the inode then had, or will have, on the disk; f2fs: its
	 * size at entry; ~0: not known. */
	__u64 synced_end;
	__u64 disk_size;
	/* The newest that the call had committed, of what its file system numbers: xfs: of its log
	 * (sequence); btrfs: transaction. 0: none is known. */
	__u64 order;
	__u32 serves;	  /* the caller serves the FUSE file system of that s_dev, 0: none */
	__u8 direct_file; /* the call is by a descriptor that is open for direct I/O */
	__u8 unaudited;	  /* seen only for those that the caller serves */
	__u8 inode_state; /* enum event_inode_state */
	__u8 zeroed;	  /* of enum event_zeroed */
	struct event_device devices[EVENT_MAX_DEVICES]; /* nr_devices of them cross */
};

struct event_flush {
	struct event_header header;
	__u64 issue_ns;
	__u64 complete_ns;
	__u32 disk;
	__s32 error;	 /* 0 or -errno */
	__u32 bio_based; /* 1: a bio with PREFLUSH on a device without requests */
	__u32 pad;
};

struct event_drain {
	struct event_header header;
	__u32 disk;
	__u32 slot; /* as in event_device */
	__u64 done_ns;
};

enum event_write_flag {
	WRITE_META = 1 << 0,	  /* of the file system itself */
	WRITE_UNCHARGED = 1 << 1, /* nobody can be charged with it: no inode, no range */
	WRITE_ANYWHERE = 1 << 2,  /* where in the file it was is not known */
};

/*
 * A piece of a file whose write-back failed. Once a file has one, also each
 * piece of it that is queued again; should that fail, it is told in turn.
 * Direct writes have no part in it: write() itself tells.
 */
struct event_write {
	struct event_header header;
	__u64 at_ns;
	__u64 offset;
	__u64 bytes;
	__u64 ino;
	__u32 s_dev;
	__u32 generation;
	__u32 disk;
	__u32 part;  /* 0: not known */
	__s32 error; /* -errno: it failed; 0: it was queued */
	__u32 flags; /* enum event_write_flag */
	__u64 fs_id; /* as in event_sync */
};

/*
 * The first write of an audited process to a file, since the audit began. Its name was sent
 * before, with the same id: below the root of its file system, for which mount is not known.
 */
struct event_written {
	struct event_header header;
	__u64 id;
	__u64 at_ns;
	__u64 ino;
	__u32 s_dev;
	__u32 generation;
	__u32 pid;
	__u32 pad;
	__u8 comm[EVENT_COMM_SIZE];
};

/* A file as it was at one moment: one that is changed or replaced is another. */
struct event_file {
	__u64 ino;
	__u64 ctime_ns;
	__u32 s_dev;
	__u32 generation;
};

/* An audited process maps code of a file, which may take the place of the C library's. */
struct event_mapped {
	struct event_header header;
	__u64 id; /* of the record of its name, as of a sync call */
	__u64 at_ns;
	__u64 address; /* 0: it is the program the process was started with */
	struct event_file file;
	__u64 fs_magic;
	__u32 pid;
	__u32 tid;
	__u8 comm[EVENT_COMM_SIZE];
};

enum event_change_kind {
	CHANGE_CREATE = 0, /* open() made a file */
	CHANGE_MKDIR,
	CHANGE_MKNOD,
	CHANGE_SYMLINK,
	CHANGE_LINK,
	CHANGE_UNLINK,
	CHANGE_RMDIR,
	CHANGE_RENAME,
	CHANGE_EXCHANGE, /* two names swapped what they name */
	CHANGE_KINDS,
};

/* What the file system was asked for; nothing is known of any without the first. */
enum event_change_fact {
	CHANGE_SEEN = 1 << 0,
	CHANGE_REPLACES = 1 << 1, /* something had the new name before */
	CHANGE_OF_DIRECTORY = 1 << 2,
	CHANGE_OF_SYMLINK = 1 << 3,
};

/* Where a name was that is gone, and where one is that is new. */
enum event_change_side_index {
	CHANGE_OLD = 0,
	CHANGE_NEW,
	CHANGE_SIDES,
};

/* A name, as it was given to the system call, and the directory it is relative to, whose own name
 * was sent before, with that id. */
struct event_change_side {
	__u64 id;
	__u64 base_ino;
	__u32 base_s_dev;
	__u32 base_generation;
	__u64 dir_ino; /* the directory it is in, 0: not known */
	__u32 dir_s_dev;
	__u32 dir_generation;
	__u32 length; /* with the terminating NUL; 0: there is no name on this side */
	__u32 pad;
};

/* A system call of an audited process that changed names returned without an error. */
struct event_change {
	struct event_header header;
	__u64 at_ns;
	__u64 ino; /* of what it names, 0: not known */
	__u32 generation;
	__u32 pid;
	__u32 tid;
	__u32 mount_namespace; /* the number of that of the process */
	__u8 comm[EVENT_COMM_SIZE];
	__u8 kind;  /* enum event_change_kind */
	__u8 facts; /* enum event_change_fact */
	__u8 pad[2];
	__u32 order_s_dev; /* of the file system that changed, 0: not known */
	__u64 order;	   /* what holds the change has that number there, or one before */
	__u64 begun_ns;	   /* the file system had not changed before, 0: not known when */
	__u32 s_dev;	   /* of what it names */
	__u32 pad2;
	struct event_change_side sides[CHANGE_SIDES];
	/* The old one, then the new; as much as there is crosses. */
	__u8 names[2 * EVENT_NAME_SIZE];
};

/* The name components of a path, leaf first, each with its terminating NUL. */
struct event_path {
	struct event_header header;
	__u64 id;     /* of the sync call */
	__u16 length; /* bytes used of names */
	__u16 components;
	__u32 flags;
	__u8 names[EVENT_PATH_SIZE];
};

enum event_path_flag {
	PATH_CUT = 1 << 0,     /* deeper or longer than fits: the front is missing */
	PATH_DELETED = 1 << 1, /* the name was already unlinked */
	PATH_ODD = 1 << 2,     /* no tree walk to a root ended it: a pipe, a memfd */
};

/* Losses and refusals, one counter per cause, read when the audit ends. */
enum event_loss {
	LOSS_RING = 0,	 /* ring buffer full: a record of a sync call or its name */
	LOSS_RING_FLUSH, /* ... a record of a flush or a write */
	LOSS_ENTRIES,	 /* the entry of a call was not seen, its return was */
	LOSS_FRAMES,	 /* no room to remember a call in progress */
	LOSS_FLUSHES,	 /* no room to remember a flush in flight */
	LOSS_BIOS,	 /* no room to remember a write in flight */
	LOSS_PARTS,	 /* a write went on in parts, and no tracepoint tells of the end of each */
	LOSS_DEVICES,	 /* no room for another device */
	LOSS_TARGETS,	 /* no room for another audited process */
	LOSS_FILES,	 /* no room for another file that was written to */
	LOSSES,
};

/* Counters per sync kind: how many calls of audited processes returned, and entered. */
struct event_totals {
	__u64 syncs[SYNC_KINDS];
	__u64 entered[SYNC_KINDS];
	__u64 losses[LOSSES];
};

/* Hooks whose coverage the self-test measures. */
enum event_hook {
	HOOK_SYSCALL_FSYNC = 0,
	HOOK_SYSCALL_FDATASYNC,
	HOOK_SYSCALL_SYNC_FILE_RANGE,
	HOOK_SYSCALL_SYNC,
	HOOK_SYSCALL_SYNCFS,
	HOOK_SYSCALL_MSYNC,
	HOOK_SYSCALL_FALLOCATE,
	HOOK_VFS_FSYNC,
	HOOK_VFS_FSYNC_RANGE,
	HOOK_WRITE_AND_WAIT,
	HOOK_FS_TRACEPOINT,
	HOOK_BIO_QUEUE,
	HOOK_RQ_ISSUE_FLUSH,
	HOOK_RQ_COMPLETE,
	HOOK_DIRECT, /* a direct write completed */
	HOOK_SUPER,  /* a file system is frozen or comes to its end */
	HOOK_SURVEY, /* none: user space asks how a file stands */
	HOOK_COMMIT, /* a journal begins, and ends, a commit */
	HOOKS,
};

_Static_assert((int)HOOK_SYSCALL_FSYNC == (int)SYNC_FSYNC &&
		       (int)HOOK_SYSCALL_FDATASYNC == (int)SYNC_FDATASYNC &&
		       (int)HOOK_SYSCALL_SYNC_FILE_RANGE == (int)SYNC_FILE_RANGE &&
		       (int)HOOK_SYSCALL_MSYNC == (int)SYNC_MSYNC,
	       "system call hooks are in the order of the sync kinds");

#define EVENT_ASSERT(name, condition) _Static_assert(condition, name)
EVENT_ASSERT("event_header", sizeof(struct event_header) == 8);
EVENT_ASSERT("event_device", sizeof(struct event_device) == 160);
EVENT_ASSERT("event_sync.devices", __builtin_offsetof(struct event_sync, devices) == 240);
EVENT_ASSERT("event_sync", sizeof(struct event_sync) == 240 + 8 * 160);
EVENT_ASSERT("event_flush", sizeof(struct event_flush) == 40);
EVENT_ASSERT("event_drain", sizeof(struct event_drain) == 24);
EVENT_ASSERT("event_write", sizeof(struct event_write) == 72);
EVENT_ASSERT("event_written", sizeof(struct event_written) == 64);
EVENT_ASSERT("event_file", sizeof(struct event_file) == 24);
EVENT_ASSERT("event_mapped", sizeof(struct event_mapped) == 88);
EVENT_ASSERT("event_change.names", __builtin_offsetof(struct event_change, names) == 184);
EVENT_ASSERT("event_path.names", __builtin_offsetof(struct event_path, names) == 24);

#endif
