// SPDX-License-Identifier: GPL-2.0-only
#include "noop.h"

#include <elf.h>
#include <string.h>

/* Instructions that change nothing but the stack frame and the result register. */
enum effect {
	NOTHING,
	RESULT_IS_0, /* the register that holds an int result */
	RETURN,
};

static const struct {
	uint8_t length;	  /* of the bytes that are compared */
	uint8_t operands; /* further bytes, of any value */
	uint8_t effect;
	uint8_t bytes[7];
} x86[] = {
	{4, 0, NOTHING, {0xf3, 0x0f, 0x1e, 0xfa}}, /* endbr64 */
	{1, 0, NOTHING, {0x90}},		   /* nop */
	{2, 0, NOTHING, {0x66, 0x90}},
	{1, 0, NOTHING, {0x55}},	     /* push %rbp */
	{3, 0, NOTHING, {0x48, 0x89, 0xe5}}, /* mov %rsp,%rbp */
	{3, 1, NOTHING, {0x48, 0x83, 0xec}}, /* sub $imm,%rsp */
	{3, 1, NOTHING, {0x48, 0x83, 0xc4}}, /* add $imm,%rsp */
	{1, 0, NOTHING, {0x5d}},	     /* pop %rbp */
	{1, 0, NOTHING, {0xc9}},	     /* leave */
	{2, 1, NOTHING, {0x89, 0x7d}},	     /* mov of an argument to the frame: %edi */
	{2, 1, NOTHING, {0x89, 0x75}},	     /* %esi */
	{2, 1, NOTHING, {0x89, 0x55}},	     /* %edx */
	{2, 1, NOTHING, {0x89, 0x4d}},	     /* %ecx */
	{3, 1, NOTHING, {0x48, 0x89, 0x7d}}, /* and all 64 bits of them */
	{3, 1, NOTHING, {0x48, 0x89, 0x75}},
	{3, 1, NOTHING, {0x48, 0x89, 0x55}},
	{3, 1, NOTHING, {0x48, 0x89, 0x4d}},
	{2, 0, RESULT_IS_0, {0x31, 0xc0}},		     /* xor %eax,%eax */
	{2, 0, RESULT_IS_0, {0x33, 0xc0}},		     /* the other encoding */
	{3, 0, RESULT_IS_0, {0x48, 0x31, 0xc0}},	     /* xor %rax,%rax */
	{5, 0, RESULT_IS_0, {0xb8, 0, 0, 0, 0}},	     /* mov $0,%eax */
	{7, 0, RESULT_IS_0, {0x48, 0xc7, 0xc0, 0, 0, 0, 0}}, /* mov $0,%rax */
	{1, 0, RETURN, {0xc3}},				     /* ret */
	{2, 0, RETURN, {0xf3, 0xc3}},
};

static const struct {
	uint32_t mask;
	uint32_t word;
	uint8_t effect;
} arm[] = {
	{0xfffff01f, 0xd503201f, NOTHING},     /* hints: nop, bti, paciasp, autiasp */
	{0xffc003ff, 0xd10003ff, NOTHING},     /* sub sp, sp, #imm */
	{0xffc003ff, 0x910003ff, NOTHING},     /* add sp, sp, #imm */
	{0xffc003e0, 0xb90003e0, NOTHING},     /* str wN, [sp, #imm] */
	{0xffc003e0, 0xf90003e0, NOTHING},     /* str xN, [sp, #imm] */
	{0xffffffff, 0x52800000, RESULT_IS_0}, /* mov w0, #0 */
	{0xffffffff, 0xd2800000, RESULT_IS_0}, /* mov x0, #0 */
	{0xffffffff, 0x2a1f03e0, RESULT_IS_0}, /* mov w0, wzr */
	{0xffffffff, 0xaa1f03e0, RESULT_IS_0}, /* mov x0, xzr */
	{0xffffffff, 0xd65f03c0, RETURN},      /* ret */
};

/* The length of the instruction at @code, 0: none that is known. */
static size_t next_x86(const uint8_t *code, size_t left, enum effect *effect)
{
	size_t i, length;

	for (i = 0; i < sizeof(x86) / sizeof(x86[0]); i++) {
		length = x86[i].length + x86[i].operands;
		if (length > left || memcmp(code, x86[i].bytes, x86[i].length) != 0)
			continue;
		*effect = x86[i].effect;
		return length;
	}
	return 0;
}

static size_t next_arm(const uint8_t *code, size_t left, enum effect *effect)
{
	uint32_t word;
	size_t i;

	if (left < sizeof(word))
		return 0;
	memcpy(&word, code, sizeof(word));
	for (i = 0; i < sizeof(arm) / sizeof(arm[0]); i++) {
		if ((word & arm[i].mask) != arm[i].word)
			continue;
		*effect = arm[i].effect;
		return sizeof(word);
	}
	return 0;
}

bool noop_is(uint16_t machine, const uint8_t *code, size_t size, bool is_void)
{
	bool done = is_void;
	enum effect effect;
	size_t at, length;

	for (at = 0; at < size; at += length) {
		if (machine == EM_X86_64)
			length = next_x86(code + at, size - at, &effect);
		else if (machine == EM_AARCH64)
			length = next_arm(code + at, size - at, &effect);
		else
			return false;
		if (!length)
			return false;
		if (effect == RETURN)
			return done;
		done |= effect == RESULT_IS_0;
	}
	return false;
}
