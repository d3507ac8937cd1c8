// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "places.h"

static int setup(void **state)
{
	*state = places_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	places_free(*state);
	return 0;
}

static void learn(struct places *places, const char *path, uint64_t ino)
{
	struct place place = {1, ino};

	places_learn(places, path, &place);
}

/* 0: not known. */
static uint64_t at(const struct places *places, const char *path)
{
	struct place place = {0};

	return places_find(places, path, &place) ? place.ino : 0;
}

static void the_newest_counts(void **state)
{
	assert_int_equal(at(*state, "/a"), 0);
	learn(*state, "/a", 7);
	learn(*state, "/a/b", 8);
	assert_int_equal(at(*state, "/a"), 7);
	learn(*state, "/a", 9);
	assert_int_equal(at(*state, "/a"), 9);
	assert_int_equal(at(*state, "/a/b"), 8);
	assert_int_equal(at(*state, "/a/"), 0);
}

static void all_below_moves(void **state)
{
	learn(*state, "/a", 1);
	learn(*state, "/a/b", 2);
	learn(*state, "/a/b/c", 3);
	learn(*state, "/a.b", 4);
	learn(*state, "/ab", 5);
	places_moved(*state, "/a", "/z/y");
	assert_int_equal(at(*state, "/a"), 0);
	assert_int_equal(at(*state, "/a/b"), 0);
	assert_int_equal(at(*state, "/z/y"), 1);
	assert_int_equal(at(*state, "/z/y/b"), 2);
	assert_int_equal(at(*state, "/z/y/b/c"), 3);
	assert_int_equal(at(*state, "/a.b"), 4);
	assert_int_equal(at(*state, "/ab"), 5);
}

static void what_is_replaced_is_gone(void **state)
{
	learn(*state, "/old", 1);
	learn(*state, "/new", 2);
	learn(*state, "/new/below", 3);
	places_moved(*state, "/old", "/new");
	assert_int_equal(at(*state, "/new"), 1);
	assert_int_equal(at(*state, "/new/below"), 0);
	places_forget(*state, "/new");
	assert_int_equal(at(*state, "/new"), 0);
}

static void one_may_move_below_where_it_was(void **state)
{
	learn(*state, "/a", 1);
	learn(*state, "/a/b", 2);
	places_moved(*state, "/a/b", "/a");
	assert_int_equal(at(*state, "/a"), 2);
	assert_int_equal(at(*state, "/a/b"), 0);
	places_moved(*state, "/none", "/a");
	assert_int_equal(at(*state, "/a"), 0); /* what came there is not known */
}

static void many_are_bounded(void **state)
{
	char path[32];
	int i;

	for (i = 1; i <= 70000; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		learn(*state, path, i);
	}
	assert_int_equal(at(*state, "/70000"), 70000);
	assert_int_equal(at(*state, "/1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_newest_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(all_below_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_replaced_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(one_may_move_below_where_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(many_are_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
