/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_FINDINGS_H
#define FLUSHAUDIT_FINDINGS_H

/* What no single sync call shows. */
enum finding_kind {
	FINDING_ERROR_SWALLOWED = 0, /* a write or flush failed, a later sync reported success */
	FINDING_NEVER_SYNCED,	     /* data written, and no sync call after it */
	FINDING_INTERPOSED,	     /* a library defines sync calls itself, or swallows them */
	FINDING_DIR_NOT_SYNCED,	     /* names changed in it, and it was not synced after that */
	FINDING_RENAME_BEFORE_SYNC,  /* a file took another's name before its data was synced */
	FINDING_STAGING_NOT_SYNCED, /* a directory was renamed before what is below it was synced */
	FINDING_SYMLINK_UNSYNCABLE, /* a symbolic link took a name, the directory was not synced */
	FINDING_UNLINK_NOT_DURABLE, /* names from before the audit were removed, likewise */
	FINDING_KINDS,
};

enum finding_severity {
	SEVERITY_RISK = 0, /* data or a name can be lost; the audit fails */
	SEVERITY_ADVICE,   /* cost, style */
	SEVERITIES,
};

const char *finding_kind_name(enum finding_kind kind);
const char *finding_advice(enum finding_kind kind);
const char *finding_severity_name(enum finding_severity severity);

#endif
