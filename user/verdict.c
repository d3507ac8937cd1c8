// SPDX-License-Identifier: GPL-2.0-only
#include "verdict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fsmagic.h"
#include "ledger.h"

/* What is known of the data, or the log, on one device. */
enum proof {
	PROOF_STABLE = 0, /* no volatile cache: completion is enough */
	PROOF_WAIT,	  /* a flush started after the write-back wait */
	PROOF_QUIET,	  /* nothing in flight, everything completed is covered */
	PROOF_NONE,	  /* evidence against: a write is not covered */
	PROOF_RAM,
	PROOF_OVERRIDDEN, /* the drive's cache is volatile, the kernel sends no flush */
	PROOF_CACHE_UNKNOWN,
	PROOF_UNTRACKED, /* the ledger cannot tell */
};

struct judgement {
	struct verdict *out;
	const struct verdict_facts *facts;
	const struct event_sync *sync;
	uint64_t wait_done_ns; /* the data of the call had completed by then, 0: not known */
};

static void __attribute__((format(printf, 4, 5)))
conclude(struct judgement *j, enum verdict_kind kind, enum verdict_reason reason,
	 const char *format, ...)
{
	va_list args;

	j->out->kind = kind;
	j->out->reason = reason;
	va_start(args, format);
	vsnprintf(j->out->detail, sizeof(j->out->detail), format, args);
	va_end(args);
}

static bool kernel_sends_flushes(const struct verdict_device *device)
{
	return device->event->cache & CACHE_BIT_WRITE_BACK;
}

/* Does completion suffice on this device, or what stands against it? PROOF_NONE: a flush is needed.
 */
static enum proof judge_cache(const struct verdict_device *device)
{
	uint8_t bits = device->event->cache;

	if (device->cache == CACHE_RAM)
		return PROOF_RAM;
	if (bits & CACHE_BIT_OVERRIDE)
		return PROOF_OVERRIDDEN;
	if (kernel_sends_flushes(device))
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

static bool has_one_data_device(const struct verdict_facts *facts)
{
	size_t i, count = 0;

	for (i = 0; i < facts->nr_devices; i++)
		count += !!(facts->devices[i].event->roles & DEVICE_DATA);
	return count == 1;
}

/* The ledger's two proofs for the inode's data on one device. */
static enum proof judge_data(const struct judgement *j, const struct verdict_device *device)
{
	const struct event_device *event = device->event;
	enum proof cache = judge_cache(device);

	if (cache != PROOF_NONE && cache != PROOF_OVERRIDDEN)
		return cache;
	if (ledger_proof_after_wait(device->watermark_ns, j->wait_done_ns))
		return PROOF_WAIT;
	/* What the call itself wrote must be covered, whatever the slot says; unless
	 * it wrote to another of several devices, and this one is quiet. */
	if (!ledger_covers(device->watermark_ns, j->sync->own_data_done_ns) &&
	    (has_one_data_device(j->facts) ||
	     !ledger_proof_quiet(device->watermark_ns, event->any_inflight_bytes,
				 event->any_done_ns, 0, 0)))
		return cache;
	if (ledger_proof_quiet(device->watermark_ns, event->inflight_bytes, event->last_done_ns,
			       event->unattributed_inflight_bytes, event->unattributed_done_ns))
		return PROOF_QUIET;
	if (cache == PROOF_OVERRIDDEN)
		return cache;
	/* Writes that are, or may be, another inode's: doubt, no evidence. */
	if (event->slot_shared || (event->inflight_bytes == 0 &&
				   ledger_covers(device->watermark_ns, event->last_done_ns)))
		return PROOF_UNTRACKED;
	return PROOF_NONE;
}

/* Is the newest commit record that completed on stable media? */
static bool commit_covered(const struct verdict_device *device)
{
	const struct event_device *event = device->event;

	return event->commit_done_ns &&
	       (event->commit_stable_ns == event->commit_done_ns ||
		ledger_covers(device->watermark_ns, event->commit_done_ns));
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
	if (event->commit_done_ns >= sync->enter_ns && event->commit_done_ns <= sync->exit_ns)
		return true;
	return (sync->flags & SYNC_TID_NEEDED) && !(sync->flags & SYNC_TID_UNCOMMITTED);
}

/*
 * The commit that makes the data reachable. A journaling file system with
 * barriers writes it as a record with PREFLUSH or FUA; where the call needed
 * none, those before must be covered. Without barriers nothing sets the record
 * apart, so every log write must be covered; without a journal, what the
 * calling thread wrote itself. Where there is a record, the thread's own writes
 * are none of it: xfs lets a caller start the next log buffer that it does not
 * wait for, btrfs writes further copies of the super block.
 */
static enum proof judge_log(const struct judgement *j, const struct verdict_device *device)
{
	const struct event_device *event = device->event;
	enum proof cache = judge_cache(device);

	if (cache != PROOF_NONE && cache != PROOF_OVERRIDDEN)
		return cache;
	if (j->facts->nobarrier)
		return ledger_covers(device->watermark_ns, event->log_done_ns) ? PROOF_QUIET
									       : cache;
	if (event->commit_done_ns) {
		if (!commit_covered(device))
			return cache;
		if (commit_answers(j->sync, event))
			return PROOF_WAIT;
		/* It had to be committed in the call, and no record was seen. */
		return j->sync->flags & SYNC_TID_NEEDED ? PROOF_UNTRACKED : PROOF_QUIET;
	}
	if (!ledger_covers(device->watermark_ns, j->sync->own_meta_done_ns))
		return cache;
	if (!ledger_covers(device->watermark_ns, event->log_enter_ns))
		return event->log_enter_ns > j->facts->start_ns || cache == PROOF_OVERRIDDEN
			       ? cache
			       : PROOF_UNTRACKED; /* nothing seen, and before the audit nobody
						     looked */
	return j->sync->flags & SYNC_TID_NEEDED ? PROOF_UNTRACKED : PROOF_QUIET;
}

/* A leaf below the file system's own device: did the flush arrive there? */
static enum proof judge_leaf(const struct judgement *j, const struct verdict_device *device)
{
	const struct event_device *event = device->event;
	enum proof cache = judge_cache(device);

	if (cache != PROOF_NONE && cache != PROOF_OVERRIDDEN)
		return cache;
	if (ledger_proof_after_wait(device->watermark_ns, j->wait_done_ns) ||
	    ledger_proof_quiet(device->watermark_ns, event->any_inflight_bytes, event->any_done_ns,
			       0, 0) ||
	    ledger_proof_quiet(device->watermark_ns, event->inflight_bytes, event->last_done_ns,
			       event->unattributed_inflight_bytes, event->unattributed_done_ns))
		return PROOF_QUIET;
	return cache;
}

/*
 * When the write-back wait was not observed: the commit record the call waited
 * for tells. Its flush was asked for by whoever committed, after every waiting
 * caller had its data written (jbd2_trans_will_send_data_barrier in
 * fs/ext4/fsync.c; btrfs_sync_log waits for its writers; fs/xfs/xfs_log.c), or
 * the file system would have asked for one of its own in the calling thread.
 */
static uint64_t find_wait_end(const struct judgement *j)
{
	const struct event_sync *sync = j->sync;
	size_t i;

	if (sync->wait_done_ns)
		return sync->wait_done_ns;
	for (i = 0; i < j->facts->nr_devices; i++) {
		const struct event_device *event = j->facts->devices[i].event;

		if ((event->roles & DEVICE_LOG) && event->commit_done_ns <= sync->exit_ns &&
		    event->commit_flush_ns >= sync->enter_ns &&
		    event->commit_flush_ns >= sync->own_data_done_ns &&
		    event->commit_flush_ns > sync->own_data_queued_ns)
			return event->commit_flush_ns;
	}
	return 0;
}

static bool flush_failed_in_call(const struct judgement *j, const char **name)
{
	size_t i;

	for (i = 0; i < j->facts->nr_devices; i++) {
		*name = j->facts->devices[i].name;
		if (j->facts->devices[i].event->flush_error_ns >= j->sync->enter_ns)
			return true;
	}
	return false;
}

static bool write_failed_in_call(const struct judgement *j)
{
	size_t i;

	if (j->sync->own_errors)
		return true;
	for (i = 0; i < j->facts->nr_devices; i++)
		if (j->facts->devices[i].event->last_error_ns >= j->sync->enter_ns &&
		    !j->facts->devices[i].event->slot_shared)
			return true;
	return false;
}

/* The call itself reported an error, or a write of it failed. Returns true when that decides. */
static bool judge_errors(struct judgement *j)
{
	int ret = j->sync->ret;
	const char *name = "";
	const char *told = ret ? "the caller was told" : "the caller was NOT told";

	if (ret == -EIO || ret == -ENOSPC || ret == -EDQUOT || ret == -EROFS || ret == -ENOLINK ||
	    ret == -ENODEV || ret == -ENXIO || ret == -EREMOTEIO) {
		if (!write_failed_in_call(j) && flush_failed_in_call(j, &name))
			conclude(j, VERDICT_NOT_DURABLE, REASON_FLUSH_FAILED,
				 "a flush of %s failed; %s (%s)", name, told, strerror(-ret));
		else
			conclude(j, VERDICT_NOT_DURABLE, REASON_WRITE_FAILED, "%s (%s)", told,
				 strerror(-ret));
		return true;
	}
	if (ret < 0) {
		conclude(j, VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN,
			 "the call was refused (%s) and the caller was told: nothing was promised",
			 strerror(-ret));
		return true;
	}
	if (write_failed_in_call(j)) {
		conclude(j, VERDICT_NOT_DURABLE, REASON_WRITE_FAILED,
			 "a write of the file failed during the call; %s", told);
		return true;
	}
	return false;
}

/* File systems that keep nothing on a device of this machine. Returns true when that decides. */
static bool judge_file_system(struct judgement *j)
{
	const struct event_sync *sync = j->sync;
	bool overlay = sync->outer_fs_magic == FSMAGIC_OVERLAY;

	j->out->inferred = true;
	if (overlay && !(sync->flags & SYNC_INNER)) {
		if (j->facts->volatile_overlay)
			conclude(j, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
				 "overlayfs is mounted volatile: it ignores sync calls");
		else if (sync->kind == SYNC_FILE_RANGE)
			return j->out->inferred = false;
		else
			conclude(j, VERDICT_UNPROVEN, REASON_UNTRACKED,
				 "overlayfs passed the call to no file system below that was seen");
		return true;
	}
	switch (fsmagic_class(sync->fs_magic)) {
	case FSMAGIC_MEMORY:
		conclude(j, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
			 "the file lives in memory (%s): there is nothing to make durable",
			 fsmagic_name(sync->fs_magic));
		return true;
	case FSMAGIC_REMOTE:
		conclude(j, VERDICT_UNPROVEN, REASON_REMOTE,
			 "%s: what the server did with it cannot be seen here",
			 fsmagic_name(sync->fs_magic));
		return true;
	case FSMAGIC_USERSPACE:
		if (j->facts->remote_fs)
			conclude(j, VERDICT_UNPROVEN, REASON_REMOTE,
				 "virtiofs: what the host did with it cannot be seen here");
		else
			conclude(j, VERDICT_UNPROVEN, REASON_USERSPACE_FS,
				 "a FUSE server decides what a sync does");
		return true;
	default:
		return j->out->inferred = false;
	}
}

/* What a proof that fell short means for the verdict. */
static void conclude_missing(struct judgement *j, const struct verdict_device *device,
			     enum proof proof, bool log)
{
	const char *what = log ? "the journal or metadata of the file system" : "the data";
	const char *failed = "";

	if (proof == PROOF_RAM) {
		conclude(j, VERDICT_NOT_DURABLE, REASON_SWALLOWED, "%s is RAM, never stable media",
			 device->name);
	} else if (j->facts->losses) {
		conclude(j, VERDICT_UNPROVEN, REASON_EVENTS_LOST,
			 "records were lost; enlarge --ring-size and audit again");
	} else if (proof == PROOF_CACHE_UNKNOWN) {
		conclude(j, VERDICT_UNPROVEN, REASON_CACHE_UNKNOWN,
			 "whether %s has a volatile write cache is not known", device->name);
	} else if (flush_failed_in_call(j, &failed)) {
		conclude(j, VERDICT_NOT_DURABLE, REASON_FLUSH_FAILED,
			 "a flush of %s failed; the caller was NOT told", failed);
	} else if (proof == PROOF_OVERRIDDEN) {
		conclude(
			j, VERDICT_NOT_DURABLE, REASON_NO_FLUSH,
			"%s has a volatile cache, but its queue was switched to write through: the "
			"kernel drops every flush",
			device->name);
	} else if (j->sync->own_flush_pending > 0) {
		conclude(j, VERDICT_NOT_DURABLE, REASON_EARLY_RETURN,
			 "the call returned before its flush of %s completed", device->name);
	} else if (device->inner_bad) {
		conclude(j, VERDICT_NOT_DURABLE, REASON_FLUSH_DROPPED,
			 "%s took the flush, but the file system below its backing file did not",
			 device->name);
	} else if (device->inner_unseen) {
		conclude(j, VERDICT_UNPROVEN, REASON_UNTRACKED,
			 "what %s did with the flush below its backing file was not seen",
			 device->name);
	} else if (proof == PROOF_UNTRACKED) {
		conclude(j, VERDICT_UNPROVEN, log ? REASON_COMMIT_UNSEEN : REASON_UNTRACKED,
			 log ? "the commit that makes it reachable was not seen on %s"
			     : "writes that cannot be charged to a file are not covered by a flush "
			       "of %s",
			 device->name);
	} else {
		conclude(j, VERDICT_NOT_DURABLE, REASON_NO_FLUSH, "no flush of %s covers %s%s",
			 device->name, what,
			 j->facts->nobarrier ? ": the file system is mounted without barriers"
					     : "");
	}
}

/* Every leaf, and the devices above them, must agree. Returns true when one does not. */
static bool judge_leaves(struct judgement *j)
{
	size_t i;

	for (i = 0; i < j->facts->nr_devices; i++) {
		const struct verdict_device *device = &j->facts->devices[i];
		enum proof proof;

		if (device->below_unknown) {
			conclude(j, VERDICT_UNPROVEN, REASON_UNTRACKED,
				 "the devices below %s were not known when the call returned",
				 device->name);
			return true;
		}
		if (!(device->event->roles & DEVICE_LEAF))
			continue;
		proof = judge_leaf(j, device);
		if (proof <= PROOF_QUIET)
			continue;
		if (proof == PROOF_NONE && device->event->flush_error_ns < j->sync->enter_ns &&
		    !device->inner_bad && !device->inner_unseen && !j->facts->losses)
			conclude(j, VERDICT_NOT_DURABLE, REASON_FLUSH_DROPPED,
				 "the flush did not reach %s below", device->name);
		else
			conclude_missing(j, device, proof, false);
		return true;
	}
	return false;
}

/* Proven: by which means? The flush to be named is the first that started at proof_ns. */
static void conclude_durable(struct judgement *j, const struct verdict_device *device,
			     enum proof proof, bool commit)
{
	const struct event_sync *sync = j->sync;
	const struct event_device *event = device ? device->event : NULL;
	bool flushed_in_call;

	if (!device) {
		conclude(j, VERDICT_DURABLE, REASON_WRITE_THROUGH, "no volatile cache below");
		return;
	}
	flushed_in_call = device->watermark_ns >= sync->enter_ns;
	j->out->proof_disk = event->disk;
	if (proof == PROOF_WAIT)
		j->out->proof_ns = j->wait_done_ns;
	else if (flushed_in_call)
		j->out->proof_ns =
			event->last_done_ns > sync->enter_ns ? event->last_done_ns : sync->enter_ns;
	else
		j->out->proof_ns = 0;
	if (j->out->proof_ns)
		conclude(j, VERDICT_DURABLE, REASON_FLUSHED, "%s", "");
	else if (sync->own_fua && !sync->own_data_done_ns && !sync->own_meta_done_ns)
		conclude(j, VERDICT_DURABLE, REASON_FUA, "%s", "");
	else if (commit)
		conclude(j, VERDICT_DURABLE, REASON_SHARED_FLUSH, "%s", "");
	else
		conclude(j, VERDICT_DURABLE, REASON_CLEAN, "%s", "");
}

/* Is @proof worth more as an explanation than @other? Evidence goes before doubt. */
static bool explains_better(enum proof proof, enum proof other)
{
	if (proof <= PROOF_QUIET)
		return false;
	return other <= PROOF_QUIET ||
	       (other >= PROOF_CACHE_UNKNOWN && proof < PROOF_CACHE_UNKNOWN);
}

/* The data, then the commit, then the layers below. */
static void judge_devices(struct judgement *j)
{
	const struct verdict_device *chosen = NULL, *missing = NULL;
	enum proof chosen_proof = PROOF_STABLE, missing_proof = PROOF_STABLE;
	bool commit = false, missing_log = false;
	size_t i;

	for (i = 0; i < j->facts->nr_devices; i++) {
		const struct verdict_device *device = &j->facts->devices[i];
		enum proof data = PROOF_STABLE, log = PROOF_STABLE;

		if (device->event->roles & DEVICE_DATA)
			data = judge_data(j, device);
		if ((device->event->roles & DEVICE_LOG) && !(j->sync->flags & SYNC_BLOCK_DEVICE))
			log = judge_log(j, device);
		if (explains_better(data, missing_proof)) {
			missing = device;
			missing_proof = data;
			missing_log = false;
		}
		if (explains_better(log, missing_proof)) {
			missing = device;
			missing_proof = log;
			missing_log = true;
		}
		commit |= log == PROOF_WAIT;
		if (data != PROOF_STABLE && (!chosen || data < chosen_proof)) {
			chosen = device;
			chosen_proof = data;
		}
		if (data == PROOF_STABLE && log != PROOF_STABLE && !chosen) {
			chosen = device; /* only the log is behind a cache */
			chosen_proof = PROOF_QUIET;
		}
	}
	if (missing)
		conclude_missing(j, missing, missing_proof, missing_log);
	else if (!judge_leaves(j))
		conclude_durable(j, chosen, chosen_proof, commit);
}

/* From when on later flushes of which disks make up for this call: of every
 * device with a volatile cache, as far as they have not come yet. */
static void find_need(struct judgement *j)
{
	const struct event_sync *sync = j->sync;
	struct verdict *out = j->out;
	size_t i;

	if (out->kind != VERDICT_NOT_DURABLE ||
	    (out->reason != REASON_NO_FLUSH && out->reason != REASON_WRITEOUT_ONLY &&
	     out->reason != REASON_EARLY_RETURN && out->reason != REASON_NOT_WRITTEN &&
	     out->reason != REASON_FLUSH_DROPPED))
		return;
	for (i = 0; i < j->facts->nr_devices; i++) {
		const struct event_device *event = j->facts->devices[i].event;

		if ((event->roles & DEVICE_DATA) && event->last_done_ns > out->need_ns)
			out->need_ns = event->last_done_ns;
		if ((event->roles & DEVICE_LOG) && sync->kind != SYNC_FILE_RANGE &&
		    event->log_done_ns > out->need_ns)
			out->need_ns = event->log_done_ns;
		if ((event->roles & DEVICE_DATA) && event->inflight_bytes > 0) {
			out->need_drain = true;
			out->drain_disk = event->disk;
			out->drain_slot = event->slot;
		}
	}
	if (!out->need_ns)
		out->need_ns = sync->exit_ns;
	for (i = 0; i < j->facts->nr_devices; i++)
		if (judge_cache(&j->facts->devices[i]) != PROOF_STABLE &&
		    (out->need_drain || j->facts->devices[i].watermark_ns < out->need_ns))
			out->need_disks[out->nr_need++] = j->facts->devices[i].event->disk;
	/* A flush that came before the return already: it is to be named. */
	for (i = 0; !out->nr_need && i < j->facts->nr_devices; i++)
		if (judge_cache(&j->facts->devices[i]) != PROOF_STABLE)
			out->need_disks[out->nr_need++] = j->facts->devices[i].event->disk;
}

void verdict_judge(struct verdict *verdict, const struct verdict_facts *facts)
{
	struct judgement j = {verdict, facts, facts->sync, 0};
	const struct event_sync *sync = facts->sync;

	memset(verdict, 0, sizeof(*verdict));
	if (sync->flags & SYNC_NO_FILE) {
		judge_errors(&j);
		if (!sync->ret)
			conclude(&j, VERDICT_UNPROVEN, REASON_UNTRACKED,
				 "the descriptor named no file that could be read");
		return;
	}
	if (judge_errors(&j) || judge_file_system(&j))
		return;
	if (sync->kind == SYNC_FILE_RANGE) {
		conclude(&j, VERDICT_NOT_DURABLE, REASON_WRITEOUT_ONLY,
			 "sync_file_range starts or awaits write-out; it never flushes the drive");
		find_need(&j);
		return;
	}
	if (!facts->nr_devices) {
		conclude(&j, VERDICT_UNPROVEN, REASON_UNTRACKED,
			 "the devices of this file system (%s) are not known",
			 fsmagic_name(sync->fs_magic));
		return;
	}
	if (sync->own_pending > 0 && !facts->losses) {
		conclude(&j, VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN,
			 "%d of the call's own writes were still in flight when it returned",
			 sync->own_pending);
		find_need(&j);
		return;
	}
	j.wait_done_ns = find_wait_end(&j);
	judge_devices(&j);
	/* A write that found the ledger full may be any of this call's; one whose
	 * completion is among the lost records may be in flight still. */
	if (verdict->kind == VERDICT_DURABLE &&
	    ((sync->flags & SYNC_TOUCHED_BY_LOSS) || sync->own_pending > 0))
		conclude(&j, VERDICT_UNPROVEN, REASON_EVENTS_LOST,
			 "what the call wrote is not all accounted for; enlarge --ledger-size");
	find_need(&j);
}
