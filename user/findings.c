// SPDX-License-Identifier: GPL-2.0-only
/* The words of the findings: one table per enum, for text, JSON, SQL and tests. */
#include "findings.h"

static const struct {
	const char *name;
	const char *advice;
} kinds[FINDING_KINDS] = {
	[FINDING_ERROR_SWALLOWED] =
		{"error-swallowed", "treat the data as lost: write all of it again after an error, "
				    "or stop; a retried sync proves nothing"},
	[FINDING_NEVER_SYNCED] = {"never-synced",
				  "a power cut now loses it: fsync the file before it is closed or "
				  "renamed, or let it be if it can be made again"},
	[FINDING_INTERPOSED] =
		{"interposed",
		 "keep it out of LD_PRELOAD and /etc/ld.so.preload where data matters; "
		 "a call it answers never reaches the kernel and is in no list"},
	[FINDING_DIR_NOT_SYNCED] =
		{"dir-not-synced",
		 "open the directory (O_DIRECTORY) and fsync it after the change; of "
		 "a rename between two, both; syncing the file is not enough"},
	[FINDING_RENAME_BEFORE_SYNC] =
		{"rename-before-sync",
		 "fsync the new file before the rename, then the directory: else a power cut may "
		 "leave neither the old content nor the new"},
	[FINDING_STAGING_NOT_SYNCED] =
		{"staging-not-synced",
		 "fsync every file and directory below it, or syncfs, before the rename that puts "
		 "it in place"},
	[FINDING_SYMLINK_UNSYNCABLE] =
		{"symlink-unsyncable",
		 "no call syncs a symbolic link: fsync the directory it is in "
		 "after the rename"},
	[FINDING_UNLINK_NOT_DURABLE] =
		{"unlink-not-durable",
		 "fsync the directory after the removal where it matters that the name is gone: a "
		 "log segment, a lock, a journal"},
};

static const char *const severities[SEVERITIES] = {
	[SEVERITY_RISK] = "risk",
	[SEVERITY_ADVICE] = "advice",
};

const char *finding_kind_name(enum finding_kind kind)
{
	return kind < FINDING_KINDS ? kinds[kind].name : "?";
}

const char *finding_advice(enum finding_kind kind)
{
	return kind < FINDING_KINDS ? kinds[kind].advice : "";
}

const char *finding_severity_name(enum finding_severity severity)
{
	return severity < SEVERITIES ? severities[severity] : "?";
}
