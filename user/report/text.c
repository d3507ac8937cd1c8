// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report for people, one screen:
 *
 *   flushaudit: sqlite3 t.db  (exit status 0, 1.32 s, level fentry, Linux 6.12.17)
 *
 *     syncs    412   durable 400   not durable 12   unproven 0
 *     reasons  flushed 210, shared-flush 190, writeout-only 12
 *     flushes  loop0 231 (volatile cache), vda 462 (volatile cache)
 *
 *   NOT DURABLE
 *     12 x sync_file_range /srv/a.db (ext4): writeout-only, 12 covered later (at most 3.1 ms)
 *         the call starts write-out and never flushes
 *         -> follow it with fdatasync or fsync
 *
 *   FINDINGS
 *     risk   error-swallowed /srv/a.db
 *         a write of 4096 bytes to vda failed (Input/output error) at 0.012 s; no ...
 *         -> treat the data as lost: write all of it again after an error, or ...
 *
 *   Time in sync calls 2.10 s: write-out 11 %, journal and waiting 20 %, flush 69 %
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "findings.h"
#include "format.h"
#include "report/report.h"
#include "report/row.h"
#include "verdict.h"

#define GROUPS_SHOWN 8

struct text {
	struct store *store;
	FILE *out;
	const struct report_options *options;
	int error;
};

static const char *bold(const struct text *t)
{
	return t->options->color ? "\033[1m" : "";
}

static const char *red(const struct text *t)
{
	return t->options->color ? "\033[1;31m" : "";
}

static const char *yellow(const struct text *t)
{
	return t->options->color ? "\033[33m" : "";
}

static const char *plain(const struct text *t)
{
	return t->options->color ? "\033[0m" : "";
}

static sqlite3_stmt *query(struct text *t, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(store_db(t->store), sql, -1, &statement, NULL) != SQLITE_OK)
		t->error = -EIO;
	return statement;
}

/* A query of one text column in one row, printed after a heading. */
static void line(struct text *t, const char *heading, const char *sql)
{
	sqlite3_stmt *statement = query(t, sql);

	if (sqlite3_step(statement) == SQLITE_ROW && *store_column(statement, 0))
		fprintf(t->out, "  %-8s %s\n", heading, store_column(statement, 0));
	sqlite3_finalize(statement);
}

static void head(struct text *t)
{
	static const char sql[] =
		"SELECT substr((SELECT group_concat(text, ' ') FROM arguments), 1, 200),"
		" (SELECT value FROM meta WHERE key = 'exit_status'),"
		" (SELECT value FROM meta WHERE key = 'end_ns')"
		"   - (SELECT value FROM meta WHERE key = 'start_ns'),"
		" (SELECT value FROM meta WHERE key = 'level'),"
		" (SELECT value FROM meta WHERE key = 'kernel')";
	sqlite3_stmt *statement = query(t, sql);
	char duration[32];

	if (sqlite3_step(statement) == SQLITE_ROW)
		fprintf(t->out, "%sflushaudit: %s%s  (exit status %s, %s, level %s, Linux %s)\n\n",
			bold(t), store_column(statement, 0), plain(t),
			*store_column(statement, 1) ? store_column(statement, 1) : "unknown",
			format_duration(duration, sizeof(duration),
					sqlite3_column_int64(statement, 2)),
			store_column(statement, 3), store_column(statement, 4));
	sqlite3_finalize(statement);
}

static void totals(struct text *t)
{
	sqlite3_stmt *statement =
		query(t, "SELECT syncs, durable, not_durable, unproven FROM totals");

	if (sqlite3_step(statement) == SQLITE_ROW) {
		long long bad = sqlite3_column_int64(statement, 2);
		long long open = sqlite3_column_int64(statement, 3);

		fprintf(t->out,
			"  %-8s %lld   durable %lld   %snot durable %lld%s   %sunproven %lld%s\n",
			"syncs", sqlite3_column_int64(statement, 0),
			sqlite3_column_int64(statement, 1), bad ? red(t) : "", bad,
			bad ? plain(t) : "", open ? yellow(t) : "", open, open ? plain(t) : "");
	}
	sqlite3_finalize(statement);
	if (!store_number(t->store, "SELECT syncs FROM totals"))
		fprintf(t->out, "           no sync call was made\n");
	line(t, "filter", "SELECT value FROM meta WHERE key = 'filter'");
	line(t, "kinds",
	     "SELECT group_concat(kind || ' ' || n, ', ') FROM"
	     " (SELECT kind, count(*) n FROM calls GROUP BY kind ORDER BY n DESC)");
	line(t, "reasons",
	     "SELECT group_concat(reason || ' ' || n, ', ') FROM"
	     " (SELECT reason, count(*) n FROM calls GROUP BY reason ORDER BY n DESC)");
	line(t, "flushes",
	     "SELECT group_concat(name || ' ' || flushes || ' (' || CASE cache"
	     "   WHEN 'volatile' THEN 'volatile cache' WHEN 'none' THEN 'no volatile cache'"
	     "   WHEN 'overridden' THEN 'VOLATILE CACHE, FLUSHES SWITCHED OFF'"
	     "   WHEN 'ram' THEN 'RAM' ELSE 'cache ' || cache END || ')', ', ')"
	     " FROM (SELECT * FROM devices WHERE leaf OR flushes > 0 OR kind = 'loop' ORDER BY "
	     "leaf, dev)");
}

/* What a detail says of a call that fell into one; those are told apart. */
#define IN_HOLE "(kernel hole "
#define GROUPED " GROUP BY path, kind, reason, detail LIKE '%" IN_HOLE "%'"

/* What to do about calls of that reason; no setting mends what the kernel leaves out. */
static const char *advice_for(const char *reason, const char *detail)
{
	int i;

	if (strstr(detail, IN_HOLE))
		return "the kernel leaves it out, whatever is set: see the holes in README for "
		       "which call, file system or kernel does not";
	for (i = 0; i < REASONS; i++)
		if (!strcmp(reason, verdict_reason_name(i)))
			return verdict_reason_advice(i);
	return "";
}

/* The calls of one verdict, grouped by file and call, worst first. */
static void groups(struct text *t, const char *verdict, const char *title, const char *color)
{
	static const char sql[] =
		"SELECT count(*), kind,"
		" coalesce(path, iif(kind = 'sync', '(all file systems)', '(no file)')),"
		" fs, reason, max(detail),"
		" count(covered_by), max(covered_after_ns), group_concat(DISTINCT comm)"
		" FROM calls WHERE verdict = ?1" GROUPED
		" ORDER BY count(covered_by) = count(*), count(*) DESC LIMIT ?2";
	static const char count_sql[] =
		"SELECT count(*) FROM (SELECT 1 FROM calls WHERE verdict = ?1" GROUPED ")";
	sqlite3_stmt *statement = query(t, sql), *counter;
	int shown = 0, all = 0;
	char duration[32];

	sqlite3_bind_text(statement, 1, verdict, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 2, GROUPS_SHOWN);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		long long count = sqlite3_column_int64(statement, 0);
		long long covered = sqlite3_column_int64(statement, 6);
		const char *fs = store_column(statement, 3);
		const char *reason = store_column(statement, 4), *advice;

		if (!shown++)
			fprintf(t->out, "\n%s%s%s\n", color, title, plain(t));
		fprintf(t->out, "  %lld x %s %s (%s%sby %s): %s\n", count,
			store_column(statement, 1), store_column(statement, 2), fs, *fs ? ", " : "",
			store_column(statement, 8), reason);
		if (*store_column(statement, 5))
			fprintf(t->out, "      %s\n", store_column(statement, 5));
		if (covered)
			fprintf(t->out,
				"      %lld of them covered by a later flush, after %s at most\n",
				covered,
				format_duration(duration, sizeof(duration),
						sqlite3_column_int64(statement, 7)));
		advice = advice_for(reason, store_column(statement, 5));
		if (*advice)
			fprintf(t->out, "      -> %s\n", advice);
	}
	sqlite3_finalize(statement);
	counter = query(t, count_sql);
	sqlite3_bind_text(counter, 1, verdict, -1, SQLITE_STATIC);
	if (sqlite3_step(counter) == SQLITE_ROW)
		all = sqlite3_column_int(counter, 0);
	sqlite3_finalize(counter);
	if (all > shown)
		fprintf(t->out, "  ... and %d more groups (--all lists every call)\n", all - shown);
}

/* Findings of one kind and severity: each with its file, and once what to do. */
static void findings_of(struct text *t, const char *severity, const char *kind, long long all)
{
	static const char sql[] = "SELECT coalesce(path, ''), detail FROM findings"
				  " WHERE severity = ?1 AND kind = ?2 ORDER BY id LIMIT ?3";
	bool risk = !strcmp(severity, finding_severity_name(SEVERITY_RISK));
	sqlite3_stmt *statement = query(t, sql);
	int shown = 0, i;

	sqlite3_bind_text(statement, 1, severity, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, kind, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 3, t->options->all ? -1 : GROUPS_SHOWN);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		shown++;
		fprintf(t->out, "  %s%-6s%s %s%s%s\n", risk ? red(t) : "", severity,
			risk ? plain(t) : "", kind, *store_column(statement, 0) ? " " : "",
			store_column(statement, 0));
		if (*store_column(statement, 1))
			fprintf(t->out, "      %s\n", store_column(statement, 1));
	}
	sqlite3_finalize(statement);
	if (all > shown)
		fprintf(t->out, "  ... and %lld more of %s (--all lists them)\n", all - shown,
			kind);
	for (i = 0; i < FINDING_KINDS; i++)
		if (!strcmp(kind, finding_kind_name(i)))
			fprintf(t->out, "      -> %s\n", finding_advice(i));
}

static void findings(struct text *t)
{
	static const char sql[] = "SELECT severity, kind, count(*) FROM findings"
				  " GROUP BY severity, kind"
				  " ORDER BY severity <> 'risk', min(id)";
	sqlite3_stmt *statement = query(t, sql);
	int kinds = 0;

	while (sqlite3_step(statement) == SQLITE_ROW) {
		if (!kinds++)
			fprintf(t->out, "\n%sFINDINGS%s\n", bold(t), plain(t));
		findings_of(t, store_column(statement, 0), store_column(statement, 1),
			    sqlite3_column_int64(statement, 2));
	}
	sqlite3_finalize(statement);
}

static void every_call(struct text *t)
{
	sqlite3_stmt *statement =
		query(t, "SELECT " ROW_COLUMNS ", covered_by, covered_after_ns,"
			 " (t_ns - (SELECT value FROM meta WHERE key = 'start_ns')) / 1e9"
			 " FROM calls ORDER BY id");
	char time[32], later[32];
	struct row row;

	fputc('\n', t->out);
	row_print_header(t->out, t->options->color, "TIME(s)");
	fputc('\n', t->out);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		row_read(statement, &row);
		snprintf(time, sizeof(time), "%.6f",
			 sqlite3_column_double(statement, ROW_AFTER + 2));
		row.time = time;
		row_print(t->out, t->options->color, &row);
		if (sqlite3_column_type(statement, ROW_AFTER) != SQLITE_NULL)
			fprintf(t->out, "  (covered %s later by flush #%lld)",
				format_duration(later, sizeof(later),
						sqlite3_column_int64(statement, ROW_AFTER + 1)),
				(long long)sqlite3_column_int64(statement, ROW_AFTER));
		fputc('\n', t->out);
	}
	sqlite3_finalize(statement);
}

static void time_spent(struct text *t)
{
	sqlite3_stmt *statement =
		query(t, "SELECT sum(latency_ns), sum(writeout_ns), sum(journal_ns),"
			 " sum(flush_ns), max(latency_ns) FROM calls");
	char total[32], most[32];

	if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_double(statement, 0) > 0) {
		double all = sqlite3_column_double(statement, 0);

		fprintf(t->out,
			"\nTime in sync calls %s: write-out %.0f %%, journal and waiting %.0f %%, "
			"flush "
			"%.0f %%; longest %s\n",
			format_duration(total, sizeof(total), sqlite3_column_int64(statement, 0)),
			100 * sqlite3_column_double(statement, 1) / all,
			100 * sqlite3_column_double(statement, 2) / all,
			100 * sqlite3_column_double(statement, 3) / all,
			format_duration(most, sizeof(most), sqlite3_column_int64(statement, 4)));
	}
	sqlite3_finalize(statement);
}

static void list(struct text *t, const char *title, const char *sql)
{
	sqlite3_stmt *statement = query(t, sql);
	int rows = 0;

	while (sqlite3_step(statement) == SQLITE_ROW) {
		if (!rows++)
			fprintf(t->out, "\n%s\n", title);
		fprintf(t->out, "  %s\n", store_column(statement, 0));
	}
	sqlite3_finalize(statement);
}

static void part(struct text *t, report_fn print)
{
	int ret = print(t->store, t->out, t->options);

	if (ret && !t->error)
		t->error = ret;
}

int report_text(struct store *store, FILE *out, const struct report_options *options)
{
	struct text t = {store, out, options, 0};

	head(&t);
	totals(&t);
	list(&t, "THE AUDIT LOST EVENTS",
	     "SELECT count || ' x ' || cause || CASE WHEN syncs > 0 THEN ' (' || syncs ||"
	     " ' sync calls counted as unproven)' ELSE '' END || ' -> ' || remedy FROM losses");
	groups(&t, "not-durable", "NOT DURABLE", red(&t));
	groups(&t, "unproven", "UNPROVEN", yellow(&t));
	findings(&t);
	part(&t, report_programs);
	if (options->exposure)
		part(&t, report_exposure);
	if (options->names) {
		part(&t, report_changes);
		part(&t, report_replaced);
	}
	if (options->all)
		every_call(&t);
	time_spent(&t);
	list(&t, "Blind spots at this level", "SELECT text FROM blind_spots");
	if (t.error)
		return t.error;
	return ferror(out) ? -EIO : 0;
}
