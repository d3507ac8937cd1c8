// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/live.h"
#include "report/row.h"
#include "store.h"

struct world {
	struct store *store;
	FILE *out;
	char *text;
	size_t size;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err;

	assert_non_null(w);
	assert_int_equal(store_open(&w->store, &err), 0);
	w->out = open_memstream(&w->text, &w->size);
	assert_non_null(w->out);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	assert_null(store_error(w->store));
	store_free(w->store);
	fclose(w->out);
	free(w->text);
	free(w);
	return 0;
}

static int64_t add_sync(struct world *w, const char *verdict, const char *reason, const char *path)
{
	const struct store_sync sync = {
		.t_ns = 1100000000,
		.latency_ns = 10000000,
		.kind = "fsync",
		.comm = "sqlite3",
		.dev = "254:1",
		.fs = "ext4",
		.verdict = verdict,
		.reason = reason,
		.grounds = "observed",
		.detail = strcmp(verdict, "durable") != 0 ? "because" : NULL,
		.path = path,
		.pid = 10,
		.tid = 11,
	};

	return store_add_sync(w->store, &sync);
}

static struct live *begin(struct world *w, bool json, bool bad)
{
	struct live_options options = {.json = json, .bad = bad};
	struct live *live = live_new(w->store, w->out, &options);

	assert_non_null(live);
	return live;
}

/* How many lines there are now. */
static size_t lines(struct world *w)
{
	size_t n = 0;

	assert_int_equal(fflush(w->out), 0);
	for (const char *c = w->text; c && *c; c++)
		n += *c == '\n';
	return n;
}

/* --- rows --- */

static const char *row_of(struct world *w, const struct row *row)
{
	assert_int_equal(fseeko(w->out, 0, SEEK_SET), 0);
	row_print(w->out, false, row);
	assert_int_equal(fflush(w->out), 0);
	return w->text;
}

static struct row make_row(const char *comm)
{
	return (struct row){.id = 1,
			    .time = "1.5",
			    .kind = "fsync",
			    .comm = comm,
			    .pid = 10,
			    .tid = 11,
			    .latency_ns = 1000,
			    .verdict = "durable",
			    .reason = "flushed",
			    .flush_id = 7,
			    .path = "/x"};
}

static void a_row_and_its_header(void **state)
{
	static const char header[] = "      ID         TIME CALL            COMM                "
				     "PID     TID  RET   LATENCY"
				     " VERDICT     REASON            FLUSH PATH";
	struct row row = make_row("git");
	struct world *w = *state;

	assert_string_equal(
		row_of(w, &row),
		"       1          1.5 fsync           git                  10      11    0"
		"    1.0 us durable     flushed              #7 /x");
	assert_int_equal(fseeko(w->out, 0, SEEK_SET), 0);
	row_print_header(w->out, false, "TIME");
	assert_int_equal(fflush(w->out), 0);
	assert_string_equal(w->text, header);
}

/* Whatever is in them, all columns but the last begin where they begin. */
static void long_values_are_cut(void **state)
{
	struct row row = make_row("\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b");
	struct world *w = *state;
	size_t at = (size_t)(strstr(row_of(w, &row), " /x") - w->text);

	assert_non_null(strstr(w->text, " \\x1b\\x1b\\x1b\\x~ "));
	row = make_row("exactly-fifteen");
	assert_non_null(strstr(row_of(w, &row), " exactly-fifteen "));
	assert_ptr_equal(strstr(w->text, " /x"), w->text + at);
	row = make_row("");
	row.id = row.flush_id = 123456789012345678;
	row.pid = row.tid = 12345678;
	row.ret = -12345;
	row.kind = "io_uring_sync_file_range";
	row.verdict = row.reason = "longer-than-any-of-them";
	row.latency_ns = UINT64_MAX;
	row.time = "123456789.123456";
	assert_ptr_equal(strstr(row_of(w, &row), " /x"), w->text + at);
	assert_non_null(strstr(w->text, " io_uring_sync_~ "));
}

/* Letters of several bytes take one place each, or two; broken ones do no harm. */
static void width_is_that_of_the_terminal(void **state)
{
	struct row row = make_row("gr\xc3\xbc\xc3\x9f"
				  "e");
	struct world *w = *state;

	assert_non_null(strstr(row_of(w, &row), " gr\xc3\xbc\xc3\x9f"
						"e                10 "));
	row = make_row("\xe6\x97\xa5\xe6\x9c\xac");
	assert_non_null(strstr(row_of(w, &row), " \xe6\x97\xa5\xe6\x9c\xac                 10 "));
	row = make_row("\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
		       "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5");
	assert_non_null(strstr(row_of(w, &row), "\xe6\x97\xa5~      10 "));
	row = make_row("a\xff\xfe");
	assert_non_null(strstr(row_of(w, &row), " a\xff\xfe                  10 "));
}

/* --- the live report --- */

static void each_call_is_printed_once(void **state)
{
	struct world *w = *state;
	struct live *live = begin(w, false, false);

	live_header(live);
	assert_int_equal(live_print(live, UINT64_MAX), 0);
	add_sync(w, "durable", "flushed", "/a");
	add_sync(w, "not-durable", "no-flush", "/b");
	assert_int_equal(live_print(live, UINT64_MAX), 2);
	assert_int_equal(live_print(live, UINT64_MAX), 0);
	assert_int_equal(lines(w), 3);
	assert_non_null(strstr(w->text, " /a\n"));
	assert_non_null(strstr(w->text, " /b  (because)\n"));
	/* What was let go of is not printed again, nor is what follows left out. */
	store_purge(w->store, 0);
	add_sync(w, "durable", "flushed", NULL);
	assert_int_equal(live_print(live, UINT64_MAX), 1);
	assert_int_equal(live_newest(live), 3);
	assert_non_null(strstr(w->text, " (no file)\n"));
	live_free(live);
}

static void so_many_and_no_more(void **state)
{
	struct world *w = *state;
	struct live *live = begin(w, true, false);

	live_header(live); /* none in JSON */
	for (int i = 0; i < 5; i++)
		add_sync(w, "durable", "flushed", "/a");
	assert_int_equal(live_print(live, 2), 2);
	assert_int_equal(lines(w), 2);
	assert_int_equal(live_print(live, 0), 0);
	assert_int_equal(live_print(live, UINT64_MAX), 3);
	assert_int_equal(lines(w), 5);
	live_free(live);
}

static void only_bad_ones(void **state)
{
	struct world *w = *state;
	struct live *live = begin(w, false, true);

	add_sync(w, "durable", "flushed", "/a");
	add_sync(w, "unproven", "remote", "/b");
	add_sync(w, "durable", "flushed", "/c");
	assert_int_equal(live_print(live, UINT64_MAX), 1);
	assert_int_equal(live_newest(live), 3);
	assert_int_equal(lines(w), 1);
	assert_non_null(strstr(w->text, " /b  (because)\n"));
	live_free(live);
}

static void findings_are_printed_once(void **state)
{
	const struct store_finding finding = {.kind = "error-swallowed",
					      .severity = "risk",
					      .path = "/a",
					      .detail = "it failed",
					      .since_ns = 5};
	struct world *w = *state;
	struct live *text = begin(w, false, true), *json = begin(w, true, true);

	store_add_finding(w->store, &finding);
	assert_int_equal(live_print(text, UINT64_MAX), 0);
	assert_int_equal(live_print(text, UINT64_MAX), 0);
	assert_int_equal(lines(w), 1);
	assert_string_equal(w->text, "FINDING (risk) error-swallowed /a: it failed\n");
	assert_int_equal(live_print(json, UINT64_MAX), 0);
	assert_int_equal(lines(w), 2);
	assert_non_null(strstr(w->text, "\n{\"kind\":\"error-swallowed\",\"severity\":\"risk\""));
	live_free(text);
	live_free(json);
}

static void a_place_that_is_full(void **state)
{
	struct live_options options = {.json = true};
	FILE *full = fopen("/dev/full", "we");
	struct world *w = *state;
	struct live *live;

	assert_non_null(full);
	assert_int_equal(setvbuf(full, NULL, _IOLBF, 4096), 0);
	live = live_new(w->store, full, &options);
	add_sync(w, "durable", "flushed", "/a");
	assert_int_equal(live_print(live, UINT64_MAX), -ENOSPC);
	live_free(live);
	fclose(full);
}

static void the_end_in_one_line(void **state)
{
	struct world *w = *state;

	add_sync(w, "durable", "flushed", "/a");
	add_sync(w, "not-durable", "no-flush", "/b");
	store_add_flush(w->store, "254:0", "request", 1, 2, 0);
	store_add_loss(w->store, "ring buffer full", 2, 1, "enlarge --ring-size");
	live_summary(w->store, w->out);
	assert_int_equal(lines(w), 2);
	assert_string_equal(w->text,
			    "flushaudit: 3 sync calls: 1 durable, 1 not durable, 1 unproven; "
			    "1 flush, 2 events lost\n"
			    "flushaudit: lost: 2 x ring buffer full (1 sync calls counted as "
			    "unproven) -> enlarge --ring-size\n");
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_row_and_its_header),	      FRESH(long_values_are_cut),
		FRESH(width_is_that_of_the_terminal), FRESH(each_call_is_printed_once),
		FRESH(so_many_and_no_more),	      FRESH(only_bad_ones),
		FRESH(findings_are_printed_once),     FRESH(a_place_that_is_full),
		FRESH(the_end_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
