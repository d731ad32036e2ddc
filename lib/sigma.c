/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sigma.h"

#include <stdarg.h>
#include <strings.h>

#include "lib/sigma_build.h"

enum { ARENA_BYTES = 64 << 20 };

struct sigma_rule *sigma_rule_free(struct sigma_rule *r)
{
	struct arena arena;

	if (!r)
		return NULL;
	expr_free(r->expr);
	if (r->arena) {
		arena = *r->arena; /* it lies in itself */
		arena_done(&arena);
	}
	free(r);
	return NULL;
}

/* ---- what the builders share ---- */

int sigma_gap(struct sigma_build *b, const struct yaml_node *at, const char *fmt, ...)
{
	struct sigma_rule *r = b->rule;
	struct diag *d = &r->gaps[r->n_gaps];
	char text[sizeof(d->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < r->n_gaps; i++)
		if (r->gaps[i].line == at->line && r->gaps[i].column == at->column)
			return GAP;
	if (r->n_gaps == SIGMA_GAPS)
		return GAP;
	r->n_gaps++;
	diag_set(d, 0, at->line, at->column, "%s", text);
	return GAP;
}

int sigma_wrong(struct sigma_build *b, const struct yaml_node *at, size_t offset, const char *fmt,
		...)
{
	char text[sizeof(b->diag->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(b->diag, -EINVAL, at->line, at->column + (at->plain ? (uint32_t)offset : 0),
			"%s", text);
}

int sigma_note(struct sigma_build *b, struct sigma_list *list, const char *word, size_t n)
{
	const char **v;
	char *copy;

	for (size_t i = 0; i < list->n; i++)
		if (strlen(list->v[i]) == n && memcmp(list->v[i], word, n) == 0)
			return 0;
	if ((list->n & (list->n - 1)) == 0) { /* full at every power of two */
		v = arena_array(b->rule->arena, list->n ? list->n * 2 : 1, sizeof(*v));
		if (!v)
			return err_origin(-ENOMEM);
		if (list->n)
			memcpy(v, list->v, list->n * sizeof(*v));
		list->v = v;
	}
	copy = arena_alloc(b->rule->arena, n + 1);
	if (!copy)
		return err_origin(-ENOMEM);
	memcpy(copy, word, n);
	copy[n] = '\0';
	list->v[list->n++] = copy;
	return 0;
}

int sigma_join(struct expr **all, struct expr *e, bool and)
{
	if (!*all) {
		*all = e;
		return 0;
	}
	return and? expr_new_and(all, TAKE(*all), e) : expr_new_or(all, TAKE(*all), e);
}

bool sigma_is_selection(const struct sigma_build *b, const struct yaml_node *i)
{
	return !yaml_is(i->key, "condition") && !yaml_is(i->key, "timeframe") &&
	       !(b->rule->is_filter && yaml_is(i->key, "rules"));
}

void sigma_joint_done(struct sigma_joint *j)
{
	j->all = expr_free(j->all);
}

int sigma_joint_add(struct sigma_joint *j, struct expr *e, int r)
{
	j->gap |= r == GAP;
	return r == 0 && e ? sigma_join(&j->all, e, j->and) : MIN(r, 0);
}

int sigma_joint_end(struct sigma_build *b, struct sigma_joint *j, struct expr **ret)
{
	if (j->gap && (j->and || b->odd || b->whole || !j->all))
		return GAP;
	*ret = TAKE(j->all);
	return 0;
}

/* ---- selections ---- */

static bool names_syscall(const struct yaml_node *value)
{
	if (!value)
		return false;
	if (value->type != YAML_LIST)
		return value->text && strcasecmp(value->text, "SYSCALL") == 0;
	for (const struct yaml_node *i = value->first; i; i = i->next)
		if (i->text && strcasecmp(i->text, "SYSCALL") == 0)
			return true;
	return false;
}

/* a0 to a3 of auditd's SYSCALL records are registers, not words of a command. */
static bool is_register(const struct sigma_build *b, const struct yaml_node *map, const char *field)
{
	return b->source == SOURCE_AUDITD && field[0] == 'a' && field[1] >= '0' &&
	       field[1] <= '9' && names_syscall(yaml_get(map, "type"));
}

/* Does the type that the same map asks for say what the field's guard says? */
static bool is_guarded(const struct sigma_build *b, const struct yaml_node *map, const char *guard)
{
	const struct yaml_node *type = yaml_get(map, "type");
	const char *meaning =
		type && type->text ? sigma_find_word(b->source, "type", type->text) : NULL;

	return meaning && guard && strcmp(meaning, guard) == 0;
}

static int build_map(struct sigma_build *b, const struct yaml_node *map, struct expr **ret)
{
	AUTO_JOINT struct sigma_joint all = { .and = true };

	if (!map->first)
		return sigma_wrong(b, map, 0, "a selection is empty");
	for (const struct yaml_node *i = map->first; i; i = i->next) {
		struct sigma_item item;
		struct expr *e = NULL;
		int r = sigma_read_key(b, i->key, &item);

		if (r == 0 && is_register(b, map, item.field))
			r = sigma_gap(b, i->key,
				      "%s of a SYSCALL record is a raw argument of the system "
				      "call, which events do not carry",
				      item.field);
		if (is_guarded(b, map, item.target.guard))
			item.target.guard = NULL;
		if (r == 0)
			r = sigma_build_item(b, &item, i, &e);
		r = sigma_joint_add(&all, e, r);
		if (r < 0)
			return r;
	}
	return sigma_joint_end(b, &all, ret);
}

static int build_keyword(struct sigma_build *b, const struct yaml_node *node, struct expr **ret)
{
	struct sigma_item item;
	int r = sigma_read_key(b, NULL, &item);

	return r < 0 ? r : sigma_build_item(b, &item, node, ret);
}

static int build_list(struct sigma_build *b, const struct yaml_node *list, struct expr **ret)
{
	AUTO_JOINT struct sigma_joint any = { 0 };

	if (!list->first)
		return sigma_wrong(b, list, 0, "a selection is empty");
	for (const struct yaml_node *i = list->first; i; i = i->next) {
		struct expr *e = NULL;
		int r = i->type == YAML_MAP    ? build_map(b, i, &e)
			: i->type == YAML_LIST ? sigma_wrong(b, i, 0, "a list in a list")
					       : build_keyword(b, i, &e);

		r = sigma_joint_add(&any, e, r);
		if (r < 0)
			return r;
	}
	return sigma_joint_end(b, &any, ret);
}

int sigma_build_selection(struct sigma_build *b, const struct yaml_node *node, struct expr **ret)
{
	if (node->type == YAML_MAP)
		return build_map(b, node, ret);
	if (node->type == YAML_LIST)
		return build_list(b, node, ret);
	return build_keyword(b, node, ret);
}

/* ---- the rule ---- */

static int read_source(struct sigma_build *b, const struct yaml_node *document)
{
	const struct yaml_node *logsource = yaml_get(document, "logsource");
	struct sigma_rule *rule = b->rule;
	int r;

	if (!logsource || logsource->type != YAML_MAP)
		return sigma_wrong(b, logsource ? logsource : document, 0,
				   "the rule has no logsource");
	r = sigma_read_text(b, logsource, "category", &rule->category);
	if (r == 0)
		r = sigma_read_text(b, logsource, "product", &rule->product);
	if (r == 0)
		r = sigma_read_text(b, logsource, "service", &rule->service);
	if (r == 0 && !rule->category && !rule->product && !rule->service)
		return sigma_wrong(b, logsource, 0,
				   "the logsource names no category, product or service");
	if (r == 0)
		b->source = sigma_source_of(b, logsource);
	return r;
}

/* Selections that the condition does not name are checked, too. */
static int check_selections(struct sigma_build *b)
{
	size_t n_gaps = b->rule->n_gaps;
	int r = 0;

	for (const struct yaml_node *i = b->detection->first; r >= 0 && i; i = i->next) {
		AUTO(expr) *e = NULL;

		if (sigma_is_selection(b, i))
			r = sigma_build_selection(b, i, &e);
	}
	b->rule->n_gaps = n_gaps;
	b->asks_hash = false;
	return MIN(r, 0);
}

static int build(struct sigma_build *b, const struct yaml_node *document, struct expr **ret)
{
	const struct yaml_node *condition;
	AUTO(expr) *events = NULL;
	AUTO(expr) *e = NULL;
	int r;

	b->detection = yaml_get(document, "detection");
	condition = yaml_get(b->detection, "condition");
	if (!b->detection || b->detection->type != YAML_MAP)
		return sigma_wrong(b, b->detection ? b->detection : document, 0,
				   "the rule has no detection");
	if (!condition)
		return sigma_wrong(b, b->detection, 0, "the detection has no condition");
	r = check_selections(b);
	if (r == 0)
		r = sigma_build_condition(b, condition, &e);
	if (r == 0 && b->source == SOURCE_NONE)
		r = GAP;
	if (r == 0)
		r = sigma_source_expr(b->source == SOURCE_PROCESS && b->asks_hash ? SOURCE_HASHED
										  : b->source,
				      &events);
	return r ? r : expr_new_and(ret, TAKE(events), TAKE(e));
}

/* The condition of a filter, over the selections beside it: what the filtered rules must be, too.
 */
static int build_filter(struct sigma_build *b, const struct yaml_node *document)
{
	const struct yaml_node *filter = yaml_get(document, "filter");
	const struct yaml_node *condition = yaml_get(filter, "condition");
	const struct yaml_node *rules = yaml_get(filter, "rules");
	int r = 0;

	b->rule->is_filter = true;
	b->whole = true; /* less of it would be more that is left out */
	if (filter->type != YAML_MAP || !condition)
		return sigma_wrong(b, filter, 0, "a filter must be a map with a condition");
	if (!rules)
		return sigma_wrong(b, filter, 0, "the filter names no rules");
	b->detection = filter;
	r = sigma_read_list(b, filter, "rules", &b->rule->filtered);
	if (r == 0)
		r = read_source(b, document);
	b->rule->source = (int)b->source;
	if (r == 0)
		r = check_selections(b);
	if (r == 0)
		r = sigma_build_condition(b, condition, &b->rule->expr);
	return r == 0 && b->source == SOURCE_NONE ? GAP : r;
}

/* placeholders: a map of texts and lists of texts, which the modifier expand puts in. */
static int read_placeholders(struct sigma_build *b, const struct yaml_node *document)
{
	const struct yaml_node *map = yaml_get(document, "placeholders");

	if (!map)
		return 0;
	if (map->type != YAML_MAP)
		return sigma_wrong(b, map, 0, "expected a map of placeholders and their values");
	for (const struct yaml_node *i = map->first; i; i = i->next) {
		bool list = i->type == YAML_LIST;

		if (list && !i->first)
			return sigma_wrong(b, i, 0, "the list of values is empty");
		for (const struct yaml_node *v = list ? i->first : i; v; v = list ? v->next : NULL)
			if (!v->text || v->type == YAML_NULL)
				return sigma_wrong(b, v, 0, "expected a text or a list of texts");
	}
	b->placeholders = map;
	return 0;
}

static int build_rule(struct sigma_build *b, const struct yaml_node *document)
{
	const struct yaml_node *taxonomy = yaml_get(document, "taxonomy");
	int r;

	if (taxonomy && taxonomy->type != YAML_NULL && !yaml_is(taxonomy, "sigma"))
		return sigma_gap(b, taxonomy, "only the taxonomy sigma is known here");
	if (yaml_get(document, "correlation"))
		return sigma_read_correlation(b, yaml_get(document, "correlation"));
	if (yaml_get(document, "filter"))
		return build_filter(b, document);
	r = read_source(b, document);
	b->rule->source = (int)b->source;
	return r == 0 ? build(b, document, &b->rule->expr) : r;
}

static int read_rule(struct sigma_build *b, const struct yaml_node *document)
{
	int r;

	if (document->type != YAML_MAP)
		return sigma_wrong(b, document, 0, "a rule must be a map, not %s",
				   yaml_type_name(document));
	if (yaml_get(document, "action")) {
		(void)!sigma_read_text(b, document, "title", &b->rule->title);
		(void)!sigma_read_text(b, document, "id", &b->rule->id);
		return sigma_gap(b, yaml_get(document, "action")->key,
				 "rule collections (action) are not supported: Sigma has dropped "
				 "them");
	}
	r = sigma_read_attributes(b, document);
	if (r == 0)
		r = read_placeholders(b, document);
	if (r == 0)
		r = build_rule(b, document);
	if (r == -E2BIG)
		return sigma_wrong(b, document, 0, "the rule is too large or nested too deeply");
	return r;
}

int sigma_rule_new(struct sigma_rule **ret, const struct yaml_node *document, struct diag *d)
{
	AUTO(sigma_rule) *rule = calloc(1, sizeof(*rule));
	struct diag unused = { 0 };
	struct sigma_build b = { .rule = rule, .diag = d ? d : &unused };
	struct arena arena = { .limit = ARENA_BYTES };
	int r;

	if (!rule)
		return err_origin(-ENOMEM);
	rule->arena = arena_alloc(&arena, sizeof(*rule->arena));
	if (!rule->arena)
		return err_origin(-ENOMEM);
	*rule->arena = arena;
	rule->line = document->line;
	r = read_rule(&b, document);
	if (r < 0)
		return r;
	if (r == GAP && rule->expr)
		rule->expr = expr_free(rule->expr);
	if (r == GAP && rule->n_gaps == 0)
		return err_origin(-EINVAL); /* a gap that nobody told */
	*ret = TAKE(rule);
	return r == GAP ? SIGMA_E_UNMAPPED : 0;
}
