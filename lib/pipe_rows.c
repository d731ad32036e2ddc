/* SPDX-License-Identifier: Apache-2.0 */
/* The pipes that work on the rows of a table: sort, head, tail, keep, drop.  Columns are named as
 * the answer names them; count() is count. */
#include "lib/pipe_where.h"

static int add_step(struct pipe_parser *p, size_t at, const struct pipe_step *s)
{
	if (p->pipe->n_steps == PIPE_STEPS)
		return eql_error(&p->eql.lex, at, "too many pipes: at most %d after stats",
				 PIPE_STEPS);
	p->pipe->steps[p->pipe->n_steps++] = *s;
	return 0;
}

int pipe_add_cut(struct pipe_parser *p, size_t at, bool tail, uint64_t n)
{
	const struct pipe_step s = { .type = tail ? PIPE_STEP_TAIL : PIPE_STEP_HEAD, .n = n };

	return add_step(p, at, &s);
}

/* ---- columns ---- */

static int unknown_column(struct pipe_parser *p, size_t at, const char *name)
{
	const char *names[PIPE_COLUMNS + 1] = { NULL };
	const struct pipe *pipe = p->pipe;
	const char *near;
	char all[200] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < pipe->n_shown; i++) {
		names[i] = pipe->columns[pipe->shown[i]].name;
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "",
					      names[i]);
	}
	near = eql_suggest(names, name, strlen(name));
	if (near)
		return eql_error(&p->eql.lex, at, "unknown column '%s'; did you mean %s?", name,
				 near);
	return eql_error(&p->eql.lex, at, "unknown column '%s': expected one of %s", name, all);
}

/* func "(" [ argument {"," argument} ] ")" as the column that was made by it is called; "(" is the
 * current token. */
static int parse_call_name(struct pipe_parser *p, char name[PIPE_NAME_BYTES])
{
	size_t n = strlen(name), bare = n;
	const struct eql_token *t = pipe_token(p);
	int r = eql_advance(&p->eql);

	n += (size_t)snprintf(name + n, PIPE_NAME_BYTES - n, "(");
	while (r == 0 && t->type != EQL_CLOSE) {
		if (t->type != EQL_WORD && t->type != EQL_NAME && t->type != EQL_STRING &&
		    t->type != EQL_COMMA)
			return eql_expected(&p->eql, "')'");
		if (n < PIPE_NAME_BYTES)
			n += (size_t)snprintf(name + n, PIPE_NAME_BYTES - n, "%.*s%s",
					      (int)t->n_value, t->value,
					      t->type == EQL_COMMA ? " " : "");
		r = eql_advance(&p->eql);
	}
	if (r < 0)
		return r;
	if (n == bare + 1 || strcmp(name, "count(*") == 0)
		name[bare] = 0;
	else if (n < PIPE_NAME_BYTES)
		snprintf(name + n, PIPE_NAME_BYTES - n, ")");
	return eql_advance(&p->eql);
}

int pipe_parse_column(struct pipe_parser *p, uint32_t *ret)
{
	const struct eql_token *t = pipe_token(p);
	const struct pipe *pipe = p->pipe;
	char name[PIPE_NAME_BYTES];
	size_t at = t->at;
	int r;

	if (t->type != EQL_WORD && t->type != EQL_NAME)
		return eql_expected(&p->eql, "a column");
	snprintf(name, sizeof(name), "%.*s", (int)MIN(t->n_value, sizeof(name) - 1), t->value);
	r = eql_advance(&p->eql);
	if (r == 0 && t->type == EQL_OPEN)
		r = parse_call_name(p, name);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < pipe->n_shown; i++) {
		*ret = pipe->shown[i];
		if (strcmp(pipe->columns[*ret].name, name) == 0)
			return 0;
	}
	return unknown_column(p, at, name);
}

/* ---- sort ---- */

/* column ["asc" | "desc"], or "-" column. */
static int parse_sort_key(struct pipe_parser *p, struct pipe_sort *ret)
{
	struct eql_token *t = &p->eql.lex.token;
	size_t at = t->at;
	const struct pipe_column *c;
	int r;

	ret->descending = t->type == EQL_WORD && t->n > 1 && *t->value == '-';
	if (ret->descending) {
		t->value++;
		t->n_value--;
	}
	r = pipe_parse_column(p, &ret->column);
	if (r < 0)
		return r;
	c = &p->pipe->columns[ret->column];
	if (ret->column >= p->pipe->n_keys && c->func == PIPE_VALUES)
		return eql_error(&p->eql.lex, at, "%s is a list: rows cannot be sorted by it",
				 c->name);
	if (eql_is(t, "desc"))
		ret->descending = true;
	else if (!eql_is(t, "asc"))
		return 0;
	return eql_advance(&p->eql);
}

int pipe_parse_sort(struct pipe_parser *p)
{
	struct pipe_step s = { .type = PIPE_STEP_SORT };
	size_t at = pipe_token(p)->at;
	int r = 0;

	for (bool more = true; r == 0 && more;) {
		if (s.n_sort == PIPE_SORTS)
			return eql_error(&p->eql.lex, at, "at most %d columns to sort by",
					 PIPE_SORTS);
		r = parse_sort_key(p, &s.sort[s.n_sort++]);
		more = r == 0 && pipe_token(p)->type == EQL_COMMA;
		if (more)
			r = eql_advance(&p->eql);
	}
	return r < 0 ? r : add_step(p, at, &s);
}

/* ---- where ---- */

int pipe_parse_where(struct pipe_parser *p)
{
	struct pipe_step s = { .type = PIPE_STEP_WHERE };
	size_t at = pipe_token(p)->at;
	int r = pipe_where_parse(p, &s.where);

	if (r == 0)
		r = add_step(p, at, &s);
	if (r < 0)
		pipe_where_free(s.where);
	return r;
}

/* ---- keep, drop ---- */

static void hide(struct pipe *pipe, uint32_t column)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < pipe->n_shown; i++)
		if (pipe->shown[i] != column)
			pipe->shown[n++] = pipe->shown[i];
	pipe->n_shown = n;
}

int pipe_parse_pick(struct pipe_parser *p, bool keep)
{
	uint32_t kept[PIPE_COLUMNS], n = 0, column;
	struct pipe *pipe = p->pipe;
	size_t at = pipe_token(p)->at;
	bool more = true;
	int r = 0;

	while (r == 0 && more) {
		r = pipe_parse_column(p, &column);
		if (r < 0)
			return r;
		hide(pipe, column); /* a second time it is unknown */
		kept[n++] = column;
		more = pipe_token(p)->type == EQL_COMMA;
		if (more)
			r = eql_advance(&p->eql);
	}
	if (r == 0 && keep) {
		memcpy(pipe->shown, kept, n * sizeof(kept[0]));
		pipe->n_shown = n;
	}
	if (r == 0 && pipe->n_shown == 0)
		return eql_error(&p->eql.lex, at, "no column would be left");
	return r;
}
