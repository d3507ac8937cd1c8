/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_NOOP_H
#define FLUSHAUDIT_NOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Does a function return 0 and nothing else? Told from its machine code: @size bytes as
 * they are loaded, for @machine (EM_X86_64, EM_AARCH64; others: never). @is_void: it
 * returns nothing. Only straight-line code that computes nothing is recognised; what is
 * not understood is no such function.
 */
bool noop_is(uint16_t machine, const uint8_t *code, size_t size, bool is_void);

#endif
