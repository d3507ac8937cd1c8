// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include "fsmagic.h"
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
#define TID	      11
#define JOURNAL_TID   77
#define EXT4	      0xEF53
#define TMPFS	      0x01021994
#define NFS	      0x6969
#define FUSE	      0x65735546
#define ALL_ROLES     (DEVICE_DATA | DEVICE_LOG | DEVICE_LEAF)
#define WRITE_BACK    (CACHE_BIT_KNOWN | CACHE_BIT_WRITE_BACK)
#define MAX_EDITS     14
#define RANDOM_ROUNDS 200000
#define NR_OTHERS     11 /* tests that are no rows */

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
	SET(sync.devices[device].watermark_ns, ns), SET(facts.devices[device].watermark_ns, ns)
#define NOTHING_WRITTEN                                                                            \
	SET(sync.own_data_done_ns, 0), SET(sync.own_data_queued_ns, 0),                            \
		SET(sync.devices[0].last_done_ns, 0), SET(sync.devices[0].any_done_ns, 0)
#define NO_COMMIT(device)                                                                          \
	SET(sync.devices[device].commit_done_ns, 0),                                               \
		SET(sync.devices[device].commit_stable_ns, 0),                                     \
		SET(sync.devices[device].commit_flush_ns, 0)
#define EARLIER_COMMIT                                                                             \
	SET(sync.devices[0].commit_queued_ns, 940), SET(sync.devices[0].commit_done_ns, 950),      \
		SET(sync.devices[0].commit_stable_ns, 950)
#define ON_FS(magic) SET(sync.fs_magic, magic), SET(sync.outer_fs_magic, magic)
#define TWO_DEVICES  SET(facts.nr_devices, 2)
#define DM_OVER_DISK TWO_DEVICES, SET(sync.devices[0].roles, DEVICE_DATA | DEVICE_LOG)
#define EXTERNAL_LOG                                                                               \
	TWO_DEVICES, SET(sync.devices[0].roles, DEVICE_DATA | DEVICE_LEAF),                        \
		SET(sync.devices[1].roles, DEVICE_LOG | DEVICE_LEAF)
#define TWO_DATA TWO_DEVICES, SET(sync.devices[1].roles, ALL_ROLES)

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
		{UNSEEN_WAIT, SET(sync.devices[0].slot_shared, 1),
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
		{WATERMARK(0, 0), SET(facts.devices[0].inner_unseen, true)},
		DOUBT(UNTRACKED, "backing file"),
		{WATERMARK(0, 1300), SET(facts.devices[0].inner_unseen, false)},
		DURABLE(FLUSHED),
	},
	{
		"records were lost, and the proof may be among them",
		{WATERMARK(0, 900), SET(facts.losses, true)},
		DOUBT(EVENTS_LOST, "--ring-size"),
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
		"a write of the call found the ledger full",
		{SET(sync.flags, SYNC_TOUCHED_BY_LOSS)},
		DOUBT(EVENTS_LOST, "--ledger-size"),
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
		{SET(sync.own_data_done_ns, 1150)},
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
		.watermark_enter_ns = 900,
		.watermark_ns = 1300,
		.last_done_ns = 1150,
		.any_done_ns = 1250,
		.log_enter_ns = 800,
		.log_done_ns = 1250,
		.commit_queued_ns = 1300,
		.commit_flush_ns = 1300,
		.commit_done_ns = 1400,
		.commit_stable_ns = 1400,
		.commit_tid = JOURNAL_TID,
		.slot = 40 + i,
	};
	w->facts.devices[i] = (struct verdict_device){
		.event = &w->sync.devices[i],
		.cache = CACHE_VOLATILE,
		.watermark_ns = 1300,
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
	};
	w->facts.sync = &w->sync;
	w->facts.nr_devices = 1;
	make_device(w, 0, VDA, "vda");
	make_device(w, 1, VDB, "vdb");
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
	event->slot_shared = rarely(dice, 1);
	event->flush_error_ns = rarely(dice, roll_time(dice));
	event->inflight_bytes = (int64_t)(roll(dice, 3) ? 0 : roll(dice, 2) * 512);
	event->last_done_ns = roll_time(dice);
	event->last_error_ns = rarely(dice, roll_time(dice));
	event->unattributed_inflight_bytes = (int64_t)rarely(dice, 512);
	event->unattributed_done_ns = rarely(dice, roll_time(dice));
	event->any_inflight_bytes = event->inflight_bytes + event->unattributed_inflight_bytes;
	event->any_done_ns = later(event->last_done_ns, event->unattributed_done_ns);
	event->log_done_ns = roll_time(dice);
	event->log_enter_ns = roll(dice, 2) ? event->log_done_ns : 0;
	event->commit_done_ns = roll_time(dice);
	event->commit_flush_ns = event->commit_done_ns ? roll(dice, event->commit_done_ns + 1) : 0;
	event->commit_stable_ns = roll(dice, 2) ? event->commit_done_ns : 0;
	event->commit_queued_ns = event->commit_flush_ns;
	event->commit_tid = roll(dice, 2) ? TID : JOURNAL_TID;
	device->event = event;
	device->watermark_ns = roll_time(dice);
	device->cache = roll(dice, 8) ? caches[roll(dice, sizeof(caches))]
				      : (enum stack_cache)roll(dice, CACHE_STATES);
	device->inner_bad = rarely(dice, 1);
	device->inner_unseen = rarely(dice, 1);
	device->below_unknown = rarely(dice, 1);
	snprintf(device->name, sizeof(device->name), "disk%zu", i);
}

static void roll_world(struct dice *dice, struct world *w)
{
	static const uint64_t magics[] = {TMPFS, NFS, FUSE, FSMAGIC_OVERLAY, 0xdead};
	static const int32_t errors[] = {-EIO, -EBADF, -EINTR, -ENOSPC};

	memset(w, 0, sizeof(*w));
	w->sync.enter_ns = 1 + roll(dice, 8);
	w->sync.exit_ns = w->sync.enter_ns + roll(dice, 10);
	w->sync.tid = TID;
	w->sync.kind = roll(dice, 12) ? roll(dice, 2) : roll(dice, SYNC_KINDS);
	w->sync.flags = roll(dice, 8) ? 0 : (uint32_t)roll(dice, 1 << 14);
	w->sync.ret = roll(dice, 30) ? 0 : errors[roll(dice, 4)];
	w->sync.outer_fs_magic = roll(dice, 20) ? EXT4 : magics[roll(dice, 5)];
	w->sync.fs_magic = roll(dice, 20) ? w->sync.outer_fs_magic : magics[roll(dice, 5)];
	w->sync.wait_done_ns = roll(dice, 2) ? w->sync.enter_ns + roll(dice, 4) : 0;
	w->sync.own_data_done_ns = roll_time(dice);
	w->sync.own_data_queued_ns = roll(dice, w->sync.own_data_done_ns + 1);
	w->sync.own_meta_done_ns = roll(dice, 3) ? 0 : roll_time(dice);
	w->sync.own_pending = (int32_t)rarely(dice, 1);
	w->sync.own_flush_pending = (int32_t)rarely(dice, 1);
	w->sync.own_errors = (uint32_t)rarely(dice, 1);
	w->sync.own_fua = (uint32_t)roll(dice, 2);
	w->facts.sync = &w->sync;
	w->facts.start_ns = roll(dice, 4);
	w->facts.nobarrier = !roll(dice, 6);
	w->facts.volatile_overlay = rarely(dice, 1);
	w->facts.remote_fs = rarely(dice, 1);
	w->facts.losses = rarely(dice, 1);
	w->facts.nr_devices = roll(dice, 25) ? 1 + roll(dice, 3) : 0;
	for (size_t i = 0; i < w->facts.nr_devices; i++)
		roll_device(dice, w, i);
	/* what the call itself wrote went to the first */
	w->sync.devices[0].any_done_ns =
		later(w->sync.devices[0].any_done_ns, w->sync.own_data_done_ns);
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
	bool own = e->roles & DEVICE_DATA && w->sync.own_data_done_ns > mark;

	if (!(e->roles & (DEVICE_DATA | DEVICE_LEAF)))
		return NULL;
	if (d->cache == CACHE_RAM)
		return "a RAM device";
	if ((d->cache == CACHE_UNKNOWN || d->cache == CACHE_ASSUMED) && !told)
		return "a cache that is not known";
	if (d->below_unknown)
		return "unknown layers below";
	if ((d->cache == CACHE_NONE && !told) || safe_moment(w) <= mark || idle || (quiet && !own))
		return NULL;
	return "uncovered data";
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

static int choose_seed(uint64_t *seed)
{
	const char *given = getenv("FLUSHAUDIT_SEED");
	char *end;

	if (!given)
		return getrandom(seed, sizeof(*seed), 0) == sizeof(*seed) ? 0 : -errno;
	errno = 0;
	*seed = strtoull(given, &end, 0);
	return errno || end == given || *end ? -EINVAL : 0;
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
		cmocka_unit_test(the_need_is_of_the_uncovered_device),
		cmocka_unit_test(the_need_is_of_the_external_log),
		cmocka_unit_test_prestate(durable_is_never_a_lie, &seed),
		cmocka_unit_test(names_are_whole_and_distinct),
		cmocka_unit_test(what_is_not_durable_has_advice),
		cmocka_unit_test(names_are_the_contract),
	};

	if (choose_seed(&seed)) {
		fprintf(stderr, "FLUSHAUDIT_SEED is not a number, or no random one is to be had\n");
		return 2;
	}
	print_message("# FLUSHAUDIT_SEED=%" PRIu64 "\n", seed);
	for (size_t i = 0; i < NR_ROWS; i++)
		tests[NR_OTHERS + i] = (struct CMUnitTest){.name = rows[i].name,
							   .test_func = row_and_twin,
							   .initial_state = (void *)&rows[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
