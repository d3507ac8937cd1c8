/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FSMAGIC_H
#define FLUSHAUDIT_FSMAGIC_H

#include <stdint.h>

/* File systems by super block magic (linux/magic.h and the file systems' own
 * headers): where they keep data decides what a sync can mean. */
enum fsmagic_class {
	FSMAGIC_DEVICE = 0, /* on block devices; what a sync makes reachable is followed, */
	FSMAGIC_OTHER,	    /* or not, or the file system is not known: only data and flushes are */
	FSMAGIC_MEMORY,	    /* nothing is ever written to a device */
	FSMAGIC_REMOTE,
	FSMAGIC_USERSPACE,
};

/* Of no single file system: sync(2). */
#define FSMAGIC_NONE	0
#define FSMAGIC_OVERLAY 0x794c7630ULL
#define FSMAGIC_FUSE	0x65735546ULL
#define FSMAGIC_EXT4	0xEF53ULL /* ext2 and ext3 share it */
#define FSMAGIC_F2FS	0xF2F52010ULL
#define FSMAGIC_BTRFS	0x9123683EULL
#define FSMAGIC_EXFAT	0x2011BAB0ULL
#define FSMAGIC_VFAT	0x4d44ULL
#define FSMAGIC_XFS	0x58465342UL

enum fsmagic_class fsmagic_class(uint64_t magic);
const char *fsmagic_name(uint64_t magic); /* "ext4"; "file system 0x1234" is "?" */

#endif
