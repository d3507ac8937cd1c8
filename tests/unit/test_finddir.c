// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../user/directory.h"

/* The path of a directory as directory_find() has it, reached by a descriptor as by a link. */
static void find(int fd, char *real, size_t size)
{
	struct stack *stack = stack_new("");
	struct place place;
	struct stat own;
	char path[64];

	assert_non_null(stack);
	assert_int_equal(stat("/proc/self/ns/mnt", &own), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	directory_find(stack, path, own.st_ino, &place, real, size);
	stack_free(stack);
}

static void one_that_is_gone_has_no_path(void **state)
{
	char name[] = "/tmp/test_finddir.XXXXXX", real[128] = "?";
	int fd;

	(void)state;
	assert_non_null(mkdtemp(name));
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	find(fd, real, sizeof(real));
	assert_string_equal(real, name);
	assert_int_equal(rmdir(name), 0);
	find(fd, real, sizeof(real));
	assert_string_equal(real, "");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_gone_has_no_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
