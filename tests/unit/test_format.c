// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format.h"

/* @raw comes out as @expected; unchanged exactly if the two are the same. */
static void assert_text(const char *raw, size_t length, const char *expected)
{
	char out[256];
	bool unchanged = format_safe_text(out, sizeof(out), raw, length);

	assert_string_equal(out, expected);
	assert_int_equal(unchanged, length == strlen(expected) && !memcmp(raw, expected, length));
}

#define TEXT(raw, expected) assert_text(raw, sizeof(raw) - 1, expected)

static void plain_text(void **state)
{
	(void)state;
	TEXT("", "");
	TEXT("/srv/a b.db", "/srv/a b.db");
	TEXT("!\"#$%&'()*+,-.:;<=>?@[]^_`{|}~", "!\"#$%&'()*+,-.:;<=>?@[]^_`{|}~");
}

static void control_characters(void **state)
{
	(void)state;
	TEXT("\033[2J", "\\x1b[2J");
	TEXT("a\nb", "a\\nb");
	TEXT("a\rb\tc\b", "a\\x0db\\x09c\\x08");
	TEXT("a\0b", "a\\x00b");
	TEXT("\x7f", "\\x7f");
	TEXT("\\", "\\\\");
	TEXT("\\n", "\\\\n"); /* is not taken for a newline */
}

static void c1_control_characters(void **state)
{
	(void)state;
	TEXT("\xc2\x80", "\\xc2\\x80");
	TEXT("\xc2\x9b"
	     "2J",
	     "\\xc2\\x9b2J"); /* CSI */
	TEXT("\xc2\x9f", "\\xc2\\x9f");
	TEXT("\xc2\xa0", "\xc2\xa0");
}

static void valid_utf8(void **state)
{
	(void)state;
	TEXT("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	TEXT("\xdf\xbf", "\xdf\xbf");
	TEXT("\xe0\xa0\x80", "\xe0\xa0\x80");
	TEXT("\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"); /* around the surrogates */
	TEXT("\xef\xbf\xbd", "\xef\xbf\xbd");
	TEXT("\xf0\x90\x80\x80", "\xf0\x90\x80\x80");
	TEXT("\xf0\x9f\x92\xbe", "\xf0\x9f\x92\xbe");
	TEXT("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");
}

static void invalid_utf8(void **state)
{
	(void)state;
	TEXT("\xff\xfe", "\\xff\\xfe");
	TEXT("\x80", "\\x80");
	TEXT("\xc0\xaf", "\\xc0\\xaf");			  /* overlong */
	TEXT("\xc1\xbf", "\\xc1\\xbf");			  /* overlong */
	TEXT("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");	  /* overlong */
	TEXT("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"); /* overlong */
	TEXT("\xed\xa0\x80", "\\xed\\xa0\\x80");	  /* surrogate */
	TEXT("\xed\xbf\xbf", "\\xed\\xbf\\xbf");	  /* surrogate */
	TEXT("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
	TEXT("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"); /* likewise */
	TEXT("\xe2\x82", "\\xe2\\x82");			  /* ends too early */
	TEXT("\xf0\x9f\x92", "\\xf0\\x9f\\x92");	  /* likewise */
	TEXT("\xc3x", "\\xc3x");			  /* broken off */
	TEXT("\xe2\x82\xc3\xbc", "\\xe2\\x82\xc3\xbc");	  /* broken off, then a whole one */
	TEXT("\xf0\x9f\xff\xbe", "\\xf0\\x9f\\xff\\xbe");
}

/* Length of the piece at @text: an escape or a character. */
static size_t piece_length(const char *text)
{
	unsigned char first = (unsigned char)text[0];

	if (first == '\\')
		return text[1] == 'x' ? 4 : 2;
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void truncation_splits_nothing(void **state)
{
	static const char raw[] = "a\xc3\xbc\n\xf0\x9f\x92\xbe\xff\\\xe2\x82\xac";
	char whole[64];
	char *out;

	(void)state;
	format_safe_text(whole, sizeof(whole), raw, sizeof(raw) - 1);
	for (size_t size = 1; size <= strlen(whole); size++) {
		size_t fits = 0;

		while (fits + piece_length(whole + fits) < size)
			fits += piece_length(whole + fits);
		out = malloc(size); /* so that ASan sees a byte too many */
		assert_non_null(out);
		assert_false(format_safe_text(out, size, raw, sizeof(raw) - 1));
		assert_int_equal(strlen(out), fits);
		assert_memory_equal(out, whole, fits);
		free(out);
	}
}

static void text_that_just_fits(void **state)
{
	char out[4];

	(void)state;
	assert_true(format_safe_text(out, sizeof(out), "abc", 3));
	assert_string_equal(out, "abc");
	assert_false(format_safe_text(out, sizeof(out), "abcd", 4));
	assert_string_equal(out, "abc");
}

/* Of any bytes comes printable text; what has no backslash stays what it is. */
static void output_is_safe(void **state)
{
	char raw[3], out[16], again[32];
	char *c;

	(void)state;
	for (unsigned int bytes = 0; bytes < 1 << 16; bytes++) {
		raw[0] = (char)(bytes >> 8);
		raw[1] = (char)bytes;
		raw[2] = (char)(bytes * 7);
		format_safe_text(out, sizeof(out), raw, sizeof(raw));
		for (c = out; *c; c++)
			assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
		if (strchr(out, '\\'))
			continue;
		assert_true(format_safe_text(again, sizeof(again), out, strlen(out)));
		assert_string_equal(again, out);
	}
}

static void assert_duration(uint64_t ns, const char *expected)
{
	char out[32];

	assert_ptr_equal(format_duration(out, sizeof(out), ns), out);
	assert_string_equal(out, expected);
}

static void durations(void **state)
{
	(void)state;
	assert_duration(0, "0 ns");
	assert_duration(812, "812 ns");
	assert_duration(999, "999 ns");
	assert_duration(1000, "1.0 us");
	assert_duration(45100, "45.1 us");
	assert_duration(999900, "999.9 us");
	assert_duration(1000000, "1.0 ms");
	assert_duration(3200000, "3.2 ms");
	assert_duration(1000000000, "1.00 s");
	assert_duration(12500000000, "12.50 s");
	assert_duration(UINT64_MAX, "18446744073.71 s");
}

/* Not "1000.0 us": that is 1.0 ms. */
static void durations_round_into_the_next_unit(void **state)
{
	(void)state;
	assert_duration(999999, "1.0 ms");
	assert_duration(999999999, "1.00 s");
}

static void assert_dev(uint32_t dev, const char *expected)
{
	char out[32];

	assert_ptr_equal(format_dev(out, sizeof(out), dev), out);
	assert_string_equal(out, expected);
}

static void device_numbers(void **state)
{
	(void)state;
	assert_dev(0, "0:0");
	assert_dev(254 << 20, "254:0");
	assert_dev(259 << 20 | 300, "259:300");
	assert_dev(UINT32_MAX, "4095:1048575");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(c1_control_characters),
		cmocka_unit_test(valid_utf8),
		cmocka_unit_test(invalid_utf8),
		cmocka_unit_test(truncation_splits_nothing),
		cmocka_unit_test(text_that_just_fits),
		cmocka_unit_test(output_is_safe),
		cmocka_unit_test(durations),
		cmocka_unit_test(durations_round_into_the_next_unit),
		cmocka_unit_test(device_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
