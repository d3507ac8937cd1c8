/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_EXITCODE_H
#define FLUSHAUDIT_EXITCODE_H

/* Exit codes, the same for every command. */
enum exit_code {
	EXIT_DURABLE = 0,
	EXIT_NOT_DURABLE = 1,
	EXIT_TROUBLE = 2, /* usage or environment */
	EXIT_UNPROVEN = 3,
	EXIT_REGRESSION = 4,
};

#endif
