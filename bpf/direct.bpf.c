// SPDX-License-Identifier: GPL-2.0-only
/*
 * Direct writes to files opened O_DSYNC or O_SYNC. Most end in vfs_fsync_range, which
 * vfs.bpf.c and fs.bpf.c see, in the thread that wrote or in a worker. An overwrite on a
 * drive that takes FUA needs no sync: its writes carry FUA, and on one without a volatile
 * cache nothing at all (fs/iomap/direct-io.c). Then the end of the write is the sync call.
 */
#include "frame.bpf.h"
#include "owner.bpf.h"
#include "written.bpf.h"

/* The direct write that a bio is a part of, NULL: it is of none. */
static __always_inline struct kiocb *direct_write_of(struct bio_view *view)
{
	__u64 end_io, private;

	view_end(view, &end_io, &private);
	if (!end_io_iomap || end_io != end_io_iomap)
		return NULL;
	return BPF_CORE_READ((struct iomap_dio *)private, iocb);
}

static __always_inline void asker_writes(struct asker *asker, struct kiocb *iocb)
{
	if (BPF_CORE_READ(iocb, ki_flags) & IOCB_SYNC)
		asker_is_current(asker, SYNC_O_SYNC, 0);
	else
		asker_is_current(asker, SYNC_O_DSYNC, SYNC_DATASYNC);
}

/* Once for each part: the memory of a write that is over may be the next one's. */
static __always_inline void remember_late(struct dio *dio)
{
	struct kiocb *iocb = BPF_CORE_READ(dio, iocb);
	struct late_write late = {};
	__u64 key = (__u64)dio;

	if (!(BPF_CORE_READ(iocb, ki_flags) & IOCB_DSYNC) ||
	    !is_target(bpf_get_current_pid_tgid() >> 32))
		return;
	asker_writes(&late.asker, iocb);
	late.file = (__u64)BPF_CORE_READ(iocb, ki_filp);
	bpf_map_update_elem(&late_writes, &key, &late, BPF_ANY);
}

static __always_inline struct direct_write *remember_write(struct kiocb *iocb, __u32 disk)
{
	struct direct_write fresh = {}, *found;
	__u64 key = (__u64)iocb;

	found = bpf_map_lookup_elem(&directs, &key);
	if (found && found->file == (__u64)BPF_CORE_READ(iocb, ki_filp))
		return found;
	if (!is_target(bpf_get_current_pid_tgid() >> 32))
		return NULL;
	asker_writes(&fresh.asker, iocb);
	fresh.queued_ns = bpf_ktime_get_ns();
	fresh.id = new_call_id(fresh.queued_ns);
	fresh.file = (__u64)BPF_CORE_READ(iocb, ki_filp);
	fresh.disk = disk;
	if (bpf_map_update_elem(&directs, &key, &fresh, BPF_ANY)) {
		count_loss(LOSS_BIOS);
		return NULL;
	}
	/* Here, for its end may interrupt another walk. */
	emit_path(fresh.file, fresh.id);
	/* Should a worker sync the file at its end, it is known for whom. */
	asker_await(fresh.file, &fresh.asker);
	return bpf_map_lookup_elem(&directs, &key);
}

static __always_inline int on_direct_queue(struct bio *bio)
{
	unsigned int opf = bio->bi_opf;
	struct direct_write *write;
	struct bio_view view = {};
	struct kiocb *iocb;
	struct dio *dio;
	bool async;
	__u32 disk, part, bytes = bio->bi_iter.bi_size;

	if ((opf & 0xff) != REQ_OP_WRITE || !bytes)
		return 0;
	view_bio(UNTYPED(bio), &view);
	iocb = direct_write_of(&view);
	if (!iocb) {
		dio = dio_of(&view, &async);
		if (dio && async)
			remember_late(dio);
		return 0;
	}
	if (!(BPF_CORE_READ(iocb, ki_flags) & IOCB_DSYNC)) {
		if (note_files && is_target(bpf_get_current_pid_tgid() >> 32))
			written_note((__u64)BPF_CORE_READ(iocb, ki_filp, f_mapping, host), bytes);
		return 0;
	}
	/* Each part counts, whoever queues it: one without FUA must not be missed. */
	bio_target(bio, &disk, &part);
	write = remember_write(iocb, disk);
	if (!write || write->disk != disk)
		return 0; /* the same on a layer below */
	__sync_fetch_and_add(&write->bytes, bytes);
	if (opf & OPF(FUA))
		__sync_fetch_and_add(&write->fua_bytes, bytes);
	return 0;
}

/* The write is complete, and no sync of the file follows. */
static __always_inline int report_write(struct direct_write *write)
{
	struct frame *frame;

	if (frame_open(write->file, write->asker.kind, HOOK_DIRECT,
		       write->asker.flags | SYNC_DIRECT))
		return 0;
	frame = frame_of(HOOK_DIRECT);
	if (!frame)
		return 0;
	frame->id = write->id;
	frame_asked_by(frame, &write->asker);
	frame->enter_ns = write->queued_ns;
	frame->own_bytes = write->bytes;
	frame->own_fua = write->fua_bytes > 0;
	frame->own_data_disk = write->disk;
	if (write->fua_bytes < write->bytes)
		frame->own_data_done_ns = bpf_ktime_get_ns();
	return frame_close(HOOK_DIRECT, 0, SCRATCH_DIRECT);
}

/* @synced: a sync of the file follows, or has been, which is told of by itself. */
static __always_inline int write_over(struct kiocb *iocb, bool synced)
{
	struct direct_write *found, write;
	__u64 key = (__u64)iocb;
	struct asker *asker;

	found = bpf_map_lookup_elem(&directs, &key);
	if (!found)
		return 0;
	write = *found;
	if (bpf_map_delete_elem(&directs, &key) || synced)
		return 0;
	asker = bpf_map_lookup_elem(&askers, &write.file);
	if (asker)
		asker_served(write.file, asker);
	return report_write(&write);
}

static __always_inline int dio_over(struct iomap_dio *dio)
{
	bool synced = BPF_CORE_READ(dio, flags) & IOMAP_DIO_NEED_SYNC;
	struct direct_sync sync = {.file = (__u64)BPF_CORE_READ(dio, iocb, ki_filp)};
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tid = pid_tgid;

	if (synced && is_target(pid_tgid >> 32))
		bpf_map_update_elem(&direct_syncs, &tid, &sync, BPF_ANY);
	/* Of one that failed write() itself tells. */
	return write_over(BPF_CORE_READ(dio, iocb), synced || BPF_CORE_READ(dio, error));
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(direct_queue, struct bio *bio)
{
	return GUARDED(on_direct_queue(bio));
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(direct_queue_with_queue, struct request_queue *queue, struct bio *bio)
{
	return GUARDED(on_direct_queue(bio));
}

SEC("fentry/iomap_dio_complete")
int BPF_PROG(fentry_dio_complete, struct iomap_dio *dio)
{
	return GUARDED(dio_over(UNTYPED(dio)));
}

SEC("kprobe/iomap_dio_complete")
int BPF_KPROBE(kprobe_dio_complete, struct iomap_dio *dio)
{
	return GUARDED(dio_over(dio));
}

/* From 6.5 on; fires when a sync of the file, if there was one, is over. */
SEC("raw_tp/iomap_dio_complete")
int fs_dio_complete(struct bpf_raw_tracepoint_args *ctx)
{
	struct kiocb *iocb = (void *)ctx->args[0];
	__u64 key = (__u64)iocb;
	struct direct_write *write = bpf_map_lookup_elem(&directs, &key);
	struct ledger_device *device;
	struct asker *asker;
	bool synced;

	if (!write)
		return 0;
	asker = bpf_map_lookup_elem(&askers, &write->file);
	synced = !asker || asker->synced_ns >= write->queued_ns;
	/* Without FUA a queue with a cache needs one; where it was not seen is a blind spot. */
	device = bpf_map_lookup_elem(&devices, &write->disk);
	if (write->fua_bytes < write->bytes && device && (device->cache & CACHE_BIT_WRITE_BACK))
		synced = true;
	return GUARDED(write_over(iocb, (int)ctx->args[1] || synced));
}
