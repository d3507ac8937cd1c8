// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "model.h"

void model_write_queued(struct model *model, const struct model_write *write)
{
	if (model->nr_writes == MODEL_MAX_WRITES)
		abort();
	model->writes[model->nr_writes++] = *write;
}

void model_write_done(struct model *model, uint32_t index, uint32_t bytes, bool failed,
		      uint64_t now)
{
	struct model_write rest = model->writes[index];

	model->writes[index].bytes = bytes;
	model->writes[index].failed = failed;
	model->writes[index].done_ns = now;
	rest.bytes -= bytes;
	if (rest.bytes > 0)
		model_write_queued(model, &rest);
}

void model_flush_started(struct model *model, uint32_t id, uint32_t device, uint64_t now)
{
	if (model->nr_flushes == MODEL_MAX_FLUSHES)
		abort();
	model->flushes[model->nr_flushes++] = (struct model_flush){
		.id = id,
		.device = device,
		.start_ns = now,
	};
}

void model_flush_done(struct model *model, uint32_t index, bool failed, uint64_t now)
{
	model->flushes[index].failed = failed;
	model->flushes[index].done_ns = now;
}

void model_call_entered(struct model *model, uint32_t device, uint32_t inode, uint32_t call)
{
	for (uint32_t i = 0; i < model->nr_writes; i++) {
		struct model_write *write = &model->writes[i];

		if (write->device != device || write->inode != inode)
			continue;
		if (write->done_ns || !write->direct)
			write->calls |= call;
	}
}

void model_call_returned(struct model *model, uint32_t call)
{
	for (uint32_t i = 0; i < model->nr_writes; i++)
		model->writes[i].calls &= ~call;
}

bool model_flushed_since(const struct model *model, uint32_t device, uint64_t since_ns)
{
	for (uint32_t i = 0; i < model->nr_flushes; i++) {
		const struct model_flush *flush = &model->flushes[i];

		if (flush->device == device && flush->done_ns && !flush->failed &&
		    flush->start_ns >= since_ns)
			return true;
	}
	return false;
}

/* Nothing that happens later can matter to a write that is over and settled. */
static bool settled(const struct model *model, const struct model_write *write)
{
	return write->done_ns &&
	       (write->fua || model_flushed_since(model, write->device, write->done_ns));
}

static bool chosen(const struct model_write *write, const struct model_set *set)
{
	if (write->device != set->device)
		return false;
	if (set->inode != MODEL_ANY && write->inode != set->inode)
		return false;
	if (set->calls && !(write->calls & set->calls))
		return false;
	return !set->unattributed || !write->attributed;
}

struct model_answer model_ask(const struct model *model, struct model_set set)
{
	struct model_answer answer = {0};

	for (uint32_t i = 0; i < model->nr_writes; i++) {
		const struct model_write *write = &model->writes[i];

		if (!chosen(write, &set) || settled(model, write))
			continue;
		if (!write->done_ns)
			answer.in_flight += write->tracked;
		else if (write->failed)
			answer.failed++;
		else
			answer.unstable++;
	}
	return answer;
}

void model_forget(struct model *model, uint64_t now)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < model->nr_writes; i++)
		if (!settled(model, &model->writes[i]))
			model->writes[kept++] = model->writes[i];
	model->nr_writes = kept;
	kept = 0;
	for (uint32_t i = 0; i < model->nr_flushes; i++)
		if (!model->flushes[i].done_ns || model->flushes[i].start_ns >= now)
			model->flushes[kept++] = model->flushes[i];
	model->nr_flushes = kept;
}
