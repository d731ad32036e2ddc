/* SPDX-License-Identifier: Apache-2.0 */
/* query - answers questions over history by scanning the store's blocks: a page of the newest or
 * oldest hits, their number, a histogram over time, and the gaps of a range.
 *
 * The order of hits is total and does not change while events arrive: time, node, boot, sequence.
 * A page keeps its best hits in a heap; blocks overlap in time, so a block is left unopened only
 * when no event of it could still be better than the worst of a full heap.
 * Thread: one owner at a time of a worker (the uv thread pool); all else is const. */
#pragma once
#include <stdatomic.h>

#include "collector/document.h"
#include "collector/store.h"
#include "lib/limits.h"

/* What one thread needs to answer; kept from query to query. */
struct query_worker;
NODISCARD int query_worker_new(struct query_worker **ret, struct store *s);
struct query_worker *query_worker_free(struct query_worker *w);
DEFINE_FREEP(query_worker)

/* Its reader, for store_totals(). */
struct store_reader *query_worker_reader(struct query_worker *w);

/* How far a question is, for whoever waits: written by its thread, read by any. */
struct query_progress {
	atomic_ullong blocks; /* that were looked at, opened or not */
	atomic_ullong of; /* that the range touches; more when a question scans more than once */
};

/* Where an event stands in the total order. */
struct query_key {
	uint64_t time_ns, seq;
	uint8_t boot_id[16];
	uint8_t n_node;
	char node[LIMIT_NODE_ID_BYTES];
};

struct flows;

struct query {
	const struct expr *expr;   /* NULL: everything */
	uint64_t from_ns, to_ns;   /* events in [from, to) */
	const char *node;	   /* host.id or host.name; NULL: all */
	const atomic_bool *cancel; /* NULL, or looked at before each block: true gives -ECANCELED */
	struct query_progress *progress; /* NULL, or told */
	struct store_scan_stats *stats;	 /* NULL, or added to */
	const struct flows *flows; /* NULL, or what descendant of goes on over, of all nodes */
};

/* Texts on which regular expressions gave up, in all questions of this worker. */
uint64_t query_gave_up(const struct query_worker *w);

/* After a question: there were more processes or connections than child of and its like have room
 * for. */
bool query_lacks_kin(const struct query_worker *w, const struct query *q);

/* A page. */
struct query_page_request {
	bool ascending;
	const struct query_key *after; /* NULL: from the beginning; else only what comes after it */
	uint32_t limit;		       /* 1 .. LIMIT_SEARCH_HITS */
	size_t max_bytes; /* of documents; one document is given even when it is larger */
	struct document *document;
};

struct query_hit {
	size_t at, n; /* its document in query_page.text */
};

struct query_page {
	struct buf text;
	struct query_hit *hits; /* in order */
	uint32_t n_hits;
	bool more;	       /* there are further hits: ask again with after = last */
	bool cut;	       /* max_bytes, not limit, ended the page */
	struct query_key last; /* of the last hit */
};

/* Finds one page.  @ret is the caller's, given back with query_page_done() whatever is returned.
 * Returns 0, -ECANCELED, -ENOMEM or an errno of store_scan(). */
NODISCARD int query_page(struct query_worker *w, const struct query *q,
			 const struct query_page_request *request, struct query_page *ret);
void query_page_done(struct query_page *p);

/* Number of hits.  Returns as query_page(). */
NODISCARD int query_count(struct query_worker *w, const struct query *q, uint64_t *ret);

/* Buckets of a histogram: hit at time t is counted in counts[(t - origin_ns) / interval_ns].  The
 * query's range must not begin before origin_ns nor end after the last bucket. */
struct query_buckets {
	uint64_t origin_ns, interval_ns;
	uint64_t *counts; /* of n, added to */
	size_t n;
};
NODISCARD int query_histogram(struct query_worker *w, const struct query *q,
			      const struct query_buckets *buckets);

/* Writes an array of the gaps that overlap the range, at most QUERY_GAPS, oldest first:
 *   [{"node":"web-1","node_id":"..","from":"..","to":"..","count":7,"class":"bulk",
 *     "cause":"ring_full"}]
 * q->expr has no say.  *ret_n of them.  Returns as query_page(). */
enum { QUERY_GAPS = 100 };
NODISCARD int query_gaps(struct query_worker *w, const struct query *q, struct json *j,
			 uint32_t *ret_n);

/* Calls @each for every row of @b that @e (NULL: every row) finds, by table and row.  Stops and
 * returns what @each returned when not 0; else 0 or -ENOMEM. */
typedef int (*query_row_fn)(struct block *b, uint32_t table, uint32_t row, void *arg);
int query_rows(struct expr_scratch *s, const struct expr *e, struct block *b, query_row_fn each,
	       void *arg);

/* True when @node (NULL: any) is the host.id or host.name of @b. */
bool query_node_is(const struct block *b, const char *node);

/* A place in a listing as opaque text: the key, the direction and the range that page one had. */
struct query_cursor {
	struct query_key key;
	bool ascending;
	uint64_t from_ns, to_ns;
};
enum { QUERY_CURSOR_BYTES = 1 + 4 * 16 + 32 + 2 * LIMIT_NODE_ID_BYTES + 1 };
const char *query_cursor_format(const struct query_cursor *c, char buf[QUERY_CURSOR_BYTES]);
/* Returns 0, or -EINVAL: not a cursor that query_cursor_format() wrote. */
NODISCARD int query_cursor_parse(struct query_cursor *ret, const char *s, size_t n);
