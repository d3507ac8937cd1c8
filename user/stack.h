/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_STACK_H
#define FLUSHAUDIT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/*
 * The device stacks of the machine: every block device and every mounted file
 * system is a node, its edges lead to what it stands on, down to the leaves
 * that have (or have not) a volatile write cache. Everything is read below a
 * root directory, so that tests can hand in a made-up tree.
 *
 * A device number is written as the kernel keeps it: major << 20 | minor.
 */
#define STACK_DEV(major, minor) ((uint32_t)(major) << 20 | (uint32_t)(minor))
#define STACK_DEV_MAJOR(dev)	((dev) >> 20)
#define STACK_DEV_MINOR(dev)	((dev)&0xfffff)
#define STACK_MAX_LOWER		32
#define STACK_MAX_LEAVES	32

enum stack_kind {
	STACK_DISK = 0, /* a drive, or what looks like one: sd, vd, xvd, mmcblk */
	STACK_NVME,
	STACK_NVME_MULTIPATH, /* the head: its lower nodes are the paths */
	STACK_NBD,
	STACK_PARTITION,
	STACK_DM,
	STACK_MD,
	STACK_BCACHE,
	STACK_LOOP,
	STACK_PMEM,
	STACK_RAM, /* brd, zram, null_blk: never stable media */
	STACK_FS,  /* a mounted file system without a block device of its own number: btrfs */
	STACK_UNKNOWN,
	STACK_KINDS,
};

enum stack_cache {
	CACHE_UNKNOWN = 0, /* could not be read */
	CACHE_NONE,	   /* no volatile cache: a completed write is on stable media */
	CACHE_VOLATILE,	   /* write-back, and the kernel sends flushes */
	CACHE_OVERRIDDEN,  /* the drive's cache is volatile, the kernel was told it is not: no flush
			      is sent */
	CACHE_ASSUMED,	   /* the kernel assumes write-through because the drive did not say */
	CACHE_RAM,	   /* nothing survives a power cut at all */
	CACHE_STATES,
};

struct stack_node {
	uint32_t dev;  /* whole disk, partition, or the anonymous number of a file system */
	uint32_t disk; /* the whole disk of a partition, else dev */
	enum stack_kind kind;
	enum stack_cache cache; /* of this node's own queue; of a partition: its disk's */
	bool fua;
	bool leaf;
	char name[64];	  /* "vda1", "dm-0" */
	char detail[160]; /* the dm target types, the md level, why the cache state is what it is */
	/* A loop device: the file behind it. */
	char backing_path[4096];
	uint32_t backing_fs; /* dev of the file system that holds it (s_dev, as in mountinfo), 0:
				unknown */
	uint64_t backing_ino;
	bool backing_ram; /* the backing file lies on tmpfs or ramfs */
	size_t nr_lower;
	uint32_t lower[STACK_MAX_LOWER];
};

struct stack_mount {
	uint32_t dev;	  /* s_dev: what the kernel's inode->i_sb->s_dev holds */
	char fs[32];	  /* "ext4" */
	char point[1024]; /* first mount point seen */
	char root[1024];  /* what of the file system is mounted there */
	char source[1024];
	char options[1024]; /* mount and super options, comma separated */
	uint64_t since_ns;  /* CLOCK_MONOTONIC of the first scan that found it like this */
	/* Its super block in memory, 0: not known; the first scan that found that one; and the last
	 * that did not, 0: none. It may have been made at any time in between. */
	uint64_t instance;
	uint64_t instance_ns;
	uint64_t before_ns;
	bool mounted;	  /* at the last scan, */
	uint64_t gone_ns; /* else that of the first scan that found it gone */
	bool read_only;	  /* the file system itself, or in every place it is mounted */
	bool nobarrier;	  /* barriers are off: nobarrier, barrier=0, f2fs fsync_mode=nobarrier */
	bool volatile_overlay; /* overlayfs: volatile, or fsync=volatile */
	bool data_journal;     /* ext4: data=journal */
	bool async_commit;     /* ext4: journal_async_commit */
	bool no_journal;       /* ext4: has none, known to be so */
	bool no_checkpoint;    /* f2fs: checkpoint=disable */
	bool log_structured;   /* f2fs: mode=lfs */
	bool compressed;       /* btrfs: by a mount option */
	bool no_delalloc;      /* ext4: blocks are allocated at once */
	bool auto_da_alloc;    /* ext4: a rename over a file starts to write what it moves there */
	bool inline_data;      /* ext4: small files may live in their inodes */
	bool fast_commit;      /* ext4: the feature, whether or not it is in use */
	uint32_t block_size;   /* ext4: in bytes, 0: not known */
	size_t nr_data;	       /* the devices that hold data */
	uint32_t data[STACK_MAX_LOWER];
	uint32_t log; /* the device of an external journal or log, 0: on the data device */
};

struct stack;

/* Makes an empty view of the machine below @root ("" is the real one). NULL: out of memory. */
struct stack *stack_new(const char *root);
void stack_free(struct stack *stack);

/*
 * Reads block devices (sys/class/block) and mounts (proc/self/mountinfo) anew.
 * What vanished since the last scan is kept (an old event may still name it),
 * what changed is updated. Returns 0 or -errno with @err filled.
 */
int stack_scan(struct stack *stack, struct error *err);

/* Reads one device that a record named, e.g. one that appeared meanwhile. NULL: not there. */
const struct stack_node *stack_refresh_dev(struct stack *stack, uint32_t dev);

/* Known nodes and mounts; the pointers stay valid until the next scan or refresh. */
const struct stack_node *stack_find(const struct stack *stack, uint32_t dev);
const struct stack_mount *stack_find_mount(const struct stack *stack, uint32_t s_dev);
/* The one that a scan before @ns (CLOCK_MONOTONIC) had found: another may have been mounted on the
 * same device since. NULL: none is known. */
const struct stack_mount *stack_find_mount_at(const struct stack *stack, uint32_t s_dev,
					      uint64_t ns);
/* The s_dev of the mount that holds @path, 0: not known. */
uint32_t stack_mounts_holding(const struct stack *stack, const char *path);
/* Where a file is whose name below the root of file system @s_dev is @name: below the first
 * mount of it that was seen; @name as it is where none leads to it. */
void stack_path(const struct stack *stack, uint32_t s_dev, const char *name, char *out,
		size_t size);
/* The file of that inode, which a loop device keeps its data in. NULL: none does. */
const char *stack_backing_path(const struct stack *stack, uint32_t s_dev, uint64_t ino);
size_t stack_nr_nodes(const struct stack *stack);
const struct stack_node *stack_node_at(const struct stack *stack, size_t index);
size_t stack_nr_mounts(const struct stack *stack);
const struct stack_mount *stack_mount_at(const struct stack *stack, size_t index);
/* Was one mounted when the mounts were read, now or before? Its number may be another's by now. */
bool stack_had_volatile_overlay(const struct stack *stack);

/*
 * The leaves below @dev (a device, or the s_dev of a mount), each once, loop
 * devices followed through the file system of their backing file. Returns how
 * many, at most @max; -ENOENT when a layer is not known, -E2BIG when they do
 * not fit, -ELOOP on a cycle.
 */
int stack_leaves(const struct stack *stack, uint32_t dev, uint32_t *leaves, size_t max);

/* Every node on the way from @dev down to its leaves, @dev's own first, each once. Same errors. */
int stack_walk(const struct stack *stack, uint32_t dev, uint32_t *nodes, size_t max);

const char *stack_kind_name(enum stack_kind kind);
const char *stack_cache_name(enum stack_cache cache);

#endif
