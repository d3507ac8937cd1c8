/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_EXPOSURE_H
#define FLUSHAUDIT_EXPOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "flushlog.h"
#include "store.h"
#include "verdict.h"

/*
 * Files that audited processes wrote to, and what of them was exposed: written, and not
 * durable yet. What is so when the audit ends, with no sync call after it, is a finding,
 * never-synced; only what is shown to be at risk, never what is in doubt. How long and how
 * much of each file was exposed goes into the store, too.
 *
 * Keeps state, takes the facts in the order they came.
 */
struct exposure;

/* Both are lent. NULL: out of memory. */
struct exposure *exposure_new(struct store *store, struct flushlog *flushes);
void exposure_free(struct exposure *exposure);

/* Writes to this inode of this device are not the command's choice: its standard output. */
void exposure_inherited(struct exposure *exposure, uint32_t dev, uint64_t ino);

/* An audited process wrote to a file for the first time. @name: NULL, not known. */
void exposure_written(struct exposure *exposure, const struct event_written *event,
		      const char *name);

/* A sync call was judged. @row: its id in the store, 0: none. */
void exposure_synced(struct exposure *exposure, const struct event_sync *sync, bool durable,
		     int64_t row);

/* How the file of facts->sync, a SYNC_SURVEY, stands: a finding if its data is at risk. @name:
 * which it has now, NULL: not known. */
void exposure_surveyed(struct exposure *exposure, const struct verdict_facts *facts,
		       const char *name);

/* Ends the audit: each file into the store, and the longest time from a write to the end of
 * the call that made it durable. */
void exposure_finish(struct exposure *exposure);

#endif
