/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_ELFDYN_H
#define FLUSHAUDIT_ELFDYN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The dynamic symbols of a 64-bit ELF file, found as the dynamic linker finds them: by
 * program headers and hash tables, never by section headers. Nothing in the file is trusted.
 */
struct elfdyn {
	/* Reads @size bytes at @offset; returns how many there were, less than 0: none. */
	ssize_t (*read)(void *ctx, void *out, size_t size, uint64_t offset);
	void *ctx;
	/* Set by elfdyn_open. */
	uint16_t machine; /* EM_... */
	uint64_t program_headers;
	uint16_t nr_program_headers;
	uint64_t symbols, strings, strings_size, hash, gnu_hash, soname; /* addresses */
	bool has_soname;
};

struct elfdyn_symbol {
	uint64_t address;
	uint64_t size;
	bool is_code; /* a function with a body; not one that is chosen when it is loaded */
};

/* False: not such a file, or one without dynamic symbols. */
bool elfdyn_open(struct elfdyn *elf);

/* Does it define a function of that name for others to use? */
bool elfdyn_find(const struct elfdyn *elf, const char *name, struct elfdyn_symbol *symbol);

/* Bytes of the file as they are loaded at @address. Returns how many. */
size_t elfdyn_bytes(const struct elfdyn *elf, void *out, size_t size, uint64_t address);

/* The name it goes by among libraries, cut to @size; empty: none. */
void elfdyn_soname(const struct elfdyn *elf, char *out, size_t size);

#endif
