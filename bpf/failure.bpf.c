// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes that failed, to user space: of which file and where in it. Once one has,
 * also what is written to a file with failed ones, so that user space can tell
 * what has been written again: when it is queued, for that is always seen, and
 * should it fail, that is told in turn. Programs of their own beside those of
 * complete.bpf.c: together they are too much for the stack and for the verifier.
 */
#include "owner.bpf.h"

#define MAX_VECTORS_PER_BIO 256 /* BIO_MAX_VECS */
/* A bio is of one place on the disk and so, but for odd files, of few in its file: what is behind
 * those told of may be anywhere. More would only be more for the verifier. */
#define MAX_RUNS_PER_BIO 32
#define NOWHERE		 (~0ULL)

/* Loops call functions of their own, which the verifier checks once and not for
 * each turn; their arguments are numbers, for 5.10 allows no pointers. */

/*
 * Where in its file the vector of a bio at @address is, @length bytes of it that
 * begin with byte @skip; NOWHERE: cannot be told. Pages are joined to one vector
 * when they are neighbours in memory, which need not be neighbours in the file.
 */
__noinline __u64 place_vector(__u64 address, __u32 skip, __u32 length)
{
	struct bio_vec *vector = (void *)address;
	struct page *page = BPF_CORE_READ(vector, bv_page);
	__u32 start = BPF_CORE_READ(vector, bv_offset) + skip;
	__u64 index = page_index(page), last;

	last = (start + length - 1) / page_bytes;
	page = (void *)((__u64)page + last * bpf_core_type_size(struct page));
	if (page_index(page) != index + last)
		return NOWHERE;
	return index * page_bytes + start;
}

/* How much of the vector at @address goes on at @next of its file, from byte @skip of it and
 * @bytes at most. */
__noinline __u32 extend_run(__u64 address, __u32 skip, __u32 bytes, __u64 next)
{
	__u32 length = BPF_CORE_READ((struct bio_vec *)address, bv_len) - skip;

	if (length > bytes)
		length = bytes;
	return length && place_vector(address, skip, length) == next ? length : 0;
}

/*
 * How far the run of its file goes that begins at byte @skip of the vector at
 * @address, @bytes at most: its bytes << 32 | the vectors that hold it. 0: where
 * it begins cannot be told.
 */
__noinline __u64 measure_run(__u64 address, __u32 skip, __u32 bytes)
{
	__u64 begin = place_vector(address, skip, 1);
	__u32 i, length, run = 0;

	if (begin == NOWHERE)
		return 0;
	for (i = 0; i < MAX_VECTORS_PER_BIO && run < bytes; i++) {
		length = extend_run(address, skip, bytes - run, begin + run);
		if (!length)
			break;
		run += length;
		skip = 0;
		address += sizeof(struct bio_vec);
	}
	return (__u64)run << 32 | i;
}

/* All the bytes of a bio whose iterator has moved on. 0: a clone, whose vectors
 * are another's: where among them it began is not known any more. */
__noinline __u32 measure_bio(__u64 address)
{
	struct bio *bio = (void *)address;
	struct bio_vec *vector = BPF_CORE_READ(bio, bi_io_vec);
	__u32 i, count = BPF_CORE_READ(bio, bi_vcnt), bytes = 0;

	for (i = 0; i < MAX_VECTORS_PER_BIO && i < count; i++)
		bytes += BPF_CORE_READ(vector + i, bv_len);
	return bytes;
}

/* Sends the runs of its file that @bytes of a bio hold. Returns how many bytes
 * are left of which that cannot be told. */
static __always_inline __u32 tell_runs(struct event_write *event, __u64 vector, __u32 skip,
				       __u32 bytes)
{
	__u64 run;
	__u32 i;

	for (i = 0; i < MAX_RUNS_PER_BIO && bytes; i++) {
		run = measure_run(vector, skip, bytes);
		if (!run)
			break;
		event->offset = place_vector(vector, skip, 1);
		event->bytes = run >> 32;
		emit(event, sizeof(*event), LOSS_RING_FLUSH);
		vector += (__u32)run * sizeof(struct bio_vec);
		bytes -= run >> 32;
		skip = 0;
	}
	return bytes;
}

/* Whose write it is, into @event. Returns the owner in the ledger; 0: there is
 * nothing to tell, or it has been told. */
static __always_inline __u64 identify(struct event_write *event, struct bio_view *view)
{
	struct owner owner = {};
	struct ledger_slot *slot;
	struct inode *host;
	struct page *page;
	__u32 index;

	attribute(view, event->disk, &owner);
	/* Of a direct write write() itself tells; WRITE_ZEROES that is refused is
	 * made up for with plain writes. */
	if (owner.direct || (view->opf & 0xff) != REQ_OP_WRITE)
		return 0;
	if (owner.meta)
		event->flags |= WRITE_META;
	if (!owner.hash) {
		event->flags |= WRITE_UNCHARGED;
		if (event->error)
			emit(event, sizeof(*event), LOSS_RING_FLUSH);
		return 0;
	}
	index = slot_index(owner.hash);
	slot = bpf_map_lookup_elem(&slots, &index);
	if (!event->error && (!slot || slot->error_owner != owner.hash))
		return 0;
	page = first_page(view);
	event->s_dev = owner.s_dev;
	event->ino = owner.ino;
	host = BPF_CORE_READ(page_mapping(page), host);
	event->generation = BPF_CORE_READ(host, i_generation);
	event->fs_id = fs_id(BPF_CORE_READ(host, i_sb));
	return owner.hash;
}

/* The bio a file system submitted, of which this is a part that was split off. */
static __always_inline __u64 whole_bio(struct bio_view *view, __u64 address)
{
	struct bio *bio = (void *)address;

	return is_chained(view->end_io) && !BPF_CORE_READ(bio, bi_vcnt) ? view->private : address;
}

/* Which disk it was queued to, and which part of it: it may have been sent on as it is. */
static __always_inline void find_queued(struct event_write *event, __u64 bio)
{
	struct bio_entry *entry = find_bio(&bio);
	__u32 i;

	for (i = 0; i < MAX_SPLITS && entry && entry->whole; i++)
		entry = bpf_map_lookup_elem(&bios, &entry->whole);
	if (!entry || !(entry->via || entry->below))
		return;
	event->disk = entry->disk;
	event->part = entry->part;
}

/*
 * A bio has failed with -@error: @bytes of it, beginning where its iterator
 * stands, or all of it when @bytes is 0. Without @error, it was queued. File
 * systems hold a bio for failed as a whole when a part of it is, so the whole is
 * told of. Returns @bytes.
 */
__noinline __u32 tell_bio(__u64 address, __u32 bytes, __u32 disk, __u32 error)
{
	struct event_write event = {.header = {EVENT_WRITE, EVENTS_VERSION, sizeof(event)}};
	struct bio *bio = (void *)address;
	struct bio_view view = {};
	struct ledger_slot *slot;
	__u32 skip = 0, left = bytes, all = 0, index;
	__u64 owner, whole;

	view_bio(bio, &view);
	whole = whole_bio(&view, address);
	/* Set when an earlier part has failed: it has been told. */
	if (error && bytes && BPF_CORE_READ((struct bio *)whole, bi_status))
		return bytes;
	event.at_ns = bpf_ktime_get_ns();
	event.disk = disk;
	event.error = -(__s32)error;
	if (bpf_core_field_exists(bio->bi_bdev))
		event.part = BPF_CORE_READ(bio, bi_bdev, bd_dev);
	if (error)
		find_queued(&event, whole);
	owner = identify(&event, &view);
	if (!owner)
		return bytes;
	if (error)
		all = measure_bio(whole);
	if (all) {
		view.vector = (__u64)BPF_CORE_READ((struct bio *)whole, bi_io_vec);
		view.index = 0;
		left = all;
	} else if (bytes) {
		skip = BPF_CORE_READ(bio, bi_iter.bi_bvec_done);
	}
	left = left ? tell_runs(&event, view.vector + view.index * sizeof(struct bio_vec), skip,
				left)
		    : 1;
	if (!error)
		return bytes;
	if (left) {
		event.flags |= WRITE_ANYWHERE;
		event.offset = 0;
		event.bytes = left;
		emit(&event, sizeof(event), LOSS_RING_FLUSH);
	}
	/* The records first: who sees the slot must find them in the ring. */
	index = slot_index(owner);
	slot = bpf_map_lookup_elem(&slots, &index);
	if (slot)
		ledger_slot_failed(slot, owner, ledger_instance(event.fs_id, event.generation),
				   event.at_ns);
	return bytes;
}

/* Tells of the bio at @address, of a request of which @left bytes are still to be told of: returns
 * how many of them it has. */
__noinline __u32 tell_share(__u64 address, __u32 left, __u32 disk, __u32 error)
{
	__u32 share = BPF_CORE_READ((struct bio *)address, bi_iter.bi_size);

	if (share > left)
		share = left;
	return share ? tell_bio(address, share, disk, error) : 0;
}

static __always_inline int on_rq_end(struct request *rq, int error, unsigned int nr_bytes)
{
	__u32 i, disk, errno = -completion_errno(error);
	__u64 bio;

	if (!errno || (rq->cmd_flags & 0xff) != REQ_OP_WRITE)
		return 0;
	failures = 1;
	disk = request_disk(rq);
	bio = (__u64)BPF_CORE_READ(rq, bio);
	for (i = 0; i < MAX_BIOS_PER_REQUEST && disk && bio && nr_bytes; i++) {
		nr_bytes -= tell_share(bio, nr_bytes, disk, errno);
		bio = (__u64)BPF_CORE_READ((struct bio *)bio, bi_next);
	}
	return 0;
}

/* A device without requests. A bio without vectors is a flush alone. */
static __always_inline int on_bio_end(struct bio *bio)
{
	__u32 disk, part, errno = -completion_errno(bio->bi_status);

	if (!errno || (bio->bi_opf & 0xff) != REQ_OP_WRITE || !bio->bi_io_vec)
		return 0;
	failures = 1;
	bio_target(bio, &disk, &part);
	tell_bio(as_number(bio), 0, disk, errno);
	return 0;
}

static __always_inline int on_bio_again(struct bio *bio)
{
	__u32 disk, part, bytes;

	if (!failures || (bio->bi_opf & 0xff) != REQ_OP_WRITE)
		return 0;
	bytes = bio->bi_iter.bi_size;
	bio_target(bio, &disk, &part);
	if (bytes)
		tell_bio(as_number(bio), bytes, disk, 0);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(rq_end, struct request *rq, int error, unsigned int nr_bytes)
{
	return GUARDED(on_rq_end(rq, error, nr_bytes));
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(bio_again, struct bio *bio)
{
	return GUARDED(on_bio_again(bio));
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(bio_again_with_queue, struct request_queue *queue, struct bio *bio)
{
	return GUARDED(on_bio_again(bio));
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(bio_end, struct request_queue *queue, struct bio *bio)
{
	return GUARDED(on_bio_end(bio));
}
