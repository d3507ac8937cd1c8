/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FUSE_BPF_H
#define FLUSHAUDIT_FUSE_BPF_H

/*
 * What FUSE knows of its server (fs/fuse/fuse_i.h): one that answered ENOSYS to a sync is
 * never asked again, and the kernel reports success in its name.
 */
#include "state.bpf.h"

#define FUSE_MAGIC 0x65735546

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct fuse_conn {
	unsigned int no_fsync : 1;
	unsigned int no_fsyncdir : 1;
	unsigned int sync_fs : 1; /* 5.14 on: the server is asked to sync all it has */
	__u32 dev;		  /* s_dev of the file system */
};

struct fuse_chan {
	struct fuse_conn *conn;
};

struct fuse_dev { /* what an open /dev/fuse points to */
	struct fuse_conn *fc;
	struct fuse_chan *chan; /* 7.x: instead */
};

struct fuse_mount { /* 5.10 on: what s_fs_info points to */
	struct fuse_conn *fc;
};

#pragma clang attribute pop

/* Does the kernel pass a call of these flags (enum event_sync_flag) on? */
static __always_inline bool fuse_asks(struct fuse_conn *connection, __u32 flags)
{
	if (flags & SYNC_WHOLE_FS)
		return bpf_core_field_exists(connection->sync_fs) &&
		       BPF_CORE_READ_BITFIELD_PROBED(connection, sync_fs);
	if (flags & SYNC_DIRECTORY)
		return !BPF_CORE_READ_BITFIELD_PROBED(connection, no_fsyncdir);
	return !BPF_CORE_READ_BITFIELD_PROBED(connection, no_fsync);
}

/* A call returns: the answer to it, too, has left its mark by now. */
static __always_inline void fuse_exit(struct frame *frame)
{
	struct super_block *sb = (void *)frame->sb;
	struct fuse_conn *connection = NULL;
	struct fuse_mount *mount = NULL;

	if (frame->fs_magic != FUSE_MAGIC || !sb || !bpf_core_field_exists(connection->no_fsync) ||
	    !bpf_core_field_exists(mount->fc))
		return;
	mount = BPF_CORE_READ(sb, s_fs_info);
	connection = BPF_CORE_READ(mount, fc);
	if (connection)
		frame->flags |= fuse_asks(connection, frame->flags) ? SYNC_SENT : SYNC_UNSENT;
}

#endif
