/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_CMD_H
#define FLUSHAUDIT_CMD_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"
#include "exitcode.h"

/* Each command gets its own arguments, argv[0] being "flushaudit NAME". */
int cmd_run(int argc, char **argv);
int cmd_watch(int argc, char **argv);

/* Prints what went wrong; returns EXIT_TROUBLE. */
int cmd_trouble(const struct error *err);

/* A descriptor through which the signals that end an audit and SIGCHLD come from now on. -errno
 * with @err. */
int cmd_open_signals(struct error *err);

/* Is colour wanted there? */
bool cmd_wants_color(FILE *out);

#endif
