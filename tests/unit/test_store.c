// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "report/report.h"
#include "store.h"

#define HOSTILE "'); DROP TABLE syncs; --\"<b>&\\x1b[2J %s%n {\"a\":[1]} \xc3\xbc"

struct world {
	char dir[64];
	char path[96];
	struct store *store;
	struct error err;
	char text[1024];
	char *report;
	size_t report_size;
	bool exposure; /* asked for */
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/audit.db", w->dir);
	assert_int_equal(store_open(&w->store, &w->err), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	store_free(w->store);
	store_free(NULL);
	free(w->report);
	directory_remove(w->dir);
	free(w);
	return 0;
}

static struct store_sync make_sync(const char *kind, const char *verdict, const char *reason)
{
	return (struct store_sync){
		.t_ns = 1100000000,
		.latency_ns = 10000000,
		.writeout_ns = 2000000,
		.journal_ns = 3000000,
		.flush_ns = 5000000,
		.kind = kind,
		.nested = !strcmp(kind, "kernel"),
		.comm = "sqlite3",
		.dev = "254:1",
		.fs = "ext4",
		.verdict = verdict,
		.reason = reason,
		.grounds = "observed",
		.path = "/srv/t.db",
		.ino = 12,
		.pid = 10,
		.tid = 11,
	};
}

static int64_t add_sync(struct world *w, const char *kind, const char *verdict, const char *reason)
{
	struct store_sync sync = make_sync(kind, verdict, reason);

	return store_add_sync(w->store, &sync);
}

static void add_device(struct world *w, const char *name, const char *dev, int leaf)
{
	const struct store_device device = {
		.dev = dev,
		.name = name,
		.kind = leaf ? "disk" : "partition",
		.cache = "volatile",
		.volatile_cache = leaf ? 1 : -1,
		.fua = 1,
		.leaf = leaf,
		.writes = 34,
	};

	store_add_device(w->store, &device);
	if (!leaf)
		store_add_parent(w->store, dev, "254:0");
}

/* What a short run of a database leaves: 4 durable calls, 2 that are not, 1 unproven. */
static void add_audit(struct world *w)
{
	struct store_sync range = make_sync("sync_file_range", "not-durable", "writeout-only");
	struct store_sync remote = make_sync("fdatasync", "unproven", "remote");

	store_set_meta_number(w->store, "schema", 1);
	store_set_meta(w->store, "version", "0.1.0");
	store_set_meta(w->store, "level", "fentry");
	store_set_meta(w->store, "kernel", "6.12.17");
	store_add_argument(w->store, "sqlite3");
	store_add_argument(w->store, "t.db");
	store_set_meta_number(w->store, "start_ns", 1000000000);
	store_set_meta_number(w->store, "end_ns", 2320000000);
	store_set_meta_number(w->store, "exit_status", 0);
	add_device(w, "vda", "254:0", 1);
	add_device(w, "vda1", "254:1", 0);
	store_add_flush(w->store, "254:0", "request", 1102000000, 1107000000, 0);
	store_add_flush(w->store, "254:0", "request", 1202000000, 1207000000, -5);
	for (int i = 0; i < 4; i++)
		add_sync(w, "fsync", "durable", "flushed");
	range.detail = "sync_file_range starts or awaits write-out; it never flushes the drive";
	store_add_sync(w->store, &range);
	store_set_covered(w->store, store_add_sync(w->store, &range), 1, 3100000);
	remote.path = "/nfs/x";
	remote.fs = "nfs";
	remote.detail = "nfs: what the server did with it cannot be seen here";
	store_add_sync(w->store, &remote);
	store_add_blind_spot(w->store, "nothing is seen of the moon");
	store_add_loss(w->store, "ledger full", 2, 0, "enlarge --ledger-size");
	store_finish(w->store);
	assert_null(store_error(w->store));
}

static const char *ask(struct world *w, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	const char *text;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	if (strchr(sql, '?')) /* the report is what is asked about */
		sqlite3_bind_text(statement, 1, w->report, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	text = (const char *)sqlite3_column_text(statement, 0);
	snprintf(w->text, sizeof(w->text), "%s", text ? text : "NULL");
	sqlite3_finalize(statement);
	return w->text;
}

/* --- the database --- */

static void schema_is_the_documented_one(void **state)
{
	struct world *w = *state;
	sqlite3 *db = store_db(w->store);

	assert_string_equal(
		ask(w, db,
		    "SELECT group_concat(type || ' ' || name, ', ') FROM"
		    " (SELECT * FROM sqlite_schema ORDER BY type, name)"),
		"table arguments, table blind_spots, table changes, table devices, "
		"table exposures, table findings, table flushes, table losses, table meta, "
		"table moved, table parents, table purged_calls, table purged_flushes, table "
		"syncs, "
		"view calls, view lasting, view most_synced, view named, view processes, "
		"view programs, view renames, view tally, view totals");
	assert_string_equal(ask(w, db, "SELECT group_concat(name) FROM pragma_table_info('syncs')"),
			    "id,t_ns,kind,pid,tid,comm,dev,ino,path,path_raw,fs,ret,latency_ns,"
			    "writeout_ns,journal_ns,flush_ns,verdict,reason,grounds,flush_id,"
			    "covered_by,covered_after_ns,parent_id,nested,detail");
	assert_string_equal(
		ask(w, db, "SELECT group_concat(name) FROM pragma_table_info('flushes')"),
		"id,dev,kind,issue_ns,complete_ns,error,for_sync");
}

static void rows_are_stored_as_given(void **state)
{
	struct world *w = *state;
	sqlite3 *db = store_db(w->store);

	assert_int_equal(store_add_flush(w->store, "254:0", "request", 1, 2, -5), 1);
	assert_int_equal(add_sync(w, "fsync", "durable", "flushed"), 1);
	assert_int_equal(add_sync(w, "fsync", "durable", "flushed"), 2);
	assert_string_equal(ask(w, db,
				"SELECT t_ns || '|' || kind || '|' || pid || '|' || tid || '|' ||"
				" comm || '|' || dev || '|' || ino || '|' || path || '|' || fs ||"
				" '|' || ret || '|' || latency_ns || '|' || writeout_ns || '|' ||"
				" journal_ns || '|' || flush_ns || '|' || verdict || '|' ||"
				" reason || '|' || grounds FROM syncs"),
			    "1100000000|fsync|10|11|sqlite3|254:1|12|/srv/t.db|ext4|0|10000000|"
			    "2000000|3000000|5000000|durable|flushed|observed");
	assert_string_equal(ask(w, db,
				"SELECT coalesce(path_raw, flush_id, covered_by, covered_after_ns,"
				" parent_id, detail) FROM syncs"),
			    "NULL");
}

static void what_is_not_known_is_null(void **state)
{
	struct store_sync sync = make_sync("fsync", "durable", "clean");
	struct world *w = *state;

	sync.path = NULL;
	sync.writeout_ns = sync.journal_ns = sync.flush_ns = -1;
	sync.detail = "";
	store_add_sync(w->store, &sync);
	assert_string_equal(ask(w, store_db(w->store),
				"SELECT coalesce(path, writeout_ns, journal_ns, flush_ns, detail)"
				" FROM syncs"),
			    "NULL");
}

static void links_are_set_once(void **state)
{
	struct world *w = *state;

	store_add_flush(w->store, "254:0", "request", 1, 2, 0);
	add_sync(w, "kernel", "durable", "flushed");
	store_set_flush_owner(w->store, 1, 7);
	store_set_flush_owner(w->store, 1, 8);
	store_set_parent(w->store, 1, 7);
	store_set_parent(w->store, 1, 8);
	assert_int_equal(store_number(w->store, "SELECT for_sync FROM flushes"), 7);
	assert_int_equal(store_number(w->store, "SELECT parent_id FROM syncs"), 7);
}

static void hostile_text_survives(void **state)
{
	static const char raw[] = "/\xff\0\n'";
	struct store_sync sync = make_sync("fsync", "durable", "flushed");
	struct world *w = *state;

	sync.comm = HOSTILE;
	sync.path = HOSTILE;
	sync.path_raw = raw;
	sync.path_raw_length = sizeof(raw) - 1;
	sync.detail = HOSTILE;
	store_add_sync(w->store, &sync);
	store_set_meta(w->store, HOSTILE, HOSTILE);
	assert_null(store_error(w->store));
	assert_string_equal(ask(w, store_db(w->store), "SELECT path FROM syncs"), HOSTILE);
	assert_string_equal(ask(w, store_db(w->store), "SELECT comm FROM syncs"), HOSTILE);
	assert_string_equal(ask(w, store_db(w->store), "SELECT hex(path_raw) FROM syncs"),
			    "2FFF000A27");
	assert_string_equal(ask(w, store_db(w->store), "SELECT value FROM meta"), HOSTILE);
}

static void nested_syncs_of_nobody_are_dropped(void **state)
{
	struct world *w = *state;

	add_sync(w, "fsync", "durable", "flushed");
	add_sync(w, "kernel", "durable", "flushed");
	add_sync(w, "kernel", "durable", "flushed");
	add_sync(w, "kernel", "durable", "flushed");
	store_set_parent(w->store, 2, 1);
	store_set_parent(w->store, 3, 1);
	store_forget_parent(w->store, 3);
	store_set_parent(w->store, 4, 3);
	store_finish(w->store);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 2);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM calls"), 1);
	assert_int_equal(store_number(w->store, "SELECT syncs FROM totals"), 1);
}

/* A call whose record was lost is a call all the same, and unproven. */
static void totals_count_what_was_lost(void **state)
{
	struct world *w = *state;

	add_audit(w);
	store_add_loss(w->store, "ring buffer full", 5, 3, "enlarge --ring-size");
	assert_string_equal(ask(w, store_db(w->store),
				"SELECT syncs || ' ' || durable || ' ' || not_durable || ' ' ||"
				" unproven || ' ' || flushes || ' ' || lost_events FROM totals"),
			    "10 4 2 4 2 7");
}

/* What is let go of stays in the totals; what waits for a flush stays, and ids go on. */
static void purged_rows_are_counted(void **state)
{
	static const char totals[] =
		"SELECT syncs || ' ' || durable || ' ' || not_durable || ' ' || unproven || ' ' ||"
		" flushes FROM totals";
	struct world *w = *state;
	int64_t first;

	for (int i = 0; i < 3; i++) {
		add_sync(w, "fsync", "durable", "flushed");
		add_sync(w, "kernel", "durable", "flushed");
		add_sync(w, "fsync", "unproven", "remote");
		first = add_sync(w, "sync_file_range", "not-durable", "writeout-only");
		add_sync(w, "sync_file_range", "not-durable", "writeout-only");
		store_set_covered(w->store, first, 1, 5);
		store_add_flush(w->store, "254:0", "request", 1, 2, 0);
		store_add_flush(w->store, "253:0", "bio", 1, 2, 0);
		assert_string_equal(ask(w, store_db(w->store), totals), i == 0	 ? "4 1 2 1 1"
									: i == 1 ? "8 2 4 2 2"
										 : "12 3 6 3 3");
		store_purge(w->store, 100);
		store_purge(w->store, 100);
	}
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 3);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM flushes"), 1);
	assert_int_equal(add_sync(w, "fsync", "durable", "flushed"), 16);
	assert_int_equal(store_add_flush(w->store, "254:0", "request", 1, 2, 0), 7);
	assert_string_equal(ask(w, store_db(w->store), totals), "13 4 6 3 4");
	/* One that waits is covered, one is not waited for any longer. */
	store_set_covered(w->store, 5, 7, 5);
	store_purge(w->store, 1);
	assert_string_equal(ask(w, store_db(w->store), totals), "13 4 6 3 4");
	assert_int_equal(store_number(w->store, "SELECT sum(count) FROM tally WHERE covered"), 4);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 2);
	add_device(w, "vda", "254:0", 1);
	store_finish(w->store);
	assert_int_equal(store_number(w->store, "SELECT flushes FROM devices"), 4);
	assert_null(store_error(w->store));
}

static void flushes_are_counted_per_device(void **state)
{
	struct world *w = *state;

	add_audit(w);
	assert_int_equal(store_number(w->store, "SELECT flushes FROM devices WHERE name = 'vda'"),
			 2);
	assert_int_equal(store_number(w->store, "SELECT flushes FROM devices WHERE name = 'vda1'"),
			 0);
}

static void the_first_error_is_kept(void **state)
{
	struct store_sync sync = make_sync("fsync", "durable", "flushed");
	struct world *w = *state;

	assert_null(store_error(w->store));
	sync.comm = NULL;
	assert_int_equal(store_add_sync(w->store, &sync), 0);
	assert_non_null(strstr(store_error(w->store), "syncs.comm"));
	assert_int_equal(store_number(w->store, "SELECT nonsense"), 0);
	assert_non_null(strstr(store_error(w->store), "syncs.comm"));
	assert_int_equal(add_sync(w, "fsync", "durable", "flushed"), 1);
}

/* --- saving --- */

static void assert_saved(struct world *w, const char *calls)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(w->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_string_equal(ask(w, db, "PRAGMA integrity_check"), "ok");
	assert_string_equal(ask(w, db, "SELECT count(*) FROM calls"), calls);
	sqlite3_close(db);
	snprintf(w->text, sizeof(w->text), "%s.part", w->path);
	assert_int_equal(access(w->text, F_OK), -1);
}

static void saved_and_replaced(void **state)
{
	struct world *w = *state;

	add_sync(w, "fsync", "durable", "flushed");
	assert_int_equal(store_save(w->store, w->path, &w->err), 0);
	assert_saved(w, "1");
	add_sync(w, "fsync", "durable", "flushed");
	assert_int_equal(store_save(w->store, w->path, &w->err), 0);
	assert_saved(w, "2");
	assert_null(store_error(w->store));
}

static void leftovers_of_an_earlier_save_do_not_matter(void **state)
{
	struct world *w = *state;
	char part[128];
	FILE *file;

	snprintf(part, sizeof(part), "%s.part", w->path);
	file = fopen(part, "we");
	assert_non_null(file);
	fputs("no database", file);
	fclose(file);
	assert_int_equal(store_save(w->store, w->path, &w->err), 0);
	assert_saved(w, "0");
}

/* The save fails, says so with the path, and the earlier audit is still there. */
static void assert_save_fails(struct world *w)
{
	w->err.text[0] = '\0';
	assert_in_range(-store_save(w->store, w->path, &w->err), 1, 4095);
	assert_non_null(strstr(w->err.text, w->path));
	assert_non_null(strstr(w->err.text, "--db"));
}

static void no_place_to_save_to(void **state)
{
	struct world *w = *state;
	char part[128];

	add_sync(w, "fsync", "durable", "flushed");
	assert_int_equal(store_save(w->store, w->path, &w->err), 0);
	/* root may write anywhere: so the place is taken by a directory */
	snprintf(part, sizeof(part), "%s.part", w->path);
	assert_int_equal(mkdir(part, 0755), 0);
	add_sync(w, "fsync", "durable", "flushed");
	assert_save_fails(w);
	assert_int_equal(rmdir(part), 0);
	assert_saved(w, "1");
	snprintf(w->path, sizeof(w->path), "%s/none/audit.db", w->dir);
	assert_save_fails(w);
	snprintf(w->path, sizeof(w->path), "%s", w->dir);
	assert_save_fails(w);
}

static void no_room_to_save_to(void **state)
{
	struct rlimit old, small;
	struct world *w = *state;

	add_sync(w, "fsync", "durable", "flushed");
	assert_int_equal(store_save(w->store, w->path, &w->err), 0);
	add_audit(w);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 8192;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_save_fails(w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_saved(w, "1");
	assert_int_equal(store_save(w->store, w->path, &w->err), 0);
	assert_saved(w, "8");
}

static void a_name_too_long(void **state)
{
	struct world *w = *state;
	char *path = malloc(5000);

	assert_non_null(path);
	memset(path, 'x', 4999);
	path[4999] = '\0';
	assert_int_equal(store_save(w->store, path, &w->err), -ENAMETOOLONG);
	free(path);
}

/* --- reports --- */

static int render(struct world *w, const char *format, bool all, bool color)
{
	const struct report_options options = {.all = all, .color = color, .exposure = w->exposure};
	FILE *out;
	int ret;

	free(w->report);
	w->report = NULL;
	out = open_memstream(&w->report, &w->report_size);
	assert_non_null(out);
	ret = report_find(format)(w->store, out, &options);
	assert_int_equal(fclose(out), 0);
	return ret;
}

static void renderers_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(report_find("text"), report_text);
	assert_ptr_equal(report_find("json"), report_json);
	assert_null(report_find(""));
	assert_null(report_find("jsonx"));
	assert_non_null(strstr(report_names(), "text"));
	assert_non_null(strstr(report_names(), "json"));
}

/* The value at @at of the JSON report, "NULL" when there is no such key. */
static const char *json_at(struct world *w, const char *what, const char *at)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT %s(?1, '$.%s')", what, at);
	return ask(w, store_db(w->store), sql);
}

static void assert_json_key(struct world *w, const char *at)
{
	if (!strcmp(json_at(w, "json_type", at), "NULL"))
		fail_msg("no %s in the JSON report", at);
}

static void json_has_the_keys_of_the_contract(void **state)
{
	static const char *const keys[] = {
		"schema",
		"tool.version",
		"tool.level",
		"tool.kernel",
		"tool.blind_spots[0]",
		"command.argv[1]",
		"command.exit_status",
		"totals.syncs",
		"totals.durable",
		"totals.not_durable",
		"totals.unproven",
		"totals.flushes",
		"totals.lost_events",
		"syncs[6].id",
		"syncs[0].t_ns",
		"syncs[0].kind",
		"syncs[0].pid",
		"syncs[0].tid",
		"syncs[0].comm",
		"syncs[0].dev",
		"syncs[0].ino",
		"syncs[0].path",
		"syncs[0].fs",
		"syncs[0].ret",
		"syncs[0].latency_ns",
		"syncs[0].verdict",
		"syncs[0].reason",
		"syncs[0].grounds",
		"syncs[0].flush_id",
		"syncs[0].covered_by",
		"syncs[0].covered_after_ns",
		"syncs[0].parent_id",
		"syncs[0].detail",
		"flushes[1].id",
		"flushes[0].dev",
		"flushes[0].kind",
		"flushes[0].issue_ns",
		"flushes[0].complete_ns",
		"flushes[0].error",
		"flushes[0].for",
		"devices[1].dev",
		"devices[0].name",
		"devices[0].kind",
		"devices[0].volatile_cache",
		"devices[0].fua",
		"devices[0].leaf",
		"devices[0].parents",
		"devices[0].flushes",
		"devices[0].writes",
		"findings",
	};
	struct world *w = *state;

	add_audit(w);
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(ask(w, store_db(w->store), "SELECT json_valid(?1)"), "1");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_json_key(w, keys[i]);
	assert_string_equal(json_at(w, "json_type", "findings"), "array");
	assert_string_equal(json_at(w, "json_type", "devices[0].leaf"), "true");
	assert_string_equal(json_at(w, "json_type", "devices[0].volatile_cache"), "true");
	assert_string_equal(json_at(w, "json_type", "devices[1].volatile_cache"), "null");
	assert_string_equal(json_at(w, "json_extract", "devices[1].parents[0]"), "254:0");
	assert_string_equal(json_at(w, "json_extract", "flushes[1].error"), "-5");
	assert_string_equal(json_at(w, "json_extract", "syncs[5].covered_after_ns"), "3100000");
	assert_string_equal(json_at(w, "json_extract", "totals.not_durable"), "2");
}

static void json_of_an_empty_audit(void **state)
{
	struct world *w = *state;

	store_set_meta_number(w->store, "schema", 1);
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(ask(w, store_db(w->store), "SELECT json_valid(?1)"), "1");
	assert_string_equal(json_at(w, "json_type", "syncs"), "array");
	assert_string_equal(json_at(w, "json_array_length", "syncs"), "0");
	assert_string_equal(json_at(w, "json_type", "command"), "NULL");
	assert_string_equal(json_at(w, "json_extract", "totals.syncs"), "0");
}

static void json_of_hostile_text(void **state)
{
	struct store_sync sync = make_sync("fsync", "durable", "flushed");
	struct world *w = *state;

	sync.comm = HOSTILE;
	sync.path = HOSTILE;
	store_add_sync(w->store, &sync);
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(ask(w, store_db(w->store), "SELECT json_valid(?1)"), "1");
	assert_string_equal(json_at(w, "json_extract", "syncs[0].path"), HOSTILE);
	assert_string_equal(json_at(w, "json_extract", "syncs[0].comm"), HOSTILE);
}

/* An inode number is 64 bits without a sign: FUSE and NFS use the highest. */
static void json_of_a_large_inode_number(void **state)
{
	struct store_sync sync = make_sync("fsync", "durable", "flushed");
	struct world *w = *state;

	sync.ino = UINT64_MAX - 1;
	store_add_sync(w->store, &sync);
	assert_int_equal(render(w, "json", false, false), 0);
	assert_non_null(strstr(w->report, "\"ino\":18446744073709551614"));
}

/* A part that cannot be read is an error, not a report without it. */
static void json_of_a_broken_database(void **state)
{
	struct world *w = *state;

	add_audit(w);
	assert_int_equal(sqlite3_exec(store_db(w->store),
				      "DROP VIEW totals; CREATE VIEW totals AS SELECT"
				      " abs(-9223372036854775808) AS syncs, 0 AS durable,"
				      " 0 AS not_durable, 0 AS unproven, 0 AS flushes,"
				      " 0 AS lost_events",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_true(render(w, "json", false, false) < 0);
}

/* Words keep their order and what is in them. */
static void json_of_a_command(void **state)
{
	struct world *w = *state;
	char word[16], at[40];

	store_add_argument(w->store, HOSTILE);
	store_add_argument(w->store, "");
	for (int i = 2; i < 30; i++) {
		snprintf(word, sizeof(word), "%d", 100 - i);
		store_add_argument(w->store, word);
	}
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(json_at(w, "json_extract", "command.argv[0]"), HOSTILE);
	assert_string_equal(json_at(w, "json_extract", "command.argv[1]"), "");
	for (int i = 2; i < 30; i++) {
		snprintf(word, sizeof(word), "%d", 100 - i);
		snprintf(at, sizeof(at), "command.argv[%d]", i);
		assert_string_equal(json_at(w, "json_extract", at), word);
	}
	assert_string_equal(json_at(w, "json_type", "command.exit_status"), "null");
}

static void text_of_a_small_audit(void **state)
{
	static const char expected[] =
		"flushaudit: sqlite3 t.db  (exit status 0, 1.32 s, level fentry, Linux 6.12.17)\n"
		"\n"
		"  syncs    7   durable 4   not durable 2   unproven 1\n"
		"  kinds    fsync 4, sync_file_range 2, fdatasync 1\n"
		"  reasons  flushed 4, writeout-only 2, remote 1\n"
		"  flushes  vda 2 (volatile cache)\n"
		"\n"
		"THE AUDIT LOST EVENTS\n"
		"  2 x ledger full -> enlarge --ledger-size\n"
		"\n"
		"NOT DURABLE\n"
		"  2 x sync_file_range /srv/t.db (ext4, by sqlite3): writeout-only\n"
		"      sync_file_range starts or awaits write-out; it never flushes the drive\n"
		"      1 of them covered by a later flush, after 3.1 ms at most\n"
		"      -> follow it with fdatasync or fsync\n"
		"\n"
		"UNPROVEN\n"
		"  1 x fdatasync /nfs/x (nfs, by sqlite3): remote\n"
		"      nfs: what the server did with it cannot be seen here\n"
		"      -> see to it that the server does so, and audit it\n"
		"\n"
		"PROGRAMS\n"
		"  sqlite3          of 7 sync calls 4 durable at return, 1 only by a later flush, "
		"after up to 3.1 ms, 1 not durable, 1 unproven\n"
		"\n"
		"Time in sync calls 70.0 ms: write-out 20 %, journal and waiting 30 %, flush 50 %; "
		"longest 10.0 ms\n"
		"\n"
		"Blind spots at this level\n"
		"  nothing is seen of the moon\n";
	struct world *w = *state;

	add_audit(w);
	assert_int_equal(render(w, "text", false, false), 0);
	assert_string_equal(w->report, expected);
}

static void text_of_every_call(void **state)
{
	struct world *w = *state;

	add_audit(w);
	assert_int_equal(render(w, "text", true, false), 0);
	assert_non_null(strstr(
		w->report,
		"\n       1     0.100000 fsync           sqlite3              10      11    0"
		"   10.0 ms durable     flushed                 /srv/t.db\n"));
	assert_non_null(strstr(w->report, "/srv/t.db  (covered 3.1 ms later by flush #1)\n"));
}

static void colors_only_when_asked_for(void **state)
{
	struct world *w = *state;

	add_audit(w);
	assert_int_equal(render(w, "text", true, false), 0);
	assert_null(strchr(w->report, '\033'));
	assert_int_equal(render(w, "text", true, true), 0);
	assert_non_null(strchr(w->report, '\033'));
	assert_int_equal(render(w, "json", true, true), 0);
	assert_null(strchr(w->report, '\033'));
}

static void text_of_many_groups(void **state)
{
	struct store_sync sync = make_sync("fsync", "not-durable", "no-flush");
	struct world *w = *state;
	char path[32];

	sync.path = path;
	for (int i = 0; i < 11; i++) {
		snprintf(path, sizeof(path), "/file%d", i);
		store_add_sync(w->store, &sync);
	}
	assert_int_equal(render(w, "text", false, false), 0);
	assert_non_null(strstr(w->report, "  ... and 3 more groups (--all lists every call)\n"));
}

static void findings_in_both_reports(void **state)
{
	struct store_finding finding = {.kind = "error-swallowed",
					.severity = "advice",
					.path = "/srv/t.db",
					.detail = "a write failed",
					.since_ns = 1500000000,
					.bytes = 4096};
	struct world *w = *state;

	store_add_finding(w->store, &finding);
	finding.severity = "risk";
	finding.path = NULL;
	finding.bytes = 0;
	store_add_finding(w->store, &finding);
	assert_int_equal(render(w, "text", false, false), 0);
	assert_non_null(strstr(w->report, "\nFINDINGS\n"
					  "  risk   error-swallowed\n"
					  "      a write failed\n"
					  "      -> treat the data as lost"));
	assert_non_null(strstr(w->report, "  advice error-swallowed /srv/t.db\n"));
	assert_null(strstr(w->report, " more of "));
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(json_at(w, "json_extract", "findings[0].bytes"), "4096");
	assert_string_equal(json_at(w, "json_extract", "findings[0].since_ns"), "1500000000");
	assert_string_equal(json_at(w, "json_extract", "findings[1].severity"), "risk");
	assert_string_equal(json_at(w, "json_type", "findings[1].path"), "null");
	assert_string_equal(json_at(w, "json_type", "findings[1].bytes"), "null");
	for (int i = 0; i < 9; i++)
		store_add_finding(w->store, &finding);
	assert_int_equal(render(w, "text", false, false), 0);
	assert_non_null(
		strstr(w->report, "  ... and 2 more of error-swallowed (--all lists them)\n"));
	assert_int_equal(render(w, "text", true, false), 0);
	assert_null(strstr(w->report, " more of "));
}

/* A file that @comm, a process of its own, wrote 8192 bytes to, all exposed for 2.5 s. */
static void add_exposure(struct world *w, const char *comm, const char *path, const char *state,
			 uint64_t left)
{
	struct store_exposure exposure = {.path = path,
					  .dev = "254:1",
					  .comm = comm,
					  .state = state,
					  .ino = UINT64_MAX,
					  .bytes = 8192,
					  .peak_bytes = 8192,
					  .left_bytes = left,
					  .longest_ns = 2500000000,
					  .pid = 1000 + (unsigned char)comm[0]};

	store_add_exposure(w->store, &exposure);
}

static void a_line_for_each_program(void **state)
{
	struct store_sync one = make_sync("fsync", "durable", "flushed");
	struct world *w = *state;
	char comm[24];

	add_exposure(w, "cp", "/srv/a", "at-risk", 300);
	add_exposure(w, "cp", "/srv/b", "at-risk", 500);
	add_exposure(w, "tee", "/srv/c", "output", 500);
	one.comm = "dd";
	store_add_sync(w->store, &one);
	one.comm = "git";
	one.pid = one.tid = 20;
	store_add_sync(w->store, &one);
	store_add_sync(w->store, &one);
	assert_int_equal(render(w, "text", false, false), 0);
	assert_non_null(strstr(
		w->report,
		"\nPROGRAMS\n"
		"  git              each of its 2 sync calls was durable when it returned\n"
		"  dd               its sync call was durable when it returned\n"
		"  cp               no sync call; up to 2.50 s of writes exposed (/srv/a); 2 files "
		"with 800 "
		"bytes at risk when the audit ended\n"
		"  tee              no sync call; up to 2.50 s of writes exposed (/srv/c)\n"));
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(json_at(w, "json_extract", "programs[0].comm"), "cp");
	assert_string_equal(json_at(w, "json_extract", "programs[0].syncs"), "0");
	assert_string_equal(json_at(w, "json_extract", "programs[0].risk_bytes"), "800");
	assert_string_equal(json_at(w, "json_extract", "programs[0].exposed_ns"), "2500000000");
	assert_string_equal(json_at(w, "json_extract", "programs[2].durable"), "2");
	for (int i = 0; i < 10; i++) {
		snprintf(comm, sizeof(comm), "many-%d", i);
		one.comm = comm;
		one.pid = 30 + i;
		store_add_sync(w->store, &one);
	}
	assert_int_equal(render(w, "text", false, false), 0);
	assert_non_null(strstr(w->report, "  ... and 2 more programs (--all lists them)\n"));
	assert_int_equal(render(w, "text", true, false), 0);
	assert_null(strstr(w->report, "more programs"));
}

/* The calls of a server's threads are the server's; its log is told from the rest. */
static void a_program_is_a_process_of_several_threads(void **state)
{
	struct store_exposure log = {.path = "/srv/log",
				     .dev = "254:1",
				     .comm = "server",
				     .state = "durable",
				     .ino = 12,
				     .longest_ns = 1020000000,
				     .pid = 10};
	struct store_sync sync = make_sync("fdatasync", "durable", "flushed");
	struct store_exposure data = log;
	struct world *w = *state;
	int i;

	data.path = "/srv/data";
	data.ino = 13;
	data.longest_ns = 12100000000;
	store_add_exposure(w->store, &log);
	store_add_exposure(w->store, &data);
	sync.path = "/srv/log";
	sync.comm = "flusher";
	for (i = 0; i < 2; i++)
		store_add_sync(w->store, &sync);
	sync.path = "/srv/next"; /* the log was removed, its inode is another file's */
	store_add_sync(w->store, &sync);
	sync.ino = 13;
	sync.path = "/srv/data";
	sync.comm = "checkpointer";
	sync.tid = 12;
	store_add_sync(w->store, &sync);
	assert_int_equal(render(w, "text", false, false), 0);
	assert_non_null(
		strstr(w->report,
		       "\nPROGRAMS\n"
		       "  server           each of its 4 sync calls was durable when it returned; "
		       "2 were for /srv/log, whose writes were exposed for up to 1.02 s; up to "
		       "12.10 s of writes exposed (/srv/data)\n"));
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(json_at(w, "json_extract", "programs[0].most_synced_calls"), "2");
	assert_string_equal(json_at(w, "json_extract", "programs[0].most_synced_path"), "/srv/log");
	/* The first thread's own name goes before that of one that wrote. */
	sync.tid = sync.pid;
	sync.comm = "renamed";
	store_add_sync(w->store, &sync);
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(json_at(w, "json_extract", "programs[0].comm"), "renamed");
	assert_string_equal(json_at(w, "json_extract", "programs[0].syncs"), "5");
}

static void a_line_for_each_file(void **state)
{
	struct store_sync sync = make_sync("fdatasync", "durable", "flushed");
	struct store_exposure row = {.path = "/srv/b",
				     .dev = "254:1",
				     .comm = "cp",
				     .state = "durable",
				     .peak_bytes = 4096,
				     .longest_ns = 900,
				     .syncs = 3,
				     .sync_id = 1};
	struct world *w = *state;

	store_add_sync(w->store, &sync);
	store_add_exposure(w->store, &row);
	row.state = "written-back";
	row.longest_ns = row.flushed_after_ns = 28410000000;
	row.flush_id = 93;
	row.detail = "by somebody";
	row.path = NULL;
	store_add_exposure(w->store, &row);
	add_exposure(w, "mv", "/srv/c", "gone", 0);
	assert_int_equal(render(w, "json", false, false), 0);
	assert_null(strstr(w->report, "\"exposure\""));
	assert_int_equal(render(w, "text", false, false), 0);
	assert_null(strstr(w->report, "EXPOSURE"));
	w->exposure = true;
	assert_int_equal(render(w, "text", false, false), 0);
	assert_non_null(strstr(
		w->report,
		"\nEXPOSURE: what was written and not durable, of each file\n"
		"    LONGEST   PEAK BYTES  PROGRAM          FILE\n"
		"    28.41 s         4096  cp               (no name): flushed 28.41 s after the "
		"oldest write (flush #93), by somebody\n"
		"     2.50 s         8192  mv               /srv/c: removed since, or no longer in "
		"memory\n"
		"     900 ns         4096  cp               /srv/b: durable by fdatasync #1, the "
		"last "
		"of 3 that made it so\n"));
	assert_int_equal(render(w, "json", false, false), 0);
	assert_string_equal(json_at(w, "json_extract", "exposure[1].flush_id"), "93");
	assert_string_equal(json_at(w, "json_type", "exposure[1].path"), "null");
	assert_string_equal(json_at(w, "json_extract", "exposure[0].state"), "durable");
	assert_non_null(strstr(w->report, "\"ino\":18446744073709551615"));
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(schema_is_the_documented_one),
		FRESH(rows_are_stored_as_given),
		FRESH(what_is_not_known_is_null),
		FRESH(links_are_set_once),
		FRESH(hostile_text_survives),
		FRESH(nested_syncs_of_nobody_are_dropped),
		FRESH(totals_count_what_was_lost),
		FRESH(purged_rows_are_counted),
		FRESH(flushes_are_counted_per_device),
		FRESH(the_first_error_is_kept),
		FRESH(saved_and_replaced),
		FRESH(leftovers_of_an_earlier_save_do_not_matter),
		FRESH(no_place_to_save_to),
		FRESH(no_room_to_save_to),
		FRESH(a_name_too_long),
		FRESH(renderers_by_name),
		FRESH(json_has_the_keys_of_the_contract),
		FRESH(json_of_an_empty_audit),
		FRESH(json_of_hostile_text),
		FRESH(json_of_a_large_inode_number),
		FRESH(json_of_a_broken_database),
		FRESH(json_of_a_command),
		FRESH(text_of_a_small_audit),
		FRESH(text_of_every_call),
		FRESH(colors_only_when_asked_for),
		FRESH(text_of_many_groups),
		FRESH(findings_in_both_reports),
		FRESH(a_line_for_each_program),
		FRESH(a_program_is_a_process_of_several_threads),
		FRESH(a_line_for_each_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
