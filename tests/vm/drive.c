// SPDX-License-Identifier: GPL-2.0-only
/*
 * The drive whose log is the truth: an NBD server for all disks of one guest.
 *
 *	drive --disk NAME=SOCKET,SIZE[,OPTION...]... [--marker SOCKET]
 *	      --log FILE [--payload FILE] [--ready FILE]
 *
 * SOCKET is a path, or "tcp" for a free port of 127.0.0.1. Contents live in
 * memory, or with the option file=PATH in a file of that size, which others may
 * change. Options of a disk, also settable from the guest by a line
 * "set NAME OPTION" on the marker socket:
 *	no-flush  no-fua	not offered to the client
 *	fail-flush=N fail-write=N	the Nth one from now fails with EIO
 *	fail-again=N		and N more after one that failed
 *	delay-flush=MS delay-write=MS	answered that much later
 *	wipe			all zeroes again, as new
 *	vanish-flush=N		gone for good, unanswered, at the Nth flush from now
 * A line "mark NAME" on the marker socket enters the log and is answered "ok".
 *
 * One thread serves everything, so the log is one total order. Its columns,
 * separated by tabs:
 *	seq ns EVENT DISK TYPE offset length fua request error payload
 * EVENT is received, acknowledged, mark or set; request is the seq of the
 * received line; payload is where the data of a write starts in --payload.
 * The last line of a complete log is "# end".
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_DISKS = 16,
	MAX_CONNS = 64,
	MAX_REQUEST = 32 << 20,
};

/* The NBD protocol, as far as it is spoken here. */
#define NBD_OPTION_MAGIC 0x49484156454F5054ULL
#define NBD_REPLY_MAGIC	 0x0003e889045565a9ULL
enum {
	REQUEST_MAGIC = 0x25609513,
	SIMPLE_REPLY_MAGIC = 0x67446698,
	OPT_EXPORT_NAME = 1,
	OPT_ABORT = 2,
	OPT_INFO = 6,
	OPT_GO = 7,
	REP_ACK = 1,
	REP_INFO = 3,
	CMD_READ = 0,
	CMD_WRITE = 1,
	CMD_DISC = 2,
	CMD_FLUSH = 3,
	CMD_TRIM = 4,
	CMD_WRITE_ZEROES = 6,
	CMD_FLAG_FUA = 1,
	HAS_FLAGS = 1,
	SEND_FLUSH = 4,
	SEND_FUA = 8,
	SEND_TRIM = 32,
	SEND_WRITE_ZEROES = 64,
	FIXED_NEWSTYLE = 1,
	NO_ZEROES = 2,
};
#define REP_ERR_UNSUP 0x80000001u

struct disk {
	char name[32];
	char address[108];
	int listener;
	int port;
	uint64_t size;
	uint8_t *data;
	bool no_flush, no_fua;
	/* Counts down to the request that fails; 0: none will. */
	unsigned int fail_flush, fail_write, vanish_flush;
	unsigned int fail_again;
	unsigned int delay_flush_ms, delay_write_ms;
};

struct buffer {
	uint8_t *data;
	size_t used, size;
};

enum phase { CLIENT_FLAGS, OPTIONS, REQUESTS, MARKER };

struct conn {
	int fd; /* -1: slot is free */
	struct disk *disk;
	enum phase phase;
	bool no_zeroes, closing;
	struct buffer in, out;
};

struct request {
	uint16_t flags, type;
	uint64_t handle, offset, seq;
	uint32_t length, error;
	int64_t due_ns;
	struct conn *conn;
	struct request *next;
};

static struct disk disks[MAX_DISKS];
static int disk_count;
static struct conn conns[MAX_CONNS];
static struct request *delayed;
static FILE *log_file, *payload_file;
static uint64_t seq, payload_used;

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
	va_list args;

	fputs("drive: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const char *type_name(unsigned int type)
{
	static const char *const names[] = {
		[CMD_READ] = "read",   [CMD_WRITE] = "write", [CMD_DISC] = "disconnect",
		[CMD_FLUSH] = "flush", [CMD_TRIM] = "trim",   [CMD_WRITE_ZEROES] = "zeroes",
	};

	if (type < sizeof(names) / sizeof(names[0]) && names[type])
		return names[type];
	return "unknown";
}

static void log_request(const char *event, const struct request *r, uint64_t payload)
{
	fprintf(log_file,
		"%" PRIu64 "\t%" PRId64 "\t%s\t%s\t%s\t%" PRIu64 "\t%" PRIu32 "\t%d\t%" PRIu64
		"\t%" PRIu32 "\t%" PRIu64 "\n",
		++seq, now_ns(), event, r->conn->disk->name, type_name(r->type), r->offset,
		r->length, r->flags & CMD_FLAG_FUA, r->seq, r->error, payload);
}

/* --- buffers --- */

static void buffer_add(struct buffer *b, const void *data, size_t size)
{
	if (b->used + size > b->size) {
		b->size = (b->used + size) * 2;
		b->data = realloc(b->data, b->size);
		if (!b->data)
			die("out of memory");
	}
	memcpy(b->data + b->used, data, size);
	b->used += size;
}

static void buffer_drop(struct buffer *b, size_t size)
{
	b->used -= size;
	memmove(b->data, b->data + size, b->used);
}

static void add16(struct buffer *b, uint16_t v)
{
	v = htobe16(v);
	buffer_add(b, &v, sizeof(v));
}

static void add32(struct buffer *b, uint32_t v)
{
	v = htobe32(v);
	buffer_add(b, &v, sizeof(v));
}

static void add64(struct buffer *b, uint64_t v)
{
	v = htobe64(v);
	buffer_add(b, &v, sizeof(v));
}

static uint64_t get(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

/* --- requests --- */

static void answer(struct request *r)
{
	struct buffer *out = &r->conn->out;

	log_request("acknowledged", r, 0);
	add32(out, SIMPLE_REPLY_MAGIC);
	add32(out, r->error);
	add64(out, r->handle);
	if (r->type == CMD_READ && !r->error)
		buffer_add(out, r->conn->disk->data + r->offset, r->length);
}

static bool count_down(unsigned int *left)
{
	return *left && !--*left;
}

static bool is_to_fail(struct disk *disk, unsigned int *left)
{
	if (!count_down(left))
		return false;
	if (disk->fail_again) {
		disk->fail_again--;
		*left = 1;
	}
	return true;
}

static uint32_t execute(const struct request *r, const uint8_t *payload)
{
	struct disk *disk = r->conn->disk;

	if (r->offset > disk->size || r->length > disk->size - r->offset)
		return EINVAL;
	switch (r->type) {
	case CMD_READ:
		return r->length > MAX_REQUEST ? EINVAL : 0;
	case CMD_TRIM:
		return 0;
	case CMD_FLUSH:
		return is_to_fail(disk, &disk->fail_flush) ? EIO : 0;
	case CMD_WRITE:
		if (is_to_fail(disk, &disk->fail_write))
			return EIO;
		memcpy(disk->data + r->offset, payload, r->length);
		return 0;
	case CMD_WRITE_ZEROES:
		if (is_to_fail(disk, &disk->fail_write))
			return EIO;
		memset(disk->data + r->offset, 0, r->length);
		return 0;
	}
	return EINVAL;
}

static void receive(const struct request *incoming, const uint8_t *payload)
{
	struct request r = *incoming, *later;
	struct disk *disk = r.conn->disk;
	unsigned int delay_ms = 0;

	r.seq = seq + 1;
	log_request("received", &r, payload_used);
	if (r.type == CMD_WRITE && payload_file) {
		fwrite(payload, 1, r.length, payload_file);
		payload_used += r.length;
	}
	if (r.type == CMD_FLUSH && count_down(&disk->vanish_flush)) {
		r.conn->closing = true;
		r.conn->out.used = 0;
		return;
	}
	r.error = execute(&r, payload);
	if (r.type == CMD_FLUSH)
		delay_ms = disk->delay_flush_ms;
	else if (r.type == CMD_WRITE || r.type == CMD_WRITE_ZEROES)
		delay_ms = disk->delay_write_ms;
	if (!delay_ms) {
		answer(&r);
		return;
	}
	later = malloc(sizeof(*later));
	if (!later)
		die("out of memory");
	*later = r;
	later->due_ns = now_ns() + delay_ms * 1000000LL;
	later->next = delayed;
	delayed = later;
}

/* Answers what is due, oldest first; returns the wait for poll(). */
static int answer_due(void)
{
	for (;;) {
		struct request **oldest = NULL, *r;
		int64_t left;

		for (struct request **p = &delayed; *p; p = &(*p)->next)
			if (!oldest || (*p)->due_ns < (*oldest)->due_ns ||
			    ((*p)->due_ns == (*oldest)->due_ns && (*p)->seq < (*oldest)->seq))
				oldest = p;
		if (!oldest)
			return -1;
		left = (*oldest)->due_ns - now_ns();
		if (left > 0)
			return (int)(left / 1000000) + 1;
		r = *oldest;
		*oldest = r->next;
		answer(r);
		free(r);
	}
}

static uint16_t transmission_flags(const struct disk *disk)
{
	return HAS_FLAGS | SEND_TRIM | SEND_WRITE_ZEROES | (disk->no_flush ? 0 : SEND_FLUSH) |
	       (disk->no_fua ? 0 : SEND_FUA);
}

/* --- the conversation; each step eats one whole message or returns false --- */

static bool step_client_flags(struct conn *c)
{
	if (c->in.used < 4)
		return false;
	c->no_zeroes = get(c->in.data, 4) & NO_ZEROES;
	buffer_drop(&c->in, 4);
	c->phase = OPTIONS;
	return true;
}

static void option_reply(struct conn *c, uint32_t option, uint32_t type, uint32_t length)
{
	add64(&c->out, NBD_REPLY_MAGIC);
	add32(&c->out, option);
	add32(&c->out, type);
	add32(&c->out, length);
}

static bool step_option(struct conn *c)
{
	static const uint8_t zeroes[124];
	uint32_t option, length;

	if (c->in.used < 16)
		return false;
	option = get(c->in.data + 8, 4);
	length = get(c->in.data + 12, 4);
	if (get(c->in.data, 8) != NBD_OPTION_MAGIC || length > 4096) {
		c->closing = true;
		return false;
	}
	if (c->in.used < 16 + length)
		return false;
	buffer_drop(&c->in, 16 + length);
	switch (option) {
	case OPT_EXPORT_NAME:
		add64(&c->out, c->disk->size);
		add16(&c->out, transmission_flags(c->disk));
		if (!c->no_zeroes)
			buffer_add(&c->out, zeroes, sizeof(zeroes));
		c->phase = REQUESTS;
		break;
	case OPT_INFO:
	case OPT_GO:
		option_reply(c, option, REP_INFO, 12);
		add16(&c->out, 0); /* NBD_INFO_EXPORT */
		add64(&c->out, c->disk->size);
		add16(&c->out, transmission_flags(c->disk));
		option_reply(c, option, REP_ACK, 0);
		if (option == OPT_GO)
			c->phase = REQUESTS;
		break;
	case OPT_ABORT:
		option_reply(c, option, REP_ACK, 0);
		c->closing = true;
		break;
	default:
		option_reply(c, option, REP_ERR_UNSUP, 0);
	}
	return true;
}

static bool step_request(struct conn *c)
{
	struct request r = {.conn = c};
	size_t whole = 28;

	if (c->in.used < whole)
		return false;
	r.flags = get(c->in.data + 4, 2);
	r.type = get(c->in.data + 6, 2);
	r.handle = get(c->in.data + 8, 8);
	r.offset = get(c->in.data + 16, 8);
	r.length = get(c->in.data + 24, 4);
	if (r.type == CMD_WRITE)
		whole += r.length;
	if (get(c->in.data, 4) != REQUEST_MAGIC || r.type == CMD_DISC || whole > MAX_REQUEST + 28) {
		c->closing = true;
		return false;
	}
	if (c->in.used < whole)
		return false;
	receive(&r, c->in.data + 28);
	buffer_drop(&c->in, whole);
	return true;
}

/* All zeroes, no fault or delay to come. */
static bool wipe(struct disk *disk)
{
	disk->fail_flush = disk->fail_write = disk->fail_again = disk->vanish_flush = 0;
	disk->delay_flush_ms = disk->delay_write_ms = 0;
	return disk->data && !madvise(disk->data, disk->size, MADV_REMOVE);
}

/* Applies "name" or "name=value"; false if there is no such option. */
static bool set_option(struct disk *disk, const char *option)
{
	static const struct {
		const char *name;
		size_t field;
	} numbers[] = {
		{"fail-flush=", offsetof(struct disk, fail_flush)},
		{"fail-write=", offsetof(struct disk, fail_write)},
		{"fail-again=", offsetof(struct disk, fail_again)},
		{"vanish-flush=", offsetof(struct disk, vanish_flush)},
		{"delay-flush=", offsetof(struct disk, delay_flush_ms)},
		{"delay-write=", offsetof(struct disk, delay_write_ms)},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		size_t length = strlen(numbers[i].name);
		unsigned int *field = (void *)((char *)disk + numbers[i].field);
		char *end;

		if (strncmp(option, numbers[i].name, length) != 0)
			continue;
		*field = strtoul(option + length, &end, 10);
		return !*end && end > option + length;
	}
	if (!strcmp(option, "no-flush"))
		disk->no_flush = true;
	else if (!strcmp(option, "no-fua"))
		disk->no_fua = true;
	else if (!strcmp(option, "wipe"))
		return wipe(disk);
	else
		return false;
	return true;
}

static struct disk *find_disk(const char *name)
{
	for (int i = 0; i < disk_count; i++)
		if (!strcmp(disks[i].name, name))
			return &disks[i];
	return NULL;
}

static bool step_marker(struct conn *c)
{
	char line[256], word[8], name[128], option[64] = "";
	uint8_t *end = memchr(c->in.data, '\n', c->in.used);
	size_t length = end ? (size_t)(end - c->in.data) : 0;
	const char *reply = "error\n";
	struct disk *disk;
	int words;

	if (!end)
		return false;
	snprintf(line, sizeof(line), "%.*s", (int)length, (char *)c->in.data);
	buffer_drop(&c->in, length + 1);
	words = sscanf(line, "%7s %127s %63s", word, name, option);
	if (words == 2 && !strcmp(word, "mark")) {
		fprintf(log_file, "%" PRIu64 "\t%" PRId64 "\tmark\t-\t%s\t0\t0\t0\t0\t0\t0\n",
			++seq, now_ns(), name);
		reply = "ok\n";
	} else if (words == 3 && !strcmp(word, "set")) {
		disk = find_disk(name);
		if (disk && set_option(disk, option)) {
			fprintf(log_file,
				"%" PRIu64 "\t%" PRId64 "\tset\t%s\t%s\t0\t0\t0\t0\t0\t0\n", ++seq,
				now_ns(), name, option);
			reply = "ok\n";
		}
	}
	/* What the guest was told must be there even if this process is killed. */
	fflush(log_file);
	buffer_add(&c->out, reply, strlen(reply));
	return true;
}

static bool step(struct conn *c)
{
	if (c->closing || !c->in.used)
		return false;
	switch (c->phase) {
	case CLIENT_FLAGS:
		return step_client_flags(c);
	case OPTIONS:
		return step_option(c);
	case REQUESTS:
		return step_request(c);
	case MARKER:
		return step_marker(c);
	}
	return false;
}

/* --- connections --- */

static void conn_close(struct conn *c)
{
	struct request **p = &delayed;

	while (*p) {
		struct request *r = *p;

		if (r->conn != c) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		free(r);
	}
	close(c->fd);
	free(c->in.data);
	free(c->out.data);
	*c = (struct conn){.fd = -1};
}

static void conn_accept(int listener, struct disk *disk)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *c = NULL;
	int one = 1;

	if (fd < 0)
		return;
	for (int i = 0; i < MAX_CONNS && !c; i++)
		if (conns[i].fd < 0)
			c = &conns[i];
	if (!c) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*c = (struct conn){.fd = fd, .disk = disk, .phase = disk ? CLIENT_FLAGS : MARKER};
	if (disk) {
		buffer_add(&c->out, "NBDMAGICIHAVEOPT", 16);
		add16(&c->out, FIXED_NEWSTYLE | NO_ZEROES);
	}
}

static void conn_read(struct conn *c)
{
	static uint8_t chunk[1 << 20];
	ssize_t n = read(c->fd, chunk, sizeof(chunk));

	if (n > 0) {
		buffer_add(&c->in, chunk, n);
		while (step(c))
			;
	} else if (n == 0 || errno != EAGAIN) {
		c->closing = true;
		c->out.used = 0;
	}
}

static void conn_write(struct conn *c)
{
	ssize_t n = send(c->fd, c->out.data, c->out.used, MSG_NOSIGNAL);

	if (n > 0) {
		buffer_drop(&c->out, n);
	} else if (errno != EAGAIN) {
		c->closing = true;
		c->out.used = 0;
	}
}

/* --- set-up --- */

static int listen_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		die("socket path too long: %s", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
		die("%s: %s", path, strerror(errno));
	return fd;
}

static int listen_tcp(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&address, &length))
		die("tcp: %s", strerror(errno));
	*port = ntohs(address.sin_port);
	return fd;
}

static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t size = strtoull(text, &end, 10);

	if (*end == 'M')
		size <<= 20;
	else if (*end == 'G')
		size <<= 30;
	else if (*end)
		die("bad size: %s", text);
	if (!size || size % 4096)
		die("bad size: %s", text);
	return size;
}

static void add_disk(char *spec)
{
	struct disk *disk = &disks[disk_count];
	char *name = strsep(&spec, "="), *address = strsep(&spec, ","), *size = strsep(&spec, ",");
	const char *file = NULL;
	char *option;
	int memory;

	if (disk_count == MAX_DISKS || !address || !size || strlen(name) >= sizeof(disk->name) ||
	    strlen(address) >= sizeof(disk->address))
		die("bad --disk, want NAME=SOCKET,SIZE[,OPTION...]");
	snprintf(disk->name, sizeof(disk->name), "%s", name);
	snprintf(disk->address, sizeof(disk->address), "%s", address);
	disk->size = parse_size(size);
	while ((option = strsep(&spec, ","))) {
		if (!strncmp(option, "file=", 5))
			file = option + 5;
		else if (!set_option(disk, option))
			die("%s: no option '%s'", name, option);
	}
	memory = file ? open(file, O_RDWR | O_CLOEXEC) : memfd_create(name, MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, disk->size))
		die("%s: %s", file ? file : name, strerror(errno));
	disk->data = mmap(NULL, disk->size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	close(memory);
	if (disk->data == MAP_FAILED)
		die("%s: %s", name, strerror(errno));
	if (!strcmp(address, "tcp"))
		disk->listener = listen_tcp(&disk->port);
	else
		disk->listener = listen_unix(address);
	disk_count++;
}

static FILE *create(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		die("%s: %s", path, strerror(errno));
	return file;
}

/* The ports of the TCP disks; that the file is there means all listen. */
static void tell_ready(const char *path)
{
	char part[4096];
	FILE *file;

	snprintf(part, sizeof(part), "%s.part", path);
	file = create(part);
	for (int i = 0; i < disk_count; i++)
		if (disks[i].port)
			fprintf(file, "%s %d\n", disks[i].name, disks[i].port);
	if (fclose(file) || rename(part, path))
		die("%s: %s", path, strerror(errno));
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void serve(int signals, int marker)
{
	struct pollfd fds[2 + MAX_DISKS + MAX_CONNS];

	for (;;) {
		int timeout = answer_due();
		struct pollfd *p = fds;

		*p++ = (struct pollfd){.fd = signals, .events = POLLIN};
		*p++ = (struct pollfd){.fd = marker, .events = POLLIN};
		for (int i = 0; i < disk_count; i++)
			*p++ = (struct pollfd){.fd = disks[i].listener, .events = POLLIN};
		for (int i = 0; i < MAX_CONNS; i++)
			*p++ = (struct pollfd){.fd = conns[i].fd,
					       .events =
						       POLLIN | (conns[i].out.used ? POLLOUT : 0)};
		if (poll(fds, p - fds, timeout) < 0)
			die("poll: %s", strerror(errno));
		if (fds[0].revents)
			return;
		/* Connections first: an accept may reuse a slot of this round. */
		p = fds + 2 + disk_count;
		for (int i = 0; i < MAX_CONNS; i++, p++) {
			struct conn *c = &conns[i];

			if (c->fd < 0)
				continue;
			if (p->revents & (POLLIN | POLLHUP | POLLERR))
				conn_read(c);
			if (c->out.used)
				conn_write(c);
			if (c->closing && !c->out.used)
				conn_close(c);
		}
		if (fds[1].revents)
			conn_accept(marker, NULL);
		for (int i = 0; i < disk_count; i++)
			if (fds[2 + i].revents)
				conn_accept(disks[i].listener, &disks[i]);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"disk", required_argument, NULL, 'd'},	 {"marker", required_argument, NULL, 'm'},
		{"log", required_argument, NULL, 'l'},	 {"payload", required_argument, NULL, 'p'},
		{"ready", required_argument, NULL, 'r'}, {},
	};
	const char *ready = NULL;
	int marker = -1, option, signals = catch_signals();

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			add_disk(optarg);
		else if (option == 'm')
			marker = listen_unix(optarg);
		else if (option == 'l')
			log_file = create(optarg);
		else if (option == 'p')
			payload_file = create(optarg);
		else if (option == 'r')
			ready = optarg;
		else
			return 2;
	}
	if (!log_file || optind != argc)
		die("want --log FILE and no other words");
	fprintf(log_file, "# drive-log 1\n");
	for (int i = 0; i < MAX_CONNS; i++)
		conns[i].fd = -1;
	if (ready)
		tell_ready(ready);
	serve(signals, marker);
	fprintf(log_file, "# end\n");
	if (fclose(log_file) || (payload_file && fclose(payload_file)))
		die("log: %s", strerror(errno));
	return 0;
}
