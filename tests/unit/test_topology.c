// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "topology.h"

/* Made-up machines, with real directories where the kernel has symbolic links. */

#define VDA	    STACK_DEV(254, 0)
#define VDA1	    STACK_DEV(254, 1)
#define VDA2	    STACK_DEV(254, 2)
#define VDB	    STACK_DEV(254, 16)
#define VDC	    STACK_DEV(254, 32)
#define DM0	    STACK_DEV(253, 0)
#define LOOP0	    STACK_DEV(7, 0)
#define BTRFS	    STACK_DEV(0, 40)
#define DATA_LOG    (DEVICE_DATA | DEVICE_LOG)
#define ALL_ROLES   (DEVICE_DATA | DEVICE_LOG | DEVICE_LEAF)
#define BTRFS_LISTS "sys/fs/btrfs/1-2-3/devices"

struct tree {
	char root[64];
	char mounts[2048];
	struct stack *stack;
};

static void put(const struct tree *tree, const char *path, const char *text)
{
	directory_put(tree->root, path, text, "\n");
}

static void put_attribute(const struct tree *tree, const char *name, const char *file,
			  const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/class/block/%s/%s", name, file);
	put(tree, path, text);
}

static void put_device(const struct tree *tree, const char *name, uint32_t dev)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", STACK_DEV_MAJOR(dev), STACK_DEV_MINOR(dev));
	put_attribute(tree, name, "dev", text);
	put_attribute(tree, name, "queue/write_cache", "write back");
}

/* class/block/vda1 leads into vda, as in the kernel's own tree. */
static void put_partition(const struct tree *tree, const char *disk, const char *name, uint32_t dev)
{
	char inside[64], link[128], text[32];

	snprintf(inside, sizeof(inside), "%s/%s", disk, name);
	snprintf(text, sizeof(text), "%u:%u", STACK_DEV_MAJOR(dev), STACK_DEV_MINOR(dev));
	put_attribute(tree, inside, "dev", text);
	put_attribute(tree, inside, "partition", "1");
	snprintf(link, sizeof(link), "%s/sys/class/block/%s", tree->root, name);
	assert_int_equal(symlink(inside, link), 0);
}

static void put_slave(const struct tree *tree, const char *upper, const char *lower)
{
	char file[128];

	snprintf(file, sizeof(file), "slaves/%s", lower);
	put_attribute(tree, upper, file, "");
}

/* @rest: mount point, options, " - ", type, source, options. */
static void put_mount(struct tree *tree, uint32_t dev, const char *rest)
{
	size_t used = strlen(tree->mounts);

	snprintf(tree->mounts + used, sizeof(tree->mounts) - used, "%zu 1 %u:%u / %s\n", used + 20,
		 STACK_DEV_MAJOR(dev), STACK_DEV_MINOR(dev), rest);
	put(tree, "proc/self/mountinfo", tree->mounts);
}

static void scan(const struct tree *tree)
{
	struct error err = {.text = ""};

	if (stack_scan(tree->stack, &err))
		fail_msg("%s", err.text);
}

static void assert_topology(const struct tree *tree, uint32_t dev, struct state_topology *topology,
			    uint32_t nr)
{
	assert_int_equal(topology_of(tree->stack, dev, topology), 0);
	assert_int_equal(topology->nr, nr);
}

/* Each device of it stands there once, with just these roles. */
static void assert_part(const struct state_topology *topology, uint32_t disk, uint32_t part,
			uint32_t roles)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < topology->nr; i++) {
		if (topology->devices[i].disk != disk || topology->devices[i].part != part)
			continue;
		assert_int_equal(topology->devices[i].roles, roles);
		found++;
	}
	assert_int_equal(found, 1);
}

static int setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	strcpy(tree->root, "/tmp/test_topology.XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	tree->stack = stack_new(tree->root);
	assert_non_null(tree->stack);
	put_mount(tree, STACK_DEV(0, 21), "/proc rw - proc proc rw");
	put_device(tree, "vda", VDA);
	*state = tree;
	return 0;
}

static int teardown(void **state)
{
	struct tree *tree = *state;

	stack_free(tree->stack);
	directory_remove(tree->root);
	free(tree);
	return 0;
}

static void whole_disk(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_mount(tree, VDA, "/ rw - ext4 /dev/vda rw");
	scan(tree);
	assert_topology(tree, VDA, &topology, 1);
	assert_part(&topology, VDA, VDA, ALL_ROLES);
}

static void block_device_without_a_mount(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	scan(tree);
	assert_topology(tree, VDA, &topology, 1);
	assert_part(&topology, VDA, VDA, ALL_ROLES);
}

static void partition(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_partition(tree, "vda", "vda1", VDA1);
	put_mount(tree, VDA1, "/ rw - ext4 /dev/vda1 rw");
	scan(tree);
	assert_topology(tree, VDA1, &topology, 1);
	assert_part(&topology, VDA, VDA1, ALL_ROLES);
}

static void dm_over_two_disks(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_device(tree, "vdb", VDB);
	put_device(tree, "dm-0", DM0);
	put_attribute(tree, "dm-0", "dm/name", "striped");
	put_slave(tree, "dm-0", "vda");
	put_slave(tree, "dm-0", "vdb");
	put_mount(tree, DM0, "/ rw - xfs /dev/mapper/striped rw");
	scan(tree);
	assert_topology(tree, DM0, &topology, 3);
	assert_part(&topology, DM0, DM0, DATA_LOG);
	assert_part(&topology, VDA, VDA, DEVICE_LEAF);
	assert_part(&topology, VDB, VDB, DEVICE_LEAF);
	assert_int_equal(topology.devices[0].disk, DM0);
}

/* Two partitions of one disk below: its one cache is one leaf. */
static void dm_over_partitions_of_one_disk(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_partition(tree, "vda", "vda1", VDA1);
	put_partition(tree, "vda", "vda2", VDA2);
	put_device(tree, "dm-0", DM0);
	put_attribute(tree, "dm-0", "dm/name", "linear");
	put_slave(tree, "dm-0", "vda1");
	put_slave(tree, "dm-0", "vda2");
	scan(tree);
	assert_topology(tree, DM0, &topology, 2);
	assert_part(&topology, DM0, DM0, DATA_LOG);
	assert_part(&topology, VDA, VDA, DEVICE_LEAF);
}

/* What lies below a loop device is judged by the sync of its file. */
static void loop_ends_the_way(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put(tree, "disk.img", "");
	put_device(tree, "loop0", LOOP0);
	put_attribute(tree, "loop0", "loop/backing_file", "/disk.img");
	put_mount(tree, VDA, "/ rw - ext4 /dev/vda rw");
	put_mount(tree, LOOP0, "/mnt rw - ext4 /dev/loop0 rw");
	scan(tree);
	assert_topology(tree, LOOP0, &topology, 1);
	assert_part(&topology, LOOP0, LOOP0, ALL_ROLES);
	assert_true(topology_ends_at(stack_find(tree->stack, LOOP0)));
	assert_true(topology_ends_at(stack_find(tree->stack, VDA)));
}

static void dm_over_a_loop_device(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put(tree, "disk.img", "");
	put_device(tree, "loop0", LOOP0);
	put_attribute(tree, "loop0", "loop/backing_file", "/disk.img");
	put_device(tree, "dm-0", DM0);
	put_attribute(tree, "dm-0", "dm/name", "crypt");
	put_slave(tree, "dm-0", "loop0");
	put_mount(tree, VDA, "/ rw - ext4 /dev/vda rw");
	scan(tree);
	assert_topology(tree, DM0, &topology, 2);
	assert_part(&topology, LOOP0, LOOP0, DEVICE_LEAF);
	assert_false(topology_ends_at(stack_find(tree->stack, DM0)));
}

static void btrfs_on_two_devices(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_device(tree, "vdb", VDB);
	put(tree, BTRFS_LISTS "/vda", "");
	put(tree, BTRFS_LISTS "/vdb", "");
	put_mount(tree, BTRFS, "/ rw - btrfs /dev/vda rw");
	scan(tree);
	assert_topology(tree, BTRFS, &topology, 2);
	assert_part(&topology, VDA, VDA, ALL_ROLES);
	assert_part(&topology, VDB, VDB, ALL_ROLES);
}

static void external_log(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_device(tree, "vdb", VDB);
	put_mount(tree, VDA, "/ rw - xfs /dev/vda rw,logdev=/dev/vdb");
	scan(tree);
	assert_topology(tree, VDA, &topology, 2);
	assert_part(&topology, VDA, VDA, DEVICE_DATA | DEVICE_LEAF);
	assert_part(&topology, VDB, VDB, DEVICE_LOG | DEVICE_LEAF);
}

/* xfs keeps its log on the first device, never on the realtime one. */
static void realtime_device(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_device(tree, "vdb", VDB);
	put_device(tree, "vdc", VDC);
	put_mount(tree, VDA, "/ rw - xfs /dev/vda rw,rtdev=/dev/vdb");
	put_mount(tree, VDC, "/log rw - xfs /dev/vdc rw,logdev=/dev/vda,rtdev=/dev/vdb");
	scan(tree);
	assert_topology(tree, VDA, &topology, 2);
	assert_part(&topology, VDA, VDA, ALL_ROLES);
	assert_part(&topology, VDB, VDB, DEVICE_DATA | DEVICE_LEAF);
	assert_topology(tree, VDC, &topology, 3);
	assert_part(&topology, VDC, VDC, DEVICE_DATA | DEVICE_LEAF);
	assert_part(&topology, VDB, VDB, DEVICE_DATA | DEVICE_LEAF);
	assert_part(&topology, VDA, VDA, DEVICE_LOG | DEVICE_LEAF);
}

/* Data and log are told apart by partition, the cache below is one. */
static void external_log_on_the_same_disk(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_partition(tree, "vda", "vda1", VDA1);
	put_partition(tree, "vda", "vda2", VDA2);
	put_mount(tree, VDA1, "/ rw - xfs /dev/vda1 rw,logdev=/dev/vda2");
	scan(tree);
	assert_topology(tree, VDA1, &topology, 2);
	assert_part(&topology, VDA, VDA1, DEVICE_DATA | DEVICE_LEAF);
	assert_part(&topology, VDA, VDA2, DEVICE_LOG);
}

/* EVENT_MAX_DEVICES fit, one more is an error and not left out. */
static void too_many_devices(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;
	char name[8], list[64];

	put(tree, BTRFS_LISTS "/vda", "");
	put_mount(tree, BTRFS, "/ rw - btrfs /dev/vda rw");
	for (uint32_t i = 1; i <= EVENT_MAX_DEVICES; i++) {
		snprintf(name, sizeof(name), "vd%c", 'a' + i);
		snprintf(list, sizeof(list), BTRFS_LISTS "/%s", name);
		put_device(tree, name, STACK_DEV(254, 16 * i));
		put(tree, list, "");
		scan(tree);
		if (i < EVENT_MAX_DEVICES)
			assert_topology(tree, BTRFS, &topology, i + 1);
	}
	assert_int_equal(topology_of(tree->stack, BTRFS, &topology), -E2BIG);
}

static void unknown_layers(void **state)
{
	struct state_topology topology;
	struct tree *tree = *state;

	put_device(tree, "dm-0", DM0);
	put_attribute(tree, "dm-0", "dm/name", "linear");
	put_slave(tree, "dm-0", "vda");
	put_slave(tree, "dm-0", "vdx"); /* is not there */
	put_mount(tree, STACK_DEV(0, 50), "/nfs rw - nfs server:/ rw");
	put_mount(tree, VDC, "/gone rw - ext4 /dev/vdc rw");
	scan(tree);
	assert_int_equal(topology_of(tree->stack, DM0, &topology), -ENOENT);
	assert_int_equal(topology_of(tree->stack, STACK_DEV(0, 50), &topology), -ENOENT);
	assert_int_equal(topology_of(tree->stack, VDC, &topology), -ENOENT);
	assert_int_equal(topology_of(tree->stack, VDB, &topology), -ENOENT);
	assert_int_equal(topology_of(tree->stack, STACK_DEV(0, 99), &topology), -ENOENT);
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(whole_disk),
		FRESH(block_device_without_a_mount),
		FRESH(partition),
		FRESH(dm_over_two_disks),
		FRESH(dm_over_partitions_of_one_disk),
		FRESH(loop_ends_the_way),
		FRESH(dm_over_a_loop_device),
		FRESH(btrfs_on_two_devices),
		FRESH(external_log),
		FRESH(external_log_on_the_same_disk),
		FRESH(realtime_device),
		FRESH(too_many_devices),
		FRESH(unknown_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
