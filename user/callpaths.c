// SPDX-License-Identifier: GPL-2.0-only
#include "callpaths.h"

#include <stdlib.h>
#include <string.h>

#include "decode.h"

#define KEPT 4096

struct callpaths {
	struct {
		uint64_t id;
		char *text;
		size_t length;
	} kept[KEPT];
	size_t next;
};

struct callpaths *callpaths_new(void)
{
	return calloc(1, sizeof(struct callpaths));
}

void callpaths_free(struct callpaths *paths)
{
	size_t i;

	for (i = 0; paths && i < KEPT; i++)
		free(paths->kept[i].text);
	free(paths);
}

void callpaths_push(struct callpaths *paths, const struct event_path *event)
{
	size_t at = paths->next++ % KEPT;
	char text[EVENT_PATH_SIZE + 64];

	free(paths->kept[at].text);
	paths->kept[at].length = decode_path(event, text, sizeof(text));
	paths->kept[at].text = strdup(text);
	paths->kept[at].id = event->id;
}

char *callpaths_take(struct callpaths *paths, uint64_t id, size_t *length)
{
	size_t back;

	for (back = 1; back <= KEPT; back++) {
		size_t at = (paths->next + KEPT - back) % KEPT;
		char *text = paths->kept[at].text;

		if (!text || paths->kept[at].id != id)
			continue;
		*length = paths->kept[at].length;
		paths->kept[at].text = NULL;
		return text;
	}
	return NULL;
}
