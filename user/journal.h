/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_JOURNAL_H
#define FLUSHAUDIT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "flushlog.h"
#include "stack.h"
#include "verdict.h"

/* What is known of the journal, or log, of a file system, beyond what one call needed of it. */

/* Can what is changed on file system @s_dev, 0: not known, be in a transaction of @order_s_dev? An
 * earlier one of the same thread may have been taken for its own, where the kernel skipped runs of
 * our programs or that one was called as 32-bit programs do. */
bool journal_may_hold(const struct stack *stack, uint32_t order_s_dev, uint32_t s_dev);

/* Is each commit of file system @s_dev told (SYNC_COMMIT)? */
bool journal_tells(const struct stack *stack, uint32_t s_dev);

/* The flush that went with the record of a commit, or followed it; @facts: of a SYNC_COMMIT. Its
 * id in the store, 0: none was seen. */
int64_t journal_flush(struct flushlog *flushes, const struct verdict_facts *facts);

/* When a commit record last ended on a device, as attach_last_commit(). */
typedef uint64_t (*journal_last_fn)(void *ctx, uint32_t part);

/* Is it known that no commit of file system @s_dev ended since @since_ns, whoever asked for it? */
bool journal_quiet_since(const struct stack *stack, uint32_t s_dev, uint64_t since_ns,
			 journal_last_fn last, void *ctx);

#endif
