// SPDX-License-Identifier: GPL-2.0-only
#include "places.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pathname.h"

#define MOST 65536 /* then it begins anew: what is forgotten is looked up by its name */

struct known {
	char *path;
	struct place place;
	struct known *next; /* of those that are taken out */
};

struct places {
	void *tree; /* see search.h */
	size_t nr;
};

int places_compare(const struct place *a, const struct place *b)
{
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	return a->dev < b->dev ? -1 : a->dev > b->dev;
}

struct places *places_new(void)
{
	return calloc(1, sizeof(struct places));
}

static void free_known(void *node)
{
	struct known *known = node;

	free(known->path);
	free(known);
}

static void clear(struct places *places)
{
	tdestroy(places->tree, free_known);
	places->tree = NULL;
	places->nr = 0;
}

void places_free(struct places *places)
{
	if (!places)
		return;
	clear(places);
	free(places);
}

static int compare(const void *left, const void *right)
{
	const struct known *a = left, *b = right;

	return strcmp(a->path, b->path);
}

static struct known *find(const struct places *places, const char *path)
{
	struct known key = {.path = (char *)path};
	struct known **found = tfind(&key, &places->tree, compare);

	return found ? *found : NULL;
}

/* Takes over @known; what had its path before is gone. */
static void insert(struct places *places, struct known *known)
{
	struct known **kept;

	if (places->nr >= MOST)
		clear(places);
	kept = tsearch(known, &places->tree, compare);
	if (kept && *kept == known) {
		places->nr++;
		return;
	}
	if (kept)
		(*kept)->place = known->place;
	free_known(known);
}

void places_learn(struct places *places, const char *path, const struct place *place)
{
	struct known *known = find(places, path);

	if (known) {
		known->place = *place;
		return;
	}
	known = calloc(1, sizeof(*known));
	if (!known)
		return;
	known->place = *place;
	known->path = strdup(path);
	if (known->path)
		insert(places, known);
	else
		free(known);
}

struct below {
	const char *path;
	struct known *found;
};

static void on_known(const void *node, VISIT visit, void *ctx)
{
	struct known *known = *(struct known *const *)node;
	struct below *below = ctx;

	if ((visit != postorder && visit != leaf) || !pathname_is_below(known->path, below->path))
		return;
	known->next = below->found;
	below->found = known;
}

/* Takes @path and all below it out: a list, which the caller frees. */
static struct known *take(struct places *places, const char *path)
{
	struct below below = {.path = path};
	struct known *known;

	twalk_r(places->tree, on_known, &below);
	for (known = below.found; known; known = known->next) {
		tdelete(known, &places->tree, compare);
		places->nr--;
	}
	return below.found;
}

void places_forget(struct places *places, const char *path)
{
	struct known *known, *next;

	for (known = take(places, path); known; known = next) {
		next = known->next;
		free_known(known);
	}
}

void places_moved(struct places *places, const char *from, const char *to)
{
	struct known *known, *next, *moved = take(places, from);
	char *path;

	places_forget(places, to);
	for (known = moved; known; known = next) {
		next = known->next;
		if (asprintf(&path, "%s%s", to, known->path + strlen(from)) < 0) {
			free_known(known);
			continue;
		}
		free(known->path);
		known->path = path;
		insert(places, known);
	}
}

bool places_find(const struct places *places, const char *path, struct place *place)
{
	const struct known *known = find(places, path);

	if (known)
		*place = known->place;
	return known;
}
