/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sql_push.h"

#include <string.h>

#include "lib/eql.h"

enum { MAX_LIST = 1000, ID_DIGITS = 16 };

/* ---- which ---- */

static bool is_text(const struct field_info *info)
{
	return info->type == TYPE_KEYWORD || info->type == TYPE_IP || info->type == TYPE_ID;
}

static bool is_number(const struct field_info *info)
{
	return info->type == TYPE_LONG || info->type == TYPE_BOOL || info->type == TYPE_DATE;
}

enum sql_push sql_push_how(const struct field_info *info, int op)
{
	bool scalar = is_text(info) || is_number(info);
	bool ordered = info->type == TYPE_LONG || info->type == TYPE_DATE;

	switch (op) {
	case SQLITE_INDEX_CONSTRAINT_EQ:
		return scalar ? PUSH_EQ : PUSH_NOT;
	case SQLITE_INDEX_CONSTRAINT_LT:
		return ordered ? PUSH_LT : PUSH_NOT;
	case SQLITE_INDEX_CONSTRAINT_LE:
		return ordered ? PUSH_LE : PUSH_NOT;
	case SQLITE_INDEX_CONSTRAINT_GT:
		return ordered ? PUSH_GT : PUSH_NOT;
	case SQLITE_INDEX_CONSTRAINT_GE:
		return ordered ? PUSH_GE : PUSH_NOT;
	case SQLITE_INDEX_CONSTRAINT_LIKE:
		return info->type == TYPE_KEYWORD ? PUSH_LIKE : PUSH_NOT;
	case SQLITE_INDEX_CONSTRAINT_GLOB:
		return info->type == TYPE_KEYWORD ? PUSH_GLOB : PUSH_NOT;
	case SQLITE_INDEX_CONSTRAINT_ISNULL:
		return PUSH_NULL;
	case SQLITE_INDEX_CONSTRAINT_ISNOTNULL:
		return PUSH_NOT_NULL;
	default:
		return PUSH_NOT;
	}
}

void sql_pushed_init(struct sql_pushed *p)
{
	*p = (struct sql_pushed){ .to_ns = UINT64_MAX };
}

void sql_pushed_done(struct sql_pushed *p)
{
	expr_free(p->expr);
	sql_pushed_init(p);
}

/* Ands @also, which is taken over. */
static int narrow(struct sql_pushed *p, struct expr *also)
{
	struct expr *before = TAKE(p->expr);

	if (before)
		return expr_new_and(&p->expr, before, also);
	p->expr = also;
	return 0;
}

/* ---- times ---- */

static void push_time(struct sql_pushed *p, enum sql_push how, int64_t ns)
{
	uint64_t at = ns < 0 ? 0 : (uint64_t)ns;

	if (ns < 0 && (how == PUSH_EQ || how == PUSH_LT || how == PUSH_LE))
		p->never = true;
	else if (ns < 0)
		return;
	if (how == PUSH_EQ || how == PUSH_GE)
		p->from_ns = MAX(p->from_ns, at);
	if (how == PUSH_GT)
		p->from_ns = MAX(p->from_ns, at + 1);
	if (how == PUSH_EQ || how == PUSH_LE)
		p->to_ns = MIN(p->to_ns, at + 1);
	if (how == PUSH_LT)
		p->to_ns = MIN(p->to_ns, at);
	p->never |= p->from_ns >= p->to_ns;
}

/* ---- values ---- */

static bool is_id(const char *s, size_t n)
{
	return n == ID_DIGITS && strspn(s, "0123456789abcdef") >= ID_DIGITS;
}

/* What SQL compares the field with, as the engine's literal.  Returns false when the two would not
 * compare it in the same way: SQLite turns 5 into '5' for a text column, for instance.  A text
 * lives as long as @v. */
static bool read_literal(const struct field_info *info, sqlite3_value *v, struct expr_literal *ret)
{
	int type = sqlite3_value_type(v);

	if (is_number(info) && type == SQLITE_INTEGER) {
		int64_t number = sqlite3_value_int64(v);

		*ret = (struct expr_literal){ .type = LITERAL_INT, .integer = number };
		if (info->type == TYPE_BOOL) {
			ret->type = LITERAL_BOOL;
			ret->boolean = number == 1;
			return number == 0 || number == 1;
		}
		return true;
	}
	if (!is_text(info) || type != SQLITE_TEXT)
		return false;
	*ret = (struct expr_literal){ .type = LITERAL_STRING,
				      .string = (const char *)sqlite3_value_text(v),
				      .n = (size_t)sqlite3_value_bytes(v) };
	return ret->string && (info->type != TYPE_ID || is_id(ret->string, ret->n));
}

/* A literal that does not fit the field narrows nothing. */
static int push_compare(struct sql_pushed *p, struct field_ref field, enum expr_op op,
			const struct expr_literal *values, size_t n)
{
	struct expr *e = NULL;
	struct diag d;
	int r = expr_new_compare(&e, field, op, values, n, &d);

	if (r == -EINVAL)
		return 0;
	return r < 0 ? r : narrow(p, e);
}

static enum expr_op op_of(enum sql_push how)
{
	switch (how) {
	case PUSH_LT:
		return EXPR_LT;
	case PUSH_LE:
		return EXPR_LE;
	case PUSH_GT:
		return EXPR_GT;
	case PUSH_GE:
		return EXPR_GE;
	default:
		return EXPR_EQ;
	}
}

static int push_value(struct sql_pushed *p, struct field_ref field, enum sql_push how,
		      sqlite3_value *v)
{
	struct expr_literal literal;

	if (sqlite3_value_type(v) == SQLITE_NULL) {
		p->never = true;
		return 0;
	}
	if (field.info->field == FIELD_TIMESTAMP) {
		if (sqlite3_value_type(v) == SQLITE_INTEGER)
			push_time(p, how, sqlite3_value_int64(v));
		return 0;
	}
	if (!read_literal(field.info, v, &literal))
		return 0;
	return push_compare(p, field, op_of(how), &literal, 1);
}

static int push_list(struct sql_pushed *p, struct field_ref field, sqlite3_value *list)
{
	AUTO_MEM struct expr_literal *literals = calloc(MAX_LIST, sizeof(*literals));
	AUTO_BUF struct buf texts = { 0 }; /* an element lives until the next */
	sqlite3_value *v = NULL;
	size_t n = 0, at = 0;
	int rc;

	if (!literals)
		return err_origin(-ENOMEM);
	for (rc = sqlite3_vtab_in_first(list, &v); rc == SQLITE_OK && v;
	     rc = sqlite3_vtab_in_next(list, &v)) {
		if (sqlite3_value_type(v) == SQLITE_NULL)
			continue;
		if (n == MAX_LIST || !read_literal(field.info, v, &literals[n]))
			return 0;
		buf_add(&texts, literals[n].string, literals[n].n);
		n++;
	}
	if (rc == SQLITE_NOMEM || !buf_ok(&texts))
		return err_origin(-ENOMEM);
	if (rc != SQLITE_DONE && rc != SQLITE_OK)
		return 0; /* not a list: SQLite asks it by itself */
	for (size_t i = 0; i < n; at += literals[i++].n)
		literals[i].string = texts.n ? (const char *)texts.data + at : "";
	p->never |= n == 0;
	if (n == 0 || field.info->field == FIELD_TIMESTAMP)
		return 0;
	return push_compare(p, field, EXPR_IN, literals, n);
}

/* What stands before the first wildcard. */
static int push_prefix(struct sql_pushed *p, struct field_ref field, enum sql_push how,
		       sqlite3_value *v)
{
	const char *s = (const char *)sqlite3_value_text(v);
	struct expr_literal literal = { .type = LITERAL_STRING, .string = s };

	if (sqlite3_value_type(v) != SQLITE_TEXT || !s)
		return 0;
	literal.n = strcspn(s, how == PUSH_LIKE ? "%_" : "*?[");
	if (literal.n == 0)
		return 0;
	return push_compare(p, field, how == PUSH_LIKE ? EXPR_STARTS_WITH_NOCASE : EXPR_STARTS_WITH,
			    &literal, 1);
}

static int push_null(struct sql_pushed *p, struct field_ref field, bool is_null)
{
	struct expr *e = NULL;
	int r = expr_new_is_null(&e, field);

	if (r == 0 && !is_null)
		r = expr_new_not(&e, TAKE(e));
	return r < 0 ? r : narrow(p, e);
}

static int push_query(struct sql_pushed *p, sqlite3_value *v, struct diag *d)
{
	const char *s = (const char *)sqlite3_value_text(v);
	struct expr *e = NULL;
	int r;

	if (!s)
		return diag_set(d, -EINVAL, 0, 0, "the query is null");
	r = eql_parse(&e, s, (size_t)sqlite3_value_bytes(v), d);
	return r < 0 ? r : narrow(p, e);
}

int sql_push_add(struct sql_pushed *p, struct field_ref field, enum sql_push how, sqlite3_value *v,
		 struct diag *d)
{
	switch (how) {
	case PUSH_QUERY:
		return push_query(p, v, d);
	case PUSH_NULL:
	case PUSH_NOT_NULL:
		return push_null(p, field, how == PUSH_NULL);
	case PUSH_LIKE:
	case PUSH_GLOB:
		return push_prefix(p, field, how, v);
	case PUSH_IN:
		return push_list(p, field, v);
	default:
		return push_value(p, field, how, v);
	}
}
