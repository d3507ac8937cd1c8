// SPDX-License-Identifier: GPL-2.0-only
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "elfdyn.h"
#include "library.h"
#include "seed.h"

/* --- a small library, put together by hand --- */

struct tiny {
	Elf64_Ehdr file;
	Elf64_Phdr segments[2];
	Elf64_Dyn dynamic[7];
	Elf64_Sym symbols[4];
	uint32_t sysv[2 + 1 + 4];
	char strings[64];
	uint8_t code[32];
};

#define AT(member) (offsetof(struct tiny, member))

static uint32_t add_string(struct tiny *tiny, const char *text)
{
	uint32_t at = (uint32_t)(strnlen(tiny->strings, 1) + 1);

	while (tiny->strings[at])
		at += (uint32_t)strlen(tiny->strings + at) + 1;
	assert_true(at + strlen(text) < sizeof(tiny->strings));
	memcpy(tiny->strings + at, text, strlen(text) + 1);
	return at;
}

/* Defines fsync, which is empty, fdatasync, which jumps away, and sync, for itself alone. */
static void make_tiny(struct tiny *tiny)
{
	static const uint8_t code[] = {0x31, 0xc0, 0xc3, 0xff, 0x25, 0, 0, 0, 0, 0xc3};
	const Elf64_Dyn dynamic[7] = {
		{DT_SYMTAB, {AT(symbols)}},
		{DT_STRTAB, {AT(strings)}},
		{DT_STRSZ, {sizeof(tiny->strings)}},
		{DT_HASH, {AT(sysv)}},
		{DT_SONAME, {0}},
		{DT_NULL, {0}},
	};
	const struct {
		const char *name;
		uint8_t offset, size, other;
	} functions[3] = {
		{"fsync", 0, 3, STV_DEFAULT},
		{"fdatasync", 3, 6, STV_DEFAULT},
		{"sync", 9, 1, STV_HIDDEN},
	};

	memset(tiny, 0, sizeof(*tiny));
	memcpy(tiny->file.e_ident, ELFMAG, SELFMAG);
	tiny->file.e_ident[EI_CLASS] = ELFCLASS64;
	tiny->file.e_ident[EI_DATA] = ELFDATA2LSB;
	tiny->file.e_machine = EM_X86_64;
	tiny->file.e_phoff = AT(segments);
	tiny->file.e_phentsize = sizeof(Elf64_Phdr);
	tiny->file.e_phnum = 2;
	tiny->segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_filesz = sizeof(*tiny), .p_memsz = sizeof(*tiny)};
	tiny->segments[1] = (Elf64_Phdr){
		.p_type = PT_DYNAMIC, .p_offset = AT(dynamic), .p_filesz = sizeof(tiny->dynamic)};
	memcpy(tiny->dynamic, dynamic, sizeof(dynamic));
	memcpy(tiny->code, code, sizeof(code));
	/* One bucket: all in one chain. */
	tiny->sysv[0] = 1;
	tiny->sysv[1] = 4;
	tiny->sysv[2] = 1;
	for (uint32_t i = 0; i < 3; i++) {
		tiny->symbols[i + 1] = (Elf64_Sym){
			.st_name = add_string(tiny, functions[i].name),
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_other = functions[i].other,
			.st_shndx = 1,
			.st_value = AT(code) + functions[i].offset,
			.st_size = functions[i].size,
		};
		tiny->sysv[3 + i + 1] = i < 2 ? i + 2 : 0;
	}
	tiny->dynamic[4].d_un.d_val = add_string(tiny, "libtiny.so.1");
}

static int put_in_memory(const void *data, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, 0), size);
	return fd;
}

static void read_memory(struct library *library, const void *data, size_t size)
{
	int fd = put_in_memory(data, size);

	library_read_fd(library, fd);
	close(fd);
}

static void a_small_library(void **state)
{
	struct library library;
	struct tiny tiny;

	(void)state;
	make_tiny(&tiny);
	read_memory(&library, &tiny, sizeof(tiny));
	assert_true(library.is_read);
	assert_int_equal(library.defines, 1 << LIBRARY_FSYNC | 1 << LIBRARY_FDATASYNC);
	assert_int_equal(library.is_empty, 1 << LIBRARY_FSYNC);
	assert_false(library.has_right);
	assert_string_equal(library.soname, "libtiny.so.1");
}

/* Wanting a function is not to define it. */
static void undefined_symbols(void **state)
{
	struct library library;
	struct tiny tiny;

	(void)state;
	make_tiny(&tiny);
	tiny.symbols[1].st_shndx = SHN_UNDEF;
	tiny.symbols[2].st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
	read_memory(&library, &tiny, sizeof(tiny));
	assert_int_equal(library.defines, 0);
	make_tiny(&tiny);
	tiny.symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
	tiny.symbols[2].st_info = ELF64_ST_INFO(STB_WEAK, STT_GNU_IFUNC);
	read_memory(&library, &tiny, sizeof(tiny));
	assert_int_equal(library.defines, 1 << LIBRARY_FDATASYNC);
	assert_int_equal(library.is_empty, 0);
}

static void no_library(void **state)
{
	static const char script[] = "#!/bin/sh\nexec true\n";
	struct library library;
	struct tiny tiny;

	(void)state;
	read_memory(&library, script, sizeof(script));
	assert_true(library.is_read);
	assert_int_equal(library.defines, 0);
	read_memory(&library, "", 0);
	assert_int_equal(library.defines, 0);
	make_tiny(&tiny);
	tiny.file.e_ident[EI_CLASS] = ELFCLASS32;
	read_memory(&library, &tiny, sizeof(tiny));
	assert_int_equal(library.defines, 0);
}

/* A chain that bites its tail must end. */
static void endless_chain(void **state)
{
	struct library library;
	struct tiny tiny;

	(void)state;
	make_tiny(&tiny);
	tiny.sysv[3 + 3] = 1;
	read_memory(&library, &tiny, sizeof(tiny));
	assert_int_equal(library.defines, 1 << LIBRARY_FSYNC | 1 << LIBRARY_FDATASYNC);
}

/* --- libraries of this machine --- */

struct loaded {
	const char *part; /* of its path */
	char path[256];
	uint64_t base;
};

static int find_loaded(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct loaded *loaded = ctx;

	(void)size;
	if (!strstr(info->dlpi_name, loaded->part))
		return 0;
	snprintf(loaded->path, sizeof(loaded->path), "%s", info->dlpi_name);
	loaded->base = info->dlpi_addr;
	return 1;
}

static ssize_t read_fd(void *ctx, void *out, size_t size, uint64_t offset)
{
	return offset > INT64_MAX ? -1 : pread(*(int *)ctx, out, size, (off_t)offset);
}

/* What the dynamic linker says of the C library is what is found in its file. */
static void as_the_dynamic_linker_has_it(void **state)
{
	static const char *const names[] = {"fsync", "fdatasync",	"syncfs", "msync",
					    "qsort", "sync_file_range", "getpid", "aio_fsync"};
	struct loaded loaded = {.part = "/libc.so.6"};
	struct elfdyn_symbol symbol;
	struct elfdyn elf = {.read = read_fd};
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	struct library library;
	int fd;

	(void)state;
	assert_non_null(libc);
	assert_int_equal(dl_iterate_phdr(find_loaded, &loaded), 1);
	fd = open(loaded.path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	elf.ctx = &fd;
	assert_true(elfdyn_open(&elf));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_true(elfdyn_find(&elf, names[i], &symbol));
		assert_int_equal(loaded.base + symbol.address, (uintptr_t)dlsym(libc, names[i]));
	}
	assert_false(elfdyn_find(&elf, "no_such_function", &symbol));
	library_read_fd(&library, fd);
	assert_true(library.defines & 1 << LIBRARY_FSYNC);
	assert_int_equal(library.is_empty, 0);
	assert_true(library.has_right);
	assert_string_equal(library.soname, "libc.so.6");
	close(fd);
	dlclose(libc);
}

/* --- which file is read --- */

static void only_what_was_mapped(void **state)
{
	char path[] = "/tmp/test_library.XXXXXX";
	struct event_mapped mapped = {0};
	struct library library;
	struct tiny tiny;
	struct stat st;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	make_tiny(&tiny);
	assert_int_equal(write(fd, &tiny, sizeof(tiny)), sizeof(tiny));
	assert_int_equal(fstat(fd, &st), 0);
	mapped.file.ino = st.st_ino;
	mapped.file.ctime_ns = st.st_ctim.tv_sec * 1000000000ULL + st.st_ctim.tv_nsec;
	library_read(&library, &mapped, path, false);
	assert_true(library.is_read);
	assert_int_equal(library.is_empty, 1 << LIBRARY_FSYNC);
	/* Another file of that name, or the same one changed. */
	mapped.file.ino++;
	library_read(&library, &mapped, path, false);
	assert_false(library.is_read);
	mapped.file.ino--;
	mapped.file.ctime_ns--;
	library_read(&library, &mapped, path, false);
	assert_false(library.is_read);
	library_read(&library, &mapped, NULL, false);
	assert_false(library.is_read);
	library_read(&library, &mapped, "test", false);
	assert_false(library.is_read);
	close(fd);
	unlink(path);
}

/* By the kernel's link, though the name is gone. */
static void deleted_but_mapped(void **state)
{
	char path[] = "/tmp/test_library.XXXXXX";
	struct event_mapped mapped = {.pid = (uint32_t)getpid()};
	struct library library;
	struct tiny tiny;
	struct stat st;
	void *address;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	make_tiny(&tiny);
	assert_int_equal(write(fd, &tiny, sizeof(tiny)), sizeof(tiny));
	address = mmap(NULL, sizeof(tiny), PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(address != MAP_FAILED);
	unlink(path);
	assert_int_equal(fstat(fd, &st), 0);
	mapped.address = (uintptr_t)address;
	mapped.file.ino = st.st_ino;
	mapped.file.ctime_ns = st.st_ctim.tv_sec * 1000000000ULL + st.st_ctim.tv_nsec;
	library_read(&library, &mapped, path, true);
	assert_true(library.is_read);
	assert_int_equal(library.is_empty, 1 << LIBRARY_FSYNC);
	library_read(&library, &mapped, path, false);
	assert_false(library.is_read);
	munmap(address, sizeof(tiny));
	close(fd);
}

/* What is no file must neither be read nor waited for. */
static void a_pipe_of_that_name(void **state)
{
	char directory[] = "/tmp/test_library.XXXXXX", path[64];
	struct event_mapped mapped = {0};
	struct library library;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/pipe", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(stat(path, &st), 0);
	mapped.file.ino = st.st_ino;
	mapped.file.ctime_ns = st.st_ctim.tv_sec * 1000000000ULL + st.st_ctim.tv_nsec;
	library_read(&library, &mapped, path, false);
	assert_false(library.is_read);
	unlink(path);
	rmdir(directory);
}

/* --- hostile files --- */

static ssize_t read_memory_at(void *ctx, void *out, size_t size, uint64_t offset)
{
	if (offset >= sizeof(struct tiny))
		return 0;
	if (size > sizeof(struct tiny) - offset)
		size = sizeof(struct tiny) - offset;
	memcpy(out, (const uint8_t *)ctx + offset, size);
	return (ssize_t)size;
}

static void hostile_files(void **state)
{
	uint64_t random = *(uint64_t *)*state, opened = 0, found = 0;
	struct elfdyn_symbol symbol;
	struct tiny tiny;
	char name[16];

	for (int i = 0; i < 300000; i++) {
		struct elfdyn elf = {.read = read_memory_at, .ctx = &tiny};

		make_tiny(&tiny);
		for (int n = 0; n < 1 + i % 6; n++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			((uint8_t *)&tiny)[(random >> 33) % sizeof(tiny)] = random >> 56;
		}
		if (i % 2) { /* the other kind of table, whatever is in it */
			tiny.dynamic[3].d_tag = DT_GNU_HASH;
			tiny.sysv[1] = 0;
		}
		if (!elfdyn_open(&elf))
			continue;
		opened++;
		found += elfdyn_find(&elf, "fsync", &symbol);
		elfdyn_soname(&elf, name, sizeof(name));
		assert_true(strnlen(name, sizeof(name)) < sizeof(name));
	}
	assert_true(opened > 1000 && found > 1000);
}

int main(void)
{
	static uint64_t seed;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_library),
		cmocka_unit_test(undefined_symbols),
		cmocka_unit_test(no_library),
		cmocka_unit_test(endless_chain),
		cmocka_unit_test(as_the_dynamic_linker_has_it),
		cmocka_unit_test(only_what_was_mapped),
		cmocka_unit_test(deleted_but_mapped),
		cmocka_unit_test(a_pipe_of_that_name),
		cmocka_unit_test_prestate(hostile_files, &seed),
	};

	if (choose_seed(&seed))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
