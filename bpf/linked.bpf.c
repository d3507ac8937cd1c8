// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of ext4 that were made without a name (O_TMPFILE) and got one by linkat(). A sync of the
 * data alone commits the transaction that the file was made in, not the later one that names it:
 * if it goes by the earlier, the file is not there after a power cut (ext4_fsync_journal() goes by
 * i_datasync_tid, which ext4_link() leaves as it is; shown on 6.1 and 6.18).
 */
#include "ext4.bpf.h"
#include "frame.bpf.h"

#define AT_EMPTY_PATH 0x1000 /* include/uapi/linux/fcntl.h */
#define MAX_TEXT      48     /* /proc/PID/task/TID/fd/N */

/* The descriptor that a path below /proc names, -1: it names none. Unrolled: kernels up to 6.1
 * refuse the loop that the compiler makes of it. */
static __always_inline int fd_of_path(const char *text)
{
	int fd = -1;
	__u32 i;

	if (*text != '/')
		return -1;
#pragma unroll
	for (i = 0; i < MAX_TEXT; i++) {
		if (!text[i])
			break;
		if (text[i] == '/')
			fd = 0;
		else if (fd >= 0)
			fd = text[i] >= '0' && text[i] <= '9' ? fd * 10 + text[i] - '0' : -1;
	}
	return fd;
}

/* What the linkat() that returns has linked, if it is open in the caller. */
static __always_inline struct file *linked_file(void)
{
	char text[MAX_TEXT] = {};
	int fd;

	if (bpf_probe_read_user_str(text, sizeof(text), (void *)argument(2)) <= 0)
		return NULL;
	if (!*text)
		return argument(5) & AT_EMPTY_PATH ? fd_file(argument(1)) : NULL;
	fd = fd_of_path(text);
	return fd < 0 ? NULL : fd_file(fd);
}

static __always_inline int note_linked(struct syscall_exit *ctx)
{
	struct state_linked note = {};
	struct state_inode key;
	struct super_block *sb;
	struct inode *inode;
	struct file *file;

	if (ctx->ret || !is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	file = linked_file();
	if (!file || !(BPF_CORE_READ(file, f_flags) & FILE_NAMELESS))
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	sb = BPF_CORE_READ(inode, i_sb);
	if (BPF_CORE_READ(sb, s_magic) != EXT4_MAGIC)
		return 0;
	if (ext4_known() && is_ext4(sb)) {
		note.known = 1;
		note.transaction = BPF_CORE_READ(ext4_info(inode), i_sync_tid);
	}
	read_inode_key(&key, inode);
	bpf_map_update_elem(&linked, &key, &note, BPF_NOEXIST); /* its first name is enough */
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_linkat")
int exit_linked(struct syscall_exit *ctx)
{
	return GUARDED(note_linked(ctx));
}

__noinline int linked_uncommitted(__u64 sb, __u64 ino, __u32 s_dev, __u32 generation, __u32 flags)
{
	struct state_inode key = {.ino = ino, .s_dev = s_dev, .generation = generation};
	struct state_linked *found = bpf_map_lookup_elem(&linked, &key);
	struct journal_s *journal;

	if (!found || (flags & SYNC_WRITEOUT))
		return 0;
	journal = found->known && sb ? ext4_journal((void *)sb) : NULL;
	if ((flags & (SYNC_DATASYNC | SYNC_DIRECT)) &&
	    (!journal || (int)(found->transaction - BPF_CORE_READ(journal, j_commit_sequence)) > 0))
		return 1;
	bpf_map_delete_elem(&linked, &key);
	return 0;
}
