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

#include "directory.h"
#include "namerisks.h"

#define DISK "254:0"
#define RAM  "0:30"

struct world {
	char root[64];
	struct stack *stack;
	struct store *store;
	uint64_t now;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err;

	assert_non_null(w);
	strcpy(w->root, "/tmp/test_namerisks.XXXXXX");
	assert_non_null(mkdtemp(w->root));
	directory_put(w->root, "sys/class/block/vda/dev", "254:0", "\n");
	directory_put(w->root, "sys/class/block/vda/queue/write_cache", "write back", "\n");
	directory_put(w->root, "proc/self/mountinfo",
		      "20 1 254:0 / / rw - ext4 /dev/vda rw\n"
		      "21 20 0:30 / /tmp rw - tmpfs tmpfs rw",
		      "\n");
	w->stack = stack_new(w->root);
	assert_non_null(w->stack);
	assert_int_equal(stack_scan(w->stack, &err), 0);
	assert_int_equal(store_open(&w->store, &err), 0);
	w->now = 100;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	assert_null(store_error(w->store));
	store_free(w->store);
	stack_free(w->stack);
	directory_remove(w->root);
	free(w);
	return 0;
}

/* A change of names on @dev; NULL: there is none on that side. Their directories are told apart by
 * what stands before the last slash. Neither was synced. */
static void change(struct world *w, const char *kind, const char *dev, const char *old,
		   const char *new, const char *filesystem)
{
	const char *const paths[] = {old, new};
	struct store_change row = {
		.t_ns = w->now++, .kind = kind, .comm = "prog", .grounds = "observed"};
	int64_t id;
	int i;

	for (i = 0; i < 2; i++) {
		if (!paths[i])
			continue;
		row.sides[i].path = paths[i];
		row.sides[i].dev = dev;
		row.sides[i].ino = 10 + (strrchr(paths[i], '/') - paths[i]);
		row.sides[i].posix = "not-durable";
	}
	id = store_add_change(w->store, &row);
	store_set_committed(w->store, id, filesystem, NULL, 0);
}

static void synced(struct world *w, int64_t id, int side)
{
	store_set_named(w->store, id, side, "durable", 1);
}

static int64_t number(struct world *w, const char *sql)
{
	return store_number(w->store, sql);
}

#define assert_found(w, id, what)                                                                  \
	assert_int_equal(number(w, "SELECT count(*) FROM findings WHERE kind = 'dir-not-synced'"   \
				   " AND posix = 'not-durable' AND id = " #id " AND " what),       \
			 1)

static void each_directory_once(void **state)
{
	struct world *w = *state;

	change(w, "create", DISK, NULL, "/srv/a", "durable");
	change(w, "mkdir", DISK, NULL, "/srv/d", "not-durable");
	change(w, "symlink", DISK, NULL, "/srv/d/s", "durable");
	change(w, "rename", DISK, "/f", "/srv/f", "not-durable");
	namerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 3);
	assert_found(w, 1,
		     "path = '/srv' AND severity = 'risk' AND filesystem = 'not-durable' AND"
		     " detail = 'mkdir d by prog and 2 more: a power cut now undoes 2 of them'");
	assert_found(w, 2,
		     "path = '/' AND severity = 'risk' AND"
		     " detail = 'rename f by prog: a power cut now undoes it'");
	assert_found(w, 3,
		     "path = '/srv/d' AND severity = 'advice' AND filesystem = 'durable' AND"
		     " detail LIKE 'symlink s by prog: durable on this file system, %'");
}

static void what_is_not_known_is_advice(void **state)
{
	struct world *w = *state;

	change(w, "create", DISK, NULL, "/srv/a", "durable");
	change(w, "create", DISK, NULL, "/srv/b", "unproven");
	namerisks_store(w->store, w->stack);
	assert_found(w, 1, "severity = 'advice' AND filesystem = 'unproven'");
}

static void only_what_lasts(void **state)
{
	struct world *w = *state;

	change(w, "create", DISK, NULL, "/srv/temp", "not-durable");
	change(w, "rename", DISK, "/srv/temp", "/other/f", "not-durable");
	synced(w, 2, 1);
	change(w, "create", DISK, NULL, "/srv/gone", "not-durable");
	change(w, "unlink", DISK, "/srv/gone", NULL, "not-durable");
	namerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 0);
}

static void what_was_there_before_may_come_back(void **state)
{
	struct world *w = *state;

	change(w, "unlink", DISK, "/srv/segment", NULL, "not-durable");
	change(w, "exchange", DISK, "/a/x", "/longer/y", "not-durable");
	synced(w, 2, 0);
	namerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 2);
	assert_found(w, 1, "path = '/srv' AND since_ns = 100");
	assert_found(w, 2, "path = '/longer' AND severity = 'risk'");
}

/* rm -r: the directory that lost the tree tells. */
static void not_of_a_directory_that_is_gone(void **state)
{
	struct world *w = *state;

	change(w, "unlink", DISK, "/srv/tree/f", NULL, "not-durable");
	change(w, "rmdir", DISK, "/srv/tree", NULL, "not-durable");
	namerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 1);
	assert_found(w, 1, "path = '/srv' AND detail LIKE 'rmdir tree by prog: %'");
}

static void not_of_what_is_in_memory(void **state)
{
	struct world *w = *state;

	change(w, "create", RAM, NULL, "/tmp/a", "unproven");
	change(w, "create", "0:99", NULL, "/gone/a", "unproven");
	namerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_directory_once),
		T(what_is_not_known_is_advice),
		T(only_what_lasts),
		T(what_was_there_before_may_come_back),
		T(not_of_a_directory_that_is_gone),
		T(not_of_what_is_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
