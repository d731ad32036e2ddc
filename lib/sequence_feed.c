/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks to entries, and entries of all blocks into one order. */
#include "lib/sequence_internal.h"

enum { NULL_KEY, NUMBER_KEY, BOOL_KEY, DATE_KEY, ID_KEY, TEXT_KEY }; /* first byte of a value */

/* ---- origins ---- */

static bool is_origin(const struct seq_origin *o, const struct block_info *i)
{
	return o->n_node == i->node_id.n && memcmp(o->node, i->node_id.s, o->n_node) == 0 &&
	       memcmp(o->boot_id, i->boot_id, sizeof(o->boot_id)) == 0;
}

static int find_origin(struct sequence *s, const struct block_info *info, uint32_t *ret)
{
	struct seq_origin **all, *o;

	for (*ret = 0; *ret < s->n_origins; ++*ret)
		if (is_origin(s->origins[*ret], info))
			return 0;
	all = reallocarray(s->origins, s->n_origins + 1, sizeof(struct seq_origin *));
	if (!all)
		return err_origin(-ENOMEM);
	s->origins = all;
	o = calloc(1, sizeof(*o));
	if (!o)
		return err_origin(-ENOMEM);
	o->n_node = MIN(info->node_id.n, (uint32_t)sizeof(o->node));
	memcpy(o->node, info->node_id.s, o->n_node);
	memcpy(o->boot_id, info->boot_id, sizeof(o->boot_id));
	all[s->n_origins++] = o;
	return 0;
}

/* ---- keys ---- */

static void add_number(struct buf *out, uint8_t tag, uint64_t v)
{
	buf_byte(out, tag);
	buf_add(out, &v, sizeof(v));
}

/* Appends the value of @k; false: it is null, and may not be. */
static bool add_key(struct buf *out, struct block *b, const struct seq_entry *e,
		    const struct eql_key *k)
{
	struct block_value v = { .type = VALUE_NULL };
	uint32_t n;

	if (!k->nothing)
		v = block_value(b, e->table, e->row, k->field);
	switch (v.type) {
	case VALUE_LONG:
		add_number(out, NUMBER_KEY, v.number);
		break;
	case VALUE_BOOL:
		add_number(out, BOOL_KEY, v.number);
		break;
	case VALUE_DATE:
		add_number(out, DATE_KEY, v.number);
		break;
	case VALUE_ID:
		add_number(out, ID_KEY, v.number);
		break;
	case VALUE_STRING:
		n = v.string.n;
		buf_byte(out, TEXT_KEY);
		buf_add(out, &n, sizeof(n));
		buf_add(out, v.string.s, n);
		break;
	case VALUE_STRINGS:
	case VALUE_NULL:
		buf_byte(out, NULL_KEY);
		return k->optional || k->nothing;
	}
	return true;
}

/* Appends the keys of @e; terms that lack one are taken from it. */
static void add_keys(const struct sequence *s, struct seq_run *run, struct block *b,
		     struct seq_entry *e)
{
	e->keys = (uint32_t)run->keys.n;
	for (uint32_t i = 0; i < s->st->n_sets; i++) {
		size_t start = run->keys.n;
		uint32_t n = 0;
		bool ok = true;

		if (!(e->terms & s->set_terms[i]))
			continue;
		buf_add(&run->keys, &n, sizeof(n));
		for (uint32_t k = 0; k < s->st->n_keys && ok; k++)
			ok = add_key(&run->keys, b, e, &s->st->sets[i].keys[k]);
		if (!buf_ok(&run->keys))
			return;
		n = (uint32_t)(run->keys.n - start - sizeof(n));
		memcpy(run->keys.data + start, &n, sizeof(n));
		if (!ok) {
			e->terms &= ~s->set_terms[i];
			run->keys.n = start;
		}
	}
}

static void write_value(struct json *j, uint8_t tag, uint64_t v)
{
	char id[20];

	switch (tag) {
	case BOOL_KEY:
		json_bool(j, v != 0);
		break;
	case DATE_KEY:
		json_time(j, v);
		break;
	case ID_KEY:
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)v);
		json_text_n(j, id, 16);
		break;
	default:
		json_uint(j, v);
	}
}

void sequence_write_keys(const struct sequence_match *m, struct json *j)
{
	const uint8_t *at = m->keys, *end = m->keys + m->n_keys_bytes;
	uint64_t v;
	uint32_t n;

	json_begin_array(j);
	while (at < end) {
		uint8_t tag = *at++;

		if (tag == NULL_KEY) {
			json_nil(j);
		} else if (tag == TEXT_KEY) {
			memcpy(&n, at, sizeof(n));
			json_text_n(j, (const char *)at + sizeof(n), n);
			at += sizeof(n) + n;
		} else {
			memcpy(&v, at, sizeof(v));
			write_value(j, tag, v);
			at += sizeof(v);
		}
	}
	json_end_array(j);
}

/* ---- the events of a block ---- */

static void mark(uint64_t *masks, const uint64_t *hits, uint32_t rows, uint32_t term)
{
	for (uint32_t w = 0; w < (rows + 63) / 64; w++)
		for (uint64_t bits = hits[w]; bits; bits &= bits - 1)
			masks[w * 64 + (uint32_t)__builtin_ctzll(bits)] |= UINT64_C(1) << term;
}

static int mark_term(struct sequence *s, struct expr_scratch *scratch, struct block *b,
		     uint32_t term)
{
	const struct expr *e = s->st->terms[term].expr;
	uint64_t kinds = expr_kinds(e);
	uint32_t first = 0;
	int r = 0;

	if (!(kinds & block_info(b)->kinds))
		return 0;
	r = expr_begin(scratch, e, b);
	for (uint32_t t = 0; r == 0 && t < block_info(b)->n_tables; t++) {
		uint32_t rows = block_rows(b, t);
		const uint64_t *hits;

		if (kinds >> block_kind(b, t) & 1) {
			r = expr_eval(scratch, t, &hits);
			if (r == 0)
				mark(s->masks + first, hits, rows, term);
		}
		first += rows;
	}
	return r;
}

/* Takes out what an exception is true of. */
static int except(struct sequence *s, struct expr_scratch *scratch, struct block *b,
		  const struct expr *condition)
{
	uint32_t first = 0;
	int r = expr_begin(scratch, condition, b);

	for (uint32_t t = 0; r == 0 && t < block_info(b)->n_tables; t++) {
		const uint64_t *hits;

		r = expr_eval(scratch, t, &hits);
		for (uint32_t row = 0; r == 0 && row < block_rows(b, t); row++)
			if (hits[row / 64] >> (row % 64) & 1)
				s->masks[first + row] = 0;
		first += block_rows(b, t);
	}
	return r;
}

static int mark_all(struct sequence *s, struct expr_scratch *scratch, struct block *b)
{
	uint32_t n = 0;
	int r = 0;

	for (uint32_t t = 0; t < block_info(b)->n_tables; t++)
		n += block_rows(b, t);
	if (n > s->cap_masks) {
		free(s->masks);
		s->masks = malloc(n * sizeof(*s->masks));
		s->cap_masks = s->masks ? n : 0;
		if (!s->masks)
			return err_origin(-ENOMEM);
	}
	if (n)
		memset(s->masks, 0, n * sizeof(*s->masks));
	for (uint32_t t = 0; r == 0 && t < s->st->n_terms + s->st->has_until; t++)
		r = mark_term(s, scratch, b, t);
	for (uint32_t i = 0; r == 0 && i < s->n_exceptions; i++)
		r = except(s, scratch, b, s->exceptions[i]);
	return r;
}

static uint64_t raw_at(const uint64_t *column, uint32_t row)
{
	return column && column[row] ? column[row] - 1 : 0;
}

static int by_order(const void *x, const void *y)
{
	const struct seq_entry *a = x, *b = y;
	int r = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);

	return r ? r : (a->seq > b->seq) - (a->seq < b->seq);
}

static uint32_t n_marked(const struct sequence *s, struct block *b)
{
	uint32_t first = 0, n = 0;

	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		uint32_t rows = block_rows(b, t);

		for (uint32_t row = 0; row < rows; row++)
			n += s->masks[first + row] != 0;
		first += rows;
	}
	return n;
}

static void add_table(struct sequence *s, struct seq_run *run, struct block *b, uint32_t table,
		      const uint64_t *masks)
{
	const uint64_t *times = block_column(b, table, FIELD_TIMESTAMP);
	const uint64_t *seqs = block_column(b, table, FIELD_SEQ);

	for (uint32_t row = 0; row < block_rows(b, table); row++) {
		struct seq_entry e = { .time_ns = raw_at(times, row),
				       .seq = raw_at(seqs, row),
				       .terms = masks[row],
				       .table = table,
				       .row = row };

		if (!e.terms || e.time_ns >= s->config.to_ns)
			continue;
		if (e.time_ns < s->config.from_ns) {
			s->info.n_before++;
			continue;
		}
		add_keys(s, run, b, &e);
		if (e.terms)
			run->entries[run->n++] = e;
	}
}

/* *ret NULL: nothing of it is asked for. */
static int make_run(struct sequence *s, struct block *b, uint64_t ref, struct seq_run **ret)
{
	uint32_t n = n_marked(s, b), first = 0;
	struct seq_run *run;
	int r;

	*ret = NULL;
	if (n == 0)
		return 0;
	run = calloc(1, sizeof(*run) + n * sizeof(run->entries[0]));
	if (!run)
		return err_origin(-ENOMEM);
	run->ref = ref;
	r = find_origin(s, block_info(b), &run->origin);
	for (uint32_t t = 0; r == 0 && t < block_info(b)->n_tables; t++) {
		add_table(s, run, b, t, s->masks + first);
		first += block_rows(b, t);
	}
	if (r == 0 && (!buf_ok(&run->keys) || block_failed(b)))
		r = err_origin(-ENOMEM);
	if (r < 0 || run->n == 0) {
		buf_done(&run->keys);
		free(run);
		return r;
	}
	qsort(run->entries, run->n, sizeof(run->entries[0]), by_order);
	run->bytes = sizeof(*run) + n * sizeof(run->entries[0]) + run->keys.cap;
	*ret = run;
	return 0;
}

/* ---- the order of all ---- */

static int compare_origins(const struct sequence *s, uint32_t i, uint32_t j)
{
	const struct seq_origin *a = s->origins[i], *b = s->origins[j];
	int r;

	if (i == j)
		return 0;
	r = memcmp(a->node, b->node, MIN(a->n_node, b->n_node));
	if (r == 0)
		r = (a->n_node > b->n_node) - (a->n_node < b->n_node);
	return r ? r : memcmp(a->boot_id, b->boot_id, sizeof(a->boot_id));
}

static bool is_before(const struct sequence *s, uint32_t i, uint32_t j)
{
	const struct seq_run *a = s->runs[i], *b = s->runs[j];
	const struct seq_entry *x = &a->entries[a->next], *y = &b->entries[b->next];
	int r = (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);

	if (r == 0)
		r = compare_origins(s, a->origin, b->origin);
	return r ? r < 0 : x->seq < y->seq;
}

static void run_swap(struct sequence *s, uint32_t i, uint32_t j)
{
	struct seq_run *run = s->runs[i];

	s->runs[i] = s->runs[j];
	s->runs[j] = run;
}

static void sink(struct sequence *s)
{
	for (uint32_t i = 0, child; (child = 2 * i + 1) < s->n_runs; i = child) {
		if (child + 1 < s->n_runs && is_before(s, child + 1, child))
			child++;
		if (!is_before(s, child, i))
			return;
		run_swap(s, i, child);
	}
}

static int add_run(struct sequence *s, struct seq_run *run)
{
	uint32_t i = s->n_runs, cap = s->cap_runs ? s->cap_runs * 2 : 16;
	struct seq_run **runs;

	if (s->n_runs == s->cap_runs) {
		runs = reallocarray(s->runs, cap, sizeof(struct seq_run *));
		if (!runs) {
			buf_done(&run->keys);
			free(run);
			return err_origin(-ENOMEM);
		}
		s->runs = runs;
		s->cap_runs = cap;
	}
	s->runs[s->n_runs++] = run;
	s->run_bytes += run->bytes;
	for (; i && is_before(s, i, (i - 1) / 2); i = (i - 1) / 2)
		run_swap(s, i, (i - 1) / 2);
	return 0;
}

static void drop_first(struct sequence *s)
{
	struct seq_run *run = s->runs[0];

	run_swap(s, 0, --s->n_runs);
	s->run_bytes -= run->bytes;
	buf_done(&run->keys);
	free(run);
}

/* Takes the next entry of all. */
static int take_first(struct sequence *s)
{
	struct seq_run *run = s->runs[0];
	int r = seq_take(s, run, &run->entries[run->next++]);

	if (run->next == run->n)
		drop_first(s);
	sink(s);
	return r;
}

int sequence_block(struct sequence *s, struct expr_scratch *scratch, struct block *b, uint64_t ref)
{
	struct seq_run *run = NULL;
	int r = mark_all(s, scratch, b);

	if (r == 0)
		r = make_run(s, b, ref, &run);
	if (r == 0 && run)
		r = add_run(s, run);
	while (r == 0 && s->n_runs && s->run_bytes > s->run_limit)
		r = take_first(s);
	return r;
}

int sequence_advance(struct sequence *s, uint64_t before_ns)
{
	int r = 0;

	while (r == 0 && s->n_runs && s->runs[0]->entries[s->runs[0]->next].time_ns < before_ns)
		r = take_first(s);
	return r ? r : seq_tell_waiters(s, before_ns);
}

int sequence_finish(struct sequence *s)
{
	int r = 0;

	while (r == 0 && s->n_runs)
		r = take_first(s);
	return r ? r : seq_tell_waiters(s, UINT64_MAX);
}
