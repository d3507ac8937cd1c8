// SPDX-License-Identifier: GPL-2.0-only
#include "interposed.h"

#include <stdio.h>

#include "findings.h"

static void store_library(void *ctx, const struct interpose_entry *entry)
{
	bool unknown = entry->class == INTERPOSE_UNKNOWN;
	char detail[512];
	struct store_finding finding = {
		.kind = finding_kind_name(FINDING_INTERPOSED),
		.severity = finding_severity_name(unknown ? SEVERITY_ADVICE : SEVERITY_RISK),
		.path = entry->path,
		.detail = detail,
		.since_ns = entry->since_ns,
	};

	interpose_describe(detail, sizeof(detail), entry);
	store_add_finding(ctx, &finding);
}

void interposed_store(const struct interpose *interpose, struct store *store)
{
	size_t unread = interpose_unread(interpose);
	char text[160];

	interpose_each(interpose, store_library, store);
	if (!unread)
		return;
	snprintf(text, sizeof(text),
		 "%zu mapping%s of code could not be looked at: whether it replaces sync calls is "
		 "not known",
		 unread, unread == 1 ? "" : "s");
	store_add_blind_spot(store, text);
}
