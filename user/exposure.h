/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_EXPOSURE_H
#define FLUSHAUDIT_EXPOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "store.h"
#include "verdict.h"

/*
 * Files that audited processes wrote to, and what of them was exposed: written, and not
 * durable yet. What is so when the audit ends, with no sync call after it, is a finding,
 * never-synced; only what is shown to be at risk, never what is in doubt.
 *
 * Keeps state, takes the facts in the order they came.
 */
struct exposure;

/* Why data written to a file would not survive a power cut now. */
enum exposure_state {
	EXPOSURE_NOT_SHOWN = 0,
	EXPOSURE_DIRTY,	      /* in memory only */
	EXPOSURE_IN_FLIGHT,   /* on its way to the device */
	EXPOSURE_UNFLUSHED,   /* in a volatile cache */
	EXPOSURE_UNCOMMITTED, /* written, but the journal has not committed what leads to it */
};

/* @store is lent. NULL: out of memory. */
struct exposure *exposure_new(struct store *store);
void exposure_free(struct exposure *exposure);

/* Writes to this inode of this device are not the command's choice: its standard output. */
void exposure_inherited(struct exposure *exposure, uint32_t dev, uint64_t ino);

/* An audited process wrote to a file for the first time. @name: NULL, not known. */
void exposure_written(struct exposure *exposure, const struct event_written *event,
		      const char *name);

/* A sync call was judged. */
void exposure_synced(struct exposure *exposure, const struct event_sync *sync, bool durable);

/* How the file of facts->sync, a SYNC_SURVEY, stands: a finding if its data is at risk. */
void exposure_surveyed(struct exposure *exposure, const struct verdict_facts *facts,
		       const char *name);

/* Ends the audit: the longest time from a write to the end of the call that made it durable,
 * into the store. */
void exposure_finish(struct exposure *exposure);

/* Pure: what the facts of a survey show. @device: which device it is about, else "". */
enum exposure_state exposure_judge(const struct verdict_facts *facts, const char **device);

#endif
