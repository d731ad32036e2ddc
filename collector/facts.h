/* SPDX-License-Identifier: Apache-2.0 */
/* facts - what was ever seen on the fleet: since when, how often, on how many nodes.  Executables,
 * their hashes, which program starts which, addresses and domains that were connected to, users.
 *
 * An observer of follow.h that keeps facts.db.  A fact stays when its events go; of each kind
 * FACTS_OF_KIND are kept, those not seen for longest go first: counted.  Least and greatest time,
 * sums and sets: the order of batches makes no difference.
 * Thread: the observer as follow.h says; a reader has one owner; counters from any. */
#pragma once
#include "collector/follow.h"

struct facts;
struct facts_reader;

enum {
	FACTS_OF_KIND = 200000,
	FACTS_NODES = 1024,	  /* of one fact; it may be on more */
	FACTS_VALUE_BYTES = 1024, /* longer ones are cut */
};

/*   X(ID, "name", "help") : names in the API */
#define FACT_KINDS(X)                                                          \
	X(EXECUTABLE, "executable", "Path of a program that was executed")     \
	X(HASH, "hash", "SHA-256 of a program that was executed")              \
	X(PAIR, "pair", "Which program executed which: PARENT > CHILD")        \
	X(DESTINATION, "destination", "Address that was connected or sent to") \
	X(DOMAIN, "domain", "Name that was connected to or asked for")         \
	X(USER, "user", "User that executed something: name, or id without one")

enum fact_kind {
	FACT_NONE,
#define X(id, ...) FACT_##id,
	FACT_KINDS(X)
#undef X
		FACT_MAX
};

const char *fact_kind_name(enum fact_kind kind);
/* FACT_NONE: no such word. */
enum fact_kind fact_kind_find(const char *name);

/* Opens or makes facts.db in @dir.  @of_kind facts of each kind are kept; 0: FACTS_OF_KIND. Returns
 * 0, -EEXIST (a newer schema), another negative errno with @d, -ENOMEM. */
NODISCARD int facts_new(struct facts **ret, const char *dir, uint32_t of_kind, struct diag *d);
struct facts *facts_free(struct facts *f);
DEFINE_FREEP(facts)

/* For follow_add(); @f is borrowed. */
struct follow_observer facts_observer(struct facts *f);

struct facts_counters {
	uint64_t facts, evicted;
};
/* NULL: all zero. */
void facts_counters(const struct facts *f, struct facts_counters *ret);

/* ---- asking ---- */

/* Opens what is committed.  Any thread. */
NODISCARD int facts_reader_new(struct facts_reader **ret, const struct facts *f);
struct facts_reader *facts_reader_free(struct facts_reader *r);
DEFINE_FREEP(facts_reader)

struct fact {
	enum fact_kind kind;
	const char *value; /* lent for the call */
	uint64_t first_ns, last_ns, n, nodes;
	uint64_t window_ns; /* of facts_spread(): from the first to the last of the nodes that were
			       asked for */
	uint64_t id;
};
typedef int (*fact_each_fn)(const struct fact *f, void *arg);

/* One fact.  Returns 0, -ENOENT: it was never seen, or another negative errno. */
NODISCARD int facts_get(struct facts_reader *r, enum fact_kind kind, const char *value, size_t n,
			struct fact *ret);

/* When the first of all was seen; UINT64_MAX: nothing was. */
NODISCARD int facts_since(struct facts_reader *r, uint64_t *ret_ns);

/* Calls @each for those last seen at or after @since_ns, on the fewest nodes first, then the fewest
 * times, until it returns not 0.  Returns 0, that, or a negative errno. */
NODISCARD int facts_rare(struct facts_reader *r, enum fact_kind kind, uint64_t since_ns,
			 uint64_t max_nodes, fact_each_fn each, void *arg);

/* Calls @each for those that were seen first at or after @since_ns and within @within_ns came to
 * @nodes nodes, newest first. */
struct facts_spread {
	enum fact_kind kind;
	uint64_t since_ns, within_ns;
	uint32_t nodes;
};
NODISCARD int facts_spread(struct facts_reader *r, const struct facts_spread *q, fact_each_fn each,
			   void *arg);

/* Calls @each with the nodes that a fact was seen on, by their first time. */
typedef int (*fact_node_fn)(const char *id, const char *name, uint64_t first_ns, uint64_t last_ns,
			    uint64_t n, void *arg);
NODISCARD int facts_nodes(struct facts_reader *r, uint64_t id, fact_node_fn each, void *arg);
