// SPDX-License-Identifier: GPL-2.0-only
/* Files that were written and then renamed into place: which steps of that were there. */
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#include "report/report.h"

enum column {
	PROGRAM,
	NAME,
	REPLACED,
	DATA,
	DATA_SYNC,
	DATA_KIND,
	NEW_POSIX,
	NEW_SYNC,
	NEW_KIND,
	OLD_POSIX, /* of another directory, else "" */
	OLD_SYNC,
	OLD_KIND,
};

/* One of the syncs there should be: @row has how it stands, the call and its kind from @at on. */
static void step(FILE *out, sqlite3_stmt *row, int at, const char *what, const char *missing)
{
	const char *state = store_column(row, at);
	long long sync = sqlite3_column_int64(row, at + 1);

	if (!strcmp(state, "durable"))
		fprintf(out, ", %s", what);
	else if (!strcmp(state, "not-durable"))
		fprintf(out, ", %s", missing);
	else
		fprintf(out, ", %s: not known", what);
	if (!strcmp(state, "durable") && sync)
		fprintf(out, " (%s #%lld)", store_column(row, at + 2), sync);
}

static void replaced(FILE *out, sqlite3_stmt *row)
{
	bool known = sqlite3_column_type(row, REPLACED) != SQLITE_NULL;

	fprintf(out, "  %-15s  %s: written", store_column(row, PROGRAM), store_column(row, NAME));
	step(out, row, DATA, "synced", "NOT SYNCED");
	fputs(!known				  ? ", renamed"
	      : sqlite3_column_int(row, REPLACED) ? ", renamed over the old file"
						  : ", renamed to a new name",
	      out);
	if (!strcmp(store_column(row, DATA), "not-durable") && sqlite3_column_int64(row, DATA_SYNC))
		fprintf(out, ", synced only then (%s #%lld)", store_column(row, DATA_KIND),
			(long long)sqlite3_column_int64(row, DATA_SYNC));
	step(out, row, NEW_POSIX, "directory synced", "directory NOT SYNCED");
	if (*store_column(row, OLD_POSIX))
		step(out, row, OLD_POSIX, "the old name's, too", "the old name's NOT SYNCED");
	fputc('\n', out);
}

int report_replaced(struct store *store, FILE *out, const struct report_options *options)
{
	static const struct report_list list = {
		.title = "RENAMED INTO PLACE",
		.about = "files that were written, and then given their name; safe, by POSIX, with "
			 "every step: write, sync, rename, sync of the directory",
		.columns = "PROGRAM          NAME",
		.none = "no file was",
		.sql = "SELECT r.comm, new_path, replaced, data, sync_id, s.kind, new_posix, "
		       "new_sync_id,"
		       " n.kind, iif(old_dir IS new_dir AND old_dev IS new_dev, '', old_posix),"
		       " old_sync_id, o.kind"
		       " FROM renames r LEFT JOIN syncs s ON s.id = sync_id"
		       " LEFT JOIN syncs n ON n.id = new_sync_id"
		       " LEFT JOIN syncs o ON o.id = old_sync_id"
		       " WHERE data IS NOT NULL ORDER BY r.id",
		.print = replaced,
	};

	return report_rows(store, out, options, &list);
}
