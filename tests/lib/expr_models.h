/* SPDX-License-Identifier: Apache-2.0 */
/* expr_models - random expressions: as models whose meaning is plain, and as trees of the engine.
 */
#pragma once
#include "expr_model.h"
#include "lib/eql.h"

enum { FIELDS_MAX = 400 };

static struct field_ref fields[FIELDS_MAX];
static uint32_t n_fields;

static int collect(struct field_ref ref, void *arg)
{
	(void)arg;
	assert_in_range(n_fields, 0, FIELDS_MAX - 1);
	fields[n_fields++] = ref;
	return 0;
}

/* ---- random models ---- */

static void set_text(struct model *m, const char *s)
{
	snprintf(m->text[m->n], sizeof(m->text[0]), "%s", s);
	m->values[m->n] = (struct expr_literal){ .type = LITERAL_STRING,
						 .string = m->text[m->n],
						 .n = strlen(m->text[m->n]) };
	m->n++;
}

static bool whole_utf8(const char *s)
{
	for (size_t i = 0, n = strlen(s); i < n; i += model_char(s + i, n - i))
		if ((uint8_t)s[i] >= 0x80 && model_char(s + i, n - i) == 1)
			return false;
	return true;
}

/* A word with some of its characters made wildcards. */
static void random_pattern(struct model *m)
{
	const char *s = random_word();
	char out[96];
	size_t n = 0;

	while (!whole_utf8(s))
		s = random_word();
	if (random_below(3) == 0)
		out[n++] = '*';
	for (size_t i = 0, k = strlen(s), len; i < k; i += len) {
		uint32_t dice = random_below(8);

		len = model_char(s + i, k - i);
		if (dice < 2) {
			out[n++] = dice ? '*' : '?';
			continue;
		}
		memcpy(out + n, s + i, len);
		n += len;
	}
	if (random_below(3) == 0)
		out[n++] = '*';
	out[n] = '\0';
	set_text(m, out);
}

/* Some bytes of a word. */
static void random_piece(struct model *m)
{
	const char *s = random_word();
	size_t n = strlen(s), from = random_below((uint32_t)n + 1);
	char out[96];

	snprintf(out, sizeof(out), "%.*s", (int)random_below((uint32_t)(n - from) + 1), s + from);
	set_text(m, out);
}

static void random_string(struct model *m)
{
	switch (m->op) {
	case EXPR_MATCH:
	case EXPR_LIKE:
	case EXPR_LIKE_NOCASE:
		random_pattern(m);
		break;
	case EXPR_REGEX:
	case EXPR_REGEX_NOCASE:
		set_text(m, model_regexes[random_below(ARRAY_SIZE(model_regexes))].pattern);
		break;
	case EXPR_STARTS_WITH:
	case EXPR_ENDS_WITH:
	case EXPR_CONTAINS:
	case EXPR_STARTS_WITH_NOCASE:
	case EXPR_ENDS_WITH_NOCASE:
	case EXPR_CONTAINS_NOCASE:
		random_piece(m);
		break;
	default:
		set_text(m, random_word());
	}
}

static void random_address(struct model *m)
{
	static const char *const nets[] = { "10.0.0.0/8",	"10.0.0.1/32",	      "::/0",
					    "fe80::/10",	"2001:db8::/33",      "0.0.0.0/0",
					    "192.168.1.128/25", "::ffff:10.0.0.0/105" };
	uint8_t address[16];
	const char *s;

	if (m->op == EXPR_MATCH && random_below(3) == 0) {
		static const char *const wild[] = { "10.*", "*:*", "FE80*", "10.0.0.?", "*", "*1" };

		set_text(m, wild[random_below(ARRAY_SIZE(wild))]);
		return;
	}
	if (random_below(3) == 0 && !(m->op >= EXPR_LT && m->op <= EXPR_GE)) {
		set_text(m, nets[random_below(ARRAY_SIZE(nets))]);
		return;
	}
	do
		s = random_ip();
	while (!model_address(s, strlen(s), address));
	set_text(m, s);
}

static void random_int(struct model *m)
{
	int64_t v = (int64_t)(random_number() & INT64_MAX);

	m->values[m->n++] =
		(struct expr_literal){ .type = LITERAL_INT, .integer = random_below(8) ? v : -v };
}

static void random_real(struct model *m)
{
	static const double odd[] = { -0.5, 0.0, 0.5, 1.0, 2.5, 1e19, 1e30, -1e30, 9.2e18, 22.0 };

	m->values[m->n++] = (struct expr_literal){ .type = LITERAL_FLOAT,
						   .real = odd[random_below(ARRAY_SIZE(odd))] };
}

static void random_hex(struct model *m)
{
	char text[32];

	snprintf(text, sizeof(text), random_below(2) ? "%016llX" : "%llx",
		 (unsigned long long)random_id());
	set_text(m, text);
}

static void random_date(struct model *m)
{
	m->values[m->n++] =
		(struct expr_literal){ .type = LITERAL_INT,
				       .integer = (int64_t)(random_time() + random_below(3) - 1) };
}

static void random_digits(struct model *m)
{
	static const char *const some[] = {
		"1*", "*0", "00*01", "dead*", "?", "*", "2", "22", "1"
	};

	if (m->op == EXPR_REGEX || m->op == EXPR_REGEX_NOCASE)
		random_string(m);
	else
		set_text(m, some[random_below(ARRAY_SIZE(some))]);
}

static void random_literal(struct model *m, enum field_type type)
{
	bool ordered = m->op >= EXPR_LT && m->op <= EXPR_GE;

	if (m->type == M_LENGTH)
		random_below(3) ? random_int(m) : random_real(m);
	else if (m->textual)
		random_digits(m);
	else if (type == TYPE_LONG)
		m->op != EXPR_MATCH &&random_below(3) == 0 ? random_real(m) : random_int(m);
	else if (type == TYPE_DATE)
		random_date(m);
	else if (type == TYPE_ID)
		random_hex(m);
	else if (type == TYPE_BOOL)
		m->values[m->n++] =
			(struct expr_literal){ .type = LITERAL_BOOL, .boolean = random_below(2) };
	else if (type == TYPE_IP && (ordered || m->op <= EXPR_MATCH || m->op == EXPR_IN ||
				     m->op == EXPR_IN_NOCASE || m->op == EXPR_CIDR))
		random_address(m);
	else
		random_string(m);
}

static const enum expr_op pattern_ops[] = {
	EXPR_LIKE,
	EXPR_LIKE_NOCASE,
	EXPR_REGEX,
	EXPR_REGEX_NOCASE,
	EXPR_STARTS_WITH,
	EXPR_ENDS_WITH,
	EXPR_CONTAINS,
	EXPR_STARTS_WITH_NOCASE,
	EXPR_ENDS_WITH_NOCASE,
	EXPR_CONTAINS_NOCASE,
};

static enum expr_op random_equal(void)
{
	static const enum expr_op equal[] = { EXPR_EQ, EXPR_NE, EXPR_MATCH, EXPR_IN,
					      EXPR_IN_NOCASE };

	return equal[random_below(ARRAY_SIZE(equal))];
}

static enum expr_op random_op(const struct model *m, enum field_type type)
{
	uint32_t dice = random_below(4);

	if (m->type == M_LENGTH) {
		static const enum expr_op ops[] = { EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LE,
						    EXPR_GT, EXPR_GE, EXPR_IN };

		return ops[random_below(ARRAY_SIZE(ops))];
	}
	if (m->textual)
		return dice ? pattern_ops[random_below(ARRAY_SIZE(pattern_ops))] : EXPR_MATCH;
	if (type == TYPE_IP && dice == 0)
		return EXPR_CIDR;
	if (dice == 1 && type != TYPE_BOOL && type != TYPE_ID)
		return EXPR_LT + random_below(4);
	if (dice > 1 && (type == TYPE_KEYWORD || type == TYPE_KEYWORDS || type == TYPE_IP))
		return pattern_ops[random_below(ARRAY_SIZE(pattern_ops))];
	return random_equal();
}

/* Fields of the test's interest: half the time one of the few that bare words and rules ask. */
static struct field_ref random_field(void)
{
	static const char *const often[] = { "process.name",
					     "process.args",
					     "process.command_line",
					     "process.parent.name",
					     "file.path",
					     "file.name",
					     "file.extension",
					     "destination.ip",
					     "event.action",
					     "event.category",
					     "process.entity_id",
					     "Target.process.name",
					     "process.parent.command_line" };
	struct field_ref f = fields[random_below(n_fields)];

	if (random_below(2)) {
		const char *name = often[random_below(ARRAY_SIZE(often))];

		assert_true(field_find(name, strlen(name), &f));
	}
	return f;
}

static void random_leaf(struct model *m)
{
	enum field_type type = m->f.info->type;
	size_t n;

	m->textual = m->type == M_COMPARE && (type == TYPE_LONG || type == TYPE_ID) &&
		     random_below(3) == 0;
	m->op = random_op(m, type);
	n = m->op >= EXPR_MATCH ? random_below(4) + 1 : 1;
	if (m->textual && m->op == EXPR_MATCH)
		set_text(m, "*7*"); /* one of them makes all of them text */
	while (m->n < n)
		random_literal(m, type);
}

static void random_pair(struct model *m)
{
	do
		m->g = random_field();
	while (m->f.info->type != m->g.info->type);
	m->op = EXPR_EQ +
		random_below(m->f.info->type == TYPE_BOOL || m->f.info->type == TYPE_ID ? 2 : 6);
	if (m->f.info->type == TYPE_KEYWORD && random_below(4) == 0)
		m->op = EXPR_MATCH;
}

static struct model *random_model(unsigned depth)
{
	struct model *m = calloc(1, sizeof(*m));
	bool inner = depth > 0 && random_below(4) != 0;
	bool text;

	m->type = inner ? M_NOT + random_below(3) : M_IS_NULL + random_below(M_MAX - M_IS_NULL);
	if (!inner && random_below(2))
		m->type = random_below(12) ? M_COMPARE : M_TRUE + random_below(3);
	m->f = random_field();
	text = m->f.info->type == TYPE_KEYWORD || m->f.info->type == TYPE_KEYWORDS ||
	       m->f.info->type == TYPE_IP;
	if (m->type == M_LENGTH && !text)
		m->type = M_COMPARE;
	if ((m->type == M_COMPARE || m->type == M_IS_NULL) && m->f.info->type == TYPE_KEYWORDS)
		m->element = random_below(4);
	if (inner) {
		m->a = random_model(depth - 1);
		m->b = m->type == M_NOT ? NULL : random_model(depth - 1);
	} else if (m->type == M_TEXT) {
		random_pattern(m);
	} else if (m->type == M_FIELDS) {
		random_pair(m);
	} else if (m->type == M_COMPARE || m->type == M_LENGTH) {
		random_leaf(m);
	}
	return m;
}

static struct model *model_free(struct model *m)
{
	if (m) {
		model_free(m->a);
		model_free(m->b);
		free(m);
	}
	return NULL;
}

static struct expr *build(const struct model *m)
{
	const struct expr_literal nothing = { .type = LITERAL_NULL };
	struct expr *e = NULL;
	struct diag d = { 0 };
	int r = 0;

	switch (m->type) {
	case M_TRUE:
	case M_FALSE:
		r = expr_new_const(&e, m->type == M_TRUE);
		break;
	case M_NOT:
		r = expr_new_not(&e, build(m->a));
		break;
	case M_AND:
		r = expr_new_and(&e, build(m->a), build(m->b));
		break;
	case M_OR:
		r = expr_new_or(&e, build(m->a), build(m->b));
		break;
	case M_IS_NULL:
		r = m->element
			    ? expr_new_element(&e, m->f, m->element - 1, EXPR_EQ, &nothing, 1, &d)
			    : expr_new_is_null(&e, m->f);
		break;
	case M_COMPARE:
		if (m->element)
			r = expr_new_element(&e, m->f, m->element - 1, m->op, m->values, m->n, &d);
		else
			r = expr_new_compare(&e, m->f, m->op, m->values, m->n, &d);
		break;
	case M_LENGTH:
		r = expr_new_length(&e, m->f, m->op, m->values, m->n, &d);
		break;
	case M_FIELDS:
		r = expr_new_compare_fields(&e, m->f, m->op, m->g, &d);
		break;
	case M_TEXT:
		r = expr_new_text(&e, m->text[0], strlen(m->text[0]), &d);
		break;
	default:
		r = expr_new_null(&e);
	}
	if (r < 0)
		fail_msg("%d: %s", r, d.text);
	return e;
}

/* Before the first random_model(). */
static inline void models_begin(void)
{
	n_fields = 0;
	field_each(collect, NULL);
}
