/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_SURVEY_H
#define FLUSHAUDIT_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "verdict.h"

/* How what was written to a file stands, by the facts of a SYNC_SURVEY of it. Pure. */

/* Why data written to a file would not survive a power cut now. */
enum survey_state {
	SURVEY_NOT_SHOWN = 0,
	SURVEY_DIRTY,	    /* in memory only */
	SURVEY_IN_FLIGHT,   /* on its way to the device */
	SURVEY_UNFLUSHED,   /* in a volatile cache */
	SURVEY_UNCOMMITTED, /* written, but the journal has not committed what leads to it */
};

/* What the facts show to be at risk. @device: where, else "". */
enum survey_state survey_judge(const struct verdict_facts *facts, const char **device);

/* When the newest write to the file completed, on any device; 0: none was seen. */
uint64_t survey_newest_write(const struct verdict_facts *facts);

/* Is it shown that a flush covers all that was written to the file? */
bool survey_is_flushed(const struct verdict_facts *facts);

/* ... and that the journal has committed what leads to it? Only ext4 tells. */
bool survey_is_committed(const struct verdict_facts *facts);

#endif
