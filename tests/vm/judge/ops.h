/* SPDX-License-Identifier: GPL-2.0-only */
/* The operations of a script, and what they need to be executed. */
#ifndef OPS_H
#define OPS_H

#include <pthread.h>

#include "player.h"

#define THREADS	    64
#define PREPARATION THREADS

struct op {
	const struct kind *kind;
	int thread, line;
	long times;
	const char *path[2];
	const char *text;
	uint64_t number[2];
};

struct thread {
	int number;
	pthread_t id;
	bool used;
	struct model model;
	uint64_t writes;
	int root; /* long open: syncfs reports the errors since */
	uint64_t begin, end;
};

struct kind {
	const char *name;
	/* p path, d the same or @, t what a symlink holds, n number, * the rest of the line */
	const char *arguments;
	/* 0, or -1 with errno, or FAILED_CALL */
	int (*run)(struct thread *thread, const struct op *op);
	int variant;
	bool optional; /* not every filesystem can do it */
};

/* --- play.c --- */

/*
 * The promises are made before the call, while the thread's files stand still,
 * so that nothing is between the call's return and its mark but the lock.
 */
struct promises {
	FILE *out;
	char *text;
	size_t size;
};

void promises_start(struct promises *promises);
void promises_drop(struct promises *promises);

/* A sync call failed, and that is in the history already. */
#define FAILED_CALL 1

/* For a call whose errno is still standing when it failed; 0 or FAILED_CALL. */
int record(struct thread *thread, const struct op *op, const char *kind, bool failed,
	   struct promises *promises);

int run_barrier(struct thread *thread, const struct op *op);
int run_tell(struct thread *thread, const struct op *op);

/* --- ops.c --- */

const struct kind *find_kind(const char *name);
/* The path of the device that scripts call @. */
void use_device(const char *path);
/* By errno: the filesystem cannot do it. */
bool lacking(const struct op *op);

#endif
