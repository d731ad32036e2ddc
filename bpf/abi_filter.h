/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* abi_filter - the tables in which the sensor tells the programs what not to tell: one header for
 * both sides, beside abi.h.
 *
 * A set has FILTER_SLOTS rules in order.  A rule holds for an event when each condition that it has
 * holds; the first rule that holds decides: told, or left out.  No rule holds: told.
 * For each dimension that a rule may ask about, a look-up of the event's value gives the slots
 * whose condition holds, as a mask; with the slots that ask nothing there, and of all dimensions
 * together, that is the rules that hold.  So the cost is one look-up a dimension, however many
 * rules there are.
 *
 * Two sets can be in the tables at a time, told apart by their generation in each key; one word
 * (filter_generation in maps.h) says which one counts.  So a change is one store, and an event is
 * judged by one set or the other.  Thread: none.  Memory: none. */
#pragma once
#include "bpf/abi.h"

enum {
	FILTER_SLOTS = 256,
	FILTER_WORDS = FILTER_SLOTS / 64,
	FILTER_SETS = 2,
	FILTER_VALUES = 2048,	/* of one set, all conditions together */
	FILTER_KEY_BYTES = 252, /* of a value; of a path the beginning */
	FILTER_SUFFIX_BYTES = 128,
	FILTER_ACTORS = 8192,	/* processes whose executable and ancestors are remembered */
	FILTER_ANCESTORS = 16,	/* generations looked up of a process that is not remembered */
	FILTER_PARTS_MOST = 40, /* components of a path that is judged; a deeper one is in doubt */
};

/* What a rule may ask about, and the bytes that are looked up. */
enum filter_dim {
	FILTER_UID,	    /* effective, 4 bytes */
	FILTER_CGROUP,	    /* cgroup v2 id, 8 bytes; not in the table: not known */
	FILTER_SOURCE_PORT, /* host order, 2 bytes, as is the next */
	FILTER_DESTINATION_PORT,
	FILTER_SOURCE, /* version (4 or 6), then the address */
	FILTER_DESTINATION,
	FILTER_PATH,	   /* absolute; with its NUL, so that "x\0" is all of it, "x" a beginning */
	FILTER_SUFFIX,	   /* the same backwards, without a NUL */
	FILTER_EXECUTABLE, /* as FILTER_PATH, of the acting process */
	FILTER_ANCESTOR,   /* as FILTER_PATH, of a process it descends from */
	FILTER_DIMS,
};

/* Rows of filter_set.kinds: enum rec_type, and of records that are told as several kinds the
 * others. */
enum filter_row {
	FILTER_ROW_CREATED = REC_END, /* REC_OPEN that made the file */
	FILTER_ROW_GIDS,	      /* REC_CREDENTIALS, as the next; its own row: uids */
	FILTER_ROW_CAPS,
	FILTER_ROW_PRCTL, /* REC_PRCTL of another option; its own row: a name */
	FILTER_ROWS,
	FILTER_ROWS_MOST = 64,
};
_Static_assert((int)FILTER_ROWS <= (int)FILTER_ROWS_MOST, "rows");

/* rec_head.left_out: the kinds of a record that is told for another one.  As REC_CHANGED_*. */
enum { REC_LEFT_FIRST = 1, REC_LEFT_SECOND = 2, REC_LEFT_THIRD = 4 };

struct filter_mask {
	uint64_t w[FILTER_WORDS];
};

/* Key of the tree of prefixes: bits counted from generation on. */
struct filter_key {
	uint32_t bits;
	uint16_t generation;
	uint8_t dim;
	uint8_t pad;
	uint8_t data[FILTER_KEY_BYTES];
};
enum { FILTER_HEAD_BITS = 32 };
ABI_ASSERT(filter_key, data, 8);

struct filter_set {
	uint32_t generation;			/* 0: none */
	uint32_t uses;				/* bit d: some rule asks about dimension d */
	struct filter_mask drops;		/* slots that leave out */
	struct filter_mask silent[FILTER_DIMS]; /* slots that ask nothing there */
	struct filter_mask kinds[FILTER_ROWS_MOST];
};

/* Events that each slot decided. */
struct filter_hits {
	uint64_t n[FILTER_SLOTS];
};

/* A process: slots for which its executable holds; for which it does as an ancestor of others; for
 * which an ancestor of its own does. */
struct filter_actor {
	uint64_t start_ns;
	uint32_t generation;
	uint32_t pad;
	struct filter_mask executable, hands_down, ancestors;
};
