// SPDX-License-Identifier: GPL-2.0-only
/* flushaudit watch: one line per sync call of the machine, live. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "cmd/cmd.h"
#include "options.h"
#include "report/live.h"

#define DRAIN_MS     50	   /* how long records may wait in the ring */
#define CHORES_MS    1000  /* between purges and looks at the losses */
#define WARN_MS	     10000 /* between warnings */
#define PURGE_ROWS   4096  /* ... and when that many rows have been printed */
#define KEEP_WAITING 16384 /* calls that a flush may still make up for */

struct watch_options {
	bool json, bad;
	uint64_t count, duration_s; /* 0: no end */
	struct options_common common;
};

enum option_key {
	KEY_JSON = 256,
	KEY_BAD,
	KEY_COUNT,
	KEY_DURATION,
};

static const struct argp_option argp_options[] = {
	{"json", KEY_JSON, NULL, 0,
	 "One JSON object per line, as in the list 'syncs' of a JSON report (findings: as in "
	 "'findings')",
	 1},
	{"bad", KEY_BAD, NULL, 0, "Only calls that are not durable or unproven", 1},
	{"count", KEY_COUNT, "N", 0, "End after N lines", 1},
	{"duration", KEY_DURATION, "SECONDS", 0, "End after that time", 1},
	{0},
};

static const char doc[] =
	"Prints a line for every sync call on the machine as it returns (fsync, msync, syncfs, "
	"O_DSYNC writes, io_uring, ...): was the data on stable media, and by which flush?"
	"\vCtrl-C, SIGTERM or a closed pipe end it; with --pid also the end of those processes. A "
	"summary goes to stderr then. Calls in progress when it begins are not listed.\n\n"
	"Exit status: 0 all durable; 1 a sync call was not durable (write-outs that a later flush "
	"covered do not count); 2 usage or environment error; 3 something stayed unproven.\n\n"
	"Examples:\n"
	"  sudo flushaudit watch --unit postgresql@15-main --bad\n"
	"  sudo flushaudit watch --path /srv --json | jq -c '[.comm, .verdict, .path]'";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct watch_options *watch = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &watch->common;
		break;
	case KEY_JSON:
		watch->json = true;
		break;
	case KEY_BAD:
		watch->bad = true;
		break;
	case KEY_COUNT:
		watch->count = options_number(arg, "--count", INT_MAX, state);
		break;
	case KEY_DURATION:
		watch->duration_s = options_number(arg, "--duration", INT_MAX, state);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': watch runs no command (flushaudit run does)", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* An audit and its lines, in progress. */
struct watch {
	const struct watch_options *options;
	struct audit *audit;
	struct live *live;
	uint64_t printed;
	bool closed;		  /* nobody reads what is printed */
	uint64_t lost, warned_ms; /* told of, and when */
	int64_t purged;		  /* the newest row then */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static bool is_signalled(int fd)
{
	struct signalfd_siginfo info;
	bool stop = false;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		stop |= info.ssi_signo != SIGCHLD;
	return stop;
}

/* Losses are told when they happen, but not more often than can be read. */
static void warn_of_losses(struct watch *watch, uint64_t now)
{
	uint64_t lost = audit_lost(watch->audit);

	if (lost <= watch->lost || (watch->warned_ms && now < watch->warned_ms + WARN_MS))
		return;
	fprintf(stderr,
		"flushaudit: warning: %llu events lost so far; what falls short of proof "
		"is unproven from now on (causes and remedies at the end)\n",
		(unsigned long long)lost);
	watch->lost = lost;
	watch->warned_ms = now;
}

/* What has been printed is let go of, and losses are told. */
static void do_chores(struct watch *watch, uint64_t now)
{
	store_purge(audit_store(watch->audit), KEEP_WAITING);
	watch->purged = live_newest(watch->live);
	warn_of_losses(watch, now);
}

/* Prints what is new. Returns 1 when it is time to end, 0, or -errno. */
static int print_new(struct watch *watch)
{
	uint64_t most = watch->options->count ? watch->options->count - watch->printed : UINT64_MAX;
	int64_t printed = live_print(watch->live, most);

	if (printed == -EPIPE)
		watch->closed = true;
	if (watch->closed)
		return 1;
	if (printed < 0)
		return (int)printed;
	watch->printed += printed;
	return watch->options->count && watch->printed >= watch->options->count;
}

/* Watches until there is a reason to end. 0, or -errno with @err. */
static int follow(struct watch *watch, int signals, struct error *err)
{
	struct pollfd fds[] = {
		{.fd = audit_fd(watch->audit), .events = POLLIN},
		{.fd = signals, .events = POLLIN},
		{.fd = audit_mounts_fd(watch->audit), .events = POLLPRI},
		{.fd = STDOUT_FILENO}, /* does anybody still read? */
	};
	uint64_t begin = now_ms(), chores = begin, now;
	int ret;

	for (;;) {
		if (poll(fds, 4, DRAIN_MS) < 0 && errno != EINTR)
			return error_set(err, errno, "poll: %s", strerror(errno));
		now = now_ms();
		if (fds[2].revents & (POLLPRI | POLLERR))
			audit_rescan(watch->audit);
		audit_refresh(watch->audit);
		audit_drain(watch->audit);
		ret = print_new(watch);
		if (ret < 0)
			return error_set(err, -ret, "cannot write the lines: %s", strerror(-ret));
		watch->closed |= fds[3].revents & POLLERR;
		if (ret || watch->closed || is_signalled(signals) ||
		    (watch->options->duration_s &&
		     now - begin >= watch->options->duration_s * 1000))
			return 0;
		if (now - chores >= CHORES_MS ||
		    live_newest(watch->live) - watch->purged >= PURGE_ROWS) {
			do_chores(watch, now);
			chores = now;
			if (audit_is_orphaned(watch->audit))
				return 0;
		}
	}
}

static int conclude(struct watch *watch)
{
	const char *failed = store_error(audit_store(watch->audit));
	struct error err;
	int ret;

	audit_stop(watch->audit);
	audit_finish(watch->audit, -1);
	ret = watch->closed ? 0 : print_new(watch);
	if (ret < 0) {
		error_set(&err, -ret, "cannot write the lines: %s", strerror(-ret));
		return cmd_trouble(&err);
	}
	if (failed) {
		error_set(&err, EIO, "the audit database failed: %s", failed);
		return cmd_trouble(&err);
	}
	live_summary(audit_store(watch->audit), stderr);
	return audit_exit_code(watch->audit);
}

static int watch_all(struct watch *watch)
{
	struct live_options live = {.json = watch->options->json,
				    .bad = watch->options->bad,
				    .color = cmd_wants_color(stdout)};
	struct error err;
	int signals = cmd_open_signals(&err), ret;

	if (signals < 0)
		return cmd_trouble(&err);
	watch->live = live_new(audit_store(watch->audit), stdout, &live);
	if (!watch->live) {
		error_set(&err, ENOMEM, "out of memory");
		return cmd_trouble(&err);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	live_header(watch->live);
	audit_start(watch->audit, NULL);
	live_opening(audit_store(watch->audit), stderr, watch->options->common.verbose);
	ret = follow(watch, signals, &err);
	close(signals);
	ret = ret ? cmd_trouble(&err) : conclude(watch);
	live_free(watch->live);
	return ret;
}

int cmd_watch(int argc, char **argv)
{
	static const struct argp_child children[] = {{&options_common, 0, NULL, 0}, {0}};
	static const struct argp argp = {argp_options, parse, NULL, doc, children, NULL, NULL};
	struct watch_options options = {.common.attach.everybody = true};
	struct watch watch = {.options = &options};
	struct error err;
	int code;

	if (options_are_exact(&argp, argv, &err))
		return cmd_trouble(&err);
	argp_err_exit_status = EXIT_TROUBLE;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options))
		return EXIT_TROUBLE;
	options_set_verbose(options.common.verbose);
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		error_set(&err, errno, "there is no standard output to print to: it is closed");
		return cmd_trouble(&err);
	}
	if (audit_open(&watch.audit, &options.common.attach, &err))
		code = cmd_trouble(&err);
	else
		code = watch_all(&watch);
	audit_free(watch.audit);
	filter_clear(&options.common.filter);
	return code;
}
