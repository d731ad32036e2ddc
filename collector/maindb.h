/* SPDX-License-Identifier: Apache-2.0 */
/* maindb - main.db: what is not events.  Nodes (id, name, boots, facts, counters, last seen),
 * API tokens (only their SHA-256), and the migrations of both kinds of file.
 * Threads: any; each call takes the object's own mutex for its few microseconds. */
#pragma once
#include "lib/block.h"
#include "lib/diag.h"

struct maindb;

NODISCARD int maindb_open(struct maindb **ret, const char *dir, struct diag *d);
struct maindb *maindb_free(struct maindb *m);
DEFINE_FREEP(maindb)

/* Notes that a batch or heartbeat of a node came in: facts, counters, last seen, last seq.  Kept in
 * memory and written at most once a second by maindb_flush(). */
NODISCARD int maindb_node_seen(struct maindb *m, const struct block *b, uint64_t now_ns);
NODISCARD int maindb_flush(struct maindb *m);

struct node {
	char id[129], name[129], boot_id[37], architecture[32], os_kernel[96], agent_version[32];
	uint64_t first_seen_ns, last_seen_ns, last_seq, events, batches;
	int64_t clock_offset_ns; /* node's clock minus the collector's at arrival, smallest seen: an
				  * upper bound of skew */
	struct block_stats stats; /* tiers[] strings belong to the callback's caller */
};

/* Calls @each for every known node by name.  Stops and returns what @each returned when not 0. */
int maindb_nodes(struct maindb *m, int (*each)(const struct node *n, void *arg), void *arg);

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_ANALYST, ROLE_OPERATOR, ROLE_ADMIN };

/* Makes a token: 256 random bits, written as 64 hex digits to ret_token[65], its SHA-256 stored. */
NODISCARD int maindb_token_create(struct maindb *m, const char *name, enum role role,
				  char ret_token[65]);
/* Role of @token; ROLE_NONE when it is not known.  Constant-time over its bytes. */
enum role maindb_token_role(struct maindb *m, const char *token, size_t n);
