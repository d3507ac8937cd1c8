// SPDX-License-Identifier: GPL-2.0-only
#include "sizes.h"

#include <stdlib.h>

#define FILES 65536

struct sizes {
	struct {
		uint64_t ino, fs_id, size;
		uint32_t s_dev, generation;
	} files[FILES];
};

struct sizes *sizes_new(void)
{
	return calloc(1, sizeof(struct sizes));
}

void sizes_free(struct sizes *sizes)
{
	free(sizes);
}

static size_t place(const struct event_sync *sync)
{
	uint64_t hash = (sync->ino ^ (uint64_t)sync->s_dev << 40) * 0x9e3779b97f4a7c15ULL;

	return hash >> 48;
}

uint64_t sizes_find(const struct sizes *sizes, const struct event_sync *sync)
{
	size_t at = place(sync);

	if (sizes->files[at].ino != sync->ino || sizes->files[at].s_dev != sync->s_dev ||
	    sizes->files[at].fs_id != sync->fs_id ||
	    sizes->files[at].generation != sync->generation)
		return SIZES_UNKNOWN;
	return sizes->files[at].size;
}

void sizes_set(struct sizes *sizes, const struct event_sync *sync, uint64_t size)
{
	size_t at = place(sync);

	sizes->files[at].ino = sync->ino;
	sizes->files[at].s_dev = sync->s_dev;
	sizes->files[at].fs_id = sync->fs_id;
	sizes->files[at].generation = sync->generation;
	sizes->files[at].size = size;
}
