// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failures.h"
#include "findings.h"
#include "seed.h"
#include "stack.h"
#include "verdict.h"

/*
 * Failed writes come as records, in the order of time; a sync call then asks
 * what stands against it. Files are inodes 12, 13, ... of a file system on vda.
 */

#define VDA	   STACK_DEV(254, 0)
#define VDA1	   STACK_DEV(254, 1)
#define VDA2	   STACK_DEV(254, 2)
#define VDB	   STACK_DEV(254, 16)
#define INO	   12
#define GENERATION 7
#define PAGE	   4096
#define SIZE	   (1 << 20)
#define ALL_ROLES  (DEVICE_DATA | DEVICE_LOG | DEVICE_LEAF)
#define ROUNDS	   200000
#define PAGES	   24

struct world {
	struct failures *failures;
	struct failure_swallowed found[8];
	size_t nr_found;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->failures = failures_new();
	assert_non_null(w->failures);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	failures_free(w->failures);
	free(w);
	return 0;
}

static struct event_write make_write(uint64_t done_ns, uint64_t page, uint64_t pages, int error)
{
	return (struct event_write){
		.at_ns = done_ns,
		.offset = page * PAGE,
		.bytes = pages * PAGE,
		.ino = INO,
		.s_dev = VDA1,
		.generation = GENERATION,
		.disk = VDA,
		.part = VDA1,
		.error = error,
	};
}

static void fail_pages(struct world *w, uint64_t done_ns, uint64_t page, uint64_t pages)
{
	struct event_write write = make_write(done_ns, page, pages, -EIO);

	failures_push(w->failures, &write);
}

static void write_pages(struct world *w, uint64_t done_ns, uint64_t page, uint64_t pages)
{
	struct event_write write = make_write(done_ns, page, pages, 0);

	failures_push(w->failures, &write);
}

static struct event_sync make_sync(uint64_t enter_ns, int ret)
{
	struct event_sync sync = {
		.enter_ns = enter_ns,
		.exit_ns = enter_ns + 50,
		.pid = 10,
		.kind = SYNC_FSYNC,
		.ret = ret,
		.s_dev = VDA1,
		.ino = INO,
		.generation = GENERATION,
		.size = SIZE,
		.nr_devices = 1,
	};

	sync.devices[0] = (struct event_device){.disk = VDA, .part = VDA1, .roles = ALL_ROLES};
	return sync;
}

static struct failure ask(struct world *w, const struct event_sync *sync)
{
	struct failure failure;

	failures_ask(w->failures, sync, 0, &failure);
	return failure;
}

/* What stands against an fsync of the file at @enter_ns. */
static struct failure ask_at(struct world *w, uint64_t enter_ns)
{
	struct event_sync sync = make_sync(enter_ns, 0);

	return ask(w, &sync);
}

/* A call that is judged by what it finds. */
static void judge(struct world *w, const struct event_sync *sync, const char *path)
{
	struct failure failure = ask(w, sync);

	failures_judged(w->failures, sync, &failure, path);
}

static void judge_at(struct world *w, uint64_t enter_ns, int ret)
{
	struct event_sync sync = make_sync(enter_ns, ret);

	judge(w, &sync, "/file");
}

static void remember(void *ctx, const struct failure_swallowed *swallowed)
{
	struct world *w = ctx;

	assert_in_range(w->nr_found, 0, 7);
	w->found[w->nr_found++] = *swallowed;
}

static size_t find(struct world *w)
{
	w->nr_found = 0;
	failures_each_swallowed(w->failures, remember, w);
	return w->nr_found;
}

/* --- what stands against a call --- */

static void nothing_failed(void **state)
{
	struct world *w = *state;

	write_pages(w, 100, 0, 1);
	judge_at(w, 200, 0);
	assert_int_equal(ask_at(w, 200).kind, FAILURE_NONE);
	assert_int_equal(find(w), 0);
}

static void it_stands_until_written_again(void **state)
{
	struct world *w = *state;
	struct failure failure;

	fail_pages(w, 100, 4, 2);
	failure = ask_at(w, 200);
	assert_int_equal(failure.kind, FAILURE_WRITE);
	assert_int_equal(failure.disk, VDA);
	assert_int_equal(failure.since_ns, 100);
	assert_int_equal(failure.bytes, 2 * PAGE);
	assert_int_equal(failure.error, -EIO);
	assert_int_equal(failure.told.at_ns, 0);
	write_pages(w, 300, 3, 1);
	write_pages(w, 300, 6, 9);
	assert_int_equal(ask_at(w, 400).bytes, 2 * PAGE);
	write_pages(w, 500, 5, 1);
	assert_int_equal(ask_at(w, 600).bytes, PAGE);
	write_pages(w, 700, 0, 9);
	assert_int_equal(ask_at(w, 800).kind, FAILURE_NONE);
	fail_pages(w, 900, 4, 1);
	assert_int_equal(ask_at(w, 1000).since_ns, 900);
}

/* mkfs in the middle of an audit: device, inode and generation may all be the same. */
static void another_file_system_on_the_same_device(void **state)
{
	struct world *w = *state;
	struct event_write write = make_write(100, 4, 2, -EIO);
	struct event_sync file = make_sync(200, 0), whole = make_sync(300, 0);

	write.fs_id = 0x1111;
	failures_push(w->failures, &write);
	whole.kind = SYNC_SYNCFS;
	whole.flags = SYNC_WHOLE_FS;
	file.fs_id = whole.fs_id = 0x2222;
	assert_int_equal(ask(w, &file).kind, FAILURE_NONE);
	assert_int_equal(ask(w, &whole).kind, FAILURE_NONE);
	file.fs_id = whole.fs_id = 0x1111;
	assert_int_equal(ask(w, &file).kind, FAILURE_WRITE);
	assert_int_equal(ask(w, &whole).kind, FAILURE_WRITE);
}

static void a_write_before_the_failure_makes_up_for_nothing(void **state)
{
	struct world *w = *state;

	write_pages(w, 90, 4, 2);
	fail_pages(w, 100, 4, 2);
	assert_int_equal(ask_at(w, 200).bytes, 2 * PAGE);
}

static void another_file_is_another_matter(void **state)
{
	struct event_write write = make_write(100, 4, 1, -EIO);
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	failures_push(w->failures, &write);
	sync.ino = INO + 1;
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	sync = make_sync(200, 0);
	sync.generation = GENERATION + 1; /* deleted, its number used again */
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	sync = make_sync(200, 0);
	sync.s_dev = VDA2;
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	/* nor does writing it make up for anything */
	write = make_write(150, 4, 1, 0);
	write.ino = INO + 1;
	failures_push(w->failures, &write);
	write = make_write(150, 4, 1, 0);
	write.generation = GENERATION + 1;
	failures_push(w->failures, &write);
	write = make_write(150, 4, 1, 0);
	write.disk = VDB;
	failures_push(w->failures, &write);
	assert_int_equal(ask_at(w, 200).kind, FAILURE_WRITE);
}

static void what_is_cut_off_needs_no_writing(void **state)
{
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	fail_pages(w, 100, 4, 2);
	sync.size = 4 * PAGE + 1;
	assert_int_equal(ask(w, &sync).bytes, 1);
	sync.size = 4 * PAGE;
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	assert_int_equal(ask_at(w, 300).kind, FAILURE_NONE); /* for good */
}

static void an_unknown_size_cuts_nothing_off(void **state)
{
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	fail_pages(w, 100, 4, 2);
	sync.size = UINT64_MAX;
	assert_int_equal(ask(w, &sync).bytes, 2 * PAGE);
}

static void where_it_failed_may_be_unknown(void **state)
{
	struct event_write write = make_write(100, 0, 1, -EIO);
	struct event_sync sync = make_sync(400, 0);
	struct world *w = *state;
	struct failure failure;

	write.flags = WRITE_ANYWHERE;
	failures_push(w->failures, &write);
	write_pages(w, 200, 0, SIZE / PAGE);
	failure = ask_at(w, 300);
	assert_int_equal(failure.kind, FAILURE_WRITE);
	assert_int_equal(failure.bytes, 0);
	sync.size = 0; /* nothing is left that could be damaged */
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	assert_int_equal(ask_at(w, 500).kind, FAILURE_NONE);
}

static void the_ledger_knows_of_a_lost_record(void **state)
{
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	sync.devices[0].last_error_ns = 100;
	assert_int_equal(ask(w, &sync).kind, FAILURE_WRITE);
	assert_int_equal(ask(w, &sync).since_ns, 100);
	write_pages(w, 300, 0, SIZE / PAGE); /* where it was is not known */
	assert_int_equal(ask(w, &sync).kind, FAILURE_WRITE);
}

static void the_ledger_says_nothing_new(void **state)
{
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	fail_pages(w, 100, 4, 1);
	sync.devices[0].last_error_ns = 100;
	assert_int_equal(ask(w, &sync).bytes, PAGE);
	write_pages(w, 150, 4, 1);
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	sync.devices[0].last_error_ns = 160;
	assert_int_equal(ask(w, &sync).kind, FAILURE_WRITE);
}

static void a_mirror_leg_is_the_mirrors_matter(void **state)
{
	struct event_write write = make_write(100, 4, 1, -EIO);
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	write.disk = VDB;
	failures_push(w->failures, &write);
	sync.nr_devices = 2;
	sync.devices[0].roles = DEVICE_DATA | DEVICE_LOG;
	sync.devices[1] = (struct event_device){
		.disk = VDB, .part = VDB, .roles = DEVICE_LEAF, .last_error_ns = 100};
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	sync.devices[1].roles = DEVICE_DATA;
	assert_int_equal(ask(w, &sync).kind, FAILURE_WRITE);
}

static void devices_that_are_not_known(void **state)
{
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	sync.nr_devices = 0;
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	fail_pages(w, 100, 4, 1);
	assert_int_equal(ask(w, &sync).kind, FAILURE_WRITE);
}

static void metadata_may_be_any_files(void **state)
{
	struct event_write write = make_write(100, 4, 1, -EIO);
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	write.flags = WRITE_META;
	write.ino = VDA1; /* the block device's own inode */
	write.s_dev = 3;
	failures_push(w->failures, &write);
	assert_int_equal(ask_at(w, 200).kind, FAILURE_METADATA);
	/* another partition's is not */
	sync.devices[0].part = VDA2;
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
	/* a sync of the block device itself is about just that */
	sync.s_dev = 3;
	sync.ino = VDA1;
	assert_int_equal(ask(w, &sync).kind, FAILURE_WRITE);
	/* the file's own failure says more */
	fail_pages(w, 110, 4, 1);
	assert_int_equal(ask_at(w, 200).kind, FAILURE_WRITE);
	write_pages(w, 120, 4, 1);
	assert_int_equal(ask_at(w, 200).kind, FAILURE_METADATA);
	write.error = 0;
	failures_push(w->failures, &write);
	assert_int_equal(ask_at(w, 300).kind, FAILURE_NONE);
}

/* What failed before the file system was mounted anew is not in its memory any more. */
static void a_new_super_block_knows_nothing_of_it(void **state)
{
	struct event_write write = make_write(100, 4, 1, -EIO);
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;
	struct failure failure;

	fail_pages(w, 110, 4, 1);
	write.flags = WRITE_META;
	write.ino = VDA1;
	write.s_dev = 3;
	failures_push(w->failures, &write);
	failures_ask(w->failures, &sync, 99, &failure);
	assert_int_equal(failure.kind, FAILURE_WRITE);
	failures_ask(w->failures, &sync, 109, &failure);
	assert_int_equal(failure.kind, FAILURE_WRITE);
	failures_ask(w->failures, &sync, 110, &failure);
	assert_int_equal(failure.kind, FAILURE_NONE);
}

static void who_was_told_of_metadata(void **state)
{
	struct event_write write = make_write(100, 4, 1, -EIO);
	struct world *w = *state;

	write.flags = WRITE_META;
	write.ino = VDA1;
	write.s_dev = 3;
	failures_push(w->failures, &write);
	judge_at(w, 200, 0);
	assert_int_equal(ask_at(w, 300).told.at_ns, 0);
	judge_at(w, 300, -EIO);
	assert_int_equal(ask_at(w, 400).told.at_ns, 350);
	assert_int_equal(ask_at(w, 400).kind, FAILURE_METADATA);
}

static void what_nobody_can_be_charged_with_is_everybodys(void **state)
{
	struct event_write write = make_write(100, 0, 0, -EIO);
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	write.flags = WRITE_UNCHARGED;
	write.ino = 0;
	write.s_dev = 0;
	write.generation = 0;
	write.part = 0;
	failures_push(w->failures, &write);
	assert_int_equal(ask_at(w, 200).kind, FAILURE_UNCHARGED);
	write_pages(w, 300, 0, SIZE / PAGE);
	sync.size = 0;
	assert_int_equal(ask(w, &sync).kind, FAILURE_UNCHARGED);
	sync.devices[0].disk = VDB;
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
}

static void an_error_from_nowhere_stays_in_doubt(void **state)
{
	struct event_sync sync = make_sync(200, -EIO);
	struct failure unseen = {.kind = FAILURE_UNSEEN, .since_ns = 250};
	struct world *w = *state;
	struct failure failure;

	failures_judged(w->failures, &sync, &unseen, "/file");
	failure = ask_at(w, 300);
	assert_int_equal(failure.kind, FAILURE_UNSEEN);
	assert_int_equal(failure.told.at_ns, 250);
	judge_at(w, 300, 0);
	assert_int_equal(find(w), 0); /* doubt is no finding */
	sync = make_sync(400, 0);
	sync.ino = INO + 1;
	assert_int_equal(ask(w, &sync).kind, FAILURE_NONE);
}

static void too_many_ranges_are_anywhere(void **state)
{
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	sync.size = UINT64_MAX;
	for (uint64_t i = 0; i < 5000; i++)
		fail_pages(w, 100 + i, 2 * i, 1);
	assert_int_equal(ask(w, &sync).kind, FAILURE_WRITE);
	write_pages(w, 9000, 0, 10000);
	assert_int_equal(ask(w, &sync).kind, FAILURE_WRITE);
	assert_int_equal(ask(w, &sync).bytes, 0);
}

/* --- findings --- */

static void nobody_was_told(void **state)
{
	struct world *w = *state;

	fail_pages(w, 100, 4, 2);
	judge_at(w, 200, 0);
	judge_at(w, 300, 0);
	assert_int_equal(find(w), 1);
	assert_int_equal(w->found[0].failure.kind, FAILURE_WRITE);
	assert_int_equal(w->found[0].failure.since_ns, 100);
	assert_int_equal(w->found[0].failure.bytes, 2 * PAGE);
	assert_int_equal(w->found[0].failure.told.at_ns, 0);
	assert_int_equal(w->found[0].success.at_ns, 250);
	assert_int_equal(w->found[0].success.pid, 10);
	assert_string_equal(w->found[0].path, "/file");
}

static void the_first_that_was_told_is_named(void **state)
{
	struct world *w = *state;
	struct event_sync sync = make_sync(200, -EIO);

	fail_pages(w, 100, 4, 2);
	sync.kind = SYNC_FILE_RANGE;
	judge(w, &sync, "/file");
	judge_at(w, 300, -EIO);
	assert_int_equal(find(w), 0); /* everybody knows */
	assert_int_equal(ask_at(w, 400).told.at_ns, 250);
	judge_at(w, 400, 0);
	assert_int_equal(find(w), 1);
	assert_int_equal(w->found[0].failure.told.at_ns, 250);
	assert_int_equal(w->found[0].failure.told.kind, SYNC_FILE_RANGE);
	assert_int_equal(w->found[0].failure.told.ret, -EIO);
	assert_int_equal(w->found[0].success.at_ns, 450);
}

static void who_is_told_later_counts_too(void **state)
{
	struct world *w = *state;

	fail_pages(w, 100, 4, 2);
	judge_at(w, 200, 0);
	judge_at(w, 300, -EIO);
	assert_int_equal(find(w), 1);
	assert_int_equal(w->found[0].success.at_ns, 250);
	assert_int_equal(w->found[0].failure.told.at_ns, 350);
}

static void written_again_in_time_is_no_finding(void **state)
{
	struct world *w = *state;

	fail_pages(w, 100, 4, 2);
	judge_at(w, 200, -EIO);
	write_pages(w, 300, 4, 2);
	judge_at(w, 400, 0);
	assert_int_equal(find(w), 0);
}

static void each_failure_is_one_finding(void **state)
{
	struct event_write other = make_write(120, 0, 1, -ENOSPC);
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	fail_pages(w, 100, 4, 2);
	fail_pages(w, 110, 9, 1);
	other.ino = INO + 1;
	failures_push(w->failures, &other);
	judge_at(w, 200, 0);
	sync.ino = INO + 1;
	judge(w, &sync, NULL);
	write_pages(w, 300, 0, 20); /* the first file is well again, and fails again */
	judge_at(w, 400, 0);
	fail_pages(w, 500, 4, 1);
	judge_at(w, 600, 0);
	assert_int_equal(find(w), 3);
	assert_int_equal(w->found[0].failure.bytes, 3 * PAGE);
	assert_int_equal(w->found[1].failure.error, -ENOSPC);
	assert_null(w->found[1].path);
	assert_int_equal(w->found[2].failure.since_ns, 500);
}

static void a_nested_sync_is_no_finding_of_its_own(void **state)
{
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	fail_pages(w, 100, 4, 2);
	sync.kind = SYNC_KERNEL;
	judge(w, &sync, "/image");
	assert_int_equal(find(w), 0);
	sync.ret = -EIO;
	judge(w, &sync, "/image");
	judge_at(w, 300, 0);
	assert_int_equal(find(w), 1);
	assert_int_equal(w->found[0].failure.told.kind, SYNC_KERNEL);
}

static void a_write_of_the_call_itself(void **state)
{
	struct event_sync sync = make_sync(200, 0);
	struct failure failure = {.kind = FAILURE_WRITE, .disk = VDA, .since_ns = 250};
	struct world *w = *state;

	failures_judged(w->failures, &sync, &failure, "/file");
	assert_int_equal(find(w), 1);
	assert_int_equal(ask_at(w, 300).kind, FAILURE_NONE);
	assert_int_equal(ask_at(w, 300).kind, FAILURE_NONE);
}

static void a_failed_flush(void **state)
{
	struct failure failure = {
		.kind = FAILURE_FLUSH, .disk = VDA, .since_ns = 230, .error = -EIO};
	struct event_sync sync = make_sync(200, 0);
	struct world *w = *state;

	failures_judged(w->failures, &sync, &failure, "/file");
	failures_judged(w->failures, &sync, &failure, "/file");
	assert_int_equal(ask_at(w, 300).kind,
			 FAILURE_NONE); /* the next call has a flush of its own */
	sync.ino = INO + 1;
	sync.ret = -EIO;
	failures_judged(w->failures, &sync, &failure, "/other"); /* it was told */
	failure.since_ns = 330;
	failures_judged(w->failures, &sync, &failure, "/other"); /* of another one, too */
	assert_int_equal(find(w), 1);
	assert_int_equal(w->found[0].failure.kind, FAILURE_FLUSH);
	assert_int_equal(w->found[0].failure.error, -EIO);
	assert_int_equal(w->found[0].failure.told.at_ns, 250);
	assert_string_equal(w->found[0].path, "/file");
}

/* --- words --- */

static void described(const struct failure *failure, const char *expected)
{
	char text[256];

	verdict_describe_failure(text, sizeof(text), failure, "vda", 1000000000);
	assert_string_equal(text, expected);
}

static void failures_are_described(void **state)
{
	struct failure failure = {.kind = FAILURE_WRITE,
				  .disk = VDA,
				  .since_ns = 1012000000,
				  .bytes = PAGE,
				  .error = -EIO};

	(void)state;
	described(&failure, "a write of 4096 bytes to vda failed (Input/output error) at 0.012 s; "
			    "no audited call was told");
	failure.bytes = 0;
	failure.error = 0;
	failure.told = (struct failure_call){1013000000, 12, SYNC_FDATASYNC, -ENOSPC};
	described(&failure, "a write to vda failed at 0.012 s; fdatasync by PID 12 was told "
			    "(No space left on device) at 0.013 s");
	failure.kind = FAILURE_METADATA;
	failure.told = (struct failure_call){0};
	described(&failure, "a metadata write to vda failed at 0.012 s; no audited call was told");
	failure.kind = FAILURE_FLUSH;
	described(&failure, "a flush of vda failed at 0.012 s; no audited call was told");
	failure.kind = FAILURE_UNSEEN;
	failure.told = (struct failure_call){1013000000, 12, SYNC_KERNEL, -EIO};
	described(&failure, "something of the file failed unseen; a sync of the kernel's own by "
			    "PID 12 was told (Input/output error) at 0.013 s");
}

static void findings_have_names(void **state)
{
	(void)state;
	assert_string_equal(finding_kind_name(FINDING_ERROR_SWALLOWED), "error-swallowed");
	assert_string_equal(finding_severity_name(SEVERITY_RISK), "risk");
	assert_string_equal(finding_severity_name(SEVERITY_ADVICE), "advice");
	for (int i = 0; i < FINDING_KINDS; i++)
		assert_true(*finding_advice(i));
	assert_string_equal(finding_kind_name(FINDING_KINDS), "?");
	assert_string_equal(finding_severity_name(SEVERITIES), "?");
	assert_string_equal(finding_advice(FINDING_KINDS), "");
}

/* --- random ranges, held against a page map --- */

static uint64_t roll(uint64_t *random, uint64_t limit)
{
	uint64_t z = *random += 0x9E3779B97F4A7C15ULL;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
	return ((z ^ z >> 31) >> 32) % limit;
}

static void ranges_are_those_of_a_page_map(void **state)
{
	uint64_t random = *(uint64_t *)*state, damaged, clean = 0, asked = 0;
	bool bad[PAGES] = {false};
	struct world *w;
	void *own;

	assert_int_equal(setup(&own), 0);
	w = own;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct event_sync sync = make_sync(round, 0);
		struct failure failure;
		uint64_t page = roll(&random, PAGES);
		uint64_t count = 1 + roll(&random, PAGES - page < 6 ? PAGES - page : 6);
		bool fails = !roll(&random, 3);

		if (fails)
			fail_pages(w, round, page, count);
		else
			write_pages(w, round, page, count);
		for (uint64_t i = page; i < page + count; i++)
			bad[i] = fails;
		if (!roll(&random, 20)) {
			sync.size = roll(&random, PAGES * PAGE);
			for (uint64_t i = 0; i < PAGES; i++)
				if (i * PAGE >= sync.size)
					bad[i] = false;
			ask(w, &sync);
			/* the rest of the page that was cut in two */
			write_pages(w, round, sync.size / PAGE, 1);
			bad[sync.size / PAGE] = false;
		}
		damaged = 0;
		for (uint64_t i = 0; i < PAGES; i++)
			damaged += bad[i] * PAGE;
		failure = ask_at(w, round);
		if (failure.bytes != damaged || (failure.kind == FAILURE_WRITE) != !!damaged)
			fail_msg("round %" PRIu64 ": %" PRIu64 " bytes, not %" PRIu64, round,
				 failure.bytes, damaged);
		clean += !damaged;
		asked++;
	}
	assert_in_range(clean, asked / 1000, asked / 2); /* a test of nothing must not pass */
	teardown(&own);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static uint64_t seed;
	const struct CMUnitTest tests[] = {
		FRESH(nothing_failed),
		FRESH(it_stands_until_written_again),
		FRESH(another_file_system_on_the_same_device),
		FRESH(a_write_before_the_failure_makes_up_for_nothing),
		FRESH(another_file_is_another_matter),
		FRESH(what_is_cut_off_needs_no_writing),
		FRESH(an_unknown_size_cuts_nothing_off),
		FRESH(where_it_failed_may_be_unknown),
		FRESH(the_ledger_knows_of_a_lost_record),
		FRESH(the_ledger_says_nothing_new),
		FRESH(a_mirror_leg_is_the_mirrors_matter),
		FRESH(devices_that_are_not_known),
		FRESH(metadata_may_be_any_files),
		FRESH(a_new_super_block_knows_nothing_of_it),
		FRESH(who_was_told_of_metadata),
		FRESH(what_nobody_can_be_charged_with_is_everybodys),
		FRESH(an_error_from_nowhere_stays_in_doubt),
		FRESH(too_many_ranges_are_anywhere),
		FRESH(nobody_was_told),
		FRESH(the_first_that_was_told_is_named),
		FRESH(who_is_told_later_counts_too),
		FRESH(written_again_in_time_is_no_finding),
		FRESH(each_failure_is_one_finding),
		FRESH(a_nested_sync_is_no_finding_of_its_own),
		FRESH(a_write_of_the_call_itself),
		FRESH(a_failed_flush),
		cmocka_unit_test(failures_are_described),
		cmocka_unit_test(findings_have_names),
		cmocka_unit_test_prestate(ranges_are_those_of_a_page_map, &seed),
	};

	if (choose_seed(&seed))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
