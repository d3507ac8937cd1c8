/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_OPTIONS_H
#define FLUSHAUDIT_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "attach.h"
#include "error.h"
#include "filter.h"

/* What the options that every auditing command has in common say. */
struct options_common {
	struct attach_options attach; /* its filter is the one below */
	struct filter filter;
	bool verbose;
};

/* These options, as a child of the command's own; its input is a struct options_common. */
extern const struct argp options_common;

/* A whole number from 1 to @most with an optional K, M or G. Ends the program on anything else. */
uint64_t options_number(const char *text, const char *option, uint64_t most,
			struct argp_state *state);

/*
 * getopt accepts any unambiguous beginning of an option's name, so a new option
 * would break scripts. Returns 0 when each long option before the command is
 * one of @argp's, or of its children's, by its whole name, else -EINVAL with @err.
 */
int options_are_exact(const struct argp *argp, char *const *argv, struct error *err);

/* Lets libbpf say what it has to say, or nothing. */
void options_set_verbose(bool verbose);

#endif
