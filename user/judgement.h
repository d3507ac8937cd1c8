/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_JUDGEMENT_H
#define FLUSHAUDIT_JUDGEMENT_H

/* A verdict in the making: what verdict.c shares with the files it is made with. */
#include "verdict.h"

struct judgement {
	struct verdict *out;
	const struct verdict_facts *facts;
	const struct event_sync *sync;
	uint64_t wait_done_ns; /* the data of the call had completed by then, 0: not known */
	bool never_covered;    /* no flush makes up for it: it takes a commit */
};

/* verdict.c: the verdict, with its detail. */
void verdict_conclude(struct verdict *verdict, enum verdict_kind kind, enum verdict_reason reason,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* verdict_failures.c: */

/*
 * The newest flush that failed and was to cover the call: one that failed during
 * it, or, where @missing is not covered, one that failed after what it holds was
 * written (@log: as a log). A later one that ended well makes up for it.
 */
const struct verdict_device *verdict_failures_find_flush(const struct judgement *j,
							 const struct verdict_device *missing,
							 bool log);
void verdict_failures_flush(struct judgement *j, const struct verdict_device *device);

/* The call reports an error, or success after one. Returns true when that decides. */
bool verdict_failures_decide(struct judgement *j);

/* A proof holds; does a failure stand that may be this call's? Then it is in doubt. */
void verdict_failures_doubt(struct judgement *j);

#endif
