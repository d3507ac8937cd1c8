// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "seed.h"

#define SYNC_FIXED   offsetof(struct event_sync, devices)
#define PATH_FIXED   offsetof(struct event_path, names)
#define CHANGE_FIXED offsetof(struct event_change, names)
#define ROUNDS	     1000000

static void make_header(struct event_header *header, enum event_type type, size_t size)
{
	header->type = type;
	header->version = EVENTS_VERSION;
	header->size = (uint32_t)size;
}

static void make_sync(struct event_sync *sync, uint8_t nr_devices)
{
	memset(sync, 0, sizeof(*sync));
	make_header(&sync->header, EVENT_SYNC, SYNC_FIXED + nr_devices * sizeof(sync->devices[0]));
	sync->id = 42;
	sync->enter_ns = 100;
	sync->exit_ns = 200;
	sync->nr_devices = nr_devices;
	memset(sync->comm, 'c', sizeof(sync->comm));
	for (uint8_t i = 0; i < nr_devices; i++)
		sync->devices[i].disk = 1000 + i;
}

/* @names: "c\0b\0a", leaf first; the literal's own NUL ends the last. */
static void make_path(struct event_path *path, const char *names, size_t length, uint32_t flags)
{
	memset(path, 0, sizeof(*path));
	make_header(&path->header, EVENT_PATH, PATH_FIXED + length);
	path->id = 42;
	path->length = (uint16_t)length;
	path->flags = flags;
	memcpy(path->names, names, length);
}

static void make_flush(struct event_flush *flush)
{
	memset(flush, 0, sizeof(*flush));
	make_header(&flush->header, EVENT_FLUSH, sizeof(*flush));
	flush->issue_ns = 100;
	flush->complete_ns = 200;
}

static void make_drain(struct event_drain *drain)
{
	memset(drain, 0, sizeof(*drain));
	make_header(&drain->header, EVENT_DRAIN, sizeof(*drain));
	drain->slot = 7;
	drain->done_ns = 300;
}

static void make_write(struct event_write *write)
{
	memset(write, 0, sizeof(*write));
	make_header(&write->header, EVENT_WRITE, sizeof(*write));
	write->offset = 4096;
	write->bytes = 512;
	write->error = -EIO;
}

static void make_written(struct event_written *written)
{
	memset(written, 0, sizeof(*written));
	make_header(&written->header, EVENT_WRITTEN, sizeof(*written));
	written->id = 42;
	written->ino = 12;
	memset(written->comm, 'c', sizeof(written->comm));
}

static void make_mapped(struct event_mapped *mapped)
{
	memset(mapped, 0, sizeof(*mapped));
	make_header(&mapped->header, EVENT_MAPPED, sizeof(*mapped));
	mapped->file.ino = 9;
	memset(mapped->comm, 'c', sizeof(mapped->comm));
}

/* From a buffer of just that size, so that ASan sees a byte too many. */
static int decode_exactly(struct record *record, const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, data, size);
	ret = decode_record(record, copy, size);
	free(copy);
	return ret;
}

static void whole_sync(void **state)
{
	struct event_sync sync;
	struct record record;

	(void)state;
	for (uint8_t n = 0; n <= EVENT_MAX_DEVICES; n++) {
		make_sync(&sync, n);
		assert_int_equal(decode_exactly(&record, &sync, sync.header.size), 0);
		assert_int_equal(record.type, EVENT_SYNC);
		assert_int_equal(record.sync.id, 42);
		assert_int_equal(record.sync.nr_devices, n);
		if (n)
			assert_int_equal(record.sync.devices[n - 1].disk, 999 + n);
	}
}

static void comm_is_terminated(void **state)
{
	struct event_sync sync;
	struct record record;

	(void)state;
	make_sync(&sync, 0);
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size), 0);
	assert_string_equal((const char *)record.sync.comm, "ccccccccccccccc");
}

static void devices_that_did_not_cross_are_zero(void **state)
{
	struct event_sync sync;
	struct record record;

	(void)state;
	memset(&record, 0xff, sizeof(record));
	make_sync(&sync, 1);
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size), 0);
	assert_int_equal(record.sync.devices[1].disk, 0);
	assert_int_equal(record.sync.devices[EVENT_MAX_DEVICES - 1].slot, 0);
}

static void no_header(void **state)
{
	struct event_drain drain;
	struct record record;

	(void)state;
	make_drain(&drain);
	for (size_t size = 0; size < sizeof(drain.header); size++)
		assert_int_equal(decode_exactly(&record, &drain, size), -EBADMSG);
}

static void sizes_of_a_sync(void **state)
{
	struct event_sync sync;
	struct record record;

	(void)state;
	make_sync(&sync, 2);
	sync.header.size = SYNC_FIXED - 1;
	assert_int_equal(decode_exactly(&record, &sync, sizeof(sync)), -EBADMSG);
	sync.header.size = SYNC_FIXED + sizeof(sync.devices[0]) * 2 - 1;
	assert_int_equal(decode_exactly(&record, &sync, sizeof(sync)), -EBADMSG);
	sync.header.size = sizeof(sync) + 1;
	assert_int_equal(decode_record(&record, &sync, sizeof(sync) + 1), -EBADMSG);
	/* more than the ring handed out */
	make_sync(&sync, 2);
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size - 1), -EBADMSG);
	/* the ring rounds up */
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size + 7), 0);
}

static void sizes_of_the_others(void **state)
{
	struct event_flush flush;
	struct event_drain drain;
	struct event_write write;
	struct event_written written;
	struct record record;

	(void)state;
	make_flush(&flush);
	assert_int_equal(decode_exactly(&record, &flush, sizeof(flush)), 0);
	assert_int_equal(record.flush.complete_ns, 200);
	flush.header.size = sizeof(flush) - 1;
	assert_int_equal(decode_exactly(&record, &flush, sizeof(flush)), -EBADMSG);
	make_drain(&drain);
	assert_int_equal(decode_exactly(&record, &drain, sizeof(drain)), 0);
	assert_int_equal(record.drain.slot, 7);
	drain.header.size = sizeof(drain) - 8;
	assert_int_equal(decode_exactly(&record, &drain, sizeof(drain)), -EBADMSG);
	drain.header.size = 0;
	assert_int_equal(decode_exactly(&record, &drain, sizeof(drain)), -EBADMSG);
	make_write(&write);
	assert_int_equal(decode_exactly(&record, &write, sizeof(write)), 0);
	assert_int_equal(record.write.bytes, 512);
	write.header.size = sizeof(write) - 8;
	assert_int_equal(decode_exactly(&record, &write, sizeof(write)), -EBADMSG);
	make_write(&write);
	write.bytes = UINT64_MAX - 4096;
	assert_int_equal(decode_exactly(&record, &write, sizeof(write)), 0);
	write.bytes++;
	assert_int_equal(decode_exactly(&record, &write, sizeof(write)), -EBADMSG);
	make_written(&written);
	assert_int_equal(decode_exactly(&record, &written, sizeof(written)), 0);
	assert_int_equal(record.written.ino, 12);
	assert_string_equal((const char *)record.written.comm, "ccccccccccccccc");
	written.header.size = sizeof(written) - 8;
	assert_int_equal(decode_exactly(&record, &written, sizeof(written)), -EBADMSG);
}

static void mapped_code(void **state)
{
	struct event_mapped mapped;
	struct record record;

	(void)state;
	make_mapped(&mapped);
	assert_int_equal(decode_exactly(&record, &mapped, sizeof(mapped)), 0);
	assert_int_equal(record.mapped.file.ino, 9);
	assert_string_equal((const char *)record.mapped.comm, "ccccccccccccccc");
	mapped.header.size = sizeof(mapped) - 8;
	assert_int_equal(decode_exactly(&record, &mapped, sizeof(mapped)), -EBADMSG);
}

static void changed_names(void **state)
{
	struct event_change change = {.kind = CHANGE_RENAME};
	struct record record;

	(void)state;
	make_header(&change.header, EVENT_CHANGE, CHANGE_FIXED + 6);
	memset(change.comm, 'c', sizeof(change.comm));
	memcpy(change.names, "ab\0cd", 6);
	change.sides[CHANGE_OLD].length = change.sides[CHANGE_NEW].length = 3;
	assert_int_equal(decode_exactly(&record, &change, CHANGE_FIXED + 6), 0);
	assert_string_equal((const char *)record.change.names + 3, "cd");
	assert_string_equal((const char *)record.change.comm, "ccccccccccccccc");
	change.sides[CHANGE_NEW].length = 4;
	assert_int_equal(decode_exactly(&record, &change, CHANGE_FIXED + 6), -EBADMSG);
	change.sides[CHANGE_NEW].length = 2; /* then it does not end */
	assert_int_equal(decode_exactly(&record, &change, CHANGE_FIXED + 6), -EBADMSG);
	change.sides[CHANGE_NEW].length = UINT32_MAX;
	assert_int_equal(decode_exactly(&record, &change, CHANGE_FIXED + 6), -EBADMSG);
	change.sides[CHANGE_OLD].length = change.sides[CHANGE_NEW].length = 0;
	assert_int_equal(decode_exactly(&record, &change, CHANGE_FIXED + 6), 0);
	change.kind = CHANGE_KINDS;
	assert_int_equal(decode_exactly(&record, &change, CHANGE_FIXED + 6), -EBADMSG);
	make_header(&change.header, EVENT_CHANGE, CHANGE_FIXED - 1);
	assert_int_equal(decode_exactly(&record, &change, CHANGE_FIXED - 1), -EBADMSG);
}

static void wrong_version(void **state)
{
	struct event_drain drain;
	struct record record;

	(void)state;
	make_drain(&drain);
	drain.header.version = EVENTS_VERSION + 1;
	assert_int_equal(decode_exactly(&record, &drain, sizeof(drain)), -EPROTO);
	drain.header.version = 0;
	assert_int_equal(decode_exactly(&record, &drain, sizeof(drain)), -EPROTO);
}

static void unknown_type(void **state)
{
	struct event_drain drain;
	struct record record;

	(void)state;
	make_drain(&drain);
	drain.header.type = 0;
	assert_int_equal(decode_exactly(&record, &drain, sizeof(drain)), -ENOENT);
	drain.header.type = EVENT_TYPES;
	assert_int_equal(decode_exactly(&record, &drain, sizeof(drain)), -ENOENT);
	drain.header.type = 0xffff;
	assert_int_equal(decode_exactly(&record, &drain, sizeof(drain)), -ENOENT);
}

static void counts_out_of_range(void **state)
{
	struct event_sync sync;
	struct record record;

	(void)state;
	make_sync(&sync, 2);
	sync.nr_devices = 3;
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size), -EBADMSG);
	make_sync(&sync, EVENT_MAX_DEVICES);
	sync.nr_devices = EVENT_MAX_DEVICES + 1;
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size), -EBADMSG);
	make_sync(&sync, 1);
	sync.kind = SYNC_KINDS;
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size), -EBADMSG);
	sync.kind = SYNC_KINDS - 1;
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size), 0);
}

static void time_runs_forward(void **state)
{
	struct event_flush flush;
	struct event_sync sync;
	struct record record;

	(void)state;
	make_sync(&sync, 0);
	sync.exit_ns = sync.enter_ns;
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size), 0);
	sync.exit_ns--;
	assert_int_equal(decode_exactly(&record, &sync, sync.header.size), -EBADMSG);
	make_flush(&flush);
	flush.complete_ns = flush.issue_ns - 1;
	assert_int_equal(decode_exactly(&record, &flush, sizeof(flush)), -EBADMSG);
}

static void unaligned_data(void **state)
{
	struct event_sync sync;
	struct record record;
	char *data = malloc(sizeof(sync) + 8);

	(void)state;
	assert_non_null(data);
	make_sync(&sync, EVENT_MAX_DEVICES);
	for (size_t shift = 1; shift < 8; shift++) {
		memcpy(data + shift, &sync, sizeof(sync));
		assert_int_equal(decode_record(&record, data + shift, sizeof(sync)), 0);
		assert_memory_equal(record.sync.devices, sync.devices, sizeof(sync.devices));
	}
	free(data);
}

static void lengths_of_a_path(void **state)
{
	struct event_path path;
	struct record record;

	(void)state;
	make_path(&path, "b\0a", 4, 0);
	assert_int_equal(decode_exactly(&record, &path, path.header.size), 0);
	assert_int_equal(record.path.id, 42);
	path.length = 5; /* beyond the record */
	assert_int_equal(decode_exactly(&record, &path, path.header.size), -EBADMSG);
	path.length = 3; /* ends in the midst of a name */
	assert_int_equal(decode_exactly(&record, &path, path.header.size), -EBADMSG);
	path.length = 4;
	path.header.size = PATH_FIXED - 1;
	assert_int_equal(decode_exactly(&record, &path, PATH_FIXED + 4), -EBADMSG);
}

static void path_without_nul(void **state)
{
	struct event_path path;
	struct record record;

	(void)state;
	make_path(&path, "abcd", 4, 0);
	assert_int_equal(decode_exactly(&record, &path, path.header.size), -EBADMSG);
}

static void path_of_full_size(void **state)
{
	struct event_path *path = malloc(sizeof(*path) + 16);
	struct record record;

	(void)state;
	assert_non_null(path);
	make_path(path, "", 0, 0);
	memset(path->names, 'x', EVENT_PATH_SIZE - 1);
	path->length = EVENT_PATH_SIZE;
	path->header.size = sizeof(*path);
	assert_int_equal(decode_record(&record, path, sizeof(*path)), 0);
	path->length = EVENT_PATH_SIZE + 1;
	path->header.size = sizeof(*path) + 1;
	assert_int_equal(decode_record(&record, path, sizeof(*path) + 16), -EBADMSG);
	free(path);
}

static void assert_path(const char *names, size_t length, uint32_t flags, const char *expected)
{
	struct event_path path;
	char text[EVENT_PATH_SIZE + 64];

	make_path(&path, names, length, flags);
	assert_int_equal(decode_path(&path, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void paths_are_put_together(void **state)
{
	(void)state;
	assert_path("", 0, 0, "/");
	assert_path("a", 2, 0, "/a");
	assert_path("c.db\0b\0a", 9, 0, "/a/b/c.db");
	assert_path("c\0b", 4, PATH_CUT, ".../b/c");
	assert_path("", 0, PATH_CUT, "...");
	assert_path("b\0a", 4, PATH_DELETED, "/a/b (deleted)");
	assert_path("b\0a", 4, PATH_CUT | PATH_DELETED, ".../a/b (deleted)");
	assert_path("memfd:x", 8, PATH_ODD, "memfd:x");
	assert_path("b\0a", 4, PATH_ODD, "a/b");
	assert_path("", 0, PATH_ODD, "");
	assert_path("two words\n", 11, 0, "/two words\n");
}

static void deep_path(void **state)
{
	char names[2 * EVENT_PATH_MAX_DEPTH], expected[2 * EVENT_PATH_MAX_DEPTH + 1];

	(void)state;
	for (size_t i = 0; i < EVENT_PATH_MAX_DEPTH; i++) {
		names[2 * i] = (char)('A' + i % 26);
		names[2 * i + 1] = '\0';
		expected[2 * (EVENT_PATH_MAX_DEPTH - 1 - i)] = '/';
		expected[2 * (EVENT_PATH_MAX_DEPTH - 1 - i) + 1] = names[2 * i];
	}
	expected[sizeof(expected) - 1] = '\0';
	assert_path(names, sizeof(names), 0, expected);
}

static void longest_path(void **state)
{
	char *names = malloc(EVENT_PATH_SIZE), *expected = malloc(EVENT_PATH_SIZE + 64);

	(void)state;
	assert_non_null(names);
	assert_non_null(expected);
	memset(names, 'x', EVENT_PATH_SIZE - 1);
	names[EVENT_PATH_SIZE - 1] = '\0';
	snprintf(expected, EVENT_PATH_SIZE + 64, ".../%s (deleted)", names);
	assert_path(names, EVENT_PATH_SIZE, PATH_CUT | PATH_DELETED, expected);
	free(expected);
	free(names);
}

static void small_buffers_cut(void **state)
{
	static const char whole[] = ".../aa/bb (deleted)";
	struct event_path path;
	size_t size, length;
	char *text;

	(void)state;
	make_path(&path, "bb\0aa", 6, PATH_CUT | PATH_DELETED);
	assert_int_equal(decode_path(&path, NULL, 0), 0);
	for (size = 1; size <= sizeof(whole); size++) {
		text = malloc(size);
		assert_non_null(text);
		length = decode_path(&path, text, size);
		assert_int_equal(length, size - 1);
		assert_memory_equal(text, whole, length);
		assert_int_equal(text[length], '\0');
		free(text);
	}
}

static uint64_t next_random(uint64_t *random)
{
	uint64_t z = *random += 0x9E3779B97F4A7C15ULL;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
	return z ^ z >> 31;
}

/* A kind and lengths of names that may be right. */
static void likely_change(uint64_t *random, unsigned char *data, size_t size)
{
	struct event_change change;
	int i;

	if (size < CHANGE_FIXED)
		return;
	memcpy(&change, data, CHANGE_FIXED);
	change.kind = next_random(random) % (CHANGE_KINDS + 1);
	for (i = 0; i < CHANGE_SIDES; i++)
		change.sides[i].length = next_random(random) % (size - CHANGE_FIXED + 2);
	memcpy(data, &change, CHANGE_FIXED);
}

/* Random bytes behind a header that is likely enough to be let in. */
static size_t random_record(uint64_t *random, unsigned char *data, size_t room)
{
	size_t size = next_random(random) % (next_random(random) % 8 ? 512 : room);
	struct event_header header = {
		.type = (uint16_t)(next_random(random) % (EVENT_TYPES + 1)),
		.version = EVENTS_VERSION,
		.size = (uint32_t)(next_random(random) % 4 ? size
							   : next_random(random) % (2 * room)),
	};
	static const size_t fits[] = {sizeof(struct event_flush),
				      sizeof(struct event_drain),
				      sizeof(struct event_write),
				      sizeof(struct event_written),
				      sizeof(struct event_mapped),
				      SYNC_FIXED,
				      PATH_FIXED,
				      CHANGE_FIXED};

	if (next_random(random) % 4 == 0)
		header.size =
			(uint32_t)fits[next_random(random) % (sizeof(fits) / sizeof(fits[0]))];
	for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
		uint64_t piece = next_random(random);

		if (next_random(random) % 2)
			piece &= 0x01000100000000ffULL; /* small numbers and NULs */
		memcpy(data + at, &piece, size - at < 8 ? size - at : 8);
	}
	if (header.type == EVENT_CHANGE && next_random(random) % 2)
		likely_change(random, data, size);
	if (size >= sizeof(header) && next_random(random) % 64)
		memcpy(data, &header, sizeof(header));
	return size;
}

static void check_names(const struct event_change *change)
{
	const char *name = (const char *)change->names;
	int i;

	assert_in_range(change->kind, 0, CHANGE_KINDS - 1);
	assert_int_equal(change->comm[EVENT_COMM_SIZE - 1], '\0');
	for (i = 0; i < CHANGE_SIDES; name += change->sides[i++].length)
		if (change->sides[i].length)
			assert_in_range(strlen(name), 0, change->sides[i].length - 1);
}

static void check_accepted(const struct record *record)
{
	char text[EVENT_PATH_SIZE + 64];

	assert_in_range(record->type, 1, EVENT_TYPES - 1);
	if (record->type == EVENT_SYNC) {
		assert_in_range(record->sync.nr_devices, 0, EVENT_MAX_DEVICES);
		assert_in_range(record->sync.kind, 0, SYNC_KINDS - 1);
		assert_true(record->sync.enter_ns <= record->sync.exit_ns);
		assert_int_equal(record->sync.comm[EVENT_COMM_SIZE - 1], '\0');
	} else if (record->type == EVENT_WRITE) {
		assert_true(record->write.offset + record->write.bytes >= record->write.offset);
	} else if (record->type == EVENT_CHANGE) {
		check_names(&record->change);
	} else if (record->type == EVENT_MAPPED) {
		assert_int_equal(record->mapped.comm[EVENT_COMM_SIZE - 1], '\0');
	} else if (record->type == EVENT_PATH) {
		assert_in_range(record->path.length, 0, EVENT_PATH_SIZE);
		assert_in_range(decode_path(&record->path, text, sizeof(text)), 0,
				sizeof(text) - 1);
	}
}

static void random_bytes(void **state)
{
	const size_t room = sizeof(struct event_path) + 64;
	uint64_t random = *(uint64_t *)*state;
	unsigned char *data = malloc(room);
	uint64_t accepted[EVENT_TYPES] = {0};
	struct record record;
	size_t size;

	assert_non_null(data);
	for (int i = 0; i < ROUNDS; i++) {
		size = random_record(&random, data, room);
		/* at the end of the buffer: ASan watches what comes after */
		memmove(data + room - size, data, size);
		if (decode_record(&record, data + room - size, size))
			continue;
		check_accepted(&record);
		accepted[record.type]++;
	}
	free(data);
	for (int type = 1; type < EVENT_TYPES; type++)
		assert_in_range(accepted[type], 100, ROUNDS); /* a test of nothing must not pass */
}

int main(void)
{
	static uint64_t seed;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_sync),
		cmocka_unit_test(comm_is_terminated),
		cmocka_unit_test(devices_that_did_not_cross_are_zero),
		cmocka_unit_test(no_header),
		cmocka_unit_test(sizes_of_a_sync),
		cmocka_unit_test(sizes_of_the_others),
		cmocka_unit_test(mapped_code),
		cmocka_unit_test(changed_names),
		cmocka_unit_test(wrong_version),
		cmocka_unit_test(unknown_type),
		cmocka_unit_test(counts_out_of_range),
		cmocka_unit_test(time_runs_forward),
		cmocka_unit_test(unaligned_data),
		cmocka_unit_test(lengths_of_a_path),
		cmocka_unit_test(path_without_nul),
		cmocka_unit_test(path_of_full_size),
		cmocka_unit_test(paths_are_put_together),
		cmocka_unit_test(deep_path),
		cmocka_unit_test(longest_path),
		cmocka_unit_test(small_buffers_cut),
		cmocka_unit_test_prestate(random_bytes, &seed),
	};

	if (choose_seed(&seed))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
