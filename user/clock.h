/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_CLOCK_H
#define FLUSHAUDIT_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Now, in ns of CLOCK_MONOTONIC: the clock of all records (bpf_ktime_get_ns). */
static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

#endif
