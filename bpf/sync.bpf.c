// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sync calls as system calls: seen by their own tracepoints at every attach level.
 */
#include "frame.bpf.h"

#define MS_SYNC 4 /* asm-generic/mman-common.h */
/* How many mappings of a call are looked at; of those of a tree by walking down from its root. */
#define FIND_TRIES    64
#define TREE_MAPPINGS 4

/* By an audited process, or by one that serves a file system to others? */
static __always_inline bool is_asked_by_audited(__u32 hook)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (tgid == self_tgid)
		count_hit(hook);
	return is_target(tgid) || served_by(tgid);
}

static __always_inline int open_call(struct file *file, __u32 kind, __u32 hook, __u32 flags)
{
	if (frame_open((__u64)file, kind, hook, flags) || !file)
		return 0;
	return frame_named((__u64)file);
}

/* What kind of call that is, of those with a tracepoint for all; STATE_SYSCALLS: none. */
static __always_inline __u32 syscall_kind(__u32 number)
{
	__u32 kind;

	for (kind = 0; kind < STATE_SYSCALLS; kind++)
		if (sync_syscalls[kind].number == number)
			break;
	return kind;
}

/*
 * A call returns that never entered. Where a seccomp filter answers a call, with an error or
 * with 0, or leaves it to a supervisor, only its return is traced. Else the entry was missed:
 * of a process that made the call before it was watched, or passes a filter only since, or
 * for want of room.
 */
static __always_inline bool is_unentered(__u32 hook)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 *how = bpf_map_lookup_elem(&targets, &tgid);

	return how && *how == TARGET_SINCE_FORK && !nr_comms && !nr_cgroups && is_target(tgid) &&
	       !frame_of(hook) && current_is_filtered() && !totals.losses[LOSS_FRAMES];
}

/* The file that the first argument names still; registers keep it. */
static __always_inline struct file *file_of_registers(void)
{
	struct pt_regs *regs = user_registers();
	unsigned long fd = 0;

	if (!regs || bpf_probe_read_kernel(&fd, sizeof(fd), &PT_REGS_PARM1_SYSCALL(regs)))
		return NULL;
	return fd_file(fd);
}

static __always_inline int syscall_exit(struct syscall_exit *ctx, __u32 kind)
{
	bool named = kind != SYNC_SYNC && kind != SYNC_MSYNC;

	if (is_unentered(kind))
		open_call(named ? file_of_registers() : NULL, kind, kind,
			  sync_syscalls[kind].flags | SYNC_UNENTERED);
	return frame_close(kind, ctx->ret, SCRATCH_SYSCALL);
}

/* Of every kind of call whose first argument is a descriptor. */
SEC("tracepoint")
int enter_call(struct syscall_enter *ctx)
{
	__u32 kind = syscall_kind(ctx->number);

	if (kind >= STATE_SYSCALLS || !is_asked_by_audited(kind))
		return 0;
	return GUARDED(open_call(fd_file(ctx->args[0]), kind, kind, sync_syscalls[kind].flags));
}

SEC("tracepoint/syscalls/sys_enter_sync")
int enter_sync(struct syscall_enter *ctx)
{
	if (!is_asked_by_audited(HOOK_SYSCALL_SYNC))
		return 0;
	return GUARDED(open_call(NULL, SYNC_SYNC, HOOK_SYSCALL_SYNC, SYNC_WHOLE_FS));
}

SEC("tracepoint")
int exit_call(struct syscall_exit *ctx)
{
	__u32 kind = syscall_kind(ctx->number);

	return kind < STATE_SYSCALLS ? GUARDED(syscall_exit(ctx, kind)) : 0;
}

/* What is mapped where msync syncs, as far as it has been looked at. */
struct mapped {
	__u64 file;   /* the first, 0: none */
	__u64 inode;  /* its own */
	__u64 others; /* not 0: there are other files behind it */
	__u64 end;    /* of what has been looked at, 0: nothing has */
};

/* The next mapping: a file is often mapped in parts (mprotect, madvise), and still one file. */
static __always_inline void add_mapping(struct mapped *mapped, struct vm_area_struct *area)
{
	struct file *file = BPF_CORE_READ(area, vm_file);
	__u64 inode = (__u64)BPF_CORE_READ(file, f_inode);

	if (!mapped->end) {
		mapped->file = (__u64)file;
		mapped->inode = inode;
	} else if (inode && inode != mapped->inode) {
		mapped->others = 1;
	}
	mapped->end = BPF_CORE_READ(area, vm_end);
}

/* Is there more of what is to be synced behind it? */
static __always_inline bool goes_on(struct syscall_enter *ctx, const struct mapped *mapped)
{
	return ctx->args[0] + ctx->args[1] > ((mapped->end + page_bytes - 1) & -(__u64)page_bytes);
}

static __always_inline int msync_enter(struct syscall_enter *ctx, struct mapped *mapped)
{
	__u32 flags = SYNC_DATASYNC;

	if (!(ctx->args[2] & MS_SYNC))
		flags |= SYNC_WRITEOUT;
	if (mapped->end && (mapped->others || goes_on(ctx, mapped)))
		flags |= SYNC_SEVERAL;
	return open_call((struct file *)mapped->file, SYNC_MSYNC, HOOK_SYSCALL_MSYNC, flags);
}

/* A function of its own: the verifier then checks it once, not for each mapping. */
__noinline __u64 mapping_in_tree(__u64 address)
{
	return (__u64)area_in_tree(address);
}

/* Up to 5.16. */
SEC("tracepoint/syscalls/sys_enter_msync")
int enter_msync_tree(struct syscall_enter *ctx)
{
	__u64 at = ctx->args[0], area;
	struct mapped mapped = {};
	int i;

	if (!is_asked_by_audited(HOOK_SYSCALL_MSYNC))
		return 0;
	for (i = 0; i < TREE_MAPPINGS; i++) {
		area = mapping_in_tree(at);
		if (!area)
			break;
		add_mapping(&mapped, (void *)area);
		if (!goes_on(ctx, &mapped))
			break;
		at = mapped.end;
	}
	return GUARDED(msync_enter(ctx, &mapped));
}

/* What is mapped, as far as the tries went, which go on at @at up to @end. */
struct mapping_search {
	struct mapped mapped;
	__u64 at;
	__u64 end;
};

static long on_mapping(struct task_struct *task, struct vm_area_struct *area, void *ctx)
{
	struct mapping_search *search = ctx;

	add_mapping(&search->mapped, area);
	search->at = search->mapped.end;
	return 0;
}

/* It does not wait for the lock of the mappings. Where it never comes by it, the file is known
 * when the call gets to it (frame_late), or to its file system (frame_inner). */
static long try_mapping(__u32 turn, void *ctx)
{
	struct mapping_search *search = ctx;

	bpf_find_vma(bpf_get_current_task_btf(), search->at, on_mapping, search, 0);
	return search->at >= search->end;
}

SEC("tracepoint/syscalls/sys_enter_msync")
int enter_msync(struct syscall_enter *ctx)
{
	struct mapping_search search = {.at = ctx->args[0], .end = ctx->args[0] + ctx->args[1]};

	if (!is_asked_by_audited(HOOK_SYSCALL_MSYNC))
		return 0;
	bpf_loop(FIND_TRIES, try_mapping, &search, 0);
	return GUARDED(msync_enter(ctx, &search.mapped));
}

/* What is allocated to a file that is opened to be synchronous is so too. */
static __always_inline int fallocate_enter(struct syscall_enter *ctx)
{
	struct file *file;
	unsigned int how;

	if (!is_asked_by_audited(HOOK_SYSCALL_FALLOCATE))
		return 0;
	file = fd_file(ctx->args[0]);
	how = file ? BPF_CORE_READ(file, f_flags) : 0;
	if (!(how & FILE_DSYNC))
		return 0;
	return open_call(file, how & FILE_SYNC ? SYNC_O_SYNC : SYNC_O_DSYNC, HOOK_SYSCALL_FALLOCATE,
			 how & FILE_SYNC ? 0 : SYNC_DATASYNC);
}

SEC("tracepoint/syscalls/sys_enter_fallocate")
int enter_fallocate(struct syscall_enter *ctx)
{
	return GUARDED(fallocate_enter(ctx));
}

SEC("tracepoint/syscalls/sys_exit_fallocate")
int exit_fallocate(struct syscall_exit *ctx)
{
	return GUARDED(frame_close(HOOK_SYSCALL_FALLOCATE, ctx->ret, SCRATCH_SYSCALL));
}
