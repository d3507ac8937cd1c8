// SPDX-License-Identifier: GPL-2.0-only
#include "report/report.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

static const struct {
	const char *name;
	report_fn render;
} renderers[] = {
	{"text", report_text},
	{"json", report_json},
};

report_fn report_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++)
		if (!strcmp(renderers[i].name, name))
			return renderers[i].render;
	return NULL;
}

const char *report_names(void)
{
	return "text, json";
}

int report_rows(struct store *store, FILE *out, const struct report_options *options,
		const struct report_list *list)
{
	sqlite3_stmt *row;
	int ret, rows = 0;

	if (sqlite3_prepare_v2(store_db(store), list->sql, -1, &row, NULL) != SQLITE_OK)
		return -EIO;
	fprintf(out, "\n%s%s%s: %s\n", options->color ? "\033[1m" : "", list->title,
		options->color ? "\033[0m" : "", list->about);
	while ((ret = sqlite3_step(row)) == SQLITE_ROW) {
		if (!rows++)
			fprintf(out, "  %s\n", list->columns);
		list->print(out, row);
	}
	if (!rows)
		fprintf(out, "  %s\n", list->none);
	sqlite3_finalize(row);
	return ret == SQLITE_DONE ? 0 : -EIO;
}
