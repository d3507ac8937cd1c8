// SPDX-License-Identifier: GPL-2.0-only
#include "stack_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "stack_tree.h"

static const char *const kind_names[] = {
	[STACK_DISK] = "disk",
	[STACK_NVME] = "nvme",
	[STACK_NVME_MULTIPATH] = "nvme-multipath",
	[STACK_NBD] = "nbd",
	[STACK_PARTITION] = "partition",
	[STACK_DM] = "dm",
	[STACK_MD] = "md",
	[STACK_BCACHE] = "bcache",
	[STACK_LOOP] = "loop",
	[STACK_PMEM] = "pmem",
	[STACK_RAM] = "ram",
	[STACK_FS] = "filesystem",
	[STACK_UNKNOWN] = "unknown",
};
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == STACK_KINDS, "a kind has no name");

static const char *const cache_names[] = {
	[CACHE_UNKNOWN] = "unknown",   [CACHE_NONE] = "none",
	[CACHE_VOLATILE] = "volatile", [CACHE_OVERRIDDEN] = "overridden",
	[CACHE_ASSUMED] = "assumed",   [CACHE_RAM] = "ram",
};
_Static_assert(sizeof(cache_names) / sizeof(cache_names[0]) == CACHE_STATES, "a state has no name");

const char *stack_kind_name(enum stack_kind kind)
{
	return (unsigned int)kind < STACK_KINDS ? kind_names[kind] : kind_names[STACK_UNKNOWN];
}

const char *stack_cache_name(enum stack_cache cache)
{
	return (unsigned int)cache < CACHE_STATES ? cache_names[cache] : cache_names[CACHE_UNKNOWN];
}

void stack_copy_text(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

void stack_add_detail(struct stack_node *node, const char *format, ...)
{
	size_t used = strlen(node->detail);
	va_list args;

	if (used && used + 2 < sizeof(node->detail)) {
		stack_copy_text(node->detail + used, sizeof(node->detail) - used, "; ");
		used += 2;
	}
	va_start(args, format);
	vsnprintf(node->detail + used, sizeof(node->detail) - used, format, args);
	va_end(args);
}

void stack_add_lower(struct stack_node *node, uint32_t dev)
{
	for (size_t i = 0; i < node->nr_lower; i++) {
		if (node->lower[i] == dev)
			return;
	}
	if (node->nr_lower < STACK_MAX_LOWER) {
		node->lower[node->nr_lower++] = dev;
		return;
	}
	/* No one may take the first 32 for all of them. */
	node->lower[STACK_MAX_LOWER - 1] = 0;
}

struct stack *stack_new(const char *root)
{
	struct stack *stack = calloc(1, sizeof(*stack));

	if (!stack)
		return NULL;
	if (strlen(root) >= sizeof(stack->root)) {
		free(stack);
		return NULL;
	}
	stack_copy_text(stack->root, sizeof(stack->root), root);
	return stack;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	for (size_t i = 0; i < stack->nr_nodes; i++)
		free(stack->nodes[i]);
	free(stack->nodes);
	for (size_t i = 0; i < stack->nr_mounts; i++) {
		free(stack->mounts[i]->before);
		free(stack->mounts[i]);
	}
	free(stack->mounts);
	stack_mounts_clear_points(stack);
	free(stack);
}

/* Where @dev is or would have to be inserted. */
static size_t node_position(const struct stack *stack, uint32_t dev)
{
	size_t low = 0;
	size_t high = stack->nr_nodes;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (stack->nodes[middle]->node.dev < dev)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct stack_entry *node_entry(const struct stack *stack, uint32_t dev)
{
	size_t at = node_position(stack, dev);

	return at < stack->nr_nodes && stack->nodes[at]->node.dev == dev ? stack->nodes[at] : NULL;
}

const struct stack_node *stack_find(const struct stack *stack, uint32_t dev)
{
	const struct stack_entry *entry = node_entry(stack, dev);

	return entry ? &entry->node : NULL;
}

/* Of two that bear the name the one that is there now: a kept one may have had another number. */
struct stack_node *stack_find_name(const struct stack *stack, const char *name)
{
	struct stack_node *kept = NULL;

	for (size_t i = 0; i < stack->nr_nodes; i++) {
		struct stack_entry *entry = stack->nodes[i];

		if (entry->node.kind == STACK_FS || strcmp(entry->node.name, name) != 0)
			continue;
		if (entry->fresh)
			return &entry->node;
		kept = &entry->node;
	}
	return kept;
}

const char *stack_name_of(const struct stack *stack, uint32_t dev)
{
	const struct stack_node *node = stack_find(stack, dev);

	return node ? node->name : "";
}

uint32_t stack_from_devno(dev_t devno)
{
	return STACK_DEV(major(devno), minor(devno));
}

int stack_put_node(struct stack *stack, const struct stack_node *node)
{
	struct stack_entry *entry = node_entry(stack, node->dev);
	struct stack_entry **grown;
	size_t at = node_position(stack, node->dev);

	if (!entry) {
		grown = realloc(stack->nodes, (stack->nr_nodes + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		stack->nodes = grown;
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		memmove(grown + at + 1, grown + at, (stack->nr_nodes - at) * sizeof(*grown));
		grown[at] = entry;
		stack->nr_nodes++;
	} else if (node->kind == STACK_LOOP && !node->backing_path[0] &&
		   entry->node.backing_path[0]) {
		/* Detached is vanished: what it stood on while its events came is kept. */
		return 0;
	}
	entry->node = *node;
	entry->fresh = true;
	return 0;
}

static int put_block(struct stack *stack, const char *name)
{
	struct stack_node node;

	if (stack_block_read(stack, name, &node) < 0)
		return 0; /* vanished since the directory was read, or nothing that could be named
			   */
	return stack_put_node(stack, &node);
}

/* A queue that is write through above a volatile cache drops the flushes on their way down. */
static void judge_upper(const struct stack *stack, struct stack_node *node)
{
	uint32_t nodes[256];
	int count = stack_walk(stack, node->dev, nodes, sizeof(nodes) / sizeof(nodes[0]));

	if (count < 0) {
		node->cache = CACHE_UNKNOWN;
		stack_add_detail(node, "write through, and not all below it is known");
		return;
	}
	for (int i = 1; i < count; i++) {
		const struct stack_node *below = stack_find(stack, nodes[i]);

		if (below->cache == CACHE_VOLATILE) {
			node->cache = CACHE_OVERRIDDEN;
			stack_add_detail(node,
					 "write through, though %s below has a volatile cache",
					 below->name);
			return;
		}
	}
}

static bool is_leaf(const struct stack_node *node)
{
	if (node->kind == STACK_LOOP)
		return node->backing_ram;
	return !node->nr_lower && node->kind != STACK_PARTITION && node->kind != STACK_FS;
}

static void copy_from_disk(const struct stack *stack, struct stack_node *node)
{
	const struct stack_node *disk = stack_find(stack, node->disk);

	if (!disk || disk == node)
		return;
	node->cache = disk->cache;
	node->fua = disk->fua;
	stack_copy_text(node->detail, sizeof(node->detail), disk->detail);
}

/* What needs the other nodes and the mounts, in the order of what builds on what. */
static void settle(struct stack *stack)
{
	struct stack_node *node;

	for (size_t i = 0; i < stack->nr_nodes; i++) {
		node = &stack->nodes[i]->node;
		if (!stack->nodes[i]->fresh)
			continue;
		if (node->kind == STACK_LOOP && node->backing_path[0] && !node->nr_lower &&
		    !node->backing_ram)
			stack_loop_resolve(stack, node);
		node->leaf = is_leaf(node);
	}
	for (size_t i = 0; i < stack->nr_nodes; i++) {
		node = &stack->nodes[i]->node;
		if (stack->nodes[i]->fresh && node->kind != STACK_LOOP && node->nr_lower &&
		    node->cache == CACHE_NONE)
			judge_upper(stack, node);
	}
	for (size_t i = 0; i < stack->nr_nodes; i++) {
		node = &stack->nodes[i]->node;
		if (stack->nodes[i]->fresh && node->kind == STACK_PARTITION)
			copy_from_disk(stack, node);
	}
}

static void nothing_fresh(struct stack *stack)
{
	for (size_t i = 0; i < stack->nr_nodes; i++)
		stack->nodes[i]->fresh = false;
}

int stack_scan(struct stack *stack, struct error *err)
{
	DIR *dir = stack_tree_open(stack->root, "sys/class/block");
	const char *name;
	int ret = 0;

	if (!dir) {
		ret = errno;
		return error_set(err, ret, "cannot read %s/sys/class/block: %s; is /sys mounted?",
				 stack->root, strerror(ret));
	}
	nothing_fresh(stack);
	while (!ret && (name = stack_tree_next(dir)))
		ret = put_block(stack, name);
	closedir(dir);
	if (ret)
		return error_set(err, -ret, "cannot keep the block devices: %s", strerror(-ret));
	ret = stack_mounts_read(stack, err);
	if (ret)
		return ret;
	settle(stack);
	return 0;
}

/* The name of the block device @dev, as sysfs has it now. */
static bool name_of_dev(const struct stack *stack, uint32_t dev, char *name, size_t size)
{
	const char *candidate;
	bool found = false;
	uint32_t its;
	DIR *dir;

	if (!STACK_DEV_MAJOR(dev))
		return false;
	if (stack_tree_link(stack->root, name, size, "sys/dev/block/%u:%u", STACK_DEV_MAJOR(dev),
			    STACK_DEV_MINOR(dev)) == 0)
		return true;
	/* The hidden paths of an NVMe multipath head are not listed there. */
	dir = stack_tree_open(stack->root, "sys/class/block");
	if (!dir)
		return false;
	while (!found && (candidate = stack_tree_next(dir))) {
		if (stack_block_number(stack, candidate, &its) == 0 && its == dev) {
			stack_copy_text(name, size, candidate);
			found = true;
		}
	}
	closedir(dir);
	return found;
}

/* True if all below @dev is known, or if no more reading will help. */
static bool is_complete(const struct stack *stack, uint32_t dev)
{
	uint32_t leaves[STACK_MAX_LEAVES];

	return stack_leaves(stack, dev, leaves, STACK_MAX_LEAVES) != -ENOENT;
}

const struct stack_node *stack_refresh_dev(struct stack *stack, uint32_t dev)
{
	char name[256];

	if (name_of_dev(stack, dev, name, sizeof(name))) {
		nothing_fresh(stack);
		if (put_block(stack, name) < 0)
			return NULL;
		/* The mounts, too: it may bear a new one, or be a loop device on one. */
		if (stack_mounts_read(stack, NULL) < 0)
			return stack_find(stack, dev);
		settle(stack);
	}
	/* It stands on others that are new as well, or is the number of a file system. */
	if (!is_complete(stack, dev))
		stack_scan(stack, NULL);
	return stack_find(stack, dev);
}

struct walk {
	const struct stack *stack;
	unsigned char *seen; /* per node, in the order of stack->nodes: a WALK_ value */
	bool leaves_only;
	uint32_t *out;
	size_t max;
	size_t count;
};

enum { WALK_NEW = 0, WALK_ON_PATH, WALK_DONE };

static int walk_add(struct walk *walk, const struct stack_node *node)
{
	if (walk->leaves_only && !node->leaf)
		return 0;
	if (walk->count == walk->max)
		return -E2BIG;
	walk->out[walk->count++] = node->dev;
	return 0;
}

static int walk_down(struct walk *walk, uint32_t dev)
{
	const struct stack_node *node = stack_find(walk->stack, dev);
	size_t at = node_position(walk->stack, dev);
	int ret;

	if (!node)
		return -ENOENT;
	if (walk->seen[at] == WALK_ON_PATH)
		return -ELOOP;
	if (walk->seen[at] == WALK_DONE)
		return 0;
	/* Neither a leaf nor on anything: what is below is not known. */
	if (!node->leaf && !node->nr_lower)
		return -ENOENT;
	walk->seen[at] = WALK_ON_PATH;
	ret = walk_add(walk, node);
	for (size_t i = 0; !ret && i < node->nr_lower; i++)
		ret = walk_down(walk, node->lower[i]);
	walk->seen[at] = WALK_DONE;
	return ret;
}

static int walk_from(const struct stack *stack, uint32_t dev, bool leaves_only, uint32_t *out,
		     size_t max)
{
	struct walk walk = {
		.stack = stack,
		.seen = calloc(stack->nr_nodes + 1, 1),
		.leaves_only = leaves_only,
		.out = out,
		.max = max,
	};
	int ret;

	if (!walk.seen)
		return -ENOMEM;
	ret = walk_down(&walk, dev);
	free(walk.seen);
	return ret ? ret : (int)walk.count;
}

int stack_leaves(const struct stack *stack, uint32_t dev, uint32_t *leaves, size_t max)
{
	return walk_from(stack, dev, true, leaves, max);
}

int stack_walk(const struct stack *stack, uint32_t dev, uint32_t *nodes, size_t max)
{
	return walk_from(stack, dev, false, nodes, max);
}

size_t stack_nr_nodes(const struct stack *stack)
{
	return stack->nr_nodes;
}

const struct stack_node *stack_node_at(const struct stack *stack, size_t index)
{
	return index < stack->nr_nodes ? &stack->nodes[index]->node : NULL;
}

size_t stack_nr_mounts(const struct stack *stack)
{
	return stack->nr_mounts;
}

const struct stack_mount *stack_mount_at(const struct stack *stack, size_t index)
{
	return index < stack->nr_mounts ? &stack->mounts[index]->mount : NULL;
}

bool stack_had_volatile_overlay(const struct stack *stack)
{
	return stack->had_volatile_overlay;
}
