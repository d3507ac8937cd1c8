/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_PATHNAME_H
#define FLUSHAUDIT_PATHNAME_H

#include <stdbool.h>
#include <string.h>

/* Does @path lie at or below @place, going by the names alone? */
static inline bool pathname_is_below(const char *path, const char *place)
{
	size_t length = strlen(place);

	while (length && place[length - 1] == '/')
		length--;
	return !strncmp(path, place, length) && (path[length] == '/' || !path[length]);
}

#endif
