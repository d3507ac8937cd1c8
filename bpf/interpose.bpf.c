// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that audited processes map: a library among it may define fsync and the like
 * itself. User space looks at each file once; what it calls harmless is not told again.
 */
#include "frame.bpf.h"

#define S_IFMT	      0170000
#define S_IFREG	      0100000
#define PROT_EXEC     4	   /* asm-generic/mman-common.h */
#define MAP_ANONYMOUS 0x20 /* likewise; x86, arm64 */
#define MAX_ERRNO     4095

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};

struct inode___ctime { /* up to 6.5 */
	struct timespec64 i_ctime;
};

struct inode___private { /* up to 6.10 */
	struct timespec64 __i_ctime;
};

struct inode___split {
	long long i_ctime_sec;
	unsigned int i_ctime_nsec;
};

struct linux_binprm {
	struct file *file;
};

#pragma clang attribute pop

/* When the inode last changed. Bit 31 of the nanoseconds is a mark (6.13 on, I_CTIME_QUERIED). */
static __always_inline __u64 inode_ctime(struct inode *inode)
{
	struct inode___ctime *old = (void *)inode;
	struct inode___private *middle = (void *)inode;
	struct inode___split *new = (void *)inode;

	if (bpf_core_field_exists(new->i_ctime_sec))
		return BPF_CORE_READ(new, i_ctime_sec) * 1000000000ULL +
		       (BPF_CORE_READ(new, i_ctime_nsec) & 0x7fffffff);
	if (bpf_core_field_exists(middle->__i_ctime))
		return BPF_CORE_READ(middle, __i_ctime.tv_sec) * 1000000000ULL +
		       BPF_CORE_READ(middle, __i_ctime.tv_nsec);
	return BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000ULL +
	       BPF_CORE_READ(old, i_ctime.tv_nsec);
}

/* The current process has code of @file at @address; 0: it is its program. */
static __always_inline int code_mapped(struct file *file, __u64 address)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct event_mapped event = {
		.header = {EVENT_MAPPED, EVENTS_VERSION, sizeof(event)},
		.at_ns = bpf_ktime_get_ns(),
		.address = address,
		.pid = pid_tgid >> 32,
		.tid = pid_tgid,
	};

	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	event.file.ino = BPF_CORE_READ(inode, i_ino);
	event.file.ctime_ns = inode_ctime(inode);
	event.file.s_dev = BPF_CORE_READ(inode, i_sb, s_dev);
	event.file.generation = BPF_CORE_READ(inode, i_generation);
	if (bpf_map_lookup_elem(&harmless, &event.file))
		return 0;
	event.id = new_call_id(event.at_ns);
	event.fs_magic = BPF_CORE_READ(inode, i_sb, s_magic);
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	emit_path((__u64)file, event.id);
	emit(&event, sizeof(event), LOSS_RING);
	return 0;
}

/* The arguments of the call are in the registers still. */
static __always_inline int mmap_returns(__u64 address)
{
	struct file *file;

	if (!(argument(3) & PROT_EXEC) || (argument(4) & MAP_ANONYMOUS))
		return 0;
	file = fd_file(argument(5));
	return file ? code_mapped(file, address) : 0;
}

SEC("tracepoint/syscalls/sys_exit_mmap")
int exit_mmap(struct syscall_exit *ctx)
{
	if (!is_target(bpf_get_current_pid_tgid() >> 32) ||
	    (unsigned long)ctx->ret >= (unsigned long)-MAX_ERRNO)
		return 0;
	return GUARDED(mmap_returns(ctx->ret));
}

/* The kernel itself maps the program. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_mapped, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	if (!is_target(task->tgid))
		return 0;
	return GUARDED(code_mapped(UNTYPED(program->file), 0));
}
