// SPDX-License-Identifier: GPL-2.0-only
#include "interposed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "fsmagic.h"
#include "interpose.h"

struct interposed {
	struct interpose *list;
	interposed_look_fn look;
	interposed_harmless_fn harmless;
	void *ctx;
};

struct interposed *interposed_new(void)
{
	struct interposed *interposed = calloc(1, sizeof(*interposed));

	if (!interposed)
		return NULL;
	interposed->list = interpose_new();
	if (!interposed->list) {
		free(interposed);
		return NULL;
	}
	return interposed;
}

void interposed_free(struct interposed *interposed)
{
	if (!interposed)
		return;
	interpose_free(interposed->list);
	free(interposed);
}

void interposed_on_mapped(struct interposed *interposed, interposed_look_fn look,
			  interposed_harmless_fn harmless, void *ctx)
{
	interposed->look = look;
	interposed->harmless = harmless;
	interposed->ctx = ctx;
}

/* A server in the hands of the audited must not make the auditor wait. */
static bool may_be_read(const struct stack *stack, const struct event_mapped *event)
{
	const struct stack_mount *mount = stack_find_mount(stack, event->file.s_dev);

	return fsmagic_class(event->fs_magic) != FSMAGIC_USERSPACE ||
	       (mount && !strcmp(mount->fs, "virtiofs"));
}

void interposed_push(struct interposed *interposed, const struct stack *stack,
		     const struct event_mapped *event, const char *path, size_t length)
{
	struct library library = {0};

	if (interpose_count(interposed->list, event))
		return;
	if (interposed->look && may_be_read(stack, event))
		interposed->look(interposed->ctx, event, path, &library);
	if (interpose_add(interposed->list, event, &library, path, length) && interposed->harmless)
		interposed->harmless(interposed->ctx, &event->file);
}

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

void interposed_store(const struct interposed *interposed, struct store *store)
{
	size_t unread = interpose_unread(interposed->list);
	char text[160];

	interpose_each(interposed->list, store_library, store);
	if (!unread)
		return;
	snprintf(text, sizeof(text),
		 "%zu mapping%s of code could not be looked at: whether it replaces sync calls is "
		 "not known",
		 unread, unread == 1 ? "" : "s");
	store_add_blind_spot(store, text);
}
