/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FILTER_H
#define FLUSHAUDIT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/*
 * Which sync calls are wanted, by who asked and by what the call is about.
 * Values of one kind are alternatives, different kinds must all hold; a kind
 * without values holds of every call. Who asked (process, comm, cgroup) is
 * decided in the kernel, device and path here.
 */
#define FILTER_MAX	 16
#define FILTER_COMM_SIZE 16 /* the kernel's, with the NUL */

struct filter {
	size_t nr_pids, nr_comms, nr_cgroups, nr_devs, nr_paths;
	uint32_t pids[FILTER_MAX]; /* thread groups; with what they fork */
	struct {
		char text[FILTER_COMM_SIZE];
		bool prefix; /* more may follow */
	} comms[FILTER_MAX];
	char *cgroups[FILTER_MAX]; /* directories; with all below */
	uint32_t devs[FILTER_MAX]; /* major << 20 | minor; with all that stands on them */
	char *paths[FILTER_MAX];   /* absolute: a file, a directory with all below, a pattern */
};

/* Frees what it holds and makes it empty. */
void filter_clear(struct filter *filter);

/* Each adds a value. 0, or -errno with @err. */
int filter_add_pid(struct filter *filter, uint32_t tgid, struct error *err);
/* A name as ps -o comm has it, cut as the kernel cuts it; a * at the end: what begins so. */
int filter_add_comm(struct filter *filter, const char *text, struct error *err);
int filter_add_cgroup(struct filter *filter, const char *directory, struct error *err);
int filter_add_dev(struct filter *filter, uint32_t dev, struct error *err);
int filter_add_path(struct filter *filter, const char *path, struct error *err);

/* The filter as options would say it, for reports; empty: there is none. */
const char *filter_describe(const struct filter *filter, char *out, size_t size);

/* For the kernel: the bytes of a comm under @mask are to be @value. */
void filter_comm_mask(const struct filter *filter, size_t index, char mask[FILTER_COMM_SIZE],
		      char value[FILTER_COMM_SIZE]);

bool filter_has_dev(const struct filter *filter, uint32_t dev);

/*
 * Is it a wanted name? @path as the kernel side tells it: in doubt, when its front was cut off
 * ("...") or it did not arrive (NULL), it is.
 */
bool filter_has_path(const struct filter *filter, const char *path);

#endif
