// SPDX-License-Identifier: GPL-2.0-only
#include "store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char schema[] =
#include "schema.h"
	;

enum statement {
	ADD_SYNC = 0,
	ADD_FLUSH,
	ADD_DEVICE,
	ADD_PARENT,
	ADD_FINDING,
	ADD_EXPOSURE,
	ADD_CHANGE,
	ADD_MOVED,
	ADD_ARGUMENT,
	ADD_LOSS,
	ADD_BLIND_SPOT,
	SET_META,
	SET_OWNER,
	SET_PARENT,
	NO_PARENT,
	SET_COVERED,
	SET_OLD_NAMED,
	SET_NEW_NAMED,
	SET_COMMITTED,
	STATEMENTS,
};

static const char *const statements[STATEMENTS] = {
	[ADD_SYNC] =
		("INSERT INTO syncs(t_ns,kind,pid,tid,comm,dev,ino,path,path_raw,fs,ret,latency_ns,"
		 "writeout_ns,journal_ns,flush_ns,verdict,reason,grounds,flush_id,detail,nested)"
		 " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
	[ADD_FLUSH] = "INSERT INTO flushes(dev,kind,issue_ns,complete_ns,error) VALUES(?,?,?,?,?)",
	[ADD_DEVICE] =
		("INSERT OR REPLACE INTO devices(dev,name,kind,volatile_cache,cache,fua,leaf,"
		 "writes,detail) VALUES(?,?,?,?,?,?,?,?,?)"),
	[ADD_PARENT] = "INSERT OR IGNORE INTO parents(dev,parent) VALUES(?,?)",
	[ADD_FINDING] = ("INSERT INTO findings(kind,severity,path,detail,since_ns,bytes,posix,"
			 "filesystem) VALUES(?,?,?,?,?,?,?,?)"),
	[ADD_EXPOSURE] = ("INSERT INTO exposures(path,dev,ino,pid,comm,bytes,peak_bytes,left_bytes,"
			  "longest_ns,state,syncs,sync_id,flush_id,flushed_after_ns,detail)"
			  " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
	[ADD_CHANGE] =
		("INSERT INTO changes(t_ns,kind,pid,tid,comm,grounds,old_path,old_dev,old_dir,"
		 "old_posix,new_path,new_dev,new_dir,new_posix,txn,object,replaces)"
		 " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
	[ADD_MOVED] = ("INSERT OR REPLACE INTO moved(change_id,path,data,since_ns,sync_id)"
		       " VALUES(?,?,?,?,?)"),
	[ADD_ARGUMENT] = "INSERT INTO arguments(text) VALUES(?)",
	[ADD_LOSS] = "INSERT OR REPLACE INTO losses(cause,count,syncs,remedy) VALUES(?,?,?,?)",
	[ADD_BLIND_SPOT] = "INSERT INTO blind_spots(text) VALUES(?)",
	[SET_META] = "INSERT OR REPLACE INTO meta(key,value) VALUES(?,?)",
	[SET_OWNER] = "UPDATE flushes SET for_sync=?2 WHERE id=?1 AND for_sync IS NULL",
	[SET_PARENT] = "UPDATE syncs SET parent_id=?2 WHERE id=?1 AND parent_id IS NULL",
	[NO_PARENT] = "UPDATE syncs SET parent_id=NULL WHERE id=?1",
	[SET_COVERED] = "UPDATE syncs SET covered_by=?2, covered_after_ns=?3 WHERE id=?1",
	[SET_OLD_NAMED] = "UPDATE changes SET old_posix=?2, old_sync_id=?3 WHERE id=?1",
	[SET_NEW_NAMED] = "UPDATE changes SET new_posix=?2, new_sync_id=?3 WHERE id=?1",
	[SET_COMMITTED] =
		"UPDATE changes SET filesystem=?2, durable_by=?3, flush_id=?4 WHERE id=?1",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENTS];
	char error[256];
};

static void note_error(struct store *store)
{
	if (!store->error[0])
		snprintf(store->error, sizeof(store->error), "%s", sqlite3_errmsg(store->db));
}

int store_open(struct store **out, struct error *err)
{
	struct store *store = calloc(1, sizeof(*store));
	size_t i;
	int ret;

	*out = NULL;
	if (!store)
		return error_set(err, ENOMEM, "out of memory");
	ret = sqlite3_open(":memory:", &store->db);
	if (ret == SQLITE_OK)
		ret = sqlite3_exec(store->db, schema, NULL, NULL, NULL);
	/* One transaction for the whole audit: it is saved at the end, or not at all. */
	if (ret == SQLITE_OK)
		ret = sqlite3_exec(store->db, "BEGIN", NULL, NULL, NULL);
	for (i = 0; i < STATEMENTS && ret == SQLITE_OK; i++)
		ret = sqlite3_prepare_v2(store->db, statements[i], -1, &store->prepared[i], NULL);
	if (ret != SQLITE_OK) {
		error_set(err, EIO, "cannot make the audit database: %s",
			  sqlite3_errmsg(store->db));
		store_free(store);
		return -EIO;
	}
	*out = store;
	return 0;
}

void store_free(struct store *store)
{
	size_t i;

	if (!store)
		return;
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->prepared[i]);
	sqlite3_close(store->db);
	free(store);
}

static void bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	if (text && *text)
		sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, column);
}

static void bind_optional(sqlite3_stmt *statement, int column, int64_t number, int64_t none)
{
	if (number == none)
		sqlite3_bind_null(statement, column);
	else
		sqlite3_bind_int64(statement, column, number);
}

/* Runs a bound statement and makes it ready for the next time; texts are lent until then. */
static int64_t run(struct store *store, enum statement which)
{
	sqlite3_stmt *statement = store->prepared[which];
	int64_t id = 0;

	if (sqlite3_step(statement) == SQLITE_DONE)
		id = sqlite3_last_insert_rowid(store->db);
	else
		note_error(store);
	sqlite3_reset(statement);
	return id;
}

int64_t store_add_sync(struct store *store, const struct store_sync *sync)
{
	sqlite3_stmt *s = store->prepared[ADD_SYNC];

	sqlite3_bind_int64(s, 1, sync->t_ns);
	bind_text(s, 2, sync->kind);
	sqlite3_bind_int64(s, 3, sync->pid);
	sqlite3_bind_int64(s, 4, sync->tid);
	sqlite3_bind_text(s, 5, sync->comm, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 6, sync->dev, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 7, sync->ino);
	bind_text(s, 8, sync->path);
	if (sync->path_raw_length)
		sqlite3_bind_blob(s, 9, sync->path_raw, sync->path_raw_length, SQLITE_STATIC);
	else
		sqlite3_bind_null(s, 9);
	sqlite3_bind_text(s, 10, sync->fs, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 11, sync->ret);
	sqlite3_bind_int64(s, 12, sync->latency_ns);
	bind_optional(s, 13, sync->writeout_ns, -1);
	bind_optional(s, 14, sync->journal_ns, -1);
	bind_optional(s, 15, sync->flush_ns, -1);
	bind_text(s, 16, sync->verdict);
	bind_text(s, 17, sync->reason);
	bind_text(s, 18, sync->grounds);
	bind_optional(s, 19, sync->flush_id, 0);
	bind_text(s, 20, sync->detail);
	sqlite3_bind_int(s, 21, sync->nested);
	return run(store, ADD_SYNC);
}

int64_t store_add_flush(struct store *store, const char *dev, const char *kind, uint64_t issue_ns,
			uint64_t complete_ns, int error)
{
	sqlite3_stmt *s = store->prepared[ADD_FLUSH];

	bind_text(s, 1, dev);
	bind_text(s, 2, kind);
	sqlite3_bind_int64(s, 3, issue_ns);
	sqlite3_bind_int64(s, 4, complete_ns);
	sqlite3_bind_int(s, 5, error);
	return run(store, ADD_FLUSH);
}

void store_add_device(struct store *store, const struct store_device *device)
{
	sqlite3_stmt *s = store->prepared[ADD_DEVICE];

	bind_text(s, 1, device->dev);
	bind_text(s, 2, device->name);
	bind_text(s, 3, device->kind);
	bind_optional(s, 4, device->volatile_cache, -1);
	bind_text(s, 5, device->cache);
	sqlite3_bind_int(s, 6, device->fua);
	sqlite3_bind_int(s, 7, device->leaf);
	sqlite3_bind_int64(s, 8, device->writes);
	bind_text(s, 9, device->detail);
	run(store, ADD_DEVICE);
}

void store_add_parent(struct store *store, const char *dev, const char *parent)
{
	bind_text(store->prepared[ADD_PARENT], 1, dev);
	bind_text(store->prepared[ADD_PARENT], 2, parent);
	run(store, ADD_PARENT);
}

void store_add_finding(struct store *store, const struct store_finding *finding)
{
	sqlite3_stmt *s = store->prepared[ADD_FINDING];

	bind_text(s, 1, finding->kind);
	bind_text(s, 2, finding->severity);
	bind_text(s, 3, finding->path);
	bind_text(s, 4, finding->detail);
	sqlite3_bind_int64(s, 5, finding->since_ns);
	bind_optional(s, 6, (int64_t)finding->bytes, 0);
	bind_text(s, 7, finding->posix);
	bind_text(s, 8, finding->filesystem);
	run(store, ADD_FINDING);
}

void store_add_exposure(struct store *store, const struct store_exposure *exposure)
{
	sqlite3_stmt *s = store->prepared[ADD_EXPOSURE];

	bind_text(s, 1, exposure->path);
	sqlite3_bind_text(s, 2, exposure->dev, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, exposure->ino);
	sqlite3_bind_int64(s, 4, exposure->pid);
	sqlite3_bind_text(s, 5, exposure->comm, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 6, exposure->bytes);
	sqlite3_bind_int64(s, 7, exposure->peak_bytes);
	sqlite3_bind_int64(s, 8, exposure->left_bytes);
	sqlite3_bind_int64(s, 9, exposure->longest_ns);
	bind_text(s, 10, exposure->state);
	sqlite3_bind_int64(s, 11, exposure->syncs);
	bind_optional(s, 12, exposure->sync_id, 0);
	bind_optional(s, 13, exposure->flush_id, 0);
	bind_optional(s, 14, exposure->flushed_after_ns, 0);
	bind_text(s, 15, exposure->detail);
	run(store, ADD_EXPOSURE);
}

int64_t store_add_change(struct store *store, const struct store_change *change)
{
	sqlite3_stmt *s = store->prepared[ADD_CHANGE];
	int i, column = 7;

	sqlite3_bind_int64(s, 1, change->t_ns);
	bind_text(s, 2, change->kind);
	sqlite3_bind_int64(s, 3, change->pid);
	sqlite3_bind_int64(s, 4, change->tid);
	sqlite3_bind_text(s, 5, change->comm, -1, SQLITE_STATIC);
	bind_text(s, 6, change->grounds);
	for (i = 0; i < 2; i++) {
		bind_text(s, column++, change->sides[i].path);
		bind_text(s, column++, change->sides[i].dev);
		bind_optional(s, column++, change->sides[i].ino, 0);
		bind_text(s, column++, change->sides[i].posix);
	}
	bind_optional(s, column++, change->transaction, 0);
	bind_text(s, column++, change->object);
	bind_optional(s, column, change->replaces, -1);
	return run(store, ADD_CHANGE);
}

void store_add_moved(struct store *store, int64_t change_id, const char *path, const char *data,
		     uint64_t since_ns, int64_t sync_id)
{
	sqlite3_stmt *s = store->prepared[ADD_MOVED];

	sqlite3_bind_int64(s, 1, change_id);
	sqlite3_bind_text(s, 2, path, -1, SQLITE_STATIC);
	bind_text(s, 3, data);
	bind_optional(s, 4, since_ns, 0);
	bind_optional(s, 5, sync_id, 0);
	run(store, ADD_MOVED);
}

void store_add_argument(struct store *store, const char *text)
{
	sqlite3_bind_text(store->prepared[ADD_ARGUMENT], 1, text, -1, SQLITE_STATIC);
	run(store, ADD_ARGUMENT);
}

void store_add_loss(struct store *store, const char *cause, uint64_t count, uint64_t syncs,
		    const char *remedy)
{
	sqlite3_stmt *s = store->prepared[ADD_LOSS];

	bind_text(s, 1, cause);
	sqlite3_bind_int64(s, 2, count);
	sqlite3_bind_int64(s, 3, syncs);
	bind_text(s, 4, remedy);
	run(store, ADD_LOSS);
}

void store_add_blind_spot(struct store *store, const char *text)
{
	bind_text(store->prepared[ADD_BLIND_SPOT], 1, text);
	run(store, ADD_BLIND_SPOT);
}

void store_set_meta(struct store *store, const char *key, const char *value)
{
	bind_text(store->prepared[SET_META], 1, key);
	bind_text(store->prepared[SET_META], 2, value);
	run(store, SET_META);
}

void store_set_meta_number(struct store *store, const char *key, int64_t value)
{
	bind_text(store->prepared[SET_META], 1, key);
	sqlite3_bind_int64(store->prepared[SET_META], 2, value);
	run(store, SET_META);
}

void store_set_flush_owner(struct store *store, int64_t flush_id, int64_t sync_id)
{
	sqlite3_bind_int64(store->prepared[SET_OWNER], 1, flush_id);
	sqlite3_bind_int64(store->prepared[SET_OWNER], 2, sync_id);
	run(store, SET_OWNER);
}

void store_set_parent(struct store *store, int64_t sync_id, int64_t parent_id)
{
	sqlite3_bind_int64(store->prepared[SET_PARENT], 1, sync_id);
	sqlite3_bind_int64(store->prepared[SET_PARENT], 2, parent_id);
	run(store, SET_PARENT);
}

void store_forget_parent(struct store *store, int64_t sync_id)
{
	sqlite3_bind_int64(store->prepared[NO_PARENT], 1, sync_id);
	run(store, NO_PARENT);
}

void store_set_covered(struct store *store, int64_t sync_id, int64_t flush_id, uint64_t after_ns)
{
	sqlite3_bind_int64(store->prepared[SET_COVERED], 1, sync_id);
	sqlite3_bind_int64(store->prepared[SET_COVERED], 2, flush_id);
	sqlite3_bind_int64(store->prepared[SET_COVERED], 3, after_ns);
	run(store, SET_COVERED);
}

void store_set_named(struct store *store, int64_t change_id, int side, const char *posix,
		     int64_t sync_id)
{
	enum statement which = side ? SET_NEW_NAMED : SET_OLD_NAMED;

	sqlite3_bind_int64(store->prepared[which], 1, change_id);
	bind_text(store->prepared[which], 2, posix);
	bind_optional(store->prepared[which], 3, sync_id, 0);
	run(store, which);
}

void store_set_committed(struct store *store, int64_t change_id, const char *filesystem,
			 const char *by, int64_t flush_id)
{
	sqlite3_bind_int64(store->prepared[SET_COMMITTED], 1, change_id);
	bind_text(store->prepared[SET_COMMITTED], 2, filesystem);
	bind_text(store->prepared[SET_COMMITTED], 3, by);
	bind_optional(store->prepared[SET_COMMITTED], 4, flush_id, 0);
	run(store, SET_COMMITTED);
}

static void execute(struct store *store, const char *sql)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		note_error(store);
}

void store_doubt_named(struct store *store)
{
	execute(store,
		"UPDATE changes SET old_posix = 'unproven' WHERE old_posix = 'not-durable';"
		"UPDATE changes SET new_posix = 'unproven' WHERE new_posix = 'not-durable';"
		"UPDATE changes SET filesystem = 'unproven' WHERE filesystem = 'not-durable';"
		"UPDATE moved SET data = 'unproven' WHERE data = 'not-durable';");
}

void store_finish_named(struct store *store)
{
	execute(store, "UPDATE changes SET filesystem = 'durable', durable_by = 'directories' "
		       "WHERE filesystem <> 'durable'"
		       " AND coalesce(old_posix, 'durable') = 'durable'"
		       " AND coalesce(new_posix, 'durable') = 'durable';");
}

void store_finish(struct store *store)
{
	static const char sql[] = "DELETE FROM syncs WHERE nested AND parent_id IS NULL;"
				  "DELETE FROM syncs WHERE nested"
				  " AND parent_id NOT IN (SELECT id FROM syncs);"
				  "UPDATE devices SET flushes ="
				  "  (SELECT count(*) FROM flushes f WHERE f.dev = devices.dev)"
				  "  + coalesce((SELECT sum(count) FROM purged_flushes p"
				  "              WHERE p.dev = devices.dev), 0);";

	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		note_error(store);
}

/* The newest row of a table stays: the ids of the next ones are to follow it. */
#define PURGED_CALLS                                                                               \
	"id < (SELECT max(id) FROM syncs) AND (verdict <> 'not-durable' OR covered_by IS NOT NULL" \
	" OR nested OR id <= ?1)"
#define PURGED_FLUSHES "id < (SELECT max(id) FROM flushes)"

static void run_once(struct store *store, const char *sql, int64_t argument)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK)
		sqlite3_bind_int64(statement, 1, argument);
	if (sqlite3_step(statement) != SQLITE_DONE)
		note_error(store);
	sqlite3_finalize(statement);
}

void store_purge(struct store *store, int64_t waiting)
{
	char sql[256];
	int64_t last; /* the newest that waits and is given up */

	snprintf(sql, sizeof(sql),
		 "SELECT id FROM syncs WHERE verdict = 'not-durable' AND covered_by IS NULL"
		 " AND NOT nested ORDER BY id DESC LIMIT 1 OFFSET %lld",
		 (long long)waiting);
	last = store_number(store, sql);
	run_once(store,
		 "INSERT INTO purged_calls SELECT verdict, reason, covered_by IS NOT NULL, count(*)"
		 " FROM syncs WHERE NOT nested AND " PURGED_CALLS " GROUP BY 1, 2, 3"
		 " ON CONFLICT DO UPDATE SET count = count + excluded.count",
		 last);
	run_once(store, "DELETE FROM syncs WHERE " PURGED_CALLS, last);
	run_once(store,
		 "INSERT INTO purged_flushes SELECT dev, kind, count(*) FROM flushes"
		 " WHERE " PURGED_FLUSHES " GROUP BY 1, 2"
		 " ON CONFLICT DO UPDATE SET count = count + excluded.count",
		 0);
	run_once(store, "DELETE FROM flushes WHERE " PURGED_FLUSHES, 0);
}

const char *store_error(const struct store *store)
{
	return store->error[0] ? store->error : NULL;
}

/* Copies the database into a fresh file. SQLITE_OK or an error of @to. */
static int copy_to(struct store *store, sqlite3 *to)
{
	sqlite3_backup *backup;

	/* A backup sees what is committed only. */
	if (sqlite3_exec(store->db, "COMMIT; BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return SQLITE_ERROR;
	backup = sqlite3_backup_init(to, "main", store->db, "main");
	if (!backup)
		return SQLITE_ERROR;
	sqlite3_backup_step(backup, -1);
	return sqlite3_backup_finish(backup);
}

int store_save(struct store *store, const char *path, struct error *err)
{
	sqlite3 *to = NULL;
	char part[4096];
	int ret;

	if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part))
		return error_set(err, ENAMETOOLONG, "--db %s: the name is too long", path);
	unlink(part);
	ret = sqlite3_open(part, &to);
	if (ret == SQLITE_OK)
		ret = copy_to(store, to);
	if (ret != SQLITE_OK)
		error_set(err, EIO,
			  "cannot save the audit to --db %s: %s; choose a place with room", path,
			  to ? sqlite3_errstr(sqlite3_extended_errcode(to) & 0xff
						      ? sqlite3_extended_errcode(to) & 0xff
						      : ret)
			     : "out of memory");
	sqlite3_close(to);
	if (ret == SQLITE_OK && !rename(part, path))
		return 0;
	if (ret == SQLITE_OK)
		error_set(err, errno, "cannot save the audit to --db %s: %s", path,
			  strerror(errno));
	unlink(part);
	return -EIO;
}

struct sqlite3 *store_db(struct store *store)
{
	return store->db;
}

const char *store_column(struct sqlite3_stmt *row, int index)
{
	const char *text = (const char *)sqlite3_column_text(row, index);

	return text ? text : "";
}

int64_t store_number(struct store *store, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t number = 0;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) {
		note_error(store);
		return 0;
	}
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}
