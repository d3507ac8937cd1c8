// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the audited processes' sync calls are audited: by the name of the thread that asks,
 * and by its cgroup. Asked at each call, for both may change.
 */
#include "state.bpf.h"

/* The thread's, or that of the one it works for. */
static __always_inline bool comm_passes(void)
{
	__u64 comm[2] = {};
	__u32 i;

	task_name(asking_task(), comm, sizeof(comm));
	for (i = 0; i < STATE_COMMS; i++) {
		if (i >= nr_comms)
			break;
		if ((comm[0] & comms[i].mask[0]) == comms[i].value[0] &&
		    (comm[1] & comms[i].mask[1]) == comms[i].value[1])
			return true;
	}
	return false;
}

static __always_inline bool cgroup_passes(void)
{
	__u32 i;

	for (i = 0; i < STATE_CGROUPS; i++) {
		if (i >= nr_cgroups)
			break;
		if (bpf_current_task_under_cgroup(&cgroups, i) == 1)
			return true;
	}
	return false;
}

__noinline int filter_passes(void)
{
	if (nr_comms && !comm_passes())
		return 0;
	return !nr_cgroups || cgroup_passes();
}
