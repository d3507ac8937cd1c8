// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the frequency of this machine's time stamp counter in kHz. The emulated one is the
 * same; a guest that measures it while the machine is busy may be wrong by a factor of five,
 * and then its clock runs that much too fast.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

int main(void)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	unsigned long long from = __rdtsc();
	double began = now();

	nanosleep(&pause, NULL);
	printf("%.0f\n", (double)(__rdtsc() - from) / (now() - began));
	return 0;
}
