/* SPDX-License-Identifier: Apache-2.0 */
/* Counts, histograms, gaps and what all questions share.  Pages are in query_page.c. */
#include "collector/query.h"

#include "collector/query_internal.h"
#include "lib/expr_kin.h"

enum { DAY_S = 86400, MINUTE_S = 60, GIVE_UPS = 200 };
#define NS_PER_S UINT64_C(1000000000)

int query_worker_new(struct query_worker **ret, struct store *s)
{
	AUTO(query_worker) *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_origin(-ENOMEM);
	r = expr_scratch_new(&w->scratch);
	if (r == 0)
		r = store_reader_new(s, &w->reader);
	if (r < 0)
		return r;
	*ret = TAKE(w);
	return 0;
}

struct query_worker *query_worker_free(struct query_worker *w)
{
	if (!w)
		return NULL;
	store_reader_free(w->reader);
	expr_scratch_free(w->scratch);
	free(w);
	return NULL;
}

struct store_reader *query_worker_reader(struct query_worker *w)
{
	return w->reader;
}

bool query_cancelled(const struct query *q)
{
	if (q->progress)
		atomic_fetch_add_explicit(&q->progress->blocks, 1, memory_order_relaxed);
	return q->cancel && atomic_load_explicit(q->cancel, memory_order_relaxed);
}

int query_scan_blocks(struct query_worker *w, const struct query *q,
		      const struct store_range *range, store_wanted_fn wanted, store_each_fn each,
		      void *arg)
{
	struct store_scan_stats stats = { 0 };
	int r;

	if (q->progress)
		atomic_fetch_add(&q->progress->of, store_range_blocks(w->reader, range));
	r = store_scan(w->reader, range, wanted, each, arg, &stats);
	if (q->stats)
		store_scan_stats_add(q->stats, &stats);
	return query_cancelled(q) ? -ECANCELED : r;
}

/* ---- child of and the like ---- */

struct learning {
	struct query_worker *worker;
	const struct query *q;
	struct expr_kin *kin;
};

static enum store_wish learn_wanted(const struct store_block *meta, void *arg)
{
	const struct learning *l = arg;

	(void)meta;
	return query_cancelled(l->q) ? STORE_STOP : STORE_READ;
}

static int learn_block(const struct store_block *meta, struct block *b, void *arg)
{
	const struct learning *l = arg;

	(void)meta;
	return expr_kin_learn_block(l->kin, l->worker->scratch, b);
}

/* A process may have done it at any time before the end of the range. */
static int learn_kins(struct query_worker *w, const struct query *q)
{
	struct expr_kin *kins[EXPR_KINS];
	uint32_t n = q->expr ? expr_kins(q->expr, kins) : 0;
	struct query apart;
	int r = 0;

	if (n == 0 || *expr_kin_is_learnt(kins[0]))
		return 0;
	memset(&w->learning, 0, sizeof(w->learning));
	memset(&w->edges, 0, sizeof(w->edges));
	apart = *q;
	apart.stats = &w->learning;
	for (uint32_t i = 0; i < n && r == 0; i++) {
		struct learning l = { w, q, kins[i] };
		const struct expr *inside = expr_kin_inside(kins[i]);
		struct store_range range = { .to_ns = q->to_ns,
					     .kinds = expr_kinds(inside),
					     .node = q->node,
					     .expr = inside };

		*expr_kin_is_learnt(kins[i]) = true;
		r = query_scan_blocks(w, &apart, &range, learn_wanted, learn_block, &l);
		if (r == 0 && q->flows && expr_kin_follows(kins[i]))
			r = kin_edges_learn(w, &apart, kins[i], &w->edges);
	}
	if (q->stats)
		store_scan_stats_add(q->stats, &w->learning);
	return r;
}

uint64_t query_gave_up(const struct query_worker *w)
{
	return expr_gave_up(w->scratch);
}

bool query_lacks_kin(const struct query_worker *w, const struct query *q)
{
	struct expr_kin *kins[EXPR_KINS];
	uint32_t n = q->expr ? expr_kins(q->expr, kins) : 0;
	bool lacks = n && w->edges.cut;

	for (uint32_t i = 0; i < n; i++)
		lacks |= expr_kin_is_full(kins[i]);
	return lacks;
}

int query_scan(struct query_worker *w, const struct query *q, const struct store_range *range,
	       store_wanted_fn wanted, store_each_fn each, void *arg)
{
	int r;

	expr_give_up_after(w->scratch, GIVE_UPS);
	r = learn_kins(w, q);
	return r < 0 ? r : query_scan_blocks(w, q, range, wanted, each, arg);
}

struct store_range query_range(const struct query *q)
{
	return (struct store_range){ .from_ns = q->from_ns,
				     .to_ns = q->to_ns,
				     .kinds = q->expr ? expr_kinds(q->expr) : 0,
				     .node = q->node,
				     .expr = q->expr };
}

/* ---- rows ---- */

static int all_rows(struct block *b, uint32_t table, query_row_fn each, void *arg)
{
	int r = 0;

	for (uint32_t row = 0; row < block_rows(b, table) && r == 0; row++)
		r = each(b, table, row, arg);
	return r;
}

static int hit_rows(struct block *b, uint32_t table, const uint64_t *hits, query_row_fn each,
		    void *arg)
{
	uint32_t n_words = (block_rows(b, table) + 63) / 64;
	int r = 0;

	for (uint32_t w = 0; w < n_words; w++)
		for (uint64_t bits = hits[w]; bits && r == 0; bits &= bits - 1)
			r = each(b, table, w * 64 + (uint32_t)__builtin_ctzll(bits), arg);
	return r;
}

int query_rows(struct expr_scratch *s, const struct expr *e, struct block *b, query_row_fn each,
	       void *arg)
{
	uint64_t kinds = e ? expr_kinds(e) : UINT64_MAX;
	int r = e ? expr_begin(s, e, b) : 0;

	for (uint32_t t = 0; t < block_info(b)->n_tables && r == 0; t++) {
		const uint64_t *hits;

		if (!(kinds >> block_kind(b, t) & 1))
			continue;
		if (!e) {
			r = all_rows(b, t, each, arg);
			continue;
		}
		r = expr_eval(s, t, &hits);
		if (r == 0)
			r = hit_rows(b, t, hits, each, arg);
	}
	return r;
}

static bool text_is(struct block_string s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.s, text, s.n) == 0;
}

bool query_node_is(const struct block *b, const char *node)
{
	const struct block_info *i = block_info(b);

	return !node || text_is(i->node_id, node) || text_is(i->node_name, node);
}

/* ---- counts ---- */

struct tally {
	const struct query *q;
	struct query_worker *worker;
	const struct query_buckets *buckets;
	const uint64_t *times; /* of the table at hand */
	uint32_t table;
};

static uint64_t bucket_of(const struct tally *t, uint64_t time_ns)
{
	return (time_ns - t->buckets->origin_ns) / t->buckets->interval_ns;
}

static void tally_add(struct tally *t, uint64_t time_ns, uint64_t n)
{
	uint64_t bucket = bucket_of(t, time_ns);

	if (bucket < t->buckets->n)
		t->buckets->counts[bucket] += n;
}

/* Without a condition a block that lies in one bucket is counted by what is known of it unopened.
 */
static enum store_wish tally_wanted(const struct store_block *meta, void *arg)
{
	struct tally *t = arg;

	if (query_cancelled(t->q))
		return STORE_STOP;
	if (t->q->expr || meta->min_time_ns < t->q->from_ns || meta->max_time_ns >= t->q->to_ns ||
	    bucket_of(t, meta->min_time_ns) != bucket_of(t, meta->max_time_ns))
		return STORE_READ;
	tally_add(t, meta->min_time_ns, meta->n_events);
	return STORE_SKIP;
}

static int tally_row(struct block *b, uint32_t table, uint32_t row, void *arg)
{
	struct tally *t = arg;
	uint64_t time_ns;

	if (t->table != table || !t->times)
		t->times = block_column(b, table, FIELD_TIMESTAMP);
	t->table = table;
	if (!t->times)
		return block_failed(b) ? err_origin(-ENOMEM) : 0;
	time_ns = t->times[row] ? t->times[row] - 1 : 0;
	if (time_ns >= t->q->from_ns && time_ns < t->q->to_ns)
		tally_add(t, time_ns, 1);
	return 0;
}

static int tally_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct tally *t = arg;

	(void)meta;
	t->times = NULL;
	return query_rows(t->worker->scratch, t->q->expr, b, tally_row, t);
}

int query_histogram(struct query_worker *w, const struct query *q,
		    const struct query_buckets *buckets)
{
	struct tally t = { .q = q, .worker = w, .buckets = buckets };
	struct store_range range = query_range(q);

	return query_scan(w, q, &range, tally_wanted, tally_block, &t);
}

int query_count(struct query_worker *w, const struct query *q, uint64_t *ret)
{
	struct query_buckets all = { .interval_ns = UINT64_MAX, .counts = ret, .n = 1 };

	*ret = 0;
	return query_histogram(w, q, &all);
}

/* ---- gaps ---- */

struct gaps {
	const struct query *q;
	struct json *j;
	uint32_t n;
};

static enum store_wish gap_wanted(const struct store_block *meta, void *arg)
{
	const struct gaps *g = arg;

	(void)meta;
	return query_cancelled(g->q) || g->n >= QUERY_GAPS ? STORE_STOP : STORE_READ;
}

static uint64_t number_at(struct block *b, uint32_t table, uint32_t row, enum field f,
			  uint64_t null)
{
	const uint64_t *values = block_column(b, table, f);

	return values && values[row] ? values[row] - 1 : null;
}

static void text_at(struct gaps *g, struct block *b, const char *key, uint32_t table, uint32_t row,
		    enum field f)
{
	const uint64_t *values = block_column(b, table, f);
	struct block_string s = { 0 };

	if (values && values[row])
		s = block_string(b, (uint32_t)values[row]);
	json_key(g->j, key);
	if (s.s)
		json_text_n(g->j, s.s, s.n);
	else
		json_nil(g->j);
}

static int gap_row(struct block *b, uint32_t table, uint32_t row, void *arg)
{
	struct gaps *g = arg;
	const struct block_info *i = block_info(b);
	uint64_t time = number_at(b, table, row, FIELD_TIMESTAMP, 0);
	uint64_t to = number_at(b, table, row, FIELD_GAP_TO, time);
	uint64_t from = number_at(b, table, row, FIELD_GAP_FROM, to);
	uint64_t count = number_at(b, table, row, FIELD_GAP_COUNT, 0);

	if (from >= g->q->to_ns || to < g->q->from_ns || g->n >= QUERY_GAPS)
		return 0;
	json_begin_object(g->j);
	json_key(g->j, "node");
	json_text_n(g->j, i->node_name.s, i->node_name.n);
	json_key(g->j, "node_id");
	json_text_n(g->j, i->node_id.s, i->node_id.n);
	json_key_time(g->j, "from", from);
	json_key_time(g->j, "to", to);
	json_key(g->j, "count");
	if (count)
		json_uint(g->j, count);
	else
		json_nil(g->j); /* nobody knows how many */
	text_at(g, b, "class", table, row, FIELD_GAP_CLASS);
	text_at(g, b, "cause", table, row, FIELD_GAP_CAUSE);
	json_end_object(g->j);
	g->n++;
	return 0;
}

static int gap_block(const struct store_block *meta, struct block *b, void *arg)
{
	int r = 0;

	(void)meta;
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++)
		if (block_kind(b, t) == KIND_GAP)
			r = all_rows(b, t, gap_row, arg);
	return r;
}

/* A gap is told when it is over: its event may be later than the range it tells of. */
int query_gaps(struct query_worker *w, const struct query *q, struct json *j, uint32_t *ret_n)
{
	struct gaps g = { .q = q, .j = j };
	struct store_range range = { .from_ns = q->from_ns > MINUTE_S * NS_PER_S
							? q->from_ns - MINUTE_S * NS_PER_S
							: 0,
				     .kinds = UINT64_C(1) << KIND_GAP,
				     .node = q->node,
				     .ascending = true };
	int r;

	if (__builtin_add_overflow(q->to_ns, DAY_S * NS_PER_S, &range.to_ns))
		range.to_ns = UINT64_MAX;
	json_begin_array(j);
	r = query_scan(w, q, &range, gap_wanted, gap_block, &g);
	json_end_array(j);
	*ret_n = g.n;
	return r;
}

/* ---- cursors ---- */

static size_t put_hex(char *out, const void *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = data;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[from[i] >> 4];
		out[2 * i + 1] = digits[from[i] & 15];
	}
	return 2 * n;
}

static size_t put_u64(char *out, uint64_t v)
{
	uint64_t big = __builtin_bswap64(v);

	return put_hex(out, &big, sizeof(big));
}

const char *query_cursor_format(const struct query_cursor *c, char buf[QUERY_CURSOR_BYTES])
{
	size_t at = 0;

	buf[at++] = c->ascending ? 'a' : 'd';
	at += put_u64(buf + at, c->key.time_ns);
	at += put_u64(buf + at, c->key.seq);
	at += put_u64(buf + at, c->from_ns);
	at += put_u64(buf + at, c->to_ns);
	at += put_hex(buf + at, c->key.boot_id, sizeof(c->key.boot_id));
	at += put_hex(buf + at, c->key.node, c->key.n_node);
	buf[at] = 0;
	return buf;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex(const char **s, void *ret, size_t n)
{
	uint8_t *to = ret;

	for (size_t i = 0; i < n; i++) {
		int high = hex_digit((*s)[2 * i]), low = hex_digit((*s)[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	*s += 2 * n;
	return true;
}

static bool take_u64(const char **s, uint64_t *ret)
{
	bool ok = take_hex(s, ret, sizeof(*ret));

	*ret = __builtin_bswap64(*ret);
	return ok;
}

int query_cursor_parse(struct query_cursor *ret, const char *s, size_t n)
{
	enum { FIXED = 1 + 4 * 16 + 32 };
	struct query_cursor c = { 0 };

	if (n <= FIXED || n >= QUERY_CURSOR_BYTES || (n - FIXED) % 2 ||
	    (s[0] != 'a' && s[0] != 'd'))
		return err_origin(-EINVAL);
	c.ascending = *s++ == 'a';
	c.key.n_node = (uint8_t)((n - FIXED) / 2);
	if (!take_u64(&s, &c.key.time_ns) || !take_u64(&s, &c.key.seq) ||
	    !take_u64(&s, &c.from_ns) || !take_u64(&s, &c.to_ns) ||
	    !take_hex(&s, c.key.boot_id, sizeof(c.key.boot_id)) ||
	    !take_hex(&s, c.key.node, c.key.n_node))
		return err_origin(-EINVAL);
	*ret = c;
	return 0;
}
