/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FLUSHLOG_H
#define FLUSHAUDIT_FLUSHLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"

/*
 * The recent flushes of each device, to name the one that proves a sync call;
 * and, for a loop device, whether the sync of its backing file that a flush
 * turned into was itself durable. Only the newest FLUSHLOG_KEPT are kept.
 */
#define FLUSHLOG_KEPT 8192

enum flushlog_inner {
	INNER_NONE = 0, /* not a loop device: the flush is the drive's own */
	INNER_DURABLE,
	INNER_BAD,
	INNER_UNSEEN, /* or nothing was proven of it */
};

struct flush_entry {
	int64_t id; /* in the store */
	uint64_t issue_ns;
	uint64_t complete_ns;
	int error;
	enum flushlog_inner inner;
	int64_t inner_id; /* the nested sync's row */
	bool owned;	  /* a sync call has already been called "flushed" by it */
};

struct flushlog;

struct flushlog *flushlog_new(void);
void flushlog_free(struct flushlog *log);

/* Adds a completed flush of @disk. 0 or -ENOMEM. */
int flushlog_add(struct flushlog *log, uint32_t disk, const struct flush_entry *entry);

/* Did it put data on stable media? */
bool flush_counts(const struct flush_entry *entry);

/* The first that started at @from_ns or later and completed by @until_ns; NULL: none kept. */
struct flush_entry *flushlog_find(struct flushlog *log, uint32_t disk, uint64_t from_ns,
				  uint64_t until_ns);

/* Start of the newest that counts and completed by @until_ns; 0: none. @unseen:
 * those count too of which it was not seen what they did below. */
uint64_t flushlog_watermark(const struct flushlog *log, uint32_t disk, uint64_t until_ns,
			    bool unseen);

/* The error of the one that completed at @complete_ns, 0: not kept. */
int flushlog_error(const struct flushlog *log, uint32_t disk, uint64_t complete_ns);

/* Did one with such an inner sync run inside the span? */
bool flushlog_had_inner(const struct flushlog *log, uint32_t disk, enum flushlog_inner inner,
			uint64_t from_ns, uint64_t until_ns);

#endif
