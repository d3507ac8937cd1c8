// SPDX-License-Identifier: GPL-2.0-only
#include "elfdyn.h"

#include <elf.h>
#include <string.h>

#define MAX_PROGRAM_HEADERS 256
#define MAX_DYNAMIC	    4096
#define MAX_CHAIN	    65536
#define MAX_NAME	    64

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ORDER ELFDATA2LSB
#else
#define OWN_ORDER ELFDATA2MSB
#endif

static bool read_all(const struct elfdyn *elf, void *out, size_t size, uint64_t offset)
{
	return elf->read(elf->ctx, out, size, offset) == (ssize_t)size;
}

static bool program_header(const struct elfdyn *elf, uint16_t index, Elf64_Phdr *out)
{
	return read_all(elf, out, sizeof(*out),
			elf->program_headers + (uint64_t)index * sizeof(*out));
}

size_t elfdyn_bytes(const struct elfdyn *elf, void *out, size_t size, uint64_t address)
{
	Elf64_Phdr header;
	ssize_t got;
	uint16_t i;

	for (i = 0; i < elf->nr_program_headers && program_header(elf, i, &header); i++) {
		if (header.p_type != PT_LOAD || address < header.p_vaddr ||
		    address - header.p_vaddr >= header.p_filesz)
			continue;
		if (size > header.p_filesz - (address - header.p_vaddr))
			size = header.p_filesz - (address - header.p_vaddr);
		got = elf->read(elf->ctx, out, size, header.p_offset + (address - header.p_vaddr));
		return got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static bool load(const struct elfdyn *elf, void *out, size_t size, uint64_t address)
{
	return elfdyn_bytes(elf, out, size, address) == size;
}

static void note_entry(struct elfdyn *elf, const Elf64_Dyn *entry)
{
	switch (entry->d_tag) {
	case DT_SYMTAB:
		elf->symbols = entry->d_un.d_ptr;
		break;
	case DT_STRTAB:
		elf->strings = entry->d_un.d_ptr;
		break;
	case DT_STRSZ:
		elf->strings_size = entry->d_un.d_val;
		break;
	case DT_HASH:
		elf->hash = entry->d_un.d_ptr;
		break;
	case DT_GNU_HASH:
		elf->gnu_hash = entry->d_un.d_ptr;
		break;
	case DT_SONAME:
		elf->soname = entry->d_un.d_val;
		elf->has_soname = true;
		break;
	default:
		break;
	}
}

static void read_dynamic(struct elfdyn *elf, const Elf64_Phdr *header)
{
	Elf64_Dyn entry;
	uint64_t i;

	for (i = 0; i < MAX_DYNAMIC && i < header->p_filesz / sizeof(entry); i++) {
		if (!read_all(elf, &entry, sizeof(entry), header->p_offset + i * sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			return;
		note_entry(elf, &entry);
	}
}

bool elfdyn_open(struct elfdyn *elf)
{
	Elf64_Phdr header;
	Elf64_Ehdr file;
	uint16_t i;

	if (!read_all(elf, &file, sizeof(file), 0) || memcmp(file.e_ident, ELFMAG, SELFMAG) != 0 ||
	    file.e_ident[EI_CLASS] != ELFCLASS64 || file.e_ident[EI_DATA] != OWN_ORDER ||
	    file.e_phentsize != sizeof(header))
		return false;
	elf->machine = file.e_machine;
	elf->program_headers = file.e_phoff;
	elf->nr_program_headers =
		file.e_phnum < MAX_PROGRAM_HEADERS ? file.e_phnum : MAX_PROGRAM_HEADERS;
	for (i = 0; i < elf->nr_program_headers && program_header(elf, i, &header); i++)
		if (header.p_type == PT_DYNAMIC)
			read_dynamic(elf, &header);
	return elf->symbols && elf->strings && (elf->hash || elf->gnu_hash);
}

/* Is the symbol at @index a function of that name that others may use? */
static bool is_wanted(const struct elfdyn *elf, uint32_t index, const char *name,
		      struct elfdyn_symbol *out)
{
	size_t length = strlen(name) + 1;
	char found[MAX_NAME];
	Elf64_Sym symbol;
	unsigned type;

	if (length > sizeof(found) ||
	    !load(elf, &symbol, sizeof(symbol), elf->symbols + (uint64_t)index * sizeof(symbol)))
		return false;
	type = ELF64_ST_TYPE(symbol.st_info);
	if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol.st_info) == STB_LOCAL ||
	    ELF64_ST_VISIBILITY(symbol.st_other) == STV_HIDDEN ||
	    ELF64_ST_VISIBILITY(symbol.st_other) == STV_INTERNAL ||
	    (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
	    symbol.st_name >= elf->strings_size ||
	    !load(elf, found, length, elf->strings + symbol.st_name) ||
	    memcmp(found, name, length) != 0)
		return false;
	out->address = symbol.st_value;
	out->size = symbol.st_size;
	out->is_code = type == STT_FUNC;
	return true;
}

static uint32_t hash_gnu(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static uint32_t hash_sysv(const char *name)
{
	uint32_t hash = 0;

	for (; *name; name++) {
		hash = (hash << 4) + (unsigned char)*name;
		hash ^= (hash >> 24) & 0xf0;
		hash &= 0x0fffffff;
	}
	return hash;
}

/* Four words, a filter, the buckets, then for each symbol from the first hashed one on its
 * hash, the lowest bit of which ends a chain. */
static bool find_gnu(const struct elfdyn *elf, const char *name, struct elfdyn_symbol *symbol)
{
	uint32_t head[4], hash = hash_gnu(name), index, link, i;
	uint64_t buckets, chains;

	if (!load(elf, head, sizeof(head), elf->gnu_hash) || !head[0])
		return false;
	buckets = elf->gnu_hash + sizeof(head) + (uint64_t)head[2] * sizeof(uint64_t);
	chains = buckets + (uint64_t)head[0] * sizeof(index);
	if (!load(elf, &index, sizeof(index),
		  buckets + (uint64_t)(hash % head[0]) * sizeof(index)) ||
	    index < head[1])
		return false;
	for (i = 0; i < MAX_CHAIN; i++, index++) {
		if (!load(elf, &link, sizeof(link),
			  chains + (uint64_t)(index - head[1]) * sizeof(link)))
			return false;
		if ((link | 1) == (hash | 1) && is_wanted(elf, index, name, symbol))
			return true;
		if (link & 1)
			return false;
	}
	return false;
}

/* Two words, the buckets, then for each symbol the next of its chain. */
static bool find_sysv(const struct elfdyn *elf, const char *name, struct elfdyn_symbol *symbol)
{
	uint32_t head[2], index, i;
	uint64_t buckets, chains;

	if (!load(elf, head, sizeof(head), elf->hash) || !head[0])
		return false;
	buckets = elf->hash + sizeof(head);
	chains = buckets + (uint64_t)head[0] * sizeof(index);
	if (!load(elf, &index, sizeof(index),
		  buckets + (uint64_t)(hash_sysv(name) % head[0]) * sizeof(index)))
		return false;
	for (i = 0; i < MAX_CHAIN && index; i++) {
		if (is_wanted(elf, index, name, symbol))
			return true;
		if (!load(elf, &index, sizeof(index), chains + (uint64_t)index * sizeof(index)))
			return false;
	}
	return false;
}

bool elfdyn_find(const struct elfdyn *elf, const char *name, struct elfdyn_symbol *symbol)
{
	return elf->gnu_hash ? find_gnu(elf, name, symbol) : find_sysv(elf, name, symbol);
}

void elfdyn_soname(const struct elfdyn *elf, char *out, size_t size)
{
	size_t got = 0;

	if (elf->has_soname && elf->soname < elf->strings_size)
		got = elfdyn_bytes(elf, out, size - 1, elf->strings + elf->soname);
	out[got] = '\0';
}
