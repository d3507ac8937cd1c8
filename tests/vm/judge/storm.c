// SPDX-License-Identifier: GPL-2.0-only
/* Many threads that sync at once, and some that only write. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "player.h"

#define BLOCK	  4096
#define FILE_SIZE (1024 * 1024)

struct writer {
	pthread_t id;
	const struct storm_options *options;
	long number, calls, fsyncs, fdatasyncs;
	uint64_t random;
	int own, direct, shared, dir;
	off_t end;		   /* of what is appended to the own file */
	off_t region, region_size; /* of the shared file */
	char *data;
};

static atomic_bool stop;

/* xorshift64* */
static uint64_t draw(struct writer *writer, uint64_t below)
{
	uint64_t x = writer->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	writer->random = x;
	return (x * 0x2545f4914f6cdd1dULL >> 32) % below;
}

static int open_at(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		fail("open %s", name);
	return fd;
}

static void write_at(struct writer *writer, int fd, off_t offset, size_t size)
{
	ssize_t n;

	memset(writer->data, 'a' + draw(writer, 26), size);
	n = pwrite(fd, writer->data, size, offset);
	if (n >= 0 && (size_t)n != size)
		errno = ENOSPC;
	if (n != (ssize_t)size)
		fail("pwrite");
}

static void append(struct writer *writer)
{
	size_t size = 1 + draw(writer, 2 * BLOCK);

	if (writer->end + size > FILE_SIZE)
		writer->end = 0;
	write_at(writer, writer->own, writer->end, size);
	writer->end += size;
}

static void overwrite(struct writer *writer, int fd)
{
	write_at(writer, fd, draw(writer, FILE_SIZE / BLOCK) * BLOCK, BLOCK);
}

static void write_shared(struct writer *writer)
{
	off_t offset = draw(writer, writer->region_size / BLOCK) * BLOCK;

	write_at(writer, writer->shared, writer->region + offset, BLOCK);
}

static void sync_file(struct writer *writer, int fd, bool data_only)
{
	if (data_only ? fdatasync(fd) : fsync(fd))
		fail("sync");
	if (data_only)
		writer->fdatasyncs++;
	else
		writer->fsyncs++;
}

static void create_entry(struct writer *writer, long n)
{
	char name[32];

	snprintf(name, sizeof(name), "entry-%ld", n % 64);
	if (unlinkat(writer->dir, name, 0) && errno != ENOENT)
		fail("unlink %s", name);
	close(open_at(writer->dir, name, O_WRONLY | O_CREAT | O_EXCL));
}

static void *sync_main(void *argument)
{
	struct writer *writer = argument;

	for (long i = 0; i < writer->calls; i++) {
		bool data_only = draw(writer, 2);

		if (i % 16 == 15) {
			create_entry(writer, i / 16);
			sync_file(writer, writer->dir, false);
			continue;
		}
		switch (draw(writer, 4)) {
		case 0:
			append(writer);
			sync_file(writer, writer->own, data_only);
			break;
		case 1:
			overwrite(writer, writer->own);
			sync_file(writer, writer->own, data_only);
			break;
		case 2:
			overwrite(writer, writer->direct);
			sync_file(writer, writer->direct, true);
			break;
		default:
			write_shared(writer);
			sync_file(writer, writer->shared, data_only);
		}
	}
	return NULL;
}

static void *background_main(void *argument)
{
	struct writer *writer = argument;

	while (!stop) {
		if (draw(writer, 2))
			append(writer);
		else
			write_shared(writer);
		usleep(100);
	}
	return NULL;
}

static void prepare(struct writer *writer, const struct storm_options *options, long number)
{
	long writers = options->threads + options->background;
	int top = open_at(AT_FDCWD, options->dir, O_RDONLY | O_DIRECTORY);
	char name[32];
	void *data;

	*writer = (struct writer){.options = options, .number = number};
	writer->random = (options->seed + 1) * 0x9e3779b97f4a7c15ULL ^ (number + 1) << 20;
	writer->calls = options->calls / options->threads;
	writer->calls += number < options->calls % options->threads;
	writer->region_size = FILE_SIZE / writers / BLOCK * BLOCK;
	if (!writer->region_size)
		writer->region_size = BLOCK;
	writer->region = number * writer->region_size;
	errno = posix_memalign(&data, BLOCK, 2 * BLOCK);
	if (errno)
		fail("memory");
	writer->data = data;
	snprintf(name, sizeof(name), "storm-%ld", number);
	if (mkdirat(top, name, 0755) && errno != EEXIST)
		fail("mkdir %s", name);
	writer->dir = open_at(top, name, O_RDONLY | O_DIRECTORY);
	writer->own = open_at(writer->dir, "own", O_RDWR | O_CREAT);
	/* Not every filesystem has it. */
	writer->direct =
		openat(writer->dir, "direct", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
	if (writer->direct < 0)
		writer->direct = open_at(writer->dir, "direct", O_RDWR | O_CREAT);
	writer->shared = open_at(top, "storm-shared", O_RDWR | O_CREAT);
	close(top);
}

int storm(const struct storm_options *options)
{
	long count = options->threads + options->background, fsyncs = 0, fdatasyncs = 0;
	struct writer *writers = must(calloc(count, sizeof(*writers)));

	for (long i = 0; i < count; i++)
		prepare(&writers[i], options, i);
	for (long i = count - 1; i >= 0; i--) {
		errno = pthread_create(&writers[i].id, NULL,
				       i < options->threads ? sync_main : background_main,
				       &writers[i]);
		if (errno)
			fail("thread");
	}
	for (long i = 0; i < count; i++) {
		if (i == options->threads)
			stop = true;
		pthread_join(writers[i].id, NULL);
		fsyncs += writers[i].fsyncs;
		fdatasyncs += writers[i].fdatasyncs;
		free(writers[i].data);
	}
	printf("calls fsync=%ld fdatasync=%ld\n", fsyncs, fdatasyncs);
	free(writers);
	return 0;
}
