/* SPDX-License-Identifier: Apache-2.0 */
/* maindb - main.db: what is not events.  Nodes (id, name, boots, facts, counters, last seen),
 * API tokens (only their SHA-256), days on hold, and what retention has removed.
 * Threads: any; each call takes the object's own mutex for its few microseconds. */
#pragma once
#include "lib/block.h"
#include "lib/diag.h"

struct maindb;

enum { MAINDB_TOKEN_CHARS = 64 };

/* Opens or makes main.db in the folder @dir (made, mode 0700, when missing).  Another process may have
 * it open too.  Returns 0, -EEXIST (a newer schema) or another negative errno, with @d. */
NODISCARD int maindb_open(struct maindb **ret, const char *dir, struct diag *d);
struct maindb *maindb_free(struct maindb *m);
DEFINE_FREEP(maindb)

enum { MAINDB_NODES = 65536 }; /* known at most: who invents node ids must not fill the memory */

/* Notes that a batch or heartbeat of a node came in: facts, sensor's counters, last seen, clock.  Kept
 * in memory until maindb_flush().  *ret_node is the node's number for maindb_node_stored().
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
	int64_t clock_offset_ns; /* node's clock minus the collector's at arrival, smallest seen: an
				  * upper bound of skew */
	struct block_stats stats; /* tiers[] strings belong to the callback's caller */
};

/* Calls @each for every known node by name, with the mutex held: @each must not call back.
 * Stops and returns what @each returned when not 0; -ENOMEM. */
int maindb_nodes(struct maindb *m, int (*each)(const struct node *n, void *arg), void *arg);

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_ANALYST, ROLE_OPERATOR, ROLE_ADMIN };
const char *role_name(enum role role); /* "viewer" and so on */
/* Returns false for a word that names no role. */
NODISCARD bool role_parse(const char *s, enum role *ret);

/* Makes a token: 256 random bits, written as 64 hex digits to ret_token[65], its SHA-256 stored, on
 * disk when it returns.  Returns 0, -EINVAL (no role) or a negative errno. */
NODISCARD int maindb_token_create(struct maindb *m, const char *name, enum role role,
				  char ret_token[65]);
/* Role of @token; ROLE_NONE when it is not known.  Asks the database, so a token made by another
 * process is known at once.  Time does not tell how much of a token was right: its hash is what is
 * looked up, and that is compared in constant time. */
enum role maindb_token_role(struct maindb *m, const char *token, size_t n);

/* ---- days, counted since 1970-01-01 ---- */

enum { MAINDB_E_NOT_HELD = 1 };

/* Keeps the day from retention until it is released; on disk when they return.  maindb_release() and
 * maindb_is_held() ask the database, so another process may hold and release.
 * Return 0, MAINDB_E_NOT_HELD or a negative errno. */
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
