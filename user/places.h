/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_PLACES_H
#define FLUSHAUDIT_PLACES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which directory a path led to, as the events told: the order of events is kept, so that a path
 * is still known after the directory has been renamed or is gone. Pure.
 */
struct places;

/* A directory by its inode; dev is that of its file system. */
struct place {
	uint32_t dev;
	uint64_t ino;
};

/* An order of them, as strcmp() is one. */
int places_compare(const struct place *a, const struct place *b);

struct places *places_new(void); /* NULL: out of memory */
void places_free(struct places *places);

/* @path leads to @place from now on. */
void places_learn(struct places *places, const char *path, const struct place *place);

/* What was named @from, and all below it, is named @to. */
void places_moved(struct places *places, const char *from, const char *to);

/* What is known of @path and below it is of something that is gone. */
void places_forget(struct places *places, const char *path);

/* False: it is not known. */
bool places_find(const struct places *places, const char *path, struct place *place);

#endif
