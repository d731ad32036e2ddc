/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/facet.h"

#include <string.h>
#include <strings.h>

#include <xxhash.h>

#include "collector/document.h"
#include "lib/arena.h"
#include "lib/slots.h"

enum { NAME_BYTES = 64 };

/* What is counted within a block. */
enum way {
	WAY_STRING,  /* a column of strings of the event's table: by number of string */
	WAY_LIST,    /* the same of lists */
	WAY_PROCESS, /* a column of the process table: by row of it */
	WAY_TABLE,   /* the same for all rows of a table: rows */
	WAY_NUMBER,  /* each row meets the hash table */
};

struct value {
	uint64_t count;
	enum block_value_type type;
	uint32_t n;
	union {
		const char *s;
		uint64_t number;
	};
};

/* Rows of the block that share a value, and one of them. */
struct share {
	uint32_t count, table, row;
};

struct facet {
	char name[NAME_BYTES];
	struct field_ref ref;
	enum way way;
	struct slots slots; /* to values, 1-based */
	struct value *values;
	uint32_t n, room;
	uint64_t null, together; /* together: of values that found no room */
	/* the block at hand */
	struct share *shares;
	uint32_t n_shares, shares_room;
	/* the table at hand */
	const uint64_t *column;
	struct block_list list;
	bool has_list;
};

struct facets {
	struct facet all[FACET_FIELDS];
	uint32_t n;
	struct arena arena; /* texts of values */
	char *prefix;
	size_t n_prefix;
	struct block *block;
	uint32_t table;
	uint64_t rows;
};

/* ---- made ---- */

static enum way way_of(const struct field_info *info)
{
	bool text = info->type == TYPE_KEYWORD || info->type == TYPE_IP;

	if (info->home == HOME_BATCH || info->rule == RULE_KIND_CATEGORY ||
	    info->rule == RULE_KIND_ACTION || info->rule == RULE_KIND_TYPE)
		return WAY_TABLE;
	if (info->home == HOME_PROCESS)
		return WAY_PROCESS;
	if (info->type == TYPE_KEYWORDS)
		return WAY_LIST;
	return text ? WAY_STRING : WAY_NUMBER;
}

static int add_field(struct facets *f, const char *name, size_t n, uint32_t column, struct diag *d)
{
	struct facet *to = &f->all[f->n];

	if (f->n == FACET_FIELDS)
		return diag_set(d, -EINVAL, 1, column, "expected at most %d fields", FACET_FIELDS);
	if (n >= sizeof(to->name) || !field_find(name, n, &to->ref))
		return diag_set(d, -EINVAL, 1, column,
				"no field is called '%.*s', expected names of GET /api/v1/fields",
				(int)MIN(n, (size_t)100), name);
	memcpy(to->name, name, n);
	to->way = way_of(to->ref.info);
	f->n++;
	return 0;
}

int facets_new(struct facets **ret, const char *names, size_t n, struct diag *d)
{
	AUTO(facets) *f = calloc(1, sizeof(*f));
	int r = 0;

	if (!f)
		return err_origin(-ENOMEM);
	f->arena.limit = FACET_BYTES;
	for (size_t at = 0; at <= n && r == 0;) {
		const char *comma = memchr(names + at, ',', n - at);
		size_t len = comma ? (size_t)(comma - names) - at : n - at;

		r = add_field(f, names + at, len, (uint32_t)at + 1, d);
		at += len + 1;
	}
	if (r == 0)
		*ret = TAKE(f);
	return r;
}

struct facets *facets_free(struct facets *f)
{
	if (!f)
		return NULL;
	for (uint32_t i = 0; i < f->n; i++) {
		slots_done(&f->all[i].slots);
		free(f->all[i].values);
		free(f->all[i].shares);
	}
	arena_done(&f->arena);
	free(f->prefix);
	free(f);
	return NULL;
}

int facets_prefix(struct facets *f, const char *prefix, size_t n)
{
	free(f->prefix);
	f->n_prefix = n;
	f->prefix = strndup(prefix, n);
	return f->prefix ? 0 : err_origin(-ENOMEM);
}

uint64_t facets_rows(const struct facets *f)
{
	return f->rows;
}

uint32_t facets_least(const struct facets *f)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < f->n; i++)
		least = MIN(least, f->all[i].n);
	return least;
}

/* ---- values ---- */

static bool is_text(const struct value *v)
{
	return v->type == VALUE_STRING;
}

static uint64_t hash_of(const struct value *v)
{
	const void *data = is_text(v) ? (const void *)v->s : (const void *)&v->number;

	return XXH3_64bits_withSeed(data, is_text(v) ? v->n : sizeof(v->number), v->type);
}

static bool is_same(const struct value *a, const struct value *b)
{
	if (a->type != b->type || a->n != b->n)
		return false;
	return is_text(a) ? memcmp(a->s, b->s, a->n) == 0 : a->number == b->number;
}

static void write_value(const struct value *v, struct json *j)
{
	struct block_value value = { .type = v->type };

	if (is_text(v))
		value.string = (struct block_string){ v->s, v->n };
	else
		value.number = v->number;
	document_value(NULL, &value, j);
}

static bool has_prefix(const struct facets *f, const struct value *v)
{
	AUTO_BUF struct buf out = { 0 };
	struct json j = json_to(&out);
	const char *text;
	size_t quote;

	if (f->n_prefix == 0)
		return true;
	if (is_text(v))
		return v->n >= f->n_prefix && strncasecmp(v->s, f->prefix, f->n_prefix) == 0;
	write_value(v, &j);
	if (!buf_ok(&out))
		return false;
	text = (const char *)out.data;
	quote = text[0] == '"';
	return out.n >= f->n_prefix + 2 * quote &&
	       strncasecmp(text + quote, f->prefix, f->n_prefix) == 0;
}

/* A place in values for a new one, with its text copied.  Returns 0, -ENOMEM, or FULL. */
enum { FULL = 1 };
static int enter(struct facets *f, struct facet *to, const struct value *v, uint64_t hash)
{
	struct value *more;
	char *copy = NULL;

	if (to->n == FACET_VALUES || !slots_room(&to->slots))
		return FULL;
	if (to->n == to->room) {
		more = reallocarray(to->values, MAX(to->room * 2, 64U), sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		to->values = more;
		to->room = MAX(to->room * 2, 64U);
	}
	if (is_text(v)) {
		copy = arena_alloc(&f->arena, MAX(v->n, 1U));
		if (!copy)
			return FULL;
		memcpy(copy, v->s, v->n);
	}
	to->values[to->n] = *v;
	if (copy)
		to->values[to->n].s = copy;
	slots_put(&to->slots, hash, ++to->n);
	return 0;
}

static int count_value(struct facets *f, struct facet *to, const struct value *v)
{
	uint64_t hash = hash_of(v);
	uint32_t at = slots_first(&to->slots, hash), number;
	int r;

	while ((number = slots_next(&to->slots, hash, &at)))
		if (is_same(&to->values[number - 1], v)) {
			to->values[number - 1].count += v->count;
			return 0;
		}
	if (!has_prefix(f, v))
		return 0;
	r = enter(f, to, v, hash);
	if (r == FULL)
		to->together += v->count;
	return r < 0 ? r : 0;
}

static int count_text(struct facets *f, struct facet *to, struct block_string s, uint64_t count)
{
	struct value v = { .count = count, .type = VALUE_STRING, .n = s.n, .s = s.s };

	if (s.s)
		return count_value(f, to, &v);
	to->null += count;
	return 0;
}

static int count_block_value(struct facets *f, struct facet *to, const struct block_value *from,
			     uint64_t count)
{
	struct value v = { .count = count, .type = from->type, .number = from->number };
	int r = 0;

	if (from->type == VALUE_STRING)
		return count_text(f, to, from->string, count);
	if (from->type == VALUE_NULL)
		to->null += count;
	else if (from->type != VALUE_STRINGS)
		r = count_value(f, to, &v);
	for (uint32_t i = 0; from->type == VALUE_STRINGS && i < from->n_strings && r == 0; i++)
		r = count_text(f, to, block_string(f->block, from->strings[i]), count);
	return r;
}

/* ---- rows ---- */

/* As many shares as the block may have of what is counted; [0] is null. */
static int make_shares(struct facet *to, const struct block_info *i)
{
	uint32_t n = 1;

	if (to->way == WAY_STRING || to->way == WAY_LIST)
		n += i->n_strings;
	else if (to->way == WAY_PROCESS)
		n += i->n_processes;
	else if (to->way == WAY_TABLE)
		n = MAX(i->n_tables, 1U);
	if (n > to->shares_room) {
		free(to->shares);
		to->shares = malloc(n * sizeof(*to->shares));
		to->shares_room = to->shares ? n : 0;
		if (!to->shares)
			return err_origin(-ENOMEM);
	}
	memset(to->shares, 0, n * sizeof(*to->shares));
	to->n_shares = n;
	return 0;
}

int facets_begin(struct facets *f, struct block *b)
{
	int r = 0;

	f->block = b;
	f->table = UINT32_MAX;
	for (uint32_t i = 0; i < f->n && r == 0; i++)
		r = make_shares(&f->all[i], block_info(b));
	return r;
}

static void begin_table(struct facets *f, uint32_t table)
{
	f->table = table;
	for (uint32_t i = 0; i < f->n; i++) {
		struct facet *to = &f->all[i];
		const struct field_info *info = to->ref.info;
		enum field stored = info->rule == RULE_STORED ? info->field : info->source;

		if (to->way == WAY_STRING)
			to->column = block_column(f->block, table, stored);
		else if (to->way == WAY_LIST)
			to->has_list = block_list(f->block, table, stored, &to->list);
	}
}

static void share(struct facet *to, uint32_t which, uint32_t table, uint32_t row)
{
	struct share *s = &to->shares[which];

	s->count++;
	s->table = table;
	s->row = row;
}

static void share_list(struct facet *to, uint32_t table, uint32_t row)
{
	uint32_t from = to->has_list ? to->list.starts[row] : 0;
	uint32_t end = to->has_list ? to->list.starts[row + 1] : 0;

	if (from == end)
		share(to, 0, table, row);
	for (uint32_t i = from; i < end; i++)
		share(to, to->list.values[i], table, row);
}

int facets_row(struct facets *f, uint32_t table, uint32_t row)
{
	struct block_value v;
	int r = 0;

	if (f->table != table)
		begin_table(f, table);
	f->rows++;
	for (uint32_t i = 0; i < f->n && r == 0; i++) {
		struct facet *to = &f->all[i];

		switch (to->way) {
		case WAY_STRING:
			share(to, to->column ? (uint32_t)to->column[row] : 0, table, row);
			break;
		case WAY_LIST:
			share_list(to, table, row);
			break;
		case WAY_PROCESS:
			share(to, block_process(f->block, table, row, to->ref.via), table, row);
			break;
		case WAY_TABLE:
			share(to, table, table, row);
			break;
		case WAY_NUMBER:
			v = block_value(f->block, table, row, to->ref);
			r = count_block_value(f, to, &v, 1);
			break;
		}
	}
	return r;
}

static int end_share(struct facets *f, struct facet *to, uint32_t which)
{
	const struct share *s = &to->shares[which];
	enum field_rule rule = to->ref.info->rule;
	struct block_value v;

	if ((to->way == WAY_STRING || to->way == WAY_LIST) && which > 0) {
		struct block_string text = block_string(f->block, which);

		return count_text(f, to, rule == RULE_STORED ? text : block_derive(rule, text),
				  s->count);
	}
	if (to->way != WAY_TABLE && which == 0) {
		to->null += s->count;
		return 0;
	}
	v = block_value(f->block, s->table, s->row, to->ref);
	return count_block_value(f, to, &v, s->count);
}

int facets_end(struct facets *f)
{
	int r = 0;

	for (uint32_t i = 0; i < f->n; i++)
		for (uint32_t k = 0; k < f->all[i].n_shares && r == 0; k++)
			if (f->all[i].shares[k].count)
				r = end_share(f, &f->all[i], k);
	return r == 0 && block_failed(f->block) ? err_origin(-ENOMEM) : r;
}

/* ---- written ---- */

/* Most frequent first; equal ones by value, so that an answer is the same each time. */
static int by_count(const void *x, const void *y)
{
	const struct value *a = x, *b = y;
	int r = (a->count < b->count) - (a->count > b->count);

	if (r == 0 && is_text(a) && is_text(b)) {
		r = memcmp(a->s, b->s, MIN(a->n, b->n));
		return r ? r : (a->n > b->n) - (a->n < b->n);
	}
	return r ? r : (a->number > b->number) - (a->number < b->number);
}

static void write_facet(struct facet *from, enum facet_order order, uint32_t limit, struct json *j)
{
	uint64_t other = from->together;

	if (order == FACET_MOST && from->n) {
		qsort(from->values, from->n, sizeof(*from->values), by_count);
		slots_clear(&from->slots); /* its numbers are of the order before */
	}
	for (uint32_t i = limit; i < from->n; i++)
		other += from->values[i].count;
	json_begin_object(j);
	json_key_text(j, "field", from->name);
	json_key_text(j, "type", field_type_name(from->ref.info->type));
	json_key_uint(j, "distinct", from->n);
	json_key_bool(j, "complete", from->together == 0);
	json_key_uint(j, "null", from->null);
	json_key_uint(j, "other", other);
	json_key(j, "values");
	json_begin_array(j);
	for (uint32_t i = 0; i < MIN(from->n, limit); i++) {
		json_begin_object(j);
		json_key(j, "value");
		write_value(&from->values[i], j);
		json_key_uint(j, "count", from->values[i].count);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

void facets_write(struct facets *f, enum facet_order order, uint32_t limit, struct json *j)
{
	json_begin_array(j);
	for (uint32_t i = 0; i < f->n; i++)
		write_facet(&f->all[i], order, limit, j);
	json_end_array(j);
}
