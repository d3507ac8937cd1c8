/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_GATHER_H
#define FLUSHAUDIT_GATHER_H

#include <stdint.h>

#include "events.h"
#include "failures.h"
#include "flushlog.h"
#include "stack.h"
#include "verdict.h"

/*
 * What a verdict needs to know: the record of a call joined with its mounts and devices, the
 * flushes and failures seen so far. All that is passed in is lent.
 */
struct gather;

/* NULL: out of memory. */
struct gather *gather_new(struct stack *stack, struct flushlog *flushes, struct failures *failures);
void gather_free(struct gather *gather);

/* How a file system or device that was not known is looked up: scans the
 * stacks anew and tells the kernel side. */
typedef void (*gather_rescan_fn)(void *ctx);
void gather_on_unknown(struct gather *gather, gather_rescan_fn fn, void *ctx);

/* The running kernel, as KERNEL_VERSION(major, minor) of verdict.h. */
void gather_set_kernel_version(struct gather *gather, uint32_t version, uint32_t patch);
void gather_start(struct gather *gather, uint64_t start_ns); /* of the audit */

/* The mount of the file system that @sync is about, NULL: not known. Of an umount what its device
 * bore until then: it may bear another file system since. Any other call's is there until the
 * call is over, and may have been mounted just before it. */
const struct stack_mount *gather_mount(const struct gather *gather, const struct event_sync *sync);

/* Fills @facts of @sync, which must live as long, but for what was lost. May look things up
 * anew. */
void gather_facts(struct gather *gather, struct verdict_facts *facts,
		  const struct event_sync *sync);

/* Visits each device that took part, top devices before the layers below. */
void gather_each_device(const struct gather *gather,
			void (*visit)(void *ctx, const struct stack_node *node), void *ctx);

#endif
