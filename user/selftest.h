/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_SELFTEST_H
#define FLUSHAUDIT_SELFTEST_H

#include <stdbool.h>

#include "error.h"

struct selftest_result {
	bool writes_back; /* the file lay on a file system that writes pages to a device */
};

/*
 * Calls each kind of sync once on a temporary file of its own (in TMPDIR or
 * /var/tmp), so that the hooks can be counted. 0, or -errno with @err.
 */
int selftest_run(struct selftest_result *result, struct error *err);

#endif
