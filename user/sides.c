// SPDX-License-Identifier: GPL-2.0-only
#include "sides.h"

#include <stdio.h>
#include <string.h>

bool sides_is_whole(const char *base)
{
	return base && *base == '/';
}

/* The path of a name: @base is the directory it is relative to, or for one from / on the root of
 * the process. Where in it the last component begins; NULL: it has none, or is too long. */
static char *join(char *out, size_t size, const char *base, const char *name)
{
	const char *before = strcmp(base, "/") != 0 ? base : "";
	int length = snprintf(out, size, "%s%s%s", before, *name == '/' ? "" : "/", name);

	if (length < 0 || (size_t)length >= size)
		return NULL;
	while (length > 1 && out[length - 1] == '/')
		out[--length] = '\0';
	return strrchr(out, '/');
}

/* The path of the directory that the component is in which begins at @last, a slash, of the side's;
 * @out has as much room. Of the root it is that slash. */
static void directory_of(char *out, const struct side *side, const char *last)
{
	size_t length = last > side->path ? last - side->path : 1;

	memcpy(out, side->path, length);
	out[length] = '\0';
}

/* The directory that the component at @last of the path is in: all before it was found when the
 * call was made, and is looked up now. */
static void find_place(const struct sides_source *source, const struct event_change *change,
		       struct side *side, char *last)
{
	char directory[sizeof(side->path)], real[sizeof(side->path)], path[sizeof(side->path)];

	directory_of(directory, side, last);
	side->inferred = true;
	side->known = places_find(source->places, directory, &side->place);
	if (side->known || !source->lookup)
		return;
	side->known =
		source->lookup(source->ctx, change, directory, &side->place, real, sizeof(real));
	if (side->known && sides_is_whole(real) && join(path, sizeof(path), real, last + 1))
		memcpy(side->path, path, strlen(path) + 1);
}

/* The directory of a name, whose last component begins at @last, is known by itself. */
static void learn_directory(const struct sides_source *source, const struct side *side,
			    const char *last)
{
	char directory[sizeof(side->path)];

	if (!last || !sides_is_whole(side->path))
		return;
	directory_of(directory, side, last);
	places_learn(source->places, directory, &side->place);
}

/* Is the directory that was noted another than the one that the name, which has no other before it,
 * is relative to? It is that of an earlier call then, or the process has changed its own. */
static bool contradicts(const struct event_change_side *given)
{
	return given->base_ino &&
	       (given->base_ino != given->dir_ino || given->base_s_dev != given->dir_s_dev);
}

static void resolve(const struct sides_source *source, const struct event_change *change,
		    enum event_change_side_index which, const char *base, const char *name,
		    struct side *side)
{
	const struct event_change_side *given = &change->sides[which];
	struct place place = {given->base_s_dev, given->base_ino};
	bool simple = !strchr(name, '/');
	char *last;

	side->there = true;
	if (sides_is_whole(base))
		places_learn(source->places, base, &place);
	last = join(side->path, sizeof(side->path), base ? base : "...", name);
	if (given->dir_ino) {
		if (simple && contradicts(given))
			return;
		side->known = true;
		side->place = (struct place){given->dir_s_dev, given->dir_ino};
		side->generation = given->dir_generation;
		learn_directory(source, side, last);
	} else if (simple) {
		side->known = given->base_ino;
		side->place = place;
		side->generation = given->base_generation;
	} else if (last && sides_is_whole(base)) {
		find_place(source, change, side, last);
	}
}

/* Does a change of that kind have a name on that side? It could not be read, else. */
static bool has_side(enum event_change_kind kind, enum event_change_side_index side)
{
	switch (kind) {
	case CHANGE_RENAME:
	case CHANGE_EXCHANGE:
		return true;
	case CHANGE_UNLINK:
	case CHANGE_RMDIR:
		return side == CHANGE_OLD;
	default:
		return side == CHANGE_NEW;
	}
}

void sides_resolve(const struct sides_source *source, const struct event_change *change,
		   const char *const bases[CHANGE_SIDES], struct side sides[CHANGE_SIDES])
{
	const char *name = (const char *)change->names;
	int i;

	for (i = 0; i < CHANGE_SIDES; i++) {
		sides[i] = (struct side){};
		if (change->sides[i].length)
			resolve(source, change, i, bases[i], name, &sides[i]);
		else if (has_side(change->kind, i))
			sides[i] = (struct side){.there = true, .path = "(not known)"};
		name += change->sides[i].length;
	}
}
