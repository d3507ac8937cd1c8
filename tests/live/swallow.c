// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes one fsync of a file it writes, in ways in which something may be in between:
 *
 *   swallow plain FILE
 *   swallow child LIBRARY FILE    a child that LIBRARY is preloaded into makes the call
 *   swallow open LIBRARY FILE     through LIBRARY, loaded only then
 *   swallow forks COUNT FILE      COUNT children, one after the other, each its own
 *
 * Exits 0 when the call reported success.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "swallow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "some data\n", 10) != 10)
		fail(path);
	return fd;
}

static void sync_file(const char *path)
{
	if (fsync(write_file(path)))
		fail("fsync");
}

static void sync_in_child(const char *program, const char *library, const char *path)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		setenv("LD_PRELOAD", library, 1);
		execl(program, program, "plain", path, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("the child");
}

static void sync_through(const char *library, const char *path)
{
	void *handle = dlopen(library, RTLD_NOW);
	int (*call)(int) = handle ? (int (*)(int))dlsym(handle, "fsync") : NULL;

	if (!call || call(write_file(path)))
		fail(library);
}

static void sync_in_forks(int count, const char *path)
{
	int status;

	for (; count > 0; count--) {
		pid_t pid = fork();

		if (!pid) {
			sync_file(path);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			fail("a child");
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";

	if (!strcmp(how, "plain"))
		sync_file(argv[2]);
	else if (!strcmp(how, "child") && argc == 4)
		sync_in_child(argv[0], argv[2], argv[3]);
	else if (!strcmp(how, "open") && argc == 4)
		sync_through(argv[2], argv[3]);
	else if (!strcmp(how, "forks") && argc == 4)
		sync_in_forks(atoi(argv[2]), argv[3]);
	else
		return 2;
	return 0;
}
