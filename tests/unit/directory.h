/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_TESTS_DIRECTORY_H
#define FLUSHAUDIT_TESTS_DIRECTORY_H

/* A made-up tree of files below a temporary directory. What goes wrong fails the test. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Makes the directories on the way to @path, which is changed and put back. */
static inline void directory_parents(char *path)
{
	for (char *c = path + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (mkdir(path, 0755) < 0)
			assert_int_equal(errno, EEXIST);
		*c = '/';
	}
}

/* @full: @path below @root, its directories made. */
static inline void directory_path(char *full, size_t size, const char *root, const char *path)
{
	assert_in_range(snprintf(full, size, "%s/%s", root, path), 1, size - 1);
	directory_parents(full);
}

/* A file that holds @text and then @end. */
static inline void directory_put(const char *root, const char *path, const char *text,
				 const char *end)
{
	char full[512];
	FILE *file;

	directory_path(full, sizeof(full), root, path);
	file = fopen(full, "we");
	assert_non_null(file);
	assert_int_equal(fprintf(file, "%s%s", text, end), strlen(text) + strlen(end));
	assert_int_equal(fclose(file), 0);
}

static inline int directory_remove_one(const char *path, const struct stat *st, int type,
				       struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Removes all of it. */
static inline void directory_remove(const char *root)
{
	assert_int_equal(nftw(root, directory_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
