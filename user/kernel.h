/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_KERNEL_H
#define FLUSHAUDIT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct btf;

/*
 * What the running kernel offers, asked from it and never guessed from its
 * version.
 */
struct kernel_symbol {
	const char *name;
	uint64_t address; /* 0: not found, or hidden */
};

/* Fills the addresses from /proc/kallsyms, in one pass. */
void kernel_find_symbols(struct kernel_symbol *symbols, size_t count);

/* Number of arguments of a raw tracepoint, from BTF; -1: not there. */
int kernel_tracepoint_arguments(const struct btf *btf, const char *tracepoint);

/* The bit of xa_flags that marks dirty pages (PAGECACHE_TAG_DIRTY); 0: not known on this kernel. */
uint32_t kernel_dirty_mark(const struct btf *btf);

/* RQF_FLUSH_SEQ: the bit of rq_flags that marks a request in the flush machinery. */
uint32_t kernel_flush_sequence(const struct btf *btf);

/* EXT4_STATE_NEWENTRY, a number among the states of ext4's inodes; -1: not known. */
int kernel_ext4_new_entry(const struct btf *btf);

/* FI_DIRTY_INODE, a number among the flags of f2fs's inodes; -1: not known. */
int kernel_f2fs_dirty_inode(const struct btf *btf);

/* Does BTF of the kernel, or of a module that is loaded, tell of that struct? */
bool kernel_knows_struct(const struct btf *btf, const char *module, const char *name);

/* Do such programs really load and attach to @function? Existence is not permission. */
bool kernel_can_fentry(const struct btf *btf, const char *function);
bool kernel_can_kprobe(const char *function);

/*
 * The directory of tracefs that has the tracepoints, also where it is not mounted (minimal
 * systems). A descriptor, or -errno with @err.
 */
int kernel_open_events(struct error *err);

/* A perf event of the tracepoint @name, "category/name"; @events: see above. A descriptor, or
 * -1 with errno. */
int kernel_open_tracepoint(int events, const char *name);

#endif
