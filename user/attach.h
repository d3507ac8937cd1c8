/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_ATTACH_H
#define FLUSHAUDIT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "fileid.h"
#include "filter.h"
#include "programs.h"
#include "state.h"

struct attach_options {
	enum attach_level level;     /* LEVEL_AUTO: the best that really attaches */
	uint32_t ring_bytes;	     /* a power of two, 0: default */
	uint32_t ledger_entries;     /* writes in flight and inodes to remember, 0: default */
	bool files;		     /* follow what is written to files, see attach_survey() */
	bool names;		     /* tell of names that are made, moved and removed */
	const struct filter *filter; /* NULL: none */
	bool everybody; /* not our children but every process, or those the filter names */
};

struct attach;

/*
 * Loads and attaches the BPF programs and runs the self-test. On failure
 * returns -errno with the cause and the next step in @err. The caller frees
 * *@out with attach_free.
 */
int attach_open(struct attach **out, const struct attach_options *options, struct error *err);
void attach_free(struct attach *attach);

enum attach_level attach_level(const struct attach *attach);
size_t attach_nr_blind_spots(const struct attach *attach);
const char *attach_blind_spot(const struct attach *attach, size_t index);

/* From now on events count; returns the moment, CLOCK_MONOTONIC ns. */
uint64_t attach_start(struct attach *attach);

/* Audits process @tgid, and what it forks from now on. 0 or -errno. */
int attach_add_target(struct attach *attach, uint32_t tgid);
/* Is one of them, or of what descends from them, alive? */
bool attach_has_targets(const struct attach *attach);

/*
 * Of threads that were in a sync call when the audit began the return is seen and the entry is
 * not. That is no loss, of any thread until attach_expect_entries, then of those noted before.
 */
void attach_note_underway(struct attach *attach, uint32_t tid);
void attach_expect_entries(struct attach *attach);

/* No call that enters from now on is audited. */
void attach_stop(struct attach *attach);

/* Sets cgroup @index of the filter to the directory open as @fd. 0 or -errno. */
int attach_set_cgroup(struct attach *attach, uint32_t index, int fd);

/* The auditor's own number in the initial pid namespace. */
uint32_t attach_self(const struct attach *attach);

/* Tells the kernel side which devices file system or device @dev stands on. 0 or -errno. */
int attach_set_topology(struct attach *attach, uint32_t dev, const struct state_topology *topology);

/* What it was told of @dev is of something that was there before. */
void attach_forget_topology(struct attach *attach, uint32_t dev);

/* Tells the kernel side that code of @file needs no record when it is mapped. 0 or -errno. */
int attach_set_harmless(struct attach *attach, const struct event_file *file);

/* Looks among all open files for who serves a FUSE file system: from now on its syncs are seen,
 * too. Takes longer the more files are open. 0 or -errno. */
int attach_find_servers(struct attach *attach);

/* The process that serves the FUSE file system @s_dev, 0: none has been found. */
uint32_t attach_server_of(const struct attach *attach, uint32_t s_dev);

/* Audited threads that ended while a tracer (ptrace) held them. */
uint64_t attach_traced_threads(const struct attach *attach);

/* Are the PIDs of the records those of our /proc? */
bool attach_shares_pids(const struct attach *attach);

/* Receives one record as it came; called from attach_poll. */
typedef void (*attach_record_fn)(void *ctx, const void *record, size_t size);
void attach_on_record(struct attach *attach, attach_record_fn fn, void *ctx);

/* A descriptor that becomes readable when much has gathered; poll() it, then drain. */
int attach_fd(const struct attach *attach);

/* Hands every record present to the callback. Returns their number or -errno. */
int attach_drain(struct attach *attach);

/* Asks how each file stands that audited processes wrote to and no call was to sync since: a
 * record for each. 0 or -errno. */
int attach_survey(struct attach *attach);

/* When the oldest of what was written to @file, and what no sync call has taken yet, was: into
 * @since_ns, 0: there is nothing. False: it is not known. */
bool attach_unsynced(const struct attach *attach, const struct fileid *file, uint64_t *since_ns);

/* Counters so far: sync calls seen and records lost, by cause. */
void attach_totals(const struct attach *attach, struct event_totals *totals);

/* Runs of our own programs that the kernel skipped (recursion) since
 * attach_start, and in @names which programs. */
uint64_t attach_missed_runs(const struct attach *attach, char *names, size_t size);

/* When a commit record last ended on a device (part: a partition, or a whole disk), in ns; 0: none
 * since attach_start. */
uint64_t attach_last_commit(const struct attach *attach, uint32_t part);

/* Writes queued to a disk since attach_start, 0 for one never seen. */
uint64_t attach_device_writes(const struct attach *attach, uint32_t disk);

const char *attach_level_name(enum attach_level level);
enum attach_level attach_level_parse(const char *name); /* LEVELS: unknown */

#endif
