// SPDX-License-Identifier: GPL-2.0-only
#include "innersyncs.h"

#include <stdlib.h>

#define KEPT 8192

struct innersyncs {
	struct innersync kept[KEPT];
	size_t count;
};

struct innersyncs *innersyncs_new(void)
{
	return calloc(1, sizeof(struct innersyncs));
}

void innersyncs_free(struct innersyncs *syncs)
{
	free(syncs);
}

void innersyncs_push(struct innersyncs *syncs, const struct event_sync *sync,
		     enum verdict_kind verdict, int64_t row)
{
	syncs->kept[syncs->count++ % KEPT] = (struct innersync){
		.s_dev = sync->s_dev,
		.outer_s_dev = sync->outer_s_dev,
		.ino = sync->ino,
		.outer_ino = sync->outer_ino,
		.enter_ns = sync->enter_ns,
		.exit_ns = sync->exit_ns,
		.verdict = verdict,
		.row = row,
	};
}

const struct innersync *innersyncs_find(const struct innersyncs *syncs,
					const struct stack_node *node,
					const struct event_flush *flush)
{
	size_t back;

	for (back = 1; back <= syncs->count && back <= KEPT; back++) {
		const struct innersync *sync = &syncs->kept[(syncs->count - back) % KEPT];

		if (sync->exit_ns < flush->issue_ns)
			break;
		if (sync->enter_ns < flush->issue_ns || sync->exit_ns > flush->complete_ns)
			continue;
		if ((sync->ino == node->backing_ino && sync->s_dev == node->backing_fs) ||
		    (sync->outer_ino == node->backing_ino && sync->outer_s_dev == node->backing_fs))
			return sync;
	}
	return NULL;
}
