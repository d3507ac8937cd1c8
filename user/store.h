/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_STORE_H
#define FLUSHAUDIT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct sqlite3;
struct sqlite3_stmt;
struct store;

/* One row of syncs; NULL texts and 0 ids are stored as NULL. */
struct store_sync {
	uint64_t t_ns, latency_ns;
	int64_t writeout_ns, journal_ns, flush_ns; /* -1: not known */
	const char *kind, *comm, *dev, *fs, *verdict, *reason, *grounds, *detail;
	const char *path; /* made safe */
	const char *path_raw;
	size_t path_raw_length; /* 0: path says it all */
	uint64_t ino;
	uint32_t pid, tid;
	int ret;
	bool nested; /* audited for the sake of another call alone */
	int64_t flush_id;
};

struct store_device {
	const char *dev, *name, *kind, *cache, *detail;
	int volatile_cache; /* -1: not known */
	int fua, leaf;
	uint64_t writes;
};

struct store_finding {
	const char *kind, *severity, *detail;
	const char *path; /* made safe, NULL: of no file */
	uint64_t since_ns;
	uint64_t bytes;			/* 0: not known */
	const char *posix, *filesystem; /* of a directory: how it stands by each, NULL: of none */
};

/* One row of exposures. */
struct store_exposure {
	const char *path; /* made safe, NULL: not known */
	const char *dev, *comm, *state, *detail;
	uint64_t ino, bytes, peak_bytes, left_bytes, longest_ns, flushed_after_ns;
	uint32_t pid, syncs;
	int64_t sync_id, flush_id; /* 0: none */
};

/* One row of changes. */
struct store_change {
	uint64_t t_ns;
	const char *kind, *comm, *grounds;
	uint64_t transaction; /* 0: not known */
	const char *object;   /* the type of what is named, NULL: not known */
	int replaces;	      /* something had the new name before: 1, 0, -1: not known */
	uint32_t pid, tid;
	struct {
		const char *path;  /* made safe, NULL: there is no such side */
		const char *dev;   /* of the directory, NULL: which it is is not known */
		const char *posix; /* how it stands */
		uint64_t ino;
	} sides[2]; /* enum event_change_side_index */
};

/* Makes an empty audit database in memory. 0, or -errno with @err. */
int store_open(struct store **out, struct error *err);
void store_free(struct store *store);

/* Each adds one row; the id of the row, or 0 when the database failed (see store_error). */
int64_t store_add_sync(struct store *store, const struct store_sync *sync);
int64_t store_add_flush(struct store *store, const char *dev, const char *kind, uint64_t issue_ns,
			uint64_t complete_ns, int error);
void store_add_device(struct store *store, const struct store_device *device);
void store_add_parent(struct store *store, const char *dev, const char *parent);
void store_add_finding(struct store *store, const struct store_finding *finding);
void store_add_exposure(struct store *store, const struct store_exposure *exposure);
int64_t store_add_change(struct store *store, const struct store_change *change);
void store_add_argument(struct store *store, const char *text);
void store_add_loss(struct store *store, const char *cause, uint64_t count, uint64_t syncs,
		    const char *remedy);
void store_add_blind_spot(struct store *store, const char *text);

void store_set_meta(struct store *store, const char *key, const char *value);
void store_set_meta_number(struct store *store, const char *key, int64_t value);

void store_set_flush_owner(struct store *store, int64_t flush_id, int64_t sync_id);
void store_set_parent(struct store *store, int64_t sync_id, int64_t parent_id);
void store_forget_parent(struct store *store, int64_t sync_id); /* several might be it */
void store_set_covered(struct store *store, int64_t sync_id, int64_t flush_id, uint64_t after_ns);

/* A file that change @change_id moved to @path, made safe: how its data stood then, the oldest that
 * was not durable, and the call that made it so, before or after; 0: none. */
void store_add_moved(struct store *store, int64_t change_id, const char *path, const char *data,
		     uint64_t since_ns, int64_t sync_id);

/* How side @side of a change stands since sync @sync_id, 0: none. */
void store_set_named(struct store *store, int64_t change_id, int side, const char *posix,
		     int64_t sync_id);
/* How a change stands on its file system; durable: @by what, and the flush @flush_id, 0: none. */
void store_set_committed(struct store *store, int64_t change_id, const char *filesystem,
			 const char *by, int64_t flush_id);
/* Of no change is it known any more that it is not durable. */
void store_doubt_named(struct store *store);
/* Ends the list of changes: those whose directories are all durable are so on their file system. */
void store_finish_named(struct store *store);

/*
 * Lets go of all that has been reported, when the audit may go on for weeks: counts stay, in the
 * totals. What still waits for a flush is kept, the newest @waiting of it.
 */
void store_purge(struct store *store, int64_t waiting);

/* Ends the audit: drops nested syncs of nobody audited, counts flushes per device. */
void store_finish(struct store *store);

/* The first failure of the database, NULL: none. */
const char *store_error(const struct store *store);

/* Writes the whole to @path, replacing it only when complete. 0, or -errno with @err. */
int store_save(struct store *store, const char *path, struct error *err);

/* For the renderers: every report is a query. */
struct sqlite3 *store_db(struct store *store);
/* The text of a column, "" where it is NULL; lent until the next row. */
const char *store_column(struct sqlite3_stmt *row, int index);
int64_t store_number(struct store *store,
		     const char *sql); /* first column of the first row, 0: none */

#endif
