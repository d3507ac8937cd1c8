// SPDX-License-Identifier: GPL-2.0-only
#include "library.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfdyn.h"
#include "fsmagic.h"
#include "noop.h"

#define LONGEST_NOOP 64 /* bytes of code */

static const struct {
	const char *name;
	const char *other; /* the same under another name */
} calls[LIBRARY_CALLS] = {
	[LIBRARY_FSYNC] = {"fsync", NULL},
	[LIBRARY_FDATASYNC] = {"fdatasync", NULL},
	[LIBRARY_SYNC] = {"sync", NULL},
	[LIBRARY_SYNCFS] = {"syncfs", NULL},
	[LIBRARY_MSYNC] = {"msync", NULL},
	[LIBRARY_FILE_RANGE] = {"sync_file_range", NULL},
	[LIBRARY_AIO_FSYNC] = {"aio_fsync", "aio_fsync64"},
};

const char *library_call_name(enum library_call call)
{
	return call < LIBRARY_CALLS ? calls[call].name : "?";
}

static ssize_t read_at(void *ctx, void *out, size_t size, uint64_t offset)
{
	return offset > INT64_MAX ? -1 : pread(*(int *)ctx, out, size, (off_t)offset);
}

static bool defines_all(const struct elfdyn *elf, const char *const names[])
{
	struct elfdyn_symbol symbol;
	size_t i;

	for (i = 0; names[i]; i++)
		if (!elfdyn_find(elf, names[i], &symbol))
			return false;
	return true;
}

/* Those whose business it is to define fsync: the C library, or the threads it once had in a
 * file of their own, by what nobody else defines together; and the runtimes of sanitizers. */
static bool has_right(const struct elfdyn *elf)
{
	static const char *const sets[][6] = {
		{"qsort", "getpid", "strtol", "execve", "printf", NULL},
		{"pthread_create", "pthread_mutex_lock", "sem_init", "sem_wait", "write", NULL},
		{"__asan_init", NULL},
		{"__tsan_init", NULL},
		{"__msan_init", NULL},
		{"__hwasan_init", NULL},
	};
	size_t i;

	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (defines_all(elf, sets[i]))
			return true;
	return false;
}

static bool is_empty(const struct elfdyn *elf, const struct elfdyn_symbol *symbol, bool is_void)
{
	uint8_t code[LONGEST_NOOP];
	size_t size = symbol->size && symbol->size < sizeof(code) ? symbol->size : sizeof(code);

	return symbol->is_code &&
	       noop_is(elf->machine, code, elfdyn_bytes(elf, code, size, symbol->address), is_void);
}

void library_read_fd(struct library *library, int fd)
{
	struct elfdyn elf = {.read = read_at, .ctx = &fd};
	struct elfdyn_symbol symbol;
	size_t i;

	memset(library, 0, sizeof(*library));
	library->is_read = true;
	if (!elfdyn_open(&elf))
		return;
	for (i = 0; i < LIBRARY_CALLS; i++) {
		if (!elfdyn_find(&elf, calls[i].name, &symbol) &&
		    (!calls[i].other || !elfdyn_find(&elf, calls[i].other, &symbol)))
			continue;
		library->defines |= 1U << i;
		if (is_empty(&elf, &symbol, i == LIBRARY_SYNC))
			library->is_empty |= 1U << i;
	}
	library->has_right = library->defines && has_right(&elf);
	elfdyn_soname(&elf, library->soname, sizeof(library->soname));
}

/* Is it the file that was mapped, unchanged? Overlayfs shows another inode number than its own. */
static bool is_mapped_one(int fd, const struct event_mapped *mapped)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_ctim.tv_sec * 1000000000ULL + (uint64_t)st.st_ctim.tv_nsec ==
		       mapped->file.ctime_ns &&
	       (st.st_ino == mapped->file.ino || mapped->fs_magic == FSMAGIC_OVERLAY);
}

/* First only a handle, then to be read: a name may have become that of a device or a pipe. */
static int open_mapped(const char *path, const struct event_mapped *mapped)
{
	int handle = open(path, O_PATH | O_CLOEXEC), fd = -1;
	char self[64];

	if (handle < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", handle);
	if (is_mapped_one(handle, mapped))
		fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	close(handle);
	return fd;
}

/* The kernel's own link to what is mapped there: also where the name is gone, or means
 * another file in another mount namespace or below another root. */
static bool find_link(char *out, size_t size, const struct event_mapped *mapped)
{
	unsigned long long start, end;
	char name[64], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *maps;

	if (!mapped->address) {
		snprintf(out, size, "/proc/%u/exe", mapped->pid);
		return true;
	}
	snprintf(name, sizeof(name), "/proc/%u/maps", mapped->pid);
	maps = fopen(name, "re");
	while (maps && !found && getline(&line, &room, maps) > 0) {
		if (sscanf(line, "%llx-%llx ", &start, &end) != 2 || mapped->address < start ||
		    mapped->address >= end)
			continue;
		snprintf(out, size, "/proc/%u/map_files/%llx-%llx", mapped->pid, start, end);
		found = true;
	}
	free(line);
	if (maps)
		fclose(maps);
	return found;
}

void library_read(struct library *library, const struct event_mapped *mapped, const char *path,
		  bool by_pid)
{
	char link[128];
	int fd = -1;

	memset(library, 0, sizeof(*library));
	if (by_pid && find_link(link, sizeof(link), mapped))
		fd = open_mapped(link, mapped);
	if (fd < 0 && path && *path == '/')
		fd = open_mapped(path, mapped);
	if (fd < 0)
		return;
	library_read_fd(library, fd);
	close(fd);
}
