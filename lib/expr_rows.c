/* SPDX-License-Identifier: Apache-2.0 */
/* Asks one leaf about the rows of one table. */
#include "lib/expr_scratch.h"

#include "lib/limits.h"

/* What the inner loops need. */
struct ask {
	struct expr_scratch *s;
	const struct expr_leaf *leaf;
	uint8_t *memo; /* NULL: ask each time */
	uint32_t table, rows;
	bool want;
	uint8_t state; /* the expr_state that is wanted */
};

/* ---- numbers ---- */

static bool in_ranges(const struct expr_leaf *l, uint64_t raw)
{
	for (size_t i = 0; i < l->n_ranges; i++)
		if (raw - l->ranges[i].lo <= l->ranges[i].span)
			return true;
	return false;
}

static bool number_is(const struct ask *a, uint64_t raw)
{
	return raw && in_ranges(a->leaf, raw) == a->want;
}

static uint64_t one_range(const uint64_t *raw, uint32_t n, struct expr_range range)
{
	uint64_t bits = 0;

	for (uint32_t j = 0; j < n; j++)
		bits |= (uint64_t)(raw[j] - range.lo <= range.span) << j;
	return bits;
}

static uint64_t not_null(const uint64_t *raw, uint32_t n)
{
	uint64_t bits = 0;

	for (uint32_t j = 0; j < n; j++)
		bits |= (uint64_t)(raw[j] != 0) << j;
	return bits;
}

static uint64_t many_ranges(const struct expr_leaf *l, const uint64_t *raw, uint64_t mask)
{
	uint64_t bits = 0;

	for (uint64_t m = mask; m; m &= m - 1) {
		unsigned j = (unsigned)__builtin_ctzll(m);

		bits |= (uint64_t)in_ranges(l, raw[j]) << j;
	}
	return bits;
}

static void number_rows(const struct ask *a, const uint64_t *column, const uint64_t *mask,
			uint64_t *out)
{
	const struct expr_leaf *l = a->leaf;

	for (uint32_t w = 0, n = expr_words(a->rows); w < n; w++) {
		const uint64_t *raw = column + (size_t)w * 64;
		uint32_t count = MIN(a->rows - w * 64, 64U);
		uint64_t m = mask[w], bits;

		if (!m) {
			out[w] = 0;
			continue;
		}
		if (l->n_ranges == 1)
			bits = one_range(raw, count, l->ranges[0]);
		else
			bits = many_ranges(l, raw, m);
		out[w] = m & (a->want ? bits : not_null(raw, count) & ~bits);
	}
}

/* ---- strings ---- */

static struct block_string derived(const struct field_info *f, struct block_string s)
{
	return f->rule == RULE_STORED ? s : block_derive(f->rule, s);
}

static uint8_t string_state(const struct ask *a, uint64_t number)
{
	struct expr_scratch *s = a->s;
	struct block_string text =
		derived(a->leaf->field.info, block_string(s->block, (uint32_t)number));

	if (!text.s)
		return STATE_NULL;
	return (uint8_t)expr_text_test(&a->leaf->text, &s->text, text.s, text.n);
}

static inline uint8_t memo_state(const struct ask *a, uint64_t number)
{
	uint8_t state;

	if (!a->memo)
		return number ? string_state(a, number) : STATE_NULL;
	state = a->memo[number];
	if (__builtin_expect(state == STATE_UNKNOWN, 0))
		state = a->memo[number] = string_state(a, number);
	return state;
}

static uint64_t keyword_word(const struct ask *a, const uint64_t *numbers, uint32_t n)
{
	uint64_t bits = 0;

	for (uint32_t j = 0; j < n; j++)
		bits |= (uint64_t)(memo_state(a, numbers[j]) == a->state) << j;
	return bits;
}

static uint64_t keyword_few(const struct ask *a, const uint64_t *numbers, uint64_t mask)
{
	uint64_t bits = 0;

	for (uint64_t m = mask; m; m &= m - 1) {
		unsigned j = (unsigned)__builtin_ctzll(m);

		bits |= (uint64_t)(memo_state(a, numbers[j]) == a->state) << j;
	}
	return bits;
}

static void keyword_rows(const struct ask *a, const uint64_t *column, const uint64_t *mask,
			 uint64_t *out)
{
	for (uint32_t w = 0, n = expr_words(a->rows); w < n; w++) {
		const uint64_t *numbers = column + (size_t)w * 64;
		uint64_t m = mask[w];

		if (m == 0)
			out[w] = 0;
		else if (a->memo && __builtin_popcountll(m) > 32)
			out[w] = m & keyword_word(a, numbers, MIN(a->rows - w * 64, 64U));
		else
			out[w] = keyword_few(a, numbers, m);
	}
}

/* Rows for which @is says so, one after the other: for what is not a plain column. */
typedef bool (*row_fn)(const struct ask *a, const void *column, uint32_t row);

static void each_row(const struct ask *a, row_fn is, const void *column, const uint64_t *mask,
		     uint64_t *out)
{
	for (uint32_t w = 0, n = expr_words(a->rows); w < n; w++) {
		uint64_t bits = 0;

		for (uint64_t m = mask[w]; m; m &= m - 1) {
			uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(m);

			bits |= (uint64_t)is(a, column, row) << (row % 64);
		}
		out[w] = bits;
	}
}

/* A list is true when any value is, else null when any is, else false; an empty one is null. */
static bool list_is(const struct ask *a, const void *column, uint32_t row)
{
	const struct block_list *list = column;
	uint32_t from = list->starts[row], to = list->starts[row + 1];
	uint32_t element = a->leaf->element;
	uint8_t all = from == to ? STATE_NULL : STATE_FALSE;

	if (element && element > to - from)
		return a->state == STATE_NULL;
	if (element)
		return memo_state(a, list->values[from + element - 1]) == a->state;
	for (uint32_t i = from; i < to; i++) {
		uint8_t state = memo_state(a, list->values[i]);

		if (state == STATE_TRUE)
			return a->state == STATE_TRUE;
		if (state == STATE_NULL)
			all = STATE_NULL;
	}
	return all == a->state;
}

static bool joined_is(const struct ask *a, const void *column, uint32_t row)
{
	struct block_string text = expr_join(a->s, row, 0);

	(void)column;
	return text.s && expr_text_test(&a->leaf->text, &a->s->text, text.s, text.n) == a->state;
}

static uint8_t digits_state(const struct ask *a, uint64_t raw)
{
	char digits[24];
	int n;

	if (raw == 0)
		return STATE_NULL;
	if (a->leaf->field.info->type == TYPE_ID)
		n = snprintf(digits, sizeof(digits), "%016llx", (unsigned long long)raw);
	else
		n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)raw - 1);
	return (uint8_t)expr_text_test(&a->leaf->text, &a->s->text, digits, (size_t)n);
}

static bool digits_is(const struct ask *a, const void *column, uint32_t row)
{
	return digits_state(a, ((const uint64_t *)column)[row]) == a->state;
}

static bool count_is(const struct ask *a, const void *column, uint32_t row)
{
	const struct block_list *list = column;
	uint64_t n = list->starts[row + 1] - list->starts[row];

	if (a->leaf->numeric)
		return number_is(a, n ? n + 1 : 0);
	return digits_state(a, n ? n + 1 : 0) == a->state;
}

struct block_string expr_join(struct expr_scratch *s, uint32_t row, unsigned side)
{
	struct buf *out = &s->joins[side];
	struct block_list list;
	char *kept;

	if (s->joined && s->joined[row].s)
		return s->joined[row];
	buf_clear(out);
	buf_reserve(out, 1);
	if (!block_list(s->block, BLOCK_PROCESSES, FIELD_ARGS, &list) ||
	    list.starts[row] == list.starts[row + 1])
		return (struct block_string){ NULL, 0 };
	for (uint32_t i = list.starts[row]; i < list.starts[row + 1]; i++) {
		struct block_string arg = block_string(s->block, list.values[i]);

		if (out->n + arg.n + 1 > LIMIT_STRING_BYTES)
			break;
		if (i > list.starts[row])
			buf_byte(out, ' ');
		buf_add(out, arg.s, arg.n);
	}
	s->failed |= !buf_ok(out);
	if (!s->joined || !out->data || !(kept = arena_alloc(&s->lasting, out->n + 1)))
		return (struct block_string){ (const char *)out->data, (uint32_t)out->n };
	memcpy(kept, out->data, out->n);
	s->joined[row] = (struct block_string){ kept, (uint32_t)out->n };
	return s->joined[row];
}

/* ---- one value for the table ---- */

static struct block_string constant_text(struct block *b, uint32_t table,
					 const struct field_info *f)
{
	const struct kind_info *kind = kind_info(block_kind(b, table));
	const struct block_info *info = block_info(b);
	const char *word = NULL;

	switch ((unsigned)f->field) {
	case FIELD_CATEGORY:
		word = kind ? kind->category : NULL;
		break;
	case FIELD_ACTION:
		word = kind ? kind->action : NULL;
		break;
	case FIELD_EVENT_TYPE:
		word = kind ? kind->type : NULL;
		break;
	case FIELD_HOST_ID:
		return info->node_id;
	case FIELD_HOST_NAME:
		return info->node_name;
	case FIELD_BOOT_ID:
		word = info->boot_text;
		break;
	case FIELD_ARCHITECTURE:
		return info->architecture;
	case FIELD_OS_KERNEL:
		return info->os_kernel;
	case FIELD_AGENT_VERSION:
		return info->agent_version;
	case FIELD_OS_TYPE:
		word = "linux";
		break;
	case FIELD_EVENT_KIND:
		word = "event";
		break;
	default:
		break;
	}
	return (struct block_string){ word, word ? (uint32_t)strlen(word) : 0 };
}

static bool constant_is(const struct ask *a)
{
	const struct field_info *f = a->leaf->field.info;
	uint64_t ingested = block_info(a->s->block)->ingested_ns;
	struct block_string text;

	if (a->leaf->numeric)
		return number_is(a, f->field == FIELD_INGESTED && ingested ? ingested + 1 : 0);
	text = constant_text(a->s->block, a->table, f);
	return text.s && expr_text_test(&a->leaf->text, &a->s->text, text.s, text.n) == a->state;
}

/* ---- the leaf ---- */

static void list_rows(const struct ask *a, row_fn is, enum field f, const uint64_t *mask,
		      uint64_t *out)
{
	struct block_list list;

	if (block_list(a->s->block, a->table, f, &list))
		each_row(a, is, &list, mask, out);
	else
		memset(out, 0, expr_words(a->rows) * sizeof(*out));
}

static void column_rows(const struct ask *a, const uint64_t *mask, uint64_t *out)
{
	const struct field_info *f = a->leaf->field.info;
	bool derives = f->rule != RULE_STORED;
	const uint64_t *column =
		block_column(a->s->block, a->table, derives ? f->source : f->field);

	if (!column)
		memset(out, 0, expr_words(a->rows) * sizeof(*out));
	else if (a->leaf->numeric)
		number_rows(a, column, mask, out);
	else if (expr_is_textual(f->type))
		keyword_rows(a, column, mask, out);
	else
		each_row(a, digits_is, column, mask, out);
}

/* Is the leaf asked of strings of the dictionary? */
static bool has_memo(const struct expr_leaf *l)
{
	return !l->numeric && expr_is_textual(l->field.info->type) &&
	       l->field.info->rule != RULE_JOIN;
}

static uint8_t *memo_of(struct expr_scratch *s, uint32_t slot)
{
	struct expr_slot *at = &s->slots[slot];
	size_t n = (size_t)block_info(s->block)->n_strings + 1;

	if (at->memo_tried)
		return at->memo;
	at->memo_tried = true;
	at->memo = arena_alloc(&s->arena, n);
	if (at->memo) {
		memset(at->memo, STATE_UNKNOWN, n);
		at->memo[0] = STATE_NULL;
	}
	return at->memo;
}

void expr_leaf_rows(struct expr_scratch *s, uint32_t slot, const struct expr_leaf *l,
		    uint32_t table, bool want, const uint64_t *mask, uint64_t *out)
{
	const struct field_info *f = l->field.info;
	struct ask a = { .s = s, .leaf = l, .table = table, .rows = block_rows(s->block, table) };
	size_t bytes = expr_words(a.rows) * sizeof(*out);

	a.want = want != l->negated;
	a.state = a.want ? STATE_TRUE : STATE_FALSE;
	if (expr_is_constant(f)) {
		if (!constant_is(&a))
			memset(out, 0, bytes);
		else if (out != mask)
			memcpy(out, mask, bytes);
		return;
	}
	if (has_memo(l))
		a.memo = memo_of(s, slot);
	if (f->rule == RULE_JOIN)
		each_row(&a, joined_is, NULL, mask, out);
	else if (f->rule == RULE_COUNT)
		list_rows(&a, count_is, f->source, mask, out);
	else if (f->type == TYPE_KEYWORDS)
		list_rows(&a, list_is, f->field, mask, out);
	else
		column_rows(&a, mask, out);
}
