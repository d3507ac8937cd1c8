/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_TARGET_H
#define FLUSHAUDIT_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "error.h"

/* The audited command and everything that descends from it. */
struct target {
	pid_t pid;
	bool exited;	 /* the command itself */
	int exit_status; /* as a shell tells it: 128 + signal when killed */
};

/*
 * Starts @argv as @user (NULL: as we are), its signals and streams untouched.
 * Orphans of it become our children, so their end can be awaited. Returns 0,
 * or -errno with @err when it cannot be started.
 */
int target_start(struct target *target, char *const *argv, const char *user, struct error *err);

/* Takes note of children that ended. Returns true while a descendant is alive. */
bool target_reap(struct target *target);

/* Passes a signal on to the command, if it still runs. */
void target_signal(const struct target *target, int signal);

#endif
