// SPDX-License-Identifier: GPL-2.0-only
#include "gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "fsmagic.h"
#include "gaps.h"
#include "sizes.h"
#include "topology.h"

#define MAX_TOUCHED 256
#define MAX_UNKNOWN 1024

struct gather {
	struct stack *stack;
	const struct flushlog *flushes;
	struct failures *failures;
	struct sizes *sizes;
	gather_rescan_fn rescan;
	void *rescan_ctx;
	uint32_t kernel_version, kernel_patch;
	uint64_t start_ns;
	uint32_t touched[MAX_TOUCHED];
	size_t nr_touched;
	uint32_t unknown[MAX_UNKNOWN]; /* looked up in vain before */
	size_t nr_unknown;	       /* ever */
};

struct gather *gather_new(struct stack *stack, struct flushlog *flushes, struct failures *failures)
{
	struct gather *gather = calloc(1, sizeof(*gather));

	if (!gather)
		return NULL;
	gather->stack = stack;
	gather->flushes = flushes;
	gather->failures = failures;
	gather->sizes = sizes_new();
	if (gather->sizes)
		return gather;
	gather_free(gather);
	return NULL;
}

void gather_free(struct gather *gather)
{
	if (gather)
		sizes_free(gather->sizes);
	free(gather);
}

void gather_on_unknown(struct gather *gather, gather_rescan_fn fn, void *ctx)
{
	gather->rescan = fn;
	gather->rescan_ctx = ctx;
}

void gather_set_kernel_version(struct gather *gather, uint32_t version, uint32_t patch)
{
	gather->kernel_version = version;
	gather->kernel_patch = patch;
}

void gather_start(struct gather *gather, uint64_t start_ns)
{
	gather->start_ns = start_ns;
}

static bool remember_once(uint32_t *list, size_t *count, size_t room, uint32_t dev)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (list[i] == dev)
			return false;
	if (*count < room)
		list[(*count)++] = dev;
	return true;
}

/* Looks the stacks up again, once for each thing that was not known; of very many the oldest
 * are forgotten. */
static void look_up_again(struct gather *gather, uint32_t dev)
{
	size_t i;

	for (i = 0; i < gather->nr_unknown && i < MAX_UNKNOWN; i++)
		if (gather->unknown[i] == dev)
			return;
	gather->unknown[gather->nr_unknown++ % MAX_UNKNOWN] = dev;
	if (gather->rescan)
		gather->rescan(gather->rescan_ctx);
}

/* The record has the file system's own device alone, for the kernel side did not know the stack
 * yet: is that all of it? */
static bool is_whole(const struct gather *gather, const struct event_sync *sync,
		     const struct stack_node *node)
{
	struct state_topology all;

	if (!topology_ends_at(node) || (sync->flags & SYNC_BLOCK_DEVICE))
		return topology_ends_at(node);
	return !topology_of(gather->stack, sync->s_dev, &all) && all.nr == 1;
}

/* Is the record one of other devices than those of the file system, for the kernel side knew what
 * was mounted there before? */
static bool is_of_others(const struct gather *gather, const struct event_sync *sync)
{
	const struct stack_mount *mount = stack_find_mount(gather->stack, sync->s_dev);
	struct state_topology all;
	size_t i;

	if (!mount || sync->kind == SYNC_SYNC ||
	    (sync->flags & (SYNC_TOPOLOGY_UNKNOWN | SYNC_BLOCK_DEVICE)))
		return false;
	if (topology_of(gather->stack, sync->s_dev, &all))
		return topology_is_partial(mount);
	for (i = 0; i < all.nr && i < sync->nr_devices; i++)
		if (all.devices[i].disk != sync->devices[i].disk ||
		    all.devices[i].part != sync->devices[i].part ||
		    all.devices[i].roles != sync->devices[i].roles)
			return true;
	return all.nr != sync->nr_devices;
}

/* Puts together what the ledger said of each device with what the machine is. */
static void add_device_facts(struct gather *gather, struct verdict_facts *facts,
			     const struct event_device *event)
{
	struct verdict_device *device = &facts->devices[facts->nr_devices++];
	const struct event_sync *sync = facts->sync;
	const struct stack_node *node = stack_find(gather->stack, event->disk);
	bool write_back = event->cache & CACHE_BIT_WRITE_BACK;
	uint64_t seen;

	/* A cache that was switched since the last look: look again. */
	if (!node ||
	    ((event->cache & CACHE_BIT_KNOWN) && !write_back && node->cache == CACHE_VOLATILE))
		node = stack_refresh_dev(gather->stack, event->disk);
	memset(device, 0, sizeof(*device));
	device->event = event;
	/* A flush on its way into the ledger may be in the ring already. */
	seen = flushlog_watermark(gather->flushes, event->disk, sync->exit_ns, false);
	device->watermark_ns = seen > event->watermark_ns ? seen : event->watermark_ns;
	device->unseen_watermark_ns = device->watermark_ns;
	if (!node) {
		format_dev(device->name, sizeof(device->name), event->disk);
		device->cache = CACHE_UNKNOWN;
		device->below_unknown = true;
		return;
	}
	snprintf(device->name, sizeof(device->name), "%s", node->name);
	device->cache = node->cache;
	remember_once(gather->touched, &gather->nr_touched, MAX_TOUCHED, event->part);
	if (sync->flags & SYNC_TOPOLOGY_UNKNOWN)
		device->below_unknown = !is_whole(gather, sync, node);
	if (node->kind != STACK_LOOP || node->backing_ram)
		return;
	device->watermark_ns = seen; /* what a flush was worth below, only the log of them knows */
	device->unseen_watermark_ns =
		flushlog_watermark(gather->flushes, event->disk, sync->exit_ns, true);
	device->inner_bad = flushlog_had_inner(gather->flushes, event->disk, INNER_BAD,
					       sync->enter_ns, sync->exit_ns);
}

static void add_mount_facts(struct verdict_facts *facts, const struct stack_mount *mount)
{
	facts->nobarrier |= mount->nobarrier;
	facts->async_commit |= mount->async_commit;
	facts->no_journal |= mount->no_journal;
	facts->inline_data |= mount->inline_data;
	facts->no_delalloc |= mount->no_delalloc;
	facts->compressed |= mount->compressed;
	facts->no_checkpoint |= mount->no_checkpoint;
	facts->log_structured |= mount->log_structured;
	facts->fast_commit |= mount->fast_commit;
}

/*
 * ext4 with the data in the journal: where a range was zeroed (FALLOC_FL_ZERO_RANGE), its blocks
 * stay those of the file, and a write next to them has them zeroed on the disk around the journal
 * (ext4_ext_convert_to_initialized, ext4_issue_zeroout). What the journal still holds of them from
 * before comes back with its replay (the judge's zeroed-ext4-data-journal). Nothing tells when it
 * is gone from there.
 */
static bool is_zeroed_in_journal(const struct event_sync *sync, bool data_journal)
{
	return (sync->zeroed & ZEROED_JOURNALLED) || (sync->zeroed && data_journal);
}

/* Of sync(2): what is true of any file system is a doubt, or none, of all. */
static void add_all_mounts(struct gather *gather, struct verdict_facts *facts)
{
	size_t i;

	for (i = 0; i < stack_nr_mounts(gather->stack); i++) {
		const struct stack_mount *mount = stack_mount_at(gather->stack, i);

		if (!mount->mounted || !mount->nr_data || mount->read_only)
			continue;
		add_mount_facts(facts, mount);
		facts->has_xfs |= !strcmp(mount->fs, "xfs");
		facts->zeroed_in_journal |= is_zeroed_in_journal(facts->sync, mount->data_journal);
	}
}

const struct stack_mount *gather_mount(const struct gather *gather, const struct event_sync *sync)
{
	if (sync->kind == SYNC_UMOUNT)
		return stack_find_mount_at(gather->stack, sync->s_dev, sync->exit_ns);
	return stack_find_mount(gather->stack, sync->s_dev);
}

/* Finds the mounts of the inode the data belongs to, which is returned, and of the one the caller
 * named. */
static const struct stack_mount *find_mounts(struct gather *gather, struct verdict_facts *facts,
					     const struct event_sync *sync)
{
	const struct stack_mount *mount, *outer;

	if (sync->flags & SYNC_TOPOLOGY_UNKNOWN)
		look_up_again(gather, sync->s_dev);
	mount = gather_mount(gather, sync);
	outer = stack_find_mount(gather->stack, sync->outer_s_dev);
	if (!outer && !(sync->flags & (SYNC_NO_FILE | SYNC_BLOCK_DEVICE))) {
		look_up_again(gather, sync->outer_s_dev);
		mount = gather_mount(gather, sync);
		outer = stack_find_mount(gather->stack, sync->outer_s_dev);
	}
	if (mount) {
		add_mount_facts(facts, mount);
		facts->data_journal = mount->data_journal;
	}
	facts->zeroed_in_journal = is_zeroed_in_journal(sync, facts->data_journal);
	facts->volatile_overlay = outer && outer->volatile_overlay;
	facts->remote_fs = outer && !strcmp(outer->fs, "virtiofs");
	return mount;
}

/* Which size the file had on the disk before the call, and which one it has since. */
static void note_size(struct gather *gather, struct verdict_facts *facts)
{
	const uint32_t others = SYNC_WHOLE_FS | SYNC_WRITEOUT | SYNC_BLOCK_DEVICE;
	const struct event_sync *sync = facts->sync;

	facts->size_before = SIZES_UNKNOWN;
	if (sync->fs_magic != FSMAGIC_F2FS || (sync->flags & others) || sync->ret)
		return;
	facts->size_before = sizes_find(gather->sizes, sync);
	if (sync->kind == SYNC_SURVEY)
		return;
	if (sync->disk_size != sync->size) /* it changed meanwhile */
		sizes_set(gather->sizes, sync, SIZES_UNKNOWN);
	else if (sync->inode_state == INODE_CLEAN ||
		 (sync->own_meta_done_ns && !gaps_size_left(facts)))
		sizes_set(gather->sizes, sync, sync->size);
}

/* No failure up to then has to do with a call on @mount that was entered at @enter_ns: the super
 * block in memory is a newer one, and all that is in it was read from the disk since. 0: not
 * known. */
static uint64_t begun_after(const struct stack_mount *mount, uint64_t enter_ns)
{
	return mount && mount->instance && mount->instance_ns <= enter_ns ? mount->before_ns : 0;
}

void gather_facts(struct gather *gather, struct verdict_facts *facts, const struct event_sync *sync)
{
	const struct stack_mount *mount = NULL;
	size_t i;

	memset(facts, 0, sizeof(*facts));
	facts->sync = sync;
	if (sync->kind == SYNC_SYNC)
		add_all_mounts(gather, facts);
	else
		mount = find_mounts(gather, facts, sync);
	facts->kernel_version = gather->kernel_version;
	facts->kernel_patch = gather->kernel_patch;
	facts->start_ns = gather->start_ns;
	failures_ask(gather->failures, sync, begun_after(mount, sync->enter_ns), &facts->failure);
	note_size(gather, facts);
	if (is_of_others(gather, sync))
		return;
	for (i = 0; i < sync->nr_devices; i++)
		add_device_facts(gather, facts, &sync->devices[i]);
}

void gather_each_device(const struct gather *gather,
			void (*visit)(void *ctx, const struct stack_node *node), void *ctx)
{
	uint32_t walk[STACK_MAX_LEAVES];
	size_t i;
	int n, k;

	for (i = 0; i < gather->nr_touched; i++) {
		n = stack_walk(gather->stack, gather->touched[i], walk, STACK_MAX_LEAVES);
		if (n < 0) { /* a layer is not known: at least the device itself */
			walk[0] = gather->touched[i];
			n = 1;
		}
		for (k = 0; k < n; k++) {
			const struct stack_node *node = stack_find(gather->stack, walk[k]);

			if (node && node->kind != STACK_FS)
				visit(ctx, node);
		}
	}
}
