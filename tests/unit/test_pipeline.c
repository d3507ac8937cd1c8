// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "fsmagic.h"
#include "pipeline.h"
#include "verdict.h"

/*
 * A made-up machine: ext4 on vda, ext4 on loop0 whose file lies on vda, ext4 on
 * dm-0 over vdb. Records are built by hand, as the kernel side would send them,
 * and what the audit database then says is checked.
 */

#define VDA	   STACK_DEV(254, 0)
#define VDB	   STACK_DEV(254, 16)
#define DM0	   STACK_DEV(253, 0)
#define LOOP0	   STACK_DEV(7, 0)
#define UNKNOWN	   STACK_DEV(8, 0)
#define EXT4	   0xEF53
#define INO	   12
#define SLOT	   5
#define NAMES_SIZE 128
#define ALL_ROLES  (DEVICE_DATA | DEVICE_LOG | DEVICE_LEAF)

struct world {
	char root[64];
	struct stack *stack;
	struct store *store;
	struct pipeline *pipeline;
	uint64_t backing_ino;
	char text[256];
};

static void put(const struct world *w, const char *path, const char *text)
{
	directory_put(w->root, path, text, "\n");
}

static void put_machine(struct world *w)
{
	struct stat st;
	char path[128];

	put(w, "sys/class/block/vda/dev", "254:0");
	put(w, "sys/class/block/vda/queue/write_cache", "write back");
	put(w, "sys/class/block/vdb/dev", "254:16");
	put(w, "sys/class/block/vdb/queue/write_cache", "write back");
	put(w, "sys/class/block/dm-0/dev", "253:0");
	put(w, "sys/class/block/dm-0/queue/write_cache", "write back");
	put(w, "sys/class/block/dm-0/dm/name", "linear");
	put(w, "sys/class/block/dm-0/slaves/vdb", "");
	put(w, "sys/class/block/loop0/dev", "7:0");
	put(w, "sys/class/block/loop0/queue/write_cache", "write back");
	put(w, "sys/class/block/loop0/loop/backing_file", "/disk.img");
	put(w, "disk.img", "");
	put(w, "proc/self/mountinfo",
	    "20 1 254:0 / / rw - ext4 /dev/vda rw\n"
	    "21 20 7:0 / /loop rw - ext4 /dev/loop0 rw\n"
	    "22 20 253:0 / /dm rw - ext4 /dev/dm-0 rw");
	snprintf(path, sizeof(path), "%s/disk.img", w->root);
	assert_int_equal(stat(path, &st), 0);
	w->backing_ino = st.st_ino;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err;

	assert_non_null(w);
	strcpy(w->root, "/tmp/test_pipeline.XXXXXX");
	assert_non_null(mkdtemp(w->root));
	put_machine(w);
	w->stack = stack_new(w->root);
	assert_non_null(w->stack);
	assert_int_equal(stack_scan(w->stack, &err), 0);
	assert_int_equal(store_open(&w->store, &err), 0);
	w->pipeline = pipeline_new(w->stack, w->store);
	assert_non_null(w->pipeline);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	assert_null(store_error(w->store));
	pipeline_free(w->pipeline);
	store_free(w->store);
	stack_free(w->stack);
	directory_remove(w->root);
	free(w);
	return 0;
}

/* --- records --- */

/* A call of fsync on @disk that did everything right up to @watermark_ns. */
static struct event_sync make_sync(uint32_t disk, uint64_t enter_ns, uint64_t exit_ns,
				   uint64_t watermark_ns)
{
	struct event_sync sync = {
		.header = {EVENT_SYNC, EVENTS_VERSION, 0},
		.id = enter_ns,
		.enter_ns = enter_ns,
		.exit_ns = exit_ns,
		.pid = 10,
		.tid = 11,
		.comm = "test",
		.kind = SYNC_FSYNC,
		.wait_source = WAIT_OBSERVED,
		.nr_devices = 1,
		.s_dev = disk,
		.outer_s_dev = disk,
		.ino = INO,
		.outer_ino = INO,
		.size = 1 << 20,
		.fs_magic = EXT4,
		.outer_fs_magic = EXT4,
		.wait_done_ns = enter_ns + 20,
		.own_data_queued_ns = enter_ns + 5,
		.own_data_done_ns = enter_ns + 10,
	};

	sync.devices[0] = (struct event_device){
		.disk = disk,
		.part = disk,
		.roles = ALL_ROLES,
		.cache = CACHE_BIT_KNOWN | CACHE_BIT_WRITE_BACK,
		.watermark_ns = watermark_ns,
		.last_done_ns = enter_ns + 10,
		.any_done_ns = enter_ns + 10,
		.slot = SLOT,
	};
	return sync;
}

/* The sync of its backing file that a flush of loop0 turned into. */
static struct event_sync make_inner(const struct world *w, uint64_t enter_ns, uint64_t exit_ns,
				    uint64_t watermark_ns)
{
	struct event_sync sync = make_sync(VDA, enter_ns, exit_ns, watermark_ns);

	sync.kind = SYNC_KERNEL;
	sync.ino = w->backing_ino;
	sync.outer_ino = w->backing_ino;
	sync.wait_done_ns = enter_ns + 2;
	sync.own_data_queued_ns = 0;
	sync.own_data_done_ns = 0;
	sync.devices[0].last_done_ns = enter_ns + 1;
	return sync;
}

static struct event_sync make_range(uint64_t enter_ns, uint64_t exit_ns)
{
	struct event_sync sync = make_sync(VDA, enter_ns, exit_ns, 0);

	sync.kind = SYNC_FILE_RANGE;
	return sync;
}

static void push_sync(struct world *w, struct event_sync *sync)
{
	sync->header.size = (uint32_t)(offsetof(struct event_sync, devices) +
				       sync->nr_devices * sizeof(sync->devices[0]));
	pipeline_push(w->pipeline, sync, sync->header.size);
}

static void push_flush_as(struct world *w, uint32_t disk, uint64_t issue_ns, uint64_t complete_ns,
			  int error)
{
	struct event_flush flush = {
		.header = {EVENT_FLUSH, EVENTS_VERSION, sizeof(flush)},
		.issue_ns = issue_ns,
		.complete_ns = complete_ns,
		.disk = disk,
		.error = error,
		.bio_based = disk == DM0,
	};

	pipeline_push(w->pipeline, &flush, sizeof(flush));
}

static void push_flush(struct world *w, uint32_t disk, uint64_t issue_ns, uint64_t complete_ns)
{
	push_flush_as(w, disk, issue_ns, complete_ns, 0);
}

static void push_drain(struct world *w, uint32_t disk, uint32_t slot, uint64_t done_ns)
{
	struct event_drain drain = {
		.header = {EVENT_DRAIN, EVENTS_VERSION, sizeof(drain)},
		.disk = disk,
		.slot = slot,
		.done_ns = done_ns,
	};

	pipeline_push(w->pipeline, &drain, sizeof(drain));
}

/* A page of the file of make_sync; @error 0: it was written well. */
static void push_write(struct world *w, uint64_t done_ns, uint64_t page, int error)
{
	struct event_write write = {
		.header = {EVENT_WRITE, EVENTS_VERSION, sizeof(write)},
		.at_ns = done_ns,
		.offset = page * 4096,
		.bytes = 4096,
		.ino = INO,
		.s_dev = VDA,
		.disk = VDA,
		.part = VDA,
		.error = error,
	};

	pipeline_push(w->pipeline, &write, sizeof(write));
}

/* @names: leaf first, each with its NUL. */
static void push_path(struct world *w, uint64_t id, const char *names, size_t length)
{
	struct event_path path = {
		.header = {EVENT_PATH, EVENTS_VERSION, 0},
		.id = id,
		.length = (uint16_t)length,
	};

	memcpy(path.names, names, length);
	path.header.size = (uint32_t)(offsetof(struct event_path, names) + length);
	pipeline_push(w->pipeline, &path, path.header.size);
}

/* --- questions to the audit database --- */

/* The first column of the first row, "NULL" for a NULL. */
static const char *ask(struct world *w, const char *sql)
{
	sqlite3_stmt *statement;
	const char *text;

	assert_int_equal(sqlite3_prepare_v2(store_db(w->store), sql, -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	text = (const char *)sqlite3_column_text(statement, 0);
	snprintf(w->text, sizeof(w->text), "%s", text ? text : "NULL");
	sqlite3_finalize(statement);
	return w->text;
}

/* Verdict and reason of the @id'th call that was stored. */
static void assert_reason(struct world *w, int id, const char *expected)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT verdict || ' ' || reason FROM syncs WHERE id = %d", id);
	assert_string_equal(ask(w, sql), expected);
}

static void assert_covered(struct world *w, int id, int64_t by, int64_t after_ns)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT coalesce(covered_by, 0) FROM syncs WHERE id = %d", id);
	assert_int_equal(store_number(w->store, sql), by);
	if (!by)
		return;
	snprintf(sql, sizeof(sql), "SELECT covered_after_ns FROM syncs WHERE id = %d", id);
	assert_int_equal(store_number(w->store, sql), after_ns);
}

/* --- tests --- */

static void path_is_joined_to_its_sync(void **state)
{
	struct event_sync first = make_sync(VDA, 100, 200, 0), second = make_sync(VDA, 110, 210, 0);
	struct world *w = *state;

	push_path(w, first.id, "c.db\0b\0a", 9);
	push_path(w, second.id, "z", 2);
	push_sync(w, &second);
	push_sync(w, &first);
	push_sync(w, &first); /* the name was for one call */
	assert_string_equal(ask(w, "SELECT path FROM syncs WHERE id = 1"), "/z");
	assert_string_equal(ask(w, "SELECT path FROM syncs WHERE id = 2"), "/a/b/c.db");
	assert_string_equal(ask(w, "SELECT path FROM syncs WHERE id = 3"), "NULL");
	assert_string_equal(ask(w, "SELECT path_raw FROM syncs WHERE id = 2"), "NULL");
}

static void hostile_name_is_made_safe(void **state)
{
	struct event_sync sync = make_sync(VDA, 100, 200, 0);
	struct world *w = *state;

	memcpy(sync.comm, "\033[2J'\n", 7);
	push_path(w, sync.id, "a\nb\xff'", 6);
	push_sync(w, &sync);
	assert_string_equal(ask(w, "SELECT path FROM syncs"), "/a\\nb\\xff'");
	assert_string_equal(ask(w, "SELECT hex(path_raw) FROM syncs"), "2F610A62FF27");
	assert_string_equal(ask(w, "SELECT comm FROM syncs"), "\\x1b[2J'\\n");
}

static void facts_of_the_call(void **state)
{
	struct event_sync sync = make_sync(VDA, 100, 200, 130);
	struct world *w = *state;

	push_flush(w, VDA, 130, 160);
	push_sync(w, &sync);
	assert_string_equal(
		ask(w, "SELECT t_ns || ' ' || latency_ns || ' ' || kind || ' ' || pid || ' ' || tid"
		       " || ' ' || comm || ' ' || dev || ' ' || ino || ' ' || fs || ' ' || ret"
		       " || ' ' || grounds FROM syncs"),
		"100 100 fsync 10 11 test 254:0 12 ext4 0 observed");
	assert_string_equal(
		ask(w, "SELECT writeout_ns || ' ' || journal_ns || ' ' || flush_ns FROM syncs"),
		"20 50 30");
	assert_string_equal(ask(w, "SELECT dev || ' ' || kind || ' ' || issue_ns || ' ' ||"
				   " complete_ns || ' ' || error FROM flushes"),
			    "254:0 request 130 160 0");
	assert_int_equal(pipeline_syncs(w->pipeline, SYNC_FSYNC), 1);
	assert_int_equal(pipeline_syncs(w->pipeline, SYNC_FDATASYNC), 0);
	assert_int_equal(pipeline_syncs(w->pipeline, SYNC_KINDS), 0);
}

static void two_calls_on_one_flush(void **state)
{
	struct event_sync first = make_sync(VDA, 100, 200, 130),
			  second = make_sync(VDA, 105, 210, 130);
	struct world *w = *state;

	push_flush(w, VDA, 130, 160);
	push_sync(w, &first);
	push_sync(w, &second);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "durable shared-flush");
	assert_string_equal(ask(w, "SELECT group_concat(flush_id) FROM syncs"), "1,1");
	assert_string_equal(ask(w, "SELECT for_sync FROM flushes"), "1");
}

static void each_call_its_flush(void **state)
{
	struct event_sync first = make_sync(VDA, 100, 200, 130),
			  second = make_sync(VDA, 300, 400, 330);
	struct world *w = *state;

	push_flush(w, VDA, 90, 115); /* too early for anybody */
	push_flush(w, VDA, 130, 160);
	push_sync(w, &first);
	push_flush(w, VDA, 330, 360);
	push_sync(w, &second);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "durable flushed");
	assert_string_equal(ask(w, "SELECT group_concat(flush_id) FROM syncs"), "2,3");
	assert_string_equal(ask(w, "SELECT coalesce(for_sync, 0) FROM flushes WHERE id = 1"), "0");
}

static void loop_over_a_durable_sync(void **state)
{
	struct event_sync outer = make_sync(LOOP0, 100, 200, 140);
	struct world *w = *state;
	struct event_sync inner = make_inner(w, 141, 158, 150);

	push_flush(w, VDA, 150, 157);
	push_sync(w, &inner);
	push_flush(w, LOOP0, 140, 160);
	push_sync(w, &outer);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "durable flushed");
	assert_string_equal(ask(w, "SELECT flush_id FROM syncs WHERE id = 2"), "2");
	assert_string_equal(ask(w, "SELECT parent_id FROM syncs WHERE id = 1"), "2");
	assert_string_equal(ask(w, "SELECT path FROM syncs WHERE kind = 'kernel'"), "/disk.img");
	assert_int_equal(pipeline_syncs(w->pipeline, SYNC_KERNEL), 1);
	assert_int_equal(store_number(w->store, "SELECT syncs FROM totals"), 1);
}

static void loop_over_a_bad_sync(void **state)
{
	struct event_sync outer = make_sync(LOOP0, 100, 200, 140);
	struct world *w = *state;
	struct event_sync inner = make_inner(w, 141, 158, 0); /* barriers off below */

	push_sync(w, &inner);
	push_flush(w, LOOP0, 140, 160);
	push_sync(w, &outer);
	assert_reason(w, 1, "not-durable no-flush");
	assert_reason(w, 2, "not-durable flush-dropped");
	assert_non_null(strstr(ask(w, "SELECT detail FROM syncs WHERE id = 2"), "loop0"));
}

static void loop_over_a_sync_not_seen(void **state)
{
	struct event_sync outer = make_sync(LOOP0, 100, 200, 140);
	struct world *w = *state;

	push_flush(w, LOOP0, 140, 160);
	push_sync(w, &outer);
	assert_reason(w, 1, "unproven untracked");
}

/* A doubt below is no evidence against what is above. */
static void loop_over_a_sync_in_doubt(void **state)
{
	struct event_sync outer = make_sync(LOOP0, 100, 200, 140);
	struct world *w = *state;
	struct event_sync inner = make_inner(w, 141, 158, 0);

	inner.devices[0].slot_vague = 1;
	push_sync(w, &inner);
	push_flush(w, LOOP0, 140, 160);
	push_sync(w, &outer);
	assert_reason(w, 1, "unproven untracked");
	assert_reason(w, 2, "unproven untracked");
}

#define FUSE_DEV 77 /* an s_dev, of the file system that the process 50 serves */

static uint32_t who_serves(void *ctx, uint32_t s_dev)
{
	(void)ctx;
	return s_dev == FUSE_DEV ? 50 : 0;
}

static struct event_sync make_on_fuse(uint64_t enter_ns, uint64_t exit_ns)
{
	struct event_sync sync = make_sync(FUSE_DEV, enter_ns, exit_ns, 0);

	sync.fs_magic = FSMAGIC_FUSE;
	sync.outer_fs_magic = FSMAGIC_FUSE;
	sync.flags = SYNC_SENT;
	sync.nr_devices = 0;
	return sync;
}

static struct event_sync make_by_server(uint64_t enter_ns, uint64_t exit_ns)
{
	struct event_sync sync = make_sync(VDA, enter_ns, exit_ns, enter_ns + 30);

	sync.pid = 50;
	sync.serves = FUSE_DEV;
	sync.unaudited = 1;
	return sync;
}

/* Rows of syncs: who it was by, and for which call. */
static const char *by_and_for(struct world *w)
{
	return ask(w, "SELECT group_concat(pid || '>' || coalesce(parent_id, '-')) FROM syncs");
}

static void a_fuse_server_syncs_for_its_caller(void **state)
{
	struct event_sync before = make_by_server(100, 190), within = make_by_server(220, 280),
			  call = make_on_fuse(200, 300), after = make_by_server(310, 390);
	struct world *w = *state;

	pipeline_on_served(w->pipeline, who_serves, NULL);
	push_flush(w, VDA, 130, 160);
	push_sync(w, &before);
	push_flush(w, VDA, 250, 270);
	push_sync(w, &within);
	push_sync(w, &call);
	push_flush(w, VDA, 340, 350);
	push_sync(w, &after);
	assert_reason(w, 2, "durable flushed");
	assert_reason(w, 3, "unproven userspace-fs");
	assert_non_null(strstr(ask(w, "SELECT detail FROM syncs WHERE id = 3"),
			       "meanwhile it (PID 50) made 1 sync, 1 durable"));
	store_finish(w->store);
	assert_string_equal(by_and_for(w), "50>3,10>-");
	assert_int_equal(store_number(w->store, "SELECT syncs FROM totals"), 1);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM flushes WHERE for_sync"), 0);
}

static void a_fuse_server_that_is_seen_to_sync_nothing(void **state)
{
	struct event_sync call = make_on_fuse(200, 300);
	struct world *w = *state;

	pipeline_on_served(w->pipeline, who_serves, NULL);
	push_sync(w, &call);
	assert_non_null(strstr(ask(w, "SELECT detail FROM syncs"), "no sync call of it (PID 50)"));
}

static void a_fuse_server_with_two_callers_at_a_time(void **state)
{
	struct event_sync within = make_by_server(220, 280), first = make_on_fuse(200, 300),
			  second = make_on_fuse(210, 310);
	struct world *w = *state;

	pipeline_on_served(w->pipeline, who_serves, NULL);
	push_sync(w, &within);
	push_sync(w, &first);
	assert_string_equal(by_and_for(w), "50>2,10>-");
	push_sync(w, &second);
	assert_string_equal(by_and_for(w), "50>-,10>-,10>-");
}

static void an_audited_fuse_server_is_counted(void **state)
{
	struct event_sync within = make_by_server(220, 280), call = make_on_fuse(200, 300);
	struct world *w = *state;

	within.unaudited = 0;
	push_sync(w, &within);
	push_sync(w, &call);
	store_finish(w->store);
	assert_string_equal(by_and_for(w), "50>2,10>-");
	assert_int_equal(store_number(w->store, "SELECT syncs FROM totals"), 2);
}

/* A file on f2fs is filled up to the end of its last page: what was its size on the disk? */
static void f2fs_sizes_are_remembered(void **state)
{
	struct event_sync first = make_sync(VDA, 100, 200, 130),
			  second = make_sync(VDA, 300, 400, 330),
			  third = make_sync(VDA, 500, 600, 530);
	struct event_sync *const all[] = {&first, &second, &third};
	struct world *w = *state;

	for (size_t i = 0; i < 3; i++) {
		all[i]->fs_magic = all[i]->outer_fs_magic = FSMAGIC_F2FS;
		all[i]->size = all[i]->disk_size = 8192;
		all[i]->inode_state = INODE_DIRTY;
	}
	first.size = first.disk_size = 8000;
	first.inode_state = INODE_CLEAN;
	third.inode_state = INODE_CLEAN;
	push_flush(w, VDA, 130, 160);
	push_sync(w, &first);
	push_flush(w, VDA, 330, 360);
	push_sync(w, &second);
	push_flush(w, VDA, 530, 560);
	push_sync(w, &third);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "not-durable not-written");
	assert_non_null(strstr(ask(w, "SELECT detail FROM syncs WHERE id = 2"), "byte 8000,"));
	assert_reason(w, 3, "durable flushed");
}

/* What was seen to do nothing below is no doubt, whatever the kernel side counts. */
static void loop_over_a_bad_sync_before(void **state)
{
	struct event_sync outer = make_sync(LOOP0, 200, 300, 140);
	struct world *w = *state;
	struct event_sync inner = make_inner(w, 141, 158, 0);

	outer.devices[0].last_done_ns = 110;
	push_sync(w, &inner);
	push_flush(w, LOOP0, 140, 160);
	push_sync(w, &outer);
	assert_reason(w, 2, "not-durable no-flush");
}

/* A sync of another file, or one that ran before or after the flush, is none of it. */
static void loop_over_a_sync_of_another(void **state)
{
	struct event_sync outer = make_sync(LOOP0, 100, 200, 140);
	struct world *w = *state;
	struct event_sync stranger = make_inner(w, 141, 158, 150),
			  before = make_inner(w, 139, 159, 150),
			  after = make_inner(w, 141, 161, 150);

	stranger.ino++;
	stranger.outer_ino++;
	push_sync(w, &stranger);
	push_sync(w, &before);
	push_sync(w, &after);
	push_flush(w, LOOP0, 140, 160);
	push_sync(w, &outer);
	assert_reason(w, 4, "unproven untracked");
}

/* A bad flush made up for by a good one inside the same call. */
static void loop_with_a_second_flush(void **state)
{
	struct event_sync outer = make_sync(LOOP0, 100, 200, 170);
	struct world *w = *state;
	struct event_sync good = make_inner(w, 171, 188, 180);

	push_flush(w, LOOP0, 140, 160);
	push_sync(w, &good);
	push_flush(w, LOOP0, 170, 190);
	push_sync(w, &outer);
	assert_reason(w, 2, "durable flushed");
	assert_string_equal(ask(w, "SELECT flush_id FROM syncs WHERE id = 2"), "2");
}

static void writeout_covered_later(void **state)
{
	struct event_sync range = make_range(100, 150);
	struct world *w = *state;

	push_sync(w, &range);
	assert_reason(w, 1, "not-durable writeout-only");
	assert_covered(w, 1, 0, 0);
	push_flush(w, VDA, 160, 180);
	push_flush(w, VDA, 190, 195);
	assert_covered(w, 1, 1, 30);
}

/* The write completed at 110. */
static void what_does_not_cover(void **state)
{
	struct event_sync range = make_range(100, 150);
	struct world *w = *state;

	push_sync(w, &range);
	push_flush(w, VDA, 109, 180);
	push_flush_as(w, VDA, 160, 180, -EIO);
	push_flush(w, VDB, 160, 180);
	assert_covered(w, 1, 0, 0);
	push_flush(w, VDA, 110, 190);
	assert_covered(w, 1, 4, 40);
}

/* A neighbour's flush began after the write was done and ended before the call did. */
static void covered_before_it_returned(void **state)
{
	struct event_sync range = make_range(100, 150);
	struct world *w = *state;

	push_flush(w, VDA, 120, 140);
	push_sync(w, &range);
	assert_reason(w, 1, "not-durable writeout-only");
	assert_covered(w, 1, 1, 0);
}

static void covered_only_when_drained(void **state)
{
	struct event_sync range = make_range(100, 150);
	struct world *w = *state;

	range.devices[0].inflight_bytes = 4096;
	push_sync(w, &range);
	push_flush(w, VDA, 160, 170);
	push_drain(w, VDA, SLOT + 1, 165);
	push_drain(w, VDB, SLOT, 165);
	push_flush(w, VDA, 171, 172);
	assert_covered(w, 1, 0, 0);
	push_drain(w, VDA, SLOT, 175);
	push_flush(w, VDA, 174, 190);
	assert_covered(w, 1, 0, 0);
	push_flush(w, VDA, 175, 195);
	assert_covered(w, 1, 4, 45);
}

/* Pages were dirty at return: whether those were the call's, only a sync of the file tells. */
static void dirty_file_covered_by_its_own_sync(void **state)
{
	struct event_sync range = make_range(100, 150), other = make_sync(VDA, 200, 300, 230),
			  same = make_sync(VDA, 400, 500, 430);
	struct world *w = *state;

	range.flags = SYNC_DIRTY_EXIT;
	other.ino = INO + 1;
	push_sync(w, &range);
	push_flush(w, VDA, 230, 260);
	push_sync(w, &other);
	assert_covered(w, 1, 0, 0);
	push_flush(w, VDA, 430, 460);
	assert_covered(w, 1, 0, 0);
	push_sync(w, &same);
	assert_reason(w, 3, "durable flushed");
	assert_covered(w, 1, 2, 310);
}

static void an_overlapping_sync_makes_up_for_nothing(void **state)
{
	struct event_sync range = make_range(100, 250), overlap = make_sync(VDA, 200, 300, 230);
	struct world *w = *state;

	range.flags = SYNC_DIRTY_EXIT;
	push_sync(w, &range);
	push_flush(w, VDA, 230, 260);
	push_sync(w, &overlap);
	assert_covered(w, 1, 0, 0);
}

/* Only a durable call may vouch for others. */
static void an_unproven_sync_makes_up_for_nothing(void **state)
{
	struct event_sync range = make_range(100, 150), doubtful = make_sync(VDA, 200, 300, 230);
	struct world *w = *state;

	range.flags = SYNC_DIRTY_EXIT;
	doubtful.flags = SYNC_TOUCHED_BY_LOSS;
	push_sync(w, &range);
	push_flush(w, VDA, 230, 260);
	push_sync(w, &doubtful);
	assert_reason(w, 2, "unproven events-lost");
	assert_covered(w, 1, 0, 0);
}

static void many_wait_for_one_flush(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 1000; i++) {
		struct event_sync range = make_range(100 + i, 2000);

		push_sync(w, &range);
	}
	push_flush(w, VDA, 3000, 3100);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs WHERE covered_by = 1"),
			 1000);
}

static struct event_sync make_dm_sync(uint64_t enter_ns, uint64_t exit_ns, uint64_t watermark_ns,
				      uint64_t leaf_watermark_ns)
{
	struct event_sync sync = make_sync(DM0, enter_ns, exit_ns, watermark_ns);

	sync.nr_devices = 2;
	sync.devices[1] = sync.devices[0];
	sync.devices[0].roles = DEVICE_DATA | DEVICE_LOG;
	sync.devices[1].roles = DEVICE_LEAF;
	sync.devices[1].disk = VDB;
	sync.devices[1].part = VDB;
	sync.devices[1].watermark_ns = leaf_watermark_ns;
	return sync;
}

static void dm_passes_the_flush_on(void **state)
{
	struct event_sync good = make_dm_sync(100, 200, 130, 135),
			  bad = make_dm_sync(300, 400, 330, 135);
	struct world *w = *state;

	push_flush(w, VDB, 135, 150);
	push_flush(w, DM0, 130, 160);
	push_sync(w, &good);
	push_flush(w, DM0, 330, 360);
	push_sync(w, &bad);
	assert_reason(w, 1, "durable flushed");
	assert_string_equal(ask(w, "SELECT kind FROM flushes WHERE id = 2"), "bio");
	assert_reason(w, 2, "not-durable flush-dropped");
	assert_non_null(strstr(ask(w, "SELECT detail FROM syncs WHERE id = 2"), "vdb"));
}

/* A flush that goes in at the top of the stack and does not reach the leaf covers nothing. */
static void a_dropped_flush_covers_nothing(void **state)
{
	struct event_sync range = make_dm_sync(100, 150, 0, 0);
	struct world *w = *state;

	range.kind = SYNC_FILE_RANGE;
	push_sync(w, &range);
	push_flush(w, DM0, 160, 180);
	assert_covered(w, 1, 0, 0);
}

static void a_flush_down_to_the_leaf_covers(void **state)
{
	struct event_sync range = make_dm_sync(100, 150, 0, 0);
	struct world *w = *state;

	range.kind = SYNC_FILE_RANGE;
	push_sync(w, &range);
	push_flush(w, VDB, 165, 175);
	push_flush(w, DM0, 160, 180);
	assert_int_not_equal(store_number(w->store, "SELECT covered_by FROM syncs"), 0);
}

static void bad_records_are_counted(void **state)
{
	struct event_sync sync = make_sync(VDA, 100, 200, 130), bad = sync;
	struct event_header stranger = {EVENT_TYPES, EVENTS_VERSION, sizeof(stranger)};
	struct world *w = *state;

	push_flush(w, VDA, 130, 160);
	pipeline_push(w->pipeline, "x", 1);
	pipeline_push(w->pipeline, &stranger, sizeof(stranger));
	bad.kind = SYNC_KINDS;
	push_sync(w, &bad);
	bad = sync;
	bad.header.version++;
	push_sync(w, &bad);
	push_sync(w, &sync);
	assert_int_equal(pipeline_rejected(w->pipeline), 4);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 1);
	assert_reason(w, 1, "durable flushed");
}

static void what_began_before_the_audit_is_none_of_it(void **state)
{
	struct world *w = *state;
	struct event_sync before = make_inner(w, 999, 1050, 1010),
			  inside = make_inner(w, 1000, 1050, 1010);

	pipeline_start(w->pipeline, 1000);
	push_flush(w, VDA, 999, 1040);
	push_sync(w, &before);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 0);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM flushes"), 0);
	push_flush(w, VDA, 1000, 1040);
	push_sync(w, &inside);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 1);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM flushes"), 1);
	assert_int_equal(pipeline_rejected(w->pipeline), 0);
}

static bool tell_losses(void *ctx)
{
	return *(bool *)ctx;
}

static void losses_take_the_blame(void **state)
{
	struct event_sync missed = make_sync(VDA, 100, 200, 0),
			  proven = make_sync(VDA, 300, 400, 330);
	struct world *w = *state;
	bool lost = false;

	pipeline_on_doubt(w->pipeline, tell_losses, NULL, &lost);
	push_sync(w, &missed);
	lost = true; /* seen with the next record, though it may be of the same batch */
	push_sync(w, &missed);
	push_flush(w, VDA, 330, 360);
	push_sync(w, &proven);
	assert_reason(w, 1, "not-durable no-flush");
	assert_reason(w, 2, "unproven events-lost");
	assert_reason(w, 3, "durable flushed");
}

/* What user space is asked, and what it answers: were runs skipped? */
struct questions {
	int asked;
	uint64_t now_ns;
	bool skipped;
};

static bool answer_question(void *ctx, uint64_t *asked_ns)
{
	struct questions *questions = ctx;

	questions->asked++;
	*asked_ns = questions->now_ns;
	return questions->skipped;
}

/* Asked only in doubt, and no more often than what can have been skipped since. */
static void losses_are_asked_for_in_doubt(void **state)
{
	struct event_sync missed = make_sync(VDA, 100, 200, 0),
			  proven = make_sync(VDA, 300, 400, 330),
			  later = make_sync(VDA, 460, 500, 0);
	struct questions questions = {.now_ns = 450};
	struct world *w = *state;

	pipeline_on_doubt(w->pipeline, NULL, answer_question, &questions);
	push_flush(w, VDA, 330, 360);
	push_sync(w, &proven);
	assert_int_equal(questions.asked, 0);
	push_sync(w, &missed);
	push_sync(w, &missed);
	assert_int_equal(questions.asked, 1);
	questions.now_ns = 550;
	questions.skipped = true; /* between the two, in the middle of a batch */
	push_sync(w, &missed);
	push_sync(w, &later);
	assert_int_equal(questions.asked, 2);
	push_sync(w, &later);
	assert_int_equal(questions.asked, 2);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "not-durable no-flush");
	assert_reason(w, 4, "not-durable no-flush");
	assert_reason(w, 5, "unproven events-lost");
	assert_reason(w, 6, "unproven events-lost");
}

/* That no write is uncovered is known only where all writes are. */
static void losses_are_asked_for_of_what_was_not_seen(void **state)
{
	struct event_sync quiet = make_sync(VDA, 300, 400, 330);
	struct questions questions = {.now_ns = 450, .skipped = true};
	struct world *w = *state;

	quiet.wait_done_ns = 0;
	quiet.wait_source = WAIT_UNSEEN;
	push_flush(w, VDA, 330, 360);
	push_sync(w, &quiet);
	pipeline_on_doubt(w->pipeline, NULL, answer_question, &questions);
	push_sync(w, &quiet);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "unproven events-lost");
}

/* "x" was made in /srv at @at_ns. */
static void push_change(struct world *w, uint64_t at_ns)
{
	struct event_change change = {
		.header = {EVENT_CHANGE, EVENTS_VERSION, offsetof(struct event_change, names) + 2},
		.at_ns = at_ns,
		.kind = CHANGE_CREATE,
		.comm = "touch",
		.sides[CHANGE_NEW] = {.id = at_ns, .base_ino = INO, .base_s_dev = VDA, .length = 2},
		.names = "x",
	};

	push_path(w, at_ns, "srv", 4);
	pipeline_push(w->pipeline, &change, change.header.size);
}

/* A transaction of vda's journal, whose record carried FUA. */
static void push_commit(struct world *w, uint64_t number, uint64_t enter_ns, uint64_t exit_ns)
{
	struct event_sync sync = make_sync(VDA, enter_ns, exit_ns, enter_ns);

	sync.kind = SYNC_COMMIT;
	sync.flags = SYNC_WHOLE_FS | SYNC_TID_KNOWN;
	sync.ino = number;
	sync.own_bytes = 8192;
	sync.own_meta_done_ns = enter_ns + 1;
	sync.devices[0].commit_flush_ns = enter_ns + 2;
	sync.devices[0].commit_done_ns = sync.devices[0].commit_stable_ns = exit_ns - 1;
	push_sync(w, &sync);
}

/* A commit is no sync call, and makes durable what its transaction holds. */
static void names_and_commits(void **state)
{
	struct event_change change = {
		.header = {EVENT_CHANGE, EVENTS_VERSION, offsetof(struct event_change, names) + 2},
		.at_ns = 200,
		.begun_ns = 190,
		.order = 4711,
		.order_s_dev = VDA,
		.kind = CHANGE_CREATE,
		.comm = "touch",
		.sides[CHANGE_NEW] = {.dir_ino = INO, .dir_s_dev = VDA, .length = 2},
		.names = "x",
	};
	struct world *w = *state;

	pipeline_push(w->pipeline, &change, change.header.size);
	change.order++;
	pipeline_push(w->pipeline, &change, change.header.size);
	push_flush(w, VDA, 303, 350);
	push_commit(w, 4711, 300, 400);
	pipeline_finish(w->pipeline);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 0);
	assert_int_equal(pipeline_syncs(w->pipeline, SYNC_COMMIT), 0);
	assert_string_equal(ask(w, "SELECT filesystem FROM changes WHERE id = 1"), "durable");
	assert_int_equal(store_number(w->store, "SELECT flush_id FROM changes WHERE id = 1"), 1);
	assert_int_equal(store_number(w->store, "SELECT txn FROM changes WHERE id = 1"), 4711);
	assert_string_equal(ask(w, "SELECT filesystem FROM changes WHERE id = 2"), "not-durable");
	assert_string_equal(ask(w, "SELECT new_dev FROM changes WHERE id = 2"), "254:0");
}

/* A sync of the directory is of what had changed before; what was not seen may have been one. */
static void names_and_syncs_of_their_directories(void **state)
{
	struct event_sync sync = make_sync(VDA, 300, 400, 330);
	struct questions questions = {.now_ns = 600};
	struct world *w = *state;

	pipeline_on_doubt(w->pipeline, NULL, answer_question, &questions);
	sync.flags |= SYNC_DIRECTORY;
	sync.outer_ino = sync.ino = INO;
	sync.outer_s_dev = sync.s_dev = VDA;
	push_flush(w, VDA, 330, 360);
	push_change(w, 200);
	push_change(w, 350);
	push_sync(w, &sync);
	assert_string_equal(ask(w, "SELECT new_path FROM changes WHERE id = 1"), "/srv/x");
	assert_string_equal(ask(w, "SELECT new_posix FROM changes WHERE id = 1"), "durable");
	assert_int_equal(store_number(w->store, "SELECT new_sync_id FROM changes WHERE id = 1"), 1);
	pipeline_finish(w->pipeline);
	assert_string_equal(ask(w, "SELECT new_posix FROM changes WHERE id = 2"), "not-durable");
	questions.skipped = true;
	pipeline_finish(w->pipeline);
	assert_string_equal(ask(w, "SELECT new_posix FROM changes WHERE id = 2"), "unproven");
	assert_string_equal(ask(w, "SELECT new_posix FROM changes WHERE id = 1"), "durable");
}

static void descriptor_of_nothing(void **state)
{
	struct event_sync sync = make_sync(0, 100, 200, 0);
	struct world *w = *state;

	sync.flags = SYNC_NO_FILE;
	sync.ret = -EBADF;
	sync.nr_devices = 0;
	push_sync(w, &sync);
	assert_reason(w, 1, "not-durable not-written");
	assert_string_equal(ask(w, "SELECT fs || '|' || ret FROM syncs"), "|-9");
}

static void block_device(void **state)
{
	struct event_sync sync = make_sync(VDB, 100, 200, 130);
	struct world *w = *state;

	sync.flags = SYNC_BLOCK_DEVICE;
	sync.ino = VDB;
	sync.s_dev = sync.outer_s_dev = STACK_DEV(0, 6);
	sync.fs_magic = sync.outer_fs_magic = 0x62646576;
	push_flush(w, VDB, 130, 160);
	push_sync(w, &sync);
	assert_reason(w, 1, "durable flushed");
	assert_string_equal(ask(w, "SELECT dev || ' ' || fs FROM syncs"), "254:16 block device");
}

static void count_call(void *ctx)
{
	++*(int *)ctx;
}

static void unknown_file_systems_are_looked_up_once(void **state)
{
	struct event_sync sync = make_sync(UNKNOWN, 100, 200, 130);
	struct world *w = *state;
	int calls = 0;

	gather_on_unknown(pipeline_gather(w->pipeline), count_call, &calls);
	push_sync(w, &sync);
	push_sync(w, &sync);
	assert_int_equal(calls, 1);
	assert_reason(w, 2, "unproven untracked");
	assert_string_equal(ask(w, "SELECT fs FROM syncs"), "ext4"); /* by its magic number */
}

/* A record made before the kernel side knew the stack has the file system's own device alone. */
static void a_record_of_one_device_of_several_proves_nothing(void **state)
{
	struct event_sync sync = make_sync(VDB, 100, 200, 130);
	struct world *w = *state;

	sync.flags = SYNC_TOPOLOGY_UNKNOWN;
	push_sync(w, &sync);
	assert_reason(w, 1, "durable flushed");
	put(w, "proc/self/mountinfo",
	    "20 1 254:0 / / rw - ext4 /dev/vda rw\n"
	    "23 20 254:16 / /xfs rw - xfs /dev/vdb rw,logdev=/dev/vda");
	assert_int_equal(stack_scan(w->stack, NULL), 0);
	push_sync(w, &sync);
	assert_reason(w, 2, "unproven untracked");
	put(w, "proc/self/mountinfo",
	    "20 1 254:0 / / rw - ext4 /dev/vda rw\n"
	    "23 20 254:16 / /xfs rw - xfs /dev/vdb rw,logdev=/dev/gone");
	assert_int_equal(stack_scan(w->stack, NULL), 0);
	push_sync(w, &sync);
	assert_reason(w, 3, "unproven untracked");
}

/* Nor has one that was made of the devices of what was mounted there before. */
static void a_record_of_devices_that_are_no_more_its_own_proves_nothing(void **state)
{
	struct event_sync sync = make_sync(VDB, 100, 200, 130);
	struct world *w = *state;

	sync.nr_devices = 2;
	sync.devices[1] = sync.devices[0];
	sync.devices[1].disk = VDA;
	sync.devices[1].part = VDA;
	sync.devices[1].watermark_ns = 50;
	put(w, "proc/self/mountinfo",
	    "20 1 254:0 / / rw - ext4 /dev/vda rw\n"
	    "23 20 254:16 / /xfs rw - xfs /dev/vdb rw");
	assert_int_equal(stack_scan(w->stack, NULL), 0);
	push_sync(w, &sync);
	assert_reason(w, 1, "unproven untracked");
}

static void remember_name(void *ctx, const struct stack_node *node)
{
	char *names = ctx;
	size_t used = strlen(names);

	snprintf(names + used, NAMES_SIZE - used, "%s ", node->name);
}

static void devices_are_visited_top_down(void **state)
{
	struct event_sync sync = make_dm_sync(100, 200, 130, 135);
	struct world *w = *state;
	char names[NAMES_SIZE] = "";

	gather_each_device(pipeline_gather(w->pipeline), remember_name, names);
	assert_string_equal(names, "");
	push_sync(w, &sync);
	gather_each_device(pipeline_gather(w->pipeline), remember_name, names);
	assert_ptr_equal(strstr(names, "dm-0 vdb "), names);
}

static void a_swallowed_error_is_found(void **state)
{
	struct event_sync told = make_sync(VDA, 200, 300, 230);
	struct event_sync sync = make_sync(VDA, 400, 500, 430);
	struct event_sync again = make_sync(VDA, 600, 700, 630);
	struct world *w = *state;

	pipeline_start(w->pipeline, 50);
	push_write(w, 110, 3, -EIO);
	told.ret = -EIO;
	push_sync(w, &told);
	push_flush(w, VDA, 430, 440);
	push_path(w, sync.id, "a\nb", 4);
	push_sync(w, &sync);
	push_write(w, 610, 3, 0);
	push_flush(w, VDA, 630, 640);
	push_sync(w, &again);
	assert_reason(w, 1, "not-durable write-failed");
	assert_reason(w, 2, "not-durable write-failed");
	assert_reason(w, 3, "durable flushed");
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM findings"), 0);
	pipeline_finish(w->pipeline);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM findings"), 1);
	assert_string_equal(ask(w, "SELECT kind || ' ' || severity || ' ' || path || ' ' ||"
				   " since_ns || ' ' || bytes FROM findings"),
			    "error-swallowed risk /a\\nb 110 4096");
	assert_string_equal(ask(w, "SELECT detail FROM findings"),
			    "a write of 4096 bytes to vda failed (Input/output error) at 0.000 s; "
			    "fsync by PID 10 was told (Input/output error) at 0.000 s; fsync by "
			    "PID 10 reported success at 0.000 s");
}

static void a_failed_flush_is_found(void **state)
{
	struct event_sync sync = make_sync(VDA, 100, 200, 0);
	struct world *w = *state;

	sync.devices[0].flush_error_ns = 160;
	push_flush_as(w, VDA, 130, 160, -ENOSPC);
	push_sync(w, &sync);
	assert_reason(w, 1, "not-durable flush-failed");
	pipeline_finish(w->pipeline);
	assert_string_equal(ask(w, "SELECT detail FROM findings"),
			    "a flush of vda failed (No space left on device) at 0.000 s; no "
			    "audited call was told; fsync by PID 10 reported success at 0.000 s");
	assert_string_equal(ask(w, "SELECT path FROM findings"), "NULL");
}

static void an_error_that_was_told_is_none(void **state)
{
	struct event_sync sync = make_sync(VDA, 100, 200, 0);
	struct world *w = *state;

	push_write(w, 110, 3, -EIO);
	sync.ret = -EIO;
	push_sync(w, &sync);
	pipeline_finish(w->pipeline);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM findings"), 0);
}

static void a_failed_write_is_covered_by_no_flush(void **state)
{
	struct event_sync range = make_range(100, 200);
	struct world *w = *state;

	range.devices[0].inflight_bytes = 4096;
	push_sync(w, &range);
	push_write(w, 250, 3, -EIO);
	push_drain(w, VDA, SLOT, 250);
	push_flush(w, VDA, 300, 400);
	assert_reason(w, 1, "not-durable writeout-only");
	assert_covered(w, 1, 0, 0);
}

/* --- what the verdict must know of an ext4 --- */

static void rescan(const struct world *w)
{
	struct error err = {.text = ""};

	if (stack_scan(w->stack, &err))
		fail_msg("%s", err.text);
}

/* The super block on vda, with these features. */
static void put_super(const struct world *w, unsigned char compat, unsigned char incompat)
{
	unsigned char super[2048] = {[1024 + 0x38] = 0x53, [1024 + 0x39] = 0xEF};
	char path[128];
	FILE *file;

	super[1024 + 0x5d] = compat;
	super[1024 + 0x61] = incompat;
	put(w, "dev/vda", "");
	snprintf(path, sizeof(path), "%s/dev/vda", w->root);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(super, sizeof(super), 1, file), 1);
	assert_int_equal(fclose(file), 0);
	rescan(w);
}

static void push_healthy(struct world *w)
{
	struct event_sync sync = make_sync(VDA, 100, 200, 140);

	push_flush(w, VDA, 140, 160);
	push_sync(w, &sync);
}

/* A call about something else is judged for what it makes durable, and not told. */
static void a_filtered_call_covers_others(void **state)
{
	struct event_sync range = make_range(100, 110), sync = make_sync(VDA, 200, 300, 230);
	struct world *w = *state;
	struct filter filter = {.nr_paths = 1, .paths = {(char[]){"/wanted"}}};

	pipeline_set_filter(w->pipeline, &filter);
	push_path(w, range.id, "wanted", 7);
	range.flags = SYNC_DIRTY_EXIT; /* only a sync of the file itself makes up for it */
	push_sync(w, &range);
	push_path(w, sync.id, "other", 6);
	push_flush(w, VDA, 230, 260);
	push_sync(w, &sync);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 1);
	assert_covered(w, 1, 1, 150);
	assert_string_equal(ask(w, "SELECT for_sync FROM flushes"), "NULL");
	/* Both arrived: nothing was lost. */
	assert_int_equal(pipeline_syncs(w->pipeline, SYNC_FSYNC), 1);
	assert_int_equal(pipeline_syncs(w->pipeline, SYNC_FILE_RANGE), 1);
}

/* dm-0 stands on vdb, loop0 on a file on vda; sync() has no name. */
static void calls_are_filtered_by_device(void **state)
{
	struct event_sync vda = make_sync(VDA, 100, 200, 130), dm = make_sync(DM0, 100, 200, 130),
			  loop = make_sync(LOOP0, 100, 200, 130);
	struct filter filter = {.nr_devs = 1, .devs = {VDB}};
	struct world *w = *state;

	pipeline_set_filter(w->pipeline, &filter);
	push_sync(w, &vda);
	push_sync(w, &loop);
	push_sync(w, &dm);
	assert_string_equal(ask(w, "SELECT group_concat(dev) FROM syncs"), "253:0");
	filter.devs[0] = VDA;
	push_sync(w, &vda);
	push_sync(w, &loop);
	push_sync(w, &dm);
	assert_string_equal(ask(w, "SELECT group_concat(dev) FROM syncs"), "253:0,254:0,7:0");
	vda.kind = SYNC_SYNC;
	push_sync(w, &vda);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 4);
	filter.nr_paths = 1;
	filter.paths[0] = (char[]){"/"};
	push_sync(w, &vda);
	assert_int_equal(store_number(w->store, "SELECT count(*) FROM syncs"), 4);
}

/* Of calls that nobody makes up for, an endless audit gives up the oldest. */
static void endless_audits_wait_for_so_many(void **state)
{
	struct world *w = *state;
	struct event_sync range;
	int64_t covered;

	pipeline_set_endless(w->pipeline);
	for (uint64_t i = 0; i < 20000; i++) {
		range = make_range(100 + 20 * i, 110 + 20 * i);
		push_sync(w, &range);
	}
	push_flush(w, VDA, 1000000, 1000100);
	covered = store_number(w->store, "SELECT count(covered_by) FROM syncs");
	assert_in_range(covered, 12000, 16384);
	assert_int_equal(
		store_number(w->store, "SELECT min(id) FROM syncs WHERE covered_by NOT NULL"),
		20000 - covered + 1);
}

static void ext4_without_a_journal(void **state)
{
	struct world *w = *state;

	put(w, "sys/fs/ext4/vda/journal_task", "77");
	rescan(w);
	push_healthy(w);
	put(w, "sys/fs/ext4/vda/journal_task", "<none>");
	rescan(w);
	push_healthy(w);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "unproven commit-unseen");
	assert_non_null(strstr(ask(w, "SELECT detail FROM syncs WHERE id = 2"),
			       "ext4-nojournal-early-return"));
}

static void ext4_data_in_the_journal(void **state)
{
	struct event_sync sync = make_sync(VDA, 100, 200, 0);
	struct world *w = *state;

	push_sync(w, &sync);
	put(w, "proc/fs/ext4/vda/options", "rw\ndata=journal");
	rescan(w);
	push_sync(w, &sync);
	assert_reason(w, 1, "not-durable no-flush");
	assert_reason(w, 2, "durable clean");
}

static void ext4_async_commit(void **state)
{
	struct event_sync sync = make_sync(VDA, 100, 200, 140);
	struct world *w = *state;

	sync.devices[0].log_done_ns = 150;
	push_sync(w, &sync);
	put(w, "proc/fs/ext4/vda/options", "rw\njournal_async_commit");
	rescan(w);
	push_sync(w, &sync);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "unproven commit-unseen");
}

static void ext4_inline_data(void **state)
{
	struct world *w = *state;

	put_super(w, 0, 0);
	push_healthy(w);
	put_super(w, 0, 0x80);
	push_healthy(w);
	assert_reason(w, 1, "durable flushed");
	assert_reason(w, 2, "unproven commit-unseen");
}

static void ext4_fast_commit(void **state)
{
	struct world *w = *state;

	put_super(w, 0x4, 0);
	gather_set_kernel_version(pipeline_gather(w->pipeline), KERNEL_VERSION(6, 1), 0);
	push_healthy(w);
	gather_set_kernel_version(pipeline_gather(w->pipeline), KERNEL_VERSION(6, 0), 0);
	push_healthy(w);
	put_super(w, 0, 0);
	push_healthy(w);
	assert_string_equal(ask(w, "SELECT group_concat(verdict) FROM syncs"),
			    "unproven,unproven,durable");
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Its mount is gone when umount returns; the name is that of before, until it may be another's. */
static void a_file_system_is_named_by_where_it_was_mounted(void **state)
{
	struct event_sync sync = make_sync(DM0, 1000, 2000, 0);
	struct timespec now;
	struct world *w = *state;
	struct error err;

	sync.kind = SYNC_FREEZE;
	sync.flags = SYNC_WHOLE_FS;
	push_sync(w, &sync);
	assert_string_equal(ask(w, "SELECT path FROM syncs WHERE id = 1"), "/dm");
	put(w, "proc/self/mountinfo", "20 1 254:0 / / rw - ext4 /dev/vda rw\n");
	assert_int_equal(stack_scan(w->stack, &err), 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	sync.kind = SYNC_UMOUNT;
	sync.enter_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	sync.exit_ns = sync.enter_ns + 1000;
	push_sync(w, &sync);
	assert_string_equal(ask(w, "SELECT path FROM syncs WHERE id = 2"), "/dm");
	assert_string_equal(ask(w, "SELECT kind FROM syncs WHERE id = 2"), "umount");
	sync.enter_ns += 1000000000;
	sync.exit_ns += 1000000000;
	push_sync(w, &sync);
	assert_string_equal(ask(w, "SELECT path IS NULL FROM syncs WHERE id = 3"), "1");
	/* One that is told of when its device is mounted elsewhere already. */
	sync.enter_ns -= 1000000000;
	sync.exit_ns -= 1000000000;
	put(w, "proc/self/mountinfo", "21 1 253:0 / /other rw - ext4 /dev/dm-0 rw\n");
	assert_int_equal(stack_scan(w->stack, &err), 0);
	push_sync(w, &sync);
	assert_string_equal(ask(w, "SELECT path FROM syncs WHERE id = 4"), "/dm");
	sync.enter_ns += 1000000000;
	sync.exit_ns += 1000000000;
	push_sync(w, &sync);
	assert_string_equal(ask(w, "SELECT path FROM syncs WHERE id = 5"), "/other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(path_is_joined_to_its_sync),
		FRESH(hostile_name_is_made_safe),
		FRESH(facts_of_the_call),
		FRESH(two_calls_on_one_flush),
		FRESH(each_call_its_flush),
		FRESH(loop_over_a_durable_sync),
		FRESH(loop_over_a_bad_sync),
		FRESH(loop_over_a_sync_not_seen),
		FRESH(loop_over_a_sync_in_doubt),
		FRESH(a_fuse_server_syncs_for_its_caller),
		FRESH(a_fuse_server_that_is_seen_to_sync_nothing),
		FRESH(a_fuse_server_with_two_callers_at_a_time),
		FRESH(an_audited_fuse_server_is_counted),
		FRESH(f2fs_sizes_are_remembered),
		FRESH(loop_over_a_bad_sync_before),
		FRESH(loop_over_a_sync_of_another),
		FRESH(loop_with_a_second_flush),
		FRESH(writeout_covered_later),
		FRESH(what_does_not_cover),
		FRESH(covered_before_it_returned),
		FRESH(covered_only_when_drained),
		FRESH(dirty_file_covered_by_its_own_sync),
		FRESH(an_overlapping_sync_makes_up_for_nothing),
		FRESH(an_unproven_sync_makes_up_for_nothing),
		FRESH(many_wait_for_one_flush),
		FRESH(dm_passes_the_flush_on),
		FRESH(a_dropped_flush_covers_nothing),
		FRESH(a_flush_down_to_the_leaf_covers),
		FRESH(bad_records_are_counted),
		FRESH(what_began_before_the_audit_is_none_of_it),
		FRESH(losses_take_the_blame),
		FRESH(losses_are_asked_for_in_doubt),
		FRESH(losses_are_asked_for_of_what_was_not_seen),
		FRESH(descriptor_of_nothing),
		FRESH(block_device),
		FRESH(unknown_file_systems_are_looked_up_once),
		FRESH(a_record_of_one_device_of_several_proves_nothing),
		FRESH(a_record_of_devices_that_are_no_more_its_own_proves_nothing),
		FRESH(devices_are_visited_top_down),
		FRESH(a_swallowed_error_is_found),
		FRESH(a_failed_flush_is_found),
		FRESH(an_error_that_was_told_is_none),
		FRESH(a_failed_write_is_covered_by_no_flush),
		FRESH(a_filtered_call_covers_others),
		FRESH(calls_are_filtered_by_device),
		FRESH(endless_audits_wait_for_so_many),
		FRESH(ext4_without_a_journal),
		FRESH(ext4_data_in_the_journal),
		FRESH(ext4_async_commit),
		FRESH(ext4_inline_data),
		FRESH(ext4_fast_commit),
		FRESH(names_and_syncs_of_their_directories),
		FRESH(names_and_commits),
		FRESH(a_file_system_is_named_by_where_it_was_mounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
