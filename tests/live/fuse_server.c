// SPDX-License-Identifier: GPL-2.0-only
/*
 * A FUSE server with one file, "file", in memory.
 *
 *   fuse_server LOG WITHOUT FUSE-ARGUMENT...
 *
 * Each sync it is asked for is a line in LOG. WITHOUT: none, or fsync or fsyncdir, which it
 * then answers as unknown (ENOSYS); or keep:PATH: without nothing, and with each sync what it has
 * is written to PATH and synced there.
 */
#define FUSE_USE_VERSION 31
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char content[1 << 16];
static off_t length;
static FILE *log_file;
static const char *without, *kept;

static int is_file(const char *path)
{
	return strcmp(path, "/file") == 0;
}

static int on_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	(void)info;
	memset(st, 0, sizeof(*st));
	st->st_mode = is_file(path) ? S_IFREG | 0644 : S_IFDIR | 0755;
	st->st_nlink = is_file(path) ? 1 : 2;
	st->st_size = is_file(path) ? length : 0;
	return is_file(path) || strcmp(path, "/") == 0 ? 0 : -ENOENT;
}

static int on_open(const char *path, struct fuse_file_info *info)
{
	(void)info;
	return is_file(path) ? 0 : -ENOENT;
}

static int on_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
	(void)path;
	(void)info;
	length = size < (off_t)sizeof(content) ? size : (off_t)sizeof(content);
	return 0;
}

static int on_read(const char *path, char *out, size_t size, off_t offset,
		   struct fuse_file_info *info)
{
	(void)path;
	(void)info;
	if (offset >= length)
		return 0;
	if ((off_t)size > length - offset)
		size = (size_t)(length - offset);
	memcpy(out, content + offset, size);
	return (int)size;
}

static int on_write(const char *path, const char *data, size_t size, off_t offset,
		    struct fuse_file_info *info)
{
	(void)path;
	(void)info;
	if (offset + (off_t)size > (off_t)sizeof(content))
		return -ENOSPC;
	memcpy(content + offset, data, size);
	if (offset + (off_t)size > length)
		length = offset + (off_t)size;
	return (int)size;
}

static int keep(void)
{
	int fd = open(kept, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int bad = fd < 0 || pwrite(fd, content, (size_t)length, 0) != length || fsync(fd);

	if (fd >= 0)
		close(fd);
	return bad ? -EIO : 0;
}

static int answer(const char *request, int datasync)
{
	fprintf(log_file, "%s %s\n", request, datasync ? "data" : "all");
	fflush(log_file);
	if (kept)
		return keep();
	return strcmp(request, without) == 0 ? -ENOSYS : 0;
}

static int on_fsync(const char *path, int datasync, struct fuse_file_info *info)
{
	(void)path;
	(void)info;
	return answer("fsync", datasync);
}

static int on_fsyncdir(const char *path, int datasync, struct fuse_file_info *info)
{
	(void)path;
	(void)info;
	return answer("fsyncdir", datasync);
}

int main(int argc, char **argv)
{
	static const struct fuse_operations operations = {
		.getattr = on_getattr,
		.open = on_open,
		.truncate = on_truncate,
		.read = on_read,
		.write = on_write,
		.fsync = on_fsync,
		.fsyncdir = on_fsyncdir,
	};

	if (argc < 4)
		return 2;
	log_file = fopen(argv[1], "ae");
	if (!log_file)
		return 1;
	without = argv[2];
	if (strncmp(without, "keep:", 5) == 0)
		kept = without + 5;
	return fuse_main(argc - 2, argv + 2, &operations, NULL);
}
