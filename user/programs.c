// SPDX-License-Identifier: GPL-2.0-only
#include "programs.h"

#define ALL_LEVELS (1 << LEVEL_FENTRY | 1 << LEVEL_KPROBE | 1 << LEVEL_TRACEPOINT)

#define DIRECT_BLIND                                                                               \
	"direct O_DSYNC writes that need no sync (FUA, no volatile cache) are not seen as sync "   \
	"calls"
#define SUPER_LEVELS (1 << LEVEL_FENTRY | 1 << LEVEL_KPROBE)
#define AIO_BLIND    "syncs through Linux AIO are not told from the kernel's own"

const struct program_row program_rows[] = {
	/* Completions first: a write seen queued but not completed would count for ever. Those that
	 * tell of failures before those that forget the bio. */
	{"rq_end", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"bio_end", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"rq_complete", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"bio_complete", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"rq_over", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"rq_issue", NULL, "block_rq_issue", 1, ALL_LEVELS, false, NULL},
	{"rq_issue_with_queue", NULL, "block_rq_issue", 2, ALL_LEVELS, false, NULL},
	{"rq_requeue", NULL, "block_rq_requeue", 1, ALL_LEVELS, false, NULL},
	{"rq_requeue_with_queue", NULL, "block_rq_requeue", 2, ALL_LEVELS, false, NULL},
	{"bio_queue", NULL, "block_bio_queue", 1, ALL_LEVELS, false, NULL},
	{"bio_queue_with_queue", NULL, "block_bio_queue", 2, ALL_LEVELS, false, NULL},
	{"bio_remap", NULL, "block_bio_remap", 3, ALL_LEVELS, false, NULL},
	{"bio_remap_with_queue", NULL, "block_bio_remap", 4, ALL_LEVELS, false, NULL},
	{"bio_again", NULL, "block_bio_queue", 1, ALL_LEVELS, false, NULL},
	{"bio_again_with_queue", NULL, "block_bio_queue", 2, ALL_LEVELS, false, NULL},
	{"page_dirty", NULL, "writeback_dirty_page", 2, ALL_LEVELS, false, NULL},
	{"folio_dirty", NULL, "writeback_dirty_folio", 2, ALL_LEVELS, false, NULL},
	{"process_fork", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"process_exit", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_call", "syscalls/sys_exit_fsync", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_call", "syscalls/sys_exit_fdatasync", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_call", "syscalls/sys_exit_sync_file_range", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_call", "syscalls/sys_exit_sync", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_call", "syscalls/sys_exit_syncfs", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_call", "syscalls/sys_exit_msync", NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_fallocate", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"fentry_dio_complete", NULL, NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"kprobe_dio_complete", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"fs_dio_complete", NULL, "iomap_dio_complete", 3, 1 << LEVEL_TRACEPOINT, true,
	 DIRECT_BLIND},
	{"direct_queue", NULL, "block_bio_queue", 1, ALL_LEVELS, false, NULL},
	{"direct_queue_with_queue", NULL, "block_bio_queue", 2, ALL_LEVELS, false, NULL},
	{"fexit_sync_inodes", NULL, NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"kretprobe_sync_inodes", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kprobe_sync_inodes", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"fexit_file_range", NULL, NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"kprobe_file_range", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"fentry_aio_fsync", NULL, NULL, 0, 1 << LEVEL_FENTRY, true, AIO_BLIND},
	{"kprobe_aio_fsync", NULL, NULL, 0, 1 << LEVEL_KPROBE, true, AIO_BLIND},
	{"fexit_vfs_fsync", NULL, NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"fexit_vfs_fsync_range", NULL, NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"fexit_write_and_wait", NULL, NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"fentry_vfs_fsync", NULL, NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"fentry_vfs_fsync_range", NULL, NULL, 0, 1 << LEVEL_FENTRY, false, NULL},
	{"kretprobe_vfs_fsync", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kretprobe_vfs_fsync_range", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kretprobe_write_and_wait", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kprobe_vfs_fsync", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kprobe_vfs_fsync_range", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"kprobe_write_and_wait", NULL, NULL, 0, 1 << LEVEL_KPROBE, false, NULL},
	{"fs_ext4_exit", NULL, NULL, 0, 1 << LEVEL_TRACEPOINT, true,
	 "syncs of ext4 by the kernel itself (below loop devices) are not seen"},
	{"fs_ext4_enter", NULL, NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	/* These only refine what a missing one leaves unproven; absent with their module. */
	{"fs_xfs", "xfs_file_fsync", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_xfs", "xfs_dir_fsync", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_btrfs", "btrfs_sync_file", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_btrfs", "btrfs_sync_file_enter", NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"kretprobe_freeze", NULL, NULL, 0, SUPER_LEVELS, true, PROGRAMS_SUPER_BLIND},
	{"kprobe_freeze", NULL, NULL, 0, SUPER_LEVELS, true, NULL},
	{"kretprobe_umount", NULL, NULL, 0, SUPER_LEVELS, true, NULL},
	{"kprobe_umount", NULL, NULL, 0, SUPER_LEVELS, true, NULL},
	{"find_servers", NULL, NULL, 0, ALL_LEVELS, true, "what FUSE servers sync is not seen"},
	{"inode_written", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"xfs_log_forced", NULL, NULL, 0, ALL_LEVELS, true, NULL},
	{"fs_xfs_log_force", NULL, NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_f2fs_exit", NULL, NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_f2fs_enter", NULL, NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"enter_io_submit", NULL, NULL, 0, 1 << LEVEL_TRACEPOINT, false, NULL},
	{"fs_ext4_zero", NULL, NULL, 0, ALL_LEVELS, true,
	 "ranges of files on ext4 that are zeroed (fallocate) are not seen: kernel holes "
	 "ext4-journal-zeroed and ext4-zeroed-tail are not found"},
	{"fs_ext4_all", NULL, NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"fs_btrfs_all", NULL, NULL, 0, 1 << LEVEL_TRACEPOINT, true, NULL},
	{"write_by_first", "syscalls/sys_exit_write", NULL, 0, ALL_LEVELS, false, NULL},
	{"write_by_first", "syscalls/sys_exit_writev", NULL, 0, ALL_LEVELS, false, NULL},
	{"write_by_first", "syscalls/sys_exit_pwrite64", NULL, 0, ALL_LEVELS, false, NULL},
	{"write_by_first", "syscalls/sys_exit_pwritev", NULL, 0, ALL_LEVELS, false, NULL},
	{"write_by_first", "syscalls/sys_exit_pwritev2", NULL, 0, ALL_LEVELS, false, NULL},
	{"write_by_first", "syscalls/sys_exit_sendfile64", NULL, 0, ALL_LEVELS, false, NULL},
	{"write_by_third", "syscalls/sys_exit_splice", NULL, 0, ALL_LEVELS, false, NULL},
	{"write_by_third", "syscalls/sys_exit_copy_file_range", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_call", "syscalls/sys_enter_fsync", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_call", "syscalls/sys_enter_fdatasync", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_call", "syscalls/sys_enter_sync_file_range", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_call", "syscalls/sys_enter_syncfs", NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_sync", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_msync", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_msync_tree", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"enter_fallocate", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"exit_mmap", NULL, NULL, 0, ALL_LEVELS, false, NULL},
	{"exec_mapped", NULL, NULL, 0, ALL_LEVELS, false, NULL},
};

#define NR_ROWS (sizeof(program_rows) / sizeof(program_rows[0]))

_Static_assert(NR_ROWS <= PROGRAM_ROWS_MAX, "more rows than a user of the table has room for");

const size_t program_rows_nr = NR_ROWS;
