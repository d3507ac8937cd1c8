/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_SIDES_H
#define FLUSHAUDIT_SIDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "places.h"

/* In which directory each name of a change is: what was seen of it, or what its path leads to. */

/* One side of a change, as it was found out. */
struct side {
	bool there;
	bool known;    /* which directory it is, */
	bool inferred; /* by its path */
	struct place place;
	uint32_t generation;		/* 0: not known */
	char path[2 * EVENT_PATH_SIZE]; /* of the name, as given */
};

/* Asked for a directory of which only the path is known. Puts its real path, with no links, into
 * @real. False: it cannot be told. */
typedef bool (*sides_lookup_fn)(void *ctx, const struct event_change *change, const char *path,
				struct place *place, char *real, size_t size);

/* What directories are known by. */
struct sides_source {
	struct places *places;
	sides_lookup_fn lookup; /* NULL: none */
	void *ctx;
};

/* Of a change; @bases: the names of the directories that its sides are relative to, NULL: not
 * known. What is learnt goes into the places. */
void sides_resolve(const struct sides_source *source, const struct event_change *change,
		   const char *const bases[CHANGE_SIDES], struct side sides[CHANGE_SIDES]);

/* Is what a name was relative to a path that can be gone by? */
bool sides_is_whole(const char *base);

#endif
