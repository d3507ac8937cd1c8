/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_PROOF_H
#define FLUSHAUDIT_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "verdict.h"

/* What is known of the data, or the log, of one sync call on one device. Pure. */
enum proof {
	PROOF_STABLE = 0,  /* no volatile cache: completion is enough */
	PROOF_WAIT,	   /* a flush started after the write-back wait */
	PROOF_QUIET,	   /* nothing in flight, everything completed is covered */
	PROOF_NONE,	   /* evidence against: a write is not covered */
	PROOF_UNCOMMITTED, /* evidence against: what holds the data was not committed */
	PROOF_BEYOND,	/* evidence against: it lies beyond the size that the inode on disk has */
	PROOF_UNLOGGED, /* evidence against: likewise, of btrfs' log */
	PROOF_RAM,
	PROOF_OVERRIDDEN, /* the drive's cache is volatile, the kernel sends no flush */
	PROOF_CACHE_UNKNOWN,
	PROOF_UNTRACKED,    /* the ledger cannot tell */
	PROOF_INNER_UNSEEN, /* it hangs on what a loop device's backing file did unseen */
	PROOF_HOLE,	    /* this kernel may have left something out, see holes.h */
	PROOF_NAME,	    /* likewise, the name of a new file */
};

/* Does completion suffice on this device, or what stands against it? PROOF_NONE: a flush is
 * needed. */
enum proof proof_of_cache(const struct verdict_device *device);

/* Does the kernel send flushes to it? */
bool proof_takes_flushes(const struct verdict_device *device);

/* Did the newest commit record complete inside the call? */
bool proof_commit_in_call(const struct event_sync *sync, const struct event_device *event);

/* When all that the call had to wait for was written, at the latest; 0: not known. */
uint64_t proof_wait_end(const struct verdict_facts *facts);

/* The inode's data, the commit that makes it reachable, a leaf below; @wait_done_ns: see above. */
enum proof proof_of_data(const struct verdict_facts *facts, uint64_t wait_done_ns,
			 const struct verdict_device *device);
enum proof proof_of_log(const struct verdict_facts *facts, const struct verdict_device *device);
/* The commit of a transaction by ext4's journal, of which @facts are those of a SYNC_COMMIT. Those
 * up to PROOF_QUIET: it is on stable media. */
enum proof proof_of_commit(const struct verdict_facts *facts);
/*
 * What a direct write that synced nothing is reached by: it was committed before. Without
 * barriers that says only that it was written, and without a journal not even that: the
 * inode may be in the cache of the device (ext4_write_inode).
 */
enum proof proof_of_reach(const struct verdict_facts *facts, const struct verdict_device *device);
enum proof proof_of_leaf(const struct verdict_facts *facts, uint64_t wait_done_ns,
			 const struct verdict_device *device);

#endif
