/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_LEDGER_H
#define FLUSHAUDIT_LEDGER_H

/*
 * The durability ledger: pure functions on plain structs, compiled into the
 * BPF programs, into the verdict and into the unit tests, where random
 * interleavings are held against a brute-force model.
 *
 * One rule decides: a completed write is on stable media iff it carried FUA or
 * a flush that *started* no earlier than the write completed has itself
 * completed without error. Every simplification below errs to "not proven".
 *
 * Times are CLOCK_MONOTONIC nanoseconds, 0 means never. A completion is
 * stamped when it is seen, after the drive acknowledged it; the start of a
 * flush is stamped before the drive receives it; so equal stamps prove.
 *
 * Maxima are plain stores: 5.10 has no BPF compare-and-swap. Two CPUs that
 * complete writes of one inode within the same few nanoseconds may keep the
 * earlier stamp; it could only prove wrongly if the last flush of the call
 * started inside those same nanoseconds.
 */
#include <linux/types.h>

#define LEDGER_INLINE static inline __attribute__((always_inline))

/* What is outstanding of one inode on one device. */
struct ledger_slot {
	__u64 owner; /* hash of the inode the slot was taken for, 0: free */
	__s64 inflight_bytes;
	__u64 last_done_ns; /* newest non-FUA completion */
	__u64 vague_ns; /* until then another inode's writes were uncovered, or an end was missed */
	__u64 watched;	/* tell user space when nothing is in flight any more */
	__u64 last_error_ns;  /* newest write-back that failed, */
	__u64 error_owner;    /* of the inode with this hash */
	__u64 error_instance; /* and this instance */
	__u64 direct;	      /* direct writes of the inode were queued */
};

/* One device: a whole disk, as requests name it. */
struct ledger_device {
	__u64 watermark_ns; /* start of the newest flush that completed well */
	__u64 flush_error_ns;
	__s64 unattributed_inflight_bytes;
	__u64 unattributed_done_ns; /* writes that could not be charged to an inode */
	__s64 any_inflight_bytes;
	__u64 any_done_ns;  /* newest non-FUA completion of all */
	__u64 data_done_ns; /* newest completion that is no metadata, FUA or not */
	__u64 writes;
	__u64 flushes; /* completed, failed ones included: what diskstats counts */
	__u64 lost;
	__u64 cache;	/* enum event_cache_bit */
	__u64 flush_rq; /* newest flush request that was issued, 0: seen to complete */
	__u64 flush_issue_ns;
	__u64 unseen_ns; /* start of the newest flush that ended unseen, with what result is not
			    known */
	__u64 sends_on;	 /* its bios go on to a disk with requests, which tell when they end */
};

/* The log or journal of the file system on one partition, device or volume. */
struct ledger_log {
	__u64 done_ns; /* newest non-FUA synchronous metadata write */
	__u64 commit_queued_ns;
	__u64 commit_flush_ns;
	__u64 commit_done_ns;
	__u64 commit_stable_ns;
	__u64 pending_queued_ns; /* newest commit record that was queued */
	__u64 pending_flush_ns;
	__u64 flush_asked_ns; /* newest flush without data, and the thread that asked */
	__u64 flush_asked_tid;
	__u64 begun; /* synchronous metadata writes, those that are remembered: queued, */
	__u64 ended; /* and over */
};

#define LEDGER_UNTIL_DRAINED (~0ULL) /* a value of vague_ns: no end to it yet */

LEDGER_INLINE void ledger_max(__u64 *stamp, __u64 now)
{
	if (*(volatile __u64 *)stamp < now)
		*(volatile __u64 *)stamp = now;
}

LEDGER_INLINE void ledger_add(__s64 *counter, __s64 amount)
{
	__sync_fetch_and_add(counter, amount);
}

/* Is everything that completed at @done_ns or before on stable media, given @watermark_ns? */
LEDGER_INLINE int ledger_covers(__u64 watermark_ns, __u64 done_ns)
{
	return done_ns <= watermark_ns;
}

/*
 * Takes the slot for the inode whose hash is @owner, or notes that it is
 * shared: a slot is an array element chosen by hash, inodes that collide are
 * counted together. The sum can only delay a proof, never make one.
 */
LEDGER_INLINE void ledger_slot_claim(struct ledger_slot *slot, __u64 watermark_ns, __u64 owner,
				     __u64 now)
{
	if (slot->owner == owner)
		return;
	if (slot->inflight_bytes)
		slot->vague_ns = LEDGER_UNTIL_DRAINED;
	else if (!ledger_covers(watermark_ns, slot->last_done_ns))
		ledger_max(&slot->vague_ns, now);
	slot->owner = owner;
	slot->direct = 0;
}

/* A write of the slot's inode was queued. */
LEDGER_INLINE void ledger_slot_queued(struct ledger_slot *slot, __u64 bytes)
{
	ledger_add(&slot->inflight_bytes, bytes);
}

/*
 * A write of the inode whose hash is @owner, or @bytes of it, completed.
 * @tracked: it had been counted by ledger_slot_queued. Returns 1 when a watched
 * slot has just run empty.
 */
LEDGER_INLINE int ledger_slot_done(struct ledger_slot *slot, __u64 owner, __u64 bytes, int tracked,
				   int fua, int failed, __u64 now)
{
	if (slot->owner != owner)
		ledger_max(&slot->vague_ns, now);
	if (!failed && !fua)
		ledger_max(&slot->last_done_ns, now);
	if (tracked)
		ledger_add(&slot->inflight_bytes, -(__s64)bytes);
	if (slot->vague_ns == LEDGER_UNTIL_DRAINED && slot->inflight_bytes <= 0)
		slot->vague_ns = now;
	if (slot->watched && slot->inflight_bytes <= 0) {
		slot->watched = 0;
		return 1;
	}
	return 0;
}

/* Tells an inode from others of its number, before it or on a file system made anew. */
LEDGER_INLINE __u64 ledger_instance(__u64 fs_id, __u32 generation)
{
	return fs_id ^ generation;
}

/*
 * Write-back of the inode with hash @owner failed: its pages count as clean now
 * and a later sync succeeds, until what failed has been written again.
 */
LEDGER_INLINE void ledger_slot_failed(struct ledger_slot *slot, __u64 owner, __u64 instance,
				      __u64 now)
{
	slot->error_owner = owner;
	slot->error_instance = instance;
	ledger_max(&slot->last_error_ns, now);
}

/* When did write-back of this very inode last fail? 0: not that the slot knows. */
LEDGER_INLINE __u64 ledger_slot_error(const struct ledger_slot *slot, __u64 owner, __u64 instance)
{
	return slot->error_owner == owner && slot->error_instance == instance ? slot->last_error_ns
									      : 0;
}

/* How many of the first @begun log writes have not ended, as far as is known: they end in
 * order, but for those that different CPUs queue at the same time. */
LEDGER_INLINE __s64 ledger_log_inflight(const struct ledger_log *log, __u64 begun)
{
	__s64 left = begun - *(volatile const __u64 *)&log->ended;

	return left > 0 ? left : 0;
}

LEDGER_INLINE void ledger_device_queued(struct ledger_device *device, __u64 bytes, int attributed)
{
	ledger_add(&device->any_inflight_bytes, bytes);
	if (!attributed)
		ledger_add(&device->unattributed_inflight_bytes, bytes);
}

LEDGER_INLINE void ledger_device_done(struct ledger_device *device, __u64 bytes, int tracked,
				      int attributed, int fua, __u64 now)
{
	if (!fua) {
		ledger_max(&device->any_done_ns, now);
		if (!attributed)
			ledger_max(&device->unattributed_done_ns, now);
	}
	if (!tracked)
		return;
	ledger_add(&device->any_inflight_bytes, -(__s64)bytes);
	if (!attributed)
		ledger_add(&device->unattributed_inflight_bytes, -(__s64)bytes);
}

/* A flush that started at @issue_ns completed. A failed one proves nothing. */
LEDGER_INLINE void ledger_device_flushed(struct ledger_device *device, __u64 issue_ns, int failed,
					 __u64 now)
{
	__sync_fetch_and_add(&device->flushes, 1);
	if (failed)
		ledger_max(&device->flush_error_ns, now);
	else
		ledger_max(&device->watermark_ns, issue_ns);
}

/*
 * Proof (a): a flush started after the call's write-back wait was over, which
 * ended at @wait_done_ns at the latest. Needs no attribution and holds however
 * busy other writers are.
 */
LEDGER_INLINE int ledger_proof_after_wait(__u64 watermark_ns, __u64 wait_done_ns)
{
	return wait_done_ns && watermark_ns >= wait_done_ns;
}

/*
 * Proof (b): nothing of the inode is in flight, and what completed is covered;
 * writes nobody could be charged with count against every inode.
 */
LEDGER_INLINE int ledger_proof_quiet(__u64 watermark_ns, __s64 inflight_bytes, __u64 last_done_ns,
				     __s64 unattributed_inflight_bytes, __u64 unattributed_done_ns)
{
	return inflight_bytes == 0 && unattributed_inflight_bytes == 0 &&
	       ledger_covers(watermark_ns, last_done_ns) &&
	       ledger_covers(watermark_ns, unattributed_done_ns);
}

/*
 * By when had all that was written to an inode completed? For an inode of which
 * the page cache shows nothing dirty and nothing under write-back, looked at
 * *before* its numbers here are read. 0: something is in flight.
 */
LEDGER_INLINE __u64 ledger_settled(__s64 inflight_bytes, __u64 last_done_ns,
				   __s64 unattributed_inflight_bytes, __u64 unattributed_done_ns)
{
	if (inflight_bytes || unattributed_inflight_bytes)
		return 0;
	return last_done_ns > unattributed_done_ns ? last_done_ns : unattributed_done_ns;
}

/*
 * Proof (c): all the call answers for had completed when it was entered, and is
 * covered by now. What others write during the call does not matter.
 */
LEDGER_INLINE int ledger_proof_settled(__u64 watermark_ns, __u64 settled_ns)
{
	return settled_ns && ledger_covers(watermark_ns, settled_ns);
}

#endif
