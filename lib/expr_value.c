/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/expr_value.h"

#include "lib/expr_calc.h"
#include "lib/limits.h"

struct expr_value *expr_value_free(struct expr_value *v)
{
	if (!v)
		return NULL;
	for (size_t i = 0; i < v->n_args; i++)
		expr_value_free(v->args[i]);
	free(v->args);
	free((void *)(uintptr_t)v->literal.string);
	free(v);
	return NULL;
}

static struct expr_value *value_new(void)
{
	struct expr_value *v = calloc(1, sizeof(*v));

	if (v)
		v->n_nodes = v->depth = 1;
	return v;
}

static enum expr_value_type type_of_field(enum field_type t)
{
	return t == TYPE_BOOL	? EXPR_BOOL
	       : t == TYPE_LONG ? EXPR_NUMBER
	       : t == TYPE_DATE ? EXPR_DATE
				: EXPR_TEXT;
}

int expr_value_field(struct expr_value **ret, struct field_ref f)
{
	struct expr_value *v = value_new();

	if (!v)
		return err_origin(-ENOMEM);
	v->field = f;
	v->type = type_of_field(f.info->type);
	if (f.info->type == TYPE_KEYWORDS)
		v->list = f;
	*ret = v;
	return 0;
}

int expr_value_element(struct expr_value **ret, struct field_ref f, uint32_t element,
		       struct diag *d)
{
	char name[64];
	int r;

	if (f.info->type != TYPE_KEYWORDS || element >= LIMIT_LIST_VALUES)
		return diag_set(d, -EINVAL, 0, 0, "%s has no value number %u",
				field_name(f, name, sizeof(name)), element);
	r = expr_value_field(ret, f);
	if (r < 0)
		return r;
	(*ret)->element = element + 1;
	(*ret)->list.info = NULL;
	return 0;
}

static int set_text(struct expr_value *v, const char *s, size_t n)
{
	char *copy = malloc(n + 1);

	if (!copy)
		return err_origin(-ENOMEM);
	if (n)
		memcpy(copy, s, n);
	copy[n] = '\0';
	v->literal.string = copy;
	v->literal.n = n;
	return 0;
}

int expr_value_literal(struct expr_value **ret, const struct expr_literal *literal)
{
	static const enum expr_value_type types[] = { [LITERAL_NULL] = EXPR_NULL,
						      [LITERAL_BOOL] = EXPR_BOOL,
						      [LITERAL_INT] = EXPR_NUMBER,
						      [LITERAL_FLOAT] = EXPR_NUMBER,
						      [LITERAL_STRING] = EXPR_TEXT };
	AUTO(expr_value) *v = value_new();
	int r = 0;

	if (!v)
		return err_origin(-ENOMEM);
	v->kind = CALC_OF_LITERAL;
	v->type = types[literal->type];
	v->never = literal->type == LITERAL_NULL;
	v->literal = *literal;
	v->literal.string = NULL;
	if (literal->type == LITERAL_STRING)
		r = set_text(v, literal->string, literal->n);
	if (r == 0)
		*ret = TAKE(v);
	return r;
}

int expr_value_nothing(struct expr_value **ret, const char *name, size_t n)
{
	AUTO(expr_value) *v = value_new();
	int r;

	if (!v)
		return err_origin(-ENOMEM);
	v->kind = CALC_OF_NOTHING;
	v->never = true;
	r = set_text(v, name, n);
	if (r == 0)
		*ret = TAKE(v);
	return r;
}

static bool name_is(const char *known, const char *name, size_t n)
{
	return strlen(known) == n && strncasecmp(known, name, n) == 0;
}

static const struct calc_function *find_function(const char *name, size_t n, bool *ret_nocase)
{
	bool nocase = n > 1 && name[n - 1] == '~';

	*ret_nocase = nocase;
	for (size_t i = 0; i < n_calc_functions; i++)
		if (name_is(calc_functions[i].name, name, n - nocase))
			return nocase && !calc_functions[i].has_nocase ? NULL : &calc_functions[i];
	return NULL;
}

bool expr_is_function(const char *name, size_t n)
{
	bool nocase;

	return find_function(name, n, &nocase) != NULL;
}

static bool fits(enum expr_value_type type, char takes)
{
	switch (takes) {
	case 'n':
		return type == EXPR_NUMBER || type == EXPR_NULL;
	case 's':
		return type == EXPR_TEXT || type == EXPR_NULL;
	case 'b':
		return type == EXPR_BOOL || type == EXPR_NULL;
	case 'd':
		return type == EXPR_DATE || type == EXPR_NULL;
	default:
		return type != EXPR_DATE;
	}
}

static int check_args(const struct calc_function *f, struct expr_value **args, size_t n,
		      struct diag *d)
{
	size_t last = strlen(f->takes) - 1;

	if (n < f->min || n > f->max)
		return diag_set(d, -EINVAL, 0, 0, "%s() expected %s%u argument%s, not %zu", f->name,
				f->max == f->min ? ""
				: n < f->min	 ? "at least "
						 : "at most ",
				n < f->min ? f->min : f->max,
				(n < f->min ? f->min : f->max) == 1 ? "" : "s", n);
	for (size_t i = 0; i < n; i++) {
		char takes = f->takes[MIN(i, last)];

		if (!fits(args[i]->type, takes))
			return diag_set(d, -EINVAL, 0, 0, "%s() expected %s as argument %zu",
					f->name,
					takes == 'n'   ? "a number"
					: takes == 's' ? "text"
					: takes == 'b' ? "true or false"
					: takes == 'd' ? "a date"
						       : "a number or text",
					i + 1);
	}
	return 0;
}

int expr_value_one_list(struct field_ref a, struct field_ref b, struct diag *d)
{
	if (!a.info || !b.info || (a.info == b.info && a.via == b.via))
		return 0;
	return diag_set(d, -EINVAL, 0, 0,
			"expected at most one field of several values in a comparison: name[0] is "
			"one of them");
}

/* Takes the arguments over. */
static int adopt(struct expr_value *v, struct expr_value **args, size_t n, struct diag *d)
{
	v->args = calloc(n ? n : 1, sizeof(struct expr_value *));
	for (size_t i = 0; i < n; i++) {
		if (v->args)
			v->args[v->n_args++] = TAKE(args[i]);
		else
			args[i] = expr_value_free(args[i]);
	}
	if (!v->args)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < n; i++) {
		const struct expr_value *a = v->args[i];
		int r = expr_value_one_list(v->list, a->list, d);

		if (r < 0)
			return r;
		if (a->list.info)
			v->list = a->list;
		v->n_nodes += a->n_nodes;
		v->depth = MAX(v->depth, a->depth + 1);
	}
	if (v->n_nodes > LIMIT_QUERY_NODES || v->depth >= LIMIT_QUERY_DEPTH)
		return err_origin(-E2BIG);
	return 0;
}

int expr_value_call(struct expr_value **ret, const char *name, size_t n, struct expr_value **args,
		    size_t n_args, struct diag *d)
{
	AUTO(expr_value) *v = value_new();
	bool nocase = false;
	int r;

	if (!v) {
		for (size_t i = 0; i < n_args; i++)
			args[i] = expr_value_free(args[i]);
		return err_origin(-ENOMEM);
	}
	v->kind = CALC_OF_CALL;
	v->function = find_function(name, n, &nocase);
	v->nocase = nocase;
	r = adopt(v, args, n_args, d);
	if (r < 0)
		return r;
	if (!v->function)
		return diag_set(d, -EINVAL, 0, 0, "unknown function '%.*s'",
				(int)MIN(n, (size_t)40), name);
	r = check_args(v->function, v->args, v->n_args, d);
	if (r < 0)
		return r;
	v->type = v->function->type;
	for (size_t i = 0; i < v->n_args; i++)
		v->never |= v->args[i]->never;
	*ret = TAKE(v);
	return 0;
}
