// SPDX-License-Identifier: GPL-2.0-only
/* flushaudit run: audit a command and all its descendants, then report. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "attach.h"
#include "audit.h"
#include "cmd/cmd.h"
#include "options.h"
#include "report/report.h"
#include "target.h"

#define DRAIN_MS 20   /* how long records may wait in the ring */
#define GRACE_MS 2000 /* what a signalled command has to end */

struct run_options {
	const char *output, *format, *db, *user;
	bool all, exposure, names, follow_command, propagate;
	struct options_common common;
	char **command;
};

enum option_key {
	KEY_JSON = 256,
	KEY_FORMAT,
	KEY_DB,
	KEY_ALL,
	KEY_EXPOSURE,
	KEY_NAMES,
	KEY_FOLLOW,
	KEY_USER,
	KEY_PROPAGATE,
};

static const struct argp_option argp_options[] = {
	{"output", 'o', "FILE", 0, "Write the report to FILE instead of stderr", 1},
	{"format", KEY_FORMAT, "NAME", 0, "text (default) or json", 1},
	{"json", KEY_JSON, NULL, 0, "Same as --format json", 1},
	{"all", KEY_ALL, NULL, 0, "List every sync call in the text report", 1},
	{"exposure", KEY_EXPOSURE, NULL, 0,
	 "List every file that was written to: how much of it was not durable, and for how long",
	 1},
	{"names", KEY_NAMES, NULL, 0,
	 "List every name that was made, moved or removed, and whether that is durable: whether "
	 "its "
	 "directory was synced since, and what the file system made of it; directories that were "
	 "not "
	 "are findings",
	 1},
	{"db", KEY_DB, "FILE", 0, "Keep the audit database (SQLite) in FILE", 1},
	{"user", KEY_USER, "NAME", 0, "Run the command as this user", 2},
	{"follow", KEY_FOLLOW, "WHAT", 0,
	 "all (default): audit until the last descendant ended; command: until the command itself "
	 "did",
	 2},
	{"propagate", KEY_PROPAGATE, NULL, 0,
	 "Exit with the command's own status when the audit itself passes", 2},
	{0},
};

static const char doc[] =
	"Runs CMD and tells for every sync call of it and of all its descendants (fsync, msync, "
	"syncfs, "
	"O_DSYNC writes, io_uring, ...) whether the data was on stable media when the call "
	"returned."
	"\vThe command keeps its standard streams; the report goes to stderr or -o FILE. Ctrl-C or "
	"SIGTERM ends the audit and still reports.\n\n"
	"Exit status: 0 all durable; 1 a sync call was not durable (write-outs that a later flush "
	"covered do not count), or data or a name can be lost as a finding says; 2 usage or "
	"environment error; 3 something stayed unproven.\n\n"
	"Examples:\n"
	"  sudo flushaudit run -- git add .\n"
	"  sudo flushaudit run --json -o audit.json --user postgres -- pgbench -T 10";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *run = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &run->common;
		break;
	case 'o':
		run->output = arg;
		break;
	case KEY_JSON:
		run->format = "json";
		break;
	case KEY_FORMAT:
		if (!report_find(arg))
			argp_error(state, "--format %s: known are %s", arg, report_names());
		run->format = arg;
		break;
	case KEY_DB:
		run->db = arg;
		break;
	case KEY_ALL:
		run->all = true;
		break;
	case KEY_EXPOSURE:
		run->exposure = true;
		break;
	case KEY_NAMES:
		run->names = run->common.attach.names = true;
		break;
	case KEY_USER:
		run->user = arg;
		break;
	case KEY_PROPAGATE:
		run->propagate = true;
		break;
	case KEY_FOLLOW:
		if (strcmp(arg, "all") != 0 && strcmp(arg, "command") != 0)
			argp_error(state, "--follow %s: all or command is wanted", arg);
		run->follow_command = strcmp(arg, "command") == 0;
		break;
	case ARGP_KEY_ARGS:
		run->command = state->argv + state->next;
		if (run->common.filter.nr_pids)
			argp_error(state, "--pid: what the command starts has no number yet; use "
					  "--comm, or flushaudit watch --pid");
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a command to audit is missing; write it after --");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Reads what signals came. Returns true when the audit is to end. */
static bool take_signals(int fd, const struct target *target)
{
	struct signalfd_siginfo info;
	bool stop = false;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		/* Ctrl-C reached the command from the terminal already. */
		if (info.ssi_code != SI_KERNEL)
			target_signal(target, info.ssi_signo);
		stop = true;
	}
	return stop;
}

/* Runs the audit until the command and what descends from it have ended. */
static int follow(struct audit *audit, struct target *target, int signals,
		  const struct run_options *options, struct error *err)
{
	struct pollfd fds[] = {
		{.fd = audit_fd(audit), .events = POLLIN},
		{.fd = signals, .events = POLLIN},
		{.fd = audit_mounts_fd(audit), .events = POLLPRI},
	};
	int grace = -1;

	for (;;) {
		if (poll(fds, 3, DRAIN_MS) < 0 && errno != EINTR)
			return error_set(err, errno, "poll: %s", strerror(errno));
		if (fds[2].revents & (POLLPRI | POLLERR))
			audit_rescan(audit);
		audit_refresh(audit);
		audit_drain(audit);
		if (take_signals(signals, target)) {
			if (grace >= 0)
				return 0; /* asked twice */
			grace = GRACE_MS / DRAIN_MS;
		}
		if (!target_reap(target) || (options->follow_command && target->exited))
			return 0;
		if (grace >= 0 && grace-- == 0)
			return 0;
	}
}

static int write_report(struct audit *audit, const struct run_options *options, FILE *out,
			struct error *err)
{
	struct report_options report = {
		.all = options->all,
		.exposure = options->exposure,
		.names = options->names,
		.color = cmd_wants_color(out),
	};
	int ret;

	ret = report_find(options->format)(audit_store(audit), out, &report);
	if (!ret && fflush(out))
		ret = -errno;
	if (ret)
		return error_set(err, -ret, "cannot write the report%s%s: %s",
				 options->output ? " to " : "",
				 options->output ? options->output : "", strerror(-ret));
	return 0;
}

/* Everything that can fail for want of a place to write fails before the command runs. */
static int open_output(const struct run_options *options, FILE **out, struct error *err)
{
	int fd;

	*out = stderr;
	if (options->output) {
		*out = fopen(options->output, "we");
		if (!*out)
			return error_set(err, errno, "cannot write -o %s: %s", options->output,
					 strerror(errno));
	}
	if (options->db) {
		fd = open(options->db, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return error_set(err, errno, "cannot write --db %s: %s", options->db,
					 strerror(errno));
		close(fd);
	}
	return 0;
}

static int conclude(struct audit *audit, const struct run_options *options,
		    const struct target *target, FILE *out)
{
	struct error err;
	int code, ret;

	audit_finish(audit, target->exited ? target->exit_status : -1);
	ret = write_report(audit, options, out, &err);
	if (ret)
		cmd_trouble(&err);
	if (options->db && store_save(audit_store(audit), options->db, &err))
		ret = cmd_trouble(&err);
	if (store_error(audit_store(audit))) {
		error_set(&err, EIO, "the audit database failed: %s",
			  store_error(audit_store(audit)));
		ret = cmd_trouble(&err);
	}
	if (ret)
		return EXIT_TROUBLE;
	code = audit_exit_code(audit);
	return code == EXIT_DURABLE && options->propagate && target->exited ? target->exit_status
									    : code;
}

static int audit_command(const struct run_options *options, struct audit *audit, FILE *out)
{
	struct target target;
	struct error err;
	int signals, ret;

	signals = cmd_open_signals(&err);
	if (signals < 0)
		return cmd_trouble(&err);
	audit_start(audit, options->command);
	audit_inherited(audit, STDOUT_FILENO);
	audit_inherited(audit, STDERR_FILENO);
	ret = target_start(&target, options->command, options->user, &err);
	if (!ret)
		ret = follow(audit, &target, signals, options, &err);
	close(signals);
	return ret ? cmd_trouble(&err) : conclude(audit, options, &target, out);
}

int cmd_run(int argc, char **argv)
{
	static const struct argp_child children[] = {{&options_common, 0, NULL, 0}, {0}};
	static const struct argp argp = {argp_options, parse, "-- CMD...", doc,
					 children,     NULL,  NULL};
	struct run_options run = {.format = "text", .common.attach.files = true};
	struct audit *audit = NULL;
	struct error err;
	FILE *out = NULL;
	int code;

	if (options_are_exact(&argp, argv, &err))
		return cmd_trouble(&err);
	argp_err_exit_status = EXIT_TROUBLE;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &run))
		return EXIT_TROUBLE;
	options_set_verbose(run.common.verbose);
	if (audit_open(&audit, &run.common.attach, &err) || open_output(&run, &out, &err)) {
		audit_free(audit);
		return cmd_trouble(&err);
	}
	code = audit_command(&run, audit, out);
	audit_free(audit);
	if (out != stderr && fclose(out) && code != EXIT_TROUBLE) {
		error_set(&err, errno, "cannot write -o %s: %s", run.output, strerror(errno));
		code = cmd_trouble(&err);
	}
	return code;
}
