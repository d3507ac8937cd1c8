// SPDX-License-Identifier: GPL-2.0-only
#include "callrow.h"

#include <string.h>

#include "format.h"
#include "fsmagic.h"

/* Where the time of the call went. */
static void split_time(struct store_sync *row, const struct event_sync *sync,
		       const struct flush_entry *flush)
{
	uint64_t written =
		sync->wait_source == WAIT_OBSERVED ? sync->wait_done_ns : sync->own_data_done_ns;
	uint64_t from, until;

	row->writeout_ns = written > sync->enter_ns && written <= sync->exit_ns
				   ? (int64_t)(written - sync->enter_ns)
				   : 0;
	row->flush_ns = 0;
	if (flush && flush->complete_ns > sync->enter_ns) {
		from = flush->issue_ns > sync->enter_ns ? flush->issue_ns : sync->enter_ns;
		until = flush->complete_ns < sync->exit_ns ? flush->complete_ns : sync->exit_ns;
		row->flush_ns = until > from ? (int64_t)(until - from) : 0;
	}
	row->journal_ns = (int64_t)row->latency_ns - row->writeout_ns - row->flush_ns;
	if (row->journal_ns < 0)
		row->journal_ns = 0;
}

static const char *fs_name(const struct stack *stack, const struct event_sync *sync)
{
	const struct stack_mount *mount = stack_find_mount(stack, sync->outer_s_dev);

	if ((sync->flags & SYNC_NO_FILE) || sync->kind == SYNC_SYNC)
		return "";
	if (mount && !(sync->flags & SYNC_BLOCK_DEVICE))
		return mount->fs;
	return fsmagic_name(sync->outer_fs_magic);
}

bool callrow_is_nested(const struct event_sync *sync)
{
	return sync->kind == SYNC_KERNEL || sync->unaudited;
}

int64_t callrow_store(struct store *store, const struct stack *stack, const struct callrow *call)
{
	const struct event_sync *sync = call->sync;
	const struct verdict *verdict = call->verdict;
	const struct flush_entry *flush = call->flush;
	char safe[4 * EVENT_PATH_SIZE + 256], comm[4 * EVENT_COMM_SIZE + 1], dev[32];
	uint32_t number = sync->flags & SYNC_BLOCK_DEVICE ? (uint32_t)sync->ino : sync->outer_s_dev;
	struct store_sync row = {
		.t_ns = sync->enter_ns,
		.latency_ns = sync->exit_ns - sync->enter_ns,
		.kind = verdict_sync_kind_name(sync->kind),
		.pid = sync->pid,
		.tid = sync->tid,
		.comm = comm,
		.dev = format_dev(dev, sizeof(dev), number),
		.ino = sync->outer_ino,
		.fs = fs_name(stack, sync),
		.ret = sync->ret,
		.nested = callrow_is_nested(sync),
		.verdict = verdict_kind_name(verdict->kind),
		.reason = verdict_reason_name(call->reason),
		.grounds = verdict->inferred ? "inferred" : "observed",
		.detail = verdict->detail,
		.flush_id = verdict->kind == VERDICT_DURABLE && flush ? flush->id : 0,
	};

	format_safe_text(comm, sizeof(comm), (const char *)sync->comm,
			 strlen((const char *)sync->comm));
	if (call->path) {
		row.path = safe;
		if (!format_safe_text(safe, sizeof(safe), call->path, call->path_length)) {
			row.path_raw = call->path;
			row.path_raw_length = call->path_length;
		}
	}
	split_time(&row, sync, flush);
	return store_add_sync(store, &row);
}
