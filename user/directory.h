/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_DIRECTORY_H
#define FLUSHAUDIT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "places.h"
#include "stack.h"

/*
 * Which directory @path leads to now, for a process of the mount namespace of that number, and its
 * path without links into @real, which is empty if it is gone meanwhile. False: it is none, or the
 * namespace is not the auditor's.
 */
bool directory_find(const struct stack *stack, const char *path, uint32_t mount_namespace,
		    struct place *place, char *real, size_t size);

#endif
