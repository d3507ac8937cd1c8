// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "noop.h"
#include "seed.h"

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static const uint8_t endbr_xor_ret[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x31, 0xc0, 0xc3};

/* As gcc and clang compile "return 0;" of one and of four arguments. */
static void empty_functions(void **state)
{
	(void)state;
	assert_true(noop_is(EM_X86_64, CODE(0x31, 0xc0, 0xc3), false));
	assert_true(noop_is(EM_X86_64, endbr_xor_ret, sizeof(endbr_xor_ret), false));
	assert_true(noop_is(
		EM_X86_64,
		CODE(0x55, 0x48, 0x89, 0xe5, 0x89, 0x7d, 0xfc, 0xb8, 0, 0, 0, 0, 0x5d, 0xc3),
		false));
	assert_true(noop_is(EM_X86_64,
			    CODE(0x55, 0x48, 0x89, 0xe5, 0x89, 0x7d, 0xfc, 0x48, 0x89, 0x75, 0xf0,
				 0x48, 0x89, 0x55, 0xe8, 0x89, 0x4d, 0xf8, 0xb8, 0, 0, 0, 0, 0x5d,
				 0xc3, 0xcc),
			    false));
	assert_true(noop_is(EM_X86_64, CODE(0xc3), true));
	assert_true(noop_is(EM_X86_64, CODE(0x55, 0x48, 0x89, 0xe5, 0x90, 0x5d, 0xc3), true));
	assert_true(
		noop_is(EM_AARCH64, CODE(0x00, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6), false));
	assert_true(noop_is(EM_AARCH64,
			    CODE(0xff, 0x43, 0x00, 0xd1, 0xe0, 0x0f, 0x00, 0xb9, 0x00, 0x00, 0x80,
				 0x52, 0xff, 0x43, 0x00, 0x91, 0xc0, 0x03, 0x5f, 0xd6),
			    false));
}

static void functions_that_may_do_something(void **state)
{
	(void)state;
	assert_false(noop_is(EM_X86_64, CODE(0xb8, 1, 0, 0, 0, 0xc3), false)); /* return 1 */
	assert_false(noop_is(EM_X86_64, CODE(0xc3), false));		       /* of what? */
	assert_false(noop_is(EM_X86_64, CODE(0x83, 0xc8, 0xff, 0xc3), false)); /* return -1 */
	assert_false(
		noop_is(EM_X86_64, CODE(0xe8, 0, 0, 0, 0, 0x31, 0xc0, 0xc3), false)); /* call */
	assert_false(noop_is(EM_X86_64, CODE(0xff, 0x25, 0, 0, 0, 0), false)); /* jump elsewhere */
	assert_false(noop_is(EM_X86_64, CODE(0xb8, 0x4a, 0, 0, 0, 0x0f, 0x05, 0xc3), false));
	assert_false(noop_is(EM_X86_64, CODE(0x31, 0xc0), false)); /* no end */
	assert_false(noop_is(EM_X86_64, CODE(0x31, 0xc0, 0x0f, 0x05, 0xc3), false));
	assert_false(noop_is(
		EM_AARCH64,
		CODE(0x48, 0x0a, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0xc0, 0x03, 0x5f, 0xd6),
		false));
	assert_false(noop_is(EM_RISCV, CODE(0x31, 0xc0, 0xc3), false));
	assert_false(noop_is(EM_X86_64, NULL, 0, true));
}

/* Bytes that end anywhere must not be read beyond. */
static void random_code(void **state)
{
	uint64_t random = *(uint64_t *)*state, found = 0;
	uint8_t code[16];

	for (int i = 0; i < 2000000; i++) {
		size_t size = (random >> 20) % (sizeof(code) + 1);

		for (size_t at = 0; at < sizeof(code); at++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			code[at] = random >> 60 < 12 ? endbr_xor_ret[(random >> 40) % 7]
						     : (uint8_t)(random >> 33);
		}
		found += noop_is(EM_X86_64, code + sizeof(code) - size, size, i & 1);
		/* What has no return, is none. */
		if (!memchr(code + sizeof(code) - size, 0xc3, size))
			assert_false(noop_is(EM_X86_64, code + sizeof(code) - size, size, true));
	}
	assert_true(found > 0);
}

int main(void)
{
	static uint64_t seed;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_functions),
		cmocka_unit_test(functions_that_may_do_something),
		cmocka_unit_test_prestate(random_code, &seed),
	};

	if (choose_seed(&seed))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
