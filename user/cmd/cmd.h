/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_CMD_H
#define FLUSHAUDIT_CMD_H

#include "exitcode.h"

/* Each command gets its own arguments, argv[0] being "flushaudit NAME". */
int cmd_run(int argc, char **argv);

#endif
