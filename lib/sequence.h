/* SPDX-License-Identifier: Apache-2.0 */
/* sequence - finds the sequences and samples that a statement asks for; one engine for searches
 * over history and for live rules.
 *
 * Blocks are fed in any order; sequence_advance() says up to which time all are there, and takes
 * the events before it in their total order: time, node, boot, sequence number.  Per key there is a
 * state machine as Elastic tells it: at each step at most one partial match waits, and a newer one
 * takes its place.  docs/query.md has the rules.
 *
 * Bounded: what is kept has a limit in bytes.  Over it the keys that were not touched for longest
 * are forgotten and their partial matches counted as evicted, or events are taken before their
 * time and, if older ones come after, counted as late.
 * Thread: one owner at a time.  Memory: malloc, up to the limit; freed with the sequence. */
#pragma once
#include "lib/eql_statement.h"
#include "lib/json.h"

enum { SEQUENCE_MEMORY_BYTES = 20 << 20 };

struct sequence;

struct sequence_event {
	uint64_t time_ns, seq;
	uint64_t ref;	 /* what sequence_block() was told of its block */
	uint32_t origin; /* a number for its node and boot */
	uint32_t table, row;
	bool missing; /* stands for ![..]: nothing else is set */
};

/* Live until the callback returns. */
struct sequence_match {
	/* one for each [..] and run, in the statement's order */
	const struct sequence_event *events;
	uint32_t n_events;
	const uint8_t *keys; /* for sequence_write_keys() */
	uint32_t n_keys_bytes;
	uint64_t time_ns; /* when it was complete; of an absence: when it was certain */
};

struct sequence_config {
	const struct eql_statement *statement; /* borrowed until sequence_free() */
	uint64_t from_ns, to_ns;	       /* only events in [from, to) */
	size_t memory_bytes;		       /* 0: SEQUENCE_MEMORY_BYTES */
	/* Called for each match, in the order of time_ns.  Not 0: the call that led here ends and
	 * returns it. */
	int (*match)(const struct sequence_match *m, void *arg);
	void *arg;
};

/* Returns 0 or -ENOMEM. */
NODISCARD int sequence_new(struct sequence **ret, const struct sequence_config *config);
struct sequence *sequence_free(struct sequence *s);
DEFINE_FREEP(sequence)

/* Sets another copy of the same statement: what waits is kept when rules are read again. */
void sequence_keep(struct sequence *s, const struct eql_statement *statement);

/* Events before @from_ns are left out from now on: config.from_ns. */
void sequence_from(struct sequence *s, uint64_t from_ns);

/* Events that one of the @n conditions is true of are left out from now on.  Borrowed until the
 * next call, or sequence_free(). */
void sequence_except(struct sequence *s, const struct expr *const *conditions, uint32_t n);

/* Takes note of the events of @b that the statement asks for; @ref is the caller's name for the
 * block.  Returns 0, -ENOMEM or what match() returned. */
NODISCARD int sequence_block(struct sequence *s, struct expr_scratch *scratch, struct block *b,
			     uint64_t ref);

/* No event before @before_ns comes any more.  Returns as sequence_block(). */
NODISCARD int sequence_advance(struct sequence *s, uint64_t before_ns);

/* No event comes any more at all: what waits only for something not to happen is complete. */
NODISCARD int sequence_finish(struct sequence *s);

/* Is something kept that sequence_advance() alone may complete: events before their turn, or what
 * waits for something not to happen? */
bool sequence_waits(const struct sequence *s);

struct sequence_info {
	uint64_t n_matches;
	uint64_t n_evicted; /* partial matches that there was no room for */
	uint64_t n_before;  /* events before config.from_ns, which were left out */
	uint64_t n_late;    /* events that came after later ones had been taken */
	size_t bytes;	    /* kept now */
};
void sequence_info(const struct sequence *s, struct sequence_info *ret);

/* Writes the values that the events of a match have in common as an array. */
void sequence_write_keys(const struct sequence_match *m, struct json *j);
