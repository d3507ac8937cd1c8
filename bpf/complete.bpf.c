// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bios and requests that complete → what was written, flushes and FUA in the ledger.
 *
 * Flushes are followed by request pointer: the task that issues one is a
 * worker, the one that completes it whatever the interrupt hit.
 */
#include "call.bpf.h"
#include "owner.bpf.h"

#define EIO 5 /* include/uapi/asm-generic/errno-base.h */

/* The end of a remembered bio, as it concerns the call that queued it. */
static __always_inline void frame_finish(struct bio_entry *entry, bool fua, bool failed)
{
	struct frame *frame;
	__u32 tid = entry->frame_tid;
	/* Else it was a flush alone, of whose failure the device's record tells. */
	bool wrote = entry->left_bytes > 0 || entry->done_ns;

	if (!entry->frame_id)
		return;
	frame = bpf_map_lookup_elem(&frames, &tid);
	if (!frame || frame->id != entry->frame_id)
		return;
	if (failed)
		__sync_fetch_and_add(&frame->own_errors, wrote);
	else if (fua && entry->done_ns)
		__sync_fetch_and_add(&frame->own_fua, 1);
	else if (entry->is_meta)
		ledger_max(&frame->own_meta_done_ns, entry->done_ns);
	else if (entry->own_data)
		ledger_max(&frame->own_data_done_ns, entry->done_ns);
	frame_pends_less(frame, entry);
}

/* ... and the log of the file system it belongs to. */
static __always_inline void log_finish(struct bio_entry *entry, bool fua, bool failed)
{
	struct ledger_log *log;

	if (!entry->is_log && !entry->is_commit)
		return;
	log = log_get(entry->part);
	if (!log)
		return;
	if (!fua && !failed)
		ledger_max(&log->done_ns, entry->done_ns);
	if (entry->is_log)
		__sync_fetch_and_add(&log->ended, 1);
	if (failed)
		return;
	if (entry->is_commit && log->commit_queued_ns <= entry->queued_ns) {
		/* In this order: see read_commit(). */
		*(volatile __u64 *)&log->commit_queued_ns = entry->queued_ns;
		*(volatile __u64 *)&log->commit_flush_ns = entry->commit_flush_ns;
		if (fua)
			*(volatile __u64 *)&log->commit_stable_ns = entry->done_ns;
		*(volatile __u64 *)&log->commit_done_ns = entry->done_ns;
	}
}

static __always_inline void emit_drain(__u32 disk, __u32 slot, __u64 now)
{
	struct event_drain event = {
		.header = {EVENT_DRAIN, EVENTS_VERSION, sizeof(event)},
		.disk = disk,
		.slot = slot,
		.done_ns = now,
	};

	emit(&event, sizeof(event), LOSS_RING_FLUSH);
}

/* A remembered bio is over: whoever deletes it has the right to say so. */
static __always_inline void finish_bio(__u64 key, struct bio_entry *found, bool fua, bool failed)
{
	struct bio_entry entry = *found;

	if (bpf_map_delete_elem(&bios, &key))
		return;
	frame_finish(&entry, fua, failed);
	log_finish(&entry, fua, failed);
}

enum completion {
	COMPLETION_FUA = 1 << 0,
	COMPLETION_FAILED = 1 << 1,
	COMPLETION_KNOWN = 1 << 2,    /* it was seen queued */
	COMPLETION_SEQUENCE = 1 << 3, /* a flush may still follow */
};

/* @bytes of a bio were transferred, or failed: into the ledger. */
static __always_inline void account_bytes(struct bio_view *view, __u32 disk, __u32 bytes,
					  __u32 flags, __u64 now)
{
	bool fua = flags & COMPLETION_FUA, tracked;
	struct ledger_device *device = device_get(disk);
	struct ledger_slot *slot;
	struct owner owner;
	__u32 index;

	if (!device)
		return;
	attribute(view, disk, &owner);
	tracked = (flags & COMPLETION_KNOWN) && !owner.direct && !(view->opf & OPF(NOWAIT));
	ledger_device_done(device, bytes, tracked, owner.hash || owner.meta, fua, now);
	if (!owner.meta)
		ledger_max(&device->data_done_ns, now);
	if (!owner.hash)
		return;
	index = slot_index(owner.hash);
	slot = bpf_map_lookup_elem(&slots, &index);
	if (slot &&
	    ledger_slot_done(slot, owner.hash, bytes, tracked, fua, flags & COMPLETION_FAILED, now))
		emit_drain(disk, index, now);
}

/* A write of @owner has ended on the disk @disk, which has no requests: into the ledger. */
static __always_inline void account_end(struct bio_entry *entry, __u32 disk, __u64 owner,
					__u64 bytes, int error)
{
	struct ledger_device *device = device_get(disk);
	__u32 index = slot_index(owner);
	struct ledger_slot *slot;
	__u64 now = entry->done_ns;

	if (!device)
		return;
	ledger_device_done(device, bytes, entry->tracked, owner || entry->is_meta, entry->fua, now);
	if (!entry->is_meta)
		ledger_max(&device->data_done_ns, now);
	slot = owner ? bpf_map_lookup_elem(&slots, &index) : NULL;
	if (slot && ledger_slot_done(slot, owner, bytes, entry->tracked, entry->fua, error, now))
		emit_drain(disk, index, now);
}

/* The end of a bio on a device without requests: dm, md, zram, pmem, the head of NVMe's paths.
 * Returns 1, or 0 when another CPU has told of it. */
__noinline int end_bio(__u64 address, int error, __u64 now)
{
	__u64 key = address;
	struct bio_entry *found = bpf_map_lookup_elem(&bios, &key), entry;
	struct ledger_device *device;

	if (!found)
		return 0;
	entry = *found;
	if (bpf_map_delete_elem(&bios, &key))
		return 0;
	device = entry.disk ? device_get(entry.disk) : NULL;
	if (!device)
		return 1;
	if (entry.deaf) /* what it asks of that device is not done */
		entry.fua = 0;
	if (entry.bytes > 0) {
		entry.done_ns = now;
		account_end(&entry, entry.disk, entry.owner, entry.bytes, error);
		if (entry.via)
			account_end(&entry, entry.via, entry.via_owner, entry.via_bytes, error);
	}
	if (entry.preflush && !entry.deaf) {
		/* Just before: its own data, done within the same tick, are not covered by it. */
		ledger_device_flushed(device, entry.queued_ns - 1, error, now);
		emit_flush(entry.disk, entry.queued_ns, now, error, true);
	}
	frame_finish(&entry, entry.fua, error);
	log_finish(&entry, entry.fua, error);
	return 1;
}

/*
 * One bio of a completed request, of which @left bytes are still to be told of: returns how many
 * of them it has. A function of its own with plain numbers as arguments: the verifier then checks
 * it once, not for each turn of the loop.
 */
__noinline __u32 complete_bio(__u64 address, __u32 left, __u32 disk, __u32 flags, __u64 now)
{
	struct bio *bio = (void *)address;
	struct bio_entry *entry;
	struct bio_view view = {};
	__u64 key = address;
	__u32 bytes = BPF_CORE_READ(bio, bi_iter.bi_size);

	if (bytes > left)
		bytes = left;
	view_bio(bio, &view);
	account_bytes(&view, disk, bytes, flags, now);
	entry = find_bio(&key);
	if (!entry || (entry->disk != disk && !entry->below))
		return bytes;
	__sync_fetch_and_add(&entry->left_bytes, -(__s64)bytes);
	entry->done_ns = now;
	if (flags & COMPLETION_FAILED)
		entry->failed = 1;
	if (entry->disk == disk && entry->left_bytes <= 0 && !(flags & COMPLETION_SEQUENCE))
		finish_bio(key, entry, flags & COMPLETION_FUA, entry->failed);
	return bytes;
}

/*
 * All that a bio with PREFLUSH or FUA asked for is done. If the end of its data was missed, that
 * ended before. A function of its own: it has a copy of the entry, and the stack is shared.
 */
__noinline int end_sequence(__u64 address, __u32 disk, __u32 flags, int error)
{
	__u64 key = address;
	struct bio_entry *entry = bpf_map_lookup_elem(&bios, &key);
	bool fua = flags & COMPLETION_FUA;

	if (!entry || entry->disk != disk)
		return 0;
	if (entry->bytes > 0 && !entry->done_ns) {
		entry->done_ns = bpf_ktime_get_ns();
		fua |= entry->fua;
	}
	finish_bio(key, entry, fua, error || entry->failed);
	return 0;
}

/*
 * What of a completed request lies behind the bios that can be walked. Their
 * inodes keep it as in flight, until a sync finds their pages written
 * (recover_slot); as done it counts against everybody.
 */
__noinline int account_rest(__u32 disk, __u32 bytes, __u32 flags, __u64 now)
{
	struct ledger_device *device = device_get(disk);

	if (!device)
		return 0;
	ledger_device_done(device, bytes, flags & COMPLETION_KNOWN, true, flags & COMPLETION_FUA,
			   now);
	ledger_max(&device->unattributed_done_ns, now);
	ledger_max(&device->data_done_ns, now);
	return 0;
}

static __always_inline int on_rq_issue(struct request *rq)
{
	struct ledger_device *device;
	__u64 key = (__u64)rq, now, *unseen, before;
	__u32 disk;

	if ((rq->cmd_flags & 0xff) != REQ_OP_FLUSH)
		return 0;
	count_hit(HOOK_RQ_ISSUE_FLUSH);
	disk = request_disk(rq);
	device = disk ? device_get(disk) : NULL;
	if (!device)
		return 0;
	now = bpf_ktime_get_ns();
	/* A flush queue runs one flush at a time: this one's predecessor ended unseen. */
	unseen = bpf_map_lookup_elem(&flushes, &key);
	if (unseen) {
		before = *unseen;
		if (!bpf_map_delete_elem(&flushes, &key)) {
			__sync_fetch_and_add(&device->flushes, 1);
			ledger_max(&device->unseen_ns, before);
			emit_flush(disk, before, now, 0, false);
		}
	}
	device->flush_rq = 0;
	device->flush_issue_ns = now;
	device->flush_rq = key;
	if (bpf_map_update_elem(&flushes, &key, &now, BPF_ANY))
		count_loss(LOSS_FLUSHES);
	return 0;
}

/* Sent back by the driver, to be issued again: it has not ended. */
static __always_inline int on_rq_requeue(struct request *rq)
{
	__u64 key = (__u64)rq;

	if ((rq->cmd_flags & 0xff) == REQ_OP_FLUSH)
		bpf_map_delete_elem(&flushes, &key);
	return 0;
}

static __always_inline int flush_complete(struct request *rq, int error)
{
	__u64 key = (__u64)rq, issue, now = bpf_ktime_get_ns();
	__u64 *issued = bpf_map_lookup_elem(&flushes, &key);
	struct ledger_device *device;
	__u32 disk;

	if (!issued)
		return 0;
	issue = *issued;
	bpf_map_delete_elem(&flushes, &key);
	disk = request_disk(rq);
	device = disk ? device_get(disk) : NULL;
	if (!device)
		return 0;
	if (device->flush_rq == key)
		device->flush_rq = 0;
	/* The record first: who sees the watermark must find it in the ring. */
	emit_flush(disk, issue, now, completion_errno(error), false);
	ledger_device_flushed(device, issue, error, now);
	return 0;
}

/*
 * A request, or @nr_bytes of it, completed. One that carries PREFLUSH or FUA
 * through the flush machinery completes twice: first its data (RQF_FLUSH_SEQ
 * still set, a post-flush may follow), then the whole with 0 bytes.
 */
static __always_inline int on_rq_complete(struct request *rq, int error, unsigned int nr_bytes)
{
	unsigned int opf = rq->cmd_flags;
	__u32 disk, flags = 0, i;
	struct bio *bio;
	__u64 now;

	if ((opf & 0xff) == REQ_OP_FLUSH)
		return flush_complete(rq, error);
	if (!op_is_data(opf))
		return 0;
	count_hit(HOOK_RQ_COMPLETE);
	disk = request_disk(rq);
	if (!disk)
		return 0;
	now = bpf_ktime_get_ns();
	bio = BPF_CORE_READ(rq, bio);
	if (!nr_bytes) {
		end_sequence((__u64)bio, disk, opf & OPF(FUA) ? COMPLETION_FUA : 0, error);
		return 0;
	}
	if (opf & OPF(FUA))
		flags |= COMPLETION_FUA;
	if (error)
		flags |= COMPLETION_FAILED;
	if (!rq->start_time_ns || rq->start_time_ns >= base_ns)
		flags |= COMPLETION_KNOWN;
	if (rq->rq_flags & flush_sequence)
		flags |= COMPLETION_SEQUENCE;
	for (i = 0; i < MAX_BIOS_PER_REQUEST && bio && nr_bytes; i++) {
		nr_bytes -= complete_bio((__u64)bio, nr_bytes, disk, flags, now);
		bio = BPF_CORE_READ(bio, bi_next);
	}
	if (bio && nr_bytes)
		account_rest(disk, nr_bytes, flags, now);
	return 0;
}

/* The bio at @address, or what it is a part of, if it was sent on and all of it is over. Then the
 * one that was split off from another before is a part of that. */
__noinline int end_sent_on(__u64 address, int error)
{
	__u64 key = address, whole, now = bpf_ktime_get_ns();
	struct bio_entry *entry = find_bio(&key);
	__s64 bytes;
	__u32 i;

	for (i = 0; i < MAX_SPLITS && entry && entry->below && entry->left_bytes <= 0; i++) {
		whole = entry->whole;
		bytes = entry->bytes;
		if (entry->failed)
			error = -EIO;
		if (!end_bio(key, error, now) || !whole)
			break;
		key = whole;
		entry = bpf_map_lookup_elem(&bios, &key);
		if (!entry)
			break;
		if (error)
			entry->failed = 1;
		__sync_fetch_and_add(&entry->left_bytes, -bytes);
		entry->done_ns = now;
	}
	return 0;
}

/* A request completed, after on_rq_complete(): the ends of bios that another device sent on. */
static __always_inline int on_rq_over(struct request *rq, int error, unsigned int nr_bytes)
{
	unsigned int opf = rq->cmd_flags;
	struct bio *bio;
	__u32 i;

	if (!sent_on || !op_is_data(opf) || (opf & 0xff) == REQ_OP_FLUSH)
		return 0;
	if (nr_bytes && (rq->rq_flags & flush_sequence))
		return 0; /* a flush may still follow */
	bio = BPF_CORE_READ(rq, bio);
	error = completion_errno(error);
	for (i = 0; i < MAX_BIOS_PER_REQUEST && bio; i++) {
		end_sent_on((__u64)bio, error);
		bio = BPF_CORE_READ(bio, bi_next);
	}
	return 0;
}

static __always_inline int on_bio_complete(struct bio *bio)
{
	__u64 key = (__u64)bio;
	struct bio_entry *found = bpf_map_lookup_elem(&bios, &key);
	int error = completion_errno(bio->bi_status);

	if (!found || !found->bio_based)
		return 0;
	/* NVMe says so of what went to one of its paths before it is known how it ended. */
	if (found->below && found->bytes && !error)
		return 0;
	end_bio(as_number(bio), error, bpf_ktime_get_ns());
	return 0;
}

/* Thin sections: up to 5.10 these tracepoints had the queue as first argument.
 * User space counts the arguments in BTF and loads the one that fits. */
SEC("tp_btf/block_rq_issue")
int BPF_PROG(rq_issue, struct request *rq)
{
	return GUARDED(on_rq_issue(rq));
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(rq_issue_with_queue, struct request_queue *queue, struct request *rq)
{
	return GUARDED(on_rq_issue(rq));
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(rq_requeue, struct request *rq)
{
	return GUARDED(on_rq_requeue(rq));
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(rq_requeue_with_queue, struct request_queue *queue, struct request *rq)
{
	return GUARDED(on_rq_requeue(rq));
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(rq_complete, struct request *rq, int error, unsigned int nr_bytes)
{
	return GUARDED(on_rq_complete(rq, error, nr_bytes));
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(rq_over, struct request *rq, int error, unsigned int nr_bytes)
{
	return GUARDED(on_rq_over(rq, error, nr_bytes));
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(bio_complete, struct request_queue *queue, struct bio *bio)
{
	return GUARDED(on_bio_complete(bio));
}
