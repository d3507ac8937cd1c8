// SPDX-License-Identifier: GPL-2.0-only
/* Files that audited processes write to, and how they stand when user space asks. */
#include "frame.bpf.h"
#include "written.bpf.h"

#define LOWEST_MARK (1U << 20) /* below it xa_flags holds no marks of pages, 5.10 to 7.2 */

/* The first write to the file: tells user space its name. */
static __always_inline void tell_written(struct inode *inode, struct state_file *key)
{
	struct event_written event = {.header = {EVENT_WRITTEN, EVENTS_VERSION, sizeof(event)}};
	struct task_struct *task = asking_task();
	__u64 now = bpf_ktime_get_ns();

	event.id = new_call_id(now);
	event.at_ns = now;
	event.ino = key->ino;
	event.s_dev = key->s_dev;
	event.generation = BPF_CORE_READ(inode, i_generation);
	event.pid = BPF_CORE_READ(task, tgid);
	bpf_probe_read_kernel_str(event.comm, sizeof(event.comm), &task->comm);
	emit_inode_path((__u64)inode, event.id);
	emit(&event, sizeof(event), LOSS_RING_FLUSH);
}

/* What the file system keeps in inodes of its own is no file: they have no name, and a mode
 * that nobody set (btrfs' tree inode). */
static __always_inline bool is_file(struct inode *inode, struct super_block *sb)
{
	return (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFREG &&
	       BPF_CORE_READ(sb, s_magic) != BDEV_MAGIC && inode_alias(inode);
}

__noinline int written_note(__u64 address, __u64 bytes)
{
	struct inode *inode = (void *)address;
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	struct state_file key = {.ino = BPF_CORE_READ(inode, i_ino)};
	struct state_written *found, fresh = {};
	__u32 generation;

	if (!is_file(inode, sb))
		return 0;
	key.s_dev = BPF_CORE_READ(sb, s_dev);
	generation = BPF_CORE_READ(inode, i_generation);
	found = bpf_map_lookup_elem(&files, &key);
	if (!found || found->generation != generation) {
		fresh.generation = generation;
		if (bpf_map_update_elem(&files, &key, &fresh, BPF_ANY)) {
			count_loss(LOSS_FILES);
			return 0;
		}
		tell_written(inode, &key);
		found = bpf_map_lookup_elem(&files, &key);
		if (!found)
			return 0;
	}
	found->inode = address; /* it may have left the cache meanwhile, and come back */
	if (!found->since_ns)
		found->since_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&found->bytes, bytes);
	return 0;
}

/*
 * Where no BTF tells it, by trying: a file is marked after this tracepoint, so where its first
 * page found no mark and the next finds one, it is that of dirty pages. The self-test sees to it.
 */
static __always_inline void learn_mark(struct address_space *mapping)
{
	__u32 mark = BPF_CORE_READ(mapping, i_pages.xa_flags) & ~(LOWEST_MARK - 1);

	if (marked_mapping == (__u64)mapping && !marked_before && !(mark & (mark - 1)))
		dirty_bit = mark;
	marked_mapping = (__u64)mapping;
	marked_before = mark;
}

static __always_inline int on_dirty(struct page *page, struct address_space *mapping)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (!mapping || (!note_files && dirty_bit) ||
	    (!is_target(tgid) && !(selftest && tgid == self_tgid)))
		return 0;
	if (!dirty_bit)
		learn_mark(mapping);
	if (!note_files)
		return 0;
	/* The last page is zeroed behind the new end: that is none of the file's data. */
	if (selftest || in_truncate())
		return 0;
	return written_note((__u64)BPF_CORE_READ(mapping, host),
			    (__u64)folio_pages(page) * page_bytes);
}

/* Up to 5.15. */
SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(page_dirty, struct page *page, struct address_space *mapping)
{
	return GUARDED(on_dirty(UNTYPED(page), UNTYPED(mapping)));
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(folio_dirty, struct page *page, struct address_space *mapping)
{
	return GUARDED(on_dirty(UNTYPED(page), UNTYPED(mapping)));
}

/* A kretprobe may have missed the end of the sync that a write ends with: there are only so
 * many that may be waited for at a time (its maxactive). */
static __always_inline void close_sync(struct frame *frame, long ret)
{
	if (frame->opener == HOOK_FS_TRACEPOINT || frame->opener == HOOK_VFS_FSYNC_RANGE)
		frame_close(frame->opener, ret < 0 ? ret : 0, SCRATCH_SYSCALL);
}

/* What was written to a page that was dirty already, by somebody else, made none so. */
static __always_inline void note_call(unsigned int fd, long bytes)
{
	struct file *file = fd_file(fd);
	struct address_space *mapping = file ? BPF_CORE_READ(file, f_mapping) : NULL;
	struct state_written *found;
	struct inode *inode;

	if (!mapping || !dirty_bit || !(BPF_CORE_READ(mapping, i_pages.xa_flags) & dirty_bit))
		return;
	inode = BPF_CORE_READ(mapping, host);
	found = written_find(BPF_CORE_READ(inode, i_sb, s_dev), BPF_CORE_READ(inode, i_ino));
	if (!found || !found->since_ns)
		written_note((__u64)inode, bytes);
}

/* A system call that writes returns; the file is its @nth argument. */
static __always_inline int write_returned(struct syscall_exit *ctx, int nth)
{
	struct pt_regs *regs;
	struct frame *frame;
	unsigned long fd = 0;

	if (!is_target(bpf_get_current_pid_tgid() >> 32))
		return 0;
	frame = current_frame();
	if (frame)
		close_sync(frame, ctx->ret);
	regs = note_files && ctx->ret > 0 ? user_registers() : NULL;
	if (!regs || bpf_probe_read_kernel(&fd, sizeof(fd),
					   nth == 1 ? &PT_REGS_PARM1(regs) : &PT_REGS_PARM3(regs)))
		return 0;
	note_call(fd, ctx->ret);
	return 0;
}

SEC("tracepoint")
int write_by_first(struct syscall_exit *ctx)
{
	return GUARDED(write_returned(ctx, 1));
}

SEC("tracepoint")
int write_by_third(struct syscall_exit *ctx)
{
	return GUARDED(write_returned(ctx, 3));
}

/* Is it still the inode that was written to, and does it have a name? */
static __always_inline bool is_there(struct inode *inode, struct state_written *found)
{
	return BPF_CORE_READ(inode, i_ino) == surveyed.ino &&
	       BPF_CORE_READ(inode, i_sb, s_dev) == surveyed.s_dev &&
	       BPF_CORE_READ(inode, i_generation) == found->generation &&
	       BPF_CORE_READ(inode, i_nlink);
}

/* Run by user space, for the file it has put into @surveyed. */
SEC("raw_tp/sys_enter")
int survey(struct bpf_raw_tracepoint_args *ctx)
{
	struct state_file key = surveyed;
	struct state_written *found = bpf_map_lookup_elem(&files, &key);

	if (found && is_there((void *)found->inode, found))
		frame_survey(found->inode);
	return 0;
}
