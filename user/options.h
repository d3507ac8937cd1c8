/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_OPTIONS_H
#define FLUSHAUDIT_OPTIONS_H

#include <argp.h>

#include "error.h"

/*
 * getopt accepts any unambiguous beginning of an option's name, so a new option
 * would break scripts. Returns 0 when each long option before the command is
 * one of @options by its whole name, else -EINVAL with @err.
 */
int options_are_exact(const struct argp_option *options, char *const *argv, struct error *err);

#endif
