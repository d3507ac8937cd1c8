// SPDX-License-Identifier: GPL-2.0-only
#include "namerisks.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "findings.h"

enum column {
	DIRECTORY,
	DEV,
	NAMES,
	AT_RISK,
	DURABLE,
	SINCE, /* of one of them, and so the next */
	PATH,
	KIND,
	COMM,
};

/* The row of each directory is that of the first change at risk there, or of the first: the one
 * with the least rank. One that is removed itself needs no sync: the one it was in does. */
static const char sql[] =
	"WITH each AS (SELECT rtrim(path, replace(path, '/', '')) AS directory, * "
	"FROM lasting)"
	" SELECT directory, dev, count(*),"
	" sum(filesystem = 'not-durable'), sum(filesystem = 'durable'), t_ns, path, kind, comm,"
	" min((filesystem <> 'not-durable') << 62 | id) AS rank"
	" FROM each WHERE posix = 'not-durable' AND (present OR NOT made)"
	" AND rtrim(directory, '/') NOT IN (SELECT path FROM each WHERE kind = 'rmdir')"
	" GROUP BY dev, dir ORDER BY rank";

/* Is it on a disk? A directory on a stacked file system is where its upper one is. */
static bool is_on_disk(const struct stack *stack, const char *dev)
{
	const struct stack_mount *mount;
	unsigned int major, minor;

	if (sscanf(dev, "%u:%u", &major, &minor) != 2)
		return false;
	mount = stack_find_mount(stack, STACK_DEV(major, minor));
	return mount && (mount->nr_data || !strcmp(mount->fs, "overlay"));
}

static const char *text(sqlite3_stmt *row, enum column column)
{
	const char *said = (const char *)sqlite3_column_text(row, column);

	return said ? said : "";
}

static void describe(char *out, size_t size, sqlite3_stmt *row)
{
	int names = sqlite3_column_int(row, NAMES), at_risk = sqlite3_column_int(row, AT_RISK);
	const char *first = text(row, PATH) + strlen(text(row, DIRECTORY));
	int used = snprintf(out, size, "%s %s by %s", text(row, KIND), first, text(row, COMM));

	if (names > 1 && used >= 0 && (size_t)used < size)
		used += snprintf(out + used, size - used, " and %d more", names - 1);
	if (used < 0 || (size_t)used >= size)
		return;
	if (at_risk == names)
		snprintf(out + used, size - used, ": a power cut now undoes %s",
			 names == 1 ? "it" : "all of it");
	else if (at_risk)
		snprintf(out + used, size - used, ": a power cut now undoes %d of them", at_risk);
	else if (sqlite3_column_int(row, DURABLE) == names)
		snprintf(out + used, size - used,
			 ": durable on this file system, not promised by POSIX");
	else
		snprintf(out + used, size - used,
			 ": whether this file system made it durable is not known");
}

static void store_one(struct store *store, sqlite3_stmt *row)
{
	bool risk = sqlite3_column_int(row, AT_RISK);
	bool durable = sqlite3_column_int(row, DURABLE) == sqlite3_column_int(row, NAMES);
	char path[8192], detail[8192];
	size_t length = strlen(text(row, DIRECTORY));

	if (length > 1)
		length--; /* the slash behind it */
	snprintf(path, sizeof(path), "%.*s", (int)length, text(row, DIRECTORY));
	describe(detail, sizeof(detail), row);
	store_add_finding(store, &(struct store_finding){
					 .kind = finding_kind_name(FINDING_DIR_NOT_SYNCED),
					 .severity = finding_severity_name(risk ? SEVERITY_RISK
										: SEVERITY_ADVICE),
					 .path = path,
					 .detail = detail,
					 .since_ns = sqlite3_column_int64(row, SINCE),
					 .posix = "not-durable",
					 .filesystem = risk	 ? "not-durable"
						       : durable ? "durable"
								 : "unproven",
				 });
}

void namerisks_store(struct store *store, const struct stack *stack)
{
	sqlite3_stmt *row;

	if (sqlite3_prepare_v2(store_db(store), sql, -1, &row, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(row) == SQLITE_ROW)
		if (is_on_disk(stack, text(row, DEV)))
			store_one(store, row);
	sqlite3_finalize(row);
}
