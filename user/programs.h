/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_PROGRAMS_H
#define FLUSHAUDIT_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_ROWS_MAX 128

/* A blind spot at the tracepoint level, and where its rows cannot be attached. */
#define PROGRAMS_SUPER_BLIND "umount, and the freezing of a file system, are not seen as sync calls"

/* What the kernel lets us see. A lower level sees less, and says what. */
enum attach_level {
	LEVEL_AUTO = 0,
	LEVEL_FENTRY,
	LEVEL_KPROBE,
	LEVEL_TRACEPOINT,
	LEVELS,
};

/* One place that a BPF program is attached to. A program is verified for each copy of it that
 * is loaded, so one that does the same in several places is one program with several rows. */
struct program_row {
	const char *program;
	const char *at; /* CATEGORY/TRACEPOINT, a raw tracepoint, or a function to probe; NULL: its
			   section says */
	const char *tracepoint; /* whose arity is asked from BTF, */
	int arguments;		/* and must be this; 0: any */
	int levels;		/* bits of enum attach_level at which it is used, */
#define LEVEL_WITH_NAMES LEVELS /* and one more: only where names are wanted */
	bool optional;		/* the audit can go on without it, */
	const char *blind;	/* and then does not see this; NULL: nothing to speak of */
};

/* In the order to attach them; rows of one program stand together. */
extern const struct program_row program_rows[];
extern const size_t program_rows_nr;

#endif
