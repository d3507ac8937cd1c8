/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_INTERPOSED_H
#define FLUSHAUDIT_INTERPOSED_H

#include "interpose.h"
#include "store.h"

/* One finding for each library, and a blind spot for what could not be looked at. */
void interposed_store(const struct interpose *interpose, struct store *store);

#endif
