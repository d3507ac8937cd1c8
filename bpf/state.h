/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_STATE_H
#define FLUSHAUDIT_STATE_H

/* Sizes of the kernel maps and the values user space writes into them. */
#include "events.h"

#define STATE_SLOTS	     131072 /* 8 MiB; fewer may be used, see slot_mask */
#define STATE_DEVICES	     1024
#define STATE_BIOS	     32768
#define STATE_FLUSHES	     4096
#define STATE_FRAMES	     16384
#define STATE_TARGETS	     65536
#define STATE_COMPANIONS     65536
#define STATE_RING_BYTES     (16 << 20)
#define STATE_DIRECT_END_IOS 6
#define STATE_DIRECT_AIO     0 /* of them: by fs/direct-io.c, asynchronous, */
#define STATE_DIRECT_SYNC    1 /* and others */
#define STATE_DIRECTS	     16384
#define STATE_ASKERS	     4096
#define STATE_FILES	     65536
#define STATE_UNDERWAY	     16384
#define STATE_COMMS	     16
#define STATE_CGROUPS	     16
#define STATE_HARMLESS	     16384
#define STATE_SERVERS	     1024
#define STATE_ZEROED	     4096
#define STATE_LINKED	     4096
#define STATE_CHANGERS	     20
#define STATE_CHANGING	     16384 /* system calls at a time */
#define STATE_AWAITED	     1024

/* How long an audited process has been watched. */
#define TARGET_SINCE_FORK 1 /* from its first moment: no call was in progress before */
#define TARGET_RUNNING	  2 /* it was there before the audit began */

/* The value of a process in the map of FUSE servers, for the s_dev of what it serves. */
#define STATE_SERVES_SEVERAL 0xffffffffU

/* The entry of topology for a sync of all file systems. */
#define STATE_EVERYTHING 0

/* A file by its inode; its generation tells it from an earlier one. */
struct state_file {
	__u64 ino;
	__u32 s_dev;
	__u32 pad;
};

/* A file that audited processes wrote to: what no sync call was to make durable yet. */
struct state_written {
	__u64 since_ns; /* the oldest of it, 0: there is none */
	__s64 bytes;	/* whole pages, each time they became dirty */
	__u64 inode;	/* its address; who looks there checks what it finds */
	__u32 generation;
	__u32 pad;
};

/* An inode as long as it is that file; or, of number 0, any of a file system, or of any. */
struct state_inode {
	__u64 ino;
	__u32 s_dev;
	__u32 generation;
};

/* Of enum event_zeroed: bytes, for two may be set at a time, and they are never cleared. */
struct state_zeroed {
	__u8 any;
	__u8 journalled;
	__u8 tail;
	__u8 pad;
};

/* ext4: a file that was made without a name and then got one: in which transaction at the latest.
 */
struct state_linked {
	__u32 known;
	__u32 transaction;
};

/* The devices a sync of a file system is judged on, by its s_dev. */
struct state_topology {
	__u32 nr;
	struct {
		__u32 disk;
		__u32 part;
		__u32 roles; /* enum event_device_role */
	} devices[EVENT_MAX_DEVICES];
	__u32 pad;
};

/* A sync call by its number; its place in the table is its kind and its hook. */
#define STATE_SYSCALLS 6

struct state_syscall {
	__u32 number;
	__u32 flags; /* enum event_sync_flag */
};

/* A system call that changes names, and the positions of its arguments, from 1 on; 0: it has none.
 * A name without a directory is relative to the working directory. */
struct state_changer {
	__u32 number;
	__u8 kind; /* enum event_change_kind */
	__u8 old_dir;
	__u8 old_name;
	__u8 new_dir;
	__u8 new_name;
	__u8 flags;
	__u16 address; /* the new name is a socket's address, and that is its length */
};

/* The transaction that a system call in progress changes names in, the last if several. */
struct state_order {
	__u64 number;
	__u64 at_ns;
	__u64 cil;     /* xfs: where the number is to be read when the change is over; else 0 */
	__s64 syscall; /* its number */
	__u32 s_dev;
	__u32 pad;
};

/* The directories that one changes, and what it names. */
struct state_changing {
	struct state_inode dirs[2]; /* enum event_change_side_index; of number 0: none */
	struct state_inode named;   /* of number 0: nothing yet */
	__u64 facts;		    /* enum event_change_fact */
	__s64 syscall;
	__u64 at_ns;
	__u32 depth; /* of the file system, see s_stack_depth */
	__u32 pad;
};

/* A name of threads that are audited: its bytes under the mask. */
struct state_comm {
	__u64 mask[2];
	__u64 value[2];
};

#endif
