// SPDX-License-Identifier: GPL-2.0-only
#include "stack_impl.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELETED " (deleted)"

/*
 * A loop device holds a file, but sysfs shows a path: that file may be deleted,
 * replaced, or lie in another mount namespace. So on the real machine the
 * driver is asked, too, and where the two disagree it wins.
 */
struct backing {
	bool by_path; /* path leads to the file: stat of it holds */
	bool by_driver;
	struct stat stat;
	struct loop_info64 info;
};

static bool ask_driver(const char *name, struct loop_info64 *info)
{
	char path[128];
	int fd;
	int ret;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	ret = ioctl(fd, LOOP_GET_STATUS64, info);
	close(fd);
	return ret == 0;
}

static bool stat_backing(const struct stack *stack, const char *path, struct stat *st)
{
	char full[PATH_MAX];

	if (snprintf(full, sizeof(full), "%s%s", stack->root, path) >= (int)sizeof(full))
		return false;
	return stat(full, st) == 0;
}

static void find_backing(const struct stack *stack, struct stack_node *node,
			 struct backing *backing)
{
	size_t length = strlen(node->backing_path);

	memset(backing, 0, sizeof(*backing));
	if (!stack->root[0])
		backing->by_driver = ask_driver(node->name, &backing->info);
	backing->by_path = stat_backing(stack, node->backing_path, &backing->stat);
	/* Only if no file bears the name as it stands: "disk (deleted)" is a legal one. */
	if (!backing->by_path && length > strlen(DELETED) &&
	    strcmp(node->backing_path + length - strlen(DELETED), DELETED) == 0) {
		node->backing_path[length - strlen(DELETED)] = '\0';
		stack_add_detail(node, "the backing file is deleted");
	} else if (backing->by_driver && backing->by_path &&
		   backing->stat.st_ino != backing->info.lo_inode) {
		backing->by_path = false;
		stack_add_detail(node, "the path now names another file");
	}
}

/* The block device behind it, 0: it is a file. */
static uint32_t backing_device(const struct stack *stack, const struct stack_node *node,
			       const struct backing *backing)
{
	const struct loop_info64 *info = &backing->info;

	if (backing->by_path && S_ISBLK(backing->stat.st_mode))
		return stack_from_devno(backing->stat.st_rdev);
	/* For a file, kernels before 5.14 repeat its file system's number here. */
	if (backing->by_driver && info->lo_rdevice && info->lo_rdevice != info->lo_device)
		return stack_from_devno(info->lo_rdevice);
	if (stack->root[0] && strncmp(node->backing_path, "/dev/", 5) == 0) {
		const struct stack_node *named = stack_find_name(stack, node->backing_path + 5);

		return named ? named->dev : 0;
	}
	return 0;
}

static const struct stack_mount *backing_mount(const struct stack *stack,
					       const struct stack_node *node,
					       const struct backing *backing)
{
	if (stack->root[0] || backing->by_path)
		return stack_find_mount(stack, stack_mounts_holding(stack, node->backing_path));
	/* Right for all but btrfs, whose files bear their subvolume's number: then none is found.
	 */
	if (backing->by_driver)
		return stack_find_mount(stack, stack_from_devno(backing->info.lo_device));
	return NULL;
}

static bool is_ram_fs(const char *fs)
{
	static const char *const names[] = {"tmpfs", "ramfs", "devtmpfs", "hugetlbfs"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(fs, names[i]) == 0)
			return true;
	}
	return false;
}

static void stand_on_mount(struct stack_node *node, const struct stack_mount *mount)
{
	node->backing_fs = mount->dev;
	if (is_ram_fs(mount->fs)) {
		node->backing_ram = true;
		node->cache = CACHE_RAM;
		stack_add_detail(node, "its file lies on %s", mount->fs);
		return;
	}
	stack_add_lower(node, mount->dev);
	if (!STACK_DEV_MAJOR(mount->dev))
		return; /* a node of its own, which leads on */
	for (size_t i = 0; i < mount->nr_data; i++) {
		if (mount->data[i] != mount->dev)
			stack_add_lower(node, mount->data[i]);
	}
	if (mount->log)
		stack_add_lower(node, mount->log);
}

void stack_loop_resolve(const struct stack *stack, struct stack_node *node)
{
	const struct stack_mount *mount;
	struct backing backing;
	uint32_t device;

	find_backing(stack, node, &backing);
	if (backing.by_path)
		node->backing_ino = backing.stat.st_ino;
	else if (backing.by_driver)
		node->backing_ino = backing.info.lo_inode;
	device = backing_device(stack, node, &backing);
	if (device) {
		stack_add_lower(node, device);
		return;
	}
	mount = backing_mount(stack, node, &backing);
	if (mount)
		stand_on_mount(node, mount);
	else
		stack_add_detail(node, "the file system of its file is not known");
}

const char *stack_backing_path(const struct stack *stack, uint32_t s_dev, uint64_t ino)
{
	size_t i;

	for (i = 0; i < stack->nr_nodes; i++) {
		const struct stack_node *node = &stack->nodes[i]->node;

		if (node->kind == STACK_LOOP && node->backing_ino == ino &&
		    node->backing_fs == s_dev)
			return node->backing_path;
	}
	return NULL;
}
