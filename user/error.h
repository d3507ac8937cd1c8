/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_ERROR_H
#define FLUSHAUDIT_ERROR_H

/*
 * What went wrong, for a person: deep code fills it and returns a negative
 * errno, only cmd/ and main print it. The text names the cause and the next
 * step.
 */
struct error {
	char text[512];
};

/* Fills @err (may be NULL) from a printf format; returns -@errnum for `return error_set(...)`. */
int error_set(struct error *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
