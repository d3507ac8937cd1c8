// SPDX-License-Identifier: GPL-2.0-only
/* The name a file has at the moment of a call. */
#include "state.bpf.h"

/*
 * One step of the walk from a file to the root of the mount tree: takes a name,
 * or crosses to the parent mount. Returns 1 when the walk is over. A function
 * of its own, its state in a map: the verifier then checks it once.
 */
__noinline int path_step(void)
{
	__u32 zero = 0, used;
	struct path_buffer *buffer = bpf_map_lookup_elem(&path_scratch, &zero);
	struct dentry *dentry, *parent;
	struct vfsmount *mnt;
	long length;

	if (!buffer)
		return 1;
	dentry = (void *)buffer->dentry;
	mnt = (void *)buffer->mnt;
	if (dentry == BPF_CORE_READ(mnt, mnt_root)) {
		struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount) {
			buffer->path.flags &= ~PATH_CUT;
			return 1;
		}
		buffer->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
		buffer->mnt = (__u64)above + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	used = buffer->path.length;
	if (parent == dentry) {
		buffer->path.flags &= ~PATH_CUT;
		buffer->path.flags |= PATH_ODD;
		return 1;
	}
	if (used > EVENT_PATH_SIZE - 257)
		return 1;
	barrier_var(used); /* the compiler knows the bound, the verifier wants to see it */
	used &= EVENT_PATH_SIZE - 1;
	length = bpf_probe_read_kernel_str(&buffer->path.names[used], 256,
					   BPF_CORE_READ(dentry, d_name.name));
	if (length <= 0)
		return 1;
	buffer->path.length = used + length;
	buffer->path.components++;
	buffer->dentry = (__u64)parent;
	return 0;
}

static __always_inline void send_path(struct dentry *dentry, struct vfsmount *mnt, __u64 id)
{
	__u32 zero = 0, size, i;
	struct path_buffer *buffer = bpf_map_lookup_elem(&path_scratch, &zero);

	if (!buffer)
		return;
	buffer->dentry = (__u64)dentry;
	buffer->mnt = (__u64)mnt;
	buffer->path.header.type = EVENT_PATH;
	buffer->path.header.version = EVENTS_VERSION;
	buffer->path.id = id;
	buffer->path.length = 0;
	buffer->path.components = 0;
	buffer->path.flags = PATH_CUT;
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && dentry != BPF_CORE_READ(mnt, mnt_root))
		buffer->path.flags |= PATH_DELETED;
	for (i = 0; i < EVENT_PATH_MAX_DEPTH; i++)
		if (path_step())
			break;
	size = (buffer->path.length & (2 * EVENT_PATH_SIZE - 1)) +
	       __builtin_offsetof(struct event_path, names);
	buffer->path.header.size = size;
	emit(&buffer->path, size, LOSS_RING);
}

/* Sends the name the file has now: components from the leaf up to the root of
 * the mount tree, so that it stays right when the file is renamed or removed. */
__noinline int emit_path(__u64 address, __u64 id)
{
	struct file *file = (void *)address;

	send_path(BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt), id);
	return 0;
}

/* The name of a directory, @dentry below @mnt. */
__noinline int emit_dentry_path(__u64 dentry, __u64 mnt, __u64 id)
{
	send_path((void *)dentry, (void *)mnt, id);
	return 0;
}

/* Of no mount: up to the root of its file system (PATH_ODD). */
__noinline int emit_inode_path(__u64 address, __u64 id)
{
	struct dentry *alias = inode_alias((void *)address);

	if (alias)
		send_path(alias, NULL, id);
	return 0;
}
