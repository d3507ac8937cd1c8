/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_CACHE_H
#define FLUSHAUDIT_CACHE_H

#include <stddef.h>

/*
 * What a drive says about its own write cache, which is not what the kernel
 * believes: queue/write_cache can be overridden by hand, and the drive's
 * volatile cache stays on without a single flush being sent to it.
 */
enum cache_claim {
	CACHE_CLAIM_UNKNOWN = 0, /* the drive did not say, or could not be asked */
	CACHE_CLAIM_NONE,
	CACHE_CLAIM_VOLATILE,
};

/*
 * Asks the whole disk @name ("sda"). Below a made-up @root only files are
 * read; on the real one ("") the drive itself is asked: NVMe Identify, SCSI
 * MODE SENSE. @detail tells who said so, or why nobody did. Returns 0 or
 * -errno, with @claim CACHE_CLAIM_UNKNOWN.
 */
int cache_drive_claim(const char *root, const char *name, enum cache_claim *claim, char *detail,
		      size_t size);

#endif
