// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "interpose.h"
#include "interposed.h"
#include "pipeline.h"

#define FSYNC (1U << LIBRARY_FSYNC)
#define MSYNC (1U << LIBRARY_MSYNC)

static struct event_mapped make_mapped(uint64_t ino, uint32_t pid)
{
	return (struct event_mapped){
		.header = {EVENT_MAPPED, EVENTS_VERSION, sizeof(struct event_mapped)},
		.id = ino,
		.at_ns = 100,
		.address = 4096,
		.file = {.ino = ino, .ctime_ns = 5, .s_dev = 1},
		.pid = pid,
		.tid = pid,
		.comm = "cp",
	};
}

static void classes(void **state)
{
	struct library library = {.is_read = true};

	(void)state;
	assert_int_equal(interpose_classify(&library, "/lib/libz.so.1"), INTERPOSE_NONE);
	/* A name alone is not enough where the file says otherwise. */
	assert_int_equal(interpose_classify(&library, "/lib/libeatmydata.so"), INTERPOSE_NONE);
	library.defines = FSYNC | MSYNC;
	assert_int_equal(interpose_classify(&library, "/lib/libiotrace.so"), INTERPOSE_UNKNOWN);
	assert_int_equal(interpose_classify(&library, NULL), INTERPOSE_UNKNOWN);
	assert_int_equal(interpose_classify(&library, "/lib/libeatmydata.so.1.3.0"),
			 INTERPOSE_NAMED);
	assert_int_equal(interpose_classify(&library, "/lib64/nosync/nosync.so"), INTERPOSE_NAMED);
	assert_int_equal(interpose_classify(&library, "/libeatmydata.d/libother.so"),
			 INTERPOSE_UNKNOWN);
	strcpy(library.soname, "libeatmydata.so.1");
	assert_int_equal(interpose_classify(&library, "/tmp/x"), INTERPOSE_NAMED);
	library.is_empty = FSYNC;
	assert_int_equal(interpose_classify(&library, "/tmp/x"), INTERPOSE_EMPTY);
	library.has_right = true;
	assert_int_equal(interpose_classify(&library, "/lib/libc.so.6"), INTERPOSE_NONE);
}

static void what_could_not_be_read(void **state)
{
	struct library library = {0};

	(void)state;
	assert_int_equal(interpose_classify(&library, "/gone/libeatmydata.so"), INTERPOSE_NAMED);
	assert_int_equal(interpose_classify(&library, "/gone/libz.so"), INTERPOSE_UNREAD);
	assert_int_equal(interpose_classify(&library, NULL), INTERPOSE_UNREAD);
}

static void first_text(void *ctx, const struct interpose_entry *entry)
{
	char *out = ctx;

	if (!*out)
		interpose_describe(out, 512, entry);
}

static void processes_are_told_apart(void **state)
{
	struct library library = {.is_read = true, .defines = FSYNC | MSYNC, .is_empty = FSYNC};
	struct interpose *interpose = interpose_new();
	struct event_mapped mapped = make_mapped(7, 20);
	char text[512] = "";

	(void)state;
	assert_non_null(interpose);
	assert_false(interpose_count(interpose, &mapped));
	assert_false(interpose_add(interpose, &mapped, &library, "/a/lib.so", 9));
	assert_true(interpose_count(interpose, &mapped)); /* the same process again */
	for (uint32_t pid = 21; pid < 40; pid++) {
		mapped.pid = pid;
		assert_true(interpose_count(interpose, &mapped));
		assert_true(interpose_count(interpose, &mapped));
	}
	mapped.file.ctime_ns++; /* the file was changed: to be looked at again */
	assert_false(interpose_count(interpose, &mapped));
	interpose_each(interpose, first_text, text);
	assert_string_equal(text, "its own fsync return success and do nothing; mapped by 20 "
				  "processes, first by cp (PID 20)");
	interpose_free(interpose);
}

static void look_at_msync(void *ctx, const struct event_mapped *mapped, const char *path,
			  struct library *library)
{
	(void)ctx;
	(void)mapped;
	(void)path;
	library->is_read = true;
	library->defines = MSYNC;
}

static void hostile_names(void **state)
{
	struct interposed *interposed = interposed_new();
	struct event_mapped mapped = make_mapped(7, 20);
	struct stack *stack = stack_new("/nowhere");
	struct store *store;
	sqlite3_stmt *row;
	struct error err;

	(void)state;
	memcpy(mapped.comm, "\033[31m\n", 7);
	interposed_on_mapped(interposed, look_at_msync, NULL, NULL);
	interposed_push(interposed, stack, &mapped, "/t/\033]0;x\a\n\xff.so", 14);
	assert_int_equal(store_open(&store, &err), 0);
	interposed_store(interposed, store);
	assert_int_equal(sqlite3_prepare_v2(store_db(store),
					    "SELECT kind, severity, path, detail FROM findings", -1,
					    &row, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(row, 0), "interposed");
	assert_string_equal((const char *)sqlite3_column_text(row, 1), "advice");
	assert_string_equal((const char *)sqlite3_column_text(row, 2),
			    "/t/\\x1b]0;x\\x07\\n\\xff.so");
	assert_string_equal(
		(const char *)sqlite3_column_text(row, 3),
		"defines msync itself; what becomes of such calls is not known; mapped by 1 "
		"process, first by \\x1b[31m\\n (PID 20)");
	assert_int_equal(sqlite3_step(row), SQLITE_DONE);
	sqlite3_finalize(row);
	assert_int_equal(store_number(store, "SELECT count(*) FROM blind_spots"), 0);
	store_free(store);
	stack_free(stack);
	interposed_free(interposed);
}

/* --- through the pipeline --- */

struct looked {
	int looks, harmless;
	uint64_t harmless_ino;
};

static void look(void *ctx, const struct event_mapped *mapped, const char *path,
		 struct library *library)
{
	struct looked *looked = ctx;

	looked->looks++;
	library->is_read = mapped->file.ino != 3;
	library->defines = mapped->file.ino == 2 ? FSYNC : 0;
	library->is_empty = library->defines;
	if (mapped->file.ino == 2)
		assert_string_equal(path, "/lib/no.so");
}

static void harmless(void *ctx, const struct event_file *file)
{
	struct looked *looked = ctx;

	looked->harmless++;
	looked->harmless_ino = file->ino;
}

static void push(struct pipeline *pipeline, uint64_t ino, uint32_t pid)
{
	struct event_path path = {
		.header = {EVENT_PATH, EVENTS_VERSION, offsetof(struct event_path, names) + 10},
		.id = ino,
		.length = 10,
		.names = "no.so\0lib",
	};
	struct event_mapped mapped = make_mapped(ino, pid);

	pipeline_push(pipeline, &path, path.header.size);
	pipeline_push(pipeline, &mapped, sizeof(mapped));
}

static void each_library_is_looked_at_once(void **state)
{
	struct looked looked = {0};
	struct stack *stack = stack_new("/nowhere");
	struct pipeline *pipeline;
	struct store *store;
	struct error err;

	(void)state;
	assert_int_equal(store_open(&store, &err), 0);
	pipeline = pipeline_new(stack, store);
	pipeline_on_mapped(pipeline, look, harmless, &looked);
	push(pipeline, 1, 10); /* harmless: the kernel is told, and will tell no more of it */
	assert_int_equal(looked.harmless, 1);
	assert_int_equal(looked.harmless_ino, 1);
	push(pipeline, 2, 10);
	push(pipeline, 2, 11);
	push(pipeline, 3, 11); /* not to be read */
	assert_int_equal(looked.looks, 3);
	assert_int_equal(looked.harmless, 1);
	pipeline_finish(pipeline);
	assert_int_equal(store_number(store,
				      "SELECT count(*) FROM findings WHERE severity = 'risk' "
				      "AND path = '/lib/no.so'"),
			 1);
	assert_int_equal(store_number(store, "SELECT count(*) FROM findings"), 1);
	assert_int_equal(store_number(store, "SELECT count(*) FROM blind_spots"), 1);
	assert_int_equal(pipeline_rejected(pipeline), 0);
	pipeline_free(pipeline);
	stack_free(stack);
	store_free(store);
}

/* A FUSE server that the audited control must not be asked for anything. */
static void files_of_a_fuse_server_are_not_read(void **state)
{
	struct event_mapped mapped = make_mapped(2, 10);
	struct stack *stack = stack_new("/nowhere");
	struct looked looked = {0};
	struct pipeline *pipeline;
	struct store *store;
	struct error err;

	(void)state;
	assert_int_equal(store_open(&store, &err), 0);
	pipeline = pipeline_new(stack, store);
	pipeline_on_mapped(pipeline, look, harmless, &looked);
	mapped.fs_magic = 0x65735546;
	pipeline_push(pipeline, &mapped, sizeof(mapped));
	assert_int_equal(looked.looks, 0);
	pipeline_finish(pipeline);
	assert_int_equal(store_number(store, "SELECT count(*) FROM findings"), 0);
	assert_int_equal(store_number(store, "SELECT count(*) FROM blind_spots"), 1);
	pipeline_free(pipeline);
	stack_free(stack);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		cmocka_unit_test(what_could_not_be_read),
		cmocka_unit_test(processes_are_told_apart),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(each_library_is_looked_at_once),
		cmocka_unit_test(files_of_a_fuse_server_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
