// SPDX-License-Identifier: GPL-2.0-only
#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void each_number(const char *path, void (*visit)(void *ctx, uint32_t number), void *ctx)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (isdigit((unsigned char)entry->d_name[0]))
			visit(ctx, strtoul(entry->d_name, NULL, 10));
	if (directory)
		closedir(directory);
}

/* The whole of a small file of /proc; false with errno: it is gone, or not to be told. */
static bool read_small(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	error = errno;
	close(fd);
	errno = error;
	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* --- descendants --- */

struct family {
	uint32_t *members;
	size_t nr, room;
	process_fn visit;
	void *ctx;
};

static bool is_member(const struct family *family, uint32_t pid)
{
	size_t i;

	for (i = 0; i < family->nr; i++)
		if (family->members[i] == pid)
			return true;
	return false;
}

static void join(struct family *family, uint32_t pid)
{
	size_t room = family->room ? 2 * family->room : 64;
	uint32_t *members;

	if (family->nr == family->room) {
		members = realloc(family->members, room * sizeof(*members));
		if (!members)
			return;
		family->members = members;
		family->room = room;
	}
	family->members[family->nr++] = pid;
	family->visit(family->ctx, pid);
}

static void look_at(void *ctx, uint32_t pid)
{
	struct family *family = ctx;
	char path[64], text[512], state;
	const char *behind;
	unsigned int parent;

	if (is_member(family, pid))
		return;
	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	if (!read_small(path, text, sizeof(text)))
		return;
	behind = strrchr(text, ')'); /* a name may hold anything */
	if (behind && sscanf(behind, ") %c %u", &state, &parent) == 2 && is_member(family, parent))
		join(family, pid);
}

void processes_descend(const uint32_t *roots, size_t count, process_fn visit, void *ctx)
{
	struct family family = {.visit = visit, .ctx = ctx};
	size_t i, before;

	for (i = 0; i < count; i++)
		if (!is_member(&family, roots[i]))
			join(&family, roots[i]);
	do {
		before = family.nr;
		each_number("/proc", look_at, &family);
	} while (family.nr > before);
	free(family.members);
}

/* --- threads in sync calls --- */

struct visitor {
	process_fn visit;
	void *ctx;
	uint32_t pid;
};

static void look_at_thread(void *ctx, uint32_t tid)
{
	static const long calls[] = {SYS_fsync, SYS_fdatasync, SYS_sync_file_range,
				     SYS_sync,	SYS_syncfs,    SYS_msync};
	const struct visitor *visitor = ctx;
	char path[64], text[256];
	size_t i;
	long call;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/syscall", visitor->pid, tid);
	if (!read_small(path, text, sizeof(text))) {
		/* Some systems hide it of certain processes. */
		if (errno == EPERM || errno == EACCES)
			visitor->visit(visitor->ctx, tid);
		return;
	}
	if (!strncmp(text, "running", 7)) {
		visitor->visit(visitor->ctx, tid);
		return;
	}
	call = strtol(text, NULL, 10);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (call == calls[i])
			visitor->visit(visitor->ctx, tid);
}

static void look_at_threads(void *ctx, uint32_t pid)
{
	struct visitor *visitor = ctx;
	char path[64];

	visitor->pid = pid;
	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	each_number(path, look_at_thread, visitor);
}

void processes_in_sync_calls(process_fn visit, void *ctx)
{
	struct visitor visitor = {visit, ctx, 0};

	each_number("/proc", look_at_threads, &visitor);
}
