/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_DECODE_H
#define FLUSHAUDIT_DECODE_H

#include <stddef.h>

#include "events.h"

/* One checked record, copied out of the ring (whose data may be unaligned). */
struct record {
	enum event_type type;
	union {
		struct event_sync sync;
		struct event_flush flush;
		struct event_drain drain;
		struct event_write write;
		struct event_written written;
		struct event_mapped mapped;
		struct event_change change;
		struct event_path path;
	};
};

/*
 * Checks size, version and the counts inside @data and copies it to @record.
 * Returns 0, -EPROTO for another version, -EBADMSG for a record that
 * contradicts itself, -ENOENT for a type not known.
 */
int decode_record(struct record *record, const void *data, size_t size);

/*
 * Puts the components of @event together: "/a/b/c", with "..." in front when
 * the beginning was cut. Returns the length, at most @size - 1.
 */
size_t decode_path(const struct event_path *event, char *out, size_t size);

#endif
