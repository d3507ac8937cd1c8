/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_MOVES_H
#define FLUSHAUDIT_MOVES_H

#include "events.h"
#include "fileid.h"
#include "store.h"
#include "verdict.h"

/*
 * Files that audited processes wrote to, and the renames that moved them, or a directory above
 * them: was the data of each durable by then, by a sync call?
 *
 * A sync call tells since when there was data that none before it had taken; so how a file stood
 * is known when the next call for it returns, or at the survey. One that is gone by then may be
 * known by what there was to take a moment after the rename.
 */
struct moves;

struct moves *moves_new(struct store *store); /* lent. NULL: out of memory */
void moves_free(struct moves *moves);

/* Asked what no sync call has taken of a file: when the oldest of it was written, into @since_ns,
 * 0: there is nothing. False: it is not known. */
typedef bool (*moves_left_fn)(void *ctx, const struct fileid *file, uint64_t *since_ns);
void moves_on_left(struct moves *moves, moves_left_fn fn, void *ctx);

/* An audited process wrote to a file for the first time. @name: NULL, not known. */
void moves_written(struct moves *moves, const struct event_written *event, const char *name);

/* A rename or an exchange, stored as @row, 0: it was not. @from, @to: whole paths. */
void moves_moved(struct moves *moves, const struct event_change *change, int64_t row,
		 const char *from, const char *to);

/* A sync call was judged; @row: its id in the store, 0: none. */
void moves_synced(struct moves *moves, const struct event_sync *sync, enum verdict_kind verdict,
		  int64_t row);

/* How a file stands at the end (SYNC_SURVEY). */
void moves_surveyed(struct moves *moves, const struct event_sync *survey);

/* Ends the audit: what was moved, into the store. */
void moves_finish(struct moves *moves);

#endif
