/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_COVER_H
#define FLUSHAUDIT_COVER_H

#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "flushlog.h"
#include "store.h"
#include "verdict.h"

/*
 * Calls that were not durable when they returned, waiting for what makes up for
 * them: flushes of every device that needs one, or a durable sync of the file.
 */
struct cover;

/* @flushes and @store are lent. NULL: out of memory. */
struct cover *cover_new(struct flushlog *flushes, struct store *store);
void cover_free(struct cover *cover);

/* No more than @most calls wait: the oldest are given up. */
void cover_limit(struct cover *cover, size_t most);

/* Remembers the call stored as @row, unless flushes already known cover it. */
void cover_wait(struct cover *cover, const struct verdict *verdict, const struct event_sync *sync,
		int64_t row);

/* A flush that counts completed on @disk. */
void cover_by_flush(struct cover *cover, uint32_t disk, const struct flush_entry *flush);

/* The writes in flight that some calls wait for are done. */
void cover_drained(struct cover *cover, const struct event_drain *event);

/* A write of the file failed: no flush makes up for it. */
void cover_failed(struct cover *cover, const struct event_write *event);

/* @sync was durable, by @flush: it makes up for all earlier calls on the same file. */
void cover_by_sync(struct cover *cover, const struct event_sync *sync,
		   const struct flush_entry *flush);

#endif
