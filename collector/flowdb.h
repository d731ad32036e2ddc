/* SPDX-License-Identifier: Apache-2.0 */
/* flowdb - flows.db: flows, the nodes that saw them, their addresses and the times they missed.
 *
 * The writer's calls after flowdb_open() make one transaction, ended by flowdb_commit() (with the
 * position, see follow.h) or flowdb_rollback().  No fsync for each: an older position goes with
 * older flows.  Readers have connections of their own and see what is committed.
 * Thread: an object has one owner at a time.  Memory: nodes and sources (bounded), SQLite's. */
#pragma once
#include "collector/flow_match.h"
#include "lib/diag.h"

struct flowdb;

enum {
	FLOWDB_NODES = 65536,	       /* and as many boots: further ones have no flows */
	FLOWDB_ADDRESSES = 131072,     /* further ones are not told as a node's own */
	FLOWDB_OUTAGES = 100000,       /* the oldest go first */
	FLOWDB_TRANSLATIONS = 2000000, /* the same */
	FLOWDB_KEY_ROWS = 64, /* flows of one key within a few minutes; more are left out */
	FLOWDB_IP_BYTES = 46,
	FLOWDB_COMMUNITY_BYTES = 32,
};

/* The addresses of a connection, as one side has them. */
struct flow_tuple {
	uint64_t key; /* hash of the community id; of loopback with the node; 0: none */
	char source_ip[FLOWDB_IP_BYTES], dest_ip[FLOWDB_IP_BYTES];
	uint16_t source_port, dest_port;
	char community_id[FLOWDB_COMMUNITY_BYTES];
};

/* A row. */
struct flow {
	uint64_t id;	/* 0: not stored yet */
	uint64_t at_ns; /* when it was established, by the collector's clock */
	char transport[8];
	struct flow_tuple tuple; /* of the end that connected, or the only one */
	struct flow_tuple nat;	 /* of the end that accepted, where it is another one */
	struct flow_match ends;
};

/* Opens or makes flows.db in @dir for writing.  Returns 0, -EEXIST (a newer schema) or another
 * negative errno with @d. */
NODISCARD int flowdb_open(struct flowdb **ret, const char *dir, struct diag *d);
/* Opens it for reading only.  Returns as above, -ENOENT: there is none yet. */
NODISCARD int flowdb_open_reader(struct flowdb **ret, const char *dir, struct diag *d);
struct flowdb *flowdb_free(struct flowdb *db);
DEFINE_FREEP(flowdb)

/* ---- writer ---- */

NODISCARD int flowdb_position(struct flowdb *db, uint64_t *ret_ns);
NODISCARD int flowdb_commit(struct flowdb *db, uint64_t ingested_ns);
void flowdb_rollback(struct flowdb *db);

/* Number of a node and of a boot of it (from 1), known or made.  -ENOSPC: too many.
 * *ret_node_number: as flow_end.node. */
NODISCARD int flowdb_source(struct flowdb *db, const char *node_id, const char *name,
			    const char *boot_id, uint32_t *ret_source, uint32_t *ret_node);
/* Notes the newest event of a node; *ret_before_ns: what it was before. */
void flowdb_seen(struct flowdb *db, uint32_t node, uint64_t last_ns, uint64_t *ret_before_ns);
/* Notes how far a node's clock is ahead; or, when it was not @measured, gives what was noted last.
 */
void flowdb_clock(struct flowdb *db, uint32_t node, bool measured, int64_t *ahead_ns);
NODISCARD int flowdb_address(struct flowdb *db, const char *ip, uint32_t node, uint64_t now_ns);
NODISCARD int flowdb_outage(struct flowdb *db, uint32_t node, uint64_t from_ns, uint64_t to_ns,
			    const char *cause);

/* Days, first and last. */
struct flowdb_days {
	uint64_t first, last;
};
/* Adds flows of @key around @at_ns to the *n that are in @ret: all that may have to do with a
 * sighting of then.  @ret has room for FLOWDB_KEY_ROWS.  Widens @days to what was looked at.
 * Returns 0, -E2BIG (there are more: counted) or a negative errno. */
NODISCARD int flowdb_near(struct flowdb *db, uint64_t key, uint64_t at_ns, struct flow *ret,
			  size_t *n, struct flowdb_days *days);
/* Adds the translations of @key, to it or from it, in @days to @links.  Returns as above. */
NODISCARD int flowdb_links(struct flowdb *db, uint64_t key, struct flowdb_days days,
			   struct flow_links *links);
/* Notes a translation.  @source_ip: as the connecting side has it; @nat_dest_ip: as the accepting
 * one has it. */
NODISCARD int flowdb_translation(struct flowdb *db, const struct flow_link *l,
				 const char *source_ip, const char *nat_dest_ip);
/* Writes a flow: a new row when f->id is 0 (set then), else in place of that one. */
NODISCARD int flowdb_put(struct flowdb *db, struct flow *f);
NODISCARD int flowdb_drop(struct flowdb *db, uint64_t id);

/* Removes at most @most flows of before @before_ns, the oldest; with @evict they count as evicted.
 * *ret_n of them.  Outages of before go too. */
NODISCARD int flowdb_expire(struct flowdb *db, uint64_t before_ns, uint32_t most, bool evict,
			    uint32_t *ret_n);
/* When the oldest flow was; 0: there is none. */
NODISCARD int flowdb_oldest(struct flowdb *db, uint64_t *ret_ns);

struct flowdb_counters {
	uint64_t flows, evicted, crowded;
	uint64_t translations; /* that are kept */
};
/* The writer's, with what is not committed yet. */
void flowdb_counters(const struct flowdb *db, struct flowdb_counters *ret);

/* ---- reader; the writer may too ---- */

struct flowdb_node {
	const char *id, *name; /* live as long as the object */
	uint64_t last_ns;
};
/* Of a flow_end.source; of a number of a node.  NULL fields: not known. */
struct flowdb_node flowdb_node_of(struct flowdb *db, uint64_t source);
const char *flowdb_boot_of(struct flowdb *db, uint64_t source);
struct flowdb_node flowdb_node(struct flowdb *db, uint32_t node);

/* What is asked of flows; each member narrows it. */
struct flow_question {
	uint64_t from_ns, to_ns; /* at_ns in [from, to) */
	uint64_t entity;	 /* a process at an end; 0: any */
	bool only_side;		 /* then at this end: */
	enum flow_side side;
	uint32_t node; /* a node at an end; 0: any */
	enum { FLOW_ALL, FLOW_JOINED, FLOW_HALVES } state;
	bool descending;   /* newest first; of an entity as above day by day */
	uint64_t after_id; /* resume: rows of from_ns (to_ns, descending) with ids to this were told
			    */
};
typedef int (*flow_each_fn)(const struct flow *f, void *arg);
/* Calls @each in the order of at_ns until it returns not 0.  Returns 0, that, or a negative errno.
 */
NODISCARD int flowdb_ask(struct flowdb *db, const struct flow_question *q, flow_each_fn each,
			 void *arg);

/* Number of the node with this id or name; 0: none. */
uint32_t flowdb_find_node(struct flowdb *db, const char *id_or_name);

/* Why an end was not seen. */
enum flow_absence {
	FLOW_NOT_ABSENT,
	FLOW_FAILED,	    /* the attempt failed: there was no other end */
	FLOW_NO_SENSOR,	    /* the address is no known node's */
	FLOW_EVIDENCE_LOST, /* the node's evidence of then is known to be missing */
	FLOW_EVIDENCE_LATE, /* the node has told nothing of then yet: silent, or stopped */
	FLOW_NOT_SEEN, /* it should have been seen: nobody accepted, or another address is meant */
};
const char *flow_absence_name(enum flow_absence a); /* "no_sensor" and so on */

struct flow_why {
	enum flow_absence absence;
	uint32_t node;		 /* the peer, where it is known */
	uint64_t from_ns, to_ns; /* of what is missing; to 0: until now */
	char cause[32];
};
/* For a half @f. */
NODISCARD int flowdb_why(struct flowdb *db, const struct flow *f, struct flow_why *ret);
