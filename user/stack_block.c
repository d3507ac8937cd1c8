// SPDX-License-Identifier: GPL-2.0-only
#include "stack_impl.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cache.h"
#include "stack_tree.h"

#define SYS_BLOCK     "sys/class/block/%s"
#define DM_ANSWER_MAX 16384

static bool is_numbered(const char *name, const char *driver)
{
	size_t length = strlen(driver);

	return strncmp(name, driver, length) == 0 && isdigit((unsigned char)name[length]);
}

static bool is_lettered(const char *name, const char *driver)
{
	size_t length = strlen(driver);

	return strncmp(name, driver, length) == 0 && islower((unsigned char)name[length]);
}

/* nvme0c1n2 is the path over controller 1 to what nvme0n2 shows. */
static bool nvme_path_parse(const char *name, char head[32])
{
	unsigned int subsystem;
	unsigned int controller;
	unsigned int namespace;
	int end = 0;

	if (sscanf(name, "nvme%uc%un%u%n", &subsystem, &controller, &namespace, &end) != 3 ||
	    name[end])
		return false;
	snprintf(head, 32, "nvme%un%u", subsystem, namespace);
	return true;
}

/* The paths of a multipath head are hidden: no device file, no number in sysfs; diskstats has it.
 */
static int number_from_diskstats(const struct stack *stack, const char *name, uint32_t *dev)
{
	char path[PATH_MAX];
	char line[512];
	char found[64];
	unsigned int major;
	unsigned int minor;
	int ret = -ENOENT;
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/proc/diskstats", stack->root) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (ret && fgets(line, sizeof(line), file)) {
		/* Kernels up to 5.11 show 0:0 for a hidden disk. */
		if (sscanf(line, "%u %u %63s", &major, &minor, found) == 3 && major &&
		    strcmp(found, name) == 0) {
			*dev = STACK_DEV(major, minor);
			ret = 0;
		}
	}
	fclose(file);
	return ret;
}

static int parse_number(const char *text, uint32_t *dev)
{
	unsigned int major;
	unsigned int minor;

	if (sscanf(text, "%u:%u", &major, &minor) != 2)
		return -EINVAL;
	*dev = STACK_DEV(major, minor);
	return 0;
}

int stack_block_number(const struct stack *stack, const char *name, uint32_t *dev)
{
	char text[32];
	char head[32];

	if (stack_tree_read(stack->root, text, sizeof(text), SYS_BLOCK "/dev", name) > 0)
		return parse_number(text, dev);
	if (nvme_path_parse(name, head))
		return number_from_diskstats(stack, name, dev);
	return -ENOENT;
}

static bool has_nvme_paths(const struct stack *stack, const char *head, struct stack_node *node)
{
	DIR *dir = stack_tree_open(stack->root, "sys/class/block");
	const char *name;
	char its_head[32];
	bool found = false;
	uint32_t dev;

	if (!dir)
		return false;
	while ((name = stack_tree_next(dir))) {
		if (!nvme_path_parse(name, its_head) || strcmp(its_head, head) != 0)
			continue;
		found = true;
		if (stack_block_number(stack, name, &dev) == 0)
			stack_add_lower(node, dev);
		else
			stack_add_detail(node, "the number of its path %s is not known", name);
	}
	closedir(dir);
	return found;
}

static bool is_drive_name(const char *name)
{
	static const char *const lettered[] = {"sd", "vd", "xvd", "hd"};
	static const char *const numbered[] = {"mmcblk", "sr", "rbd"};

	for (size_t i = 0; i < sizeof(lettered) / sizeof(lettered[0]); i++) {
		if (is_lettered(name, lettered[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
		if (is_numbered(name, numbered[i]))
			return true;
	}
	return false;
}

static enum stack_kind kind_of(const struct stack *stack, const char *name)
{
	const char *root = stack->root;

	if (stack_tree_exists(root, SYS_BLOCK "/partition", name))
		return STACK_PARTITION;
	if (stack_tree_exists(root, SYS_BLOCK "/dm", name))
		return STACK_DM;
	if (stack_tree_exists(root, SYS_BLOCK "/md", name))
		return STACK_MD;
	if (stack_tree_exists(root, SYS_BLOCK "/loop", name) || is_numbered(name, "loop"))
		return STACK_LOOP;
	/* By name: the devices that a bcache stands on have a bcache directory, too. */
	if (is_numbered(name, "bcache"))
		return STACK_BCACHE;
	if (is_numbered(name, "zram") || is_numbered(name, "ram") || is_numbered(name, "nullb"))
		return STACK_RAM;
	if (is_numbered(name, "pmem"))
		return STACK_PMEM;
	if (is_numbered(name, "nbd"))
		return STACK_NBD;
	if (is_numbered(name, "nvme"))
		return STACK_NVME;
	if (is_drive_name(name) || stack_tree_exists(root, SYS_BLOCK "/device", name))
		return STACK_DISK;
	return STACK_UNKNOWN;
}

static void read_slaves(const struct stack *stack, struct stack_node *node)
{
	DIR *dir = stack_tree_open(stack->root, SYS_BLOCK "/slaves", node->name);
	const char *name;
	uint32_t dev;

	if (!dir)
		return;
	while ((name = stack_tree_next(dir))) {
		if (stack_block_number(stack, name, &dev) < 0) {
			stack_add_detail(node, "%s below it is not known", name);
			dev = 0;
		}
		stack_add_lower(node, dev);
	}
	closedir(dir);
}

static void read_partition(const struct stack *stack, struct stack_node *node)
{
	char text[32];
	uint32_t dev = 0;

	/* class/block/vda1 leads to .../vda/vda1, so the kernel itself finds the disk. */
	if (stack_tree_read(stack->root, text, sizeof(text), SYS_BLOCK "/../dev", node->name) <=
		    0 ||
	    parse_number(text, &dev) < 0)
		stack_add_detail(node, "its disk is not known");
	else
		node->disk = dev;
	stack_add_lower(node, dev);
}

/* "linear", "crypt, linear": only an ioctl tells, so only on the real root, and nobody minds if
 * not. */
static void read_dm_targets(struct stack_node *node)
{
	static const uint32_t version[3] = {4, 0, 0};
	const struct dm_target_spec *spec;
	struct dm_ioctl *dm = calloc(1, DM_ANSWER_MAX);
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	size_t at;

	if (!dm || fd < 0)
		goto out;
	memcpy(dm->version, version, sizeof(version));
	dm->data_size = DM_ANSWER_MAX;
	dm->data_start = sizeof(*dm);
	dm->dev = makedev(STACK_DEV_MAJOR(node->dev), STACK_DEV_MINOR(node->dev));
	/* The status, not the table: that one holds dm-crypt's key. No flush: thin pools would
	 * commit. */
	dm->flags = DM_NOFLUSH_FLAG;
	if (ioctl(fd, DM_TABLE_STATUS, dm) < 0)
		goto out;
	at = dm->data_start;
	for (uint32_t i = 0; i < dm->target_count && at + sizeof(*spec) <= DM_ANSWER_MAX; i++) {
		spec = (const void *)((const char *)dm + at);
		if (!strstr(node->detail, spec->target_type))
			stack_add_detail(node, "%.*s", (int)sizeof(spec->target_type),
					 spec->target_type);
		at = dm->data_start + (size_t)spec->next;
	}
out:
	if (fd >= 0)
		close(fd);
	free(dm);
}

static void read_dm(const struct stack *stack, struct stack_node *node)
{
	char text[160];

	if (!stack->root[0])
		read_dm_targets(node);
	/* Who made it stands before the first dash: LVM-..., CRYPT-LUKS2-..., mpath-... */
	if (stack_tree_read(stack->root, text, sizeof(text), SYS_BLOCK "/dm/uuid", node->name) >
	    0) {
		char *end = strchr(text, '-');

		if (end) {
			*end = '\0';
			stack_add_detail(node, "%s", text);
		}
	}
	if (stack_tree_read(stack->root, text, sizeof(text), SYS_BLOCK "/dm/name", node->name) > 0)
		stack_add_detail(node, "name %s", text);
	read_slaves(stack, node);
}

static void read_md(const struct stack *stack, struct stack_node *node)
{
	char text[64];

	if (stack_tree_read(stack->root, text, sizeof(text), SYS_BLOCK "/md/level", node->name) > 0)
		stack_add_detail(node, "%s", text);
	read_slaves(stack, node);
}

static void read_loop(const struct stack *stack, struct stack_node *node)
{
	if (stack_tree_read(stack->root, node->backing_path, sizeof(node->backing_path),
			    SYS_BLOCK "/loop/backing_file", node->name) <= 0)
		stack_add_detail(node, "no backing file");
}

static void read_lower(const struct stack *stack, struct stack_node *node)
{
	switch (node->kind) {
	case STACK_PARTITION:
		read_partition(stack, node);
		break;
	case STACK_DM:
		read_dm(stack, node);
		break;
	case STACK_MD:
		read_md(stack, node);
		break;
	case STACK_LOOP:
		read_loop(stack, node);
		break;
	case STACK_NVME:
		if (has_nvme_paths(stack, node->name, node))
			node->kind = STACK_NVME_MULTIPATH;
		break;
	default:
		read_slaves(stack, node);
		break;
	}
}

static bool reads_as(const struct stack *stack, const char *name, const char *file,
		     const char *want)
{
	char text[64];

	return stack_tree_read(stack->root, text, sizeof(text), SYS_BLOCK "/%s", name, file) > 0 &&
	       strcmp(text, want) == 0;
}

/* Drivers whose write-through is what the host or the medium told them, and who keep no second
 * record. */
static bool is_trusted_driver(const char *name)
{
	return is_lettered(name, "vd") || is_lettered(name, "xvd") || is_numbered(name, "mmcblk") ||
	       is_numbered(name, "rbd");
}

/* The kernel believes write-through: what does the drive itself say? */
static void judge_drive(const struct stack *stack, struct stack_node *node)
{
	char why[128] = "";
	enum cache_claim claim;

	cache_drive_claim(stack->root, node->name, &claim, why, sizeof(why));
	if (claim == CACHE_CLAIM_VOLATILE) {
		node->cache = CACHE_OVERRIDDEN;
		stack_add_detail(node, "%s, queue/write_cache says write through", why);
	} else if (claim == CACHE_CLAIM_NONE) {
		node->cache = CACHE_NONE;
		stack_add_detail(node, "%s", why);
	} else if (is_trusted_driver(node->name) &&
		   !stack_tree_exists(stack->root, SYS_BLOCK "/cache_type", node->name)) {
		node->cache = CACHE_NONE;
		stack_add_detail(node, "write through by the word of its driver alone");
	} else {
		node->cache = CACHE_ASSUMED;
		stack_add_detail(node, "%s", why);
	}
}

static void judge_loop(const struct stack *stack, struct stack_node *node)
{
	if (reads_as(stack, node->name, "ro", "1")) {
		node->cache =
			CACHE_NONE; /* the driver offers no flush where nothing can be written */
		stack_add_detail(node, "read-only");
	} else {
		node->cache = CACHE_OVERRIDDEN;
		stack_add_detail(
			node,
			"a loop device is made write back, queue/write_cache says write through");
	}
}

static void judge_write_through(const struct stack *stack, struct stack_node *node)
{
	switch (node->kind) {
	case STACK_LOOP:
		judge_loop(stack, node);
		break;
	case STACK_PMEM:
		node->cache = CACHE_OVERRIDDEN;
		stack_add_detail(node,
				 "pmem is made write back, queue/write_cache says write through");
		break;
	case STACK_NBD:
		if (reads_as(stack, node->name, "size", "0")) {
			node->cache = CACHE_UNKNOWN;
			stack_add_detail(node, "not connected");
			break;
		}
		judge_drive(stack, node);
		break;
	case STACK_DISK:
	case STACK_NVME:
		judge_drive(stack, node);
		break;
	case STACK_NVME_MULTIPATH:
		node->cache = CACHE_NONE;
		if (!node->nr_lower)
			judge_drive(stack, node);
		break;
	default:
		/* Above other devices the queue inherits theirs; stack.c then looks at those. */
		node->cache = node->nr_lower ? CACHE_NONE : CACHE_ASSUMED;
		if (!node->nr_lower)
			stack_add_detail(node, "write through, and nothing tells why");
		break;
	}
}

static void read_cache(const struct stack *stack, struct stack_node *node)
{
	char text[64];

	node->fua = reads_as(stack, node->name, "queue/fua", "1");
	if (node->kind == STACK_PARTITION)
		return; /* its disk's, see stack.c */
	if (node->kind == STACK_RAM) {
		node->cache = CACHE_RAM;
		return;
	}
	/* A detached loop device keeps the queue that its last file gave it. */
	if (node->kind == STACK_LOOP && !node->backing_path[0])
		return;
	if (stack_tree_read(stack->root, text, sizeof(text), SYS_BLOCK "/queue/write_cache",
			    node->name) < 0) {
		stack_add_detail(node, "queue/write_cache cannot be read");
		return;
	}
	if (strcmp(text, "write back") == 0)
		node->cache = CACHE_VOLATILE;
	else if (strcmp(text, "write through") == 0)
		judge_write_through(stack, node);
	else
		stack_add_detail(node, "queue/write_cache is not understood");
}

int stack_block_read(const struct stack *stack, const char *name, struct stack_node *node)
{
	int ret;

	memset(node, 0, sizeof(*node));
	if (strlen(name) >= sizeof(node->name))
		return -ENAMETOOLONG;
	ret = stack_block_number(stack, name, &node->dev);
	if (ret)
		return ret;
	stack_copy_text(node->name, sizeof(node->name), name);
	node->disk = node->dev;
	node->kind = kind_of(stack, name);
	read_lower(stack, node);
	read_cache(stack, node);
	return 0;
}
