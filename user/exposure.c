// SPDX-License-Identifier: GPL-2.0-only
#include "exposure.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "format.h"

#define MAX_INHERITED 8

/* A file that was written to, by the inode. */
struct file {
	uint64_t ino;
	uint32_t s_dev, generation;
	uint32_t pid;
	char comm[EVENT_COMM_SIZE];
	char *name;	     /* when it was first written to */
	uint64_t since_ns;   /* the oldest that sync calls left not durable, 0: nothing */
	uint64_t bytes;	     /* how much of it */
	uint64_t peak_bytes; /* that was not durable at a time */
};

struct exposure {
	struct store *store;
	void *files; /* a tree, see search.h */
	struct {
		uint32_t dev;
		uint64_t ino;
	} inherited[MAX_INHERITED];
	size_t nr_inherited;
	uint64_t longest_ns; /* from a write to the end of the call that made it durable */
};

static int compare(const void *left, const void *right)
{
	const struct file *a = left, *b = right;

	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	if (a->s_dev != b->s_dev)
		return a->s_dev < b->s_dev ? -1 : 1;
	return a->generation < b->generation ? -1 : a->generation > b->generation;
}

struct exposure *exposure_new(struct store *store)
{
	struct exposure *exposure = calloc(1, sizeof(*exposure));

	if (!exposure)
		return NULL;
	exposure->store = store;
	return exposure;
}

static void free_file(void *node)
{
	struct file *file = node;

	free(file->name);
	free(file);
}

void exposure_free(struct exposure *exposure)
{
	if (!exposure)
		return;
	tdestroy(exposure->files, free_file);
	free(exposure);
}

void exposure_inherited(struct exposure *exposure, uint32_t dev, uint64_t ino)
{
	if (exposure->nr_inherited == MAX_INHERITED)
		return;
	exposure->inherited[exposure->nr_inherited].dev = dev;
	exposure->inherited[exposure->nr_inherited++].ino = ino;
}

static bool is_inherited(const struct exposure *exposure, const struct file *file)
{
	size_t i;

	for (i = 0; i < exposure->nr_inherited; i++)
		if (exposure->inherited[i].dev == file->s_dev &&
		    exposure->inherited[i].ino == file->ino)
			return true;
	return false;
}

static struct file *find(const struct exposure *exposure, uint32_t s_dev, uint64_t ino,
			 uint32_t generation)
{
	struct file key = {.s_dev = s_dev, .ino = ino, .generation = generation};
	struct file **found = tfind(&key, &exposure->files, compare);

	return found ? *found : NULL;
}

void exposure_written(struct exposure *exposure, const struct event_written *event,
		      const char *name)
{
	struct file *file = calloc(1, sizeof(*file));
	struct file **kept;

	if (!file)
		return; /* then it is no finding: never a false one */
	file->ino = event->ino;
	file->s_dev = event->s_dev;
	file->generation = event->generation;
	kept = tsearch(file, &exposure->files, compare);
	if (!kept || *kept != file) {
		free(file);
		return;
	}
	file->pid = event->pid;
	memcpy(file->comm, event->comm, sizeof(file->comm));
	file->name = name ? strdup(name) : NULL;
}

/* What the call found to do adds to what earlier ones left. */
static void add_window(struct file *file, const struct event_sync *sync)
{
	if (!sync->written_ns)
		return;
	if (!file->since_ns)
		file->since_ns = sync->written_ns;
	file->bytes += sync->written_bytes;
	if (file->bytes > file->peak_bytes)
		file->peak_bytes = file->bytes;
}

static void note_longest(struct exposure *exposure, const struct file *file, uint64_t until_ns)
{
	if (file->since_ns && until_ns > file->since_ns &&
	    until_ns - file->since_ns > exposure->longest_ns)
		exposure->longest_ns = until_ns - file->since_ns;
}

static void made_durable(struct exposure *exposure, struct file *file, uint64_t at_ns)
{
	note_longest(exposure, file, at_ns);
	file->since_ns = 0;
	file->bytes = 0;
}

/* All of a file system has been synced: what earlier calls left, too. */
struct whole {
	struct exposure *exposure;
	const struct event_sync *sync;
};

static void on_whole(const void *node, VISIT visit, void *ctx)
{
	const struct whole *whole = ctx;
	struct file *file = *(struct file *const *)node;

	if (visit != postorder && visit != leaf)
		return;
	if (whole->sync->kind == SYNC_SYNC || whole->sync->s_dev == file->s_dev)
		made_durable(whole->exposure, file, whole->sync->exit_ns);
}

void exposure_synced(struct exposure *exposure, const struct event_sync *sync, bool durable)
{
	struct whole whole = {exposure, sync};
	struct file *file;

	if (sync->flags & SYNC_WHOLE_FS) {
		if (durable)
			twalk_r(exposure->files, on_whole, &whole);
		return;
	}
	file = find(exposure, sync->s_dev, sync->ino, sync->generation);
	if (!file)
		return;
	add_window(file, sync);
	if (durable && sync->written_ns)
		made_durable(exposure, file, sync->exit_ns);
}

static bool is_volatile(const struct verdict_device *device)
{
	return device->cache == CACHE_VOLATILE || device->cache == CACHE_OVERRIDDEN ||
	       device->cache == CACHE_RAM;
}

/* What this file wrote to the device last, no flush has covered, whatever was not seen. */
static bool is_unflushed(const struct verdict_facts *facts, const struct verdict_device *device)
{
	uint64_t watermark = device->watermark_ns > device->unseen_watermark_ns
				     ? device->watermark_ns
				     : device->unseen_watermark_ns;
	uint64_t done = device->event->last_done_ns;

	return is_volatile(device) && !device->below_unknown && !device->event->slot_shared &&
	       done > facts->start_ns && done > watermark;
}

enum exposure_state exposure_judge(const struct verdict_facts *facts, const char **device)
{
	const struct event_sync *sync = facts->sync;
	size_t i;

	*device = "";
	/* Where the journal holds the data too, a page is dirty until it is checkpointed. */
	if ((sync->flags & SYNC_DIRTY_EXIT) && !facts->data_journal)
		return EXPOSURE_DIRTY; /* the kernel's own mark: no lost event can make it wrong */
	if (facts->losses)
		return EXPOSURE_NOT_SHOWN;
	for (i = 0; i < facts->nr_devices && !facts->data_journal; i++) {
		const struct verdict_device *one = &facts->devices[i];

		*device = one->name;
		if (one->event->inflight_bytes > 0 && !one->event->slot_shared)
			return EXPOSURE_IN_FLIGHT;
		if (is_unflushed(facts, one))
			return EXPOSURE_UNFLUSHED;
	}
	*device = "";
	if ((sync->flags & (SYNC_TID_KNOWN | SYNC_TID_NEEDED)) ==
	    (SYNC_TID_KNOWN | SYNC_TID_NEEDED))
		return EXPOSURE_UNCOMMITTED;
	return EXPOSURE_NOT_SHOWN;
}

static const char *describe(enum exposure_state state)
{
	switch (state) {
	case EXPOSURE_DIRTY:
		return "in memory only";
	case EXPOSURE_IN_FLIGHT:
		return "on its way to ";
	case EXPOSURE_UNFLUSHED:
		return "written, and no flush followed, on ";
	case EXPOSURE_UNCOMMITTED:
		return "written, but what leads to it is not committed to the journal";
	default:
		return "";
	}
}

/* Was the file written to under another name? */
static bool was_renamed(const struct file *file, const char *name)
{
	return file->name && name && strcmp(file->name, name) != 0;
}

static void store_finding(struct exposure *exposure, const struct file *file,
			  const struct event_sync *survey, enum exposure_state state,
			  const char *device, const char *name)
{
	char safe[8 * EVENT_PATH_SIZE], before[1024], comm[64], age[32];
	char detail[2048], peak[64] = "";
	uint64_t bytes = file->bytes;
	bool given = is_inherited(exposure, file);
	struct store_finding finding = {
		.kind = finding_kind_name(FINDING_NEVER_SYNCED),
		.severity = finding_severity_name(given ? SEVERITY_ADVICE : SEVERITY_RISK),
		.detail = detail,
		.since_ns = file->since_ns,
	};

	/* A page counts as a whole, and each time it became dirty. */
	if (survey->size != ~0ULL && bytes > survey->size)
		bytes = survey->size;
	finding.bytes = bytes;
	if (name) {
		format_safe_text(safe, sizeof(safe), name, strlen(name));
		finding.path = safe;
	}
	format_safe_text(comm, sizeof(comm), file->comm, strlen(file->comm));
	format_safe_text(before, sizeof(before), file->name ? file->name : "",
			 file->name ? strlen(file->name) : 0);
	if (file->peak_bytes > bytes)
		snprintf(peak, sizeof(peak), "; %llu bytes at the worst",
			 (unsigned long long)file->peak_bytes);
	snprintf(detail, sizeof(detail),
		 "%llu bytes written by %s (PID %u), the oldest %s ago: %s%s%s%s%s%s",
		 (unsigned long long)bytes, comm, file->pid,
		 format_duration(age, sizeof(age), survey->exit_ns - file->since_ns),
		 describe(state), device, peak, was_renamed(file, name) ? "; it was " : "",
		 was_renamed(file, name) ? before : "",
		 given ? "; an output that the command was given" : "");
	store_add_finding(exposure->store, &finding);
}

void exposure_surveyed(struct exposure *exposure, const struct verdict_facts *facts,
		       const char *name)
{
	const struct event_sync *survey = facts->sync;
	struct file *file = find(exposure, survey->s_dev, survey->ino, survey->generation);
	enum exposure_state state;
	const char *device;

	/* What calls were to make durable, and did not, they have been blamed for. */
	if (!file || !survey->written_ns)
		return;
	state = exposure_judge(facts, &device);
	if (state == EXPOSURE_NOT_SHOWN)
		return;
	file->since_ns = survey->written_ns;
	file->bytes = survey->written_bytes;
	store_finding(exposure, file, survey, state, device, name);
}

void exposure_finish(struct exposure *exposure)
{
	if (exposure->longest_ns)
		store_set_meta_number(exposure->store, "exposed_ns", exposure->longest_ns);
}
