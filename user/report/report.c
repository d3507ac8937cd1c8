// SPDX-License-Identifier: GPL-2.0-only
#include "report/report.h"

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

const char *report_column(struct sqlite3_stmt *row, int index)
{
	const char *text = (const char *)sqlite3_column_text(row, index);

	return text ? text : "";
}
