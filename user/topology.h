/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_TOPOLOGY_H
#define FLUSHAUDIT_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "stack.h"
#include "state.h"

/*
 * Which devices a sync is judged on, from the device stacks. A loop device
 * ends the way down: what lies below it is judged by the sync of its backing
 * file; so does the head of an nvme multipath device, whose paths share one cache.
 */

/* Of the file system or block device @dev. Returns 0, -ENOENT when a layer is
 * not known, -E2BIG when more than EVENT_MAX_DEVICES take part. */
int topology_of(const struct stack *stack, uint32_t dev, struct state_topology *topology);

/* Does the file system have devices that are not known? */
bool topology_is_partial(const struct stack_mount *mount);

/* Is the way down from a device on which a record ends complete? */
bool topology_ends_at(const struct stack_node *node);

/* The same of everything that sync(2) writes: all file systems on devices that are mounted to
 * be written. -ENOENT: there is none; other errors as above. */
int topology_of_all(const struct stack *stack, struct state_topology *topology);

#endif
