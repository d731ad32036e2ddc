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
};

/* A rule that runs. */
struct detect_member {
	struct rule *rule;
	uint64_t revision, id_hash;
	struct detect_exception *exceptions;
	size_t n_exceptions;
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
	struct sequence *sequence; /* of a sequence or sample */
	uint64_t fed;		   /* batch that the sequence has seen */
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
	bool touched;
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

struct detect {
	struct rulebook *rules;
	struct alertbook *alerts;
	struct store *store;
	pthread_mutex_t mutex;
	struct detect_member *members;
	uint32_t n_members;
	struct expr_set *set;
	struct expr_set_runner *runner;
	uint64_t *skip;
	uint64_t generation, batches;
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
NODISCARD int detect_sequence_new(struct detect *d, struct detect_member *m);
NODISCARD int detect_sequence_feed(struct detect *d, struct detect_member *m, struct block *b);
NODISCARD int detect_sequences_advance(struct detect *d, struct block *b);
/* Appends the document of the event at (@time_ns, @seq), if it is stored.  Returns 0 or -errno. */
NODISCARD int detect_fetch(struct detect *d, uint64_t time_ns, uint64_t seq, struct buf *out);

/* detect_alert.c: counts the hits @bits of @m in a table. */
NODISCARD int detect_take(struct detect *d, struct detect_member *m, struct block *b,
			  uint32_t table, const uint64_t *bits);
/* Node, process and marks out of the last event that an alert of a sequence keeps. */
NODISCARD int detect_fill(struct detect_new *n);
void detect_count(struct detect *d, struct detect_member *m, uint64_t n); /* hits */
NODISCARD int detect_take_hit(struct detect *d, struct detect_hit *h);
NODISCARD int detect_write(struct detect *d, uint64_t position_ns);
void detect_look(struct detect *d);   /* notices what people have closed */
void detect_forget(struct detect *d); /* what is pending */
