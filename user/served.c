// SPDX-License-Identifier: GPL-2.0-only
#include "served.h"

#include <stdlib.h>

#include "fsmagic.h"

#define KEPT 4096

struct server_sync {
	uint64_t enter_ns, exit_ns;
	uint32_t s_dev; /* of what is served */
	enum verdict_kind verdict;
	bool claimed;
	int64_t row;
};

struct served {
	struct store *store;
	served_server_fn server;
	void *server_ctx;
	size_t count;
	struct server_sync kept[KEPT];
};

struct served *served_new(struct store *store)
{
	struct served *served = calloc(1, sizeof(*served));

	if (served)
		served->store = store;
	return served;
}

void served_free(struct served *served)
{
	free(served);
}

void served_on_ask(struct served *served, served_server_fn fn, void *ctx)
{
	served->server = fn;
	served->server_ctx = ctx;
}

/* The next one inside the call. @back: 0 at first, and where to go on. NULL: that was all. */
static struct server_sync *next_within(struct served *served, const struct event_sync *sync,
				       size_t *back)
{
	struct server_sync *inner;

	while (++*back <= served->count && *back <= KEPT) {
		inner = &served->kept[(served->count - *back) % KEPT];
		if (inner->s_dev == sync->s_dev && inner->enter_ns >= sync->enter_ns &&
		    inner->exit_ns <= sync->exit_ns)
			return inner;
	}
	return NULL;
}

static bool is_served(const struct event_sync *sync)
{
	return sync->fs_magic == FSMAGIC_FUSE && !(sync->flags & SYNC_UNSENT);
}

void served_facts(struct served *served, struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;
	const struct server_sync *inner;
	size_t back = 0;

	if (!is_served(sync) || facts->remote_fs || !served->server)
		return;
	facts->server_pid = served->server(served->server_ctx, sync->s_dev);
	while ((inner = next_within(served, sync, &back))) {
		facts->server_syncs++;
		facts->server_durable += inner->verdict == VERDICT_DURABLE;
	}
}

static void keep(struct served *served, const struct event_sync *sync, enum verdict_kind verdict,
		 int64_t row)
{
	served->kept[served->count++ % KEPT] = (struct server_sync){
		.enter_ns = sync->enter_ns,
		.exit_ns = sync->exit_ns,
		.s_dev = sync->serves,
		.verdict = verdict,
		.row = row,
	};
}

static void claim(struct served *served, const struct event_sync *sync, int64_t row)
{
	struct server_sync *inner;
	size_t back = 0;

	while ((inner = next_within(served, sync, &back))) {
		if (inner->claimed)
			store_forget_parent(served->store, inner->row);
		else
			store_set_parent(served->store, inner->row, row);
		inner->claimed = true;
	}
}

void served_join(struct served *served, const struct event_sync *sync, enum verdict_kind verdict,
		 int64_t row)
{
	if (sync->serves)
		keep(served, sync, verdict, row);
	if (is_served(sync) && !sync->unaudited)
		claim(served, sync, row);
}
