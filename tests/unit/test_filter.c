// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "filter.h"
#include "lookup.h"
#include "processes.h"
#include "scope.h"

struct world {
	char root[64];
	struct filter filter;
	struct error err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->root, "/tmp/test_filter.XXXXXX");
	assert_non_null(mkdtemp(w->root));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	filter_clear(&w->filter);
	assert_int_equal(w->filter.nr_paths, 0);
	directory_remove(w->root);
	free(w);
	return 0;
}

/* Makes the directories on the way, and a file with @text (NULL: a directory). */
static void put(const struct world *w, const char *path, const char *text)
{
	char full[512];

	if (text) {
		directory_put(w->root, path, text, "");
		return;
	}
	directory_path(full, sizeof(full), w->root, path);
	assert_int_equal(mkdir(full, 0755), 0);
}

/* It failed, and the message names both. */
static void assert_failed(struct world *w, int ret, const char *cause, const char *next)
{
	assert_true(ret < 0);
	assert_non_null(strstr(w->err.text, cause));
	assert_non_null(strstr(w->err.text, next));
}

/* --- names of threads --- */

static bool comm_passes(const struct filter *filter, const char *name)
{
	char mask[FILTER_COMM_SIZE], value[FILTER_COMM_SIZE], comm[FILTER_COMM_SIZE] = {0};

	snprintf(comm, sizeof(comm), "%s", name); /* cut as the kernel cuts it */
	for (size_t i = 0; i < filter->nr_comms; i++) {
		bool same = true;

		filter_comm_mask(filter, i, mask, value);
		for (size_t k = 0; k < FILTER_COMM_SIZE; k++)
			same &= (comm[k] & mask[k]) == value[k];
		if (same)
			return true;
	}
	return false;
}

static void comm_is_compared_whole_or_in_part(void **state)
{
	struct world *w = *state;

	assert_int_equal(filter_add_comm(&w->filter, "git", &w->err), 0);
	assert_int_equal(filter_add_comm(&w->filter, "postgres*", &w->err), 0);
	assert_true(comm_passes(&w->filter, "git"));
	assert_false(comm_passes(&w->filter, "gi"));
	assert_false(comm_passes(&w->filter, "gitk"));
	assert_false(comm_passes(&w->filter, ""));
	assert_true(comm_passes(&w->filter, "postgres"));
	assert_true(comm_passes(&w->filter, "postgres: write"));
	assert_false(comm_passes(&w->filter, "postgre"));
}

static void comm_is_cut_as_the_kernel_does(void **state)
{
	struct world *w = *state;

	assert_int_equal(filter_add_comm(&w->filter, "a-name-of-twenty-one", &w->err), 0);
	assert_true(comm_passes(&w->filter, "a-name-of-twenty-one"));
	assert_true(comm_passes(&w->filter, "a-name-of-twent"));
	assert_false(comm_passes(&w->filter, "a-name-of-twen"));
}

static void comm_that_is_none(void **state)
{
	struct world *w = *state;

	assert_failed(w, filter_add_comm(&w->filter, "", &w->err), "--comm", "ps -o comm");
	assert_failed(w, filter_add_comm(&w->filter, "a*b", &w->err), "a*b", "ps -o comm");
	assert_int_equal(filter_add_comm(&w->filter, "*", &w->err), 0);
	assert_true(comm_passes(&w->filter, "anything"));
}

static void so_many_values_and_no_more(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < FILTER_MAX; i++)
		assert_int_equal(filter_add_path(&w->filter, "/x", &w->err), 0);
	assert_failed(w, filter_add_path(&w->filter, "/x", &w->err), "16 of --path", "fewer");
}

/* --- paths --- */

static void path_of_a_file_and_of_a_directory(void **state)
{
	struct world *w = *state;

	assert_true(filter_has_path(&w->filter, "/any"));
	assert_int_equal(filter_add_path(&w->filter, "/srv/db/", &w->err), 0);
	assert_int_equal(filter_add_path(&w->filter, "/etc/passwd", &w->err), 0);
	assert_true(filter_has_path(&w->filter, "/srv/db"));
	assert_true(filter_has_path(&w->filter, "/srv/db/a/b"));
	assert_false(filter_has_path(&w->filter, "/srv/db2"));
	assert_false(filter_has_path(&w->filter, "/srv"));
	assert_true(filter_has_path(&w->filter, "/etc/passwd"));
	assert_true(filter_has_path(&w->filter, "/etc/passwd (deleted)"));
	assert_false(filter_has_path(&w->filter, "/etc/passwd-"));
	assert_false(filter_has_path(&w->filter, "/etc/group (deleted)"));
	/* In doubt it is wanted. */
	assert_true(filter_has_path(&w->filter, ".../deep/name"));
	assert_true(filter_has_path(&w->filter, NULL));
}

static void path_of_a_pattern(void **state)
{
	struct world *w = *state;

	assert_int_equal(filter_add_path(&w->filter, "/srv/*.db", &w->err), 0);
	assert_true(filter_has_path(&w->filter, "/srv/a.db"));
	assert_true(filter_has_path(&w->filter, "/srv/sub/a.db (deleted)"));
	assert_false(filter_has_path(&w->filter, "/srv/a.db-wal"));
	assert_int_equal(filter_add_path(&w->filter, "*-wal", &w->err), 0);
	assert_true(filter_has_path(&w->filter, "/srv/a.db-wal"));
}

static void path_of_the_root(void **state)
{
	struct world *w = *state;

	assert_int_equal(filter_add_path(&w->filter, "/", &w->err), 0);
	assert_true(filter_has_path(&w->filter, "/"));
	assert_true(filter_has_path(&w->filter, "/a"));
	assert_false(filter_has_path(&w->filter, "pipe:[1]"));
}

static void path_is_looked_up(void **state)
{
	struct world *w = *state;
	char text[256], real[256];

	put(w, "real/file", "");
	snprintf(text, sizeof(text), "%s/link", w->root);
	assert_int_equal(symlink("real", text), 0);
	snprintf(text, sizeof(text), "%s/link/file", w->root);
	snprintf(real, sizeof(real), "%s/real/file", w->root);
	assert_int_equal(lookup_path(&w->filter, text, &w->err), 0);
	assert_string_equal(w->filter.paths[0], real);
	/* As far as it exists, and not into a pattern. */
	snprintf(text, sizeof(text), "%s/link/none/x*", w->root);
	snprintf(real, sizeof(real), "%s/real/none/x*", w->root);
	assert_int_equal(lookup_path(&w->filter, text, &w->err), 0);
	assert_string_equal(w->filter.paths[1], real);
	snprintf(text, sizeof(text), "%s/link/f?le", w->root);
	snprintf(real, sizeof(real), "%s/real/f?le", w->root);
	assert_int_equal(lookup_path(&w->filter, text, &w->err), 0);
	assert_string_equal(w->filter.paths[2], real);
	assert_int_equal(lookup_path(&w->filter, "/", &w->err), 0);
	assert_string_equal(w->filter.paths[3], "/");
	assert_int_equal(lookup_path(&w->filter, "/nosuch/dir", &w->err), 0);
	assert_string_equal(w->filter.paths[4], "/nosuch/dir");
	assert_failed(w, lookup_path(&w->filter, "", &w->err), "--path", "pattern");
	assert_int_equal(chdir(w->root), 0);
	assert_int_equal(lookup_path(&w->filter, "link", &w->err), 0);
	snprintf(real, sizeof(real), "%s/real", w->root);
	assert_string_equal(w->filter.paths[5], real);
	assert_int_equal(lookup_path(&w->filter, "none", &w->err), 0);
	snprintf(real, sizeof(real), "%s/none", w->root);
	assert_string_equal(w->filter.paths[6], real);
	assert_int_equal(chdir("/"), 0);
}

/* --- processes --- */

static void pid_of_a_process_and_of_a_thread(void **state)
{
	struct world *w = *state;

	put(w, "proc/12/status", "Name:\tx\nTgid:\t11\nPid:\t12\n");
	assert_int_equal(lookup_pid(&w->filter, w->root, "12", &w->err), 0);
	assert_int_equal(w->filter.pids[0], 11);
	assert_failed(w, lookup_pid(&w->filter, w->root, "13", &w->err), "--pid 13", "ps");
	assert_failed(w, lookup_pid(&w->filter, w->root, "x", &w->err), "--pid x", "number");
	assert_failed(w, lookup_pid(&w->filter, w->root, "0", &w->err), "--pid 0", "number");
	assert_failed(w, lookup_pid(&w->filter, w->root, "12 ", &w->err), "--pid 12", "number");
	assert_failed(w, lookup_pid(&w->filter, w->root, "-5", &w->err), "--pid -5", "number");
}

static void count(void *ctx, uint32_t pid)
{
	uint32_t *wanted = ctx;

	for (; *wanted; wanted++)
		if (*wanted == pid)
			*wanted = 1;
}

static void descendants_are_found(void **state)
{
	uint32_t self = getpid(), wanted[] = {self, 0, 0, 0};
	int fds[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child) { /* a child, and a child of it */
		pid_t grandchild = fork();

		if (grandchild && write(fds[1], &grandchild, sizeof(grandchild)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	wanted[1] = child;
	assert_int_equal(read(fds[0], &wanted[2], sizeof(wanted[2])), sizeof(wanted[2]));
	pid_t grandchild = (pid_t)wanted[2];
	processes_descend(&self, 1, count, wanted);
	assert_int_equal(wanted[0] + wanted[1] + wanted[2], 3);
	assert_int_equal(kill(child, 9), 0);
	assert_int_equal(kill(grandchild, 9), 0);
}

/* --- cgroups --- */

#define CGROUPS                                                                                    \
	"30 20 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"            \
	"31 20 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"

static void cgroup_by_its_path(void **state)
{
	struct world *w = *state;
	char text[128];

	put(w, "proc/self/mountinfo", CGROUPS);
	put(w, "sys/fs/cgroup/unified/a.slice/b.scope", NULL);
	snprintf(text, sizeof(text), "%s/sys/fs/cgroup/unified/a.slice/b.scope", w->root);
	assert_int_equal(lookup_cgroup(&w->filter, w->root, "a.slice/b.scope", &w->err), 0);
	assert_int_equal(lookup_cgroup(&w->filter, w->root, "/a.slice/b.scope", &w->err), 0);
	assert_int_equal(lookup_cgroup(&w->filter, w->root, text + strlen(w->root), &w->err), 0);
	for (int i = 0; i < 3; i++)
		assert_string_equal(w->filter.cgroups[i], text);
	assert_int_equal(lookup_cgroup(&w->filter, w->root, "/", &w->err), 0);
	assert_failed(w, lookup_cgroup(&w->filter, w->root, "none", &w->err),
		      "no /sys/fs/cgroup/unified/none", "/proc/PID/cgroup");
	assert_failed(w, lookup_cgroup(&w->filter, w->root, "../x", &w->err), "../x", "path");
	assert_failed(w, lookup_cgroup(&w->filter, w->root, "", &w->err), "--cgroup", "path");
}

static void unit_by_its_name(void **state)
{
	struct world *w = *state;

	put(w, "proc/self/mountinfo", CGROUPS);
	put(w, "sys/fs/cgroup/unified/system.slice/db.service/sub", NULL);
	put(w, "sys/fs/cgroup/unified/user.slice/user-1.slice/app.slice/db.service", NULL);
	put(w, "sys/fs/cgroup/unified/system.slice/db.service.x", NULL);
	assert_int_equal(lookup_unit(&w->filter, w->root, "db", &w->err), 0);
	assert_int_equal(w->filter.nr_cgroups, 2);
	assert_int_equal(lookup_unit(&w->filter, w->root, "user.slice", &w->err), 0);
	assert_int_equal(w->filter.nr_cgroups, 3);
	assert_non_null(strstr(w->filter.cgroups[2], "/unified/user.slice"));
	assert_failed(w, lookup_unit(&w->filter, w->root, "none", &w->err), "--unit none",
		      "systemctl");
	assert_failed(w, lookup_unit(&w->filter, w->root, "a/b", &w->err), "a/b", "name");
}

static void cgroup2_is_mounted_nowhere(void **state)
{
	struct world *w = *state;

	put(w, "proc/self/mountinfo", "31 20 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw\n");
	assert_failed(w, lookup_cgroup(&w->filter, w->root, "x", &w->err), "no cgroup2", "mount");
	assert_failed(w, lookup_unit(&w->filter, w->root, "x", &w->err), "no cgroup2", "--comm");
}

/* --- devices --- */

static void device_by_name_or_number(void **state)
{
	struct world *w = *state;

	put(w, "sys/class/block/vda1/dev", "254:1\n");
	assert_int_equal(lookup_dev(&w->filter, w->root, "vda1", &w->err), 0);
	assert_int_equal(lookup_dev(&w->filter, w->root, "0:37", &w->err), 0);
	assert_true(filter_has_dev(&w->filter, STACK_DEV(254, 1)));
	assert_true(filter_has_dev(&w->filter, STACK_DEV(0, 37)));
	assert_false(filter_has_dev(&w->filter, STACK_DEV(254, 0)));
	assert_failed(w, lookup_dev(&w->filter, w->root, "vdz", &w->err), "--dev vdz", "lsblk");
	assert_failed(w, lookup_dev(&w->filter, w->root, "", &w->err), "--dev", "lsblk");
	assert_failed(w, lookup_dev(&w->filter, w->root, "8:", &w->err), "--dev 8:", "lsblk");
	assert_failed(w, lookup_dev(&w->filter, "", "/dev/null", &w->err), "/dev/null", "lsblk");
}

/* --- calls --- */

static void a_call_without_a_name(void **state)
{
	struct stack *stack = stack_new("");
	struct event_sync sync = {.kind = SYNC_FSYNC, .flags = SYNC_NO_FILE};
	struct world *w = *state;

	assert_true(scope_holds(&w->filter, stack, &sync, NULL));
	assert_int_equal(filter_add_path(&w->filter, "/", &w->err), 0);
	assert_false(scope_holds(&w->filter, stack, &sync, NULL));
	sync.flags = 0;
	assert_true(scope_holds(&w->filter, stack, &sync, NULL)); /* its name was lost */
	assert_int_equal(filter_add_dev(&w->filter, STACK_DEV(8, 1), &w->err), 0);
	assert_false(scope_holds(&w->filter, stack, &sync, "/x"));
	sync.s_dev = STACK_DEV(8, 1);
	assert_true(scope_holds(&w->filter, stack, &sync, "/x"));
	sync.s_dev = STACK_DEV(8, 0);
	sync.nr_devices = 1;
	sync.devices[0].disk = STACK_DEV(8, 0);
	assert_true(scope_holds(&w->filter, stack, &sync, "/x")); /* what is below is not known */
	stack_free(stack);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(comm_is_compared_whole_or_in_part),
		FRESH(comm_is_cut_as_the_kernel_does),
		FRESH(comm_that_is_none),
		FRESH(so_many_values_and_no_more),
		FRESH(path_of_a_file_and_of_a_directory),
		FRESH(path_of_a_pattern),
		FRESH(path_of_the_root),
		FRESH(path_is_looked_up),
		FRESH(pid_of_a_process_and_of_a_thread),
		FRESH(descendants_are_found),
		FRESH(cgroup_by_its_path),
		FRESH(unit_by_its_name),
		FRESH(cgroup2_is_mounted_nowhere),
		FRESH(device_by_name_or_number),
		FRESH(a_call_without_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
