// SPDX-License-Identifier: GPL-2.0-only
#include "pipeline.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callpaths.h"
#include "callrow.h"
#include "commits.h"
#include "cover.h"
#include "decode.h"
#include "exposure.h"
#include "failures.h"
#include "findings.h"
#include "flushlog.h"
#include "format.h"
#include "gather.h"
#include "innersyncs.h"
#include "served.h"
#include "interposed.h"
#include "journal.h"
#include "namerisks.h"
#include "proof.h"
#include "renamerisks.h"
#include "scope.h"
#include "verdict.h"

#define MAX_WAITING 16384 /* for a flush, in an endless audit */

struct pipeline {
	struct stack *stack;
	struct store *store;
	struct flushlog *flushes;
	pipeline_lost_fn lost;
	pipeline_skipped_fn skipped;
	void *doubt_ctx;
	journal_last_fn last_commit;
	void *commit_ctx;
	bool was_skipped;
	uint64_t unskipped_ns; /* no run was skipped before */
	struct interposed *interposed;
	uint64_t start_ns, rejected;
	uint64_t syncs[SYNC_KINDS];
	struct callpaths *paths;
	struct innersyncs *inner;
	struct served *served;
	struct names *names;
	struct commits *commits;
	struct cover *cover;
	struct failures *failures;
	struct exposure *exposure;
	struct gather *gather;
	const struct filter *filter; /* NULL: all calls are wanted */
};

struct pipeline *pipeline_new(struct stack *stack, struct store *store)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (!pipeline)
		return NULL;
	pipeline->stack = stack;
	pipeline->store = store;
	pipeline->paths = callpaths_new();
	pipeline->inner = innersyncs_new();
	pipeline->served = served_new(store);
	pipeline->names = names_new(store, stack);
	pipeline->commits = commits_new(store);
	pipeline->flushes = flushlog_new();
	pipeline->cover = cover_new(pipeline->flushes, store);
	pipeline->failures = failures_new();
	pipeline->exposure = exposure_new(store, pipeline->flushes);
	pipeline->gather = gather_new(stack, pipeline->flushes, pipeline->failures);
	pipeline->interposed = interposed_new();
	if (!pipeline->paths || !pipeline->inner || !pipeline->flushes || !pipeline->cover ||
	    !pipeline->failures || !pipeline->exposure || !pipeline->gather ||
	    !pipeline->interposed || !pipeline->served || !pipeline->names || !pipeline->commits) {
		pipeline_free(pipeline);
		return NULL;
	}
	return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	callpaths_free(pipeline->paths);
	innersyncs_free(pipeline->inner);
	served_free(pipeline->served);
	names_free(pipeline->names);
	commits_free(pipeline->commits);
	flushlog_free(pipeline->flushes);
	cover_free(pipeline->cover);
	failures_free(pipeline->failures);
	exposure_free(pipeline->exposure);
	gather_free(pipeline->gather);
	interposed_free(pipeline->interposed);
	free(pipeline);
}

void pipeline_on_doubt(struct pipeline *pipeline, pipeline_lost_fn lost,
		       pipeline_skipped_fn skipped, void *ctx)
{
	pipeline->lost = lost;
	pipeline->skipped = skipped;
	pipeline->doubt_ctx = ctx;
}

void pipeline_on_mapped(struct pipeline *pipeline, interposed_look_fn look,
			interposed_harmless_fn harmless, void *ctx)
{
	interposed_on_mapped(pipeline->interposed, look, harmless, ctx);
}

void pipeline_on_served(struct pipeline *pipeline, served_server_fn fn, void *ctx)
{
	served_on_ask(pipeline->served, fn, ctx);
}

void pipeline_on_lookup(struct pipeline *pipeline, sides_lookup_fn fn, void *ctx)
{
	names_on_lookup(pipeline->names, fn, ctx);
}

void pipeline_on_left(struct pipeline *pipeline, moves_left_fn fn, void *ctx)
{
	names_on_left(pipeline->names, fn, ctx);
}

void pipeline_on_last_commit(struct pipeline *pipeline, journal_last_fn last_commit, void *ctx)
{
	pipeline->last_commit = last_commit;
	pipeline->commit_ctx = ctx;
}

struct gather *pipeline_gather(struct pipeline *pipeline)
{
	return pipeline->gather;
}

void pipeline_set_filter(struct pipeline *pipeline, const struct filter *filter)
{
	pipeline->filter = filter;
	names_set_filter(pipeline->names, filter);
}

void pipeline_set_endless(struct pipeline *pipeline)
{
	cover_limit(pipeline->cover, MAX_WAITING);
}

void pipeline_start(struct pipeline *pipeline, uint64_t start_ns)
{
	pipeline->start_ns = start_ns;
	gather_start(pipeline->gather, start_ns);
}

void pipeline_inherited(struct pipeline *pipeline, uint32_t dev, uint64_t ino)
{
	exposure_inherited(pipeline->exposure, dev, ino);
}

uint64_t pipeline_rejected(const struct pipeline *pipeline)
{
	return pipeline->rejected;
}

uint64_t pipeline_syncs(const struct pipeline *pipeline, enum event_sync_kind kind)
{
	return kind < SYNC_KINDS ? pipeline->syncs[kind] : 0;
}

/* A flush has one call it was issued for: the first that it covers. */
static enum verdict_reason name_flush(const struct verdict *verdict, const struct event_sync *sync,
				      struct flush_entry *flush)
{
	if (verdict->kind != VERDICT_DURABLE || verdict->reason != REASON_FLUSHED || !flush)
		return verdict->reason;
	if (flush->owned || flush->issue_ns < sync->enter_ns)
		return REASON_SHARED_FLUSH;
	return REASON_FLUSHED;
}

#define UMOUNT_NS 100000000 /* between a mount's end and that of its file system */

/* Where a file system was mounted that is frozen, or was until the call unmounted it: one that
 * was gone before may be mounted elsewhere since. NULL: not known. */
static const char *mount_point(struct pipeline *pipeline, const struct event_sync *sync)
{
	const struct stack_mount *mount = gather_mount(pipeline->gather, sync);

	if (!mount || (mount->gone_ns && mount->gone_ns + UMOUNT_NS < sync->enter_ns))
		return NULL;
	return mount->point;
}

/* The name sent with @id, which the caller frees. Of a file that is known by its inode alone it
 * begins where the file system's root is. NULL: none came. */
static char *take_path(struct pipeline *pipeline, uint64_t id, uint32_t s_dev, size_t *length)
{
	char *name = callpaths_take(pipeline->paths, id, length);
	char whole[2 * EVENT_PATH_SIZE];

	if (!name || *name == '/')
		return name;
	stack_path(pipeline->stack, s_dev, name, whole, sizeof(whole));
	free(name);
	name = strdup(whole);
	*length = name ? strlen(name) : 0;
	return name;
}

/* The name of what a call is about: sent at its entry, or known without. NULL: none. */
static char *name_call(struct pipeline *pipeline, const struct event_sync *sync, size_t *length)
{
	char *path = take_path(pipeline, sync->id, sync->s_dev, length);
	const char *known = NULL;

	if (path)
		return path;
	if (sync->kind == SYNC_KERNEL)
		known = stack_backing_path(pipeline->stack, sync->s_dev, sync->ino);
	else if (sync->kind == SYNC_FREEZE || sync->kind == SYNC_UMOUNT)
		known = mount_point(pipeline, sync);
	path = known ? strdup(known) : NULL;
	*length = path ? strlen(path) : 0;
	return path;
}

/* Could the verdict be what it is because an event was not seen? */
static bool may_be_missing_events(const struct verdict *verdict, const struct event_sync *sync)
{
	if ((sync->flags & SYNC_UNENTERED) || verdict->by_absence)
		return true;
	switch (verdict->reason) {
	case REASON_NO_FLUSH:
	case REASON_NOT_WRITTEN:
	case REASON_FLUSH_DROPPED:
	case REASON_EARLY_RETURN:
	case REASON_COMMIT_UNSEEN:
	case REASON_UNTRACKED:
		return true;
	default:
		return false;
	}
}

/* Records keep coming while others are judged: what was asked before a call returned says
 * nothing about it. */
static bool runs_skipped(struct pipeline *pipeline, uint64_t until_ns)
{
	if (!pipeline->was_skipped && pipeline->skipped && until_ns >= pipeline->unskipped_ns)
		pipeline->was_skipped =
			pipeline->skipped(pipeline->doubt_ctx, &pipeline->unskipped_ns);
	return pipeline->was_skipped;
}

static bool records_lost(const struct pipeline *pipeline)
{
	return pipeline->lost && pipeline->lost(pipeline->doubt_ctx);
}

static void find_facts(struct pipeline *pipeline, struct verdict_facts *facts,
		       const struct event_sync *sync)
{
	gather_facts(pipeline->gather, facts, sync);
	facts->losses = records_lost(pipeline);
}

static void note_failure(struct pipeline *pipeline, const struct event_sync *sync,
			 struct failure *failure, const char *path, size_t length)
{
	char safe[4 * EVENT_PATH_SIZE + 256];

	if (failure->kind == FAILURE_NONE)
		return;
	if (failure->kind == FAILURE_FLUSH)
		failure->error =
			flushlog_error(pipeline->flushes, failure->disk, failure->since_ns);
	if (path)
		format_safe_text(safe, sizeof(safe), path, length);
	failures_judged(pipeline->failures, sync, failure, path ? safe : NULL);
}

/* Nested syncs belong to calls that are looked at themselves. */
static bool is_wanted(const struct pipeline *pipeline, const struct event_sync *sync,
		      const char *path)
{
	return !pipeline->filter || callrow_is_nested(sync) ||
	       scope_holds(pipeline->filter, pipeline->stack, sync, path);
}

static void push_survey(struct pipeline *pipeline, const struct event_sync *sync)
{
	size_t length;
	char *name = take_path(pipeline, sync->id, sync->s_dev, &length);
	struct verdict_facts facts;

	if (is_wanted(pipeline, sync, name)) {
		find_facts(pipeline, &facts, sync);
		facts.losses = facts.losses || runs_skipped(pipeline, sync->exit_ns);
		exposure_surveyed(pipeline->exposure, &facts, name);
	}
	names_surveyed(pipeline->names, sync);
	free(name);
}

static void push_written(struct pipeline *pipeline, const struct event_written *event)
{
	size_t length;
	char *name = take_path(pipeline, event->id, event->s_dev, &length);

	if (event->at_ns >= pipeline->start_ns) {
		exposure_written(pipeline->exposure, event, name);
		names_written(pipeline->names, event, name);
	}
	free(name);
}

static void push_change(struct pipeline *pipeline, const struct event_change *event)
{
	char *bases[CHANGE_SIDES];
	struct names_fs fs = {};
	int64_t row = 0;
	size_t length;
	int i;

	for (i = 0; i < CHANGE_SIDES; i++)
		bases[i] = take_path(pipeline, event->sides[i].id, event->sides[i].base_s_dev,
				     &length);
	if (event->at_ns >= pipeline->start_ns)
		row = names_changed(pipeline->names, event, (const char *const *)bases, &fs);
	commits_wait(pipeline->commits, event, &fs, row,
		     journal_tells(pipeline->stack, fs.order_s_dev));
	for (i = 0; i < CHANGE_SIDES; i++)
		free(bases[i]);
}

static void push_commit(struct pipeline *pipeline, const struct event_sync *sync)
{
	struct verdict_facts facts;

	find_facts(pipeline, &facts, sync);
	commits_done(pipeline->commits, sync, sync->ino, proof_of_commit(&facts) <= PROOF_QUIET,
		     journal_flush(pipeline->flushes, &facts));
}

/* A call was durable, and what it had committed with it. */
static void note_commit(struct pipeline *pipeline, const struct event_sync *sync, int64_t flush_id)
{
	if (sync->order)
		commits_done(pipeline->commits, sync, sync->order, true, flush_id);
	commits_synced(pipeline->commits, sync, flush_id);
}

static void push_sync(struct pipeline *pipeline, const struct event_sync *sync)
{
	struct flush_entry *flush = NULL;
	enum verdict_reason reason;
	struct verdict_facts facts;
	struct verdict verdict;
	size_t length = 0;
	int64_t row = 0;
	bool wanted;
	char *path;

	if (sync->enter_ns < pipeline->start_ns)
		return; /* the kernel's own, from before the audit */
	if (sync->kind == SYNC_SURVEY) {
		push_survey(pipeline, sync);
		return;
	}
	if (sync->kind == SYNC_COMMIT) {
		push_commit(pipeline, sync);
		return;
	}
	find_facts(pipeline, &facts, sync);
	served_facts(pipeline->served, &facts);
	verdict_judge(&verdict, &facts);
	if (may_be_missing_events(&verdict, sync) && !facts.losses &&
	    runs_skipped(pipeline, sync->exit_ns)) {
		facts.losses = true;
		verdict_judge(&verdict, &facts);
	}
	if (verdict.proof_ns)
		flush = flushlog_find(pipeline->flushes, verdict.proof_disk, verdict.proof_ns,
				      sync->exit_ns);
	reason = name_flush(&verdict, sync, flush);
	path = name_call(pipeline, sync, &length);
	wanted = is_wanted(pipeline, sync, path);
	if (wanted)
		row = callrow_store(pipeline->store, pipeline->stack,
				    &(struct callrow){.sync = sync,
						      .verdict = &verdict,
						      .reason = reason,
						      .flush = flush,
						      .path = path,
						      .path_length = length});
	exposure_synced(pipeline->exposure, sync, verdict.kind == VERDICT_DURABLE,
			sync->unaudited ? 0 : row);
	names_synced(pipeline->names, sync, path, verdict.kind, sync->unaudited ? 0 : row);
	if (verdict.kind == VERDICT_DURABLE)
		note_commit(pipeline, sync, flush ? flush->id : 0);
	if (wanted || sync->ret) /* an error is told once, whoever is told it */
		note_failure(pipeline, sync, &verdict.failure, path, length);
	free(path);
	pipeline->syncs[sync->kind]++;
	if (sync->kind == SYNC_KERNEL) {
		innersyncs_push(pipeline->inner, sync, verdict.kind, row);
		return;
	}
	if (row)
		served_join(pipeline->served, sync, verdict.kind, row);
	if (flush && verdict.kind == VERDICT_DURABLE) {
		flush->owned |= !sync->unaudited;
		if (row && !sync->unaudited)
			store_set_flush_owner(pipeline->store, flush->id, row);
		if (row && flush->inner_id)
			store_set_parent(pipeline->store, flush->inner_id, row);
		cover_by_sync(pipeline->cover, sync, flush);
	}
	if (!sync->unaudited)
		cover_wait(pipeline->cover, &verdict, sync, row);
}

/* A doubt about the sync of the backing file is one about the flush, no evidence against it. */
static enum flushlog_inner inner_of(const struct innersync *sync)
{
	if (!sync || sync->verdict == VERDICT_UNPROVEN)
		return INNER_UNSEEN;
	return sync->verdict == VERDICT_DURABLE ? INNER_DURABLE : INNER_BAD;
}

static void push_flush(struct pipeline *pipeline, const struct event_flush *event)
{
	const struct stack_node *node = stack_find(pipeline->stack, event->disk);
	struct flush_entry entry = {
		.issue_ns = event->issue_ns,
		.complete_ns = event->complete_ns,
		.error = event->error,
	};
	const struct innersync *inner;
	char dev[32];

	if (event->issue_ns < pipeline->start_ns)
		return;
	if (!node)
		node = stack_refresh_dev(pipeline->stack, event->disk);
	if (node && node->kind == STACK_LOOP && !node->backing_ram) {
		inner = innersyncs_find(pipeline->inner, node, event);
		entry.inner = inner_of(inner);
		entry.inner_id = inner ? inner->row : 0;
	}
	entry.id = store_add_flush(pipeline->store, format_dev(dev, sizeof(dev), event->disk),
				   event->bio_based ? "bio" : "request", event->issue_ns,
				   event->complete_ns, event->error);
	if (flushlog_add(pipeline->flushes, event->disk, &entry))
		pipeline->rejected++;
	if (flush_counts(&entry))
		cover_by_flush(pipeline->cover, event->disk, &entry);
}

static void push_write(struct pipeline *pipeline, const struct event_write *event)
{
	if (event->at_ns < pipeline->start_ns)
		return;
	failures_push(pipeline->failures, event);
	if (event->error)
		cover_failed(pipeline->cover, event);
}

static void push_mapped(struct pipeline *pipeline, const struct event_mapped *event)
{
	size_t length = 0;
	char *path = callpaths_take(pipeline->paths, event->id, &length);

	interposed_push(pipeline->interposed, pipeline->stack, event, path, length);
	free(path);
}

static void store_swallowed(void *ctx, const struct failure_swallowed *swallowed)
{
	struct pipeline *pipeline = ctx;
	const struct failure *failure = &swallowed->failure;
	const struct failure_call *success = &swallowed->success;
	const struct stack_node *node = stack_find(pipeline->stack, failure->disk);
	char dev[32], text[256], detail[400];
	struct store_finding finding = {
		.kind = finding_kind_name(FINDING_ERROR_SWALLOWED),
		.severity = finding_severity_name(SEVERITY_RISK),
		.path = swallowed->path,
		.detail = detail,
		.since_ns = failure->since_ns,
		.bytes = failure->bytes,
	};

	verdict_describe_failure(text, sizeof(text), failure,
				 node ? node->name : format_dev(dev, sizeof(dev), failure->disk),
				 pipeline->start_ns);
	snprintf(detail, sizeof(detail), "%s; %s by PID %u reported success at %.3f s", text,
		 verdict_sync_kind_name(success->kind), success->pid,
		 (double)(success->at_ns - pipeline->start_ns) / 1e9);
	store_add_finding(pipeline->store, &finding);
}

static bool no_commit_since(void *ctx, uint32_t s_dev, uint64_t since_ns)
{
	struct pipeline *pipeline = ctx;

	return pipeline->last_commit &&
	       journal_quiet_since(pipeline->stack, s_dev, since_ns, pipeline->last_commit,
				   pipeline->commit_ctx);
}

void pipeline_finish(struct pipeline *pipeline)
{
	failures_each_swallowed(pipeline->failures, store_swallowed, pipeline);
	exposure_finish(pipeline->exposure);
	commits_finish(pipeline->commits, no_commit_since, pipeline);
	names_finish(pipeline->names, records_lost(pipeline) || runs_skipped(pipeline, UINT64_MAX));
	namerisks_store(pipeline->store, pipeline->stack);
	renamerisks_store(pipeline->store, pipeline->stack);
	interposed_store(pipeline->interposed, pipeline->store);
}

void pipeline_push(struct pipeline *pipeline, const void *data, size_t size)
{
	struct record record;

	if (decode_record(&record, data, size)) {
		pipeline->rejected++;
		return;
	}
	switch (record.type) {
	case EVENT_PATH:
		callpaths_push(pipeline->paths, &record.path);
		break;
	case EVENT_SYNC:
		push_sync(pipeline, &record.sync);
		break;
	case EVENT_FLUSH:
		push_flush(pipeline, &record.flush);
		break;
	case EVENT_DRAIN:
		cover_drained(pipeline->cover, &record.drain);
		break;
	case EVENT_WRITTEN:
		push_written(pipeline, &record.written);
		break;
	case EVENT_WRITE:
		push_write(pipeline, &record.write);
		break;
	case EVENT_CHANGE:
		push_change(pipeline, &record.change);
		break;
	case EVENT_MAPPED:
		push_mapped(pipeline, &record.mapped);
		break;
	default:
		break;
	}
}
