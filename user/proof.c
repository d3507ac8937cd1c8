// SPDX-License-Identifier: GPL-2.0-only
#include "proof.h"

#include <stddef.h>

#include "fsmagic.h"
#include "gaps.h"
#include "ledger.h"

bool proof_takes_flushes(const struct verdict_device *device)
{
	return device->event->cache & CACHE_BIT_WRITE_BACK;
}

enum proof proof_of_cache(const struct verdict_device *device)
{
	uint8_t bits = device->event->cache;

	if (device->cache == CACHE_RAM)
		return PROOF_RAM;
	if (bits & CACHE_BIT_OVERRIDE)
		return PROOF_OVERRIDDEN;
	if (proof_takes_flushes(device))
		return PROOF_NONE;
	switch (device->cache) {
	case CACHE_NONE:
		return PROOF_STABLE;
	case CACHE_OVERRIDDEN:
		return PROOF_OVERRIDDEN;
	case CACHE_VOLATILE:
		/* No write seen yet: go by what sysfs said. Else it changed under us. */
		return bits & CACHE_BIT_KNOWN ? PROOF_OVERRIDDEN : PROOF_NONE;
	default:
		return PROOF_CACHE_UNKNOWN;
	}
}

static bool needs_flush(enum proof cache)
{
	return cache == PROOF_NONE || cache == PROOF_OVERRIDDEN;
}

/*
 * When the write-back wait was not observed: the commit record the call waited
 * for tells. Its flush was asked for by whoever committed, after every waiting
 * caller had its data written (jbd2_trans_will_send_data_barrier in
 * fs/ext4/fsync.c; btrfs_sync_log waits for its writers; fs/xfs/xfs_log.c), or
 * the file system would have asked for one of its own in the calling thread.
 */
uint64_t proof_wait_end(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;
	size_t i;

	/* All of a file system: ext4 may commit before it waits for the data. */
	if (sync->wait_done_ns || (sync->flags & SYNC_WHOLE_FS))
		return sync->wait_done_ns;
	for (i = 0; i < facts->nr_devices; i++) {
		const struct event_device *event = facts->devices[i].event;

		if ((event->roles & DEVICE_LOG) && event->commit_done_ns <= sync->exit_ns &&
		    event->commit_flush_ns >= sync->enter_ns &&
		    event->commit_flush_ns >= sync->own_data_done_ns &&
		    event->commit_flush_ns > sync->own_data_queued_ns)
			return event->commit_flush_ns;
	}
	return 0;
}

/* What the calling thread itself wrote of the data on this device is covered. */
static bool own_data_covered(const struct event_sync *sync, const struct event_device *event,
			     uint64_t watermark_ns)
{
	if (sync->own_data_disk != event->disk && sync->own_data_disk != DISK_SEVERAL)
		return true; /* there is none */
	if (ledger_covers(watermark_ns, sync->own_data_done_ns))
		return true;
	return sync->own_data_disk == DISK_SEVERAL &&
	       ledger_proof_quiet(watermark_ns, event->any_inflight_bytes, event->any_done_ns, 0,
				  0);
}

/* The ledger's three proofs for the inode's data, given a watermark. */
static enum proof data_by(const struct verdict_facts *facts, uint64_t wait_done_ns,
			  const struct verdict_device *device, uint64_t watermark_ns)
{
	const struct event_device *event = device->event;
	enum proof cache = proof_of_cache(device);

	if (ledger_proof_after_wait(watermark_ns, wait_done_ns))
		return PROOF_WAIT;
	if (!own_data_covered(facts->sync, event, watermark_ns))
		return cache;
	if (ledger_proof_quiet(watermark_ns, event->inflight_bytes, event->last_done_ns,
			       event->unattributed_inflight_bytes, event->unattributed_done_ns))
		return PROOF_QUIET;
	if (ledger_proof_settled(watermark_ns, event->settled_ns))
		return PROOF_QUIET;
	if (cache == PROOF_OVERRIDDEN)
		return cache;
	/* Writes that are, or may be, another inode's: doubt, no evidence. */
	if (event->slot_vague ||
	    (event->inflight_bytes == 0 && ledger_covers(watermark_ns, event->last_done_ns)))
		return PROOF_UNTRACKED;
	/* sync(2): whose write it is, and whether it had to be flushed, is not told apart. */
	if (facts->sync->kind == SYNC_SYNC && !facts->nobarrier)
		return PROOF_UNTRACKED;
	/* Numbers of the whole device: what came after the wait is others'; and of what was
	 * written before the audit nothing is known. */
	if ((facts->sync->flags & SYNC_WHOLE_FS) &&
	    (event->last_done_ns > wait_done_ns || event->last_done_ns <= facts->start_ns))
		return PROOF_UNTRACKED;
	/* With no commit record to tell when the wait was over, they may be later ones. */
	return facts->async_commit && !wait_done_ns ? PROOF_UNTRACKED : PROOF_NONE;
}

/* Flushes of a loop device below which nothing was seen may be worth something, or nothing. */
static enum proof or_unseen(enum proof proof, enum proof with_unseen)
{
	return proof > PROOF_QUIET && with_unseen <= PROOF_QUIET ? PROOF_INNER_UNSEEN : proof;
}

enum proof proof_of_data(const struct verdict_facts *facts, uint64_t wait_done_ns,
			 const struct verdict_device *device)
{
	enum proof cache = proof_of_cache(device);

	if (!needs_flush(cache))
		return cache;
	/* The journal holds the data too: its commit decides (proof_of_log). */
	if (facts->data_journal && !(facts->sync->flags & SYNC_BLOCK_DEVICE))
		return PROOF_QUIET;
	return or_unseen(data_by(facts, wait_done_ns, device, device->watermark_ns),
			 data_by(facts, wait_done_ns, device, device->unseen_watermark_ns));
}

/* Is the newest commit record that completed on stable media? */
static bool commit_covered(const struct event_device *event, uint64_t watermark_ns)
{
	return event->commit_done_ns && (event->commit_stable_ns == event->commit_done_ns ||
					 ledger_covers(watermark_ns, event->commit_done_ns));
}

bool proof_commit_in_call(const struct event_sync *sync, const struct event_device *event)
{
	return event->commit_done_ns >= sync->enter_ns && event->commit_done_ns <= sync->exit_ns;
}

/*
 * Is what the call needed in a record that is there? It is when one completed
 * inside the call, or when ext4 says that the transaction the call needed is
 * committed: jbd2 says so only after the record, whose PREFLUSH and FUA are seen
 * on this journal, has ended well (jbd2_journal_commit_transaction), which may
 * be before the call or, for another thread's record, unseen.
 */
static bool commit_answers(const struct event_sync *sync, const struct event_device *event)
{
	if (proof_commit_in_call(sync, event))
		return true;
	return (sync->flags & SYNC_TID_NEEDED) && !(sync->flags & SYNC_TID_UNCOMMITTED);
}

/* It had to be committed in the call, and no record of it was seen. */
static enum proof commit_missing(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;

	if (sync->flags & SYNC_TID_NEEDED)
		return (sync->flags & SYNC_DATA_IN_INODE) && (sync->flags & SYNC_TID_UNCOMMITTED)
			       ? PROOF_UNCOMMITTED
			       : PROOF_UNTRACKED;
	/* Without BTF of the ext4 module what the call needs is not known. */
	if (facts->inline_data && !(sync->flags & SYNC_TID_KNOWN))
		return PROOF_UNTRACKED;
	return PROOF_QUIET;
}

static bool log_is_covered(const struct event_sync *sync, const struct event_device *event,
			   uint64_t watermark_ns)
{
	return !sync->own_meta_pending && ledger_covers(watermark_ns, event->log_done_ns) &&
	       ledger_covers(watermark_ns, sync->own_meta_done_ns);
}

/*
 * The commit that makes the data reachable. A journaling file system with
 * barriers writes it as a record with PREFLUSH or FUA; where the call needed
 * none, those before must be covered. Without barriers or on a queue whose
 * cache was switched off nothing sets the record apart, so every log write must
 * be covered; without a journal, what the calling thread wrote itself. Where
 * there is a record, the thread's own writes are none of it: xfs lets a caller
 * start the next log buffer that it does not wait for, btrfs writes further
 * copies of the super block.
 */
static enum proof log_by(const struct verdict_facts *facts, const struct verdict_device *device,
			 uint64_t watermark_ns)
{
	const struct event_sync *sync = facts->sync;
	const struct event_device *event = device->event;
	enum proof cache = proof_of_cache(device);

	if (facts->nobarrier || cache == PROOF_OVERRIDDEN) {
		if (!log_is_covered(sync, event, watermark_ns))
			return cache;
		return gaps_uncommitted(facts) ? PROOF_UNTRACKED : PROOF_QUIET;
	}
	/* Whose an asynchronous record is cannot be told but in the call: gaps_hole(). */
	if (facts->async_commit && !facts->no_journal && !proof_commit_in_call(sync, event))
		return PROOF_QUIET;
	/* One from before is of another file system that was there. */
	if (event->commit_done_ns && !facts->no_journal) {
		if (!commit_covered(event, watermark_ns))
			return cache;
		return commit_answers(sync, event) ? PROOF_WAIT : commit_missing(facts);
	}
	if (!ledger_covers(watermark_ns, sync->own_meta_done_ns))
		return cache;
	if (!ledger_covers(watermark_ns, event->log_enter_ns))
		/* Before the audit nobody looked. */
		return event->log_enter_ns > facts->start_ns ? cache : PROOF_UNTRACKED;
	return commit_missing(facts);
}

enum proof proof_of_log(const struct verdict_facts *facts, const struct verdict_device *device)
{
	enum proof cache = proof_of_cache(device), proof;
	uint64_t covered_ns = UINT64_MAX; /* without a cache all that is done */

	/* Whatever the cache: it was not even written. A commit that ended in the call
	 * may be another's, or ahead of what ext4 says of it. */
	if ((facts->sync->flags & SYNC_DATA_IN_INODE) && gaps_uncommitted(facts))
		return proof_commit_in_call(facts->sync, device->event) ? PROOF_UNTRACKED
									: PROOF_UNCOMMITTED;
	proof = gaps_of_size(facts);
	if (proof != PROOF_QUIET)
		return proof;
	if (gaps_unlogged(facts, device))
		return PROOF_UNLOGGED;
	if (gaps_log(facts, device))
		return PROOF_HOLE;
	proof = cache;
	if (needs_flush(cache)) {
		proof = or_unseen(log_by(facts, device, device->watermark_ns),
				  log_by(facts, device, device->unseen_watermark_ns));
		covered_ns = device->watermark_ns;
	}
	/* Of sync(2) it is not told apart to which file system the thread's own writes went. */
	if (proof == PROOF_NONE && facts->sync->kind == SYNC_SYNC && !facts->nobarrier)
		return PROOF_UNTRACKED;
	if (proof > PROOF_QUIET)
		return proof;
	if (gaps_hole(facts, device, proof != PROOF_STABLE))
		return PROOF_HOLE;
	if (gaps_chain(facts, device->event, covered_ns))
		return PROOF_HOLE;
	return gaps_name(facts, device->event, covered_ns) ? PROOF_NAME : proof;
}

enum proof proof_of_reach(const struct verdict_facts *facts, const struct verdict_device *device)
{
	if (!(device->event->roles & DEVICE_LOG))
		return PROOF_QUIET;
	if (gaps_hole(facts, device, true) || gaps_log(facts, device))
		return PROOF_HOLE;
	if (!facts->nobarrier || device->watermark_ns >= facts->sync->enter_ns)
		return PROOF_QUIET;
	return proof_of_log(facts, device);
}

/* Start of the newest flush that entered at the top of layers; 0: none, or one of
 * them was judged without a flush, so that it says nothing about what is below. */
static uint64_t top_watermark(const struct verdict_facts *facts)
{
	uint64_t newest = 0;
	size_t i;

	for (i = 0; i < facts->nr_devices; i++) {
		const struct verdict_device *device = &facts->devices[i];

		if (device->event->roles & DEVICE_LEAF)
			continue;
		if (!needs_flush(proof_of_cache(device)))
			return 0;
		if (device->watermark_ns > newest)
			newest = device->watermark_ns;
	}
	return newest;
}

static bool leaf_is_covered(uint64_t wait_done_ns, const struct event_device *event,
			    uint64_t watermark_ns)
{
	return ledger_proof_after_wait(watermark_ns, wait_done_ns) ||
	       ledger_proof_quiet(watermark_ns, event->any_inflight_bytes, event->any_done_ns, 0,
				  0) ||
	       ledger_proof_quiet(watermark_ns, event->inflight_bytes, event->last_done_ns,
				  event->unattributed_inflight_bytes, event->unattributed_done_ns);
}

/*
 * What stands on a device was judged by the flushes that entered there; below
 * layers, a leaf must have got them too: one that it started later than the
 * newest that entered above covers all that those did.
 */
enum proof proof_of_leaf(const struct verdict_facts *facts, uint64_t wait_done_ns,
			 const struct verdict_device *device)
{
	enum proof cache = proof_of_cache(device);
	uint64_t top;

	if (device->event->roles & (DEVICE_DATA | DEVICE_LOG))
		return PROOF_QUIET;
	if (!needs_flush(cache))
		return cache;
	top = top_watermark(facts);
	if (top && device->watermark_ns >= top)
		return PROOF_QUIET;
	if (leaf_is_covered(wait_done_ns, device->event, device->watermark_ns))
		return PROOF_QUIET;
	return leaf_is_covered(wait_done_ns, device->event, device->unseen_watermark_ns)
		       ? PROOF_INNER_UNSEEN
		       : cache;
}

/* The record of the commit itself, on the device of the journal. jbd2 writes it last: another one
 * that was seen is that of its super block. */
static enum proof record_by(const struct verdict_facts *facts, const struct verdict_device *device,
			    uint64_t watermark_ns)
{
	if (!proof_commit_in_call(facts->sync, device->event) ||
	    facts->sync->own_meta_done_ns > device->event->commit_done_ns)
		return PROOF_UNTRACKED;
	return commit_covered(device->event, watermark_ns) ? PROOF_WAIT : proof_of_cache(device);
}

/*
 * Without a volatile cache the kernel strips what sets the record apart: then jbd2 must say that
 * it did not give up meanwhile (jbd2_journal_commit_transaction goes to its end all the same).
 */
static enum proof proof_of_record(const struct verdict_facts *facts,
				  const struct verdict_device *device)
{
	enum proof cache = proof_of_cache(device);

	if (cache == PROOF_STABLE)
		return facts->sync->flags & SYNC_TID_KNOWN ? cache : PROOF_UNTRACKED;
	if (cache != PROOF_NONE)
		return cache;
	if (facts->nobarrier || facts->async_commit)
		return PROOF_UNTRACKED;
	return or_unseen(record_by(facts, device, device->watermark_ns),
			 record_by(facts, device, device->unseen_watermark_ns));
}

enum proof proof_of_commit(const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;
	enum proof proof = PROOF_UNTRACKED;
	size_t i;

	if ((sync->flags & (SYNC_TID_UNCOMMITTED | SYNC_TOUCHED_BY_LOSS)) || sync->own_errors ||
	    sync->own_meta_pending || !sync->own_bytes)
		return PROOF_UNCOMMITTED;
	for (i = 0; i < facts->nr_devices; i++)
		if (facts->devices[i].event->roles & DEVICE_LOG)
			proof = proof_of_record(facts, &facts->devices[i]);
	for (i = 0; i < facts->nr_devices && proof <= PROOF_QUIET; i++)
		proof = proof_of_leaf(facts, 0, &facts->devices[i]);
	return proof;
}
