/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_COMMITS_H
#define FLUSHAUDIT_COMMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "names.h"
#include "store.h"

/*
 * Changes of names, waiting for their file system to make them durable: with the transaction that
 * holds them, whoever had it committed, or with the inode that is named.
 */
struct commits;

struct commits *commits_new(struct store *store); /* lent. NULL: out of memory */
void commits_free(struct commits *commits);

/* A change, as it was told, made on @fs, stored as @row. @all_told: every commit of its file
 * system, which is known, is told to commits_done(). */
void commits_wait(struct commits *commits, const struct event_change *change,
		  const struct names_fs *fs, int64_t row, bool all_told);

/* By the end of @sync transaction @number of its file system, and so all before it, was committed.
 * @proven: it is on stable media, by the flush @flush_id, 0: none is known. */
void commits_done(struct commits *commits, const struct event_sync *sync, uint64_t number,
		  bool proven, int64_t flush_id);

/* @sync was durable, by @flush_id, 0: none is known. */
void commits_synced(struct commits *commits, const struct event_sync *sync, int64_t flush_id);

/* Is it known that no commit of file system @dev ended since @since_ns? */
typedef bool (*commits_none_fn)(void *ctx, uint32_t dev, uint64_t since_ns);

/* The audit has ended: what still waits is not durable, where it is known that no commit came. */
void commits_finish(struct commits *commits, commits_none_fn none, void *ctx);

#endif
