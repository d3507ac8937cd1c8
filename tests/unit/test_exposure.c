// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exposure.h"
#include "survey.h"

/* One file of one file system on vda. */

#define VDA	   STACK_DEV(254, 0)
#define INO	   12
#define GENERATION 7
#define START	   1000
#define ROW	   77

struct world {
	struct store *store;
	struct flushlog *flushes;
	struct exposure *exposure;
	struct event_sync sync;
	struct verdict_facts facts;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err;

	assert_non_null(w);
	assert_int_equal(store_open(&w->store, &err), 0);
	w->flushes = flushlog_new();
	assert_non_null(w->flushes);
	w->exposure = exposure_new(w->store, w->flushes);
	assert_non_null(w->exposure);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	exposure_free(w->exposure);
	flushlog_free(w->flushes);
	store_free(w->store);
	free(w);
	return 0;
}

static void write_file(struct world *w, const char *name)
{
	struct event_written event = {.at_ns = START + 10,
				      .ino = INO,
				      .s_dev = VDA,
				      .generation = GENERATION,
				      .pid = 55,
				      .comm = "writer"};

	exposure_written(w->exposure, &event, name);
}

/* A call, or a survey, that finds @bytes written since @since_ns. */
static void make(struct world *w, enum event_sync_kind kind, uint64_t at_ns, uint64_t since_ns,
		 uint64_t bytes)
{
	memset(&w->sync, 0, sizeof(w->sync));
	memset(&w->facts, 0, sizeof(w->facts));
	w->sync = (struct event_sync){
		.kind = kind,
		.enter_ns = at_ns,
		.exit_ns = at_ns + 5,
		.s_dev = VDA,
		.ino = INO,
		.generation = GENERATION,
		.size = 1 << 20,
		.written_ns = since_ns,
		.written_bytes = bytes,
		.nr_devices = 1,
	};
	w->sync.devices[0] =
		(struct event_device){.disk = VDA, .roles = DEVICE_DATA | DEVICE_LOG | DEVICE_LEAF};
	w->facts.sync = &w->sync;
	w->facts.start_ns = START;
	w->facts.nr_devices = 1;
	w->facts.devices[0].event = &w->sync.devices[0];
	w->facts.devices[0].cache = CACHE_VOLATILE;
	strcpy(w->facts.devices[0].name, "vda");
}

static void call(struct world *w, uint64_t at_ns, uint64_t since_ns, uint64_t bytes, bool durable)
{
	make(w, SYNC_FSYNC, at_ns, since_ns, bytes);
	exposure_synced(w->exposure, &w->sync, durable, ROW);
}

static void survey_dirty(struct world *w, const char *name)
{
	w->sync.flags |= SYNC_DIRTY_EXIT;
	exposure_surveyed(w->exposure, &w->facts, name);
}

static int64_t count(struct world *w, const char *where)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM findings WHERE kind = 'never-synced' AND (%s)", where);
	return store_number(w->store, sql);
}

/* --- what the facts show --- */

static enum survey_state judged(struct world *w)
{
	const char *device;

	return survey_judge(&w->facts, &device);
}

static void nothing_is_shown(void **state)
{
	struct world *w = *state;

	make(w, SYNC_SURVEY, 5000, 2000, 4096);
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
	/* Written and flushed since. */
	w->sync.devices[0].last_done_ns = 3000;
	w->facts.devices[0].watermark_ns = 3000;
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
	/* No cache: completion is enough. */
	w->facts.devices[0].watermark_ns = 0;
	w->facts.devices[0].cache = CACHE_NONE;
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
}

static void each_state_is_told(void **state)
{
	struct world *w = *state;

	make(w, SYNC_SURVEY, 5000, 2000, 4096);
	w->sync.devices[0].last_done_ns = 3000;
	w->facts.devices[0].watermark_ns = 2999;
	assert_int_equal(judged(w), SURVEY_UNFLUSHED);
	w->sync.devices[0].inflight_bytes = 4096;
	assert_int_equal(judged(w), SURVEY_IN_FLIGHT);
	w->sync.flags = SYNC_DIRTY_EXIT;
	assert_int_equal(judged(w), SURVEY_DIRTY);
	make(w, SYNC_SURVEY, 5000, 2000, 4096);
	w->sync.flags = SYNC_TID_KNOWN | SYNC_TID_NEEDED;
	assert_int_equal(judged(w), SURVEY_UNCOMMITTED);
	w->facts.fast_commit = true; /* another file's may have committed it */
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
	w->facts.fast_commit = false;
	w->sync.flags = SYNC_TID_KNOWN;
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
}

static void doubt_is_no_finding(void **state)
{
	struct world *w = *state;

	make(w, SYNC_SURVEY, 5000, 2000, 4096);
	w->sync.devices[0].last_done_ns = 3000;
	w->facts.losses = true;
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
	w->sync.flags = SYNC_DIRTY_EXIT; /* the kernel's own mark needs no events */
	assert_int_equal(judged(w), SURVEY_DIRTY);
	w->sync.flags = 0;
	w->facts.losses = false;
	assert_int_equal(judged(w), SURVEY_UNFLUSHED);
	w->sync.devices[0].slot_vague = 1; /* it may be another file's */
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
	w->sync.devices[0].slot_vague = 0;
	w->facts.devices[0].unseen_watermark_ns = 3000; /* a loop device's flush, unseen below */
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
	w->facts.devices[0].unseen_watermark_ns = 0;
	w->facts.start_ns = 3000; /* from before the audit */
	assert_int_equal(judged(w), SURVEY_NOT_SHOWN);
}

/* --- findings --- */

static void a_file_that_nobody_synced(void **state)
{
	struct world *w = *state;

	write_file(w, "dir/tmp");
	make(w, SYNC_SURVEY, 5000, 2000, 8192);
	survey_dirty(w, "dir/tmp");
	assert_int_equal(count(w, "severity = 'risk' AND path = 'dir/tmp' AND bytes = 8192 AND "
				  "since_ns = 2000 AND detail LIKE '%writer (PID 55)%memory%' AND "
				  "detail NOT LIKE '%it was%'"),
			 1);
}

static void a_file_that_was_renamed(void **state)
{
	struct world *w = *state;

	write_file(w, "dir/t\001mp");
	make(w, SYNC_SURVEY, 5000, 2000, 8192);
	w->sync.size = 100; /* pages are whole, files are not */
	survey_dirty(w, "dir/fi\nnal");
	assert_int_equal(count(w, "path = 'dir/fi\\nnal' AND bytes = 100 AND "
				  "detail LIKE '%it was dir/t\\x01mp%'"),
			 1);
}

static void a_file_that_was_synced(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	call(w, 3000, 2000, 8192, true);
	make(w, SYNC_SURVEY, 5000, 0, 0); /* made dirty by who is not audited */
	survey_dirty(w, "f");
	assert_int_equal(count(w, "1"), 0);
	exposure_finish(w->exposure);
	assert_int_equal(store_number(w->store, "SELECT value FROM meta WHERE key = 'exposed_ns'"),
			 3005 - 2000);
}

static void a_file_that_was_written_after_its_sync(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	call(w, 3000, 2000, 8192, true);
	make(w, SYNC_SURVEY, 5000, 4000, 4096);
	survey_dirty(w, "f");
	assert_int_equal(count(w, "bytes = 4096 AND since_ns = 4000 AND "
				  "detail LIKE '%8192 bytes at the worst%'"),
			 1);
}

/* The call itself is blamed; nothing was written after it. */
static void a_call_that_was_not_durable(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	call(w, 3000, 2000, 8192, false);
	make(w, SYNC_SURVEY, 5000, 0, 0);
	w->sync.devices[0].last_done_ns = 2500;
	exposure_surveyed(w->exposure, &w->facts, "f");
	assert_int_equal(count(w, "1"), 0);
}

static void what_a_file_system_sync_made_durable(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	call(w, 3000, 2000, 8192, false);
	make(w, SYNC_SYNCFS, 4000, 0, 0);
	w->sync.flags = SYNC_WHOLE_FS;
	w->sync.s_dev = VDA + 1;
	exposure_synced(w->exposure, &w->sync, true, ROW);
	exposure_finish(w->exposure);
	assert_int_equal(
		store_number(w->store, "SELECT count(*) FROM meta WHERE key = 'exposed_ns'"), 0);
	w->sync.s_dev = VDA;
	exposure_synced(w->exposure, &w->sync, true, ROW);
	exposure_finish(w->exposure);
	assert_int_equal(store_number(w->store, "SELECT value FROM meta WHERE key = 'exposed_ns'"),
			 4005 - 2000);
}

static void an_output_that_was_handed_down(void **state)
{
	struct world *w = *state;

	exposure_inherited(w->exposure, VDA, INO);
	write_file(w, "log");
	make(w, SYNC_SURVEY, 5000, 2000, 8192);
	survey_dirty(w, "log");
	assert_int_equal(count(w, "severity = 'advice'"), 1);
}

static void nobody_audited_wrote_it(void **state)
{
	struct world *w = *state;

	make(w, SYNC_SURVEY, 5000, 2000, 8192);
	survey_dirty(w, "f");
	write_file(w, "f");
	w->sync.generation++; /* another file of the same number */
	survey_dirty(w, "f");
	assert_int_equal(count(w, "1"), 0);
}

static void no_name(void **state)
{
	struct world *w = *state;

	write_file(w, NULL);
	make(w, SYNC_SURVEY, 5000, 2000, 8192);
	survey_dirty(w, NULL);
	assert_int_equal(count(w, "path IS NULL"), 1);
}

/* --- every file --- */

static int64_t row(struct world *w, const char *where)
{
	char sql[512];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM exposures WHERE %s", where);
	return store_number(w->store, sql);
}

/* Its newest write ended at 3000, and a flush at 3100 covers it. */
static void survey_flushed(struct world *w, uint64_t at_ns, uint64_t since_ns)
{
	const struct flush_entry flush = {.id = 9, .issue_ns = 3050, .complete_ns = 3100};

	assert_int_equal(flushlog_add(w->flushes, VDA, &flush), 0);
	make(w, SYNC_SURVEY, at_ns, since_ns, 8192);
	w->sync.devices[0].cache = CACHE_BIT_KNOWN | CACHE_BIT_WRITE_BACK;
	w->sync.devices[0].last_done_ns = 3000;
	w->facts.devices[0].watermark_ns = 3050;
}

static void flushed_needs_proof(void **state)
{
	struct world *w = *state;

	survey_flushed(w, 5000, 2000);
	assert_true(survey_is_flushed(&w->facts));
	w->facts.devices[0].watermark_ns = 2999;
	assert_false(survey_is_flushed(&w->facts));
	w->facts.devices[0].watermark_ns = 3000;
	assert_true(survey_is_flushed(&w->facts));
	w->sync.devices[0].inflight_bytes = 1;
	assert_false(survey_is_flushed(&w->facts));
	w->sync.devices[0].inflight_bytes = 0;
	w->sync.devices[0].unattributed_done_ns = 3001; /* it may be this file's */
	assert_false(survey_is_flushed(&w->facts));
	w->sync.devices[0].unattributed_done_ns = 0;
	w->sync.devices[0].slot_vague = 1;
	assert_false(survey_is_flushed(&w->facts));
	w->sync.devices[0].slot_vague = 0;
	w->sync.flags = SYNC_DIRTY_EXIT;
	assert_false(survey_is_flushed(&w->facts));
	w->sync.flags = 0;
	w->facts.losses = true;
	assert_false(survey_is_flushed(&w->facts));
	w->facts.losses = false;
	w->facts.no_checkpoint = true;
	assert_false(survey_is_flushed(&w->facts));
	w->facts.no_checkpoint = false;
	w->facts.start_ns = 3000; /* no write of it was seen */
	assert_false(survey_is_flushed(&w->facts));
	w->facts.start_ns = START;
	assert_true(survey_is_flushed(&w->facts));
	/* What leads to it: the journal's own numbers tell, where the mount has barriers. */
	assert_false(survey_is_committed(&w->facts));
	w->sync.flags = SYNC_TID_KNOWN;
	assert_true(survey_is_committed(&w->facts));
	w->facts.nobarrier = true;
	assert_false(survey_is_committed(&w->facts));
	w->facts.nobarrier = false;
	w->sync.flags |= SYNC_TID_NEEDED;
	assert_false(survey_is_committed(&w->facts));
}

static void written_back(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	survey_flushed(w, 5000, 2000);
	exposure_surveyed(w->exposure, &w->facts, "g");
	exposure_finish(w->exposure);
	assert_int_equal(row(w, "path = 'g' AND state = 'written-back' AND flush_id = 9 AND "
				"flushed_after_ns = 1100 AND longest_ns = 1100 AND left_bytes = 0 "
				"AND bytes = 8192 AND detail LIKE '%not known'"),
			 1);
	assert_int_equal(count(w, "1"), 0);
}

/* The flush was too old to be kept: then nobody knows when. */
static void written_back_at_a_time_that_is_not_known(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	survey_flushed(w, 5000, 2000);
	w->sync.devices[0].last_done_ns = 3060;
	w->facts.devices[0].watermark_ns = 3070;
	exposure_surveyed(w->exposure, &w->facts, "f");
	exposure_finish(w->exposure);
	assert_int_equal(row(w, "state = 'unknown' AND flush_id IS NULL"), 1);
}

static void synced_with_all_others(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	make(w, SYNC_SYNCFS, 3200, 0, 0);
	w->sync.flags = SYNC_WHOLE_FS;
	exposure_synced(w->exposure, &w->sync, true, ROW);
	survey_flushed(w, 5000, 2000);
	exposure_surveyed(w->exposure, &w->facts, "f");
	exposure_finish(w->exposure);
	assert_int_equal(row(w, "state = 'durable' AND sync_id = 77 AND longest_ns = 3205 - 2000"),
			 1);
}

/* What is at risk was written after that. */
static void written_after_all_were_synced(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	make(w, SYNC_SYNCFS, 3200, 0, 0);
	w->sync.flags = SYNC_WHOLE_FS;
	exposure_synced(w->exposure, &w->sync, true, ROW);
	make(w, SYNC_SURVEY, 3300, 2000, 8192);
	survey_dirty(w, "f");
	exposure_finish(w->exposure);
	assert_int_equal(count(w, "since_ns = 3200"), 1);
	assert_int_equal(row(w, "state = 'at-risk' AND longest_ns = 3205 - 2000"), 1);
}

static void as_the_calls_left_them(void **state)
{
	struct world *w = *state;

	write_file(w, "f");
	exposure_finish(w->exposure);
	assert_int_equal(row(w, "state = 'gone' AND longest_ns = 0 AND path = 'f'"), 1);
	call(w, 3000, 2000, 8192, true);
	call(w, 4000, 3500, 4096, true);
	exposure_finish(w->exposure);
	assert_int_equal(row(w, "state = 'durable' AND syncs = 2 AND sync_id = 77 AND bytes = 12288"
				" AND peak_bytes = 8192 AND longest_ns = 1005"),
			 1);
	call(w, 5000, 4500, 4096, false);
	exposure_finish(w->exposure);
	assert_int_equal(row(w, "state = 'not-durable'"), 1);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(nothing_is_shown),
		FRESH(each_state_is_told),
		FRESH(doubt_is_no_finding),
		FRESH(a_file_that_nobody_synced),
		FRESH(a_file_that_was_renamed),
		FRESH(a_file_that_was_synced),
		FRESH(a_file_that_was_written_after_its_sync),
		FRESH(a_call_that_was_not_durable),
		FRESH(what_a_file_system_sync_made_durable),
		FRESH(an_output_that_was_handed_down),
		FRESH(nobody_audited_wrote_it),
		FRESH(no_name),
		FRESH(flushed_needs_proof),
		FRESH(written_back),
		FRESH(written_back_at_a_time_that_is_not_known),
		FRESH(synced_with_all_others),
		FRESH(written_after_all_were_synced),
		FRESH(as_the_calls_left_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
