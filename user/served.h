/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_SERVED_H
#define FLUSHAUDIT_SERVED_H

#include <stdint.h>

#include "events.h"
#include "store.h"
#include "verdict.h"

/* The syncs of FUSE servers on this machine, and the calls on their file systems that they were
 * made for: what the server syncs while a call waits for it. */
struct served;

/* @store is lent. NULL: out of memory. */
struct served *served_new(struct store *store);
void served_free(struct served *served);

/* Asked who serves the file system @s_dev: the process, 0: not known. */
typedef uint32_t (*served_server_fn)(void *ctx, uint32_t s_dev);
void served_on_ask(struct served *served, served_server_fn fn, void *ctx);

/* Of a call on FUSE: what its server did meanwhile, into @facts, of which the call is known. */
void served_facts(struct served *served, struct verdict_facts *facts);

/*
 * A call was judged, and is in the store as @row. One by a server is kept (the newest some
 * thousands are). What the server of the call's own file system did meanwhile was done for it,
 * unless other calls there were in progress, too, and might be meant.
 */
void served_join(struct served *served, const struct event_sync *sync, enum verdict_kind verdict,
		 int64_t row);

#endif
