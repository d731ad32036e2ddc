/* SPDX-License-Identifier: Apache-2.0 */
/* How many blocks each condition leaves out is counted by walking the index once with it and once
 * without; no block is read for it. */
#include "collector/explain.h"

#include "collector/query_internal.h"
#include "lib/expr_kin.h"

static enum store_wish count_only(const struct store_block *meta, void *arg)
{
	(void)meta;
	return query_cancelled(arg) ? STORE_STOP : STORE_SKIP;
}

static int no_block(const struct store_block *meta, struct block *b, void *arg)
{
	(void)meta, (void)b, (void)arg;
	return 0;
}

/* Blocks of the index that @range touches. */
static int count_blocks(struct query_worker *w, const struct query *q,
			const struct store_range *range, uint64_t *ret)
{
	struct store_scan_stats stats = { 0 };
	struct query copy = *q;
	int r = store_scan(w->reader, range, count_only, no_block, &copy, &stats);

	*ret = stats.blocks;
	return r;
}

struct counts {
	uint64_t stored, in_time, of_node, of_kinds;
};

static int count_all(struct query_worker *w, const struct query *q, struct counts *ret)
{
	struct store_range whole = query_range(q), range = { .to_ns = UINT64_MAX };
	struct store_totals totals;
	int r = store_totals(w->reader, &totals);

	ret->stored = totals.blocks;
	if (r == 0 && store_reader_is_scoped(w->reader)) /* totals are of all nodes */
		r = count_blocks(w, q, &range, &ret->stored);
	range.from_ns = q->from_ns;
	range.to_ns = q->to_ns;
	if (r == 0)
		r = count_blocks(w, q, &range, &ret->in_time);
	range.node = whole.node;
	if (r == 0)
		r = count_blocks(w, q, &range, &ret->of_node);
	range.kinds = whole.kinds;
	if (r == 0)
		r = count_blocks(w, q, &range, &ret->of_kinds);
	return r;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0; /* blocks come in meanwhile */
}

/* Of "descendant of": null when it was asked of one node or by a token that is bound to nodes. */
static void write_edges(const struct query_worker *w, const struct query *q, struct json *j)
{
	json_key(j, "edges_followed");
	if (q->flows)
		json_uint(j, w->edges.edges);
	else
		json_nil(j);
}

/* Those read before, to learn what child of and the like ask, are told apart. */
static void write_blocks(const struct query_worker *w, const struct query *q,
			 const struct counts *c, struct json *j)
{
	static const struct store_scan_stats none;
	struct expr_kin *kins[EXPR_KINS];
	const struct store_scan_stats *s = q->stats;
	uint32_t n = q->expr ? expr_kins(q->expr, kins) : 0;
	bool learns = n > 0;
	const struct store_scan_stats *before = learns ? &w->learning : &none;

	if (learns)
		json_key_uint(j, "blocks_read_before", before->blocks_read);
	for (uint32_t i = 0; i < n; i++)
		if (expr_kin_follows(kins[i])) {
			write_edges(w, q, j);
			break;
		}
	json_key(j, "blocks");
	json_begin_object(j);
	json_key_uint(j, "stored", c->stored);
	json_key_uint(j, "outside_time", less(c->stored, c->in_time));
	json_key_uint(j, "other_node", less(c->in_time, c->of_node));
	json_key_uint(j, "other_kind", less(c->of_node, c->of_kinds));
	json_key_uint(j, "ruled_out", less(s->blocks_skipped, before->blocks_skipped));
	json_key_uint(j, "not_needed", less(c->of_kinds, less(s->blocks, before->blocks)));
	json_key_uint(j, "read", less(s->blocks_read, before->blocks_read));
	json_key_uint(j, "damaged", less(s->blocks_damaged, before->blocks_damaged));
	json_end_object(j);
}

static void write_kinds(const struct query *q, struct json *j)
{
	uint64_t kinds = q->expr ? expr_kinds(q->expr) : UINT64_MAX;

	json_key(j, "kinds");
	json_begin_array(j);
	for (uint32_t k = 0; k < KIND_MAX; k++)
		if (kind_info(k) && kinds >> k & 1)
			json_text(j, kind_info(k)->action);
	json_end_array(j);
}

static void write_field(struct field_ref f, void *arg)
{
	char name[64];

	json_text(arg, field_name(f, name, sizeof(name)));
}

int explain_write(struct query_worker *w, const struct query *q, struct json *j)
{
	AUTO_BUF struct buf text = { 0 };
	struct counts counts = { 0 };
	int r = count_all(w, q, &counts);

	if (q->expr)
		expr_print(q->expr, &text);
	else
		buf_str(&text, "true");
	if (r == 0 && !buf_ok(&text))
		r = err_origin(-ENOMEM);
	if (r < 0)
		return r;
	json_key(j, "plan");
	json_begin_object(j);
	json_key(j, "query");
	json_text_n(j, (const char *)text.data, text.n);
	write_kinds(q, j);
	json_key(j, "fields");
	json_begin_array(j);
	if (q->expr)
		expr_fields(q->expr, write_field, j);
	json_end_array(j);
	write_blocks(w, q, &counts, j);
	json_key_uint(j, "events_read", q->stats->events);
	json_key_uint(j, "bytes_read", q->stats->bytes);
	json_end_object(j);
	return 0;
}
