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

#include "names.h"

#define DEV	 STACK_DEV(254, 1)
#define OTHER	 STACK_DEV(254, 2)
#define TOP	 2 /* the inode of /srv */
#define SUB	 3 /* and of /srv/sub */
#define SYNC_ROW 40

struct world {
	struct store *store;
	struct stack *stack; /* of a machine on which nothing is mounted */
	struct names *names;
	const char *known; /* the path that the lookup knows, of SUB */
	uint64_t now;
	int changes;
};

static bool look_up(void *ctx, const struct event_change *change, const char *path,
		    struct place *place, char *real, size_t size)
{
	const struct world *w = ctx;

	assert_int_equal(change->pid, 55);
	if (!w->known || strcmp(path, w->known) != 0)
		return false;
	*place = (struct place){DEV, SUB};
	snprintf(real, size, "/srv/sub");
	return true;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err;

	assert_non_null(w);
	assert_int_equal(store_open(&w->store, &err), 0);
	w->stack = stack_new("");
	assert_non_null(w->stack);
	w->names = names_new(w->store, w->stack);
	assert_non_null(w->names);
	names_on_lookup(w->names, look_up, w);
	w->now = 1000;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	names_free(w->names);
	stack_free(w->stack);
	store_free(w->store);
	free(w);
	return 0;
}

static void put(struct event_change *change, size_t *used, int side, const char *name, uint64_t ino)
{
	if (!name)
		return;
	change->sides[side].length = strlen(name) + 1;
	change->sides[side].base_ino = ino;
	change->sides[side].base_s_dev = DEV;
	memcpy(change->names + *used, name, strlen(name) + 1);
	*used += strlen(name) + 1;
}

/* Names relative to a directory of that inode and path. Returns the row. */
static int change_in(struct world *w, enum event_change_kind kind, const char *base, uint64_t ino,
		     const char *old, const char *new)
{
	struct event_change change = {.at_ns = w->now++, .pid = 55, .comm = "mv", .kind = kind};
	const char *const bases[CHANGE_SIDES] = {base, base};
	struct names_fs fs;
	size_t used = 0;

	put(&change, &used, CHANGE_OLD, old, ino);
	put(&change, &used, CHANGE_NEW, new, ino);
	names_changed(w->names, &change, bases, &fs);
	return ++w->changes;
}

static int change(struct world *w, enum event_change_kind kind, const char *old, const char *new)
{
	return change_in(w, kind, "/srv", TOP, old, new);
}

static void sync_as(struct world *w, struct event_sync *sync, const char *path,
		    enum verdict_kind verdict)
{
	sync->enter_ns = sync->enter_ns ? sync->enter_ns : w->now;
	sync->exit_ns = w->now += 10;
	names_synced(w->names, sync, path, verdict, SYNC_ROW);
}

static void sync_directory(struct world *w, uint64_t ino, enum verdict_kind verdict)
{
	struct event_sync sync = {.kind = SYNC_FSYNC,
				  .flags = SYNC_DIRECTORY,
				  .s_dev = DEV,
				  .outer_s_dev = DEV,
				  .ino = ino,
				  .outer_ino = ino};

	sync_as(w, &sync, NULL, verdict);
}

/* A column of a change: its text, "" where it is NULL. */
#define assert_column(w, row, column, wanted)                                                      \
	do {                                                                                       \
		char sql[128];                                                                     \
		snprintf(sql, sizeof(sql), "SELECT %s IS '%s' FROM changes WHERE id=%d", column,   \
			 wanted, row);                                                             \
		assert_int_equal(store_number((w)->store, sql), 1);                                \
	} while (0)

static int64_t number(struct world *w, int row, const char *column)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT %s FROM changes WHERE id=%d", column, row);
	return store_number(w->store, sql);
}

static void not_durable_until_its_directory_is_synced(void **state)
{
	struct world *w = *state;
	int row = change(w, CHANGE_CREATE, NULL, "a"), later;

	assert_column(w, row, "kind", "create");
	assert_column(w, row, "new_path", "/srv/a");
	assert_column(w, row, "new_posix", "not-durable");
	assert_column(w, row, "grounds", "observed");
	assert_int_equal(number(w, row, "old_path IS NULL AND old_posix IS NULL"), 1);
	sync_directory(w, SUB, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "not-durable");
	sync_directory(w, TOP, VERDICT_DURABLE);
	later = change(w, CHANGE_CREATE, NULL, "b");
	assert_column(w, row, "new_posix", "durable");
	assert_int_equal(number(w, row, "new_sync_id"), SYNC_ROW);
	assert_column(w, later, "new_posix", "not-durable");
}

static void a_sync_that_was_under_way_does_not_count(void **state)
{
	struct world *w = *state;
	struct event_sync sync = {.kind = SYNC_FSYNC,
				  .flags = SYNC_DIRECTORY,
				  .s_dev = DEV,
				  .outer_s_dev = DEV,
				  .outer_ino = TOP,
				  .enter_ns = w->now};
	int row;

	w->now++;
	row = change(w, CHANGE_MKDIR, NULL, "d");
	sync_as(w, &sync, NULL, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "not-durable");
}

static void only_a_durable_sync_makes_it_so(void **state)
{
	struct world *w = *state;
	int row = change(w, CHANGE_UNLINK, "a", NULL);

	sync_directory(w, TOP, VERDICT_NOT_DURABLE);
	assert_column(w, row, "old_posix", "not-durable");
	assert_int_equal(number(w, row, "old_sync_id"), SYNC_ROW);
	sync_directory(w, TOP, VERDICT_UNPROVEN);
	assert_column(w, row, "old_posix", "unproven");
	sync_directory(w, TOP, VERDICT_NOT_DURABLE);
	assert_column(w, row, "old_posix", "unproven"); /* the one before may have done it */
	sync_directory(w, TOP, VERDICT_DURABLE);
	assert_column(w, row, "old_posix", "durable");
	sync_directory(w, TOP, VERDICT_UNPROVEN);
	assert_column(w, row, "old_posix", "durable");
}

static void a_file_of_that_number_is_no_directory(void **state)
{
	struct world *w = *state;
	struct event_sync sync = {
		.kind = SYNC_FSYNC, .s_dev = DEV, .outer_s_dev = DEV, .outer_ino = TOP};
	int row = change(w, CHANGE_MKDIR, NULL, "d");

	sync_as(w, &sync, NULL, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "not-durable");
}

static void both_directories_of_a_rename(void **state)
{
	struct world *w = *state;
	int row;

	w->known = "/srv/sub";
	row = change(w, CHANGE_RENAME, "a", "sub/b");
	assert_column(w, row, "old_path", "/srv/a");
	assert_column(w, row, "new_path", "/srv/sub/b");
	assert_column(w, row, "grounds", "inferred");
	assert_int_equal(number(w, row, "old_dir"), TOP);
	assert_int_equal(number(w, row, "new_dir"), SUB);
	sync_directory(w, SUB, VERDICT_DURABLE);
	assert_column(w, row, "old_posix", "not-durable");
	assert_column(w, row, "new_posix", "durable");
}

static void all_of_the_file_system(void **state)
{
	struct world *w = *state;
	struct event_sync sync = {
		.kind = SYNC_SYNCFS, .flags = SYNC_WHOLE_FS, .s_dev = OTHER, .outer_s_dev = OTHER};
	int row = change(w, CHANGE_MKDIR, NULL, "d");

	sync_as(w, &sync, NULL, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "not-durable");
	sync.s_dev = sync.outer_s_dev = DEV;
	sync.enter_ns = 0;
	sync_as(w, &sync, NULL, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "durable");
	row = change(w, CHANGE_MKDIR, NULL, "e");
	sync = (struct event_sync){.kind = SYNC_SYNC, .flags = SYNC_WHOLE_FS};
	sync_as(w, &sync, NULL, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "durable");
}

static void a_directory_that_cannot_be_found(void **state)
{
	struct world *w = *state;
	int row = change(w, CHANGE_MKDIR, NULL, "gone/d");

	assert_column(w, row, "new_posix", "unproven");
	assert_column(w, row, "new_path", "/srv/gone/d");
	assert_int_equal(number(w, row, "new_dir IS NULL"), 1);
	w->known = "/sub"; /* relative to what was not sent, which is not the root */
	row = change_in(w, CHANGE_MKDIR, NULL, 0, NULL, "sub/d");
	assert_column(w, row, "new_posix", "unproven");
	assert_column(w, row, "new_path", ".../sub/d");
}

static void known_by_what_was_done_there(void **state)
{
	struct world *w = *state;
	int row;

	change_in(w, CHANGE_CREATE, "/srv/stage", SUB, NULL, "f");
	change(w, CHANGE_RENAME, "stage", "final");
	row = change(w, CHANGE_UNLINK, "final/f", NULL);
	assert_int_equal(number(w, row, "old_dir"), SUB);
	row = change(w, CHANGE_UNLINK, "stage/f", NULL);
	assert_int_equal(number(w, row, "old_dir IS NULL"), 1);
	change(w, CHANGE_RMDIR, "final", NULL);
	row = change(w, CHANGE_CREATE, NULL, "final/g");
	assert_int_equal(number(w, row, "new_dir IS NULL"), 1);
}

static void a_synced_directory_is_known(void **state)
{
	struct world *w = *state;
	struct event_sync sync = {.kind = SYNC_FSYNC,
				  .flags = SYNC_DIRECTORY,
				  .s_dev = DEV,
				  .outer_s_dev = DEV,
				  .outer_ino = SUB};
	int row;

	sync_as(w, &sync, "/srv/sub", VERDICT_DURABLE);
	row = change(w, CHANGE_MKDIR, NULL, "sub/d");
	assert_int_equal(number(w, row, "new_dir"), SUB);
}

static void paths_from_the_root(void **state)
{
	struct world *w = *state;
	int row;

	w->known = "/srv/link";
	row = change_in(w, CHANGE_MKDIR, "/", 1, NULL, "/srv/link/d///");
	assert_column(w, row, "new_path", "/srv/sub/d"); /* with links resolved */
	assert_int_equal(number(w, row, "new_dir"), SUB);
	/* The root of the process is a directory of the machine. */
	w->known = "/jail/srv";
	row = change_in(w, CHANGE_MKDIR, "/jail", TOP, NULL, "/srv/d");
	assert_int_equal(number(w, row, "new_dir"), SUB);
	row = change_in(w, CHANGE_MKDIR, "/", 1, NULL, "/d");
	assert_int_equal(number(w, row, "new_dir"), 1); /* the root itself */
	row = change_in(w, CHANGE_RMDIR, "/", 1, "/", NULL);
	assert_int_equal(number(w, row, "id"), row);
}

/* Inode numbers are used again. */
static void a_later_directory_of_the_same_number(void **state)
{
	struct event_change change = {.at_ns = 1, .pid = 55, .kind = CHANGE_CREATE};
	const char *const bases[CHANGE_SIDES] = {NULL, "/srv"};
	struct event_sync sync = {.kind = SYNC_FSYNC,
				  .flags = SYNC_DIRECTORY,
				  .s_dev = DEV,
				  .outer_s_dev = DEV,
				  .ino = TOP,
				  .outer_ino = TOP,
				  .generation = 8};
	struct world *w = *state;
	size_t used = 0;
	struct names_fs fs;
	int row;

	put(&change, &used, CHANGE_NEW, "f", TOP);
	change.sides[CHANGE_NEW].base_generation = 7;
	names_changed(w->names, &change, bases, &fs);
	row = ++w->changes;
	sync_as(w, &sync, NULL, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "not-durable");
	sync.generation = 7;
	sync_as(w, &sync, NULL, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "durable");
	/* Where the generation is not known, it was seen to go. */
	row = change_in(w, CHANGE_CREATE, "/srv/sub", SUB, NULL, "f");
	change_in(w, CHANGE_RMDIR, "/srv", TOP, "sub", NULL);
	sync_directory(w, SUB, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "not-durable");
}

/* A name that could not be read is one all the same. */
static void names_that_are_missing(void **state)
{
	struct world *w = *state;
	int row = change(w, CHANGE_RENAME, NULL, "b");

	sync_directory(w, TOP, VERDICT_DURABLE);
	assert_column(w, row, "old_posix", "unproven");
	assert_column(w, row, "new_posix", "durable");
	row = change(w, CHANGE_UNLINK, NULL, NULL);
	assert_column(w, row, "old_posix", "unproven");
	assert_int_equal(number(w, row, "new_path IS NULL"), 1);
	change_in(w, CHANGE_CREATE, "/srv/sub", SUB, NULL, "f");
	change(w, CHANGE_RENAME, NULL, "c");
	row = change(w, CHANGE_UNLINK, "sub/f", NULL);
	assert_int_equal(number(w, row, "old_dir"), SUB); /* nothing else has moved */
}

static void an_exchange_is_no_move(void **state)
{
	struct world *w = *state;
	int row;

	change_in(w, CHANGE_CREATE, "/srv/x", SUB, NULL, "f");
	change(w, CHANGE_EXCHANGE, "x", "y");
	row = change(w, CHANGE_UNLINK, "y/f", NULL);
	assert_int_equal(number(w, row, "old_dir IS NULL"), 1);
	row = change(w, CHANGE_UNLINK, "x/f", NULL);
	assert_int_equal(number(w, row, "old_dir IS NULL"), 1);
}

static void hostile_names(void **state)
{
	struct world *w = *state;
	int row = change(w, CHANGE_CREATE, NULL, "\033[31m\n");
	char longest[EVENT_NAME_SIZE];
	size_t i;

	assert_column(w, row, "new_path", "/srv/\\x1b[31m\\n");
	for (i = 0; i + 1 < sizeof(longest); i++)
		longest[i] = i % 2 ? 'x' : '/';
	longest[sizeof(longest) - 1] = '\0';
	row = change(w, CHANGE_RENAME, longest, longest);
	assert_column(w, row, "new_posix", "unproven");
	row = change(w, CHANGE_UNLINK, "", NULL);
	assert_int_equal(number(w, row, "id"), row);
}

/* From the kprobe level on: whatever the path says, and that is known from then on. */
static void a_directory_that_is_known_by_itself(void **state)
{
	struct event_change event = {.at_ns = 5, .pid = 55, .comm = "mv", .kind = CHANGE_RENAME};
	const char *const bases[CHANGE_SIDES] = {"/srv", "/srv"};
	struct world *w = *state;
	size_t used = 0;
	struct names_fs fs;
	int row;

	put(&event, &used, CHANGE_OLD, "a", TOP);
	put(&event, &used, CHANGE_NEW, "link/b", TOP);
	event.sides[CHANGE_OLD].dir_ino = TOP;
	event.sides[CHANGE_OLD].dir_s_dev = DEV;
	event.sides[CHANGE_NEW].dir_ino = SUB;
	event.sides[CHANGE_NEW].dir_s_dev = DEV;
	row = names_changed(w->names, &event, bases, &fs);
	assert_int_equal(fs.s_dev, DEV);
	w->changes++;
	assert_int_equal(number(w, row, "new_dir"), SUB);
	assert_column(w, row, "grounds", "observed");
	sync_directory(w, SUB, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "durable");
	assert_column(w, row, "old_posix", "not-durable");
	row = change(w, CHANGE_UNLINK, "link/b", NULL);
	assert_int_equal(number(w, row, "old_dir"), SUB);
}

static void a_directory_that_its_name_contradicts(void **state)
{
	struct event_change event = {.at_ns = 5, .pid = 55, .comm = "mkdir", .kind = CHANGE_MKDIR};
	const char *const bases[CHANGE_SIDES] = {NULL, "/srv"};
	struct world *w = *state;
	struct names_fs fs;
	size_t used = 0;
	int row;

	put(&event, &used, CHANGE_NEW, "d", TOP);
	event.sides[CHANGE_NEW].dir_ino = SUB;
	event.sides[CHANGE_NEW].dir_s_dev = DEV;
	row = names_changed(w->names, &event, bases, &fs);
	sync_directory(w, SUB, VERDICT_DURABLE);
	sync_directory(w, TOP, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "unproven");
}

/* In fact it is durable where each of its directories is. */
static void durable_by_its_directories(void **state)
{
	struct world *w = *state;
	int row = change(w, CHANGE_RENAME, "a", "b"), other = change(w, CHANGE_RENAME, "a", "s/b");

	sync_directory(w, TOP, VERDICT_DURABLE);
	names_finish(w->names, true);
	assert_column(w, row, "filesystem", "durable");
	assert_column(w, row, "durable_by", "directories");
	assert_column(w, other, "filesystem", "unproven");
}

static void nothing_is_not_durable_when_records_were_lost(void **state)
{
	struct world *w = *state;
	int row, synced = change(w, CHANGE_MKDIR, NULL, "d");

	sync_directory(w, TOP, VERDICT_DURABLE);
	row = change(w, CHANGE_RENAME, "a", "b");
	names_finish(w->names, false);
	assert_column(w, row, "old_posix", "not-durable");
	names_finish(w->names, true);
	assert_column(w, row, "old_posix", "unproven");
	assert_column(w, row, "new_posix", "unproven");
	assert_column(w, synced, "new_posix", "durable");
}

static void only_what_the_filter_wants(void **state)
{
	struct world *w = *state;
	struct filter filter = {0};
	struct error err;
	int row;

	assert_int_equal(filter_add_path(&filter, "/srv/sub", &err), 0);
	names_set_filter(w->names, &filter);
	change_in(w, CHANGE_CREATE, "/srv/sub", SUB, NULL, "in");
	row = change(w, CHANGE_CREATE, NULL, "out") - 1;
	assert_column(w, row, "new_path", "/srv/sub/in");
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM changes"), 1);
	sync_directory(w, SUB, VERDICT_DURABLE);
	sync_directory(w, TOP, VERDICT_DURABLE);
	assert_column(w, row, "new_posix", "durable");
	filter_clear(&filter);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(not_durable_until_its_directory_is_synced),
		T(a_sync_that_was_under_way_does_not_count),
		T(a_directory_that_is_known_by_itself),
		T(a_directory_that_its_name_contradicts),
		T(durable_by_its_directories),
		T(only_a_durable_sync_makes_it_so),
		T(a_file_of_that_number_is_no_directory),
		T(both_directories_of_a_rename),
		T(all_of_the_file_system),
		T(a_directory_that_cannot_be_found),
		T(known_by_what_was_done_there),
		T(a_synced_directory_is_known),
		T(paths_from_the_root),
		T(a_later_directory_of_the_same_number),
		T(names_that_are_missing),
		T(an_exchange_is_no_move),
		T(hostile_names),
		T(nothing_is_not_durable_when_records_were_lost),
		T(only_what_the_filter_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
