/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_STACK_TREE_H
#define FLUSHAUDIT_STACK_TREE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Files below a root directory, "" is the real one. Paths are given without the leading slash. */

/* Reads a small file, without its trailing newline. Its length, or -errno; -E2BIG: did not fit. */
int stack_tree_read(const char *root, char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The last component of what a symbolic link points to. */
int stack_tree_link(const char *root, char *name, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The number of the inode there, 0: there is none. */
uint64_t stack_tree_inode(const char *root, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool stack_tree_exists(const char *root, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The path behind all symbolic links, in @path of PATH_MAX bytes. */
int stack_tree_real(const char *root, char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* NULL with errno set, e.g. when it vanished. The caller closes it. */
DIR *stack_tree_open(const char *root, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Opens the node of the block device @name, as sysfs writes it, to read. -1: there is none. */
int stack_tree_open_device(const char *root, const char *name);
/* The little-endian number of @size bytes, 4 at most, at @offset; 0 if it cannot be read. */
uint32_t stack_tree_number(int fd, off_t offset, size_t size);
/* The next name in @dir that does not start with a dot, NULL at the end. */
const char *stack_tree_next(DIR *dir);

#endif
