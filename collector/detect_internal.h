/* SPDX-License-Identifier: Apache-2.0 */
/* detect_internal - what the files detect*.c share.
 * Thread: the observer's; members[] and stats also under the mutex, for those who ask. */
#pragma once
#include <pthread.h>

#include "collector/detect.h"
#include "collector/document.h"
#include "collector/query.h"
#include "lib/expr_set.h"
#include "lib/sequence.h"
#include "lib/slots.h"

#define DETECT_SILENT_NS UINT64_C(5000000000)	 /* a silent node holds sequences up so long */
#define DETECT_WINDOW_NS UINT64_C(3600000000000) /* hits so far apart are two alerts */

/* An exception that is in force until @expires_ns (0: for ever). */
struct detect_exception {
	const struct expr *expr;
	struct expr *own; /* NULL: the rule's */
	uint64_t expires_ns;
};

enum { DETECT_KEYS = 8, DETECT_CHAIN = 8 };

/* What a hit of a rule is to a correlation. */
struct detect_link {
	uint32_t to;	   /* member that correlates */
	uint32_t position; /* of the rule there */
	uint32_t n_keys;
	struct field_ref keys[DETECT_KEYS]; /* of an event; info NULL: it has none */
	uint32_t from[DETECT_KEYS];	    /* of a correlation: which of its own keys */
	struct field_ref value;		    /* info NULL: none */
	uint64_t *left; /* hits of the table at hand that the correlation's exceptions leave; NULL:
			   all */
};

/* A rule that runs. */
struct detect_member {
	struct rule *rule;
	uint64_t revision, id_hash;
	struct detect_exception *exceptions;
	size_t n_exceptions;
	const struct expr **in_force; /* of the exceptions, at the batch at hand; room for all */
	uint32_t n_in_force;
	struct detect_rule_stats stats;
	struct expr_set_cost seen; /* of the runner, already in stats */
	uint64_t evicted, late;	   /* of the state that it had before this one */
	uint64_t recent_ns;	   /* moving average of what a batch costs */
	uint64_t hour, made;	   /* alerts made in that hour of event time */
	bool quiet;		   /* only for correlations: makes no alerts of its own */
	struct detect_link *links;
	size_t n_links;
	struct correlate *correlate; /* of a correlation */
	const struct expr **filters; /* what an event must be, too */
	struct rule **filter_rules;  /* that hold them */
	size_t n_filters;
	struct sequence *sequence;	   /* of a sequence or sample */
	uint64_t fed;			   /* turn in which the sequence has seen the batch */
	uint64_t late_from_ns, late_to_ns; /* of events that came after their time; to 0: none */
};

/* One hit, of an event or of what correlates events. */
struct detect_hit {
	struct detect_member *member;
	struct block *block;	      /* NULL: of no block at hand */
	uint32_t table, row, process; /* process: row of the process table from 1 on; 0: none */
	uint64_t time_ns, entity;
	bool folded;	    /* one of too many: for the alert of all the rest */
	uint64_t group;	    /* of correlations and sequences: what takes the object's place */
	const char *object; /* in words; NULL: the event's own */
	const struct correlate_hit *window; /* that led to it, n of them */
	size_t n_window;
	const struct sequence_match *match; /* the same of a sequence */
	const struct sequence *sequence;
};

/* Hits that are one alert. */
struct detect_group {
	uint64_t key, id;    /* id 0: not known in this run */
	uint64_t n, last_ns; /* of the alert, as committed */
	uint64_t pending, first_pending_ns, last_pending_ns;
	bool touched, made;	/* made: by the transaction under way */
	struct detect_new *new; /* what an alert would be made of; NULL: it is there */
};

/* What is written when an alert is made. */
struct detect_new {
	char *rule_id, *title, *techniques, *node_id, *node, *object, *body;
	uint64_t revision, entity;
	enum rule_level level;
	struct {
		char *id, *document;
	} events[ALERT_EVENTS];
	size_t n_events;
	struct {
		const char *kind;
		char *value;
	} marks[24];
	size_t n_marks;
};
struct detect_new *detect_new_free(struct detect_new *n);

/* A hit that came too late for a window. */
struct detect_late {
	uint32_t to; /* member that correlates */
	uint64_t key, values[DETECT_KEYS];
	struct correlate_hit hit;
	char text[256];
};

struct detect {
	struct rulebook *rules;
	struct alertbook *alerts;
	struct store *store;
	pthread_mutex_t mutex;
	struct detect_member *members;
	uint32_t n_members;
	struct expr_set *set;
	struct expr_set_runner *runner;
	uint64_t *skip, *idle; /* bits of members: too dear this time; without state */
	uint64_t dear_ns, silent_ns;
	uint64_t generation, batches;
	uint64_t turn;		       /* counts batches, those that are asked again too */
	uint64_t block_id, arrived_ns; /* of the batch at hand */
	uint64_t settled_ns;	       /* sequences were told up to this time */
	bool warm;		       /* state is as of the last commit, or after */
	bool muted;		       /* state is made, nothing is told */
	bool late_only;		       /* only matches with a late event are told */
	struct detect_member *only;    /* only this correlation takes hits; NULL: all */
	struct store_reader *reader;   /* for what is asked again; made when first needed */
	const struct block_beside *beside;
	struct {
		uint64_t id, settled_ns;
	} * late_blocks;
	struct detect_late *late_hits;
	size_t n_late_blocks, n_late_hits;
	bool loaded;
	struct expr_scratch *scratch; /* of exceptions */
	struct document *document;
	struct slots by_key;
	struct detect_group *groups;
	uint32_t n_groups, cap_groups;
	uint32_t *touched;
	uint32_t n_touched, cap_touched;
	uint64_t changes; /* of the alert book, after our last commit */
	struct detect_stats stats;
	struct detect_member *current; /* whose sequence is at work */
	struct query_worker *worker;   /* to look events up again; made when first needed */
	struct nodes {
		uint64_t hash, max_ns, seen_ns;
	} nodes[256]; /* watermarks */
	uint32_t n_nodes;
	uint64_t *bits; /* hits without exceptions */
	size_t cap_bits;
};

/* detect_load.c: reads the rules when they have changed.  Returns 0 or a negative errno. */
NODISCARD int detect_load(struct detect *d);
struct detect_member *detect_find(struct detect *d, const char *id);
void detect_unload(struct detect_member *members, uint32_t n);

/* detect_correlate.c */
NODISCARD int detect_link(struct detect_member *members, uint32_t n);
NODISCARD int detect_correlate(struct detect *d, struct detect_member *m,
			       const struct detect_hit *h);
NODISCARD int detect_correlate_late(struct detect *d, const struct detect_late *late);
NODISCARD int detect_sequence_new(struct detect *d, struct detect_member *m, struct sequence **ret);
NODISCARD int detect_sequence_feed(struct detect *d, struct detect_member *m, struct block *b);
/* Has all sequences take the events before @before_ns. */
NODISCARD int detect_sequences_advance(struct detect *d, uint64_t before_ns);
/* Moves settled_ns to where all events of all nodes that speak are here, those of @b (NULL: none)
 * among them. */
void detect_settle(struct detect *d, const struct block *b);
/* Is there a sequence that something waits in for its time? */
bool detect_waits(const struct detect *d);
/* Appends the document of the event at (@time_ns, @seq), if it is stored.  Returns 0 or -errno. */
NODISCARD int detect_fetch(struct detect *d, uint64_t time_ns, uint64_t seq, struct buf *out);

/* The value of a column as the block has it; 0: there is no such column. */
static inline uint64_t detect_cell(struct block *b, uint32_t table, uint32_t row, enum field f)
{
	const uint64_t *column = block_column(b, table, f);

	return column ? column[row] : 0;
}

/* The text of one; n 0: none. */
static inline struct block_string detect_text(struct block *b, uint32_t table, uint32_t row,
					      enum field f)
{
	uint64_t number = detect_cell(b, table, row, f);

	return number ? block_string(b, (uint32_t)number) : (struct block_string){ 0 };
}

/* detect_new.c: what an alert of @h would be made of; NULL: no memory. */
struct detect_new *detect_new_of(struct detect *d, const struct detect_hit *h);
/* Adds the event of another hit. */
NODISCARD int detect_new_add(struct detect *d, struct detect_new *n, const struct detect_hit *h);

/* detect.c: takes out of @bits what an exception of @m in force is true of. */
NODISCARD int detect_except(struct detect *d, struct detect_member *m, struct block *b,
			    uint32_t table, uint64_t *bits);
/* Finds the exceptions in force at the time of @b. */
void detect_find_exceptions(struct detect_member *m, const struct block *b);
/* Asks all rules but those of @skip. */
NODISCARD int detect_ask(struct detect *d, struct block *b, const uint64_t *skip);

/* detect_again.c */
NODISCARD int detect_warm(struct detect *d);   /* makes the state of the last commit */
NODISCARD int detect_relook(struct detect *d); /* at the time around what came late */
void detect_late_block(struct detect *d, struct detect_member *m, const struct block *b);
bool detect_has_late(const struct detect *d, const struct sequence_match *m);
NODISCARD int detect_late_hit(struct detect *d, const struct detect_late *late);
bool detect_is_late_hit(const struct detect *d, uint32_t to, uint64_t id);
void detect_forget_late(struct detect *d);
/* Counts what the state of @m has left out, before it goes. */
void detect_state_left(struct detect_member *m);

/* detect_alert.c: counts the hits @bits of @m in a table. */
NODISCARD int detect_take(struct detect *d, struct detect_member *m, struct block *b,
			  uint32_t table, const uint64_t *bits);
/* Node, process and marks out of the last event that an alert of a sequence keeps. */
NODISCARD int detect_fill(struct detect *d, struct detect_new *n);
void detect_count(struct detect *d, struct detect_member *m, uint64_t n); /* hits */
NODISCARD int detect_take_hit(struct detect *d, struct detect_hit *h);
NODISCARD int detect_write(struct detect *d, uint64_t position_ns);
void detect_look(struct detect *d);   /* notices what people have closed */
void detect_forget(struct detect *d); /* what is pending */
