/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_NAMERISKS_H
#define FLUSHAUDIT_NAMERISKS_H

#include <stdbool.h>
#include <stdint.h>

#include "findings.h"
#include "stack.h"
#include "store.h"

/*
 * Findings about names, when the list of changes is complete: each directory in which names were
 * left that no sync of it followed (dir-not-synced), or removed that had been there before the
 * audit (unlink-not-durable). Names that were made and removed again within the audit matter to
 * nobody, nor those of file systems without a device.
 */
void namerisks_store(struct store *store, const struct stack *stack);

/* A finding about names, which POSIX does not promise; @risk: nor does the file system. */
void namerisks_add(struct store *store, enum finding_kind kind, bool risk, const char *path,
		   const char *detail, uint64_t since_ns, const char *filesystem);

/* The file system whose number is @dev, "254:0", if it is on a disk: NULL, it is not, or not known.
 * A directory on a stacked one is where its upper one is. */
const struct stack_mount *namerisks_mount(const struct stack *stack, const char *dev);

#endif
