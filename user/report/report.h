/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_REPORT_H
#define FLUSHAUDIT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "store.h"

struct report_options {
	bool all;   /* list every sync call */
	bool color; /* only on a terminal, never with NO_COLOR */
};

/* One renderer: a query over the audit and where it goes. Returns 0 or -errno. */
typedef int (*report_fn)(struct store *store, FILE *out, const struct report_options *options);

int report_text(struct store *store, FILE *out, const struct report_options *options);
int report_json(struct store *store, FILE *out, const struct report_options *options);

/* The renderer called @name, NULL: there is none. */
report_fn report_find(const char *name);
/* "text, json": for messages. */
const char *report_names(void);

#endif
