// SPDX-License-Identifier: GPL-2.0-only
#include "exposure.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fileid.h"
#include "findings.h"
#include "format.h"
#include "proof.h"
#include "survey.h"

#define MAX_INHERITED 8

/* A file that was written to, by the inode. */
struct file {
	struct fileid id; /* first: see fileid_compare() */
	uint32_t pid;
	char comm[EVENT_COMM_SIZE];
	char *name;		 /* when it was first written to, */
	char *last_name;	 /* and at the survey */
	uint64_t since_ns;	 /* the oldest that sync calls left not durable, 0: nothing */
	uint64_t bytes;		 /* how much of it */
	uint64_t peak_bytes;	 /* that was not durable at a time */
	uint64_t left_bytes;	 /* that is shown to be at risk at the end */
	uint64_t all_bytes;	 /* written at all */
	uint64_t longest_ns;	 /* from a write to when it was durable, or to the end */
	uint32_t syncs;		 /* calls that made it durable */
	int64_t sync_id;	 /* the last of them */
	uint64_t whole_enter_ns; /* the newest call that made all of its file system durable, */
	uint64_t whole_exit_ns;
	int64_t whole_id;
	bool surveyed;	   /* it is still there */
	const char *state; /* how the survey found it, NULL: as the calls left it */
	int64_t flush_id;
	uint64_t flushed_after_ns;
	char detail[160];
};

struct exposure {
	struct store *store;
	struct flushlog *flushes;
	void *files; /* a tree, see search.h */
	struct {
		uint32_t dev;
		uint64_t ino;
	} inherited[MAX_INHERITED];
	size_t nr_inherited;
	uint64_t longest_ns; /* from a write to the end of the call that made it durable */
};

struct exposure *exposure_new(struct store *store, struct flushlog *flushes)
{
	struct exposure *exposure = calloc(1, sizeof(*exposure));

	if (!exposure)
		return NULL;
	exposure->store = store;
	exposure->flushes = flushes;
	return exposure;
}

static void free_file(void *node)
{
	struct file *file = node;

	free(file->name);
	free(file->last_name);
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
		if (exposure->inherited[i].dev == file->id.s_dev &&
		    exposure->inherited[i].ino == file->id.ino)
			return true;
	return false;
}

static struct file *find(const struct exposure *exposure, uint32_t s_dev, uint64_t ino,
			 uint32_t generation)
{
	struct fileid key = {ino, s_dev, generation};
	struct file **found = tfind(&key, &exposure->files, fileid_compare);

	return found ? *found : NULL;
}

void exposure_written(struct exposure *exposure, const struct event_written *event,
		      const char *name)
{
	struct file *file = calloc(1, sizeof(*file));
	struct file **kept;

	if (!file)
		return; /* then it is no finding: never a false one */
	file->id = (struct fileid){event->ino, event->s_dev, event->generation};
	kept = tsearch(file, &exposure->files, fileid_compare);
	if (!kept || *kept != file) {
		free(file);
		return;
	}
	file->pid = event->pid;
	memcpy(file->comm, event->comm, sizeof(file->comm));
	file->name = name ? strdup(name) : NULL;
}

/* Something was exposed for so long. */
static void note_exposed(struct file *file, uint64_t since_ns, uint64_t until_ns)
{
	if (until_ns > since_ns && until_ns - since_ns > file->longest_ns)
		file->longest_ns = until_ns - since_ns;
}

/* The oldest of what the call found to do: that was not made durable with all others. */
static uint64_t oldest(const struct file *file, const struct event_sync *sync)
{
	return sync->written_ns > file->whole_enter_ns ? sync->written_ns : file->whole_enter_ns;
}

/* What the call found to do adds to what earlier ones left. */
static void add_window(struct file *file, const struct event_sync *sync)
{
	if (!sync->written_ns)
		return;
	if (sync->written_ns < file->whole_enter_ns)
		note_exposed(file, sync->written_ns, file->whole_exit_ns);
	if (!file->since_ns)
		file->since_ns = oldest(file, sync);
	file->bytes += sync->written_bytes;
	file->all_bytes += sync->written_bytes;
	if (file->bytes > file->peak_bytes)
		file->peak_bytes = file->bytes;
}

static void made_durable(struct exposure *exposure, struct file *file, uint64_t at_ns, int64_t row)
{
	if (!file->since_ns)
		return;
	note_exposed(file, file->since_ns, at_ns);
	if (file->longest_ns > exposure->longest_ns)
		exposure->longest_ns = file->longest_ns;
	file->since_ns = 0;
	file->bytes = 0;
	file->syncs++;
	file->sync_id = row;
}

/* All of a file system has been synced: what earlier calls left, too. */
struct whole {
	struct exposure *exposure;
	const struct event_sync *sync;
	int64_t row;
};

static void on_whole(const void *node, VISIT visit, void *ctx)
{
	const struct whole *whole = ctx;
	struct file *file = *(struct file *const *)node;

	if (visit != postorder && visit != leaf)
		return;
	if (whole->sync->kind != SYNC_SYNC && whole->sync->s_dev != file->id.s_dev)
		return;
	made_durable(whole->exposure, file, whole->sync->exit_ns, whole->row);
	file->whole_enter_ns = whole->sync->enter_ns;
	file->whole_exit_ns = whole->sync->exit_ns;
	file->whole_id = whole->row;
}

void exposure_synced(struct exposure *exposure, const struct event_sync *sync, bool durable,
		     int64_t row)
{
	struct whole whole = {exposure, sync, row};
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
		made_durable(exposure, file, sync->exit_ns, row);
}

static const char *describe(enum survey_state state)
{
	switch (state) {
	case SURVEY_DIRTY:
		return "in memory only";
	case SURVEY_IN_FLIGHT:
		return "on its way to ";
	case SURVEY_UNFLUSHED:
		return "written, and no flush followed, on ";
	case SURVEY_UNCOMMITTED:
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

static void store_finding(struct exposure *exposure, struct file *file,
			  const struct event_sync *survey, enum survey_state state,
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
	file->left_bytes = bytes;
	file->state = given ? "output" : "at-risk";
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
	snprintf(file->detail, sizeof(file->detail), "%s%s", describe(state), device);
	store_add_finding(exposure->store, &finding);
}

/* The flushes that covered what the file wrote to each device, and when the last of them ended. */
static uint64_t find_flush(struct exposure *exposure, const struct verdict_facts *facts,
			   struct file *file)
{
	uint64_t end_ns = survey_newest_write(facts);
	size_t i;

	for (i = 0; i < facts->nr_devices; i++) {
		const struct event_device *event = facts->devices[i].event;
		const struct flush_entry *flush;

		if (!(event->roles & DEVICE_DATA) || !event->last_done_ns ||
		    proof_of_cache(&facts->devices[i]) == PROOF_STABLE)
			continue;
		flush = flushlog_find(exposure->flushes, event->disk, event->last_done_ns,
				      facts->sync->exit_ns);
		if (!flush)
			return 0;
		if (flush->complete_ns > end_ns || !file->flush_id)
			file->flush_id = flush->id;
		if (flush->complete_ns > end_ns)
			end_ns = flush->complete_ns;
	}
	return end_ns;
}

/* It is covered, and no call of its own asked for that. */
static void store_written_back(struct exposure *exposure, const struct verdict_facts *facts,
			       struct file *file)
{
	uint64_t end_ns;

	if (survey_newest_write(facts) <= file->whole_exit_ns) {
		file->state = NULL;
		made_durable(exposure, file, file->whole_exit_ns, file->whole_id);
		return;
	}
	end_ns = find_flush(exposure, facts, file);
	if (end_ns <= file->since_ns)
		return;
	note_exposed(file, file->since_ns, end_ns);
	file->state = "written-back";
	file->flushed_after_ns = end_ns - file->since_ns;
	snprintf(file->detail, sizeof(file->detail),
		 "by background write-back or another's sync; %s",
		 survey_is_committed(facts) ? "what leads to it is committed"
					    : "whether what leads to it is committed is not known");
}

void exposure_surveyed(struct exposure *exposure, const struct verdict_facts *facts,
		       const char *name)
{
	const struct event_sync *survey = facts->sync;
	struct file *file = find(exposure, survey->s_dev, survey->ino, survey->generation);
	enum survey_state state;
	const char *device;

	if (!file)
		return;
	file->last_name = name ? strdup(name) : NULL;
	file->surveyed = true;
	/* What calls were to make durable, and did not, they have been blamed for. */
	if (!survey->written_ns)
		return;
	add_window(file, survey);
	state = survey_judge(facts, &device);
	if (state == SURVEY_NOT_SHOWN) {
		file->state = "unknown";
		if (survey_is_flushed(facts))
			store_written_back(exposure, facts, file);
		return;
	}
	file->since_ns = oldest(file, survey);
	file->bytes = survey->written_bytes;
	note_exposed(file, file->since_ns, survey->exit_ns);
	store_finding(exposure, file, survey, state, device, name);
}

/* As the calls left it, where the survey did not say. */
static const char *state_of(const struct file *file)
{
	if (file->state)
		return file->state;
	if (file->since_ns)
		return "not-durable";
	if (file->syncs)
		return "durable";
	return file->surveyed ? "unknown" : "gone";
}

static void store_file(const void *node, VISIT visit, void *ctx)
{
	struct exposure *exposure = ctx;
	const struct file *file = *(struct file *const *)node;
	const char *name = file->last_name ? file->last_name : file->name;
	char safe[4 * EVENT_PATH_SIZE], comm[4 * EVENT_COMM_SIZE + 1], dev[32];
	struct store_exposure row = {
		.dev = format_dev(dev, sizeof(dev), file->id.s_dev),
		.ino = file->id.ino,
		.pid = file->pid,
		.comm = comm,
		.bytes = file->all_bytes,
		.peak_bytes = file->peak_bytes,
		.left_bytes = file->left_bytes,
		.longest_ns = file->longest_ns,
		.state = state_of(file),
		.syncs = file->syncs,
		.sync_id = file->sync_id,
		.flush_id = file->flush_id,
		.flushed_after_ns = file->flushed_after_ns,
		.detail = file->detail,
	};

	if (visit != postorder && visit != leaf)
		return;
	format_safe_text(comm, sizeof(comm), file->comm, strlen(file->comm));
	if (name) {
		format_safe_text(safe, sizeof(safe), name, strlen(name));
		row.path = safe;
	}
	store_add_exposure(exposure->store, &row);
}

void exposure_finish(struct exposure *exposure)
{
	twalk_r(exposure->files, store_file, exposure);
	if (exposure->longest_ns)
		store_set_meta_number(exposure->store, "exposed_ns", exposure->longest_ns);
}
