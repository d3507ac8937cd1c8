/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_STACK_IMPL_H
#define FLUSHAUDIT_STACK_IMPL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stack.h"

/* What the files stack*.c share among themselves; everyone else includes stack.h. */

struct stack_entry {
	struct stack_node node;
	bool fresh; /* read in this scan or refresh; the others are kept from earlier ones */
};

struct stack_mount_entry {
	struct stack_mount mount;
	struct stack_mount *before; /* what was mounted or which options were in force until then */
	bool fresh;
};

/* One line of mountinfo: a file system has several when it is bind mounted. */
struct stack_point {
	char *path;
	uint32_t dev;
	int id;
};

struct stack {
	char root[PATH_MAX];
	struct stack_entry **nodes; /* sorted by dev */
	size_t nr_nodes;
	struct stack_mount_entry **mounts; /* sorted by dev */
	size_t nr_mounts;
	uint64_t mounts_ns;	    /* CLOCK_MONOTONIC of the last read of mountinfo */
	struct stack_point *points; /* of the last read of mountinfo, in its order */
	size_t nr_points;
	bool had_volatile_overlay;
};

/* stack.c: adds @node or replaces the one of its number. 0 or -ENOMEM. */
int stack_put_node(struct stack *stack, const struct stack_node *node);
struct stack_node *stack_find_name(const struct stack *stack, const char *name);
/* The name of a known node, else "". */
const char *stack_name_of(const struct stack *stack, uint32_t dev);
uint32_t stack_from_devno(dev_t devno);
void stack_copy_text(char *to, size_t size, const char *from);
void stack_add_detail(struct stack_node *node, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A lower device that cannot be told is added as 0, which no one finds: the walk then fails. */
void stack_add_lower(struct stack_node *node, uint32_t dev);

/*
 * stack_block.c: reads sys/class/block/@name, but not what needs other nodes
 * (the file system below a loop device). -ENOENT: vanished, or has no number.
 */
int stack_block_read(const struct stack *stack, const char *name, struct stack_node *node);
int stack_block_number(const struct stack *stack, const char *name, uint32_t *dev);

/* stack_mounts.c: reads mountinfo; needs the block devices' nodes. */
int stack_mounts_read(struct stack *stack, struct error *err);
void stack_mounts_clear_points(struct stack *stack);

/* stack_fs.c: fills data and log of @mount, whose dev, fs and source are set; @super: its options.
 */
void stack_fs_devices(const struct stack *stack, struct stack_mount *mount, const char *super);

/* ext2, ext3 or ext4? One driver serves all three. */
bool stack_fs_is_ext(const char *type);

/*
 * What tells the super block in memory behind @mount, and all the metadata read for it, from one of
 * the same device before or after it: its directory in sys/fs is made with it, under an inode
 * number that is not used again. 0: it is not there now, or none tells.
 */
uint64_t stack_fs_instance(const struct stack *stack, const struct stack_mount *mount);

/* Is @option in force on the ext4 on @dev, as its own list of all options has it? */
bool stack_ext4_option(const struct stack *stack, uint32_t dev, const char *option);
/* Fills in what only an ext4 has. */
void stack_ext4_read(const struct stack *stack, struct stack_mount *mount);
/* Is all that a mount of it has in memory read from the device then? Else blocks may stay in the
 * device's page cache from one mount to the next, while somebody holds the device open. */
bool stack_ext4_mounts_uncached(const struct stack *stack, const struct stack_mount *mount);

/* stack_loop.c: what a loop device stands on; needs the mounts. */
void stack_loop_resolve(const struct stack *stack, struct stack_node *node);

#endif
