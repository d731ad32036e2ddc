/* SPDX-License-Identifier: Apache-2.0 */
/* After the expression, what each "|" brings:
 *
 *   pipe = "where" or | ("limit" | "head" | "tail") [n] | ("keep" | "drop") name {"," name}
 *        | "stats" ... | ("top" | "rare") [n] field {"," field} | "sort" ... | "uniq" field {","
 * field} | "count" [field {"," field}]
 *
 * Those of tables are in lib/pipe_stats.c and lib/pipe_rows.c, keep and drop of events in
 * lib/pipe_fields.c. */
#include "lib/pipe.h"

#include "lib/limits.h"
#include "lib/pipe_fields.h"
#include "lib/pipe_where.h"

enum { MOST_DIGITS = 9 };

/* ---- small things ---- */

bool pipe_at_equals(const struct pipe_parser *p)
{
	return eql_is_symbol(pipe_token(p), '=');
}

bool pipe_at_end(const struct pipe_parser *p)
{
	return pipe_token(p)->type == EQL_END || eql_at_pipe(&p->eql);
}

int pipe_pass(struct pipe_parser *p, enum eql_type type, const char *what)
{
	if (pipe_token(p)->type != type)
		return eql_expected(&p->eql, what);
	return eql_advance(&p->eql);
}

int pipe_parse_field(struct pipe_parser *p, struct field_ref *ret, char name[PIPE_NAME_BYTES])
{
	const struct eql_token *t = pipe_token(p);
	struct eql_operand f;
	int r;

	if (t->type != EQL_WORD && t->type != EQL_NAME)
		return eql_expected(&p->eql, "a field");
	r = eql_operand_of(&p->eql, t, &f);
	if (r < 0)
		return r;
	if (f.is_element)
		return eql_error(&p->eql.lex, t->at, "expected a field without [n]");
	if (f.nothing)
		return eql_error(&p->eql.lex, t->at,
				 "no event has this field: expected one that exists");
	*ret = f.field;
	snprintf(name, PIPE_NAME_BYTES, "%.*s", (int)MIN(t->n_value, (size_t)PIPE_NAME_BYTES - 1),
		 t->value + (*t->value == '?'));
	return eql_advance(&p->eql);
}

int pipe_parse_n(struct pipe_parser *p, uint64_t *ret)
{
	const struct eql_token *t = pipe_token(p);

	*ret = PIPE_DEFAULT_N;
	if (t->type != EQL_WORD || *t->value < '0' || *t->value > '9')
		return 0;
	*ret = 0;
	for (size_t i = 0; i < t->n_value; i++) {
		if (t->value[i] < '0' || t->value[i] > '9' || i == MOST_DIGITS)
			return eql_expected(&p->eql, "a number of at most 9 digits");
		*ret = *ret * 10 + (uint64_t)(t->value[i] - '0');
	}
	if (*ret == 0)
		return eql_expected(&p->eql, "a number of at least 1");
	return eql_advance(&p->eql);
}

/* ---- pipes ---- */

static int parse_where(struct pipe_parser *p)
{
	AUTO(expr) *e = NULL;
	size_t at = pipe_token(p)->at;
	int r;

	if (p->pipe->is_table)
		return pipe_parse_where(p);
	if (p->cut)
		return eql_error(&p->eql.lex, at, "where cannot follow %s: expected it before",
				 p->cut);
	r = eql_parse_or(&p->eql, &e);
	if (r < 0)
		return r;
	return eql_built(&p->eql, at, expr_new_and(&p->pipe->expr, TAKE(p->pipe->expr), TAKE(e)));
}

static int parse_cut(struct pipe_parser *p, bool tail)
{
	size_t at = pipe_token(p)->at;
	struct pipe *pipe = p->pipe;
	uint64_t n;
	int r = pipe_parse_n(p, &n);

	if (r < 0)
		return r;
	if (pipe->is_table)
		return pipe_add_cut(p, at, tail, n);
	if (pipe->n && pipe->is_tail != tail)
		return eql_error(&p->eql.lex, at, "%s cannot follow %s on events",
				 tail ? "tail" : "head", p->cut);
	pipe->n = pipe->n ? MIN(pipe->n, n) : n;
	pipe->is_tail = tail;
	p->cut = tail ? "tail" : "head";
	return 0;
}

static int parse_limit(struct pipe_parser *p)
{
	return parse_cut(p, false);
}

static int parse_tail(struct pipe_parser *p)
{
	return parse_cut(p, true);
}

/* ---- order of events ---- */

static int no_successor(struct pipe_parser *p, size_t at, const char *pipe)
{
	return eql_error(&p->eql.lex, at, "%s cannot follow %s", pipe, p->cut);
}

static int parse_single(struct pipe_parser *p, struct field_ref *ret)
{
	char name[PIPE_NAME_BYTES];
	size_t at = pipe_token(p)->at;
	int r = pipe_parse_field(p, ret, name);

	if (r == 0 && ret->info->type == TYPE_KEYWORDS)
		return eql_error(&p->eql.lex, at,
				 "%s has several values: expected a field of one value", name);
	return r;
}

/* field ["asc" | "desc"], or "-" field. */
static int parse_by(struct pipe_parser *p, struct pipe_by *ret)
{
	struct eql_token *t = &p->eql.lex.token;
	int r;

	ret->descending = t->type == EQL_WORD && t->n > 1 && *t->value == '-';
	if (ret->descending) {
		t->value++;
		t->n_value--;
	}
	r = parse_single(p, &ret->field);
	if (r < 0)
		return r;
	if (eql_is(t, "desc"))
		ret->descending = true;
	else if (!eql_is(t, "asc"))
		return 0;
	return eql_advance(&p->eql);
}

static int parse_sort(struct pipe_parser *p)
{
	struct pipe *pipe = p->pipe;
	size_t at = pipe_token(p)->at;
	int r = 0;

	if (pipe->is_table)
		return pipe_parse_sort(p);
	if (pipe->n || pipe->n_by)
		return no_successor(p, at, "sort");
	for (bool more = true; r == 0 && more;) {
		if (pipe->n_by == PIPE_SORTS)
			return eql_error(&p->eql.lex, at, "at most %d fields to sort by",
					 PIPE_SORTS);
		r = parse_by(p, &pipe->by[pipe->n_by++]);
		more = r == 0 && pipe_token(p)->type == EQL_COMMA;
		if (more)
			r = eql_advance(&p->eql);
	}
	pipe->uniq_first = pipe->n_uniq > 0;
	p->cut = "sort";
	return r;
}

static int parse_uniq(struct pipe_parser *p)
{
	struct pipe *pipe = p->pipe;
	size_t at = pipe_token(p)->at;
	int r = 0;

	if (pipe->is_table)
		return eql_error(&p->eql.lex, at, "uniq cannot follow %s: its rows are different",
				 p->cut);
	if (pipe->n || pipe->n_uniq)
		return no_successor(p, at, "uniq");
	for (bool more = true; r == 0 && more;) {
		if (pipe->n_uniq == PIPE_KEYS)
			return eql_error(&p->eql.lex, at, "at most %d fields", PIPE_KEYS);
		r = parse_single(p, &pipe->uniq[pipe->n_uniq++]);
		more = r == 0 && pipe_token(p)->type == EQL_COMMA;
		if (more)
			r = eql_advance(&p->eql);
	}
	p->cut = "uniq";
	return r;
}

/* EQL's own: how many there are, or how many of each. */
static int parse_count(struct pipe_parser *p)
{
	return pipe_parse_count(p);
}

static int parse_top(struct pipe_parser *p)
{
	return pipe_parse_top(p, false);
}

static int parse_rare(struct pipe_parser *p)
{
	return pipe_parse_top(p, true);
}

static int parse_fields(struct pipe_parser *p, bool keep)
{
	return p->pipe->is_table ? pipe_parse_pick(p, keep) : pipe_parse_fields(p, keep);
}

static int parse_keep(struct pipe_parser *p)
{
	return parse_fields(p, true);
}

static int parse_drop(struct pipe_parser *p)
{
	return parse_fields(p, false);
}

static const struct {
	const char *name;
	int (*parse)(struct pipe_parser *p);
	bool of_series; /* may follow a sequence or sample */
} pipes[] = {
	{ "where", parse_where, false }, { "stats", pipe_parse_stats, false },
	{ "sort", parse_sort, false },	 { "limit", parse_limit, true },
	{ "head", parse_limit, true },	 { "tail", parse_tail, true },
	{ "keep", parse_keep, true },	 { "drop", parse_drop, true },
	{ "uniq", parse_uniq, false },	 { "unique", parse_uniq, false },
	{ "count", parse_count, false }, { "filter", parse_where, false },
	{ "top", parse_top, false },	 { "rare", parse_rare, false },
};

static const char *const commands[] = { "where", "stats", "sort", "limit", "head",  "tail", "keep",
					"drop",	 "uniq",  "top",  "rare",  "count", NULL };

const char *const *pipe_commands(void)
{
	return commands;
}

static int unknown_pipe(struct pipe_parser *p)
{
	const struct eql_token *t = pipe_token(p);
	const char *near = NULL;
	char shown[64];

	if (t->type != EQL_WORD)
		return eql_expected(&p->eql, "a pipe such as stats after '|'");
	near = eql_suggest(commands, t->value, t->n_value);
	eql_show(&p->eql.lex, t, shown, sizeof(shown));
	if (near)
		return eql_error(&p->eql.lex, t->at, "unknown pipe %s; did you mean %s?", shown,
				 near);
	return eql_error(&p->eql.lex, t->at,
			 "unknown pipe %s: expected where, stats, sort, limit, head, tail, keep, "
			 "drop, uniq, top, rare or count",
			 shown);
}

/* "|" is the current token. */
static int parse_pipe(struct pipe_parser *p)
{
	int r = eql_advance(&p->eql);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
		if (!eql_is(pipe_token(p), pipes[i].name))
			continue;
		if (p->pipe->series && !pipes[i].of_series)
			return eql_expected(&p->eql, "head, tail, limit, keep or drop after a "
						     "sequence or sample");
		r = eql_advance(&p->eql);
		if (r == 0)
			r = pipes[i].parse(p);
		if (r == 0 && !pipe_at_end(p))
			r = eql_expected(&p->eql, "'|' or the end");
		return r;
	}
	return unknown_pipe(p);
}

/* The terms of a sequence lie in the plan's expression. */
static int parse_statement(struct pipe_parser *p)
{
	AUTO(eql_statement) *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_origin(-ENOMEM);
	r = eql_parse_statement(&p->eql, s);
	p->pipe->expr = TAKE(s->expr);
	if (r == 0 && s->type != EQL_EVENTS)
		p->pipe->series = TAKE(s);
	return r;
}

static int parse_all(struct pipe_parser *p)
{
	int r = parse_statement(p);

	if (r == 0 && !pipe_at_end(p))
		r = eql_not_the_end(&p->eql);
	for (int n = 0; r == 0 && eql_at_pipe(&p->eql); n++) {
		if (n == PIPE_PIPES)
			return eql_error(&p->eql.lex, pipe_token(p)->at,
					 "too many pipes: at most %d", PIPE_PIPES);
		r = parse_pipe(p);
	}
	return r;
}

int pipe_parse(struct pipe **ret, const char *text, size_t n, struct diag *d)
{
	AUTO(pipe) *pipe = calloc(1, sizeof(*pipe));
	struct diag unused;
	struct pipe_parser p = { .pipe = pipe,
				 .eql.lex = { .text = text, .n = n, .diag = d ? d : &unused } };
	int r;

	if (!pipe)
		return err_origin(-ENOMEM);
	if (n > LIMIT_QUERY_BYTES)
		return diag_set(d, -EINVAL, 1, 1, "the query is too long: at most %d bytes",
				LIMIT_QUERY_BYTES);
	r = parse_all(&p);
	arena_done(&p.eql.lex.arena);
	if (r == 0)
		*ret = TAKE(pipe);
	return r;
}

struct pipe *pipe_free(struct pipe *p)
{
	if (!p)
		return NULL;
	for (uint32_t i = 0; i < p->n_steps; i++)
		pipe_where_free(p->steps[i].where);
	eql_statement_free(p->series);
	expr_free(p->expr);
	free(p->fields);
	free(p);
	return NULL;
}

bool pipe_is_ranked(const struct pipe *p)
{
	return p->n_by || p->n_uniq;
}
