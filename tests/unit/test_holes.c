// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fsmagic.h"
#include "holes.h"

/* Which hole a call fell into, by its facts; the names are what README goes by. */

#define EXT4	       0xEF53
#define XFS	       0x58465342
#define NOJOURNAL      "ext4-nojournal-early-return"
#define FAST_COMMIT    "ext4-fast-commit"
#define INLINE_DATA    "ext4-inline-data"
#define EXTERNAL       "ext4-external-journal-data"
#define BTRFS_PARALLEL "btrfs-concurrent-fsync"
#define BTRFS_LOGGED   "btrfs-directory-logged"
#define F2FS_PARALLEL  "f2fs-concurrent-fsync"
#define F2FS_DIRECT    "f2fs-direct-overwrite"
#define BOTH_ROLES     (DEVICE_DATA | DEVICE_LOG)

struct world {
	struct event_sync sync;
	struct verdict_facts facts;
};

/* On two devices with these roles; the first is the one that is not covered. */
static void make(struct world *w, uint64_t magic, uint8_t roles, uint8_t second_roles)
{
	memset(w, 0, sizeof(*w));
	w->sync.fs_magic = magic;
	w->sync.devices[0].roles = roles;
	w->sync.devices[1].roles = second_roles;
	w->facts.sync = &w->sync;
	w->facts.nr_devices = 2;
	w->facts.devices[0].event = &w->sync.devices[0];
	w->facts.devices[1].event = &w->sync.devices[1];
}

static void expect(const struct world *w, enum proof proof, const char *name)
{
	const char *found = holes_name(&w->facts, &w->facts.devices[0], proof);

	if (!name || !found)
		assert_ptr_equal(found, name);
	else
		assert_string_equal(found, name);
}

static void ext4_without_a_journal(void **state)
{
	struct world w;

	(void)state;
	make(&w, EXT4, BOTH_ROLES, DEVICE_LEAF);
	expect(&w, PROOF_NONE, NULL);
	w.facts.no_journal = true;
	expect(&w, PROOF_NONE, NOJOURNAL);
	expect(&w, PROOF_HOLE, NOJOURNAL);
	expect(&w, PROOF_UNTRACKED, NULL);
	expect(&w, PROOF_OVERRIDDEN, NULL);
	w.sync.flags = SYNC_ASKED_FLUSH;
	expect(&w, PROOF_NONE, NULL);
	expect(&w, PROOF_HOLE, "ext4-nojournal-inode");
	expect(&w, PROOF_NAME, "ext4-nojournal-directory-race");
	w.sync.flags = SYNC_DIRECT;
	expect(&w, PROOF_HOLE, "ext4-nojournal-direct");
}

static void ext4_fast_commit(void **state)
{
	struct world w;

	(void)state;
	make(&w, EXT4, BOTH_ROLES, DEVICE_LEAF);
	expect(&w, PROOF_HOLE, NULL);
	w.facts.fast_commit = true;
	expect(&w, PROOF_HOLE, FAST_COMMIT);
	expect(&w, PROOF_NONE, FAST_COMMIT);
	expect(&w, PROOF_UNTRACKED, NULL);
	w.sync.flags = SYNC_ASKED_FLUSH;
	expect(&w, PROOF_HOLE, FAST_COMMIT);
}

static void ext4_inline_data(void **state)
{
	struct world w;

	(void)state;
	make(&w, EXT4, BOTH_ROLES, DEVICE_LEAF);
	expect(&w, PROOF_UNCOMMITTED, INLINE_DATA);
	expect(&w, PROOF_UNTRACKED, NULL);
	w.facts.inline_data = true;
	expect(&w, PROOF_UNTRACKED, INLINE_DATA);
	expect(&w, PROOF_NONE, NULL);
	expect(&w, PROOF_HOLE, "ext4-inline-data-converted");
	w.sync.flags = SYNC_DATA_IN_INODE;
	expect(&w, PROOF_HOLE, NULL);
}

static void ext4_async_commit(void **state)
{
	struct world w;

	(void)state;
	make(&w, EXT4, BOTH_ROLES, DEVICE_LEAF);
	w.facts.async_commit = true;
	expect(&w, PROOF_HOLE, "ext4-async-commit-replay");
	expect(&w, PROOF_UNTRACKED, "ext4-async-commit-replay");
	expect(&w, PROOF_NONE, NULL);
}

/* The flush of the data device is what the kernel forgot, none of the journal's. */
static void ext4_external_journal(void **state)
{
	struct world w;

	(void)state;
	make(&w, EXT4, DEVICE_DATA | DEVICE_LEAF, DEVICE_LOG | DEVICE_LEAF);
	expect(&w, PROOF_NONE, EXTERNAL);
	expect(&w, PROOF_OVERRIDDEN, NULL);
	make(&w, EXT4, DEVICE_LOG | DEVICE_LEAF, DEVICE_DATA | DEVICE_LEAF);
	expect(&w, PROOF_NONE, NULL);
	make(&w, EXT4, BOTH_ROLES, BOTH_ROLES);
	expect(&w, PROOF_NONE, NULL);
	make(&w, XFS, DEVICE_DATA, DEVICE_LOG);
	expect(&w, PROOF_NONE, NULL);
}

static void other_file_systems(void **state)
{
	struct world w;

	(void)state;
	make(&w, FSMAGIC_BTRFS, BOTH_ROLES, DEVICE_LEAF);
	expect(&w, PROOF_UNLOGGED, BTRFS_PARALLEL);
	expect(&w, PROOF_HOLE, BTRFS_PARALLEL);
	expect(&w, PROOF_NONE, BTRFS_PARALLEL);
	expect(&w, PROOF_OVERRIDDEN, NULL);
	w.sync.flags = SYNC_DIRECTORY;
	expect(&w, PROOF_HOLE, BTRFS_LOGGED);
	w.sync.flags = SYNC_ASKED_FLUSH;
	expect(&w, PROOF_NONE, NULL);
	make(&w, FSMAGIC_F2FS, BOTH_ROLES, DEVICE_LEAF);
	expect(&w, PROOF_NONE, F2FS_PARALLEL);
	expect(&w, PROOF_HOLE, F2FS_PARALLEL);
	expect(&w, PROOF_UNTRACKED, NULL);
	w.sync.flags = SYNC_ASKED_FLUSH;
	expect(&w, PROOF_NONE, NULL);
	w.sync.kind = SYNC_O_DSYNC;
	expect(&w, PROOF_NONE, NULL);
	w.sync.flags = 0;
	expect(&w, PROOF_NONE, F2FS_DIRECT);
	w.sync.flags = SYNC_DIRECT;
	expect(&w, PROOF_HOLE, F2FS_DIRECT);
	w.sync.flags = SYNC_ACCOMPANIED;
	expect(&w, PROOF_NONE, F2FS_PARALLEL);
	make(&w, FSMAGIC_MEMORY, BOTH_ROLES, DEVICE_LEAF);
	expect(&w, PROOF_NONE, NULL);
	make(&w, FSMAGIC_EXFAT, BOTH_ROLES, DEVICE_LEAF);
	w.sync.flags = SYNC_WHOLE_FS;
	expect(&w, PROOF_NONE, "exfat-syncfs");
	make(&w, FSMAGIC_VFAT, BOTH_ROLES, DEVICE_LEAF);
	expect(&w, PROOF_NONE, NULL);
	w.sync.flags = SYNC_WHOLE_FS;
	expect(&w, PROOF_NONE, "vfat-syncfs");
	expect(&w, PROOF_UNTRACKED, "vfat-syncfs");
	w.sync.flags |= SYNC_ASKED_FLUSH;
	expect(&w, PROOF_NONE, NULL);
}

/* What was told, asked for, or is no file system's doing is no hole. */
static void no_hole(void **state)
{
	struct world w;

	(void)state;
	make(&w, FSMAGIC_F2FS, BOTH_ROLES, DEVICE_LEAF);
	w.sync.ret = -EIO;
	expect(&w, PROOF_NONE, NULL);
	w.sync.ret = 0;
	w.facts.nobarrier = true;
	expect(&w, PROOF_NONE, NULL);
	w.facts.nobarrier = false;
	w.sync.flags = SYNC_BLOCK_DEVICE;
	expect(&w, PROOF_NONE, NULL);
	w.sync.flags = 0;
	expect(&w, PROOF_NONE, F2FS_PARALLEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ext4_without_a_journal),
		cmocka_unit_test(ext4_fast_commit),
		cmocka_unit_test(ext4_inline_data),
		cmocka_unit_test(ext4_async_commit),
		cmocka_unit_test(ext4_external_journal),
		cmocka_unit_test(other_file_systems),
		cmocka_unit_test(no_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
