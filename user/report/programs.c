// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the calls of each program came to, in one line, for people:
 *
 *   PROGRAMS
 *     postgres         each of its 1200 sync calls was durable when it returned; 1100 were for
 *                      /srv/pg/pg_wal/000000010000000000000003, whose writes were exposed for up
 *                      to 5.2 ms; up to 12.1 s of writes exposed (/srv/pg/base/5/16384)
 *     cp               no sync call; 1 file with 4096 bytes at risk when the audit ended
 */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "format.h"
#include "report/report.h"

#define PROGRAMS_SHOWN 12

enum number {
	SYNCS = 1,
	DURABLE,
	COVERED,
	COVERED_AFTER,
	NOT_DURABLE,
	UNPROVEN,
	MOST_SYNCED_PATH,
	MOST_SYNCED_CALLS,
	MOST_SYNCED_EXPOSED,
	FILES,
	EXPOSED,
	EXPOSED_PATH,
	AT_RISK,
	RISK_BYTES,
};

static long long number(sqlite3_stmt *row, enum number which)
{
	return sqlite3_column_int64(row, which);
}

/* Says of @count calls what became of them, after a comma where it is not the first. */
static void share(FILE *out, int *said, long long count, const char *what)
{
	if (count)
		fprintf(out, "%s%lld %s", (*said)++ ? ", " : "", count, what);
}

static void calls(FILE *out, sqlite3_stmt *row)
{
	long long syncs = number(row, SYNCS);
	char later[32], what[64];
	int said = 0;

	if (!syncs) {
		fputs("no sync call", out);
	} else if (number(row, DURABLE) == syncs) {
		fprintf(out,
			syncs == 1 ? "its sync call was durable when it returned"
				   : "each of its %lld sync calls was durable when it returned",
			syncs);
	} else {
		fprintf(out, "of %lld sync call%s ", syncs, syncs == 1 ? "" : "s");
		snprintf(what, sizeof(what), "only by a later flush, after up to %s",
			 format_duration(later, sizeof(later), number(row, COVERED_AFTER)));
		share(out, &said, number(row, DURABLE), "durable at return");
		share(out, &said, number(row, COVERED), what);
		share(out, &said, number(row, NOT_DURABLE), "not durable");
		share(out, &said, number(row, UNPROVEN), "unproven");
	}
}

static const char *path_of(sqlite3_stmt *row, enum number which)
{
	const char *path = store_column(row, which);

	return *path ? path : "a file without a name";
}

/* A database's log, which is what its commits wait for, where something else was exposed longer. */
static void most_synced(FILE *out, sqlite3_stmt *row)
{
	long long calls = number(row, MOST_SYNCED_CALLS),
		  exposed_ns = number(row, MOST_SYNCED_EXPOSED);
	char exposed[32];

	if (calls < 2 || exposed_ns == number(row, EXPOSED))
		return;
	fprintf(out, "; %lld were for %s", calls, path_of(row, MOST_SYNCED_PATH));
	if (exposed_ns)
		fprintf(out, ", whose writes were exposed for up to %s",
			format_duration(exposed, sizeof(exposed), exposed_ns));
}

static void program(FILE *out, sqlite3_stmt *row)
{
	char exposed[32];

	fprintf(out, "  %-16s ", store_column(row, 0));
	calls(out, row);
	most_synced(out, row);
	if (number(row, EXPOSED))
		fprintf(out, "; up to %s of writes exposed (%s)",
			format_duration(exposed, sizeof(exposed), number(row, EXPOSED)),
			path_of(row, EXPOSED_PATH));
	if (number(row, AT_RISK))
		fprintf(out, "; %lld file%s with %lld bytes at risk when the audit ended",
			number(row, AT_RISK), number(row, AT_RISK) == 1 ? "" : "s",
			number(row, RISK_BYTES));
	fputc('\n', out);
}

int report_programs(struct store *store, FILE *out, const struct report_options *options)
{
	static const char sql[] =
		"SELECT comm, syncs, durable, covered, covered_after_ns, not_durable, unproven,"
		" most_synced_path, most_synced_calls, most_synced_exposed_ns, files, exposed_ns, "
		"exposed_path, at_risk, risk_bytes FROM programs"
		" WHERE syncs OR exposed_ns OR at_risk"
		" ORDER BY syncs DESC, exposed_ns DESC, comm";
	sqlite3_stmt *row;
	int ret, rows = 0;

	if (sqlite3_prepare_v2(store_db(store), sql, -1, &row, NULL) != SQLITE_OK)
		return -EIO;
	while ((ret = sqlite3_step(row)) == SQLITE_ROW) {
		if (!rows++)
			fprintf(out, "\n%sPROGRAMS%s\n", options->color ? "\033[1m" : "",
				options->color ? "\033[0m" : "");
		if (options->all || rows <= PROGRAMS_SHOWN)
			program(out, row);
	}
	if (!options->all && rows > PROGRAMS_SHOWN)
		fprintf(out, "  ... and %d more programs (--all lists them)\n",
			rows - PROGRAMS_SHOWN);
	sqlite3_finalize(row);
	return ret == SQLITE_DONE ? 0 : -EIO;
}
