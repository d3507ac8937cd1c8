/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FILEID_H
#define FLUSHAUDIT_FILEID_H

#include <stdint.h>

/* Which file: a later one with the number of one that is gone has another generation. */
struct fileid {
	uint64_t ino;
	uint32_t s_dev, generation;
};

/* An order of what begins with one, for a tree (search.h). */
static inline int fileid_compare(const void *left, const void *right)
{
	const struct fileid *a = left, *b = right;

	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	if (a->s_dev != b->s_dev)
		return a->s_dev < b->s_dev ? -1 : 1;
	return a->generation < b->generation ? -1 : a->generation > b->generation;
}

#endif
