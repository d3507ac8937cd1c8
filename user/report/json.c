// SPDX-License-Identifier: GPL-2.0-only
/* The JSON contract of the design, made by SQLite's own JSON functions. */
#include <errno.h>
#include <sqlite3.h>

#include "report/columns.h"
#include "report/report.h"

/* Which parts are there only when they are asked for. */
enum wanted {
	ALWAYS = 0,
	WITH_EXPOSURE,
	WITH_NAMES,
};

/* Each part is a query of one text column; lists have one row per element. */
static const struct part {
	const char *key;
	bool list;
	enum wanted wanted;
	const char *sql;
} parts[] = {
	{"schema", false, ALWAYS, "SELECT value FROM meta WHERE key = 'schema'"},
	{"tool", false, ALWAYS,
	 "SELECT json_patch(json_object('version', (SELECT value FROM meta WHERE key = 'version'),"
	 " 'level', (SELECT value FROM meta WHERE key = 'level'),"
	 " 'kernel', (SELECT value FROM meta WHERE key = 'kernel'),"
	 " 'blind_spots', (SELECT json_group_array(text) FROM blind_spots)),"
	 " json_object('filter', (SELECT value FROM meta WHERE key = 'filter')))"},
	{"command", false, ALWAYS,
	 "SELECT json_object('argv', (SELECT json_group_array(text) FROM (SELECT text FROM "
	 "arguments ORDER BY position)),"
	 " 'exit_status', (SELECT value FROM meta WHERE key = 'exit_status'))"
	 " WHERE EXISTS (SELECT 1 FROM arguments)"},
	{"totals", false, ALWAYS,
	 "SELECT json_object('syncs', syncs, 'durable', durable, 'not_durable', not_durable,"
	 " 'unproven', unproven, 'flushes', flushes, 'lost_events', lost_events) FROM totals"},
	{"syncs", true, ALWAYS, "SELECT " JSON_SYNC " FROM syncs ORDER BY id"},
	{"flushes", true, ALWAYS,
	 "SELECT json_object('id', id, 'dev', dev, 'kind', kind, 'issue_ns', issue_ns,"
	 " 'complete_ns', complete_ns, 'error', error, 'for', for_sync) FROM flushes ORDER BY id"},
	{"devices", true, ALWAYS,
	 "SELECT json_object('dev', dev, 'name', name, 'kind', kind,"
	 " 'volatile_cache', CASE volatile_cache WHEN 1 THEN json('true') WHEN 0 THEN "
	 "json('false') "
	 "END,"
	 " 'cache', cache, 'fua', json(iif(fua, 'true', 'false')),"
	 " 'leaf', json(iif(leaf, 'true', 'false')), 'parents', (SELECT json_group_array(parent) "
	 "FROM parents p WHERE p.dev = devices.dev),"
	 " 'flushes', flushes, 'writes', writes, 'detail', detail) FROM devices ORDER BY dev"},
	{"findings", true, ALWAYS, "SELECT " JSON_FINDING " FROM findings ORDER BY id"},
	{"programs", true, ALWAYS, "SELECT " JSON_PROGRAM " FROM programs ORDER BY comm"},
	{"exposure", true, WITH_EXPOSURE, "SELECT " JSON_EXPOSURE " FROM exposures ORDER BY id"},
	{"changes", true, WITH_NAMES, "SELECT " JSON_CHANGE " FROM changes ORDER BY id"},
	{"losses", true, ALWAYS,
	 "SELECT json_object('cause', cause, 'count', count, 'syncs', syncs, 'remedy', remedy)"
	 " FROM losses ORDER BY cause"},
};

static bool is_wanted(const struct part *one, const struct report_options *options)
{
	switch (one->wanted) {
	case WITH_EXPOSURE:
		return options->exposure;
	case WITH_NAMES:
		return options->names;
	default:
		return true;
	}
}

int report_json(struct store *store, FILE *out, const struct report_options *options)
{
	size_t i, rows, written = 0;
	int ret;
	sqlite3_stmt *statement;

	fputc('{', out);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!is_wanted(&parts[i], options))
			continue;
		if (sqlite3_prepare_v2(store_db(store), parts[i].sql, -1, &statement, NULL) !=
		    SQLITE_OK)
			return -EIO;
		rows = 0;
		while ((ret = sqlite3_step(statement)) == SQLITE_ROW) {
			if (!rows++)
				fprintf(out, "%s\n\"%s\": %s", written++ ? "," : "", parts[i].key,
					parts[i].list ? "[\n" : "");
			else
				fputs(",\n", out);
			fputs((const char *)sqlite3_column_text(statement, 0), out);
		}
		if (parts[i].list)
			fprintf(out, rows ? "\n]" : ",\n\"%s\": []", parts[i].key);
		sqlite3_finalize(statement);
		if (ret != SQLITE_DONE)
			return -EIO;
	}
	fputs("\n}\n", out);
	return ferror(out) ? -EIO : 0;
}
