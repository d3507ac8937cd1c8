// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger.h"
#include "model.h"
#include "seed.h"

/*
 * A made-up machine. What happens on it is told to the ledger in the order in
 * which bpf/queue.bpf.c and bpf/complete.bpf.c tell it, and to the model; then both are asked.
 */

#define STEPS	    1000000
#define DEVICES	    3
#define INODES	    6
#define META	    INODES /* metadata: charged to the device, to no inode */
#define SLOTS	    12
#define CALLS	    8
#define PAGE	    4096
#define EVENTS_KEPT 20

enum write_flag {
	WRITE_FUA = 1 << 0,
	WRITE_DIRECT = 1 << 1,
	WRITE_UNATTRIBUTED = 1 << 2,
};

/* A sync call in progress. */
struct call {
	bool open;
	bool flushed; /* by a flush that started when its wait was over, or later */
	uint32_t device;
	uint32_t inode;
	uint64_t wait_done_ns;
	uint64_t settled_ns;
};

/* What random steps are like, for one episode. Chances are per cent. */
struct mix {
	uint32_t devices, inodes, slots;
	uint32_t max_writes, max_flushes;
	uint32_t steps, steps_unaudited; /* the audit begins in the midst of it */
	uint32_t fua, direct, unattributed, meta, write_fails, flush_fails, pieces;
	uint32_t still; /* the clock does not move between two events */
	uint32_t weight_queue, weight_complete, weight_flush, weight_flushed, weight_call;
};

/* How often each claim was put to the test: a test of nothing must not pass. */
struct tally {
	uint64_t proofs, doubts;
	uint64_t quiet_alone, quiet_crowd, quiet_unshared;
	uint64_t calls_proven, calls_unproven, calls_interrupted, calls_settled;
	uint64_t drains, same_stamp, too_early, flushes_overtaken;
};

struct machine {
	struct ledger_slot slots[SLOTS];
	struct ledger_device devices[DEVICES];
	uint32_t slot_of[DEVICES][INODES];
	bool watched[SLOTS];
	bool tangled[SLOTS]; /* see claim_slot */
	struct call calls[CALLS];
	struct model model;
	struct tally tally;
	uint64_t now;
	uint64_t base_ns; /* 0: the audit has not begun */
	uint32_t last_id;
	uint64_t seed;
	uint64_t random;
	uint64_t step;
	uint32_t asked_device, asked_inode;
	uint64_t nr_events;
	char events[EVENTS_KEPT][128];
};

static void __attribute__((format(printf, 2, 3)))
note(struct machine *machine, const char *format, ...)
{
	char *event = machine->events[machine->nr_events++ % EVENTS_KEPT];
	size_t size = sizeof(machine->events[0]);
	int used;
	va_list args;

	used = snprintf(event, size, "%8" PRIu64 "  at %-8" PRIu64 "  ", machine->step,
			machine->now);
	va_start(args, format);
	vsnprintf(event + used, size - used, format, args);
	va_end(args);
}

static void print_ledger(const struct machine *machine)
{
	const struct ledger_device *device = &machine->devices[machine->asked_device];
	uint32_t index = machine->slot_of[machine->asked_device][machine->asked_inode];
	const struct ledger_slot *slot = &machine->slots[index];

	print_error("asked last: device %u inode %u (owner %u), slot %u\n", machine->asked_device,
		    machine->asked_inode, 1 + machine->asked_device * INODES + machine->asked_inode,
		    index);
	print_error("slot: owner %llu, in flight %lld, done %llu, error %llu, shared %llu\n",
		    slot->owner, slot->inflight_bytes, slot->last_done_ns, slot->last_error_ns,
		    slot->vague_ns);
	print_error("device: watermark %llu, unattributed in flight %lld, done %llu; base %" PRIu64
		    "\n",
		    device->watermark_ns, device->unattributed_inflight_bytes,
		    device->unattributed_done_ns, machine->base_ns);
}

/* @holds, or the events that led here are printed and the test ends. */
static void claim(const struct machine *machine, bool holds, const char *what)
{
	uint64_t i = machine->nr_events > EVENTS_KEPT ? machine->nr_events - EVENTS_KEPT : 0;

	if (holds)
		return;
	print_error("%s: does not hold\n    step  the last events\n", what);
	for (; i < machine->nr_events; i++)
		print_error("%s\n", machine->events[i % EVENTS_KEPT]);
	print_ledger(machine);
	fail_msg("%s; FLUSHAUDIT_SEED=%" PRIu64 " step %" PRIu64, what, machine->seed,
		 machine->step);
}

/* The machine: every function tells the ledger and the model. */

static uint64_t owner_of(uint32_t device, uint32_t inode)
{
	return 1 + device * INODES + inode;
}

static uint32_t slot_index(const struct machine *machine, const struct model_write *write)
{
	if (!write->attributed || write->inode >= INODES)
		return SLOTS;
	return machine->slot_of[write->device][write->inode];
}

static bool slot_in_flight(const struct machine *machine, uint32_t slot)
{
	for (uint32_t i = 0; i < machine->model.nr_writes; i++) {
		const struct model_write *write = &machine->model.writes[i];

		if (slot_index(machine, write) == slot && !write->done_ns && write->tracked)
			return true;
	}
	return false;
}

/*
 * ledger_slot_claim notes another inode's writes that are in flight with the
 * time of the claim, not of their end; those that are not tracked not at all;
 * nor what completed in a slot nobody had claimed since the audit began. What a
 * slot taken over in such a state holds may be a stranger's, vague_ns or not.
 */
static void claim_slot(struct machine *machine, uint32_t index, uint64_t watermark_ns,
		       uint64_t owner)
{
	struct ledger_slot *slot = &machine->slots[index];

	if (slot->owner != owner) {
		machine->tangled[index] = !slot->owner && slot->last_done_ns;
		for (uint32_t i = 0; i < machine->model.nr_writes; i++) {
			const struct model_write *write = &machine->model.writes[i];

			if (slot_index(machine, write) == index && !write->done_ns &&
			    owner_of(write->device, write->inode) != owner)
				machine->tangled[index] = true;
		}
	}
	ledger_slot_claim(slot, watermark_ns, owner, machine->now);
	claim(machine, slot->owner == owner, "who claims a slot owns it");
}

static uint32_t queue_write(struct machine *machine, uint32_t device, uint32_t inode,
			    uint32_t bytes, uint32_t flags)
{
	struct ledger_device *ledger = &machine->devices[device];
	struct model_write write = {
		.id = ++machine->last_id,
		.device = device,
		.inode = inode,
		.bytes = bytes,
		.queued_ns = machine->now,
		.fua = flags & WRITE_FUA,
		.direct = flags & WRITE_DIRECT,
		.tracked = !(flags & WRITE_DIRECT) && machine->base_ns,
		.attributed = !(flags & WRITE_UNATTRIBUTED),
	};
	uint32_t index = slot_index(machine, &write);

	note(machine, "write %u queued: device %u inode %u, %u bytes%s%s%s", write.id, device,
	     inode, bytes, write.fua ? ", FUA" : "", write.direct ? ", direct" : "",
	     write.attributed ? "" : ", unattributed");
	if (write.tracked)
		ledger_device_queued(ledger, bytes, write.attributed);
	if (machine->base_ns && index < SLOTS) {
		claim_slot(machine, index, ledger->watermark_ns, owner_of(device, inode));
		if (write.tracked)
			ledger_slot_queued(&machine->slots[index], bytes);
	}
	model_write_queued(&machine->model, &write);
	return write.id;
}

static void complete_in_slot(struct machine *machine, const struct model_write *write,
			     uint32_t bytes, bool failed)
{
	uint32_t index = slot_index(machine, write);
	struct ledger_slot *slot = &machine->slots[index];
	uint64_t error_ns = slot->last_error_ns, owner = owner_of(write->device, write->inode);
	bool drained, empty, told = failed && !write->direct;

	drained = ledger_slot_done(slot, owner, bytes, write->tracked, write->fua, failed,
				   machine->now);
	if (told)
		ledger_slot_failed(slot, owner, write->inode, machine->now);
	empty = !slot_in_flight(machine, index);
	claim(machine, drained == (machine->watched[index] && empty),
	      "a watched slot tells that it ran empty, at once and only once");
	machine->tally.drains += drained;
	if (drained)
		machine->watched[index] = false;
	claim(machine, slot->last_error_ns == (told ? machine->now : error_ns),
	      "the newest failure is kept, and nothing else is taken for one");
	claim(machine, !told || ledger_slot_error(slot, owner, write->inode) == machine->now,
	      "a failure is the inode's own");
	claim(machine,
	      !ledger_slot_error(slot, owner, write->inode + 1) &&
		      !ledger_slot_error(slot, owner + INODES * DEVICES, write->inode),
	      "a failure is nobody else's");
}

/* The first @bytes of the write at @index of the model's list, or what is left of it. */
static void complete_piece(struct machine *machine, uint32_t index, uint32_t bytes, bool failed)
{
	struct model_write write = machine->model.writes[index];

	if (bytes > write.bytes)
		bytes = write.bytes;
	note(machine, "write %u %s: %u of %u bytes left", write.id, failed ? "failed" : "completed",
	     bytes, write.bytes);
	model_write_done(&machine->model, index, bytes, failed, machine->now);
	if (!machine->base_ns)
		return;
	ledger_device_done(&machine->devices[write.device], bytes, write.tracked, write.attributed,
			   write.fua, machine->now);
	if (slot_index(machine, &write) < SLOTS)
		complete_in_slot(machine, &write, bytes, failed);
}

static uint32_t start_flush(struct machine *machine, uint32_t device)
{
	uint32_t id = ++machine->last_id;

	note(machine, "flush %u started: device %u", id, device);
	model_flush_started(&machine->model, id, device, machine->now);
	return id;
}

/* No flush proves a write that completed after it had started. */
static void check_flush_proves_only_earlier(struct machine *machine,
					    const struct model_flush *flush)
{
	for (uint32_t i = 0; i < machine->model.nr_writes; i++) {
		const struct model_write *write = &machine->model.writes[i];

		if (write->device != flush->device || !write->done_ns)
			continue;
		machine->tally.same_stamp += write->done_ns == flush->start_ns;
		if (write->done_ns <= flush->start_ns)
			continue;
		machine->tally.too_early++;
		claim(machine, !ledger_covers(flush->start_ns, write->done_ns),
		      "a flush that began before a write completed does not cover it");
	}
}

static void check_watermark(struct machine *machine, const struct model_flush *flush,
			    const struct ledger_device *before)
{
	const struct ledger_device *after = &machine->devices[flush->device];

	claim(machine, after->flushes == before->flushes + 1, "every flush is counted");
	if (flush->failed) {
		claim(machine, after->watermark_ns == before->watermark_ns,
		      "a failed flush does not move the watermark");
		claim(machine, after->flush_error_ns == machine->now, "a failed flush is noted");
		return;
	}
	claim(machine, after->flush_error_ns == before->flush_error_ns,
	      "a good flush is not taken for a failed one");
	machine->tally.flushes_overtaken += flush->start_ns < before->watermark_ns;
	if (flush->start_ns > before->watermark_ns)
		claim(machine, after->watermark_ns == flush->start_ns,
		      "the watermark moves to the start of a newer flush");
	else
		claim(machine, after->watermark_ns == before->watermark_ns,
		      "the watermark never moves back");
	check_flush_proves_only_earlier(machine, flush);
}

static void note_flushed_calls(struct machine *machine)
{
	for (uint32_t i = 0; i < CALLS; i++) {
		struct call *call = &machine->calls[i];

		if (call->open && call->wait_done_ns &&
		    model_flushed_since(&machine->model, call->device, call->wait_done_ns))
			call->flushed = true;
	}
}

static void complete_flush_at(struct machine *machine, uint32_t index, bool failed)
{
	const struct model_flush *flush = &machine->model.flushes[index];
	struct ledger_device *device = &machine->devices[flush->device];
	struct ledger_device before = *device;

	note(machine, "flush %u %s: device %u, started at %" PRIu64, flush->id,
	     failed ? "failed" : "completed", flush->device, flush->start_ns);
	model_flush_done(&machine->model, index, failed, machine->now);
	note_flushed_calls(machine);
	if (!machine->base_ns || flush->start_ns < machine->base_ns)
		return; /* its start was not seen: flush_complete() */
	ledger_device_flushed(device, flush->start_ns, failed, machine->now);
	check_watermark(machine, flush, &before);
}

/* Nothing of what was before is known: fill_device() of bpf/sync.bpf.c says so with an
 * unattributed write that completes as the audit begins. */
static void begin_audit(struct machine *machine)
{
	machine->now++;
	machine->base_ns = machine->now;
	note(machine, "the audit begins");
	for (uint32_t i = 0; i < DEVICES; i++) {
		struct model_write unknown = {
			.id = ++machine->last_id,
			.device = i,
			.inode = MODEL_NOBODY,
			.bytes = PAGE,
			.queued_ns = machine->now,
			.done_ns = machine->now,
		};

		model_write_queued(&machine->model, &unknown);
	}
}

static void watch_slot(struct machine *machine, uint32_t index)
{
	struct ledger_slot *slot = &machine->slots[index];

	if (slot->inflight_bytes <= 0)
		return;
	note(machine, "slot %u is watched", index);
	slot->watched = 1;
	machine->watched[index] = true;
}

/* The questions. */

static uint64_t since_base(const struct machine *machine, uint64_t stamp)
{
	return stamp > machine->base_ns ? stamp : machine->base_ns;
}

static bool proof_quiet(const struct machine *machine, uint32_t device, uint32_t inode)
{
	const struct ledger_device *ledger = &machine->devices[device];
	const struct ledger_slot *slot = &machine->slots[machine->slot_of[device][inode]];

	return ledger_proof_quiet(ledger->watermark_ns, slot->inflight_bytes, slot->last_done_ns,
				  ledger->unattributed_inflight_bytes,
				  since_base(machine, ledger->unattributed_done_ns));
}

static bool nothing_lost(const struct model_answer *answer)
{
	return !answer->in_flight && !answer->unstable;
}

enum crowd {
	CROWD_NONE,  /* no other inode falls into the slot */
	CROWD_QUIET, /* others of the same device do, and all of theirs is stable */
	CROWD_LOUD,  /* or of another device: stamps held against a foreign watermark */
};

static enum crowd crowd_of(const struct machine *machine, uint32_t device, uint32_t inode,
			   const struct mix *mix)
{
	enum crowd crowd = CROWD_NONE;

	for (uint32_t d = 0; d < mix->devices; d++) {
		for (uint32_t i = 0; i < mix->inodes; i++) {
			struct model_answer answer;

			if ((d == device && i == inode) ||
			    machine->slot_of[d][i] != machine->slot_of[device][inode])
				continue;
			if (d != device)
				return CROWD_LOUD;
			crowd = CROWD_QUIET;
			answer = model_ask(&machine->model,
					   (struct model_set){.device = d, .inode = i});
			if (!nothing_lost(&answer))
				return CROWD_LOUD;
		}
	}
	return crowd;
}

/* What has to follow from the model's word that all of the inode is stable. */
static void check_no_false_alarm(struct machine *machine, uint32_t device, uint32_t inode,
				 const struct mix *mix, bool proof)
{
	uint32_t index = machine->slot_of[device][inode];
	const struct ledger_slot *slot = &machine->slots[index];
	enum crowd crowd = crowd_of(machine, device, inode, mix);

	machine->tally.quiet_alone += crowd == CROWD_NONE;
	machine->tally.quiet_crowd += crowd == CROWD_QUIET;
	if (crowd != CROWD_LOUD)
		claim(machine, proof, "what is stable is proven so when no other inode disturbs");
	if ((slot->owner && slot->owner != owner_of(device, inode)) ||
	    slot->vague_ns > machine->devices[device].watermark_ns)
		return;
	machine->tally.quiet_unshared++;
	claim(machine, proof, "what is stable is proven so unless the slot is marked as shared");
}

static void check_inode(struct machine *machine, uint32_t device, uint32_t inode,
			const struct mix *mix)
{
	bool proof = proof_quiet(machine, device, inode);
	struct model_answer own, nobody;

	machine->asked_device = device;
	machine->asked_inode = inode;
	own = model_ask(&machine->model, (struct model_set){.device = device, .inode = inode});
	nobody = model_ask(
		&machine->model,
		(struct model_set){.device = device, .inode = MODEL_ANY, .unattributed = true});
	machine->tally.proofs += proof;
	machine->tally.doubts += !proof;
	if (proof) {
		claim(machine, nothing_lost(&own), "FALSE PROOF: a write of the inode can be lost");
		claim(machine, nothing_lost(&nobody),
		      "FALSE PROOF: an unattributed write can be lost");
	}
	if (nothing_lost(&own) && nothing_lost(&nobody) && !nobody.failed)
		check_no_false_alarm(machine, device, inode, mix, proof);
}

/* The sums over all writes of a device are exact: it has no one to share with. */
static void check_device(struct machine *machine, uint32_t device)
{
	const struct ledger_device *ledger = &machine->devices[device];
	struct model_answer all;
	bool quiet;

	all = model_ask(&machine->model, (struct model_set){.device = device, .inode = MODEL_ANY});
	quiet = ledger_proof_quiet(ledger->watermark_ns, ledger->any_inflight_bytes,
				   since_base(machine, ledger->any_done_ns), 0, 0);
	claim(machine, quiet == (nothing_lost(&all) && !all.failed),
	      "a device is quiet iff all its writes are stable");
}

/* The watermark rule itself, write by write. */
static void check_write(struct machine *machine, uint32_t index)
{
	const struct model_write *write = &machine->model.writes[index];

	if (!write->done_ns || write->done_ns < machine->base_ns)
		return;
	claim(machine,
	      ledger_covers(machine->devices[write->device].watermark_ns, write->done_ns) ==
		      model_flushed_since(&machine->model, write->device, write->done_ns),
	      "a completion at or below the watermark is one that a flush covers");
}

/* Sync calls. */

/* Is anything the call waits for still under way, seen by the ledger or not? */
static bool call_waits(const struct machine *machine, uint32_t number)
{
	for (uint32_t i = 0; i < machine->model.nr_writes; i++) {
		const struct model_write *write = &machine->model.writes[i];

		if (write->calls & 1U << number && !write->done_ns)
			return true;
	}
	return false;
}

static void enter_call(struct machine *machine, uint32_t number, uint32_t device, uint32_t inode)
{
	const struct ledger_slot *slot = &machine->slots[machine->slot_of[device][inode]];
	const struct ledger_device *ledger = &machine->devices[device];
	struct call *call = &machine->calls[number];

	note(machine, "call %u entered: device %u inode %u", number, device, inode);
	*call = (struct call){.open = true, .device = device, .inode = inode};
	model_call_entered(&machine->model, device, inode, 1U << number);
	if (!call_waits(machine, number)) /* the page cache: nothing under write-back */
		call->settled_ns =
			ledger_settled(slot->inflight_bytes, slot->last_done_ns,
				       ledger->unattributed_inflight_bytes,
				       since_base(machine, ledger->unattributed_done_ns));
}

static struct model_answer ask_call(const struct machine *machine, uint32_t number)
{
	return model_ask(&machine->model,
			 (struct model_set){.device = machine->calls[number].device,
					    .inode = machine->calls[number].inode,
					    .calls = 1U << number});
}

static void end_wait(struct machine *machine, uint32_t number)
{
	note(machine, "call %u: wait over", number);
	machine->calls[number].wait_done_ns = machine->now;
	note_flushed_calls(machine);
}

static bool proof_after_wait(const struct machine *machine, uint32_t number)
{
	const struct call *call = &machine->calls[number];

	return ledger_proof_after_wait(machine->devices[call->device].watermark_ns,
				       call->wait_done_ns);
}

static void check_call(struct machine *machine, uint32_t number)
{
	const struct call *call = &machine->calls[number];
	struct model_answer set = ask_call(machine, number);
	bool proof = proof_after_wait(machine, number);

	if (proof)
		claim(machine, nothing_lost(&set) && !call_waits(machine, number),
		      "FALSE PROOF: a write of the call can be lost");
	if (call->flushed)
		claim(machine, proof, "a flush after the wait proves the call");
	if (!ledger_proof_settled(machine->devices[call->device].watermark_ns, call->settled_ns))
		return;
	machine->tally.calls_settled++;
	claim(machine, nothing_lost(&set) && !call_waits(machine, number),
	      "FALSE PROOF: a write from before the call can be lost");
}

static void return_from_call(struct machine *machine, uint32_t number)
{
	const struct call *call = &machine->calls[number];
	bool proof = proof_after_wait(machine, number);

	note(machine, "call %u returns%s", number, proof ? ", proven" : "");
	check_call(machine, number);
	claim(machine, proof == call->flushed, "nothing but a flush after the wait proves a call");
	machine->tally.calls_proven += proof;
	machine->tally.calls_unproven += !proof && call->wait_done_ns;
	machine->tally.calls_interrupted += !call->wait_done_ns;
	machine->calls[number].open = false;
	model_call_returned(&machine->model, 1U << number);
}

/* Random interleavings. */

/* splitmix64 */
static uint64_t next_random(struct machine *machine)
{
	uint64_t z = machine->random += 0x9E3779B97F4A7C15ULL;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
	return z ^ z >> 31;
}

static uint32_t below(struct machine *machine, uint32_t limit)
{
	return (next_random(machine) >> 32) % limit;
}

static bool chance(struct machine *machine, uint32_t percent)
{
	return below(machine, 100) < percent;
}

/* Often never, so that each thing is also seen without the others. */
static uint32_t some_percent(struct machine *machine, uint32_t most)
{
	return chance(machine, 40) ? 0 : 1 + below(machine, most);
}

static void choose_mix(struct machine *machine, struct mix *mix, bool forget)
{
	mix->devices = 1 + below(machine, DEVICES);
	mix->inodes = 1 + below(machine, INODES);
	mix->slots = 1 + below(machine, SLOTS);
	mix->max_writes = 1 + below(machine, chance(machine, 20) ? 64 : 12);
	mix->max_flushes = 1 + below(machine, 6);
	mix->steps = forget ? 200 + below(machine, 3000) : 300;
	mix->steps_unaudited = chance(machine, 50) ? 0 : below(machine, 60);
	mix->fua = some_percent(machine, 60);
	mix->direct = some_percent(machine, 60);
	mix->unattributed = some_percent(machine, 40);
	mix->meta = some_percent(machine, 30);
	mix->write_fails = some_percent(machine, 30);
	mix->flush_fails = some_percent(machine, 50);
	mix->pieces = some_percent(machine, 100);
	mix->still = below(machine, 80);
	mix->weight_queue = 1 + below(machine, 6);
	mix->weight_complete = 2 + below(machine, 10);
	mix->weight_flush = 1 + below(machine, 6);
	mix->weight_flushed = 1 + below(machine, 6);
	mix->weight_call = 1 + below(machine, 6);
}

static void start_episode(struct machine *machine, struct mix *mix, bool forget)
{
	uint32_t first = below(machine, SLOTS);
	bool no_collisions;

	choose_mix(machine, mix, forget);
	no_collisions = mix->devices * mix->inodes <= SLOTS && chance(machine, 30);
	memset(machine->slots, 0, sizeof(machine->slots));
	memset(machine->devices, 0, sizeof(machine->devices));
	memset(machine->watched, 0, sizeof(machine->watched));
	memset(machine->tangled, 0, sizeof(machine->tangled));
	memset(machine->calls, 0, sizeof(machine->calls));
	machine->model.nr_writes = 0;
	machine->model.nr_flushes = 0;
	machine->now = 1;
	machine->base_ns = 0;
	machine->nr_events = 0;
	for (uint32_t d = 0; d < DEVICES; d++)
		for (uint32_t i = 0; i < INODES; i++)
			machine->slot_of[d][i] = no_collisions
							 ? (first + d * mix->inodes + i) % SLOTS
							 : below(machine, mix->slots);
}

static void random_write(struct machine *machine, const struct mix *mix)
{
	uint32_t flags = 0, inode, open = 0;

	for (uint32_t i = 0; i < machine->model.nr_writes; i++)
		open += !machine->model.writes[i].done_ns;
	if (open >= mix->max_writes || machine->model.nr_writes > MODEL_MAX_WRITES / 2)
		return;
	inode = chance(machine, mix->meta) ? META : below(machine, mix->inodes);
	if (chance(machine, mix->fua))
		flags |= WRITE_FUA;
	if (inode != META && chance(machine, mix->direct))
		flags |= WRITE_DIRECT;
	if (inode != META && chance(machine, mix->unattributed))
		flags |= WRITE_UNATTRIBUTED;
	queue_write(machine, below(machine, mix->devices), inode, PAGE * (1 + below(machine, 4)),
		    flags);
}

static void random_completion(struct machine *machine, const struct mix *mix)
{
	uint32_t nr = machine->model.nr_writes;
	uint32_t from = nr ? below(machine, nr) : 0;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t index = (from + i) % nr, bytes = UINT32_MAX;

		if (machine->model.writes[index].done_ns)
			continue;
		if (chance(machine, mix->pieces) && nr < MODEL_MAX_WRITES - DEVICES)
			bytes = 512 * (1 + below(machine, 16));
		complete_piece(machine, index, bytes, chance(machine, mix->write_fails));
		return;
	}
}

static uint32_t flushes_in_flight(const struct machine *machine)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < machine->model.nr_flushes; i++)
		count += !machine->model.flushes[i].done_ns;
	return count;
}

static void random_flush(struct machine *machine, const struct mix *mix)
{
	if (flushes_in_flight(machine) < mix->max_flushes)
		start_flush(machine, below(machine, mix->devices));
}

static void random_flush_end(struct machine *machine, const struct mix *mix)
{
	uint32_t nr = machine->model.nr_flushes;
	uint32_t from = nr ? below(machine, nr) : 0;

	for (uint32_t i = 0; i < nr; i++) {
		if (machine->model.flushes[(from + i) % nr].done_ns)
			continue;
		complete_flush_at(machine, (from + i) % nr, chance(machine, mix->flush_fails));
		return;
	}
}

static void random_call(struct machine *machine, const struct mix *mix)
{
	uint32_t number = below(machine, CALLS);
	const struct call *call = &machine->calls[number];

	if (!machine->base_ns)
		return;
	if (!call->open) {
		enter_call(machine, number, below(machine, mix->devices),
			   below(machine, mix->inodes));
	} else if (call->wait_done_ns || chance(machine, 2)) {
		return_from_call(machine, number);
	} else if (!call_waits(machine, number)) {
		end_wait(machine, number);
		if (chance(machine, 50) && flushes_in_flight(machine) < mix->max_flushes)
			start_flush(machine, call->device);
	}
}

static void random_step(struct machine *machine, const struct mix *mix)
{
	uint32_t all = mix->weight_queue + mix->weight_complete + mix->weight_flush +
		       mix->weight_flushed + mix->weight_call + 1;
	uint32_t at = below(machine, all);

	if (!chance(machine, mix->still))
		machine->now += 1 + below(machine, 3);
	if (at < mix->weight_queue)
		random_write(machine, mix);
	else if ((at -= mix->weight_queue) < mix->weight_complete)
		random_completion(machine, mix);
	else if ((at -= mix->weight_complete) < mix->weight_flush)
		random_flush(machine, mix);
	else if ((at -= mix->weight_flush) < mix->weight_flushed)
		random_flush_end(machine, mix);
	else if (at - mix->weight_flushed < mix->weight_call)
		random_call(machine, mix);
	else
		watch_slot(machine, below(machine, mix->slots));
}

static void random_questions(struct machine *machine, const struct mix *mix)
{
	uint32_t number = below(machine, CALLS);

	if (machine->model.nr_writes)
		check_write(machine, below(machine, machine->model.nr_writes));
	for (int i = 0; i < 2; i++)
		check_inode(machine, below(machine, mix->devices), below(machine, mix->inodes),
			    mix);
	check_device(machine, below(machine, mix->devices));
	if (machine->calls[number].open)
		check_call(machine, number);
}

static void run_random(struct machine *machine, uint64_t steps, bool forget)
{
	uint64_t end = machine->step + steps;

	while (machine->step < end) {
		struct mix mix;

		start_episode(machine, &mix, forget);
		for (uint32_t i = 0; i < mix.steps; i++) {
			machine->step++;
			if (i == mix.steps_unaudited)
				begin_audit(machine);
			random_step(machine, &mix);
			if (machine->base_ns)
				random_questions(machine, &mix);
			if (forget)
				model_forget(&machine->model, machine->now);
		}
	}
}

static void print_tally(const struct machine *machine)
{
	const struct tally *tally = &machine->tally;

	print_message("# %" PRIu64 " steps: %" PRIu64 " proofs, %" PRIu64 " doubts; quiet %" PRIu64
		      " alone, %" PRIu64 " in a crowd, %" PRIu64 " unshared\n",
		      machine->step, tally->proofs, tally->doubts, tally->quiet_alone,
		      tally->quiet_crowd, tally->quiet_unshared);
	print_message("# calls: %" PRIu64 " proven, %" PRIu64 " not, %" PRIu64
		      " interrupted; %" PRIu64 " drains; flushes: %" PRIu64 " overtaken, %" PRIu64
		      " too early, %" PRIu64 " at the same stamp\n",
		      tally->calls_proven, tally->calls_unproven, tally->calls_interrupted,
		      tally->drains, tally->flushes_overtaken, tally->too_early, tally->same_stamp);
}

static void random_interleavings(void **state)
{
	struct machine *machine = *state;
	const struct tally *tally = &machine->tally;

	run_random(machine, STEPS, true);
	print_tally(machine);
	assert_true(tally->proofs > 1000 && tally->doubts > 1000);
	assert_true(tally->quiet_alone > 1000 && tally->quiet_crowd > 1000);
	assert_true(tally->quiet_unshared > 1000);
	assert_true(tally->calls_proven > 1000 && tally->calls_unproven > 1000);
	assert_true(tally->calls_settled > 1000);
	assert_true(tally->calls_interrupted > 100 && tally->drains > 100);
	assert_true(tally->flushes_overtaken > 100 && tally->same_stamp > 100);
	assert_true(tally->too_early > 1000);
}

/* The same claims with a model that never strikes anything out. */
static void random_interleavings_unforgotten(void **state)
{
	run_random(*state, 30000, false);
}

/* Single cases, by name. */

static const struct mix two_devices = {.devices = 2, .inodes = INODES};

static void later(struct machine *machine)
{
	machine->step++;
	machine->now += 10;
}

/* The ledger's answer, held against the model's. */
static bool proven(struct machine *machine, uint32_t device, uint32_t inode)
{
	check_inode(machine, device, inode, &two_devices);
	check_device(machine, device);
	return proof_quiet(machine, device, inode);
}

static void complete_some(struct machine *machine, uint32_t id, uint32_t bytes, bool failed)
{
	for (uint32_t i = 0; i < machine->model.nr_writes; i++) {
		const struct model_write *write = &machine->model.writes[i];

		if (write->id != id || write->done_ns)
			continue;
		complete_piece(machine, i, bytes, failed);
		return;
	}
	fail_msg("no write %u is in flight", id);
}

static void complete(struct machine *machine, uint32_t id)
{
	complete_some(machine, id, UINT32_MAX, false);
}

static void complete_flush(struct machine *machine, uint32_t id, bool failed)
{
	for (uint32_t i = 0; i < machine->model.nr_flushes; i++) {
		if (machine->model.flushes[i].id != id)
			continue;
		complete_flush_at(machine, i, failed);
		return;
	}
	fail_msg("there is no flush %u", id);
}

static void flush(struct machine *machine, uint32_t device)
{
	uint32_t id;

	later(machine);
	id = start_flush(machine, device);
	later(machine);
	complete_flush(machine, id, false);
	later(machine);
}

static uint32_t queue_page(struct machine *machine, uint32_t inode, uint32_t flags)
{
	later(machine);
	return queue_write(machine, 0, inode, PAGE, flags);
}

static void write_page(struct machine *machine, uint32_t inode, uint32_t flags)
{
	uint32_t id = queue_page(machine, inode, flags);

	later(machine);
	complete(machine, id);
	later(machine);
}

static int setup(void **state)
{
	const uint64_t *seed = *state;
	struct machine *machine = calloc(1, sizeof(*machine));

	if (!machine)
		return -1;
	machine->seed = *seed;
	machine->random = *seed;
	for (uint32_t d = 0; d < DEVICES; d++)
		for (uint32_t i = 0; i < INODES; i++)
			machine->slot_of[d][i] = (d * INODES + i) % SLOTS;
	*state = machine;
	return 0;
}

/* A machine whose devices have been flushed since the audit began. */
static int setup_flushed(void **state)
{
	struct machine *machine;

	if (setup(state))
		return -1;
	machine = *state;
	begin_audit(machine);
	for (uint32_t d = 0; d < DEVICES; d++)
		flush(machine, d);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void nothing_is_known_before_the_first_flush(void **state)
{
	struct machine *machine = *state;
	uint32_t old = queue_page(machine, 0, 0);

	begin_audit(machine);
	assert_false(proven(machine, 0, 0));
	assert_false(proven(machine, 0, 1));
	flush(machine, 0);
	assert_true(proven(machine, 0, 1));
	complete(machine, old); /* was never counted as in flight */
	assert_int_equal(machine->slots[machine->slot_of[0][0]].inflight_bytes, 0);
	assert_false(proven(machine, 0, 0));
	assert_true(proven(machine, 0, 1));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
	assert_false(proven(machine, 1, 0));
}

static void write_then_flush(void **state)
{
	struct machine *machine = *state;
	uint32_t id;

	assert_true(proven(machine, 0, 0));
	id = queue_page(machine, 0, 0);
	assert_false(proven(machine, 0, 0));
	flush(machine, 0);
	assert_false(proven(machine, 0, 0));
	complete(machine, id);
	assert_false(proven(machine, 0, 0));
	flush(machine, 1); /* another device's proves nothing */
	assert_false(proven(machine, 0, 0));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
}

static void flush_that_began_before_completion(void **state)
{
	struct machine *machine = *state;
	uint32_t write = queue_page(machine, 0, 0), early;

	later(machine);
	early = start_flush(machine, 0);
	later(machine);
	complete(machine, write);
	later(machine);
	complete_flush(machine, early, false); /* however late it ends */
	assert_false(proven(machine, 0, 0));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
}

static void failed_flush(void **state)
{
	struct machine *machine = *state;
	uint64_t watermark_ns = machine->devices[0].watermark_ns;
	uint64_t flushes = machine->devices[0].flushes;
	uint32_t bad;

	write_page(machine, 0, 0);
	bad = start_flush(machine, 0);
	later(machine);
	complete_flush(machine, bad, true);
	assert_false(proven(machine, 0, 0));
	assert_int_equal(machine->devices[0].watermark_ns, watermark_ns);
	assert_int_equal(machine->devices[0].flush_error_ns, machine->now);
	assert_int_equal(machine->devices[0].flushes, flushes + 1);
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
}

static void flushes_that_overtake_each_other(void **state)
{
	struct machine *machine = *state;
	uint32_t first = start_flush(machine, 0), second;

	write_page(machine, 0, 0);
	second = start_flush(machine, 0);
	later(machine);
	complete_flush(machine, second, false);
	assert_true(proven(machine, 0, 0));
	later(machine);
	complete_flush(machine, first, false);
	assert_true(proven(machine, 0, 0));
}

static void fua_needs_no_flush(void **state)
{
	struct machine *machine = *state;

	write_page(machine, 0, WRITE_FUA);
	assert_true(proven(machine, 0, 0));
	write_page(machine, 0, WRITE_FUA | WRITE_UNATTRIBUTED);
	write_page(machine, META, WRITE_FUA);
	assert_true(proven(machine, 0, 0));
	write_page(machine, 0, 0);
	write_page(machine, 0, WRITE_FUA); /* covers itself only */
	assert_false(proven(machine, 0, 0));
}

static void equal_stamps_prove(void **state)
{
	struct machine *machine = *state;
	uint32_t id = queue_page(machine, 0, 0), good;

	later(machine);
	complete(machine, id);
	good = start_flush(machine, 0);
	complete_flush(machine, good, false);
	assert_true(proven(machine, 0, 0));

	id = queue_page(machine, 0, 0);
	later(machine);
	good = start_flush(machine, 0);
	machine->now++; /* the least there is */
	complete(machine, id);
	complete_flush(machine, good, false);
	assert_false(proven(machine, 0, 0));
}

static void unattributed_counts_against_every_inode(void **state)
{
	struct machine *machine = *state;
	uint32_t id = queue_page(machine, 0, WRITE_UNATTRIBUTED);

	for (uint32_t i = 0; i < INODES; i++)
		assert_false(proven(machine, 0, i));
	assert_true(proven(machine, 1, 0));
	flush(machine, 0);
	assert_false(proven(machine, 0, 1));
	complete(machine, id);
	for (uint32_t i = 0; i < INODES; i++)
		assert_false(proven(machine, 0, i));
	flush(machine, 0);
	for (uint32_t i = 0; i < INODES; i++)
		assert_true(proven(machine, 0, i));
}

static void failed_unattributed_write(void **state)
{
	struct machine *machine = *state;

	complete_some(machine, queue_page(machine, 0, WRITE_UNATTRIBUTED), PAGE, true);
	assert_false(proven(machine, 0, 0));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
}

static void partial_completions(void **state)
{
	struct machine *machine = *state;
	struct ledger_slot *slot = &machine->slots[machine->slot_of[0][0]];
	uint32_t id = queue_page(machine, 0, 0);

	later(machine);
	complete_some(machine, id, 1024, false);
	assert_int_equal(slot->inflight_bytes, PAGE - 1024);
	flush(machine, 0);
	assert_false(proven(machine, 0, 0));
	complete_some(machine, id, 1024, false);
	flush(machine, 0);
	assert_false(proven(machine, 0, 0)); /* the rest is still in flight */
	complete(machine, id);
	assert_int_equal(slot->inflight_bytes, 0);
	assert_false(proven(machine, 0, 0));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
}

static void failed_write(void **state)
{
	struct machine *machine = *state;
	struct ledger_slot *slot = &machine->slots[machine->slot_of[0][0]];
	uint32_t id = queue_page(machine, 0, 0);

	later(machine);
	complete_some(machine, id, 1024, true);
	assert_int_equal(slot->last_error_ns, machine->now);
	assert_int_equal(slot->last_done_ns, 0);
	assert_false(proven(machine, 0, 0));
	later(machine);
	complete(machine, id);
	assert_int_equal(slot->last_done_ns, machine->now);
	assert_int_equal(slot->last_error_ns, machine->now - 10);
	flush(machine, 0);
	assert_true(proven(machine, 0, 0)); /* of what did not fail; the verdict looks at both */
}

static void direct_write_counts_when_it_completes(void **state)
{
	struct machine *machine = *state;
	uint32_t id = queue_page(machine, 0, WRITE_DIRECT);

	assert_true(proven(machine, 0, 0));
	complete_some(machine, id, 512, false);
	assert_false(proven(machine, 0, 0));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
	complete(machine, id);
	assert_int_equal(machine->slots[machine->slot_of[0][0]].inflight_bytes, 0);
	assert_false(proven(machine, 0, 0));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
}

static void metadata_is_charged_to_no_inode(void **state)
{
	struct machine *machine = *state;

	write_page(machine, META, 0);
	assert_true(proven(machine, 0, 0));
	assert_int_equal(machine->devices[0].any_done_ns, machine->now - 10);
	assert_int_equal(machine->devices[0].any_inflight_bytes, 0);
}

static void collision_only_delays(void **state)
{
	struct machine *machine = *state;
	uint32_t other;

	machine->slot_of[0][1] = machine->slot_of[0][0];
	write_page(machine, 0, 0);
	other = queue_page(machine, 1, WRITE_DIRECT);
	assert_false(proven(machine, 0, 0));
	complete(machine, other);
	other = queue_page(machine, 1, 0);
	write_page(machine, 0, 0);
	flush(machine, 0);
	assert_false(proven(machine, 0, 0)); /* stable, but who could tell */
	complete(machine, other);
	assert_false(proven(machine, 0, 0));
	assert_false(proven(machine, 0, 1));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
	assert_true(proven(machine, 0, 1));
}

static void collision_is_noted(void **state)
{
	struct machine *machine = *state;
	struct ledger_slot *slot = &machine->slots[machine->slot_of[0][0]];

	machine->slot_of[0][1] = machine->slot_of[0][0];
	write_page(machine, 0, 0);
	flush(machine, 0);
	write_page(machine, 1, 0); /* all of inode 0 was covered: nothing is shared */
	assert_int_equal(slot->vague_ns, 0);
	assert_int_equal(slot->owner, owner_of(0, 1));
	write_page(machine, 0, 0);
	assert_in_range(slot->vague_ns, 1, machine->now);
	assert_true(slot->vague_ns > machine->devices[0].watermark_ns);
	flush(machine, 0);
	assert_true(slot->vague_ns <= machine->devices[0].watermark_ns);
	assert_true(proven(machine, 0, 0));
	queue_page(machine, 0, 0);
	queue_page(machine, 1, 0); /* in flight is as good as uncovered */
	assert_true(slot->vague_ns >= machine->now);
}

static void collision_across_devices(void **state)
{
	struct machine *machine = *state;

	machine->slot_of[1][0] = machine->slot_of[0][0];
	write_page(machine, 0, 0);
	flush(machine, 1);
	assert_false(proven(machine, 0, 0));
	complete(machine, queue_write(machine, 1, 0, PAGE, 0));
	flush(machine, 1);
	assert_true(proven(machine, 1, 0));
	assert_false(proven(machine, 0, 0));
	flush(machine, 0);
	assert_true(proven(machine, 0, 0));
}

static void watched_slot_drains_once(void **state)
{
	struct machine *machine = *state;
	struct ledger_slot *slot = &machine->slots[machine->slot_of[0][0]];
	uint32_t first = queue_page(machine, 0, 0), second = queue_page(machine, 0, 0);

	watch_slot(machine, machine->slot_of[0][0]);
	complete(machine, first);
	complete_some(machine, second, 512, false);
	assert_int_equal(slot->watched, 1);
	assert_int_equal(machine->tally.drains, 0);
	complete(machine, second);
	assert_int_equal(slot->watched, 0);
	assert_int_equal(machine->tally.drains, 1);
	write_page(machine, 0, 0);
	write_page(machine, 0, WRITE_DIRECT);
	assert_int_equal(machine->tally.drains, 1);
}

static void call_proven_while_others_write(void **state)
{
	struct machine *machine = *state;
	uint32_t own = queue_page(machine, 0, 0), good;

	enter_call(machine, 0, 0, 0);
	queue_page(machine, 0, 0); /* after the call began: not its business */
	queue_page(machine, 1, WRITE_UNATTRIBUTED);
	complete(machine, own);
	end_wait(machine, 0);
	good = start_flush(machine, 0); /* at the same stamp */
	later(machine);
	check_call(machine, 0);
	assert_false(proof_after_wait(machine, 0));
	complete_flush(machine, good, false);
	assert_true(proof_after_wait(machine, 0));
	assert_false(proven(machine, 0, 0));
	return_from_call(machine, 0);
}

static void call_not_proven(void **state)
{
	struct machine *machine = *state;
	uint32_t own = queue_page(machine, 0, 0), early, late, bad;

	enter_call(machine, 0, 0, 0);
	early = start_flush(machine, 0);
	later(machine);
	complete(machine, own);
	assert_false(proof_after_wait(machine, 0)); /* no wait was seen */
	later(machine);
	late = start_flush(machine, 0); /* by the least there is too early */
	machine->now++;
	end_wait(machine, 0);
	bad = start_flush(machine, 0);
	later(machine);
	complete_flush(machine, early, false);
	complete_flush(machine, late, false);
	complete_flush(machine, bad, true);
	flush(machine, 1);
	assert_false(proof_after_wait(machine, 0));
	return_from_call(machine, 0);
}

#define FRESH(name) cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, &seed)
#define CASE(name)  cmocka_unit_test_prestate_setup_teardown(name, setup_flushed, teardown, &seed)

int main(void)
{
	uint64_t seed;
	const struct CMUnitTest tests[] = {
		FRESH(nothing_is_known_before_the_first_flush),
		CASE(write_then_flush),
		CASE(flush_that_began_before_completion),
		CASE(failed_flush),
		CASE(flushes_that_overtake_each_other),
		CASE(fua_needs_no_flush),
		CASE(equal_stamps_prove),
		CASE(unattributed_counts_against_every_inode),
		CASE(failed_unattributed_write),
		CASE(partial_completions),
		CASE(failed_write),
		CASE(direct_write_counts_when_it_completes),
		CASE(metadata_is_charged_to_no_inode),
		CASE(collision_only_delays),
		CASE(collision_is_noted),
		CASE(collision_across_devices),
		CASE(watched_slot_drains_once),
		CASE(call_proven_while_others_write),
		CASE(call_not_proven),
		FRESH(random_interleavings),
		FRESH(random_interleavings_unforgotten),
	};

	if (choose_seed(&seed))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
