// SPDX-License-Identifier: GPL-2.0-only
#include "names.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "journal.h"
#include "scope.h"
#include "sides.h"

/* One directory of a change that no call has made durable yet. */
struct pending {
	struct pending *next;
	uint64_t at_ns;
	int64_t row;
	uint32_t generation; /* of the directory, 0: not known */
	enum event_change_side_index side;
	bool doubted; /* one may have made it durable */
};

struct directory {
	struct place place;
	struct pending *pending;
};

struct names {
	struct store *store;
	struct moves *moves;
	const struct stack *stack;
	void *directories;	     /* a tree, see search.h */
	const struct filter *filter; /* NULL: all are wanted */
	struct sides_source source;
};

struct names *names_new(struct store *store, const struct stack *stack)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->store = store;
	names->stack = stack;
	names->source.places = places_new();
	names->moves = moves_new(store);
	if (!names->source.places || !names->moves) {
		names_free(names);
		return NULL;
	}
	return names;
}

static void free_pending(struct directory *directory)
{
	struct pending *pending;

	while ((pending = directory->pending)) {
		directory->pending = pending->next;
		free(pending);
	}
}

static void free_directory(void *node)
{
	free_pending(node);
	free(node);
}

void names_free(struct names *names)
{
	if (!names)
		return;
	tdestroy(names->directories, free_directory);
	moves_free(names->moves);
	places_free(names->source.places);
	free(names);
}

void names_on_lookup(struct names *names, sides_lookup_fn fn, void *ctx)
{
	names->source.lookup = fn;
	names->source.ctx = ctx;
}

void names_on_left(struct names *names, moves_left_fn fn, void *ctx)
{
	moves_on_left(names->moves, fn, ctx);
}

void names_set_filter(struct names *names, const struct filter *filter)
{
	names->filter = filter;
}

static int compare(const void *left, const void *right)
{
	const struct directory *a = left, *b = right;

	return places_compare(&a->place, &b->place);
}

static struct directory *find(const struct names *names, uint32_t dev, uint64_t ino)
{
	struct directory key = {.place = {dev, ino}};
	struct directory **found = tfind(&key, &names->directories, compare);

	return found ? *found : NULL;
}

static struct directory *find_or_add(struct names *names, const struct place *place)
{
	struct directory *directory = find(names, place->dev, place->ino);

	if (directory)
		return directory;
	directory = calloc(1, sizeof(*directory));
	if (!directory)
		return NULL;
	directory->place = *place;
	if (tsearch(directory, &names->directories, compare))
		return directory;
	free(directory);
	return NULL;
}

/* A directory is gone: a later one of its number is another. */
static void forget(struct names *names, const char *path)
{
	struct directory *directory;
	struct place place;

	if (places_find(names->source.places, path, &place)) {
		directory = find(names, place.dev, place.ino);
		if (directory)
			free_pending(directory);
	}
	places_forget(names->source.places, path);
}

/* What is known by its path has moved. */
static void follow(struct names *names, enum event_change_kind kind, const struct side *sides)
{
	const char *from = sides[CHANGE_OLD].path, *to = sides[CHANGE_NEW].path;

	switch (kind) {
	case CHANGE_RENAME:
		if (sides_is_whole(from))
			places_moved(names->source.places, from, to);
		else
			places_forget(names->source.places, to);
		break;
	case CHANGE_EXCHANGE:
		places_forget(names->source.places, from);
		places_forget(names->source.places, to);
		break;
	case CHANGE_RMDIR:
		forget(names, from);
		break;
	case CHANGE_MKDIR:
		places_forget(names->source.places, to);
		break;
	default:
		break;
	}
}

static void wait_for_sync(struct names *names, const struct event_change *change, int64_t row,
			  enum event_change_side_index which, const struct side *side)
{
	struct directory *directory;
	struct pending *pending;

	if (!row || !side->known)
		return;
	directory = find_or_add(names, &side->place);
	pending = directory ? calloc(1, sizeof(*pending)) : NULL;
	if (!pending) {
		store_set_named(names->store, row, which, "unproven", 0);
		return;
	}
	*pending = (struct pending){
		.next = directory->pending,
		.at_ns = change->at_ns,
		.row = row,
		.side = which,
		.generation = side->generation,
	};
	directory->pending = pending;
}

static const char *safe_path(char *out, size_t size, const struct side *side)
{
	if (!side->there)
		return NULL;
	format_safe_text(out, size, side->path, strlen(side->path));
	return out;
}

static const char *object_of(const struct event_change *change)
{
	switch (change->kind) {
	case CHANGE_CREATE:
		return "file";
	case CHANGE_MKDIR:
	case CHANGE_RMDIR:
		return "directory";
	case CHANGE_SYMLINK:
		return "symlink";
	case CHANGE_MKNOD:
		return NULL;
	default:
		break;
	}
	if (!(change->facts & CHANGE_SEEN))
		return NULL;
	if (change->facts & CHANGE_OF_DIRECTORY)
		return "directory";
	return change->facts & CHANGE_OF_SYMLINK ? "symlink" : "file";
}

/* Only a rename may have a new name that something has: 1, 0, -1: not known. */
static int replaces(const struct event_change *change)
{
	if (change->kind != CHANGE_RENAME)
		return 0;
	return change->facts & CHANGE_SEEN ? !!(change->facts & CHANGE_REPLACES) : -1;
}

static int64_t store_row(struct names *names, const struct event_change *change,
			 const struct side *sides, const struct names_fs *fs)
{
	char paths[CHANGE_SIDES][4 * EVENT_PATH_SIZE], devs[CHANGE_SIDES][32];
	char comm[4 * EVENT_COMM_SIZE + 1];
	struct store_change row = {
		.t_ns = change->at_ns,
		.kind = names_kind_name(change->kind),
		.pid = change->pid,
		.tid = change->tid,
		.comm = comm,
		.transaction = fs->order_s_dev ? change->order : 0,
		.object = object_of(change),
		.replaces = replaces(change),
		.grounds = sides[CHANGE_OLD].inferred || sides[CHANGE_NEW].inferred ? "inferred"
										    : "observed",
	};
	int i;

	format_safe_text(comm, sizeof(comm), (const char *)change->comm,
			 strnlen((const char *)change->comm, sizeof(change->comm)));
	for (i = 0; i < CHANGE_SIDES; i++) {
		row.sides[i].path = safe_path(paths[i], sizeof(paths[i]), &sides[i]);
		if (!sides[i].there)
			continue;
		row.sides[i].posix = sides[i].known ? "not-durable" : "unproven";
		if (!sides[i].known)
			continue;
		row.sides[i].dev = format_dev(devs[i], sizeof(devs[i]), sides[i].place.dev);
		row.sides[i].ino = sides[i].place.ino;
	}
	return store_add_change(names->store, &row);
}

static bool is_wanted(const struct names *names, const struct side *sides)
{
	int i;

	if (!names->filter)
		return true;
	for (i = 0; i < CHANGE_SIDES; i++)
		if (sides[i].there && scope_holds_name(names->filter, names->stack,
						       sides[i].place.dev, sides[i].path))
			return true;
	return false;
}

int64_t names_changed(struct names *names, const struct event_change *change,
		      const char *const bases[CHANGE_SIDES], struct names_fs *fs)
{
	struct side *sides = calloc(CHANGE_SIDES, sizeof(*sides));
	int64_t row;
	int i;

	*fs = (struct names_fs){};
	if (!sides)
		return 0;
	sides_resolve(&names->source, change, bases, sides);
	for (i = 0; i < CHANGE_SIDES; i++)
		if (sides[i].known)
			fs->s_dev = sides[i].place.dev;
	if (journal_may_hold(names->stack, change->order_s_dev, fs->s_dev))
		fs->order_s_dev = change->order_s_dev;
	row = is_wanted(names, sides) ? store_row(names, change, sides, fs) : 0;
	for (i = 0; i < CHANGE_SIDES; i++)
		if (sides[i].there)
			wait_for_sync(names, change, row, i, &sides[i]);
	follow(names, change->kind, sides);
	if ((change->kind == CHANGE_RENAME || change->kind == CHANGE_EXCHANGE) &&
	    sides_is_whole(sides[CHANGE_OLD].path) && sides_is_whole(sides[CHANGE_NEW].path))
		moves_moved(names->moves, change, row, sides[CHANGE_OLD].path,
			    sides[CHANGE_NEW].path);
	free(sides);
	return row;
}

/* A call that may have made changes durable. */
struct covering {
	struct names *names;
	const struct event_sync *sync;
	enum verdict_kind verdict;
	int64_t row;
};

/* Is what the call synced a later directory of the same number? */
static bool is_another(const struct pending *pending, const struct event_sync *sync)
{
	if ((sync->flags & SYNC_WHOLE_FS) || sync->ino != sync->outer_ino ||
	    sync->s_dev != sync->outer_s_dev)
		return false; /* its generation is that of another inode */
	return pending->generation && pending->generation != sync->generation;
}

/* The changes of a directory that were over when the call was made. */
static void cover(struct directory *directory, const struct covering *by)
{
	struct pending **at = &directory->pending, *pending;

	while ((pending = *at)) {
		if (pending->at_ns > by->sync->enter_ns || is_another(pending, by->sync)) {
			at = &pending->next;
			continue;
		}
		pending->doubted |= by->verdict == VERDICT_UNPROVEN;
		if (by->verdict != VERDICT_NOT_DURABLE || !pending->doubted)
			store_set_named(by->names->store, pending->row, pending->side,
					verdict_kind_name(by->verdict), by->row);
		if (by->verdict != VERDICT_DURABLE) {
			at = &pending->next;
			continue;
		}
		*at = pending->next;
		free(pending);
	}
}

static void on_directory(const void *node, VISIT visit, void *ctx)
{
	const struct covering *by = ctx;
	struct directory *directory = *(struct directory *const *)node;

	if (visit != postorder && visit != leaf)
		return;
	if (by->sync->kind == SYNC_SYNC || by->sync->s_dev == directory->place.dev ||
	    by->sync->outer_s_dev == directory->place.dev)
		cover(directory, by);
}

void names_synced(struct names *names, const struct event_sync *sync, const char *path,
		  enum verdict_kind verdict, int64_t row)
{
	struct covering by = {names, sync, verdict, row};
	struct place place = {sync->outer_s_dev, sync->outer_ino};
	struct directory *directory;

	moves_synced(names->moves, sync, verdict, row);
	if (sync->flags & SYNC_WHOLE_FS) {
		twalk_r(names->directories, on_directory, &by);
		return;
	}
	if (!(sync->flags & SYNC_DIRECTORY))
		return;
	if (sides_is_whole(path))
		places_learn(names->source.places, path, &place);
	directory = find(names, place.dev, place.ino);
	if (directory)
		cover(directory, &by);
}

void names_written(struct names *names, const struct event_written *event, const char *name)
{
	moves_written(names->moves, event, name);
}

void names_surveyed(struct names *names, const struct event_sync *survey)
{
	moves_surveyed(names->moves, survey);
}

void names_finish(struct names *names, bool losses)
{
	moves_finish(names->moves);
	if (losses)
		store_doubt_named(names->store);
	store_finish_named(names->store);
}

const char *names_kind_name(enum event_change_kind kind)
{
	static const char *const kinds[CHANGE_KINDS] = {
		[CHANGE_CREATE] = "create",	[CHANGE_MKDIR] = "mkdir",
		[CHANGE_MKNOD] = "mknod",	[CHANGE_SYMLINK] = "symlink",
		[CHANGE_LINK] = "link",		[CHANGE_UNLINK] = "unlink",
		[CHANGE_RMDIR] = "rmdir",	[CHANGE_RENAME] = "rename",
		[CHANGE_EXCHANGE] = "exchange",
	};

	return kind < CHANGE_KINDS ? kinds[kind] : "?";
}
