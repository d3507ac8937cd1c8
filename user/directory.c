// SPDX-License-Identifier: GPL-2.0-only
#include "directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_own_namespace(uint32_t number)
{
	struct stat own;

	return !stat("/proc/self/ns/mnt", &own) && own.st_ino == number;
}

bool directory_find(const struct stack *stack, const char *path, uint32_t mount_namespace,
		    struct place *place, char *real, size_t size)
{
	struct stat st = {0}, named;
	char self[64];
	ssize_t length;
	int fd;

	if (!is_own_namespace(mount_namespace))
		return false;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	place->ino = fstat(fd, &st) ? 0 : st.st_ino;
	place->dev = stack_mounts_holding(stack, self);
	length = readlink(self, real, size - 1);
	real[length > 0 ? length : 0] = '\0';
	/* Of one that is gone meanwhile it says so behind the name. */
	if (lstat(real, &named) || named.st_ino != st.st_ino || named.st_dev != st.st_dev)
		*real = '\0';
	close(fd);
	return place->ino && place->dev;
}
