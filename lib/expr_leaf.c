/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles what is asked of one field: literals are checked against the field's type and become
 * ranges of raw column values, or patterns for strings. */
#include "lib/expr_tree.h"

#include <math.h>

#include "lib/timestamp.h"

/* What kind of question an operator is. */
enum ask { ASK_EQUAL, ASK_ORDER, ASK_PATTERN, ASK_NETWORK };

static enum ask ask_of(enum expr_op op)
{
	switch (op) {
	case EXPR_EQ:
	case EXPR_NE:
	case EXPR_MATCH:
	case EXPR_IN:
	case EXPR_IN_NOCASE:
		return ASK_EQUAL;
	case EXPR_LT:
	case EXPR_LE:
	case EXPR_GT:
	case EXPR_GE:
		return ASK_ORDER;
	case EXPR_CIDR:
		return ASK_NETWORK;
	default:
		return ASK_PATTERN;
	}
}

static bool without_case(enum expr_op op)
{
	switch (op) {
	case EXPR_MATCH:
	case EXPR_LIKE_NOCASE:
	case EXPR_IN_NOCASE:
	case EXPR_REGEX_NOCASE:
	case EXPR_STARTS_WITH_NOCASE:
	case EXPR_ENDS_WITH_NOCASE:
	case EXPR_CONTAINS_NOCASE:
		return true;
	default:
		return false;
	}
}

static const char *show(const struct expr_literal *v, char *buf, size_t n)
{
	switch (v->type) {
	case LITERAL_NULL:
		snprintf(buf, n, "null");
		break;
	case LITERAL_BOOL:
		snprintf(buf, n, "%s", v->boolean ? "true" : "false");
		break;
	case LITERAL_INT:
		snprintf(buf, n, "%lld", (long long)v->integer);
		break;
	case LITERAL_FLOAT:
		snprintf(buf, n, "%g", v->real);
		break;
	case LITERAL_STRING:
		snprintf(buf, n, "\"%.*s%s\"", (int)MIN(v->n, 60), v->string,
			 v->n > 60 ? "..." : "");
		break;
	}
	return buf;
}

/* "process.pid is a long: expected a number, not true" */
static int misfit(const struct expr_leaf *l, const struct expr_literal *v, const char *expected,
		  struct diag *d)
{
	char name[80], shown[80];
	const char *type = field_type_name(l->field.info->type);

	field_name(l->field, name, sizeof(name));
	return diag_set(d, -EINVAL, 0, 0, "%s is %s %s: expected %s, not %s", name,
			*type == 'i' ? "an" : "a", type, expected, show(v, shown, sizeof(shown)));
}

static int unfit_operator(const struct expr_leaf *l, const char *expected, struct diag *d)
{
	char name[80];

	return diag_set(d, -EINVAL, 0, 0, "%s is a %s field: expected %s",
			field_name(l->field, name, sizeof(name)),
			field_type_name(l->field.info->type), expected);
}

/* ---- numbers ---- */

/* Values from..to of a field; raw values are one more, and 0 is null. */
static void add_values(struct expr_leaf *l, uint64_t from, uint64_t to)
{
	to = MIN(to, UINT64_MAX - 1);
	if (from > to)
		return;
	l->ranges[l->n_ranges++] = (struct expr_range){ .lo = from + 1, .span = to - from };
}

/* @v against a number between two integers: the greatest integer below it (exact: it itself);
 * below 0: there is none. */
struct bound {
	bool negative, exact;
	uint64_t floor;
};

static void add_bound(struct expr_leaf *l, enum expr_op op, struct bound b)
{
	bool equal = b.exact && (op == EXPR_LE || op == EXPR_GE);

	switch (op) {
	case EXPR_LT:
	case EXPR_LE:
		if (!b.negative && (b.floor > 0 || !b.exact || equal))
			add_values(l, 0, b.exact && !equal ? b.floor - 1 : b.floor);
		break;
	case EXPR_GT:
	case EXPR_GE:
		if (b.negative)
			add_values(l, 0, UINT64_MAX);
		else if (equal || b.floor < UINT64_MAX)
			add_values(l, equal ? b.floor : b.floor + 1, UINT64_MAX);
		break;
	default:
		if (b.exact && !b.negative)
			add_values(l, b.floor, b.floor);
	}
}

static struct bound bound_of_real(double v)
{
	double whole = floor(v);

	if (v < 0)
		return (struct bound){ .negative = true };
	if (whole >= 18446744073709551616.0)
		return (struct bound){ .floor = UINT64_MAX };
	return (struct bound){ .floor = (uint64_t)whole, .exact = whole == v };
}

/* Decimal integer; false when it is none or too large. */
static bool integer_text(const char *s, size_t n, struct bound *ret)
{
	bool negative = n && s[0] == '-';
	uint64_t v = 0;

	for (size_t i = negative; i < n; i++)
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			return false;
	if (n == (size_t)negative)
		return false;
	*ret = (struct bound){ .floor = v, .exact = true, .negative = negative && v > 0 };
	return true;
}

static bool bound_of(const struct expr_literal *v, struct bound *ret)
{
	switch (v->type) {
	case LITERAL_INT:
		*ret = (struct bound){ .exact = true,
				       .negative = v->integer < 0,
				       .floor = (uint64_t)MAX(v->integer, 0) };
		return true;
	case LITERAL_FLOAT:
		if (isnan(v->real))
			return false;
		*ret = bound_of_real(v->real);
		return true;
	case LITERAL_STRING:
		return integer_text(v->string, v->n, ret);
	default:
		return false;
	}
}

static int compile_long(struct expr_leaf *l, struct diag *d)
{
	for (size_t i = 0; i < l->n_values; i++) {
		struct bound b;

		if (!bound_of(&l->values[i], &b))
			return misfit(l, &l->values[i], "a number", d);
		add_bound(l, l->op, b);
	}
	return 0;
}

static int compile_bool(struct expr_leaf *l, struct diag *d)
{
	if (ask_of(l->op) != ASK_EQUAL)
		return unfit_operator(l, "== or !=", d);
	for (size_t i = 0; i < l->n_values; i++) {
		const struct expr_literal *v = &l->values[i];
		bool text = v->type == LITERAL_STRING;
		bool yes = v->boolean;

		if (text && v->n == 4 && memcmp(v->string, "true", 4) == 0)
			yes = true;
		else if (text && v->n == 5 && memcmp(v->string, "false", 5) == 0)
			yes = false;
		else if (v->type != LITERAL_BOOL)
			return misfit(l, v, "true or false", d);
		add_values(l, yes, yes);
	}
	return 0;
}

static int compile_date(struct expr_leaf *l, struct diag *d)
{
	if (ask_of(l->op) != ASK_EQUAL && ask_of(l->op) != ASK_ORDER)
		return unfit_operator(l, "one of == != < <= > >= in", d);
	for (size_t i = 0; i < l->n_values; i++) {
		const struct expr_literal *v = &l->values[i];
		struct bound b = { .exact = true };
		char digits[24];
		const char *s = v->string;
		size_t n = v->n;

		if (v->type == LITERAL_INT && v->integer >= 0) {
			n = (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)v->integer);
			s = digits;
		} else if (v->type != LITERAL_STRING) {
			return misfit(l, v, "a time such as \"2026-11-22T21:44:19Z\"", d);
		}
		if (timestamp_parse(s, n, timestamp_now(), &b.floor, NULL) < 0)
			return misfit(l, v, "a time such as \"2026-11-22T21:44:19Z\" or \"-15m\"",
				      d);
		l->values[i].type = LITERAL_INT; /* as it is printed: "now" must not move */
		l->values[i].integer = (int64_t)b.floor;
		add_bound(l, l->op, b);
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = expr_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool id_text(const char *s, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if (n == 0 || n > 16)
		return false;
	for (size_t i = 0; i < n; i++) {
		int digit = hex_digit(s[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (uint64_t)digit;
	}
	*ret = v;
	return true;
}

static int compile_id(struct expr_leaf *l, struct diag *d)
{
	for (size_t i = 0; i < l->n_values; i++) {
		const struct expr_literal *v = &l->values[i];
		uint64_t id;

		if (v->type != LITERAL_STRING || !id_text(v->string, v->n, &id))
			return misfit(l, v, "a string of up to 16 hex digits", d);
		if (id)
			l->ranges[l->n_ranges++] = (struct expr_range){ .lo = id };
	}
	return 0;
}

/* ---- strings ---- */

static bool is_wild(const struct expr_literal *v)
{
	return v->type == LITERAL_STRING && v->n &&
	       (memchr(v->string, '*', v->n) || memchr(v->string, '?', v->n));
}

static enum expr_pattern_type type_of(enum expr_op op)
{
	switch (op) {
	case EXPR_LT:
	case EXPR_LE:
		return PATTERN_BELOW;
	case EXPR_GT:
	case EXPR_GE:
		return PATTERN_ABOVE;
	case EXPR_STARTS_WITH:
	case EXPR_STARTS_WITH_NOCASE:
		return PATTERN_PREFIX;
	case EXPR_ENDS_WITH:
	case EXPR_ENDS_WITH_NOCASE:
		return PATTERN_SUFFIX;
	case EXPR_CONTAINS:
	case EXPR_CONTAINS_NOCASE:
		return PATTERN_CONTAINS;
	default:
		return PATTERN_EXACT;
	}
}

static int add_pattern(struct expr_leaf *l, const char *s, size_t n, struct diag *d)
{
	int r;

	switch (l->op) {
	case EXPR_MATCH:
	case EXPR_LIKE:
	case EXPR_LIKE_NOCASE:
		return expr_text_add_wildcard(&l->text, s, n);
	case EXPR_REGEX:
	case EXPR_REGEX_NOCASE:
		return expr_text_add_regex(&l->text, s, n, d);
	default:
		r = expr_text_add(&l->text, type_of(l->op), s, n);
	}
	if (r == 0)
		l->text.patterns[l->text.n - 1].or_equal = l->op == EXPR_LE || l->op == EXPR_GE;
	return r;
}

/* Patterns on keywords, and on the text of numbers, ids and addresses. */
static int compile_text(struct expr_leaf *l, struct diag *d)
{
	for (size_t i = 0; i < l->n_values; i++) {
		const struct expr_literal *v = &l->values[i];
		char digits[24];
		int r;

		if (v->type == LITERAL_INT && l->field.info->type == TYPE_LONG) {
			snprintf(digits, sizeof(digits), "%lld", (long long)v->integer);
			r = add_pattern(l, digits, strlen(digits), d);
		} else if (v->type == LITERAL_STRING) {
			r = add_pattern(l, v->string, v->n, d);
		} else {
			return misfit(l, v, "a string", d);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_address(struct expr_leaf *l, const struct expr_literal *v, struct diag *d)
{
	bool ordered = ask_of(l->op) == ASK_ORDER;
	enum expr_pattern_type type = PATTERN_NET;
	struct expr_net net;
	int r;

	if (v->type != LITERAL_STRING || !expr_net_parse(v->string, v->n, &net) ||
	    (ordered && memchr(v->string, '/', v->n)))
		return misfit(
			l, v,
			ordered ? "an address" : "an address or network such as \"10.0.0.0/8\"", d);
	if (ordered)
		type = type_of(l->op) == PATTERN_BELOW ? PATTERN_IP_BELOW : PATTERN_IP_ABOVE;
	r = expr_text_add_net(&l->text, type, &net);
	if (r == 0)
		l->text.patterns[l->text.n - 1].or_equal = l->op == EXPR_LE || l->op == EXPR_GE;
	return r;
}

static int compile_ip(struct expr_leaf *l, struct diag *d)
{
	if (ask_of(l->op) == ASK_PATTERN)
		return compile_text(l, d);
	for (size_t i = 0; i < l->n_values; i++) {
		const struct expr_literal *v = &l->values[i];
		int r;

		if (l->op == EXPR_MATCH && is_wild(v))
			r = expr_text_add_wildcard(&l->text, v->string, v->n);
		else
			r = add_address(l, v, d);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compile_length(struct expr_leaf *l, struct diag *d)
{
	struct expr_range *ranges = l->ranges;
	int r;

	if (!expr_is_textual(l->field.info->type))
		return unfit_operator(l, "a comparison; length() is of keyword and ip fields", d);
	if ((ask_of(l->op) != ASK_EQUAL && ask_of(l->op) != ASK_ORDER) || l->op == EXPR_MATCH)
		return diag_set(d, -EINVAL, 0, 0,
				"expected one of == != < <= > >= in after length()");
	r = compile_long(l, d);
	for (size_t i = 0; r == 0 && i < l->n_ranges; i++)
		r = expr_text_add_length(&l->text, ranges[i].lo - 1,
					 ranges[i].lo - 1 + ranges[i].span);
	return r;
}

/* Does the text of a number or id decide, not its value? */
static bool wants_digits(const struct expr_leaf *l)
{
	enum ask ask = ask_of(l->op);
	struct bound b;
	uint64_t id;

	if (ask == ASK_PATTERN)
		return true;
	for (size_t i = 0; ask == ASK_EQUAL && l->op == EXPR_MATCH && i < l->n_values; i++) {
		const struct expr_literal *v = &l->values[i];

		if (v->type != LITERAL_STRING)
			continue;
		if (l->field.info->type == TYPE_ID ? !id_text(v->string, v->n, &id)
						   : !bound_of(v, &b))
			return true;
	}
	return false;
}

static int compile_number(struct expr_leaf *l, struct diag *d)
{
	switch (l->field.info->type) {
	case TYPE_BOOL:
		return compile_bool(l, d);
	case TYPE_DATE:
		return compile_date(l, d);
	case TYPE_ID:
		if (ask_of(l->op) == ASK_ORDER)
			return unfit_operator(l, "== or != (ids have no order)", d);
		return compile_id(l, d);
	default:
		return compile_long(l, d);
	}
}

static int compile(struct expr_leaf *l, struct diag *d)
{
	enum field_type type = l->field.info->type;

	if (l->length)
		return compile_length(l, d);
	if (ask_of(l->op) == ASK_NETWORK && type != TYPE_IP)
		return unfit_operator(l, "a field of addresses in cidrmatch()", d);
	if (type == TYPE_IP)
		return compile_ip(l, d);
	if (expr_is_textual(type))
		return compile_text(l, d);
	if ((type == TYPE_LONG || type == TYPE_ID) && wants_digits(l))
		return compile_text(l, d);
	l->numeric = true;
	return compile_number(l, d);
}

int expr_leaf_compile(struct expr_leaf *l, struct diag *d)
{
	int r;

	if (l->n_values == 0)
		return diag_set(d, -EINVAL, 0, 0, "expected at least one value");
	l->ranges = calloc(l->n_values, sizeof(*l->ranges));
	if (!l->ranges)
		return err_origin(-ENOMEM);
	l->text.nocase = without_case(l->op);
	r = compile(l, d);
	expr_text_finish(&l->text);
	return r;
}

int expr_leaf_compile_any(struct expr_leaf *l)
{
	if (expr_is_textual(l->field.info->type))
		return expr_text_add(&l->text, PATTERN_ANY, "", 0);
	l->ranges = calloc(1, sizeof(*l->ranges));
	if (!l->ranges)
		return err_origin(-ENOMEM);
	l->ranges[0] = (struct expr_range){ .lo = 1, .span = UINT64_MAX - 1 };
	l->n_ranges = 1;
	l->numeric = true;
	return 0;
}
