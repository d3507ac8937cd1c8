// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"

enum common_key {
	KEY_LEVEL = 0x1000, /* apart from the commands' own */
	KEY_RING,
	KEY_LEDGER,
	KEY_PID,
	KEY_COMM,
	KEY_CGROUP,
	KEY_UNIT,
	KEY_DEV,
	KEY_PATH,
};

static const struct argp_option common[] = {
	{NULL, 0, NULL, 0,
	 "Filters: which sync calls are audited. Several values of one option are alternatives, "
	 "different options must all hold:",
	 4},
	{"pid", KEY_PID, "PID", 0, "Of a process, its threads, children and later children", 4},
	{"comm", KEY_COMM, "NAME", 0,
	 "By threads of that name (as ps -o comm); NAME* what begins so", 4},
	{"cgroup", KEY_CGROUP, "PATH", 0, "In a cgroup or below: a container", 4},
	{"unit", KEY_UNIT, "NAME", 0, "In a unit of systemd", 4},
	{"dev", KEY_DEV, "DEV", 0, "On a device (node, name or major:minor) or what stands on it",
	 4},
	{"path", KEY_PATH, "PATH", 0, "Of a file, of all below a directory, or of a 'pattern*'", 4},
	{NULL, 0, NULL, 0, "How the kernel is watched:", 5},
	{"level", KEY_LEVEL, "LEVEL", 0, "auto (default), fentry, kprobe or tracepoint", 5},
	{"ring-size", KEY_RING, "BYTES", 0, "Size of the ring buffer, rounded up to a power of two",
	 5},
	{"ledger-size", KEY_LEDGER, "N", 0, "Writes in flight and inodes the ledger can hold", 5},
	{"verbose", 'v', NULL, 0, "Show what libbpf and the kernel's verifier say", 5},
	{0},
};

uint64_t options_number(const char *text, const char *option, uint64_t most,
			struct argp_state *state)
{
	unsigned long long number;
	int shift = 0;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	end += shift > 0;
	if (errno || *text < '0' || *text > '9' || *end || !number || number > most >> shift)
		argp_error(state, "%s %s: a number from 1 to %llu is wanted", option, text,
			   (unsigned long long)most);
	return number << shift;
}

/* A value of a filter. Returns false when the key is not one of a filter. */
static bool parse_filter(int key, char *arg, struct filter *filter, struct argp_state *state)
{
	struct error err;
	int ret;

	switch (key) {
	case KEY_PID:
		ret = lookup_pid(filter, "", arg, &err);
		break;
	case KEY_COMM:
		ret = filter_add_comm(filter, arg, &err);
		break;
	case KEY_CGROUP:
		ret = lookup_cgroup(filter, "", arg, &err);
		break;
	case KEY_UNIT:
		ret = lookup_unit(filter, "", arg, &err);
		break;
	case KEY_DEV:
		ret = lookup_dev(filter, "", arg, &err);
		break;
	case KEY_PATH:
		ret = lookup_path(filter, arg, &err);
		break;
	default:
		return false;
	}
	if (ret)
		argp_failure(state, argp_err_exit_status, 0, "%s", err.text);
	return true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options_common *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options->attach.filter = &options->filter;
		break;
	case 'v':
		options->verbose = true;
		break;
	case KEY_LEVEL:
		options->attach.level = attach_level_parse(arg);
		if (options->attach.level == LEVELS)
			argp_error(state, "--level %s: known are auto, fentry, kprobe, tracepoint",
				   arg);
		break;
	case KEY_RING:
		options->attach.ring_bytes = options_number(arg, "--ring-size", 1U << 30, state);
		break;
	case KEY_LEDGER:
		options->attach.ledger_entries =
			options_number(arg, "--ledger-size", 1U << 30, state);
		break;
	default:
		return parse_filter(key, arg, &options->filter, state) ? 0 : ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp options_common = {common, parse, NULL, NULL, NULL, NULL, NULL};

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

void options_set_verbose(bool verbose)
{
	libbpf_set_print(verbose ? print_libbpf : NULL);
}

/* An option of @argp or its children, by its whole name (@length bytes) or by its letter. */
static const struct argp_option *find(const struct argp *argp, const char *name, size_t length,
				      char letter)
{
	const struct argp_child *child;
	const struct argp_option *option;

	for (option = argp->options; option && (option->name || option->doc); option++)
		if (name ? option->name && strlen(option->name) == length &&
				    !memcmp(option->name, name, length)
			 : option->key == letter)
			return option;
	for (child = argp->children; child && child->argp; child++) {
		option = find(child->argp, name, length, letter);
		if (option)
			return option;
	}
	return NULL;
}

int options_are_exact(const struct argp *argp, char *const *argv, struct error *err)
{
	/* argp's own */
	static const struct argp_option own[] = {
		{"help", '?', NULL, 0, "", 0}, {"usage", 0, NULL, 0, "", 0}, {0}};
	static const struct argp builtin = {own, NULL, NULL, NULL, NULL, NULL, NULL};
	const struct argp_option *option;
	bool takes_next;

	for (argv++; *argv && (*argv)[0] == '-' && strcmp(*argv, "--") != 0; argv++) {
		const char *name = *argv + 2;
		size_t length = strcspn(*argv, "=") - 2;

		if ((*argv)[1] != '-') { /* -v, -o FILE, -oFILE */
			option = find(argp, NULL, 0, (*argv)[1]);
			takes_next = option && option->arg && !(*argv)[2];
		} else {
			option = find(argp, name, length, 0);
			if (!option && !find(&builtin, name, length, 0))
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
