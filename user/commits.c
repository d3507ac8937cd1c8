// SPDX-License-Identifier: GPL-2.0-only
#include "commits.h"

#include <search.h>
#include <stdlib.h>

#include "fsmagic.h"
#include "places.h"

struct waiting {
	struct waiting *next;	/* of its file system, the newest first */
	struct waiting **place; /* what points to it there */
	struct waiting *same;	/* of the same inode */
	uint64_t number, begun_ns, at_ns;
	int64_t row;
	uint32_t generation;
	bool numbered;
	bool of_inode;
	bool settled;
	bool all_told;
	bool doubted; /* it was committed, whether to stable media is not known */
};

/* A file system whose transactions are numbered in the order in which they are committed. */
struct journal {
	struct journal *next;
	uint32_t dev;
	uint64_t done_ns;
	uint64_t done; /* the newest that was on stable media by then */
	int64_t flush_id;
	struct waiting *waiting;
};

/* An inode that names were given to, or taken from. */
struct named {
	struct place place;
	struct waiting *waiting;
};

struct commits {
	struct store *store;
	struct journal *journals;
	void *inodes; /* a tree, see search.h */
};

struct commits *commits_new(struct store *store)
{
	struct commits *commits = calloc(1, sizeof(*commits));

	if (commits)
		commits->store = store;
	return commits;
}

static void free_named(void *node)
{
	struct named *named = node;
	struct waiting *waiting;

	while ((waiting = named->waiting)) {
		named->waiting = waiting->same;
		free(waiting);
	}
	free(named);
}

void commits_free(struct commits *commits)
{
	struct journal *journal;
	struct waiting *waiting;

	if (!commits)
		return;
	while ((journal = commits->journals)) {
		while ((waiting = journal->waiting)) {
			journal->waiting = waiting->next;
			if (!waiting->of_inode)
				free(waiting);
		}
		commits->journals = journal->next;
		free(journal);
	}
	tdestroy(commits->inodes, free_named);
	free(commits);
}

static struct journal *find_or_add(struct commits *commits, uint32_t dev)
{
	struct journal *journal = commits->journals;

	while (journal && journal->dev != dev)
		journal = journal->next;
	if (journal)
		return journal;
	journal = calloc(1, sizeof(*journal));
	if (!journal)
		return NULL;
	journal->dev = dev;
	journal->next = commits->journals;
	commits->journals = journal;
	return journal;
}

/* ext4 numbers with 32 bits, and begins anew at 0 (tid_geq in linux/jbd2.h). */
static bool holds(uint64_t done, uint64_t number)
{
	return (int32_t)((uint32_t)done - (uint32_t)number) >= 0;
}

static void join(struct journal *journal, struct waiting *waiting)
{
	waiting->next = journal->waiting;
	waiting->place = &journal->waiting;
	if (waiting->next)
		waiting->next->place = &waiting->next;
	journal->waiting = waiting;
}

static void leave(struct waiting *waiting)
{
	*waiting->place = waiting->next;
	if (waiting->next)
		waiting->next->place = waiting->place;
}

static int compare(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	return places_compare(&a->place, &b->place);
}

static struct named *find_named(const struct commits *commits, uint32_t dev, uint64_t ino)
{
	struct named key = {.place = {dev, ino}};
	struct named **found = tfind(&key, &commits->inodes, compare);

	return found ? *found : NULL;
}

/* Lets go of those of an inode that need not wait any more. */
static void sweep(struct commits *commits, struct named *named)
{
	struct waiting **at = &named->waiting, *waiting;

	while ((waiting = *at)) {
		if (!waiting->settled) {
			at = &waiting->same;
			continue;
		}
		*at = waiting->same;
		free(waiting);
	}
	if (named->waiting)
		return;
	tdelete(named, &commits->inodes, compare);
	free(named);
}

static void wait_with_inode(struct commits *commits, const struct event_change *change,
			    struct waiting *waiting)
{
	struct named *named = find_named(commits, change->s_dev, change->ino);

	if (!named) {
		named = calloc(1, sizeof(*named));
		if (!named)
			return;
		named->place = (struct place){change->s_dev, change->ino};
		if (!tsearch(named, &commits->inodes, compare)) {
			free(named);
			return;
		}
	}
	waiting->of_inode = true;
	waiting->same = named->waiting;
	named->waiting = waiting;
}

void commits_wait(struct commits *commits, const struct event_change *change,
		  const struct names_fs *fs, int64_t row, bool all_told)
{
	bool numbered = fs->order_s_dev;
	struct journal *journal = find_or_add(commits, numbered ? fs->order_s_dev : fs->s_dev);
	struct waiting *waiting;

	if (!journal || !row)
		return;
	/* One that waits for its own commit returns after it. Numbers from before it began may be
	 * those of another file system that the device had. */
	if (numbered && journal->done_ns > change->begun_ns &&
	    holds(journal->done, change->order)) {
		store_set_committed(commits->store, row, "durable", "transaction",
				    journal->flush_id);
		return;
	}
	waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return; /* then it stays unproven */
	*waiting = (struct waiting){.number = change->order,
				    .numbered = numbered,
				    .begun_ns = change->begun_ns,
				    .at_ns = change->at_ns,
				    .row = row,
				    .generation = change->generation,
				    .all_told = all_told};
	join(journal, waiting);
	if (change->ino)
		wait_with_inode(commits, change, waiting);
}

static void settle(struct commits *commits, struct waiting *waiting, const char *by,
		   int64_t flush_id)
{
	store_set_committed(commits->store, waiting->row, "durable", by, flush_id);
	leave(waiting);
	waiting->settled = true;
}

void commits_done(struct commits *commits, const struct event_sync *sync, uint64_t number,
		  bool proven, int64_t flush_id)
{
	struct journal *journal = find_or_add(commits, sync->s_dev);
	struct waiting *waiting, *next;

	if (!journal)
		return;
	if (proven && journal->done_ns && journal->done == number) {
		/* btrfs says it at each call: nothing has come since that is in it. */
		journal->done_ns = sync->exit_ns;
		return;
	}
	if (proven) {
		journal->done_ns = sync->exit_ns;
		journal->done = number;
		journal->flush_id = flush_id;
	}
	for (waiting = journal->waiting; waiting; waiting = next) {
		next = waiting->next;
		if (!waiting->numbered || !holds(number, waiting->number))
			continue;
		if (!proven) {
			waiting->doubted = true;
			continue;
		}
		settle(commits, waiting, "transaction", flush_id);
		if (!waiting->of_inode)
			free(waiting);
	}
}

/*
 * What a file is named is logged with it, after whatever change, or the sync commits all of its
 * file system: xfs_fsync_seq() goes by the inode, whose time each change of a name sets;
 * btrfs_log_inode() with btrfs_need_log_full_commit(); f2fs need_do_checkpoint() and
 * recover_dentry(). The judge holds them to it. ext4's transactions tell of themselves.
 */
static bool keeps_names(const struct event_sync *sync)
{
	const uint32_t others = SYNC_WHOLE_FS | SYNC_DIRECTORY | SYNC_DATASYNC | SYNC_INNER |
				SYNC_BLOCK_DEVICE | SYNC_DIRECT | SYNC_WRITEOUT;

	if (sync->flags & others)
		return false;
	if (sync->kind != SYNC_FSYNC && sync->kind != SYNC_AIO_FSYNC &&
	    sync->kind != SYNC_URING_FSYNC)
		return false;
	return sync->fs_magic == FSMAGIC_XFS || sync->fs_magic == FSMAGIC_BTRFS ||
	       sync->fs_magic == FSMAGIC_F2FS;
}

/* A checkpoint has all that was over before it was begun (block_operations() in f2fs): what the
 * call is about may be any file or directory. */
static void checkpointed(struct commits *commits, const struct event_sync *sync, int64_t flush_id)
{
	struct journal *journal = find_or_add(commits, sync->s_dev);
	struct waiting *waiting, *next;

	for (waiting = journal ? journal->waiting : NULL; waiting; waiting = next) {
		next = waiting->next;
		if (waiting->at_ns > sync->enter_ns)
			continue;
		settle(commits, waiting, "checkpoint", flush_id);
		if (!waiting->of_inode)
			free(waiting);
	}
}

void commits_synced(struct commits *commits, const struct event_sync *sync, int64_t flush_id)
{
	struct named *named = find_named(commits, sync->s_dev, sync->ino);
	struct waiting *waiting;

	if (sync->fs_magic == FSMAGIC_F2FS && (sync->flags & SYNC_CHECKPOINT)) {
		checkpointed(commits, sync, flush_id);
		return;
	}
	if (!named || !keeps_names(sync))
		return;
	for (waiting = named->waiting; waiting; waiting = waiting->same)
		if (!waiting->settled && waiting->at_ns <= sync->enter_ns &&
		    waiting->generation == sync->generation)
			settle(commits, waiting, "file", flush_id);
	sweep(commits, named);
}

void commits_finish(struct commits *commits, commits_none_fn none, void *ctx)
{
	struct journal *journal;
	struct waiting *waiting;

	for (journal = commits->journals; journal; journal = journal->next)
		for (waiting = journal->waiting; waiting; waiting = waiting->next)
			if ((waiting->all_told && !waiting->doubted) ||
			    (waiting->begun_ns && none(ctx, journal->dev, waiting->begun_ns)))
				store_set_committed(commits->store, waiting->row, "not-durable",
						    NULL, 0);
}
