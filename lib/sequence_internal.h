/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_internal - what the files sequence*.c share: sequence_feed.c makes entries of blocks and
 * merges them, sequence.c is the state machine that takes them in order, sequence_keys.c keeps what
 * waits per key. */
#pragma once
#include "lib/sequence.h"

enum { SEQUENCE_SETS = EQL_TERMS + 1 };

/* One event that is asked for. */
struct seq_entry {
	uint64_t time_ns, seq;
	uint64_t terms; /* bit t: a hit of terms[t] */
	uint32_t table, row;
	uint32_t keys; /* where its keys stand in the run's */
};

/* The entries of one block, in order.  Keys: of each set that one of the terms has, in ascending
 * order, its bytes (uint32_t) and itself. */
struct seq_run {
	uint64_t ref;
	uint32_t origin;
	uint32_t next, n;
	size_t bytes; /* all of it */
	struct buf keys;
	struct seq_entry entries[];
};

/* Events that may become a match. */
struct seq_partial {
	uint32_t n, cap;
	uint64_t lead; /* time + 1 of the last event of a leading ![..] before the first; 0: none */
	struct sequence_event events[];
};

/* Complete but for what must not happen until the deadline. */
struct seq_waiter {
	struct seq_node *node; /* NULL, an orphan: it has happened, or the node was evicted */
	struct seq_waiter *next, *previous; /* of the node's */
	uint64_t deadline_ns;
	struct seq_partial *partial;
};

/* A key. */
struct seq_node {
	struct seq_node *chain;		/* of its bucket */
	struct seq_node *older, *newer; /* by the time of the last touch */
	uint64_t hash, touched_ns;
	uint64_t lead;		    /* as seq_partial.lead */
	struct seq_waiter *waiters; /* few */
	bool done;		    /* sample: it was told */
	uint32_t n_key;
	uint8_t *key;
	struct seq_partial *pending[]; /* by stage; of a sample by term */
};

struct seq_origin {
	uint8_t boot_id[16];
	uint32_t n_node;
	char node[128]; /* of n_node bytes, no NUL behind */
};

struct sequence {
	struct sequence_config config;
	const struct eql_statement *st;
	const struct expr *const *exceptions;
	uint32_t n_exceptions;
	uint8_t stage_term[EQL_STAGES]; /* stages count the events that are not missing */
	uint8_t gap_of[EQL_TERMS];	/* of a missing term: stages before it */
	uint64_t set_terms[SEQUENCE_SETS];
	uint32_t n_slots; /* pending[] of a node */
	/* keys */
	struct seq_node **buckets, *oldest, *newest;
	uint32_t n_buckets, n_nodes;
	size_t node_bytes, node_limit;
	/* runs, a heap by their next entry */
	struct seq_run **runs;
	uint32_t n_runs, cap_runs;
	size_t run_bytes, run_limit;
	uint64_t *masks; /* scratch of one block: terms by row */
	uint32_t cap_masks;
	/* waiters, a heap by deadline */
	struct seq_waiter **waiters;
	uint32_t n_waiters, cap_waiters, n_orphans;
	/* */
	struct seq_origin **origins;
	uint32_t n_origins;
	uint64_t now_ns; /* of the last entry taken */
	struct sequence_info info;
};

/* ---- sequence_keys.c ---- */

struct seq_key {
	const uint8_t *data; /* NULL: none */
	uint32_t n;
	uint64_t hash;
};
uint64_t seq_hash(const uint8_t *data, size_t n);
struct seq_node *seq_find(const struct sequence *s, const struct seq_key *k);
/* NULL: out of memory. */
struct seq_node *seq_get(struct sequence *s, const struct seq_key *k);
/* Moves to the newest; forgets it when nothing waits there. */
void seq_touch(struct sequence *s, struct seq_node *node);
void seq_node_drop(struct sequence *s, struct seq_node *node);
/* Forgets keys that nothing can come of any more, and, over the limit, the oldest. */
void seq_trim(struct sequence *s);
void seq_partial_free(struct sequence *s, struct seq_partial *p);
/* *at with room for one more event; NULL: a new one.  False: out of memory. */
NODISCARD bool seq_partial_room(struct sequence *s, struct seq_partial **at);

/* ---- sequence.c ---- */

/* Takes one entry of @run.  Returns 0, -ENOMEM or what match() returned. */
NODISCARD int seq_take(struct sequence *s, const struct seq_run *run, const struct seq_entry *e);
/* Tells a match: @events are those of the stages.  Returns what match() did. */
NODISCARD int seq_tell(struct sequence *s, const struct seq_node *node,
		       const struct sequence_event *events, uint64_t time_ns);

/* ---- sequence_wait.c ---- */

/* Takes @p over, to be told when its time is over.  Returns 0 or -ENOMEM. */
NODISCARD int seq_wait(struct sequence *s, struct seq_node *node, struct seq_partial *p);
/* It will not be told. */
void seq_waiter_orphan(struct sequence *s, struct seq_waiter *w);
void seq_waiter_free(struct sequence *s, struct seq_waiter *w);
/* Frees orphans when they are many. */
void seq_sweep_orphans(struct sequence *s);
/* Tells the matches whose time is over at @now_ns.  Returns as seq_take(). */
NODISCARD int seq_tell_waiters(struct sequence *s, uint64_t now_ns);
