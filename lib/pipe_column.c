/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pipe_column.h"

/* An array of at least @n items, zeroed. */
static bool clear(uint32_t **array, size_t *cap, size_t n)
{
	if (n > *cap) {
		uint32_t *p = realloc(*array, n * sizeof(*p));

		if (!p)
			return false;
		*array = p;
		*cap = n;
	}
	if (n)
		memset(*array, 0, n * sizeof(**array));
	return true;
}

int pipe_columns_begin(struct pipe_columns *c, struct block *b)
{
	c->block = b;
	c->has_joined = false;
	memset(c->has_derived, 0, sizeof(c->has_derived));
	return clear(&c->plain, &c->cap_plain, (size_t)block_info(b)->n_strings + 1)
		       ? 0
		       : err_origin(-ENOMEM);
}

void pipe_columns_done(struct pipe_columns *c)
{
	free(c->plain);
	free(c->joined);
	for (size_t i = 0; i < ARRAY_SIZE(c->derived); i++)
		free(c->derived[i]);
}

/* ---- strings ---- */

static uint64_t remembered(uint32_t memo)
{
	return memo == UINT32_MAX ? PIPE_FULL : memo - 1;
}

static uint64_t remember(struct pipe_columns *c, uint32_t *memo, struct block_string s)
{
	uint64_t word = s.s ? pipe_intern(c->groups, s) : 0;

	*memo = word == PIPE_FULL ? UINT32_MAX : (uint32_t)word + 1;
	return word;
}

static uint64_t plain(struct pipe_columns *c, uint64_t number)
{
	uint32_t *memo = &c->plain[number];

	return *memo ? remembered(*memo)
		     : remember(c, memo, block_string(c->block, (uint32_t)number));
}

static uint64_t derived(struct pipe_columns *c, enum field_rule rule, uint64_t number)
{
	uint32_t *memo = &c->derived[rule - RULE_BASENAME][number];

	if (*memo)
		return remembered(*memo);
	return remember(c, memo, block_derive(rule, block_string(c->block, (uint32_t)number)));
}

static uint64_t joined(struct pipe_columns *c, const struct block_list *list, uint32_t row)
{
	struct buf *out = block_scratch(c->block);
	uint32_t *memo = &c->joined[row];

	if (*memo)
		return remembered(*memo);
	if (list->starts[row] == list->starts[row + 1])
		return remember(c, memo, (struct block_string){ NULL, 0 });
	buf_clear(out);
	for (uint32_t i = list->starts[row]; i < list->starts[row + 1]; i++) {
		struct block_string s = block_string(c->block, list->values[i]);

		if (i > list->starts[row])
			buf_byte(out, ' ');
		buf_add(out, s.s, s.n);
	}
	if (!buf_ok(out))
		return PIPE_FULL;
	return remember(
		c, memo,
		(struct block_string){ out->n ? (const char *)out->data : "", (uint32_t)out->n });
}

static int prepare(struct pipe_columns *c, enum field_rule rule)
{
	size_t i = (size_t)(rule - RULE_BASENAME);

	if (rule >= RULE_BASENAME && rule <= RULE_EXTENSION && !c->has_derived[i]) {
		if (!clear(&c->derived[i], &c->cap_derived[i],
			   (size_t)block_info(c->block)->n_strings + 1))
			return err_origin(-ENOMEM);
		c->has_derived[i] = true;
	}
	if (rule == RULE_JOIN && !c->has_joined) {
		if (!clear(&c->joined, &c->cap_joined, block_info(c->block)->n_processes))
			return err_origin(-ENOMEM);
		c->has_joined = true;
	}
	return 0;
}

/* ---- rows ---- */

/* The rows in which the cells are: those of the event table, or process rows. */
struct place {
	const uint64_t *process; /* process row + 1 of an event; NULL: the event's own row */
	const uint64_t *hop;	 /* from there on; NULL: no further */
	bool nowhere;
};

static struct place place_of(struct pipe_columns *c, uint32_t table, struct field_ref ref)
{
	static const enum field hops[VIA_MAX] = {
		[VIA_PARENT] = FIELD_PARENT,
		[VIA_SESSION_LEADER] = FIELD_SESSION_LEADER,
		[VIA_ENTRY_LEADER] = FIELD_ENTRY_LEADER,
	};
	struct place p = { NULL, NULL, false };

	if (ref.info->home != HOME_PROCESS)
		return p;
	p.process =
		block_column(c->block, table, ref.via == VIA_TARGET ? FIELD_TARGET : FIELD_PROCESS);
	p.nowhere = !p.process;
	if (hops[ref.via]) {
		p.hop = block_column(c->block, BLOCK_PROCESSES, hops[ref.via]);
		p.nowhere |= !p.hop;
	}
	return p;
}

/* Row of the cell + 1; 0: none. */
static inline uint64_t cell_row(const struct place *p, uint32_t row)
{
	uint64_t at;

	if (!p->process)
		return (uint64_t)row + 1;
	at = p->process[row];
	return at && p->hop ? p->hop[at - 1] : at;
}

static bool is_text(const struct field_info *f)
{
	return f->type == TYPE_KEYWORD || f->type == TYPE_IP;
}

static void read_stored(struct pipe_columns *c, const struct field_info *info,
			const struct place *p, const uint64_t *cells, const uint32_t *rows,
			uint32_t n, uint64_t *out)
{
	bool text = is_text(info);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = cell_row(p, rows[i]), raw = at ? cells[at - 1] : 0;

		if (raw && text)
			raw = info->rule == RULE_STORED ? plain(c, raw)
							: derived(c, info->rule, raw);
		out[i] = raw;
	}
}

static void read_list(struct pipe_columns *c, const struct field_info *info, const struct place *p,
		      const struct block_list *list, const uint32_t *rows, uint32_t n,
		      uint64_t *out)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = cell_row(p, rows[i]);
		uint32_t count = at ? list->starts[at] - list->starts[at - 1] : 0;

		if (!count)
			out[i] = 0;
		else if (info->rule == RULE_COUNT)
			out[i] = (uint64_t)count + 1;
		else
			out[i] = joined(c, list, (uint32_t)at - 1);
	}
}

/* One value for the whole table. */
static int read_constant(struct pipe_columns *c, uint32_t table, struct field_ref ref, uint32_t n,
			 uint64_t *out)
{
	struct block_value v = block_value(c->block, table, 0, ref);
	uint64_t word = 0;

	if (v.type == VALUE_STRING)
		word = pipe_intern(c->groups, v.string);
	else if (v.type != VALUE_NULL)
		word = v.type == VALUE_ID ? v.number : v.number + 1;
	for (uint32_t i = 0; i < n; i++)
		out[i] = word;
	return 0;
}

int pipe_columns_read(struct pipe_columns *c, uint32_t table, struct field_ref ref,
		      const uint32_t *rows, uint32_t n, uint64_t *out)
{
	const struct field_info *info = ref.info, *from = info;
	struct place p;
	uint32_t home = info->home == HOME_PROCESS ? BLOCK_PROCESSES : table;
	const uint64_t *cells;
	struct block_list list;
	int r = prepare(c, info->rule);

	if (r < 0)
		return r;
	if (info->home == HOME_BATCH ||
	    (info->rule >= RULE_KIND_CATEGORY && info->rule <= RULE_KIND_TYPE))
		return read_constant(c, table, ref, n, out);
	if (info->rule != RULE_STORED)
		from = field_info(info->source);
	p = place_of(c, table, ref);
	if (p.nowhere) {
		memset(out, 0, n * sizeof(*out));
	} else if (from->type == TYPE_KEYWORDS) {
		if (block_list(c->block, home, from->field, &list))
			read_list(c, info, &p, &list, rows, n, out);
		else
			memset(out, 0, n * sizeof(*out));
	} else {
		cells = block_column(c->block, home, from->field);
		if (cells)
			read_stored(c, info, &p, cells, rows, n, out);
		else
			memset(out, 0, n * sizeof(*out));
	}
	return block_failed(c->block) ? err_origin(-ENOMEM) : 0;
}

uint32_t pipe_columns_list(struct pipe_columns *c, uint32_t table, struct field_ref ref,
			   uint32_t row, uint64_t out[PIPE_LIST_VALUES])
{
	uint32_t home = ref.info->home == HOME_PROCESS ? BLOCK_PROCESSES : table, n = 0;
	struct place p = place_of(c, table, ref);
	uint64_t at = p.nowhere ? 0 : cell_row(&p, row);
	struct block_list list;

	if (!at || !block_list(c->block, home, ref.info->field, &list))
		return 0;
	c->stamp++;
	for (uint32_t i = list.starts[at - 1]; i < list.starts[at]; i++) {
		uint64_t word = plain(c, list.values[i]);

		if (word != PIPE_FULL) {
			struct pipe_string *s = pipe_string(c->groups, word);

			if (s->stamp == c->stamp)
				continue;
			s->stamp = c->stamp;
		}
		if (n == PIPE_LIST_VALUES) {
			c->cut = true;
			break;
		}
		out[n++] = word;
	}
	return n;
}
