// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "stack_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsmagic.h"
#include "stack_tree.h"

/* What ext4's rules of durability depend on: each is shown elsewhere. */

/* fs/ext4/ext4.h: the super block lies at byte 1024 */
#define SUPER_MAGIC_OFFSET    (1024 + 0x38)
#define SUPER_BLOCKS_OFFSET   (1024 + 0x18) /* the block size: 1024 << this */
#define SUPER_COMPAT_OFFSET   (1024 + 0x5c)
#define SUPER_INCOMPAT_OFFSET (1024 + 0x60)
#define MIN_BLOCK_SIZE	      1024u
#define MAX_BLOCK_BITS	      6
#define COMPAT_FAST_COMMIT    0x400
#define INCOMPAT_INLINE_DATA  0x8000

static bool is_in_list(char *list, const char *wanted)
{
	char *option;

	while ((option = strsep(&list, "\n"))) {
		if (strcmp(option, wanted) == 0)
			return true;
	}
	return false;
}

bool stack_ext4_option(const struct stack *stack, uint32_t dev, const char *option)
{
	char text[4096];

	return stack_tree_read(stack->root, text, sizeof(text), "proc/fs/ext4/%s/options",
			       stack_name_of(stack, dev)) > 0 &&
	       is_in_list(text, option);
}

/* No list that the kernel shows has these of one file system. */
static void read_super(const struct stack *stack, const char *name, struct stack_mount *mount)
{
	int fd = stack_tree_open_device(stack->root, name);

	if (fd < 0)
		return;
	if (stack_tree_number(fd, SUPER_MAGIC_OFFSET, 2) == FSMAGIC_EXT4) {
		uint32_t bits = stack_tree_number(fd, SUPER_BLOCKS_OFFSET, 4);

		mount->block_size = bits <= MAX_BLOCK_BITS ? MIN_BLOCK_SIZE << bits : 0;
		mount->fast_commit =
			stack_tree_number(fd, SUPER_COMPAT_OFFSET, 4) & COMPAT_FAST_COMMIT;
		mount->inline_data =
			stack_tree_number(fd, SUPER_INCOMPAT_OFFSET, 4) & INCOMPAT_INLINE_DATA;
	}
	close(fd);
}

void stack_ext4_read(const struct stack *stack, struct stack_mount *mount)
{
	const char *name = stack_name_of(stack, mount->dev);
	char text[64];

	mount->data_journal = stack_ext4_option(stack, mount->dev, "data=journal");
	mount->async_commit = stack_ext4_option(stack, mount->dev, "journal_async_commit");
	mount->no_delalloc = stack_ext4_option(stack, mount->dev, "nodelalloc");
	mount->auto_da_alloc = stack_ext4_option(stack, mount->dev, "auto_da_alloc");
	mount->no_journal = stack_tree_read(stack->root, text, sizeof(text),
					    "sys/fs/ext4/%s/journal_task", name) > 0 &&
			    strcmp(text, "<none>") == 0;
	read_super(stack, name, mount);
}

/* ext4_fill_super sets the device to the least size first (sb_min_blocksize), then to its own; a
 * change drops the device's page cache (set_blocksize). */
bool stack_ext4_mounts_uncached(const struct stack *stack, const struct stack_mount *mount)
{
	const char *name = stack_name_of(stack, mount->dev);
	unsigned long least;
	char text[32];

	if (stack_tree_read(stack->root, text, sizeof(text),
			    "sys/class/block/%s/queue/logical_block_size", name) <= 0 &&
	    stack_tree_read(stack->root, text, sizeof(text),
			    "sys/class/block/%s/../queue/logical_block_size", name) <= 0)
		return false;
	least = strtoul(text, NULL, 10);
	return mount->block_size && least &&
	       mount->block_size != (least > MIN_BLOCK_SIZE ? least : MIN_BLOCK_SIZE);
}
