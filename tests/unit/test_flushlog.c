// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flushlog.h"

#define DISK  1
#define OTHER 2
#define EVER  UINT64_MAX

static void add_as(struct flushlog *log, int64_t id, uint64_t issue_ns, uint64_t complete_ns,
		   int error, enum flushlog_inner inner)
{
	struct flush_entry entry = {
		.id = id,
		.issue_ns = issue_ns,
		.complete_ns = complete_ns,
		.error = error,
		.inner = inner,
	};

	assert_int_equal(flushlog_add(log, DISK, &entry), 0);
}

static void add(struct flushlog *log, int64_t id, uint64_t issue_ns, uint64_t complete_ns)
{
	add_as(log, id, issue_ns, complete_ns, 0, INNER_NONE);
}

static int64_t found(struct flushlog *log, uint64_t from_ns, uint64_t until_ns)
{
	const struct flush_entry *entry = flushlog_find(log, DISK, from_ns, until_ns);

	return entry ? entry->id : 0;
}

static int setup(void **state)
{
	*state = flushlog_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	flushlog_free(*state);
	return 0;
}

static void empty(void **state)
{
	flushlog_free(NULL);
	assert_null(flushlog_find(*state, DISK, 0, EVER));
	assert_int_equal(flushlog_watermark(*state, DISK, EVER, false), 0);
	assert_false(flushlog_had_inner(*state, DISK, INNER_NONE, 0, EVER));
}

static void the_earliest_start_is_found(void **state)
{
	struct flushlog *log = *state;

	add(log, 1, 100, 110);
	add(log, 2, 120, 130);
	add(log, 3, 140, 150);
	assert_int_equal(found(log, 0, EVER), 1);
	assert_int_equal(found(log, 100, EVER), 1);
	assert_int_equal(found(log, 101, EVER), 2);
	assert_int_equal(found(log, 121, EVER), 3);
	assert_int_equal(found(log, 141, EVER), 0);
}

/* Flushes overtake each other: the one that completes first started last. */
static void the_earliest_start_not_the_earliest_end(void **state)
{
	struct flushlog *log = *state;

	add(log, 1, 130, 140);
	add(log, 2, 120, 150);
	add(log, 3, 110, 160);
	assert_int_equal(found(log, 105, EVER), 3);
	assert_int_equal(found(log, 115, EVER), 2);
	assert_int_equal(found(log, 125, EVER), 1);
}

static void one_that_started_before_never_covers(void **state)
{
	struct flushlog *log = *state;

	add(log, 1, 99, 500);
	assert_int_equal(found(log, 100, EVER), 0);
	assert_int_equal(found(log, 99, EVER), 1);
}

static void one_that_is_not_done_does_not_count(void **state)
{
	struct flushlog *log = *state;

	add(log, 1, 100, 150);
	add(log, 2, 110, 140);
	assert_int_equal(found(log, 100, 150), 1);
	assert_int_equal(found(log, 100, 149), 2);
	assert_int_equal(found(log, 100, 139), 0);
}

static void failed_ones_count_for_nothing(void **state)
{
	struct flushlog *log = *state;

	add_as(log, 1, 100, 110, -EIO, INNER_NONE);
	add_as(log, 2, 120, 130, 0, INNER_BAD);
	add_as(log, 3, 140, 150, 0, INNER_UNSEEN);
	assert_int_equal(found(log, 0, EVER), 0);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, false), 0);
	add_as(log, 4, 160, 170, 0, INNER_DURABLE);
	assert_int_equal(found(log, 0, EVER), 4);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, false), 160);
	add_as(log, 5, 180, 190, -EIO, INNER_DURABLE);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, false), 160);
}

static void watermark_until(void **state)
{
	struct flushlog *log = *state;

	add(log, 1, 100, 110);
	add(log, 2, 105, 130);
	add(log, 3, 140, 150);
	assert_int_equal(flushlog_watermark(log, DISK, 109, false), 0);
	assert_int_equal(flushlog_watermark(log, DISK, 110, false), 100);
	assert_int_equal(flushlog_watermark(log, DISK, 129, false), 100);
	assert_int_equal(flushlog_watermark(log, DISK, 130, false), 105);
	assert_int_equal(flushlog_watermark(log, DISK, 149, false), 105);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, false), 140);
}

static void watermark_of_overtaken_flushes(void **state)
{
	struct flushlog *log = *state;

	add(log, 1, 130, 140);
	add(log, 2, 100, 150);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, false), 130);
}

/* What the flushes of a loop device did below may be taken for good, for comparison. */
static void watermark_with_the_unseen(void **state)
{
	struct flushlog *log = *state;

	add_as(log, 1, 100, 110, 0, INNER_DURABLE);
	add_as(log, 2, 120, 130, 0, INNER_UNSEEN);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, false), 100);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, true), 120);
	assert_int_equal(flushlog_watermark(log, DISK, 129, true), 100);
	add_as(log, 3, 140, 150, -EIO, INNER_UNSEEN);
	add_as(log, 4, 160, 170, 0, INNER_BAD);
	add_as(log, 5, 180, 190, -EIO, INNER_DURABLE);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, true), 120);
	add_as(log, 6, 200, 210, 0, INNER_NONE);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, true), 200);
	assert_int_equal(flushlog_watermark(log, OTHER, EVER, true), 0);
	/* It names no flush for that. */
	add_as(log, 7, 220, 230, 0, INNER_UNSEEN);
	assert_int_equal(found(log, 201, EVER), 0);
}

static void devices_are_apart(void **state)
{
	struct flush_entry entry = {.id = 9, .issue_ns = 500, .complete_ns = 510};
	struct flushlog *log = *state;

	add(log, 1, 100, 110);
	assert_int_equal(flushlog_add(log, OTHER, &entry), 0);
	assert_int_equal(found(log, 0, EVER), 1);
	assert_int_equal(found(log, 101, EVER), 0);
	assert_int_equal(flushlog_find(log, OTHER, 0, EVER)->id, 9);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, false), 100);
	assert_int_equal(flushlog_watermark(log, OTHER, EVER, false), 500);
	assert_null(flushlog_find(log, OTHER + 1, 0, EVER));
}

static void many_devices(void **state)
{
	struct flush_entry entry = {.issue_ns = 100, .complete_ns = 110};

	for (uint32_t disk = 1; disk <= 40; disk++) {
		entry.id = disk;
		assert_int_equal(flushlog_add(*state, disk, &entry), 0);
	}
	for (uint32_t disk = 1; disk <= 40; disk++)
		assert_int_equal(flushlog_find(*state, disk, 0, EVER)->id, disk);
}

/* What a finder notes down is there for the next. */
static void entries_can_be_owned(void **state)
{
	add(*state, 1, 100, 110);
	assert_false(flushlog_find(*state, DISK, 0, EVER)->owned);
	flushlog_find(*state, DISK, 0, EVER)->owned = true;
	assert_true(flushlog_find(*state, DISK, 0, EVER)->owned);
}

static void inner_in_the_span(void **state)
{
	struct flushlog *log = *state;

	add_as(log, 1, 100, 110, 0, INNER_BAD);
	add_as(log, 2, 120, 130, 0, INNER_UNSEEN);
	assert_true(flushlog_had_inner(log, DISK, INNER_BAD, 100, 110));
	assert_false(flushlog_had_inner(log, DISK, INNER_BAD, 100, 109));
	assert_false(flushlog_had_inner(log, DISK, INNER_BAD, 111, EVER));
	assert_true(flushlog_had_inner(log, DISK, INNER_UNSEEN, 90, 200));
	assert_false(flushlog_had_inner(log, DISK, INNER_DURABLE, 0, EVER));
	assert_false(flushlog_had_inner(log, OTHER, INNER_BAD, 0, EVER));
}

/* The oldest make room; what is left is found as before. */
static void old_ones_are_forgotten(void **state)
{
	const uint64_t added = 3 * FLUSHLOG_KEPT + 5, oldest = added - FLUSHLOG_KEPT + 1;
	struct flushlog *log = *state;

	for (uint64_t i = 1; i <= added; i++)
		add(log, (int64_t)i, i * 10, i * 10 + 5);
	assert_int_equal(found(log, 0, EVER), oldest);
	assert_int_equal(found(log, oldest * 10 + 1, EVER), oldest + 1);
	assert_int_equal(found(log, added * 10, EVER), added);
	assert_int_equal(found(log, added * 10 + 1, EVER), 0);
	assert_int_equal(found(log, 0, oldest * 10 + 4), 0);
	assert_int_equal(flushlog_watermark(log, DISK, EVER, false), added * 10);
	assert_int_equal(flushlog_watermark(log, DISK, oldest * 10 + 5, false), oldest * 10);
	assert_int_equal(flushlog_watermark(log, DISK, oldest * 10 + 4, false), 0);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(empty),
		FRESH(the_earliest_start_is_found),
		FRESH(the_earliest_start_not_the_earliest_end),
		FRESH(one_that_started_before_never_covers),
		FRESH(one_that_is_not_done_does_not_count),
		FRESH(failed_ones_count_for_nothing),
		FRESH(watermark_until),
		FRESH(watermark_of_overtaken_flushes),
		FRESH(watermark_with_the_unseen),
		FRESH(devices_are_apart),
		FRESH(many_devices),
		FRESH(entries_can_be_owned),
		FRESH(inner_in_the_span),
		FRESH(old_ones_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
