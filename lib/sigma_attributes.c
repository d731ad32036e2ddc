/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include "lib/sigma_build.h"

int sigma_read_text(struct sigma_build *b, const struct yaml_node *map, const char *key,
		    const char **ret)
{
	const struct yaml_node *node = yaml_get(map, key);
	char *copy;

	*ret = NULL;
	if (!node || node->type == YAML_NULL)
		return 0;
	if (!node->text || strlen(node->text) != node->n)
		return sigma_wrong(b, node, 0, "%s must be a text, not %s", key,
				   yaml_type_name(node));
	copy = arena_alloc(b->rule->arena, node->n + 1);
	if (!copy)
		return err_origin(-ENOMEM);
	memcpy(copy, node->text, node->n + 1);
	*ret = copy;
	return 0;
}

int sigma_read_list(struct sigma_build *b, const struct yaml_node *document, const char *key,
		    struct sigma_list *ret)
{
	const struct yaml_node *node = yaml_get(document, key);
	bool list = node && node->type == YAML_LIST;
	int r = 0;

	if (!node || node->type == YAML_NULL)
		return 0;
	for (const struct yaml_node *i = list ? node->first : node; r == 0 && i;
	     i = list ? i->next : NULL)
		r = i->text ? sigma_note(b, ret, i->text, strlen(i->text))
			    : sigma_wrong(b, i, 0, "%s must be a list of texts", key);
	return r;
}

static int check_word(struct sigma_build *b, const struct yaml_node *document, const char *key,
		      const char *const *words)
{
	const struct yaml_node *node = yaml_get(document, key);

	if (!node || node->type == YAML_NULL)
		return 0;
	for (; *words; words++)
		if (yaml_is(node, *words))
			return 0;
	return sigma_wrong(b, node, 0, "unknown %s \"%.40s\"", key, node->text);
}

/* attack.t1059.004 is T1059.004. */
static int read_techniques(struct sigma_build *b)
{
	const struct sigma_list *tags = &b->rule->tags;
	int r = 0;

	for (size_t i = 0; r == 0 && i < tags->n; i++) {
		const char *id = tags->v[i] + strlen("attack.");
		char upper[16];
		size_t n;

		if (strncasecmp(tags->v[i], "attack.t", 8) != 0 || id[1] < '0' || id[1] > '9' ||
		    id[1 + strspn(id + 1, "0123456789.")] != '\0')
			continue;
		n = (size_t)snprintf(upper, sizeof(upper), "T%s", id + 1);
		r = sigma_note(b, &b->rule->techniques, upper, MIN(n, sizeof(upper) - 1));
	}
	return r;
}

int sigma_read_attributes(struct sigma_build *b, const struct yaml_node *document)
{
	static const char *const levels[] = { "informational", "low",	   "medium",
					      "high",	       "critical", NULL };
	static const char *const statuses[] = { "stable",     "test",	     "experimental",
						"deprecated", "unsupported", NULL };
	struct sigma_rule *r = b->rule;
	const struct {
		const char *key, **to;
	} texts[] = {
		{ "id", &r->id },
		{ "name", &r->name },
		{ "title", &r->title },
		{ "status", &r->status },
		{ "description", &r->description },
		{ "author", &r->author },
		{ "date", &r->date },
		{ "modified", &r->modified },
		{ "level", &r->level },
		{ "bypass", &r->bypass },
	};
	const struct {
		const char *key;
		struct sigma_list *to;
	} lists[] = {
		{ "references", &r->references },
		{ "tags", &r->tags },
		{ "falsepositives", &r->falsepositives },
		{ "fields", &r->fields },
	};
	int e = 0;

	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(texts); i++)
		e = sigma_read_text(b, document, texts[i].key, texts[i].to);
	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(lists); i++)
		e = sigma_read_list(b, document, lists[i].key, lists[i].to);
	if (e == 0)
		e = check_word(b, document, "level", levels);
	if (e == 0)
		e = check_word(b, document, "status", statuses);
	if (e == 0 && !r->title)
		return sigma_wrong(b, document, 0, "the rule has no title");
	return e == 0 ? read_techniques(b) : e;
}
