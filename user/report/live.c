// SPDX-License-Identifier: GPL-2.0-only
#include "report/live.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/columns.h"
#include "report/report.h"
#include "report/row.h"

struct live {
	struct store *store;
	FILE *out;
	struct live_options options;
	sqlite3_stmt *calls, *findings;
	int64_t last_call, last_finding; /* printed, or left out */
};

static const char calls_text[] =
	"SELECT " ROW_COLUMNS ", detail FROM calls WHERE id > ?1 ORDER BY id";
static const char calls_json[] =
	"SELECT id, " JSON_SYNC ", verdict FROM calls WHERE id > ?1 ORDER BY id";
static const char findings_text[] = "SELECT id, severity, kind, coalesce(path, ''),"
				    " coalesce(detail, '') FROM findings WHERE id > ?1 ORDER BY id";
static const char findings_json[] =
	"SELECT id, " JSON_FINDING " FROM findings WHERE id > ?1 ORDER BY id";

struct live *live_new(struct store *store, FILE *out, const struct live_options *options)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return NULL;
	live->store = store;
	live->out = out;
	live->options = *options;
	if (sqlite3_prepare_v2(store_db(store), options->json ? calls_json : calls_text, -1,
			       &live->calls, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(store_db(store), options->json ? findings_json : findings_text, -1,
			       &live->findings, NULL) == SQLITE_OK)
		return live;
	live_free(live);
	return NULL;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	sqlite3_finalize(live->calls);
	sqlite3_finalize(live->findings);
	free(live);
}

void live_header(struct live *live)
{
	if (live->options.json)
		return;
	row_print_header(live->out, live->options.color, "TIME");
	fputc('\n', live->out);
}

/* The time of day of a moment of CLOCK_MONOTONIC, as the two clocks stand now. */
static void tell_time(char *out, size_t size, int64_t t_ns)
{
	struct timespec mono, real;
	int64_t at;
	struct tm tm;
	time_t seconds;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	at = (real.tv_sec - mono.tv_sec) * 1000000000LL + real.tv_nsec - mono.tv_nsec + t_ns;
	seconds = at / 1000000000;
	localtime_r(&seconds, &tm);
	snprintf(out, size, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(at % 1000000000 / 1000000));
}

static void print_call(struct live *live)
{
	const char *detail;
	struct row row;
	char time[32];

	if (live->options.json) {
		fputs(store_column(live->calls, 1), live->out);
	} else {
		row_read(live->calls, &row);
		tell_time(time, sizeof(time), sqlite3_column_int64(live->calls, ROW_T_NS));
		row.time = time;
		row_print(live->out, live->options.color, &row);
		detail = store_column(live->calls, ROW_AFTER);
		if (*detail && strcmp(row.verdict, "durable") != 0)
			fprintf(live->out, "  (%s)", detail);
	}
	fputc('\n', live->out);
}

static bool is_left_out(const struct live *live)
{
	int verdict = live->options.json ? 2 : 8;

	return live->options.bad && !strcmp(store_column(live->calls, verdict), "durable");
}

/* 0, or why what has been printed since errno was cleared cannot be written. */
static int write_error(const struct live *live)
{
	return ferror(live->out) ? (errno ? -errno : -EIO) : 0;
}

static int print_findings(struct live *live)
{
	sqlite3_stmt *s = live->findings;

	sqlite3_bind_int64(s, 1, live->last_finding);
	while (sqlite3_step(s) == SQLITE_ROW) {
		live->last_finding = sqlite3_column_int64(s, 0);
		if (live->options.json)
			fprintf(live->out, "%s\n", store_column(s, 1));
		else
			fprintf(live->out, "FINDING (%s) %s%s%s: %s\n", store_column(s, 1),
				store_column(s, 2), *store_column(s, 3) ? " " : "",
				store_column(s, 3), store_column(s, 4));
	}
	sqlite3_reset(s);
	errno = 0;
	fflush(live->out);
	return write_error(live);
}

int64_t live_print(struct live *live, uint64_t most)
{
	int64_t printed = 0;
	int ret = 0;

	sqlite3_bind_int64(live->calls, 1, live->last_call);
	while (!ret && (uint64_t)printed < most && sqlite3_step(live->calls) == SQLITE_ROW) {
		live->last_call = sqlite3_column_int64(live->calls, 0);
		if (is_left_out(live))
			continue;
		errno = 0;
		print_call(live);
		ret = write_error(live);
		printed++;
	}
	sqlite3_reset(live->calls);
	if (!ret)
		ret = print_findings(live);
	return ret ? ret : printed;
}

int64_t live_newest(const struct live *live)
{
	return live->last_call;
}

/* Prints the one text column of a query, a line each. */
static void say(struct store *store, FILE *out, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(store_db(store), sql, -1, &statement, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(statement) == SQLITE_ROW)
		fprintf(out, "flushaudit: %s\n", store_column(statement, 0));
	sqlite3_finalize(statement);
}

void live_opening(struct store *store, FILE *out, bool verbose)
{
	static const char opening[] =
		"SELECT 'watching at level ' || (SELECT value FROM meta WHERE key = 'level') ||"
		" ', Linux ' || (SELECT value FROM meta WHERE key = 'kernel') || ', ' || count(*) "
		"||"
		" ' blind spots' || coalesce((SELECT ', ' || value FROM meta WHERE key = "
		"'filter'), '')"
		" FROM blind_spots";
	static const char spots[] = "SELECT 'blind spot: ' || text FROM blind_spots";

	say(store, out, opening);
	if (verbose)
		say(store, out, spots);
}

void live_summary(struct store *store, FILE *out)
{
	static const char totals[] =
		"SELECT printf('%d sync call%s: %d durable, %d not durable, %d unproven; %d "
		"flush%s,"
		" %d event%s lost', syncs, iif(syncs = 1, '', 's'), durable, not_durable, unproven,"
		" flushes, iif(flushes = 1, '', 'es'), lost_events, iif(lost_events = 1, '', 's'))"
		" FROM totals";
	static const char losses[] =
		"SELECT 'lost: ' || count || ' x ' || cause || CASE WHEN syncs > 0 THEN ' (' || "
		"syncs ||"
		" ' sync calls counted as unproven)' ELSE '' END || ' -> ' || remedy FROM losses";

	say(store, out, totals);
	say(store, out, losses);
}
