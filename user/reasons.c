// SPDX-License-Identifier: GPL-2.0-only
/* The words of the verdicts: one table per enum, for text, JSON, SQL and tests. */
#include "verdict.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[VERDICT_KINDS] = {
	[VERDICT_DURABLE] = "durable",
	[VERDICT_NOT_DURABLE] = "not-durable",
	[VERDICT_UNPROVEN] = "unproven",
};

static const struct {
	const char *name;
	const char *text;
	const char *advice;
} reasons[REASONS] = {
	[REASON_FLUSHED] = {"flushed", "a flush issued on behalf of this call covered it", ""},
	[REASON_SHARED_FLUSH] = {"shared-flush", "a flush issued for somebody else covered it", ""},
	[REASON_FUA] = {"fua", "its writes carried FUA and the device honours it", ""},
	[REASON_WRITE_THROUGH] = {"write-through", "no leaf below has a volatile cache", ""},
	[REASON_CLEAN] = {"clean", "nothing of it was unflushed when it was called", ""},
	[REASON_NO_FLUSH] =
		{"no-flush",
		 "written to the device, but no flush followed before the call returned",
		 "mount without nobarrier / barrier=0, and set queue/write_cache back to "
		 "'write back' unless the drive's cache is power-safe"},
	[REASON_WRITEOUT_ONLY] = {"writeout-only", "the call starts write-out and never flushes",
				  "follow it with fdatasync or fsync"},
	[REASON_NOT_WRITTEN] = {"not-written", "the data was not on the device when it returned",
				"the call promised nothing for this data: check its return value"},
	[REASON_SWALLOWED] =
		{"swallowed", "a layer ignored the call: nothing reached a device",
		 "keep data that matters off what ignores sync calls: tmpfs, RAM disks, volatile "
		 "overlays, FUSE servers and seccomp filters that do"},
	[REASON_FLUSH_DROPPED] =
		{"flush-dropped",
		 "a flush went in at the top of the stack and did not reach a leaf",
		 "look at the layer named: it does not pass flushes on"},
	[REASON_FLUSH_FAILED] = {"flush-failed", "the drive reported an error for the flush",
				 "treat the data as lost; check the kernel log and the drive"},
	[REASON_WRITE_FAILED] = {"write-failed", "a write of the file failed",
				 "treat the data as lost: a retried sync may succeed falsely"},
	[REASON_EARLY_RETURN] = {"early-return", "the flush completed only after the call returned",
				 "report it to the file system's developers"},
	[REASON_COMMIT_UNSEEN] =
		{"commit-unseen",
		 "the data is covered, the commit that makes it reachable was not seen",
		 "audit on a kernel that allows fentry or kprobes"},
	[REASON_REMOTE] = {"remote", "the promise is kept, or not, on another machine",
			   "see to it that the server does so, and audit it"},
	[REASON_USERSPACE_FS] = {"userspace-fs", "a FUSE server keeps the promise, or does not",
				 "see to it that the server does so, and audit its process"},
	[REASON_EVENTS_LOST] = {"events-lost", "the auditor lost events",
				"enlarge --ring-size or --ledger-size and audit again"},
	[REASON_UNTRACKED] = {"untracked", "the auditor did not see enough to prove it",
			      "see the blind spots; a higher attach level may see more"},
	[REASON_CACHE_UNKNOWN] = {"cache-unknown",
				  "it is not known whether the drive has a volatile cache",
				  "ask the drive (nvme id-ctrl, sdparm --get=WCE, hdparm -W)"},
};

const char *verdict_kind_name(enum verdict_kind kind)
{
	return kind < VERDICT_KINDS ? kind_names[kind] : "?";
}

const char *verdict_reason_name(enum verdict_reason reason)
{
	return reason < REASONS ? reasons[reason].name : "?";
}

const char *verdict_reason_text(enum verdict_reason reason)
{
	return reason < REASONS ? reasons[reason].text : "?";
}

const char *verdict_reason_advice(enum verdict_reason reason)
{
	return reason < REASONS ? reasons[reason].advice : "?";
}

const char *verdict_sync_kind_name(enum event_sync_kind kind)
{
	static const char *const names[SYNC_KINDS] = {
		[SYNC_FSYNC] = "fsync",
		[SYNC_FDATASYNC] = "fdatasync",
		[SYNC_FILE_RANGE] = "sync_file_range",
		[SYNC_SYNC] = "sync",
		[SYNC_SYNCFS] = "syncfs",
		[SYNC_MSYNC] = "msync",
		[SYNC_O_SYNC] = "o_sync",
		[SYNC_O_DSYNC] = "o_dsync",
		[SYNC_AIO_FSYNC] = "aio_fsync",
		[SYNC_URING_FSYNC] = "io_uring_fsync",
		[SYNC_URING_FILE_RANGE] = "io_uring_sync_file_range",
		[SYNC_FREEZE] = "freeze",
		[SYNC_UMOUNT] = "umount",
		[SYNC_SERVER] = "server",
		[SYNC_KERNEL] = "kernel",
		[SYNC_SURVEY] = "survey",
		[SYNC_COMMIT] = "commit",
	};

	return kind < SYNC_KINDS ? names[kind] : "?";
}

static double seconds(uint64_t ns, uint64_t start_ns)
{
	return ns > start_ns ? (double)(ns - start_ns) / 1e9 : 0;
}

/* " (Input/output error)", or nothing. */
static const char *describe_error(char *out, size_t size, int error)
{
	*out = '\0';
	if (error)
		snprintf(out, size, " (%.40s)", strerror(-error));
	return out;
}

void verdict_describe_failure(char *out, size_t size, const struct failure *failure,
			      const char *device, uint64_t start_ns)
{
	const struct failure_call *told = &failure->told;
	char bytes[40] = "", error[48], what[200], who[160];

	if (failure->bytes)
		snprintf(bytes, sizeof(bytes), "of %llu bytes ",
			 (unsigned long long)failure->bytes);
	describe_error(error, sizeof(error), failure->error);
	if (failure->kind == FAILURE_UNSEEN)
		snprintf(what, sizeof(what), "something of the file failed unseen");
	else if (failure->kind == FAILURE_FLUSH)
		snprintf(what, sizeof(what), "a flush of %.40s failed%s at %.3f s", device, error,
			 seconds(failure->since_ns, start_ns));
	else
		snprintf(what, sizeof(what), "a %swrite %sto %.40s failed%s at %.3f s",
			 failure->kind == FAILURE_METADATA ? "metadata " : "", bytes, device, error,
			 seconds(failure->since_ns, start_ns));
	if (told->at_ns)
		snprintf(who, sizeof(who), "%s by PID %u was told%s at %.3f s",
			 told->kind == SYNC_KERNEL ? "a sync of the kernel's own"
						   : verdict_sync_kind_name(told->kind),
			 told->pid, describe_error(error, sizeof(error), told->ret),
			 seconds(told->at_ns, start_ns));
	else
		snprintf(who, sizeof(who), "no audited call was told");
	snprintf(out, size, "%s; %s", what, who);
}
