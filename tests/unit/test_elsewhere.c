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

/* --- files that are kept elsewhere --- */

#define FUSE 0x65735546

static struct event_sync make_fuse(enum event_sync_kind kind, uint32_t flags)
{
	return (struct event_sync){
		.kind = kind, .flags = flags, .fs_magic = FUSE, .outer_fs_magic = FUSE};
}

static void fuse_servers_that_are_asked(void **state)
{
	struct event_sync sync = make_fuse(SYNC_FSYNC, SYNC_SENT);

	(void)state;
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_UNPROVEN, REASON_USERSPACE_FS, "FUSE_WRITE and FUSE_FSYNC; the");
	sync = make_fuse(SYNC_FDATASYNC, SYNC_SENT | SYNC_DATASYNC);
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_UNPROVEN, REASON_USERSPACE_FS, "FUSE_FSYNC (data only); the");
	sync = make_fuse(SYNC_FSYNC, SYNC_SENT | SYNC_DIRECTORY);
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_UNPROVEN, REASON_USERSPACE_FS, "FUSE_FSYNCDIR");
	/* No BTF of fuse: whether the server is asked is not known. */
	sync = make_fuse(SYNC_FSYNC, 0);
	judge(&sync, KERNEL_VERSION(5, 10), false);
	assert_verdict(VERDICT_UNPROVEN, REASON_USERSPACE_FS, "unless it answered ENOSYS");
	/* A refused call promised nothing, whoever keeps the file. */
	sync.ret = -EBADF;
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN, "was told");
}

static void fuse_servers_that_are_not(void **state)
{
	struct event_sync sync = make_fuse(SYNC_FSYNC, SYNC_UNSENT);

	(void)state;
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_SWALLOWED, "ENOSYS to FUSE_FSYNC once");
	sync = make_fuse(SYNC_FSYNC, SYNC_UNSENT | SYNC_DIRECTORY);
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_SWALLOWED, "ENOSYS to FUSE_FSYNCDIR once");
	sync = make_fuse(SYNC_SYNCFS, SYNC_UNSENT | SYNC_WHOLE_FS);
	judge(&sync, KERNEL_VERSION(6, 12), false);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_SWALLOWED, "no FUSE_SYNCFS");
}

static void virtiofs_is_the_hosts(void **state)
{
	struct event_sync sync = make_fuse(SYNC_FSYNC, SYNC_SENT);
	struct verdict_facts facts = {.sync = &sync, .remote_fs = true};

	(void)state;
	verdict_judge(&verdict, &facts);
	assert_verdict(VERDICT_UNPROVEN, REASON_REMOTE, "virtiofs, sent: FUSE_FSYNC; virtiofsd");
	sync.flags = SYNC_SENT | SYNC_WHOLE_FS;
	sync.kind = SYNC_SYNCFS;
	verdict_judge(&verdict, &facts);
	assert_verdict(VERDICT_UNPROVEN, REASON_REMOTE, "virtiofs, sent: FUSE_SYNCFS;");
	sync.flags = SYNC_UNSENT;
	sync.kind = SYNC_FSYNC;
	verdict_judge(&verdict, &facts);
	assert_verdict(VERDICT_NOT_DURABLE, REASON_SWALLOWED, "ENOSYS to FUSE_FSYNC once");
}

static void what_was_sent(void **state)
{
	static const struct {
		uint64_t magic;
		const char *sent;
		const char *sent_for_all;
	} protocols[] = {
		{0x6969, "nfs, sent: WRITE and, where", "COMMIT"},
		{0xFF534D42, "cifs, sent: WRITE and FLUSH", "perhaps no FLUSH"},
		{0xFE534D42, "smb, sent: WRITE and FLUSH", "perhaps no FLUSH"},
		{0x01021997, "9p, sent: Twrite and Tfsync", "perhaps no Tfsync"},
		{0x00c36400, "ceph, sent: ", "OSDs"},
		{0x5346414F, "afs, sent: StoreData", "StoreData"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		struct event_sync sync = {.kind = SYNC_FSYNC,
					  .fs_magic = protocols[i].magic,
					  .outer_fs_magic = protocols[i].magic};

		judge(&sync, KERNEL_VERSION(6, 1), false);
		assert_verdict(VERDICT_UNPROVEN, REASON_REMOTE, protocols[i].sent);
		assert_verdict(VERDICT_UNPROVEN, REASON_REMOTE, "must");
		assert_true(strlen(verdict.detail) < sizeof(verdict.detail) - 1); /* not cut */
		sync.kind = SYNC_SYNCFS;
		sync.flags = SYNC_WHOLE_FS;
		judge(&sync, KERNEL_VERSION(6, 1), false);
		assert_verdict(VERDICT_UNPROVEN, REASON_REMOTE, protocols[i].sent_for_all);
		sync.kind = SYNC_FILE_RANGE;
		sync.flags = SYNC_WRITEOUT;
		judge(&sync, KERNEL_VERSION(6, 1), false);
		assert_verdict(VERDICT_UNPROVEN, REASON_REMOTE, "data at most");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_by_a_filter),
		cmocka_unit_test(entries_that_may_be_lost),
		cmocka_unit_test(fuse_servers_that_are_asked),
		cmocka_unit_test(fuse_servers_that_are_not),
		cmocka_unit_test(virtiofs_is_the_hosts),
		cmocka_unit_test(what_was_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
