/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_PROCESSES_H
#define FLUSHAUDIT_PROCESSES_H

#include <stddef.h>
#include <stdint.h>

/* The processes that run now, from /proc. */

typedef void (*process_fn)(void *ctx, uint32_t id);

/*
 * Visits each of @roots and what descends from them (parents named by /proc; one whose parent
 * has ended is another's). Again and again, until a round finds nobody new: so a child that is
 * forked meanwhile is either found or forked by one visited before.
 */
void processes_descend(const uint32_t *roots, size_t count, process_fn visit, void *ctx);

/* Visits each thread that is in a sync call, or may be: it runs just now, or that is hidden. */
void processes_in_sync_calls(process_fn visit, void *ctx);

#endif
