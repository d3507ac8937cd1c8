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
#include "renamerisks.h"

#define DISK "254:0"
#define XFS  "254:16"
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
	directory_put(w->root, "sys/class/block/vdb/dev", "254:16", "\n");
	directory_put(w->root, "proc/fs/ext4/vda/options", "auto_da_alloc", "\n");
	directory_put(w->root, "proc/self/mountinfo",
		      "20 1 254:0 / / rw - ext4 /dev/vda rw\n"
		      "21 20 0:30 / /tmp rw - tmpfs tmpfs rw\n"
		      "22 20 254:16 / /x rw - xfs /dev/vdb rw",
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
		.t_ns = w->now++,
		.kind = kind,
		.comm = "prog",
		.grounds = "observed",
		.object = strcmp(kind, "symlink") ? NULL : kind,
		.replaces = -1,
	};
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

#define assert_finding(w, id, what)                                                                \
	assert_int_equal(number(w, "SELECT count(*) FROM findings WHERE posix = 'not-durable'"     \
				   " AND id = " #id " AND " what),                                 \
			 1)
#define assert_found(w, id, what)   assert_finding(w, id, "kind = 'dir-not-synced' AND " what)
#define assert_removed(w, id, what) assert_finding(w, id, "kind = 'unlink-not-durable' AND " what)

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
	assert_removed(w, 1, "path = '/srv' AND since_ns = 100");
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
	assert_removed(w, 1, "path = '/srv' AND detail LIKE 'rmdir tree by prog: %'");
}

static void not_of_what_is_in_memory(void **state)
{
	struct world *w = *state;

	change(w, "create", RAM, NULL, "/tmp/a", "unproven");
	change(w, "create", "0:99", NULL, "/gone/a", "unproven");
	namerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 0);
}

/* --- renames --- */

static void moved(struct world *w, int64_t id, const char *path, const char *data)
{
	store_add_moved(w->store, id, path, data, strcmp(data, "durable") ? 90 : 0, 0);
}

static void before_its_data_was_synced(void **state)
{
	struct world *w = *state;

	change(w, "create", XFS, NULL, "/x/f", "durable");
	change(w, "rename", XFS, "/x/t", "/x/f", "durable");
	moved(w, 2, "/x/f", "not-durable");
	change(w, "create", DISK, NULL, "/f", "durable");
	change(w, "rename", DISK, "/t", "/f", "durable");
	moved(w, 4, "/f", "not-durable");
	renamerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 2);
	assert_finding(w, 1,
		       "kind = 'rename-before-sync' AND path = '/x/f' AND severity = 'risk' AND"
		       " filesystem = 'not-durable' AND since_ns = 90 AND"
		       " detail LIKE 'renamed by prog over another file, %: not synced since'");
	assert_finding(w, 2,
		       "kind = 'rename-before-sync' AND path = '/f' AND severity = 'advice' AND"
		       " filesystem = 'unproven' AND detail LIKE '%; auto_da_alloc %'");
}

static void what_takes_no_name_is_no_hazard(void **state)
{
	struct world *w = *state;

	change(w, "rename", XFS, "/x/durable", "/x/a", "durable");
	moved(w, 1, "/x/a", "durable");
	change(w, "rename", XFS, "/x/doubt", "/x/b", "durable");
	moved(w, 2, "/x/b", "unproven");
	change(w, "unlink", XFS, "/x/c", NULL, "durable");
	change(w, "rename", XFS, "/x/new", "/x/c", "durable"); /* it was removed before */
	moved(w, 4, "/x/c", "not-durable");
	change(w, "rename", RAM, "/tmp/a", "/tmp/b", "durable");
	moved(w, 5, "/tmp/b", "not-durable");
	renamerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 0);
}

/* The kernel may have written it out by itself meanwhile. */
static void what_was_written_long_before_is_advice(void **state)
{
	struct world *w = *state;

	w->now = 30000000100;
	change(w, "create", XFS, NULL, "/x/f", "durable");
	change(w, "rename", XFS, "/x/t", "/x/f", "durable");
	moved(w, 2, "/x/f", "not-durable");
	change(w, "rename", XFS, "/x/st", "/x/final", "durable");
	moved(w, 3, "/x/final/1", "not-durable");
	renamerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings WHERE severity = 'advice' AND"
				   " filesystem = 'unproven'"),
			 2);
}

static void whether_it_took_one_is_not_known(void **state)
{
	struct world *w = *state;

	change(w, "rename", XFS, "/x/t", "/x/f", "durable");
	moved(w, 1, "/x/f", "not-durable");
	renamerisks_store(w->store, w->stack);
	assert_finding(w, 1,
		       "kind = 'rename-before-sync' AND severity = 'advice' AND"
		       " filesystem = 'unproven'");
}

static void a_tree_with_what_was_not_synced(void **state)
{
	struct world *w = *state;

	change(w, "mkdir", XFS, NULL, "/x/st", "durable");
	change(w, "create", XFS, NULL, "/x/st/1", "durable");
	synced(w, 2, 1);
	change(w, "create", XFS, NULL, "/x/st/2", "durable");
	change(w, "create", XFS, NULL, "/x/st/gone", "durable");
	change(w, "unlink", XFS, "/x/st/gone", NULL, "durable");
	change(w, "create", XFS, NULL, "/x/stand", "durable");
	change(w, "rename", XFS, "/x/st", "/x/final", "durable");
	moved(w, 7, "/x/final/1", "not-durable");
	moved(w, 7, "/x/final/2", "durable");
	change(w, "create", XFS, NULL, "/x/st/later", "durable");
	renamerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 1);
	assert_finding(w, 1,
		       "kind = 'staging-not-synced' AND path = '/x/final' AND severity = 'risk'"
		       " AND detail LIKE '%the data of 1 files and 1 new names %: 1, 2'");
}

static void a_tree_of_names_alone_is_advice(void **state)
{
	struct world *w = *state;

	change(w, "mkdir", XFS, NULL, "/x/st/d", "durable");
	change(w, "rename", XFS, "/x/st", "/x/final", "durable");
	change(w, "mkdir", XFS, NULL, "/x/ok/d", "durable");
	synced(w, 3, 1);
	change(w, "rename", XFS, "/x/ok", "/x/there", "durable");
	renamerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 1);
	assert_finding(w, 1,
		       "kind = 'staging-not-synced' AND path = '/x/final' AND"
		       " severity = 'advice'");
}

static void a_symbolic_link_that_took_a_name(void **state)
{
	struct world *w = *state;

	change(w, "symlink", XFS, NULL, "/x/t", "durable");
	change(w, "rename", XFS, "/x/t", "/x/current", "not-durable");
	change(w, "symlink", XFS, NULL, "/x/u", "durable");
	change(w, "rename", XFS, "/x/u", "/x/safe", "durable");
	synced(w, 4, 1);
	change(w, "symlink", XFS, NULL, "/x/v", "durable");
	change(w, "rename", XFS, "/x/v", "/x/kind", "durable");
	renamerisks_store(w->store, w->stack);
	assert_int_equal(number(w, "SELECT count(*) FROM findings"), 2);
	assert_finding(w, 1,
		       "kind = 'symlink-unsyncable' AND path = '/x/current' AND"
		       " severity = 'risk'");
	assert_finding(w, 2,
		       "kind = 'symlink-unsyncable' AND path = '/x/kind' AND"
		       " severity = 'advice' AND filesystem = 'durable'");
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
		T(before_its_data_was_synced),
		T(what_takes_no_name_is_no_hazard),
		T(what_was_written_long_before_is_advice),
		T(whether_it_took_one_is_not_known),
		T(a_tree_with_what_was_not_synced),
		T(a_tree_of_names_alone_is_advice),
		T(a_symbolic_link_that_took_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
