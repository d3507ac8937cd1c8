// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays the judge's scripts inside the guest, and checks what they promised.
 *
 *	player play --dir DIR [--device DEV] --script FILE --history FILE
 *		    [--marks PREFIX] [--keep-going]
 *	player verify [--dir DIR] [--device DEV]	promises of a call on stdin
 *	player ask LINE...				a question to the drive
 *	player storm --dir DIR --threads T --calls N --seed S [--background B]
 *
 * A script's lines are "T OP ARGS" with T a thread (0..63), or p for what is
 * done before they start; the operations are in ops.c. Each sync call that
 * returned is followed by the mark PREFIX-N before its thread does anything
 * else. PLAYER_MARKER is the drive's port if not the usual one, or "none".
 *
 * The history has, tab separated, for each sync call in the order of marks, and for each
 * file when all is over (kind end, line 0)
 *
 *	C N TID KIND RET BEGIN_NS END_NS PATH LINE
 *
 * and, if it succeeded, what must be found after a power cut from then on:
 *
 *	F SIZE PIECES NAME...	a file under one of these names at least; SIZE is
 *				exact, or ">=N", or "-" for any; f in its place: if
 *				there is any such name at all
 *	D DIR NAME...		names in a directory
 *	G DIR NAME...		names no longer in it
 *	B PIECES		content of the device
 *
 * PIECES are OFFSET+LENGTH:HASH (FNV-1a, 64 bits), separated by commas, or "-"
 * for none. Other operations leave a line only if the filesystem lacks them (S)
 * or they failed (E): "S|E OP PATH ERRNO LINE". At the end there is a line "N NAME"
 * for each name that the file system has, in whatever directory, or "E names . ERRNO 0"
 * where they cannot be listed; the last one is END.
 *
 * Exit 0; 1 with a message when something failed, 2 for senseless input.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "player.h"

void reject(const char *format, ...)
{
	va_list args;

	fputs("player: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\n", stderr);
	exit(2);
}

void *must(void *memory)
{
	if (!memory)
		fail("memory");
	return memory;
}

/* With K, M or G. */
uint64_t number(const char *text)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end && (unit = strchr(units, *end))) {
		n <<= 10 * (unit - units + 1);
		end++;
	}
	if (errno || *end || text[0] < '0' || text[0] > '9')
		reject("not a number: %s", text);
	return n;
}

uint64_t hash_more(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 1099511628211ULL;
	return hash;
}

static int ask(char **words)
{
	const char *reply;
	char line[4096];
	size_t used = 0;

	for (; *words && used < sizeof(line); words++)
		used += snprintf(line + used, sizeof(line) - used, "%s%c", *words,
				 words[1] ? ' ' : '\n');
	if (used >= sizeof(line))
		reject("too long a line");
	send_line(line);
	while (strcmp(reply = receive_line(), ".") != 0) {
		/* It has no dot after what it does not understand. */
		if (!strcmp(reply, "error"))
			reject("drive refused: %.*s", (int)strcspn(line, "\n"), line);
		puts(reply);
	}
	return 0;
}

/* --- options --- */

static int usage(void)
{
	fprintf(stderr,
		"usage: player play --dir DIR [--device DEV] --script FILE --history FILE\n"
		"                   [--marks PREFIX] [--keep-going]\n"
		"       player verify [--dir DIR] [--device DEV] < PROMISES\n"
		"       player ask LINE...\n"
		"       player storm --dir DIR --threads T --calls N --seed S [--background B]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
						{"device", required_argument, NULL, 'D'},
						{"script", required_argument, NULL, 's'},
						{"history", required_argument, NULL, 'h'},
						{"marks", required_argument, NULL, 'm'},
						{"keep-going", no_argument, NULL, 'k'},
						{"threads", required_argument, NULL, 't'},
						{"calls", required_argument, NULL, 'c'},
						{"seed", required_argument, NULL, 'S'},
						{"background", required_argument, NULL, 'b'},
						{}};
	struct play_options p = {};
	struct storm_options s = {};
	const char *mode = argc > 1 ? argv[1] : "";
	int option;

	if (!strcmp(mode, "ask"))
		return argc > 2 ? ask(argv + 2) : usage();
	while ((option = getopt_long(argc - !!*mode, argv + !!*mode, "", options, NULL)) >= 0) {
		switch (option) {
		case 'd':
			p.dir = s.dir = optarg;
			break;
		case 'D':
			/* The working directory is going to change. */
			p.device = realpath(optarg, NULL);
			if (!p.device)
				p.device = optarg;
			break;
		case 's':
			p.script = optarg;
			break;
		case 'h':
			p.history = optarg;
			break;
		case 'm':
			p.marks = optarg;
			break;
		case 'k':
			p.keep_going = true;
			break;
		case 't':
			s.threads = number(optarg);
			break;
		case 'c':
			s.calls = number(optarg);
			break;
		case 'S':
			s.seed = number(optarg);
			break;
		case 'b':
			s.background = number(optarg);
			break;
		default:
			return usage();
		}
	}
	if (optind != argc - !!*mode)
		return usage();
	if (!strcmp(mode, "play") && p.dir && p.script && p.history)
		return play(&p);
	if (!strcmp(mode, "verify"))
		return verify(p.dir, p.device);
	if (!strcmp(mode, "storm") && s.dir && s.threads > 0 && s.calls > 0)
		return storm(&s);
	return usage();
}
