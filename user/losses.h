/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_LOSSES_H
#define FLUSHAUDIT_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

#include "attach.h"
#include "pipeline.h"
#include "store.h"

/* What the kernel side had to let go: whose verdicts it may have spoilt, and how it is told. */

/* Was a record lost that a call's verdict may rest on? Cheap: no system call. */
bool losses_any(const struct attach *attach);

/* Did the kernel skip runs of our programs? The answer stands for what happened before
 * @asked_ns (CLOCK_MONOTONIC). Takes a system call for each program. */
bool losses_skipped(const struct attach *attach, uint64_t *asked_ns);

/* Calls that were entered and of whose return nothing was heard so far. */
uint64_t losses_open_calls(const struct attach *attach);

/* All that was lost so far, records and runs together. */
uint64_t losses_count(const struct attach *attach, const struct pipeline *pipeline);

/* Stores what was lost, and how many sync calls are missing from the list for it. */
void losses_store(const struct attach *attach, const struct pipeline *pipeline,
		  struct store *store);

#endif
