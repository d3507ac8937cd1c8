// SPDX-License-Identifier: GPL-2.0-only
#include "gaps.h"

#include <stddef.h>

#include "fsmagic.h"
#include "ledger.h"

bool gaps_uncommitted(const struct verdict_facts *facts)
{
	const uint32_t both = SYNC_TID_NEEDED | SYNC_TID_UNCOMMITTED;

	return (facts->sync->flags & both) == both && !facts->fast_commit;
}

bool gaps_size_later(const struct event_sync *sync)
{
	return (sync->flags & SYNC_SIZE_LATER) && sync->direct_file;
}

#define F2FS_BLOCK	  4096
#define F2FS_IN_PLACE_MAX (8 * F2FS_BLOCK) /* by default, DEF_MIN_FSYNC_BLOCKS */

/* Where its module has no BTF it shows by what is written, too: not in place, for one. */
static bool leaves_inode(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;

	if (sync->inode_state != INODE_UNKNOWN)
		return sync->inode_state == INODE_DIRTY;
	return !sync->own_meta_done_ns || facts->log_structured ||
	       sync->own_bytes > F2FS_IN_PLACE_MAX;
}

/* Before the call, in the time of the audit, or in it. */
static bool was_written(const struct verdict_facts *facts)
{
	size_t i;

	if (facts->sync->own_data_queued_ns || facts->sync->inode_state == INODE_DIRTY)
		return true;
	for (i = 0; i < facts->nr_devices; i++)
		if (facts->devices[i].event->last_done_ns > facts->start_ns)
			return true;
	return false;
}

bool gaps_size_left(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;
	const uint32_t others = SYNC_WHOLE_FS | SYNC_DIRECTORY | SYNC_DATASYNC | SYNC_WRITEOUT |
				SYNC_DIRECT | SYNC_BLOCK_DEVICE;

	if (sync->fs_magic != FSMAGIC_F2FS || (sync->flags & others) || !sync->size ||
	    sync->size % F2FS_BLOCK || !leaves_inode(facts))
		return false;
	if (facts->size_before == ~0ULL)
		return was_written(facts);
	return facts->size_before < sync->size && facts->size_before + F2FS_BLOCK > sync->size;
}

/* ... and is that certain? Nobody else may have had the inode written, or changed it. */
static bool is_size_left(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;

	return gaps_size_left(facts) && facts->size_before != ~0ULL &&
	       sync->inode_state == INODE_DIRTY && sync->disk_size == sync->size &&
	       !sync->own_meta_done_ns && !(sync->flags & SYNC_ACCOMPANIED);
}

enum proof gaps_of_size(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;

	if (gaps_size_later(sync) || is_size_left(facts))
		return PROOF_BEYOND;
	if (sync->fs_magic != FSMAGIC_EXT4 || !sync->synced_end || facts->data_journal ||
	    facts->no_delalloc || (sync->flags & (SYNC_DIRECT | SYNC_BLOCK_DEVICE)))
		return PROOF_QUIET;
	/* Without BTF of the module: the file has none to be written that would make it longer. */
	if (sync->disk_size == ~0ULL)
		return sync->flags & SYNC_DIRTY_EXIT ? PROOF_HOLE : PROOF_QUIET;
	if (sync->disk_size >= sync->synced_end)
		return PROOF_QUIET;
	return sync->range_known ? PROOF_BEYOND : PROOF_HOLE;
}

uint64_t gaps_end_on_disk(const struct verdict_facts *facts)
{
	if (gaps_size_later(facts->sync))
		return facts->sync->size;
	return facts->sync->fs_magic == FSMAGIC_F2FS ? facts->size_before : facts->sync->disk_size;
}

#define F2FS_INODE_BYTES (923 * 4096) /* what the inode's own node block points to */

/* f2fs by fs/direct-io.c; from 5.17 on by iomap. */
static bool is_before_iomap(const struct verdict_facts *facts)
{
	return facts->kernel_version < KERNEL_VERSION(5, 17);
}

static bool has_direct_writes(const struct event_sync *sync, const struct verdict_device *device)
{
	return sync->direct_file || device->event->direct;
}

bool gaps_moved(const struct verdict_facts *facts)
{
	return facts->sync->fs_magic == FSMAGIC_F2FS && facts->log_structured &&
	       facts->kernel_version && is_before_iomap(facts) &&
	       !(facts->sync->flags & SYNC_DIRECTORY);
}

bool gaps_direct_size(const struct verdict_facts *facts, const struct verdict_device *device)
{
	const struct event_sync *sync = facts->sync;
	bool write = sync->kind == SYNC_O_SYNC || sync->kind == SYNC_O_DSYNC;

	if (sync->fs_magic != FSMAGIC_F2FS || !facts->kernel_version)
		return false;
	if (!is_before_iomap(facts)) /* else see SYNC_SIZE_LATER */
		return write && sync->direct_file && !sync->range_known;
	/* It then ends with a logical block, of 512 bytes at least. */
	if (!(sync->flags & SYNC_DATASYNC) || sync->size % 512 || !has_direct_writes(sync, device))
		return false;
	return !sync->own_meta_done_ns || sync->size > F2FS_INODE_BYTES;
}

bool gaps_was_inline(const struct verdict_facts *facts)
{
	return facts->inline_data && !(facts->sync->flags & (SYNC_DATA_IN_INODE | SYNC_DIRECTORY));
}

/* Metadata that some thread waits for, but maybe not this one, is not on stable media. */
static bool others_uncovered(const struct event_device *event, uint64_t watermark_ns)
{
	return event->log_inflight || !ledger_covers(watermark_ns, event->log_done_ns);
}

/*
 * Without a journal a new file's name is in a block of its directory, which the
 * first sync writes (ext4_sync_parent). If another thread has taken that block
 * to write it (fsync_buffers_list in fs/buffer.c), nobody here waits for it.
 */
bool gaps_name(const struct verdict_facts *facts, const struct event_device *event,
	       uint64_t watermark_ns)
{
	uint32_t flags = facts->sync->flags;

	if (!facts->no_journal || ((flags & SYNC_NAME_SYNCED) && !(flags & SYNC_DIRECTORY)))
		return false;
	/* sync and syncfs flush, and then write and await the blocks of metadata (sync_bdevs);
	 * write-back that was under way may do it for them: theirs may be any write. */
	if ((flags & SYNC_WHOLE_FS) && !ledger_covers(watermark_ns, event->any_done_ns))
		return true;
	return others_uncovered(event, watermark_ns);
}

/*
 * f2fs finds what was synced by a chain of node blocks, of all files, in the order
 * of their places (recover_fsync_data). A thread waits for its own blocks only:
 * one of another's that is missing cuts off what follows. Its place is taken before it
 * is queued, so any sync that is in progress may have one.
 */
bool gaps_chain(const struct verdict_facts *facts, const struct event_device *event,
		uint64_t watermark_ns)
{
	return facts->sync->fs_magic == FSMAGIC_F2FS &&
	       ((facts->sync->flags & SYNC_ACCOMPANIED) || others_uncovered(event, watermark_ns));
}

/* Without barriers, and where the queue takes no flush, a record is a write like others. */
static bool shows_records(const struct verdict_facts *facts, const struct verdict_device *device)
{
	return !facts->nobarrier && proof_takes_flushes(device);
}

/*
 * btrfs returns early where another thread is committing the log that the inode
 * went into (README, btrfs-concurrent-fsync). Its own numbers tell, as long as no
 * commit was seen to end in the call; what the call wrote itself needs one.
 */
bool gaps_unlogged(const struct verdict_facts *facts, const struct verdict_device *device)
{
	const struct event_sync *sync = facts->sync;

	if (sync->fs_magic != FSMAGIC_BTRFS || !shows_records(facts, device) ||
	    (sync->flags & SYNC_WHOLE_FS) || proof_commit_in_call(sync, device->event))
		return false;
	return (sync->flags & SYNC_LOG_UNCOMMITTED) ||
	       (sync->own_data_queued_ns && !(sync->flags & SYNC_LOG_COMMITTED));
}

static bool is_before_6_1(const struct verdict_facts *facts)
{
	return facts->kernel_version && facts->kernel_version < KERNEL_VERSION(6, 1);
}

/*
 * xfs sleeps only once for the log write that it needs (xlog_wait in
 * fs/xfs/xfs_log_priv.h), so that a stray wake-up makes a call return early. It was so where
 * the thread itself wrote to the log, and neither that record nor another had ended when the
 * call returned (xfs lets a caller begin a log write that it need not wait for). It may have
 * been so where the log was forced and any write to it was left in flight; the file then
 * counts as logged (ili_fsync_fields), and a later fdatasync forces nothing (xfs_file_fsync).
 */
bool gaps_log(const struct verdict_facts *facts, const struct verdict_device *device)
{
	const struct event_sync *sync = facts->sync;

	if (sync->fs_magic != FSMAGIC_XFS)
		return false;
	if ((sync->flags & SYNC_LOG_LEFT) && is_before_6_1(facts))
		return true;
	if (sync->own_meta_pending <= 0)
		return false;
	return shows_records(facts, device) ? (sync->flags & SYNC_OWN_COMMIT) &&
						      !proof_commit_in_call(sync, device->event)
					    : true;
}

/* May the call have met another one, and got a commit that does not hold its change? */
static bool may_be_left_out(const struct verdict_facts *facts, const struct verdict_device *device)
{
	const struct event_sync *sync = facts->sync;
	uint32_t version = facts->kernel_version;
	bool records = shows_records(facts, device);
	bool shown = version < KERNEL_VERSION(6, 1) || version >= KERNEL_VERSION(7, 0);

	if ((sync->flags & SYNC_OWN_COMMIT) || (!records && sync->own_meta_done_ns))
		return false;
	if (sync->fs_magic != FSMAGIC_BTRFS || !(sync->flags & SYNC_ACCOMPANIED))
		return false;
	/* Another one may have put the inode into a log that it has not committed yet. */
	return shown || !records || !proof_commit_in_call(sync, device->event);
}

/*
 * Does fsync of a file without a journal write its inode in any case? Since commit
 * 1308255bbf84 ("ext4: fix fsync(2) for nojournal mode"); in stable kernels at the latest
 * since these.
 */
static bool writes_every_inode(const struct verdict_facts *facts)
{
	switch (facts->kernel_version) {
	case KERNEL_VERSION(6, 6):
		return facts->kernel_patch >= 135;
	case KERNEL_VERSION(6, 12):
		return facts->kernel_patch >= 85;
	case KERNEL_VERSION(6, 18):
		return facts->kernel_patch >= 25;
	case KERNEL_VERSION(6, 19):
		return facts->kernel_patch >= 15;
	default:
		return facts->kernel_version >= KERNEL_VERSION(7, 0);
	}
}

/*
 * ext4_fsync_nojournal writes the inode where it is marked dirty, and that it is not where
 * only its block in the buffer cache was changed, or where another thread that writes back
 * has just taken the mark and left the block to be written later (ext4_write_inode). Up to
 * 6.4 it then asks for no flush either, unless the mark went while it waited for that thread.
 * @cached: the device has a cache, so that a request for a flush is seen.
 */
static bool inode_may_be_unwritten(const struct verdict_facts *facts, bool cached)
{
	uint32_t flags = facts->sync->flags;

	if (writes_every_inode(facts) || (flags & SYNC_WHOLE_FS))
		return cached && !(flags & SYNC_ASKED_FLUSH);
	return !(flags & SYNC_INODE_WRITTEN);
}

bool gaps_begun_too_late(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;
	size_t i;

	if (!facts->compressed || !(sync->flags & SYNC_WHOLE_FS))
		return false;
	for (i = 0; i < facts->nr_devices; i++)
		if (facts->devices[i].event->data_done_ns > sync->wait_done_ns)
			return true;
	return false;
}

bool gaps_unreached(const struct event_sync *sync)
{
	return sync->fs_magic == FSMAGIC_F2FS && (sync->flags & SYNC_DIRECT);
}

bool gaps_zeroed_tail(const struct verdict_facts *facts)
{
	return (facts->sync->zeroed & ZEROED_TAIL) &&
	       facts->kernel_version >= KERNEL_VERSION(6, 19);
}

bool gaps_nameless(const struct event_sync *sync)
{
	return sync->fs_magic == FSMAGIC_EXT4 && sync->inode_state == INODE_NAMELESS;
}

bool gaps_hole(const struct verdict_facts *facts, const struct verdict_device *device, bool cached)
{
	const struct event_sync *sync = facts->sync;

	if (gaps_begun_too_late(facts) || gaps_unreached(sync) || facts->zeroed_in_journal ||
	    gaps_zeroed_tail(facts))
		return true;
	if (facts->no_journal)
		return inode_may_be_unwritten(facts, cached);
	if (gaps_nameless(sync))
		return true;
	/* jbd2 does not wait for a transaction's blocks before it writes the record. Should
	 * only some of them get to the disk, now or later, nothing can be replayed: a block
	 * has a checksum (do_one_pass), the record has none of the whole. */
	if (facts->async_commit)
		return true;
	if (gaps_was_inline(facts) || gaps_direct_size(facts, device) || gaps_size_left(facts) ||
	    gaps_moved(facts) || may_be_left_out(facts, device))
		return true;
	/* What fast commits hold may not be there after their replay, or none can be replayed;
	 * those of others count as well. A whole transaction ends them. */
	if (facts->fast_commit)
		return is_before_6_1(facts) || !(sync->flags & SYNC_TID_PASSED);
	/* A directory that was logged for the sake of one new file counts as logged. */
	return sync->fs_magic == FSMAGIC_BTRFS && (sync->flags & SYNC_DIRECTORY) &&
	       !sync->own_bytes && !(sync->flags & SYNC_ASKED_FLUSH) && is_before_6_1(facts);
}
