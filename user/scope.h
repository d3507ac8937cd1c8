/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_SCOPE_H
#define FLUSHAUDIT_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "filter.h"
#include "stack.h"

/*
 * Is a sync call about a device and a name that @filter wants? @path: NULL when it has none. A
 * device is wanted with all that stands on it; where the layers below are not known, the call is.
 */
bool scope_holds(const struct filter *filter, const struct stack *stack,
		 const struct event_sync *sync, const char *path);

/* Likewise of a name that changed, in a directory on @dev; 0: not known. */
bool scope_holds_name(const struct filter *filter, const struct stack *stack, uint32_t dev,
		      const char *path);

#endif
