/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_TESTS_MODEL_H
#define FLUSHAUDIT_TESTS_MODEL_H

/*
 * The truth the ledger is held against: every write and every flush is kept in
 * a list and each question is answered by looking at all of them. No sums, no
 * maxima, nothing taken over from the ledger.
 */
#include <stdbool.h>
#include <stdint.h>

#define MODEL_MAX_WRITES  1024
#define MODEL_MAX_FLUSHES 1024
#define MODEL_ANY	  UINT32_MAX /* inode */
#define MODEL_NOBODY	  (UINT32_MAX - 1)

/* A write, or a piece of it: one that completes in two pieces is two writes. */
struct model_write {
	uint32_t id;
	uint32_t device;
	uint32_t inode; /* whose it really is */
	uint32_t bytes;
	uint64_t queued_ns;
	uint64_t done_ns; /* 0: in flight */
	uint32_t calls;	  /* bit per sync call that has to make it stable */
	bool fua;
	bool failed;
	bool direct;	 /* no sync call waits for it */
	bool tracked;	 /* the ledger counted it as in flight */
	bool attributed; /* the ledger knows whose it is */
};

struct model_flush {
	uint32_t id;
	uint32_t device;
	uint64_t start_ns;
	uint64_t done_ns; /* 0: in flight */
	bool failed;
};

struct model {
	uint32_t nr_writes;
	uint32_t nr_flushes;
	struct model_write writes[MODEL_MAX_WRITES];
	struct model_flush flushes[MODEL_MAX_FLUSHES];
};

/* Which writes are asked about: all conditions together. */
struct model_set {
	uint32_t device;
	uint32_t inode; /* or MODEL_ANY */
	uint32_t calls; /* 0: of any call or none */
	bool unattributed;
};

/* How many writes of the set ... */
struct model_answer {
	uint32_t in_flight; /* are tracked and have not completed */
	uint32_t unstable;  /* completed well and would be lost if the power failed now */
	uint32_t failed;    /* failed, and no flush that started later has completed well */
};

void model_write_queued(struct model *model, const struct model_write *write);

/* The first @bytes of the write at @index completed; what is left is a write of its own. */
void model_write_done(struct model *model, uint32_t index, uint32_t bytes, bool failed,
		      uint64_t now);

void model_flush_started(struct model *model, uint32_t id, uint32_t device, uint64_t now);
void model_flush_done(struct model *model, uint32_t index, bool failed, uint64_t now);

/* A sync call begins: it answers for what has completed and for what it will wait for. */
void model_call_entered(struct model *model, uint32_t device, uint32_t inode, uint32_t call);
void model_call_returned(struct model *model, uint32_t call);

/* Did a flush of @device that started at @since_ns or later complete without error? */
bool model_flushed_since(const struct model *model, uint32_t device, uint64_t since_ns);

/* A completed write is stable iff it was FUA or model_flushed_since its completion. */
struct model_answer model_ask(const struct model *model, struct model_set set);

/*
 * Keeps the lists short. What is stable stays so and is struck out. A completed
 * flush is forgotten when the clock has passed its start: whatever it can cover
 * had completed by then, and has been struck out.
 */
void model_forget(struct model *model, uint64_t now);

#endif
