/* SPDX-License-Identifier: Apache-2.0 */
/* rulebook - the detection rules of main.db: every revision that ever was, the one in force of each
 * rule, compiled, and the exceptions that were made beside the rules.
 *
 * A revision is never changed: apply, rollback and delete add to what is there.
 * Threads: any; each call takes the book's mutex.  Calls that write wait for the disk.
 * Memory: the compiled rules, shared by reference with who runs them. */
#pragma once
#include "lib/rule.h"

struct rulebook;

enum {
	RULEBOOK_E_UNKNOWN = 1, /* no such rule, revision or exception */
	RULEBOOK_E_WRONG = 2,	/* some document is no rule: nothing was applied */
	RULEBOOK_RULES = 50000, /* at most */
};

/* Opens the book in main.db of the folder @dir, which maindb_open() has made; NULL: in memory.
 * Returns 0 or a negative errno with @d. */
NODISCARD int rulebook_open(struct rulebook **ret, const char *dir, struct diag *d);
struct rulebook *rulebook_free(struct rulebook *b);
DEFINE_FREEP(rulebook)

/* Enters all rules of the *.yml and *.yaml of the folder @dir, if there never was a rule; a
 * folder that is not there has none.  *ret_n of them.  Returns 0, -EINVAL (one is wrong; @d has
 * the place) or another negative errno. */
NODISCARD int rulebook_begin(struct rulebook *b, const char *dir, size_t *ret_n, struct diag *d);

/* An exception made beside a rule. */
struct rulebook_exception {
	uint64_t id;
	const char *rule_id, *condition, *reason, *owner;
	uint64_t alert_id; /* 0: of none */
	uint64_t created_ns, expires_ns;
	struct expr *expr; /* set by the book */
};

/* A rule in force. */
struct rulebook_entry {
	char id[RULE_ID_BYTES];
	uint64_t revision, created_ns; /* of that revision */
	bool enabled;
	struct rule *rule; /* NULL: its text is no rule any more (another version wrote it) */
	struct diag wrong; /* why */
	struct rulebook_exception *exceptions;
	size_t n_exceptions;
};

/* Changes whenever a rule, its state or an exception does. */
uint64_t rulebook_generation(const struct rulebook *b);

/* What became of one document. */
struct rulebook_result {
	const char *id, *title;	    /* NULL: not known */
	const char *change;	    /* created, updated, unchanged or wrong */
	uint64_t revision;	    /* now; 0: none */
	const struct rule *rule;    /* NULL: wrong */
	const struct diag *problem; /* when wrong; lines are of the whole text */
	uint32_t line;		    /* lines of the text before the document */
};
typedef int (*rulebook_result_fn)(const struct rulebook_result *r, void *arg);

/* Enters the rules of a text of any number of documents: all or, when one is wrong, none.  A rule
 * that is as it was gets no new revision.  @dry: only tells what would be done.
 * Returns 0, RULEBOOK_E_WRONG, what @each returned when not 0, or a negative errno. */
struct rulebook_change {
	const char *text;
	size_t n;
	const char *author, *note;
	bool dry;
};
NODISCARD int rulebook_apply(struct rulebook *b, const struct rulebook_change *c,
			     rulebook_result_fn each, void *arg);

/* Calls @each for every rule in force by id, or for the one called @id, with the mutex held: it
 * must not call back.  Returns 0, RULEBOOK_E_UNKNOWN (@id), or what @each returned when not 0. */
typedef int (*rulebook_entry_fn)(const struct rulebook_entry *e, void *arg);
NODISCARD int rulebook_each(struct rulebook *b, const char *id, rulebook_entry_fn each, void *arg);

/* The revisions of a rule, newest first; also of a deleted one. */
struct rulebook_revision {
	uint64_t revision, created_ns;
	const char *author, *note, *source;
	bool current;
};
typedef int (*rulebook_revision_fn)(const struct rulebook_revision *r, void *arg);
NODISCARD int rulebook_revisions(struct rulebook *b, const char *id, rulebook_revision_fn each,
				 void *arg);

/* Makes a new revision with the text of @revision, and puts it in force. */
NODISCARD int rulebook_rollback(struct rulebook *b, const char *id, uint64_t revision,
				const char *author, uint64_t *ret_revision);
NODISCARD int rulebook_enable(struct rulebook *b, const char *id, bool enabled);
/* Its revisions stay, its exceptions go. */
NODISCARD int rulebook_delete(struct rulebook *b, const char *id);

/* Adds an exception.  Returns 0, RULEBOOK_E_UNKNOWN, -EINVAL (the condition; @d tells) or another
 * negative errno. */
NODISCARD int rulebook_except(struct rulebook *b, const struct rulebook_exception *e,
			      uint64_t *ret_id, struct diag *d);
NODISCARD int rulebook_except_drop(struct rulebook *b, const char *rule_id, uint64_t id);
