/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_WRITTEN_BPF_H
#define FLUSHAUDIT_WRITTEN_BPF_H

/*
 * What audited processes wrote to a file and no sync call was to make durable yet. A page
 * counts when it becomes dirty, in the thread that writes to it, be it by write() or
 * through a mapping.
 */
#include "call.bpf.h"

static __always_inline struct state_written *written_find(__u32 s_dev, __u64 ino)
{
	struct state_file key = {.ino = ino, .s_dev = s_dev};

	return bpf_map_lookup_elem(&files, &key);
}

/* The current thread, of an audited process, makes @bytes of @inode dirty. written.bpf.c. */
int written_note(__u64 inode, __u64 bytes);

/* The call is to make durable what was written up to now: what comes now is for the next. */
static __always_inline void written_take(struct frame *frame)
{
	struct state_written *found = written_find(frame->s_dev, frame->ino);
	__s64 bytes;

	if (!found || found->generation != frame->generation || !found->since_ns)
		return;
	bytes = found->bytes;
	frame->written_ns = found->since_ns;
	frame->written_bytes = bytes;
	found->since_ns = 0;
	__sync_fetch_and_add(&found->bytes, -bytes);
}

/* A call about all of a file, and so about all that was written to it. */
static __always_inline bool takes_whole_file(__u32 kind)
{
	return kind == SYNC_FSYNC || kind == SYNC_FDATASYNC || kind == SYNC_AIO_FSYNC ||
	       kind == SYNC_URING_FSYNC || kind == SYNC_SURVEY;
}

/* A call about a part of a file (msync, O_DSYNC) that left nothing of it dirty. */
static __always_inline bool left_nothing(struct frame *frame)
{
	return dirty_bit && !(frame->flags & (SYNC_WHOLE_FS | SYNC_WRITEOUT | SYNC_DIRECT)) &&
	       frame->mapping && !frame_marked(frame, dirty_bit | dirty_bit << 1);
}

#endif
