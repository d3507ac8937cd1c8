// SPDX-License-Identifier: GPL-2.0-only
#include "elsewhere.h"

#include <stdio.h>
#include <string.h>

#include "fsmagic.h"
#include "judgement.h"

void elsewhere_judge_unentered(struct verdict *verdict, const struct verdict_facts *facts)
{
	int ret = facts->sync->ret;

	verdict->inferred = true;
	/* Only from 6.7 on does the kernel count each run of a system call tracepoint's program
	 * that it skips (trace_call_bpf): before, this may be a call of which one was. */
	if (facts->losses || facts->kernel_version < KERNEL_VERSION(6, 7))
		verdict_conclude(verdict, VERDICT_UNPROVEN, REASON_EVENTS_LOST,
				 "its entry was not seen: a seccomp filter answered the call, or "
				 "the entry was "
				 "lost");
	else if (ret < 0)
		verdict_conclude(verdict, VERDICT_NOT_DURABLE, REASON_NOT_WRITTEN,
				 "a seccomp filter refused the call (%s) and the caller was told: "
				 "nothing was "
				 "promised",
				 strerror(-ret));
	else if (ret > 0)
		verdict_conclude(
			verdict, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
			"a seccomp filter turned the call into a signal: it never reached a file "
			"system; what the program made of that is not seen");
	else
		verdict_conclude(verdict, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
				 "a seccomp filter, or its supervisor, answered the call: it never "
				 "reached a "
				 "file system");
}

/* What a client sends, for a file and for all of a file system, and what it relies on. */
struct protocol {
	uint64_t magic;
	const char *name; /* of the mount, where the magic number is that of others, too */
	const char *sent;
	const char *sent_for_all;
	const char *must;
};

static const struct protocol protocols[] = {
	{0x6969, NULL, "WRITE and, where that was not answered as stable, COMMIT",
	 "WRITE and, where that was not answered as stable, COMMIT",
	 "the server must have it on stable media before it answers (export option sync, not "
	 "async)"},
	{0xFF534D42, NULL, "WRITE and FLUSH (not if mounted nostrictsync)",
	 "WRITE, perhaps no FLUSH", "the server must sync its file on FLUSH (Samba: strict sync)"},
	{0xFE534D42, NULL, "WRITE and FLUSH (not if mounted nostrictsync)",
	 "WRITE, perhaps no FLUSH", "the server must sync its file on FLUSH (Samba: strict sync)"},
	{0x517B, NULL, "WRITE and FLUSH", "WRITE, perhaps no FLUSH",
	 "the server must sync its file on FLUSH (Samba: strict sync)"},
	{0x01021997, NULL, "Twrite and Tfsync", "Twrite, perhaps no Tfsync",
	 "the server must fsync its own file on Tfsync"},
	{0x00c36400, NULL, "writes to the OSDs and metadata to the MDS",
	 "writes to the OSDs and metadata to the MDS",
	 "each OSD must have it on stable media before it answers"},
	{0x5346414F, NULL, "StoreData", "StoreData",
	 "the file server must sync it before it answers"},
	{FSMAGIC_FUSE, "virtiofs", "FUSE_FSYNC", "FUSE_SYNCFS",
	 "virtiofsd on the host must fsync its own file, on a disk whose flushes reach a drive"},
};

static const struct protocol *find_protocol(uint64_t magic)
{
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].magic == magic)
			return &protocols[i];
	return NULL;
}

/* What the server of a FUSE file system was seen to do while the call waited for it. */
static void describe_server(char *out, size_t size, const struct verdict_facts *facts)
{
	*out = '\0';
	if (facts->server_syncs)
		snprintf(out, size, "; meanwhile it (PID %u) made %u sync%s, %u durable",
			 facts->server_pid, facts->server_syncs,
			 facts->server_syncs == 1 ? "" : "s", facts->server_durable);
	else if (facts->server_pid)
		snprintf(out, size, "; meanwhile no sync call of it (PID %u) was seen",
			 facts->server_pid);
}

static void judge_fuse(struct verdict *verdict, const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;
	bool whole = sync->flags & SYNC_WHOLE_FS;
	const char *request = whole			     ? "FUSE_SYNCFS"
			      : sync->flags & SYNC_DIRECTORY ? "FUSE_FSYNCDIR"
							     : "FUSE_FSYNC";
	char server[80];

	describe_server(server, sizeof(server), facts);
	if (sync->flags & SYNC_UNSENT)
		verdict_conclude(verdict, VERDICT_NOT_DURABLE, REASON_SWALLOWED,
				 whole ? "the kernel passes syncfs to no FUSE server like this "
					 "one: what was "
					 "dirty was sent to it, and no %s"
				       : "the FUSE server does not implement this sync: it "
					 "answered ENOSYS to "
					 "%s once, and the kernel asks no more and reports success",
				 request);
	else
		verdict_conclude(verdict, VERDICT_UNPROVEN, REASON_USERSPACE_FS,
				 "sent: FUSE_WRITE and %s%s%s; the FUSE server must sync what it "
				 "keeps the data "
				 "in before it answers%s",
				 request, sync->flags & SYNC_DATASYNC ? " (data only)" : "",
				 sync->flags & SYNC_SENT ? "" : ", unless it answered ENOSYS once",
				 server);
}

/* Calls of write-out alone send no more than the data. */
static bool sends_no_sync(const struct event_sync *sync)
{
	return sync->flags & SYNC_WRITEOUT;
}

void elsewhere_judge_remote(struct verdict *verdict, const struct verdict_facts *facts)
{
	const struct event_sync *sync = facts->sync;
	const struct protocol *protocol = find_protocol(sync->fs_magic);
	bool fuse = sync->fs_magic == FSMAGIC_FUSE;
	enum verdict_reason reason =
		fuse && !facts->remote_fs ? REASON_USERSPACE_FS : REASON_REMOTE;
	const char *name =
		protocol && protocol->name ? protocol->name : fsmagic_name(sync->fs_magic);

	if (sends_no_sync(sync))
		verdict_conclude(
			verdict, VERDICT_UNPROVEN, reason,
			"%s: the call sends data at most; what the other end did with it cannot be "
			"seen here",
			reason == REASON_REMOTE ? name : "fuse");
	else if (fuse && (!facts->remote_fs || (sync->flags & SYNC_UNSENT)))
		judge_fuse(verdict, facts);
	else if (!protocol)
		verdict_conclude(verdict, VERDICT_UNPROVEN, reason,
				 "%s: what the server did with it cannot be seen here", name);
	else
		verdict_conclude(verdict, VERDICT_UNPROVEN, reason, "%s, sent: %s; %s", name,
				 sync->flags & SYNC_WHOLE_FS ? protocol->sent_for_all
							     : protocol->sent,
				 protocol->must);
}
