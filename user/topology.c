// SPDX-License-Identifier: GPL-2.0-only
#include "topology.h"

#include <errno.h>
#include <string.h>

#define MAX_DEPTH 16

bool topology_ends_at(const struct stack_node *node)
{
	return node->leaf || node->kind == STACK_LOOP || node->kind == STACK_NVME_MULTIPATH;
}

bool topology_is_partial(const struct stack_mount *mount)
{
	size_t i;

	for (i = 0; i < mount->nr_data; i++)
		if (!mount->data[i])
			return true;
	return false;
}

/* Adds a role to the device's entry, which is made when there is none. */
static int add(struct state_topology *topology, uint32_t disk, uint32_t part, uint32_t roles)
{
	uint32_t i;

	for (i = 0; i < topology->nr; i++) {
		if (topology->devices[i].disk != disk)
			continue;
		if (topology->devices[i].part != part && (roles & (DEVICE_DATA | DEVICE_LOG)))
			continue; /* data and log on two partitions of one disk */
		topology->devices[i].roles |= roles;
		return 0;
	}
	if (topology->nr >= EVENT_MAX_DEVICES)
		return -E2BIG;
	topology->devices[topology->nr].disk = disk;
	topology->devices[topology->nr].part = part;
	topology->devices[topology->nr].roles = roles;
	topology->nr++;
	return 0;
}

/* The leaves below @dev, down to where the way ends. */
static int add_leaves(const struct stack *stack, uint32_t dev, struct state_topology *topology,
		      int depth)
{
	const struct stack_node *node = stack_find(stack, dev);
	size_t i;
	int ret;

	if (!node)
		return -ENOENT;
	if (depth > MAX_DEPTH)
		return -ELOOP;
	if (topology_ends_at(node))
		return add(topology, node->disk, node->disk, DEVICE_LEAF);
	if (!node->nr_lower)
		return -ENOENT;
	for (i = 0; i < node->nr_lower; i++) {
		ret = add_leaves(stack, node->lower[i], topology, depth + 1);
		if (ret)
			return ret;
	}
	return 0;
}

static int add_top(const struct stack *stack, uint32_t dev, uint32_t roles,
		   struct state_topology *topology)
{
	const struct stack_node *node = stack_find(stack, dev);
	int ret;

	if (!node)
		return -ENOENT;
	ret = add(topology, node->disk, dev, roles);
	return ret ? ret : add_leaves(stack, dev, topology, 0);
}

int topology_of(const struct stack *stack, uint32_t dev, struct state_topology *topology)
{
	const struct stack_mount *mount = stack_find_mount(stack, dev);
	bool log_here;
	size_t i;
	int ret;

	memset(topology, 0, sizeof(*topology));
	if (!mount || (!mount->nr_data && stack_find(stack, dev)))
		return add_top(stack, dev, DEVICE_DATA | DEVICE_LOG, topology);
	if (!mount->nr_data)
		return -ENOENT;
	for (i = 0; i < mount->nr_data; i++) {
		/* An xfs log is never on the realtime device, the second one. */
		log_here = !mount->log && (i == 0 || strcmp(mount->fs, "xfs") != 0);
		ret = add_top(stack, mount->data[i], DEVICE_DATA | (log_here ? DEVICE_LOG : 0),
			      topology);
		if (ret)
			return ret;
	}
	return mount->log ? add_top(stack, mount->log, DEVICE_LOG, topology) : 0;
}

int topology_of_all(const struct stack *stack, struct state_topology *topology)
{
	struct state_topology one;
	size_t i;
	uint32_t k;
	int ret;

	memset(topology, 0, sizeof(*topology));
	for (i = 0; i < stack_nr_mounts(stack); i++) {
		const struct stack_mount *mount = stack_mount_at(stack, i);

		if (!mount->mounted || !mount->nr_data || mount->read_only)
			continue;
		ret = topology_of(stack, mount->dev, &one);
		for (k = 0; !ret && k < one.nr; k++)
			ret = add(topology, one.devices[k].disk, one.devices[k].part,
				  one.devices[k].roles);
		if (ret)
			return ret;
	}
	return topology->nr ? 0 : -ENOENT;
}
