// SPDX-License-Identifier: GPL-2.0-only
#include "losses.h"

#include <stdio.h>

#include "clock.h"

static const struct {
	const char *cause;
	const char *remedy;
} causes[LOSSES] = {
	[LOSS_RING] = {"ring buffer full", "enlarge --ring-size"},
	[LOSS_RING_FLUSH] = {"ring buffer full (flushes)", "enlarge --ring-size"},
	[LOSS_ENTRIES] = {"entries of calls not seen", "audit again"},
	[LOSS_FRAMES] = {"too many sync calls at a time", "audit fewer threads at a time"},
	[LOSS_FLUSHES] = {"too many flushes at a time", "report it: the limit is built in"},
	[LOSS_BIOS] = {"ledger full", "enlarge --ledger-size"},
	[LOSS_PARTS] = {"parts of writes whose ends are not told", "audit on Linux 5.12 or newer"},
	[LOSS_DEVICES] = {"too many devices", "report it: the limit is built in"},
	[LOSS_TARGETS] = {"too many processes", "audit fewer processes at a time"},
	[LOSS_FILES] = {"too many files written to", "audit less of the work at a time"},
};

bool losses_any(const struct attach *attach)
{
	struct event_totals totals;
	int i;

	attach_totals(attach, &totals);
	for (i = 0; i < LOSSES; i++)
		if (totals.losses[i] && i != LOSS_FILES) /* no call's verdict rests on that */
			return true;
	return false;
}

bool losses_skipped(const struct attach *attach, uint64_t *asked_ns)
{
	char names[512];

	*asked_ns = clock_now_ns(); /* first: what is skipped from now on may be missing */
	return attach_missed_runs(attach, names, sizeof(names)) > 0;
}

uint64_t losses_open_calls(const struct attach *attach)
{
	struct event_totals totals;
	uint64_t open = 0;
	int i;

	attach_totals(attach, &totals);
	for (i = 0; i < SYNC_KERNEL; i++)
		if (totals.entered[i] > totals.syncs[i])
			open += totals.entered[i] - totals.syncs[i];
	return open;
}

uint64_t losses_count(const struct attach *attach, const struct pipeline *pipeline)
{
	struct event_totals totals;
	uint64_t lost;
	char names[512];
	int i;

	lost = pipeline_rejected(pipeline) + attach_missed_runs(attach, names, sizeof(names));
	attach_totals(attach, &totals);
	for (i = 0; i < LOSSES; i++)
		lost += totals.losses[i];
	return lost;
}

/* Calls that the kernel side told of, or had no room for, and that did not arrive. */
static uint64_t missing_calls(const struct event_totals *totals, const struct pipeline *pipeline)
{
	uint64_t missing = totals->losses[LOSS_FRAMES];
	int i;

	for (i = 0; i < SYNC_KERNEL; i++) {
		uint64_t arrived = pipeline_syncs(pipeline, i);

		if (totals->syncs[i] > arrived)
			missing += totals->syncs[i] - arrived;
	}
	return missing;
}

void losses_store(const struct attach *attach, const struct pipeline *pipeline, struct store *store)
{
	uint64_t missing, skipped, open = losses_open_calls(attach);
	struct event_totals totals;
	char names[512], cause[600];
	int i;

	if (open)
		store_add_loss(store, "returns of calls not seen", open, open,
			       "they were in progress when the audit ended, or audit again");
	attach_totals(attach, &totals);
	missing = missing_calls(&totals, pipeline);
	for (i = 0; i < LOSSES; i++) {
		if (!totals.losses[i])
			continue;
		store_add_loss(store, causes[i].cause, totals.losses[i], missing, causes[i].remedy);
		missing = 0;
	}
	if (missing)
		store_add_loss(store, "records missing", missing, missing, "audit again");
	if (pipeline_rejected(pipeline))
		store_add_loss(store, "records rejected", pipeline_rejected(pipeline), 0,
			       "report it: the two sides of flushaudit disagree");
	skipped = attach_missed_runs(attach, names, sizeof(names));
	snprintf(cause, sizeof(cause), "runs of %s skipped by the kernel", names);
	if (skipped)
		store_add_loss(store, cause, skipped, 0, "audit again");
}
