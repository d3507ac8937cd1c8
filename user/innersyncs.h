/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_INNERSYNCS_H
#define FLUSHAUDIT_INNERSYNCS_H

#include <stdint.h>

#include "events.h"
#include "stack.h"
#include "verdict.h"

/* Syncs by the kernel itself, which the flushes of loop devices turn out to be. */
struct innersyncs;

struct innersync {
	uint32_t s_dev, outer_s_dev;
	uint64_t ino, outer_ino;
	uint64_t enter_ns, exit_ns;
	enum verdict_kind verdict;
	int64_t row; /* in the store */
};

/* NULL: out of memory. */
struct innersyncs *innersyncs_new(void);
void innersyncs_free(struct innersyncs *syncs);

/* Keeps what was judged, the newest some thousands. */
void innersyncs_push(struct innersyncs *syncs, const struct event_sync *sync,
		     enum verdict_kind verdict, int64_t row);

/* The sync of the file behind the loop device @node that its @flush was; NULL: none was seen. */
const struct innersync *innersyncs_find(const struct innersyncs *syncs,
					const struct stack_node *node,
					const struct event_flush *flush);

#endif
