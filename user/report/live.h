/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_LIVE_H
#define FLUSHAUDIT_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "store.h"

/* The report of an audit in progress: a line, or a JSON object, for each sync call and finding. */
struct live_options {
	bool json;
	bool bad;   /* only calls that are not durable or unproven */
	bool color; /* only on a terminal, never with NO_COLOR */
};

struct live;

/* @store and @out are lent. NULL: out of memory. */
struct live *live_new(struct store *store, FILE *out, const struct live_options *options);
void live_free(struct live *live);

/* The line above the calls; in JSON there is none. */
void live_header(struct live *live);

/* Prints what was stored since the last time, calls up to @most. Returns how many calls were
 * printed, or -errno when they could not be. */
int64_t live_print(struct live *live, uint64_t most);

/* The id of the newest call that was looked at, printed or not. */
int64_t live_newest(const struct live *live);

/* What is being watched, and how, with @verbose what is not seen that way; for stderr. */
void live_opening(struct store *store, FILE *out, bool verbose);

/* The whole audit in one line, and what was lost; for stderr. */
void live_summary(struct store *store, FILE *out);

#endif
