// SPDX-License-Identifier: GPL-2.0-only
#include "stack_tree.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int tree_path(char path[PATH_MAX], const char *root, const char *format, va_list args)
{
	int used = snprintf(path, PATH_MAX, "%s/", root);
	int rest;

	if (used < 0 || used >= PATH_MAX)
		return -ENAMETOOLONG;
	rest = vsnprintf(path + used, (size_t)(PATH_MAX - used), format, args);
	if (rest < 0 || rest >= PATH_MAX - used)
		return -ENAMETOOLONG;
	return 0;
}

static int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got = 0;
	int ret = 0;

	if (fd < 0)
		return -errno;
	while (used < size) {
		got = read(fd, text + used, size - used);
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (got < 0)
		ret = -errno;
	close(fd);
	if (ret)
		return ret;
	if (used == size)
		return -E2BIG;
	while (used && text[used - 1] == '\n')
		used--;
	text[used] = '\0';
	return (int)used;
}

int stack_tree_read(const char *root, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int ret;

	text[0] = '\0';
	va_start(args, format);
	ret = tree_path(path, root, format, args);
	va_end(args);
	if (!ret)
		ret = read_file(path, text, size);
	if (ret < 0)
		text[0] = '\0';
	return ret;
}

int stack_tree_link(const char *root, char *name, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	char target[PATH_MAX];
	const char *last;
	ssize_t length;
	va_list args;
	int ret;

	va_start(args, format);
	ret = tree_path(path, root, format, args);
	va_end(args);
	if (ret)
		return ret;
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (strlen(last) >= size)
		return -ENAMETOOLONG;
	memcpy(name, last, strlen(last) + 1);
	return 0;
}

bool stack_tree_exists(const char *root, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int ret;

	va_start(args, format);
	ret = tree_path(path, root, format, args);
	va_end(args);
	return !ret && access(path, F_OK) == 0;
}

uint64_t stack_tree_inode(const char *root, const char *format, ...)
{
	char path[PATH_MAX];
	struct stat st;
	va_list args;
	int ret;

	va_start(args, format);
	ret = tree_path(path, root, format, args);
	va_end(args);
	return !ret && stat(path, &st) == 0 ? st.st_ino : 0;
}

int stack_tree_real(const char *root, char *path, const char *format, ...)
{
	char given[PATH_MAX];
	va_list args;
	int ret;

	va_start(args, format);
	ret = tree_path(given, root, format, args);
	va_end(args);
	if (ret)
		return ret;
	return realpath(given, path) ? 0 : -errno;
}

DIR *stack_tree_open(const char *root, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int ret;

	va_start(args, format);
	ret = tree_path(path, root, format, args);
	va_end(args);
	if (ret) {
		errno = -ret;
		return NULL;
	}
	return opendir(path);
}

int stack_tree_open_device(const char *root, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/dev/%s", root, name) >= (int)sizeof(path))
		return -1;
	for (char *c = path + strlen(root) + strlen("/dev/"); *c; c++) {
		if (*c == '!')
			*c = '/';
	}
	return open(path, O_RDONLY | O_CLOEXEC);
}

uint32_t stack_tree_number(int fd, off_t offset, size_t size)
{
	uint32_t number = 0;

	return pread(fd, &number, size, offset) == (ssize_t)size ? le32toh(number) : 0;
}

const char *stack_tree_next(DIR *dir)
{
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			return entry->d_name;
	}
	return NULL;
}
