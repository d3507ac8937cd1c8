/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_NAMERISKS_H
#define FLUSHAUDIT_NAMERISKS_H

#include "stack.h"
#include "store.h"

/*
 * Findings about names, when the list of changes is complete: each directory in which names were
 * left, or removed, that no sync of it followed (dir-not-synced). Names that were made and removed
 * again within the audit matter to nobody, nor those of file systems without a device.
 */
void namerisks_store(struct store *store, const struct stack *stack);

#endif
