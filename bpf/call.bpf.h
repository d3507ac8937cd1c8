/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_CALL_BPF_H
#define FLUSHAUDIT_CALL_BPF_H

/* The sync call in progress: its frame, and for whom it is made. */
#include "state.bpf.h"

/* The inode a call is about; NULL when it was closed meanwhile, another may be in its place. */
static __always_inline struct inode *frame_inode(struct frame *frame)
{
	struct address_space *mapping = (void *)frame->mapping;
	struct inode *host;

	if (!mapping || (frame->flags & SYNC_BLOCK_DEVICE))
		return NULL;
	host = BPF_CORE_READ(mapping, host);
	if (BPF_CORE_READ(host, i_ino) != frame->ino ||
	    BPF_CORE_READ(host, i_generation) != frame->generation)
		return NULL;
	return host;
}

/* Marks of the page cache of the inode a call is about; they are the kernel's
 * own state, so they hold where an event was missed. */
static __always_inline bool frame_marked(struct frame *frame, __u32 mark)
{
	struct address_space *mapping = (void *)frame->mapping;

	return mark && mapping && (BPF_CORE_READ(mapping, i_pages.xa_flags) & mark);
}

/*
 * Is nothing of the inode under write-back? Some kernels do not run BPF
 * programs in the context of certain protected processes, so completions that
 * interrupt one of them are missed, uncounted (measured on a 6.18 guest: all
 * program types, also in interrupts over its init process).
 */
static __always_inline bool frame_settled(struct frame *frame)
{
	return dirty_mark && frame->mapping && !frame_marked(frame, dirty_mark << 1);
}

/* Nothing dirty either: as far as the page cache goes, all has been written. */
static __always_inline bool frame_clean(struct frame *frame)
{
	return frame_settled(frame) && !frame_marked(frame, dirty_mark);
}

/* Has what the call itself wrote been written? Other writers may keep the inode busy. */
static __always_inline bool frame_data_settled(struct frame *frame)
{
	if (frame_settled(frame))
		return true;
	return frame->own_data_writes == 1 && frame->own_data_page &&
	       !page_under_writeback((void *)frame->own_data_page);
}

/* One bio less that the call itself queued is to end. */
static __always_inline void frame_pends_less(struct frame *frame, struct bio_entry *entry)
{
	if (entry->own_data)
		__sync_fetch_and_add(&frame->own_data_pending, -1);
	if (entry->is_meta)
		__sync_fetch_and_add(&frame->own_meta_pending, -1);
	if (entry->preflush)
		__sync_fetch_and_add(&frame->own_flush_pending, -1);
}

/* The data of the call has been written, as far as the thread's next step tells. */
static __always_inline void frame_wait_over(struct frame *frame, __u64 now, __u32 source)
{
	if (frame->own_data_pending > 0) {
		if (!frame_data_settled(frame))
			return;
		frame->own_data_pending = 0; /* their completions were missed */
		ledger_max(&frame->own_data_done_ns, now);
	}
	frame->wait_done_ns = now;
	frame->wait_source = source;
}

static __always_inline struct frame *current_frame(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&frames, &tid);
}

static __always_inline __u64 new_call_id(__u64 now)
{
	return now << 8 | (bpf_get_smp_processor_id() & 0xff);
}

/* The current thread asks, or the one it works for. */
static __always_inline void asker_is_current(struct asker *asker, __u32 kind, __u32 flags)
{
	struct task_struct *task = asking_task();

	asker->kind = kind;
	asker->flags = flags;
	asker->pid = BPF_CORE_READ(task, tgid);
	asker->tid = BPF_CORE_READ(task, pid);
	task_name(task, asker->comm, sizeof(asker->comm));
}

/* Another thread may sync the file at @key for @asker. */
static __always_inline void asker_await(__u64 key, struct asker *asker)
{
	struct asker *found = bpf_map_lookup_elem(&askers, &key);

	asker->waiting = found ? found->waiting + 1 : 1;
	if (found)
		asker->synced_ns = found->synced_ns;
	bpf_map_update_elem(&askers, &key, asker, BPF_ANY);
}

/* One that was awaited has come, or will not. */
static __always_inline void asker_served(__u64 key, struct asker *found)
{
	__sync_fetch_and_add(&found->waiting, -1);
	if (*(volatile __s64 *)&found->waiting <= 0)
		bpf_map_delete_elem(&askers, &key);
}

#endif
