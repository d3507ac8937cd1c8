// SPDX-License-Identifier: GPL-2.0-only
#include "renamerisks.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "namerisks.h"

/* Lists of paths in a finding end when they are as long as that. */
#define LIST_SIZE 4096

/* What is older than that the kernel may have written out by itself (vm.dirty_expire_centisecs). */
#define FRESH_NS 30000000000LL

enum column {
	PATH, /* the new one */
	DEV,
	COMM,
	AT,
	SINCE,
	KNOWN_TO_REPLACE,
	SYNC,
	SYNC_KIND,
	SYNC_END,
};

/* Of each name the last one. */
static const char early_sql[] =
	"SELECT new_path, new_dev, r.comm, r.t_ns, since_ns, replaced, s.id, s.kind,"
	" s.t_ns + s.latency_ns, max(r.id) AS last"
	" FROM renames r LEFT JOIN syncs s ON s.id = sync_id"
	" WHERE data = 'not-durable' AND replaced IS NOT 0 GROUP BY new_path ORDER BY last";

/* What ext4 does is no promise: with dioread_nolock the journal may commit the rename before the
 * extents that were written count as such; then the file reads as zeroes (measured, 6.18). */
static const char exempt[] =
	"; auto_da_alloc of this mount had it written out at the rename, which "
	"makes the time short, and promises nothing";

/* When it was synced after all, in words. */
static const char *and_then(char *out, size_t size, sqlite3_stmt *row)
{
	char after[32];

	if (!sqlite3_column_int64(row, SYNC))
		return "not synced since";
	format_duration(after, sizeof(after),
			sqlite3_column_int64(row, SYNC_END) - sqlite3_column_int64(row, AT));
	snprintf(out, size, "durable %s later by %s #%lld", after, store_column(row, SYNC_KIND),
		 sqlite3_column_int64(row, SYNC));
	return out;
}

static void store_early(struct store *store, sqlite3_stmt *row, const struct stack_mount *mount)
{
	int64_t age_ns = sqlite3_column_int64(row, AT) - sqlite3_column_int64(row, SINCE);
	bool known = sqlite3_column_int(row, KNOWN_TO_REPLACE);
	bool risk = known && !mount->auto_da_alloc && age_ns < FRESH_NS;
	char detail[1024], then[128], before[32];

	snprintf(detail, sizeof(detail), "renamed by %s %s, %s after data was written to it: %s%s",
		 store_column(row, COMM),
		 known ? "over another file" : "(whether over another file is not known)",
		 format_duration(before, sizeof(before), age_ns), and_then(then, sizeof(then), row),
		 known && mount->auto_da_alloc ? exempt : "");
	namerisks_add(store, FINDING_RENAME_BEFORE_SYNC, risk, store_column(row, PATH), detail,
		      sqlite3_column_int64(row, SINCE), risk ? "not-durable" : "unproven");
}

/* The link itself was made by the same file system, which keeps it where it keeps the name. */
static const char link_sql[] =
	"SELECT new_path, new_dev, comm, t_ns, filesystem, max(id) AS last FROM renames"
	" WHERE what = 'symlink' AND new_posix = 'not-durable' GROUP BY new_path ORDER BY last";

static void store_link(struct store *store, sqlite3_stmt *row, const struct stack_mount *mount)
{
	const char *filesystem = store_column(row, SINCE);
	bool risk = !strcmp(filesystem, "not-durable");
	char detail[256];

	(void)mount;
	snprintf(detail, sizeof(detail),
		 "a symbolic link, renamed by %s; its directory was not synced%s",
		 store_column(row, COMM),
		 risk ? ", a power cut now undoes it"
		 : strcmp(filesystem, "durable")
			 ? ""
			 : ": durable on this file system, not promised by POSIX");
	namerisks_add(store, FINDING_SYMLINK_UNSYNCABLE, risk, store_column(row, PATH), detail,
		      sqlite3_column_int64(row, AT), filesystem);
}

static void store_each(struct store *store, const struct stack *stack, const char *sql,
		       void (*one)(struct store *store, sqlite3_stmt *row,
				   const struct stack_mount *mount))
{
	const struct stack_mount *mount;
	sqlite3_stmt *row;

	if (sqlite3_prepare_v2(store_db(store), sql, -1, &row, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(row) == SQLITE_ROW) {
		mount = namerisks_mount(stack, store_column(row, DEV));
		if (mount)
			one(store, row, mount);
	}
	sqlite3_finalize(row);
}

/* --- trees --- */

enum staged_column {
	STAGED_ID,
	STAGED_TO,
	STAGED_DEV,
	STAGED_COMM,
	STAGED_AT,
	STAGED_IS_NAME,
	STAGED_BELOW,
	STAGED_SINCE, /* of a file */
};

/* Of each rename what was below, the files whose data was not durable first, then the names that
 * were new there and whose directory had not been synced. */
static const char staged_sql[] =
	"WITH below AS ("
	"SELECT change_id AS id, path, 0 AS is_name, since_ns FROM moved WHERE data = "
	"'not-durable' "
	"UNION SELECT c.id, c.new_path || substr(n.path, length(c.old_path) + 1), 1, NULL"
	" FROM changes c JOIN named n ON n.path > c.old_path || '/' AND n.path < c.old_path || '0'"
	" LEFT JOIN syncs s ON s.id = n.sync_id"
	" WHERE c.kind = 'rename' AND c.old_path || '/' IN"
	"  (SELECT rtrim(path, replace(path, '/', '')) FROM named)"
	" AND n.id < c.id AND n.present AND (n.posix = 'not-durable' OR s.t_ns > c.t_ns)"
	" AND NOT EXISTS (SELECT 1 FROM named l WHERE l.path = n.path AND l.id > n.id AND l.id < "
	"c.id"
	"  AND NOT l.present))"
	" SELECT c.id, new_path, new_dev, comm, t_ns, is_name, path, since_ns"
	" FROM below JOIN changes c USING(id)"
	" WHERE c.kind = 'rename' AND path <> new_path ORDER BY c.id, is_name, path";

/* One rename, with what was below. */
struct staged {
	int64_t id;
	int counts[2]; /* files, names */
	int left_out;  /* of the list */
	bool risk;
	char to[LIST_SIZE], dev[32], comm[64], list[LIST_SIZE];
	int64_t at_ns;
};

static void begin_staged(struct staged *staged, sqlite3_stmt *row)
{
	*staged = (struct staged){.id = sqlite3_column_int64(row, STAGED_ID)};
	snprintf(staged->to, sizeof(staged->to), "%s", store_column(row, STAGED_TO));
	snprintf(staged->dev, sizeof(staged->dev), "%s", store_column(row, STAGED_DEV));
	snprintf(staged->comm, sizeof(staged->comm), "%s", store_column(row, STAGED_COMM));
	staged->at_ns = sqlite3_column_int64(row, STAGED_AT);
}

static void add_staged(struct staged *staged, sqlite3_stmt *row)
{
	const char *path = store_column(row, STAGED_BELOW) + strlen(staged->to) + 1;
	bool is_name = sqlite3_column_int(row, STAGED_IS_NAME);
	size_t used = strlen(staged->list);

	staged->counts[is_name]++;
	if (!is_name && staged->at_ns - sqlite3_column_int64(row, STAGED_SINCE) < FRESH_NS)
		staged->risk = true;
	if (used + strlen(path) + 3 > sizeof(staged->list))
		staged->left_out++;
	else
		snprintf(staged->list + used, sizeof(staged->list) - used, "%s%s", used ? ", " : "",
			 path);
}

static void store_staged(struct store *store, const struct stack *stack,
			 const struct staged *staged)
{
	char detail[2 * LIST_SIZE], more[32] = "";

	if (!staged->id || !namerisks_mount(stack, staged->dev))
		return;
	if (staged->left_out)
		snprintf(more, sizeof(more), " and %d more", staged->left_out);
	snprintf(detail, sizeof(detail),
		 "renamed by %s when below it the data of %d files and %d new names were not "
		 "synced: "
		 "%s%s",
		 staged->comm, staged->counts[0], staged->counts[1], staged->list, more);
	namerisks_add(store, FINDING_STAGING_NOT_SYNCED, staged->risk, staged->to, detail,
		      staged->at_ns, staged->risk ? "not-durable" : "unproven");
}

static void store_trees(struct store *store, const struct stack *stack)
{
	struct staged staged = {0};
	sqlite3_stmt *row;

	if (sqlite3_prepare_v2(store_db(store), staged_sql, -1, &row, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(row) == SQLITE_ROW) {
		if (sqlite3_column_int64(row, STAGED_ID) != staged.id) {
			store_staged(store, stack, &staged);
			begin_staged(&staged, row);
		}
		add_staged(&staged, row);
	}
	store_staged(store, stack, &staged);
	sqlite3_finalize(row);
}

void renamerisks_store(struct store *store, const struct stack *stack)
{
	store_each(store, stack, early_sql, store_early);
	store_trees(store, stack);
	store_each(store, stack, link_sql, store_link);
}
