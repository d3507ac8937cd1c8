// SPDX-License-Identifier: GPL-2.0-only
#include "flushlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OVERTAKING_NS 100000000

struct device_log {
	uint32_t disk;
	size_t count; /* ever added; the newest FLUSHLOG_KEPT are there */
	struct flush_entry *ring;
};

struct flushlog {
	size_t count;
	struct device_log *devices;
};

struct flushlog *flushlog_new(void)
{
	return calloc(1, sizeof(struct flushlog));
}

void flushlog_free(struct flushlog *log)
{
	size_t i;

	if (!log)
		return;
	for (i = 0; i < log->count; i++)
		free(log->devices[i].ring);
	free(log->devices);
	free(log);
}

static struct device_log *find_device(const struct flushlog *log, uint32_t disk)
{
	size_t i;

	for (i = 0; i < log->count; i++)
		if (log->devices[i].disk == disk)
			return &log->devices[i];
	return NULL;
}

static struct device_log *add_device(struct flushlog *log, uint32_t disk)
{
	struct device_log *devices = realloc(log->devices, (log->count + 1) * sizeof(*devices));
	struct device_log *device;

	if (!devices)
		return NULL;
	log->devices = devices;
	device = &devices[log->count];
	memset(device, 0, sizeof(*device));
	device->disk = disk;
	device->ring = calloc(FLUSHLOG_KEPT, sizeof(*device->ring));
	if (!device->ring)
		return NULL;
	log->count++;
	return device;
}

int flushlog_add(struct flushlog *log, uint32_t disk, const struct flush_entry *entry)
{
	struct device_log *device = find_device(log, disk);

	if (!device)
		device = add_device(log, disk);
	if (!device)
		return -ENOMEM;
	device->ring[device->count++ % FLUSHLOG_KEPT] = *entry;
	return 0;
}

bool flush_counts(const struct flush_entry *entry)
{
	return !entry->error && (entry->inner == INNER_NONE || entry->inner == INNER_DURABLE);
}

/* The @back'th newest, NULL: not kept. */
static struct flush_entry *newest(const struct device_log *device, size_t back)
{
	if (back >= device->count || back >= FLUSHLOG_KEPT)
		return NULL;
	return &device->ring[(device->count - 1 - back) % FLUSHLOG_KEPT];
}

struct flush_entry *flushlog_find(struct flushlog *log, uint32_t disk, uint64_t from_ns,
				  uint64_t until_ns)
{
	struct device_log *device = find_device(log, disk);
	struct flush_entry *entry, *best = NULL;
	size_t back;

	if (!device)
		return NULL;
	for (back = 0; (entry = newest(device, back)); back++) {
		/* They are kept by completion, but for records that overtook each other. */
		if (entry->complete_ns + OVERTAKING_NS < from_ns)
			break;
		if (entry->issue_ns < from_ns || entry->complete_ns > until_ns ||
		    !flush_counts(entry))
			continue;
		if (!best || entry->issue_ns <= best->issue_ns)
			best = entry;
	}
	return best;
}

uint64_t flushlog_watermark(const struct flushlog *log, uint32_t disk, uint64_t until_ns,
			    bool unseen)
{
	const struct device_log *device = find_device(log, disk);
	const struct flush_entry *entry;
	uint64_t watermark = 0;
	size_t back;

	for (back = 0; device && (entry = newest(device, back)); back++) {
		bool counts = flush_counts(entry) ||
			      (unseen && !entry->error && entry->inner == INNER_UNSEEN);

		if (entry->complete_ns > until_ns || !counts)
			continue;
		if (entry->complete_ns < watermark)
			break;
		if (entry->issue_ns > watermark)
			watermark = entry->issue_ns;
	}
	return watermark;
}

int flushlog_error(const struct flushlog *log, uint32_t disk, uint64_t complete_ns)
{
	const struct device_log *device = find_device(log, disk);
	const struct flush_entry *entry;
	size_t back;

	for (back = 0; device && (entry = newest(device, back)); back++)
		if (entry->complete_ns == complete_ns && entry->error)
			return entry->error;
	return 0;
}

bool flushlog_had_inner(const struct flushlog *log, uint32_t disk, enum flushlog_inner inner,
			uint64_t from_ns, uint64_t until_ns)
{
	const struct device_log *device = find_device(log, disk);
	const struct flush_entry *entry;
	size_t back;

	for (back = 0; device && (entry = newest(device, back)); back++) {
		if (entry->complete_ns < from_ns)
			break;
		if (entry->inner == inner && entry->complete_ns <= until_ns)
			return true;
	}
	return false;
}
