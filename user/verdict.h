/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_VERDICT_H
#define FLUSHAUDIT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "failures.h"
#include "stack.h"

/*
 * From the facts of one sync call to its verdict. A pure function: no I/O, no
 * globals. "durable" needs proof; every doubt becomes "unproven" and says why.
 */
enum verdict_kind {
	VERDICT_DURABLE = 0,
	VERDICT_NOT_DURABLE,
	VERDICT_UNPROVEN,
	VERDICT_KINDS,
};

enum verdict_reason {
	REASON_FLUSHED = 0,
	REASON_SHARED_FLUSH,
	REASON_FUA,
	REASON_WRITE_THROUGH,
	REASON_CLEAN,
	REASON_NO_FLUSH,
	REASON_WRITEOUT_ONLY,
	REASON_NOT_WRITTEN,
	REASON_SWALLOWED,
	REASON_FLUSH_DROPPED,
	REASON_FLUSH_FAILED,
	REASON_WRITE_FAILED,
	REASON_EARLY_RETURN,
	REASON_COMMIT_UNSEEN,
	REASON_REMOTE,
	REASON_USERSPACE_FS,
	REASON_EVENTS_LOST,
	REASON_UNTRACKED,
	REASON_CACHE_UNKNOWN,
	REASONS,
};

/* One device of the call's file system: the ledger's view and the machine's. */
struct verdict_device {
	const struct event_device *event;
	enum stack_cache cache;
	char name[64];
	/* The watermark the verdict goes by. Below a loop device a flush counts
	 * only when the backing file's own sync was durable. */
	uint64_t watermark_ns;
	uint64_t unseen_watermark_ns; /* ... and if those count whose inner sync was not seen */
	bool inner_bad;		      /* an inner sync was seen, and was not durable */
	bool below_unknown;	      /* it stands on layers the record knows nothing of */
};

#define KERNEL_VERSION(major, minor) ((uint32_t)(major) << 16 | (minor))

struct verdict_facts {
	const struct event_sync *sync;
	bool nobarrier; /* of the mount, and so the next nine */
	bool data_journal;
	bool async_commit;
	bool no_journal;
	bool inline_data;
	bool fast_commit;
	bool no_delalloc;
	bool compressed;
	bool no_checkpoint;
	bool log_structured;
	uint32_t kernel_version; /* 0: not known; only for what a version is known to do wrong */
	uint32_t kernel_patch;	 /* the third number of it */
	bool volatile_overlay;	 /* of the mount the caller named */
	bool has_xfs;		 /* of sync(2): one is mounted */
	bool zeroed_in_journal;	 /* ext4: a range was zeroed whose data may be in the journal */
	bool remote_fs;		 /* by the mount's type, where the magic number does not tell */
	uint64_t start_ns;	 /* of the audit */
	bool losses;		 /* records were lost before this call returned */
	struct failure failure;	 /* that was not made good when the call returned */
	uint64_t size_before; /* f2fs: of the file on the disk, as known before the call; ~0: not */
	uint32_t server_pid;  /* of a FUSE file system, 0: not known */
	uint32_t server_syncs;	 /* that it made meanwhile, */
	uint32_t server_durable; /* and of these, with that verdict */
	size_t nr_devices;
	struct verdict_device devices[EVENT_MAX_DEVICES];
};

struct verdict {
	enum verdict_kind kind;
	enum verdict_reason reason;
	bool by_absence; /* durable, for there was no write that is not covered: all must be seen */
	bool inferred;	 /* follows from a mount option or queue state, not from an event */
	/* The proof: the first flush on this disk that started at @proof_ns or
	 * later. 0: no flush was needed. */
	uint32_t proof_disk;
	uint64_t proof_ns;
	/* Not durable: flushes of all these disks that start at need_ns or later
	 * cover it after all. None: cannot be told. */
	size_t nr_need;
	uint32_t need_disks[EVENT_MAX_DEVICES];
	uint64_t need_ns;
	bool need_drain; /* writes are in flight: need_ns comes with the end of this slot's */
	uint32_t drain_disk, drain_slot;
	struct failure failure; /* the one the verdict rests on */
	char detail[256];	/* in plain words, names the layer */
};

void verdict_judge(struct verdict *verdict, const struct verdict_facts *facts);

const char *verdict_kind_name(enum verdict_kind kind);
const char *verdict_reason_name(enum verdict_reason reason);
/* One sentence for people: what happened, and what to do about it. */
const char *verdict_reason_text(enum verdict_reason reason);
const char *verdict_reason_advice(enum verdict_reason reason);
const char *verdict_sync_kind_name(enum event_sync_kind kind);

/* "a write of 4096 bytes to vda failed (Input/output error) at 0.012 s; fsync by
 * PID 12 was told (Input/output error) at 0.013 s"; times since @start_ns. */
void verdict_describe_failure(char *out, size_t size, const struct failure *failure,
			      const char *device, uint64_t start_ns);

#endif
