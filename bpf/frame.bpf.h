/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FRAME_BPF_H
#define FLUSHAUDIT_FRAME_BPF_H

/*
 * A sync call in progress: opened where it enters, closed where it returns. Functions of
 * their own, in frame.bpf.c; up to 5.10 these take numbers only, so pointers are passed as such.
 */
#include "call.bpf.h"

enum frame_scratch {
	SCRATCH_SYSCALL = 0, /* these run with preemption off */
	SCRATCH_OTHER,
	SCRATCH_DIRECT, /* these may interrupt the others */
};

/* Where the frame of a call is kept: by thread. A direct write may end in an interrupt, over
 * any thread, and is over at once: by CPU. */
static __always_inline __u32 frame_key(__u32 opener)
{
	if (opener == HOOK_DIRECT)
		return 1U << 31 | bpf_get_smp_processor_id();
	return bpf_get_current_pid_tgid();
}

static __always_inline struct frame *frame_of(__u32 opener)
{
	__u32 key = frame_key(opener);

	return bpf_map_lookup_elem(&frames, &key);
}

/*
 * The current thread enters a sync call of kind @kind about the struct file at @file (0: of no
 * file), which the hook @opener will close. @flags: enum event_sync_flag, to begin with.
 * Returns 0, or 1 when there was no room.
 */
int frame_open(__u64 file, __u32 kind, __u32 opener, __u32 flags);

/* The call in progress is about all of the file system whose super block is at @sb. */
int frame_aim_super(__u64 sb);

/* Which file a call is about that is in progress, where its entry could not tell. */
int frame_late(__u64 file);

/* What the call in progress asks for by @file: sends its name, and notes how it is open. */
int frame_named(__u64 file);

/* A file system got the call, the inode or all of it: one below the one the caller named, or the
 * one of the file that its entry could not tell (frame_late). */
int frame_inner(__u64 inode);
int frame_inner_fs(__u64 sb);

/* The call that @opener opened returns: reads the ledger and tells user space. */
int frame_close(__u32 opener, __s64 ret, __u32 scratch);

/* Tells user space how the inode at @inode stands, as of a call that did nothing. */
int frame_survey(__u64 inode);

/* The current thread begins to commit transaction @number of the journal of file system @s_dev. */
int frame_commit(__u32 s_dev, __u32 number);

#define RANGE_END_ALL 0x7fffffffffffffffULL /* LLONG_MAX */

/* The data of the current thread's call up to byte @end has been written. */
int frame_waited(__u64 end);

/* Gives the frame to who asked, if another thread did. */
static __always_inline void frame_asked_by(struct frame *frame, const struct asker *asker)
{
	frame->pid = asker->pid;
	frame->tid = asker->tid;
	__builtin_memcpy(frame->comm, asker->comm, sizeof(frame->comm));
}

/* struct trace_event_raw_sys_enter/exit, whose layout is the tracefs format. */
struct syscall_enter {
	__u64 common;
	__u32 number;
	__u32 pad; /* anything */
	__u64 args[6];
};

struct syscall_exit {
	__u64 common;
	__u32 number;
	__u32 pad; /* anything */
	long ret;
};

/* ext4: is a call about a file that was linked, having had no name, and is that not shown to be
 * committed as the call returns? linked.bpf.c. */
int linked_uncommitted(__u64 sb, __u64 ino, __u32 s_dev, __u32 generation, __u32 flags);

#endif
