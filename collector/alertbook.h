/* SPDX-License-Identifier: Apache-2.0 */
/* alertbook - the alerts of main.db.
 *
 * What rules find is written by one thread (detect), in one transaction with the position up to
 * which batches were asked: alertbook_begin() .. alertbook_commit().  People's changes come from
 * others, each a transaction of its own.  Every change gives the alert the next change number, by
 * which watchers follow.
 * Threads: any; the book's mutex is held from begin to commit, and during each other call. */
#pragma once
#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/rule.h"

struct alertbook;

enum {
	ALERTBOOK_E_UNKNOWN = 1,     /* no such alert */
	ALERT_DEAD_LETTERS = 100000, /* kept of all outputs; the oldest go first */
	ALERT_EVENTS = 5,	     /* copies of its events that an alert keeps at most */
};

/* Opens the book in main.db of @dir; NULL: in memory.  Returns 0 or a negative errno with @d. */
NODISCARD int alertbook_open(struct alertbook **ret, const char *dir, struct diag *d);
struct alertbook *alertbook_free(struct alertbook *b);
DEFINE_FREEP(alertbook)

enum alert_status { ALERT_OPEN, ALERT_ACKNOWLEDGED, ALERT_CLOSED, ALERT_STATUSES };
const char *alert_status_name(enum alert_status s);
NODISCARD bool alert_status_parse(const char *s, enum alert_status *ret);

struct alert {
	uint64_t id, change;
	const char *rule_id, *title, *techniques, *node_id, *node, *owner, *body;
	const char *object; /* NULL: none */
	uint64_t revision, entity, dedup;
	enum rule_level level;
	enum alert_status status;
	uint64_t first_ns, last_ns, n_events, created_ns, updated_ns;
	uint64_t incident; /* 0: none */
};

/* ---- detect ---- */

/* Position of the last commit; 0: none yet. */
NODISCARD int alertbook_position(struct alertbook *b, uint64_t *ret_ns);
/* Time before which every match of a sequence has been told, as of the last commit. */
NODISCARD int alertbook_settled(struct alertbook *b, uint64_t *ret_ns);
NODISCARD int alertbook_begin(struct alertbook *b);
/* Within begin and commit. */
NODISCARD int alertbook_settle(struct alertbook *b, uint64_t settled_ns);
/* The same.  An alert that is not closed with this @dedup whose last event is not
 * before @since_ns: its id and number of events; 0: none. */
NODISCARD int alertbook_find(struct alertbook *b, uint64_t dedup, uint64_t since_ns,
			     uint64_t *ret_id, uint64_t *ret_n_events);
NODISCARD int alertbook_add(struct alertbook *b, struct alert *a); /* sets a->id */
NODISCARD int alertbook_add_event(struct alertbook *b, uint64_t id, uint64_t number,
				  const char *event_id, const char *document);
NODISCARD int alertbook_mark(struct alertbook *b, uint64_t id, const char *kind, const char *value,
			     uint64_t time_ns);
/* Adds @n events up to @last_ns. */
NODISCARD int alertbook_count(struct alertbook *b, uint64_t id, uint64_t n, uint64_t last_ns);
/* Ends the transaction, whatever is returned; -errno: it was rolled back. */
NODISCARD int alertbook_commit(struct alertbook *b, uint64_t position_ns);
void alertbook_rollback(struct alertbook *b);

/* ---- people ---- */

struct alert_filter {
	const char *rule_id, *node; /* NULL: any; node is id or name */
	int status;		    /* -1: any */
	enum rule_level least;
	uint64_t since_ns, until_ns; /* last event in [since, until) */
	uint64_t before_id;	     /* only ids below; 0: any */
	bool by_change;		     /* in the order of change, those after after_change */
	uint64_t after_change;
	uint32_t limit;
};
typedef int (*alert_fn)(const struct alert *a, void *arg);
/* Newest first.  Returns 0, what @each returned when not 0, or a negative errno.  @each must not
 * call back. */
NODISCARD int alertbook_list(struct alertbook *b, const struct alert_filter *f, alert_fn each,
			     void *arg);
NODISCARD int alertbook_get(struct alertbook *b, uint64_t id, alert_fn each, void *arg);
NODISCARD int alertbook_events(struct alertbook *b, uint64_t id,
			       int (*each)(const char *document, void *arg), void *arg);
struct alert_note {
	uint64_t created_ns;
	const char *author, *note;
};
NODISCARD int alertbook_notes(struct alertbook *b, uint64_t id,
			      int (*each)(const struct alert_note *n, void *arg), void *arg);

/* A person's change; what is NULL (or -1) stays. */
struct alert_edit {
	int status;
	const char *owner, *note, *author;
};
NODISCARD int alertbook_edit(struct alertbook *b, uint64_t id, const struct alert_edit *e);

/* Calls @each for the marks of an alert. */
NODISCARD int alertbook_marks(struct alertbook *b, uint64_t id,
			      int (*each)(const char *kind, const char *value, void *arg),
			      void *arg);

/* ---- outputs (output.h) ---- */

/* The place of an output; of a new one the last change: what was before is not told. */
NODISCARD int alertbook_output_get(struct alertbook *b, const char *name, uint64_t *ret_change);
NODISCARD int alertbook_output_put(struct alertbook *b, const char *name, uint64_t change);
NODISCARD int alertbook_dead_add(struct alertbook *b, const char *name, uint64_t alert_id,
				 const char *error);
NODISCARD int alertbook_dead_count(struct alertbook *b, const char *name, uint64_t *ret);
/* Its newest dead letters, at most @limit. */
struct alert_dead {
	uint64_t id, alert_id, created_ns;
	const char *error;
};
NODISCARD int alertbook_dead_each(struct alertbook *b, const char *name, uint32_t limit,
				  int (*each)(const struct alert_dead *d, void *arg), void *arg);
/* Gives the alerts of the dead letters a new change number, by which they are told again, and drops
 * the letters.  *ret_n of them. */
NODISCARD int alertbook_dead_replay(struct alertbook *b, const char *name, uint64_t *ret_n);

/* What an output does not tell until a time; those that are over go with the next one that is
 * added. */
struct alert_silence {
	uint64_t id;
	const char *rule, *node; /* NULL: any; node is id or name */
	uint64_t until_ns, created_ns;
	const char *author, *note;
};
NODISCARD int alertbook_silence_add(struct alertbook *b, const char *output,
				    struct alert_silence *s); /* sets id and created_ns */
NODISCARD int alertbook_silences(struct alertbook *b, const char *output,
				 int (*each)(const struct alert_silence *s, void *arg), void *arg);
/* Returns 0, ALERTBOOK_E_UNKNOWN or a negative errno. */
NODISCARD int alertbook_silence_drop(struct alertbook *b, const char *output, uint64_t id);

/* ---- incidents (joiner.h) ---- */

/* Says which incident (0: none) each of @n alerts belongs to, in one transaction; those that
 * belonged there before are left alone.  *ret_n of them changed.  Returns 0 or a negative errno. */
struct alert_place {
	uint64_t id, incident;
};
NODISCARD int alertbook_place(struct alertbook *b, const struct alert_place *places, size_t n,
			      uint64_t *ret_n);

/* Number of the last change.  Cheap, any thread. */
uint64_t alertbook_changes(const struct alertbook *b);
