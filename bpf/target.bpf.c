// SPDX-License-Identifier: GPL-2.0-only
/* The audited processes: children of the auditor or those it named, and theirs. */
#include "frame.bpf.h"

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = parent->tgid, to = child->tgid;
	__u32 how = new_calls_count ? TARGET_SINCE_FORK : TARGET_RUNNING;

	if (audit_all || from == to) /* a thread */
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

	if (!is_member(tgid))
		return 0;
	GUARDED(close_rest());
	if (task->ptrace)
		__sync_fetch_and_add(&traced, 1);
	if (!audit_all && task->signal->live.counter == 0)
		bpf_map_delete_elem(&targets, &tgid);
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
