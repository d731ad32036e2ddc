/* SPDX-License-Identifier: Apache-2.0 */
/* A leaf that thinks it asks a field of the value's type. */
#include "lib/expr_test.h"

#include "lib/expr_tree.h"

struct expr_test {
	struct field_info pretended;
	struct expr_leaf leaf;
};

int expr_test_new(struct expr_test **ret, const char *name, enum field_type type, enum expr_op op,
		  const struct expr_literal *values, size_t n, struct diag *d)
{
	AUTO(expr_test) *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_origin(-ENOMEM);
	t->pretended = (struct field_info){ .name = name, .type = type };
	t->leaf.field.info = &t->pretended;
	t->leaf.op = op;
	t->leaf.negated = op == EXPR_NE;
	r = expr_leaf_copy_values(&t->leaf, values, n);
	if (r == 0)
		r = expr_leaf_compile(&t->leaf, d);
	if (r == 0)
		*ret = TAKE(t);
	return r;
}

struct expr_test *expr_test_free(struct expr_test *t)
{
	if (!t)
		return NULL;
	expr_leaf_done(&t->leaf);
	free(t);
	return NULL;
}

static enum expr_state answer(const struct expr_test *t, enum expr_state s)
{
	if (s == STATE_NULL || !t->leaf.negated)
		return s;
	return s == STATE_TRUE ? STATE_FALSE : STATE_TRUE;
}

enum expr_state expr_test_raw(const struct expr_test *t, struct expr_text_scratch *s, uint64_t raw)
{
	char digits[24];
	int n;

	if (raw == 0)
		return STATE_NULL;
	for (size_t i = 0; t->leaf.numeric && i < t->leaf.n_ranges; i++)
		if (raw - t->leaf.ranges[i].lo <= t->leaf.ranges[i].span)
			return answer(t, STATE_TRUE);
	if (t->leaf.numeric)
		return answer(t, STATE_FALSE);
	if (t->pretended.type == TYPE_ID)
		n = snprintf(digits, sizeof(digits), "%016llx", (unsigned long long)raw);
	else
		n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)raw - 1);
	return expr_test_string(t, s, digits, (size_t)n);
}

enum expr_state expr_test_string(const struct expr_test *t, struct expr_text_scratch *s,
				 const char *text, size_t n)
{
	return answer(t, expr_text_test(&t->leaf.text, s, text, n));
}

const struct expr_literal *expr_test_values(const struct expr_test *t, size_t *ret_n)
{
	*ret_n = t->leaf.n_values;
	return t->leaf.values;
}
