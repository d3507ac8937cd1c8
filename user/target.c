// SPDX-License-Identifier: GPL-2.0-only
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Becomes @user, as runuser does without a login. Returns 0 or -1 with errno. */
static int become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid))
		return -1;
	setenv("HOME", user->pw_dir, 1);
	setenv("USER", user->pw_name, 1);
	setenv("LOGNAME", user->pw_name, 1);
	return 0;
}

static void __attribute__((noreturn))
run_command(char *const *argv, const struct passwd *user, int report_fd)
{
	sigset_t none;
	int error;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!user || !become(user))
		execvp(argv[0], argv);
	error = errno;
	if (write(report_fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

int target_start(struct target *target, char *const *argv, const char *user, struct error *err)
{
	const struct passwd *account = user ? getpwnam(user) : NULL;
	int fds[2], error = 0;
	ssize_t got;

	memset(target, 0, sizeof(*target));
	if (user && !account)
		return error_set(err, ENOENT, "--user %s: no such user", user);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || pipe2(fds, O_CLOEXEC))
		return error_set(err, errno, "cannot start the command: %s", strerror(errno));
	target->pid = fork();
	if (target->pid < 0) {
		error = errno;
		close(fds[0]);
		close(fds[1]);
		return error_set(err, error, "cannot start the command: %s", strerror(error));
	}
	if (!target->pid) {
		close(fds[0]);
		run_command(argv, account, fds[1]);
	}
	close(fds[1]);
	do
		got = read(fds[0], &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	close(fds[0]);
	if (got != sizeof(error))
		return 0; /* exec closed the pipe */
	waitpid(target->pid, NULL, 0);
	return error_set(err, error, "cannot run '%s': %s; is the name right and in PATH?", argv[0],
			 strerror(error));
}

bool target_reap(struct target *target)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != target->pid)
			continue;
		target->exited = true;
		target->exit_status =
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return pid == 0 || errno != ECHILD;
}

void target_signal(const struct target *target, int signal)
{
	if (!target->exited)
		kill(target->pid, signal);
}
