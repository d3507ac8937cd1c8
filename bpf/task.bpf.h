/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_TASK_BPF_H
#define FLUSHAUDIT_TASK_BPF_H

/* The current task: what it is, and what it is doing for whom. */
#include "kernel.bpf.h"

/* The open file behind a descriptor of the current task, NULL: none. */
static __always_inline struct file *fd_file(unsigned int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	return file;
}

static __always_inline bool current_is_kthread(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, flags) & PF_KTHREAD;
}

/* The registers of the current task as it entered the kernel, NULL: not to be told. */
static __always_inline struct pt_regs *user_registers(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) /* 5.15 on */
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
#ifdef bpf_target_x86
	/* At the end of its stack, of 4 pages (arch/x86/include/asm/page_64_types.h). Where
	 * that is not so, what is read is no descriptor of the file in question. */
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, stack) + (4 << 12) - sizeof(struct pt_regs);
#else
	return NULL;
#endif
}

/* The number of the system call the current task is in, or was last; -1: not known. */
static __always_inline long current_syscall(void)
{
	struct pt_regs *regs = user_registers();

	if (!regs)
		return -1;
	if (bpf_core_field_exists(((struct pt_regs___x86 *)0)->orig_ax))
		return BPF_CORE_READ((struct pt_regs___x86 *)regs, orig_ax);
	if (bpf_core_field_exists(((struct pt_regs___arm64 *)0)->syscallno))
		return BPF_CORE_READ((struct pt_regs___arm64 *)regs, syscallno);
	return -1;
}

/* Is the current task in truncate or ftruncate? By number: asm/unistd_64.h of x86, asm-generic's.
 */
static __always_inline bool in_truncate(void)
{
	long number = current_syscall();

	if (bpf_core_field_exists(((struct pt_regs___x86 *)0)->orig_ax))
		return number == 76 || number == 77;
	return number == 45 || number == 46;
}

/* May a filter answer system calls of the current task in the kernel's place? */
static __always_inline bool current_is_filtered(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return bpf_core_field_exists(task->seccomp.mode) &&
	       BPF_CORE_READ(task, seccomp.mode) == SECCOMP_MODE_FILTER;
}

/* A thread as a worker of work queues, NULL: it is none. */
static __always_inline struct worker *queue_worker(struct task_struct *task)
{
	struct kthread *thread;

	if (!(BPF_CORE_READ(task, flags) & PF_WQ_WORKER))
		return NULL;
	if (bpf_core_field_exists(task->worker_private))
		thread = BPF_CORE_READ(task, worker_private);
	else
		thread = (void *)BPF_CORE_READ((struct task_struct___child_tid *)task,
					       set_child_tid);
	return BPF_CORE_READ(thread, data);
}

/* What the current thread does, as a worker of a work queue; NULL: it is none. */
static __always_inline struct work_struct *current_work(void)
{
	struct worker *worker = queue_worker((void *)bpf_get_current_task());

	return worker ? BPF_CORE_READ(worker, current_work) : NULL;
}

/* The direct write whose end the current thread, a worker, may be at. */
static __always_inline struct dio *current_dio(void)
{
	struct work_struct *work = bpf_core_type_exists(struct dio) ? current_work() : NULL;

	return work ? (void *)work - bpf_core_field_offset(struct dio, complete_work) : NULL;
}

static __always_inline bool current_is_io_worker(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, flags) & PF_IO_WORKER;
}

static __always_inline bool current_uses_uring(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return bpf_core_field_exists(task->io_uring) && BPF_CORE_READ(task, io_uring);
}

/* The request that an io_uring worker carries out; NULL: it is none, or not to be told. */
static __always_inline struct io_kiocb *worker_request(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct io_worker *worker = NULL;
	struct io_wq_work *work;

	if (!current_is_io_worker())
		return NULL;
	if (bpf_core_field_exists(task->worker_private))
		worker = BPF_CORE_READ(task, worker_private);
	else if (bpf_core_field_exists(((struct task_struct___worker *)0)->pf_io_worker))
		worker = BPF_CORE_READ((struct task_struct___worker *)task, pf_io_worker);
	work = worker ? BPF_CORE_READ(worker, cur_work) : NULL;
	return work ? (void *)work - bpf_core_field_offset(struct io_kiocb, work) : NULL;
}

/* What the current thread carries out for others, as a worker of io_uring or of a work queue: one
 * thing at a time. 0: it is none. */
static __always_inline __u64 carried_out(void)
{
	struct io_kiocb *request = worker_request();

	return request ? (__u64)request : (__u64)current_work();
}

/* The thread that submitted a request; NULL: not to be told. */
static __always_inline struct task_struct *request_task(struct io_kiocb *request)
{
	if (bpf_core_field_exists(((struct io_kiocb___task *)0)->task))
		return BPF_CORE_READ((struct io_kiocb___task *)request, task);
	if (bpf_core_field_exists(((struct io_kiocb___context *)0)->tctx))
		return BPF_CORE_READ((struct io_kiocb___context *)request, tctx, task);
	return NULL;
}

/*
 * The thread that asks for what the current one does: itself, or of a worker of io_uring who
 * submitted the request. What is polled from a ring (SQPOLL) no thread of the program asks for
 * by a call of its own: there it is the first thread of the process.
 */
static __always_inline struct task_struct *asking_task(void)
{
	struct io_kiocb *request = worker_request();
	struct task_struct *task = request ? request_task(request) : NULL;

	if (!task)
		task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, flags) & PF_IO_WORKER ? BPF_CORE_READ(task, group_leader) : task;
}

/* Its name; of a worker that of the queue it works on, for any worker does any queue's work. */
static __always_inline void task_name(struct task_struct *task, void *name, __u32 size)
{
	struct worker *worker = queue_worker(task);
	struct workqueue_struct *queue = worker ? BPF_CORE_READ(worker, current_pwq, wq) : NULL;

	if (queue)
		bpf_probe_read_kernel_str(name, size, &queue->name);
	else
		bpf_probe_read_kernel_str(name, size, &task->comm);
}

#define MAX_TREE_DEPTH 64

/* The mapping at @address of the current task, NULL: none. Up to 6.0, where they are in a
 * red-black tree; later ones have a helper for it. */
static __always_inline struct vm_area_struct *area_in_tree(unsigned long address)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mm_struct___tree *mm = (void *)BPF_CORE_READ(task, mm);
	struct vm_area_struct *area;
	struct rb_node *node;
	__u32 i;

	if (!bpf_core_field_exists(((struct mm_struct___tree *)0)->mm_rb))
		return NULL;
	node = BPF_CORE_READ(mm, mm_rb.rb_node);
	for (i = 0; i < MAX_TREE_DEPTH && node; i++) {
		area = (void *)node - bpf_core_field_offset(struct vm_area_struct___tree, vm_rb);
		if (address >= BPF_CORE_READ(area, vm_end))
			node = BPF_CORE_READ(node, rb_right);
		else if (address < BPF_CORE_READ(area, vm_start))
			node = BPF_CORE_READ(node, rb_left);
		else
			return area;
	}
	return NULL;
}

/* An argument of the system call the current task is in, by its position from 1 on. */
static __always_inline __u64 argument(__u32 position)
{
	struct pt_regs *regs = user_registers();
	unsigned long value = 0;

	if (!regs)
		return 0;
	switch (position) {
	case 1:
		bpf_probe_read_kernel(&value, sizeof(value), &PT_REGS_PARM1_SYSCALL(regs));
		break;
	case 2:
		bpf_probe_read_kernel(&value, sizeof(value), &PT_REGS_PARM2_SYSCALL(regs));
		break;
	case 3:
		bpf_probe_read_kernel(&value, sizeof(value), &PT_REGS_PARM3_SYSCALL(regs));
		break;
	case 4:
		bpf_probe_read_kernel(&value, sizeof(value), &PT_REGS_PARM4_SYSCALL(regs));
		break;
	default:
		bpf_probe_read_kernel(&value, sizeof(value), &PT_REGS_PARM5_SYSCALL(regs));
	}
	return value;
}

#endif
