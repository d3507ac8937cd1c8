/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ASYNC_H
#define ASYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the calls of like names: 0 or more, or -1 with errno. Each waits for its end. */
int aio_sync(int fd, bool data_only);
int aio_write_at(int fd, const void *data, size_t size, uint64_t offset);
int uring_sync(int fd, bool data_only);
int uring_sync_range(int fd, uint64_t offset, size_t size, unsigned int flags);
int uring_write_at(int fd, const void *data, size_t size, uint64_t offset);

#endif
