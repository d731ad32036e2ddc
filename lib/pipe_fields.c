/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pipe_fields.h"

#include "lib/buf.h"

/* One pass over all names of fields. */
struct pass {
	const struct buf *before; /* names that were there; n 0: all */
	const struct buf *asked;  /* names and objects that the pipe tells */
	bool keep;
	struct buf *out;
};

static bool covers(const char *asked, size_t n, const char *name, size_t n_name)
{
	return n <= n_name && memcmp(asked, name, n) == 0 && (n == n_name || name[n] == '.');
}

/* Is @name one of @list (commas between), or inside an object of it? */
static bool is_in(const struct buf *list, const char *name, size_t n)
{
	const char *at = (const char *)list->data, *end = at + list->n;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		size_t len = (size_t)((comma ? comma : end) - at);

		if (covers(at, len, name, n))
			return true;
		at += len + 1;
	}
	return false;
}

static void add(struct buf *out, const char *name, size_t n)
{
	if (out->n)
		buf_byte(out, ',');
	buf_add(out, name, n);
}

static void visit(struct pass *p, const char *name)
{
	size_t n = strlen(name);

	if (p->before->n && !is_in(p->before, name, n))
		return;
	if (is_in(p->asked, name, n) == p->keep)
		add(p->out, name, n);
}

static int visit_field(struct field_ref ref, void *arg)
{
	char name[PIPE_NAME_BYTES];

	visit(arg, field_name(ref, name, sizeof(name)));
	return 0;
}

/* All names that a document can have. */
static void each_name(struct pass *p)
{
	const char *alias, *real;

	field_each(visit_field, p);
	for (size_t i = 0; field_alias(i, &alias, &real); i++)
		if (strchr(alias, '.') || is_in(p->asked, alias, strlen(alias)))
			visit(p, alias);
}

static bool is_known(const struct buf *name)
{
	AUTO_BUF struct buf found = { 0 };
	const struct buf none = { 0 };
	struct pass p = { .before = &none, .asked = name, .keep = true, .out = &found };

	each_name(&p);
	return found.n > 0;
}

static int parse_name(struct pipe_parser *p, struct buf *asked)
{
	AUTO_BUF struct buf name = { 0 };
	const struct eql_token *t = pipe_token(p);
	size_t n = t->n_value;

	if ((t->type != EQL_WORD && t->type != EQL_NAME) || n == 0)
		return eql_expected(&p->eql, "a field");
	if (n > 2 && memcmp(t->value + n - 2, ".*", 2) == 0)
		n -= 2;
	if (memchr(t->value, ',', n))
		return eql_unknown_field(&p->eql, t);
	buf_add(&name, t->value, n);
	if (!buf_ok(&name))
		return err_origin(-ENOMEM);
	if (!is_known(&name))
		return eql_unknown_field(&p->eql, t);
	add(asked, t->value, n);
	return eql_advance(&p->eql);
}

static int apply(struct pipe_parser *p, const struct buf *asked, bool keep, size_t at)
{
	struct pipe *pipe = p->pipe;
	const struct buf before = { .data = (uint8_t *)pipe->fields, .n = pipe->n_fields };
	struct buf out = { 0 }; /* becomes pipe->fields */
	struct pass pass = { .before = &before, .asked = asked, .keep = keep, .out = &out };

	each_name(&pass);
	if (out.n == 0) {
		buf_done(&out);
		return eql_error(&p->eql.lex, at, "no field would be left");
	}
	buf_byte(&out, 0);
	if (!buf_ok(&out)) {
		buf_done(&out);
		return err_origin(-ENOMEM);
	}
	free(pipe->fields);
	pipe->fields = (char *)out.data;
	pipe->n_fields = out.n - 1;
	return 0;
}

int pipe_parse_fields(struct pipe_parser *p, bool keep)
{
	AUTO_BUF struct buf asked = { 0 };
	size_t at = pipe_token(p)->at;
	int r = parse_name(p, &asked);

	while (r == 0 && pipe_token(p)->type == EQL_COMMA) {
		r = eql_advance(&p->eql);
		if (r == 0)
			r = parse_name(p, &asked);
	}
	return r < 0 ? r : buf_ok(&asked) ? apply(p, &asked, keep, at) : err_origin(-ENOMEM);
}
