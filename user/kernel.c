// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
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

int kernel_ext4_new_entry(const struct btf *btf)
{
	struct btf *module = btf__load_module_btf("ext4", (struct btf *)btf);
	int bit = find_enumerator(libbpf_get_error(module) ? btf : module, "EXT4_STATE_NEWENTRY");

	if (!libbpf_get_error(module))
		btf__free(module);
	return bit;
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

int kernel_tracefs_enter(struct kernel_place *place, struct error *err)
{
	const char *point = "/sys/kernel/tracing";
	int ret;

	*place = (struct kernel_place){-1, -1, -1};
	if (!access("/sys/kernel/tracing/events", F_OK) ||
	    !access("/sys/kernel/debug/tracing/events", F_OK))
		return 0;
	place->ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	place->root = open("/", O_PATH | O_CLOEXEC);
	place->cwd = open(".", O_PATH | O_CLOEXEC);
	if (place->ns >= 0 && place->root >= 0 && place->cwd >= 0 && !unshare(CLONE_NEWNS) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("tracefs", point, "tracefs", 0, NULL))
		return 0;
	ret = error_set(err, errno,
			"cannot mount tracefs on %s: %s; system call tracepoints need it", point,
			strerror(errno));
	kernel_tracefs_leave(place);
	return ret;
}

void kernel_tracefs_leave(struct kernel_place *place)
{
	/* setns moves root and working directory to the namespace's own root. */
	if (place->ns >= 0 && place->root >= 0 && place->cwd >= 0 &&
	    !setns(place->ns, CLONE_NEWNS) && !fchdir(place->root) && !chroot("."))
		(void)!fchdir(place->cwd);
	if (place->ns >= 0)
		close(place->ns);
	if (place->root >= 0)
		close(place->root);
	if (place->cwd >= 0)
		close(place->cwd);
}
