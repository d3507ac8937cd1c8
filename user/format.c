// SPDX-License-Identifier: GPL-2.0-only
#include "format.h"

#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 sequence at @p, 0: not one (RFC 3629: no overlongs, no surrogates). */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length, i;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		length = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		length = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (left < length)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < length; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	/* C1 control characters move a terminal's cursor too */
	return length == 2 && p[0] == 0xc2 && p[1] < 0xa0 ? 0 : length;
}

bool format_safe_text(char *out, size_t size, const char *raw, size_t length)
{
	const unsigned char *p = (const unsigned char *)raw;
	bool unchanged = true;
	size_t used = 0, i = 0, n;
	char piece[8];

	while (i < length) {
		n = 1;
		if (p[i] == '\\') {
			snprintf(piece, sizeof(piece), "\\\\");
		} else if (p[i] == '\n') {
			snprintf(piece, sizeof(piece), "\\n");
		} else if (p[i] >= 0x20 && p[i] < 0x7f) {
			snprintf(piece, sizeof(piece), "%c", p[i]);
		} else if ((n = utf8_sequence(p + i, length - i))) {
			snprintf(piece, sizeof(piece), "%.*s", (int)n, raw + i);
		} else {
			n = 1;
			snprintf(piece, sizeof(piece), "\\x%02x", p[i]);
		}
		if (piece[0] == '\\')
			unchanged = false;
		if (used + strlen(piece) >= size) {
			unchanged = false;
			break;
		}
		memcpy(out + used, piece, strlen(piece));
		used += strlen(piece);
		i += n;
	}
	if (size)
		out[used] = '\0';
	return unchanged;
}

const char *format_duration(char *out, size_t size, uint64_t ns)
{
	if (ns < 1000)
		snprintf(out, size, "%llu ns", (unsigned long long)ns);
	else if (ns < 999950)
		snprintf(out, size, "%.1f us", ns / 1e3);
	else if (ns < 999950000)
		snprintf(out, size, "%.1f ms", ns / 1e6);
	else
		snprintf(out, size, "%.2f s", ns / 1e9);
	return out;
}

const char *format_dev(char *out, size_t size, uint32_t dev)
{
	snprintf(out, size, "%u:%u", dev >> 20, dev & 0xfffff);
	return out;
}
