// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame of a sync call: what was known when it entered, and the reading of
 * the ledger when it returns.
 */
#include "btrfs.bpf.h"
#include "devices.bpf.h"
#include "ext4.bpf.h"
#include "f2fs.bpf.h"
#include "frame.bpf.h"
#include "fuse.bpf.h"
#include "written.bpf.h"

/* What was known before the call: compared at its return. */
static __always_inline void snapshot(struct frame *frame)
{
	/* Looked at before the ledger: a page is marked until its write is counted as done. */
	bool clean = frame_clean(frame);
	__u32 i, count = count_devices(frame, find_topology(frame));

	frame->log_enter_ns = base_ns;
	for (i = 0; i < EVENT_MAX_DEVICES && i < count; i++)
		snapshot_device(frame->opener, i, clean);
}

/* Two calls that sync one inode may share more than a flush: some kernels let
 * one return too early, see README. */
static __always_inline void companions_leave(struct frame *frame)
{
	struct companions *found = bpf_map_lookup_elem(&companions, &frame->companions);

	if (!found || !frame->counted)
		return;
	frame->counted = 0;
	if (found->met_ns >= frame->enter_ns || *(volatile __s64 *)&found->calls > 1)
		frame->flags |= SYNC_ACCOMPANIED;
	__sync_fetch_and_add(&found->calls, -1);
}

static __always_inline void companions_join(struct frame *frame)
{
	/* f2fs chains what is synced, of all files (proof.c). */
	__u64 ino = frame->fs_magic == F2FS_MAGIC ? 0 : frame->ino;
	struct companions *found;

	companions_leave(frame);
	frame->companions = slot_index(slot_owner(frame->s_dev, ino, 0)) & (STATE_COMPANIONS - 1);
	found = bpf_map_lookup_elem(&companions, &frame->companions);
	if (!found)
		return;
	frame->counted = 1;
	__sync_fetch_and_add(&found->calls, 1);
	if (*(volatile __s64 *)&found->calls <= 1)
		return;
	frame->flags |= SYNC_ACCOMPANIED;
	ledger_max(&found->met_ns, bpf_ktime_get_ns());
}

static __always_inline void aim_at_device(struct frame *frame, struct block_device *bdev)
{
	struct gendisk *disk;

	frame->part = 0;
	frame->disk = 0;
	if (!bdev)
		return;
	disk = BPF_CORE_READ(bdev, bd_disk);
	frame->part = BPF_CORE_READ(bdev, bd_dev);
	frame->disk =
		(__u32)BPF_CORE_READ(disk, major) << 20 | (__u32)BPF_CORE_READ(disk, first_minor);
}

static __always_inline void aim_at_fs(struct frame *frame, struct super_block *sb)
{
	frame->s_dev = BPF_CORE_READ(sb, s_dev);
	frame->fs_magic = BPF_CORE_READ(sb, s_magic);
	frame->sb = (__u64)sb;
	frame->fs_id = fs_id(sb);
}

/* Points the frame at a file system as a whole. */
static __always_inline void frame_aim_fs(struct frame *frame, struct super_block *sb)
{
	frame->mapping = 0;
	frame->ino = 0;
	aim_at_fs(frame, sb);
	aim_at_device(frame, BPF_CORE_READ(sb, s_bdev));
	snapshot(frame);
	ext4_enter_fs(frame, sb);
}

/* Points the frame at the inode whose pages the call is about. */
static __always_inline void frame_aim(struct frame *frame, struct inode *inode)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	struct block_device *bdev = BPF_CORE_READ(sb, s_bdev);

	frame->flags &= ~(SYNC_BLOCK_DEVICE | SYNC_DIRECTORY);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFDIR)
		frame->flags |= SYNC_DIRECTORY;
	aim_at_fs(frame, sb);
	frame->ino = BPF_CORE_READ(inode, i_ino);
	frame->size_enter = BPF_CORE_READ(inode, i_size);
	frame->disk_size = ~0ULL;
	frame->generation = BPF_CORE_READ(inode, i_generation);
	if (frame->fs_magic == BDEV_MAGIC) {
		frame->flags |= SYNC_BLOCK_DEVICE;
		frame->ino = BPF_CORE_READ(inode, i_rdev);
		bdev = inode_bdev(inode);
	}
	aim_at_device(frame, bdev);
	snapshot(frame);
	ext4_enter(frame, inode, sb);
	btrfs_enter(frame, inode);
	companions_join(frame);
	if (takes_whole_file(frame->kind))
		written_take(frame);
}

static __always_inline void aim_at_file(struct frame *frame, struct file *file)
{
	struct address_space *mapping = BPF_CORE_READ(file, f_mapping);

	if (frame->flags & SYNC_WHOLE_FS) { /* of the file's own name, not of a device it is */
		frame_aim_fs(frame, BPF_CORE_READ(file, f_inode, i_sb));
	} else {
		frame->mapping = (__u64)mapping;
		frame_aim(frame, BPF_CORE_READ(mapping, host));
	}
	frame->outer_s_dev = frame->s_dev;
	frame->outer_ino = frame->ino;
	frame->outer_fs_magic = frame->fs_magic;
}

/* One in progress whose return was not seen: said as such. */
static __always_inline void close_unseen(struct frame *frame)
{
	frame->flags |= SYNC_END_UNSEEN;
	frame_close(frame->opener, 0, SCRATCH_OTHER);
}

static const struct frame no_frame;

static __always_inline void count_entered(__u64 kind)
{
	barrier_var(kind); /* as in missed_entry() */
	if (kind < SYNC_KINDS)
		__sync_fetch_and_add(&totals.entered[kind], 1);
}

__noinline int frame_open(__u64 address, __u32 kind, __u32 opener, __u32 flags)
{
	struct frame *frame = frame_of(opener);
	__u32 key = frame_key(opener);
	struct file *file = (void *)address;

	if (frame)
		close_unseen(frame);
	if (bpf_map_update_elem(&frames, &key, &no_frame, BPF_ANY)) {
		count_loss(LOSS_FRAMES);
		return 1;
	}
	frame = bpf_map_lookup_elem(&frames, &key);
	if (!frame)
		return 1;
	frame->enter_ns = bpf_ktime_get_ns();
	frame->id = new_call_id(frame->enter_ns);
	frame->pid = bpf_get_current_pid_tgid() >> 32;
	frame->tid = bpf_get_current_pid_tgid();
	bpf_get_current_comm(frame->comm, sizeof(frame->comm));
	frame->kind = kind;
	frame->opener = opener;
	frame->flags = flags;
	frame->serves = served_by(frame->pid);
	frame->unaudited = frame->serves && !is_target(frame->pid);
	count_entered(kind);
	if (file)
		aim_at_file(frame, file);
	else if (kind == SYNC_SYNC)
		snapshot(frame);
	else
		frame->flags |= SYNC_NO_FILE;
	return 0;
}

__noinline int frame_aim_super(__u64 sb)
{
	struct frame *frame = current_frame();

	if (!frame)
		return 0;
	frame->flags &= ~SYNC_NO_FILE;
	frame_aim_fs(frame, (void *)sb);
	frame->outer_s_dev = frame->s_dev;
	frame->outer_fs_magic = frame->fs_magic;
	return 0;
}

__noinline int frame_late(__u64 address)
{
	struct frame *frame = current_frame();

	if (!frame || frame->kind != SYNC_MSYNC || !(frame->flags & SYNC_NO_FILE))
		return 0;
	frame->flags &= ~SYNC_NO_FILE;
	aim_at_file(frame, (struct file *)address);
	return frame_named(address);
}

__noinline int frame_named(__u64 address)
{
	struct file *file = (struct file *)address;
	struct frame *frame = current_frame();

	if (!frame)
		return 0;
	frame->direct_file = !!(BPF_CORE_READ(file, f_flags) & FILE_DIRECT);
	return emit_path(address, frame->id);
}

/* Points the frame at an inode of no struct file that is known, and sends its name. */
static __always_inline int frame_aim_named(struct frame *frame, struct inode *inode)
{
	frame->flags &= ~SYNC_NO_FILE;
	frame->mapping = (__u64)BPF_CORE_READ(inode, i_mapping);
	frame_aim(frame, inode);
	frame->outer_s_dev = frame->s_dev;
	frame->outer_ino = frame->ino;
	frame->outer_fs_magic = frame->fs_magic;
	return emit_inode_path((__u64)inode, frame->id);
}

__noinline int frame_inner(__u64 address)
{
	struct inode *inode = (void *)address;
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	struct frame *frame = current_frame();

	if (!frame || (frame->flags & (SYNC_BLOCK_DEVICE | SYNC_WHOLE_FS)))
		return 0;
	if (frame->flags & SYNC_NO_FILE)
		return frame->kind == SYNC_MSYNC ? frame_aim_named(frame, inode) : 0;
	if (BPF_CORE_READ(inode, i_ino) == frame->ino && BPF_CORE_READ(sb, s_dev) == frame->s_dev)
		return 0;
	if (frame->kind == SYNC_MSYNC && frame->outer_s_dev == BPF_CORE_READ(sb, s_dev))
		frame->flags |= SYNC_SEVERAL; /* it is about more than one mapping */
	frame->flags |= SYNC_INNER;
	frame->mapping = (__u64)BPF_CORE_READ(inode, i_mapping);
	frame_aim(frame, inode);
	return 0;
}

__noinline int frame_inner_fs(__u64 address)
{
	struct super_block *sb = (void *)address;
	struct frame *frame = current_frame();

	if (!frame || frame->kind != SYNC_SYNCFS || (__u64)sb == frame->sb ||
	    (frame->flags & SYNC_NO_FILE))
		return 0;
	frame->flags |= SYNC_INNER;
	frame_aim_fs(frame, sb);
	return 0;
}

/* The log of the file system that the call is about, where it is a single one. */
static __always_inline struct ledger_log *frame_log(struct frame *frame)
{
	struct state_topology *stack = find_topology(frame);
	__u32 i;

	if (frame->kind == SYNC_SYNC)
		return NULL;
	if (!stack)
		return frame->part ? bpf_map_lookup_elem(&logs, &frame->part) : NULL;
	for (i = 0; i < EVENT_MAX_DEVICES; i++) {
		if (i >= stack->nr)
			break;
		if (stack->devices[i].roles & DEVICE_LOG)
			return bpf_map_lookup_elem(&logs, &stack->devices[i].part);
	}
	return NULL;
}

/*
 * xfs waits for its log with one sleep, which io_uring may end with a wake-up that was meant
 * for something before (README, xfs-stray-wakeup): whatever was in flight then may be what the
 * call needed. The file counts as logged after it, so that a later call may not even wait:
 * what was in flight is remembered for it.
 */
static __always_inline void log_exit(struct frame *frame)
{
	struct state_file file = {.ino = frame->ino, .s_dev = frame->s_dev};
	struct ledger_log *log = frame->fs_magic == XFS_MAGIC ? frame_log(frame) : NULL;
	__u64 begun, *left;

	if (!log)
		return;
	begun = *(volatile __u64 *)&log->begun;
	left = bpf_map_lookup_elem(&left_logs, &file);
	if (left && ledger_log_inflight(log, *left))
		frame->flags |= SYNC_LOG_LEFT;
	else if (left)
		bpf_map_delete_elem(&left_logs, &file);
	if (!frame->log_forced || !current_uses_uring() || !ledger_log_inflight(log, begun))
		return;
	frame->flags |= SYNC_LOG_LEFT;
	bpf_map_update_elem(&left_logs, &file, &begun, BPF_ANY);
}

static __always_inline void fill_devices(struct event_sync *event, struct frame *frame,
					 __u32 scratch)
{
	struct state_topology *stack = find_topology(frame);
	__u32 i;

	event->nr_devices = 0;
	if (frame->flags & SYNC_NO_FILE)
		return;
	if (!stack)
		event->flags |= SYNC_TOPOLOGY_UNKNOWN;
	event->nr_devices = count_devices(frame, stack);
	for (i = 0; i < EVENT_MAX_DEVICES && i < event->nr_devices; i++)
		fill_device(frame->opener, scratch, i);
}

/* ~0 when the file was closed meanwhile: another may be in its place. */
static __always_inline __u64 file_size(struct frame *frame)
{
	struct inode *inode = frame_inode(frame);

	return inode ? BPF_CORE_READ(inode, i_size) : ~0ULL;
}

/* Calls about a part of a file, unless the end of it was seen. */
static __always_inline void close_range(struct frame *frame)
{
	if (!frame->range_known && (frame->kind == SYNC_O_SYNC || frame->kind == SYNC_O_DSYNC ||
				    frame->kind == SYNC_MSYNC))
		frame->synced_end = frame->size_enter;
	if (!frame->synced_end || frame->disk_size != ~0ULL)
		return;
	ext4_note_disk_size(frame);
	if (frame->disk_size == ~0ULL && !dirty_bit)
		frame->flags |= SYNC_DIRTY_EXIT; /* it may be */
}

__noinline int frame_waited(__u64 end)
{
	struct frame *frame = current_frame();
	__u64 synced;

	if (!frame)
		return 0;
	synced = end < frame->size_enter ? end + 1 : frame->size_enter;
	if (frame->kind == SYNC_MSYNC && frame->range_known && synced < frame->synced_end)
		synced = frame->synced_end; /* of a part before */
	frame->range_known = 1;
	frame->synced_end = 0; /* all of it, whatever others add meanwhile */
	if (end >= RANGE_END_ALL)
		return 0;
	frame->synced_end = synced;
	if ((frame->kind == SYNC_O_SYNC || frame->kind == SYNC_O_DSYNC) && end >= frame->size_enter)
		frame->flags |= SYNC_SIZE_LATER;
	ext4_note_disk_size(frame);
	return 0;
}

static __always_inline void fill_call(struct event_sync *event, struct frame *frame, long ret)
{
	event->header.type = EVENT_SYNC;
	event->header.version = EVENTS_VERSION;
	event->id = frame->id;
	event->enter_ns = frame->enter_ns;
	event->exit_ns = bpf_ktime_get_ns();
	event->pid = frame->pid;
	event->tid = frame->tid;
	__builtin_memcpy(event->comm, frame->comm, sizeof(event->comm));
	event->kind = frame->kind;
	event->wait_source = frame->wait_source;
	event->range_known = frame->range_known;
	event->generation = frame->generation;
	event->flags = frame->flags;
	event->ret = ret;
	event->s_dev = frame->s_dev;
	event->outer_s_dev = frame->outer_s_dev;
	event->ino = frame->ino;
	event->size = file_size(frame);
	event->outer_ino = frame->outer_ino;
	event->fs_magic = frame->fs_magic;
	event->outer_fs_magic = frame->outer_fs_magic;
	event->wait_done_ns = frame->wait_done_ns;
	event->own_bytes = frame->own_bytes;
	event->own_data_done_ns = frame->own_data_done_ns;
	event->own_meta_done_ns = frame->own_meta_done_ns;
	event->own_data_queued_ns = frame->own_data_queued_ns;
	event->own_pending = frame->own_data_pending;
	event->own_flush_pending = frame->own_flush_pending;
	event->own_errors = frame->own_errors;
	event->own_fua = frame->own_fua;
	event->own_data_disk = frame->own_data_disk;
	event->own_meta_pending = frame->own_meta_pending;
	event->written_ns = frame->written_ns;
	event->written_bytes = frame->written_bytes;
	event->fs_id = frame->fs_id;
	event->synced_end = frame->synced_end;
	event->disk_size = frame->disk_size;
	event->order = frame->order;
	event->serves = frame->serves;
	event->direct_file = frame->direct_file;
	event->unaudited = frame->unaudited;
	event->inode_state = frame->inode_state;
	event->zeroed = ext4_was_zeroed(frame);
}

/* Was the current thread in the call already when the audit began? */
static __always_inline bool was_underway(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	return !entries_are_due || !bpf_map_delete_elem(&underway, &tid);
}

/* The memory of what the call was about may be another's by now: nothing can be read there. */
static __always_inline void forget_super(struct frame *frame)
{
	frame->sb = 0;
	frame->flags &= ~(SYNC_TID_KNOWN | SYNC_TID_NEEDED);
}

/* A system call of an audited process returns whose entry was not seen. */
static __always_inline int missed_entry(__u64 opener)
{
	barrier_var(opener); /* the bound that is checked is that of what is used */
	if (opener > HOOK_SYSCALL_MSYNC || !is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	if (was_underway())
		return 0;
	__sync_fetch_and_add(&totals.syncs[opener], 1); /* hooks and kinds are in the same order */
	__sync_fetch_and_add(&totals.entered[opener], 1);
	count_loss(LOSS_ENTRIES);
	return 0;
}

__noinline int frame_close(__u32 opener, __s64 ret, __u32 scratch)
{
	__u32 key = frame_key(opener), size;
	struct frame *frame = bpf_map_lookup_elem(&frames, &key);
	struct event_sync *event;

	if (!frame)
		return missed_entry(opener);
	if (frame->opener != opener)
		return 0;
	if (frame->kind < SYNC_KINDS)
		__sync_fetch_and_add(&totals.syncs[frame->kind], 1);
	event = bpf_map_lookup_elem(&sync_scratch, &scratch);
	companions_leave(frame);
	if (event) {
		if (frame->kind == SYNC_UMOUNT)
			forget_super(frame);
		ext4_exit(frame);
		close_range(frame);
		btrfs_exit(frame);
		fuse_exit(frame);
		f2fs_exit(frame);
		if (frame->fs_magic == EXT4_MAGIC && frame->mapping && !ret &&
		    linked_uncommitted(frame->sb, frame->ino, frame->s_dev, frame->generation,
				       frame->flags))
			frame->inode_state = INODE_NAMELESS;
		log_exit(frame);
		if (frame_marked(frame, dirty_bit))
			frame->flags |= SYNC_DIRTY_EXIT;
		if (!takes_whole_file(frame->kind) && left_nothing(frame))
			written_take(frame);
		if (frame->own_data_pending > 0 && frame_data_settled(frame))
			frame->own_data_pending = 0; /* their completions were missed */
		fill_call(event, frame, ret);
		fill_devices(event, frame, scratch);
		/* After the look, which takes time: what ended meanwhile ended in the call. */
		event->exit_ns = bpf_ktime_get_ns();
		size = event->nr_devices;
		if (size > EVENT_MAX_DEVICES)
			size = EVENT_MAX_DEVICES;
		size = __builtin_offsetof(struct event_sync, devices) +
		       size * sizeof(struct event_device);
		event->header.size = size;
		if (size <= sizeof(*event))
			emit(event, size, LOSS_RING);
	}
	bpf_map_delete_elem(&frames, &key);
	return 0;
}

__noinline int frame_survey(__u64 address)
{
	struct inode *inode = (void *)address;
	struct frame *frame;

	if (frame_open(0, SYNC_SURVEY, HOOK_SURVEY, SYNC_DATASYNC))
		return 1;
	frame = current_frame();
	if (!frame)
		return 1;
	frame_aim_named(frame, inode);
	return frame_close(HOOK_SURVEY, 0, SCRATCH_OTHER);
}

__noinline int frame_commit(__u32 s_dev, __u32 number)
{
	struct frame *frame;

	if (frame_open(0, SYNC_COMMIT, HOOK_COMMIT, SYNC_WHOLE_FS))
		return 1;
	frame = current_frame();
	if (!frame)
		return 1;
	frame->flags &= ~SYNC_NO_FILE;
	frame->s_dev = frame->outer_s_dev = s_dev;
	frame->fs_magic = frame->outer_fs_magic = EXT4_MAGIC;
	frame->ino = number;
	snapshot(frame);
	return 0;
}
