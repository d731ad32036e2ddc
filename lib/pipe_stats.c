/* SPDX-License-Identifier: Apache-2.0 */
/* The pipes that make a table of events:
 *
 *   stats     = aggregate {"," aggregate} ["by" key {"," key}] | "by" key {"," key}
 *   aggregate = [name "="] ("count" | function "(" [field | "*"] ")")
 *   key       = [name "="] (field | "bucket" "(" field "," duration ")")
 *   top, rare = [n] field {"," field} */
#include "lib/pipe_parser.h"

#include "lib/timestamp.h"

static const char *const functions[] = {
	[PIPE_COUNT] = "count",	  [PIPE_COUNT_DISTINCT] = "count_distinct",
	[PIPE_MIN] = "min",	  [PIPE_MAX] = "max",
	[PIPE_SUM] = "sum",	  [PIPE_AVG] = "avg",
	[PIPE_VALUES] = "values", [PIPE_VALUES + 1] = NULL,
};

const char *const *pipe_functions(void)
{
	return functions;
}

static bool is_number(enum field_type t)
{
	return t == TYPE_LONG;
}

static bool is_plain_name(const struct eql_token *t)
{
	if (t->type == EQL_NAME)
		return t->n_value > 0 && t->n_value < PIPE_NAME_BYTES;
	if (t->type != EQL_WORD || t->n_value >= PIPE_NAME_BYTES)
		return false;
	for (size_t i = 0; i < t->n_value; i++) {
		char c = t->value[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
		      c == '@' || (c >= '0' && c <= '9' && i)))
			return false;
	}
	return true;
}

/* Takes over @c, which began at byte @at, as the next column. */
static int add_column(struct pipe_parser *p, const struct pipe_column *c, size_t at, bool is_key)
{
	struct pipe *pipe = p->pipe;
	uint32_t n_aggregates = pipe->n_columns - pipe->n_keys;

	for (uint32_t i = 0; i < pipe->n_columns; i++)
		if (strcmp(pipe->columns[i].name, c->name) == 0)
			return eql_error(&p->eql.lex, at,
					 "two columns are called '%s': expected another name for "
					 "one, as in total = count()",
					 c->name);
	if (is_key ? pipe->n_keys == PIPE_KEYS : n_aggregates == PIPE_AGGREGATES)
		return eql_error(&p->eql.lex, at,
				 "too many: at most %d fields after by, %d functions", PIPE_KEYS,
				 PIPE_AGGREGATES);
	if (is_key) { /* keys stand first */
		memmove(&pipe->columns[pipe->n_keys + 1], &pipe->columns[pipe->n_keys],
			n_aggregates * sizeof(*c));
		pipe->columns[pipe->n_keys++] = *c;
	} else {
		pipe->columns[pipe->n_columns] = *c;
	}
	pipe->n_columns++;
	return 0;
}

/* [name "="]; *ret_name is "" without one. */
static int parse_own_name(struct pipe_parser *p, struct eql_token *ret_first,
			  char name[PIPE_NAME_BYTES])
{
	struct eql_token t = *pipe_token(p);
	size_t at = p->eql.lex.at;
	int r = eql_advance(&p->eql);

	name[0] = 0;
	if (r == 0 && pipe_at_equals(p)) {
		if (!is_plain_name(&t))
			return eql_error(
				&p->eql.lex, t.at,
				"expected a name of letters, digits, '_' and '.' before '='");
		snprintf(name, PIPE_NAME_BYTES, "%.*s", (int)t.n_value, t.value);
		r = eql_advance(&p->eql);
		t = *pipe_token(p);
		at = p->eql.lex.at;
		*ret_first = t;
		return r;
	}
	p->eql.lex.at = at; /* back to the token that was read */
	p->eql.lex.token = t;
	*ret_first = t;
	return r;
}

static int unknown_function(struct pipe_parser *p, const struct eql_token *t)
{
	const char *near =
		t->type == EQL_WORD ? eql_suggest(functions, t->value, t->n_value) : NULL;
	char shown[64];

	if (t->type != EQL_WORD)
		return eql_expected(&p->eql, "a function such as count()");
	eql_show(&p->eql.lex, t, shown, sizeof(shown));
	if (near)
		return eql_error(&p->eql.lex, t->at, "unknown function %s; did you mean %s?", shown,
				 near);
	return eql_error(&p->eql.lex, t->at,
			 "unknown function %s: expected count, count_distinct, min, max, sum, avg "
			 "or values",
			 shown);
}

static int function_of(struct pipe_parser *p, const struct eql_token *t, enum pipe_func *ret)
{
	for (uint32_t i = 0; functions[i]; i++)
		if (eql_is(t, functions[i])) {
			*ret = (enum pipe_func)i;
			return 0;
		}
	return unknown_function(p, t);
}

/* "(" was passed: the field, if any, and ")". */
static int parse_argument(struct pipe_parser *p, struct pipe_column *c, char field[PIPE_NAME_BYTES])
{
	const struct eql_token *t = pipe_token(p);
	size_t at = t->at;
	int r = 0;

	if (t->type == EQL_WORD && t->n == 1 && *t->value == '*' && c->func == PIPE_COUNT)
		r = eql_advance(&p->eql);
	else if (t->type != EQL_CLOSE || c->func != PIPE_COUNT)
		r = pipe_parse_field(p, &c->field, field);
	if (r < 0)
		return r;
	if ((c->func == PIPE_SUM || c->func == PIPE_AVG) && !is_number(c->field.info->type))
		return eql_error(&p->eql.lex, at, "%s() expected a number; %s is a %s",
				 functions[c->func], field, field_type_name(c->field.info->type));
	return pipe_pass(p, EQL_CLOSE, "')' after the field");
}

static int parse_aggregate(struct pipe_parser *p)
{
	char field[PIPE_NAME_BYTES] = "";
	struct pipe_column c = { 0 };
	struct eql_token t;
	int r = parse_own_name(p, &t, c.name);

	if (r == 0)
		r = function_of(p, &t, &c.func);
	if (r == 0)
		r = eql_advance(&p->eql);
	if (r < 0)
		return r;
	if (pipe_token(p)->type == EQL_OPEN) {
		r = eql_advance(&p->eql);
		if (r == 0)
			r = parse_argument(p, &c, field);
	} else if (c.func != PIPE_COUNT) {
		r = eql_expected(&p->eql, "'(' and a field");
	}
	if (r < 0)
		return r;
	if (!c.name[0] && !field[0])
		snprintf(c.name, sizeof(c.name), "%s", functions[c.func]);
	else if (!c.name[0])
		snprintf(c.name, sizeof(c.name), "%s(%.70s)", functions[c.func], field);
	return add_column(p, &c, t.at, false);
}

/* ---- by ---- */

/* "bucket" "(" was passed. */
static int parse_bucket(struct pipe_parser *p, struct pipe_column *c)
{
	char field[PIPE_NAME_BYTES];
	const struct eql_token *t = pipe_token(p);
	size_t at = t->at;
	struct diag why;
	int r = pipe_parse_field(p, &c->field, field);

	if (r < 0)
		return r;
	if (c->field.info->type != TYPE_DATE)
		return eql_error(&p->eql.lex, at, "bucket() expected a time such as @timestamp");
	r = pipe_pass(p, EQL_COMMA, "',' and a length of time such as 5m");
	if (r < 0)
		return r;
	if ((t->type != EQL_WORD && t->type != EQL_STRING) ||
	    duration_parse(t->value, t->n_value, &c->bucket_ns, &why) < 0 || c->bucket_ns == 0)
		return eql_expected(&p->eql, "a length of time such as 30s, 5m or 1h");
	if (!c->name[0])
		snprintf(c->name, sizeof(c->name), "bucket(%.60s, %.*s)", field,
			 (int)MIN(t->n_value, (size_t)20), t->value);
	r = eql_advance(&p->eql);
	return r < 0 ? r : pipe_pass(p, EQL_CLOSE, "')'");
}

static int parse_key(struct pipe_parser *p, bool plain)
{
	char field[PIPE_NAME_BYTES];
	struct pipe_column c = { 0 };
	struct eql_token t;
	size_t at;
	int r = parse_own_name(p, &t, c.name);

	if (r < 0)
		return r;
	if (!plain && eql_is(&t, "bucket")) {
		r = eql_advance(&p->eql);
		if (r == 0)
			r = pipe_pass(p, EQL_OPEN, "'(' after bucket");
		if (r == 0)
			r = parse_bucket(p, &c);
		return r < 0 ? r : add_column(p, &c, t.at, true);
	}
	at = pipe_token(p)->at;
	r = pipe_parse_field(p, &c.field, field);
	if (r < 0)
		return r;
	if (!c.name[0])
		snprintf(c.name, sizeof(c.name), "%s", field);
	for (uint32_t i = 0; i < p->pipe->n_keys; i++)
		if (c.field.info->type == TYPE_KEYWORDS &&
		    p->pipe->columns[i].field.info->type == TYPE_KEYWORDS)
			return eql_error(&p->eql.lex, at,
					 "only one list can be grouped by: %s is another",
					 p->pipe->columns[i].name);
	return add_column(p, &c, at, true);
}

static int parse_keys(struct pipe_parser *p, bool plain)
{
	int r = parse_key(p, plain);

	while (r == 0 && pipe_token(p)->type == EQL_COMMA) {
		r = eql_advance(&p->eql);
		if (r == 0)
			r = parse_key(p, plain);
	}
	return r;
}

/* ---- pipes ---- */

static int begin_table(struct pipe_parser *p, const char *name)
{
	size_t at = pipe_token(p)->at;

	if (p->cut)
		return eql_error(&p->eql.lex, at, "%s cannot follow %s: expected it before", name,
				 p->cut);
	p->cut = name;
	p->pipe->is_table = true;
	return 0;
}

static void show_all(struct pipe *pipe)
{
	for (pipe->n_shown = 0; pipe->n_shown < pipe->n_columns; pipe->n_shown++)
		pipe->shown[pipe->n_shown] = pipe->n_shown;
}

int pipe_parse_stats(struct pipe_parser *p)
{
	bool more = !eql_is(pipe_token(p), "by");
	int r = begin_table(p, "stats");

	if (r == 0 && pipe_at_end(p))
		r = eql_expected(&p->eql, "a function such as count()");
	while (r == 0 && more) {
		r = parse_aggregate(p);
		more = r == 0 && pipe_token(p)->type == EQL_COMMA;
		if (more)
			r = eql_advance(&p->eql);
	}
	if (r < 0)
		return r;
	if (eql_is(pipe_token(p), "by")) {
		r = eql_advance(&p->eql);
		if (r == 0)
			r = parse_keys(p, false);
	} else if (!pipe_at_end(p)) {
		r = eql_expected(&p->eql, "',', 'by', '|' or the end");
	}
	show_all(p->pipe);
	return r;
}

int pipe_parse_top(struct pipe_parser *p, bool rare)
{
	const struct pipe_column count = { .name = "count", .func = PIPE_COUNT };
	struct pipe *pipe = p->pipe;
	uint64_t n = 0;
	int r = begin_table(p, rare ? "rare" : "top");

	if (r == 0)
		r = pipe_parse_n(p, &n);
	if (r == 0)
		r = parse_keys(p, true);
	if (r == 0)
		r = add_column(p, &count, pipe_token(p)->at, false);
	if (r < 0)
		return r;
	pipe->steps[0] = (struct pipe_step){ .type = PIPE_STEP_SORT,
					     .sort = { { pipe->n_keys, !rare } },
					     .n_sort = 1 };
	pipe->steps[1] = (struct pipe_step){ .type = PIPE_STEP_HEAD, .n = n };
	pipe->n_steps = 2;
	show_all(pipe);
	return 0;
}

int pipe_parse_count(struct pipe_parser *p)
{
	const struct pipe_column count = { .name = "count", .func = PIPE_COUNT };
	struct pipe *pipe = p->pipe;
	int r = begin_table(p, "count");

	if (r == 0 && !pipe_at_end(p))
		r = parse_keys(p, true);
	if (r == 0)
		r = add_column(p, &count, pipe_token(p)->at, false);
	if (r < 0)
		return r;
	pipe->steps[0] = (struct pipe_step){ .type = PIPE_STEP_SORT,
					     .sort = { { pipe->n_keys, false } },
					     .n_sort = 1 };
	pipe->n_steps = 1;
	show_all(pipe);
	return 0;
}
