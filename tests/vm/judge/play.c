// SPDX-License-Identifier: GPL-2.0-only
/* Executes a script, and writes down what each of its sync calls promised. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ops.h"

static struct {
	const struct play_options *options;
	FILE *history;
	struct op *ops;
	size_t op_count;
	struct thread threads[THREADS + 1];
	pthread_mutex_t lock;
	unsigned long calls;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- the history --- */

void promises_start(struct promises *promises)
{
	promises->out = must(open_memstream(&promises->text, &promises->size));
}

void promises_drop(struct promises *promises)
{
	int error = errno;

	fclose(promises->out);
	free(promises->text);
	errno = error;
}

int record(struct thread *thread, const struct op *op, const char *kind, bool failed,
	   struct promises *promises)
{
	int error = failed ? errno : 0;
	char mark[256];

	pthread_mutex_lock(&state.lock);
	state.calls++;
	if (state.options->marks) {
		snprintf(mark, sizeof(mark), "mark %s-%lu\n", state.options->marks, state.calls);
		tell_drive(mark);
	}
	fprintf(state.history, "C\t%lu\t%d\t%s\t%d\t%" PRIu64 "\t%" PRIu64 "\t%s\t%d\n",
		state.calls, gettid(), kind, -error, thread->begin, thread->end,
		op->path[0] ? op->path[0] : ".", op->line);
	fflush(promises->out);
	if (!failed)
		fwrite(promises->text, 1, promises->size, state.history);
	if (fflush(state.history))
		fail("%s", state.options->history);
	pthread_mutex_unlock(&state.lock);
	promises_drop(promises);
	errno = error;
	return failed ? FAILED_CALL : 0;
}

/* Skipped (S) or failed (E). */
static void note(char what, const struct op *op)
{
	int error = errno;

	pthread_mutex_lock(&state.lock);
	fprintf(state.history, "%c\t%s\t%s\t%d\t%d\n", what, op->kind->name,
		op->path[0] ? op->path[0] : ".", error, op->line);
	if (fflush(state.history))
		fail("%s", state.options->history);
	pthread_mutex_unlock(&state.lock);
}

/* --- what threads have in common --- */

/* Threads that are through with their script are not waited for. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	unsigned int threads, waiting, round;
} meeting = {.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};

static void open_if_all_wait(void)
{
	if (meeting.waiting < meeting.threads)
		return;
	meeting.waiting = 0;
	meeting.round++;
	pthread_cond_broadcast(&meeting.opened);
}

int run_barrier(struct thread *thread, const struct op *op)
{
	unsigned int round;

	(void)op;
	if (thread->number == PREPARATION)
		return 0;
	pthread_mutex_lock(&meeting.lock);
	round = meeting.round;
	meeting.waiting++;
	open_if_all_wait();
	while (round == meeting.round)
		pthread_cond_wait(&meeting.opened, &meeting.lock);
	pthread_mutex_unlock(&meeting.lock);
	return 0;
}

static void leave_meeting(void)
{
	pthread_mutex_lock(&meeting.lock);
	meeting.threads--;
	open_if_all_wait();
	pthread_mutex_unlock(&meeting.lock);
}

int run_tell(struct thread *thread, const struct op *op)
{
	(void)thread;
	pthread_mutex_lock(&state.lock);
	tell_drive(op->text);
	pthread_mutex_unlock(&state.lock);
	return 0;
}

static void execute(struct thread *thread, const struct op *op)
{
	int result = op->kind->run(thread, op);

	if (!result)
		return;
	if (result == -1 && lacking(op)) {
		note('S', op);
		return;
	}
	if (!state.options->keep_going)
		fail("line %d: %s %s", op->line, op->kind->name, op->path[0] ? op->path[0] : "");
	if (result == -1)
		note('E', op);
}

static void perform(struct thread *thread)
{
	thread->root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (thread->root < 0)
		fail("%s", state.options->dir);
	for (size_t i = 0; i < state.op_count; i++)
		for (long n = 0; state.ops[i].thread == thread->number && n < state.ops[i].times;
		     n++)
			execute(thread, &state.ops[i]);
}

static void *thread_main(void *argument)
{
	static const struct op start = {.times = 1};

	run_barrier(argument, &start);
	perform(argument);
	leave_meeting();
	return NULL;
}

/* --- the script --- */

static const char *tidy(char *path)
{
	size_t length;

	while (!strncmp(path, "./", 2))
		path += 2;
	length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
	return path;
}

static void parse_arguments(struct op *op, char **rest)
{
	int paths = 0, numbers = 0;

	for (const char *a = op->kind->arguments; *a; a++) {
		char *word;

		if (*a == '*') {
			char *text;

			*rest += strspn(*rest, " \t");
			if (asprintf(&text, "%s\n", *rest) < 0)
				fail("memory");
			op->text = text;
			*rest = *rest + strlen(*rest);
			return;
		}
		word = strtok_r(NULL, " \t", rest);
		if (!word)
			reject("line %d: %s needs more", op->line, op->kind->name);
		else if (!strcmp(word, "@") && (*a == 'p' || (*a == 'd' && !state.options->device)))
			reject("line %d: %s does not go with the device", op->line, op->kind->name);
		else if (*a == 'n')
			op->number[numbers++] = number(word);
		else if (*a == 't')
			op->text = must(strdup(word));
		else
			op->path[paths++] = must(strdup(tidy(word)));
	}
	if (strtok_r(NULL, " \t", rest))
		reject("line %d: %s needs less", op->line, op->kind->name);
}

static int parse_thread(const char *word, int line)
{
	uint64_t n;

	if (!strcmp(word, "p"))
		return PREPARATION;
	n = number(word);
	if (n >= THREADS)
		reject("line %d: thread %s", line, word);
	return n;
}

static void parse_line(char *text, int line)
{
	struct op op = {.line = line, .times = 1};
	char *rest = NULL, *word;

	text[strcspn(text, "\n")] = '\0';
	word = strtok_r(text, " \t", &rest);
	if (!word || word[0] == '#')
		return;
	op.thread = parse_thread(word, line);
	word = strtok_r(NULL, " \t", &rest);
	if (word && !strcmp(word, "repeat")) {
		word = strtok_r(NULL, " \t", &rest);
		op.times = word ? number(word) : 0;
		word = strtok_r(NULL, " \t", &rest);
	}
	op.kind = word ? find_kind(word) : NULL;
	if (!op.kind)
		reject("line %d: no such operation: %s", line, word ? word : "");
	parse_arguments(&op, &rest);
	state.ops = must(realloc(state.ops, (state.op_count + 1) * sizeof(op)));
	state.ops[state.op_count++] = op;
	state.threads[op.thread].used = true;
}

static void parse(const char *path)
{
	FILE *script = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!script)
		fail("%s", path);
	for (int n = 1; getline(&line, &size, script) >= 0; n++)
		parse_line(line, n);
	free(line);
	fclose(script);
}

/* --- whose the prepared files are --- */

static bool mentions(int thread, const char *path)
{
	for (size_t i = 0; i < state.op_count; i++)
		for (int p = 0; p < 2 && state.ops[i].thread == thread; p++)
			if (state.ops[i].path[p] && !strcmp(state.ops[i].path[p], path))
				return true;
	return false;
}

/* The number of threads whose lines have the path; FIRST of them. */
static int mentioned(const char *path, int *first)
{
	int count = 0;

	for (int i = THREADS - 1; i >= 0; i--) {
		if (state.threads[i].used && mentions(i, path)) {
			*first = i;
			count++;
		}
	}
	return count;
}

/*
 * The thread that names it; else one that names the closest directory above.
 * A file that several name is nobody's: each promises only what it writes.
 */
static int owner(const struct inode *inode)
{
	char path[4096];
	int thread = -1, count = 0;
	char *slash;

	for (size_t i = 0; i < inode->name_count && !count; i++)
		count = mentioned(inode->names[i].path, &thread);
	if (count)
		return count == 1 || inode->type == DIRECTORY ? thread : -1;
	snprintf(path, sizeof(path), "%s", inode->names[0].path);
	while ((slash = strrchr(path, '/'))) {
		*slash = '\0';
		if (mentioned(path, &thread))
			return thread;
	}
	if (mentioned(".", &thread))
		return thread;
	for (thread = 0; thread < THREADS && !state.threads[thread].used;)
		thread++;
	return thread < THREADS ? thread : -1;
}

static void hand_over(void)
{
	struct inode **at = &state.threads[PREPARATION].model.inodes;

	while (*at) {
		struct inode *inode = *at;
		int thread = inode->shared ? -1 : owner(inode);

		if (thread < 0) {
			at = &inode->next;
			continue;
		}
		*at = inode->next;
		inode->next = state.threads[thread].model.inodes;
		state.threads[thread].model.inodes = inode;
	}
}

/* What each file should hold when all is over, whether or not it was ever synced. */
static void record_ends(struct thread *thread)
{
	struct promises promises;

	for (struct inode *inode = thread->model.inodes; inode; inode = inode->next) {
		struct op op = {0};

		if (inode->type != REGULAR || inode->shared || !inode_has_name(inode))
			continue;
		for (size_t i = 0; i < inode->name_count; i++)
			if (inode->names[i].now)
				op.path[0] = inode->names[i].path;
		promises_start(&promises);
		promise_content(promises.out, inode);
		record(thread, &op, "end", false, &promises);
	}
}

static int record_name(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	if (type == FTW_DNR || type == FTW_NS)
		return -1;
	if (at->level)
		fprintf(state.history, "N\t%s\n", path + 2);
	return 0;
}

/* What there is in the file system itself, whatever the model says; one that has been shut down
 * does not tell. */
static void record_names(void)
{
	if (nftw(".", record_name, 16, FTW_PHYS | FTW_MOUNT))
		fprintf(state.history, "E\tnames\t.\t%d\t0\n", errno);
}

int play(const struct play_options *options)
{
	const struct rlimit many = {1 << 20, 1 << 20};
	struct thread *threads = state.threads;

	state.options = options;
	setrlimit(RLIMIT_NOFILE, &many);
	use_device(options->device);
	parse(options->script);
	state.history = fopen(options->history, "we");
	if (!state.history)
		fail("%s", options->history);
	if (chdir(options->dir))
		fail("%s", options->dir);
	threads[PREPARATION].number = PREPARATION;
	perform(&threads[PREPARATION]);
	hand_over();
	for (int i = 0; i < THREADS; i++)
		meeting.threads += threads[i].used;
	for (int i = 0; i < THREADS; i++) {
		threads[i].number = i;
		if (threads[i].used)
			errno = pthread_create(&threads[i].id, NULL, thread_main, &threads[i]);
		if (threads[i].used && errno)
			fail("thread");
	}
	for (int i = 0; i < THREADS; i++)
		if (threads[i].used)
			pthread_join(threads[i].id, NULL);
	for (int i = 0; i < THREADS; i++)
		if (threads[i].used)
			record_ends(&threads[i]);
	record_names();
	fputs("END\n", state.history);
	if (fclose(state.history))
		fail("%s", options->history);
	return 0;
}
