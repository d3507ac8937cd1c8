// SPDX-License-Identifier: GPL-2.0-only
/* The command table and dispatch; nothing else. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"run", cmd_run, "audit a command and all its descendants, then report"},
	{"watch", cmd_watch, "one line per sync call of the machine, live"},
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	size_t i;

	fputs("Usage: flushaudit COMMAND [OPTION...]\n"
	      "Did the data reach stable media before the sync call returned, and which\n"
	      "hardware flush put it there? Answers for every fsync, fdatasync and\n"
	      "sync_file_range.\n\n"
	      "Commands:\n",
	      out);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n'flushaudit COMMAND --help' tells more. Try first:\n"
	      "  sudo flushaudit run -- sqlite3 /var/tmp/t.db 'create table t(x)'\n\n"
	      "Exit status: 0 all durable; 1 a sync call was not durable; 2 usage or\n"
	      "environment error; 3 something stayed unproven.\n",
	      out);
}

int main(int argc, char **argv)
{
	char name[64];
	size_t i;

	if (argc < 2) {
		print_help(stderr);
		return EXIT_TROUBLE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("flushaudit %s\n", VERSION);
		return 0;
	}
	for (i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		snprintf(name, sizeof(name), "flushaudit %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr,
		"flushaudit: unknown command '%s'; 'flushaudit --help' lists the commands\n",
		argv[1]);
	return EXIT_TROUBLE;
}
