/* SPDX-License-Identifier: Apache-2.0 */
/* expr_scratch - what one thread keeps while it evaluates, for expr_eval.c and expr_rows.c alone.
 *
 * All answers are bit vectors over rows.  Asked is always one thing: in which rows of a mask is the
 * value of a node exactly true (or exactly false)?  Since Kleene's AND is true where all are true
 * and false where any is false, one vector a node is enough, each child need only be asked about
 * the rows that are still open, and an empty mask ends the work. */
#pragma once
#include "lib/arena.h"
#include "lib/expr_tree.h"

struct expr_slot {
	uint8_t *memo;	 /* text leaf: enum expr_state of each string number of the block */
	uint8_t *root;	 /* process subtree: 1 for each row that answers as asked; [0]: none */
	bool memo_tried; /* with memo NULL: no memory for it, ask each time */
};

struct expr_scratch {
	const struct expr *expr;
	struct block *block;
	struct expr_slot *slots; /* one a node of expr */
	size_t n_slots, cap_slots;
	struct arena arena;   /* memos and roots of this tree on this block */
	struct arena lasting; /* joined lists of this block */
	struct arena calc;    /* texts computed of one event */
	struct expr_text_scratch text;
	/* per process row: its arguments with blanks; s NULL: not yet */
	struct block_string *joined;
	struct buf joins[2];		    /* where the arena is full */
	uint64_t *vectors;		    /* a stack of bit vectors */
	size_t n_vectors, cap_words, words; /* in use; words in all; words of each */
	uint8_t *root_spare;
	size_t cap_root_spare;
	const uint64_t *hops[VIA_MAX]; /* process row -> row of its parent and so on; NULL: none */
	bool failed;
};

/* The rows that an answer is about: those of an event table, or of the process table with one more
 * in front, "no process". */
struct expr_rows {
	struct expr_scratch *s;
	uint32_t table; /* BLOCK_PROCESSES: the process rows */
	uint32_t rows, words;
};

/* out = rows of @mask (of @table itself, without the row in front) in which the leaf is @want.
 * @out may be @mask. */
void expr_leaf_rows(struct expr_scratch *s, uint32_t slot, const struct expr_leaf *l,
		    uint32_t table, bool want, const uint64_t *mask, uint64_t *out);

/* The same for a comparison of two fields, on @r's rows. */
void expr_fields_rows(const struct expr_rows *r, const struct expr *e, bool want,
		      const uint64_t *mask, uint64_t *out);

/* Process row (1-based, 0: none) that @via leads to from process row @process. */
static inline UNUSED uint32_t expr_hop(const struct expr_scratch *s, enum field_via via,
				       uint32_t process)
{
	if (via == VIA_ACTOR || via == VIA_TARGET || process == 0)
		return process;
	return s->hops[via] ? (uint32_t)s->hops[via][process - 1] : 0;
}

/* The arguments of process row @row (0-based) joined; valid until the same @side is asked again.
 * s NULL: it has none. */
struct block_string expr_join(struct expr_scratch *s, uint32_t row, unsigned side);

static inline UNUSED uint32_t expr_words(uint32_t rows)
{
	return (rows + 63) / 64;
}
