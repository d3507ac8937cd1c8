// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every file that was written to, for people, what was exposed longest first:
 *
 *   EXPOSURE: what was written and not durable, of each file
 *     LONGEST  PEAK BYTES  PROGRAM  FILE
 *     28.41 s        4096  logger   /srv/log: flushed 28.41 s after the oldest write (flush #93)
 *     12.1 ms       16384  sqlite3  /srv/t.db: durable by fdatasync #12, the last of 4 that ...
 */
#include <sqlite3.h>
#include <string.h>

#include "format.h"
#include "report/report.h"

/* How the file stood when the audit ended. */
static void standing(FILE *out, sqlite3_stmt *row, const char *state)
{
	long long syncs = sqlite3_column_int64(row, 6);
	char after[32];

	if (!strcmp(state, "durable")) {
		fprintf(out, "durable by %s #%lld",
			*store_column(row, 7) ? store_column(row, 7) : "a sync call",
			(long long)sqlite3_column_int64(row, 8));
		if (syncs > 1)
			fprintf(out, ", the last of %lld that made it so", syncs);
	} else if (!strcmp(state, "written-back")) {
		format_duration(after, sizeof(after), sqlite3_column_int64(row, 10));
		fprintf(out, "flushed %s after the oldest write", after);
		if (sqlite3_column_int64(row, 9))
			fprintf(out, " (flush #%lld)", (long long)sqlite3_column_int64(row, 9));
	} else if (!strcmp(state, "not-durable")) {
		fputs("its sync calls did not make it durable", out);
	} else if (!strcmp(state, "at-risk")) {
		fputs("AT RISK", out);
	} else if (!strcmp(state, "output")) {
		fputs("at risk, an output that the command was given", out);
	} else if (!strcmp(state, "gone")) {
		fputs("removed since, or no longer in memory", out);
	} else {
		fputs("how it stands is not shown", out);
	}
}

static void file(FILE *out, sqlite3_stmt *row)
{
	long long longest = sqlite3_column_int64(row, 0);
	char duration[32] = "-";

	if (longest)
		format_duration(duration, sizeof(duration), longest);
	fprintf(out, "  %9s %12lld  %-15s  %s: ", duration, (long long)sqlite3_column_int64(row, 1),
		store_column(row, 2), store_column(row, 3));
	standing(out, row, store_column(row, 4));
	if (*store_column(row, 5))
		fprintf(out, ", %s", store_column(row, 5));
	fputc('\n', out);
}

int report_exposure(struct store *store, FILE *out, const struct report_options *options)
{
	static const struct report_list list = {
		.title = "EXPOSURE",
		.about = "what was written and not durable, of each file",
		.columns = "  LONGEST   PEAK BYTES  PROGRAM          FILE",
		.none = "no file was written to",
		.sql = "SELECT longest_ns, peak_bytes, e.comm, coalesce(e.path, '(no name)'),"
		       " state, e.detail, syncs, s.kind, sync_id, e.flush_id, flushed_after_ns"
		       " FROM exposures e LEFT JOIN syncs s ON s.id = e.sync_id"
		       " ORDER BY longest_ns DESC, e.id",
		.print = file,
	};

	return report_rows(store, out, options, &list);
}
