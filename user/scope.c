// SPDX-License-Identifier: GPL-2.0-only
#include "scope.h"

static bool stands_on_wanted(const struct filter *filter, const struct stack *stack, uint32_t dev)
{
	uint32_t walk[STACK_MAX_LEAVES];
	int n, i;

	if (filter_has_dev(filter, dev))
		return true;
	n = stack_walk(stack, dev, walk, STACK_MAX_LEAVES);
	for (i = 0; i < n; i++)
		if (filter_has_dev(filter, walk[i]))
			return true;
	return n < 0;
}

static bool is_on_wanted(const struct filter *filter, const struct stack *stack,
			 const struct event_sync *sync)
{
	size_t i;

	if (filter_has_dev(filter, sync->outer_s_dev) || filter_has_dev(filter, sync->s_dev) ||
	    ((sync->flags & SYNC_BLOCK_DEVICE) && filter_has_dev(filter, (uint32_t)sync->ino)))
		return true;
	for (i = 0; i < sync->nr_devices; i++) {
		uint32_t part = sync->devices[i].part;

		if (stands_on_wanted(filter, stack, part ? part : sync->devices[i].disk))
			return true;
	}
	return false;
}

bool scope_holds(const struct filter *filter, const struct stack *stack,
		 const struct event_sync *sync, const char *path)
{
	bool named = sync->kind != SYNC_SYNC && !(sync->flags & SYNC_NO_FILE);

	if (filter->nr_devs && !is_on_wanted(filter, stack, sync))
		return false;
	return !filter->nr_paths || (named && filter_has_path(filter, path));
}

bool scope_holds_name(const struct filter *filter, const struct stack *stack, uint32_t dev,
		      const char *path)
{
	if (filter->nr_devs && dev && !stands_on_wanted(filter, stack, dev))
		return false;
	return !filter->nr_paths || filter_has_path(filter, path);
}
