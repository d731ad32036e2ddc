/* SPDX-License-Identifier: Apache-2.0 */
/* maindb - main.db: what is not events.  Nodes (id, name, boots, facts, counters, last seen),
 * API and join tokens (only their SHA-256), certificates of nodes, the audit log, days on hold, and
 * what retention has removed.
 * Threads: any; each call takes the object's own mutex for its few microseconds. */
#pragma once
#include "lib/block.h"
#include "lib/cert.h"
#include "lib/diag.h"

struct maindb;

enum { MAINDB_TOKEN_CHARS = 64 };

/* Opens or makes main.db in the folder @dir (made, mode 0700, when missing).  Another process may
 * have it open too.  Returns 0, -EEXIST (a newer schema) or another negative errno, with @d. */
NODISCARD int maindb_open(struct maindb **ret, const char *dir, struct diag *d);
struct maindb *maindb_free(struct maindb *m);
DEFINE_FREEP(maindb)

enum { MAINDB_NODES = 65536 }; /* known at most: who invents node ids must not fill the memory */

/* Notes that a batch or heartbeat of a node came in: facts, sensor's counters, last seen, clock.
 * Kept in memory until maindb_flush().  *ret_node is the node's number for maindb_node_stored().
 * Returns 0, -ENOSPC (MAINDB_NODES are known) or -ENOMEM. */
NODISCARD int maindb_node_seen(struct maindb *m, const struct block *b, uint64_t now_ns,
			       uint32_t *ret_node);
/* Notes that a batch of the node was committed. */
void maindb_node_stored(struct maindb *m, uint32_t node, uint32_t n_events, uint64_t last_seq);
/* Writes what changed since the last call (to be called about once a second; nothing to do costs
 * nothing).  Counters of the last second may be lost by a crash; events never are.
 * Returns 0 or a negative errno: it is tried again by the next call. */
NODISCARD int maindb_flush(struct maindb *m);

struct node {
	char id[129], name[129], boot_id[37], architecture[32], os_kernel[96], agent_version[32];
	uint64_t first_seen_ns, last_seen_ns, last_seq, events, batches;
	int64_t clock_offset_ns;  /* how far the node's clock is ahead of the collector's, as its
				   * sensor  measured it; before that the most that batches of the
				   * boot  showed by their sent_time_ns: the way makes it too small */
	struct block_stats stats; /* tiers[] strings belong to the callback's caller */
	uint32_t number;	  /* as maindb_node_seen() gives it */
	const char *state;	  /* the gravest that watch.h has found; NULL: nothing */
	uint32_t alarms;	  /* all of it: a bit for each enum watch_condition */
	char highest_version[32]; /* of its sensors; "": not known yet */
};

/* Calls @each for every known node by name, with the mutex held: @each must not call back.
 * Stops and returns what @each returned when not 0; -ENOMEM. */
int maindb_nodes(struct maindb *m, int (*each)(const struct node *n, void *arg), void *arg);

/* What watch.h has found of the node.  @state is borrowed for ever, and not kept over restarts. */
struct node_watched {
	const char *state;
	uint32_t alarms;
	const char *highest_version; /* copied */
};
void maindb_node_watched(struct maindb *m, uint32_t node, const struct node_watched *w);

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_ANALYST, ROLE_OPERATOR, ROLE_ADMIN };
const char *role_name(enum role role); /* "viewer" and so on */
/* Returns false for a word that names no role. */
NODISCARD bool role_parse(const char *s, enum role *ret);

enum { MAINDB_NAME_BYTES = 128, MAINDB_SCOPE_BYTES = 1024 };

/* An API token as it is known, without its secret. */
struct token {
	int64_t id; /* never used again */
	char name[MAINDB_NAME_BYTES + 1];
	enum role role;
	char scope[MAINDB_SCOPE_BYTES + 1]; /* collector/scope.h; "": every node */
	char created_by[MAINDB_NAME_BYTES + 1];
	uint64_t created_ns, expires_ns, revoked_ns; /* 0: never; it is not */
};

/* Makes a token: 256 random bits, written as 64 hex digits to ret_token[65], its SHA-256 stored, on
 * disk when it returns.  Of @t id and times but expires_ns are not read; name, scope and created_by
 * must fit.  Returns 0, -EINVAL (no role) or a negative errno. */
NODISCARD int maindb_token_add(struct maindb *m, const struct token *t, char ret_token[65]);
/* The same of a token that never ends and sees everything. */
NODISCARD int maindb_token_create(struct maindb *m, const char *name, enum role role,
				  char ret_token[65]);
/* Finds a @token that is good at @now_ns.  Asks the database, so a token made or revoked by another
 * process is known at once.  Time does not tell how much of a token was right: its hash is what is
 * looked up, and that is compared in constant time.  Returns false when there is none. */
NODISCARD bool maindb_token_find(struct maindb *m, const char *token, size_t n, uint64_t now_ns,
				 struct token *ret);
/* Is the token @id, that was found before, still good?  Returns 1, 0 or a negative errno. */
NODISCARD int maindb_token_stands(struct maindb *m, int64_t id, uint64_t now_ns);
/* Calls @each for every token ever made, oldest first, with the mutex held.  Stops and returns what
 * @each returned when not 0; a negative errno. */
NODISCARD int maindb_tokens(struct maindb *m, int (*each)(const struct token *t, void *arg),
			    void *arg);
/* Ends a token for good, on disk when it returns.  Returns 0, MAINDB_E_UNKNOWN or a negative errno.
 */
NODISCARD int maindb_token_revoke(struct maindb *m, int64_t id, uint64_t now_ns);

/* ---- nodes that enrol ---- */

enum {
	MAINDB_E_UNKNOWN = 1, /* there is none */
	MAINDB_E_USED,	      /* the join token was used before */
	MAINDB_E_EXPIRED,
	MAINDB_E_OTHER_NODE, /* the join token is for another node */
	MAINDB_E_ENROLLED, /* the node has a certificate, and the join token is not for it alone */
	MAINDB_E_MANY,	   /* the node has MAINDB_CERTIFICATES that are good */
};

/* Makes a join token for @node_id ("": any node that is not enrolled), good once until @expires_ns;
 * its secret is written as 64 hex digits.  Returns 0 or a negative errno. */
NODISCARD int maindb_join_add(struct maindb *m, const char *node_id, uint64_t expires_ns,
			      const char *created_by, char ret_secret[65]);
/* Is @secret a join token that may be used, for some node?  Changes nothing.  Returns 0,
 * MAINDB_E_UNKNOWN, _USED, _EXPIRED or a negative errno. */
NODISCARD int maindb_join_check(struct maindb *m, const char *secret, uint64_t now_ns);
/* Uses a join token up for the certificate @c: both or nothing, on disk when it returns.  Returns
 * 0, an outcome above or a negative errno. */
NODISCARD int maindb_join_use(struct maindb *m, const char *secret, const struct cert *c,
			      uint64_t now_ns);
/* Notes a certificate that renews another of the same node.  Returns 0, MAINDB_E_MANY or a negative
 * errno. */
enum { MAINDB_CERTIFICATES = 64 }; /* of a node that are good at once */
NODISCARD int maindb_certificate_add(struct maindb *m, const struct cert *c, uint64_t now_ns);

enum standing { STANDING_GOOD, STANDING_UNKNOWN, STANDING_REVOKED };
/* How a certificate stands.  Asks the database: a revocation holds for the next message.  Returns
 * an enum standing or a negative errno. */
NODISCARD int maindb_certificate_standing(struct maindb *m, const char *serial);
/* Revokes all certificates of a node, on disk when it returns.  *ret_n: how many were good until
 * now. Returns 0 or a negative errno. */
NODISCARD int maindb_node_revoke(struct maindb *m, const char *node_id, uint64_t now_ns,
				 uint32_t *ret_n);

/* ---- audit ---- */

/* Each is kept by itself: who has no token cannot push out what others did. */
enum audit_class {
	AUDIT_STRANGER, /* refused, without a token that is good */
	AUDIT_QUESTION,
	AUDIT_CHANGE, /* written before it is answered */
	AUDIT_CLASSES
};

struct audit {
	enum audit_class class; /* not told by maindb_audit_list() */
	int64_t id;
	uint64_t time_ns, took_us;
	const char *actor, *address, *action, *detail; /* borrowed for the call */
	int64_t token_id;			       /* 0: none */
	uint32_t status;
};
enum {
	MAINDB_AUDIT_ROWS = 200000, /* of questions, and of changes */
	MAINDB_AUDIT_STRANGERS = 20000,
	MAINDB_AUDIT_SLACK = 1000, /* so many more may be there */
	MAINDB_AUDIT_WAITING = 1024,
};

/* Notes what was done.  It is written with the next maindb_flush(), or at once when many wait or it
 * is a change.  The oldest of a class go.  Returns 0 or a negative errno. */
NODISCARD int maindb_audit_add(struct maindb *m, const struct audit *a);
/* Calls @each for at most @limit rows with an id below @before (0: the newest), newest first, with
 * the mutex held.  Stops and returns what @each returned when not 0; a negative errno. */
NODISCARD int maindb_audit_list(struct maindb *m, int64_t before, uint32_t limit,
				int (*each)(const struct audit *a, void *arg), void *arg);

/* ---- days, counted since 1970-01-01 ---- */

enum { MAINDB_E_NOT_HELD = 1 };

/* Keeps the day from retention until it is released; on disk when they return.  maindb_release()
 * and maindb_is_held() ask the database, so another process may hold and release. Return 0,
 * MAINDB_E_NOT_HELD or a negative errno. */
NODISCARD int maindb_hold(struct maindb *m, uint32_t day);
NODISCARD int maindb_release(struct maindb *m, uint32_t day);
NODISCARD int maindb_is_held(struct maindb *m, uint32_t day);
/* Calls @each for each day on hold, oldest first, with the mutex held.  Stops and returns what
 * @each returned when not 0; a negative errno. */
NODISCARD int maindb_holds(struct maindb *m, int (*each)(uint32_t day, void *arg), void *arg);

/* A day that is about to be removed.  Noting the same again changes nothing: it is known by day and
 * ingested_ns. */
struct maindb_removed {
	uint32_t day;
	uint64_t ingested_ns; /* of its last batch */
	uint64_t n_events, bytes, removed_ns;
	const char *reason;
};
NODISCARD int maindb_removed_add(struct maindb *m, const struct maindb_removed *day);

/* All that was ever removed. */
struct maindb_removed_sum {
	uint64_t days, events, bytes;
};
NODISCARD int maindb_removed_sum(struct maindb *m, struct maindb_removed_sum *ret);

/* How long days are kept, as somebody has set it by the API: it goes before the options. */
enum { MAINDB_E_NOT_SET = 1 };
struct maindb_keep {
	uint64_t keep_days, keep_bytes; /* 0: for ever; no limit */
	uint64_t changed_ns;
	char author[MAINDB_NAME_BYTES + 1];
};
/* On disk when they return.  Return 0 or a negative errno. */
NODISCARD int maindb_keep_set(struct maindb *m, const struct maindb_keep *keep);
NODISCARD int maindb_keep_drop(struct maindb *m);
/* Returns 0, MAINDB_E_NOT_SET or a negative errno; *ret is written by 0 only. */
NODISCARD int maindb_keep_get(struct maindb *m, struct maindb_keep *ret);
