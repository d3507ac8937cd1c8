// SPDX-License-Identifier: GPL-2.0-only
/* What the ledger says of one of the devices a call rests on, when it enters and when it returns.
 */
#include "devices.bpf.h"
#include "recover.bpf.h"

struct place {
	__u32 disk;
	__u32 part;
	__u32 roles; /* enum event_device_role */
};

/* The device at @nr, which is below EVENT_MAX_DEVICES, of those. */
static __always_inline void find_place(struct frame *frame, __u64 nr, struct place *place)
{
	struct state_topology *stack = find_topology(frame);

	if (stack) {
		barrier_var(stack); /* not to be reckoned with before it is checked */
		place->disk = stack->devices[nr].disk;
		place->part = stack->devices[nr].part;
		place->roles = stack->devices[nr].roles;
	} else {
		place->disk = frame->disk;
		place->part = frame->part;
		place->roles = DEVICE_DATA | DEVICE_LOG;
	}
}

/* By when all that was written to the inode had completed, 0: it had not, or who knows. */
static __always_inline __u64 settled_on(struct frame *frame, __u32 disk, bool clean)
{
	struct ledger_device *device = bpf_map_lookup_elem(&devices, &disk);
	__u32 index = slot_index(slot_owner(frame->s_dev, frame->ino, disk));
	struct ledger_slot *slot = bpf_map_lookup_elem(&slots, &index);
	__u64 nobody;

	if (!clean || !device || !slot)
		return 0;
	nobody = device->unattributed_done_ns;
	return ledger_settled(slot->inflight_bytes, slot->last_done_ns,
			      device->unattributed_inflight_bytes,
			      nobody > base_ns ? nobody : base_ns);
}

__noinline int snapshot_device(__u32 opener, __u64 nr, __u32 clean)
{
	struct frame *frame = frame_of(opener);
	struct ledger_log *log;
	struct place place;

	barrier_var(nr); /* the bound that is checked is that of what is used */
	if (!frame || nr >= EVENT_MAX_DEVICES)
		return 0;
	find_place(frame, nr, &place);
	frame->settled_ns[nr] = settled_on(frame, place.disk, clean);
	if (!(place.roles & DEVICE_LOG))
		return 0;
	log = bpf_map_lookup_elem(&logs, &place.part);
	if (log && log->done_ns > frame->log_enter_ns)
		frame->log_enter_ns = log->done_ns;
	return 0;
}

static __always_inline bool slot_is_foreign(struct ledger_slot *slot, __u64 owner)
{
	return slot->owner && slot->owner != owner;
}

/*
 * The newest commit record, while the end of another may be noted (log_finish): read against
 * the order of writing, so that what goes with an end is never older than it.
 */
static __always_inline void read_commit(struct event_device *out, struct ledger_log *log)
{
	out->commit_done_ns = *(volatile __u64 *)&log->commit_done_ns;
	out->commit_stable_ns = *(volatile __u64 *)&log->commit_stable_ns;
	out->commit_flush_ns = *(volatile __u64 *)&log->commit_flush_ns;
	out->commit_queued_ns = *(volatile __u64 *)&log->commit_queued_ns;
	ledger_max(&out->commit_done_ns, out->commit_stable_ns);
}

/* One device's part of the record: where it is and what it is for is there already. */
static __always_inline void read_device(struct event_device *out, struct frame *frame, long ret,
					__u64 exit_ns)
{
	__u32 disk = out->disk, part = out->part;
	struct ledger_device *device = bpf_map_lookup_elem(&devices, &disk);
	__u64 owner = slot_owner(frame->s_dev, frame->ino, disk);
	__u32 index = slot_index(owner);
	bool whole = frame->flags & SYNC_WHOLE_FS;
	struct ledger_slot *slot = whole ? NULL : bpf_map_lookup_elem(&slots, &index);
	struct ledger_log *log = bpf_map_lookup_elem(&logs, &part);

	if (device && !ret)
		recover_flush(device, frame, disk, exit_ns);
	if (slot && !slot_is_foreign(slot, owner))
		recover_slot(slot, frame);
	out->slot = index;
	out->unattributed_done_ns = base_ns;
	out->any_done_ns = base_ns;
	out->log_enter_ns = frame->log_enter_ns;
	out->log_done_ns = base_ns;
	if (log) {
		/* Before the newest that is done: one that ends in between must be in one of them.
		 */
		out->log_inflight = ledger_log_inflight(log, *(volatile __u64 *)&log->begun);
		if (log->done_ns > base_ns)
			out->log_done_ns = log->done_ns;
		read_commit(out, log);
	}
	if (slot) {
		if (frame->flags & SYNC_WRITEOUT)
			slot->watched = 1; /* before the look: the end must not slip between */
		out->inflight_bytes = slot->inflight_bytes;
		if (out->inflight_bytes <= 0)
			slot->watched = 0;
		out->last_done_ns = slot->last_done_ns;
		out->direct = slot->owner == owner && slot->direct;
		out->last_error_ns = ledger_slot_error(
			slot, owner, ledger_instance(frame->fs_id, frame->generation));
		out->slot_vague = slot_is_foreign(slot, owner) ||
				  (device && slot->vague_ns > device->watermark_ns);
	}
	if (!device)
		return;
	if (log && !ret)
		recover_commit(out, log, frame);
	/* Read last: a flush that ends meanwhile may only be missed, not imagined. */
	out->cache = device->cache;
	out->lost = device->lost;
	out->flush_error_ns = device->flush_error_ns;
	out->unattributed_inflight_bytes = device->unattributed_inflight_bytes;
	if (device->unattributed_done_ns > base_ns)
		out->unattributed_done_ns = device->unattributed_done_ns;
	out->any_inflight_bytes = device->any_inflight_bytes;
	if (device->any_done_ns > base_ns)
		out->any_done_ns = device->any_done_ns;
	out->data_done_ns = device->data_done_ns;
	if (whole) {
		out->inflight_bytes = out->any_inflight_bytes;
		out->last_done_ns = out->any_done_ns;
		out->unattributed_inflight_bytes = 0;
		out->unattributed_done_ns = base_ns;
	}
	ledger_max(&out->watermark_ns, device->watermark_ns);
	/* One that ended unseen inside the call, which is about to report success. */
	if (!ret && device->unseen_ns >= frame->enter_ns)
		ledger_max(&out->watermark_ns, device->unseen_ns);
}

__noinline int fill_device(__u32 opener, __u32 scratch, __u64 nr)
{
	struct event_sync *event = bpf_map_lookup_elem(&sync_scratch, &scratch);
	struct frame *frame = frame_of(opener);
	struct event_device *out;
	struct place place;

	barrier_var(nr); /* the bound that is checked is that of what is used */
	if (!event || !frame || nr >= EVENT_MAX_DEVICES)
		return 0;
	find_place(frame, nr, &place);
	out = &event->devices[nr];
	__builtin_memset(out, 0, sizeof(*out));
	out->disk = place.disk;
	out->part = place.part;
	out->roles = place.roles;
	out->settled_ns = frame->settled_ns[nr];
	read_device(out, frame, event->ret, event->exit_ns);
	return 0;
}
