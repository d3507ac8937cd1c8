/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_VFS_BPF_H
#define FLUSHAUDIT_VFS_BPF_H

/* A sync below the system call layer, by whichever hook it was seen. */
#include "frame.bpf.h"

/* What a sync that no sync call is about was made for. */
static __always_inline void name_asker(struct asker *asker, bool datasync)
{
	__u32 kind = datasync ? SYNC_O_DSYNC : SYNC_O_SYNC;
	struct io_kiocb *request = worker_request();

	if (request && BPF_CORE_READ(request, opcode) == URING_OP_FSYNC)
		kind = SYNC_URING_FSYNC;
	asker_is_current(asker, kind, datasync ? SYNC_DATASYNC : 0);
}

/* The current thread is a worker at the end of an audited process' direct write to @file? */
static __always_inline bool is_late_write(__u64 file, struct asker *asker)
{
	__u64 dio = (__u64)current_dio();
	struct late_write *late = dio ? bpf_map_lookup_elem(&late_writes, &dio) : NULL;

	if (!late || late->file != file)
		return false;
	*asker = late->asker;
	return true;
}

static __always_inline bool begins(const __u8 *name, const char *text, __u32 length)
{
	__u32 i;

	for (i = 0; i < length; i++)
		if (name[i] != (__u8)text[i])
			return false;
	return true;
}

/* Loop's own thread or queue, or one on which a file system ends a process' direct write. */
static __always_inline bool serves_this_machine(const __u8 *name)
{
	return begins(name, "loop", 4) || begins(name, "dio/", 4) || begins(name, "btrfs-", 6);
}

/* What a kernel thread syncs a file for that no process is known to have asked for. */
static __always_inline void name_service(struct asker *asker, bool datasync)
{
	asker_is_current(asker, SYNC_KERNEL, datasync ? SYNC_DATASYNC : 0);
	if (audit_all && new_calls_count && !serves_this_machine(asker->comm) && is_filtered_in())
		asker->kind = SYNC_SERVER;
}

/*
 * The current thread syncs @file and made no sync call for
 * it. Of a kernel thread that is a call of its own, or one that it was asked for; else
 * it is the end of a write that is to be durable, or an io_uring worker's.
 */
static __always_inline int open_below(struct file *file, bool datasync, __u32 hook)
{
	__u64 key = (__u64)file;
	struct asker asker = {}, *found;
	struct frame *frame;

	found = bpf_map_lookup_elem(&askers, &key);
	if (found) {
		found->synced_ns = bpf_ktime_get_ns();
		asker = *found;
		asker_served(key, found);
	}
	if (current_is_kthread()) {
		if (!found && !is_late_write(key, &asker))
			name_service(&asker, datasync);
	} else {
		if (!is_target(bpf_get_current_pid_tgid() >> 32))
			return 0;
		name_asker(&asker, datasync);
	}
	if (frame_open(key, asker.kind, hook, asker.flags))
		return 0;
	frame = current_frame();
	if (!frame)
		return 0;
	frame_asked_by(frame, &asker);
	frame->work = carried_out();
	if (asker.kind != SYNC_KERNEL)
		frame_named(key);
	return 0;
}

/*
 * Is the thread in a call that was opened above this hook? Also by the same one, where a
 * stacked file system passes the call on to a file below; else what it opened has ended, unseen,
 * as it has once a worker is at something else.
 */
static __always_inline bool is_in_call(struct frame *frame, __u32 hook)
{
	if (!frame || (frame->work && frame->work != carried_out()))
		return false;
	if (frame->opener != hook)
		return true;
	if (frame->outer_fs_magic != OVERLAYFS_MAGIC || frame->nested)
		return false;
	frame->nested = 1;
	return true;
}

static __always_inline int vfs_enter(struct file *file, bool datasync, __u32 hook)
{
	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == self_tgid)
		count_hit(hook);
	if (is_in_call(current_frame(), hook)) {
		frame_late((__u64)file);
		return frame_inner((__u64)BPF_CORE_READ(file, f_mapping, host));
	}
	return open_below(file, datasync, hook);
}

static __always_inline int vfs_exit(__u32 hook, long ret)
{
	struct frame *frame = current_frame();

	if (frame && frame->opener == hook && frame->nested) {
		frame->nested = 0;
		return 0;
	}
	return frame_close(hook, ret, SCRATCH_OTHER);
}

/* All inodes of a file system have been written. Of several, all have been before the first
 * is told to commit; where each tells of its inodes, the last one counts (@last). */
static __always_inline int inodes_over(struct super_block *sb, bool last)
{
	struct frame *frame = current_frame();

	if (!frame || !(frame->flags & SYNC_WHOLE_FS))
		return 0;
	frame_inner_fs((__u64)sb);
	if (!last && frame->wait_done_ns &&
	    (frame->kind == SYNC_SYNC || frame->wait_source == WAIT_OBSERVED))
		return 0;
	frame->wait_done_ns = bpf_ktime_get_ns();
	frame->wait_source = last ? WAIT_OBSERVED : WAIT_LOG_FORCE;
	return 0;
}

#endif
