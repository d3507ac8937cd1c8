/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_SIZES_H
#define FLUSHAUDIT_SIZES_H

#include <stdint.h>

#include "events.h"

/* The sizes that files have on the disk, as far as sync calls told. Memory is bounded: one file
 * may make another forgotten. */
struct sizes;

#define SIZES_UNKNOWN (~0ULL)

/* NULL: out of memory. */
struct sizes *sizes_new(void);
void sizes_free(struct sizes *sizes);

/* Of the file that @sync is about, bytes; or SIZES_UNKNOWN. */
uint64_t sizes_find(const struct sizes *sizes, const struct event_sync *sync);
void sizes_set(struct sizes *sizes, const struct event_sync *sync, uint64_t size);

#endif
