/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_NAMES_H
#define FLUSHAUDIT_NAMES_H

#include "events.h"
#include "filter.h"
#include "moves.h"
#include "sides.h"
#include "stack.h"
#include "store.h"
#include "verdict.h"

/*
 * The names that audited processes made, moved and removed, and what POSIX promises of each: it is
 * durable once each directory that it changed was made so by a sync of its own, or with all of its
 * file system, that was called after the change.
 */
struct names;

/* Both are lent. NULL: out of memory. */
struct names *names_new(struct store *store, const struct stack *stack);
void names_free(struct names *names);

/* What a change was made on: a file system, and that whose transaction holds the change, which may
 * lie below it. 0: not known. */
struct names_fs {
	uint32_t s_dev, order_s_dev;
};

/* Where only the path of a directory is known. */
void names_on_lookup(struct names *names, sides_lookup_fn fn, void *ctx);

/* See moves.h. */
void names_on_left(struct names *names, moves_left_fn fn, void *ctx);

/* Only changes of names that @filter, which is lent, wants are stored. */
void names_set_filter(struct names *names, const struct filter *filter);

/* A change; @bases: the names of the directories that its sides are relative to, NULL: not known.
 * The row it was stored as, 0: it was not; @fs: what it was made on. */
int64_t names_changed(struct names *names, const struct event_change *change,
		      const char *const bases[CHANGE_SIDES], struct names_fs *fs);

/* A sync call has been judged; @path: its name, or NULL; @row: that of syncs, 0: none. */
void names_synced(struct names *names, const struct event_sync *sync, const char *path,
		  enum verdict_kind verdict, int64_t row);

/* An audited process wrote to a file for the first time, and how one stands at the end: see
 * moves.h. */
void names_written(struct names *names, const struct event_written *event, const char *name);
void names_surveyed(struct names *names, const struct event_sync *survey);

/* The audit has ended. @losses: records were lost, of syncs or of changes. */
void names_finish(struct names *names, bool losses);

const char *names_kind_name(enum event_change_kind kind);

#endif
