// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains of io_uring: a write and the sync that must follow it, linked, on a registered file.
 *
 *   chain FILE N [poll]
 *
 * Makes N of them, one after the other; with "poll" a kernel thread takes them from the ring
 * (SQPOLL). Exit 0 if each write and each sync did what was asked.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAIN_BYTES 4096

static int complain(const char *what, int error)
{
	fprintf(stderr, "chain: %s: %s\n", what, strerror(-error));
	return 1;
}

static int one(struct io_uring *ring, char *data, long number)
{
	const int wanted[] = {CHAIN_BYTES, 0};
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int ret, i;

	memset(data, 'a' + number % 26, CHAIN_BYTES);
	io_uring_prep_write(sqe, 0, data, CHAIN_BYTES, number * CHAIN_BYTES);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE | IOSQE_IO_LINK);
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	ret = io_uring_submit(ring);
	if (ret < 0)
		return complain("submit", ret);
	for (i = 0; i < 2; i++) {
		ret = io_uring_wait_cqe(ring, &cqe);
		if (ret)
			return complain("wait", ret);
		ret = cqe->res;
		io_uring_cqe_seen(ring, cqe);
		if (ret != wanted[i])
			return complain(i ? "sync" : "write", ret);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char data[CHAIN_BYTES];
	struct io_uring ring;
	int fd, ret;
	long i, n;

	if (argc < 3 || argc > 4)
		return 2;
	n = strtol(argv[2], NULL, 10);
	fd = open(argv[1], O_WRONLY | O_CREAT, 0644);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	ret = io_uring_queue_init(4, &ring, argc == 4 ? IORING_SETUP_SQPOLL : 0);
	if (ret)
		return complain("ring", ret);
	ret = io_uring_register_files(&ring, &fd, 1);
	if (ret)
		return complain("register", ret);
	for (i = 0; i < n; i++)
		if (one(&ring, data, i))
			return 1;
	io_uring_queue_exit(&ring);
	close(fd);
	return 0;
}
