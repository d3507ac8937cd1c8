// SPDX-License-Identifier: GPL-2.0-only
/* Checks whether what one sync call promised is there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "player.h"

#define BLANKS " \t\n"

/* Why the first promise that is broken is. */
static char *why;

static __attribute__((format(printf, 1, 2))) bool lost(const char *format, ...)
{
	va_list args;

	free(why);
	va_start(args, format);
	if (vasprintf(&why, format, args) < 0)
		fail("memory");
	va_end(args);
	return false;
}

static const char *word(char **rest)
{
	const char *text = strtok_r(NULL, BLANKS, rest);

	if (!text)
		reject("a promise ends early");
	return text;
}

static uint64_t digits(const char **text, int base, char end)
{
	char *after;
	uint64_t n;

	errno = 0;
	n = strtoull(*text, &after, base);
	/* The last piece ends the text. */
	if (errno || after == *text || (*after != end && !(end == ',' && !*after)))
		reject("not a range: %s", *text);
	*text = after + (*after != '\0');
	return n;
}

struct piece {
	uint64_t offset, size, hash;
};

/* PIECES becomes "OFF+LEN:HASH,..." after the next; false after the last. */
static bool next_piece(const char **pieces, struct piece *piece)
{
	if (!**pieces || !strcmp(*pieces, "-"))
		return false;
	piece->offset = digits(pieces, 10, '+');
	piece->size = digits(pieces, 10, ':');
	piece->hash = digits(pieces, 16, ',');
	return true;
}

static bool check_piece(int fd, const char *name, const struct piece *piece)
{
	static char data[64 * 1024];
	uint64_t hash = HASH_START, offset = piece->offset, end = offset + piece->size;
	bool zeros = true;

	while (offset < end) {
		size_t want = end - offset < sizeof(data) ? end - offset : sizeof(data);
		ssize_t n = pread(fd, data, want, offset);

		if (n < 0)
			return lost("%s: %" PRIu64 "+%zu cannot be read: %s", name, offset, want,
				    strerror(errno));
		if (!n)
			return lost("%s: %" PRIu64 "+%" PRIu64 " ends at %" PRIu64, name,
				    piece->offset, piece->size, offset);
		for (ssize_t i = 0; i < n && zeros; i++)
			zeros = !data[i];
		hash = hash_more(hash, data, n);
		offset += n;
	}
	if (hash != piece->hash)
		return lost("%s: %" PRIu64 "+%" PRIu64 " differs%s", name, piece->offset,
			    piece->size, zeros ? " (zeros)" : "");
	return true;
}

static bool check_pieces(int fd, const char *name, const char *pieces)
{
	struct piece piece;

	while (next_piece(&pieces, &piece))
		if (!check_piece(fd, name, &piece))
			return false;
	return true;
}

static bool check_size(const char *name, const char *size, uint64_t real)
{
	bool least = !strncmp(size, ">=", 2);
	uint64_t expected;

	if (!strcmp(size, "-"))
		return true;
	expected = number(size + (least ? 2 : 0));
	if (least ? real >= expected : real == expected)
		return true;
	return lost("%s: size is %" PRIu64 " not %s", name, real, size);
}

static bool check_name(const char *name, const char *size, const char *pieces)
{
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	bool right;

	if (fd < 0)
		return lost("%s: %s", name, strerror(errno));
	if (fstat(fd, &status))
		right = lost("%s: %s", name, strerror(errno));
	else if (!S_ISREG(status.st_mode))
		right = lost("%s: not a file", name);
	else
		right = check_size(name, size, status.st_size) && check_pieces(fd, name, pieces);
	close(fd);
	return right;
}

static bool check_file(char **rest, bool must_exist)
{
	const char *size = word(rest), *pieces = word(rest), *name = word(rest);
	bool right = false, exists = false;
	char *first = NULL;

	/* If none is right, what is wrong with a name that exists says more. */
	for (; name && !right; name = strtok_r(NULL, BLANKS, rest)) {
		struct stat status;
		bool there = !lstat(name, &status);

		right = check_name(name, size, pieces);
		exists |= there;
		if (!right && (!first || (there && strstr(first, "No such")))) {
			free(first);
			first = must(strdup(why));
		}
	}
	right |= !exists && !must_exist;
	if (!right)
		lost("file %s", first);
	free(first);
	return right;
}

/* By what the directory lists: without a journal the file may be in no state to be looked at. */
static bool has_entry(const char *dir, const char *name)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	bool found = false;

	while (list && !found && (entry = readdir(list)))
		found = !strcmp(entry->d_name, name);
	if (list)
		closedir(list);
	return found;
}

static bool check_entries(char **rest, bool there)
{
	const char *dir = word(rest), *name = word(rest);

	for (; name; name = strtok_r(NULL, BLANKS, rest)) {
		bool found = has_entry(dir, name);

		if (found != there)
			return lost("directory %s: %s is %s", dir, name,
				    there ? "missing" : "not gone");
	}
	return true;
}

static bool check_device(const char *device, char **rest)
{
	const char *pieces = word(rest);
	bool right;
	int fd;

	if (!device)
		reject("a promise about the device needs --device");
	fd = open(device, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return lost("device: %s", strerror(errno));
	right = check_pieces(fd, "device", pieces);
	close(fd);
	return right;
}

/* The whole input is looked at, so that it is malformed whatever is lost. */
static void check_format(const char *text)
{
	char *copy = must(strdup(text)), *rest = NULL;
	const char *type = strtok_r(copy, BLANKS, &rest), *size, *pieces;
	struct piece piece;

	if (type && (strlen(type) != 1 || !strchr("FfDGB", *type)))
		reject("no such promise: %s", type);
	if (type && strchr("Ff", *type)) {
		size = word(&rest);
		if (strcmp(size, "-") != 0)
			number(size + (strncmp(size, ">=", 2) ? 0 : 2));
	}
	if (type && strchr("FfB", *type)) {
		pieces = word(&rest);
		while (next_piece(&pieces, &piece))
			;
	}
	if (type && strchr("DG", *type))
		word(&rest);
	if (type && *type != 'B')
		word(&rest);
	free(copy);
}

static bool check(const char *device, char *line)
{
	char *rest = NULL;
	const char *type = strtok_r(line, BLANKS, &rest);

	if (!type)
		return true;
	switch (*type) {
	case 'F':
	case 'f':
		return check_file(&rest, *type == 'F');
	case 'B':
		return check_device(device, &rest);
	default:
		return check_entries(&rest, *type == 'D');
	}
}

int verify(const char *dir, const char *device)
{
	char **lines = NULL, *line = NULL;
	size_t count = 0, size = 0;
	bool right = true;

	while (getline(&line, &size, stdin) >= 0) {
		check_format(line);
		lines = must(realloc(lines, (count + 1) * sizeof(*lines)));
		lines[count++] = must(strdup(line));
		if (line[0] != 'B' && !dir)
			reject("a promise about files needs --dir");
	}
	free(line);
	if (dir && chdir(dir))
		right = lost("%s: %s", dir, strerror(errno));
	for (size_t i = 0; i < count; i++) {
		right = right && check(device, lines[i]);
		free(lines[i]);
	}
	free(lines);
	if (right)
		puts("survived");
	else
		printf("lost: %s\n", why);
	free(why);
	return 0;
}
