/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_CALLPATHS_H
#define FLUSHAUDIT_CALLPATHS_H

#include <stddef.h>
#include <stdint.h>

#include "events.h"

/* The file names of sync calls in progress: sent at the entry, wanted at the return. */
struct callpaths;

/* NULL: out of memory. */
struct callpaths *callpaths_new(void);
void callpaths_free(struct callpaths *paths);

/* Of very many calls in progress the oldest names are forgotten. */
void callpaths_push(struct callpaths *paths, const struct event_path *event);

/* The name of call @id, @length bytes and a NUL; the caller frees it. NULL: none came. */
char *callpaths_take(struct callpaths *paths, uint64_t id, size_t *length);

#endif
