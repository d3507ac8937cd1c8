/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_CHANGERS_H
#define FLUSHAUDIT_CHANGERS_H

#include "state.h"

/* The system calls of this architecture that change names, into @table of STATE_CHANGERS. */
void changers_fill(struct state_changer *table);

#endif
