// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commits.h"
#include "fsmagic.h"
#include "proof.h"

#define DEV   STACK_DEV(254, 1)
#define OTHER STACK_DEV(254, 2)
#define INO   12
#define FLUSH 7

struct world {
	struct store *store;
	struct commits *commits;
	uint64_t now;
	uint64_t last_ns; /* when a commit last ended on OTHER */
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err;

	assert_non_null(w);
	assert_int_equal(store_open(&w->store, &err), 0);
	w->commits = commits_new(w->store);
	assert_non_null(w->commits);
	w->now = 1000;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	assert_null(store_error(w->store));
	commits_free(w->commits);
	store_free(w->store);
	free(w);
	return 0;
}

/* A name of inode INO that @dev changed, in transaction @number. Returns its row. */
static int64_t change(struct world *w, uint32_t dev, uint64_t number)
{
	struct store_change row = {.kind = "rename", .comm = "mv", .grounds = "observed"};
	struct event_change event = {
		.at_ns = w->now + 5,
		.begun_ns = w->now,
		.order = number,
		.ino = INO,
		.s_dev = DEV,
		.generation = 3,
	};
	int64_t id = store_add_change(w->store, &row);

	w->now += 10;
	commits_wait(w->commits, &event, &(struct names_fs){DEV, dev}, id, true);
	return id;
}

static void commit(struct world *w, uint32_t dev, uint64_t number, bool proven)
{
	struct event_sync sync = {.s_dev = dev, .enter_ns = w->now, .exit_ns = w->now + 5};

	w->now += 10;
	commits_done(w->commits, &sync, number, proven, FLUSH);
}

/* Of OTHER alone it is known. */
static bool none_since(void *ctx, uint32_t dev, uint64_t since_ns)
{
	const struct world *w = ctx;

	return dev == OTHER && since_ns >= w->last_ns;
}

#define assert_stands(w, row, wanted)                                                              \
	do {                                                                                       \
		char sql[128];                                                                     \
		snprintf(sql, sizeof(sql),                                                         \
			 "SELECT filesystem = '%s' AND ('%s' <> 'durable' OR flush_id = %d)"       \
			 " FROM changes WHERE id = %d",                                            \
			 wanted, wanted, FLUSH, (int)(row));                                       \
		assert_int_equal(store_number((w)->store, sql), 1);                                \
	} while (0)

static void what_is_in_a_transaction_is_durable_with_it(void **state)
{
	struct world *w = *state;
	int64_t before = change(w, DEV, 4), in = change(w, DEV, 5), after = change(w, DEV, 6);
	int64_t elsewhere = change(w, OTHER, 5);

	assert_stands(w, in, "unproven");
	commit(w, DEV, 5, true);
	assert_stands(w, before, "durable");
	assert_stands(w, in, "durable");
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM changes"
						" WHERE durable_by = 'transaction'"),
			 2);
	assert_stands(w, after, "unproven");
	assert_stands(w, elsewhere, "unproven");
	commits_finish(w->commits, none_since, w);
	assert_stands(w, after, "not-durable");
	assert_stands(w, elsewhere, "not-durable");
	assert_stands(w, in, "durable");
}

static void numbers_begin_anew(void **state)
{
	struct world *w = *state;
	int64_t before = change(w, DEV, UINT32_MAX), after = change(w, DEV, 1);

	commit(w, DEV, 0, true);
	assert_stands(w, before, "durable");
	assert_stands(w, after, "unproven");
}

/* Whether it reached stable media is not known, until one does that comes later. */
static void a_commit_without_proof_is_a_doubt(void **state)
{
	struct world *w = *state;
	int64_t first = change(w, DEV, 5), last = change(w, DEV, 6);

	commit(w, DEV, 5, false);
	commits_finish(w->commits, none_since, w);
	assert_stands(w, first, "unproven");
	assert_stands(w, last, "not-durable");
	commit(w, DEV, 6, true);
	assert_stands(w, first, "durable");
	assert_stands(w, last, "durable");
}

/* dirsync: the commit is over before the call returns. */
static void a_commit_that_was_told_before(void **state)
{
	struct world *w = *state;
	struct event_change event = {.order = 5, .begun_ns = w->now};
	struct store_change row = {.kind = "rename", .comm = "mv", .grounds = "observed"};
	int64_t stale, in = store_add_change(w->store, &row);

	commit(w, DEV, 5, true);
	event.at_ns = w->now;
	commits_wait(w->commits, &event, &(struct names_fs){DEV, DEV}, in, true);
	assert_stands(w, in, "durable");
	/* One that began later, with a number from before: the device was formatted. */
	stale = change(w, DEV, 2);
	assert_stands(w, stale, "unproven");
}

/* Where commits are not told, that none was is no evidence. */
static void no_evidence_where_commits_are_not_told(void **state)
{
	struct world *w = *state;
	struct event_change event = {.order = 5};
	struct store_change row = {.kind = "rename", .comm = "mv", .grounds = "observed"};
	int64_t id = store_add_change(w->store, &row);

	commits_wait(w->commits, &event, &(struct names_fs){DEV, DEV}, id, false);
	commits_finish(w->commits, none_since, w);
	assert_stands(w, id, "unproven");
}

/* But that none ended at all is. */
static void no_commit_ended_since(void **state)
{
	struct world *w = *state;
	struct event_change event = {0};
	struct store_change row = {.kind = "rename", .comm = "mv", .grounds = "observed"};
	int64_t before = store_add_change(w->store, &row), after = store_add_change(w->store, &row);

	w->last_ns = 100;
	event.begun_ns = 99;
	commits_wait(w->commits, &event, &(struct names_fs){OTHER, 0}, before, false);
	event.begun_ns = 100;
	commits_wait(w->commits, &event, &(struct names_fs){OTHER, 0}, after, false);
	commit(w, OTHER, 5, true); /* they have no number */
	commits_finish(w->commits, none_since, w);
	assert_stands(w, before, "unproven");
	assert_stands(w, after, "not-durable");
}

static struct event_sync fsync_of(struct world *w, uint64_t magic, uint64_t enter_ns)
{
	return (struct event_sync){
		.kind = SYNC_FSYNC,
		.s_dev = DEV,
		.ino = INO,
		.generation = 3,
		.fs_magic = magic,
		.enter_ns = enter_ns,
		.exit_ns = w->now += 10,
	};
}

/* On file systems that log what a file is named with it. */
static void a_name_is_durable_with_its_file(void **state)
{
	static const uint64_t keeping[] = {FSMAGIC_XFS, FSMAGIC_BTRFS, FSMAGIC_F2FS};
	struct world *w = *state;
	struct event_sync sync;
	size_t i;

	for (i = 0; i < sizeof(keeping) / sizeof(keeping[0]); i++) {
		int64_t first = change(w, 0, 0), second = change(w, DEV, 40);

		sync = fsync_of(w, keeping[i], w->now);
		commits_synced(w->commits, &sync, FLUSH);
		assert_stands(w, first, "durable");
		assert_stands(w, second, "durable");
	}
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM changes"
						" WHERE durable_by = 'file'"),
			 6);
}

static void not_by_another_call(void **state)
{
	struct world *w = *state;
	int64_t row = change(w, DEV, 40);
	struct event_sync sync = fsync_of(w, FSMAGIC_EXT4, w->now);

	commits_synced(w->commits, &sync, FLUSH);
	sync = fsync_of(w, FSMAGIC_XFS, w->now);
	sync.ino++;
	commits_synced(w->commits, &sync, FLUSH);
	sync = fsync_of(w, FSMAGIC_XFS, w->now);
	sync.generation++; /* a later file of the same number */
	commits_synced(w->commits, &sync, FLUSH);
	sync = fsync_of(w, FSMAGIC_XFS, w->now);
	sync.flags = SYNC_DATASYNC;
	commits_synced(w->commits, &sync, FLUSH);
	sync.flags = SYNC_WHOLE_FS;
	commits_synced(w->commits, &sync, FLUSH);
	sync.flags = 0;
	sync.kind = SYNC_MSYNC;
	commits_synced(w->commits, &sync, FLUSH);
	sync = fsync_of(w, FSMAGIC_XFS, 1000); /* it was under way */
	commits_synced(w->commits, &sync, FLUSH);
	assert_stands(w, row, "unproven");
	sync = fsync_of(w, FSMAGIC_XFS, w->now);
	commits_synced(w->commits, &sync, FLUSH);
	assert_stands(w, row, "durable");
}

/* f2fs: by a checkpoint that a call about anything else was for. */
static void a_checkpoint_has_all_before_it(void **state)
{
	struct world *w = *state;
	int64_t before = change(w, 0, 0), numbered = change(w, OTHER, 7), after;
	struct event_sync sync = fsync_of(w, FSMAGIC_F2FS, w->now);

	sync.ino++;
	sync.flags = SYNC_DIRECTORY;
	commits_synced(w->commits, &sync, FLUSH);
	assert_stands(w, before, "unproven");
	sync.flags |= SYNC_CHECKPOINT;
	sync.fs_magic = FSMAGIC_EXT4;
	commits_synced(w->commits, &sync, FLUSH);
	assert_stands(w, before, "unproven");
	sync.fs_magic = FSMAGIC_F2FS;
	after = change(w, 0, 0); /* it was over only when the call was under way */
	commits_synced(w->commits, &sync, FLUSH);
	assert_stands(w, before, "durable");
	assert_stands(w, after, "unproven");
	assert_stands(w, numbered, "unproven"); /* of another file system */
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM changes"
						" WHERE durable_by = 'checkpoint'"),
			 1);
	sync.enter_ns = w->now;
	commits_synced(w->commits, &sync, FLUSH);
	assert_stands(w, after, "durable");
	commits_finish(w->commits, none_since, w);
	assert_stands(w, before, "durable");
}

/* Either way, and the other one after it. */
static void what_settles_first_counts(void **state)
{
	struct world *w = *state;
	struct event_sync sync;
	int64_t row = change(w, DEV, 40), next;

	commit(w, DEV, 40, true);
	assert_stands(w, row, "durable");
	next = change(w, DEV, 41);
	sync = fsync_of(w, FSMAGIC_XFS, w->now);
	commits_synced(w->commits, &sync, FLUSH);
	assert_stands(w, next, "durable");
	commit(w, DEV, 41, true);
	commits_finish(w->commits, none_since, w);
	assert_stands(w, row, "durable");
	assert_stands(w, next, "durable");
}

/* btrfs names the last transaction at each call: what is in a later one waits on. */
static void a_number_that_is_told_again(void **state)
{
	struct world *w = *state;
	int64_t row;

	commit(w, DEV, 7, true);
	row = change(w, DEV, 8);
	commit(w, DEV, 7, true);
	assert_stands(w, row, "unproven");
	commit(w, DEV, 8, true);
	assert_stands(w, row, "durable");
}

/* --- the proof of a commit --- */

struct committed {
	struct event_sync sync;
	struct verdict_facts facts;
};

/* From 1000 to 2000: the record was asked for with a flush at 1500, and ended at 1900 with FUA. */
static void make(struct committed *c)
{
	memset(c, 0, sizeof(*c));
	c->sync = (struct event_sync){
		.kind = SYNC_COMMIT,
		.flags = SYNC_WHOLE_FS | SYNC_TID_KNOWN,
		.enter_ns = 1000,
		.exit_ns = 2000,
		.own_bytes = 8192,
		.own_meta_done_ns = 1400,
		.fs_magic = FSMAGIC_EXT4,
		.nr_devices = 1,
		.devices[0] = {.roles = DEVICE_DATA | DEVICE_LOG | DEVICE_LEAF,
			       .cache = CACHE_BIT_KNOWN | CACHE_BIT_WRITE_BACK | CACHE_BIT_FUA,
			       .commit_queued_ns = 1500,
			       .commit_flush_ns = 1500,
			       .commit_done_ns = 1900,
			       .commit_stable_ns = 1900},
	};
	c->facts.sync = &c->sync;
	c->facts.nr_devices = 1;
	c->facts.devices[0] = (struct verdict_device){
		.event = &c->sync.devices[0], .cache = CACHE_VOLATILE, .name = "vda"};
}

static bool proven(const struct committed *c)
{
	return proof_of_commit(&c->facts) <= PROOF_QUIET;
}

static void a_commit_is_proven_by_its_record(void **state)
{
	struct committed c;

	(void)state;
	make(&c);
	assert_true(proven(&c));
	c.sync.devices[0].commit_stable_ns = 0; /* no FUA, and no flush after it */
	assert_false(proven(&c));
	c.facts.devices[0].watermark_ns = 1899;
	assert_false(proven(&c));
	c.facts.devices[0].watermark_ns = 1900;
	assert_true(proven(&c));
	make(&c);
	c.sync.devices[0].commit_done_ns = c.sync.devices[0].commit_stable_ns = 999;
	c.facts.devices[0].watermark_ns = 1900;
	assert_false(proven(&c)); /* one from before */
}

/* The super block of the journal is written like a record, and before what it then could not do. */
static void a_commit_that_was_given_up(void **state)
{
	struct committed c;

	(void)state;
	make(&c);
	c.sync.own_meta_done_ns = 1901;
	assert_false(proven(&c));
	make(&c);
	c.sync.flags |= SYNC_TID_UNCOMMITTED;
	assert_false(proven(&c));
	make(&c);
	c.sync.own_errors = 1;
	assert_false(proven(&c));
	make(&c);
	c.sync.own_meta_pending = 1;
	assert_false(proven(&c));
	make(&c);
	c.sync.flags |= SYNC_TOUCHED_BY_LOSS;
	assert_false(proven(&c));
}

static void a_commit_without_a_cache_or_barriers(void **state)
{
	struct committed c;

	(void)state;
	make(&c);
	c.facts.nobarrier = true;
	assert_false(proven(&c));
	make(&c);
	c.facts.async_commit = true;
	assert_false(proven(&c));
	make(&c);
	c.sync.devices[0].cache = CACHE_BIT_KNOWN;
	c.facts.devices[0].cache = CACHE_OVERRIDDEN;
	assert_false(proven(&c));
	c.facts.devices[0].cache = CACHE_NONE;
	c.sync.devices[0].commit_done_ns = c.sync.devices[0].commit_stable_ns = 0;
	assert_true(proven(&c));
	c.sync.flags &= ~SYNC_TID_KNOWN; /* whether it was given up is not known (5.10) */
	assert_false(proven(&c));
	make(&c);
	c.sync.devices[0].cache = CACHE_BIT_KNOWN;
	c.facts.devices[0].cache = CACHE_NONE;
	c.sync.own_bytes = 0; /* it was given up before */
	assert_false(proven(&c));
	make(&c);
	c.facts.nr_devices = 0;
	assert_false(proven(&c));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_in_a_transaction_is_durable_with_it),
		T(numbers_begin_anew),
		T(a_commit_without_proof_is_a_doubt),
		T(a_commit_that_was_told_before),
		T(no_evidence_where_commits_are_not_told),
		T(no_commit_ended_since),
		T(a_name_is_durable_with_its_file),
		T(not_by_another_call),
		T(a_checkpoint_has_all_before_it),
		T(what_settles_first_counts),
		T(a_number_that_is_told_again),
		cmocka_unit_test(a_commit_is_proven_by_its_record),
		cmocka_unit_test(a_commit_that_was_given_up),
		cmocka_unit_test(a_commit_without_a_cache_or_barriers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
