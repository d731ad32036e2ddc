/* SPDX-License-Identifier: Apache-2.0 */
/* The correlation document of the Sigma correlation rules specification 2.1.0. */
#include "lib/sigma_build.h"
#include "lib/timestamp.h"

static const char *const types[CORRELATE_TYPES] = {
	[CORRELATE_EVENT_COUNT] = "event_count",
	[CORRELATE_VALUE_COUNT] = "value_count",
	[CORRELATE_TEMPORAL] = "temporal",
	[CORRELATE_TEMPORAL_ORDERED] = "temporal_ordered",
	[CORRELATE_VALUE_SUM] = "value_sum",
	[CORRELATE_VALUE_AVG] = "value_avg",
	[CORRELATE_VALUE_PERCENTILE] = "value_percentile",
};

static const char *const ops[CORRELATE_OPS] = {
	[CORRELATE_GT] = "gt",	 [CORRELATE_GTE] = "gte", [CORRELATE_LT] = "lt",
	[CORRELATE_LTE] = "lte", [CORRELATE_EQ] = "eq",	  [CORRELATE_NEQ] = "neq",
};

static bool is_temporal(const struct sigma_correlation *c)
{
	return c->config.type == CORRELATE_TEMPORAL || c->config.type == CORRELATE_TEMPORAL_ORDERED;
}

static bool counts_values(const struct sigma_correlation *c)
{
	return !is_temporal(c) && c->config.type != CORRELATE_EVENT_COUNT;
}

static int find_word(const struct yaml_node *node, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (yaml_is(node, words[i]))
			return (int)i;
	return -1;
}

static int read_type(struct sigma_build *b, const struct yaml_node *at,
		     const struct yaml_node *node, struct sigma_correlation *c)
{
	int type = node ? find_word(node, types, ARRAY_SIZE(types)) : -1;

	if (type < 0)
		return sigma_wrong(b, node ? node : at, 0,
				   "expected a type: event_count, value_count, temporal, "
				   "temporal_ordered, value_sum, value_avg or value_percentile");
	c->config.type = (enum correlate_type)type;
	return 0;
}

static int read_texts(struct sigma_build *b, const struct yaml_node *node, const char *what,
		      struct sigma_list *ret)
{
	bool list = node && node->type == YAML_LIST;
	int r = 0;

	if (!node)
		return 0;
	for (const struct yaml_node *i = list ? node->first : node; r == 0 && i;
	     i = list ? i->next : NULL)
		r = i->text && i->n ? sigma_note(b, ret, i->text, i->n)
				    : sigma_wrong(b, i, 0, "%s must be a list of texts", what);
	return r;
}

static int read_rules(struct sigma_build *b, const struct yaml_node *map,
		      struct sigma_correlation *c)
{
	const struct yaml_node *node = yaml_get(map, "rules");
	int r = read_texts(b, node, "rules", &c->rules);

	if (r == 0 && c->rules.n == 0)
		return sigma_wrong(b, node ? node : map, 0, "the correlation names no rules");
	if (r == 0 && c->rules.n > CORRELATE_RULES)
		return sigma_wrong(b, node, 0, "at most %d rules in one correlation",
				   CORRELATE_RULES);
	c->config.n_rules = (uint32_t)c->rules.n;
	return r;
}

/* Number and letter, such as 30s, 5m, 1h, 7d; also w and sums. */
static int read_timespan(struct sigma_build *b, const struct yaml_node *map,
			 struct sigma_correlation *c)
{
	const struct yaml_node *node = yaml_get(map, "timespan");

	if (!node || !node->text)
		return sigma_wrong(b, node ? node : map, 0,
				   "expected a timespan such as 30s, 5m, 1h or 7d");
	if (duration_parse(node->text, node->n, &c->config.timespan_ns, NULL) == 0 &&
	    c->config.timespan_ns)
		return 0;
	return sigma_wrong(b, node, 0, "expected a timespan such as 30s, 5m, 1h or 7d");
}

static int read_number(struct sigma_build *b, const struct yaml_node *node, double *ret)
{
	if (node->type != YAML_INT && node->type != YAML_FLOAT)
		return sigma_wrong(b, node, 0, "expected a number, not %s", yaml_type_name(node));
	*ret = node->type == YAML_INT ? (double)node->integer : node->real;
	return 0;
}

static int read_condition_entry(struct sigma_build *b, const struct yaml_node *i,
				struct sigma_correlation *c)
{
	int op = find_word(i->key, ops, ARRAY_SIZE(ops));
	struct sigma_list field = { 0 };
	int r;

	if (yaml_is(i->key, "field")) {
		r = read_texts(b, i, "field", &field);
		if (r == 0 && field.n != 1)
			return sigma_gap(b, i, "several fields to count values of");
		c->field = r == 0 ? field.v[0] : NULL;
		return r;
	}
	if (yaml_is(i->key, "percentile"))
		return read_number(b, i, &c->config.percentile);
	if (op < 0)
		return sigma_wrong(b, i->key, 0, "expected gt, gte, lt, lte, eq, neq or field");
	if (c->config.n_conditions == CORRELATE_CONDITIONS)
		return sigma_wrong(b, i->key, 0, "too many conditions");
	c->config.conditions[c->config.n_conditions].op = (enum correlate_op)op;
	return read_number(b, i, &c->config.conditions[c->config.n_conditions++].number);
}

static int read_condition(struct sigma_build *b, const struct yaml_node *map,
			  struct sigma_correlation *c)
{
	const struct yaml_node *node = yaml_get(map, "condition");
	int r = 0;

	if (!node && is_temporal(c))
		return 0;
	if (node && node->type == YAML_STRING)
		return sigma_gap(b, node, "a correlation condition of words is not supported yet");
	if (!node || node->type != YAML_MAP)
		return sigma_wrong(b, node ? node : map, 0, "expected a condition such as gte: 10");
	for (const struct yaml_node *i = node->first; r == 0 && i; i = i->next)
		r = read_condition_entry(b, i, c);
	if (r)
		return r;
	if (counts_values(c) && !c->field)
		return sigma_wrong(b, node, 0, "the condition names no field");
	if (!is_temporal(c) && c->config.n_conditions == 0)
		return sigma_wrong(b, node, 0, "expected gt, gte, lt, lte, eq or neq");
	if (c->config.type == CORRELATE_VALUE_PERCENTILE &&
	    (c->config.percentile <= 0 || c->config.percentile > 100))
		return sigma_wrong(b, node, 0, "expected a percentile above 0, up to 100");
	return 0;
}

static int read_alias(struct sigma_build *b, const struct yaml_node *alias,
		      struct sigma_correlation *c)
{
	int r = 0;

	if (alias->type != YAML_MAP)
		return sigma_wrong(b, alias, 0, "expected a map from rules to fields");
	for (const struct yaml_node *i = alias->first; r == 0 && i; i = i->next) {
		struct sigma_alias *a = &c->aliases[c->n_aliases];
		struct sigma_list words = { 0 };

		if (!i->text)
			return sigma_wrong(b, i, 0, "expected the name of a field");
		if (c->n_aliases == ARRAY_SIZE(c->aliases))
			return sigma_wrong(b, i, 0, "too many aliases");
		r = sigma_note(b, &words, alias->key->text, alias->key->n);
		if (r == 0)
			a->name = words.v[0];
		words = (struct sigma_list){ 0 };
		if (r == 0)
			r = sigma_note(b, &words, i->key->text, i->key->n);
		if (r == 0)
			a->rule = words.v[0];
		words = (struct sigma_list){ 0 };
		if (r == 0)
			r = sigma_note(b, &words, i->text, i->n);
		if (r == 0)
			a->field = words.v[0];
		c->n_aliases += r == 0;
	}
	return r;
}

static int read_aliases(struct sigma_build *b, const struct yaml_node *map,
			struct sigma_correlation *c)
{
	const struct yaml_node *node = yaml_get(map, "aliases");
	int r = 0;

	if (!node)
		return 0;
	if (node->type != YAML_MAP)
		return sigma_wrong(b, node, 0, "expected a map of aliases");
	for (const struct yaml_node *i = node->first; r == 0 && i; i = i->next)
		r = read_alias(b, i, c);
	return r;
}

static int read_generate(struct sigma_build *b, const struct yaml_node *map,
			 struct sigma_correlation *c)
{
	const struct yaml_node *node = yaml_get(map, "generate");

	if (!node)
		return 0;
	c->generate = node->boolean;
	return node->type == YAML_BOOL ? 0 : sigma_wrong(b, node, 0, "expected true or false");
}

static const char *const keys[] = { "type",	 "rules",   "group-by", "timespan",
				    "condition", "aliases", "generate" };

static int check_keys(struct sigma_build *b, const struct yaml_node *map)
{
	for (const struct yaml_node *i = map->first; i; i = i->next)
		if (find_word(i->key, keys, ARRAY_SIZE(keys)) < 0)
			return sigma_wrong(b, i->key, 0,
					   "unknown key \"%.40s\"; expected type, rules, "
					   "group-by, timespan, condition, aliases or generate",
					   i->key->text);
	return 0;
}

static bool is_alias(const struct sigma_correlation *c, const struct yaml_node *name)
{
	for (size_t i = 0; i < c->n_aliases; i++)
		if (yaml_is(name, c->aliases[i].name))
			return true;
	return false;
}

/* Does any event of ours have the field?  Its rules may be of any log source. */
static bool is_known(const struct yaml_node *name)
{
	struct field_ref f;

	for (int source = 0; source < SOURCE_MAX; source++)
		if (sigma_field(source, name->text, &f))
			return true;
	return false;
}

static int check_field(struct sigma_build *b, const struct sigma_correlation *c,
		       const struct yaml_node *name)
{
	if (!name->text || is_alias(c, name) || is_known(name))
		return 0;
	return sigma_gap(b, name, "field %.60s: no event of ours has it", name->text);
}

/* What it groups by and counts must be on some event. */
static int check_fields(struct sigma_build *b, const struct yaml_node *map,
			const struct sigma_correlation *c)
{
	const struct yaml_node *by = yaml_get(map, "group-by"), *aliases = yaml_get(map, "aliases");
	const struct yaml_node *field = yaml_get(yaml_get(map, "condition"), "field");
	bool list = by && by->type == YAML_LIST;
	int r = field ? check_field(b, c, field) : 0;

	for (const struct yaml_node *i = list ? by->first : by; i; i = list ? i->next : NULL)
		r |= check_field(b, c, i);
	for (const struct yaml_node *i = aliases ? aliases->first : NULL; i; i = i->next)
		for (const struct yaml_node *k = i->first; k; k = k->next)
			r |= is_known(k) ? 0
					 : sigma_gap(b, k, "field %.60s: no event of ours has it",
						     k->text);
	return r;
}

/* An alias is told for rules that are correlated. */
static int check_aliases(struct sigma_build *b, const struct yaml_node *map,
			 const struct sigma_correlation *c)
{
	const struct yaml_node *aliases = yaml_get(map, "aliases");

	for (const struct yaml_node *i = aliases ? aliases->first : NULL; i; i = i->next)
		for (const struct yaml_node *k = i->first; k; k = k->next)
			if (find_word(k->key, c->rules.v, c->rules.n) < 0)
				return sigma_wrong(b, k->key, 0,
						   "%.60s is none of the rules correlated here",
						   k->key->text);
	return 0;
}

int sigma_read_correlation(struct sigma_build *b, const struct yaml_node *map)
{
	struct sigma_correlation *c = arena_alloc(b->rule->arena, sizeof(*c));
	int r;

	if (!c)
		return err_origin(-ENOMEM);
	memset(c, 0, sizeof(*c));
	if (map->type != YAML_MAP)
		return sigma_wrong(b, map, 0, "a correlation must be a map, not %s",
				   yaml_type_name(map));
	r = check_keys(b, map);
	if (r == 0)
		r = read_type(b, map, yaml_get(map, "type"), c);
	if (r == 0)
		r = read_rules(b, map, c);
	if (r == 0)
		r = read_texts(b, yaml_get(map, "group-by"), "group-by", &c->group_by);
	if (r == 0)
		r = read_timespan(b, map, c);
	if (r == 0)
		r = read_condition(b, map, c);
	if (r == 0)
		r = read_aliases(b, map, c);
	if (r == 0)
		r = read_generate(b, map, c);
	if (r == 0)
		r = check_aliases(b, map, c);
	if (r == 0)
		r = check_fields(b, map, c);
	if (r == 0)
		b->rule->correlation = c;
	return r;
}
