/* SPDX-License-Identifier: Apache-2.0 */
/* config_yaml - the settings of a YAML file. */
#include <string.h>

#include "lib/config_internal.h"

/* Which types of scalar a setting takes. */
static bool takes(const struct config_setting *s, const struct yaml_node *node)
{
	switch (s->type) {
	case CONFIG_FLAG:
		return node->type == YAML_BOOL;
	case CONFIG_NUMBER:
	case CONFIG_NUMBERS:
		return node->type == YAML_INT || (s->word && yaml_is(node, s->word));
	case CONFIG_SIZE:
	case CONFIG_TIME:
		return node->type == YAML_INT || node->type == YAML_STRING;
	case CONFIG_CHOICE:
		/* a word such as "off" or "1" is no string to YAML */
		return node->text && node->type != YAML_NULL;
	default:
		return node->type == YAML_STRING || node->type == YAML_INT ||
		       node->type == YAML_FLOAT;
	}
}

/* Quoted text may hold a NUL ("\0"), which would end it early. */
static bool is_whole(const struct yaml_node *node)
{
	return node->text && strlen(node->text) == node->n;
}

static int take_scalar(struct config_reader *r, const struct config_setting *s,
		       const struct yaml_node *node)
{
	if (!takes(s, node))
		return config_wrong(r, s, yaml_type_name(node), node);
	if (!is_whole(node))
		return config_wrong(r, s, "text with a NUL in it", node);
	if (s->type == CONFIG_FLAG)
		return config_set(r, s, node->boolean ? "true" : "false", node);
	return config_set(r, s, node->text, node);
}

static int take_list(struct config_reader *r, const struct config_setting *s,
		     const struct yaml_node *node)
{
	int ret = 0;

	if (node->type != YAML_LIST)
		return take_scalar(r, s, node);
	for (const struct yaml_node *i = node->first; ret == 0 && i; i = i->next)
		ret = take_scalar(r, s, i);
	return ret;
}

static int take_map(struct config_reader *r, const struct config_setting *s,
		    const struct yaml_node *node)
{
	int ret = 0;

	if (node->type != YAML_MAP)
		return config_wrong(r, s, yaml_type_name(node), node);
	for (const struct yaml_node *i = node->first; ret == 0 && i; i = i->next) {
		if (!is_whole(i) || !is_whole(i->key) || i->key->n == 0 || i->type == YAML_NULL)
			return config_wrong(r, s, yaml_type_name(i), i);
		ret = config_set_pair(r, s, (struct config_pair){ i->key->text, i->text }, i);
	}
	return ret;
}

static int take_tree(struct config_reader *r, const struct config_setting *s,
		     const struct yaml_node *node)
{
	if (node->type != YAML_MAP && node->type != YAML_LIST)
		return config_wrong(r, s, yaml_type_name(node), node);
	*(const struct yaml_node **)config_at(r, s) = node;
	return 0;
}

static int unknown(struct config_reader *r, const struct yaml_node *key)
{
	const char *near = config_near(r, key->text, key->n);

	return diag_set(r->diag, err_origin(-EINVAL), key->line, key->column,
			"%.60s is no setting%s%s%s", key->text,
			near ? ": did you mean " : " (--help lists them)", near ? near : "",
			near ? "?" : "");
}

static int take_setting(struct config_reader *r, const struct yaml_node *node)
{
	const struct config_setting *s = config_find(r, node->key->text, node->key->n);

	if (!s)
		return unknown(r, node->key);
	if (s->no_file)
		return diag_set(r->diag, err_origin(-EINVAL), node->key->line, node->key->column,
				"%s can only be given on the command line", s->name);
	switch (s->type) {
	case CONFIG_TREE:
		return take_tree(r, s, node);
	case CONFIG_PAIRS:
		return take_map(r, s, node);
	case CONFIG_TEXTS:
	case CONFIG_NUMBERS:
		return take_list(r, s, node);
	default:
		return take_scalar(r, s, node);
	}
}

int config_take_file(struct config_reader *r, const char *name)
{
	const struct yaml_node *top = yaml_first(r->config->yaml);
	int ret = 0;

	if (!top || top->type == YAML_NULL)
		return 0; /* nothing but comments */
	if (top->type != YAML_MAP)
		return diag_set(r->diag, err_origin(-EINVAL), top->line, top->column,
				"expected settings, one a line, as in log-level: info, not %s",
				yaml_type_name(top));
	if (top->next)
		return diag_set(r->diag, err_origin(-EINVAL), top->next->line, top->next->column,
				"a second document; %s must be one", name);
	for (const struct yaml_node *i = top->first; ret == 0 && i; i = i->next)
		ret = take_setting(r, i);
	return ret;
}
