// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every name that was made, moved or removed, for people, in order:
 *
 *   NAMES: what was made, moved and removed, whether its directories were synced since (POSIX), ...
 *     BY POSIX     IN FACT      CHANGE  PROGRAM  NAME
 *     durable      durable      rename  vim      /srv/f.tmp -> /srv/f: the directory synced by ...
 *     NOT DURABLE  durable      rename  mv       /a/f -> /b/f: the old name's directory synced by
 *        fsync #3, the new one's not synced; both committed together in transaction 4711, flushed
 * by flush #93: safe on this file system, not by POSIX
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#include "report/report.h"

/* The columns of a side, beginning at the one of its path. */
enum column {
	PATH = 0,
	POSIX,
	SYNC,
	KIND,
	DIRECTORY,
	COLUMNS,
};

#define CHANGE	   0
#define PROGRAM	   1
#define OLD	   2
#define NEW	   (OLD + COLUMNS)
#define SAME_PLACE (NEW + COLUMNS)
#define FILESYSTEM (SAME_PLACE + 1)
#define BY	   (FILESYSTEM + 1)
#define TXN	   (BY + 1)
#define FLUSH	   (TXN + 1)

static bool is_there(sqlite3_stmt *row, int side)
{
	return *store_column(row, side + PATH);
}

static bool is(sqlite3_stmt *row, int side, const char *posix)
{
	return is_there(row, side) && !strcmp(store_column(row, side + POSIX), posix);
}

/* Of two sides the worse. */
static const char *standing(sqlite3_stmt *row)
{
	if (is(row, OLD, "not-durable") || is(row, NEW, "not-durable"))
		return "NOT DURABLE";
	return is(row, OLD, "unproven") || is(row, NEW, "unproven") ? "unproven" : "durable";
}

static void side(FILE *out, sqlite3_stmt *row, int side, const char *whose)
{
	long long sync = sqlite3_column_int64(row, side + SYNC);

	fputs(whose, out);
	if (!*store_column(row, side + DIRECTORY))
		fputs(" not known", out);
	else if (is(row, side, "durable") && !sync)
		fputs(" synced by a call that is not listed", out); /* it was filtered out */
	else if (!sync)
		fputs(" not synced", out);
	else if (is(row, side, "durable"))
		fprintf(out, " synced by %s #%lld", store_column(row, side + KIND), sync);
	else
		fprintf(out, " synced, which %s #%lld did not show to be durable",
			store_column(row, side + KIND), sync);
}

/* How it stands on its file system, where that adds something. */
static void committed(FILE *out, sqlite3_stmt *row)
{
	bool durable = !strcmp(store_column(row, FILESYSTEM), "durable");
	bool both = is_there(row, OLD) && is_there(row, NEW);
	long long txn = sqlite3_column_int64(row, TXN), flush = sqlite3_column_int64(row, FLUSH);

	if (!strcmp(store_column(row, BY), "transaction"))
		fprintf(out, "; %s in transaction %lld",
			both ? "both committed together" : "committed", txn);
	else if (!strcmp(store_column(row, BY), "checkpoint"))
		fprintf(out, "; %s by a checkpoint",
			both ? "both committed together" : "committed");
	else if (!strcmp(store_column(row, BY), "file"))
		fputs("; durable with the file, by its own sync", out);
	if (durable && flush)
		fprintf(out, ", flushed by flush #%lld", flush);
	if (durable && strcmp(standing(row), "durable") != 0)
		fputs(": safe on this file system, not by POSIX", out);
	if (!strcmp(store_column(row, FILESYSTEM), "not-durable") && txn)
		fprintf(out, "; transaction %lld was not committed", txn);
}

static void change(FILE *out, sqlite3_stmt *row)
{
	bool old = is_there(row, OLD), new = is_there(row, NEW);
	const char *filesystem = store_column(row, FILESYSTEM);

	fprintf(out, "  %-11s  %-11s  %-8s  %-15s  %s%s%s: ", standing(row),
		strcmp(filesystem, "not-durable") ? filesystem : "NOT DURABLE",
		store_column(row, CHANGE), store_column(row, PROGRAM),
		store_column(row, OLD + PATH), old && new ? " -> " : "",
		store_column(row, NEW + PATH));
	if (old && new && !sqlite3_column_int(row, SAME_PLACE)) {
		side(out, row, OLD, "the old name's directory");
		fputs(", ", out);
		side(out, row, NEW, "the new one's");
	} else {
		side(out, row, new ? NEW : OLD, "the directory");
	}
	committed(out, row);
	fputc('\n', out);
}

int report_changes(struct store *store, FILE *out, const struct report_options *options)
{
	static const struct report_list list = {
		.title = "NAMES",
		.about = "what was made, moved and removed; whether its directories were synced "
			 "since, as POSIX asks for, and whether the file system made it durable",
		.columns = "BY POSIX     IN FACT      CHANGE    PROGRAM          NAME",
		.none = "no name changed",
		.sql = "SELECT c.kind, c.comm, old_path, old_posix, old_sync_id, o.kind, old_dev,"
		       " new_path, new_posix, new_sync_id, n.kind, new_dev,"
		       " old_dir = new_dir AND old_dev = new_dev, filesystem, durable_by, txn,"
		       " c.flush_id"
		       " FROM changes c LEFT JOIN syncs o ON o.id = old_sync_id"
		       " LEFT JOIN syncs n ON n.id = new_sync_id ORDER BY c.id",
		.print = change,
	};

	return report_rows(store, out, options, &list);
}
