/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_ELSEWHERE_H
#define FLUSHAUDIT_ELSEWHERE_H

#include "verdict.h"

/*
 * Sync calls that no file system on devices of this machine answers. Pure functions, which
 * set kind, reason, detail and grounds of @verdict.
 */

/* The call returned and never entered (SYNC_UNENTERED). */
void elsewhere_judge_unentered(struct verdict *verdict, const struct verdict_facts *facts);

/* The file is on another machine, or a FUSE server keeps it: what was sent, and what the other
 * end must do for it to be durable. */
void elsewhere_judge_remote(struct verdict *verdict, const struct verdict_facts *facts);

#endif
