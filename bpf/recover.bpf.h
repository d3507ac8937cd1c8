/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_RECOVER_BPF_H
#define FLUSHAUDIT_RECOVER_BPF_H

/* What the kernel's own state tells of events that were not seen. */
#include "call.bpf.h"

/*
 * A flush whose completion was not seen: its queue runs none any more, and the
 * file system that waited for it is about to report success, at @exit_ns.
 */
static __always_inline void recover_flush(struct ledger_device *device, struct frame *frame,
					  __u32 disk, __u64 exit_ns)
{
	__u64 key = device->flush_rq, issue = device->flush_issue_ns;

	if (!key || issue < frame->enter_ns || issue > exit_ns || !flush_has_ended((void *)key))
		return;
	if (device->flush_rq != key || device->flush_issue_ns != issue ||
	    bpf_map_delete_elem(&flushes, &key))
		return;
	device->flush_rq = 0;
	emit_flush(disk, issue, exit_ns, 0, false);
	ledger_device_flushed(device, issue, 0, exit_ns);
}

/* Writes of the inode that completed unseen: nothing of it is under write-back,
 * so what is still counted as in flight is not. When it ended is not known. */
static __always_inline void recover_slot(struct ledger_slot *slot, struct frame *frame)
{
	__s64 stuck = *(volatile __s64 *)&slot->inflight_bytes;
	__u64 now;

	if (!stuck || !frame_settled(frame) || *(volatile __s64 *)&slot->inflight_bytes != stuck ||
	    !frame_settled(frame))
		return;
	now = bpf_ktime_get_ns();
	ledger_max(&slot->last_done_ns, now);
	ledger_max(&slot->vague_ns, now);
	ledger_add(&slot->inflight_bytes, -stuck);
}

/*
 * A commit record whose completion was not seen, while the journal says that
 * the transaction the call needed is committed, and that none was being
 * committed when it was asked: what was queued before ended well, and PREFLUSH
 * and FUA are part of its end.
 */
static __always_inline void recover_commit(struct event_device *out, struct ledger_log *log,
					   struct frame *frame)
{
	__u64 flush = *(volatile __u64 *)&log->pending_flush_ns;
	__u64 queued = *(volatile __u64 *)&log->pending_queued_ns;

	if (!(frame->flags & SYNC_TID_NEEDED) || queued <= out->commit_queued_ns ||
	    queued >= frame->commits_over_ns || flush >= frame->commits_over_ns)
		return;
	out->commit_queued_ns = queued;
	out->commit_flush_ns = flush;
	out->commit_done_ns = queued > frame->enter_ns ? queued : frame->enter_ns;
	out->commit_stable_ns = out->commit_done_ns;
	ledger_max(&out->watermark_ns, flush);
}

#endif
