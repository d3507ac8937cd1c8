/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_LIBRARY_H
#define FLUSHAUDIT_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"

/* The C library's functions that sync; a set of them is a mask of 1 << these. */
enum library_call {
	LIBRARY_FSYNC = 0,
	LIBRARY_FDATASYNC,
	LIBRARY_SYNC,
	LIBRARY_SYNCFS,
	LIBRARY_MSYNC,
	LIBRARY_FILE_RANGE,
	LIBRARY_AIO_FSYNC,
	LIBRARY_CALLS,
};

const char *library_call_name(enum library_call call);

/* What is known of a file of code. */
struct library {
	bool is_read;	   /* it could be read; all that follows is from it */
	uint32_t defines;  /* which calls, for others to use */
	uint32_t is_empty; /* ... and return 0 without doing anything */
	bool has_right;	   /* the C library itself, or a sanitizer's runtime, which passes on */
	char soname[64];   /* as it stands there */
};

/*
 * Reads the file of @mapped. @path is its name as the kernel has it; @by_pid: its PID can
 * be looked up in /proc. Never reads another file than the one that was mapped, nor any
 * kind but a regular one.
 */
void library_read(struct library *library, const struct event_mapped *mapped, const char *path,
		  bool by_pid);

/* Of an open file; for library_read and its test. */
void library_read_fd(struct library *library, int fd);

#endif
