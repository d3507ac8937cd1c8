// SPDX-License-Identifier: GPL-2.0-only
/* Linux AIO and io_uring, one request at a time, without libraries of theirs. */
#include "async.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns what the request returned, or -1 with errno. */
static int finished(long result)
{
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

static int aio_do(struct iocb *request)
{
	struct iocb *list[] = {request};
	aio_context_t context = 0;
	struct io_event event;
	long got;
	int error;

	if (syscall(SYS_io_setup, 1, &context))
		return -1;
	got = syscall(SYS_io_submit, context, 1, list);
	/* An io_uring ring that was closed before may interrupt it. */
	while (got == 1 && (got = syscall(SYS_io_getevents, context, 1, 1, &event, NULL)) < 0 &&
	       errno == EINTR)
		got = 1;
	error = errno;
	syscall(SYS_io_destroy, context);
	errno = error;
	return got == 1 ? finished(event.res) : -1;
}

int aio_sync(int fd, bool data_only)
{
	struct iocb request = {
		.aio_fildes = fd,
		.aio_lio_opcode = data_only ? IOCB_CMD_FDSYNC : IOCB_CMD_FSYNC,
	};

	return aio_do(&request);
}

int aio_write_at(int fd, const void *data, size_t size, uint64_t offset)
{
	struct iocb request = {
		.aio_fildes = fd,
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_buf = (uintptr_t)data,
		.aio_nbytes = size,
		.aio_offset = offset,
	};

	return aio_do(&request);
}

/* A ring of its own for one request. */
static int uring_do(const struct io_uring_sqe *request)
{
	struct io_uring_params params = {0};
	int fd = syscall(SYS_io_uring_setup, 1, &params), error, result = -1;
	size_t sq_size, cq_size;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	char *sq, *cq;

	if (fd < 0)
		return -1;
	sq_size = params.sq_off.array + params.sq_entries * sizeof(unsigned int);
	cq_size = params.cq_off.cqes + params.cq_entries * sizeof(*cqe);
	sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (sq != MAP_FAILED && cq != MAP_FAILED && sqe != MAP_FAILED) {
		*sqe = *request;
		*(unsigned int *)(sq + params.sq_off.array) = 0;
		atomic_store((_Atomic unsigned int *)(sq + params.sq_off.tail), 1);
		result = syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
		cqe = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
		while (result < 0 && errno == EINTR)
			result = syscall(SYS_io_uring_enter, fd, 0, 1, IORING_ENTER_GETEVENTS, NULL,
					 0) < 0
					 ? -1
					 : 1;
		if (result == 1)
			result = finished(cqe->res);
	}
	error = errno;
	if (sq != MAP_FAILED)
		munmap(sq, sq_size);
	if (cq != MAP_FAILED)
		munmap(cq, cq_size);
	if (sqe != MAP_FAILED)
		munmap(sqe, sizeof(*sqe));
	close(fd);
	errno = error;
	return result;
}

int uring_sync(int fd, bool data_only)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_FSYNC,
		.fd = fd,
		.fsync_flags = data_only ? IORING_FSYNC_DATASYNC : 0,
	};

	return uring_do(&request);
}

int uring_sync_range(int fd, uint64_t offset, size_t size, unsigned int flags)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_SYNC_FILE_RANGE,
		.fd = fd,
		.off = offset,
		.len = size,
		.sync_range_flags = flags,
	};

	return uring_do(&request);
}

int uring_write_at(int fd, const void *data, size_t size, uint64_t offset)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_WRITE,
		.fd = fd,
		.addr = (uintptr_t)data,
		.len = size,
		.off = offset,
	};

	return uring_do(&request);
}
