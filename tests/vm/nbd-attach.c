// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binds the guest kernel's nbd driver to the drive, and stays while it is used.
 *
 *	nbd-attach ADDRESS PORT DEVICE
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nbd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "nbd-attach: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void receive(int fd, void *data, size_t size)
{
	errno = EPROTO;
	check(recv(fd, data, size, MSG_WAITALL) == (ssize_t)size, "handshake");
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct {
		uint8_t magic[16];
		uint16_t flags;
	} __attribute__((packed)) hello;
	struct {
		uint32_t flags;
		uint64_t magic;
		uint32_t option, length;
	} __attribute__((packed)) ask = {.flags = htobe32(3), /* fixed newstyle, no zeroes */
					 .magic = htobe64(0x49484156454F5054ULL),
					 .option = htobe32(1)}; /* NBD_OPT_EXPORT_NAME */
	struct {
		uint64_t size;
		uint16_t flags;
	} __attribute__((packed)) export;
	int fd, device, one = 1;

	if (argc != 4) {
		fprintf(stderr, "usage: nbd-attach ADDRESS PORT DEVICE\n");
		return 2;
	}
	address.sin_port = htons(atoi(argv[2]));
	check(inet_pton(AF_INET, argv[1], &address.sin_addr) == 1, argv[1]);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	receive(fd, &hello, sizeof(hello));
	check(send(fd, &ask, sizeof(ask), 0) == sizeof(ask), "send");
	receive(fd, &export, sizeof(export));

	device = open(argv[3], O_RDWR | O_CLOEXEC);
	check(device >= 0, argv[3]);
	check(!ioctl(device, NBD_SET_BLKSIZE, 512UL), "block size");
	check(!ioctl(device, NBD_SET_SIZE_BLOCKS, be64toh(export.size) / 512), "size");
	check(!ioctl(device, NBD_CLEAR_SOCK), "clear");
	check(!ioctl(device, NBD_SET_FLAGS, (unsigned long)be16toh(export.flags)), "flags");
	check(!ioctl(device, NBD_SET_SOCK, fd), "socket");
	check(!ioctl(device, NBD_DO_IT), "session");
	return 0;
}
