// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "stack.h"

/* Made-up machines: a tree of files in the shape in which the kernel shows real ones. */

#define DEVICES	   "sys/devices/block"
#define WRITE_BACK "write back"
#define THROUGH	   "write through"
#define VDA	   STACK_DEV(254, 0)
#define VDA1	   STACK_DEV(254, 1)
#define VDB	   STACK_DEV(254, 16)
#define SDA	   STACK_DEV(8, 0)
#define SDB	   STACK_DEV(8, 16)
#define DM0	   STACK_DEV(253, 0)
#define MD0	   STACK_DEV(9, 0)
#define LOOP0	   STACK_DEV(7, 0)
#define LOOP1	   STACK_DEV(7, 1)
#define NVME	   STACK_DEV(259, 0)

struct tree {
	char root[64];
	char mounts[8192];
	struct stack *stack;
};

static void put_file(const struct tree *tree, const char *path, const char *text)
{
	directory_put(tree->root, path, text, "\n");
}

static void put_link(const struct tree *tree, const char *path, const char *target)
{
	char full[512];

	directory_path(full, sizeof(full), tree->root, path);
	assert_int_equal(symlink(target, full), 0);
}

/* A file of the device at DEVICES/@device ("vda", "vda/vda1"). */
static void put_attribute(const struct tree *tree, const char *device, const char *file,
			  const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, file);
	put_file(tree, path, text);
}

static void put_links(const struct tree *tree, const char *device, uint32_t dev)
{
	const char *name = strrchr(device, '/') ? strrchr(device, '/') + 1 : device;
	char path[256];
	char target[256];

	snprintf(target, sizeof(target), "../../devices/block/%s", device);
	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	put_link(tree, path, target);
	if (!dev)
		return;
	snprintf(path, sizeof(path), "sys/dev/block/%u:%u", STACK_DEV_MAJOR(dev),
		 STACK_DEV_MINOR(dev));
	put_link(tree, path, target);
	snprintf(path, sizeof(path), "%u:%u", STACK_DEV_MAJOR(dev), STACK_DEV_MINOR(dev));
	put_attribute(tree, device, "dev", path);
}

static void put_disk(const struct tree *tree, const char *name, uint32_t dev, const char *cache)
{
	put_attribute(tree, name, "queue/write_cache", cache);
	put_attribute(tree, name, "queue/fua", "0");
	put_attribute(tree, name, "size", "2048");
	put_attribute(tree, name, "ro", "0");
	put_links(tree, name, dev);
}

static void put_partition(const struct tree *tree, const char *device, uint32_t dev)
{
	put_attribute(tree, device, "partition", "1");
	put_links(tree, device, dev);
}

static void put_slave(const struct tree *tree, const char *upper, const char *lower)
{
	char path[256];
	char target[256];

	snprintf(path, sizeof(path), DEVICES "/%s/slaves/%s", upper, lower);
	snprintf(target, sizeof(target), "../../%s", lower);
	put_link(tree, path, target);
}

static void put_scsi(const struct tree *tree, const char *name, uint32_t dev, const char *cache,
		     const char *type)
{
	put_disk(tree, name, dev, cache);
	put_attribute(tree, name, "device/model", "made up");
	if (type)
		put_attribute(tree, name, "device/scsi_disk/0:0:0:0/cache_type", type);
}

static void put_loop(const struct tree *tree, const char *name, uint32_t dev, const char *file)
{
	put_disk(tree, name, dev, WRITE_BACK);
	put_attribute(tree, name, "loop/backing_file", file);
}

/* @rest: "/ rw - ext4 /dev/vda1 rw": mount point, options and what follows them. */
static void put_mount(struct tree *tree, uint32_t dev, const char *point, const char *rest)
{
	static int id = 20;
	size_t used = strlen(tree->mounts);

	snprintf(tree->mounts + used, sizeof(tree->mounts) - used, "%d 1 %u:%u / %s %s\n", ++id,
		 STACK_DEV_MAJOR(dev), STACK_DEV_MINOR(dev), point, rest);
	put_file(tree, "proc/self/mountinfo", tree->mounts);
}

static void scan(struct tree *tree)
{
	struct error err = {.text = ""};

	if (stack_scan(tree->stack, &err))
		fail_msg("%s", err.text);
}

static const struct stack_node *node_of(const struct tree *tree, uint32_t dev)
{
	const struct stack_node *node = stack_find(tree->stack, dev);

	assert_non_null(node);
	return node;
}

static void assert_cache(const struct tree *tree, uint32_t dev, enum stack_cache cache)
{
	assert_string_equal(stack_cache_name(node_of(tree, dev)->cache), stack_cache_name(cache));
}

static void assert_kind(const struct tree *tree, uint32_t dev, enum stack_kind kind)
{
	assert_string_equal(stack_kind_name(node_of(tree, dev)->kind), stack_kind_name(kind));
}

/* The leaves of @dev are @first and, unless 0, @second. */
static void assert_leaves(const struct tree *tree, uint32_t dev, uint32_t first, uint32_t second)
{
	uint32_t leaves[STACK_MAX_LEAVES];
	int count = stack_leaves(tree->stack, dev, leaves, STACK_MAX_LEAVES);

	assert_int_equal(count, second ? 2 : 1);
	if (second && leaves[0] == second) {
		leaves[0] = leaves[1];
		leaves[1] = second;
	}
	assert_int_equal(leaves[0], first);
	if (second)
		assert_int_equal(leaves[1], second);
	for (int i = 0; i < count; i++)
		assert_true(node_of(tree, leaves[i])->leaf);
}

static int leaves_error(const struct tree *tree, uint32_t dev)
{
	uint32_t leaves[STACK_MAX_LEAVES];

	return stack_leaves(tree->stack, dev, leaves, STACK_MAX_LEAVES);
}

static int setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	strcpy(tree->root, "/tmp/test_stack.XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	tree->stack = stack_new(tree->root);
	assert_non_null(tree->stack);
	put_mount(tree, STACK_DEV(0, 21), "/proc", "rw - proc proc rw");
	*state = tree;
	return 0;
}

static int teardown(void **state)
{
	struct tree *tree = *state;

	stack_free(tree->stack);
	stack_free(NULL);
	directory_remove(tree->root);
	free(tree);
	return 0;
}

static void virtio_with_partition(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_attribute(tree, "vda", "cache_type", WRITE_BACK);
	put_attribute(tree, "vda", "queue/fua", "1");
	put_partition(tree, "vda/vda1", VDA1);
	put_mount(tree, VDA1, "/", "rw,noatime - ext4 /dev/vda1 rw,errors=remount-ro");
	scan(tree);

	assert_kind(tree, VDA, STACK_DISK);
	assert_cache(tree, VDA, CACHE_VOLATILE);
	assert_true(node_of(tree, VDA)->fua);
	assert_true(node_of(tree, VDA)->leaf);
	assert_kind(tree, VDA1, STACK_PARTITION);
	assert_cache(tree, VDA1, CACHE_VOLATILE);
	assert_true(node_of(tree, VDA1)->fua);
	assert_false(node_of(tree, VDA1)->leaf);
	assert_int_equal(node_of(tree, VDA1)->disk, VDA);
	assert_leaves(tree, VDA1, VDA, 0);
	assert_leaves(tree, VDA, VDA, 0);

	const struct stack_mount *mount = stack_find_mount(tree->stack, VDA1);

	assert_non_null(mount);
	assert_string_equal(mount->fs, "ext4");
	assert_string_equal(mount->point, "/");
	assert_string_equal(mount->source, "/dev/vda1");
	assert_string_equal(mount->options, "rw,noatime,rw,errors=remount-ro");
	assert_false(mount->nobarrier);
	assert_int_equal(mount->nr_data, 1);
	assert_int_equal(mount->data[0], VDA1);
	assert_int_equal(mount->log, 0);
	assert_null(stack_find(tree->stack, VDB));
	assert_null(stack_find_mount(tree->stack, VDB));
}

static void virtio_write_through(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, THROUGH);
	put_attribute(tree, "vda", "cache_type", WRITE_BACK);
	put_partition(tree, "vda/vda1", VDA1);
	put_disk(tree, "vdb", VDB, THROUGH);
	put_attribute(tree, "vdb", "cache_type", THROUGH);
	put_disk(tree, "vdc", STACK_DEV(254, 32), THROUGH);
	put_disk(tree, "vdd", STACK_DEV(254, 48), THROUGH);
	put_attribute(tree, "vdd", "cache_type", "sideways");
	put_disk(tree, "mystery", STACK_DEV(240, 0), THROUGH);
	put_disk(tree, "vde", STACK_DEV(254, 64), "sideways");
	scan(tree);

	assert_cache(tree, VDA, CACHE_OVERRIDDEN);
	assert_cache(tree, VDA1, CACHE_OVERRIDDEN);
	assert_non_null(strstr(node_of(tree, VDA)->detail, "cache_type"));
	assert_cache(tree, VDB, CACHE_NONE);
	assert_cache(tree, STACK_DEV(254, 32), CACHE_NONE);
	assert_non_null(strstr(node_of(tree, STACK_DEV(254, 32))->detail, "driver"));
	assert_cache(tree, STACK_DEV(254, 48), CACHE_ASSUMED);
	assert_kind(tree, STACK_DEV(240, 0), STACK_UNKNOWN);
	assert_cache(tree, STACK_DEV(240, 0), CACHE_ASSUMED);
	assert_cache(tree, STACK_DEV(254, 64), CACHE_UNKNOWN);
}

static void scsi_caches(void **state)
{
	struct tree *tree = *state;
	uint32_t dev = STACK_DEV(8, 64);

	put_scsi(tree, "sda", SDA, WRITE_BACK, WRITE_BACK);
	put_scsi(tree, "sdb", SDB, THROUGH, WRITE_BACK);
	put_scsi(tree, "sdc", STACK_DEV(8, 32), THROUGH, THROUGH);
	put_scsi(tree, "sdd", STACK_DEV(8, 48), THROUGH, NULL);
	put_scsi(tree, "sde", dev, THROUGH, "write back, no read (daft)");
	put_scsi(tree, "sdf", STACK_DEV(8, 80), THROUGH, "none");
	put_scsi(tree, "usb1/sdg", STACK_DEV(8, 96), THROUGH, THROUGH);
	scan(tree);

	assert_cache(tree, SDA, CACHE_VOLATILE);
	assert_cache(tree, SDB, CACHE_OVERRIDDEN);
	assert_cache(tree, STACK_DEV(8, 32), CACHE_NONE);
	assert_cache(tree, STACK_DEV(8, 48), CACHE_ASSUMED);
	assert_cache(tree, dev, CACHE_OVERRIDDEN);
	assert_cache(tree, STACK_DEV(8, 80), CACHE_NONE);
	assert_cache(tree, STACK_DEV(8, 96), CACHE_ASSUMED);
}

static void dm_over_partitions(void **state)
{
	struct tree *tree = *state;
	uint32_t nodes[8];

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_partition(tree, "vda/vda1", VDA1);
	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_partition(tree, "vdb/vdb1", VDB + 1);
	put_disk(tree, "dm-0", DM0, WRITE_BACK);
	put_attribute(tree, "dm-0", "dm/name", "vg-data");
	put_attribute(tree, "dm-0", "dm/uuid", "LVM-abcdef");
	put_slave(tree, "dm-0", "vda1");
	put_slave(tree, "dm-0", "vdb1");
	scan(tree);

	assert_kind(tree, DM0, STACK_DM);
	assert_cache(tree, DM0, CACHE_VOLATILE);
	assert_string_equal(node_of(tree, DM0)->detail, "LVM; name vg-data");
	assert_false(node_of(tree, DM0)->leaf);
	assert_leaves(tree, DM0, VDA, VDB);
	assert_int_equal(stack_walk(tree->stack, DM0, nodes, 8), 5);
	assert_int_equal(nodes[0], DM0);
	assert_int_equal(stack_walk(tree->stack, DM0, nodes, 4), -E2BIG);
	assert_int_equal(stack_leaves(tree->stack, DM0, nodes, 1), -E2BIG);
	assert_int_equal(stack_leaves(tree->stack, DM0, nodes, 0), -E2BIG);
}

static void put_raid1(struct tree *tree, const char *md_cache)
{
	put_scsi(tree, "sda", SDA, WRITE_BACK, WRITE_BACK);
	put_scsi(tree, "sdb", SDB, WRITE_BACK, WRITE_BACK);
	put_disk(tree, "md0", MD0, md_cache);
	put_attribute(tree, "md0", "md/level", "raid1");
	put_slave(tree, "md0", "sda");
	put_slave(tree, "md0", "sdb");
	put_disk(tree, "dm-0", DM0, md_cache);
	put_attribute(tree, "dm-0", "dm/name", "crypt");
	put_slave(tree, "dm-0", "md0");
	put_partition(tree, "md0/md0p1", STACK_DEV(259, 9));
}

static void dm_over_raid1(void **state)
{
	struct tree *tree = *state;

	put_raid1(tree, WRITE_BACK);
	scan(tree);

	assert_kind(tree, MD0, STACK_MD);
	assert_string_equal(node_of(tree, MD0)->detail, "raid1");
	assert_cache(tree, MD0, CACHE_VOLATILE);
	assert_leaves(tree, DM0, SDA, SDB);
	assert_leaves(tree, STACK_DEV(259, 9), SDA, SDB);
}

static void override_in_the_middle(void **state)
{
	struct tree *tree = *state;

	put_raid1(tree, THROUGH);
	scan(tree);

	assert_cache(tree, SDA, CACHE_VOLATILE);
	assert_cache(tree, MD0, CACHE_OVERRIDDEN);
	assert_cache(tree, DM0, CACHE_OVERRIDDEN);
	assert_cache(tree, STACK_DEV(259, 9), CACHE_OVERRIDDEN);
	assert_non_null(strstr(node_of(tree, MD0)->detail, "sda"));

	/* Nothing volatile below: an honest write through. */
	put_scsi(tree, "sdc", STACK_DEV(8, 32), THROUGH, THROUGH);
	put_disk(tree, "dm-1", DM0 + 1, THROUGH);
	put_attribute(tree, "dm-1", "dm/name", "plain");
	put_slave(tree, "dm-1", "sdc");
	put_disk(tree, "dm-2", DM0 + 2, THROUGH);
	put_attribute(tree, "dm-2", "dm/name", "error");
	scan(tree);
	assert_cache(tree, DM0 + 1, CACHE_NONE);
	assert_cache(tree, DM0 + 2, CACHE_ASSUMED);
	assert_true(node_of(tree, DM0 + 2)->leaf);
}

static void loop_on_ext4(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_partition(tree, "vda/vda1", VDA1);
	put_mount(tree, VDA1, "/", "rw - ext4 /dev/vda1 rw");
	put_mount(tree, VDB, "/srv", "rw - ext4 /dev/vdb rw");
	put_mount(tree, VDA1, "/srv/deep", "rw - ext4 /dev/vda1 rw");
	put_file(tree, "srv/deep/disk.img", "data");
	put_loop(tree, "loop0", LOOP0, "/srv/deep/disk.img");
	put_loop(tree, "loop1", LOOP1, "/srvx/gone (deleted)");
	put_attribute(tree, "loop1", "queue/write_cache", THROUGH);
	put_loop(tree, "loop2", STACK_DEV(7, 2), "/snap.squashfs");
	put_attribute(tree, "loop2", "queue/write_cache", THROUGH);
	put_attribute(tree, "loop2", "ro", "1");
	put_disk(tree, "loop3", STACK_DEV(7, 3), WRITE_BACK);
	scan(tree);

	const struct stack_node *loop = node_of(tree, LOOP0);

	assert_int_equal(loop->kind, STACK_LOOP);
	assert_false(loop->leaf);
	assert_false(loop->backing_ram);
	assert_int_equal(loop->backing_fs, VDA1);
	assert_int_not_equal(loop->backing_ino, 0);
	assert_string_equal(loop->backing_path, "/srv/deep/disk.img");
	assert_leaves(tree, LOOP0, VDA, 0);
	assert_cache(tree, LOOP0, CACHE_VOLATILE);

	assert_string_equal(node_of(tree, LOOP1)->backing_path, "/srvx/gone");
	assert_cache(tree, LOOP1, CACHE_OVERRIDDEN);
	assert_leaves(tree, LOOP1, VDA, 0);
	assert_cache(tree, STACK_DEV(7, 2), CACHE_NONE);
	assert_kind(tree, STACK_DEV(7, 3), STACK_LOOP);
	assert_cache(tree, STACK_DEV(7, 3), CACHE_UNKNOWN);
	assert_false(node_of(tree, STACK_DEV(7, 3))->leaf);
	assert_int_equal(leaves_error(tree, STACK_DEV(7, 3)), -ENOENT);
}

static void loop_on_tmpfs(void **state)
{
	struct tree *tree = *state;
	uint32_t tmpfs = STACK_DEV(0, 30);

	put_mount(tree, tmpfs, "/tmp", "rw - tmpfs tmpfs rw");
	put_loop(tree, "loop0", LOOP0, "/tmp/disk.img");
	scan(tree);

	assert_true(node_of(tree, LOOP0)->backing_ram);
	assert_true(node_of(tree, LOOP0)->leaf);
	assert_int_equal(node_of(tree, LOOP0)->backing_fs, tmpfs);
	assert_cache(tree, LOOP0, CACHE_RAM);
	assert_leaves(tree, LOOP0, LOOP0, 0);
	assert_kind(tree, tmpfs, STACK_FS);
	assert_cache(tree, tmpfs, CACHE_RAM);
}

static void loop_on_loop(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_mount(tree, VDA, "/", "rw - ext4 /dev/vda rw");
	put_loop(tree, "loop0", LOOP0, "/disk.img");
	put_partition(tree, "loop0/loop0p1", STACK_DEV(259, 5));
	put_mount(tree, STACK_DEV(259, 5), "/mnt", "rw - xfs /dev/loop0p1 rw");
	put_loop(tree, "loop1", LOOP1, "/mnt/disk.img");
	put_loop(tree, "loop2", STACK_DEV(7, 2), "/dev/loop1");
	scan(tree);

	assert_int_equal(node_of(tree, LOOP1)->backing_fs, STACK_DEV(259, 5));
	assert_cache(tree, STACK_DEV(259, 5), CACHE_VOLATILE);
	assert_leaves(tree, LOOP1, VDA, 0);
	assert_int_equal(node_of(tree, STACK_DEV(7, 2))->lower[0], LOOP1);
	assert_leaves(tree, STACK_DEV(7, 2), VDA, 0);
}

static void cycle(void **state)
{
	struct tree *tree = *state;

	put_loop(tree, "loop0", LOOP0, "/mnt/disk.img");
	put_mount(tree, LOOP0, "/mnt", "rw - ext4 /dev/loop0 rw");
	put_disk(tree, "dm-0", DM0, THROUGH);
	put_attribute(tree, "dm-0", "dm/name", "above");
	put_slave(tree, "dm-0", "loop0");
	scan(tree);

	assert_int_equal(leaves_error(tree, LOOP0), -ELOOP);
	assert_int_equal(leaves_error(tree, DM0), -ELOOP);
	assert_cache(tree, DM0, CACHE_UNKNOWN);
}

static void missing_slave(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_disk(tree, "dm-0", DM0, WRITE_BACK);
	put_attribute(tree, "dm-0", "dm/name", "broken");
	put_slave(tree, "dm-0", "vda");
	put_slave(tree, "dm-0", "vdz");
	scan(tree);

	assert_int_equal(leaves_error(tree, DM0), -ENOENT);
	assert_int_equal(leaves_error(tree, STACK_DEV(99, 1)), -ENOENT);
}

static void too_many_slaves(void **state)
{
	struct tree *tree = *state;
	char name[16];

	put_disk(tree, "md0", MD0, WRITE_BACK);
	put_attribute(tree, "md0", "md/level", "raid0");
	for (unsigned int i = 0; i <= STACK_MAX_LOWER; i++) {
		snprintf(name, sizeof(name), "sd%c%c", 'a' + i / 26, 'a' + i % 26);
		put_scsi(tree, name, STACK_DEV(65, i), WRITE_BACK, WRITE_BACK);
		put_slave(tree, "md0", name);
	}
	scan(tree);

	assert_int_equal(leaves_error(tree, MD0), -ENOENT);
}

static void btrfs_on_two(void **state)
{
	struct tree *tree = *state;
	uint32_t fs = STACK_DEV(0, 44);
	char path[128];

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_disk(tree, "vdc", VDB + 16, WRITE_BACK);
	put_file(tree, "sys/fs/btrfs/features/raid56", "1");
	put_link(tree, "sys/fs/btrfs/1111/devices/vdc", "../../../../devices/block/vdc");
	put_link(tree, "sys/fs/btrfs/2222/devices/vda", "../../../../devices/block/vda");
	put_link(tree, "sys/fs/btrfs/2222/devices/vdb", "../../../../devices/block/vdb");
	put_mount(tree, fs, "/", "rw - btrfs /dev/vdb rw,subvol=/root");
	put_mount(tree, fs, "/home", "rw - btrfs /dev/vdb rw,subvol=/home");
	snprintf(path, sizeof(path), "/home/disk");
	put_loop(tree, "loop0", LOOP0, path);
	scan(tree);

	assert_kind(tree, fs, STACK_FS);
	assert_false(node_of(tree, fs)->leaf);
	assert_string_equal(node_of(tree, fs)->name, "btrfs");
	assert_int_equal(stack_find_mount(tree->stack, fs)->nr_data, 2);
	assert_string_equal(stack_find_mount(tree->stack, fs)->point, "/");
	assert_leaves(tree, fs, VDA, VDB);
	assert_int_equal(node_of(tree, LOOP0)->backing_fs, fs);
	assert_leaves(tree, LOOP0, VDA, VDB);
}

static void nvme(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "nvme0n1", NVME, WRITE_BACK);
	put_attribute(tree, "nvme0n1", "queue/fua", "1");
	put_partition(tree, "nvme0n1/nvme0n1p1", NVME + 1);
	put_disk(tree, "nvme1n1", NVME + 2, THROUGH);
	scan(tree);

	assert_kind(tree, NVME, STACK_NVME);
	assert_cache(tree, NVME, CACHE_VOLATILE);
	assert_leaves(tree, NVME + 1, NVME, 0);
	assert_cache(tree, NVME + 2, CACHE_ASSUMED);
}

static void nvme_multipath(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "nvme0n1", NVME, WRITE_BACK);
	put_disk(tree, "nvme0c0n1", 0, WRITE_BACK);
	put_disk(tree, "nvme0c1n1", 0, WRITE_BACK);
	put_disk(tree, "nvme0n2", NVME + 3, WRITE_BACK);
	put_disk(tree, "nvme0c0n2", 0, WRITE_BACK);
	put_file(tree, "proc/diskstats",
		 " 259       0 nvme0n1 1 2 3\n 259       1 nvme0c0n1 1 2 3\n"
		 " 259       2 nvme0c1n1 1 2 3\n   0       0 nvme0c0n2 1 2 3");
	scan(tree);

	assert_kind(tree, NVME, STACK_NVME_MULTIPATH);
	assert_false(node_of(tree, NVME)->leaf);
	assert_kind(tree, NVME + 1, STACK_NVME);
	assert_leaves(tree, NVME, NVME + 1, NVME + 2);
	/* Without numbers of the paths the head must do. */
	assert_kind(tree, NVME + 3, STACK_NVME_MULTIPATH);
	assert_leaves(tree, NVME + 3, NVME + 3, 0);
	assert_string_equal(stack_refresh_dev(tree->stack, NVME + 2)->name, "nvme0c1n1");
}

static void memory(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "zram0", STACK_DEV(252, 0), THROUGH);
	put_disk(tree, "ram1", STACK_DEV(1, 1), WRITE_BACK);
	put_disk(tree, "nullb0", STACK_DEV(251, 0), WRITE_BACK);
	put_disk(tree, "pmem0", STACK_DEV(250, 0), WRITE_BACK);
	put_disk(tree, "pmem1", STACK_DEV(250, 1), THROUGH);
	scan(tree);

	assert_kind(tree, STACK_DEV(252, 0), STACK_RAM);
	assert_cache(tree, STACK_DEV(252, 0), CACHE_RAM);
	assert_cache(tree, STACK_DEV(1, 1), CACHE_RAM);
	assert_cache(tree, STACK_DEV(251, 0), CACHE_RAM);
	assert_kind(tree, STACK_DEV(250, 0), STACK_PMEM);
	assert_cache(tree, STACK_DEV(250, 0), CACHE_VOLATILE);
	assert_cache(tree, STACK_DEV(250, 1), CACHE_OVERRIDDEN);
	assert_leaves(tree, STACK_DEV(252, 0), STACK_DEV(252, 0), 0);
}

static void nbd(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "nbd0", STACK_DEV(43, 0), THROUGH);
	put_disk(tree, "nbd1", STACK_DEV(43, 1), THROUGH);
	put_attribute(tree, "nbd1", "size", "0");
	put_disk(tree, "nbd2", STACK_DEV(43, 2), WRITE_BACK);
	put_disk(tree, "nbd3", STACK_DEV(43, 3), THROUGH);
	put_file(tree, "sys/kernel/debug/nbd/nbd3/flags",
		 "Hex: 0x00000005\n\nKnown flags:\nNBD_FLAG_HAS_FLAGS\nNBD_FLAG_SEND_FLUSH");
	scan(tree);

	assert_kind(tree, STACK_DEV(43, 0), STACK_NBD);
	assert_cache(tree, STACK_DEV(43, 0), CACHE_ASSUMED);
	assert_string_equal(node_of(tree, STACK_DEV(43, 0))->detail,
			    "the NBD server offers no flush");
	assert_cache(tree, STACK_DEV(43, 1), CACHE_UNKNOWN);
	assert_cache(tree, STACK_DEV(43, 2), CACHE_VOLATILE);
	assert_cache(tree, STACK_DEV(43, 3), CACHE_OVERRIDDEN);
}

static void bcache(void **state)
{
	struct tree *tree = *state;
	uint32_t dev = STACK_DEV(249, 0);

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_attribute(tree, "vda", "bcache/label", "");
	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_disk(tree, "bcache0", dev, WRITE_BACK);
	put_slave(tree, "bcache0", "vda");
	put_slave(tree, "bcache0", "vdb");
	scan(tree);

	assert_kind(tree, dev, STACK_BCACHE);
	assert_kind(tree, VDA, STACK_DISK);
	assert_leaves(tree, dev, VDA, VDB);
}

/* The mount of device 8:@number. */
static void put_numbered(struct tree *tree, size_t number, const char *rest)
{
	char point[32];

	snprintf(point, sizeof(point), "/mnt%zu", number);
	put_mount(tree, STACK_DEV(8, number), point, rest);
}

static void compress_options(void **state)
{
	static const char *const rests[] = {
		"rw - btrfs /dev/x rw,compress=zstd:3,subvol=/",
		"rw - btrfs /dev/x rw,compress-force=lzo",
		"rw - btrfs /dev/x rw,compress",
		"rw - btrfs /dev/x rw,ssd",
		"rw - f2fs /dev/x rw,compress_algorithm=lz4",
		"rw - ext4 /dev/x rw,compress",
	};
	struct tree *tree = *state;

	for (size_t i = 0; i < 6; i++)
		put_numbered(tree, i, rests[i]);
	put_file(tree, "sys/class/block/.keep", "");
	scan(tree);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(stack_find_mount(tree->stack, STACK_DEV(8, i))->compressed, i < 3);
}

static void checkpoint_options(void **state)
{
	static const char *const rests[] = {
		"rw - f2fs /dev/x rw,fsync_mode=posix,checkpoint=disable:0",
		"rw - f2fs /dev/x rw,checkpoint=disable:12,checkpoint_merge",
		"rw - f2fs /dev/x rw,mode=lfs,checkpoint_merge",
		"rw - f2fs /dev/x rw,mode=adaptive,checkpoint=enable",
	};
	struct tree *tree = *state;

	for (size_t i = 0; i < 4; i++)
		put_numbered(tree, i, rests[i]);
	put_file(tree, "sys/class/block/.keep", "");
	scan(tree);
	for (size_t i = 0; i < 4; i++) {
		const struct stack_mount *mount = stack_find_mount(tree->stack, STACK_DEV(8, i));

		assert_int_equal(mount->no_checkpoint, i < 2);
		assert_int_equal(mount->log_structured, i == 2);
	}
}

static void barrier_options(void **state)
{
	static const struct {
		const char *rest;
		bool nobarrier;
	} cases[] = {
		{"rw - ext4 /dev/x rw", false},
		{"rw - ext4 /dev/x rw,nobarrier", true},
		{"rw - ext3 /dev/x rw,barrier=0,data=ordered", true},
		{"rw - ext3 /dev/x rw,barrier=1", false},
		{"rw - btrfs /dev/x rw,nobarrier,subvol=/", true},
		{"rw - xfs /dev/x rw,nobarrier", true},
		{"rw - f2fs /dev/x rw,fsync_mode=posix", false},
		{"rw - f2fs /dev/x rw,fsync_mode=nobarrier", true},
		{"rw - f2fs /dev/x rw,nobarrier,fsync_mode=posix", true},
		{"rw - ext4 /dev/x rw,nobarriers", false},
	};
	struct tree *tree = *state;
	size_t count = sizeof(cases) / sizeof(cases[0]);

	for (size_t i = 0; i < count; i++)
		put_numbered(tree, i, cases[i].rest);
	/* Another mount of the first, and a default in the super block of a further one. */
	put_mount(tree, STACK_DEV(8, 0), "/bind", "rw - ext4 /dev/x rw,barrier=0");
	put_disk(tree, "sdx", STACK_DEV(8, 100), WRITE_BACK);
	put_mount(tree, STACK_DEV(8, 100), "/default", "rw - ext4 /dev/sdx rw");
	put_file(tree, "proc/fs/ext4/sdx/options", "rw\nbsddf\nnobarrier\nauto_da_alloc");
	put_file(tree, "sys/class/block/.keep", "");
	scan(tree);

	for (size_t i = 1; i < count; i++)
		assert_int_equal(stack_find_mount(tree->stack, STACK_DEV(8, i))->nobarrier,
				 cases[i].nobarrier);
	assert_true(stack_find_mount(tree->stack, STACK_DEV(8, 0))->nobarrier);
	assert_string_equal(stack_find_mount(tree->stack, STACK_DEV(8, 0))->point, "/mnt0");
	assert_true(stack_find_mount(tree->stack, STACK_DEV(8, 100))->nobarrier);
}

static void put_bytes(const struct tree *tree, const char *path, const unsigned char *bytes,
		      size_t size)
{
	char full[512];
	FILE *file;

	directory_path(full, sizeof(full), tree->root, path);
	file = fopen(full, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, size, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

/* @path: of a file or device with an ext4 super block. */
static void put_super(const struct tree *tree, const char *path, uint16_t magic, uint32_t compat,
		      uint32_t incompat, uint32_t block_bits)
{
	unsigned char super[2048] = {0};

	for (int i = 0; i < 2; i++)
		super[1024 + 0x38 + i] = (unsigned char)(magic >> 8 * i);
	for (int i = 0; i < 4; i++) {
		super[1024 + 0x18 + i] = (unsigned char)(block_bits >> 8 * i);
		super[1024 + 0x5c + i] = (unsigned char)(compat >> 8 * i);
		super[1024 + 0x60 + i] = (unsigned char)(incompat >> 8 * i);
	}
	put_bytes(tree, path, super, sizeof(super));
}

/* A device with the super block of an f2fs; @devices: that it lists, up to NULL. */
static void put_f2fs(const struct tree *tree, const char *path, const char *const *devices)
{
	static const unsigned char magic[] = {0x10, 0x20, 0xf5, 0xf2};
	unsigned char super[4096] = {0};

	memcpy(super + 1024, magic, sizeof(magic));
	for (size_t i = 0; devices[i]; i++)
		memcpy(super + 1024 + 2201 + 68 * i, devices[i], strlen(devices[i]));
	put_bytes(tree, path, super, sizeof(super));
}

static void f2fs_on_several(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_disk(tree, "sda", SDA, WRITE_BACK);
	put_f2fs(tree, "dev/vda", (const char *const[]){"/dev/vda", "/dev/vdb", NULL});
	put_f2fs(tree, "dev/vdb", (const char *const[]){NULL});
	put_mount(tree, VDA, "/a", "rw - f2fs /dev/vda rw");
	put_mount(tree, VDB, "/b", "rw - f2fs /dev/vdb rw");
	put_mount(tree, SDA, "/c", "rw - f2fs /dev/sda rw"); /* has no file */
	scan(tree);
	assert_int_equal(stack_find_mount(tree->stack, VDB)->nr_data, 1);
	/* Not known: no walk may miss them. */
	assert_int_equal(stack_find_mount(tree->stack, VDA)->nr_data, 2);
	assert_int_equal(stack_find_mount(tree->stack, VDA)->data[1], 0);
	assert_int_equal(stack_find_mount(tree->stack, SDA)->nr_data, 2);
	assert_int_equal(stack_find_mount(tree->stack, SDA)->data[1], 0);
}

/* Each of an ext4's facts, as "janifd", with a dash where it does not hold. */
static void assert_ext4(const struct tree *tree, uint32_t dev, const char *facts)
{
	const struct stack_mount *mount = stack_find_mount(tree->stack, dev);
	char found[8];

	assert_non_null(mount);
	snprintf(found, sizeof(found), "%c%c%c%c%c%c", mount->data_journal ? 'j' : '-',
		 mount->async_commit ? 'a' : '-', mount->no_journal ? 'n' : '-',
		 mount->inline_data ? 'i' : '-', mount->fast_commit ? 'f' : '-',
		 mount->no_delalloc ? 'd' : '-');
	assert_string_equal(found, facts);
}

#define EXT4_MAGIC     0xEF53
#define HAS_JOURNAL    0x4
#define FAST_COMMIT    0x400
#define HAS_EXTENTS    0x40
#define INLINE_DATA    0x8000
#define BLOCKS_OF_4096 2
#define ALL_BUT(bit)   (0xffffffffU & ~(bit))

static void ext4_options(void **state)
{
	static const struct {
		const char *options, *facts;
	} cases[] = {
		{"rw\nbarrier\ndata=journal\ndelalloc", "j-----"},
		{"data=journal\njournal_async_commit", "ja----"},
		{"rw\ndata=ordered\nbarrier", "------"},
		{"rw\njournal_checksum\njournal_async_commit", "-a----"},
		{"rw\nnodelalloc\ndata=ordered", "-----d"},
		{"rw\ndata=journalled\nno_journal_async_commit", "------"},
	};
	struct tree *tree = *state;
	char name[16], path[64], rest[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(name, sizeof(name), "vd%c", (char)('a' + i));
		snprintf(path, sizeof(path), "proc/fs/ext4/%s/options", name);
		snprintf(rest, sizeof(rest), "rw - %s /dev/%s rw", i % 2 ? "ext3" : "ext4", name);
		put_disk(tree, name, VDA + 16 * i, WRITE_BACK);
		put_file(tree, path, cases[i].options);
		put_mount(tree, VDA + 16 * i, name, rest);
	}
	scan(tree);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_ext4(tree, VDA + 16 * i, cases[i].facts);
}

static void ext4_journal_task(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_scsi(tree, "sda", SDA, WRITE_BACK, WRITE_BACK);
	put_scsi(tree, "sdb", SDB, WRITE_BACK, WRITE_BACK);
	put_file(tree, "sys/fs/ext4/vda/journal_task", "<none>");
	put_file(tree, "sys/fs/ext4/vdb/journal_task", "77");
	put_file(tree, "sys/fs/ext4/sdb/journal_task", "<none>");
	put_mount(tree, VDA, "/a", "rw - ext2 /dev/vda rw");
	put_mount(tree, VDB, "/b", "rw - ext4 /dev/vdb rw");
	put_mount(tree, SDA, "/c", "rw - ext4 /dev/sda rw"); /* nothing tells */
	put_mount(tree, SDB, "/d", "rw - xfs /dev/sdb rw");
	scan(tree);
	assert_ext4(tree, VDA, "--n---");
	assert_ext4(tree, VDB, "------");
	assert_ext4(tree, SDA, "------");
	assert_ext4(tree, SDB, "------");
}

static void ext4_features(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_disk(tree, "cciss!c0d0", SDA, WRITE_BACK); /* cciss/c0d0, as sysfs writes it */
	put_disk(tree, "sdb", SDB, WRITE_BACK);
	put_disk(tree, "dm-0", DM0, WRITE_BACK);
	put_disk(tree, "md0", MD0, WRITE_BACK);
	put_super(tree, "dev/vda", EXT4_MAGIC, HAS_JOURNAL | FAST_COMMIT, ALL_BUT(INLINE_DATA),
		  BLOCKS_OF_4096);
	put_super(tree, "dev/vdb", EXT4_MAGIC, ALL_BUT(FAST_COMMIT), HAS_EXTENTS | INLINE_DATA,
		  BLOCKS_OF_4096);
	put_super(tree, "dev/cciss/c0d0", EXT4_MAGIC, FAST_COMMIT, INLINE_DATA, BLOCKS_OF_4096);
	put_super(tree, "dev/sdb", 0x5846, FAST_COMMIT, INLINE_DATA, BLOCKS_OF_4096);
	put_file(tree, "dev/dm-0", "too short");
	put_mount(tree, VDA, "/a", "rw - ext4 /dev/vda rw");
	put_mount(tree, VDB, "/b", "rw - ext4 /dev/vdb rw");
	put_mount(tree, SDA, "/c", "rw - ext4 /dev/cciss/c0d0 rw");
	put_mount(tree, SDB, "/d", "rw - ext4 /dev/sdb rw");
	put_mount(tree, DM0, "/e", "rw - ext4 /dev/dm-0 rw");
	put_mount(tree, MD0, "/f", "rw - ext4 /dev/md0 rw"); /* has no file */
	scan(tree);
	assert_ext4(tree, VDA, "----f-");
	assert_ext4(tree, VDB, "---i--");
	assert_ext4(tree, SDA, "---if-");
	assert_ext4(tree, SDB, "------");
	assert_ext4(tree, DM0, "------");
	assert_ext4(tree, MD0, "------");
}

static void overlay_volatile(void **state)
{
	struct tree *tree = *state;
	uint32_t first = STACK_DEV(0, 50);
	char rest[2048];
	char lower[1500];

	memset(lower, 'l', sizeof(lower) - 1);
	lower[sizeof(lower) - 1] = '\0';
	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_mount(tree, first, "/o1",
		  "rw - overlay overlay rw,lowerdir=/l,upperdir=/var/u,workdir=/var/w,volatile");
	put_mount(tree, VDA, "/var", "rw - ext4 /dev/vda rw");
	/* Later than what the public struct can hold. */
	snprintf(rest, sizeof(rest),
		 "rw - overlay overlay rw,lowerdir=%s,upperdir=/var/u,fsync=volatile", lower);
	put_mount(tree, first + 1, "/o2", rest);
	put_mount(tree, first + 2, "/o3", "rw - overlay overlay rw,lowerdir=/l,upperdir=/var/u");
	put_mount(tree, first + 3, "/o4", "ro - overlay overlay ro,lowerdir=/l:/m,fsync=auto");
	put_mount(tree, first + 4, "/o5", "rw - overlay overlay rw,lowerdir=/l,upperdir=/o5/u");
	scan(tree);

	assert_true(stack_find_mount(tree->stack, first)->volatile_overlay);
	assert_true(stack_find_mount(tree->stack, first + 1)->volatile_overlay);
	assert_false(stack_find_mount(tree->stack, first + 2)->volatile_overlay);
	assert_false(stack_find_mount(tree->stack, first + 3)->volatile_overlay);
	assert_leaves(tree, first, VDA, 0);
	assert_leaves(tree, first + 2, VDA, 0);
	assert_int_equal(leaves_error(tree, first + 3), -ENOENT);
	assert_int_equal(leaves_error(tree, first + 4), -ENOENT);
}

/* What an audit has met stays met, whatever takes the number later. */
static void overlay_was_volatile(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_mount(tree, STACK_DEV(0, 50), "/o", "rw - overlay overlay rw,lowerdir=/l,upperdir=/u");
	scan(tree);
	assert_false(stack_had_volatile_overlay(tree->stack));
	tree->mounts[0] = '\0';
	put_mount(tree, STACK_DEV(0, 50), "/o",
		  "rw - overlay overlay rw,lowerdir=/l,upperdir=/u,volatile");
	scan(tree);
	assert_true(stack_had_volatile_overlay(tree->stack));
	tree->mounts[0] = '\0';
	put_mount(tree, STACK_DEV(0, 50), "/o", "rw - tmpfs tmpfs rw");
	scan(tree);
	assert_true(stack_had_volatile_overlay(tree->stack));
	assert_false(stack_find_mount(tree->stack, STACK_DEV(0, 50))->volatile_overlay);
}

static void external_logs(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_disk(tree, "vdc", VDB + 16, WRITE_BACK);
	put_disk(tree, "dm-0", DM0, WRITE_BACK);
	put_attribute(tree, "dm-0", "dm/name", "rt-part");
	put_slave(tree, "dm-0", "vdc");
	put_mount(tree, VDA, "/x",
		  "rw - xfs /dev/vda rw,logdev=/dev/vdb,rtdev=/dev/mapper/rt-part");
	put_loop(tree, "loop0", LOOP0, "/x/disk");
	put_scsi(tree, "sda", SDA, WRITE_BACK, WRITE_BACK);
	put_file(tree, "sys/fs/ext4/sda/journal_task", "77");
	put_file(tree, "proc/77/comm", "jbd2/vdb");
	put_mount(tree, SDA, "/e", "rw - ext4 /dev/sda rw");
	put_scsi(tree, "sdb", SDB, WRITE_BACK, WRITE_BACK);
	put_file(tree, "sys/fs/ext4/sdb/journal_task", "78");
	put_file(tree, "proc/78/comm", "jbd2/sdb-8");
	put_mount(tree, SDB, "/f", "rw - ext4 /dev/sdb rw");
	put_disk(tree, "vdd", VDB + 32, WRITE_BACK);
	put_mount(tree, VDB + 32, "/y", "rw - xfs /dev/vdd rw,logdev=/dev/gone");
	put_loop(tree, "loop1", LOOP1, "/y/disk");
	scan(tree);

	const struct stack_mount *mount = stack_find_mount(tree->stack, VDA);
	uint32_t leaves[4];

	assert_int_equal(mount->log, VDB);
	assert_int_equal(mount->nr_data, 2);
	assert_int_equal(mount->data[1], DM0);
	assert_int_equal(stack_leaves(tree->stack, LOOP0, leaves, 4), 3);
	assert_int_equal(stack_find_mount(tree->stack, SDA)->log, VDB);
	assert_int_equal(stack_find_mount(tree->stack, SDB)->log, 0);
	assert_int_equal(leaves_error(tree, LOOP1), -ENOENT);
}

static void remove_path(const struct tree *tree, const char *path)
{
	char full[512];

	directory_path(full, sizeof(full), tree->root, path);
	directory_remove(full);
}

static void vanished_is_kept(void **state)
{
	struct tree *tree = *state;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_mount(tree, VDB, "/", "rw - ext4 /dev/vdb rw");
	put_loop(tree, "loop0", LOOP0, "/disk");
	scan(tree);

	remove_path(tree, "sys/class/block/vda");
	remove_path(tree, DEVICES "/vda");
	remove_path(tree, DEVICES "/loop0/loop");
	put_attribute(tree, "vdb", "queue/write_cache", THROUGH);
	put_attribute(tree, "vdb", "cache_type", WRITE_BACK);
	tree->mounts[0] = '\0';
	put_mount(tree, STACK_DEV(0, 21), "/proc", "rw - proc proc rw");
	put_link(tree, "sys/class/block/dangling", "../../devices/block/dangling");
	scan(tree);

	assert_cache(tree, VDA, CACHE_VOLATILE);
	assert_cache(tree, VDB, CACHE_OVERRIDDEN);
	assert_non_null(stack_find_mount(tree->stack, VDB));
	assert_string_equal(node_of(tree, LOOP0)->backing_path, "/disk");
	assert_leaves(tree, LOOP0, VDB, 0);

	/* Attached anew it is no longer what it was. */
	put_attribute(tree, "loop0", "loop/backing_file", "/proc/other");
	scan(tree);
	assert_string_equal(node_of(tree, LOOP0)->backing_path, "/proc/other");
	assert_int_equal(leaves_error(tree, LOOP0), -ENOENT);
}

static void appeared_meanwhile(void **state)
{
	struct tree *tree = *state;
	uint32_t fs = STACK_DEV(0, 60);

	put_disk(tree, "vda", VDA, WRITE_BACK);
	scan(tree);
	assert_null(stack_refresh_dev(tree->stack, LOOP0));

	put_disk(tree, "vdb", VDB, WRITE_BACK);
	put_partition(tree, "vdb/vdb1", VDB + 1);
	put_disk(tree, "dm-0", DM0, WRITE_BACK);
	put_attribute(tree, "dm-0", "dm/name", "new");
	put_slave(tree, "dm-0", "vdb1");
	put_mount(tree, DM0, "/new", "rw - ext4 /dev/mapper/new rw");
	put_loop(tree, "loop0", LOOP0, "/new/disk");

	const struct stack_node *node = stack_refresh_dev(tree->stack, LOOP0);

	assert_non_null(node);
	assert_int_equal(node->backing_fs, DM0);
	assert_leaves(tree, LOOP0, VDB, 0);
	assert_non_null(stack_find_mount(tree->stack, DM0));

	put_mount(tree, fs, "/tmp", "rw - tmpfs tmpfs rw");
	assert_non_null(stack_refresh_dev(tree->stack, fs));
	/* Without sys/dev/block the class tells as well. */
	remove_path(tree, "sys/dev");
	assert_non_null(stack_refresh_dev(tree->stack, VDA));
}

static void unreadable(void **state)
{
	struct tree *tree = *state;
	struct error err = {.text = ""};

	assert_int_equal(stack_scan(tree->stack, &err), -ENOENT);
	assert_non_null(strstr(err.text, "sys/class/block"));
	put_disk(tree, "vda", VDA, WRITE_BACK);
	remove_path(tree, "proc");
	assert_int_equal(stack_scan(tree->stack, &err), -ENOENT);
	assert_non_null(strstr(err.text, "mountinfo"));
	assert_int_equal(stack_scan(tree->stack, NULL), -ENOENT);
}

static void thousands(void **state)
{
	struct tree *tree = *state;
	char name[16];
	uint32_t before = 0;

	for (unsigned int i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "dm-%u", i);
		put_disk(tree, name, STACK_DEV(253, (i * 7) % 1500), WRITE_BACK);
	}
	scan(tree);
	scan(tree);

	assert_int_equal(stack_nr_nodes(tree->stack), 1501); /* and /proc */
	for (size_t i = 0; i < stack_nr_nodes(tree->stack); i++) {
		const struct stack_node *node = stack_node_at(tree->stack, i);

		assert_true(node->dev > before);
		assert_ptr_equal(stack_find(tree->stack, node->dev), node);
		before = node->dev;
	}
	assert_null(stack_node_at(tree->stack, 1501));
	assert_int_equal(stack_nr_mounts(tree->stack), 1);
	assert_string_equal(stack_mount_at(tree->stack, 0)->fs, "proc");
	assert_null(stack_mount_at(tree->stack, 1));
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i < STACK_KINDS; i++)
		assert_non_null(stack_kind_name((enum stack_kind)i));
	for (int i = 0; i < CACHE_STATES; i++)
		assert_non_null(stack_cache_name((enum stack_cache)i));
	assert_string_equal(stack_kind_name(STACK_KINDS), "unknown");
	assert_string_equal(stack_cache_name(CACHE_STATES), "unknown");
}

/* sys/fs has a directory for each super block in memory. */
static void tells_one_super_block_from_the_next(void **state)
{
	struct tree *tree = *state;
	uint64_t first, first_ns;

	put_disk(tree, "vda", VDA, WRITE_BACK);
	put_attribute(tree, "vda", "queue/logical_block_size", "512");
	put_super(tree, "dev/vda", EXT4_MAGIC, HAS_JOURNAL, HAS_EXTENTS, BLOCKS_OF_4096);
	put_mount(tree, VDA, "/a", "rw - ext3 /dev/vda rw");
	put_file(tree, "sys/fs/ext4/vda/here", "1\n");
	scan(tree);
	first = stack_find_mount(tree->stack, VDA)->instance;
	first_ns = stack_find_mount(tree->stack, VDA)->instance_ns;
	assert_int_not_equal(first, 0);
	assert_int_equal(stack_find_mount(tree->stack, VDA)->before_ns, 0);
	/* No longer mounted here, but there: with other options it comes back as what it was. */
	tree->mounts[0] = '\0';
	put_mount(tree, VDB, "/b", "rw - vfat /dev/vdb rw");
	scan(tree);
	put_mount(tree, VDA, "/a", "rw - ext3 /dev/vda rw,nobarrier");
	scan(tree);
	assert_int_equal(stack_find_mount(tree->stack, VDA)->instance, first);
	assert_int_equal(stack_find_mount(tree->stack, VDA)->instance_ns, first_ns);
	assert_int_equal(stack_find_mount(tree->stack, VDA)->before_ns, 0);
	remove_path(tree, "sys/fs/ext4/vda");
	scan(tree);
	assert_int_equal(stack_find_mount(tree->stack, VDA)->instance, 0);
	first_ns = stack_find_mount(tree->stack, VDA)->instance_ns;
	put_file(tree, "sys/fs/ext4/vda/here", "1\n");
	scan(tree);
	assert_int_not_equal(stack_find_mount(tree->stack, VDA)->instance, 0);
	assert_int_equal(stack_find_mount(tree->stack, VDA)->before_ns, first_ns);
	assert_true(stack_find_mount(tree->stack, VDA)->instance_ns > first_ns);
	assert_int_equal(stack_find_mount(tree->stack, VDB)->instance, 0);
}

/* An ext4 whose blocks are the device's least may be mounted with the old ones in memory. */
static void does_not_tell_where_blocks_stay_in_memory(void **state)
{
	static const struct {
		const char *logical;
		uint32_t block_bits;
		bool told;
	} cases[] = {
		{"512", 0, false}, {"512", 1, true},   {"512", 2, true}, {"4096", 2, false},
		{"4096", 0, true}, {"512", 99, false}, {NULL, 2, false},
	};
	struct tree *tree = *state;
	char name[16], path[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(name, sizeof(name), "vd%c", (char)('a' + i));
		put_disk(tree, name, VDA + 16 * i, WRITE_BACK);
		if (cases[i].logical)
			put_attribute(tree, name, "queue/logical_block_size", cases[i].logical);
		snprintf(path, sizeof(path), "dev/%s", name);
		put_super(tree, path, EXT4_MAGIC, HAS_JOURNAL, HAS_EXTENTS, cases[i].block_bits);
		snprintf(path, sizeof(path), "sys/fs/ext4/%s/here", name);
		put_file(tree, path, "1\n");
		put_mount(tree, VDA + 16 * i, name, "rw - ext4 /dev/x rw");
	}
	scan(tree);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(stack_find_mount(tree->stack, VDA + 16 * i)->instance != 0,
				 cases[i].told);
}

#define TREE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(virtio_with_partition),
		TREE_TEST(virtio_write_through),
		TREE_TEST(scsi_caches),
		TREE_TEST(dm_over_partitions),
		TREE_TEST(dm_over_raid1),
		TREE_TEST(override_in_the_middle),
		TREE_TEST(loop_on_ext4),
		TREE_TEST(loop_on_tmpfs),
		TREE_TEST(loop_on_loop),
		TREE_TEST(cycle),
		TREE_TEST(missing_slave),
		TREE_TEST(too_many_slaves),
		TREE_TEST(btrfs_on_two),
		TREE_TEST(nvme),
		TREE_TEST(nvme_multipath),
		TREE_TEST(memory),
		TREE_TEST(nbd),
		TREE_TEST(bcache),
		TREE_TEST(compress_options),
		TREE_TEST(barrier_options),
		TREE_TEST(checkpoint_options),
		TREE_TEST(f2fs_on_several),
		TREE_TEST(ext4_options),
		TREE_TEST(ext4_journal_task),
		TREE_TEST(ext4_features),
		TREE_TEST(overlay_volatile),
		TREE_TEST(overlay_was_volatile),
		TREE_TEST(external_logs),
		TREE_TEST(vanished_is_kept),
		TREE_TEST(appeared_meanwhile),
		TREE_TEST(unreadable),
		TREE_TEST(thousands),
		TREE_TEST(tells_one_super_block_from_the_next),
		TREE_TEST(does_not_tell_where_blocks_stay_in_memory),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
