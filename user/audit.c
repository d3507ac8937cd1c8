// SPDX-License-Identifier: GPL-2.0-only
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clock.h"
#include "directory.h"
#include "exitcode.h"
#include "format.h"
#include "library.h"
#include "losses.h"
#include "pipeline.h"
#include "processes.h"
#include "stack.h"
#include "topology.h"
#include "verdict.h"

#define STOP_WAIT_US 10000
#define STOP_TRIES   100

struct audit {
	struct attach *attach;
	struct stack *stack;
	struct store *store;
	struct pipeline *pipeline;
	int mounts_fd;
	uint64_t servers_ns;	     /* when FUSE servers were last looked for */
	const struct filter *filter; /* NULL: none */
	bool everybody;
	ino_t cgroups[FILTER_MAX]; /* the directories of the filter that the kernel side has */
};

/* Tells the kernel side which devices every file system and device stands on. */
static void push_topology(struct audit *audit)
{
	struct state_topology topology;
	size_t i;

	for (i = 0; i < stack_nr_mounts(audit->stack); i++) {
		const struct stack_mount *mount = stack_mount_at(audit->stack, i);

		if (!topology_of(audit->stack, mount->dev, &topology))
			attach_set_topology(audit->attach, mount->dev, &topology);
		else if (topology_is_partial(mount))
			attach_forget_topology(audit->attach, mount->dev);
	}
	for (i = 0; i < stack_nr_nodes(audit->stack); i++) {
		const struct stack_node *node = stack_node_at(audit->stack, i);

		if (node->kind != STACK_FS && !topology_of(audit->stack, node->dev, &topology))
			attach_set_topology(audit->attach, node->dev, &topology);
	}
	/* One that does not fit is none: then what sync() did is not known. */
	if (topology_of_all(audit->stack, &topology))
		memset(&topology, 0, sizeof(topology));
	attach_set_topology(audit->attach, STATE_EVERYTHING, &topology);
}

/* Between looks for servers that are not found: they take time. */
#define SERVERS_NS 1000000000ULL

static uint32_t server_of(void *ctx, uint32_t s_dev)
{
	struct audit *audit = ctx;
	uint32_t server = attach_server_of(audit->attach, s_dev);
	uint64_t now_ns;

	if (server)
		return server;
	now_ns = clock_now_ns();
	if (now_ns < audit->servers_ns + SERVERS_NS)
		return 0;
	audit->servers_ns = now_ns;
	attach_find_servers(audit->attach);
	return attach_server_of(audit->attach, s_dev);
}

/* Those of the file systems that are mounted: looked for before a call on one is made. */
static void find_servers(struct audit *audit)
{
	size_t i;

	audit->servers_ns = 0;
	for (i = 0; i < stack_nr_mounts(audit->stack); i++) {
		const struct stack_mount *mount = stack_mount_at(audit->stack, i);

		if (!mount->gone_ns && !strncmp(mount->fs, "fuse", 4) &&
		    strcmp(mount->fs, "fusectl") != 0)
			server_of(audit, mount->dev);
	}
}

void audit_rescan(struct audit *audit)
{
	/* A failing scan keeps the old view; what it lacks ends as "untracked". */
	stack_scan(audit->stack, NULL);
	push_topology(audit);
	find_servers(audit);
}

static void rescan_for_pipeline(void *ctx)
{
	audit_rescan(ctx);
}

static bool records_were_lost(void *ctx)
{
	const struct audit *audit = ctx;

	return losses_any(audit->attach);
}

static bool runs_were_skipped(void *ctx, uint64_t *asked_ns)
{
	const struct audit *audit = ctx;

	return losses_skipped(audit->attach, asked_ns);
}

static void look_at(void *ctx, const struct event_mapped *mapped, const char *path,
		    struct library *library)
{
	const struct audit *audit = ctx;

	library_read(library, mapped, path, attach_shares_pids(audit->attach));
}

static bool find_directory(void *ctx, const struct event_change *change, const char *path,
			   struct place *place, char *real, size_t size)
{
	const struct audit *audit = ctx;

	return directory_find(audit->stack, path, change->mount_namespace, place, real, size);
}

static void is_harmless(void *ctx, const struct event_file *file)
{
	const struct audit *audit = ctx;

	attach_set_harmless(audit->attach, file);
}

static void push_record(void *ctx, const void *record, size_t size)
{
	pipeline_push(ctx, record, size);
}

/* A cgroup that ended and began anew is another one of the same name. */
static int refresh_cgroup(struct audit *audit, size_t i)
{
	const char *path = audit->filter->cgroups[i];
	struct stat st;
	int fd, ret;

	if (!stat(path, &st) && st.st_ino == audit->cgroups[i])
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = attach_set_cgroup(audit->attach, i, fd);
	if (!ret && !fstat(fd, &st))
		audit->cgroups[i] = st.st_ino;
	close(fd);
	return ret;
}

void audit_refresh(struct audit *audit)
{
	size_t i;

	for (i = 0; audit->filter && i < audit->filter->nr_cgroups; i++)
		refresh_cgroup(audit, i); /* where there is none now there is nothing to audit */
}

static void add_target(void *ctx, uint32_t pid)
{
	struct audit *audit = ctx;

	attach_add_target(audit->attach, pid);
}

static int apply_filter(struct audit *audit, const struct attach_options *options,
			struct error *err)
{
	const struct filter *filter = options->filter;
	size_t i;
	int ret;

	audit->everybody = options->everybody;
	audit->filter = filter;
	if (!filter)
		return 0;
	pipeline_set_filter(audit->pipeline, filter);
	for (i = 0; i < filter->nr_cgroups; i++) {
		ret = refresh_cgroup(audit, i);
		if (ret)
			return error_set(err, -ret,
					 "cannot audit the cgroup %s: %s; is it one of cgroup v2?",
					 filter->cgroups[i], strerror(-ret));
	}
	if (filter->nr_pids && attach_self(audit->attach) != (uint32_t)getpid())
		return error_set(err, EINVAL,
				 "--pid: the kernel counts processes of another PID namespace; run "
				 "flushaudit outside of the container, or use --comm or --cgroup");
	processes_descend(filter->pids, filter->nr_pids, add_target, audit);
	return 0;
}

static bool left_unsynced(void *ctx, const struct fileid *file, uint64_t *since_ns)
{
	const struct audit *audit = ctx;

	return attach_unsynced(audit->attach, file, since_ns);
}

static uint64_t last_commit(void *ctx, uint32_t part)
{
	const struct audit *audit = ctx;

	return attach_last_commit(audit->attach, part);
}

static int set_up(struct audit *audit, const struct attach_options *options, struct error *err)
{
	int ret;

	audit->stack = stack_new("");
	if (!audit->stack)
		return error_set(err, ENOMEM, "out of memory");
	ret = store_open(&audit->store, err);
	if (ret)
		return ret;
	audit->pipeline = pipeline_new(audit->stack, audit->store);
	if (!audit->pipeline)
		return error_set(err, ENOMEM, "out of memory");
	ret = attach_open(&audit->attach, options, err);
	if (ret)
		return ret;
	audit->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	ret = stack_scan(audit->stack, err);
	if (ret)
		return ret;
	push_topology(audit);
	ret = apply_filter(audit, options, err);
	if (ret)
		return ret;
	gather_on_unknown(pipeline_gather(audit->pipeline), rescan_for_pipeline, audit);
	pipeline_on_doubt(audit->pipeline, records_were_lost, runs_were_skipped, audit);
	pipeline_on_mapped(audit->pipeline, look_at, is_harmless, audit);
	pipeline_on_served(audit->pipeline, server_of, audit);
	pipeline_on_lookup(audit->pipeline, find_directory, audit);
	pipeline_on_left(audit->pipeline, left_unsynced, audit);
	pipeline_on_last_commit(audit->pipeline, last_commit, audit);
	find_servers(audit);
	attach_on_record(audit->attach, push_record, audit->pipeline);
	return 0;
}

int audit_open(struct audit **out, const struct attach_options *options, struct error *err)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	int ret;

	*out = NULL;
	if (!audit)
		return error_set(err, ENOMEM, "out of memory");
	audit->mounts_fd = -1;
	ret = set_up(audit, options, err);
	if (ret) {
		audit_free(audit);
		return ret;
	}
	*out = audit;
	return 0;
}

void audit_free(struct audit *audit)
{
	if (!audit)
		return;
	attach_free(audit->attach);
	pipeline_free(audit->pipeline);
	store_free(audit->store);
	stack_free(audit->stack);
	if (audit->mounts_fd >= 0)
		close(audit->mounts_fd);
	free(audit);
}

/* The command's words, printable. */
static void store_command(struct audit *audit, char *const *argv)
{
	char safe[4096];

	for (; argv && *argv; argv++) {
		format_safe_text(safe, sizeof(safe), *argv, strlen(*argv));
		store_add_argument(audit->store, safe);
	}
}

/* Such a write loses its flag before any function is called that could be seen
 * (ovl_write_iter in fs/overlayfs/file.c). */
static void store_overlay_blind_spot(struct audit *audit)
{
	if (stack_had_volatile_overlay(audit->stack))
		store_add_blind_spot(audit->store,
				     "synchronous writes to a volatile overlayfs by Linux AIO and "
				     "io_uring are swallowed unseen");
}

static void note_underway(void *ctx, uint32_t tid)
{
	struct audit *audit = ctx;

	attach_note_underway(audit->attach, tid);
}

void audit_start(struct audit *audit, char *const *argv)
{
	unsigned int major, minor, patch = 0;
	struct utsname kernel;
	char filter[4096];
	uint64_t start;
	size_t i;

	uname(&kernel);
	store_set_meta_number(audit->store, "schema", 1);
	store_set_meta(audit->store, "version", VERSION);
	store_set_meta(audit->store, "level", attach_level_name(attach_level(audit->attach)));
	store_set_meta(audit->store, "kernel", kernel.release);
	for (i = 0; i < attach_nr_blind_spots(audit->attach); i++)
		store_add_blind_spot(audit->store, attach_blind_spot(audit->attach, i));
	store_command(audit, argv);
	if (audit->filter && *filter_describe(audit->filter, filter, sizeof(filter)))
		store_set_meta(audit->store, "filter", filter);
	if (sscanf(kernel.release, "%u.%u.%u", &major, &minor, &patch) >= 2)
		gather_set_kernel_version(pipeline_gather(audit->pipeline),
					  KERNEL_VERSION(major, minor), patch);
	start = attach_start(audit->attach);
	pipeline_start(audit->pipeline, start);
	store_set_meta_number(audit->store, "start_ns", start);
	if (audit->everybody) {
		pipeline_set_endless(audit->pipeline);
		processes_in_sync_calls(note_underway, audit);
	}
	attach_expect_entries(audit->attach);
}

int audit_fd(const struct audit *audit)
{
	return attach_fd(audit->attach);
}

int audit_mounts_fd(const struct audit *audit)
{
	return audit->mounts_fd;
}

void audit_inherited(struct audit *audit, int fd)
{
	struct stat status;

	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		pipeline_inherited(audit->pipeline,
				   STACK_DEV(major(status.st_dev), minor(status.st_dev)),
				   status.st_ino);
}

void audit_drain(struct audit *audit)
{
	attach_drain(audit->attach);
}

bool audit_is_orphaned(const struct audit *audit)
{
	return audit->filter && audit->filter->nr_pids && !attach_has_targets(audit->attach);
}

uint64_t audit_lost(const struct audit *audit)
{
	return losses_count(audit->attach, audit->pipeline);
}

void audit_stop(struct audit *audit)
{
	int tries;

	attach_stop(audit->attach);
	for (tries = 0; tries < STOP_TRIES && losses_open_calls(audit->attach); tries++)
		usleep(STOP_WAIT_US);
}

/* A tracer can make a call none before any tracepoint of its number is reached. */
static void store_traced(struct audit *audit)
{
	uint64_t traced = attach_traced_threads(audit->attach);
	char text[160];

	snprintf(text, sizeof(text),
		 "%llu thread%s ended with a tracer (ptrace): sync calls that it kept from being "
		 "made are not seen",
		 (unsigned long long)traced, traced == 1 ? "" : "s");
	if (traced)
		store_add_blind_spot(audit->store, text);
}

static void store_node(void *ctx, const struct stack_node *node)
{
	char dev[32], lower[32];
	struct audit *audit = ctx;
	struct store_device row = {
		.dev = format_dev(dev, sizeof(dev), node->dev),
		.name = node->name,
		.kind = stack_kind_name(node->kind),
		.cache = stack_cache_name(node->cache),
		.detail = node->detail,
		.fua = node->fua,
		.leaf = node->leaf,
		.writes = attach_device_writes(audit->attach, node->dev),
	};
	size_t i;

	switch (node->cache) {
	case CACHE_VOLATILE:
	case CACHE_OVERRIDDEN:
	case CACHE_RAM:
		row.volatile_cache = 1;
		break;
	case CACHE_NONE:
		row.volatile_cache = 0;
		break;
	default:
		row.volatile_cache = -1;
	}
	store_add_device(audit->store, &row);
	for (i = 0; i < node->nr_lower; i++)
		store_add_parent(audit->store, dev,
				 format_dev(lower, sizeof(lower), node->lower[i]));
}

void audit_finish(struct audit *audit, int exit_status)
{
	audit_drain(audit);
	store_set_meta_number(audit->store, "end_ns", clock_now_ns());
	if (exit_status >= 0)
		store_set_meta_number(audit->store, "exit_status", exit_status);
	/* One that fails leaves files without a finding, which proves nothing of them. */
	attach_survey(audit->attach);
	audit_drain(audit);
	store_overlay_blind_spot(audit);
	losses_store(audit->attach, audit->pipeline, audit->store);
	store_traced(audit);
	pipeline_finish(audit->pipeline);
	gather_each_device(pipeline_gather(audit->pipeline), store_node, audit);
	store_finish(audit->store);
}

int audit_exit_code(struct audit *audit)
{
	/* A write-out that a later flush covered is honest batching (git). */
	if (store_number(audit->store, "SELECT sum(count) FROM tally WHERE verdict = 'not-durable'"
				       " AND NOT (reason = 'writeout-only' AND covered)") ||
	    store_number(audit->store, "SELECT count(*) FROM findings WHERE severity = 'risk'"))
		return EXIT_NOT_DURABLE;
	if (store_number(audit->store, "SELECT unproven FROM totals") ||
	    store_number(audit->store, "SELECT lost_events FROM totals"))
		return EXIT_UNPROVEN;
	return EXIT_DURABLE;
}

struct store *audit_store(struct audit *audit)
{
	return audit->store;
}
