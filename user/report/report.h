/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_REPORT_H
#define FLUSHAUDIT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "store.h"

struct sqlite3_stmt;

struct report_options {
	bool all;      /* list every sync call */
	bool exposure; /* list every file that was written to */
	bool names;    /* list every name that changed */
	bool color;    /* only on a terminal, never with NO_COLOR */
};

/* One renderer: a query over the audit and where it goes. Returns 0 or -errno. */
typedef int (*report_fn)(struct store *store, FILE *out, const struct report_options *options);

int report_text(struct store *store, FILE *out, const struct report_options *options);
/* Parts of the text report: a line for each program, and one for each file. 0 or -errno. */
int report_programs(struct store *store, FILE *out, const struct report_options *options);
int report_exposure(struct store *store, FILE *out, const struct report_options *options);
int report_changes(struct store *store, FILE *out, const struct report_options *options);
int report_replaced(struct store *store, FILE *out, const struct report_options *options);
int report_json(struct store *store, FILE *out, const struct report_options *options);

/* A part of the text report that is asked for: a heading, and below it a line for each row. */
struct report_list {
	const char *title, *about;
	const char *columns; /* what stands above the first line */
	const char *none;    /* what stands there if there is no row */
	const char *sql;
	void (*print)(FILE *out, struct sqlite3_stmt *row);
};

int report_rows(struct store *store, FILE *out, const struct report_options *options,
		const struct report_list *list);

/* The renderer called @name, NULL: there is none. */
report_fn report_find(const char *name);
/* "text, json": for messages. */
const char *report_names(void);

#endif
