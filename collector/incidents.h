/* SPDX-License-Identifier: Apache-2.0 */
/* incidents - alerts that belong together, worked out when asked for.
 *
 * Two alerts are joined by
 *
 * - lineage: one's process is the other's, or an ancestor of it; or both have the same one not far
 *   above;
 * - flow: the same over a connection between nodes: a process that serves an accepted connection is
 *   a child of the one that connected; or the same flow itself;
 * - file: the same executable by SHA-256, outside of the system's folders;
 * - user: the same user, not root, on the same node within INCIDENT_APART_NS of each other.
 *
 * Why is kept for each.  Processes that stand above everything (process 1, service managers,
 * listening daemons) join nothing.
 *
 * Thread: one owner.  Memory: 4.9 kB an alert, INCIDENT_ALERTS at most. */
#pragma once
#include "collector/alertbook.h"
#include "collector/flowdb.h"
#include "collector/query.h"

#define INCIDENT_APART_NS UINT64_C(3600000000000)
enum {
	INCIDENT_ALERTS = 2000,
	INCIDENT_ENDS = 40,   /* processes above an alert that are looked at */
	INCIDENT_HOPS = 4,    /* connections between nodes in a row */
	INCIDENT_LOOKS = 400, /* at flows and processes, for all alerts of an answer */
	INCIDENT_NEAR = 3,    /* generations to a common ancestor */
};

enum incident_kind { INCIDENT_LINEAGE, INCIDENT_FLOW, INCIDENT_FILE, INCIDENT_USER };
const char *incident_kind_name(enum incident_kind k);

/* A process above an alert's, or its own (depth 0). */
struct incident_end {
	uint64_t entity;
	uint32_t depth, hop; /* hop: connections between nodes on the way */
	uint32_t sure;	     /* percent */
	bool general;	     /* above everything: joins nothing but as the alert's own */
	char name[64];
};

struct incident_alert {
	uint64_t id, first_ns, last_ns, n_events, change;
	enum rule_level level;
	char rule_id[RULE_ID_BYTES], title[160], node[129], object[256], process[160];
	char techniques[256]; /* a JSON array */
	char flow[40], sha256[65], user[64];
	struct incident_end ends[INCIDENT_ENDS];
	uint32_t n_ends;
};

/* Why alert @a belongs to @b (their places). */
struct incident_link {
	uint32_t a, b;
	enum incident_kind kind;
	char text[256];
};

struct incidents {
	struct incident_alert *alerts;
	uint32_t n, cap;
	struct incident_link *links;
	uint32_t n_links, cap_links;
	uint32_t *root; /* of each alert: the place of its incident's first one */
	bool cut;	/* there were more alerts, or looks, than are taken */
	uint32_t looks;
};

/* Reads the alerts of [since, until) and joins them.  @db and @w may be NULL: then nothing is
 * looked up over nodes.  @ret is done with incidents_done() whatever is returned.  Returns 0 or
 * -errno. */
NODISCARD int incidents_find(struct incidents *ret, struct alertbook *book, struct flowdb *db,
			     struct query_worker *w, uint64_t since_ns, uint64_t until_ns);
void incidents_done(struct incidents *i);

/* One alert alone is an incident only when it is grave: high or critical. */
bool incidents_is_one(const struct incidents *i, uint32_t root);

/* 0..100, of the incident whose first alert is at @root. */
uint32_t incidents_score(const struct incidents *i, uint32_t root);
