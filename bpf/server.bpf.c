// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who serves FUSE file systems. User space runs this over all open files: a server holds
 * /dev/fuse, and with it the connection of its file system. Its syncs are then seen as well, for
 * the calls they are made for.
 */
#include "call.bpf.h"
#include "fuse.bpf.h"

#define FUSE_DEVICE ((10 << 20) | 229) /* MISC_MAJOR, FUSE_MINOR: as i_rdev has it */

/* The s_dev of the file system behind this file of /dev/fuse; 0: none yet, or not known. */
static __always_inline __u32 fuse_behind(struct file *file)
{
	struct fuse_dev *device = BPF_CORE_READ(file, private_data);
	struct fuse_conn *connection = NULL;

	if (!bpf_core_field_exists(connection->dev))
		return 0;
	if (bpf_core_field_exists(device->fc))
		connection = BPF_CORE_READ(device, fc);
	else if (bpf_core_field_exists(device->chan))
		connection = BPF_CORE_READ(device, chan, conn);
	return connection ? BPF_CORE_READ(connection, dev) : 0;
}

SEC("iter/task_file")
int find_servers(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	__u32 tgid, s_dev, *known;

	if (!task || !file || BPF_CORE_READ(file, f_inode, i_rdev) != FUSE_DEVICE)
		return 0;
	tgid = task->tgid;
	s_dev = tgid != self_tgid ? fuse_behind(file) : 0;
	if (!s_dev)
		return 0;
	known = bpf_map_lookup_elem(&servers, &tgid);
	if (known && *known != s_dev)
		s_dev = STATE_SERVES_SEVERAL;
	serving = 1;
	bpf_map_update_elem(&servers, &tgid, &s_dev, BPF_ANY);
	return 0;
}
