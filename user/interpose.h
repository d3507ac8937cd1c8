/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_INTERPOSE_H
#define FLUSHAUDIT_INTERPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "library.h"

/* What a library that is mapped into a process may do to its sync calls. */
enum interpose_class {
	INTERPOSE_NONE = 0, /* nothing */
	INTERPOSE_UNREAD,   /* it could not be read, and its name says nothing */
	INTERPOSE_UNKNOWN,  /* it defines some itself; what it does with them is not known */
	INTERPOSE_NAMED,    /* it is known for swallowing them, by its name */
	INTERPOSE_EMPTY,    /* it swallows them, by its code */
};

/* A pure function. @path may be NULL. */
enum interpose_class interpose_classify(const struct library *library, const char *path);

/* The libraries of an audit that are not harmless, and who maps them. */
struct interpose;

struct interpose_entry {
	enum interpose_class class;
	struct library library;
	char *path; /* printable; NULL: not known */
	uint64_t since_ns;
	uint32_t first_pid;
	char first_comm[4 * EVENT_COMM_SIZE + 1];
	size_t processes;
};

/* NULL: out of memory. */
struct interpose *interpose_new(void);
void interpose_free(struct interpose *interpose);

/* Counts a process for a library that is known already. False: it is not. */
bool interpose_count(struct interpose *interpose, const struct event_mapped *mapped);

/* A library that was looked at. Returns true when it is harmless. */
bool interpose_add(struct interpose *interpose, const struct event_mapped *mapped,
		   const struct library *library, const char *path, size_t length);

/* Files that could not be judged. */
size_t interpose_unread(const struct interpose *interpose);

/* Each library in the order they came. */
void interpose_each(const struct interpose *interpose,
		    void (*visit)(void *ctx, const struct interpose_entry *entry), void *ctx);

/* In plain words, for people. */
void interpose_describe(char *out, size_t size, const struct interpose_entry *entry);

#endif
