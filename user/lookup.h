/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_LOOKUP_H
#define FLUSHAUDIT_LOOKUP_H

#include "error.h"
#include "filter.h"

/*
 * What the words of a filter stand for on this machine, as values of @filter. All is read below
 * @root ("" is the real one), so that tests can hand in a made-up tree. Each returns 0, or -errno
 * with the cause and the next step in @err.
 */

/* A process, or the one that a thread belongs to. */
int lookup_pid(struct filter *filter, const char *root, const char *text, struct error *err);

/* A directory below the cgroup2 mount: its path, or as /proc/PID/cgroup has it. */
int lookup_cgroup(struct filter *filter, const char *root, const char *text, struct error *err);

/* The cgroups of a systemd unit: one, or one for each user that runs it. */
int lookup_unit(struct filter *filter, const char *root, const char *name, struct error *err);

/* The device of which @text is the number, "254:0". False: it is none. */
bool lookup_number(const char *text, uint32_t *dev);

/* A block device: its node, its name, or "major:minor", which may be that of a file system. */
int lookup_dev(struct filter *filter, const char *root, const char *text, struct error *err);

/* A file or directory, links resolved as far as it exists, or a pattern. */
int lookup_path(struct filter *filter, const char *text, struct error *err);

#endif
