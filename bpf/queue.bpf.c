// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bios that are queued, or sent on by one device to another → writes in flight in the ledger.
 * Writes are counted in bytes here and where requests complete (complete.bpf.c), each time
 * charged to the inode their first page belongs to: splits, merges and partial completions then
 * need no bookkeeping per bio. Only bios whose own end matters are remembered (struct bio_entry).
 */
#include "call.bpf.h"
#include "owner.bpf.h"

/* Is this a write of what the call is about? The thread may also write for
 * others: memory reclaim, a journal checkpoint. btrfs' compressed extents have
 * no inode on their pages. */
static __always_inline bool is_call_data(struct frame *frame, struct owner *owner)
{
	if (frame->flags & SYNC_WHOLE_FS)
		return !owner->meta && owner->s_dev == frame->s_dev;
	if (owner->ino && !owner->meta)
		return owner->ino == frame->ino && owner->s_dev == frame->s_dev;
	return !owner->meta && frame->fs_magic == BTRFS_MAGIC;
}

/* Notes in the call in progress that its own thread queued this bio. */
static __always_inline void frame_queued(struct frame *frame, struct bio_entry *entry, __u32 bytes,
					 bool data, __u64 now)
{
	entry->frame_id = frame->id;
	entry->frame_tid = bpf_get_current_pid_tgid();
	entry->own_data = data;
	frame->own_bytes += bytes;
	if (data) {
		__sync_fetch_and_add(&frame->own_data_pending, 1);
		frame->own_data_queued_ns = now;
		frame->own_data_disk = !frame->own_data_disk || frame->own_data_disk == entry->disk
					       ? entry->disk
					       : DISK_SEVERAL;
		if (frame->wait_source != WAIT_OBSERVED)
			frame->wait_done_ns = 0; /* it was not over after all */
	}
	if (entry->is_meta)
		__sync_fetch_and_add(&frame->own_meta_pending, 1);
	if (!entry->preflush)
		return;
	frame->flags |= SYNC_ASKED_FLUSH;
	__sync_fetch_and_add(&frame->own_flush_pending, 1);
	/* ext4, xfs, btrfs, f2fs and block devices ask for the flush only after
	 * waiting for the data (fs/ext4/fsync.c, fs/xfs/xfs_file.c, ...). Not so where all
	 * of a file system is synced: ext4_sync_fs is called once before that wait, too. */
	if (!frame->wait_done_ns && !(frame->flags & SYNC_WHOLE_FS))
		frame_wait_over(frame, now, WAIT_OWN_FLUSH);
	if (!bytes)
		frame->asked_alone = 1;
}

/* Synchronous metadata in flight on its partition. */
static __always_inline void log_begun(struct bio_entry *entry)
{
	struct ledger_log *log = entry->is_log ? log_get(entry->part) : NULL;

	if (log)
		__sync_fetch_and_add(&log->begun, 1);
}

static __always_inline void log_ended(struct bio_entry *entry)
{
	struct ledger_log *log = entry->is_log ? log_get(entry->part) : NULL;

	if (log)
		__sync_fetch_and_add(&log->ended, 1);
}

/* @earlier is a part of the same bio as @entry: one end for both. False: they cannot be told
 * together. The frame and the log count the two as one. */
static __always_inline bool join(struct bio_entry *entry, struct bio_entry *earlier,
				 struct frame *frame)
{
	if (earlier->disk != entry->disk || earlier->part != entry->part ||
	    earlier->owner != entry->owner || earlier->frame_id != entry->frame_id ||
	    earlier->tracked != entry->tracked || earlier->own_data != entry->own_data ||
	    earlier->is_meta != entry->is_meta || earlier->is_log != entry->is_log ||
	    earlier->preflush != entry->preflush || earlier->fua != entry->fua)
		return false;
	if (frame)
		frame_pends_less(frame, entry);
	entry->queued_ns = earlier->queued_ns;
	entry->bytes += earlier->bytes;
	entry->left_bytes += earlier->left_bytes;
	entry->is_commit |= earlier->is_commit;
	if (earlier->is_commit)
		entry->commit_flush_ns = earlier->commit_flush_ns;
	entry->failed |= earlier->failed;
	entry->deaf |= earlier->deaf;
	entry->via = earlier->via;
	entry->via_owner = earlier->via_owner;
	entry->via_bytes = earlier->via_bytes;
	entry->below = earlier->below;
	return true;
}

/* When it ends will not be known. */
static __always_inline void lose_bio(struct ledger_device *device, enum event_loss cause)
{
	count_loss(cause);
	__sync_fetch_and_add(&device->lost, 1);
}

static __always_inline void remember(struct bio *bio, struct bio_entry *entry, struct frame *frame,
				     struct ledger_device *device)
{
	__u64 self = (__u64)bio;
	__u64 key = entry->bio_based && !device->sends_on ? ends_with(bio) : self;
	struct bio_entry *earlier = bpf_map_lookup_elem(&bios, &self);
	bool known = true, joined = false;

	if (earlier && earlier->awaits) {
		known = joined = join(entry, earlier, frame);
		if (key != self)
			bpf_map_delete_elem(&bios, &self);
	} else if (earlier) { /* whose end was missed */
		log_ended(earlier);
	}
	if (key != self) {
		earlier = bpf_map_lookup_elem(&bios, &key);
		entry->awaits = !earlier || earlier->awaits;
		if (earlier) {
			known &= join(entry, earlier, frame);
			joined = true;
		}
	}
	if (!bpf_map_update_elem(&bios, &key, entry, BPF_ANY) && known) {
		if (!joined)
			log_begun(entry);
		return;
	}
	lose_bio(device, known ? LOSS_BIOS : LOSS_PARTS);
	if (frame)
		frame->flags |= SYNC_TOUCHED_BY_LOSS;
}

/*
 * Is a metadata write with FUA a commit record? With PREFLUSH it is (jbd2, the
 * iclog of an xfs commit; xfs' other iclogs have PREFLUSH alone). btrfs asks for the flush first
 * and writes its super block with FUA only (barrier_all_devices). FUA alone else is the update of a
 * journal's super block, a page of the device's cache, which commits nothing; or an iclog on a log
 * device of its own, from memory of xfs' own: the flush before it went to the data device.
 * @asked: where an empty flush for this file system is noted, which may be the whole disk's.
 */
static __always_inline void log_asked(struct ledger_log *log, struct ledger_log *asked,
				      struct bio_entry *entry, __u32 bytes, __u64 now)
{
	if (!bytes) {
		log->flush_asked_ns = now;
		log->flush_asked_tid = entry->tid;
		return;
	}
	if (entry->preflush) {
		entry->commit_flush_ns = now;
	} else if (asked->flush_asked_tid == entry->tid && asked->flush_asked_ns) {
		entry->commit_flush_ns = asked->flush_asked_ns;
		asked->flush_asked_ns = 0;
	} else if (entry->owner) {
		entry->is_commit = 0;
		return;
	}
	log->pending_flush_ns = entry->commit_flush_ns;
	log->pending_queued_ns = now;
}

/* A bio with data is queued to a device: into the ledger, and who it is charged to into @entry. */
static __always_inline void charge_queued(struct bio *bio, struct ledger_device *device,
					  struct bio_entry *entry, struct bio_view *view,
					  struct owner *owner)
{
	struct ledger_slot *slot;
	__u32 index;

	__sync_fetch_and_add(&device->writes, 1);
	view_bio(bio, view);
	attribute(view, entry->disk, owner);
	/* A direct write in flight has promised nothing yet, so it need not be
	 * waited for; one with REQ_NOWAIT may even be turned away unseen. */
	entry->tracked =
		entry->queued_ns >= base_ns && !owner->direct && !(view->opf & OPF(NOWAIT));
	if (entry->tracked)
		ledger_device_queued(device, entry->bytes, owner->hash || owner->meta);
	if (!owner->hash)
		return;
	index = slot_index(owner->hash);
	slot = bpf_map_lookup_elem(&slots, &index);
	if (slot) {
		ledger_slot_claim(slot, device->watermark_ns, owner->hash, entry->queued_ns);
		if (entry->tracked)
			ledger_slot_queued(slot, entry->bytes);
		if (owner->direct)
			slot->direct = 1;
	}
	entry->owner = owner->hash;
}

static __always_inline int on_bio_queue(struct bio *bio)
{
	unsigned int opf = bio->bi_opf;
	__u32 bytes = bio->bi_iter.bi_size;
	struct bio_entry entry = {};
	struct ledger_device *device;
	struct ledger_log *log;
	struct owner owner = {};
	struct bio_view view = {};
	struct ledger_log *asked;
	struct frame *frame;
	__u64 cache, now;
	__u32 part;

	entry.preflush = !!(opf & OPF(PREFLUSH));
	if (!op_is_data(opf) && !entry.preflush)
		return 0;
	count_hit(HOOK_BIO_QUEUE);
	cache = queue_cache(bio_target(bio, &entry.disk, &entry.part));
	device = device_get(entry.disk);
	if (!device)
		return 0;
	if (device->cache != cache)
		device->cache = cache;
	now = bpf_ktime_get_ns();
	entry.queued_ns = now;
	entry.fua = !!(opf & OPF(FUA));
	entry.bio_based = !(cache & CACHE_BIT_RQ_BASED);
	entry.bytes = bytes;
	entry.left_bytes = bytes;
	if (bytes) {
		charge_queued(bio, device, &entry, &view, &owner);
		entry.is_meta = owner.meta;
		entry.is_log = owner.meta && (opf & OPF(SYNC));
		entry.is_commit = owner.meta && entry.fua;
	}
	frame = current_frame();
	if (!frame && !entry.bio_based && !entry.preflush && !entry.fua && !entry.is_log)
		return 0;
	entry.tid = bpf_get_current_pid_tgid();
	part = bytes ? bio_partition(bio) : 0;
	asked = part ? log_get(entry.part) : NULL;
	if (part)
		entry.part = part;
	if (entry.preflush || entry.is_commit) {
		log = log_get(entry.part);
		if (log)
			log_asked(log, asked ?: log, &entry, bytes, now);
	}
	if (frame) {
		if (entry.is_commit)
			frame->flags |= SYNC_OWN_COMMIT;
		frame_queued(frame, &entry, bytes, bytes && is_call_data(frame, &owner), now);
		if (entry.own_data) {
			frame->own_data_page = owner.direct ? 0 : (__u64)first_page(&view);
			frame->own_data_writes++;
		}
	}
	remember(bio, &entry, frame, device);
	return 0;
}

/* A part of a part of the bio at @whole goes on to a disk with requests, which tell when it ends:
 * with that bio, not with the part in between, which may be sent on elsewhere. */
static __always_inline void remember_part(struct bio *bio, struct bio_entry *part, __u64 whole,
					  struct ledger_device *device)
{
	__u64 key = (__u64)bio;

	part->whole = whole;
	part->below = part->disk;
	part->disk = 0;
	part->left_bytes = part->bytes;
	if (bpf_map_update_elem(&bios, &key, part, BPF_ANY))
		lose_bio(device, LOSS_BIOS);
}

/*
 * A bio goes on from the disk @from to another as it is, or a part of it does, from the head of
 * NVMe's paths or from raid0. Of that no tracepoint tells but this one: a bio is shown once as
 * queued, and once as completed. A partition that is resolved is shown here too.
 */
static __always_inline int on_bio_remap(struct bio *bio, __u32 from)
{
	struct bio_entry *found, entry = {};
	__u64 key = (__u64)bio, cache;
	struct bio_view view = {};
	struct owner owner = {};
	struct ledger_device *device;

	found = find_bio(&key);
	if (found && found->whole && found->disk != from) { /* the rest was sent on before it */
		key = found->whole;
		found = bpf_map_lookup_elem(&bios, &key);
	}
	if (!found || !found->bio_based || (from != found->disk && from != found->via))
		return 0;
	cache = queue_cache(bio_target(bio, &entry.disk, &entry.part));
	device = device_get(entry.disk);
	if (!device)
		return 0;
	device->cache = cache;
	sent_on = 1;
	entry.queued_ns = bpf_ktime_get_ns();
	entry.bytes = bio->bi_iter.bi_size;
	if (entry.bytes)
		charge_queued(bio, device, &entry, &view, &owner);
	if (!(cache & CACHE_BIT_WRITE_BACK))
		found->deaf = 1;
	if (cache & CACHE_BIT_RQ_BASED) {
		found->below = entry.disk;
		if ((__u64)bio != key && (__u64)BPF_CORE_READ(bio, bi_private) != key)
			remember_part(bio, &entry, key, device);
		device = device_get(found->disk);
		if (device)
			device->sends_on = 1;
	} else if (ends_with(bio) == key) { /* as it is, or a part whose end is not told */
		if (found->via && (found->via != entry.disk || found->via_owner != entry.owner)) {
			lose_bio(device, LOSS_PARTS);
			return 0;
		}
		found->via = entry.disk;
		found->via_owner = entry.owner;
		found->via_bytes += entry.bytes;
	} else {
		entry.whole = key;
		entry.bio_based = 1;
		entry.left_bytes = entry.bytes;
		entry.is_meta = owner.meta;
		entry.fua = found->fua;
		entry.deaf = found->deaf;
		remember(bio, &entry, NULL, device);
		found->below = entry.disk;
	}
	return 0;
}

/* Thin sections: up to 5.10 these tracepoints had the queue as first argument.
 * User space counts the arguments in BTF and loads the one that fits. */
SEC("tp_btf/block_bio_queue")
int BPF_PROG(bio_queue, struct bio *bio)
{
	return GUARDED(on_bio_queue(bio));
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(bio_queue_with_queue, struct request_queue *queue, struct bio *bio)
{
	return GUARDED(on_bio_queue(bio));
}

SEC("tp_btf/block_bio_remap")
int BPF_PROG(bio_remap, struct bio *bio, unsigned int from)
{
	return GUARDED(on_bio_remap(bio, from));
}

SEC("tp_btf/block_bio_remap")
int BPF_PROG(bio_remap_with_queue, struct request_queue *queue, struct bio *bio, unsigned int from)
{
	return GUARDED(on_bio_remap(bio, from));
}
