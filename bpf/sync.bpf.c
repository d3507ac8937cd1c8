// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sync calls: a frame is opened where a call enters, the ledger is read where
 * it returns. System calls are seen by their own tracepoints at every attach
 * level; the VFS functions add what happens below (the real inode of a stacked
 * file system, the end of the write-back wait, loop's own syncs). Attaching is
 * not coverage: compilers inline vfs_fsync_range into its callers, so neither
 * kind of hook is enough alone.
 */
#include "btrfs.bpf.h"
#include "ext4.bpf.h"
#include "recover.bpf.h"

#define S_IFMT	0170000
#define S_IFDIR 0040000

/* The devices to judge on: from user space's view of the stacks, else the
 * single one the super block names. */
static __always_inline struct state_topology *find_topology(struct frame *frame)
{
	__u32 key = frame->flags & SYNC_BLOCK_DEVICE ? frame->part : frame->s_dev;

	return bpf_map_lookup_elem(&topology, &key);
}

/* By when all that was written to the inode had completed, 0: it had not, or who knows. */
static __always_inline __u64 settled_on(struct frame *frame, __u32 disk, bool clean)
{
	struct ledger_device *device = bpf_map_lookup_elem(&devices, &disk);
	__u32 index = slot_index(slot_owner(frame->s_dev, frame->ino, disk));
	struct ledger_slot *slot = bpf_map_lookup_elem(&slots, &index);
	__u64 nobody;

	if (!clean || !device || !slot)
		return 0;
	nobody = device->unattributed_done_ns;
	return ledger_settled(slot->inflight_bytes, slot->last_done_ns,
			      device->unattributed_inflight_bytes,
			      nobody > base_ns ? nobody : base_ns);
}

/* What was known before the call: compared at its return. */
static __always_inline void snapshot(struct frame *frame)
{
	struct state_topology *stack = find_topology(frame);
	/* Looked at before the ledger: a page is marked until its write is counted as done. */
	bool clean = frame_clean(frame);
	struct ledger_log *log;
	__u64 newest = base_ns;
	__u32 i;

	if (!stack) {
		log = frame->part ? bpf_map_lookup_elem(&logs, &frame->part) : NULL;
		if (log && log->done_ns > newest)
			newest = log->done_ns;
		frame->log_enter_ns = newest;
		frame->settled_ns[0] = settled_on(frame, frame->disk, clean);
		return;
	}
	for (i = 0; i < EVENT_MAX_DEVICES; i++) {
		if (i >= stack->nr)
			break;
		frame->settled_ns[i] = settled_on(frame, stack->devices[i].disk, clean);
		if (!(stack->devices[i].roles & DEVICE_LOG))
			continue;
		log = bpf_map_lookup_elem(&logs, &stack->devices[i].part);
		if (log && log->done_ns > newest)
			newest = log->done_ns;
	}
	frame->log_enter_ns = newest;
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
	struct companions *found;

	companions_leave(frame);
	frame->companions =
		slot_index(slot_owner(frame->s_dev, frame->ino, 0)) & (STATE_COMPANIONS - 1);
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

/* Points the frame at the inode whose pages the call is about. */
static __always_inline void frame_aim(struct frame *frame, struct inode *inode)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	struct block_device *bdev = BPF_CORE_READ(sb, s_bdev);

	frame->flags &= ~(SYNC_BLOCK_DEVICE | SYNC_DIRECTORY);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFDIR)
		frame->flags |= SYNC_DIRECTORY;
	frame->s_dev = BPF_CORE_READ(sb, s_dev);
	frame->fs_magic = BPF_CORE_READ(sb, s_magic);
	frame->ino = BPF_CORE_READ(inode, i_ino);
	frame->generation = BPF_CORE_READ(inode, i_generation);
	frame->sb = (__u64)sb;
	if (frame->fs_magic == BDEV_MAGIC) {
		frame->flags |= SYNC_BLOCK_DEVICE;
		frame->ino = BPF_CORE_READ(inode, i_rdev);
		bdev = inode_bdev(inode);
	}
	frame->part = 0;
	frame->disk = 0;
	if (bdev) {
		struct gendisk *disk = BPF_CORE_READ(bdev, bd_disk);

		frame->part = BPF_CORE_READ(bdev, bd_dev);
		frame->disk = (__u32)BPF_CORE_READ(disk, major) << 20 |
			      (__u32)BPF_CORE_READ(disk, first_minor);
	}
	snapshot(frame);
	ext4_enter(frame, inode, sb);
	btrfs_enter(frame, inode);
	companions_join(frame);
}

static __always_inline int frame_open(struct file *file, __u32 kind, __u32 opener)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tid = pid_tgid;
	struct frame *unseen = bpf_map_lookup_elem(&frames, &tid), frame = {};
	struct address_space *mapping;

	if (unseen) /* whose return was missed */
		companions_leave(unseen);
	frame.enter_ns = bpf_ktime_get_ns();
	frame.id = frame.enter_ns << 8 | (bpf_get_smp_processor_id() & 0xff);
	frame.kind = kind;
	frame.opener = opener;
	if (file) {
		mapping = BPF_CORE_READ(file, f_mapping);
		frame.mapping = (__u64)mapping;
		frame_aim(&frame, BPF_CORE_READ(mapping, host));
		frame.outer_s_dev = frame.s_dev;
		frame.outer_ino = frame.ino;
		frame.outer_fs_magic = frame.fs_magic;
	} else {
		frame.flags |= SYNC_NO_FILE;
	}
	if (bpf_map_update_elem(&frames, &tid, &frame, BPF_ANY)) {
		count_loss(LOSS_FRAMES);
		return 1;
	}
	return 0;
}

/* A file system below the one the caller named got the call. */
static __always_inline void frame_inner(struct frame *frame, struct inode *inode)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);

	if (BPF_CORE_READ(inode, i_ino) == frame->ino && BPF_CORE_READ(sb, s_dev) == frame->s_dev)
		return;
	if (frame->flags & (SYNC_BLOCK_DEVICE | SYNC_NO_FILE))
		return;
	frame->flags |= SYNC_INNER;
	frame->mapping = (__u64)BPF_CORE_READ(inode, i_mapping);
	frame_aim(frame, inode);
}

static __always_inline bool slot_is_foreign(struct ledger_slot *slot, __u64 owner)
{
	return slot->owner && slot->owner != owner;
}

/* One device's part of the record. */
static __always_inline void fill_device(struct event_device *out, struct frame *frame, long ret,
					__u64 exit_ns, __u32 disk, __u32 part, __u32 roles,
					__u64 settled_ns)
{
	struct ledger_device *device = bpf_map_lookup_elem(&devices, &disk);
	__u64 owner = slot_owner(frame->s_dev, frame->ino, disk);
	__u32 index = slot_index(owner);
	struct ledger_slot *slot = bpf_map_lookup_elem(&slots, &index);
	struct ledger_log *log = bpf_map_lookup_elem(&logs, &part);

	__builtin_memset(out, 0, sizeof(*out));
	if (device && !ret)
		recover_flush(device, frame, disk, exit_ns);
	if (slot && !slot_is_foreign(slot, owner))
		recover_slot(slot, frame);
	out->disk = disk;
	out->slot = index;
	out->part = part;
	out->roles = roles;
	out->settled_ns = settled_ns;
	out->unattributed_done_ns = base_ns;
	out->any_done_ns = base_ns;
	out->log_enter_ns = frame->log_enter_ns;
	out->log_done_ns = base_ns;
	if (log) {
		/* Before the newest that is done: one that ends in between must be in one of them.
		 */
		out->log_inflight = *(volatile __s64 *)&log->inflight;
		if (log->done_ns > base_ns)
			out->log_done_ns = log->done_ns;
		out->commit_queued_ns = log->commit_queued_ns;
		out->commit_flush_ns = log->commit_flush_ns;
		out->commit_done_ns = log->commit_done_ns;
		out->commit_stable_ns = log->commit_stable_ns;
	}
	if (slot) {
		if (frame->kind == SYNC_FILE_RANGE)
			slot->watched = 1; /* before the look: the end must not slip between */
		out->inflight_bytes = slot->inflight_bytes;
		if (out->inflight_bytes <= 0)
			slot->watched = 0;
		out->last_done_ns = slot->last_done_ns;
		out->last_error_ns = ledger_slot_error(slot, owner, frame->generation);
		out->slot_shared = slot_is_foreign(slot, owner) ||
				   (device && slot->shared_ns > device->watermark_ns);
	}
	if (!device)
		return;
	if (log && !ret)
		recover_commit(out, log, frame);
	/* Read last: a flush that ends meanwhile may only be missed, not imagined. */
	out->cache = device->cache;
	out->lost = device->lost;
	out->flush_error_ns = device->flush_error_ns;
	out->unattributed_inflight_bytes = device->unattributed_inflight_bytes;
	if (device->unattributed_done_ns > base_ns)
		out->unattributed_done_ns = device->unattributed_done_ns;
	out->any_inflight_bytes = device->any_inflight_bytes;
	if (device->any_done_ns > base_ns)
		out->any_done_ns = device->any_done_ns;
	ledger_max(&out->watermark_ns, device->watermark_ns);
	/* One that ended unseen inside the call, which is about to report success. */
	if (!ret && device->unseen_ns >= frame->enter_ns)
		ledger_max(&out->watermark_ns, device->unseen_ns);
}

static __always_inline void fill_devices(struct event_sync *event, struct frame *frame, long ret)
{
	struct state_topology *stack = find_topology(frame);
	__u32 i;

	if (!stack) {
		event->flags |= SYNC_TOPOLOGY_UNKNOWN;
		if (!frame->disk)
			return;
		fill_device(&event->devices[0], frame, ret, event->exit_ns, frame->disk,
			    frame->part, DEVICE_DATA | DEVICE_LOG, frame->settled_ns[0]);
		event->nr_devices = 1;
		return;
	}
	for (i = 0; i < EVENT_MAX_DEVICES; i++) {
		if (i >= stack->nr)
			break;
		fill_device(&event->devices[i], frame, ret, event->exit_ns, stack->devices[i].disk,
			    stack->devices[i].part, stack->devices[i].roles, frame->settled_ns[i]);
		event->nr_devices = i + 1;
	}
}

/* ~0 when the file was closed meanwhile: another may be in its place. */
static __always_inline __u64 file_size(struct frame *frame)
{
	struct inode *inode = frame_inode(frame);

	return inode ? BPF_CORE_READ(inode, i_size) : ~0ULL;
}

static __always_inline void fill_call(struct event_sync *event, struct frame *frame, long ret)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	event->header.type = EVENT_SYNC;
	event->header.version = EVENTS_VERSION;
	event->id = frame->id;
	event->enter_ns = frame->enter_ns;
	event->exit_ns = bpf_ktime_get_ns();
	event->pid = pid_tgid >> 32;
	event->tid = pid_tgid;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->kind = frame->kind;
	event->wait_source = frame->wait_source;
	event->pad = 0;
	event->nr_devices = 0;
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
}

/* A system call of an audited process returns whose entry was not seen. */
static __always_inline int missed_entry(__u32 opener)
{
	if (opener > HOOK_SYSCALL_SYNC_FILE_RANGE || !is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	__sync_fetch_and_add(&totals.syncs[opener], 1); /* hooks and kinds are in the same order */
	count_loss(LOSS_ENTRIES);
	return 0;
}

/* The call returns: reads the ledger and tells user space. */
static __always_inline int frame_close(__u32 opener, long ret, __u32 scratch)
{
	__u32 tid = bpf_get_current_pid_tgid(), size;
	struct frame *frame = bpf_map_lookup_elem(&frames, &tid);
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
		ext4_exit(frame);
		btrfs_exit(frame);
		if (frame_marked(frame, dirty_mark))
			frame->flags |= SYNC_DIRTY_EXIT;
		if (frame->own_data_pending > 0 && frame_data_settled(frame))
			frame->own_data_pending = 0; /* their completions were missed */
		fill_call(event, frame, ret);
		if (!(frame->flags & SYNC_NO_FILE))
			fill_devices(event, frame, ret);
		size = event->nr_devices;
		if (size > EVENT_MAX_DEVICES)
			size = EVENT_MAX_DEVICES;
		size = __builtin_offsetof(struct event_sync, devices) +
		       size * sizeof(struct event_device);
		event->header.size = size;
		if (size <= sizeof(*event))
			emit(event, size, LOSS_RING);
	}
	bpf_map_delete_elem(&frames, &tid);
	return 0;
}

/* struct trace_event_raw_sys_enter/exit, whose layout is the tracefs format. */
struct syscall_enter {
	__u64 common;
	__u64 number;
	__u64 args[6];
};

struct syscall_exit {
	__u64 common;
	__u64 number;
	long ret;
};

static __always_inline int syscall_enter(struct syscall_enter *ctx, __u32 kind, __u32 hook)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct frame *frame;
	struct file *file;
	__u32 tid = pid_tgid;

	if ((__u32)(pid_tgid >> 32) == self_tgid)
		count_hit(hook);
	if (!is_target(pid_tgid >> 32))
		return 0;
	file = fd_file(ctx->args[0]);
	if (frame_open(file, kind, hook) || !file)
		return 0;
	frame = bpf_map_lookup_elem(&frames, &tid);
	if (frame)
		emit_path((__u64)file, frame->id);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_fsync")
int enter_fsync(struct syscall_enter *ctx)
{
	return GUARDED(syscall_enter(ctx, SYNC_FSYNC, HOOK_SYSCALL_FSYNC));
}

SEC("tracepoint/syscalls/sys_exit_fsync")
int exit_fsync(struct syscall_exit *ctx)
{
	return GUARDED(frame_close(HOOK_SYSCALL_FSYNC, ctx->ret, 0));
}

SEC("tracepoint/syscalls/sys_enter_fdatasync")
int enter_fdatasync(struct syscall_enter *ctx)
{
	return GUARDED(syscall_enter(ctx, SYNC_FDATASYNC, HOOK_SYSCALL_FDATASYNC));
}

SEC("tracepoint/syscalls/sys_exit_fdatasync")
int exit_fdatasync(struct syscall_exit *ctx)
{
	return GUARDED(frame_close(HOOK_SYSCALL_FDATASYNC, ctx->ret, 0));
}

SEC("tracepoint/syscalls/sys_enter_sync_file_range")
int enter_sync_file_range(struct syscall_enter *ctx)
{
	return GUARDED(syscall_enter(ctx, SYNC_FILE_RANGE, HOOK_SYSCALL_SYNC_FILE_RANGE));
}

SEC("tracepoint/syscalls/sys_exit_sync_file_range")
int exit_sync_file_range(struct syscall_exit *ctx)
{
	return GUARDED(frame_close(HOOK_SYSCALL_SYNC_FILE_RANGE, ctx->ret, 0));
}

/* A sync of @file below the system call layer. Of kernel threads (loop) it is
 * a call of its own; inside a call it may name the real inode. */
static __always_inline int vfs_enter(struct file *file, bool datasync, __u32 hook)
{
	struct address_space *mapping;
	struct frame *frame;
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tid = pid_tgid;

	if ((__u32)(pid_tgid >> 32) == self_tgid)
		count_hit(hook);
	frame = bpf_map_lookup_elem(&frames, &tid);
	if (frame) {
		mapping = BPF_CORE_READ(file, f_mapping);
		frame_inner(frame, BPF_CORE_READ(mapping, host));
		return 0;
	}
	if (current_is_kthread())
		frame_open(file, SYNC_KERNEL, hook);
	return 0;
}

static __always_inline int vfs_exit(__u32 hook, long ret)
{
	if (current_is_kthread())
		frame_close(hook, ret, 1);
	return 0;
}

/* file_write_and_wait_range returned: the data of the call has been written. */
static __always_inline int wait_over(struct file *file)
{
	struct frame *frame;
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tid = pid_tgid;

	if ((__u32)(pid_tgid >> 32) == self_tgid)
		count_hit(HOOK_WRITE_AND_WAIT);
	frame = bpf_map_lookup_elem(&frames, &tid);
	if (!frame || (__u64)BPF_CORE_READ(file, f_mapping) != frame->mapping)
		return 0;
	frame->wait_done_ns = bpf_ktime_get_ns();
	frame->wait_source = WAIT_OBSERVED;
	if (frame->own_data_pending > 0)
		frame_wait_over(frame, frame->wait_done_ns, WAIT_OBSERVED);
	return 0;
}

SEC("fentry/vfs_fsync")
int BPF_PROG(fentry_vfs_fsync, struct file *file, int datasync)
{
	return GUARDED(vfs_enter(file, datasync, HOOK_VFS_FSYNC));
}

SEC("fexit/vfs_fsync")
int BPF_PROG(fexit_vfs_fsync, struct file *file, int datasync, int ret)
{
	return GUARDED(vfs_exit(HOOK_VFS_FSYNC, ret));
}

SEC("fentry/vfs_fsync_range")
int BPF_PROG(fentry_vfs_fsync_range, struct file *file, __s64 start, __s64 end, int datasync)
{
	return GUARDED(vfs_enter(file, datasync, HOOK_VFS_FSYNC_RANGE));
}

SEC("fexit/vfs_fsync_range")
int BPF_PROG(fexit_vfs_fsync_range, struct file *file, __s64 start, __s64 end, int datasync,
	     int ret)
{
	return GUARDED(vfs_exit(HOOK_VFS_FSYNC_RANGE, ret));
}

SEC("fexit/file_write_and_wait_range")
int BPF_PROG(fexit_write_and_wait, struct file *file, __s64 start, __s64 end, int ret)
{
	return GUARDED(wait_over(file));
}

SEC("kprobe/vfs_fsync")
int BPF_KPROBE(kprobe_vfs_fsync, struct file *file, int datasync)
{
	return GUARDED(vfs_enter(file, datasync, HOOK_VFS_FSYNC));
}

SEC("kretprobe/vfs_fsync")
int BPF_KRETPROBE(kretprobe_vfs_fsync, int ret)
{
	return GUARDED(vfs_exit(HOOK_VFS_FSYNC, ret));
}

SEC("kprobe/vfs_fsync_range")
int BPF_KPROBE(kprobe_vfs_fsync_range, struct file *file, __s64 start, __s64 end, int datasync)
{
	return GUARDED(vfs_enter(file, datasync, HOOK_VFS_FSYNC_RANGE));
}

SEC("kretprobe/vfs_fsync_range")
int BPF_KRETPROBE(kretprobe_vfs_fsync_range, int ret)
{
	return GUARDED(vfs_exit(HOOK_VFS_FSYNC_RANGE, ret));
}

/* A kretprobe does not know the arguments; the frame's mapping was noted at entry. */
SEC("kprobe/file_write_and_wait_range")
int BPF_KPROBE(kprobe_write_and_wait, struct file *file)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct frame *frame = bpf_map_lookup_elem(&frames, &tid);

	if (frame)
		frame->waiting_on = (__u64)file;
	return 0;
}

SEC("kretprobe/file_write_and_wait_range")
int BPF_KRETPROBE(kretprobe_write_and_wait, int ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct frame *frame = bpf_map_lookup_elem(&frames, &tid);

	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == self_tgid)
		count_hit(HOOK_WRITE_AND_WAIT);
	if (frame && frame->waiting_on)
		wait_over((struct file *)frame->waiting_on);
	return 0;
}

/*
 * The tracepoint level, for kernels that allow neither: file systems' own
 * tracepoints. As raw ones they attach without module BTF (5.10); those with
 * no exit twin can only name the inner inode.
 */
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

static __always_inline int inner_only(struct inode *inode)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct frame *frame = bpf_map_lookup_elem(&frames, &tid);

	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == self_tgid)
		count_hit(HOOK_FS_TRACEPOINT);
	if (frame)
		frame_inner(frame, inode);
	return 0;
}

static __always_inline int xfs_inner(__u64 ip)
{
	if (!bpf_core_field_exists(((struct xfs_inode *)0)->i_vnode))
		return 0;
	return inner_only((void *)ip + bpf_core_field_offset(struct xfs_inode, i_vnode));
}

SEC("raw_tp/xfs_file_fsync")
int fs_xfs_file(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(xfs_inner(ctx->args[0]));
}

SEC("raw_tp/xfs_dir_fsync")
int fs_xfs_dir(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(xfs_inner(ctx->args[0]));
}

SEC("raw_tp/btrfs_sync_file")
int fs_btrfs(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(inner_only(BPF_CORE_READ((struct file *)ctx->args[0], f_inode)));
}

SEC("raw_tp/btrfs_sync_file_enter")
int fs_btrfs_enter(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(inner_only(BPF_CORE_READ((struct file *)ctx->args[0], f_inode)));
}

/*
 * xfs forces its log only after the data wait (xfs_file_fsync); the last time counts.
 * Before that it flushes a data device that is not the log's: that tells earlier.
 */
static __always_inline int log_forced(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct frame *frame = bpf_map_lookup_elem(&frames, &tid);

	if (!frame || frame->wait_source == WAIT_OBSERVED)
		return 0;
	if (frame->wait_source == WAIT_OWN_FLUSH && frame->wait_done_ns && frame->asked_alone)
		return 0;
	frame_wait_over(frame, bpf_ktime_get_ns(), WAIT_LOG_FORCE);
	return 0;
}

SEC("raw_tp/xfs_log_force")
int fs_xfs_log_force(struct bpf_raw_tracepoint_args *ctx)
{
	return GUARDED(log_forced());
}
