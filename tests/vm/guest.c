// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARKER "/dev/by-harness/marker"

void fail(const char *format, ...)
{
	int error = errno;
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

static const char *marker(void)
{
	const char *path = getenv("PLAYER_MARKER");

	return path ? path : MARKER;
}

/* Kept open: marks are many. */
static int port = -1;

void send_line(const char *line)
{
	/* The port has one opener at a time. */
	while (port < 0 && (port = open(marker(), O_RDWR | O_CLOEXEC | O_NOCTTY)) < 0 &&
	       errno == EBUSY)
		usleep(1000);
	if (port < 0 || write(port, line, strlen(line)) != (ssize_t)strlen(line))
		fail("%s", marker());
}

const char *receive_line(void)
{
	static char line[64 * 1024];
	static size_t used, taken;
	char *end;

	memmove(line, line + taken, used - taken);
	used -= taken;
	while (!(end = memchr(line, '\n', used))) {
		ssize_t n = read(port, line + used, sizeof(line) - used);

		if (n <= 0) {
			if (!n)
				errno = EPROTO;
			fail("%s", marker());
		}
		used += n;
	}
	*end = '\0';
	taken = end + 1 - line;
	return line;
}

void tell_drive(const char *line)
{
	if (!strcmp(marker(), "none"))
		return;
	send_line(line);
	errno = EPROTO;
	if (strcmp(receive_line(), "ok") != 0)
		fail("drive refused: %.*s", (int)strcspn(line, "\n"), line);
}
