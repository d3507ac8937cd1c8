/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FAILURES_H
#define FLUSHAUDIT_FAILURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"

/*
 * What failed and has not been made good. When write-back of a page fails, the
 * kernel marks the page clean and tells the next sync of the file, once for each
 * open file (filemap_check_wb_err); the sync after that succeeds, though the
 * data never reached the drive. So a failed write stands against every later
 * sync of its file, range by range, until the range has been written again well,
 * or is cut off. Written again means these bytes of the file, whatever is in
 * them now: whether the caller restored the data that failed cannot be seen.
 *
 * A flush that failed stands against the calls it was to cover; a later one that
 * ends well covers what was written before it, as the kernel's own file systems
 * hold.
 *
 * Keeps state, takes the facts in the order they came, does no I/O.
 */
struct failures;

/* A sync call that returned after a failure. */
struct failure_call {
	uint64_t at_ns; /* its return, 0: there was none */
	uint32_t pid;
	enum event_sync_kind kind;
	int ret; /* 0 or -errno */
};

enum failure_kind {
	FAILURE_NONE = 0,
	FAILURE_WRITE,	   /* of the file, and not written again since */
	FAILURE_FLUSH,	   /* that was to cover the call */
	FAILURE_UNSEEN,	   /* a sync of the file reported an error; its cause was not seen */
	FAILURE_METADATA,  /* of the file system: whether the file needs it cannot be told */
	FAILURE_UNCHARGED, /* a write nobody can be charged with */
};

struct failure {
	enum failure_kind kind;
	uint32_t disk; /* 0: not known */
	uint64_t since_ns;
	uint64_t bytes;		  /* not written again, 0: not known */
	int error;		  /* -errno, 0: not known */
	struct failure_call told; /* the first call that reported an error after it */
};

/* The finding: a failure, and a sync of the file that reported success after it. */
struct failure_swallowed {
	struct failure failure;
	struct failure_call success; /* the first */
	const char *path;
};

/* NULL: out of memory. */
struct failures *failures_new(void);
void failures_free(struct failures *failures);

/* A write failed, or one of a file with failed ones was queued again. */
void failures_push(struct failures *failures, const struct event_write *write);

/* What stands against the success of @sync when it returns, the worst first, but for what failed up
 * to @past_ns, in the time of another super block; 0: of none. */
void failures_ask(struct failures *failures, const struct event_sync *sync, uint64_t past_ns,
		  struct failure *failure);

/*
 * @sync has been judged, on the ground of @failure (FAILURE_NONE: of none): notes
 * who was told, and who was told of success. @path may be NULL.
 */
void failures_judged(struct failures *failures, const struct event_sync *sync,
		     const struct failure *failure, const char *path);

/* Each failure that a sync call passed over, in the order of the failures. */
void failures_each_swallowed(const struct failures *failures,
			     void (*visit)(void *ctx, const struct failure_swallowed *swallowed),
			     void *ctx);

#endif
