// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one thread's files should hold, and the promises that follow from it.
 *
 * Names are whole paths, so that a name is "in" a directory by its text alone
 * and the names a file once had outlive the directories they were in.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "player.h"

/* A mismatch is located no closer than this. */
#define PIECE (64 * 1024)

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- ranges --- */

static void ranges_set(struct ranges *ranges, uint64_t from, uint64_t to, bool in)
{
	struct range *at;
	size_t count = 0;
	bool placed = !in;

	if (from >= to)
		return;
	at = must(malloc((ranges->count + 2) * sizeof(*at)));
	for (size_t i = 0; i < ranges->count; i++) {
		struct range old = ranges->at[i];

		if (old.to < from) {
			at[count++] = old;
		} else if (old.from > to) {
			if (!placed)
				at[count++] = (struct range){from, to};
			placed = true;
			at[count++] = old;
		} else if (in) {
			from = least(from, old.from);
			to = most(to, old.to);
		} else {
			if (old.from < from)
				at[count++] = (struct range){old.from, from};
			if (old.to > to)
				at[count++] = (struct range){to, old.to};
		}
	}
	if (!placed)
		at[count++] = (struct range){from, to};
	free(ranges->at);
	*ranges = (struct ranges){at, count};
}

static void ranges_add(struct ranges *ranges, uint64_t from, uint64_t to)
{
	ranges_set(ranges, from, to, true);
}

static void ranges_cut(struct ranges *ranges, uint64_t from, uint64_t to)
{
	ranges_set(ranges, from, to, false);
}

static void ranges_clear(struct ranges *ranges)
{
	free(ranges->at);
	*ranges = (struct ranges){};
}

/* --- names --- */

bool path_is_shared(const char *path)
{
	return !strncmp(path, "shared", strlen("shared"));
}

struct inode *model_find(const struct model *model, const char *path)
{
	for (struct inode *inode = model->inodes; inode; inode = inode->next)
		for (size_t i = 0; i < inode->name_count; i++)
			if (inode->names[i].now && !strcmp(inode->names[i].path, path))
				return inode;
	return NULL;
}

static void inode_name(struct inode *inode, const char *path, bool now)
{
	size_t i = 0;

	while (i < inode->name_count && strcmp(inode->names[i].path, path) != 0)
		i++;
	if (i == inode->name_count) {
		inode->names = must(realloc(inode->names, (i + 1) * sizeof(*inode->names)));
		inode->names[i] = (struct name){.path = must(strdup(path))};
		inode->name_count++;
	}
	inode->names[i].now |= now;
}

/*
 * A sync of a file need not bring along a rename of a directory above it, so
 * the file may turn up below that directory's former names.
 */
void model_name(struct model *model, struct inode *inode, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *above = slash ? must(strndup(path, slash - path)) : NULL;
	const struct inode *dir = above ? model_find(model, above) : NULL;

	inode_name(inode, path, true);
	for (size_t i = 0; dir && i < dir->name_count; i++) {
		char *former;

		if (dir->names[i].now)
			continue;
		if (asprintf(&former, "%s%s", dir->names[i].path, slash) < 0)
			fail("memory");
		inode_name(inode, former, false);
		free(former);
	}
	free(above);
}

struct inode *model_add(struct model *model, enum inode_type type, const char *path)
{
	struct inode *inode = must(calloc(1, sizeof(*inode)));

	inode->type = type;
	inode->shared = type == DEVICE || path_is_shared(path);
	inode->partial = inode->shared;
	for (int i = 0; i < OPENINGS; i++)
		inode->fd[i] = -1;
	model_name(model, inode, path);
	inode->next = model->inodes;
	model->inodes = inode;
	return inode;
}

bool inode_has_name(const struct inode *inode)
{
	for (size_t i = 0; i < inode->name_count; i++)
		if (inode->names[i].now)
			return true;
	return false;
}

void inode_close(struct inode *inode)
{
	for (int i = 0; i < OPENINGS; i++) {
		if (inode->fd[i] >= 0)
			close(inode->fd[i]);
		inode->fd[i] = -1;
	}
}

/* The inode itself is kept: its names must stay gone. */
void inode_unname(struct inode *inode, const char *path)
{
	for (size_t i = 0; i < inode->name_count; i++)
		if (!strcmp(inode->names[i].path, path))
			inode->names[i].now = false;
	if (inode_has_name(inode))
		return;
	inode_close(inode);
	if (inode->data)
		munmap(inode->data, inode->capacity);
	inode->data = NULL;
	inode->capacity = inode->size = 0;
	ranges_clear(&inode->known);
}

/*
 * A directory takes along the names below it, the former ones as well: which
 * of the renames reach the disk is not for us to say.
 */
static void rename_below(struct inode *inode, const char *from, const char *to)
{
	size_t length = strlen(from), count = inode->name_count;

	for (size_t i = 0; i < count; i++) {
		const char *path = inode->names[i].path;
		bool now = inode->names[i].now;
		char *renamed;

		if (strncmp(path, from, length) != 0 || path[length] != '/')
			continue;
		if (asprintf(&renamed, "%s%s", to, path + length) < 0)
			fail("memory");
		inode->names[i].now = false;
		inode_name(inode, renamed, now);
		free(renamed);
	}
}

void model_rename(struct model *model, struct inode *inode, const char *from, const char *to)
{
	struct inode *replaced = model_find(model, to);

	/* Between two links to one file rename does nothing. */
	if (replaced == inode)
		return;
	if (replaced)
		inode_unname(replaced, to);
	model_name(model, inode, to);
	inode_unname(inode, from);
	if (inode->type == DIRECTORY)
		for (struct inode *i = model->inodes; i; i = i->next)
			rename_below(i, from, to);
}

/* --- content --- */

/* Mapped, so that holes cost nothing. */
static void hold(struct inode *inode, uint64_t size)
{
	size_t capacity = inode->capacity ? inode->capacity : PIECE;

	if (size <= inode->capacity)
		return;
	while (capacity < size)
		capacity *= 2;
	if (inode->data)
		inode->data = mremap(inode->data, inode->capacity, capacity, MREMAP_MAYMOVE);
	else
		inode->data = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (inode->data == MAP_FAILED)
		fail("%zu bytes", capacity);
	inode->capacity = capacity;
}

static void grow(struct inode *inode, uint64_t size)
{
	hold(inode, size);
	if (!inode->partial)
		ranges_add(&inode->known, inode->size, size);
	inode->size = size;
}

/* DATA may be NULL: zeros. */
void inode_write(struct inode *inode, uint64_t offset, const char *data, uint64_t size)
{
	if (offset + size > inode->size)
		grow(inode, offset + size);
	if (data)
		memcpy(inode->data + offset, data, size);
	else
		memset(inode->data + offset, 0, size);
	ranges_add(&inode->known, offset, offset + size);
}

void inode_resize(struct inode *inode, uint64_t size)
{
	if (size > inode->size) {
		grow(inode, size);
	} else if (size < inode->size) {
		memset(inode->data + size, 0, inode->size - size);
		ranges_cut(&inode->known, size, UINT64_MAX);
		inode->size = size;
	}
	if (!size && !inode->shared)
		inode->partial = false;
}

/* A change of the range failed half way; SIZE is what the file has now. */
void inode_taint(struct inode *inode, uint64_t from, uint64_t to, uint64_t size)
{
	if (!inode->partial && size != inode->size)
		inode_resize(inode, size);
	ranges_cut(&inode->known, from, to);
}

void inode_clone(struct inode *to, const struct inode *from)
{
	inode_resize(to, 0);
	to->partial |= from->partial;
	grow(to, from->size);
	if (from->size)
		memcpy(to->data, from->data, from->size);
	ranges_clear(&to->known);
	for (size_t i = 0; i < from->known.count; i++)
		ranges_add(&to->known, from->known.at[i].from, from->known.at[i].to);
}

/* --- promises; their format is in player.c --- */

/* DATA is what is at FROM. */
static void print_pieces(FILE *out, bool *any, const char *data, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t size = least(to, (from / PIECE + 1) * PIECE) - from;

		fprintf(out, "%s%" PRIu64 "+%" PRIu64 ":%016" PRIx64, *any ? "," : "", from, size,
			hash_more(HASH_START, data, size));
		*any = true;
		data += size;
		from += size;
	}
}

static void print_known(FILE *out, const struct inode *inode, uint64_t from, uint64_t to)
{
	bool any = false;

	for (size_t i = 0; i < inode->known.count; i++) {
		uint64_t start = most(inode->known.at[i].from, from);

		print_pieces(out, &any, inode->data + start, start,
			     least(inode->known.at[i].to, to));
	}
	if (!any)
		fputs("-", out);
}

static bool knows_any(const struct inode *inode, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < inode->known.count; i++)
		if (inode->known.at[i].from < to && inode->known.at[i].to > from)
			return true;
	return false;
}

static void print_names(FILE *out, const struct inode *inode)
{
	for (int now = 1; now >= 0; now--)
		for (size_t i = 0; i < inode->name_count; i++)
			if (inode->names[i].now == now)
				fprintf(out, "\t%s", inode->names[i].path);
	fputs("\n", out);
}

void promise_content(FILE *out, const struct inode *inode)
{
	if (inode->type == DEVICE) {
		promise_range(out, inode, 0, UINT64_MAX);
		return;
	}
	if (inode->type != REGULAR || !inode_has_name(inode))
		return;
	if (inode->partial)
		fputs("F\t-\t", out);
	else
		fprintf(out, "F\t%" PRIu64 "\t", inode->size);
	print_known(out, inode, 0, UINT64_MAX);
	print_names(out, inode);
}

void promise_range(FILE *out, const struct inode *inode, uint64_t from, uint64_t to)
{
	if (!knows_any(inode, from, to))
		return;
	fputs(inode->type == DEVICE ? "B\t" : "F\t-\t", out);
	print_known(out, inode, from, to);
	if (inode->type == DEVICE)
		fputs("\n", out);
	else
		print_names(out, inode);
}

/* For a write that is its own sync, before it is made. */
void promise_written(FILE *out, const struct inode *inode, uint64_t offset, const char *data,
		     uint64_t size)
{
	bool any = false;

	if (inode->type == DEVICE)
		fputs("B\t", out);
	else
		fprintf(out, "F\t>=%" PRIu64 "\t", offset + size);
	print_pieces(out, &any, data, offset, offset + size);
	if (inode->type == DEVICE)
		fputs("\n", out);
	else
		print_names(out, inode);
}

struct entry {
	const char *path, *base;
	size_t dir_length; /* 0: at the top */
	bool now;
};

static int same_dir(const struct entry *a, const struct entry *b)
{
	if (a->dir_length != b->dir_length)
		return a->dir_length < b->dir_length ? -1 : 1;
	return memcmp(a->path, b->path, a->dir_length);
}

static int by_dir_and_name(const void *first, const void *second)
{
	const struct entry *a = first, *b = second;
	int order = same_dir(a, b);

	if (!order)
		order = strcmp(a->base, b->base);
	return order ? order : b->now - a->now;
}

static struct entry entry_of(const struct name *name)
{
	const char *slash = strrchr(name->path, '/');

	return (struct entry){
		.path = name->path,
		.base = slash ? slash + 1 : name->path,
		.dir_length = slash ? slash - name->path : 0,
		.now = name->now,
	};
}

/* Entries of one directory; a name that is both there and gone is there (it sorts first). */
static void print_dir(FILE *out, const struct entry *entries, size_t count)
{
	for (int now = 1; now >= 0; now--) {
		bool any = false;

		for (size_t i = 0; i < count; i++) {
			if (entries[i].now != now ||
			    (i && !strcmp(entries[i].base, entries[i - 1].base)))
				continue;
			if (!any && entries[i].dir_length)
				fprintf(out, "%c\t%.*s", now ? 'D' : 'G',
					(int)entries[i].dir_length, entries[i].path);
			else if (!any)
				fprintf(out, "%c\t.", now ? 'D' : 'G');
			any = true;
			fprintf(out, "\t%s", entries[i].base);
		}
		if (any)
			fputs("\n", out);
	}
}

/* DIR may be NULL: all of them. */
void promise_names(FILE *out, const struct model *model, const char *dir)
{
	size_t count = 0, used = 0, length = dir && strcmp(dir, ".") != 0 ? strlen(dir) : 0;
	struct entry *entries;

	for (struct inode *inode = model->inodes; inode; inode = inode->next)
		count += inode->name_count;
	entries = must(calloc(count + 1, sizeof(*entries)));
	for (struct inode *inode = model->inodes; inode; inode = inode->next) {
		for (size_t i = 0; inode->type != DEVICE && i < inode->name_count; i++) {
			struct entry entry = entry_of(&inode->names[i]);

			if (!dir ||
			    (entry.dir_length == length && !memcmp(entry.path, dir, length)))
				entries[used++] = entry;
		}
	}
	qsort(entries, used, sizeof(*entries), by_dir_and_name);
	for (size_t i = 0, end; i < used; i = end) {
		for (end = i + 1; end < used && !same_dir(&entries[i], &entries[end]);)
			end++;
		print_dir(out, entries + i, end - i);
	}
	free(entries);
}

void promise_all(FILE *out, const struct model *model)
{
	for (struct inode *inode = model->inodes; inode; inode = inode->next)
		if (inode->type == REGULAR)
			promise_content(out, inode);
	promise_names(out, model, NULL);
}
