/* SPDX-License-Identifier: Apache-2.0 */
/* Terms share one tree, an OR of them all, which says which blocks a scan has to read; each term is
 * a subtree of it.  An AND with true around each keeps a term that is an OR itself from being
 * dissolved in the whole. */
#include "lib/eql_statement.h"

#include "lib/eql_parser.h"
#include "lib/limits.h"
#include "lib/timestamp.h"

struct head {
	struct eql_key keys[EQL_KEYS]; /* of "sequence by" */
	uint32_t n_keys;
};

static const char *word_of(const struct eql_statement *s)
{
	return s->type == EQL_SAMPLE ? "sample" : "sequence";
}

/* ---- keys ---- */

/* Values of different classes are never equal. */
static int class_of(const struct eql_key *k)
{
	if (k->nothing)
		return -1;
	switch (k->field.info->type) {
	case TYPE_KEYWORD:
	case TYPE_KEYWORDS:
	case TYPE_IP:
		return TYPE_KEYWORD;
	default:
		return (int)k->field.info->type;
	}
}

static int parse_key(struct eql_parser *p, struct eql_key *ret)
{
	const struct eql_token *t = &p->lex.token;
	struct eql_operand f;
	int r;

	if (t->type != EQL_WORD && t->type != EQL_NAME)
		return eql_expected(p, "a field after 'by'");
	r = eql_operand_of(p, t, &f);
	if (r < 0)
		return r;
	if (f.is_element || (!f.nothing && f.field.info->type == TYPE_KEYWORDS))
		return eql_error(&p->lex, t->at,
				 "a key is a field of one value, expected another than '%.*s'",
				 (int)MIN(t->n_value, 60), t->value);
	*ret = (struct eql_key){ .field = f.field,
				 .nothing = f.nothing,
				 .optional = eql_is_optional(t) };
	return eql_advance(p);
}

/* "by" is the current token. */
static int parse_keys(struct eql_parser *p, struct eql_key *keys, uint32_t *n)
{
	int r;

	do {
		size_t at = p->lex.token.at;

		r = eql_advance(p);
		if (r == 0 && *n == EQL_KEYS)
			r = eql_error(&p->lex, at, "too many keys: at most %d", EQL_KEYS);
		if (r == 0)
			r = parse_key(p, &keys[*n]);
		++*n;
	} while (r == 0 && p->lex.token.type == EQL_COMMA);
	return r;
}

static bool key_is(const struct eql_key *a, const struct eql_key *b)
{
	return a->nothing == b->nothing && a->optional == b->optional &&
	       (a->nothing || (a->field.info == b->field.info && a->field.via == b->field.via));
}

static bool set_is(const struct eql_key_set *set, const struct eql_key *keys, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!key_is(&set->keys[i], &keys[i]))
			return false;
	return true;
}

static int check_classes(struct eql_parser *p, const struct eql_statement *s,
			 const struct eql_key *keys, size_t at)
{
	for (uint32_t i = 0; i < s->n_keys; i++) {
		int a = class_of(&s->sets[0].keys[i]), b = class_of(&keys[i]);
		char first[64], second[64];

		if (a < 0 || b < 0 || a == b)
			continue;
		field_name(s->sets[0].keys[i].field, first, sizeof(first));
		field_name(keys[i].field, second, sizeof(second));
		return eql_error(&p->lex, at, "%s is a %s and %s a %s: they are never equal", first,
				 field_type_name(s->sets[0].keys[i].field.info->type), second,
				 field_type_name(keys[i].field.info->type));
	}
	return 0;
}

/* Gives the term that began at byte @at its keys. */
static int set_keys(struct eql_parser *p, struct eql_statement *s, struct eql_term *term,
		    const struct eql_key *keys, uint32_t n, size_t at)
{
	int r;

	if (s->n_sets && n != s->n_keys)
		return eql_error(&p->lex, at,
				 "each [..] needs as many keys as the first: expected %u, not %u",
				 s->n_keys, n);
	s->n_keys = n;
	for (term->set = 0; term->set < s->n_sets; term->set++)
		if (set_is(&s->sets[term->set], keys, n))
			return 0;
	r = s->n_sets ? check_classes(p, s, keys, at) : 0;
	if (r == 0)
		memcpy(s->sets[s->n_sets++].keys, keys, n * sizeof(*keys));
	return r;
}

/* ---- terms ---- */

/* NAME "=" VALUE after "with"; the value becomes the current token. */
static int parse_setting(struct eql_parser *p, const char *name)
{
	char what[32];
	int r = eql_advance(p);

	if (r < 0)
		return r;
	snprintf(what, sizeof(what), "'%s=' after 'with'", name);
	if (!eql_is(&p->lex.token, name))
		return eql_expected(p, what);
	r = eql_advance(p);
	if (r < 0)
		return r;
	if (!eql_is_symbol(&p->lex.token, '='))
		return eql_expected(p, "'='");
	return eql_advance(p);
}

static int parse_runs(struct eql_parser *p, struct eql_term *term)
{
	struct expr_literal v = { .type = LITERAL_NULL };
	int r = parse_setting(p, "runs");

	if (r < 0)
		return r;
	if (p->lex.token.type == EQL_WORD)
		r = eql_number_of(p, &p->lex.token, &v);
	if (r < 0)
		return r;
	if (v.type != LITERAL_INT || v.integer < 1 || v.integer > EQL_STAGES)
		return eql_expected(p, "a number of 1 to 128 after 'runs='");
	term->runs = (uint32_t)v.integer;
	return eql_advance(p);
}

/* The condition between the brackets joins the statement's tree. */
static int add_condition(struct eql_parser *p, struct eql_statement *s, struct eql_term *term,
			 size_t at)
{
	AUTO(expr) *yes = NULL;
	AUTO(expr) *e = NULL;
	int r = eql_advance(p);

	if (r == 0 && (p->lex.token.type == EQL_END || eql_is_symbol(&p->lex.token, ']')))
		r = eql_expected(p, "a condition after '['");
	if (r == 0)
		r = eql_parse_filter(p, &e);
	if (r == 0 && !eql_is_symbol(&p->lex.token, ']'))
		r = eql_expected(p, "'and', 'or' or ']'");
	if (r == 0)
		r = expr_new_const(&yes, true);
	if (r == 0)
		r = eql_built(p, at, expr_new_and(&e, TAKE(yes), TAKE(e)));
	if (r < 0)
		return r;
	term->expr = e;
	if (s->expr)
		r = eql_built(p, at, expr_new_or(&s->expr, TAKE(s->expr), TAKE(e)));
	else
		s->expr = TAKE(e);
	return r < 0 ? r : eql_advance(p);
}

/* What may stand behind a term. */
static int parse_suffix(struct eql_parser *p, struct eql_statement *s, struct eql_term *term,
			const struct head *head, size_t at)
{
	struct eql_key keys[EQL_KEYS];
	uint32_t n = head->n_keys;
	int r = 0;

	memcpy(keys, head->keys, sizeof(keys));
	while (r == 0) {
		const struct eql_token *t = &p->lex.token;

		if (eql_is(t, "by") && n == head->n_keys)
			r = parse_keys(p, keys, &n);
		else if (eql_is(t, "with") && s->type == EQL_SEQUENCE && !term->missing)
			r = parse_runs(p, term);
		else
			break;
	}
	return r < 0 ? r : set_keys(p, s, term, keys, n, at);
}

/* "[" or "!" is the current token. */
static int parse_term(struct eql_parser *p, struct eql_statement *s, const struct head *head)
{
	struct eql_term *term = &s->terms[s->n_terms];
	size_t at = p->lex.token.at;
	int r = 0;

	term->runs = 1;
	if (s->n_terms == EQL_TERMS)
		return eql_error(&p->lex, at, "too many [..]: at most %d", EQL_TERMS);
	if (eql_is_symbol(&p->lex.token, '!')) {
		if (s->type == EQL_SAMPLE)
			return eql_expected(p, "'[': a sample has no missing events");
		term->missing = s->has_missing = true;
		r = eql_advance(p);
	}
	if (r == 0 && !eql_is_symbol(&p->lex.token, '['))
		r = eql_expected(p, "'['");
	if (r == 0)
		r = add_condition(p, s, term, at);
	if (r == 0)
		r = parse_suffix(p, s, term, head, at);
	s->n_terms++;
	s->n_stages += term->missing ? 0 : term->runs;
	if (r == 0 && s->n_stages > EQL_STAGES)
		r = eql_error(&p->lex, at,
			      "too many events in the sequence: at most %d, runs counted",
			      EQL_STAGES);
	return r;
}

/* ---- the statement ---- */

/* 5 m: between number and unit may be blanks.  The number is the current token; it stays so when no
 * unit follows. */
static int join_unit(struct eql_parser *p, char *text, size_t room)
{
	struct eql_token number = p->lex.token;
	struct expr_literal v = { .type = LITERAL_NULL };
	size_t after = p->lex.at;
	struct diag d = { 0 };
	uint64_t ns;
	int r = eql_number_of(p, &number, &v);

	if (r <= 0 || v.type != LITERAL_INT)
		return MIN(r, 0);
	r = eql_advance(p);
	if (r < 0)
		return r;
	snprintf(text, room, "%.*s%.*s", (int)number.n_value, number.value,
		 (int)MIN(p->lex.token.n_value, (size_t)8), p->lex.token.value);
	if (p->lex.token.type == EQL_WORD && duration_parse(text, strlen(text), &ns, &d) == 0)
		return 0;
	p->lex.token = number;
	p->lex.at = after;
	return 0;
}

static int parse_maxspan(struct eql_parser *p, struct eql_statement *s)
{
	const struct eql_token *t = &p->lex.token;
	struct diag d = { 0 };
	char text[80] = "";
	int r = parse_setting(p, "maxspan");

	if (r == 0 && t->type == EQL_WORD) {
		snprintf(text, sizeof(text), "%.*s", (int)MIN(t->n_value, sizeof(text)), t->value);
		r = join_unit(p, text, sizeof(text));
	}
	if (r < 0)
		return r;
	if (duration_parse(text, strlen(text), &s->maxspan_ns, &d) < 0 || s->maxspan_ns == 0)
		return eql_expected(p, "a length of time such as 30s or 5m");
	return eql_advance(p);
}

static int parse_head(struct eql_parser *p, struct eql_statement *s, struct head *ret)
{
	int r = 0;

	while (r == 0) {
		const struct eql_token *t = &p->lex.token;

		if (eql_is(t, "by") && ret->n_keys == 0)
			r = parse_keys(p, ret->keys, &ret->n_keys);
		else if (eql_is(t, "with") && s->maxspan_ns == 0 && s->type == EQL_SEQUENCE)
			r = parse_maxspan(p, s);
		else
			break;
	}
	return r;
}

static int parse_until(struct eql_parser *p, struct eql_statement *s, const struct head *head)
{
	struct eql_term *term = &s->terms[s->n_terms];
	size_t at;
	int r = eql_advance(p);

	at = p->lex.token.at;
	term->runs = 1;
	term->missing = true; /* takes no runs */
	if (r == 0 && !eql_is_symbol(&p->lex.token, '['))
		r = eql_expected(p, "'[' after 'until'");
	if (r == 0)
		r = add_condition(p, s, term, at);
	if (r == 0)
		r = parse_suffix(p, s, term, head, at);
	s->has_until = true;
	return r;
}

/* What only the whole shows; the statement began at byte @at. */
static int check_whole(struct eql_parser *p, const struct eql_statement *s, size_t at)
{
	const char *word = word_of(s);

	if (s->n_terms == 0)
		return eql_expected(p, "'[' and a condition");
	if (s->n_stages == 0)
		return eql_error(&p->lex, at, "a sequence needs an event that is not missing");
	if (s->n_stages == 1 && !s->has_missing)
		return eql_error(&p->lex, at, "a %s needs two events or more", word);
	if (s->has_missing && s->maxspan_ns == 0)
		return eql_error(&p->lex, at,
				 "a sequence with ![..] needs 'with maxspan=': within which time?");
	if (s->type == EQL_SAMPLE && s->n_keys == 0)
		return eql_error(&p->lex, at, "a sample needs keys: expected 'by' and a field");
	return 0;
}

/* "sequence" or "sample" was the token at byte @at; what follows is current. */
static int parse_series(struct eql_parser *p, struct eql_statement *s, size_t at)
{
	struct head head = { .n_keys = 0 };
	int r = parse_head(p, s, &head);

	while (r == 0 && (eql_is_symbol(&p->lex.token, '[') || eql_is_symbol(&p->lex.token, '!')))
		r = parse_term(p, s, &head);
	if (r == 0 && s->type == EQL_SEQUENCE && s->n_terms && eql_is(&p->lex.token, "until"))
		r = parse_until(p, s, &head);
	return r < 0 ? r : check_whole(p, s, at);
}

static bool begins_series(const struct eql_token *t)
{
	return eql_is_symbol(t, '[') || eql_is_symbol(t, '!') || eql_is(t, "by") ||
	       eql_is(t, "with");
}

int eql_parse_statement(struct eql_parser *p, struct eql_statement *s)
{
	struct eql_token first;
	size_t after;
	int r = eql_advance(p);

	if (r < 0)
		return r;
	first = p->lex.token;
	after = p->lex.at;
	if (eql_is(&first, "sequence") || eql_is(&first, "sample")) {
		r = eql_advance(p);
		if (r == 0 && begins_series(&p->lex.token)) {
			s->type = eql_is(&first, "sample") ? EQL_SAMPLE : EQL_SEQUENCE;
			return parse_series(p, s, first.at);
		}
		p->lex.at = after;
		p->lex.token = first;
	}
	s->type = EQL_EVENTS;
	if (first.type == EQL_END || eql_at_pipe(p))
		return expr_new_const(&s->expr, true);
	return eql_parse_filter(p, &s->expr);
}

static int parse_text(struct eql_statement **ret, struct eql_parser *p)
{
	AUTO(eql_statement) *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_origin(-ENOMEM);
	if (p->lex.n > LIMIT_QUERY_BYTES)
		return diag_set(p->lex.diag, -EINVAL, 1, 1,
				"the query is too long: at most %d bytes", LIMIT_QUERY_BYTES);
	r = eql_parse_statement(p, s);
	if (r == 0 && p->lex.token.type != EQL_END)
		r = eql_not_the_end(p);
	arena_done(&p->lex.arena);
	if (r == 0)
		*ret = TAKE(s);
	return r;
}

int eql_statement_parse(struct eql_statement **ret, const char *text, size_t n, struct diag *d)
{
	struct diag unused;
	struct eql_parser p = { .lex = { .text = text, .n = n, .diag = d ? d : &unused } };

	return parse_text(ret, &p);
}

int eql_statement_parse_rule(struct eql_statement **ret, const char *text, size_t n,
			     struct eql_unknown *unknown, struct diag *d)
{
	struct diag unused;
	struct eql_parser p = { .lex = { .text = text, .n = n, .diag = d ? d : &unused },
				.unknown = unknown };

	memset(unknown, 0, sizeof(*unknown));
	return parse_text(ret, &p);
}

bool eql_statement_can_match(const struct eql_statement *s)
{
	if (s->type == EQL_EVENTS)
		return expr_kinds(s->expr) != 0;
	for (uint32_t i = 0; i < s->n_terms; i++)
		if (!s->terms[i].missing && expr_kinds(s->terms[i].expr) == 0)
			return false;
	return true;
}

struct eql_statement *eql_statement_free(struct eql_statement *s)
{
	if (!s)
		return NULL;
	expr_free(s->expr);
	free(s);
	return NULL;
}
