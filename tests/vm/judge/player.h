/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the player share; see player.c. */
#ifndef PLAYER_H
#define PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../guest.h"

/* --- player.c --- */

/* Ends the program (2): its input makes no sense. */
_Noreturn void reject(const char *format, ...) __attribute__((format(printf, 1, 2)));

void *must(void *memory);
uint64_t number(const char *text);

#define HASH_START 14695981039346656037ULL
uint64_t hash_more(uint64_t hash, const void *data, size_t size);

struct play_options {
	const char *dir, *device, *script, *history, *marks;
	bool keep_going;
};

int play(const struct play_options *options);
int verify(const char *dir, const char *device);

struct storm_options {
	const char *dir;
	long threads, calls, background;
	uint64_t seed;
};

int storm(const struct storm_options *options);

/* --- model.c: what one thread's files should hold --- */

struct range {
	uint64_t from, to;
};

/* Sorted, disjoint, not touching. */
struct ranges {
	struct range *at;
	size_t count;
};

enum inode_type { REGULAR, DIRECTORY, SYMLINK, DEVICE };

/* How a file is opened; each way has its own descriptor. */
enum opening { PLAIN, DIRECT, DSYNC, OSYNC, DIRECT_DSYNC, OPENINGS };

struct name {
	char *path;
	bool now;
};

struct inode {
	struct inode *next;
	enum inode_type type;
	bool shared;  /* other threads write to it too */
	bool partial; /* only the known ranges count, the size does not */
	uint64_t size;
	char *data;
	size_t capacity;
	struct ranges known;
	struct name *names;
	size_t name_count;
	int fd[OPENINGS];
};

struct model {
	struct inode *inodes;
};

bool path_is_shared(const char *path);
struct inode *model_find(const struct model *model, const char *path);
struct inode *model_add(struct model *model, enum inode_type type, const char *path);
void model_name(struct model *model, struct inode *inode, const char *path);
void model_rename(struct model *model, struct inode *inode, const char *from, const char *to);
void inode_unname(struct inode *inode, const char *path);
bool inode_has_name(const struct inode *inode);
void inode_write(struct inode *inode, uint64_t offset, const char *data, uint64_t size);
void inode_resize(struct inode *inode, uint64_t size);
void inode_taint(struct inode *inode, uint64_t from, uint64_t to, uint64_t size);
void inode_clone(struct inode *to, const struct inode *from);
void inode_close(struct inode *inode);

void promise_content(FILE *out, const struct inode *inode);
void promise_range(FILE *out, const struct inode *inode, uint64_t from, uint64_t to);
void promise_written(FILE *out, const struct inode *inode, uint64_t offset, const char *data,
		     uint64_t size);
void promise_names(FILE *out, const struct model *model, const char *dir);
void promise_all(FILE *out, const struct model *model);

#endif
