// SPDX-License-Identifier: GPL-2.0-only
#include "holes.h"

#include "fsmagic.h"
#include "gaps.h"

static bool is_external_journal(const struct verdict_facts *facts)
{
	size_t i;

	for (i = 0; i < facts->nr_devices; i++)
		if ((facts->devices[i].event->roles & (DEVICE_DATA | DEVICE_LOG)) == DEVICE_LOG)
			return true;
	return false;
}

/* What was not written, whatever was flushed. */
static const char *unwritten_hole(const struct verdict_facts *facts, enum proof proof)
{
	const struct event_sync *sync = facts->sync;

	if (proof == PROOF_UNLOGGED)
		return "btrfs-concurrent-fsync";
	if (proof == PROOF_HOLE && gaps_begun_too_late(facts))
		return "btrfs-compress-sync";
	if (proof == PROOF_HOLE && sync->fs_magic == FSMAGIC_BTRFS)
		return sync->flags & SYNC_DIRECTORY ? "btrfs-directory-logged"
						    : "btrfs-concurrent-fsync";
	if (proof == PROOF_QUIET || proof != gaps_of_size(facts))
		return NULL;
	if (sync->fs_magic == FSMAGIC_F2FS)
		return gaps_size_left(facts) ? "f2fs-size-in-page" : "f2fs-direct-size";
	return sync->fs_magic == FSMAGIC_EXT4 ? "ext4-size-on-disk" : NULL;
}

static const char *no_journal_hole(const struct event_sync *sync, enum proof proof)
{
	if ((sync->flags & SYNC_WHOLE_FS) &&
	    (proof == PROOF_NONE || proof == PROOF_NAME || proof == PROOF_HOLE ||
	     (proof == PROOF_UNTRACKED && sync->kind == SYNC_SYNC)))
		return "ext4-nojournal-syncfs";
	if ((sync->flags & SYNC_DIRECT) && proof == PROOF_HOLE)
		return "ext4-nojournal-direct";
	if (!(sync->flags & SYNC_ASKED_FLUSH) && (proof == PROOF_NONE || proof == PROOF_HOLE))
		return "ext4-nojournal-early-return";
	if (proof == PROOF_HOLE)
		return "ext4-nojournal-inode";
	return proof == PROOF_NAME ? "ext4-nojournal-directory-race" : NULL;
}

static const char *zeroed_hole(const struct verdict_facts *facts, enum proof proof)
{
	if (proof != PROOF_HOLE)
		return NULL;
	if (facts->zeroed_in_journal)
		return "ext4-journal-zeroed";
	return gaps_zeroed_tail(facts) ? "ext4-zeroed-tail" : NULL;
}

static const char *ext4_hole(const struct verdict_facts *facts, bool data, enum proof proof)
{
	const struct event_sync *sync = facts->sync;
	const char *name = zeroed_hole(facts, proof);

	if (!name && facts->no_journal)
		name = no_journal_hole(sync, proof);
	if (name)
		return name;
	if (proof == PROOF_HOLE && gaps_nameless(sync))
		return "ext4-tmpfile-linked";
	if (proof == PROOF_HOLE && gaps_was_inline(facts))
		return "ext4-inline-data-converted";
	if (facts->async_commit && (proof == PROOF_HOLE || proof == PROOF_UNTRACKED))
		return "ext4-async-commit-replay";
	if (proof == PROOF_UNCOMMITTED || (facts->inline_data && proof == PROOF_UNTRACKED))
		return "ext4-inline-data";
	if (data && is_external_journal(facts) &&
	    (proof == PROOF_NONE || (proof == PROOF_UNTRACKED && (sync->flags & SYNC_WHOLE_FS))))
		return "ext4-external-journal-data";
	if (facts->fast_commit && (proof == PROOF_HOLE || (data && proof == PROOF_NONE)))
		return "ext4-fast-commit";
	return NULL;
}

static const char *xfs_hole(const struct event_sync *sync, bool data, enum proof proof)
{
	if ((sync->flags & SYNC_WHOLE_FS) && data && proof == PROOF_NONE)
		return "xfs-syncfs";
	if (proof == PROOF_HOLE || (proof == PROOF_NONE && sync->own_flush_pending > 0))
		return "xfs-stray-wakeup";
	return NULL;
}

static const char *f2fs_hole(const struct verdict_facts *facts, const struct verdict_device *device,
			     enum proof proof)
{
	const struct event_sync *sync = facts->sync;
	bool asked = sync->flags & SYNC_ASKED_FLUSH;
	bool write = sync->kind == SYNC_O_SYNC || sync->kind == SYNC_O_DSYNC;

	if (write && !(sync->flags & SYNC_ACCOMPANIED) && !asked && proof == PROOF_NONE)
		return "f2fs-direct-overwrite";
	if (proof == PROOF_HOLE && gaps_unreached(sync))
		return "f2fs-direct-overwrite";
	if (proof == PROOF_HOLE && gaps_moved(facts))
		return "f2fs-lfs-direct";
	if (proof == PROOF_HOLE && gaps_size_left(facts))
		return "f2fs-size-in-page";
	if (proof == PROOF_HOLE && gaps_direct_size(facts, device))
		return "f2fs-direct-size";
	if (proof == PROOF_NONE && asked && sync->own_flush_pending <= 0 &&
	    sync->own_meta_done_ns > device->watermark_ns)
		return "f2fs-node-not-awaited";
	if (proof == PROOF_HOLE || (proof == PROOF_NONE && (!asked || sync->own_flush_pending > 0)))
		return "f2fs-concurrent-fsync";
	return NULL;
}

const char *holes_name(const struct verdict_facts *facts, const struct verdict_device *device,
		       enum proof proof)
{
	const struct event_sync *sync = facts->sync;
	bool unasked = !(sync->flags & SYNC_ASKED_FLUSH);
	bool all = unasked && (sync->flags & SYNC_WHOLE_FS) &&
		   (proof == PROOF_NONE || proof == PROOF_UNTRACKED);
	bool data = device->event->roles & DEVICE_DATA;
	const char *name;

	if (sync->ret || (sync->flags & SYNC_BLOCK_DEVICE))
		return NULL;
	name = unwritten_hole(facts, proof);
	if (name || (facts->nobarrier && proof != PROOF_HOLE))
		return name;
	if (facts->has_xfs && sync->own_flush_pending > 0) /* of sync(2) */
		return "xfs-stray-wakeup";
	if (sync->fs_magic == FSMAGIC_EXT4 || sync->kind == SYNC_SYNC)
		return ext4_hole(facts, data, proof);
	switch (sync->fs_magic) {
	case FSMAGIC_XFS:
		return xfs_hole(sync, data, proof);
	case FSMAGIC_BTRFS:
		return unasked && proof == PROOF_NONE ? "btrfs-concurrent-fsync" : NULL;
	case FSMAGIC_F2FS:
		return f2fs_hole(facts, device, proof);
	case FSMAGIC_EXFAT:
		return all ? "exfat-syncfs" : NULL;
	case FSMAGIC_VFAT:
		return all ? "vfat-syncfs" : NULL;
	default:
		return NULL;
	}
}

const char *holes_name_in_flight(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;

	/* Whoever commits the log that the inode is in waits for them: btrfs_sync_log. */
	return sync->fs_magic == FSMAGIC_BTRFS && (sync->flags & SYNC_ACCOMPANIED)
		       ? "btrfs-concurrent-fsync"
		       : NULL;
}
