// SPDX-License-Identifier: GPL-2.0-only
#include "attach_impl.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "changers.h"
#include "kernel.h"
#include "ledger.h"
#include "selftest.h"

static const char *const level_names[LEVELS] = {
	[LEVEL_AUTO] = "auto",
	[LEVEL_FENTRY] = "fentry",
	[LEVEL_KPROBE] = "kprobe",
	[LEVEL_TRACEPOINT] = "tracepoint",
};

const char *attach_level_name(enum attach_level level)
{
	return level < LEVELS ? level_names[level] : "?";
}

enum attach_level attach_level_parse(const char *name)
{
	enum attach_level level;

	for (level = LEVEL_AUTO; level < LEVELS; level++)
		if (!strcmp(name, level_names[level]))
			break;
	return level;
}

static void add_blind_spot(struct attach *attach, const char *text)
{
	if (attach->nr_blind < MAX_BLIND_SPOTS)
		snprintf(attach->blind[attach->nr_blind++], sizeof(attach->blind[0]), "%s", text);
}

static int on_ring_record(void *ctx, void *record, size_t size)
{
	struct attach *attach = ctx;

	if (attach->fn)
		attach->fn(attach->fn_ctx, record, size);
	return 0; /* an error here would drop the rest of the batch unseen */
}

static uint32_t power_of_two(uint64_t wanted, uint32_t lowest)
{
	uint64_t size = lowest;

	while (size < wanted && size < 1U << 30)
		size <<= 1;
	return size;
}

static void size_maps(struct flushaudit_bpf *skel, const struct attach_options *options)
{
	uint32_t ring = STATE_RING_BYTES;

	if (options->ring_bytes) {
		ring = power_of_two(options->ring_bytes, getpagesize());
		bpf_map__set_max_entries(skel->maps.ring, ring);
	}
	skel->rodata->wake_bytes = ring / 4;
	if (options->ledger_entries) {
		uint32_t slots = power_of_two(options->ledger_entries, 1);

		skel->rodata->slot_mask = (slots < STATE_SLOTS ? slots : STATE_SLOTS) - 1;
		bpf_map__set_max_entries(skel->maps.bios, options->ledger_entries);
	}
}

/* Asks the running kernel for the facts the programs need before they load. */
static void read_kernel_facts(struct attach *attach, const struct btf *btf)
{
	static const char *const direct[STATE_DIRECT_END_IOS] = {
		[STATE_DIRECT_AIO] = "dio_bio_end_aio",
		[STATE_DIRECT_SYNC] = "dio_bio_end_io",
		"blkdev_bio_end_io",
		"blkdev_bio_end_io_async",
		"blkdev_bio_end_io_simple",
		"btrfs_end_dio_bio",
	};
	static const struct state_syscall syscalls[STATE_SYSCALLS] = {
		[SYNC_FSYNC] = {SYS_fsync, 0},
		[SYNC_FDATASYNC] = {SYS_fdatasync, SYNC_DATASYNC},
		[SYNC_FILE_RANGE] = {SYS_sync_file_range, SYNC_WRITEOUT},
		[SYNC_SYNC] = {SYS_sync, SYNC_WHOLE_FS},
		[SYNC_SYNCFS] = {SYS_syncfs, SYNC_WHOLE_FS},
		[SYNC_MSYNC] = {SYS_msync, SYNC_DATASYNC},
	};
	struct flushaudit_bpf *skel = attach->skel;
	struct kernel_symbol symbols[STATE_DIRECT_END_IOS + 2] = {{"iomap_dio_bio_end_io", 0},
								  {"bio_chain_endio", 0}};
	size_t i;

	for (i = 0; i < STATE_DIRECT_END_IOS; i++)
		symbols[i + 2].name = direct[i];
	kernel_find_symbols(symbols, STATE_DIRECT_END_IOS + 2);
	skel->rodata->end_io_iomap = symbols[0].address;
	skel->rodata->end_io_chain = symbols[1].address;
	for (i = 0; i < STATE_DIRECT_END_IOS; i++)
		skel->rodata->end_io_direct[i] = symbols[i + 2].address;
	if (!symbols[0].address)
		add_blind_spot(attach, "direct writes cannot be charged to their file "
				       "(kernel symbols are hidden, see kptr_restrict)");
	skel->rodata->dirty_mark = kernel_dirty_mark(btf);
	skel->rodata->flush_sequence = kernel_flush_sequence(btf);
	skel->rodata->ext4_new_entry = kernel_ext4_new_entry(btf);
	skel->rodata->f2fs_dirty_inode = kernel_f2fs_dirty_inode(btf);
	skel->rodata->page_bytes = getpagesize();
	memcpy((void *)skel->rodata->sync_syscalls, syscalls, sizeof(syscalls));
	changers_fill((struct state_changer *)skel->rodata->changers);
}

static void set_filter(struct flushaudit_bpf *skel, const struct attach_options *options)
{
	const struct filter *filter = options->filter;
	struct state_comm comms[STATE_COMMS] = {0};
	size_t i;

	skel->rodata->audit_all = options->everybody && !(filter && filter->nr_pids);
	if (!filter)
		return;
	for (i = 0; i < filter->nr_comms; i++)
		filter_comm_mask(filter, i, (char *)comms[i].mask, (char *)comms[i].value);
	memcpy(skel->rodata->comms, comms, sizeof(comms));
	skel->rodata->nr_comms = filter->nr_comms;
	skel->rodata->nr_cgroups = filter->nr_cgroups;
}

/* Mappings are found by a helper, where there is one (5.17 on), else in their tree. */
static bool finds_mappings(const struct program_row *row)
{
	bool tree = !strcmp(row->program, "enter_msync_tree");

	if (!tree && strcmp(row->program, "enter_msync") != 0)
		return true;
	return (libbpf_probe_bpf_helper(BPF_PROG_TYPE_TRACEPOINT, BPF_FUNC_find_vma, NULL) == 1) !=
	       tree;
}

static bool row_is_used(const struct program_row *row, enum attach_level level, bool names,
			const struct btf *btf)
{
	if (!(row->levels & 1 << level) || !finds_mappings(row) ||
	    (!names && (row->levels & 1 << LEVEL_WITH_NAMES)))
		return false;
	return !row->arguments ||
	       kernel_tracepoint_arguments(btf, row->tracepoint) == row->arguments;
}

/* Opens and loads the programs of the level. @guard: they keep themselves from
 * being preempted, which kernels before 6.15 refuse where functions are called. */
static int load_programs(struct attach *attach, const struct attach_options *options,
			 const struct btf *btf, bool guard, struct error *err)
{
	struct bpf_program *program;
	size_t i;
	int ret;

	attach->skel = flushaudit_bpf__open();
	if (!attach->skel)
		return error_set(err, errno, "cannot open the BPF programs: %s", strerror(errno));
	size_maps(attach->skel, options);
	read_kernel_facts(attach, btf);
	set_filter(attach->skel, options);
	attach->skel->rodata->preempt_guard = guard;
	attach->skel->bss->note_files = options->files;
	attach->skel->bss->note_names = options->names;
	attach->skel->bss->dirty_bit = attach->skel->rodata->dirty_mark;
	for (i = 0; i < program_rows_nr; i++) {
		program = bpf_object__find_program_by_name(attach->skel->obj,
							   program_rows[i].program);
		if (!program)
			return error_set(err, EINVAL, "no BPF program '%s' in this build",
					 program_rows[i].program);
		bpf_program__set_autoload(
			program, row_is_used(&program_rows[i], attach->level, options->names, btf));
	}
	ret = flushaudit_bpf__load(attach->skel);
	if (ret)
		return error_set(err, -ret,
				 "the kernel refused the BPF programs at level %s (%s); run with "
				 "--verbose to see its verifier log",
				 level_names[attach->level], strerror(-ret));
	return 0;
}

static int load_level(struct attach *attach, const struct attach_options *options,
		      const struct btf *btf, struct error *err)
{
	bool guard = btf__find_by_name_kind(btf, "bpf_preempt_disable", BTF_KIND_FUNC) > 0;
	int ret;

	if (guard) {
		ret = load_programs(attach, options, btf, true, err);
		if (!ret)
			return 0;
		flushaudit_bpf__destroy(attach->skel);
		attach->nr_blind = 0;
	}
	return load_programs(attach, options, btf, false, err);
}

/* libbpf would look for tracefs where it is mounted, which it need not be. NULL with errno. */
static struct bpf_link *attach_tracepoint(const struct bpf_program *program, int events,
					  const char *name)
{
	int event = kernel_open_tracepoint(events, name);
	struct bpf_link *link;

	if (event < 0)
		return NULL;
	link = bpf_program__attach_perf_event(program, event);
	if (!link)
		close(event);
	return link;
}

/* @at: see programs.h, NULL: as the program's section says. NULL with errno. */
static struct bpf_link *attach_at(const struct bpf_program *program, int events, const char *at)
{
	static const char prefix[] = "tracepoint/";
	const char *section = bpf_program__section_name(program);

	if (!at && !strncmp(section, prefix, strlen(prefix)))
		at = section + strlen(prefix);
	if (!at)
		return bpf_program__attach(program);
	if (bpf_program__type(program) == BPF_PROG_TYPE_KPROBE)
		return bpf_program__attach_kprobe(program, false, at);
	if (!strchr(at, '/'))
		return bpf_program__attach_raw_tracepoint(program, at);
	return attach_tracepoint(program, events, at);
}

static int attach_rows(struct attach *attach, int events, struct error *err)
{
	struct bpf_program *program;
	size_t i;

	for (i = 0; i < program_rows_nr; i++) {
		program = bpf_object__find_program_by_name(attach->skel->obj,
							   program_rows[i].program);
		if (!bpf_program__autoload(program)) {
			/* A tracepoint that this kernel does not have. */
			if (program_rows[i].blind && (program_rows[i].levels & 1 << attach->level))
				add_blind_spot(attach, program_rows[i].blind);
			continue;
		}
		attach->links[i] = attach_at(program, events, program_rows[i].at);
		if (attach->links[i])
			continue;
		if (!program_rows[i].optional)
			return error_set(err, errno, "cannot attach %s%s%s: %s",
					 program_rows[i].program, program_rows[i].at ? " to " : "",
					 program_rows[i].at ?: "", strerror(errno));
		if (program_rows[i].blind)
			add_blind_spot(attach, program_rows[i].blind);
	}
	return 0;
}

/* Learns the auditor's number in the initial pid namespace from the kernel side. */
static int learn_self(struct attach *attach, struct error *err)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int ret = bpf_prog_test_run_opts(bpf_program__fd(attach->skel->progs.whoami), &opts);

	if (ret)
		return error_set(err, -ret, "cannot run a BPF program: %s", strerror(-ret));
	return 0;
}

/* Calls each kind of sync once on an own file and turns what was not seen into
 * blind spots: attaching is not coverage. */
static int run_selftest(struct attach *attach, const struct btf *btf, struct error *err)
{
	volatile __u64 *hits = attach->skel->bss->hits;
	struct selftest_result result;
	int ret;

	attach->skel->bss->selftest = 1;
	ret = selftest_run(&result, err);
	attach->skel->bss->selftest = 0;
	if (ret)
		return ret;
	if (!hits[HOOK_SYSCALL_FSYNC] || !hits[HOOK_SYSCALL_FDATASYNC] ||
	    !hits[HOOK_SYSCALL_SYNC_FILE_RANGE])
		return error_set(err, ENOTSUP,
				 "the self-test's own sync calls were not seen by the system call "
				 "tracepoints; this kernel cannot be audited");
	if (kernel_knows_struct(btf, "btrfs", "btrfs_inode"))
		add_blind_spot(attach,
			       "direct synchronous writes to btrfs by Linux AIO and io_uring "
			       "are not told from the kernel's own");
	if (attach->level == LEVEL_TRACEPOINT) {
		add_blind_spot(attach,
			       "the end of the write-back wait is not observed: a proof needs "
			       "the file system's own flush or a quiet file");
		add_blind_spot(attach,
			       "syncs by the kernel itself are seen on ext4 only: loop devices "
			       "over others stay unproven, servers' (nfsd, nvmet) are missed");
		add_blind_spot(attach,
			       "syncs that workers carry out (io_uring, Linux AIO) are followed on "
			       "ext4 only, io_uring's sync_file_range nowhere");
		add_blind_spot(attach, PROGRAMS_SUPER_BLIND);
		add_blind_spot(attach,
			       "synchronous writes (O_SYNC, O_DSYNC) are seen on ext4, xfs, "
			       "btrfs and f2fs only, not on block devices");
		if (!kernel_knows_struct(btf, "xfs", "xfs_inode"))
			add_blind_spot(attach, "synchronous writes on xfs are not seen (no BTF of "
					       "it: an older kernel, or its module came later)");
	} else if (!hits[HOOK_WRITE_AND_WAIT] && result.writes_back) {
		add_blind_spot(attach,
			       "file_write_and_wait_range is inlined in this kernel: the end "
			       "of the write-back wait is not observed");
	}
	if (attach->skel->bss->note_names)
		add_blind_spot(attach,
			       "names that are changed through io_uring, by servers in the "
			       "kernel (nfsd, ksmbd), or by 32-bit processes, are not seen");
	if (attach->skel->bss->note_files && !attach->skel->bss->dirty_bit)
		add_blind_spot(attach, "which files have dirty pages is not known until two pages "
				       "of one are written: never-synced may be missed (set "
				       "TMPDIR to a disk)");
	if (!result.writes_back)
		add_blind_spot(attach,
			       "no disk file system for the self-test's file: coverage of the "
			       "VFS hooks was not measured (set TMPDIR)");
	return 0;
}

static int attach_all(struct attach *attach, struct error *err)
{
	int events = kernel_open_events(err), ret;

	if (events < 0)
		return events;
	ret = attach_rows(attach, events, err);
	close(events);
	return ret;
}

static int open_level(struct attach *attach, const struct attach_options *options,
		      const struct btf *btf, struct error *err)
{
	int ret;

	ret = load_level(attach, options, btf, err);
	if (!ret)
		ret = learn_self(attach, err);
	if (!ret)
		ret = attach_all(attach, err);
	if (ret)
		return ret;
	attach->ring = ring_buffer__new(bpf_map__fd(attach->skel->maps.ring), on_ring_record,
					attach, NULL);
	if (!attach->ring)
		return error_set(err, errno, "cannot map the ring buffer: %s", strerror(errno));
	return run_selftest(attach, btf, err);
}

static enum attach_level choose_level(const struct attach_options *options, const struct btf *btf)
{
	if (options->level != LEVEL_AUTO)
		return options->level;
	if (kernel_can_fentry(btf, "vfs_fsync_range"))
		return LEVEL_FENTRY;
	if (kernel_can_kprobe("vfs_fsync_range"))
		return LEVEL_KPROBE;
	return LEVEL_TRACEPOINT;
}

int attach_open(struct attach **out, const struct attach_options *options, struct error *err)
{
	struct attach *attach;
	struct btf *btf;
	int ret;

	*out = NULL;
	if (geteuid() != 0)
		return error_set(
			err, EPERM,
			"watching the kernel needs root: run with sudo (the command itself can "
			"run as another user with --user)");
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return error_set(
			err, errno,
			"this kernel offers no BTF (/sys/kernel/btf/vmlinux: %s); flushaudit needs "
			"one built with CONFIG_DEBUG_INFO_BTF=y, as Debian's since 5.10",
			strerror(errno));
	attach = calloc(1, sizeof(*attach));
	if (!attach) {
		btf__free(btf);
		return error_set(err, ENOMEM, "out of memory");
	}
	attach->level = choose_level(options, btf);
	ret = open_level(attach, options, btf, err);
	btf__free(btf);
	if (ret) {
		attach_free(attach);
		return ret;
	}
	*out = attach;
	return 0;
}

void attach_free(struct attach *attach)
{
	size_t i;

	if (!attach)
		return;
	ring_buffer__free(attach->ring);
	/* Queue hooks go before completion hooks, the reverse of attaching. */
	for (i = program_rows_nr; i-- > 0;)
		bpf_link__destroy(attach->links[i]);
	flushaudit_bpf__destroy(attach->skel);
	free(attach);
}
