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
#include "journal.h"

#define VDA STACK_DEV(254, 0)
#define VDB STACK_DEV(254, 16)
#define VDC STACK_DEV(254, 32)
#define VDD STACK_DEV(254, 48)
#define VDE STACK_DEV(254, 64)

struct world {
	char root[64];
	struct stack *stack;
	uint64_t last_ns; /* when a commit ended on vda */
};

static void put_disk(const struct world *w, char letter, int minor, const char *cache)
{
	char path[128], dev[16];

	snprintf(path, sizeof(path), "sys/class/block/vd%c/dev", letter);
	snprintf(dev, sizeof(dev), "254:%d", minor);
	directory_put(w->root, path, dev, "\n");
	snprintf(path, sizeof(path), "sys/class/block/vd%c/queue/write_cache", letter);
	directory_put(w->root, path, cache, "\n");
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err;

	assert_non_null(w);
	strcpy(w->root, "/tmp/test_journal.XXXXXX");
	assert_non_null(mkdtemp(w->root));
	put_disk(w, 'a', 0, "write back");
	put_disk(w, 'b', 16, "write through");
	put_disk(w, 'c', 32, "write back");
	put_disk(w, 'd', 48, "write back");
	put_disk(w, 'e', 64, "write back");
	directory_put(
		w->root, "proc/self/mountinfo",
		"20 1 254:0 / / rw - xfs /dev/vda rw\n"
		"21 20 254:16 / /b rw - xfs /dev/vdb rw\n"
		"22 20 254:32 / /c rw - ext4 /dev/vdc rw\n"
		"23 20 254:48 / /d rw - xfs /dev/vdd rw,nobarrier\n"
		"24 20 254:64 / /e rw - f2fs /dev/vde rw\n"
		"25 20 0:50 / /o rw - overlay overlay rw,lowerdir=/c/l,upperdir=/c/u,workdir=/c/w\n"
		"26 20 0:51 / /t rw - tmpfs none rw\n"
		"27 20 0:52 / /s rw - btrfs /dev/vdf rw",
		"\n");
	w->stack = stack_new(w->root);
	assert_non_null(w->stack);
	assert_int_equal(stack_scan(w->stack, &err), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	stack_free(w->stack);
	directory_remove(w->root);
	free(w);
	return 0;
}

static uint64_t last(void *ctx, uint32_t part)
{
	const struct world *w = ctx;

	return part == VDA ? w->last_ns : 0;
}

static bool quiet(struct world *w, uint32_t dev, uint64_t since_ns)
{
	return journal_quiet_since(w->stack, dev, since_ns, last, w);
}

static void quiet_only_where_each_commit_is_seen(void **state)
{
	struct world *w = *state;

	w->last_ns = 100;
	assert_true(quiet(w, VDA, 101));
	assert_false(quiet(w, VDA, 100));
	assert_false(quiet(w, VDB, 101)); /* without a cache nothing sets it apart */
	assert_false(quiet(w, VDC, 101)); /* ext4 tells by itself */
	assert_false(quiet(w, VDD, 101));
	assert_false(quiet(w, VDE, 101)); /* f2fs: each fsync may be one */
	assert_false(quiet(w, STACK_DEV(8, 0), 101));
}

static void ext4_tells(void **state)
{
	struct world *w = *state;

	assert_true(journal_tells(w->stack, VDC));
	assert_false(journal_tells(w->stack, VDA));
	assert_false(journal_tells(w->stack, STACK_DEV(8, 0)));
}

static void the_transaction_of_another_file_system(void **state)
{
	struct world *w = *state;

	assert_true(journal_may_hold(w->stack, VDC, VDC));
	assert_false(journal_may_hold(w->stack, VDC, VDA));
	assert_false(journal_may_hold(w->stack, VDC, STACK_DEV(0, 51)));
	assert_true(journal_may_hold(w->stack, VDC, STACK_DEV(0, 50)));		     /* overlay */
	assert_true(journal_may_hold(w->stack, STACK_DEV(0, 53), STACK_DEV(0, 52))); /* btrfs */
	assert_true(journal_may_hold(w->stack, VDC, STACK_DEV(8, 0)));		     /* not known */
	assert_true(journal_may_hold(w->stack, VDC, 0));
}

/* A record with FUA goes with the flush before it, another one needs the flush after it. */
static void the_flush_of_a_commit(void **state)
{
	struct flushlog *flushes = flushlog_new();
	struct flush_entry before = {.id = 1, .issue_ns = 1500, .complete_ns = 1600};
	struct flush_entry after = {.id = 2, .issue_ns = 1900, .complete_ns = 1950};
	struct event_sync sync = {.exit_ns = 2000};
	struct event_device device = {.disk = VDC,
				      .roles = DEVICE_LOG,
				      .commit_flush_ns = 1500,
				      .commit_done_ns = 1850,
				      .commit_stable_ns = 1850};
	struct verdict_facts facts = {.sync = &sync, .nr_devices = 1};

	(void)state;
	assert_non_null(flushes);
	assert_int_equal(flushlog_add(flushes, VDC, &before), 0);
	assert_int_equal(flushlog_add(flushes, VDC, &after), 0);
	facts.devices[0].event = &device;
	assert_int_equal(journal_flush(flushes, &facts), 1);
	device.commit_stable_ns = 0;
	assert_int_equal(journal_flush(flushes, &facts), 2);
	device.roles = DEVICE_DATA;
	assert_int_equal(journal_flush(flushes, &facts), 0);
	flushlog_free(flushes);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(quiet_only_where_each_commit_is_seen),
		T(ext4_tells),
		T(the_transaction_of_another_file_system),
		T(the_flush_of_a_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
