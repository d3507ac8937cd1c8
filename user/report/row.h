/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_ROW_H
#define FLUSHAUDIT_ROW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * One sync call in one line, for `run --all` and `watch`. Every column but the last, PATH, keeps
 * its width: what is longer is cut, with a ~ in the place of its last character.
 */
struct row {
	int64_t id;
	const char *time; /* as the report has it */
	const char *kind, *comm, *verdict, *reason;
	int64_t pid, tid;
	int ret;
	uint64_t latency_ns;
	int64_t flush_id;
	const char *path;
};

struct sqlite3_stmt;

/* What row_read() wants to find from a query's first column on. */
#define ROW_COLUMNS                                                                                \
	"id, t_ns, kind, comm, pid, tid, ret, latency_ns, verdict, reason, flush_id,"              \
	" coalesce(path, '(no file)')"
#define ROW_T_NS  1  /* the number of that column; the time is for the caller to tell */
#define ROW_AFTER 12 /* the first of the caller's own */

/* The row a query stands on; the texts last until its next step. */
void row_read(struct sqlite3_stmt *statement, struct row *row);

void row_print_header(FILE *out, bool color, const char *time);
/* Prints the row, without an end of the line. */
void row_print(FILE *out, bool color, const struct row *row);

#endif
