// SPDX-License-Identifier: GPL-2.0-only
#include "elsewhere.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 4, 5)))
set(struct verdict *verdict, enum verdict_kind kind, enum verdict_reason reason, const char *format,
    ...)
{
	va_list args;

	verdict->kind = kind;
	verdict->reason = reason;
	verdict->inferred = true;
	va_start(args, format);
	vsnprintf(verdict->detail, sizeof(verdict->detail), format, args);
	va_end(args);
}

void elsewhere_judge_unentered(struct verdict *verdict, const struct verdict_facts *facts)
{
	int ret = facts->sync->ret;

	/* Only from 6.7 on does the kernel count each run of a system call tracepoint's program
	 * that it skips (trace_call_bpf): before, this may be a call of which one was. */
	if (facts->losses || facts->kernel_version < KERNEL_VERSION(6, 7))
		set(verdict, VERDICT_UNPROVEN, REASON_EVENTS_LOST,
		    "its entry was not seen: a seccomp filter answered the call, or the entry was "
		    "lost");
	else if (ret < 0)
		set(verdict, VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN,
		    "a seccomp filter refused the call (%s) and the caller was told: nothing was "
		    "promised",
		    strerror(-ret));
	else if (ret > 0)
		set(verdict, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
		    "a seccomp filter turned the call into a signal: it never reached a file "
		    "system; what the program made of that is not seen");
	else
		set(verdict, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
		    "a seccomp filter, or its supervisor, answered the call: it never reached a "
		    "file system");
}
