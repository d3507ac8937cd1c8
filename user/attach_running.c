// SPDX-License-Identifier: GPL-2.0-only
/* The programs while they run: what they are told, and what they have counted. */
#include "attach_impl.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ledger.h"

#define SURVEY_BATCH 64 /* files whose records fit the smallest ring */

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

/* Of the program of a row, counted in the first of its rows. */
static uint64_t missed_by_row(const struct attach *attach, size_t row)
{
	const char *name = program_rows[row].program;

	if (row && !strcmp(program_rows[row - 1].program, name))
		return 0;
	return missed_by(bpf_object__find_program_by_name(attach->skel->obj, name));
}

uint64_t attach_start(struct attach *attach)
{
	size_t i;

	for (i = 0; i < program_rows_nr; i++)
		attach->missed_before[i] = missed_by_row(attach, i);
	attach->skel->data->base_ns = clock_now_ns();
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

void attach_forget_topology(struct attach *attach, uint32_t dev)
{
	bpf_map__delete_elem(attach->skel->maps.topology, &dev, sizeof(dev), 0);
}

int attach_set_harmless(struct attach *attach, const struct event_file *file)
{
	uint32_t one = 1;

	return bpf_map__update_elem(attach->skel->maps.harmless, file, sizeof(*file), &one,
				    sizeof(one), BPF_ANY);
}

static struct bpf_link *link_of(const struct attach *attach, const char *program)
{
	size_t i;

	for (i = 0; i < program_rows_nr; i++)
		if (!strcmp(program_rows[i].program, program))
			return attach->links[i];
	return NULL;
}

int attach_find_servers(struct attach *attach)
{
	struct bpf_link *link = link_of(attach, "find_servers");
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -ENOTSUP;
	ssize_t got;
	char none;

	if (fd < 0)
		return fd;
	do
		got = read(fd, &none, sizeof(none)); /* it prints nothing: one turn runs it all */
	while (got > 0 || (got < 0 && errno == EAGAIN));
	close(fd);
	return got < 0 ? -errno : 0;
}

uint32_t attach_server_of(const struct attach *attach, uint32_t s_dev)
{
	const struct bpf_map *map = attach->skel->maps.servers;
	uint32_t key, *at = NULL, served;

	while (!bpf_map__get_next_key(map, at, &key, sizeof(key))) {
		if (!bpf_map__lookup_elem(map, &key, sizeof(key), &served, sizeof(served), 0) &&
		    served == s_dev)
			return key;
		at = &key;
	}
	return 0;
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

bool attach_unsynced(const struct attach *attach, const struct fileid *file, uint64_t *since_ns)
{
	struct state_file key = {.ino = file->ino, .s_dev = file->s_dev};
	struct state_written written;

	if (bpf_map__lookup_elem(attach->skel->maps.files, &key, sizeof(key), &written,
				 sizeof(written), 0) ||
	    written.generation != file->generation)
		return false;
	*since_ns = written.since_ns;
	return true;
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
	for (i = 0; i < program_rows_nr; i++) {
		own = missed_by_row(attach, i) - attach->missed_before[i];
		if (!own)
			continue;
		missed += own;
		snprintf(names + strlen(names), size - strlen(names), "%s%s", *names ? ", " : "",
			 program_rows[i].program);
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

uint64_t attach_last_commit(const struct attach *attach, uint32_t part)
{
	struct ledger_log log;

	if (bpf_map__lookup_elem(attach->skel->maps.logs, &part, sizeof(part), &log, sizeof(log),
				 0))
		return 0;
	return log.commit_done_ns;
}
