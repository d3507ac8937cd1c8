// SPDX-License-Identifier: GPL-2.0-only
#include "failures.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DAMAGES 65536 /* with more, the newest are known to the ledger only */
#define MAX_RANGES  4096  /* of one file; with more, where it failed is forgotten */

struct range {
	uint64_t start, end;
};

/* A file, by what tells it from one of the same number, here or on a file system made later. */
struct identity {
	uint64_t fs_id, ino;
	uint32_t s_dev, generation;
};

/* What failed of one file on one disk; or of nobody there. */
struct damage {
	struct failure failure; /* but for its bytes, see count_bytes() */
	struct identity file;
	uint32_t part;
	uint64_t last_ns; /* the newest failure of all, also when made good */
	struct range *ranges;
	size_t nr_ranges, room;
	bool anywhere; /* also where it is not known */
	bool meta;
	bool over; /* made good */
	bool swallowed;
	uint64_t swallowed_bytes;
	struct failure_call success;
	char *path;
};

struct failures {
	struct damage *list;
	size_t nr, room;
};

struct failures *failures_new(void)
{
	return calloc(1, sizeof(struct failures));
}

void failures_free(struct failures *failures)
{
	size_t i;

	if (!failures)
		return;
	for (i = 0; i < failures->nr; i++) {
		free(failures->list[i].ranges);
		free(failures->list[i].path);
	}
	free(failures->list);
	free(failures);
}

/* --- the ranges of one file: sorted, apart from each other --- */

/* Puts @with, which may be empty, in the place of ranges [@from, @to). */
static bool replace_ranges(struct damage *damage, size_t from, size_t to, const struct range *with,
			   size_t count)
{
	size_t nr = damage->nr_ranges - (to - from) + count;
	struct range *ranges = damage->ranges;

	if (nr > MAX_RANGES)
		return false;
	if (nr > damage->room) {
		ranges = realloc(ranges, (nr + 16) * sizeof(*ranges));
		if (!ranges)
			return false;
		damage->ranges = ranges;
		damage->room = nr + 16;
	}
	if (!ranges)
		return true; /* there are none and there were none */
	memmove(ranges + from + count, ranges + to, (damage->nr_ranges - to) * sizeof(*ranges));
	if (count)
		memcpy(ranges + from, with, count * sizeof(*ranges));
	damage->nr_ranges = nr;
	return true;
}

static void add_range(struct damage *damage, uint64_t start, uint64_t end)
{
	struct range whole = {start, end};
	size_t from = 0, to;

	while (from < damage->nr_ranges && damage->ranges[from].end < start)
		from++;
	for (to = from; to < damage->nr_ranges && damage->ranges[to].start <= end; to++) {
		if (damage->ranges[to].start < whole.start)
			whole.start = damage->ranges[to].start;
		if (damage->ranges[to].end > whole.end)
			whole.end = damage->ranges[to].end;
	}
	if (!replace_ranges(damage, from, to, &whole, 1))
		damage->anywhere = true;
}

static void remove_range(struct damage *damage, uint64_t start, uint64_t end)
{
	struct range rest[2];
	size_t from = 0, to, count = 0;

	while (from < damage->nr_ranges && damage->ranges[from].end <= start)
		from++;
	for (to = from; to < damage->nr_ranges && damage->ranges[to].start < end; to++) {
		if (damage->ranges[to].start < start)
			rest[count++] = (struct range){damage->ranges[to].start, start};
		if (damage->ranges[to].end > end)
			rest[count++] = (struct range){end, damage->ranges[to].end};
	}
	/* What cannot be taken out stays: then the file is not clean. */
	replace_ranges(damage, from, to, rest, count);
}

static uint64_t count_bytes(const struct damage *damage)
{
	uint64_t bytes = 0;
	size_t i;

	if (damage->anywhere)
		return 0;
	for (i = 0; i < damage->nr_ranges; i++)
		bytes += damage->ranges[i].end - damage->ranges[i].start;
	return bytes;
}

/* --- the list --- */

static struct identity identity_of_write(const struct event_write *write)
{
	return (struct identity){write->fs_id, write->ino, write->s_dev, write->generation};
}

static struct identity identity_of_sync(const struct event_sync *sync)
{
	return (struct identity){sync->fs_id, sync->ino, sync->s_dev, sync->generation};
}

static bool is_same(struct identity one, struct identity other)
{
	return one.ino == other.ino && one.s_dev == other.s_dev &&
	       one.generation == other.generation && one.fs_id == other.fs_id;
}

static bool is_of_file(const struct damage *damage, struct identity file)
{
	return damage->failure.kind != FAILURE_FLUSH && is_same(damage->file, file);
}

static struct damage *add_damage(struct failures *failures, const struct damage *fresh)
{
	size_t room = failures->room ? failures->room * 2 : 16;
	struct damage *list;

	if (failures->nr >= MAX_DAMAGES)
		return NULL;
	if (failures->nr == failures->room) {
		list = realloc(failures->list, room * sizeof(*list));
		if (!list)
			return NULL;
		failures->list = list;
		failures->room = room;
	}
	failures->list[failures->nr] = *fresh;
	return &failures->list[failures->nr++];
}

/* The damage that a failed write belongs to: what is not made good yet of the
 * same file on the same disk, or a new one. */
static struct damage *find_or_add(struct failures *failures, const struct damage *fresh)
{
	size_t i;

	for (i = failures->nr; i-- > 0;) {
		struct damage *damage = &failures->list[i];

		if (!damage->over && damage->failure.kind == fresh->failure.kind &&
		    damage->failure.disk == fresh->failure.disk && damage->part == fresh->part &&
		    damage->meta == fresh->meta && is_of_file(damage, fresh->file))
			return damage;
	}
	return add_damage(failures, fresh);
}

static void push_failed(struct failures *failures, const struct event_write *write)
{
	bool uncharged = write->flags & WRITE_UNCHARGED;
	struct damage fresh = {
		.failure = {.kind = uncharged ? FAILURE_UNCHARGED : FAILURE_WRITE,
			    .disk = write->disk,
			    .since_ns = write->at_ns,
			    .error = write->error},
		.file = identity_of_write(write),
		.part = write->part,
		.meta = write->flags & WRITE_META,
	};
	struct damage *damage = find_or_add(failures, &fresh);

	if (!damage)
		return; /* the ledger still says that there was one */
	damage->last_ns = write->at_ns;
	if (uncharged || (write->flags & WRITE_ANYWHERE))
		damage->anywhere = true;
	else
		add_range(damage, write->offset, write->offset + write->bytes);
}

void failures_push(struct failures *failures, const struct event_write *write)
{
	size_t i;

	if (write->error) {
		push_failed(failures, write);
		return;
	}
	for (i = 0; i < failures->nr; i++) {
		struct damage *damage = &failures->list[i];

		if (damage->over || damage->failure.kind != FAILURE_WRITE ||
		    damage->failure.disk != write->disk ||
		    !is_of_file(damage, identity_of_write(write)))
			continue;
		remove_range(damage, write->offset, write->offset + write->bytes);
		damage->over = !damage->anywhere && !damage->nr_ranges;
	}
}

/* --- sync calls --- */

/* The ledger remembers a failure whose record did not arrive. */
static void ask_ledger(struct failures *failures, const struct event_sync *sync,
		       const struct event_device *device)
{
	struct damage fresh = {
		.failure = {.kind = FAILURE_WRITE,
			    .disk = device->disk,
			    .since_ns = device->last_error_ns},
		.file = identity_of_sync(sync),
		.last_ns = device->last_error_ns,
		.anywhere = true,
	};
	size_t i;

	for (i = 0; i < failures->nr; i++)
		if (is_of_file(&failures->list[i], identity_of_sync(sync)) &&
		    failures->list[i].failure.disk == device->disk &&
		    failures->list[i].last_ns >= device->last_error_ns)
			return;
	if (device->last_error_ns)
		add_damage(failures, &fresh);
}

/* What was cut off needs no writing. */
static void cut_off(struct damage *damage, uint64_t size)
{
	if (damage->over || damage->meta)
		return;
	remove_range(damage, size, UINT64_MAX);
	if (!size)
		damage->anywhere = false;
	damage->over = !damage->anywhere && !damage->nr_ranges;
}

static bool concerns(const struct damage *damage, const struct event_device *device, uint8_t roles)
{
	return (device->roles & roles) && damage->failure.disk == device->disk &&
	       (!damage->part || damage->part == device->part);
}

/* Was it of the file system that the call is about, all of it? */
static bool is_on(const struct damage *damage, const struct event_sync *sync)
{
	return damage->file.s_dev == sync->s_dev && damage->file.fs_id == sync->fs_id;
}

/* Does it stand against @sync, and as what? Failures below the device the file
 * system stands on are that layer's to make good: a mirror has another leg. */
static enum failure_kind stands_against(const struct damage *damage, const struct event_sync *sync)
{
	bool own = sync->flags & SYNC_WHOLE_FS ? sync->kind == SYNC_SYNC || is_on(damage, sync)
					       : is_of_file(damage, identity_of_sync(sync));
	size_t i;

	/* A direct write answers for itself alone. */
	if (damage->over || damage->failure.kind == FAILURE_FLUSH || (sync->flags & SYNC_DIRECT))
		return FAILURE_NONE;
	if (own && damage->failure.kind == FAILURE_UNSEEN)
		return FAILURE_UNSEEN;
	if (own && !sync->nr_devices)
		return damage->failure.kind;
	for (i = 0; i < sync->nr_devices; i++) {
		const struct event_device *device = &sync->devices[i];

		if (own && damage->failure.disk == device->disk && (device->roles & DEVICE_DATA))
			return FAILURE_WRITE;
		if (damage->meta && concerns(damage, device, DEVICE_DATA | DEVICE_LOG))
			return FAILURE_METADATA;
		if (damage->failure.kind == FAILURE_UNCHARGED &&
		    concerns(damage, device, DEVICE_DATA))
			return FAILURE_UNCHARGED;
	}
	return FAILURE_NONE;
}

void failures_ask(struct failures *failures, const struct event_sync *sync, uint64_t past_ns,
		  struct failure *failure)
{
	enum failure_kind kind;
	size_t i;

	memset(failure, 0, sizeof(*failure));
	for (i = 0; i < sync->nr_devices; i++)
		if (sync->devices[i].roles & DEVICE_DATA)
			ask_ledger(failures, sync, &sync->devices[i]);
	for (i = 0; i < failures->nr; i++) {
		struct damage *damage = &failures->list[i];

		if (is_of_file(damage, identity_of_sync(sync)))
			cut_off(damage, sync->size);
		if (past_ns && damage->last_ns <= past_ns)
			continue;
		kind = stands_against(damage, sync);
		if (kind == FAILURE_NONE || (failure->kind && kind >= failure->kind))
			continue;
		*failure = damage->failure;
		failure->kind = kind;
		failure->bytes = count_bytes(damage);
	}
}

static struct failure_call call_of(const struct event_sync *sync)
{
	return (struct failure_call){
		.at_ns = sync->exit_ns, .pid = sync->pid, .kind = sync->kind, .ret = sync->ret};
}

/* An error that a call reports stands for all failures of its file at once. */
static void note_told(struct failures *failures, const struct event_sync *sync,
		      struct damage *named)
{
	size_t i;

	for (i = 0; i < failures->nr; i++) {
		struct damage *damage = &failures->list[i];

		if (damage->failure.told.at_ns)
			continue;
		if (damage == named || (named->failure.kind != FAILURE_FLUSH && !damage->over &&
					is_of_file(damage, identity_of_sync(sync))))
			damage->failure.told = call_of(sync);
	}
}

/* A failure that the verdict names and that no write record told of. */
static struct damage *add_named(struct failures *failures, const struct event_sync *sync,
				const struct failure *failure)
{
	struct damage fresh = {
		.failure = *failure,
		.file = identity_of_sync(sync),
		.last_ns = failure->since_ns,
		.anywhere = true,
		.over = failure->kind != FAILURE_UNSEEN, /* it stands against this call only */
	};

	return add_damage(failures, &fresh);
}

/* Is it the one that @failure of a call tells of? Of metadata any call may tell. */
static bool is_named(const struct damage *damage, const struct event_sync *sync,
		     const struct failure *failure)
{
	if (damage->failure.disk != failure->disk || damage->failure.since_ns != failure->since_ns)
		return false;
	if (failure->kind == FAILURE_METADATA)
		return damage->meta;
	return damage->failure.kind == failure->kind &&
	       is_same(damage->file, identity_of_sync(sync));
}

static struct damage *find_named(struct failures *failures, const struct event_sync *sync,
				 const struct failure *failure)
{
	size_t i;

	for (i = 0; i < failures->nr; i++)
		if (is_named(&failures->list[i], sync, failure))
			return &failures->list[i];
	return NULL;
}

void failures_judged(struct failures *failures, const struct event_sync *sync,
		     const struct failure *failure, const char *path)
{
	struct damage *damage;

	if (failure->kind == FAILURE_NONE)
		return;
	damage = find_named(failures, sync, failure);
	if (!damage)
		damage = add_named(failures, sync, failure);
	if (!damage)
		return; /* out of memory: the verdict says it, the findings do not */
	if (sync->ret) {
		note_told(failures, sync, damage);
		return;
	}
	/* A nested sync is part of another call, which then is not durable itself. */
	if (sync->kind == SYNC_KERNEL || damage->swallowed ||
	    (failure->kind != FAILURE_WRITE && failure->kind != FAILURE_FLUSH))
		return;
	damage->swallowed = true;
	damage->swallowed_bytes = failure->bytes;
	damage->success = call_of(sync);
	damage->path = path ? strdup(path) : NULL;
}

/* Another file's call may have been told of the same flush. */
static struct failure_call told_of(const struct failures *failures, const struct damage *damage)
{
	struct failure_call first = damage->failure.told;
	size_t i;

	for (i = 0; damage->failure.kind == FAILURE_FLUSH && i < failures->nr; i++) {
		const struct failure *other = &failures->list[i].failure;

		if (other->kind == FAILURE_FLUSH && other->disk == damage->failure.disk &&
		    other->since_ns == damage->failure.since_ns && other->told.at_ns &&
		    (!first.at_ns || other->told.at_ns < first.at_ns))
			first = other->told;
	}
	return first;
}

void failures_each_swallowed(const struct failures *failures,
			     void (*visit)(void *ctx, const struct failure_swallowed *swallowed),
			     void *ctx)
{
	size_t i;

	for (i = 0; i < failures->nr; i++) {
		const struct damage *damage = &failures->list[i];
		struct failure_swallowed swallowed = {
			.failure = damage->failure,
			.success = damage->success,
			.path = damage->path,
		};

		if (!damage->swallowed)
			continue;
		swallowed.failure.bytes = damage->swallowed_bytes;
		swallowed.failure.told = told_of(failures, damage);
		visit(ctx, &swallowed);
	}
}
