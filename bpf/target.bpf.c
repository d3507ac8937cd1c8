// SPDX-License-Identifier: GPL-2.0-only
/* The audited processes: children of the auditor or those it named, and theirs; and those that
 * serve FUSE file systems, and theirs. */
#include "frame.bpf.h"

/* A server goes to the background once its file system is mounted. */
static __always_inline void inherit_served(__u32 from, __u32 to)
{
	__u32 *s_dev = serving ? bpf_map_lookup_elem(&servers, &from) : NULL;

	if (s_dev)
		bpf_map_update_elem(&servers, &to, s_dev, BPF_ANY);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = parent->tgid, to = child->tgid;
	__u32 how = new_calls_count ? TARGET_SINCE_FORK : TARGET_RUNNING;

	if (from == to) /* a thread */
		return 0;
	inherit_served(from, to);
	if (audit_all)
		return 0;
	if (from != self_tgid && !is_member(from))
		return 0;
	if (bpf_map_update_elem(&targets, &to, &how, BPF_ANY))
		count_loss(LOSS_TARGETS);
	return 0;
}

/* A call of the current thread that was never seen to return. */
static __always_inline int close_rest(void)
{
	struct frame *frame = current_frame();

	if (!frame)
		return 0;
	frame->flags |= SYNC_END_UNSEEN;
	return frame_close(frame->opener, 0, SCRATCH_OTHER);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;
	bool member = is_member(tgid), over = task->signal->live.counter == 0;

	if (!member && !served_by(tgid))
		return 0;
	GUARDED(close_rest());
	if (task->ptrace && member)
		__sync_fetch_and_add(&traced, 1);
	if (!audit_all && over)
		bpf_map_delete_elem(&targets, &tgid);
	if (serving && over)
		bpf_map_delete_elem(&servers, &tgid);
	return 0;
}

/* Run once by user space: tells which number the auditor has in the initial
 * pid namespace, the one all events use. */
SEC("raw_tp/sys_enter")
int whoami(struct bpf_raw_tracepoint_args *ctx)
{
	self_tgid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}
