/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_INTERPOSED_H
#define FLUSHAUDIT_INTERPOSED_H

#include "events.h"
#include "library.h"
#include "stack.h"
#include "store.h"

/* From code that is mapped to findings. */
struct interposed;

/* NULL: out of memory. */
struct interposed *interposed_new(void);
void interposed_free(struct interposed *interposed);

/* How a file of code is looked at (library.h), and who is told that one is harmless. */
typedef void (*interposed_look_fn)(void *ctx, const struct event_mapped *mapped, const char *path,
				   struct library *library);
typedef void (*interposed_harmless_fn)(void *ctx, const struct event_file *file);
void interposed_on_mapped(struct interposed *interposed, interposed_look_fn look,
			  interposed_harmless_fn harmless, void *ctx);

/* @path may be NULL. */
void interposed_push(struct interposed *interposed, const struct stack *stack,
		     const struct event_mapped *event, const char *path, size_t length);

/* One finding for each library, and a blind spot for what could not be looked at. */
void interposed_store(const struct interposed *interposed, struct store *store);

#endif
