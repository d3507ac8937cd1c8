/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_PIPELINE_H
#define FLUSHAUDIT_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "filter.h"
#include "gather.h"
#include "interposed.h"
#include "journal.h"
#include "names.h"
#include "served.h"
#include "stack.h"
#include "store.h"

struct pipeline;

/*
 * record → decode → gather → verdict → store: the only place that knows the order of
 * the stages. @stack and @store are lent. NULL: out of memory.
 */
struct pipeline *pipeline_new(struct stack *stack, struct store *store);
void pipeline_free(struct pipeline *pipeline);

/* Asked for each call: was a record lost so far that its verdict may rest on? */
typedef bool (*pipeline_lost_fn)(void *ctx);

/* Asked when a call falls short of proof: did the kernel skip runs of our programs? "No" stands
 * for calls that returned before @asked_ns (CLOCK_MONOTONIC), "yes" for ever. */
typedef bool (*pipeline_skipped_fn)(void *ctx, uint64_t *asked_ns);
void pipeline_on_doubt(struct pipeline *pipeline, pipeline_lost_fn lost,
		       pipeline_skipped_fn skipped, void *ctx);

/* What is done about code that is mapped, see interposed.h. */
void pipeline_on_mapped(struct pipeline *pipeline, interposed_look_fn look,
			interposed_harmless_fn harmless, void *ctx);

/* How it is known who serves a FUSE file system. */
void pipeline_on_served(struct pipeline *pipeline, served_server_fn fn, void *ctx);

/* How a directory is found of which only the path is known, see sides.h. */
void pipeline_on_lookup(struct pipeline *pipeline, sides_lookup_fn fn, void *ctx);

/* How it is known what of a file no sync call has taken, see moves.h. */
void pipeline_on_left(struct pipeline *pipeline, moves_left_fn fn, void *ctx);

/* How it is known when a commit last ended, see journal.h. */
void pipeline_on_last_commit(struct pipeline *pipeline, journal_last_fn last_commit, void *ctx);

/* The stage that knows the machine; see gather.h. */
struct gather *pipeline_gather(struct pipeline *pipeline);

/* Calls that are not about what @filter wants are judged, for what they make durable, and not
 * stored. It is lent. */
void pipeline_set_filter(struct pipeline *pipeline, const struct filter *filter);

/* The audit may go on for weeks: what is remembered is bounded, to the account of what calls
 * were made up for later. */
void pipeline_set_endless(struct pipeline *pipeline);

/* Flushes that started before are none of the audit's. */
void pipeline_start(struct pipeline *pipeline, uint64_t start_ns);

/* Takes one record as it came. A bad one is counted and otherwise ignored. */
void pipeline_push(struct pipeline *pipeline, const void *record, size_t size);

/* The audit has ended: stores the findings. */
void pipeline_finish(struct pipeline *pipeline);

/* See exposure_inherited(). */
void pipeline_inherited(struct pipeline *pipeline, uint32_t dev, uint64_t ino);

uint64_t pipeline_rejected(const struct pipeline *pipeline);
/* Sync calls of a kind that arrived. */
uint64_t pipeline_syncs(const struct pipeline *pipeline, enum event_sync_kind kind);

#endif
