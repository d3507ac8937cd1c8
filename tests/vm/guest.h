/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs of the guest share: to fail aloud, and the drive's port. */
#ifndef GUEST_H
#define GUEST_H

/* Ends the program (1) with its name and errno's text. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* To and from the drive's port, /dev/by-harness/marker or the environment's
 * PLAYER_MARKER; it is kept open to the program's end, and other openers wait. A line
 * goes out with its newline and comes back without; what came is valid until the next. */
void send_line(const char *line);
const char *receive_line(void);

/* Sends one line and waits for the drive's "ok". Does nothing if PLAYER_MARKER is "none". */
void tell_drive(const char *line);

#endif
