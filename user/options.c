// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct argp_option *find_long(const struct argp_option *options, const char *name,
					   size_t length)
{
	for (; options->name; options++)
		if (strlen(options->name) == length && !memcmp(options->name, name, length))
			return options;
	return NULL;
}

static const struct argp_option *find_short(const struct argp_option *options, char key)
{
	for (; options->name; options++)
		if (options->key == key)
			return options;
	return NULL;
}

int options_are_exact(const struct argp_option *options, char *const *argv, struct error *err)
{
	/* argp's own */
	static const struct argp_option own[] = {
		{"help", '?', NULL, 0, "", 0}, {"usage", 0, NULL, 0, "", 0}, {0}};
	const struct argp_option *option;
	bool takes_next;

	for (argv++; *argv && (*argv)[0] == '-' && strcmp(*argv, "--") != 0; argv++) {
		const char *name = *argv + 2;
		size_t length = strcspn(*argv, "=") - 2;

		if ((*argv)[1] != '-') { /* -v, -o FILE, -oFILE */
			option = find_short(options, (*argv)[1]);
			takes_next = option && option->arg && !(*argv)[2];
		} else {
			option = find_long(options, name, length);
			if (!option && !find_long(own, name, length))
				return error_set(err, EINVAL,
						 "unknown option '%s'; --help lists the options",
						 *argv);
			takes_next = option && option->arg && !name[length];
		}
		if (takes_next && argv[1])
			argv++;
	}
	return 0;
}
