/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FORMAT_H
#define FLUSHAUDIT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Makes text from outside (paths, comm) printable: valid UTF-8 stays, control
 * characters, backslashes and bytes that are no UTF-8 become \n, \\ or \xNN.
 * Writes at most @size bytes with the NUL and never half a character or escape.
 * Returns true when the text came through unchanged.
 */
bool format_safe_text(char *out, size_t size, const char *raw, size_t length);

/* "812 ns", "45.1 us", "3.2 ms", "12.50 s" */
const char *format_duration(char *out, size_t size, uint64_t ns);

/* "254:0" from major << 20 | minor */
const char *format_dev(char *out, size_t size, uint32_t dev);

#endif
