// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does what its arguments say, one after the other, on the file opened last:
 *
 *	act ACT [ARGUMENT]...	see the table at the end
 *
 * Prints nothing; exit 0 when every act succeeded, else a message and exit 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fd = -1;
static char **rest; /* the arguments not yet used */

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "act: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void demand(int result, const char *what)
{
	if (result < 0)
		fail(what);
}

static const char *argument(void)
{
	if (!*rest) {
		errno = EINVAL;
		fail("an argument is missing");
	}
	return *rest++;
}

static long number(int base)
{
	return strtol(argument(), NULL, base);
}

static void act_open(void)
{
	static const struct {
		char letter;
		int flag;
	} flags[] = {{'r', O_RDONLY}, {'w', O_WRONLY}, {'b', O_RDWR},
		     {'c', O_CREAT},  {'e', O_EXCL},   {'t', O_TRUNC},
		     {'a', O_APPEND}, {'d', O_DIRECT}, {'D', O_DIRECTORY}};
	int wanted = O_CLOEXEC;

	for (const char *letter = argument(); *letter; letter++)
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (flags[i].letter == *letter)
				wanted |= flags[i].flag;
	if (fd >= 0)
		close(fd);
	fd = open(argument(), wanted, 0644);
	demand(fd, "open");
}

static void write_at(off_t offset, size_t size)
{
	void *data;

	if (posix_memalign(&data, 4096, size))
		fail("memory");
	memset(data, 'a', size);
	if ((offset < 0 ? write(fd, data, size) : pwrite(fd, data, size, offset)) != (ssize_t)size)
		fail("write");
	free(data);
}

static void act_write(void)
{
	write_at(-1, number(10));
}

static void act_pwrite(void)
{
	off_t offset = number(10);

	write_at(offset, number(10));
}

static void act_fsync(void)
{
	demand(fsync(fd), "fsync");
}

/* A careless program: it does not look at the result. */
static void act_try_fsync(void)
{
	(void)!fsync(fd);
}

static void act_fdatasync(void)
{
	demand(fdatasync(fd), "fdatasync");
}

/* Through a mapping of the first @size bytes, of which one is written before. */
static void act_msync(void)
{
	static char *mapped = MAP_FAILED;
	static int of = -1;
	size_t size = number(10);

	if (of != fd)
		mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		fail("mmap");
	of = fd;
	mapped[0]++;
	demand(msync(mapped, size, MS_SYNC), "msync");
}

static void *map_and_unmap(void *nothing)
{
	const size_t size = 1 << 20;

	for (;;) {
		void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (mapped != MAP_FAILED)
			munmap(mapped, size);
	}
	return nothing;
}

static void act_churn(void)
{
	pthread_t thread;

	for (long n = number(10); n > 0; n--)
		if ((errno = pthread_create(&thread, NULL, map_and_unmap, NULL)) != 0)
			fail("pthread_create");
}

static void act_range(void)
{
	demand(sync_file_range(fd, 0, 0,
			       SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				       SYNC_FILE_RANGE_WAIT_AFTER),
	       "sync_file_range");
}

static void act_chmod(void)
{
	demand(fchmod(fd, number(8)), "fchmod");
}

static void act_truncate(void)
{
	demand(ftruncate(fd, number(10)), "ftruncate");
}

static void act_unlink(void)
{
	demand(unlink(argument()), "unlink");
}

static void act_rename(void)
{
	const char *from = argument();

	demand(rename(from, argument()), "rename");
}

static void act_sleep(void)
{
	usleep(number(10) * 1000);
}

/* N files of their own, each written, fsynced and closed. */
static void act_files(void)
{
	long n = number(10);
	const char *directory = argument();
	char path[4096];

	for (long i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/small-%ld", directory, i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		demand(fd, "open");
		write_at(-1, 700);
		act_fsync();
		demand(close(fd), "close");
	}
	fd = -1;
}

/* A descriptor that names no file that could be synced, and one that names none. */
static void act_bad(void)
{
	int ends[2];

	demand(pipe(ends), "pipe");
	if (fsync(ends[0]) != -1 || errno != EINVAL || fdatasync(-1) != -1 || errno != EBADF)
		fail("a bad sync call succeeded");
}

static void act_times(void);

static const struct {
	const char *name;
	const char *arguments;
	void (*run)(void);
} acts[] = {
	{"open", "FLAGS PATH", act_open},
	{"write", "SIZE", act_write},
	{"pwrite", "OFFSET SIZE", act_pwrite},
	{"fsync", "", act_fsync},
	{"fdatasync", "", act_fdatasync},
	{"try-fsync", "(whatever comes of it)", act_try_fsync},
	{"msync", "SIZE (of a file opened for both)", act_msync},
	{"churn", "N (threads that map and unmap memory until the end)", act_churn},
	{"range", "(sync_file_range of all, with both waits)", act_range},
	{"chmod", "MODE", act_chmod},
	{"truncate", "SIZE", act_truncate},
	{"unlink", "PATH", act_unlink},
	{"rename", "FROM TO", act_rename},
	{"sleep", "MILLISECONDS", act_sleep},
	{"files", "N DIRECTORY", act_files},
	{"bad", "", act_bad},
	{"times", "N (repeats all that follows)", act_times},
};

static void act_all(void)
{
	while (*rest) {
		const char *name = argument();
		size_t i = 0;

		while (i < sizeof(acts) / sizeof(acts[0]) && strcmp(acts[i].name, name) != 0)
			i++;
		if (i == sizeof(acts) / sizeof(acts[0])) {
			fprintf(stderr, "act: no act '%s'\n", name);
			exit(1);
		}
		acts[i].run();
	}
}

static void act_times(void)
{
	long n = number(10);
	char **again = rest;

	for (long i = 0; i < n; i++) {
		rest = again;
		act_all();
	}
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
			fprintf(stderr, "act %s %s\n", acts[i].name, acts[i].arguments);
		return 2;
	}
	rest = argv + 1;
	act_all();
	return 0;
}
