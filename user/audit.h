/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_AUDIT_H
#define FLUSHAUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "attach.h"
#include "error.h"
#include "store.h"

/* A live audit: kernel side, device stacks, pipeline and database wired up. */
struct audit;

/* 0, or -errno with @err. The caller frees *@out with audit_free. */
int audit_open(struct audit **out, const struct attach_options *options, struct error *err);
void audit_free(struct audit *audit);

/* From now on events count. @argv: the audited command, for the report, NULL: none. */
void audit_start(struct audit *audit, char *const *argv);

/* Descriptor @fd is handed to the command: what it writes there was not its choice. */
void audit_inherited(struct audit *audit, int fd);

/* Becomes readable when many records wait; poll it and call audit_drain now and then anyway. */
int audit_fd(const struct audit *audit);
void audit_drain(struct audit *audit);

/* POLLPRI on it: mounts changed, call audit_rescan. */
int audit_mounts_fd(const struct audit *audit);
void audit_rescan(struct audit *audit);

/* Takes the last records, counts losses and devices. @exit_status: of the command, -1: unknown. */
void audit_finish(struct audit *audit, int exit_status);

/* 0, 1 or 3 as the design has it. */
int audit_exit_code(struct audit *audit);

/* Looks after cgroups that ended and began anew (a unit that is restarted). Call it often. */
void audit_refresh(struct audit *audit);

/* Are none of the processes that the filter names alive, nor what descends from them? */
bool audit_is_orphaned(const struct audit *audit);

/* What was lost so far: records, runs of programs. */
uint64_t audit_lost(const struct audit *audit);

/* Nothing that begins now is audited; waits a moment for what is in progress. */
void audit_stop(struct audit *audit);

struct store *audit_store(struct audit *audit);

#endif
