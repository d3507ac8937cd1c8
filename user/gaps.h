/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_GAPS_H
#define FLUSHAUDIT_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "proof.h"

/*
 * What kernels leave out, or may have, of a call that they say succeeded; the judge has shown
 * each (README, kernel holes). Pure. holes.h has their names.
 */

/* ext4 says itself that what the call needed is not committed. Fast commits come without. */
bool gaps_uncommitted(const struct verdict_facts *facts);

/*
 * Is the file one whose data was in its inode once, on ext4? A file that was made
 * longer than what the inode holds, and then written, loses the first block: the
 * page is never marked dirty (seen on 5.10 to 7.x, without any power cut). All
 * files of such a file system begin in the inode.
 */
bool gaps_was_inline(const struct verdict_facts *facts);

/*
 * A direct write that makes a file longer within its last block leaves f2fs' inode unmarked for
 * fdatasync (generic_file_direct_write, f2fs_dirty_inode), until it got its own in 5.17. Where
 * the call writes the inode nevertheless, it writes the size. From then on the size is set only
 * after the sync at the end of the write: that is seen where the range that is synced is.
 */
bool gaps_direct_size(const struct verdict_facts *facts, const struct verdict_device *device);

/*
 * f2fs: fsync of an inode that has its size on the disk by the page, and the times of the clock
 * tick it was last written in, leaves its size to recovery (f2fs_skip_inode_update), which takes
 * that from the blocks the file has: so a file that was filled up to the end of its last page in
 * that same tick, in place, keeps the size that it had (the judge's rounded-f2fs).
 */
bool gaps_size_left(const struct verdict_facts *facts);

/*
 * Did the file not reach as far as the write at the end of which it was synced? Of a buffered
 * write that means that it was cut off meanwhile, which is no gap; direct ones that make a file
 * longer hold the inode's lock until they are synced.
 */
bool gaps_size_later(const struct event_sync *sync);

/*
 * Does what a call about a part of a file was to make durable lie beyond the size that the
 * inode has on disk? ext4 gives it that only with the write-back of what made the file longer,
 * if that is of blocks not allocated yet (ext4_da_should_update_i_disksize). PROOF_BEYOND;
 * PROOF_HOLE: it may; else PROOF_QUIET.
 */
enum proof gaps_of_size(const struct verdict_facts *facts);

/* ... which that is, bytes: for PROOF_BEYOND. */
uint64_t gaps_end_on_disk(const struct verdict_facts *facts);

/* btrfs: the call returned before the log or transaction that it needs was committed. */
bool gaps_unlogged(const struct verdict_facts *facts, const struct verdict_device *device);

/* xfs: it may have returned before the log write that it needs had ended. */
bool gaps_log(const struct verdict_facts *facts, const struct verdict_device *device);

/*
 * Where btrfs compresses, workers begin what is to be written. sync and syncfs do not wait for
 * what they have not begun (sync_inodes_sb finds no page under write-back), nor has it an
 * ordered extent yet that btrfs_sync_fs would wait for: the transaction is committed without.
 */
bool gaps_begun_too_late(const struct verdict_facts *facts);

/*
 * f2fs, from 5.17 on: a direct write to a file opened O_DSYNC that needs no new block ends with a
 * sync only where the inode is marked I_DIRTY_DATASYNC (f2fs_iomap_begin). f2fs marks inodes as
 * I_DIRTY_SYNC: the file may be new, or its size not be written, and the write gets FUA alone.
 */
bool gaps_unreached(const struct event_sync *sync);

/*
 * f2fs with mode=lfs, up to 5.16: a direct write over a block or a hole gets a new block, but the
 * file counts as updated in place (FI_UPDATE_WRITE), and a sync may write no node block that leads
 * to it. Calls that wrote one have been seen to lose it, too (the judge's filled-f2fs-lfs), and
 * such a write need not even show: into a hole it has been seen to send nothing to the drive.
 */
bool gaps_moved(const struct verdict_facts *facts);

/*
 * ext4, some kernel after 6.18: where a zeroed range makes a file longer, from within its last page
 * on, that page stays in memory as it was, and the block behind it counts as not written: what is
 * put there is gone when it leaves the page cache (seen on 7.2; the judge's zeroed-tail).
 */
bool gaps_zeroed_tail(const struct verdict_facts *facts);

/*
 * ext4 with a journal: a file that was made without a name (O_TMPFILE) and linked later: a sync of
 * its data alone may go by the transaction it was made in, and leave out the one that has its name.
 */
bool gaps_nameless(const struct event_sync *sync);

/* This kernel is known to leave out something here that cannot be seen. @cached: the device has
 * a cache, so that a request for a flush is seen. */
bool gaps_hole(const struct verdict_facts *facts, const struct verdict_device *device, bool cached);

/* ext4 without a journal: the name of a new file may be in a block that another thread writes. */
bool gaps_name(const struct verdict_facts *facts, const struct event_device *event,
	       uint64_t watermark_ns);

/* f2fs: a node block of another thread, before its own ones, may be missing. */
bool gaps_chain(const struct verdict_facts *facts, const struct event_device *event,
		uint64_t watermark_ns);

#endif
