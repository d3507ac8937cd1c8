// SPDX-License-Identifier: GPL-2.0-only
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "flushaudit.skel.h"
#include "kernel.h"
#include "ledger.h"
#include "selftest.h"

#define ALL_LEVELS	(1 << LEVEL_FENTRY | 1 << LEVEL_KPROBE | 1 << LEVEL_TRACEPOINT)
#define MAX_BLIND_SPOTS 16
#define SURVEY_BATCH	64 /* files whose records fit the smallest ring */

#define DIRECT_BLIND                                                                               \
	"direct O_DSYNC writes that need no sync (FUA, no volatile cache) are not seen as sync "   \
	"calls"
#define AIO_BLIND "syncs through Linux AIO are not told from the kernel's own"

/*
 * One row per BPF program: at which levels it is used, whether the audit can
 * go on without it, how many arguments its tracepoint must have (0: any), and
 * what is not seen when it is missing.
 */
static const struct program_row {
	const char *name;
	const char *tracepoint; /* whose arity is asked from BTF */
	int arguments;
	int levels;
	bool optional;
	const char *blind;
} rows[] = {
	/* Completions first: a write seen queued but not completed would count for ever. */
	{"rq_complete", NULL, 0, ALL_LEVELS, false, NULL},
	{"bio_complete", NULL, 0, ALL_LEVELS, false, NULL},
	{"rq_end", NULL, 0, ALL_LEVELS, false, NULL},
	{"bio_end", NULL, 0, ALL_LEVELS, false, NULL},
	{"rq_issue", "block_rq_issue", 1, ALL_LEVELS, false, NULL},
	{"rq_issue_with_queue", "block_rq_issue", 2, ALL_LEVELS, false, NULL},
	{"rq_requeue", "block_rq_requeue", 1, ALL_LEVELS, false, NULL},
	{"rq_requeue_with_queue", "block_rq_requeue", 2, ALL_LEVELS, false, NULL},
	{"bio_queue", "block_bio_queue", 1, ALL_LEVELS, false, NULL},
	{"bio_queue_with_queue", "block_bio_queue", 2, ALL_LEVELS, false, NULL},
	{"bio_again", "block_bio_queue", 1, ALL_LEVELS, false, NULL},
	{"bio_again_with_queue", "block_bio_queue", 2, ALL_LEVELS, false, NULL},
	{"page_dirty", "writeback_dirty_page", 2, ALL_LEVELS, false, NULL},
	{"folio_dirty", "writeback_dirty_folio", 2, ALL_LEVELS, false, NULL},
	{"process_fork", NULL, 0, ALL_LEVELS, false, NULL},
	{"process_exit", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_fsync", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_fdatasync", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_sync_file_range", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_sync", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_syncfs", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_msync", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_fallocate", NULL, 0, ALL_LEVELS, false, NULL},
	{"fentry_dio_complete", NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"kprobe_dio_complete", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"fs_dio_complete", "iomap_dio_complete", 3, 1 << LEVEL_TRACEPOINT, true, DIRECT_BLIND},
	{"direct_queue", "block_bio_queue", 1, ALL_LEVELS, false, NULL},
	{"direct_queue_with_queue", "block_bio_queue", 2, ALL_LEVELS, false, NULL},
	{"fexit_sync_inodes", NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"kretprobe_sync_inodes", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kprobe_sync_inodes", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"fexit_file_range", NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"kprobe_file_range", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"fentry_aio_fsync", NULL, 0, 1 << LEVEL_FENTRY, true, AIO_BLIND},
	{"kprobe_aio_fsync", NULL, 0, 1 << LEVEL_KPROBE, true, AIO_BLIND},
	{"fexit_vfs_fsync", NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"fexit_vfs_fsync_range", NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"fexit_write_and_wait", NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"fentry_vfs_fsync", NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"fentry_vfs_fsync_range", NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"kretprobe_vfs_fsync", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kretprobe_vfs_fsync_range", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kretprobe_write_and_wait", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kprobe_vfs_fsync", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kprobe_vfs_fsync_range", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kprobe_write_and_wait", NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"fs_ext4_exit", NULL, 0, 1 << LEVEL_TRACEPOINT, true,
	 "syncs of ext4 by the kernel itself (below loop devices) are not seen"},
	{"fs_ext4_enter", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	/* These only refine what a missing one leaves unproven; absent with their module. */
	{"fs_xfs_file", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_xfs_dir", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_btrfs", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_btrfs_enter", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"xfs_log_forced", NULL, 0, ALL_LEVELS, true, NULL},
	{"fs_xfs_log_force", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_f2fs_exit", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_f2fs_enter", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"enter_io_submit", NULL, 0, 1 << LEVEL_TRACEPOINT, false, NULL},
	{"fs_ext4_all", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_btrfs_all", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"after_write", NULL, 0, ALL_LEVELS, false, NULL},
	{"after_writev", NULL, 0, ALL_LEVELS, false, NULL},
	{"after_pwrite64", NULL, 0, ALL_LEVELS, false, NULL},
	{"after_pwritev", NULL, 0, ALL_LEVELS, false, NULL},
	{"after_pwritev2", NULL, 0, ALL_LEVELS, false, NULL},
	{"after_sendfile64", NULL, 0, ALL_LEVELS, false, NULL},
	{"after_splice", NULL, 0, ALL_LEVELS, false, NULL},
	{"after_copy_file_range", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_fsync", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_fdatasync", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_sync_file_range", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_sync", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_syncfs", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_msync", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_msync_tree", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_fallocate", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_mmap", NULL, 0, ALL_LEVELS, false, NULL},
	{"exec_mapped", NULL, 0, ALL_LEVELS, false, NULL},
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

struct attach {
	struct flushaudit_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *links[NR_ROWS];
	enum attach_level level;
	uint64_t missed_before[NR_ROWS]; /* runs the kernel skipped before the audit began */
	attach_record_fn fn;
	void *fn_ctx;
	size_t nr_blind;
	char blind[MAX_BLIND_SPOTS][160];
};

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
	skel->rodata->page_bytes = getpagesize();
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
	bool tree = !strcmp(row->name, "enter_msync_tree");

	if (!tree && strcmp(row->name, "enter_msync") != 0)
		return true;
	return (libbpf_probe_bpf_helper(BPF_PROG_TYPE_TRACEPOINT, BPF_FUNC_find_vma, NULL) == 1) !=
	       tree;
}

static bool row_is_used(const struct program_row *row, enum attach_level level,
			const struct btf *btf)
{
	if (!(row->levels & 1 << level) || !finds_mappings(row))
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
	attach->skel->bss->dirty_bit = attach->skel->rodata->dirty_mark;
	for (i = 0; i < NR_ROWS; i++) {
		program = bpf_object__find_program_by_name(attach->skel->obj, rows[i].name);
		if (!program)
			return error_set(err, EINVAL, "no BPF program '%s' in this build",
					 rows[i].name);
		bpf_program__set_autoload(program, row_is_used(&rows[i], attach->level, btf));
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

static int attach_rows(struct attach *attach, struct error *err)
{
	struct bpf_program *program;
	size_t i;

	for (i = 0; i < NR_ROWS; i++) {
		program = bpf_object__find_program_by_name(attach->skel->obj, rows[i].name);
		if (!bpf_program__autoload(program)) {
			/* A tracepoint that this kernel does not have. */
			if (rows[i].blind && (rows[i].levels & 1 << attach->level))
				add_blind_spot(attach, rows[i].blind);
			continue;
		}
		attach->links[i] = bpf_program__attach(program);
		if (attach->links[i])
			continue;
		if (!rows[i].optional)
			return error_set(err, errno, "cannot attach %s: %s", rows[i].name,
					 strerror(errno));
		if (rows[i].blind)
			add_blind_spot(attach, rows[i].blind);
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
			       "over files on other file systems stay unproven");
		add_blind_spot(attach,
			       "syncs that workers carry out (io_uring, Linux AIO) are followed on "
			       "ext4 only, io_uring's sync_file_range nowhere");
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
	struct kernel_place place;
	int ret = kernel_tracefs_enter(&place, err);

	if (ret)
		return ret;
	ret = attach_rows(attach, err);
	kernel_tracefs_leave(&place);
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
	for (i = NR_ROWS; i-- > 0;)
		bpf_link__destroy(attach->links[i]);
	flushaudit_bpf__destroy(attach->skel);
	free(attach);
}

enum attach_level attach_level(const struct attach *attach)
{
	return attach->level;
}

size_t attach_nr_blind_spots(const struct attach *attach)
{
	return attach->nr_blind;
}

const char *attach_blind_spot(const struct attach *attach, size_t index)
{
	return index < attach->nr_blind ? attach->blind[index] : NULL;
}

/* Up to 5.11 the kernel does not count them. */
static uint64_t missed_by(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_program__fd(program) < 0 ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return 0;
	return info.recursion_misses;
}

static const struct bpf_program *row_program(const struct attach *attach, size_t row)
{
	return bpf_object__find_program_by_name(attach->skel->obj, rows[row].name);
}

uint64_t attach_start(struct attach *attach)
{
	struct timespec now;
	size_t i;

	for (i = 0; i < NR_ROWS; i++)
		attach->missed_before[i] = missed_by(row_program(attach, i));
	clock_gettime(CLOCK_MONOTONIC, &now);
	attach->skel->data->base_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	__atomic_store_n(&attach->skel->bss->new_calls_count, 1, __ATOMIC_SEQ_CST);
	return attach->skel->data->base_ns;
}

void attach_stop(struct attach *attach)
{
	__atomic_store_n(&attach->skel->bss->new_calls_count, 0, __ATOMIC_SEQ_CST);
}

int attach_add_target(struct attach *attach, uint32_t tgid)
{
	uint32_t how = TARGET_RUNNING;

	return bpf_map__update_elem(attach->skel->maps.targets, &tgid, sizeof(tgid), &how,
				    sizeof(how), BPF_ANY);
}

bool attach_has_targets(const struct attach *attach)
{
	uint32_t key;

	return !bpf_map__get_next_key(attach->skel->maps.targets, NULL, &key, sizeof(key));
}

void attach_note_underway(struct attach *attach, uint32_t tid)
{
	uint32_t one = 1;

	/* One that finds no room is counted as a loss when it returns. */
	bpf_map__update_elem(attach->skel->maps.underway, &tid, sizeof(tid), &one, sizeof(one),
			     BPF_ANY);
}

void attach_expect_entries(struct attach *attach)
{
	__atomic_store_n(&attach->skel->bss->entries_are_due, 1, __ATOMIC_SEQ_CST);
}

int attach_set_cgroup(struct attach *attach, uint32_t index, int fd)
{
	return bpf_map__update_elem(attach->skel->maps.cgroups, &index, sizeof(index), &fd,
				    sizeof(fd), BPF_ANY);
}

uint32_t attach_self(const struct attach *attach)
{
	return attach->skel->bss->self_tgid;
}

int attach_set_topology(struct attach *attach, uint32_t dev, const struct state_topology *topology)
{
	return bpf_map__update_elem(attach->skel->maps.topology, &dev, sizeof(dev), topology,
				    sizeof(*topology), BPF_ANY);
}

int attach_set_harmless(struct attach *attach, const struct event_file *file)
{
	uint32_t one = 1;

	return bpf_map__update_elem(attach->skel->maps.harmless, file, sizeof(*file), &one,
				    sizeof(one), BPF_ANY);
}

uint64_t attach_traced_threads(const struct attach *attach)
{
	return *(volatile __u64 *)&attach->skel->bss->traced;
}

bool attach_shares_pids(const struct attach *attach)
{
	return attach->skel->bss->self_tgid == (uint32_t)getpid();
}

void attach_on_record(struct attach *attach, attach_record_fn fn, void *ctx)
{
	attach->fn = fn;
	attach->fn_ctx = ctx;
}

int attach_fd(const struct attach *attach)
{
	return ring_buffer__epoll_fd(attach->ring);
}

int attach_drain(struct attach *attach)
{
	return ring_buffer__consume(attach->ring);
}

int attach_survey(struct attach *attach)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int survey = bpf_program__fd(attach->skel->progs.survey);
	int files = bpf_map__fd(attach->skel->maps.files);
	struct state_file file, *at = NULL;
	int ret = 0, asked = 0;

	while (!ret && !bpf_map_get_next_key(files, at, &file)) {
		attach->skel->bss->surveyed = file;
		ret = bpf_prog_test_run_opts(survey, &opts);
		if (++asked % SURVEY_BATCH == 0)
			attach_drain(attach);
		at = &file;
	}
	return ret;
}

void attach_totals(const struct attach *attach, struct event_totals *totals)
{
	memcpy(totals, (const void *)&attach->skel->bss->totals, sizeof(*totals));
}

uint64_t attach_missed_runs(const struct attach *attach, char *names, size_t size)
{
	uint64_t missed = 0, own;
	size_t i;

	*names = '\0';
	for (i = 0; i < NR_ROWS; i++) {
		own = missed_by(row_program(attach, i)) - attach->missed_before[i];
		if (!own)
			continue;
		missed += own;
		snprintf(names + strlen(names), size - strlen(names), "%s%s", *names ? ", " : "",
			 rows[i].name);
	}
	return missed;
}

uint64_t attach_device_writes(const struct attach *attach, uint32_t disk)
{
	struct ledger_device device;

	if (bpf_map__lookup_elem(attach->skel->maps.devices, &disk, sizeof(disk), &device,
				 sizeof(device), 0))
		return 0;
	return device.writes;
}
