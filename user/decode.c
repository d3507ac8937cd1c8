// SPDX-License-Identifier: GPL-2.0-only
#include "decode.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static int decode_sync(struct event_sync *sync, const void *data, size_t size)
{
	const size_t fixed = offsetof(struct event_sync, devices);

	if (size < fixed || size > sizeof(*sync))
		return -EBADMSG;
	memset(sync, 0, sizeof(*sync));
	memcpy(sync, data, size);
	sync->comm[EVENT_COMM_SIZE - 1] = '\0';
	if (sync->nr_devices > EVENT_MAX_DEVICES || sync->kind >= SYNC_KINDS ||
	    size < fixed + sync->nr_devices * sizeof(sync->devices[0]) ||
	    sync->exit_ns < sync->enter_ns)
		return -EBADMSG;
	return 0;
}

static int decode_path_record(struct event_path *path, const void *data, size_t size)
{
	const size_t fixed = offsetof(struct event_path, names);

	if (size < fixed)
		return -EBADMSG;
	memcpy(path, data, size < sizeof(*path) ? size : sizeof(*path));
	if (path->length > sizeof(path->names) || path->length > size - fixed)
		return -EBADMSG;
	if (path->length && path->names[path->length - 1] != '\0')
		return -EBADMSG;
	return 0;
}

/* Its names are as long as it says, and each ends. */
static int decode_change(struct event_change *change, const void *data, size_t size)
{
	const size_t fixed = offsetof(struct event_change, names);
	size_t used = 0, i;

	if (size < fixed || size > sizeof(*change))
		return -EBADMSG;
	memcpy(change, data, size);
	change->comm[EVENT_COMM_SIZE - 1] = '\0';
	for (i = 0; i < CHANGE_SIDES; i++) {
		used += change->sides[i].length;
		if (used > size - fixed ||
		    (change->sides[i].length && change->names[used - 1] != '\0'))
			return -EBADMSG;
	}
	return change->kind < CHANGE_KINDS ? 0 : -EBADMSG;
}

/* A record that has one size only. False: it has not. */
static bool copy_fixed(void *out, size_t wanted, const void *data, size_t size)
{
	if (size != wanted)
		return false;
	memcpy(out, data, size);
	return true;
}

int decode_record(struct record *record, const void *data, size_t size)
{
	struct event_header header;

	if (size < sizeof(header))
		return -EBADMSG;
	memcpy(&header, data, sizeof(header));
	if (header.version != EVENTS_VERSION)
		return -EPROTO;
	if (header.size > size) /* the ring rounds up, never down */
		return -EBADMSG;
	record->type = header.type;
	switch (header.type) {
	case EVENT_SYNC:
		return decode_sync(&record->sync, data, header.size);
	case EVENT_PATH:
		return decode_path_record(&record->path, data, header.size);
	case EVENT_FLUSH:
		if (!copy_fixed(&record->flush, sizeof(record->flush), data, header.size))
			return -EBADMSG;
		return record->flush.complete_ns < record->flush.issue_ns ? -EBADMSG : 0;
	case EVENT_DRAIN:
		return copy_fixed(&record->drain, sizeof(record->drain), data, header.size)
			       ? 0
			       : -EBADMSG;
	case EVENT_WRITE:
		if (!copy_fixed(&record->write, sizeof(record->write), data, header.size))
			return -EBADMSG;
		return record->write.bytes > UINT64_MAX - record->write.offset ? -EBADMSG : 0;
	case EVENT_WRITTEN:
		if (!copy_fixed(&record->written, sizeof(record->written), data, header.size))
			return -EBADMSG;
		record->written.comm[EVENT_COMM_SIZE - 1] = '\0';
		return 0;
	case EVENT_MAPPED:
		if (!copy_fixed(&record->mapped, sizeof(record->mapped), data, header.size))
			return -EBADMSG;
		record->mapped.comm[EVENT_COMM_SIZE - 1] = '\0';
		return 0;
	case EVENT_CHANGE:
		return decode_change(&record->change, data, header.size);
	default:
		return -ENOENT;
	}
}

static size_t append(char *out, size_t size, size_t used, const char *text, size_t length)
{
	if (used + length >= size)
		length = size - 1 - used;
	memcpy(out + used, text, length);
	return used + length;
}

size_t decode_path(const struct event_path *event, char *out, size_t size)
{
	const char *names = (const char *)event->names;
	size_t end = event->length, used = 0, start;
	bool first = true;

	if (!size)
		return 0;
	if (event->flags & PATH_CUT)
		used = append(out, size, used, "...", 3);
	else if (!end && !(event->flags & PATH_ODD))
		used = append(out, size, used, "/", 1);
	/* The leaf comes first: walk from the back. */
	while (end) {
		start = end - 1;
		while (start && names[start - 1] != '\0')
			start--;
		if (!first || !(event->flags & PATH_ODD))
			used = append(out, size, used, "/", 1);
		used = append(out, size, used, names + start, end - 1 - start);
		first = false;
		end = start;
	}
	if (event->flags & PATH_DELETED)
		used = append(out, size, used, " (deleted)", 10);
	out[used] = '\0';
	return used;
}
