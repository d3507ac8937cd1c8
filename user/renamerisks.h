/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_RENAMERISKS_H
#define FLUSHAUDIT_RENAMERISKS_H

#include "stack.h"
#include "store.h"

/*
 * Findings about renames, when the list of changes is complete: a file that took the name of
 * another before its own data was synced (rename-before-sync), a directory that was moved before
 * what is below it was (staging-not-synced), a symbolic link that took a name (symlink-unsyncable).
 */
void renamerisks_store(struct store *store, const struct stack *stack);

#endif
