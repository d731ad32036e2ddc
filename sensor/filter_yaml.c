/* SPDX-License-Identifier: Apache-2.0 */
/* filter_yaml - rules as the configuration has them: a list of maps, each value one or a list. */
#include <stdio.h>

#include "lib/eql_suggest.h"
#include "sensor/filter.h"

/* ---- keys ---- */

static const char *const conditions[FILTER_WHATS] = {
	[FILTER_W_PATH] = "path",
	[FILTER_W_PATH_PREFIX] = "path-prefix",
	[FILTER_W_PATH_SUFFIX] = "path-suffix",
	[FILTER_W_EXECUTABLE] = "executable",
	[FILTER_W_ANCESTOR] = "ancestor",
	[FILTER_W_UID] = "uid",
	[FILTER_W_CONTAINER] = "container",
	[FILTER_W_SOURCE] = "source",
	[FILTER_W_DESTINATION] = "destination",
	[FILTER_W_SOURCE_PORT] = "source-port",
	[FILTER_W_DESTINATION_PORT] = "destination-port",
};

static int at(const struct yaml_node *node, struct diag *d, int r)
{
	if (d && !d->line) {
		d->line = node->line;
		d->column = node->column;
	}
	return r;
}

static int wrong(const struct yaml_node *node, struct diag *d, const char *key, const char *want)
{
	return diag_set(d, err_origin(-EINVAL), node->line, node->column, "%s: expected %s, not %s",
			key, want, yaml_type_name(node));
}

static int find_condition(const struct yaml_node *key)
{
	for (int i = 0; i < FILTER_WHATS; i++)
		if (yaml_is(key, conditions[i]))
			return i;
	return -1;
}

static int unknown(const struct yaml_node *key, struct diag *d)
{
	const char *names[FILTER_WHATS + 4] = { "name", "action", "kinds" }, *near;

	memcpy(names + 3, conditions, sizeof(conditions));
	near = eql_suggest(names, key->text, key->n);
	return diag_set(
		d, err_origin(-EINVAL), key->line, key->column,
		"%.60s: a rule has name, action, kinds and conditions such as path-prefix%s%s%s",
		key->text, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool is_scalar(const struct yaml_node *node)
{
	return node->type != YAML_LIST && node->type != YAML_MAP && node->type != YAML_NULL;
}

/* ---- values ---- */

/* Calls @take for the scalar @node, or each of the list. */
static int each(const struct yaml_node *node, const char *key,
		int (*take)(const struct yaml_node *value, void *arg, struct diag *d), void *arg,
		struct diag *d)
{
	const struct yaml_node *first = node->type == YAML_LIST ? node->first : node;
	int r = 0;

	if (!first || (node->type != YAML_LIST && !is_scalar(node)))
		return wrong(node, d, key, "a value or a list of values");
	for (const struct yaml_node *v = first; r == 0 && v;
	     v = node->type == YAML_LIST ? v->next : NULL) {
		if (!is_scalar(v))
			return wrong(v, d, key, "a value");
		if (strlen(v->text) != v->n)
			return wrong(v, d, key, "text without a NUL");
		r = take(v, arg, d);
	}
	return r;
}

static int take_kind(const struct yaml_node *value, void *arg, struct diag *d)
{
	uint64_t *bits = arg;

	for (uint32_t k = 0; k < KIND_MAX; k++) {
		const struct kind_info *info = kind_info(k);

		if (info && filter_is_for(info->kind) && yaml_is(value, info->action)) {
			*bits |= UINT64_C(1) << info->kind;
			return 0;
		}
	}
	return diag_set(
		d, err_origin(-EINVAL), value->line, value->column,
		"kinds: %.60s is no kind of events that can be left out (docs/fields.md lists "
		"kinds; exec, fork and end are always told)",
		value->text);
}

struct condition {
	struct filter *f;
	int what;
};

static int take_value(const struct yaml_node *value, void *arg, struct diag *d)
{
	struct condition *c = arg;
	struct diag reason = { 0 };
	int r = filter_value(c->f, (enum filter_what)c->what, value->text, &reason);

	return r < 0 ? diag_set(d, r, value->line, value->column, "%s: %s", conditions[c->what],
				reason.text[0] ? reason.text : strerror(-r))
		     : 0;
}

/* ---- rules ---- */

static int read_action(const struct yaml_node *map, enum filter_action *ret, struct diag *d)
{
	const struct yaml_node *node = yaml_get(map, "action");

	if (!node)
		return diag_set(d, err_origin(-EINVAL), map->line, map->column,
				"a rule needs an action: drop or keep");
	*ret = yaml_is(node, "drop") ? FILTER_DROP : FILTER_KEEP;
	if (*ret == FILTER_DROP || yaml_is(node, "keep"))
		return 0;
	return diag_set(d, err_origin(-EINVAL), node->line, node->column,
			"action: expected drop or keep, not %.60s",
			is_scalar(node) ? node->text : yaml_type_name(node));
}

static int begin_rule(struct filter *f, const struct yaml_node *map, struct diag *d)
{
	const struct yaml_node *name = yaml_get(map, "name"), *kinds = yaml_get(map, "kinds");
	enum filter_action action = FILTER_KEEP;
	uint64_t bits = 0;
	char number[32];
	int r = read_action(map, &action, d);

	if (r == 0 && name && (!is_scalar(name) || name->n == 0 || name->n >= FILTER_NAME_BYTES))
		r = wrong(name, d, "name", "text of at most 63 bytes");
	if (r == 0 && kinds)
		r = each(kinds, "kinds", take_kind, &bits, d);
	if (r < 0)
		return r;
	snprintf(number, sizeof(number), "rule %zu", filter_n(f) + 1);
	return at(name ? name : map, d,
		  filter_rule(f, name ? name->text : number, action, bits, d));
}

static int read_rule(struct filter *f, const struct yaml_node *map, struct diag *d)
{
	int r;

	if (map->type != YAML_MAP)
		return wrong(map, d, "filters",
			     "a rule, a map such as {action: drop, kinds: open}");
	r = begin_rule(f, map, d);
	for (const struct yaml_node *v = map->first; r == 0 && v; v = v->next) {
		struct condition c = { f, find_condition(v->key) };

		if (c.what >= 0)
			r = each(v, conditions[c.what], take_value, &c, d);
		else if (!yaml_is(v->key, "name") && !yaml_is(v->key, "action") &&
			 !yaml_is(v->key, "kinds"))
			r = unknown(v->key, d);
	}
	return r;
}

int filter_read(struct filter **ret, const struct yaml_node *node, struct diag *d)
{
	AUTO(filter) *f = NULL;
	int r = filter_new(&f);

	if (r < 0)
		return r;
	if (node && node->type != YAML_LIST)
		return wrong(node, d, "filters", "a list of rules");
	for (const struct yaml_node *rule = node ? node->first : NULL; r == 0 && rule;
	     rule = rule->next)
		r = read_rule(f, rule, d);
	if (r < 0)
		return r;
	*ret = TAKE(f);
	return 0;
}
