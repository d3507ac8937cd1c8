// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes exactly the sync calls its name says, inside the guest.
 *
 *	workload KIND PATH COUNT [SIZE]	see the table at the end
 *	workload mark NAME		a line in the drive's log
 *	workload set DISK OPTION	an option of the drive, see drive.c
 *
 * Prints nothing; exit 0 when every call succeeded, else a message and exit 1.
 * With WORKLOAD_MARKS=PREFIX each sync call that returned is followed by the
 * mark PREFIX-N (N counts from 1 over all threads) before anything else is
 * done by its thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

struct job {
	const char *path;
	long count;
	size_t size;
	long threads;
};

static const char *marks;

static void synced(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static long n;
	char line[128];

	if (!marks)
		return;
	pthread_mutex_lock(&lock);
	snprintf(line, sizeof(line), "mark %s-%ld\n", marks, ++n);
	tell_drive(line);
	pthread_mutex_unlock(&lock);
}

/* --- single calls; each fails aloud --- */

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		fail("open %s", path);
	return fd;
}

static void close_file(int fd)
{
	if (close(fd))
		fail("close");
}

static char *filled(size_t size)
{
	void *data;

	if (posix_memalign(&data, 4096, size)) {
		errno = ENOMEM;
		fail("%zu bytes", size);
	}
	memset(data, 'f', size);
	return data;
}

static void write_at(int fd, const char *data, size_t size, off_t offset)
{
	ssize_t n = pwrite(fd, data, size, offset);

	if (n >= 0 && (size_t)n != size)
		errno = EIO;
	if (n != (ssize_t)size)
		fail("pwrite");
}

static void sync_all(int fd)
{
	if (fsync(fd))
		fail("fsync");
	synced();
}

static void sync_data(int fd)
{
	if (fdatasync(fd))
		fail("fdatasync");
	synced();
}

static void write_out(int fd, off_t offset, size_t size)
{
	if (sync_file_range(fd, offset, size,
			    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				    SYNC_FILE_RANGE_WAIT_AFTER))
		fail("sync_file_range");
	synced();
}

/* --- kinds --- */

static void append_fsync(const struct job *job)
{
	int fd = open_file(job->path, O_WRONLY | O_CREAT | O_TRUNC);
	char *data = filled(job->size);

	for (long i = 0; i < job->count; i++) {
		write_at(fd, data, job->size, i * job->size);
		sync_all(fd);
	}
	free(data);
	close_file(fd);
}

/* The file is written once and fsynced, which is one sync call more. */
static int open_overwritable(const struct job *job, int flags, const char *data)
{
	int fd = open_file(job->path, O_WRONLY | O_CREAT | flags);

	for (long i = 0; i < job->count; i++)
		write_at(fd, data, job->size, i * job->size);
	sync_all(fd);
	return fd;
}

static void overwrite(const struct job *job, int flags)
{
	char *data = filled(job->size);
	int fd = open_overwritable(job, flags, data);

	for (long i = 0; i < job->count; i++) {
		write_at(fd, data, job->size, i * job->size);
		sync_data(fd);
	}
	free(data);
	close_file(fd);
}

static void overwrite_fdatasync(const struct job *job)
{
	overwrite(job, 0);
}

static void direct_fdatasync(const struct job *job)
{
	overwrite(job, O_DIRECT);
}

static void sync_file_range_only(const struct job *job)
{
	char *data = filled(job->size);
	int fd = open_file(job->path, O_WRONLY | O_CREAT);

	for (long i = 0; i < job->count; i++) {
		write_at(fd, data, job->size, i * job->size);
		write_out(fd, i * job->size, job->size);
	}
	free(data);
	close_file(fd);
}

static void dir_fsync(const struct job *job)
{
	int dir = open_file(job->path, O_RDONLY | O_DIRECTORY);
	char name[32];
	int fd;

	for (long i = 0; i < job->count; i++) {
		snprintf(name, sizeof(name), "entry-%ld", i);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			fail("create %s/%s", job->path, name);
		close_file(fd);
		sync_all(dir);
	}
	close_file(dir);
}

/*
 * symlink() by the table of 32-bit programs, where it has the number that mkdir() has here. Such
 * calls return by no system call tracepoint.
 */
static void symlink_unseen(const char *path)
{
	char *text = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret = 83;

	if (text == MAP_FAILED)
		fail("mmap");
	snprintf(text, 4096, "%s", path);
	__asm__ volatile("int $0x80"
			 : "+a"(ret)
			 : "b"(text), "c"(text)
			 : "memory", "r8", "r9", "r10", "r11");
	if (ret) {
		errno = -ret;
		fail("symlink %s", path);
	}
	munmap(text, 4096);
}

/* Makes DIR/to/N after a change of DIR/from whose return is not seen, and syncs DIR/from. */
static void mkdir_after_unseen(const struct job *job)
{
	char path[4096];
	int fd;

	for (long i = 0; i < job->count; i++) {
		snprintf(path, sizeof(path), "%s/from/%ld", job->path, i);
		symlink_unseen(path);
		snprintf(path, sizeof(path), "%s/to/%ld", job->path, i);
		if (mkdir(path, 0755))
			fail("mkdir %s", path);
	}
	snprintf(path, sizeof(path), "%s/from", job->path);
	fd = open_file(path, O_RDONLY | O_DIRECTORY);
	sync_all(fd);
	close_file(fd);
}

static void metadata_fsync(const struct job *job)
{
	int fd = open_file(job->path, O_WRONLY | O_CREAT);

	for (long i = 0; i < job->count; i++) {
		if (fchmod(fd, i % 2 ? 0644 : 0600))
			fail("fchmod");
		if (ftruncate(fd, (i + 1) * 4096))
			fail("ftruncate");
		sync_all(fd);
	}
	close_file(fd);
}

struct thread {
	pthread_t id;
	const struct job *job;
	int fd;
	off_t start;
};

static void *thread_main(void *argument)
{
	const struct thread *thread = argument;
	char *data = filled(4096);

	for (long i = 0; i < thread->job->count; i++) {
		write_at(thread->fd, data, 4096, thread->start + i * 4096);
		sync_all(thread->fd);
	}
	free(data);
	return NULL;
}

static void run_threads(const struct job *job, bool one_file)
{
	struct thread *threads = calloc(job->threads, sizeof(*threads));
	int shared = one_file ? open_file(job->path, O_WRONLY | O_CREAT) : -1;
	char path[4096];

	if (!threads)
		fail("threads");
	for (long i = 0; i < job->threads; i++) {
		snprintf(path, sizeof(path), "%s/thread-%ld", job->path, i);
		threads[i] = (struct thread){
			.job = job,
			.fd = one_file ? shared : open_file(path, O_WRONLY | O_CREAT),
			.start = one_file ? i * job->count * 4096 : 0,
		};
		errno = pthread_create(&threads[i].id, NULL, thread_main, &threads[i]);
		if (errno)
			fail("thread");
	}
	for (long i = 0; i < job->threads; i++) {
		pthread_join(threads[i].id, NULL);
		if (!one_file)
			close_file(threads[i].fd);
	}
	if (one_file)
		close_file(shared);
	free(threads);
}

static void threads_fsync(const struct job *job)
{
	run_threads(job, false);
}

static void threads_fsync_one(const struct job *job)
{
	run_threads(job, true);
}

static atomic_bool stop;

/* Dirties the second half of the file for as long as the main thread syncs. */
static void *keep_writing(void *argument)
{
	const struct thread *thread = argument;
	char *data = filled(4096);

	for (long i = 0; !stop; i++) {
		write_at(thread->fd, data, 4096, thread->start + i % 64 * 4096);
		usleep(100);
	}
	free(data);
	return NULL;
}

static void busy_fdatasync(const struct job *job)
{
	int fd = open_file(job->path, O_RDWR | O_CREAT);
	struct thread other = {.fd = fd, .start = job->count * 4096};
	char *data = filled(4096);

	errno = pthread_create(&other.id, NULL, keep_writing, &other);
	if (errno)
		fail("thread");
	for (long i = 0; i < job->count; i++) {
		write_at(fd, data, 4096, i * 4096);
		sync_data(fd);
	}
	stop = true;
	pthread_join(other.id, NULL);
	sync_data(fd);
	free(data);
	close_file(fd);
}

/*
 * Syncs made: COUNT; one more where the file is laid out first (fsync) and where
 * the other thread's last writes are synced (busy); T * COUNT for threads.
 */
static const struct kind {
	const char *name;
	const char *arguments;
	void (*run)(const struct job *job);
	bool sized, threaded;
} kinds[] = {
	{"append-fsync", "FILE N SIZE", append_fsync, true, false},
	{"overwrite-fdatasync", "FILE N SIZE", overwrite_fdatasync, true, false},
	{"direct-fdatasync", "FILE N SIZE", direct_fdatasync, true, false},
	{"sync-file-range", "FILE N SIZE", sync_file_range_only, true, false},
	{"dir-fsync", "DIR N", dir_fsync, false, false},
	{"mkdir-after-unseen", "DIR N", mkdir_after_unseen, false, false},
	{"metadata-fsync", "FILE N", metadata_fsync, false, false},
	{"threads-fsync", "DIR T N", threads_fsync, false, true},
	{"threads-fsync-one", "FILE T N", threads_fsync_one, false, true},
	{"busy-fdatasync", "FILE N", busy_fdatasync, false, false},
};

static int usage(void)
{
	fprintf(stderr, "usage: workload mark NAME | set DISK OPTION\n");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		fprintf(stderr, "       workload %s %s\n", kinds[i].name, kinds[i].arguments);
	return 2;
}

static long number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n <= 0)
		exit(usage());
	return n;
}

int main(int argc, char **argv)
{
	char line[256];

	marks = getenv("WORKLOAD_MARKS");
	if (argc == 3 && !strcmp(argv[1], "mark")) {
		snprintf(line, sizeof(line), "mark %s\n", argv[2]);
		tell_drive(line);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "set")) {
		snprintf(line, sizeof(line), "set %s %s\n", argv[2], argv[3]);
		tell_drive(line);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *kind = &kinds[i];
		struct job job = {};

		if (strcmp(kind->name, argv[1]) != 0)
			continue;
		if (argc != 4 + (kind->sized || kind->threaded))
			return usage();
		job.path = argv[2];
		if (kind->threaded)
			job.threads = number(argv[3]);
		job.count = number(argv[kind->threaded ? 4 : 3]);
		if (kind->sized)
			job.size = number(argv[4]);
		kind->run(&job);
		return 0;
	}
	return usage();
}
