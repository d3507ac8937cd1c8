// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes one fsync of a file it writes, in ways in which something may be in between:
 *
 *   swallow plain FILE
 *   swallow child LIBRARY FILE    a child that LIBRARY is preloaded into makes the call
 *   swallow open LIBRARY FILE     through LIBRARY, loaded only then
 *   swallow forks COUNT FILE      COUNT children, one after the other, each its own
 *   swallow HOW CALL FILE         under a seccomp filter: allow lets CALL through, zero answers
 *                                 it with 0, refuse with EPERM, notify has a supervisor
 *                                 answer it with 0, trap sends a signal, whose handler
 *                                 returns 0. CALL: fsync, fdatasync, syncfs, sync, msync,
 *                                 sync_file_range
 *   swallow traced fsync FILE     a tracer makes the call none
 *
 * Exits 0 when the call reported success.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "swallow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "some data\n", 10) != 10)
		fail(path);
	return fd;
}

static void sync_file(const char *path)
{
	if (fsync(write_file(path)))
		fail("fsync");
}

static void sync_in_child(const char *program, const char *library, const char *path)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		setenv("LD_PRELOAD", library, 1);
		execl(program, program, "plain", path, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("the child");
}

static void sync_through(const char *library, const char *path)
{
	void *handle = dlopen(library, RTLD_NOW);
	int (*call)(int) = handle ? (int (*)(int))dlsym(handle, "fsync") : NULL;

	if (!call || call(write_file(path)))
		fail(library);
}

static void sync_in_forks(int count, const char *path)
{
	int status;

	for (; count > 0; count--) {
		pid_t pid = fork();

		if (!pid) {
			sync_file(path);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			fail("a child");
	}
}

/* --- seccomp --- */

static const struct {
	const char *name;
	long number;
} calls[] = {
	{"fsync", SYS_fsync},	{"fdatasync", SYS_fdatasync},
	{"syncfs", SYS_syncfs}, {"sync", SYS_sync},
	{"msync", SYS_msync},	{"sync_file_range", SYS_sync_file_range},
};

static long call_number(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(name, calls[i].name))
			return calls[i].number;
	errno = EINVAL;
	fail(name);
}

/* From now on system call @number is answered by @action. Returns a descriptor to listen on. */
static int install_filter(long number, uint32_t action, unsigned flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	long ret;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("no_new_privs");
	ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (ret < 0)
		fail("seccomp");
	return (int)ret;
}

static long make_call(long number, int fd)
{
	static char *page;

	if (number != SYS_msync)
		return number == SYS_sync_file_range ? syscall(number, fd, 0L, 0L, 7)
						     : syscall(number, fd);
	if (!page) {
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (page == MAP_FAILED)
			fail("mmap");
	}
	return syscall(number, page, 4096L, MS_SYNC);
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
#ifdef __x86_64__
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 0;
#else
	((ucontext_t *)context)->uc_mcontext.regs[0] = 0;
#endif
}

/* A child makes the call; this process answers in the kernel's place. */
static void supervise(long number, int fd)
{
	int listener =
		install_filter(number, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	struct seccomp_notif_resp answer = {0};
	struct seccomp_notif asked = {0};
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(make_call(number, fd) != 0);
	if (pid < 0 || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
		fail("notify");
	answer.id = asked.id;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer))
		fail("answer");
	if (waitpid(pid, &status, 0) != pid || status)
		fail("the child");
}

static void sync_filtered(const char *how, const char *call, const char *path)
{
	struct sigaction trap = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
	long number = call_number(call), ret;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "some data\n", 10) != 10 || sigaction(SIGSYS, &trap, NULL))
		fail(path);
	if (!strcmp(how, "notify")) {
		supervise(number, fd);
		return;
	}
	install_filter(number,
		       !strcmp(how, "zero")	? SECCOMP_RET_ERRNO
		       : !strcmp(how, "refuse") ? SECCOMP_RET_ERRNO | EPERM
		       : !strcmp(how, "trap")	? SECCOMP_RET_TRAP
						: SECCOMP_RET_ALLOW,
		       0);
	ret = make_call(number, fd);
	if (!strcmp(how, "refuse") ? ret != -1 || errno != EPERM : ret != 0)
		fail(call);
}

/* --- ptrace --- */

#ifdef __x86_64__
/* Makes no system call of the child's that would sync, and has it return 0. */
static void trace(pid_t pid)
{
	struct user_regs_struct regs;
	bool inside = false, skipped = false;
	int status;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			inside = !inside;
			if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
				fail("registers");
			if (inside && regs.orig_rax == SYS_fsync)
				regs.orig_rax = (unsigned long long)-1;
			else if (!inside && skipped)
				regs.rax = 0;
			skipped = inside && regs.orig_rax == (unsigned long long)-1;
			if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
				fail("registers");
		}
		if (ptrace(PTRACE_SYSCALL, pid, NULL, 0L))
			fail("go on");
	}
	if (status)
		fail("the child");
}

static void sync_traced(const char *path)
{
	int fd = write_file(path), status;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(fsync(fd) != 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) ||
	    ptrace(PTRACE_SYSCALL, pid, NULL, 0L))
		fail("ptrace");
	trace(pid);
}
#endif

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";

	if (!strcmp(how, "plain"))
		sync_file(argv[2]);
	else if (!strcmp(how, "child") && argc == 4)
		sync_in_child(argv[0], argv[2], argv[3]);
	else if (!strcmp(how, "open") && argc == 4)
		sync_through(argv[2], argv[3]);
	else if (!strcmp(how, "forks") && argc == 4)
		sync_in_forks(atoi(argv[2]), argv[3]);
#ifdef __x86_64__
	else if (!strcmp(how, "traced") && argc == 4)
		sync_traced(argv[3]);
#endif
	else if (argc == 4)
		sync_filtered(how, argv[2], argv[3]);
	else
		return 2;
	return 0;
}
