// SPDX-License-Identifier: GPL-2.0-only
#include "namerisks.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lookup.h"

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
	REMOVED,
};

/* Of each directory what was removed for good, which was there before the audit, and all else. The
 * row is that of the first change at risk, or of the first: the one with the least rank. A
 * directory that is removed itself needs no sync: the one it was in does. */
static const char sql[] =
	"WITH each AS (SELECT rtrim(path, replace(path, '/', '')) AS directory,"
	" kind IN ('unlink', 'rmdir') AS removed, * FROM lasting)"
	" SELECT directory, dev, count(*),"
	" sum(filesystem = 'not-durable'), sum(filesystem = 'durable'), t_ns, path, kind, comm,"
	" removed,"
	" min((filesystem <> 'not-durable') << 62 | id) AS rank"
	" FROM each WHERE posix = 'not-durable' AND (present OR NOT made)"
	" AND rtrim(directory, '/') NOT IN (SELECT path FROM each WHERE kind = 'rmdir')"
	" GROUP BY dev, dir, removed ORDER BY rank";

void namerisks_add(struct store *store, enum finding_kind kind, bool risk, const char *path,
		   const char *detail, uint64_t since_ns, const char *filesystem)
{
	enum finding_severity severity = risk ? SEVERITY_RISK : SEVERITY_ADVICE;

	store_add_finding(store, &(struct store_finding){
					 .kind = finding_kind_name(kind),
					 .severity = finding_severity_name(severity),
					 .path = path,
					 .detail = detail,
					 .since_ns = since_ns,
					 .posix = "not-durable",
					 .filesystem = filesystem,
				 });
}

const struct stack_mount *namerisks_mount(const struct stack *stack, const char *dev)
{
	const struct stack_mount *mount;
	uint32_t s_dev;

	if (!lookup_number(dev, &s_dev))
		return NULL;
	mount = stack_find_mount(stack, s_dev);
	return mount && (mount->nr_data || !strcmp(mount->fs, "overlay")) ? mount : NULL;
}

/* What becomes of the names, in words. */
static const char *fate(char *out, size_t size, int names, int at_risk, int durable)
{
	if (at_risk && at_risk < names) {
		snprintf(out, size, "a power cut now undoes %d of them", at_risk);
		return out;
	}
	if (at_risk)
		return names == 1 ? "a power cut now undoes it"
				  : "a power cut now undoes all of it";
	return durable == names ? "durable on this file system, not promised by POSIX"
				: "whether this file system made it durable is not known";
}

static void store_one(struct store *store, sqlite3_stmt *row)
{
	int names = sqlite3_column_int(row, NAMES), at_risk = sqlite3_column_int(row, AT_RISK);
	int durable = sqlite3_column_int(row, DURABLE);
	const char *directory = store_column(row, DIRECTORY);
	size_t length = strlen(directory);
	char path[8192], detail[8192], more[32] = "", some[64];

	if (names > 1)
		snprintf(more, sizeof(more), " and %d more", names - 1);
	snprintf(detail, sizeof(detail), "%s %s by %s%s: %s", store_column(row, KIND),
		 store_column(row, PATH) + length, store_column(row, COMM), more,
		 fate(some, sizeof(some), names, at_risk, durable));
	if (length > 1)
		length--; /* the slash behind it */
	snprintf(path, sizeof(path), "%.*s", (int)length, directory);
	namerisks_add(store,
		      sqlite3_column_int(row, REMOVED) ? FINDING_UNLINK_NOT_DURABLE
						       : FINDING_DIR_NOT_SYNCED,
		      at_risk, path, detail, sqlite3_column_int64(row, SINCE),
		      at_risk		 ? "not-durable"
		      : durable == names ? "durable"
					 : "unproven");
}

void namerisks_store(struct store *store, const struct stack *stack)
{
	sqlite3_stmt *row;

	if (sqlite3_prepare_v2(store_db(store), sql, -1, &row, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(row) == SQLITE_ROW)
		if (namerisks_mount(stack, store_column(row, DEV)))
			store_one(store, row);
	sqlite3_finalize(row);
}
