// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* statx */
#endif

#include "stack_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "pathname.h"
#include "stack_tree.h"

/* One line of mountinfo; the options in full, the public struct may cut them. */
struct line {
	struct libmnt_fs *fs;
	const char *super; /* super block options, "" if there are none */
	uint32_t dev;
};

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* True if @name is there, and with @value unless that is NULL. */
static bool option_is(const char *options, const char *name, const char *value)
{
	char *its = NULL;
	size_t length = 0;

	if (mnt_optstr_get_option(options, name, &its, &length) != 0)
		return false;
	return !value || (its && strlen(value) == length && strncmp(its, value, length) == 0);
}

static bool is_ext(const struct line *line)
{
	return stack_fs_is_ext(or_empty(mnt_fs_get_fstype(line->fs)));
}

/* It is shown with the blocks that may become unusable: "disable:0". */
static bool is_no_checkpoint(const struct line *line)
{
	char *its = NULL;
	size_t length = 0;

	return mnt_optstr_get_option(line->super, "checkpoint", &its, &length) == 0 && its &&
	       strncmp(its, "disable", strlen("disable")) == 0;
}

static bool is_nobarrier(const struct stack *stack, const struct line *line)
{
	if (option_is(line->super, "nobarrier", NULL) || option_is(line->super, "barrier", "0") ||
	    option_is(line->super, "barrier", "none") ||
	    option_is(line->super, "fsync_mode", "nobarrier"))
		return true;
	/* A default in the super block (tune2fs -o nobarrier) is in no mount table. */
	return is_ext(line) && (stack_ext4_option(stack, line->dev, "nobarrier") ||
				stack_ext4_option(stack, line->dev, "barrier=0"));
}

static size_t mount_position(const struct stack *stack, uint32_t dev)
{
	size_t low = 0;
	size_t high = stack->nr_mounts;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (stack->mounts[middle]->mount.dev < dev)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct stack_mount_entry *mount_entry(const struct stack *stack, uint32_t dev)
{
	size_t at = mount_position(stack, dev);

	return at < stack->nr_mounts && stack->mounts[at]->mount.dev == dev ? stack->mounts[at]
									    : NULL;
}

const struct stack_mount *stack_find_mount(const struct stack *stack, uint32_t s_dev)
{
	const struct stack_mount_entry *entry = mount_entry(stack, s_dev);

	return entry ? &entry->mount : NULL;
}

const struct stack_mount *stack_find_mount_at(const struct stack *stack, uint32_t s_dev,
					      uint64_t ns)
{
	const struct stack_mount_entry *entry = mount_entry(stack, s_dev);

	if (!entry || entry->mount.since_ns <= ns)
		return entry ? &entry->mount : NULL;
	return entry->before && entry->before->since_ns <= ns ? entry->before : NULL;
}

void stack_path(const struct stack *stack, uint32_t s_dev, const char *name, char *out, size_t size)
{
	const struct stack_mount *mount = stack_find_mount(stack, s_dev);
	const char *root = mount && strcmp(mount->root, "/") != 0 ? mount->root + 1 : "";
	size_t length = strlen(root);

	/* "..." stands for a front that is missing. */
	if (!mount || !strncmp(name, "...", 3) || strncmp(name, root, length) != 0) {
		snprintf(out, size, "%s", name);
		return;
	}
	name += length;
	snprintf(out, size, "%s%s%s", strcmp(mount->point, "/") != 0 ? mount->point : "",
		 *name == '/' ? "" : "/", name);
}

static struct stack_mount_entry *mount_insert(struct stack *stack, uint32_t dev)
{
	struct stack_mount_entry **grown;
	struct stack_mount_entry *entry;
	size_t at = mount_position(stack, dev);

	grown = realloc(stack->mounts, (stack->nr_mounts + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	stack->mounts = grown;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	memmove(grown + at + 1, grown + at, (stack->nr_mounts - at) * sizeof(*grown));
	grown[at] = entry;
	stack->nr_mounts++;
	return entry;
}

/* Was @mount found in the mounts as @line has it, and never gone since? */
static bool is_same_mount(const struct stack_mount *mount, const struct stack_mount *now)
{
	return mount->since_ns && !mount->gone_ns && !strcmp(mount->fs, now->fs) &&
	       !strcmp(mount->point, now->point) && !strcmp(mount->root, now->root) &&
	       !strcmp(mount->source, now->source) && !strcmp(mount->options, now->options);
}

/* Keeps @mount as what was there before: calls that are told of later may be about it. */
static int keep_before(struct stack_mount_entry *entry)
{
	if (!entry->before)
		entry->before = malloc(sizeof(*entry->before));
	if (!entry->before)
		return -ENOMEM;
	*entry->before = entry->mount;
	return 0;
}

/* The first line of a file system describes it. */
static int put_first(struct stack *stack, struct stack_mount_entry *entry, const struct line *line)
{
	const char *vfs = or_empty(mnt_fs_get_vfs_options(line->fs));
	struct stack_mount mount = {
		.dev = line->dev,
		.read_only = true,
		.since_ns = stack->mounts_ns,
	};

	stack_copy_text(mount.fs, sizeof(mount.fs), or_empty(mnt_fs_get_fstype(line->fs)));
	stack_copy_text(mount.point, sizeof(mount.point), or_empty(mnt_fs_get_target(line->fs)));
	stack_copy_text(mount.root, sizeof(mount.root), or_empty(mnt_fs_get_root(line->fs)));
	stack_copy_text(mount.source, sizeof(mount.source), or_empty(mnt_fs_get_source(line->fs)));
	snprintf(mount.options, sizeof(mount.options), "%s%s%s", vfs,
		 *vfs && *line->super ? "," : "", line->super);
	stack_fs_devices(stack, &mount, line->super);
	if (is_ext(line))
		stack_ext4_read(stack, &mount);
	mount.instance = entry->mount.instance;
	mount.instance_ns = entry->mount.instance_ns;
	mount.before_ns = entry->mount.before_ns;
	if (is_same_mount(&entry->mount, &mount))
		mount.since_ns = entry->mount.since_ns;
	else if (entry->mount.since_ns && keep_before(entry))
		return -ENOMEM;
	entry->mount = mount;
	entry->fresh = true;
	return 0;
}

/* From its other lines only what is off for all of it counts. */
static int put_mount(struct stack *stack, const struct line *line)
{
	struct stack_mount_entry *entry = mount_entry(stack, line->dev);
	struct stack_mount *mount;
	const char *vfs = or_empty(mnt_fs_get_vfs_options(line->fs));

	if (!entry)
		entry = mount_insert(stack, line->dev);
	if (!entry || (!entry->fresh && put_first(stack, entry, line)))
		return -ENOMEM;
	mount = &entry->mount;
	if (is_nobarrier(stack, line))
		mount->nobarrier = true;
	mount->no_checkpoint |= is_no_checkpoint(line);
	if (strcmp(mount->fs, "f2fs") == 0 && option_is(line->super, "mode", "lfs"))
		mount->log_structured = true;
	if (strcmp(mount->fs, "btrfs") == 0 && (option_is(line->super, "compress", NULL) ||
						option_is(line->super, "compress-force", NULL)))
		mount->compressed = true;
	if (!option_is(line->super, "ro", NULL) && !option_is(vfs, "ro", NULL))
		mount->read_only = false;
	if (strcmp(mount->fs, "overlay") == 0 && (option_is(line->super, "volatile", NULL) ||
						  option_is(line->super, "fsync", "volatile")))
		mount->volatile_overlay = stack->had_volatile_overlay = true;
	return 0;
}

static int put_point(struct stack *stack, const struct line *line)
{
	struct stack_point *grown;
	char *path = strdup(or_empty(mnt_fs_get_target(line->fs)));

	if (!path)
		return -ENOMEM;
	grown = realloc(stack->points, (stack->nr_points + 1) * sizeof(*grown));
	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	stack->points = grown;
	grown[stack->nr_points++] = (struct stack_point){
		.path = path,
		.dev = line->dev,
		.id = mnt_fs_get_id(line->fs),
	};
	return 0;
}

static int each_line(struct stack *stack, struct libmnt_table *table,
		     int (*put)(struct stack *stack, const struct line *line))
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct line line;
	int ret = 0;

	if (!iter)
		return -ENOMEM;
	while (!ret && mnt_table_next_fs(table, iter, &line.fs) == 0) {
		line.super = or_empty(mnt_fs_get_fs_options(line.fs));
		line.dev = stack_from_devno(mnt_fs_get_devno(line.fs));
		ret = put(stack, &line);
	}
	mnt_free_iter(iter);
	return ret;
}

void stack_mounts_clear_points(struct stack *stack)
{
	for (size_t i = 0; i < stack->nr_points; i++)
		free(stack->points[i].path);
	free(stack->points);
	stack->points = NULL;
	stack->nr_points = 0;
}

/* A file system without a block device of its own number gets a node. */
static int put_fs_node(struct stack *stack, const struct stack_mount *mount)
{
	struct stack_node node = {
		.dev = mount->dev,
		.disk = mount->dev,
		.kind = STACK_FS,
	};

	stack_copy_text(node.name, sizeof(node.name), mount->fs);
	stack_add_detail(&node, "mounted on %s", mount->point);
	if (strcmp(mount->fs, "tmpfs") == 0 || strcmp(mount->fs, "ramfs") == 0)
		node.cache = CACHE_RAM;
	for (size_t i = 0; i < mount->nr_data; i++)
		stack_add_lower(&node, mount->data[i]);
	return stack_put_node(stack, &node);
}

/* Also of one that is not mounted here: it may be elsewhere. @before_ns: of the scan before. */
static void look_for_instance(const struct stack *stack, struct stack_mount *mount,
			      uint64_t before_ns)
{
	uint64_t instance = stack_fs_instance(stack, mount);

	if (mount->instance_ns && instance == mount->instance)
		return;
	mount->before_ns = mount->instance_ns ? before_ns : 0;
	mount->instance = instance;
	mount->instance_ns = stack->mounts_ns;
}

static int put_mounts(struct stack *stack, struct libmnt_table *table, uint64_t before_ns)
{
	int ret;

	for (size_t i = 0; i < stack->nr_mounts; i++)
		stack->mounts[i]->fresh = false;
	/* All mount points first: an overlay may stand before what holds its upper directory. */
	stack_mounts_clear_points(stack);
	ret = each_line(stack, table, put_point);
	if (!ret)
		ret = each_line(stack, table, put_mount);
	for (size_t i = 0; !ret && i < stack->nr_mounts; i++) {
		struct stack_mount_entry *entry = stack->mounts[i];

		look_for_instance(stack, &entry->mount, before_ns);
		entry->mount.mounted = entry->fresh;
		if (!entry->fresh && !entry->mount.gone_ns)
			entry->mount.gone_ns = stack->mounts_ns;
		if (entry->fresh && !STACK_DEV_MAJOR(entry->mount.dev))
			ret = put_fs_node(stack, &entry->mount);
	}
	return ret;
}

int stack_mounts_read(struct stack *stack, struct error *err)
{
	struct libmnt_table *table;
	char path[PATH_MAX];
	uint64_t before_ns = stack->mounts_ns, now_ns;
	int ret;

	if (snprintf(path, sizeof(path), "%s/proc/self/mountinfo", stack->root) >=
	    (int)sizeof(path))
		return error_set(err, ENAMETOOLONG, "the path %s is too long", stack->root);
	now_ns = clock_now_ns();
	errno = 0;
	table = mnt_new_table_from_file(path);
	if (!table) {
		ret = errno ? errno : EIO;
		return error_set(err, ret, "cannot read %s: %s; is /proc mounted?", path,
				 strerror(ret));
	}
	stack->mounts_ns = now_ns;
	ret = put_mounts(stack, table, before_ns);
	mnt_unref_table(table);
	if (!ret)
		return 0;
	stack->mounts_ns = before_ns; /* it may not have looked at all */
	error_set(err, -ret, "cannot keep the mounts: %s", strerror(-ret));
	return ret;
}

static uint32_t holding_by_prefix(const struct stack *stack, const char *path)
{
	const struct stack_point *best = NULL;

	for (size_t i = 0; i < stack->nr_points; i++) {
		const struct stack_point *point = &stack->points[i];

		/* Of two with one mount point the later one hides the earlier. */
		if (pathname_is_below(path, point->path) &&
		    (!best || strlen(point->path) >= strlen(best->path)))
			best = point;
	}
	return best ? best->dev : 0;
}

static uint32_t holding_by_id(const struct stack *stack, const char *path)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0)
		return 0;
	/* Before 5.8 there is no mount id; and st_dev is not s_dev on btrfs and overlay. */
	if (!(stx.stx_mask & STATX_MNT_ID))
		return holding_by_prefix(stack, path);
	for (size_t i = 0; i < stack->nr_points; i++) {
		if (stack->points[i].id == (int)stx.stx_mnt_id)
			return stack->points[i].dev;
	}
	return 0;
}

uint32_t stack_mounts_holding(const struct stack *stack, const char *path)
{
	if (path[0] != '/')
		return 0;
	return stack->root[0] ? holding_by_prefix(stack, path) : holding_by_id(stack, path);
}
