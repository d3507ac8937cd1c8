// SPDX-License-Identifier: GPL-2.0-only
#include "cover.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A call that was not durable: waits for the flushes that cover it after all. */
struct uncovered {
	int64_t row;
	uint32_t disks[EVENT_MAX_DEVICES]; /* not flushed yet */
	size_t nr_disks;
	uint32_t s_dev, drain_disk, drain_slot;
	uint64_t ino, need_ns, exit_ns;
	bool dirty; /* only a sync of the same file can tell */
	bool draining;
};

struct cover {
	struct flushlog *flushes;
	struct store *store;
	struct uncovered *calls;
	size_t nr, room;
	size_t most; /* 0: any number */
};

struct cover *cover_new(struct flushlog *flushes, struct store *store)
{
	struct cover *cover = calloc(1, sizeof(*cover));

	if (!cover)
		return NULL;
	cover->flushes = flushes;
	cover->store = store;
	return cover;
}

void cover_free(struct cover *cover)
{
	if (!cover)
		return;
	free(cover->calls);
	free(cover);
}

void cover_limit(struct cover *cover, size_t most)
{
	cover->most = most;
}

/* Takes a flush into account. Returns true when nothing is left to be flushed. */
static bool cover_one(struct cover *cover, struct uncovered *call, uint32_t disk,
		      const struct flush_entry *flush)
{
	size_t i;

	if (call->draining || call->dirty || flush->issue_ns < call->need_ns)
		return false;
	for (i = 0; i < call->nr_disks; i++)
		if (call->disks[i] == disk)
			call->disks[i--] = call->disks[--call->nr_disks];
	if (call->nr_disks)
		return false;
	store_set_covered(cover->store, call->row, flush->id,
			  flush->complete_ns > call->exit_ns ? flush->complete_ns - call->exit_ns
							     : 0);
	return true;
}

/* Its writes are all done: what was flushed since counts already. */
static bool cover_from_log(struct cover *cover, struct uncovered *call)
{
	uint32_t disks[EVENT_MAX_DEVICES];
	const struct flush_entry *flush;
	size_t i, count = call->nr_disks;

	memcpy(disks, call->disks, sizeof(disks));
	for (i = 0; i < count; i++) {
		flush = flushlog_find(cover->flushes, disks[i], call->need_ns, UINT64_MAX);
		if (flush && cover_one(cover, call, disks[i], flush))
			return true;
	}
	return false;
}

void cover_wait(struct cover *cover, const struct verdict *verdict, const struct event_sync *sync,
		int64_t row)
{
	struct uncovered call = {
		.row = row,
		.nr_disks = verdict->nr_need,
		.s_dev = sync->s_dev,
		.ino = sync->ino,
		.drain_disk = verdict->drain_disk,
		.drain_slot = verdict->drain_slot,
		.need_ns = verdict->need_ns,
		.exit_ns = sync->exit_ns,
		.dirty = sync->flags & SYNC_DIRTY_EXIT,
		.draining = verdict->need_drain,
	};
	size_t room = cover->room ? cover->room * 2 : 256;
	struct uncovered *list;

	memcpy(call.disks, verdict->need_disks, sizeof(call.disks));
	if (!row || !verdict->nr_need || cover_from_log(cover, &call))
		return;
	if (cover->most && cover->nr >= cover->most) {
		size_t dropped = cover->most / 4 + 1; /* many at a time: it moves the rest */

		cover->nr -= dropped;
		memmove(cover->calls, cover->calls + dropped, cover->nr * sizeof(*list));
	}
	if (cover->nr == cover->room) {
		list = realloc(cover->calls, room * sizeof(*list));
		if (!list)
			return; /* then it stays uncovered, which is never a false "durable" */
		cover->calls = list;
		cover->room = room;
	}
	cover->calls[cover->nr++] = call;
}

void cover_by_flush(struct cover *cover, uint32_t disk, const struct flush_entry *flush)
{
	size_t i, kept = 0;

	for (i = 0; i < cover->nr; i++) {
		struct uncovered call = cover->calls[i];

		if (!cover_one(cover, &call, disk, flush))
			cover->calls[kept++] = call;
	}
	cover->nr = kept;
}

void cover_drained(struct cover *cover, const struct event_drain *event)
{
	size_t i, kept = 0;

	for (i = 0; i < cover->nr; i++) {
		struct uncovered call = cover->calls[i];

		if (call.draining && call.drain_disk == event->disk &&
		    call.drain_slot == event->slot) {
			call.draining = false;
			call.need_ns = event->done_ns;
			if (cover_from_log(cover, &call))
				continue;
		}
		cover->calls[kept++] = call;
	}
	cover->nr = kept;
}

void cover_failed(struct cover *cover, const struct event_write *event)
{
	size_t i, kept = 0;

	for (i = 0; i < cover->nr; i++)
		if (cover->calls[i].ino != event->ino || cover->calls[i].s_dev != event->s_dev)
			cover->calls[kept++] = cover->calls[i];
	cover->nr = kept;
}

/* A durable sync of the same file makes up for all calls before it. */
void cover_by_sync(struct cover *cover, const struct event_sync *sync,
		   const struct flush_entry *flush)
{
	size_t i, kept = 0;

	for (i = 0; i < cover->nr; i++) {
		const struct uncovered *call = &cover->calls[i];

		if (call->ino != sync->ino || call->s_dev != sync->s_dev ||
		    call->exit_ns > sync->enter_ns) {
			cover->calls[kept++] = *call;
			continue;
		}
		store_set_covered(cover->store, call->row, flush->id,
				  flush->complete_ns > call->exit_ns
					  ? flush->complete_ns - call->exit_ns
					  : 0);
	}
	cover->nr = kept;
}
