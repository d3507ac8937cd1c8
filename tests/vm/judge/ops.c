// SPDX-License-Identifier: GPL-2.0-only
/* The operations of a script: each is done, and then done to the model. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ops.h"

#include "async.h"

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* --- files --- */

static const int opening_flags[OPENINGS] = {
	[DIRECT] = O_DIRECT,
	[DSYNC] = O_DSYNC,
	[OSYNC] = O_SYNC,
	[DIRECT_DSYNC] = O_DIRECT | O_DSYNC,
};

/* What scripts call @. */
static const char *device;

void use_device(const char *path)
{
	device = path;
}

static int open_inode(struct inode *inode, const char *path, enum opening how)
{
	if (inode->type == DEVICE)
		path = device;
	if (inode->fd[how] < 0)
		inode->fd[how] = open(path, O_RDWR | O_CLOEXEC | opening_flags[how]);
	return inode->fd[how];
}

/* What the model does not know yet but the filesystem has: only its name is known. */
static struct inode *any_inode(struct thread *thread, const char *path)
{
	struct inode *inode = model_find(&thread->model, path);
	enum inode_type type = REGULAR;
	struct stat status;

	if (inode)
		return inode;
	if (lstat(path, &status))
		return NULL;
	if (S_ISDIR(status.st_mode))
		type = DIRECTORY;
	else if (S_ISLNK(status.st_mode))
		type = SYMLINK;
	inode = model_add(&thread->model, type, path);
	inode->partial = true;
	return inode;
}

static struct inode *create_inode(struct thread *thread, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct inode *inode;

	if (fd < 0)
		return NULL;
	inode = model_add(&thread->model, REGULAR, path);
	inode->fd[PLAIN] = fd;
	return inode;
}

/* A file with its plain descriptor open. */
static struct inode *file_inode(struct thread *thread, const char *path, bool create)
{
	struct inode *inode = model_find(&thread->model, path);

	if (!inode && !strcmp(path, "@"))
		inode = model_add(&thread->model, DEVICE, path);
	if (!inode && create) {
		inode = create_inode(thread, path);
		if (!inode && errno != EEXIST)
			return NULL;
	}
	if (!inode)
		inode = any_inode(thread, path);
	if (!inode)
		return NULL;
	if (inode->type != REGULAR && inode->type != DEVICE) {
		errno = EISDIR;
		return NULL;
	}
	return open_inode(inode, path, PLAIN) < 0 ? NULL : inode;
}

static uint64_t real_size(const struct inode *inode)
{
	struct stat status;

	if (inode->type == DEVICE || fstat(inode->fd[PLAIN], &status))
		return inode->size;
	return status.st_size;
}

bool lacking(const struct op *op)
{
	return op->kind->optional && (errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL ||
				      errno == ENOSYS || errno == ERANGE);
}

/* A change of a range that failed: -1, errno stands. */
static int spoilt(struct inode *inode, const struct op *op, uint64_t from, uint64_t to)
{
	int error = errno;

	if (!lacking(op))
		inode_taint(inode, from, to, real_size(inode));
	errno = error;
	return -1;
}

/* --- operations on names --- */

static int run_mkdir(struct thread *thread, const struct op *op)
{
	if (mkdir(op->path[0], 0755))
		return -1;
	model_add(&thread->model, DIRECTORY, op->path[0]);
	return 0;
}

static int run_create(struct thread *thread, const struct op *op)
{
	return create_inode(thread, op->path[0]) ? 0 : -1;
}

static int run_remove(struct thread *thread, const struct op *op)
{
	struct inode *inode = any_inode(thread, op->path[0]);

	if (!inode || (op->kind->variant ? rmdir(op->path[0]) : unlink(op->path[0])))
		return -1;
	inode_unname(inode, op->path[0]);
	return 0;
}

static int run_rename(struct thread *thread, const struct op *op)
{
	struct inode *inode = any_inode(thread, op->path[0]);

	any_inode(thread, op->path[1]);
	if (!inode || rename(op->path[0], op->path[1]))
		return -1;
	model_rename(&thread->model, inode, op->path[0], op->path[1]);
	return 0;
}

static int run_link(struct thread *thread, const struct op *op)
{
	struct inode *inode = any_inode(thread, op->path[0]);

	if (!inode || link(op->path[0], op->path[1]))
		return -1;
	model_name(&thread->model, inode, op->path[1]);
	return 0;
}

/* A file that has no name until it is whole. */
static int run_tmplink(struct thread *thread, const struct op *op)
{
	char *path = must(strdup(op->path[0])), from[64], *slash = strrchr(path, '/');
	int fd, result;

	if (slash)
		*slash = '\0';
	fd = open(slash ? path : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	free(path);
	if (fd < 0)
		return -1;
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	result = linkat(AT_FDCWD, from, AT_FDCWD, op->path[0], AT_SYMLINK_FOLLOW);
	close(fd);
	if (!result)
		model_add(&thread->model, REGULAR, op->path[0]);
	return result;
}

static int run_symlink(struct thread *thread, const struct op *op)
{
	if (symlink(op->text, op->path[0]))
		return -1;
	model_add(&thread->model, SYMLINK, op->path[0]);
	return 0;
}

/* --- operations on content --- */

/* Compressible, and of this write alone. */
static char *new_data(struct thread *thread, uint64_t size)
{
	uint64_t id = (uint64_t)(thread->number == PREPARATION ? 0 : thread->number + 1) << 32;
	uint64_t pattern[2];
	void *data;

	id |= ++thread->writes;
	pattern[0] = id;
	pattern[1] = ~id * 0x9e3779b97f4a7c15ULL;
	errno = posix_memalign(&data, 4096, size + 1);
	if (errno)
		fail("%" PRIu64 " bytes", size);
	for (uint64_t i = 0; i < size; i += sizeof(pattern))
		memcpy((char *)data + i, pattern,
		       size - i < sizeof(pattern) ? size - i : sizeof(pattern));
	return data;
}

/* Who carries a call out. */
enum carrier { BY_CALL = 0, BY_AIO = 1 << 8, BY_URING = 2 << 8 };
#define CARRIERS (BY_AIO | BY_URING)

static ssize_t write_by(enum carrier by, int fd, const char *data, uint64_t size, uint64_t offset)
{
	if (by == BY_AIO)
		return aio_write_at(fd, data, size, offset);
	return by == BY_URING ? uring_write_at(fd, data, size, offset)
			      : pwrite(fd, data, size, offset);
}

static int write_whole(enum carrier by, int fd, const char *data, uint64_t size, uint64_t offset)
{
	ssize_t n = 0;

	for (uint64_t done = 0; done < size; done += n) {
		n = write_by(by, fd, data + done, size - done, offset + done);
		if (!n)
			errno = EIO;
		if (n <= 0)
			return -1;
	}
	return 0;
}

static int write_at(struct thread *thread, const struct op *op, struct inode *inode,
		    uint64_t offset, uint64_t size)
{
	enum opening how = op->kind->variant & ~CARRIERS;
	int fd = open_inode(inode, op->path[0], how);
	struct promises promises;
	char *data;
	int result;

	if (fd < 0)
		return -1;
	data = new_data(thread, size);
	promises_start(&promises);
	if (opening_flags[how] & O_DSYNC)
		promise_written(promises.out, inode, offset, data, size);
	thread->begin = now_ns();
	result = write_whole(op->kind->variant & CARRIERS, fd, data, size, offset);
	thread->end = now_ns();
	if (!(opening_flags[how] & O_DSYNC) || (result && lacking(op)))
		promises_drop(&promises);
	else
		result = record(thread, op, how == OSYNC ? "o_sync" : "o_dsync", result, &promises);
	if (!result)
		inode_write(inode, offset, data, size);
	else
		spoilt(inode, op, offset, offset + size);
	free(data);
	return result;
}

static int run_write(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], true);

	return inode ? write_at(thread, op, inode, op->number[0], op->number[1]) : -1;
}

static int run_append(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], true);

	return inode ? write_at(thread, op, inode, real_size(inode), op->number[0]) : -1;
}

/* Mappings start at a page; returns where OFFSET is. */
static char *map_range(int fd, uint64_t offset, uint64_t size)
{
	uint64_t inside = offset % 4096;
	char *at =
		mmap(NULL, size + inside, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset - inside);

	return at == MAP_FAILED ? NULL : at + inside;
}

static void unmap_range(char *at, uint64_t offset, uint64_t size)
{
	munmap(at - offset % 4096, size + offset % 4096);
}

static _Thread_local sigjmp_buf *on_bus_error;

static void bus_error(int signal)
{
	if (on_bus_error)
		siglongjmp(*on_bus_error, 1);
	_exit(128 + signal);
}

/* A page that cannot be had (no space, a read error) is a signal. */
static int store(char *at, const char *data, uint64_t size)
{
	sigjmp_buf back;

	if (sigsetjmp(back, 1)) {
		on_bus_error = NULL;
		errno = EFAULT;
		return -1;
	}
	on_bus_error = &back;
	signal(SIGBUS, bus_error);
	memcpy(at, data, size);
	on_bus_error = NULL;
	return 0;
}

static int run_mmap(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], false);
	uint64_t offset = op->number[0], size = op->number[1];
	char *at, *data;
	int result;

	if (!inode)
		return -1;
	if (offset + size > real_size(inode)) {
		errno = ERANGE;
		return -1;
	}
	at = map_range(inode->fd[PLAIN], offset, size);
	if (!at)
		return -1;
	data = new_data(thread, size);
	result = store(at, data, size);
	if (!result)
		inode_write(inode, offset, data, size);
	else
		spoilt(inode, op, offset, offset + size);
	unmap_range(at, offset, size);
	free(data);
	return result;
}

static int run_truncate(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], false);
	uint64_t size = op->number[0];

	if (!inode)
		return -1;
	if (ftruncate(inode->fd[PLAIN], size))
		return spoilt(inode, op, size, UINT64_MAX);
	inode_resize(inode, size);
	return 0;
}

static int run_fallocate(struct thread *thread, const struct op *op)
{
	uint64_t from = op->number[0], to = from + op->number[1];
	int mode = op->kind->variant;
	struct inode *inode;

	inode = file_inode(thread, op->path[0], !(mode & FALLOC_FL_PUNCH_HOLE));
	if (!inode)
		return -1;
	if (fallocate(inode->fd[PLAIN], mode, from, to - from))
		return spoilt(inode, op, from, to);
	if (!mode && !inode->partial && to > inode->size)
		inode_resize(inode, to);
	if (mode & FALLOC_FL_PUNCH_HOLE && to > real_size(inode))
		to = real_size(inode);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) && from < to)
		inode_write(inode, from, NULL, to - from);
	return 0;
}

static int run_reflink(struct thread *thread, const struct op *op)
{
	struct inode *from = file_inode(thread, op->path[0], false);
	struct inode *to = from ? file_inode(thread, op->path[1], true) : NULL;

	if (!to || ftruncate(to->fd[PLAIN], 0))
		return -1;
	inode_resize(to, 0);
	if (ioctl(to->fd[PLAIN], FICLONE, from->fd[PLAIN]))
		return spoilt(to, op, 0, UINT64_MAX);
	inode_clone(to, from);
	return 0;
}

static int run_realtime(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], true);
	struct fsxattr attributes;

	if (!inode || ioctl(inode->fd[PLAIN], FS_IOC_FSGETXATTR, &attributes))
		return -1;
	attributes.fsx_xflags |= FS_XFLAG_REALTIME;
	return ioctl(inode->fd[PLAIN], FS_IOC_FSSETXATTR, &attributes);
}

static int run_nocow(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], true);
	int flags;

	if (!inode || ioctl(inode->fd[PLAIN], FS_IOC_GETFLAGS, &flags))
		return -1;
	flags |= FS_NOCOW_FL;
	return ioctl(inode->fd[PLAIN], FS_IOC_SETFLAGS, &flags);
}

/* --- sync calls --- */

static int run_fsync(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], false);
	bool data_only = op->kind->variant & 1;
	const char *name = data_only ? "fdatasync" : "fsync";
	struct promises promises;
	int result;

	if (!inode)
		return -1;
	promises_start(&promises);
	promise_content(promises.out, inode);
	thread->begin = now_ns();
	if (op->kind->variant & BY_AIO) {
		name = "aio_fsync";
		result = aio_sync(inode->fd[PLAIN], data_only);
	} else if (op->kind->variant & BY_URING) {
		name = "io_uring_fsync";
		result = uring_sync(inode->fd[PLAIN], data_only);
	} else {
		result = data_only ? fdatasync(inode->fd[PLAIN]) : fsync(inode->fd[PLAIN]);
	}
	thread->end = now_ns();
	return record(thread, op, name, result, &promises);
}

static int run_range(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], false);
	uint64_t offset = op->number[0], size = op->number[1];
	const unsigned int flags =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	bool by_uring = op->kind->variant & BY_URING;
	struct promises promises;
	int result;

	if (!inode)
		return -1;
	promises_start(&promises);
	promise_range(promises.out, inode, offset, offset + size);
	thread->begin = now_ns();
	result = by_uring ? uring_sync_range(inode->fd[PLAIN], offset, size, flags)
			  : sync_file_range(inode->fd[PLAIN], offset, size, flags);
	thread->end = now_ns();
	return record(thread, op, by_uring ? "io_uring_sync_file_range" : "sync_file_range", result,
		      &promises);
}

/* Where in a range the last byte is that was ever written: a hole behind it makes the file no
 * longer, so that it is there only if what was written further on is, which msync leaves out. */
static uint64_t end_of_written(const struct inode *inode, uint64_t from, uint64_t to)
{
	if (!inode->partial && to > inode->size)
		to = inode->size;
	if (to > inode->capacity)
		to = inode->capacity;
	while (to > from && !inode->data[to - 1])
		to--;
	return to;
}

static int run_msync(struct thread *thread, const struct op *op)
{
	struct inode *inode = file_inode(thread, op->path[0], false);
	uint64_t offset = op->number[0], size = op->number[1];
	struct promises promises;
	char *at;
	int result;

	if (!inode)
		return -1;
	at = map_range(inode->fd[PLAIN], offset, size);
	if (!at)
		return -1;
	promises_start(&promises);
	promise_range(promises.out, inode, offset, end_of_written(inode, offset, offset + size));
	thread->begin = now_ns();
	result = msync(at - offset % 4096, size + offset % 4096, MS_SYNC);
	thread->end = now_ns();
	result = record(thread, op, "msync", result, &promises);
	unmap_range(at, offset, size);
	return result;
}

static int run_fsyncdir(struct thread *thread, const struct op *op)
{
	int fd = open(op->path[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct promises promises;
	int result;

	if (fd < 0)
		return -1;
	promises_start(&promises);
	promise_names(promises.out, &thread->model, op->path[0]);
	thread->begin = now_ns();
	result = fsync(fd);
	thread->end = now_ns();
	result = record(thread, op, "fsync", result, &promises);
	close(fd);
	return result;
}

static int run_sync(struct thread *thread, const struct op *op)
{
	bool whole_system = op->kind->variant;
	struct promises promises;
	int result = 0;

	promises_start(&promises);
	promise_all(promises.out, &thread->model);
	thread->begin = now_ns();
	if (whole_system)
		sync();
	else
		result = syncfs(thread->root);
	thread->end = now_ns();
	result = record(thread, op, whole_system ? "sync" : "syncfs", result, &promises);
	return result;
}

/* --- the rest --- */

static int run_sleep(struct thread *thread, const struct op *op)
{
	struct timespec time = {op->number[0] / 1000, op->number[0] % 1000 * 1000000};

	(void)thread;
	return nanosleep(&time, NULL);
}

static const struct kind kinds[] = {
	{"mkdir", "p", run_mkdir, 0, false},
	{"rmdir", "p", run_remove, 1, false},
	{"create", "p", run_create, 0, false},
	{"unlink", "p", run_remove, 0, false},
	{"rename", "pp", run_rename, 0, false},
	{"link", "pp", run_link, 0, false},
	{"tmplink", "p", run_tmplink, 0, true},
	{"symlink", "tp", run_symlink, 0, true},
	{"write", "dnn", run_write, PLAIN, false},
	{"append", "pn", run_append, PLAIN, false},
	{"direct", "dnn", run_write, DIRECT, true},
	{"dsync", "dnn", run_write, DSYNC, false},
	{"osync", "dnn", run_write, OSYNC, false},
	{"ddsync", "dnn", run_write, DIRECT_DSYNC, true},
	{"aioddsync", "dnn", run_write, DIRECT_DSYNC | BY_AIO, true},
	{"uringdsync", "dnn", run_write, DSYNC | BY_URING, true},
	{"uringddsync", "dnn", run_write, DIRECT_DSYNC | BY_URING, true},
	{"mmap", "pnn", run_mmap, 0, true},
	{"truncate", "pn", run_truncate, 0, false},
	{"fallocate", "pnn", run_fallocate, 0, true},
	{"keep", "pnn", run_fallocate, FALLOC_FL_KEEP_SIZE, true},
	{"punch", "pnn", run_fallocate, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, true},
	{"zero", "pnn", run_fallocate, FALLOC_FL_ZERO_RANGE, true},
	{"reflink", "pp", run_reflink, 0, true},
	{"realtime", "p", run_realtime, 0, true},
	{"nocow", "p", run_nocow, 0, true},
	{"fsync", "d", run_fsync, 0, false},
	{"fdatasync", "d", run_fsync, 1, false},
	{"aiofsync", "d", run_fsync, BY_AIO, true},
	{"aiofdatasync", "d", run_fsync, BY_AIO | 1, true},
	{"uringfsync", "d", run_fsync, BY_URING, true},
	{"uringfdatasync", "d", run_fsync, BY_URING | 1, true},
	{"range", "dnn", run_range, 0, false},
	{"uringrange", "dnn", run_range, BY_URING, true},
	{"msync", "pnn", run_msync, 0, false},
	{"fsyncdir", "p", run_fsyncdir, 0, false},
	{"syncfs", "", run_sync, 0, false},
	{"sync", "", run_sync, 1, false},
	{"sleep", "n", run_sleep, 0, false},
	{"barrier", "", run_barrier, 0, false},
	{"tell", "*", run_tell, 0, false},
};

const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}
