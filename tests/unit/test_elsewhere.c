// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verdict.h"

static struct verdict verdict;

static void judge(struct event_sync *sync, uint32_t version, bool losses)
{
	struct verdict_facts facts = {.sync = sync, .kernel_version = version, .losses = losses};

	verdict_judge(&verdict, &facts);
}

static void assert_verdict(enum verdict_kind kind, enum verdict_reason reason, const char *text)
{
	assert_string_equal(verdict_kind_name(verdict.kind), verdict_kind_name(kind));
	assert_string_equal(verdict_reason_name(verdict.reason), verdict_reason_name(reason));
	if (!strstr(verdict.detail, text))
		fail_msg("'%s' is not in: %s", text, verdict.detail);
}

/* --- calls that returned and never entered --- */

static void answered_by_a_filter(void **state)
{
	struct event_sync sync = {.kind = SYNC_FSYNC, .flags = SYNC_UNENTERED, .fs_magic = 0xEF53};

	(void)state;
	judge(&sync, KERNEL_VERSION(6, 7), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_SWALLOWED, "seccomp filter");
	assert_true(verdict.inferred);
	sync.ret = -EPERM;
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN, "Operation not permitted");
	sync.ret = -EIO; /* an error that a file system might have given */
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN, "filter refused");
	assert_int_equal(verdict.failure.kind, FAILURE_NONE);
	sync.ret = 74;
	judge(&sync, KERNEL_VERSION(7, 0), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_SWALLOWED, "signal");
	sync.ret = 0;
	sync.flags |= SYNC_NO_FILE;
	judge(&sync, KERNEL_VERSION(7, 0), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_SWALLOWED, "seccomp filter");
}

/* The entry may have been lost: then the call may have done all it should. */
static void entries_that_may_be_lost(void **state)
{
	struct event_sync sync = {.kind = SYNC_FSYNC, .flags = SYNC_UNENTERED, .fs_magic = 0xEF53};

	(void)state;
	judge(&sync, KERNEL_VERSION(6, 12), true);
	assert_verdict(VERDICT_UNPROVEN, REASON_EVENTS_LOST, "entry was not seen");
	judge(&sync, KERNEL_VERSION(6, 1), false);
	assert_verdict(VERDICT_UNPROVEN, REASON_EVENTS_LOST, "entry was not seen");
	judge(&sync, 0, false);
	assert_verdict(VERDICT_UNPROVEN, REASON_EVENTS_LOST, "entry was not seen");
	sync.ret = -EPERM;
	judge(&sync, KERNEL_VERSION(6, 12), true);
	assert_verdict(VERDICT_UNPROVEN, REASON_EVENTS_LOST, "entry was not seen");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_by_a_filter),
		cmocka_unit_test(entries_that_may_be_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
