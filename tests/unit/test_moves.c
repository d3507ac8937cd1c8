// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "moves.h"

#define FS 0x800010

struct world {
	struct store *store;
	struct moves *moves;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err;

	assert_non_null(w);
	assert_int_equal(store_open(&w->store, &err), 0);
	w->moves = moves_new(w->store);
	assert_non_null(w->moves);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	moves_free(w->moves);
	assert_null(store_error(w->store));
	store_free(w->store);
	free(w);
	return 0;
}

static void write_to(struct world *w, uint64_t ino, const char *name)
{
	struct event_written event = {.ino = ino, .s_dev = FS, .generation = 7};

	moves_written(w->moves, &event, name);
}

/* @ino: 0, it is not known what was moved. */
static void move(struct world *w, uint64_t at_ns, int64_t row, uint64_t ino, const char *from,
		 const char *to)
{
	struct event_change change = {.at_ns = at_ns, .kind = CHANGE_RENAME};

	if (ino) {
		change.facts = CHANGE_SEEN;
		change.ino = ino;
		change.s_dev = FS;
		change.generation = 7;
	}
	moves_moved(w->moves, &change, row, from, to);
}

/* An fsync, 10 long; it found data from @written_ns on, 0: none. */
static void sync_file(struct world *w, uint64_t enter_ns, uint64_t ino, uint64_t written_ns,
		      enum verdict_kind verdict, int64_t row)
{
	struct event_sync sync = {
		.kind = SYNC_FSYNC,
		.enter_ns = enter_ns,
		.exit_ns = enter_ns + 10,
		.s_dev = FS,
		.ino = ino,
		.generation = 7,
		.written_ns = written_ns,
	};

	moves_synced(w->moves, &sync, verdict, row);
}

static void sync_whole(struct world *w, uint64_t enter_ns, int64_t row)
{
	struct event_sync sync = {
		.kind = SYNC_SYNCFS,
		.enter_ns = enter_ns,
		.exit_ns = enter_ns + 10,
		.s_dev = FS,
		.flags = SYNC_WHOLE_FS,
	};

	moves_synced(w->moves, &sync, VERDICT_DURABLE, row);
}

static void survey(struct world *w, uint64_t ino, uint64_t written_ns)
{
	struct event_sync sync = {.kind = SYNC_SURVEY,
				  .s_dev = FS,
				  .ino = ino,
				  .generation = 7,
				  .written_ns = written_ns};

	moves_surveyed(w->moves, &sync);
}

static void assert_moved(struct world *w, int64_t row, const char *path, const char *data,
			 int64_t since_ns, int64_t sync_id)
{
	char sql[512];

	moves_finish(w->moves); /* the same rows again */
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM moved WHERE change_id = %lld AND path = '%s' AND data = '%s'"
		 " AND coalesce(since_ns, 0) = %lld AND coalesce(sync_id, 0) = %lld",
		 (long long)row, path, data, (long long)since_ns, (long long)sync_id);
	assert_int_equal(store_number(w->store, sql), 1);
}

static void assert_nothing(struct world *w)
{
	moves_finish(w->moves);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM moved"), 0);
}

static void synced_before_or_not(void **state)
{
	struct world *w = *state;

	write_to(w, 1, "/t");
	sync_file(w, 100, 1, 50, VERDICT_DURABLE, 5);
	move(w, 200, 1, 1, "/t", "/f");
	write_to(w, 2, "/u");
	move(w, 300, 2, 2, "/u", "/g");
	sync_file(w, 400, 2, 250, VERDICT_DURABLE, 6);
	survey(w, 1, 0);
	assert_moved(w, 1, "/f", "durable", 0, 5);
	assert_moved(w, 2, "/g", "not-durable", 250, 6);
}

static bool left(void *ctx, const struct fileid *file, uint64_t *since_ns)
{
	const int64_t *oldest = ctx;

	assert_int_equal(file->s_dev, FS);
	assert_int_equal(file->generation, 7);
	if (*oldest < 0)
		return false;
	*since_ns = *oldest;
	return true;
}

/* Files that are gone before the next call for them, or the survey. */
static void what_is_left_a_moment_later_tells(void **state)
{
	struct world *w = *state;
	int64_t oldest = 0;

	moves_on_left(w->moves, left, &oldest);
	write_to(w, 1, "/t");
	sync_file(w, 100, 1, 50, VERDICT_DURABLE, 5);
	move(w, 200, 1, 1, "/t", "/f"); /* nothing was */
	oldest = 150;
	move(w, 210, 2, 1, "/f", "/g"); /* it was written to again before */
	oldest = 250;
	move(w, 220, 3, 1, "/g", "/h"); /* after */
	oldest = -1;
	move(w, 230, 4, 1, "/h", "/i");
	oldest = 0;
	write_to(w, 2, "/u");
	move(w, 300, 5, 2, "/u", "/v"); /* no call is known that made it durable */
	assert_moved(w, 1, "/f", "durable", 0, 5);
	assert_moved(w, 2, "/g", "not-durable", 150, 0);
	assert_moved(w, 3, "/h", "durable", 0, 5);
	assert_moved(w, 4, "/i", "unproven", 0, 0);
	assert_moved(w, 5, "/v", "unproven", 0, 0);
}

/* It takes what was there when it enters, and is told of when it returns. */
static void a_call_between_the_rename_and_the_look(void **state)
{
	struct world *w = *state;
	int64_t oldest = 0;

	moves_on_left(w->moves, left, &oldest);
	write_to(w, 1, "/t");
	sync_file(w, 100, 1, 50, VERDICT_DURABLE, 5);
	move(w, 200, 1, 1, "/t", "/f");
	sync_file(w, 190, 1, 150, VERDICT_DURABLE, 6);
	survey(w, 1, 0);
	assert_moved(w, 1, "/f", "not-durable", 150, 0);
	write_to(w, 2, "/u");
	move(w, 300, 2, 2, "/u", "/v");
	sync_file(w, 310, 2, 250, VERDICT_DURABLE, 7);
	sync_file(w, 400, 2, 350, VERDICT_DURABLE, 8);
	assert_moved(w, 2, "/v", "not-durable", 250, 7);
}

static void data_that_came_after_does_not_count(void **state)
{
	struct world *w = *state;

	write_to(w, 1, "/t");
	sync_file(w, 100, 1, 50, VERDICT_DURABLE, 5);
	move(w, 200, 1, 1, "/t", "/f");
	survey(w, 1, 300);
	assert_moved(w, 1, "/f", "durable", 0, 5);
}

static void never_synced(void **state)
{
	struct world *w = *state;

	write_to(w, 1, "/t");
	move(w, 200, 1, 1, "/t", "/f");
	survey(w, 1, 50);
	assert_moved(w, 1, "/f", "not-durable", 50, 0);
}

static void a_call_that_was_not_durable(void **state)
{
	struct world *w = *state;

	write_to(w, 1, "/t");
	sync_file(w, 100, 1, 50, VERDICT_NOT_DURABLE, 5);
	move(w, 200, 1, 1, "/t", "/f");
	sync_file(w, 300, 1, 0, VERDICT_DURABLE, 6);
	assert_moved(w, 1, "/f", "not-durable", 50, 6);
	write_to(w, 2, "/u");
	sync_file(w, 400, 2, 350, VERDICT_UNPROVEN, 7);
	move(w, 500, 2, 2, "/u", "/g");
	assert_moved(w, 2, "/g", "unproven", 350, 0);
}

static void what_nobody_looked_at_is_not_known(void **state)
{
	struct world *w = *state;

	write_to(w, 1, "/t");
	move(w, 200, 1, 1, "/t", "/f");
	assert_moved(w, 1, "/f", "unproven", 0, 0);
	survey(w, 1, 0); /* it was written to in a way that is not followed */
	assert_moved(w, 1, "/f", "unproven", 0, 0);
}

static void with_all_of_its_file_system(void **state)
{
	struct world *w = *state;

	write_to(w, 1, "/t");
	sync_whole(w, 100, 5);
	move(w, 200, 1, 1, "/t", "/f");
	survey(w, 1, 0);
	assert_moved(w, 1, "/f", "durable", 0, 5);
	write_to(w, 2, "/u");
	sync_whole(w, 300, 6);
	move(w, 400, 2, 2, "/u", "/g");
	survey(w, 2, 250); /* more since the call? it does not tell */
	assert_moved(w, 2, "/g", "unproven", 0, 0);
	write_to(w, 3, "/v");
	move(w, 500, 3, 3, "/v", "/h");
	sync_whole(w, 600, 7);
	survey(w, 3, 450);
	assert_moved(w, 3, "/h", "not-durable", 450, 7);
}

static void by_its_path_where_the_inode_is_not_known(void **state)
{
	struct world *w = *state;

	write_to(w, 1, "/d/t");
	write_to(w, 2, "/d/tt");
	move(w, 200, 1, 0, "/d/t", "/d/f");
	move(w, 300, 2, 0, "/d/f", "/d/g");
	survey(w, 1, 50);
	survey(w, 2, 50);
	assert_moved(w, 1, "/d/f", "not-durable", 50, 0);
	assert_moved(w, 2, "/d/g", "not-durable", 50, 0);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM moved"), 2);
}

static void all_below_a_directory(void **state)
{
	struct world *w = *state;

	write_to(w, 1, "/st/1");
	write_to(w, 2, "/st/sub/2");
	write_to(w, 3, "/st2");
	move(w, 200, 1, 0, "/st", "/final");
	survey(w, 1, 50);
	sync_file(w, 300, 2, 60, VERDICT_DURABLE, 5);
	survey(w, 3, 50);
	assert_moved(w, 1, "/final/1", "not-durable", 50, 0);
	assert_moved(w, 1, "/final/sub/2", "not-durable", 60, 5);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM moved"), 2);
}

static void an_exchange_moves_both(void **state)
{
	struct world *w = *state;
	struct event_change change = {.at_ns = 200, .kind = CHANGE_EXCHANGE, .facts = CHANGE_SEEN};

	write_to(w, 1, "/a");
	write_to(w, 2, "/b/f");
	moves_moved(w->moves, &change, 1, "/a", "/b");
	survey(w, 1, 50);
	survey(w, 2, 50);
	assert_moved(w, 1, "/b", "not-durable", 50, 0);
	assert_moved(w, 1, "/a/f", "not-durable", 50, 0);
}

static void what_was_not_written_to_has_no_row(void **state)
{
	struct world *w = *state;

	move(w, 200, 1, 9, "/t", "/f");
	write_to(w, 1, "/u");
	move(w, 300, 0, 1, "/u", "/g"); /* a filter left it out */
	write_to(w, 2, NULL);
	move(w, 400, 2, 0, "/x", "/y");
	assert_nothing(w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(synced_before_or_not),
		T(what_is_left_a_moment_later_tells),
		T(a_call_between_the_rename_and_the_look),
		T(data_that_came_after_does_not_count),
		T(never_synced),
		T(a_call_that_was_not_durable),
		T(what_nobody_looked_at_is_not_known),
		T(with_all_of_its_file_system),
		T(by_its_path_where_the_inode_is_not_known),
		T(all_below_a_directory),
		T(an_exchange_moves_both),
		T(what_was_not_written_to_has_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
