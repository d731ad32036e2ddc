/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope around an EQL query; its keys are the table below. */
#include "lib/eql.h"
#include "lib/rule_own.h"
#include "lib/timestamp.h"

struct envelope {
	struct rule *rule;
	struct diag *diag;
	const struct yaml_node *document;
};

static int wrong(struct envelope *v, const struct yaml_node *at, const char *text)
{
	return diag_set(v->diag, -EINVAL, at->line, at->column, "%s", text);
}

/* Texts live as long as the rule's YAML does. */
static int read_text(struct envelope *v, const struct yaml_node *node, const char **ret)
{
	if (node->type == YAML_NULL)
		return 0;
	if (!node->text || strlen(node->text) != node->n)
		return diag_set(v->diag, -EINVAL, node->line, node->column,
				"expected a text, not %s", yaml_type_name(node));
	*ret = node->text;
	return 0;
}

static int read_list(struct envelope *v, const struct yaml_node *node, struct sigma_list *ret)
{
	const struct yaml_node *first = node->type == YAML_LIST ? node->first : node;
	size_t n = 0;
	int r = 0;

	for (const struct yaml_node *i = first; i; i = node->type == YAML_LIST ? i->next : NULL)
		n++;
	ret->v = arena_array(&v->rule->own->arena, n ? n : 1, sizeof(*ret->v));
	if (!ret->v)
		return err_origin(-ENOMEM);
	ret->n = 0;
	for (const struct yaml_node *i = first; r == 0 && i;
	     i = node->type == YAML_LIST ? i->next : NULL) {
		ret->v[ret->n] = NULL;
		r = read_text(v, i, &ret->v[ret->n]);
		ret->n += r == 0 && ret->v[ret->n];
	}
	return r;
}

/* ---- the query ---- */

/* Blanks that a block of text is indented by: those before its first line. */
static uint32_t indent_of(const struct rule *r, uint32_t line)
{
	const char *at = r->source;

	for (uint32_t i = 1; at && i < line; i++) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? (uint32_t)strspn(at, " ") : 0;
}

/* Place of a query's mistake in the file: exact in a plain text and in a block of lines ("|"). */
static void place(const struct rule *r, const struct yaml_node *node, struct diag *d)
{
	uint32_t column = d->column ? d->column - 1 : 0;

	d->column = column + (node->plain ? node->column : 1 + indent_of(r, node->line));
	d->line = node->line + (d->line && !node->plain ? d->line - 1 : 0);
}

/* What is written in the query language; its length is the node's. */
static int query_text(struct envelope *v, const struct yaml_node *node, const char **ret)
{
	int r = read_text(v, node, ret);

	return r == 0 && !*ret ? wrong(v, node, "expected a condition in the query language") : r;
}

/* Tells the mistake @d of the text of @node with its place in the file.  Returns @r. */
static int tell(struct envelope *v, const struct yaml_node *node, int r, struct diag *d)
{
	if (r != -EINVAL || !d->text[0])
		return r;
	place(v->rule, node, d);
	return diag_set(v->diag, r, d->line, d->column, "%s", d->text);
}

static int read_query(struct envelope *v, const struct yaml_node *node)
{
	const struct eql_statement *s;
	const char *text = NULL;
	struct diag d = { 0 };
	int r = query_text(v, node, &text);

	if (r == 0)
		r = eql_statement_parse(&v->rule->own->statement, text, node->n, &d);
	s = v->rule->own->statement;
	if (r == 0) {
		v->rule->query = node->text;
		v->rule->expr = s->expr;
		v->rule->statement = s->type == EQL_EVENTS ? NULL : s;
	}
	return tell(v, node, r, &d);
}

/* A condition of an exception: events alone. */
static int parse_condition(struct envelope *v, const struct yaml_node *node, struct expr **ret)
{
	const char *text = NULL;
	struct diag d = { 0 };
	int r = query_text(v, node, &text);

	if (r == 0)
		r = eql_parse(ret, text, node->n, &d);
	return tell(v, node, r, &d);
}

/* ---- other keys ---- */

static int read_severity(struct envelope *v, const struct yaml_node *node)
{
	if (node->text && rule_level_parse(node->text, &v->rule->level))
		return 0;
	return wrong(v, node, "expected informational, low, medium, high or critical");
}

/* T1059 or T1059.004, of MITRE ATT&CK. */
static bool is_technique(const char *s)
{
	size_t digits = s[0] == 'T' ? strspn(s + 1, "0123456789") : 0;

	return digits == 4 &&
	       (s[5] == '\0' || (s[5] == '.' && strspn(s + 6, "0123456789") == 3 && !s[9]));
}

static int read_mitre(struct envelope *v, const struct yaml_node *node)
{
	int r = read_list(v, node, &v->rule->techniques);
	bool list = node->type == YAML_LIST;

	for (const struct yaml_node *i = list ? node->first : node; r == 0 && i;
	     i = list ? i->next : NULL)
		if (i->text && i->type != YAML_NULL && !is_technique(i->text))
			r = wrong(v, i, "expected MITRE ATT&CK ids such as T1059.004");
	return r;
}

/* ---- exceptions and tests ---- */

static int unknown_key(struct envelope *v, const struct yaml_node *entry, const char *expected)
{
	return diag_set(v->diag, -EINVAL, entry->key->line, entry->key->column,
			"unknown key \"%.40s\"; expected %s", entry->key->text, expected);
}

static int read_exception_key(struct envelope *v, const struct yaml_node *i,
			      struct rule_exception *e)
{
	struct diag d = { 0 };

	if (yaml_is(i->key, "condition")) {
		e->condition = i->text;
		expr_free(TAKE(e->expr));
		return parse_condition(v, i, &e->expr);
	}
	if (yaml_is(i->key, "reason"))
		return read_text(v, i, &e->reason);
	if (yaml_is(i->key, "owner"))
		return read_text(v, i, &e->owner);
	if (!yaml_is(i->key, "expires"))
		return unknown_key(v, i, "condition, reason, owner or expires");
	if (i->text && timestamp_parse(i->text, i->n, 0, &e->expires_ns, &d) == 0)
		return 0;
	return wrong(v, i, "expected a date such as 2027-01-31");
}

static int read_exceptions(struct envelope *v, const struct yaml_node *node)
{
	int r = 0;

	if (node->type != YAML_LIST)
		return wrong(v, node, "expected a list of exceptions");
	for (const struct yaml_node *i = node->first; r == 0 && i; i = i->next) {
		struct rule_exception *e = &v->rule->exceptions[v->rule->n_exceptions];

		if (v->rule->n_exceptions == RULE_EXCEPTIONS)
			return wrong(v, i, "too many exceptions in one rule");
		if (i->type != YAML_MAP)
			return wrong(v, i, "expected a map with a condition");
		v->rule->n_exceptions++;
		for (const struct yaml_node *k = i->first; r == 0 && k; k = k->next)
			r = read_exception_key(v, k, e);
		if (r == 0 && !e->expr)
			r = wrong(v, i, "the exception has no condition");
	}
	return r;
}

static int read_test_key(struct envelope *v, const struct yaml_node *i, struct rule_test *t)
{
	if (yaml_is(i->key, "name"))
		return read_text(v, i, &t->name);
	if (yaml_is(i->key, "fires")) {
		t->fires = i->boolean;
		return i->type == YAML_BOOL ? 0 : wrong(v, i, "expected true or false");
	}
	if (!yaml_is(i->key, "events"))
		return unknown_key(v, i, "name, fires or events");
	if (i->type != YAML_LIST || !i->first)
		return wrong(v, i, "expected a list of events");
	t->events = i;
	return 0;
}

static int read_tests(struct envelope *v, const struct yaml_node *node)
{
	struct rule *rule = v->rule;
	int r = 0;

	if (node->type != YAML_LIST)
		return wrong(v, node, "expected a list of tests");
	for (const struct yaml_node *i = node->first; r == 0 && i; i = i->next) {
		struct rule_test *t = &rule->tests[rule->n_tests];

		if (rule->n_tests == RULE_TESTS)
			return wrong(v, i, "too many tests in one rule");
		if (i->type != YAML_MAP)
			return wrong(v, i, "expected a map with name, fires and events");
		rule->n_tests++;
		for (const struct yaml_node *k = i->first; r == 0 && k; k = k->next)
			r = read_test_key(v, k, t);
		if (r == 0 && (!t->name || !t->events))
			r = wrong(v, i, "a test needs a name and events");
	}
	return r;
}

/* ---- the table ---- */

enum form { OWN, TEXT, LIST }; /* read by a function, or put where the offset says */

#define AS_TEXT(key, member)                                   \
	{                                                      \
		key, TEXT, offsetof(struct rule, member), NULL \
	}
#define AS_LIST(key, member)                                   \
	{                                                      \
		key, LIST, offsetof(struct rule, member), NULL \
	}
static const struct {
	const char *key;
	enum form form;
	size_t offset;
	int (*read)(struct envelope *v, const struct yaml_node *node);
} keys[] = {
	AS_TEXT("id", id),
	AS_TEXT("name", title),
	{ "severity", OWN, 0, read_severity },
	AS_TEXT("description", description),
	AS_TEXT("author", author),
	{ "query", OWN, 0, read_query },
	{ "mitre", OWN, 0, read_mitre },
	AS_LIST("tags", tags),
	AS_LIST("references", references),
	AS_LIST("false_positives", false_positives),
	AS_TEXT("bypass", bypass),
	{ "exceptions", OWN, 0, read_exceptions },
	{ "tests", OWN, 0, read_tests },
};

static int read_entry(struct envelope *v, const struct yaml_node *entry)
{
	size_t i = 0;
	void *to;

	while (i < ARRAY_SIZE(keys) && !yaml_is(entry->key, keys[i].key))
		i++;
	if (i == ARRAY_SIZE(keys))
		return unknown_key(v, entry,
				   "id, name, severity, description, author, query, mitre, tags, "
				   "references, false_positives, bypass, exceptions or tests");
	to = (char *)v->rule + keys[i].offset;
	return keys[i].form == TEXT   ? read_text(v, entry, to)
	       : keys[i].form == LIST ? read_list(v, entry, to)
				      : keys[i].read(v, entry);
}

int rule_parse_envelope(struct rule *rule, const struct yaml_node *document, struct diag *d)
{
	struct envelope v = { .rule = rule, .diag = d, .document = document };
	int r = 0;

	rule->language = RULE_EQL;
	for (const struct yaml_node *i = document->first; r == 0 && i; i = i->next)
		r = read_entry(&v, i);
	if (r == 0 && !rule->title)
		r = wrong(&v, document, "the rule has no name");
	if (r == 0 && !rule->id)
		r = wrong(&v, document, "the rule has no id");
	return r;
}
