// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fsmagic.h"
#include "seed.h"
#include "verdict.h"

/*
 * A healthy call first, at times anyone can follow: entered at 1000, its own
 * write done at 1150, its wait over at 1200, a flush from 1300 on, the commit
 * record with FUA at 1400, back at 2000. Each case changes a few facts of it
 * and expects a reason; its twin changes one or two more, and the reason must
 * be gone.
 */

#define VDA	      STACK_DEV(254, 0)
#define VDB	      STACK_DEV(254, 16)
#define VDC	      STACK_DEV(254, 32)
#define TID	      11
#define EXT4	      0xEF53
#define TMPFS	      0x01021994
#define NFS	      0x6969
#define FUSE	      0x65735546
#define ALL_ROLES     (DEVICE_DATA | DEVICE_LOG | DEVICE_LEAF)
#define WRITE_BACK    (CACHE_BIT_KNOWN | CACHE_BIT_WRITE_BACK)
#define MAX_EDITS     22
#define RANDOM_ROUNDS 200000
#define NR_OTHERS     12 /* tests that are no rows */

struct world {
	struct event_sync sync;
	struct verdict_facts facts;
};

struct edit {
	size_t offset;
	size_t size; /* 0: no more */
	uint64_t value;
};

struct want {
	enum verdict_kind kind;
	enum verdict_reason reason;
	bool inferred;
	const char *says; /* a part of the detail, NULL: any */
};

struct row {
	const char *name;
	struct edit edits[MAX_EDITS];
	struct want want;
	struct edit twin_edits[MAX_EDITS];
	struct want twin;
};

#define SET(member, number)                                                                        \
	{                                                                                          \
		offsetof(struct world, member), sizeof(((struct world *)0)->member),               \
			(uint64_t)(number)                                                         \
	}
#define DURABLE(reason)                                                                            \
	{                                                                                          \
		VERDICT_DURABLE, REASON_##reason, false, NULL                                      \
	}
#define BAD(reason, says)                                                                          \
	{                                                                                          \
		VERDICT_NOT_DURABLE, REASON_##reason, false, says                                  \
	}
#define DOUBT(reason, says)                                                                        \
	{                                                                                          \
		VERDICT_UNPROVEN, REASON_##reason, false, says                                     \
	}

/* Groups of facts that belong together. */
#define UNSEEN_WAIT SET(sync.wait_done_ns, 0), SET(sync.devices[0].commit_flush_ns, 0)
#define WATERMARK(device, ns)                                                                      \
	SET(sync.devices[device].watermark_ns, ns), SET(facts.devices[device].watermark_ns, ns),   \
		UNSEEN_MARK(device, ns)
#define UNSEEN_MARK(device, ns) SET(facts.devices[device].unseen_watermark_ns, ns)
#define NOTHING_WRITTEN                                                                            \
	SET(sync.own_data_done_ns, 0), SET(sync.own_data_queued_ns, 0),                            \
		SET(sync.own_data_disk, 0), SET(sync.devices[0].last_done_ns, 0),                  \
		SET(sync.devices[0].any_done_ns, 0)
#define NO_COMMIT(device)                                                                          \
	SET(sync.devices[device].commit_done_ns, 0),                                               \
		SET(sync.devices[device].commit_stable_ns, 0),                                     \
		SET(sync.devices[device].commit_flush_ns, 0)
#define EARLIER_COMMIT                                                                             \
	SET(sync.devices[0].commit_queued_ns, 940), SET(sync.devices[0].commit_done_ns, 950),      \
		SET(sync.devices[0].commit_stable_ns, 950)
#define FAILED(what)                                                                               \
	SET(facts.failure.kind, FAILURE_##what), SET(facts.failure.disk, VDA),                     \
		SET(facts.failure.since_ns, 700), SET(facts.failure.bytes, 4096),                  \
		SET(facts.failure.error, -EIO)
#define ON_FS(magic) SET(sync.fs_magic, magic), SET(sync.outer_fs_magic, magic)
#define TWO_DEVICES  SET(facts.nr_devices, 2)
#define DM_OVER_DISK TWO_DEVICES, SET(sync.devices[0].roles, DEVICE_DATA | DEVICE_LOG)
#define EXTERNAL_LOG                                                                               \
	TWO_DEVICES, SET(sync.devices[0].roles, DEVICE_DATA | DEVICE_LEAF),                        \
		SET(sync.devices[1].roles, DEVICE_LOG | DEVICE_LEAF)
#define THROUGH(device)                                                                            \
	SET(facts.devices[device].cache, CACHE_NONE),                                              \
		SET(sync.devices[device].cache, CACHE_BIT_KNOWN)
#define BUSY_LEAF                                                                                  \
	UNSEEN_WAIT, SET(sync.devices[1].inflight_bytes, 512),                                     \
		SET(sync.devices[1].any_inflight_bytes, 512)
#define BTRFS_DIRECTORY                                                                            \
	ON_FS(FSMAGIC_BTRFS), SET(facts.kernel_version, KERNEL_VERSION(6, 0)),                     \
		SET(sync.flags, SYNC_DIRECTORY)
#define UNCOMMITTED (SYNC_TID_KNOWN | SYNC_TID_NEEDED | SYNC_TID_UNCOMMITTED)
#define TWO_DATA    TWO_DEVICES, SET(sync.devices[1].roles, ALL_ROLES)

static const struct row rows[] = {
	{
		"a flush after the observed wait, however busy others are",
		{SET(sync.devices[0].inflight_bytes, 4096), SET(sync.devices[0].last_done_ns, 1900),
		 WATERMARK(0, 1200)},
		DURABLE(FLUSHED),
		{WATERMARK(0, 1199)},
		BAD(NO_FLUSH, "no flush of vda covers the data"),
	},
	{
		"a busy file whose wait was not seen",
		{UNSEEN_WAIT, SET(sync.devices[0].inflight_bytes, 4096)},
		BAD(NO_FLUSH, "vda"),
		{SET(sync.wait_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"the flush of the commit record tells when the wait was over",
		{SET(sync.wait_done_ns, 0), SET(sync.devices[0].inflight_bytes, 4096)},
		DURABLE(FLUSHED),
		{SET(sync.devices[0].commit_flush_ns, 1149)},
		BAD(NO_FLUSH, NULL),
	},
	{
		"a commit record asked for before the call's own write was queued tells nothing",
		{SET(sync.wait_done_ns, 0), SET(sync.devices[0].inflight_bytes, 4096),
		 SET(sync.own_data_done_ns, 0), SET(sync.own_data_queued_ns, 1300)},
		BAD(NO_FLUSH, NULL),
		{SET(sync.own_data_queued_ns, 1299)},
		DURABLE(FLUSHED),
	},
	{
		"a commit record asked for before the call tells nothing",
		{SET(sync.wait_done_ns, 0), SET(sync.devices[0].inflight_bytes, 4096),
		 SET(sync.own_data_done_ns, 0), SET(sync.own_data_queued_ns, 0),
		 SET(sync.devices[0].commit_flush_ns, 999)},
		BAD(NO_FLUSH, NULL),
		{SET(sync.devices[0].commit_flush_ns, 1000)},
		DURABLE(FLUSHED),
	},
	{
		"quiet: nothing in flight, what completed is covered",
		{UNSEEN_WAIT, SET(sync.devices[0].last_done_ns, 1300)},
		DURABLE(FLUSHED),
		{SET(sync.devices[0].last_done_ns, 1301)},
		BAD(NO_FLUSH, "the data"),
	},
	{
		"the call's own write completed after the watermark",
		{UNSEEN_WAIT, SET(sync.own_data_done_ns, 1301)},
		BAD(NO_FLUSH, NULL),
		{SET(sync.own_data_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"an uncovered write in a shared slot may be another file's",
		{UNSEEN_WAIT, SET(sync.devices[0].slot_vague, 1),
		 SET(sync.devices[0].last_done_ns, 1301)},
		DOUBT(UNTRACKED, "vda"),
		{SET(sync.devices[0].last_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"an uncovered write nobody was charged with",
		{UNSEEN_WAIT, SET(sync.devices[0].unattributed_done_ns, 1301)},
		DOUBT(UNTRACKED, "vda"),
		{SET(sync.devices[0].unattributed_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"a write nobody was charged with is in flight",
		{UNSEEN_WAIT, SET(sync.devices[0].unattributed_inflight_bytes, 512)},
		DOUBT(UNTRACKED, "vda"),
		{SET(sync.devices[0].unattributed_inflight_bytes, 0)},
		DURABLE(FLUSHED),
	},
	{
		"nobarrier: only metadata changed, and no flush covers the log",
		{NOTHING_WRITTEN, NO_COMMIT(0), WATERMARK(0, 900), SET(facts.nobarrier, true),
		 SET(sync.devices[0].log_done_ns, 1500)},
		BAD(NO_FLUSH, "mounted without barriers"),
		{SET(sync.devices[0].log_done_ns, 900)},
		DURABLE(CLEAN),
	},
	{
		"the commit record completed before a flush started",
		{SET(sync.devices[0].commit_stable_ns, 0),
		 SET(sync.devices[0].commit_done_ns, 1300)},
		DURABLE(FLUSHED),
		{SET(sync.devices[0].commit_done_ns, 1301)},
		BAD(NO_FLUSH, "journal"),
	},
	{
		"the commit record carried no FUA and no flush followed",
		{SET(sync.devices[0].commit_stable_ns, 0)},
		BAD(NO_FLUSH, "journal"),
		{SET(sync.devices[0].commit_stable_ns, 1400)},
		DURABLE(FLUSHED),
	},
	{
		"an earlier commit record is not covered and none followed",
		{NOTHING_WRITTEN, WATERMARK(0, 949), SET(sync.devices[0].commit_stable_ns, 0),
		 SET(sync.devices[0].commit_done_ns, 950)},
		BAD(NO_FLUSH, "journal"),
		{WATERMARK(0, 950)},
		DURABLE(CLEAN),
	},
	{
		/* xfs: the next log buffer; btrfs: further super block copies */
		"metadata the caller wrote after the commit record is not needed",
		{SET(sync.own_meta_done_ns, 1450)},
		DURABLE(FLUSHED),
		{NO_COMMIT(0)},
		BAD(NO_FLUSH, "journal"),
	},
	{
		"no journal: the caller's own metadata is not covered",
		{NO_COMMIT(0), SET(sync.own_meta_done_ns, 1301)},
		BAD(NO_FLUSH, "journal"),
		{SET(sync.own_meta_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"the transaction had to be committed, and was, by a record before the call",
		{SET(sync.flags, SYNC_TID_KNOWN | SYNC_TID_NEEDED), EARLIER_COMMIT},
		DURABLE(FLUSHED),
		{SET(sync.flags, SYNC_TID_KNOWN | SYNC_TID_NEEDED | SYNC_TID_UNCOMMITTED)},
		DOUBT(COMMIT_UNSEEN, "vda"),
	},
	{
		"the transaction had to be committed and was not at return",
		{SET(sync.flags, SYNC_TID_KNOWN | SYNC_TID_NEEDED | SYNC_TID_UNCOMMITTED),
		 EARLIER_COMMIT},
		DOUBT(COMMIT_UNSEEN, "vda"),
		{SET(sync.devices[0].commit_done_ns, 1400),
		 SET(sync.devices[0].commit_stable_ns, 1400)},
		DURABLE(FLUSHED),
	},
	{
		"the transaction had to be committed and no record was ever seen",
		{SET(sync.flags, SYNC_TID_KNOWN | SYNC_TID_NEEDED), NO_COMMIT(0)},
		DOUBT(COMMIT_UNSEEN, "vda"),
		{SET(sync.flags, SYNC_TID_KNOWN)},
		DURABLE(FLUSHED),
	},
	{
		"metadata written before the audit began, when nobody looked for flushes",
		{NOTHING_WRITTEN, NO_COMMIT(0), WATERMARK(0, 0), SET(facts.start_ns, 800)},
		DOUBT(COMMIT_UNSEEN, "vda"),
		{SET(facts.start_ns, 799)},
		BAD(NO_FLUSH, "journal"),
	},
	{
		"the kernel was told to believe write through (6.12 on)",
		{SET(sync.devices[0].cache, CACHE_BIT_KNOWN | CACHE_BIT_OVERRIDE), WATERMARK(0, 0)},
		BAD(NO_FLUSH, "switched to write through"),
		{SET(sync.devices[0].cache, WRITE_BACK), WATERMARK(0, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"the drive says volatile and the kernel sends nothing",
		{SET(sync.devices[0].cache, CACHE_BIT_KNOWN), WATERMARK(0, 0),
		 SET(facts.devices[0].cache, CACHE_OVERRIDDEN)},
		BAD(NO_FLUSH, "switched to write through"),
		{SET(facts.devices[0].cache, CACHE_NONE)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"the cache was switched since the last look",
		{SET(sync.devices[0].cache, CACHE_BIT_KNOWN), WATERMARK(0, 0)},
		BAD(NO_FLUSH, "switched to write through"),
		{SET(sync.devices[0].cache, 0),
		 WATERMARK(0, 1300)}, /* no write seen: sysfs counts */
		DURABLE(FLUSHED),
	},
	{
		"write through: completion is enough",
		{SET(sync.devices[0].cache, CACHE_BIT_KNOWN), WATERMARK(0, 0),
		 SET(facts.devices[0].cache, CACHE_NONE)},
		DURABLE(WRITE_THROUGH),
		{SET(sync.devices[0].cache, WRITE_BACK)},
		BAD(NO_FLUSH, NULL),
	},
	{
		"RAM, whatever was flushed",
		{SET(facts.devices[0].cache, CACHE_RAM)},
		BAD(SWALLOWED, "vda is RAM"),
		{SET(facts.devices[0].cache, CACHE_VOLATILE)},
		DURABLE(FLUSHED),
	},
	{
		"nothing tells whether there is a cache",
		{SET(facts.devices[0].cache, CACHE_UNKNOWN),
		 SET(sync.devices[0].cache, CACHE_BIT_KNOWN)},
		DOUBT(CACHE_UNKNOWN, "vda"),
		{SET(sync.devices[0].cache, WRITE_BACK)},
		DURABLE(FLUSHED),
	},
	{
		"write through because the drive did not answer",
		{SET(facts.devices[0].cache, CACHE_ASSUMED),
		 SET(sync.devices[0].cache, CACHE_BIT_KNOWN)},
		DOUBT(CACHE_UNKNOWN, "vda"),
		{SET(facts.devices[0].cache, CACHE_NONE)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"tmpfs",
		{ON_FS(TMPFS)},
		{VERDICT_NOT_DURABLE, REASON_SWALLOWED, true, "tmpfs"},
		{ON_FS(EXT4)},
		DURABLE(FLUSHED),
	},
	{
		"NFS",
		{ON_FS(NFS)},
		{VERDICT_UNPROVEN, REASON_REMOTE, true, "nfs"},
		{ON_FS(EXT4)},
		DURABLE(FLUSHED),
	},
	{
		"FUSE",
		{ON_FS(FUSE)},
		{VERDICT_UNPROVEN, REASON_USERSPACE_FS, true, "FUSE"},
		{ON_FS(EXT4)},
		DURABLE(FLUSHED),
	},
	{
		"virtiofs",
		{ON_FS(FUSE), SET(facts.remote_fs, true)},
		{VERDICT_UNPROVEN, REASON_REMOTE, true, "virtiofs"},
		{SET(facts.remote_fs, false)},
		{VERDICT_UNPROVEN, REASON_USERSPACE_FS, true, NULL},
	},
	{
		"overlayfs, mounted volatile",
		{SET(sync.outer_fs_magic, FSMAGIC_OVERLAY), SET(facts.volatile_overlay, true)},
		{VERDICT_NOT_DURABLE, REASON_SWALLOWED, true, "volatile"},
		{SET(facts.volatile_overlay, false), SET(sync.flags, SYNC_INNER)},
		DURABLE(FLUSHED),
	},
	{
		"overlayfs that passed the call on to nobody seen",
		{SET(sync.outer_fs_magic, FSMAGIC_OVERLAY)},
		{VERDICT_UNPROVEN, REASON_UNTRACKED, true, "overlayfs"},
		{SET(sync.flags, SYNC_INNER)},
		DURABLE(FLUSHED),
	},
	{
		"overlayfs over tmpfs",
		{SET(sync.outer_fs_magic, FSMAGIC_OVERLAY), SET(sync.fs_magic, TMPFS),
		 SET(sync.flags, SYNC_INNER)},
		{VERDICT_NOT_DURABLE, REASON_SWALLOWED, true, "tmpfs"},
		{SET(sync.fs_magic, EXT4)},
		DURABLE(FLUSHED),
	},
	{
		"sync_file_range never flushes, even when all is covered",
		{SET(sync.kind, SYNC_FILE_RANGE)},
		BAD(WRITEOUT_ONLY, "sync_file_range"),
		{SET(sync.kind, SYNC_FDATASYNC)},
		DURABLE(FLUSHED),
	},
	{
		"sync_file_range on overlayfs",
		{SET(sync.kind, SYNC_FILE_RANGE), SET(sync.outer_fs_magic, FSMAGIC_OVERLAY)},
		BAD(WRITEOUT_ONLY, "sync_file_range"),
		{SET(sync.kind, SYNC_FSYNC), SET(sync.flags, SYNC_INNER)},
		DURABLE(FLUSHED),
	},
	{
		"an I/O error the caller was told of",
		{SET(sync.ret, -EIO)},
		BAD(WRITE_FAILED, "the caller was told"),
		{SET(sync.ret, 0)},
		DURABLE(FLUSHED),
	},
	{
		"an I/O error, and a flush failed in the call",
		{SET(sync.ret, -EIO), SET(sync.devices[0].flush_error_ns, 1000)},
		BAD(FLUSH_FAILED, "a flush of vda failed; the caller was told"),
		{SET(sync.devices[0].flush_error_ns, 999)},
		BAD(WRITE_FAILED, NULL),
	},
	{
		"an I/O error when a write and a flush failed",
		{SET(sync.ret, -EIO), SET(sync.devices[0].flush_error_ns, 1350),
		 SET(sync.own_errors, 1)},
		BAD(WRITE_FAILED, "the caller was told"),
		{SET(sync.own_errors, 0)},
		BAD(FLUSH_FAILED, NULL),
	},
	{
		"no room: the data was not written",
		{SET(sync.ret, -ENOSPC)},
		BAD(WRITE_FAILED, "the caller was told"),
		{SET(sync.ret, 0)},
		DURABLE(FLUSHED),
	},
	{
		"a write of the call failed and it returned 0",
		{SET(sync.own_errors, 1)},
		BAD(WRITE_FAILED, "NOT told"),
		{SET(sync.own_errors, 0)},
		DURABLE(FLUSHED),
	},
	{
		"a write of the file failed in the call and it returned 0",
		{SET(sync.devices[0].last_error_ns, 1000)},
		BAD(WRITE_FAILED, "NOT told"),
		{SET(sync.devices[0].last_error_ns, 999)},
		DURABLE(FLUSHED),
	},
	{
		"a write failed before, and was not written again",
		{FAILED(WRITE)},
		BAD(WRITE_FAILED, "a write of 4096 bytes to vda failed (Input/output error) at "
				  "0.000 s; no audited call was told; not written again"),
		{SET(facts.failure.kind, FAILURE_NONE)},
		DURABLE(FLUSHED),
	},
	{
		"a write failed before, and somebody was told",
		{FAILED(WRITE), SET(facts.failure.told.at_ns, 800), SET(facts.failure.told.pid, 12),
		 SET(facts.failure.told.ret, -EIO)},
		BAD(WRITE_FAILED, "fsync by PID 12 was told (Input/output error) at 0.000 s; not"),
		{SET(facts.failure.kind, FAILURE_NONE)},
		DURABLE(FLUSHED),
	},
	{
		"a write failed before a call that never promised a flush",
		{FAILED(WRITE), SET(sync.kind, SYNC_FILE_RANGE)},
		BAD(WRITE_FAILED, "not written again"),
		{SET(facts.failure.kind, FAILURE_NONE)},
		BAD(WRITEOUT_ONLY, NULL),
	},
	{
		"a write failed before, on a drive without a cache",
		{FAILED(WRITE), SET(facts.devices[0].cache, CACHE_NONE),
		 SET(sync.devices[0].cache, CACHE_BIT_KNOWN)},
		BAD(WRITE_FAILED, "not written again"),
		{SET(facts.failure.kind, FAILURE_NONE)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"a write failed in the call, by its record",
		{FAILED(WRITE), SET(facts.failure.since_ns, 1000)},
		BAD(WRITE_FAILED, "during the call; the caller was NOT told"),
		{SET(facts.failure.kind, FAILURE_NONE)},
		DURABLE(FLUSHED),
	},
	{
		"a write failed before, and records were lost since",
		{FAILED(WRITE), SET(facts.losses, 1)},
		DOUBT(EVENTS_LOST, "written again"),
		{SET(facts.losses, 0)},
		BAD(WRITE_FAILED, NULL),
	},
	{
		"a write failed on one of two data devices: there may be a copy",
		{FAILED(WRITE), TWO_DATA},
		DOUBT(UNTRACKED, "another device may have a copy"),
		{SET(facts.failure.told.at_ns, 800), SET(facts.failure.told.ret, -EIO)},
		BAD(WRITE_FAILED, "not written again"),
	},
	{
		"a write of the call failed on one of two data devices",
		{TWO_DATA, SET(sync.own_errors, 1)},
		DOUBT(UNTRACKED, "another device may have a copy"),
		{SET(sync.own_errors, 0)},
		DURABLE(FLUSHED),
	},
	{
		"a write failed on one leg of a mirror",
		{DM_OVER_DISK, SET(sync.devices[1].last_error_ns, 1100)},
		DURABLE(FLUSHED),
		{SET(sync.devices[0].last_error_ns, 1100)},
		BAD(WRITE_FAILED, NULL),
	},
	{
		"a metadata write failed",
		{FAILED(METADATA)},
		DOUBT(COMMIT_UNSEEN, "a metadata write of 4096 bytes to vda failed"),
		{SET(facts.failure.kind, FAILURE_NONE)},
		DURABLE(FLUSHED),
	},
	{
		"a write failed that nobody can be charged with",
		{FAILED(UNCHARGED)},
		DOUBT(UNTRACKED, "it may be the file's"),
		{SET(facts.failure.kind, FAILURE_NONE)},
		DURABLE(FLUSHED),
	},
	{
		"a sync of the file reported an error from nowhere",
		{FAILED(UNSEEN), SET(facts.failure.told.at_ns, 800),
		 SET(facts.failure.told.ret, -EIO)},
		DOUBT(UNTRACKED, "something of the file failed unseen; fsync by PID 0 was told"),
		{SET(facts.failure.kind, FAILURE_NONE)},
		DURABLE(FLUSHED),
	},
	{
		"the flush that was to cover the data failed before the call",
		{SET(sync.devices[0].flush_error_ns, 999), SET(sync.devices[0].last_done_ns, 990),
		 SET(sync.own_data_done_ns, 0), SET(sync.own_data_queued_ns, 0), UNSEEN_WAIT,
		 WATERMARK(0, 900)},
		BAD(FLUSH_FAILED, "a flush of vda failed; the caller was NOT told"),
		{SET(sync.devices[0].last_done_ns, 1000)},
		BAD(NO_FLUSH, NULL),
	},
	{
		"a descriptor that is not open",
		{SET(sync.ret, -EBADF), SET(sync.flags, SYNC_NO_FILE), SET(facts.nr_devices, 0)},
		BAD(NOT_WRITTEN, "refused"),
		{SET(sync.ret, 0), SET(sync.flags, 0), SET(facts.nr_devices, 1)},
		DURABLE(FLUSHED),
	},
	{
		"it succeeded on a file that could not be read",
		{SET(sync.flags, SYNC_NO_FILE), SET(facts.nr_devices, 0)},
		DOUBT(UNTRACKED, "descriptor"),
		{SET(sync.flags, 0), SET(facts.nr_devices, 1)},
		DURABLE(FLUSHED),
	},
	{
		"its own writes are in flight at return",
		{SET(sync.own_pending, 2)},
		BAD(NOT_WRITTEN, "2 of the call's own writes"),
		{SET(sync.own_pending, 0)},
		DURABLE(FLUSHED),
	},
	{
		"btrfs: ... that the thread waits for which commits the log",
		{ON_FS(FSMAGIC_BTRFS), SET(sync.own_pending, 2), SET(sync.flags, SYNC_ACCOMPANIED),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		BAD(NOT_WRITTEN, "(kernel hole btrfs-concurrent-fsync, see README)"),
		{SET(sync.own_pending, 0)},
		DURABLE(FLUSHED),
	},
	{
		"writes in flight, or their completions are among the lost records",
		{SET(sync.own_pending, 2), SET(facts.losses, true)},
		DOUBT(EVENTS_LOST, NULL),
		{SET(sync.own_pending, 0)},
		DURABLE(FLUSHED),
	},
	{
		"it returned before its flush completed",
		{SET(sync.own_flush_pending, 1), WATERMARK(0, 900)},
		BAD(EARLY_RETURN, "vda"),
		{WATERMARK(0, 1200)},
		DURABLE(FLUSHED),
	},
	{
		"a flush failed and it returned 0",
		{SET(sync.devices[0].flush_error_ns, 1350), WATERMARK(0, 900)},
		BAD(FLUSH_FAILED, "NOT told"),
		{WATERMARK(0, 1360)}, /* another one made up for it */
		DURABLE(FLUSHED),
	},
	{
		"the flush did not reach the leaf",
		{DM_OVER_DISK, WATERMARK(1, 900)},
		BAD(FLUSH_DROPPED, "vdb"),
		{WATERMARK(1, 1200)},
		DURABLE(FLUSHED),
	},
	{
		"the leaf holds writes, if other files' only",
		{DM_OVER_DISK, WATERMARK(1, 1149), SET(sync.devices[1].any_inflight_bytes, 512)},
		BAD(FLUSH_DROPPED, "vdb"),
		{WATERMARK(1, 1150)},
		DURABLE(FLUSHED),
	},
	{
		"the flush reached the leaf and failed there",
		{DM_OVER_DISK, WATERMARK(1, 900), SET(sync.devices[1].flush_error_ns, 1350)},
		BAD(FLUSH_FAILED, "vdb"),
		{WATERMARK(1, 1360)},
		DURABLE(FLUSHED),
	},
	{
		"the leaf is RAM",
		{DM_OVER_DISK, SET(facts.devices[1].cache, CACHE_RAM)},
		BAD(SWALLOWED, "vdb is RAM"),
		{SET(facts.devices[1].cache, CACHE_VOLATILE)},
		DURABLE(FLUSHED),
	},
	{
		"the leaf's cache is not known",
		{DM_OVER_DISK, SET(facts.devices[1].cache, CACHE_UNKNOWN),
		 SET(sync.devices[1].cache, 0)},
		DOUBT(CACHE_UNKNOWN, "vdb"),
		{SET(sync.devices[1].cache, WRITE_BACK)},
		DURABLE(FLUSHED),
	},
	{
		"the leaf was switched to write through",
		{DM_OVER_DISK, WATERMARK(1, 900),
		 SET(sync.devices[1].cache, CACHE_BIT_KNOWN | CACHE_BIT_OVERRIDE)},
		BAD(NO_FLUSH, "vdb"),
		{SET(sync.devices[1].any_done_ns, 900), SET(sync.devices[1].last_done_ns, 900)},
		DURABLE(FLUSHED),
	},
	{
		"a loop device whose backing file was not synced well",
		{WATERMARK(0, 0), SET(facts.devices[0].inner_bad, true)},
		BAD(FLUSH_DROPPED, "backing file"),
		{WATERMARK(0, 1300), SET(facts.devices[0].inner_bad, false)},
		DURABLE(FLUSHED),
	},
	{
		"a loop device whose inner sync was not seen",
		{WATERMARK(0, 0), UNSEEN_MARK(0, 1300)},
		DOUBT(UNTRACKED, "backing file was not seen"),
		{WATERMARK(0, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"a loop device: what was flushed unseen below came too early anyway",
		{WATERMARK(0, 0), UNSEEN_MARK(0, 1199), SET(sync.devices[0].last_done_ns, 1200)},
		BAD(NO_FLUSH, "vda covers the data"),
		{UNSEEN_MARK(0, 1200)},
		DOUBT(UNTRACKED, "backing file"),
	},
	{
		"a loop device: the log hangs on what was not seen below",
		{WATERMARK(0, 1200), UNSEEN_MARK(0, 1300), SET(sync.devices[0].commit_stable_ns, 0),
		 SET(sync.devices[0].commit_done_ns, 1301)},
		BAD(NO_FLUSH, "journal"),
		{UNSEEN_MARK(0, 1301)},
		DOUBT(UNTRACKED, "backing file"),
	},
	{
		"a loop device as a leaf, whose inner sync was not seen",
		{DM_OVER_DISK, WATERMARK(1, 900), UNSEEN_MARK(1, 1199),
		 SET(sync.devices[1].last_done_ns, 1200)},
		BAD(FLUSH_DROPPED, "vdb"),
		{UNSEEN_MARK(1, 1200)},
		DOUBT(UNTRACKED, "vdb did with the flush"),
	},
	{
		"records were lost, and the proof may be among them",
		{WATERMARK(0, 900), SET(facts.losses, true)},
		DOUBT(EVENTS_LOST, "see losses"),
		{WATERMARK(0, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"a leaf's proof may be among the lost records",
		{DM_OVER_DISK, WATERMARK(1, 900), SET(facts.losses, true)},
		DOUBT(EVENTS_LOST, NULL),
		{SET(facts.losses, false)},
		BAD(FLUSH_DROPPED, NULL),
	},
	{
		"a write of the call was not followed to its end",
		{SET(sync.flags, SYNC_TOUCHED_BY_LOSS)},
		DOUBT(EVENTS_LOST, "accounted for; see losses"),
		{SET(sync.flags, 0)},
		DURABLE(FLUSHED),
	},
	{
		"the devices of the file system are not known",
		{SET(facts.nr_devices, 0)},
		DOUBT(UNTRACKED, "ext4"),
		{SET(facts.nr_devices, 1)},
		DURABLE(FLUSHED),
	},
	{
		"the layers below are not known",
		{SET(facts.devices[0].below_unknown, true)},
		DOUBT(UNTRACKED, "below vda"),
		{SET(facts.devices[0].below_unknown, false)},
		DURABLE(FLUSHED),
	},
	{
		"an external log that no flush covers",
		{EXTERNAL_LOG, WATERMARK(1, 900), SET(sync.devices[1].commit_stable_ns, 0)},
		BAD(NO_FLUSH, "vdb covers the journal"),
		{WATERMARK(1, 1400)},
		DURABLE(FLUSHED),
	},
	{
		"a flush of the external log proves nothing for the data",
		{EXTERNAL_LOG, WATERMARK(0, 900)},
		BAD(NO_FLUSH, "vda covers the data"),
		{WATERMARK(0, 1200)},
		DURABLE(FLUSHED),
	},
	{
		"an external log behind a cache, the data on a drive without",
		{EXTERNAL_LOG, SET(facts.devices[0].cache, CACHE_NONE),
		 SET(sync.devices[0].cache, CACHE_BIT_KNOWN), WATERMARK(0, 0),
		 SET(sync.devices[1].commit_stable_ns, 0),
		 SET(sync.devices[1].commit_done_ns, 1250)},
		DURABLE(FLUSHED),
		{SET(facts.devices[1].cache, CACHE_NONE),
		 SET(sync.devices[1].cache, CACHE_BIT_KNOWN)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"two data devices, one not covered",
		{TWO_DATA, WATERMARK(1, 900)},
		BAD(NO_FLUSH, "vdb"),
		{WATERMARK(1, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"two data devices, one that nothing was written to",
		{TWO_DATA, WATERMARK(1, 900), SET(sync.devices[1].last_done_ns, 0),
		 SET(sync.devices[1].any_done_ns, 900), NO_COMMIT(1)},
		DURABLE(FLUSHED),
		{SET(sync.devices[1].any_done_ns, 1150), SET(sync.devices[1].last_done_ns, 1150)},
		BAD(NO_FLUSH, "vdb"),
	},
	{
		"nothing to do: all of it was covered before",
		{NOTHING_WRITTEN, NO_COMMIT(0), SET(sync.devices[0].last_done_ns, 900),
		 WATERMARK(0, 900)},
		DURABLE(CLEAN),
		{SET(sync.devices[0].last_done_ns, 901)},
		BAD(NO_FLUSH, NULL),
	},
	{
		"all its writes carried FUA",
		{NOTHING_WRITTEN, WATERMARK(0, 900), SET(sync.own_fua, 1)},
		DURABLE(FUA),
		{SET(sync.own_data_done_ns, 1150), SET(sync.own_data_disk, VDA)},
		BAD(NO_FLUSH, NULL),
	},
	{
		"another's commit record made it durable",
		{NOTHING_WRITTEN, WATERMARK(0, 900)},
		DURABLE(SHARED_FLUSH),
		{NO_COMMIT(0)},
		DURABLE(CLEAN),
	},
	{
		"a block device has no journal",
		{SET(sync.flags, SYNC_BLOCK_DEVICE), SET(sync.devices[0].commit_stable_ns, 0)},
		DURABLE(FLUSHED),
		{SET(sync.flags, 0)},
		BAD(NO_FLUSH, "journal"),
	},

	/* where the call's own data went */
	{
		"the call's own data went to another disk",
		{UNSEEN_WAIT, SET(sync.own_data_done_ns, 1301), SET(sync.own_data_disk, VDB)},
		DURABLE(FLUSHED),
		{SET(sync.own_data_disk, VDA)},
		BAD(NO_FLUSH, "vda covers the data"),
	},
	{
		"of two data devices, the one that the own data went to is not covered",
		{TWO_DATA, UNSEEN_WAIT, SET(sync.devices[1].commit_flush_ns, 0),
		 SET(sync.own_data_done_ns, 1301), SET(sync.own_data_disk, VDB)},
		BAD(NO_FLUSH, "vdb covers the data"),
		{WATERMARK(1, 1301)},
		DURABLE(FLUSHED),
	},
	{
		"the call's own data went to several disks: all that was written counts",
		{UNSEEN_WAIT, SET(sync.own_data_done_ns, 1301),
		 SET(sync.own_data_disk, DISK_SEVERAL), SET(sync.devices[0].any_done_ns, 1301)},
		BAD(NO_FLUSH, "vda covers the data"),
		{SET(sync.devices[0].any_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"the call's own data went to several disks, and this one is busy",
		{UNSEEN_WAIT, SET(sync.own_data_done_ns, 1301),
		 SET(sync.own_data_disk, DISK_SEVERAL),
		 SET(sync.devices[0].any_inflight_bytes, 512)},
		BAD(NO_FLUSH, "vda covers the data"),
		{SET(sync.devices[0].any_inflight_bytes, 0)},
		DURABLE(FLUSHED),
	},

	/* data=journal */
	{
		"data=journal: nothing to commit, the write-back behind it does not matter",
		{SET(facts.data_journal, true), NOTHING_WRITTEN, EARLIER_COMMIT, WATERMARK(0, 949),
		 SET(sync.devices[0].inflight_bytes, 4096)},
		DURABLE(CLEAN),
		{SET(facts.data_journal, false)},
		BAD(NO_FLUSH, "vda covers the data"),
	},
	{
		"data=journal: the commit record is not covered",
		{SET(facts.data_journal, true), SET(sync.devices[0].commit_stable_ns, 0)},
		BAD(NO_FLUSH, "the journal"),
		{SET(sync.devices[0].commit_stable_ns, 1400)},
		DURABLE(FLUSHED),
	},
	{
		"data=journal is nothing to a block device",
		{SET(facts.data_journal, true), SET(sync.flags, SYNC_BLOCK_DEVICE),
		 WATERMARK(0, 900)},
		BAD(NO_FLUSH, "vda covers the data"),
		{SET(sync.flags, 0)},
		DURABLE(SHARED_FLUSH),
	},
	{
		"data=journal on RAM",
		{SET(facts.data_journal, true), SET(facts.devices[0].cache, CACHE_RAM)},
		BAD(SWALLOWED, "RAM"),
		{SET(facts.devices[0].cache, CACHE_VOLATILE)},
		DURABLE(FLUSHED),
	},

	/* what others write during the call */
	{
		"all was written at entry and is covered, others write on",
		{UNSEEN_WAIT, NOTHING_WRITTEN, EARLIER_COMMIT,
		 SET(sync.devices[0].inflight_bytes, 512), SET(sync.devices[0].last_done_ns, 1500),
		 SET(sync.devices[0].settled_ns, 1300)},
		DURABLE(FLUSHED),
		{SET(sync.devices[0].settled_ns, 1301)},
		BAD(NO_FLUSH, "covers the data"),
	},
	{
		"all was written at entry, but the call wrote something itself",
		{UNSEEN_WAIT, EARLIER_COMMIT, SET(sync.devices[0].settled_ns, 900),
		 SET(sync.own_data_done_ns, 1301), SET(sync.devices[0].last_done_ns, 1301)},
		BAD(NO_FLUSH, "covers the data"),
		{SET(sync.own_data_done_ns, 1300)},
		DURABLE(FLUSHED),
	},

	/* threads that sync one file, on btrfs */
	{
		"btrfs: returned before the log that holds the file is committed",
		{ON_FS(FSMAGIC_BTRFS), NOTHING_WRITTEN, EARLIER_COMMIT,
		 SET(sync.flags, SYNC_LOG_UNCOMMITTED)},
		BAD(EARLY_RETURN, "(kernel hole btrfs-concurrent-fsync, see README)"),
		{SET(sync.devices[0].commit_done_ns, 1950),
		 SET(sync.devices[0].commit_stable_ns, 1950)},
		DURABLE(FLUSHED),
	},
	{
		"btrfs: ... on a drive without a cache, where no record can be told",
		{ON_FS(FSMAGIC_BTRFS), NOTHING_WRITTEN, NO_COMMIT(0), THROUGH(0),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 1)),
		 SET(sync.flags, SYNC_LOG_UNCOMMITTED | SYNC_ACCOMPANIED)},
		DOUBT(COMMIT_UNSEEN, "btrfs-concurrent-fsync"),
		{SET(sync.own_meta_done_ns, 1250)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"btrfs: ... where the call met no other",
		{ON_FS(FSMAGIC_BTRFS), NOTHING_WRITTEN, NO_COMMIT(0), THROUGH(0),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 1)),
		 SET(sync.flags, SYNC_LOG_UNCOMMITTED)},
		DURABLE(WRITE_THROUGH),
		{SET(sync.flags, SYNC_LOG_UNCOMMITTED | SYNC_ACCOMPANIED)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},
	{
		"btrfs: ... and its numbers are those of an earlier log (seed 800271)",
		{ON_FS(FSMAGIC_BTRFS), NOTHING_WRITTEN, NO_COMMIT(0), THROUGH(0),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 12)),
		 SET(sync.flags, SYNC_LOG_COMMITTED | SYNC_ACCOMPANIED)},
		DOUBT(COMMIT_UNSEEN, "btrfs-concurrent-fsync"),
		{SET(sync.flags, SYNC_LOG_COMMITTED)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"btrfs: ... with a cache, and no commit ended in the call",
		{ON_FS(FSMAGIC_BTRFS), NOTHING_WRITTEN, EARLIER_COMMIT,
		 SET(facts.kernel_version, KERNEL_VERSION(6, 12)),
		 SET(sync.flags, SYNC_LOG_COMMITTED | SYNC_ACCOMPANIED)},
		DOUBT(COMMIT_UNSEEN, "btrfs-concurrent-fsync"),
		{SET(sync.flags, SYNC_LOG_COMMITTED)},
		DURABLE(FLUSHED),
	},
	{
		"btrfs: the call wrote data, and no commit followed",
		{ON_FS(FSMAGIC_BTRFS), EARLIER_COMMIT},
		BAD(EARLY_RETURN, "btrfs-concurrent-fsync"),
		{SET(sync.flags, SYNC_LOG_COMMITTED)},
		DURABLE(FLUSHED),
	},
	{
		"btrfs: another thread synced the file meanwhile, and committed for both",
		{ON_FS(FSMAGIC_BTRFS), SET(sync.flags, SYNC_ACCOMPANIED),
		 SET(facts.kernel_version, KERNEL_VERSION(7, 0))},
		DOUBT(COMMIT_UNSEEN, "(kernel hole btrfs-concurrent-fsync, see README)"),
		{SET(sync.flags, SYNC_ACCOMPANIED | SYNC_OWN_COMMIT)},
		DURABLE(FLUSHED),
	},
	{
		"btrfs: ... on 5.10",
		{ON_FS(FSMAGIC_BTRFS), SET(sync.flags, SYNC_ACCOMPANIED),
		 SET(facts.kernel_version, KERNEL_VERSION(5, 10))},
		DOUBT(COMMIT_UNSEEN, "btrfs-concurrent-fsync"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		DURABLE(FLUSHED),
	},

	/* f2fs */
	{
		"f2fs: another thread's node blocks are in flight",
		{ON_FS(FSMAGIC_F2FS), SET(sync.devices[0].log_inflight, 1)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole f2fs-concurrent-fsync, see README)"),
		{SET(sync.devices[0].log_inflight, 0)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: another thread's node blocks ended after the flush began",
		{ON_FS(FSMAGIC_F2FS), SET(sync.devices[0].log_done_ns, 1301)},
		DOUBT(COMMIT_UNSEEN, "f2fs-concurrent-fsync"),
		{THROUGH(0)},
		DURABLE(WRITE_THROUGH),
	},

	{
		"f2fs: the flush was asked for before the call's own node block was written",
		{ON_FS(FSMAGIC_F2FS), SET(sync.flags, SYNC_ASKED_FLUSH),
		 SET(sync.devices[0].commit_done_ns, 0), SET(sync.own_meta_done_ns, 1301)},
		BAD(NO_FLUSH, "f2fs-node-not-awaited"),
		{SET(sync.own_meta_done_ns, 1299)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: fdatasync writes no node block, and the size may have been a direct write's",
		{ON_FS(FSMAGIC_F2FS), SET(sync.flags, SYNC_DATASYNC), SET(sync.size, 4096),
		 SET(sync.own_meta_done_ns, 0), SET(sync.devices[0].direct, 1),
		 SET(facts.kernel_version, KERNEL_VERSION(5, 10))},
		DOUBT(COMMIT_UNSEEN, "(kernel hole f2fs-direct-size, see README)"),
		{SET(sync.own_meta_done_ns, 1150)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: ... by a descriptor that is open for direct I/O; a buffered write ends "
		"anywhere",
		{ON_FS(FSMAGIC_F2FS), SET(sync.flags, SYNC_DATASYNC), SET(sync.size, 4608),
		 SET(sync.own_meta_done_ns, 0), SET(sync.direct_file, 1),
		 SET(facts.kernel_version, KERNEL_VERSION(5, 10))},
		DOUBT(COMMIT_UNSEEN, "f2fs-direct-size"),
		{SET(sync.size, 4607)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: the last page was filled up, and the inode left as it was",
		{ON_FS(FSMAGIC_F2FS), SET(sync.size, 8192), SET(sync.disk_size, 8192),
		 SET(sync.own_meta_done_ns, 0), SET(sync.inode_state, INODE_DIRTY),
		 SET(facts.size_before, 8000)},
		BAD(NOT_WRITTEN, "f2fs-size-in-page"),
		{SET(sync.inode_state, INODE_CLEAN)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: ... and another call wrote to it meanwhile",
		{ON_FS(FSMAGIC_F2FS), SET(sync.size, 8192), SET(sync.disk_size, 8100),
		 SET(sync.own_meta_done_ns, 0), SET(sync.inode_state, INODE_DIRTY),
		 SET(facts.size_before, 8000)},
		DOUBT(COMMIT_UNSEEN, "f2fs-size-in-page"),
		{SET(facts.size_before, 4096)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: ... what the size was on the disk is not known",
		{ON_FS(FSMAGIC_F2FS), SET(sync.size, 8192), SET(sync.disk_size, 8192),
		 SET(sync.own_meta_done_ns, 0), SET(sync.inode_state, INODE_DIRTY),
		 SET(facts.size_before, ~0ULL)},
		DOUBT(COMMIT_UNSEEN, "f2fs-size-in-page"),
		{SET(sync.flags, SYNC_DATASYNC)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: ... nor whether the inode was written: no node block was",
		{ON_FS(FSMAGIC_F2FS), SET(sync.size, 8192), SET(sync.own_meta_done_ns, 0),
		 SET(facts.size_before, 8000)},
		DOUBT(COMMIT_UNSEEN, "f2fs-size-in-page"),
		{SET(sync.size, 8191)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: ... one was, but not where the data are written in place",
		{ON_FS(FSMAGIC_F2FS), SET(sync.size, 8192), SET(sync.own_meta_done_ns, 1150),
		 SET(facts.size_before, 8000), SET(facts.log_structured, true)},
		DOUBT(COMMIT_UNSEEN, "f2fs-size-in-page"),
		{SET(facts.log_structured, false)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: the size is set after the sync at the end of a direct write",
		{ON_FS(FSMAGIC_F2FS), SET(sync.kind, SYNC_O_DSYNC), SET(sync.range_known, 1),
		 SET(sync.size, 30), SET(sync.synced_end, 30), SET(sync.direct_file, 1),
		 SET(sync.flags, SYNC_DATASYNC | SYNC_SIZE_LATER)},
		BAD(NOT_WRITTEN, "ends at byte 30"),
		{SET(sync.flags, SYNC_DATASYNC)},
		DURABLE(FLUSHED),
	},
	{
		"... a buffered write, which sets it before, was cut off meanwhile",
		{SET(sync.kind, SYNC_O_DSYNC), SET(sync.range_known, 1), SET(sync.size, 30),
		 SET(sync.synced_end, 30), SET(sync.disk_size, 30),
		 SET(sync.flags, SYNC_DATASYNC | SYNC_SIZE_LATER)},
		DURABLE(FLUSHED),
		{SET(sync.direct_file, 1)},
		BAD(NOT_WRITTEN, "ext4-size-on-disk"),
	},
	{
		"f2fs: ... and at the tracepoint level the range is not known",
		{ON_FS(FSMAGIC_F2FS), SET(sync.kind, SYNC_O_DSYNC), SET(sync.direct_file, 1),
		 SET(sync.flags, SYNC_DATASYNC), SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		DOUBT(COMMIT_UNSEEN, "f2fs-direct-size"),
		{SET(sync.range_known, 1)},
		DURABLE(FLUSHED),
	},
	{
		"f2fs: ... the node block written is not the inode's in a long file; not so from "
		"5.17 on",
		{ON_FS(FSMAGIC_F2FS), SET(sync.flags, SYNC_DATASYNC), SET(sync.size, 4096 << 10),
		 SET(sync.own_meta_done_ns, 1150), SET(sync.devices[0].direct, 1),
		 SET(facts.kernel_version, KERNEL_VERSION(5, 16))},
		DOUBT(COMMIT_UNSEEN, "f2fs-direct-size"),
		{SET(facts.kernel_version, KERNEL_VERSION(5, 17))},
		DURABLE(FLUSHED),
	},

	/* ext4 with the data in the journal: what was zeroed around it */
	{
		"a range of the file was zeroed whose data may be in the journal",
		{SET(facts.data_journal, true), SET(facts.zeroed_in_journal, true)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-journal-zeroed, see README)"),
		{SET(facts.zeroed_in_journal, false)},
		DURABLE(FLUSHED),
	},
	{
		"a range of the file was zeroed, on a drive without a cache",
		{SET(facts.data_journal, true), SET(facts.zeroed_in_journal, true), THROUGH(0)},
		DOUBT(COMMIT_UNSEEN, "ext4-journal-zeroed"),
		{SET(facts.zeroed_in_journal, false)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"a range of a file was zeroed, and the call is about the device",
		{SET(facts.zeroed_in_journal, true), SET(sync.flags, SYNC_BLOCK_DEVICE)},
		DURABLE(FLUSHED),
		{SET(sync.flags, 0)},
		DOUBT(COMMIT_UNSEEN, "ext4-journal-zeroed"),
	},

	{
		"a zeroed range has made the file longer, from its last page on",
		{SET(sync.zeroed, ZEROED | ZEROED_TAIL),
		 SET(facts.kernel_version, KERNEL_VERSION(7, 2))},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-zeroed-tail, see README)"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 18))},
		DURABLE(FLUSHED),
	},
	{
		"a zeroed range has made the file longer, or not",
		{SET(sync.zeroed, ZEROED | ZEROED_TAIL), THROUGH(0),
		 SET(facts.kernel_version, KERNEL_VERSION(7, 2))},
		DOUBT(COMMIT_UNSEEN, "ext4-zeroed-tail"),
		{SET(sync.zeroed, ZEROED)},
		DURABLE(WRITE_THROUGH),
	},

	/* ext4: what was made without a name and linked since */
	{
		"what names the file may not be committed",
		{SET(sync.inode_state, INODE_NAMELESS)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-tmpfile-linked, see README)"),
		{SET(sync.inode_state, INODE_UNKNOWN)},
		DURABLE(FLUSHED),
	},
	{
		"what names the file may not be committed, on a drive without a cache",
		{SET(sync.inode_state, INODE_NAMELESS), THROUGH(0)},
		DOUBT(COMMIT_UNSEEN, "ext4-tmpfile-linked"),
		{SET(sync.fs_magic, FSMAGIC_XFS)},
		DURABLE(WRITE_THROUGH),
	},

	/* sync(2), and one xfs among the file systems */
	{
		"sync returned before its own flush, where xfs may have let it",
		{SET(sync.kind, SYNC_SYNC), SET(sync.flags, SYNC_WHOLE_FS),
		 SET(facts.has_xfs, true), SET(sync.own_flush_pending, 1), WATERMARK(0, 900)},
		BAD(EARLY_RETURN, "xfs-stray-wakeup"),
		{SET(sync.own_flush_pending, 0)},
		BAD(NO_FLUSH, NULL),
	},

	/* ext4 with inline data: files that no longer are */
	{
		"inline data: a file that was in its inode once",
		{SET(facts.inline_data, true), SET(sync.flags, SYNC_TID_KNOWN)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-inline-data-converted, see README)"),
		{SET(sync.flags, SYNC_TID_KNOWN | SYNC_DATA_IN_INODE)},
		DURABLE(FLUSHED),
	},
	{
		"inline data: a file that was in its inode once, on a drive without a cache",
		{SET(facts.inline_data, true), SET(sync.flags, SYNC_TID_KNOWN), THROUGH(0)},
		DOUBT(COMMIT_UNSEEN, "ext4-inline-data-converted"),
		{SET(facts.inline_data, false)},
		DURABLE(WRITE_THROUGH),
	},

	{
		"btrfs, compressed: all is synced, and data was written after the wait for it",
		{ON_FS(FSMAGIC_BTRFS), SET(facts.compressed, true), SET(sync.flags, SYNC_WHOLE_FS),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 12)),
		 SET(sync.devices[0].data_done_ns, 1201)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole btrfs-compress-sync, see README)"),
		{SET(sync.devices[0].data_done_ns, 1200)},
		DURABLE(FLUSHED),
	},
	{
		"btrfs, compressed: a file alone is waited for",
		{ON_FS(FSMAGIC_BTRFS), SET(facts.compressed, true),
		 SET(sync.devices[0].data_done_ns, 1201)},
		DURABLE(FLUSHED),
		{SET(sync.flags, SYNC_WHOLE_FS)},
		DOUBT(COMMIT_UNSEEN, "btrfs-compress-sync"),
	},

	/* ext4: the size that the inode on the disk has */
	{
		"a part of a file, beyond its size on the disk",
		{SET(sync.synced_end, 5705), SET(sync.range_known, 1), SET(sync.disk_size, 4454)},
		BAD(NOT_WRITTEN, "ends at byte 4454"),
		{SET(sync.disk_size, 5705)},
		DURABLE(FLUSHED),
	},
	{
		"no cache helps against it, and a file system that allocates at once has it not",
		{SET(sync.synced_end, 5705), SET(sync.range_known, 1), SET(sync.disk_size, 5704),
		 THROUGH(0)},
		BAD(NOT_WRITTEN, "ext4-size-on-disk"),
		{SET(facts.no_delalloc, true)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"where the part ends was not seen: the file may be longer than that",
		{SET(sync.synced_end, 5705), SET(sync.disk_size, 4454)},
		DOUBT(COMMIT_UNSEEN, "ext4-size-on-disk"),
		{SET(sync.synced_end, 0)},
		DURABLE(FLUSHED),
	},
	{
		"what ext4 says of its size is not known, and the file has more to be written",
		{SET(sync.synced_end, 5705), SET(sync.disk_size, ~0ULL),
		 SET(sync.flags, SYNC_DIRTY_EXIT)},
		DOUBT(COMMIT_UNSEEN, "ext4-size-on-disk"),
		{SET(sync.flags, 0)},
		DURABLE(FLUSHED),
	},
	{
		"where the journal holds the data, it has the size",
		{SET(sync.synced_end, 5705), SET(sync.range_known, 1), SET(sync.disk_size, 4454),
		 SET(facts.data_journal, true)},
		DURABLE(FLUSHED),
		{SET(facts.data_journal, false)},
		BAD(NOT_WRITTEN, "ext4-size-on-disk"),
	},
	{
		"no other file system has that",
		{SET(sync.synced_end, 5705), SET(sync.range_known, 1), SET(sync.disk_size, 4454),
		 ON_FS(FSMAGIC_XFS)},
		DURABLE(FLUSHED),
		{ON_FS(EXT4)},
		BAD(NOT_WRITTEN, NULL),
	},

	/* ext4 without a journal */
	{
		"no journal, a new file, and another thread's metadata is in flight",
		{SET(facts.no_journal, true), NO_COMMIT(0),
		 SET(sync.flags, SYNC_ASKED_FLUSH | SYNC_INODE_WRITTEN),
		 SET(sync.devices[0].log_inflight, 1)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-nojournal-directory-race, see README)"),
		{SET(sync.flags, SYNC_ASKED_FLUSH | SYNC_INODE_WRITTEN | SYNC_NAME_SYNCED)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, a new file, and another thread's metadata ended after the flush began",
		{SET(facts.no_journal, true), NO_COMMIT(0),
		 SET(sync.flags, SYNC_ASKED_FLUSH | SYNC_INODE_WRITTEN),
		 SET(sync.devices[0].log_done_ns, 1301)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-directory-race"),
		{SET(sync.devices[0].log_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, a directory, and another thread's metadata is in flight",
		{SET(facts.no_journal, true), NO_COMMIT(0), SET(sync.devices[0].log_inflight, 1),
		 SET(sync.flags,
		     SYNC_ASKED_FLUSH | SYNC_INODE_WRITTEN | SYNC_NAME_SYNCED | SYNC_DIRECTORY)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-directory-race"),
		{SET(facts.no_journal, false)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, write through, a new file, another thread's metadata is in flight",
		{SET(facts.no_journal, true), NO_COMMIT(0), THROUGH(0),
		 SET(sync.flags, SYNC_INODE_WRITTEN), SET(sync.devices[0].log_inflight, 1)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-directory-race"),
		{SET(sync.devices[0].log_inflight, 0), SET(sync.devices[0].log_done_ns, 1301)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"no journal, syncfs, and a write of whatever ended after the flush began",
		{SET(facts.no_journal, true), NO_COMMIT(0), SET(sync.kind, SYNC_SYNCFS),
		 SET(sync.flags, SYNC_ASKED_FLUSH | SYNC_WHOLE_FS),
		 SET(sync.devices[0].any_done_ns, 1301)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-syncfs"),
		{SET(sync.devices[0].any_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, a flush was asked for, and the inode not written",
		{SET(facts.no_journal, true), NO_COMMIT(0), SET(sync.flags, SYNC_ASKED_FLUSH)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-nojournal-inode, see README)"),
		{SET(sync.flags, SYNC_ASKED_FLUSH | SYNC_INODE_WRITTEN)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, the inode not written, a stable kernel without the mend",
		{SET(facts.no_journal, true), NO_COMMIT(0), SET(sync.flags, SYNC_ASKED_FLUSH),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 12)), SET(facts.kernel_patch, 50)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-inode"),
		{SET(facts.kernel_patch, 118)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, the inode not written, and it need not be: 7.0",
		{SET(facts.no_journal, true), NO_COMMIT(0), SET(sync.flags, SYNC_ASKED_FLUSH),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 17)), SET(facts.kernel_patch, 200)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-inode"),
		{SET(facts.kernel_version, KERNEL_VERSION(7, 0))},
		DURABLE(FLUSHED),
	},
	{
		"no journal, and the call asked for no flush",
		{SET(facts.no_journal, true), NO_COMMIT(0)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-nojournal-early-return, see README)"),
		{SET(sync.flags, SYNC_ASKED_FLUSH | SYNC_INODE_WRITTEN)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, no flush asked for, the data not covered",
		{SET(facts.no_journal, true), NO_COMMIT(0), WATERMARK(0, 900)},
		BAD(NO_FLUSH, "ext4-nojournal-early-return"),
		{WATERMARK(0, 1300)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-early-return"),
	},
	{
		"no journal, no flush asked for, the caller's metadata not covered",
		{SET(facts.no_journal, true), NO_COMMIT(0), SET(sync.own_meta_done_ns, 1301)},
		BAD(NO_FLUSH, "the journal or metadata"),
		{SET(sync.own_meta_done_ns, 1300)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-early-return"),
	},
	{
		"no journal, and the last commit is that of the file system before (seed 3000013)",
		{SET(facts.no_journal, true), EARLIER_COMMIT, SET(sync.own_meta_done_ns, 1301)},
		BAD(NO_FLUSH, "the journal or metadata"),
		{SET(facts.no_journal, false)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, behind a cache: no kernel is known to be without the hole",
		{SET(facts.no_journal, true), NO_COMMIT(0),
		 SET(facts.kernel_version, KERNEL_VERSION(7, 0))},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-early-return"),
		{SET(facts.no_journal, false)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, write through, a kernel that may leave the inode",
		{SET(facts.no_journal, true), NO_COMMIT(0), THROUGH(0),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 5))},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-early-return"),
		{SET(facts.kernel_version, KERNEL_VERSION(7, 0))},
		DURABLE(WRITE_THROUGH),
	},
	{
		"no journal, write through, a kernel that is not known",
		{SET(facts.no_journal, true), NO_COMMIT(0), THROUGH(0)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-early-return"),
		{SET(sync.flags, SYNC_INODE_WRITTEN)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"no journal, but a block device",
		{SET(facts.no_journal, true), NO_COMMIT(0), SET(sync.flags, SYNC_BLOCK_DEVICE)},
		DURABLE(FLUSHED),
		{SET(sync.flags, 0)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},
	{
		"no journal: no metadata was seen that is not covered, and records were lost",
		{SET(facts.no_journal, true), NO_COMMIT(0),
		 SET(sync.flags, SYNC_ASKED_FLUSH | SYNC_INODE_WRITTEN), SET(facts.losses, true)},
		DOUBT(EVENTS_LOST, NULL),
		{SET(facts.losses, false)},
		DURABLE(FLUSHED),
	},
	{
		"no write of the file was seen that is not covered, and records were lost",
		{SET(sync.wait_done_ns, 0), SET(facts.losses, true), NO_COMMIT(0)},
		DOUBT(EVENTS_LOST, NULL),
		{SET(sync.wait_done_ns, 1200)},
		DURABLE(FLUSHED),
	},
	{
		"no journal, no flush asked for, and records were lost",
		{SET(facts.no_journal, true), NO_COMMIT(0), SET(facts.losses, true)},
		DOUBT(EVENTS_LOST, NULL),
		{SET(facts.losses, false)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},

	/* calls about all of a file system, and direct writes */
	{
		"syncfs, writes that may be others' are not covered",
		{SET(sync.kind, SYNC_SYNCFS), SET(sync.flags, SYNC_WHOLE_FS),
		 SET(sync.wait_done_ns, 0), SET(sync.devices[0].last_done_ns, 99999),
		 SET(sync.devices[0].settled_ns, 0)},
		DOUBT(UNTRACKED, "vda"),
		{SET(sync.devices[0].last_done_ns, 1)},
		DURABLE(FLUSHED),
	},
	{
		"a direct write with FUA, whatever else is not covered",
		{SET(sync.kind, SYNC_O_DSYNC), SET(sync.flags, SYNC_DIRECT | SYNC_DATASYNC),
		 SET(sync.own_fua, 1), SET(sync.own_data_done_ns, 0),
		 SET(facts.devices[0].watermark_ns, 0)},
		DURABLE(FUA),
		{SET(sync.own_data_done_ns, 50)},
		BAD(NO_FLUSH, "vda"),
	},
	{
		"a direct write with FUA to a file whose journal entry is not covered",
		{SET(sync.kind, SYNC_O_DSYNC), SET(sync.flags, SYNC_DIRECT | SYNC_DATASYNC),
		 SET(sync.own_fua, 1), SET(sync.own_data_done_ns, 0), SET(facts.nobarrier, true),
		 WATERMARK(0, 900), SET(sync.devices[0].log_done_ns, 950)},
		BAD(NO_FLUSH, "without barriers"),
		{SET(facts.nobarrier, false)},
		DURABLE(FUA),
	},
	{
		"a direct write with FUA to a file that no journal makes reachable",
		{SET(sync.kind, SYNC_O_DSYNC), SET(sync.flags, SYNC_DIRECT | SYNC_DATASYNC),
		 SET(sync.own_fua, 1), SET(sync.own_data_done_ns, 0), SET(facts.no_journal, true),
		 NO_COMMIT(0)},
		DOUBT(COMMIT_UNSEEN, "ext4-nojournal-direct"),
		{SET(facts.no_journal, false)},
		DURABLE(FUA),
	},
	{
		"a direct write with FUA to a file whose log write xfs may have left in flight",
		{SET(sync.kind, SYNC_O_DSYNC),
		 SET(sync.flags, SYNC_DIRECT | SYNC_DATASYNC | SYNC_LOG_LEFT), SET(sync.own_fua, 1),
		 SET(sync.own_data_done_ns, 0), ON_FS(FSMAGIC_XFS),
		 SET(facts.kernel_version, KERNEL_VERSION(5, 10))},
		DOUBT(COMMIT_UNSEEN, "xfs-stray-wakeup"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		DURABLE(FUA),
	},
	{
		"a direct write with FUA to a file that a fast commit may hold",
		{SET(sync.kind, SYNC_O_DSYNC), SET(sync.flags, SYNC_DIRECT | SYNC_DATASYNC),
		 SET(sync.own_fua, 1), SET(sync.own_data_done_ns, 0), SET(facts.fast_commit, true),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		DOUBT(COMMIT_UNSEEN, "ext4-fast-commit"),
		{SET(sync.flags, SYNC_DIRECT | SYNC_DATASYNC | SYNC_TID_PASSED)},
		DURABLE(FUA),
	},
	{
		"a direct write with FUA to a file of which f2fs may have written nothing else",
		{SET(sync.kind, SYNC_O_DSYNC), SET(sync.flags, SYNC_DIRECT | SYNC_DATASYNC),
		 SET(sync.own_fua, 1), SET(sync.own_data_done_ns, 0), ON_FS(FSMAGIC_F2FS),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		DOUBT(COMMIT_UNSEEN, "f2fs-direct-overwrite"),
		{ON_FS(FSMAGIC_XFS)},
		DURABLE(FUA),
	},
	{
		"f2fs, log-structured, 5.10: a sync, perhaps after direct writes",
		{ON_FS(FSMAGIC_F2FS), SET(facts.log_structured, true),
		 SET(facts.kernel_version, KERNEL_VERSION(5, 10))},
		DOUBT(COMMIT_UNSEEN, "f2fs-lfs-direct"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		DURABLE(FLUSHED),
	},
	{
		"f2fs with checkpoints switched off",
		{ON_FS(FSMAGIC_F2FS), SET(facts.no_checkpoint, true)},
		{VERDICT_NOT_DURABLE, REASON_SWALLOWED, true, "checkpoint=disable"},
		{SET(facts.no_checkpoint, false)},
		DURABLE(FLUSHED),
	},
	{
		"sync(2) beside an f2fs with checkpoints switched off",
		{SET(sync.kind, SYNC_SYNC), SET(facts.no_checkpoint, true)},
		{VERDICT_UNPROVEN, REASON_UNTRACKED, true, "checkpoint=disable"},
		{SET(facts.no_checkpoint, false)},
		DURABLE(FLUSHED),
	},
	{
		"a file system of which only data and flushes are followed",
		{ON_FS(FSMAGIC_VFAT)},
		DOUBT(COMMIT_UNSEEN, "not followed on this file system"),
		{ON_FS(FSMAGIC_EXFAT)},
		DURABLE(FLUSHED),
	},
	{
		"a file system that is not known, without a flush",
		{ON_FS(0x12345678), WATERMARK(0, 1)},
		BAD(NO_FLUSH, "vda"),
		{WATERMARK(0, 1300)},
		DOUBT(COMMIT_UNSEEN, "not followed on this file system"),
	},
	{
		"a sync that was not seen to return",
		{SET(sync.flags, SYNC_END_UNSEEN)},
		DOUBT(UNTRACKED, "return was not seen"),
		{SET(sync.flags, 0)},
		DURABLE(FLUSHED),
	},
	{
		"msync over more than one file",
		{SET(sync.kind, SYNC_MSYNC), SET(sync.flags, SYNC_SEVERAL)},
		DOUBT(UNTRACKED, "several files"),
		{SET(sync.flags, 0)},
		DURABLE(FLUSHED),
	},
	{
		"msync that awaits nothing",
		{SET(sync.kind, SYNC_MSYNC), SET(sync.flags, SYNC_WRITEOUT)},
		BAD(WRITEOUT_ONLY, "MS_ASYNC"),
		{SET(sync.flags, 0)},
		DURABLE(FLUSHED),
	},

	/* fast commits */
	{
		"fast commits before 6.1",
		{SET(facts.fast_commit, true), SET(facts.kernel_version, KERNEL_VERSION(6, 0))},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-fast-commit, see README)"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 1)), SET(sync.flags, SYNC_TID_PASSED)},
		DURABLE(FLUSHED),
	},
	{
		"fast commits before 6.1, write through",
		{SET(facts.fast_commit, true), SET(facts.kernel_version, KERNEL_VERSION(5, 15)),
		 THROUGH(0)},
		DOUBT(COMMIT_UNSEEN, "ext4-fast-commit"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 5)), SET(sync.flags, SYNC_TID_PASSED)},
		DURABLE(WRITE_THROUGH),
	},
	{
		"fast commits before 6.1, and nothing tells of the journal's cache",
		{EXTERNAL_LOG, SET(facts.fast_commit, true),
		 SET(facts.kernel_version, KERNEL_VERSION(6, 0)),
		 SET(facts.devices[1].cache, CACHE_UNKNOWN),
		 SET(sync.devices[1].cache, CACHE_BIT_KNOWN)},
		DOUBT(CACHE_UNKNOWN, "vdb"),
		{SET(sync.devices[1].cache, WRITE_BACK)},
		DOUBT(COMMIT_UNSEEN, "ext4-fast-commit"),
	},
	{
		"fast commits, a kernel that is not known",
		{SET(facts.fast_commit, true)},
		DOUBT(COMMIT_UNSEEN, "ext4-fast-commit"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 1)), SET(sync.flags, SYNC_TID_PASSED)},
		DURABLE(FLUSHED),
	},
	{
		"a fast commit by the calling thread",
		{SET(facts.fast_commit, true), SET(facts.kernel_version, KERNEL_VERSION(7, 0)),
		 SET(sync.flags, SYNC_OWN_COMMIT)},
		DOUBT(COMMIT_UNSEEN, "ext4-fast-commit"),
		{SET(sync.flags, SYNC_OWN_COMMIT | SYNC_TID_PASSED)},
		DURABLE(FLUSHED),
	},
	{
		"fast commits by another thread, but the whole transaction is committed",
		{SET(facts.fast_commit, true), SET(facts.kernel_version, KERNEL_VERSION(7, 0)),
		 SET(sync.flags, SYNC_TID_PASSED)},
		DURABLE(FLUSHED),
		{SET(sync.flags, 0)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},

	/* btrfs directories */
	{
		"btrfs before 6.1: nothing was written for a directory",
		{BTRFS_DIRECTORY},
		DOUBT(COMMIT_UNSEEN, "(kernel hole btrfs-directory-logged, see README)"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		DURABLE(FLUSHED),
	},
	{
		"btrfs before 6.1: something was written for a directory",
		{BTRFS_DIRECTORY, SET(sync.own_bytes, 4096)},
		DURABLE(FLUSHED),
		{SET(sync.own_bytes, 0)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},
	{
		"btrfs before 6.1: a flush was asked for, for a directory",
		{BTRFS_DIRECTORY, SET(sync.flags, SYNC_DIRECTORY | SYNC_ASKED_FLUSH)},
		DURABLE(FLUSHED),
		{SET(sync.flags, SYNC_DIRECTORY)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},
	{
		"btrfs before 6.1: a file",
		{BTRFS_DIRECTORY, SET(sync.flags, 0)},
		DURABLE(FLUSHED),
		{SET(sync.flags, SYNC_DIRECTORY)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},
	{
		"a directory, but not of btrfs",
		{BTRFS_DIRECTORY, ON_FS(EXT4)},
		DURABLE(FLUSHED),
		{ON_FS(FSMAGIC_BTRFS)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},

	/* inline data */
	{
		"inline data, not committed",
		{SET(sync.flags, UNCOMMITTED | SYNC_DATA_IN_INODE), EARLIER_COMMIT},
		BAD(NOT_WRITTEN, "not committed (kernel hole ext4-inline-data, see README)"),
		{SET(sync.devices[0].commit_done_ns,
		     1400), /* another's, or ext4 has not said so yet */
		 SET(sync.devices[0].commit_stable_ns, 1400)},
		DOUBT(COMMIT_UNSEEN, "not seen"),
	},
	{
		"inline data, not committed, and no record was ever seen",
		{SET(sync.flags, UNCOMMITTED | SYNC_DATA_IN_INODE), NO_COMMIT(0)},
		BAD(NOT_WRITTEN, "in the inode"),
		{SET(sync.flags, UNCOMMITTED)},
		DOUBT(COMMIT_UNSEEN, "not seen"),
	},
	{
		"inline data, committed by a record that was not seen",
		{SET(sync.flags, SYNC_TID_KNOWN | SYNC_TID_NEEDED | SYNC_DATA_IN_INODE),
		 NO_COMMIT(0)},
		DOUBT(COMMIT_UNSEEN, "not seen"),
		{SET(sync.flags, UNCOMMITTED | SYNC_DATA_IN_INODE)},
		BAD(NOT_WRITTEN, NULL),
	},
	{
		"inline data in the file system, and which transaction it is in is not known",
		{SET(facts.inline_data, true), EARLIER_COMMIT},
		DOUBT(COMMIT_UNSEEN, "ext4-inline-data"),
		{SET(sync.flags, SYNC_TID_KNOWN | SYNC_DATA_IN_INODE)},
		DURABLE(FLUSHED),
	},

	/* journal_async_commit */
	{
		"async commit: half of another transaction spoils the replay",
		{SET(facts.async_commit, true)},
		DOUBT(COMMIT_UNSEEN, "(kernel hole ext4-async-commit-replay, see README)"),
		{SET(facts.async_commit, false)},
		DURABLE(FLUSHED),
	},
	{
		"async commit: a record before the call that is not covered is no evidence",
		{SET(facts.async_commit, true), EARLIER_COMMIT,
		 SET(sync.devices[0].commit_stable_ns, 0), WATERMARK(0, 940), NOTHING_WRITTEN},
		DOUBT(COMMIT_UNSEEN, "ext4-async-commit-replay"),
		{SET(facts.async_commit, false)},
		BAD(NO_FLUSH, "journal"),
	},
	{
		"async commit: the record inside the call must be covered",
		{SET(facts.async_commit, true), SET(sync.devices[0].commit_stable_ns, 0)},
		BAD(NO_FLUSH, "journal"),
		{SET(sync.devices[0].commit_stable_ns, 1400)},
		DOUBT(COMMIT_UNSEEN, NULL),
	},
	{
		"async commit, on a drive without a cache",
		{SET(facts.async_commit, true), THROUGH(0)},
		DOUBT(COMMIT_UNSEEN, "ext4-async-commit-replay"),
		{SET(facts.async_commit, false)},
		DURABLE(WRITE_THROUGH),
	},

	/* no barriers, or none that the drive gets */
	{
		"switched to write through: an old commit record is no answer",
		{SET(sync.devices[0].cache, CACHE_BIT_KNOWN | CACHE_BIT_OVERRIDE), EARLIER_COMMIT,
		 SET(sync.devices[0].log_done_ns, 1301)},
		BAD(NO_FLUSH, "switched to write through"),
		{SET(sync.devices[0].log_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"switched to write through: the caller's own metadata is not covered",
		{SET(sync.devices[0].cache, CACHE_BIT_KNOWN | CACHE_BIT_OVERRIDE),
		 SET(sync.devices[0].commit_done_ns, 0), SET(sync.own_meta_done_ns, 1301)},
		BAD(NO_FLUSH, "switched to write through"),
		{SET(sync.own_meta_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"switched to write through: data is not covered",
		{SET(sync.devices[0].cache, CACHE_BIT_KNOWN | CACHE_BIT_OVERRIDE), UNSEEN_WAIT,
		 SET(sync.devices[0].last_done_ns, 1301), SET(sync.devices[0].slot_vague, 1)},
		BAD(NO_FLUSH, "switched to write through"),
		{SET(sync.devices[0].last_done_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"xfs: a log write that was there when the call forced the log has not ended",
		{SET(sync.fs_magic, FSMAGIC_XFS), SET(sync.flags, SYNC_LOG_LEFT),
		 SET(facts.kernel_version, KERNEL_VERSION(5, 10))},
		DOUBT(COMMIT_UNSEEN, "xfs-stray-wakeup"),
		{SET(facts.kernel_version, KERNEL_VERSION(6, 1))},
		DURABLE(FLUSHED),
	},
	{
		"xfs: neither its own log write nor another has ended",
		{SET(sync.fs_magic, FSMAGIC_XFS), SET(sync.flags, SYNC_OWN_COMMIT),
		 SET(sync.own_meta_pending, 1), SET(sync.devices[0].commit_done_ns, 900)},
		DOUBT(COMMIT_UNSEEN, "xfs-stray-wakeup"),
		{SET(sync.devices[0].commit_done_ns, 1300),
		 SET(sync.devices[0].commit_stable_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"nobarrier: the caller's own metadata is in flight",
		{SET(facts.nobarrier, true), SET(sync.own_meta_pending, 1)},
		BAD(NO_FLUSH, "mounted without barriers"),
		{SET(sync.own_meta_pending, 0)},
		DURABLE(FLUSHED),
	},
	{
		"nobarrier: a commit record, even a stable one, is no answer",
		{SET(facts.nobarrier, true), SET(sync.devices[0].log_done_ns, 1301)},
		BAD(NO_FLUSH, "mounted without barriers"),
		{SET(facts.nobarrier, false)},
		DURABLE(FLUSHED),
	},

	/* layers */
	{
		"a busy leaf, flushed after the newest flush of the device above",
		{DM_OVER_DISK, BUSY_LEAF, WATERMARK(1, 1300)},
		DURABLE(FLUSHED),
		{WATERMARK(1, 1299)},
		BAD(FLUSH_DROPPED, "vdb"),
	},
	{
		"a busy leaf, and the device above was never flushed",
		{DM_OVER_DISK, BUSY_LEAF, WATERMARK(1, 1300), WATERMARK(0, 0), NOTHING_WRITTEN,
		 NO_COMMIT(0), SET(sync.devices[0].log_enter_ns, 0)},
		BAD(FLUSH_DROPPED, "vdb"),
		{SET(sync.devices[1].inflight_bytes, 0),
		 SET(sync.devices[1].any_inflight_bytes, 0)},
		DURABLE(CLEAN),
	},
	{
		"a leaf below one of two: the newest flush above is what counts",
		{DM_OVER_DISK, BUSY_LEAF, SET(facts.nr_devices, 3), WATERMARK(1, 1300),
		 SET(facts.devices[2].watermark_ns, 1301)},
		BAD(FLUSH_DROPPED, "vdb"),
		{SET(facts.devices[2].watermark_ns, 1300)},
		DURABLE(FLUSHED),
	},
	{
		"a leaf below one of two: an older flush of the other does not count",
		{DM_OVER_DISK, BUSY_LEAF, SET(facts.nr_devices, 3), WATERMARK(1, 1299),
		 SET(facts.devices[2].watermark_ns, 1150)},
		BAD(FLUSH_DROPPED, "vdb"),
		{WATERMARK(1, 1300)},
		DURABLE(FLUSHED),
	},
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

/* The leaf or second device: as healthy as the first, and not counted at first. */
static void make_device(struct world *w, size_t i, uint32_t disk, const char *name)
{
	w->sync.devices[i] = (struct event_device){
		.disk = disk,
		.part = disk,
		.roles = i ? DEVICE_LEAF : ALL_ROLES,
		.cache = WRITE_BACK,
		.watermark_ns = 1300,
		.last_done_ns = 1150,
		.any_done_ns = 1250,
		.log_enter_ns = 800,
		.log_done_ns = 1250,
		.commit_queued_ns = 1300,
		.commit_flush_ns = 1300,
		.commit_done_ns = 1400,
		.commit_stable_ns = 1400,
		.slot = 40 + i,
	};
	w->facts.devices[i] = (struct verdict_device){
		.event = &w->sync.devices[i],
		.cache = CACHE_VOLATILE,
		.watermark_ns = 1300,
		.unseen_watermark_ns = 1300,
	};
	snprintf(w->facts.devices[i].name, sizeof(w->facts.devices[i].name), "%s", name);
}

static void make_healthy(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->sync = (struct event_sync){
		.enter_ns = 1000,
		.exit_ns = 2000,
		.tid = TID,
		.kind = SYNC_FSYNC,
		.wait_source = WAIT_OBSERVED,
		.fs_magic = EXT4,
		.outer_fs_magic = EXT4,
		.wait_done_ns = 1200,
		.own_data_queued_ns = 1100,
		.own_data_done_ns = 1150,
		.own_data_disk = VDA,
	};
	w->facts.sync = &w->sync;
	w->facts.nr_devices = 1;
	make_device(w, 0, VDA, "vda");
	make_device(w, 1, VDB, "vdb");
	make_device(w, 2, VDC, "vdc");
	w->sync.devices[2].roles = DEVICE_DATA;
}

static void apply(struct world *w, const struct edit *edits)
{
	for (size_t i = 0; i < MAX_EDITS && edits[i].size; i++) {
		char *at = (char *)w + edits[i].offset;
		uint64_t value = edits[i].value;

		switch (edits[i].size) {
		case 1:
			*(uint8_t *)at = (uint8_t)value;
			break;
		case 4:
			*(uint32_t *)at = (uint32_t)value;
			break;
		default:
			assert_int_equal(edits[i].size, 8);
			*(uint64_t *)at = value;
			break;
		}
	}
}

static void expect(const struct world *w, const char *name, const struct want *want)
{
	struct verdict v;

	verdict_judge(&v, &w->facts);
	if (v.kind != want->kind || v.reason != want->reason || v.inferred != want->inferred ||
	    (want->says && !strstr(v.detail, want->says)))
		fail_msg("%s: %s, %s%s (%s); expected %s, %s%s (%s)", name,
			 verdict_kind_name(v.kind), verdict_reason_name(v.reason),
			 v.inferred ? ", inferred" : "", v.detail, verdict_kind_name(want->kind),
			 verdict_reason_name(want->reason), want->inferred ? ", inferred" : "",
			 want->says ? want->says : "");
	if (v.kind != VERDICT_DURABLE)
		assert_true(v.detail[0]);
}

/* One test per row, which is its state. */
static void row_and_twin(void **state)
{
	const struct row *row = *state;
	struct world w;
	char twin[160];

	make_healthy(&w);
	apply(&w, row->edits);
	expect(&w, row->name, &row->want);
	apply(&w, row->twin_edits);
	snprintf(twin, sizeof(twin), "%s, twin", row->name);
	expect(&w, twin, &row->twin);
	assert_true(row->twin.reason != row->want.reason || row->twin.kind != row->want.kind);
}

static void every_reason_has_a_row(void **state)
{
	bool seen[REASONS] = {false};

	(void)state;
	for (size_t i = 0; i < NR_ROWS; i++)
		seen[rows[i].want.reason] = true;
	for (int i = 0; i < REASONS; i++)
		if (!seen[i])
			fail_msg("no row for %s", verdict_reason_name(i));
}

static void every_io_error_means_lost_data(void **state)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, ENOLINK, ENODEV, ENXIO, EREMOTEIO};
	const struct want lost = BAD(WRITE_FAILED, "the caller was told");
	const struct want refused = BAD(NOT_WRITTEN, "refused");
	struct world w;

	(void)state;
	make_healthy(&w);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		w.sync.ret = -errors[i];
		expect(&w, strerror(errors[i]), &lost);
	}
	w.sync.ret = -EINVAL;
	expect(&w, "EINVAL", &refused);
	w.sync.ret = -EINTR;
	expect(&w, "EINTR", &refused);
}

static void judge_edited(struct verdict *v, struct world *w, const struct edit *edits)
{
	make_healthy(w);
	apply(w, edits);
	verdict_judge(v, &w->facts);
}

static void the_proof_is_named(void **state)
{
	static const struct edit healthy[MAX_EDITS] = {{0, 0, 0}};
	static const struct edit quiet[MAX_EDITS] = {UNSEEN_WAIT};
	static const struct edit quiet_before[MAX_EDITS] = {
		UNSEEN_WAIT, SET(sync.devices[0].last_done_ns, 950), SET(sync.own_data_done_ns, 0)};
	static const struct edit clean[MAX_EDITS] = {NOTHING_WRITTEN, NO_COMMIT(0),
						     WATERMARK(0, 900)};
	struct verdict v;
	struct world w;

	(void)state;
	judge_edited(&v, &w, healthy);
	assert_int_equal(v.proof_disk, VDA);
	assert_int_equal(v.proof_ns, 1200);
	judge_edited(&v, &w, quiet);
	assert_int_equal(v.proof_ns, 1150);
	judge_edited(&v, &w, quiet_before);
	assert_int_equal(v.proof_ns, 1000);
	judge_edited(&v, &w, clean);
	assert_int_equal(v.kind, VERDICT_DURABLE);
	assert_int_equal(v.proof_ns, 0);
	assert_int_equal(v.need_ns, 0);
}

static void a_later_flush_is_needed(void **state)
{
	static const struct edit data[MAX_EDITS] = {WATERMARK(0, 900),
						    SET(sync.devices[0].log_done_ns, 0)};
	static const struct edit log[MAX_EDITS] = {SET(sync.devices[0].commit_stable_ns, 0),
						   SET(sync.devices[0].log_done_ns, 1400)};
	static const struct edit range[MAX_EDITS] = {SET(sync.kind, SYNC_FILE_RANGE),
						     SET(sync.devices[0].log_done_ns, 1400)};
	static const struct edit started[MAX_EDITS] = {SET(sync.kind, SYNC_FILE_RANGE),
						       SET(sync.devices[0].last_done_ns, 0),
						       SET(sync.devices[0].inflight_bytes, 512)};
	struct verdict v;
	struct world w;

	(void)state;
	judge_edited(&v, &w, data);
	assert_int_equal(v.nr_need, 1);
	assert_int_equal(v.need_disks[0], VDA);
	assert_int_equal(v.need_ns, 1150);
	assert_false(v.need_drain);
	judge_edited(&v, &w, log);
	assert_int_equal(v.need_ns, 1400);
	judge_edited(&v, &w, range);
	assert_int_equal(v.need_ns, 1150);
	judge_edited(&v, &w, started);
	assert_int_equal(v.need_ns, 2000);
	assert_true(v.need_drain);
	assert_int_equal(v.drain_slot, 40);
}

static void no_later_flush_helps(void **state)
{
	static const struct edit failed[MAX_EDITS] = {SET(sync.own_errors, 1)};
	static const struct edit ram[MAX_EDITS] = {SET(facts.devices[0].cache, CACHE_RAM)};
	static const struct edit refused[MAX_EDITS] = {SET(sync.ret, -EINVAL)};
	const struct edit *const all[] = {failed, ram, refused};
	struct verdict v;
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		judge_edited(&v, &w, all[i]);
		assert_int_equal(v.kind, VERDICT_NOT_DURABLE);
		assert_int_equal(v.nr_need, 0);
	}
}

/* Where the proof may be among the lost records, no kernel is to blame. */
static void no_hole_where_records_were_lost(void **state)
{
	static const struct edit edits[MAX_EDITS] = {SET(facts.no_journal, true), NO_COMMIT(0),
						     SET(facts.losses, true)};
	struct verdict v;
	struct world w;

	(void)state;
	judge_edited(&v, &w, edits);
	assert_int_equal(v.reason, REASON_EVENTS_LOST);
	assert_null(strstr(v.detail, "kernel hole"));
}

/* A flush of the one that was covered all along makes up for nothing. */
static void the_need_is_of_the_uncovered_device(void **state)
{
	static const struct edit data[MAX_EDITS] = {TWO_DATA, WATERMARK(1, 900)};
	struct verdict v;
	struct world w;

	(void)state;
	judge_edited(&v, &w, data);
	assert_int_equal(v.reason, REASON_NO_FLUSH);
	assert_int_equal(v.nr_need, 1);
	assert_int_not_equal(v.need_disks[0], VDA);
}

static void the_need_is_of_the_external_log(void **state)
{
	static const struct edit log[MAX_EDITS] = {EXTERNAL_LOG, WATERMARK(1, 900),
						   SET(sync.devices[1].commit_stable_ns, 0)};
	struct verdict v;
	struct world w;

	(void)state;
	judge_edited(&v, &w, log);
	assert_int_equal(v.reason, REASON_NO_FLUSH);
	assert_int_equal(v.nr_need, 1);
	assert_int_not_equal(v.need_disks[0], VDA);
}

/* --- random facts, held against a check of its own --- */

struct dice {
	uint64_t state;
};

static uint64_t roll(struct dice *dice, uint64_t limit)
{
	uint64_t z = dice->state += 0x9E3779B97F4A7C15ULL;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
	return ((z ^ z >> 31) >> 32) % limit;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Often 0 (never), else close together, so that times meet. */
static uint64_t roll_time(struct dice *dice)
{
	return roll(dice, 3) ? 1 + roll(dice, 12) : 0;
}

static uint64_t rarely(struct dice *dice, uint64_t value)
{
	return roll(dice, 25) ? 0 : value;
}

static void roll_device(struct dice *dice, struct world *w, size_t i)
{
	static const uint8_t roles[] = {ALL_ROLES, DEVICE_DATA | DEVICE_LOG, DEVICE_DATA,
					DEVICE_LOG, DEVICE_LEAF};
	static const uint8_t caches[] = {CACHE_VOLATILE, CACHE_VOLATILE, CACHE_VOLATILE,
					 CACHE_NONE};
	struct event_device *event = &w->sync.devices[i];
	struct verdict_device *device = &w->facts.devices[i];

	event->disk = VDA + 16 * (uint32_t)i;
	event->roles = i ? roles[roll(dice, sizeof(roles))] : roles[roll(dice, 3)];
	event->cache = roll(dice, 4) ? WRITE_BACK : (uint8_t)roll(dice, 1 << 5);
	event->slot_vague = rarely(dice, 1);
	event->flush_error_ns = rarely(dice, roll_time(dice));
	event->inflight_bytes = (int64_t)(roll(dice, 3) ? 0 : roll(dice, 2) * 512);
	event->last_done_ns = roll_time(dice);
	event->last_error_ns = rarely(dice, roll_time(dice));
	event->unattributed_inflight_bytes = (int64_t)rarely(dice, 512);
	event->unattributed_done_ns = rarely(dice, roll_time(dice));
	event->settled_ns = roll(dice, 2) ? roll_time(dice) : 0;
	event->log_inflight = (int32_t)rarely(dice, 1);
	event->any_inflight_bytes = event->inflight_bytes + event->unattributed_inflight_bytes;
	event->any_done_ns = later(event->last_done_ns, event->unattributed_done_ns);
	event->log_done_ns = roll_time(dice);
	event->log_enter_ns = roll(dice, 2) ? event->log_done_ns : 0;
	event->commit_done_ns = roll_time(dice);
	event->commit_flush_ns = event->commit_done_ns ? roll(dice, event->commit_done_ns + 1) : 0;
	event->commit_stable_ns = roll(dice, 2) ? event->commit_done_ns : 0;
	event->commit_queued_ns = event->commit_flush_ns;
	device->event = event;
	device->watermark_ns = roll_time(dice);
	device->cache = roll(dice, 8) ? caches[roll(dice, sizeof(caches))]
				      : (enum stack_cache)roll(dice, CACHE_STATES);
	device->inner_bad = rarely(dice, 1);
	device->unseen_watermark_ns = later(device->watermark_ns, rarely(dice, roll_time(dice)));
	device->below_unknown = rarely(dice, 1);
	snprintf(device->name, sizeof(device->name), "disk%zu", i);
}

/* Where the call's own data went: to the first, the second, or nobody knows which. */
static void roll_own_data(struct dice *dice, struct world *w)
{
	static const uint32_t disks[] = {VDA, VDA, VDB, DISK_SEVERAL};
	size_t i = roll(dice, sizeof(disks) / sizeof(disks[0]));
	struct event_device *event = &w->sync.devices[i == 3 ? roll(dice, 3) : i / 2];

	if (!w->sync.own_data_done_ns)
		return;
	w->sync.own_data_disk = disks[i];
	event->any_done_ns = later(event->any_done_ns, w->sync.own_data_done_ns);
}

static void roll_world(struct dice *dice, struct world *w)
{
	static const uint64_t magics[] = {TMPFS,  NFS,		 FUSE,	       FSMAGIC_OVERLAY,
					  0xdead, FSMAGIC_BTRFS, FSMAGIC_F2FS, FSMAGIC_XFS};
	static const int32_t errors[] = {-EIO, -EBADF, -EINTR, -ENOSPC};
	static const uint32_t versions[] = {0,
					    KERNEL_VERSION(6, 0),
					    KERNEL_VERSION(6, 1),
					    KERNEL_VERSION(6, 4),
					    KERNEL_VERSION(6, 5),
					    KERNEL_VERSION(7, 0)};

	memset(w, 0, sizeof(*w));
	w->sync.enter_ns = 1 + roll(dice, 8);
	w->sync.exit_ns = w->sync.enter_ns + roll(dice, 10);
	w->sync.tid = TID;
	w->sync.kind = roll(dice, 12) ? roll(dice, 2) : roll(dice, SYNC_KINDS);
	w->sync.flags = roll(dice, 8) ? 0 : (uint32_t)roll(dice, 1 << 20);
	if (!roll(dice, 8))
		w->sync.flags |= SYNC_LOG_LEFT;
	w->sync.ret = roll(dice, 30) ? 0 : errors[roll(dice, 4)];
	w->sync.outer_fs_magic = roll(dice, 20) ? EXT4 : magics[roll(dice, 8)];
	w->sync.fs_magic = roll(dice, 20) ? w->sync.outer_fs_magic : magics[roll(dice, 8)];
	w->sync.wait_done_ns = roll(dice, 2) ? w->sync.enter_ns + roll(dice, 4) : 0;
	w->sync.own_data_done_ns = roll_time(dice);
	w->sync.own_data_queued_ns = roll(dice, w->sync.own_data_done_ns + 1);
	w->sync.own_meta_done_ns = roll(dice, 3) ? 0 : roll_time(dice);
	w->sync.own_meta_pending = (int32_t)rarely(dice, 1);
	w->sync.own_bytes = roll(dice, 2) * 4096;
	w->sync.own_pending = (int32_t)rarely(dice, 1);
	w->sync.own_flush_pending = (int32_t)rarely(dice, 1);
	w->sync.own_errors = (uint32_t)rarely(dice, 1);
	w->sync.own_fua = (uint32_t)roll(dice, 2);
	w->sync.synced_end = rarely(dice, 10);
	w->sync.disk_size = roll(dice, 2) ? 9 + roll(dice, 2) : UINT64_MAX;
	w->sync.range_known = (uint8_t)roll(dice, 2);
	w->facts.sync = &w->sync;
	w->facts.start_ns = roll(dice, 4);
	w->facts.nobarrier = !roll(dice, 6);
	w->facts.data_journal = rarely(dice, 1);
	w->facts.async_commit = rarely(dice, 1);
	w->facts.no_journal = rarely(dice, 1);
	w->facts.inline_data = rarely(dice, 1);
	w->facts.fast_commit = rarely(dice, 1);
	w->facts.kernel_version = versions[roll(dice, sizeof(versions) / sizeof(versions[0]))];
	w->facts.volatile_overlay = rarely(dice, 1);
	w->facts.remote_fs = rarely(dice, 1);
	w->facts.losses = rarely(dice, 1);
	w->facts.failure.kind = (enum failure_kind)rarely(dice, roll(dice, 6));
	w->facts.failure.since_ns = roll_time(dice);
	w->facts.failure.told.at_ns = roll_time(dice);
	w->facts.nr_devices = roll(dice, 25) ? 1 + roll(dice, 3) : 0;
	for (size_t i = 0; i < w->facts.nr_devices; i++)
		roll_device(dice, w, i);
	roll_own_data(dice, w);
}

/* The earliest moment by which the call's data is known to have completed, ~0: none. */
static uint64_t safe_moment(const struct world *w)
{
	const struct event_sync *s = &w->sync;
	uint64_t not_before =
		later(later(s->enter_ns, s->own_data_done_ns), s->own_data_queued_ns + 1);
	uint64_t moment = UINT64_MAX;

	if (s->wait_done_ns)
		return s->wait_done_ns;
	for (size_t i = 0; i < w->facts.nr_devices; i++) {
		const struct event_device *e = &s->devices[i];

		if (e->roles & DEVICE_LOG && e->commit_done_ns <= s->exit_ns &&
		    e->commit_flush_ns >= not_before && e->commit_flush_ns < moment)
			moment = e->commit_flush_ns;
	}
	return moment;
}

/* NULL, or what makes "durable" a lie on this device. */
static const char *lie_on_device(const struct world *w, size_t i)
{
	const struct event_device *e = &w->sync.devices[i];
	const struct verdict_device *d = &w->facts.devices[i];
	uint64_t mark = d->watermark_ns;
	bool told = e->cache & (CACHE_BIT_WRITE_BACK | CACHE_BIT_OVERRIDE);
	bool idle = !e->any_inflight_bytes && e->any_done_ns <= mark;
	bool quiet = !(e->inflight_bytes | e->unattributed_inflight_bytes) &&
		     later(e->last_done_ns, e->unattributed_done_ns) <= mark;
	bool here = w->sync.own_data_disk == e->disk || w->sync.own_data_disk == DISK_SEVERAL;
	bool own = e->roles & DEVICE_DATA && here && w->sync.own_data_done_ns > mark;
	bool settled = e->roles & DEVICE_DATA && e->settled_ns && e->settled_ns <= mark;
	uint64_t top = 0;
	bool in_log = w->facts.data_journal && !(w->sync.flags & SYNC_BLOCK_DEVICE);

	if (!(e->roles & (DEVICE_DATA | DEVICE_LEAF)))
		return NULL;
	if (d->cache == CACHE_RAM)
		return "a RAM device";
	if ((d->cache == CACHE_UNKNOWN || d->cache == CACHE_ASSUMED) && !told)
		return "a cache that is not known";
	if (d->below_unknown)
		return "unknown layers below";
	if ((d->cache == CACHE_NONE && !told) || (in_log && e->roles & DEVICE_DATA) ||
	    safe_moment(w) <= mark || idle || ((quiet || settled) && !own))
		return NULL;
	for (size_t k = 0; k < w->facts.nr_devices && !(e->roles & DEVICE_DATA); k++)
		if (!(w->sync.devices[k].roles & DEVICE_LEAF))
			top = later(top, w->facts.devices[k].watermark_ns);
	return top && top <= mark ? NULL : "uncovered data";
}

/* NULL, or what makes "durable" a lie about the log on this device. */
static const char *lie_in_log(const struct world *w, size_t i)
{
	const struct event_sync *s = &w->sync;
	const struct event_device *e = &s->devices[i];
	const struct verdict_device *d = &w->facts.devices[i];
	const struct verdict_facts *f = &w->facts;
	uint64_t mark = d->watermark_ns;
	bool cached =
		e->cache & (CACHE_BIT_WRITE_BACK | CACHE_BIT_OVERRIDE) || d->cache != CACHE_NONE;
	bool dropped = e->cache & CACHE_BIT_OVERRIDE ||
		       (!(e->cache & CACHE_BIT_WRITE_BACK) &&
			(d->cache == CACHE_OVERRIDDEN || e->cache & CACHE_BIT_KNOWN));
	bool in_call = e->commit_done_ns >= s->enter_ns && e->commit_done_ns <= s->exit_ns;
	bool record = e->commit_done_ns && !f->no_journal;
	bool before_6_1 = f->kernel_version && f->kernel_version < KERNEL_VERSION(6, 1);
	bool asked = s->flags & SYNC_ASKED_FLUSH;
	bool named = s->flags & SYNC_NAME_SYNCED && !(s->flags & SYNC_DIRECTORY);

	bool btrfs = s->fs_magic == FSMAGIC_BTRFS;
	bool records = !f->nobarrier && e->cache & CACHE_BIT_WRITE_BACK;
	bool own = s->flags & SYNC_OWN_COMMIT || (!records && s->own_meta_done_ns);
	bool shown = f->kernel_version < KERNEL_VERSION(6, 1) ||
		     f->kernel_version >= KERNEL_VERSION(7, 0);

	if (!(e->roles & DEVICE_LOG) || s->flags & SYNC_BLOCK_DEVICE)
		return NULL;
	if (s->flags & SYNC_DATA_IN_INODE && s->flags & SYNC_TID_NEEDED &&
	    s->flags & SYNC_TID_UNCOMMITTED && !f->fast_commit)
		return "data in an inode that is not committed";
	if (btrfs && !in_call && records &&
	    (s->flags & SYNC_LOG_UNCOMMITTED ||
	     (s->own_data_queued_ns && !(s->flags & SYNC_LOG_COMMITTED))))
		return "a log that is not committed";
	if (s->fs_magic == FSMAGIC_XFS && s->flags & SYNC_LOG_LEFT && before_6_1)
		return "a log write that was there when it was asked for";
	if (s->fs_magic == FSMAGIC_XFS && s->own_meta_pending &&
	    (!records || (s->flags & SYNC_OWN_COMMIT && !in_call)))
		return "a log write of its own";
	if (s->fs_magic == EXT4 && !f->data_journal && s->synced_end > s->disk_size)
		return "data beyond the size on the disk";
	if (f->inline_data && !f->no_journal && !(s->flags & (SYNC_DATA_IN_INODE | SYNC_DIRECTORY)))
		return "a file that was in its inode once";
	if (!f->no_journal && !own) {
		if (btrfs && !f->fast_commit && s->flags & SYNC_ACCOMPANIED &&
		    (shown || !records || !in_call))
			return "another thread's log commit";
	}
	if (f->async_commit && !f->no_journal)
		return "an asynchronous commit";
	if (s->fs_magic == FSMAGIC_F2FS && (e->log_inflight || (cached && e->log_done_ns > mark)))
		return "a chain of node blocks that may be cut";
	if (f->no_journal && (f->kernel_version >= KERNEL_VERSION(7, 0) || s->flags & SYNC_WHOLE_FS)
		    ? cached && !asked
		    : f->no_journal && !(s->flags & SYNC_INODE_WRITTEN))
		return "no journal, and an inode that was not written";
	if (f->no_journal && !named && (e->log_inflight || (cached && e->log_done_ns > mark)))
		return "a name that another thread may be writing";
	if (f->no_journal && s->flags & SYNC_WHOLE_FS && cached && e->any_done_ns > mark)
		return "metadata that another thread wrote after the flush";
	if (f->fast_commit && !f->no_journal && (before_6_1 || !(s->flags & SYNC_TID_PASSED)))
		return "a fast commit that may lack something";
	if (s->fs_magic == FSMAGIC_BTRFS && s->flags & SYNC_DIRECTORY && !s->own_bytes && !asked &&
	    before_6_1 && !f->no_journal)
		return "a directory that may not have been logged";
	if (!cached)
		return NULL;
	if (f->nobarrier || dropped || !record)
		if (later(s->own_meta_done_ns,
			  f->nobarrier || dropped ? e->log_done_ns : e->log_enter_ns) > mark)
			return "metadata that is not covered";
	if (f->nobarrier || dropped)
		return s->own_meta_pending ? "metadata in flight" : NULL;
	if (record && e->commit_stable_ns != e->commit_done_ns && e->commit_done_ns > mark)
		return "a commit record that is not covered";
	if (s->flags & SYNC_TID_NEEDED && s->flags & SYNC_TID_UNCOMMITTED && !in_call)
		return "a transaction that is not committed";
	return NULL;
}

static const char *lie(const struct world *w)
{
	const struct event_sync *s = &w->sync;
	bool stacked = s->outer_fs_magic == FSMAGIC_OVERLAY && !(s->flags & SYNC_INNER);
	const char *what = NULL;

	if (s->ret < 0)
		return "an error was returned";
	if (s->own_pending > 0 || s->own_errors)
		return "writes pending or failed";
	if (w->facts.failure.kind != FAILURE_NONE && w->facts.failure.kind != FAILURE_FLUSH)
		return "a failure that was not made good";
	if (s->flags & (SYNC_TOUCHED_BY_LOSS | SYNC_NO_FILE))
		return "a loss, or no file";
	if (s->kind == SYNC_FILE_RANGE)
		return "sync_file_range";
	if (s->fs_magic == TMPFS || s->fs_magic == NFS || s->fs_magic == FUSE || stacked)
		return "a file system that keeps nothing here";
	if (!w->facts.nr_devices)
		return "no devices";
	for (size_t i = 0; i < w->facts.nr_devices && !what; i++)
		what = lie_on_device(w, i);
	for (size_t i = 0; i < w->facts.nr_devices && !what; i++)
		what = lie_in_log(w, i);
	return what;
}

static void durable_is_never_a_lie(void **state)
{
	struct dice dice = {*(uint64_t *)*state};
	uint64_t kinds[VERDICT_KINDS] = {0}, reasons[REASONS] = {0};
	const char *what;
	struct verdict v;
	struct world w;

	for (int round = 0; round < RANDOM_ROUNDS; round++) {
		roll_world(&dice, &w);
		verdict_judge(&v, &w.facts);
		assert_in_range(v.kind, 0, VERDICT_KINDS - 1);
		assert_in_range(v.reason, 0, REASONS - 1);
		assert_non_null(memchr(v.detail, '\0', sizeof(v.detail)));
		assert_int_equal(v.kind == VERDICT_DURABLE, v.reason <= REASON_CLEAN);
		kinds[v.kind]++;
		reasons[v.reason]++;
		if (v.kind != VERDICT_DURABLE)
			continue;
		assert_false(v.inferred);
		assert_int_equal(v.nr_need, 0);
		what = lie(&w);
		if (what)
			fail_msg("round %d: durable, %s, with %s", round,
				 verdict_reason_name(v.reason), what);
	}
	/* A test of nothing must not pass. */
	for (int i = 0; i < VERDICT_KINDS; i++)
		assert_in_range(kinds[i], RANDOM_ROUNDS / 100, RANDOM_ROUNDS);
	for (int i = 0; i < REASONS; i++)
		assert_in_range(reasons[i], 1, RANDOM_ROUNDS);
}

/* --- the tables of names --- */

static const char *kind_name(int i)
{
	return verdict_kind_name(i);
}

static const char *reason_name(int i)
{
	return verdict_reason_name(i);
}

static const char *reason_text(int i)
{
	return verdict_reason_text(i);
}

static const char *sync_kind_name(int i)
{
	return verdict_sync_kind_name(i);
}

static void walk_names(const char *(*name)(int i), int count)
{
	for (int i = 0; i < count; i++) {
		assert_non_null(name(i));
		assert_true(*name(i));
		assert_string_not_equal(name(i), "?");
		for (int k = 0; k < i; k++)
			assert_string_not_equal(name(i), name(k));
	}
	assert_string_equal(name(count), "?");
}

static void names_are_whole_and_distinct(void **state)
{
	(void)state;
	walk_names(kind_name, VERDICT_KINDS);
	walk_names(reason_name, REASONS);
	walk_names(reason_text, REASONS);
	walk_names(sync_kind_name, SYNC_KINDS);
}

static void what_is_not_durable_has_advice(void **state)
{
	(void)state;
	for (int i = 0; i < REASONS; i++) {
		assert_non_null(verdict_reason_advice(i));
		assert_int_equal(*verdict_reason_advice(i) != '\0', i > REASON_CLEAN);
	}
	assert_string_equal(verdict_reason_advice(REASONS), "?");
}

/* What scripts and the design go by. */
static void names_are_the_contract(void **state)
{
	static const char *const names[REASONS] = {
		"flushed",	"shared-flush",	 "fua",		 "write-through", "clean",
		"no-flush",	"writeout-only", "not-written",	 "swallowed",	  "flush-dropped",
		"flush-failed", "write-failed",	 "early-return", "commit-unseen", "remote",
		"userspace-fs", "events-lost",	 "untracked",	 "cache-unknown",
	};

	(void)state;
	for (int i = 0; i < REASONS; i++)
		assert_string_equal(verdict_reason_name(i), names[i]);
	assert_string_equal(verdict_kind_name(VERDICT_DURABLE), "durable");
	assert_string_equal(verdict_kind_name(VERDICT_NOT_DURABLE), "not-durable");
	assert_string_equal(verdict_kind_name(VERDICT_UNPROVEN), "unproven");
	assert_string_equal(verdict_sync_kind_name(SYNC_FILE_RANGE), "sync_file_range");
}

int main(void)
{
	static uint64_t seed;
	static struct CMUnitTest tests[NR_OTHERS + NR_ROWS] = {
		cmocka_unit_test(every_reason_has_a_row),
		cmocka_unit_test(every_io_error_means_lost_data),
		cmocka_unit_test(the_proof_is_named),
		cmocka_unit_test(a_later_flush_is_needed),
		cmocka_unit_test(no_later_flush_helps),
		cmocka_unit_test(no_hole_where_records_were_lost),
		cmocka_unit_test(the_need_is_of_the_uncovered_device),
		cmocka_unit_test(the_need_is_of_the_external_log),
		cmocka_unit_test_prestate(durable_is_never_a_lie, &seed),
		cmocka_unit_test(names_are_whole_and_distinct),
		cmocka_unit_test(what_is_not_durable_has_advice),
		cmocka_unit_test(names_are_the_contract),
	};

	if (choose_seed(&seed))
		return 2;
	for (size_t i = 0; i < NR_ROWS; i++)
		tests[NR_OTHERS + i] = (struct CMUnitTest){.name = rows[i].name,
							   .test_func = row_and_twin,
							   .initial_state = (void *)&rows[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
