// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

void kernel_find_symbols(struct kernel_symbol *symbols, size_t count)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char line[512], name[256];
	size_t i;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) != 2)
			continue;
		for (i = 0; i < count; i++)
			if (!symbols[i].address && !strcmp(name, symbols[i].name))
				symbols[i].address = address;
	}
	fclose(file);
}

int kernel_tracepoint_arguments(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *type;
	char name[128];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -1;
	type = btf__type_by_id(btf, id);
	while (type && (btf_is_typedef(type) || btf_is_ptr(type)))
		type = btf__type_by_id(btf, type->type);
	if (!type || !btf_is_func_proto(type))
		return -1;
	return btf_vlen(type) - 1; /* without the registration's own void * */
}

/* The value of an enumerator, whatever its enum is called; -1: there is none. */
static int find_enumerator(const struct btf *btf, const char *name)
{
	uint32_t id, count = btf__type_cnt(btf);

	for (id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const struct btf_enum *value;
		int i;

		if (!btf_is_enum(type))
			continue;
		value = btf_enum(type);
		for (i = 0; i < btf_vlen(type); i++, value++)
			if (!strcmp(btf__name_by_offset(btf, value->name_off), name))
				return value->val;
	}
	return -1;
}

/*
 * xa_flags keeps mark n at bit __GFP_BITS_SHIFT + n, dirty is mark 0. The shift
 * is a macro before 6.12 (23 on 5.10, 27 on 6.1); from then on BTF has the
 * enumerator it is made of.
 */
uint32_t kernel_dirty_mark(const struct btf *btf)
{
	int bit = find_enumerator(btf, "___GFP_LAST_BIT");

	return bit < 0 ? 0 : 1U << bit;
}

/* A macro, 1 << 4, up to 6.11; then an enumerator, of an enum without a name in 6.12. */
uint32_t kernel_flush_sequence(const struct btf *btf)
{
	int bit = find_enumerator(btf, "__RQF_FLUSH_SEQ");

	return 1U << (bit < 0 ? 4 : bit);
}

static int find_in_module(const struct btf *btf, const char *name, const char *enumerator)
{
	struct btf *module = btf__load_module_btf(name, (struct btf *)btf);
	int bit = find_enumerator(libbpf_get_error(module) ? btf : module, enumerator);

	if (!libbpf_get_error(module))
		btf__free(module);
	return bit;
}

int kernel_ext4_new_entry(const struct btf *btf)
{
	return find_in_module(btf, "ext4", "EXT4_STATE_NEWENTRY");
}

int kernel_f2fs_dirty_inode(const struct btf *btf)
{
	return find_in_module(btf, "f2fs", "FI_DIRTY_INODE");
}

bool kernel_knows_struct(const struct btf *btf, const char *module, const char *name)
{
	struct btf *more;
	bool known;

	if (btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) > 0)
		return true;
	more = btf__load_module_btf(module, (struct btf *)btf);
	if (libbpf_get_error(more))
		return false;
	known = btf__find_by_name_kind(more, name, BTF_KIND_STRUCT) > 0;
	btf__free(more);
	return known;
}

/* The smallest program: return 0. */
static const struct bpf_insn nothing[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
	{.code = BPF_JMP | BPF_EXIT},
};

bool kernel_can_fentry(const struct btf *btf, const char *function)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	int program, link;

	if (id < 0)
		return false;
	opts.attach_btf_id = id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "probe", "GPL", nothing, 2, &opts);
	if (program < 0)
		return false;
	link = bpf_raw_tracepoint_open(NULL, program);
	if (link >= 0)
		close(link);
	close(program);
	return link >= 0;
}

static int kprobe_pmu_type(void)
{
	FILE *file = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	int type = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &type) != 1)
		type = -1;
	fclose(file);
	return type;
}

bool kernel_can_kprobe(const char *function)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	int type = kprobe_pmu_type(), program, event, ret = -1;

	if (type < 0)
		return false;
	program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "probe", "GPL", nothing, 2, NULL);
	if (program < 0)
		return false;
	attr.type = type;
	attr.config1 = (uint64_t)(uintptr_t)function;
	event = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event >= 0) {
		ret = ioctl(event, PERF_EVENT_IOC_SET_BPF, program);
		close(event);
	}
	close(program);
	return ret == 0;
}

/* A mount that is nowhere in the tree: the audited system stays as it is, and no mount of its
 * is copied, which would keep a file system alive that is being unmounted. */
static int open_detached(void)
{
	int context = fsopen("tracefs", FSOPEN_CLOEXEC), root = -1, events;

	if (context < 0)
		return -1;
	if (!fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		root = fsmount(context, FSMOUNT_CLOEXEC, 0);
	close(context);
	if (root < 0)
		return -1;
	events = openat(root, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(root);
	return events;
}

int kernel_open_events(struct error *err)
{
	static const char *const places[] = {"/sys/kernel/tracing/events",
					     "/sys/kernel/debug/tracing/events"};
	int fd;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	fd = open_detached();
	if (fd >= 0)
		return fd;
	return error_set(err, errno, "cannot open tracefs: %s; system call tracepoints need it",
			 strerror(errno));
}

int kernel_open_tracepoint(int events, const char *name)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	char path[128], text[32] = "";
	ssize_t length;
	int fd;

	if (snprintf(path, sizeof(path), "%s/id", name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = openat(events, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0) {
		errno = EIO;
		return -1;
	}
	attr.config = strtoull(text, NULL, 10);
	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}
