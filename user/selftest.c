// SPDX-License-Identifier: GPL-2.0-only
#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* An unlinked file in the first directory that takes one. */
static int open_temporary(void)
{
	const char *dirs[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
	char path[4096];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (!dirs[i])
			continue;
		snprintf(path, sizeof(path), "%s/flushaudit.XXXXXX", dirs[i]);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd < 0)
			continue;
		unlink(path);
		return fd;
	}
	return -errno;
}

int selftest_run(struct selftest_result *result, struct error *err)
{
	static const char text[] = "flushaudit self-test\n";
	struct statfs fs;
	int fd = open_temporary(), page = getpagesize(), ret = 0;

	if (fd < 0)
		return error_set(
			err, -fd,
			"the self-test needs a temporary file: %s; set TMPDIR to a writable "
			"directory",
			strerror(-fd));
	result->writes_back = !fstatfs(fd, &fs) && fs.f_type != TMPFS_MAGIC &&
			      fs.f_type != RAMFS_MAGIC && fs.f_type != BTRFS_SUPER_MAGIC &&
			      fs.f_type != OVERLAYFS_SUPER_MAGIC;
	/* Two pages: the mark of a dirty one is learnt from the second (written.bpf.c). */
	if (pwrite(fd, text, sizeof(text), 0) < 0 || pwrite(fd, text, sizeof(text), page) < 0 ||
	    fsync(fd) || pwrite(fd, text, sizeof(text), 0) < 0 || fdatasync(fd) ||
	    pwrite(fd, text, sizeof(text), 0) < 0 ||
	    sync_file_range(fd, 0, 0,
			    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				    SYNC_FILE_RANGE_WAIT_AFTER))
		ret = error_set(err, errno, "the self-test's temporary file failed: %s",
				strerror(errno));
	close(fd);
	return ret;
}
