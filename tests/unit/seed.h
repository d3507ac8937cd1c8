/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_TESTS_SEED_H
#define FLUSHAUDIT_TESTS_SEED_H

/* The seed of the random tests: FLUSHAUDIT_SEED, or a random one. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <cmocka.h>

static inline int seed_get(uint64_t *seed)
{
	const char *given = getenv("FLUSHAUDIT_SEED");
	char *end;

	if (!given)
		return getrandom(seed, sizeof(*seed), 0) == sizeof(*seed) ? 0 : -errno;
	errno = 0;
	*seed = strtoull(given, &end, 0);
	return errno || end == given || *end ? -EINVAL : 0;
}

/* Says which seed it is, so that a failure can be had again, or why there is none. */
static inline int choose_seed(uint64_t *seed)
{
	int err = seed_get(seed);

	if (err) {
		fprintf(stderr, "FLUSHAUDIT_SEED is not a number, or no random one is to be had\n");
		return err;
	}
	print_message("# FLUSHAUDIT_SEED=%" PRIu64 "\n", *seed);
	return 0;
}

#endif
