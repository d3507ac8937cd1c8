// SPDX-License-Identifier: GPL-2.0-only
#include "survey.h"

#include "gaps.h"
#include "proof.h"

static bool is_volatile(const struct verdict_device *device)
{
	return device->cache == CACHE_VOLATILE || device->cache == CACHE_OVERRIDDEN ||
	       device->cache == CACHE_RAM;
}

/* What this file wrote to the device last, no flush has covered, whatever was not seen. */
static bool is_unflushed(const struct verdict_facts *facts, const struct verdict_device *device)
{
	uint64_t watermark = device->watermark_ns > device->unseen_watermark_ns
				     ? device->watermark_ns
				     : device->unseen_watermark_ns;
	uint64_t done = device->event->last_done_ns;

	return is_volatile(device) && !device->below_unknown && !device->event->slot_vague &&
	       done > facts->start_ns && done > watermark;
}

enum survey_state survey_judge(const struct verdict_facts *facts, const char **device)
{
	const struct event_sync *sync = facts->sync;
	size_t i;

	*device = "";
	/* Where the journal holds the data too, a page is dirty until it is checkpointed. */
	if ((sync->flags & SYNC_DIRTY_EXIT) && !facts->data_journal)
		return SURVEY_DIRTY; /* the kernel's own mark: no lost event can make it wrong */
	if (facts->losses)
		return SURVEY_NOT_SHOWN;
	for (i = 0; i < facts->nr_devices && !facts->data_journal; i++) {
		const struct verdict_device *one = &facts->devices[i];

		*device = one->name;
		if (one->event->inflight_bytes > 0 && !one->event->slot_vague)
			return SURVEY_IN_FLIGHT;
		if (is_unflushed(facts, one))
			return SURVEY_UNFLUSHED;
	}
	*device = "";
	/* A fast commit, made for any file, commits what it holds without ending the transaction.
	 */
	if (facts->fast_commit)
		return SURVEY_NOT_SHOWN;
	if ((sync->flags & (SYNC_TID_KNOWN | SYNC_TID_NEEDED)) ==
	    (SYNC_TID_KNOWN | SYNC_TID_NEEDED))
		return SURVEY_UNCOMMITTED;
	return SURVEY_NOT_SHOWN;
}

uint64_t survey_newest_write(const struct verdict_facts *facts)
{
	uint64_t newest = 0;
	size_t i;

	for (i = 0; i < facts->nr_devices; i++)
		if ((facts->devices[i].event->roles & DEVICE_DATA) &&
		    facts->devices[i].event->last_done_ns > newest)
			newest = facts->devices[i].event->last_done_ns;
	return newest;
}

bool survey_is_flushed(const struct verdict_facts *facts)
{
	size_t i;

	if (facts->losses || facts->data_journal || facts->no_checkpoint ||
	    (facts->sync->flags & SYNC_DIRTY_EXIT) || survey_newest_write(facts) <= facts->start_ns)
		return false;
	for (i = 0; i < facts->nr_devices; i++) {
		const struct verdict_device *device = &facts->devices[i];

		if (device->below_unknown || device->event->slot_vague ||
		    device->event->inflight_bytes)
			return false;
		if ((device->event->roles & DEVICE_DATA) &&
		    proof_of_data(facts, 0, device) > PROOF_QUIET)
			return false;
		if (proof_of_leaf(facts, 0, device) > PROOF_QUIET)
			return false;
	}
	return true;
}

bool survey_is_committed(const struct verdict_facts *facts)
{
	const uint32_t all = SYNC_TID_KNOWN | SYNC_TID_NEEDED | SYNC_TID_UNCOMMITTED;

	return (facts->sync->flags & all) == SYNC_TID_KNOWN && !facts->nobarrier &&
	       !facts->async_commit && !facts->fast_commit && !gaps_was_inline(facts);
}
