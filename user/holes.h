/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_HOLES_H
#define FLUSHAUDIT_HOLES_H

#include "proof.h"

/*
 * Kernel holes: where a kernel reports success on an honest drive and the data
 * is gone after a power cut. The verdict follows from the rules; this only says
 * by which known hole. README has the table, with kernels and how each was shown.
 */

/* The name of the hole that a call fell into whose @proof on @device fell short,
 * NULL: none that is known. Pure. */
const char *holes_name(const struct verdict_facts *facts, const struct verdict_device *device,
		       enum proof proof);

/* The same for a call that returned while writes of its own were in flight. Pure. */
const char *holes_name_in_flight(const struct verdict_facts *facts);

#endif
