/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_NAMES_BPF_H
#define FLUSHAUDIT_NAMES_BPF_H

#include "state.bpf.h"

/* Is the current process one whose changes of names are to be told? */
static __always_inline bool names_are_wanted(void)
{
	return note_names && is_target(bpf_get_current_pid_tgid() >> 32);
}

#endif
