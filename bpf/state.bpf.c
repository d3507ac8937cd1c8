// SPDX-License-Identifier: GPL-2.0-only
#include "state.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct slots_map slots SEC(".maps");
struct devices_map devices SEC(".maps");
struct logs_map logs SEC(".maps");
struct topology_map topology SEC(".maps");
struct bios_map bios SEC(".maps");
struct flushes_map flushes SEC(".maps");
struct frames_map frames SEC(".maps");
struct targets_map targets SEC(".maps");
struct underway_map underway SEC(".maps");
struct cgroups_map cgroups SEC(".maps");
struct companions_map companions SEC(".maps");
struct askers_map askers SEC(".maps");
struct directs_map directs SEC(".maps");
struct direct_syncs_map direct_syncs SEC(".maps");
struct left_logs_map left_logs SEC(".maps");
struct late_writes_map late_writes SEC(".maps");
struct files_map files SEC(".maps");
struct harmless_map harmless SEC(".maps");
struct servers_map servers SEC(".maps");
struct zeroed_map zeroed SEC(".maps");
struct linked_map linked SEC(".maps");
struct ring_map ring SEC(".maps");
struct sync_scratch_map sync_scratch SEC(".maps");
struct change_scratch_map change_scratch SEC(".maps");
struct orders_map orders SEC(".maps");
struct changing_map changing SEC(".maps");
struct awaited_map awaited SEC(".maps");
struct path_scratch_map path_scratch SEC(".maps");

const volatile __u32 slot_mask = STATE_SLOTS - 1;
const volatile __u64 end_io_iomap = 0;
const volatile __u64 end_io_chain = 0;
const volatile __u64 end_io_direct[STATE_DIRECT_END_IOS] = {};
const volatile __u32 dirty_mark = 0;
const volatile __u32 flush_sequence = 0;
const volatile __s32 ext4_new_entry = -1;
const volatile __s32 f2fs_dirty_inode = -1;
const volatile __u32 page_bytes = 4096;
const volatile __u32 preempt_guard = 0;
const volatile __u32 wake_bytes = STATE_RING_BYTES / 4;
const volatile __u32 audit_all = 0;
const volatile __u32 nr_comms = 0;
const volatile __u32 nr_cgroups = 0;
const volatile struct state_syscall sync_syscalls[STATE_SYSCALLS] = {};
const volatile struct state_changer changers[STATE_CHANGERS] = {};
const volatile struct state_comm comms[STATE_COMMS] = {};

__u64 base_ns = ~0ULL; /* nothing counts yet */
__u32 self_tgid = 0;
__u32 new_calls_count = 0;
__u32 entries_are_due = 0;
__u32 selftest = 0;

struct event_totals totals = {};
__u64 hits[HOOKS] = {};
__u64 traced = 0;
__u32 serving = 0;
__u32 failures = 0;
__u32 sent_on = 0;
__u32 note_files = 0;
__u32 note_names = 0;
struct state_zeroed zeroed_rest = {};
__u32 dirty_bit = 0;
__u64 marked_mapping = 0;
__u32 marked_before = 0;
struct state_file surveyed = {};

/* 6.10 on */
extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;

__noinline int guard_enter(void)
{
	if (preempt_guard && bpf_preempt_disable)
		bpf_preempt_disable();
	return 0;
}

__noinline int guard_leave(void)
{
	if (preempt_guard && bpf_preempt_enable)
		bpf_preempt_enable();
	return 0;
}
