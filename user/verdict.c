// SPDX-License-Identifier: GPL-2.0-only
#include "verdict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "elsewhere.h"
#include "fsmagic.h"
#include "gaps.h"
#include "holes.h"
#include "judgement.h"
#include "ledger.h"
#include "proof.h"

/* A call that is about write-out alone. */
static bool never_flushes(const struct event_sync *sync)
{
	return sync->kind == SYNC_FILE_RANGE || sync->kind == SYNC_URING_FILE_RANGE ||
	       (sync->flags & SYNC_WRITEOUT);
}

void verdict_conclude(struct verdict *verdict, enum verdict_kind kind, enum verdict_reason reason,
		      const char *format, ...)
{
	va_list args;

	verdict->kind = kind;
	verdict->reason = reason;
	va_start(args, format);
	vsnprintf(verdict->detail, sizeof(verdict->detail), format, args);
	va_end(args);
}

/* File systems that keep nothing on a device of this machine. Returns true when that decides. */
static bool judge_file_system(struct judgement *j)
{
	const struct event_sync *sync = j->sync;
	bool overlay = sync->outer_fs_magic == FSMAGIC_OVERLAY;

	j->out->inferred = true;
	if (overlay && !(sync->flags & SYNC_INNER)) {
		if (j->facts->volatile_overlay)
			verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
					 "overlayfs is mounted volatile: it ignores sync calls");
		else if (never_flushes(sync))
			return j->out->inferred = false;
		else
			verdict_conclude(
				j->out, VERDICT_UNPROVEN, REASON_UNTRACKED,
				"overlayfs passed the call to no file system below that was seen");
		return true;
	}
	switch (fsmagic_class(sync->fs_magic)) {
	case FSMAGIC_MEMORY:
		verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
				 "the file lives in memory (%s): there is nothing to make durable",
				 fsmagic_name(sync->fs_magic));
		return true;
	case FSMAGIC_REMOTE:
	case FSMAGIC_USERSPACE:
		elsewhere_judge_remote(j->out, j->facts);
		return true;
	default:
		break;
	}
	/* f2fs keeps the flag in the checkpoint it goes back to (CP_DISABLED_FLAG), and looks for
	 * nothing that was synced later. */
	if (j->facts->no_checkpoint && !never_flushes(sync)) {
		bool all = sync->kind == SYNC_SYNC; /* it may be about others alone */

		verdict_conclude(j->out, all ? VERDICT_UNPROVEN : VERDICT_NOT_DURABLE,
				 all ? REASON_UNTRACKED : REASON_SWALLOWED,
				 "f2fs is mounted with checkpoint=disable: after a power cut it is "
				 "what it was when checkpoints were switched off");
		return true;
	}
	return j->out->inferred = false;
}

static void conclude_lost(struct judgement *j)
{
	verdict_conclude(j->out, VERDICT_UNPROVEN, REASON_EVENTS_LOST,
			 "events were lost (see losses); audit again");
}

/* What a proof that fell short means for the verdict. */
static void explain_missing(struct judgement *j, const struct verdict_device *device,
			    enum proof proof, bool log)
{
	const char *what = log ? "the journal or metadata of the file system" : "the data";
	const struct verdict_device *failed = verdict_failures_find_flush(j, device, log);

	if (proof == PROOF_RAM) {
		verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
				 "%s is RAM, never stable media", device->name);
	} else if (j->facts->losses) {
		conclude_lost(j);
	} else if (proof == PROOF_CACHE_UNKNOWN) {
		verdict_conclude(j->out, VERDICT_UNPROVEN, REASON_CACHE_UNKNOWN,
				 "whether %s has a volatile write cache is not known",
				 device->name);
	} else if (failed) {
		verdict_failures_flush(j, failed);
	} else if (proof == PROOF_OVERRIDDEN) {
		verdict_conclude(
			j->out, VERDICT_NOT_DURABLE, REASON_NO_FLUSH,
			"%s has a volatile cache, but its queue was switched to write through: the "
			"kernel drops every flush",
			device->name);
	} else if (j->sync->own_flush_pending > 0) {
		verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_EARLY_RETURN,
				 "the call returned before its flush of %s completed",
				 device->name);
	} else if (device->inner_bad) {
		verdict_conclude(
			j->out, VERDICT_NOT_DURABLE, REASON_FLUSH_DROPPED,
			"%s took the flush, but the file system below its backing file did not",
			device->name);
	} else if (proof == PROOF_UNCOMMITTED) {
		j->never_covered = true;
		verdict_conclude(
			j->out, VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN,
			"the data lies in the inode, and the transaction that holds it was not "
			"committed");
	} else if (proof == PROOF_BEYOND) {
		j->never_covered = true;
		verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN,
				 "the inode on the disk ends at byte %llu, before what was synced: "
				 "what made the file longer is not written",
				 (unsigned long long)gaps_end_on_disk(j->facts));
	} else if (proof == PROOF_UNLOGGED) {
		j->never_covered = true;
		verdict_conclude(
			j->out, VERDICT_NOT_DURABLE, REASON_EARLY_RETURN,
			"the call returned before the log or transaction that holds the change "
			"was committed");
	} else if (proof == PROOF_HOLE) {
		verdict_conclude(j->out, VERDICT_UNPROVEN, REASON_COMMIT_UNSEEN,
				 "this kernel is known to leave something unwritten here, unseen");
	} else if (proof == PROOF_NAME) {
		verdict_conclude(
			j->out, VERDICT_UNPROVEN, REASON_COMMIT_UNSEEN, "%s",
			j->sync->flags & SYNC_WHOLE_FS
				? "metadata was written after the last flush"
				: "its name may be in a block that another thread is writing: this "
				  "kernel does not wait for it");
	} else if (proof == PROOF_INNER_UNSEEN) {
		verdict_conclude(
			j->out, VERDICT_UNPROVEN, REASON_UNTRACKED,
			"what %s did with the flush below its backing file was not seen, or "
			"not proven",
			device->name);
	} else if (proof == PROOF_UNTRACKED) {
		verdict_conclude(
			j->out, VERDICT_UNPROVEN, log ? REASON_COMMIT_UNSEEN : REASON_UNTRACKED,
			log ? "the commit that makes it reachable was not seen on %s"
			    : "writes that cannot be charged to a file are not covered by a flush "
			      "of %s",
			device->name);
	} else {
		verdict_conclude(
			j->out, VERDICT_NOT_DURABLE, REASON_NO_FLUSH, "no flush of %s covers %s%s",
			device->name, what,
			j->facts->nobarrier ? ": the file system is mounted without barriers" : "");
	}
}

static void name_hole(struct judgement *j, const char *hole)
{
	size_t length = strlen(j->out->detail);

	if (hole && !j->facts->losses)
		snprintf(j->out->detail + length, sizeof(j->out->detail) - length,
			 " (kernel hole %s, see README)", hole);
}

static void conclude_missing(struct judgement *j, const struct verdict_device *device,
			     enum proof proof, bool log)
{
	explain_missing(j, device, proof, log);
	name_hole(j, holes_name(j->facts, device, proof));
}

/* Every leaf, and the devices above them, must agree. Returns true when one does not. */
static bool judge_leaves(struct judgement *j)
{
	size_t i;

	for (i = 0; i < j->facts->nr_devices; i++) {
		const struct verdict_device *device = &j->facts->devices[i];
		enum proof proof;

		if (device->below_unknown) {
			verdict_conclude(
				j->out, VERDICT_UNPROVEN, REASON_UNTRACKED,
				"the devices below %s were not known when the call returned",
				device->name);
			return true;
		}
		if (!(device->event->roles & DEVICE_LEAF))
			continue;
		proof = proof_of_leaf(j->facts, j->wait_done_ns, device);
		if (proof <= PROOF_QUIET)
			continue;
		if (proof == PROOF_NONE && device->event->flush_error_ns < j->sync->enter_ns &&
		    !device->inner_bad && !j->facts->losses)
			verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_FLUSH_DROPPED,
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
	uint64_t written;
	bool flushed_in_call;

	if (!device) {
		verdict_conclude(j->out, VERDICT_DURABLE, REASON_WRITE_THROUGH,
				 "no volatile cache below");
		return;
	}
	flushed_in_call = device->watermark_ns >= sync->enter_ns;
	/* What came later is others' (ledger_proof_settled). */
	written = ledger_covers(device->watermark_ns, event->last_done_ns) ? event->last_done_ns
									   : event->settled_ns;
	j->out->proof_disk = event->disk;
	if (proof == PROOF_WAIT)
		j->out->proof_ns = j->wait_done_ns;
	else if (flushed_in_call)
		j->out->proof_ns = written > sync->enter_ns ? written : sync->enter_ns;
	else
		j->out->proof_ns = 0;
	if (j->out->proof_ns)
		verdict_conclude(j->out, VERDICT_DURABLE, REASON_FLUSHED, "%s", "");
	else if (sync->own_fua && !sync->own_data_done_ns && !sync->own_meta_done_ns)
		verdict_conclude(j->out, VERDICT_DURABLE, REASON_FUA, "%s", "");
	else if (commit)
		verdict_conclude(j->out, VERDICT_DURABLE, REASON_SHARED_FLUSH, "%s", "");
	else
		verdict_conclude(j->out, VERDICT_DURABLE, REASON_CLEAN, "%s", "");
}

/* Is @proof worth more as an explanation than @other? Evidence goes before doubt. */
static bool explains_better(enum proof proof, enum proof other)
{
	if (proof <= PROOF_QUIET)
		return false;
	return other <= PROOF_QUIET ||
	       (other >= PROOF_CACHE_UNKNOWN && proof < PROOF_CACHE_UNKNOWN);
}

/*
 * Is the log, or metadata, taken for covered because no write to it was seen that is not? Where
 * a journal with barriers had nothing to commit the kernel has seen to that, not the ledger.
 */
static bool is_known_by_absence(const struct judgement *j, const struct verdict_device *device)
{
	return j->facts->no_journal || j->facts->nobarrier || !proof_takes_flushes(device) ||
	       (j->sync->flags & SYNC_WHOLE_FS);
}

/* The data, then the commit, then the layers below. */
static void judge_devices(struct judgement *j)
{
	const struct verdict_device *chosen = NULL, *missing = NULL;
	enum proof chosen_proof = PROOF_STABLE, missing_proof = PROOF_STABLE;
	bool commit = false, missing_log = false, quiet = false;
	size_t i;

	for (i = 0; i < j->facts->nr_devices; i++) {
		const struct verdict_device *device = &j->facts->devices[i];
		enum proof data = PROOF_STABLE, log = PROOF_STABLE;

		if (device->event->roles & DEVICE_DATA)
			data = proof_of_data(j->facts, j->wait_done_ns, device);
		if ((device->event->roles & DEVICE_LOG) && !(j->sync->flags & SYNC_BLOCK_DEVICE))
			log = proof_of_log(j->facts, device);
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
		quiet |= (log == PROOF_QUIET && is_known_by_absence(j, device)) ||
			 (data == PROOF_QUIET && !j->facts->data_journal);
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
	else if (quiet && j->facts->losses)
		conclude_lost(j);
	else if (!judge_leaves(j))
		conclude_durable(j, chosen, chosen_proof, commit);
	j->out->by_absence = quiet && j->out->kind == VERDICT_DURABLE;
}

/*
 * A direct write that ended without a sync of its file. Each part of it carried FUA, which
 * the block layer makes good with a flush where a drive knows none (blk-flush.c), or the
 * device must have no volatile cache. It promises nothing of other writes.
 */
static void judge_direct(struct judgement *j)
{
	bool fua = j->sync->own_fua && !j->sync->own_data_done_ns;
	const struct verdict_device *layered = NULL;
	bool found = false;
	size_t i;

	for (i = 0; i < j->facts->nr_devices; i++) {
		const struct verdict_device *device = &j->facts->devices[i];
		enum proof cache = proof_of_cache(device), reach = proof_of_reach(j->facts, device);

		if (reach > PROOF_QUIET) {
			conclude_missing(j, device, reach, true);
			return;
		}
		if ((device->event->roles & (DEVICE_DATA | DEVICE_LOG)) && j->sync->own_data_disk &&
		    device->event->disk != j->sync->own_data_disk)
			continue; /* it went to another one of the file system */
		found |= device->event->roles & DEVICE_DATA;
		if (device->below_unknown) {
			layered = device;
			continue;
		}
		if (cache == PROOF_STABLE)
			continue;
		if (cache != PROOF_NONE || ((device->event->roles & DEVICE_DATA) && !fua)) {
			conclude_missing(j, device, cache, false);
			return;
		}
		if (!(device->event->roles & (DEVICE_DATA | DEVICE_LOG)) &&
		    proof_of_leaf(j->facts, j->sync->enter_ns, device) > PROOF_QUIET)
			layered = device;
	}
	if (!found)
		verdict_conclude(
			j->out, VERDICT_UNPROVEN, REASON_UNTRACKED,
			"the device it was written to is none that is known of the file system");
	else if (layered)
		verdict_conclude(j->out, VERDICT_UNPROVEN, REASON_UNTRACKED,
				 "whether its FUA reached the devices below is not followed");
	else
		verdict_conclude(j->out, VERDICT_DURABLE, fua ? REASON_FUA : REASON_WRITE_THROUGH,
				 "%s", "");
}

/* From when on later flushes of which disks make up for this call: of every
 * device with a volatile cache, as far as they have not come yet. */
static void find_need(struct judgement *j)
{
	const struct event_sync *sync = j->sync;
	struct verdict *out = j->out;
	size_t i;

	if (j->never_covered || out->kind != VERDICT_NOT_DURABLE ||
	    (out->reason != REASON_NO_FLUSH && out->reason != REASON_WRITEOUT_ONLY &&
	     out->reason != REASON_EARLY_RETURN && out->reason != REASON_NOT_WRITTEN &&
	     out->reason != REASON_FLUSH_DROPPED))
		return;
	for (i = 0; i < j->facts->nr_devices; i++) {
		const struct event_device *event = j->facts->devices[i].event;

		if ((event->roles & DEVICE_DATA) && event->last_done_ns > out->need_ns)
			out->need_ns = event->last_done_ns;
		if ((event->roles & DEVICE_LOG) && !never_flushes(sync) &&
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
		if (proof_of_cache(&j->facts->devices[i]) != PROOF_STABLE &&
		    (out->need_drain || j->facts->devices[i].watermark_ns < out->need_ns))
			out->need_disks[out->nr_need++] = j->facts->devices[i].event->disk;
	/* A flush that came before the return already: it is to be named. */
	for (i = 0; !out->nr_need && i < j->facts->nr_devices; i++)
		if (proof_of_cache(&j->facts->devices[i]) != PROOF_STABLE)
			out->need_disks[out->nr_need++] = j->facts->devices[i].event->disk;
}

void verdict_judge(struct verdict *verdict, const struct verdict_facts *facts)
{
	struct judgement j = {verdict, facts, facts->sync, 0, false};
	const struct event_sync *sync = facts->sync;

	memset(verdict, 0, sizeof(*verdict));
	if (sync->flags & SYNC_UNENTERED) {
		elsewhere_judge_unentered(verdict, facts);
		return;
	}
	if ((sync->flags & SYNC_NO_FILE) && (sync->ret || !never_flushes(sync))) {
		verdict_failures_decide(&j);
		if (!sync->ret)
			verdict_conclude(verdict, VERDICT_UNPROVEN, REASON_UNTRACKED,
					 "the descriptor named no file that could be read");
		return;
	}
	if (verdict_failures_decide(&j) || judge_file_system(&j))
		return;
	if (never_flushes(sync)) {
		verdict_conclude(
			verdict, VERDICT_NOT_DURABLE, REASON_WRITEOUT_ONLY, "%s",
			sync->kind == SYNC_MSYNC
				? "MS_ASYNC starts nothing and awaits nothing; it never flushes "
				  "the drive"
				: "sync_file_range starts or awaits write-out; it never flushes "
				  "the drive");
		find_need(&j);
		return;
	}
	if (sync->flags & (SYNC_END_UNSEEN | SYNC_SEVERAL)) {
		verdict_conclude(
			verdict, VERDICT_UNPROVEN, REASON_UNTRACKED, "%s",
			sync->flags & SYNC_END_UNSEEN
				? "its return was not seen"
				: "it is about several files, of which only one is followed");
		return;
	}
	if (!facts->nr_devices && sync->kind == SYNC_SYNC) {
		verdict_conclude(verdict, VERDICT_UNPROVEN, REASON_UNTRACKED,
				 "of all file systems that sync() wrote, not every device could be "
				 "followed");
		return;
	}
	if (!facts->nr_devices) {
		verdict_conclude(verdict, VERDICT_UNPROVEN, REASON_UNTRACKED,
				 "the devices of this file system (%s) %s",
				 fsmagic_name(sync->fs_magic),
				 sync->nr_devices ? "were not known when the call returned"
						  : "are not known");
		return;
	}
	if (sync->own_pending > 0 && !facts->losses) {
		verdict_conclude(
			verdict, VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN,
			"%d of the call's own writes were still in flight when it returned",
			sync->own_pending);
		name_hole(&j, holes_name_in_flight(facts));
		find_need(&j);
		return;
	}
	j.wait_done_ns = proof_wait_end(facts);
	if (sync->flags & SYNC_DIRECT)
		judge_direct(&j);
	else
		judge_devices(&j);
	if (verdict->kind == VERDICT_DURABLE && fsmagic_class(sync->fs_magic) == FSMAGIC_OTHER)
		verdict_conclude(verdict, VERDICT_UNPROVEN, REASON_COMMIT_UNSEEN,
				 "what was written is on stable media; whether all is that leads "
				 "to it is not followed on this file system");
	/* A write that was not followed to its end may be any of this call's; one whose
	 * completion is among the lost records may be in flight still. */
	if (verdict->kind == VERDICT_DURABLE &&
	    ((sync->flags & SYNC_TOUCHED_BY_LOSS) || sync->own_pending > 0))
		verdict_conclude(verdict, VERDICT_UNPROVEN, REASON_EVENTS_LOST,
				 "what the call wrote is not all accounted for; see losses");
	verdict_failures_doubt(&j);
	find_need(&j);
}
