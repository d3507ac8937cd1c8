/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_CALLROW_H
#define FLUSHAUDIT_CALLROW_H

/* The store's row of one sync call. */
#include "events.h"
#include "flushlog.h"
#include "stack.h"
#include "store.h"
#include "verdict.h"

struct callrow {
	const struct event_sync *sync;
	const struct verdict *verdict;
	enum verdict_reason reason;	 /* the verdict's, once the flush has been named */
	const struct flush_entry *flush; /* that proves it, NULL: none */
	const char *path;		 /* as the kernel has it, NULL: not known */
	size_t path_length;
};

/* Is it one that is audited for the sake of another call alone? */
bool callrow_is_nested(const struct event_sync *sync);

/* Puts the call into the store; returns its row, 0: it could not (see store.h). */
int64_t callrow_store(struct store *store, const struct stack *stack, const struct callrow *call);

#endif
