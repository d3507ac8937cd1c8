// SPDX-License-Identifier: GPL-2.0-only
#include "journal.h"

#include <string.h>

static bool is_of(const struct stack_mount *mount, const char *fs)
{
	return !mount || !strcmp(mount->fs, fs); /* what is mounted for others only is not known */
}

bool journal_may_hold(const struct stack *stack, uint32_t order_s_dev, uint32_t s_dev)
{
	const struct stack_mount *mount = stack_find_mount(stack, s_dev);

	/* They lie on others, whose journals hold their changes; and subvolumes have numbers of
	 * their own. */
	return order_s_dev == s_dev || is_of(mount, "overlay") || is_of(mount, "ecryptfs") ||
	       (is_of(mount, "btrfs") && is_of(stack_find_mount(stack, order_s_dev), "btrfs"));
}

/* jbd2 tells of each, but for those that it makes fast, which are of some inodes alone. */
bool journal_tells(const struct stack *stack, uint32_t s_dev)
{
	const struct stack_mount *mount = stack_find_mount(stack, s_dev);

	return mount && !strncmp(mount->fs, "ext", 3) && !mount->fast_commit && !mount->no_journal;
}

int64_t journal_flush(struct flushlog *flushes, const struct verdict_facts *facts)
{
	const struct flush_entry *flush = NULL;
	const struct event_device *event;
	uint64_t from_ns;
	size_t i;

	for (i = 0; i < facts->nr_devices; i++) {
		event = facts->devices[i].event;
		if (!(event->roles & DEVICE_LOG))
			continue;
		from_ns = event->commit_stable_ns == event->commit_done_ns ? event->commit_flush_ns
									   : event->commit_done_ns;
		if (from_ns)
			flush = flushlog_find(flushes, event->disk, from_ns, facts->sync->exit_ns);
	}
	return flush ? flush->id : 0;
}

/* On a device whose cache is volatile these set the record of each commit apart (PREFLUSH, FUA):
 * fs/xfs/xfs_log.c, write_all_supers() of btrfs. */
static bool marks_commits(const struct stack_mount *mount)
{
	return !mount->nobarrier && (!strcmp(mount->fs, "xfs") || !strcmp(mount->fs, "btrfs"));
}

bool journal_quiet_since(const struct stack *stack, uint32_t s_dev, uint64_t since_ns,
			 journal_last_fn last, void *ctx)
{
	const struct stack_mount *mount = stack_find_mount(stack, s_dev);
	const struct stack_node *node;
	size_t i;

	if (!mount || !mount->nr_data || !marks_commits(mount))
		return false;
	for (i = 0; i <= mount->nr_data; i++) {
		uint32_t part = i < mount->nr_data ? mount->data[i] : mount->log;

		node = part ? stack_find(stack, part) : NULL;
		if (part && (!node || node->cache != CACHE_VOLATILE || last(ctx, part) >= since_ns))
			return false;
	}
	return true;
}
