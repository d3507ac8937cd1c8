// SPDX-License-Identifier: GPL-2.0-only
/*
 * A library to preload. As it is: sync calls that do nothing. With PASS_ON: such that count
 * and then call those of the C library, as a profiler does.
 */
#include <stddef.h>

int fsync(int fd);
int fdatasync(int fd);

#ifdef PASS_ON
#include <dlfcn.h>

static unsigned long calls;

static int pass_on(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);

	calls++;
	return real ? real(fd) : -1;
}

int fsync(int fd)
{
	return pass_on("fsync", fd);
}

int fdatasync(int fd)
{
	return pass_on("fdatasync", fd);
}
#else
int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}
#endif
