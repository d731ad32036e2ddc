/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/narrow.h"

#include <ctype.h>

#include "lib/eql_lex.h"

/* What an option says, as conditions of which one must hold. */
static const struct {
	size_t offset; /* in struct cli_values */
	const char *field, *prefix_field;
	bool list; /* commas between */
} conditions[] = {
	{ offsetof(struct cli_values, process), "process.name", NULL, false },
	{ offsetof(struct cli_values, parent), "process.parent.name", NULL, false },
	{ offsetof(struct cli_values, user), "user.name", NULL, false },
	{ offsetof(struct cli_values, container), "container.name", "container.id", false },
	{ offsetof(struct cli_values, pod), "orchestrator.resource.name", NULL, false },
	{ offsetof(struct cli_values, namespace), "orchestrator.namespace", NULL, false },
	{ offsetof(struct cli_values, action), "event.action", NULL, true },
};

/* A string of the query language; what would end it is escaped. */
static void quote(struct buf *out, const char *s, size_t n, const char *after)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			buf_byte(out, '\\');
		if (iscntrl((unsigned char)s[i]))
			buf_printf(out, "\\u{%02x}", (unsigned)(unsigned char)s[i]);
		else
			buf_byte(out, (uint8_t)s[i]);
	}
	buf_str(out, after);
	buf_byte(out, '"');
}

static void add_list(struct buf *out, const char *value)
{
	const char *before = " : (";

	for (;; value++) {
		size_t n = strcspn(value, ",");

		if (n) {
			buf_str(out, before);
			quote(out, value, n, "");
			before = ", ";
		}
		value += n;
		if (!*value)
			break;
	}
	buf_str(out, *before == ' ' ? " : \"\"" : ")");
}

/* Appends the conditions.  Returns how many there are. */
static size_t add_conditions(const struct cli_values *v, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
		const char *value = *(const char *const *)(const void *)((const char *)v +
									 conditions[i].offset);

		if (!value)
			continue;
		buf_printf(out, "%s(%s", n++ ? " and " : "", conditions[i].field);
		if (conditions[i].list) {
			add_list(out, value);
		} else {
			buf_str(out, " : ");
			quote(out, value, strlen(value), "");
		}
		if (conditions[i].prefix_field) {
			buf_printf(out, " or %s : ", conditions[i].prefix_field);
			quote(out, value, strlen(value), "*");
		}
		buf_byte(out, ')');
	}
	return n;
}

/* How a query is put together. */
struct parts {
	size_t begin; /* of its condition, behind "process where" */
	size_t end;   /* of it: where the pipes begin */
	bool series;  /* it is a sequence or sample */
};

static bool at_symbol(const struct eql_lexer *l, char c)
{
	return l->token.type == EQL_SYMBOL && l->token.n == 1 && l->text[l->token.at] == c;
}

/* Next token; behind ":" words mean themselves, in its list too. */
static int next(struct eql_lexer *l, int *values)
{
	const struct eql_token *t = &l->token;

	if (at_symbol(l, ':'))
		*values = 1;
	else if (*values && t->type == EQL_OPEN)
		++*values;
	else if (*values && t->type == EQL_CLOSE)
		*values = *values == 2 ? 0 : *values - 1;
	else if (*values == 1)
		*values = 0;
	return eql_next(l, *values ? EQL_VALUE : EQL_TERM);
}

static int take_apart(const char *query, size_t n, struct parts *ret)
{
	struct diag wrong = { 0 }; /* what is wrong with it the collector says, and better */
	struct eql_lexer l = { .text = query, .n = n, .diag = &wrong };
	int r = eql_next(&l, EQL_TERM), values = 0, words = 0;

	*ret = (struct parts){ 0, n, false };
	while (r == 0 && l.token.type != EQL_END) {
		if (at_symbol(&l, '|')) {
			ret->end = l.token.at;
			break;
		}
		if (words == 0 && (eql_is(&l.token, "sequence") || eql_is(&l.token, "sample")))
			ret->series = true;
		if (words == 1 && eql_is(&l.token, "where"))
			ret->begin = l.token.at + l.token.n;
		words++;
		r = next(&l, &values);
	}
	arena_done(&l.arena);
	return r;
}

static bool is_blank(const char *s, size_t n)
{
	return strspn(s, " \t\r\n") >= n;
}

int narrow_query(const struct cli_values *v, const char *query, struct buf *out, struct diag *d)
{
	AUTO_BUF struct buf narrow = { 0 };
	size_t n = query ? strlen(query) : 0;
	struct parts p = { 0 };

	if (add_conditions(v, &narrow) == 0 || (n && take_apart(query, n, &p) < 0)) {
		buf_add(out, query, n);
		buf_byte(out, 0);
		return 0;
	}
	if (p.series)
		return diag_set(d, -EINVAL, 0, 0,
				"a sequence is not narrowed by --process and the like: put the "
				"condition into its terms");
	if (p.begin) {
		buf_add(out, query, p.begin);
		buf_byte(out, ' ');
	}
	buf_add(out, narrow.data, narrow.n);
	if (n && !is_blank(query + p.begin, p.end - p.begin)) {
		buf_str(out, " and (");
		buf_add(out, query + p.begin, p.end - p.begin);
		buf_str(out, memmem(query, n, "//", 2) ? "\n)" : ")"); /* behind a comment */
	}
	if (p.end < n) {
		buf_byte(out, ' ');
		buf_add(out, query + p.end, n - p.end);
	}
	buf_byte(out, 0);
	return 0;
}
