/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_DEVICES_BPF_H
#define FLUSHAUDIT_DEVICES_BPF_H

/*
 * The devices a call rests on, and what the ledger says of each. What is done for each of them is
 * a function of its own, with numbers as arguments: the verifier then checks it once, not for each
 * device and all that came before.
 */
#include "frame.bpf.h"

/* The devices to judge on: from user space's view of the stacks, else the
 * single one the super block names. */
static __always_inline struct state_topology *find_topology(struct frame *frame)
{
	__u32 key = frame->flags & SYNC_BLOCK_DEVICE ? frame->part : frame->s_dev;

	if (frame->kind == SYNC_SYNC)
		key = STATE_EVERYTHING;
	return bpf_map_lookup_elem(&topology, &key);
}

/* How many devices the call rests on, as @stack tells. */
static __always_inline __u32 count_devices(struct frame *frame, struct state_topology *stack)
{
	if (!stack)
		return !!frame->disk;
	return stack->nr < EVENT_MAX_DEVICES ? stack->nr : EVENT_MAX_DEVICES;
}

/* What is known before the call of the device at @nr of them, for the comparison at its return.
 * @clean: the page cache had nothing of the file that is not written. */
int snapshot_device(__u32 opener, __u64 nr, __u32 clean);

/* The device at @nr in the record that is made in @scratch (enum frame_scratch). */
int fill_device(__u32 opener, __u32 scratch, __u64 nr);

#endif
