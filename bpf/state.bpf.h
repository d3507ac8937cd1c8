/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_STATE_BPF_H
#define FLUSHAUDIT_STATE_BPF_H

/*
 * The maps and switches all BPF objects share: named types here, defined once
 * in state.bpf.c, linked by `bpftool gen object`.
 */
#include "task.bpf.h"
#include "ledger.h"
#include "state.h"

/* A bio whose end matters by itself: on a bio-based device, with PREFLUSH or
 * FUA, or queued inside a sync call. */
struct bio_entry {
	__u64 queued_ns;
	__u64 done_ns;	       /* its data were transferred; a flush may still be due */
	__u64 owner;	       /* see slot_owner(); 0: unattributed */
	__u64 via_owner;       /* the same on via */
	__u64 commit_flush_ns; /* a commit record: when its flush was asked for */
	__u64 frame_id;	       /* of the sync call it was queued in, 0: none */
	__u32 frame_tid;
	__u32 tid;  /* the thread that queued it */
	__u32 disk; /* 0: of a part of a part, which its requests tell of */
	__u32 part;
	__u64 whole; /* the bio it was split off from when that was sent on, 0: none */
	/* Where it was sent on to as it is, 0: nowhere: a disk without requests, one with them. */
	__u32 via;
	__u32 below;
	__s64 via_bytes;
	__s64 bytes;	  /* of those that end with it, too */
	__s64 left_bytes; /* not yet completed */
	__u8 is_meta;
	__u8 is_log; /* synchronous metadata */
	__u8 is_commit;
	__u8 preflush;
	__u8 fua;
	__u8 bio_based;
	__u8 failed;
	__u8 tracked;  /* counted as in flight */
	__u8 own_data; /* of what the sync call is about */
	__u8 deaf;     /* a disk it was sent on to is not told to flush */
	__u8 awaits;   /* the bio in which those here end is still to be queued */
	__u8 pad[1];
};

#define MAX_BIOS_PER_REQUEST 512

/* Who asked for a sync that another thread carries out. */
struct asker {
	__u32 pid;
	__u32 tid;
	__u8 comm[EVENT_COMM_SIZE];
	__u32 kind; /* enum event_sync_kind */
	__u32 flags;
	__s64 waiting;	 /* that many syncs of the file are still to come */
	__u64 synced_ns; /* the newest came then */
};

/* A direct write that is to be durable when it completes, by its kiocb. */
struct direct_write {
	struct asker asker;
	__u64 id; /* of the sync call it will be */
	__u64 queued_ns;
	__u64 file;
	__u64 bytes;
	__u64 fua_bytes;
	__u32 disk;
	__u32 pad;
};

/* A direct write by fs/direct-io.c at whose end a worker may sync the file for @asker. */
struct late_write {
	struct asker asker;
	__u64 file;
};

/* A direct write whose end is about to sync its file, by thread. */
struct direct_sync {
	__u64 file;
	__s64 start; /* of the sync, as it came */
	__s64 end;
	__u64 seen;
};

/* A sync call in progress, by the thread that carries it out. */
struct frame {
	__u64 id;
	__u32 pid; /* who asked */
	__u32 tid;
	__u8 comm[EVENT_COMM_SIZE];
	__u64 enter_ns;
	__u64 mapping;
	__u64 ino;
	__u64 outer_ino;
	__u64 fs_magic;
	__u64 outer_fs_magic;
	__u32 s_dev;
	__u32 outer_s_dev;
	__u32 part; /* s_bdev, 0: the file system has no single device */
	__u32 disk;
	__u32 flags;
	__u32 kind;
	__u64 wait_done_ns;
	__u32 wait_source;
	__u32 opener;	  /* enum event_hook that opened it and will close it */
	__u32 tid_wanted; /* ext4: the transaction that makes the inode reachable */
	__u32 generation;
	__u64 sb;
	__u64 waiting_on; /* struct file * of the write-back wait in progress (kprobe level) */
	__u64 waiting_end;
	__u64 own_bytes;
	__u64 own_data_done_ns;
	__u64 own_meta_done_ns;
	__u64 own_data_queued_ns;
	__s64 own_data_pending;
	__u32 own_data_disk;
	__u32 serves; /* see struct event_sync */
	__s64 own_meta_pending;
	__u64 own_data_page; /* first page of its data write, if it was a single one */
	__u64 own_data_writes;
	__s64 own_flush_pending;
	__s64 own_errors;
	__s64 own_fua;
	__u64 log_enter_ns;
	__u64 commits_over_ns; /* ext4: what was being committed then has ended well, 0: who knows
				*/
	__u64 btrfs_root;      /* 0: not known */
	__u64 btrfs_trans;
	__s32 btrfs_sub_trans;
	__u32 companions; /* where in that map it is counted */
	__u32 counted;
	__u8 inode_state; /* enum event_inode_state */
	__u8 asked_alone; /* its own flush was one without data */
	__u8 direct_file; /* the descriptor is open for direct I/O */
	__u8 unaudited;	  /* see struct event_sync */
	__u64 work;	  /* what a worker carried out when it was opened (carried_out), or 0 */
	__u32 nested;	  /* the hook that opened it was entered once more */
	__u8 log_forced;
	__u8 log_forced_whole; /* xfs: all of the log, whose number is told next */
	__u16 range_known;
	__u64 order; /* see struct event_sync */
	__u64 written_ns;
	__u64 written_bytes;
	__u64 fs_id;
	__u64 size_enter;
	__u64 synced_end;
	__u64 disk_size;
	__u64 settled_ns[EVENT_MAX_DEVICES];
};

struct slots_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STATE_SLOTS);
	__type(key, __u32);
	__type(value, struct ledger_slot);
};

struct devices_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_DEVICES);
	__type(key, __u32);
	__type(value, struct ledger_device);
};

struct logs_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_DEVICES);
	__type(key, __u32);
	__type(value, struct ledger_log);
};

struct topology_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_DEVICES);
	__type(key, __u32);
	__type(value, struct state_topology);
};

struct bios_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_BIOS);
	__type(key, __u64);
	__type(value, struct bio_entry);
};

struct flushes_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_FLUSHES);
	__type(key, __u64); /* struct request * of a flush request */
	__type(value, __u64);
};

struct frames_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_FRAMES);
	__type(key, __u32); /* tid, see also frame_key() */
	__type(value, struct frame);
};

struct targets_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_TARGETS);
	__type(key, __u32); /* tgid */
	__type(value, __u32);
};

/* Threads that may have been in a sync call already when the audit began. */
struct underway_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_UNDERWAY);
	__type(key, __u32); /* tid */
	__type(value, __u32);
};

struct cgroups_map {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, STATE_CGROUPS);
	__type(key, __u32);
	__type(value, __u32);
};

/* Of the inodes with one hash: sync calls in progress, and when two last met. */
struct companions {
	__s64 calls;
	__u64 met_ns;
};

struct companions_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STATE_COMPANIONS);
	__type(key, __u32);
	__type(value, struct companions);
};

struct askers_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STATE_ASKERS);
	__type(key, __u64); /* struct file * */
	__type(value, struct asker);
};

struct directs_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_DIRECTS);
	__type(key, __u64); /* struct kiocb * */
	__type(value, struct direct_write);
};

struct direct_syncs_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STATE_ASKERS);
	__type(key, __u32); /* tid */
	__type(value, struct direct_sync);
};

struct late_writes_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STATE_ASKERS);
	__type(key, __u64); /* struct dio */
	__type(value, struct late_write);
};

struct left_logs_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STATE_ASKERS);
	__type(key, struct state_file);
	__type(value, __u64); /* so many log writes had begun when a call may have left early */
};

struct files_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_FILES);
	__type(key, struct state_file);
	__type(value, struct state_written);
};

/* Of ext4, what a range was zeroed of. */
struct zeroed_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_ZEROED);
	__type(key, struct state_inode);
	__type(value, struct state_zeroed);
};

/* Those whose link may not be committed yet: of a few seconds. */
struct linked_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STATE_LINKED);
	__type(key, struct state_inode);
	__type(value, struct state_linked);
};

/* Files whose code user space has looked at and found to replace no sync call. */
struct harmless_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STATE_HARMLESS);
	__type(key, struct event_file);
	__type(value, __u32);
};

/* Processes that serve FUSE file systems, by the s_dev of theirs. */
struct servers_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_SERVERS);
	__type(key, __u32);
	__type(value, __u32);
};

struct ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, STATE_RING_BYTES);
};

struct sync_scratch_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3); /* enum frame_scratch */
	__type(key, __u32);
	__type(value, struct event_sync);
};

/* A walk from a file up to the root of its mount tree, in progress. */
struct path_buffer {
	struct event_path path;
	__u8 spare[EVENT_PATH_SIZE]; /* never used: lets a mask be the bound */
	__u64 dentry;
	__u64 mnt;
};

/* A change of names that is being put together. */
struct change_buffer {
	struct event_change change;
	__u8 spare[EVENT_NAME_SIZE]; /* never used: lets a mask be the bound */
};

struct change_scratch_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct change_buffer);
};

/* By thread. */
struct orders_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_CHANGING);
	__type(key, __u32);
	__type(value, struct state_order);
};

struct changing_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_CHANGING);
	__type(key, __u32);
	__type(value, struct state_changing);
};

/* Of file systems, by s_dev, the newest transaction that changes names. */
struct awaited_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STATE_AWAITED);
	__type(key, __u32);
	__type(value, __u64);
};

struct path_scratch_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct path_buffer);
};

extern struct slots_map slots SEC(".maps");
extern struct devices_map devices SEC(".maps");
extern struct logs_map logs SEC(".maps");
extern struct topology_map topology SEC(".maps");
extern struct bios_map bios SEC(".maps");
extern struct flushes_map flushes SEC(".maps");
extern struct frames_map frames SEC(".maps");
extern struct targets_map targets SEC(".maps");
extern struct underway_map underway SEC(".maps");
extern struct cgroups_map cgroups SEC(".maps");
extern struct companions_map companions SEC(".maps");
extern struct askers_map askers SEC(".maps");
extern struct directs_map directs SEC(".maps");
extern struct direct_syncs_map direct_syncs SEC(".maps");
extern struct left_logs_map left_logs SEC(".maps");
extern struct late_writes_map late_writes SEC(".maps");
extern struct files_map files SEC(".maps");
extern struct harmless_map harmless SEC(".maps");
extern struct servers_map servers SEC(".maps");
extern struct zeroed_map zeroed SEC(".maps");
extern struct linked_map linked SEC(".maps");
extern struct ring_map ring SEC(".maps");
extern struct sync_scratch_map sync_scratch SEC(".maps");
extern struct change_scratch_map change_scratch SEC(".maps");
extern struct orders_map orders SEC(".maps");
extern struct changing_map changing SEC(".maps");
extern struct awaited_map awaited SEC(".maps");
extern struct path_scratch_map path_scratch SEC(".maps");

/* Set before load. */
extern const volatile __u32 slot_mask;	  /* slots in use - 1, a power of two - 1 */
extern const volatile __u64 end_io_iomap; /* addresses of kernel functions, 0: unknown */
extern const volatile __u64 end_io_chain;
extern const volatile __u64 end_io_direct[STATE_DIRECT_END_IOS];
extern const volatile __u32 dirty_mark;	      /* PAGECACHE_TAG_DIRTY's bit in xa_flags, 0: unknown;
					       * PAGECACHE_TAG_WRITEBACK is the next */
extern const volatile __u32 flush_sequence;   /* RQF_FLUSH_SEQ in rq_flags */
extern const volatile __s32 f2fs_dirty_inode; /* FI_DIRTY_INODE, -1: not known */
extern const volatile __s32 ext4_new_entry;   /* EXT4_STATE_NEWENTRY, -1: not known */
extern const volatile __u32 page_bytes;
extern const volatile __u32 preempt_guard; /* keep programs from being preempted */
extern const volatile __u32 wake_bytes;	   /* wake the reader when the ring holds this much */
extern const volatile __u32 audit_all;	   /* every process is a target, not those in the map */
extern const volatile __u32 nr_comms;	   /* threads of these names only, 0: of any */
extern const volatile __u32 nr_cgroups;	   /* in or below these cgroups only, 0: in any */
extern const volatile struct state_comm comms[STATE_COMMS];
extern const volatile struct state_syscall sync_syscalls[STATE_SYSCALLS];
extern const volatile struct state_changer changers[STATE_CHANGERS];

/* Set while running. */
extern __u64 base_ns;	/* what happened earlier was not watched */
extern __u32 self_tgid; /* the auditor; its children are audited */
extern __u32 new_calls_count;
extern __u32 entries_are_due; /* a return without an entry is a loss */
extern __u32 selftest;	      /* count hits of the auditor's own calls */

/* Read while running: in .bss, which user space maps. */
extern struct event_totals totals;
extern __u64 hits[HOOKS];
extern __u64 traced; /* audited threads that ended with a tracer (ptrace) */

extern __u32 note_files;		/* remember what audited processes write to */
extern __u32 note_names;		/* tell of the names they change */
extern struct state_zeroed zeroed_rest; /* of all inodes: some found no room */
extern __u32 dirty_bit;			/* as dirty_mark, or learnt (written.bpf.c); 0: not yet */
extern __u64 marked_mapping;		/* the file that last had a page made dirty, */
extern __u32 marked_before;		/* and its marks then */
extern struct state_file surveyed;	/* the file user space asks about */

extern __u32 serving;  /* a FUSE server has been found */
extern __u32 failures; /* a write has failed since the start */
extern __u32 sent_on;  /* a device sends bios on as they are (on_bio_remap) */

/*
 * From 7.0 on tracepoints run preemptible, and a run is skipped while another
 * one of the same program, or of a system call tracepoint's, is preempted on
 * the same CPU. So no program may be preempted. Hidden: verified as part of
 * the program they are called from.
 */
int guard_enter(void) __hidden;
int guard_leave(void) __hidden;

#define GUARDED(call)                                                                              \
	({                                                                                         \
		guard_enter();                                                                     \
		call;                                                                              \
		guard_leave();                                                                     \
		0; /* what most program types must return */                                       \
	})

static __always_inline void count_loss(enum event_loss loss)
{
	__sync_fetch_and_add(&totals.losses[loss], 1);
}

static __always_inline void count_hit(enum event_hook hook)
{
	if (selftest)
		__sync_fetch_and_add(&hits[hook], 1);
}

/* filter.bpf.c: is who asks of a name and in a cgroup that are audited? */
int filter_passes(void) __hidden;

/* Is it one of the audited processes? @tgid: of the current task. */
static __always_inline bool is_member(__u32 tgid)
{
	if (audit_all)
		return tgid != self_tgid && !current_is_kthread();
	return bpf_map_lookup_elem(&targets, &tgid) != NULL;
}

static __always_inline bool is_filtered_in(void)
{
	return (!nr_comms && !nr_cgroups) || filter_passes();
}

/* ... and are sync calls of the current thread audited? */
static __always_inline bool is_target(__u32 tgid)
{
	return new_calls_count && is_member(tgid) && is_filtered_in();
}

/* The FUSE file system that a process serves; 0: none that is known. */
static __always_inline __u32 served_by(__u32 tgid)
{
	__u32 *s_dev = serving ? bpf_map_lookup_elem(&servers, &tgid) : NULL;

	return s_dev && new_calls_count ? *s_dev : 0;
}

/* Puts a record into the ring. Wakes the reader only when much has gathered:
 * the wake-up, charged to the traced task, is what makes tracers dear. */
static __always_inline void emit(void *record, __u32 size, enum event_loss loss)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&ring, record, size, flags))
		count_loss(loss);
}

static __always_inline struct ledger_device *device_get(__u32 disk)
{
	struct ledger_device *device = bpf_map_lookup_elem(&devices, &disk);
	struct ledger_device fresh = {};

	if (device)
		return device;
	bpf_map_update_elem(&devices, &disk, &fresh, BPF_NOEXIST);
	device = bpf_map_lookup_elem(&devices, &disk);
	if (!device)
		count_loss(LOSS_DEVICES);
	return device;
}

static __always_inline struct ledger_log *log_get(__u32 part)
{
	struct ledger_log *log = bpf_map_lookup_elem(&logs, &part);
	struct ledger_log fresh = {};

	if (log)
		return log;
	bpf_map_update_elem(&logs, &part, &fresh, BPF_NOEXIST);
	log = bpf_map_lookup_elem(&logs, &part);
	if (!log)
		count_loss(LOSS_DEVICES);
	return log;
}

/* An inode on a disk, and the slot it falls into. */
static __always_inline __u64 slot_owner(__u32 s_dev, __u64 ino, __u32 disk)
{
	__u64 hash = ino * 0x9E3779B97F4A7C15ULL;

	hash ^= ((__u64)s_dev << 32 | disk) * 0xC2B2AE3D27D4EB4FULL;
	hash ^= hash >> 29;
	return hash | 1;
}

static __always_inline __u32 slot_index(__u64 owner)
{
	return (owner >> 17) & slot_mask & (STATE_SLOTS - 1);
}

static __always_inline void emit_flush(__u32 disk, __u64 issue, __u64 now, int error,
				       bool bio_based)
{
	struct event_flush event = {
		.header = {EVENT_FLUSH, EVENTS_VERSION, sizeof(event)},
		.issue_ns = issue,
		.complete_ns = now,
		.disk = disk,
		.error = error,
		.bio_based = bio_based,
	};

	emit(&event, sizeof(event), LOSS_RING_FLUSH);
}

/* path.bpf.c: sends the name of the struct file at @file, for the call @id. */
int emit_path(__u64 file, __u64 id) __hidden;
/* ... of the inode at @inode, below the root of its file system. */
int emit_dentry_path(__u64 dentry, __u64 mnt, __u64 id) __hidden;
int emit_inode_path(__u64 inode, __u64 id) __hidden;

/* Which inode that is. */
static __always_inline void read_inode_key(struct state_inode *to, struct inode *inode)
{
	to->ino = BPF_CORE_READ(inode, i_ino);
	to->s_dev = BPF_CORE_READ(inode, i_sb, s_dev);
	to->generation = BPF_CORE_READ(inode, i_generation);
}

#endif
