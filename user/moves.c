// SPDX-License-Identifier: GPL-2.0-only
#include "moves.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "pathname.h"

struct move {
	struct move *next;
	int64_t row;
	uint64_t at_ns;
	char *path;	   /* after it */
	const char *data;  /* how it stood, NULL: no call since has told, */
	bool asked;	   /* and this is by what was left when it was asked */
	uint64_t since_ns; /* not durable: the oldest of it */
	int64_t before_id; /* the call that made it durable last, before, */
	int64_t sync_id;   /* and the first that did after */
};

struct file {
	struct fileid id;	 /* first: see fileid_compare() */
	struct file *next;	 /* in a list of those found */
	char *path;		 /* NULL: not known */
	uint64_t left_ns;	 /* the oldest that sync calls left not durable, 0: nothing */
	const char *left;	 /* and what they were said to be */
	int64_t durable_id;	 /* the last call that made it durable */
	uint64_t whole_enter_ns; /* the newest call that made all of its file system so */
	uint64_t whole_exit_ns;
	int64_t whole_id;
	struct move *moves;
};

struct moves {
	struct store *store;
	void *files; /* a tree, see search.h */
	moves_left_fn left;
	void *left_ctx;
};

struct moves *moves_new(struct store *store)
{
	struct moves *moves = calloc(1, sizeof(*moves));

	if (moves)
		moves->store = store;
	return moves;
}

void moves_on_left(struct moves *moves, moves_left_fn fn, void *ctx)
{
	moves->left = fn;
	moves->left_ctx = ctx;
}

static void free_file(void *node)
{
	struct file *file = node;
	struct move *move;

	while ((move = file->moves)) {
		file->moves = move->next;
		free(move->path);
		free(move);
	}
	free(file->path);
	free(file);
}

void moves_free(struct moves *moves)
{
	if (!moves)
		return;
	tdestroy(moves->files, free_file);
	free(moves);
}

static struct file *find(const struct moves *moves, uint32_t s_dev, uint64_t ino,
			 uint32_t generation)
{
	struct fileid key = {ino, s_dev, generation};
	struct file **found = tfind(&key, &moves->files, fileid_compare);

	return found ? *found : NULL;
}

void moves_written(struct moves *moves, const struct event_written *event, const char *name)
{
	struct file *file = calloc(1, sizeof(*file));
	struct file **kept;

	if (!file)
		return; /* then nothing is said of it */
	file->id = (struct fileid){event->ino, event->s_dev, event->generation};
	file->path = name ? strdup(name) : NULL;
	kept = tsearch(file, &moves->files, fileid_compare);
	if (!kept || *kept != file)
		free_file(file);
}

/* --- renames --- */

struct looking {
	const char *path, *other; /* @other: NULL, there is none */
	struct file *found;
};

static void on_file(const void *node, VISIT visit, void *ctx)
{
	struct file *file = *(struct file *const *)node;
	struct looking *looking = ctx;

	if ((visit != postorder && visit != leaf) || !file->path)
		return;
	if (!pathname_is_below(file->path, looking->path) &&
	    !(looking->other && pathname_is_below(file->path, looking->other)))
		return;
	file->next = looking->found;
	looking->found = file;
}

/* The path that was at or below @from is at or below @to. NULL: out of memory, it is not known. */
static char *moved_path(const char *path, const char *from, const char *to)
{
	char *moved;

	return asprintf(&moved, "%s%s", to, path + strlen(from)) < 0 ? NULL : moved;
}

/* All of a file was looked at, and there was data from @written_ns on, 0: none. */
static void decide(struct file *file, struct move *move, uint64_t written_ns)
{
	bool whole = file->whole_exit_ns && file->whole_exit_ns < move->at_ns;

	if (!written_ns || written_ns >= move->at_ns) {
		move->data = move->before_id || whole ? "durable" : "unproven";
	} else if (whole && file->whole_enter_ns > written_ns) {
		move->data = "unproven"; /* of what was written after that it is not known when */
	} else {
		move->data = "not-durable";
		move->since_ns = written_ns;
	}
	if (file->whole_enter_ns > move->at_ns)
		move->sync_id = file->whole_id;
}

static void note_move(struct moves *moves, struct file *file, const struct event_change *change,
		      int64_t row)
{
	struct move *move = row && file->path ? calloc(1, sizeof(*move)) : NULL;
	uint64_t left_ns;

	if (!move)
		return;
	move->row = row;
	move->at_ns = change->at_ns;
	move->path = strdup(file->path);
	move->before_id = file->durable_id;
	if (file->left_ns) {
		move->data = file->left;
		move->since_ns = file->left_ns;
	} else if (moves->left && moves->left(moves->left_ctx, &file->id, &left_ns)) {
		decide(file, move, left_ns);
		move->asked = true;
	}
	move->next = file->moves;
	file->moves = move;
}

static void move_file(struct moves *moves, struct file *file, const struct event_change *change,
		      int64_t row, const char *from, const char *to)
{
	char *path = moved_path(file->path, from, to);

	free(file->path);
	file->path = path;
	note_move(moves, file, change, row);
}

void moves_moved(struct moves *moves, const struct event_change *change, int64_t row,
		 const char *from, const char *to)
{
	bool swap = change->kind == CHANGE_EXCHANGE;
	struct looking looking = {.path = from, .other = swap ? to : NULL};
	struct file *file;

	/* A file that is known by itself. */
	if (!swap && (change->facts & CHANGE_SEEN) && !(change->facts & CHANGE_OF_DIRECTORY)) {
		file = find(moves, change->s_dev, change->ino, change->generation);
		if (!file)
			return;
		free(file->path);
		file->path = strdup(to);
		note_move(moves, file, change, row);
		return;
	}
	twalk_r(moves->files, on_file, &looking);
	for (file = looking.found; file; file = file->next) {
		if (pathname_is_below(file->path, from))
			move_file(moves, file, change, row, from, to);
		else
			move_file(moves, file, change, row, to, from);
	}
}

/* --- sync calls --- */

/* What a call took that began after the rename was there at it, whatever was left a moment later.
 */
static void decide_all(struct file *file, uint64_t written_ns)
{
	struct move *move;

	for (move = file->moves; move; move = move->next)
		if (!move->data || (move->asked && written_ns && written_ns < move->at_ns))
			decide(file, move, written_ns);
}

/* What was moved before a call that made it durable. */
static void made_durable(struct file *file, const struct event_sync *sync, int64_t row)
{
	struct move *move;

	file->left_ns = 0;
	for (move = file->moves; move; move = move->next)
		if (!move->sync_id && move->at_ns < sync->enter_ns)
			move->sync_id = row;
}

struct whole {
	const struct event_sync *sync;
	int64_t row;
};

static void on_whole(const void *node, VISIT visit, void *ctx)
{
	struct file *file = *(struct file *const *)node;
	const struct whole *whole = ctx;

	if (visit != postorder && visit != leaf)
		return;
	if (whole->sync->kind != SYNC_SYNC && whole->sync->s_dev != file->id.s_dev)
		return;
	file->whole_enter_ns = whole->sync->enter_ns;
	file->whole_exit_ns = whole->sync->exit_ns;
	file->whole_id = file->durable_id = whole->row;
	made_durable(file, whole->sync, whole->row);
}

static bool is_of_whole_file(enum event_sync_kind kind)
{
	return kind == SYNC_FSYNC || kind == SYNC_FDATASYNC || kind == SYNC_AIO_FSYNC ||
	       kind == SYNC_URING_FSYNC;
}

void moves_synced(struct moves *moves, const struct event_sync *sync, enum verdict_kind verdict,
		  int64_t row)
{
	struct whole whole = {sync, row};
	bool durable = verdict == VERDICT_DURABLE;
	struct file *file;

	if (sync->flags & SYNC_WHOLE_FS) {
		if (durable)
			twalk_r(moves->files, on_whole, &whole);
		return;
	}
	file = find(moves, sync->s_dev, sync->ino, sync->generation);
	if (!file || (!is_of_whole_file(sync->kind) && !sync->written_ns))
		return;
	decide_all(file, sync->written_ns);
	if (durable) {
		made_durable(file, sync, row);
		file->durable_id = row;
	} else if (sync->written_ns && !file->left_ns) {
		file->left_ns = sync->written_ns;
		file->left = verdict_kind_name(verdict);
	}
}

void moves_surveyed(struct moves *moves, const struct event_sync *survey)
{
	struct file *file = find(moves, survey->s_dev, survey->ino, survey->generation);

	if (file)
		decide_all(file, survey->written_ns);
}

static void store_file(const void *node, VISIT visit, void *ctx)
{
	const struct file *file = *(struct file *const *)node;
	struct moves *moves = ctx;
	const struct move *move;
	char path[4 * EVENT_PATH_SIZE];

	if (visit != postorder && visit != leaf)
		return;
	for (move = file->moves; move; move = move->next) {
		if (!move->path)
			continue;
		format_safe_text(path, sizeof(path), move->path, strlen(move->path));
		store_add_moved(moves->store, move->row, path, move->data ? move->data : "unproven",
				move->since_ns,
				move->data && !strcmp(move->data, "durable") && move->before_id
					? move->before_id
					: move->sync_id);
	}
}

void moves_finish(struct moves *moves)
{
	twalk_r(moves->files, store_file, moves);
}
