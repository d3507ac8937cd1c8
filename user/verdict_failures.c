// SPDX-License-Identifier: GPL-2.0-only
/* What errors of writes and flushes mean for the verdict of a call. */
#include <errno.h>
#include <string.h>

#include "judgement.h"

static bool has_one_data_device(const struct verdict_facts *facts)
{
	size_t i, count = 0;

	for (i = 0; i < facts->nr_devices; i++)
		count += !!(facts->devices[i].event->roles & DEVICE_DATA);
	return count == 1;
}

/*
 * The newest flush that failed and was to cover the call: one that failed during
 * it, or, where @missing is not covered, one that failed after what it holds was
 * written. A later one that ended well makes up for it.
 */
const struct verdict_device *verdict_failures_find_flush(const struct judgement *j,
							 const struct verdict_device *missing,
							 bool log)
{
	uint64_t written = 0;
	size_t i;

	for (i = 0; i < j->facts->nr_devices; i++)
		if (j->facts->devices[i].event->flush_error_ns >= j->sync->enter_ns)
			return &j->facts->devices[i];
	if (!missing)
		return NULL;
	written = log ? missing->event->log_done_ns : missing->event->last_done_ns;
	return written && missing->event->flush_error_ns >= written ? missing : NULL;
}

void verdict_failures_flush(struct judgement *j, const struct verdict_device *device)
{
	int ret = j->sync->ret;

	verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_FLUSH_FAILED,
			 "a flush of %s failed; the caller %s%s%s", device->name,
			 ret ? "was told (" : "was NOT told", ret ? strerror(-ret) : "",
			 ret ? ")" : "");
	j->out->failure = (struct failure){
		.kind = FAILURE_FLUSH,
		.disk = device->event->disk,
		.since_ns = device->event->flush_error_ns,
	};
}

static bool write_failed_in_call(const struct judgement *j)
{
	const struct failure *known = &j->facts->failure;
	size_t i;

	if (j->sync->own_errors ||
	    (known->kind == FAILURE_WRITE && known->since_ns >= j->sync->enter_ns))
		return true;
	for (i = 0; i < j->facts->nr_devices; i++)
		if ((j->facts->devices[i].event->roles & DEVICE_DATA) &&
		    j->facts->devices[i].event->last_error_ns >= j->sync->enter_ns)
			return true;
	return false;
}

/* The failed write that the verdict rests on: the one that is known, of metadata if it was in the
 * time of the call, or one of the call itself. */
static struct failure failed_write(const struct judgement *j)
{
	struct failure failure = {.kind = FAILURE_WRITE, .since_ns = j->sync->exit_ns};
	const struct failure *known = &j->facts->failure;

	if (known->kind == FAILURE_WRITE ||
	    (known->kind == FAILURE_METADATA && known->since_ns >= j->sync->enter_ns))
		return *known;
	if (j->facts->nr_devices)
		failure.disk = j->facts->devices[0].event->disk;
	return failure;
}

static const char *disk_name(const struct judgement *j, uint32_t disk)
{
	size_t i;

	for (i = 0; i < j->facts->nr_devices; i++)
		if (j->facts->devices[i].event->disk == disk)
			return j->facts->devices[i].name;
	return "a disk";
}

/* File systems on several devices may keep a copy, and then rightly succeed. */
static bool may_have_copy(const struct judgement *j)
{
	return j->facts->nr_devices && !has_one_data_device(j->facts);
}

/*
 * The call reports success. A write of the file that failed before, and was not
 * written again, is not made durable by that: its page counts as clean. Returns
 * true when that decides.
 */
static bool judge_failed_writes(struct judgement *j)
{
	const struct failure *known = &j->facts->failure;
	char text[240];

	if (may_have_copy(j) && !known->told.at_ns)
		return false;
	if (write_failed_in_call(j)) {
		verdict_conclude(
			j->out, VERDICT_NOT_DURABLE, REASON_WRITE_FAILED,
			"a write of the file failed during the call; the caller was NOT told");
		j->out->failure = failed_write(j);
		return true;
	}
	if (known->kind != FAILURE_WRITE || j->facts->losses)
		return false;
	verdict_describe_failure(text, sizeof(text), known, disk_name(j, known->disk),
				 j->facts->start_ns);
	verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_WRITE_FAILED, "%s; not written again",
			 text);
	j->out->failure = *known;
	return true;
}

/* The call reports an error, or success after one. Returns true when that decides. */
bool verdict_failures_decide(struct judgement *j)
{
	const struct verdict_device *device = verdict_failures_find_flush(j, NULL, false);
	int ret = j->sync->ret;

	if (!ret)
		return judge_failed_writes(j);
	if (ret != -EIO && ret != -ENOSPC && ret != -EDQUOT && ret != -EROFS && ret != -ENOLINK &&
	    ret != -ENODEV && ret != -ENXIO && ret != -EREMOTEIO && ret != -ENODATA &&
	    ret != -ETIMEDOUT) {
		verdict_conclude(
			j->out, VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN,
			"the call was refused (%s) and the caller was told: nothing was promised",
			strerror(-ret));
		return true;
	}
	if (write_failed_in_call(j)) {
		j->out->failure = failed_write(j);
	} else if (device && j->facts->failure.kind != FAILURE_WRITE) {
		verdict_failures_flush(j, device);
		return true;
	} else if (j->facts->failure.kind != FAILURE_NONE) {
		j->out->failure = j->facts->failure;
	} else if (ret != -EROFS) { /* where nothing is written any more, nothing can fail */
		j->out->failure.kind = FAILURE_UNSEEN;
		j->out->failure.since_ns = j->sync->exit_ns;
	}
	verdict_conclude(j->out, VERDICT_NOT_DURABLE, REASON_WRITE_FAILED,
			 "the caller was told (%s)", strerror(-ret));
	return true;
}

/* A proof holds; does a failure stand that may be this call's? Then it is in doubt. */
void verdict_failures_doubt(struct judgement *j)
{
	struct failure known = j->facts->failure;
	const char *why = "its cause and what it hit were not seen";
	enum verdict_reason reason = REASON_UNTRACKED;
	char text[240];

	if (known.kind == FAILURE_NONE && write_failed_in_call(j))
		known = failed_write(j);
	if (known.kind == FAILURE_NONE || j->out->kind != VERDICT_DURABLE)
		return;
	if (known.kind == FAILURE_METADATA) {
		reason = REASON_COMMIT_UNSEEN;
		why = "the file may need it";
	} else if (known.kind == FAILURE_UNCHARGED) {
		why = "it may be the file's";
	} else if (known.kind == FAILURE_WRITE && may_have_copy(j)) {
		why = "another device may have a copy";
	} else if (known.kind == FAILURE_WRITE) {
		reason = REASON_EVENTS_LOST;
		why = "whether it was written again is among the lost events";
	}
	verdict_describe_failure(text, sizeof(text), &known, disk_name(j, known.disk),
				 j->facts->start_ns);
	verdict_conclude(j->out, VERDICT_UNPROVEN, reason, "%s; %s", text, why);
}
