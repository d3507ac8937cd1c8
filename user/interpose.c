// SPDX-License-Identifier: GPL-2.0-only
#include "interpose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define MAX_PROCESSES 4096 /* of one library, told apart; more are not counted */
#define MAX_LIBRARIES 1024

struct mapper {
	struct interpose_entry entry;
	struct event_file file;
	uint32_t *pids;
	size_t room;
};

struct interpose {
	struct mapper list[MAX_LIBRARIES];
	size_t nr, unread;
};

/* Libraries made for nothing but to swallow sync calls: the beginnings of their names. */
static const char *const known[] = {
	"libeatmydata.", /* Debian and others: eatmydata(1) */
	"nosync.so",	 /* Fedora: /usr/lib64/nosync/nosync.so */
	"libnosync.",
	"libnofsync.",
};

static bool is_known(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(name, known[i], strlen(known[i])))
			return true;
	return false;
}

enum interpose_class interpose_classify(const struct library *library, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	bool named = is_known(library->soname) || (slash && is_known(slash + 1));

	if (!library->is_read)
		return named ? INTERPOSE_NAMED : INTERPOSE_UNREAD;
	if (!library->defines || library->has_right)
		return INTERPOSE_NONE;
	if (library->is_empty)
		return INTERPOSE_EMPTY;
	return named ? INTERPOSE_NAMED : INTERPOSE_UNKNOWN;
}

struct interpose *interpose_new(void)
{
	return calloc(1, sizeof(struct interpose));
}

void interpose_free(struct interpose *interpose)
{
	size_t i;

	for (i = 0; interpose && i < interpose->nr; i++) {
		free(interpose->list[i].entry.path);
		free(interpose->list[i].pids);
	}
	free(interpose);
}

static void count_process(struct mapper *mapper, uint32_t pid)
{
	struct interpose_entry *entry = &mapper->entry;
	size_t i, room = mapper->room ? mapper->room * 2 : 16;
	uint32_t *pids;

	for (i = 0; i < entry->processes; i++)
		if (mapper->pids[i] == pid)
			return;
	if (entry->processes == MAX_PROCESSES)
		return;
	if (entry->processes == mapper->room) {
		pids = realloc(mapper->pids, room * sizeof(*pids));
		if (!pids)
			return;
		mapper->pids = pids;
		mapper->room = room;
	}
	mapper->pids[entry->processes++] = pid;
}

bool interpose_count(struct interpose *interpose, const struct event_mapped *mapped)
{
	size_t i;

	for (i = 0; i < interpose->nr; i++) {
		if (memcmp(&interpose->list[i].file, &mapped->file, sizeof(mapped->file)) != 0)
			continue;
		count_process(&interpose->list[i], mapped->pid);
		return true;
	}
	return false;
}

bool interpose_add(struct interpose *interpose, const struct event_mapped *mapped,
		   const struct library *library, const char *path, size_t length)
{
	enum interpose_class class = interpose_classify(library, path);
	char text[4 * EVENT_PATH_SIZE + 256];
	struct mapper *mapper;

	if (class == INTERPOSE_NONE)
		return true;
	if (class == INTERPOSE_UNREAD || interpose->nr == MAX_LIBRARIES) {
		interpose->unread++;
		return false;
	}
	mapper = &interpose->list[interpose->nr++];
	mapper->file = mapped->file;
	mapper->entry.class = class;
	mapper->entry.library = *library;
	mapper->entry.since_ns = mapped->at_ns;
	mapper->entry.first_pid = mapped->pid;
	if (path) {
		format_safe_text(text, sizeof(text), path, length);
		mapper->entry.path = strdup(text);
	}
	format_safe_text(mapper->entry.first_comm, sizeof(mapper->entry.first_comm),
			 (const char *)mapped->comm, strlen((const char *)mapped->comm));
	count_process(mapper, mapped->pid);
	return false;
}

size_t interpose_unread(const struct interpose *interpose)
{
	return interpose->unread;
}

void interpose_each(const struct interpose *interpose,
		    void (*visit)(void *ctx, const struct interpose_entry *entry), void *ctx)
{
	size_t i;

	for (i = 0; i < interpose->nr; i++)
		visit(ctx, &interpose->list[i].entry);
}

/* "fsync, msync"; "its sync calls" where that is not known. */
static void list_calls(char *out, size_t size, uint32_t mask)
{
	size_t i, used = 0;

	snprintf(out, size, "sync calls");
	for (i = 0; i < LIBRARY_CALLS; i++) {
		if (!(mask & 1U << i) || used >= size)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
					 library_call_name(i));
	}
}

void interpose_describe(char *out, size_t size, const struct interpose_entry *entry)
{
	const struct library *library = &entry->library;
	bool empty = entry->class == INTERPOSE_EMPTY;
	char names[128], what[256];

	list_calls(names, sizeof(names), empty ? library->is_empty : library->defines);
	if (empty)
		snprintf(what, sizeof(what), "its own %s return success and do nothing", names);
	else if (entry->class == INTERPOSE_UNKNOWN)
		snprintf(what, sizeof(what),
			 "defines %s itself; what becomes of such calls is not known", names);
	else
		snprintf(what, sizeof(what), "a library made to swallow %s%s", names,
			 library->is_read ? "" : " (by its name: the file could not be read)");
	snprintf(out, size, "%s; mapped by %s%zu process%s, first by %s (PID %u)", what,
		 entry->processes == MAX_PROCESSES ? "at least " : "", entry->processes,
		 entry->processes == 1 ? "" : "es", entry->first_comm, entry->first_pid);
}
