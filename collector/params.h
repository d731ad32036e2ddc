/* SPDX-License-Identifier: Apache-2.0 */
/* params - the parameters of a request, from its query string or its JSON body.  One table says
 * what there is; a route says which of them it takes.
 * Thread: any.  Memory: struct params owns the decoded bytes. */
#pragma once
#include "lib/buf.h"
#include "lib/diag.h"

/*   X(ID, "name", "type", "default", "help") */
#define PARAMS(X)                                                                                  \
	X(Q, "q", "query", "", "What to look for, in the query language; empty: every event")      \
	X(SINCE, "since", "time", "-24h", "Events from this time on")                              \
	X(UNTIL, "until", "time", "", "Events before this time; empty: up to the newest")          \
	X(NODE, "node", "string", "", "Only events of the node with this host.id or host.name")    \
	X(LIMIT, "limit", "integer", "100", "Hits on one page, 1 to 10000")                        \
	X(CURSOR, "cursor", "string", "",                                                          \
	  "Where the page before ended, as it said; its range holds")                              \
	X(FIELDS, "fields", "names", "", "Fields of a document, commas between; empty: all")       \
	X(ORDER, "order", "desc or asc", "desc", "Newest first or oldest first")                   \
	X(BUCKETS, "buckets", "integer", "60", "Buckets wanted, 1 to 2000; there may be fewer")    \
	X(INTERVAL, "interval", "duration", "",                                                    \
	  "Width of a bucket, such as 30s, instead of buckets")                                    \
	X(FIELD, "field", "names", "", "Fields whose values are wanted, commas between")           \
	X(PREFIX, "prefix", "string", "", "What the values begin with, in any case of letters")    \
	X(DEPTH, "depth", "integer", "64", "Generations up and down, 1 to 64")                     \
	X(DESCENDANTS, "descendants", "boolean", "false",                                          \
	  "true: what the processes below it did, too")                                            \
	X(PROCESS, "process", "string", "", "Only with this process at an end: its entity id")     \
	X(STATE, "state", "all, joined or half", "all", "Connections with both ends, with one")    \
	X(HOSTS, "hosts", "own or all", "own", "all: over connections to other nodes, too")        \
	X(FROM, "from", "string", "", "Where chains begin: an entity id, or a node")               \
	X(HOPS, "hops", "integer", "8", "Connections in a row, 1 to 16")                           \
	X(KIND, "kind", "kind of facts", "executable",                                             \
	  "executable, hash, pair, destination, domain or user")                                   \
	X(VALUE, "value", "string", "", "This one only, exactly; with the nodes it was seen on")   \
	X(MAX_NODES, "max_nodes", "integer", "4294967295", "Only what so many nodes had")          \
	X(NODES, "nodes", "integer", "2", "Nodes that it came to, at least; 1 to 1024")            \
	X(WITHIN, "within", "duration", "1h", "In which time it came to them")                     \
	X(SQL, "sql", "string", "", "One SELECT over the tables events and nodes")                 \
	X(RULE, "rule", "string", "", "Only alerts of the rule with this id")                      \
	X(STATUS, "status", "string", "", "Only alerts that are open, acknowledged or closed")     \
	X(LEVEL, "level", "string", "", "Only alerts of this level or above")                      \
	X(SOURCE, "source", "string", "", "Text of rules: YAML of any number of documents")        \
	X(DRY, "dry", "boolean", "false", "true: only tell what would be done")                    \
	X(REVISION, "revision", "integer", "", "A revision of the rule")                           \
	X(NOTE, "note", "string", "", "A note in a person's words")                                \
	X(CONDITION, "condition", "query", "", "Events that are left out")                         \
	X(OWNER, "owner", "string", "", "Who answers for it")                                      \
	X(EXPLAIN, "explain", "boolean", "false", "true: tell the plan, too")                      \
	X(PROGRESS, "progress", "boolean", "false",                                                \
	  "true: the answer is lines of JSON, some that tell how far it is, the last the answer")  \
	X(EXPIRES, "expires", "time", "", "Until when it holds; empty: for ever")                  \
	X(NODE_ID, "node_id", "string", "",                                                        \
	  "The only node that may use the join token; empty: any")                                 \
	X(SECRET, "secret", "string", "", "The secret part of a join token")                       \
	X(REQUEST, "request", "string", "", "A certificate signing request in PEM form")           \
	X(CERTIFICATE, "certificate", "string", "", "The node's certificate in PEM form")          \
	X(NAME, "name", "string", "", "What the token is for")                                     \
	X(ROLE, "role", "string", "viewer", "viewer, analyst, operator or admin")                  \
	X(SCOPE, "scope", "string", "",                                                            \
	  "Nodes that the token may see: node:ID and label:KEY=VALUE, commas between; empty: all") \
	X(TTL, "ttl", "duration", "",                                                              \
	  "How long it is good; empty: 1h for join tokens and silences, 90d for API tokens") \
	X(KEEP_DAYS, "keep_days", "integer", "", "Whole days that are kept; 0: for ever")       \
	X(KEEP_BYTES, "keep_bytes", "integer", "", "Bytes all days may take; 0: no limit")

enum param {
#define X(id, ...) PARAM_##id,
	PARAMS(X)
#undef X
		PARAM_MAX
};

struct param_info {
	const char *name, *type, *fallback, *help;
};
const struct param_info *param_info(enum param p);

/* A set of them, as routes have it. */
#define PARAM_BIT(id) (UINT64_C(1) << PARAM_##id)

struct params {
	struct {
		const char *s; /* NUL-terminated; holds no NUL; NULL: not given */
		size_t n;
	} value[PARAM_MAX];
	char *bytes;
};

/* Reads name=value pairs with & between, percent-encoded, + for a blank.  @allowed is the set that
 * the route takes.  @ret is zero-initialised or done, and the caller's to give back with
 * params_done() whatever is returned.
 * Returns 0, -ENOMEM or -EINVAL: a broken escape, a NUL, a name that is unknown or comes twice; @d
 * names it. */
NODISCARD int params_parse_query(struct params *ret, uint64_t allowed, const char *s, size_t n,
				 struct diag *d);

/* The same from a JSON object of strings, integers and (for names) arrays of strings; null is as
 * not given. */
NODISCARD int params_parse_json(struct params *ret, uint64_t allowed, const char *s, size_t n,
				struct diag *d);
void params_done(struct params *p);

/* The value, or what stands for one that is not given or empty. */
const char *params_text(const struct params *p, enum param which, size_t *ret_n);

/* The value as a number of min .. max.  Returns 0, or -EINVAL with the reason in @d. */
NODISCARD int params_number(const struct params *p, enum param which, uint64_t min, uint64_t max,
			    uint64_t *ret, struct diag *d);
