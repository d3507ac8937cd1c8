// SPDX-License-Identifier: GPL-2.0-only
#include "stack_impl.h"

#include <ctype.h>
#include <libmount/libmount.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsmagic.h"
#include "stack_tree.h"

/* Which devices a mounted file system lies on: each kind shows it elsewhere. */

/* include/linux/f2fs_fs.h: the super block lies at byte 1024. If there are several devices, their
 * paths stand in it, 68 bytes apart, that of its own first. */
#define F2FS_SUPER_OFFSET  1024
#define F2FS_SECOND_OFFSET (F2FS_SUPER_OFFSET + 2201 + 68)

#define TASK_COMM_MAX 15
#define JBD2_THREAD   "jbd2/"

static bool option_text(const char *options, const char *name, char *text, size_t size)
{
	char *its = NULL;
	size_t length = 0;

	if (mnt_optstr_get_option(options, name, &its, &length) != 0 || !its || length >= size)
		return false;
	memcpy(text, its, length);
	text[length] = '\0';
	return true;
}

static void mount_add_data(struct stack_mount *mount, uint32_t dev)
{
	for (size_t i = 0; i < mount->nr_data; i++) {
		if (mount->data[i] == dev)
			return;
	}
	if (mount->nr_data < STACK_MAX_LOWER)
		mount->data[mount->nr_data++] = dev;
	else
		mount->data[STACK_MAX_LOWER - 1] = 0; /* too many: better unknown than incomplete */
}

static const struct stack_node *find_dm_name(const struct stack *stack, const char *wanted)
{
	char name[160];

	for (size_t i = 0; i < stack->nr_nodes; i++) {
		const struct stack_node *node = &stack->nodes[i]->node;

		if (node->kind == STACK_DM &&
		    stack_tree_read(stack->root, name, sizeof(name), "sys/class/block/%s/dm/name",
				    node->name) > 0 &&
		    strcmp(name, wanted) == 0)
			return node;
	}
	return NULL;
}

/* The device behind "/dev/vdb", "/dev/mapper/log", 0: not known. */
static uint32_t device_of_path(const struct stack *stack, const char *path)
{
	const struct stack_node *node = NULL;
	struct stat st;
	char name[256];

	if (!stack->root[0] && stat(path, &st) == 0 && S_ISBLK(st.st_mode))
		return stack_from_devno(st.st_rdev);
	if (strncmp(path, "/dev/", 5) != 0)
		return 0;
	if (strncmp(path, "/dev/mapper/", 12) == 0) {
		node = find_dm_name(stack, path + 12);
	} else {
		stack_copy_text(name, sizeof(name), path + 5);
		for (char *c = name; *c; c++) {
			if (*c == '/') /* as sysfs writes it */
				*c = '!';
		}
		node = stack_find_name(stack, name);
	}
	return node ? node->dev : 0;
}

/* The name in sys/fs/btrfs of the file system that is mounted: its source is a member of it. */
static bool btrfs_uuid(const struct stack *stack, const struct stack_mount *mount, char *uuid,
		       size_t size)
{
	const struct stack_node *source = stack_find(stack, device_of_path(stack, mount->source));
	DIR *dir = source ? stack_tree_open(stack->root, "sys/fs/btrfs") : NULL;
	const char *name = NULL;

	if (!dir)
		return false;
	while ((name = stack_tree_next(dir)) &&
	       !stack_tree_exists(stack->root, "sys/fs/btrfs/%s/devices/%s", name, source->name))
		;
	if (name)
		stack_copy_text(uuid, size, name);
	closedir(dir);
	return name;
}

static void btrfs_devices(const struct stack *stack, struct stack_mount *mount)
{
	const char *name;
	char uuid[64];
	DIR *dir;

	if (!btrfs_uuid(stack, mount, uuid, sizeof(uuid)))
		return;
	dir = stack_tree_open(stack->root, "sys/fs/btrfs/%s/devices", uuid);
	while (dir && (name = stack_tree_next(dir))) {
		const struct stack_node *member = stack_find_name(stack, name);

		mount_add_data(mount, member ? member->dev : 0);
	}
	if (dir)
		closedir(dir);
}

bool stack_fs_is_ext(const char *type)
{
	return !strcmp(type, "ext4") || !strcmp(type, "ext3") || !strcmp(type, "ext2");
}

uint64_t stack_fs_instance(const struct stack *stack, const struct stack_mount *mount)
{
	const struct stack_node *node = stack_find(stack, mount->dev);
	const char *type = stack_fs_is_ext(mount->fs) ? "ext4" : mount->fs;
	char uuid[64];

	if (!strcmp(type, "btrfs"))
		return btrfs_uuid(stack, mount, uuid, sizeof(uuid))
			       ? stack_tree_inode(stack->root, "sys/fs/btrfs/%s", uuid)
			       : 0;
	if (!node ||
	    (strcmp(type, "ext4") != 0 && strcmp(type, "xfs") != 0 && strcmp(type, "f2fs") != 0))
		return 0;
	if (!strcmp(type, "ext4") && !stack_ext4_mounts_uncached(stack, mount))
		return 0;
	return stack_tree_inode(stack->root, "sys/fs/%s/%s", type, node->name);
}

/* bcachefs names all its devices in the source: "/dev/vdb:/dev/vdc". */
static void bcachefs_devices(const struct stack *stack, struct stack_mount *mount)
{
	char text[sizeof(mount->source)];
	char *rest = text;
	char *path;

	stack_copy_text(text, sizeof(text), mount->source);
	while ((path = strsep(&rest, ":")))
		mount_add_data(mount, device_of_path(stack, path));
}

/* An overlay's data lie in the file system of its upper directory. */
static void overlay_devices(const struct stack *stack, const char *options,
			    struct stack_mount *mount)
{
	char path[PATH_MAX];
	uint32_t upper;

	if (!option_text(options, "upperdir", path, sizeof(path)))
		return;
	upper = stack_mounts_holding(stack, path);
	/* Seen from inside a container the path leads back to the overlay itself: not known. */
	if (upper && upper != mount->dev)
		mount_add_data(mount, upper);
}

/*
 * ext4 shows an external journal nowhere; its thread is named after it:
 * "jbd2/vdb", while one inside the file system makes "jbd2/vda1-8". Older
 * kernels cut the name at 15 characters: what could be our own name cut short
 * is not taken for another device.
 */
static uint32_t ext4_journal(const struct stack *stack, uint32_t dev)
{
	const char *own = stack_name_of(stack, dev);
	const struct stack_node *log;
	const char *journal;
	char text[64];
	char thread[64];

	if (stack_tree_read(stack->root, text, sizeof(text), "sys/fs/ext4/%s/journal_task", own) <=
		    0 ||
	    !isdigit((unsigned char)text[0]) ||
	    stack_tree_read(stack->root, thread, sizeof(thread), "proc/%s/comm", text) <= 0 ||
	    strncmp(thread, JBD2_THREAD, strlen(JBD2_THREAD)) != 0)
		return 0;
	journal = thread + strlen(JBD2_THREAD);
	if (strlen(thread) >= TASK_COMM_MAX && strncmp(own, journal, strlen(journal)) == 0)
		return 0;
	log = stack_find_name(stack, journal);
	return log && log->dev != dev ? log->dev : 0;
}

static void xfs_devices(const struct stack *stack, const char *options, struct stack_mount *mount)
{
	char path[PATH_MAX];

	if (option_text(options, "logdev", path, sizeof(path))) {
		mount->log = device_of_path(stack, path);
		if (!mount->log)
			mount_add_data(mount, 0); /* there is one: let no walk miss it */
	}
	if (option_text(options, "rtdev", path, sizeof(path)))
		mount_add_data(mount, device_of_path(stack, path));
}

/*
 * An f2fs on several devices flushes those that the file was written to (f2fs_issue_flush); which
 * those are is not followed, and no list that the kernel shows has them: they stay unknown.
 */
static void f2fs_devices(const struct stack *stack, struct stack_mount *mount)
{
	int fd = stack_tree_open_device(stack->root, stack_name_of(stack, mount->dev));
	char second = '\1';

	if (fd < 0 || stack_tree_number(fd, F2FS_SUPER_OFFSET, 4) != FSMAGIC_F2FS ||
	    pread(fd, &second, 1, F2FS_SECOND_OFFSET) != 1 || second)
		mount_add_data(mount, 0);
	if (fd >= 0)
		close(fd);
}

void stack_fs_devices(const struct stack *stack, struct stack_mount *mount, const char *super)
{
	if (STACK_DEV_MAJOR(mount->dev))
		mount_add_data(mount, mount->dev);
	if (strcmp(mount->fs, "btrfs") == 0)
		btrfs_devices(stack, mount);
	else if (strcmp(mount->fs, "f2fs") == 0)
		f2fs_devices(stack, mount);
	else if (strcmp(mount->fs, "bcachefs") == 0)
		bcachefs_devices(stack, mount);
	else if (strcmp(mount->fs, "overlay") == 0)
		overlay_devices(stack, super, mount);
	else if (strcmp(mount->fs, "xfs") == 0)
		xfs_devices(stack, super, mount);
	else if (stack_fs_is_ext(mount->fs))
		mount->log = ext4_journal(stack, mount->dev);
}
