// SPDX-License-Identifier: GPL-2.0-only
#include "report/row.h"

#include <locale.h>
#include <sqlite3.h>
#include <string.h>
#include <wchar.h>

#include "format.h"

/* Of each column: how wide it is, and whether it is set to the right. */
enum column { ID, TIME, CALL, COMM, PID, TID, RET, LATENCY, VERDICT, REASON, FLUSH, COLUMNS };

static const struct {
	const char *name;
	int width;
	bool right;
} columns[COLUMNS] = {
	[ID] = {"ID", 8, true},
	[TIME] = {"TIME", 12, true},
	[CALL] = {"CALL", 15, false},
	[COMM] = {"COMM", 15, false},
	[PID] = {"PID", 7, true},
	[TID] = {"TID", 7, true},
	[RET] = {"RET", 4, true},
	[LATENCY] = {"LATENCY", 9, true},
	[VERDICT] = {"VERDICT", 11, false},
	[REASON] = {"REASON", 13, false},
	[FLUSH] = {"FLUSH", 9, true},
};

/* Bytes of the first character of @text and how many columns of a terminal it takes. */
static size_t measure(const char *text, int *width)
{
	mbstate_t state = {0};
	wchar_t letter;
	size_t bytes = mbrtowc(&letter, text, strlen(text), &state);

	if (bytes == 0 || bytes > 4) { /* texts are UTF-8: the locale is missing */
		*width = 1;
		return 1;
	}
	*width = wcwidth(letter);
	if (*width < 0)
		*width = 1;
	return bytes;
}

static int width_of(const char *text)
{
	int sum = 0, width;

	for (; *text; text += measure(text, &width), sum += width)
		;
	return sum;
}

static void put_cell(FILE *out, enum column column, const char *text, const char *color)
{
	int width = columns[column].width, used = width_of(text), one;
	bool cut = used > width;
	size_t bytes = strlen(text);

	if (cut) {
		for (bytes = 0, used = 1;; used += one) {
			size_t next = measure(text + bytes, &one);

			if (used + one > width)
				break;
			bytes += next;
		}
	}
	fprintf(out, "%s%s%*s%.*s%s%*s%s", column ? " " : "", color,
		columns[column].right ? width - used : 0, "", (int)bytes, text, cut ? "~" : "",
		columns[column].right ? 0 : width - used, "", *color ? "\033[0m" : "");
}

static void put_number(FILE *out, enum column column, long long number, const char *mark)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%lld", mark, number);
	put_cell(out, column, text, "");
}

void row_read(sqlite3_stmt *statement, struct row *row)
{
	row->id = sqlite3_column_int64(statement, 0);
	row->kind = (const char *)sqlite3_column_text(statement, 2);
	row->comm = (const char *)sqlite3_column_text(statement, 3);
	row->pid = sqlite3_column_int64(statement, 4);
	row->tid = sqlite3_column_int64(statement, 5);
	row->ret = sqlite3_column_int(statement, 6);
	row->latency_ns = sqlite3_column_int64(statement, 7);
	row->verdict = (const char *)sqlite3_column_text(statement, 8);
	row->reason = (const char *)sqlite3_column_text(statement, 9);
	row->flush_id = sqlite3_column_int64(statement, 10);
	row->path = (const char *)sqlite3_column_text(statement, 11);
}

void row_print_header(FILE *out, bool color, const char *time)
{
	int i;

	fputs(color ? "\033[1m" : "", out);
	for (i = 0; i < COLUMNS; i++)
		put_cell(out, i, i == TIME ? time : columns[i].name, "");
	fprintf(out, " PATH%s", color ? "\033[0m" : "");
}

void row_print(FILE *out, bool color, const struct row *row)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL), before = NULL;
	const char *shade = "";
	char latency[32];

	if (utf8)
		before = uselocale(utf8);
	if (color && !strcmp(row->verdict, "not-durable"))
		shade = "\033[1;31m";
	else if (color && !strcmp(row->verdict, "unproven"))
		shade = "\033[33m";
	put_number(out, ID, row->id, "");
	put_cell(out, TIME, row->time, "");
	put_cell(out, CALL, row->kind, "");
	put_cell(out, COMM, row->comm, "");
	put_number(out, PID, row->pid, "");
	put_number(out, TID, row->tid, "");
	put_number(out, RET, row->ret, "");
	put_cell(out, LATENCY, format_duration(latency, sizeof(latency), row->latency_ns), "");
	put_cell(out, VERDICT, row->verdict, shade);
	put_cell(out, REASON, row->reason, "");
	if (row->flush_id)
		put_number(out, FLUSH, row->flush_id, "#");
	else
		put_cell(out, FLUSH, "", "");
	fprintf(out, " %s", row->path);
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
}
