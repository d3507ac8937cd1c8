/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_ATTACH_IMPL_H
#define FLUSHAUDIT_ATTACH_IMPL_H

/* What attach.c, which brings the programs into the kernel, and attach_running.c share. */
#include <bpf/libbpf.h>

#include "attach.h"
#include "flushaudit.skel.h"

#define MAX_BLIND_SPOTS 16

struct attach {
	struct flushaudit_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *links[PROGRAM_ROWS_MAX];
	enum attach_level level;
	uint64_t missed_before[PROGRAM_ROWS_MAX]; /* runs the kernel skipped before the audit began
						   */
	attach_record_fn fn;
	void *fn_ctx;
	size_t nr_blind;
	char blind[MAX_BLIND_SPOTS][160];
};

#endif
