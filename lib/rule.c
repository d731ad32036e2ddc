/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rule.h"

#include <stdatomic.h>

#include "lib/eql.h"
#include "lib/rule_own.h"

enum { ARENA_BYTES = 16 << 20 };

static const char *const level_names[RULE_LEVELS] = { "informational", "low", "medium", "high",
						      "critical" };

const char *rule_level_name(enum rule_level level)
{
	return level_names[level];
}

bool rule_level_parse(const char *s, enum rule_level *ret)
{
	for (size_t i = 0; i < RULE_LEVELS; i++) {
		if (strcmp(level_names[i], s) != 0)
			continue;
		*ret = (enum rule_level)i;
		return true;
	}
	return false;
}

const char *rule_language_name(enum rule_language language)
{
	static const char *const names[] = { "eql", "sigma", "sigma_correlation", "sigma_filter" };

	return names[language];
}

bool rule_is_unmapped(const struct rule *r)
{
	return r->n_gaps && !r->expr;
}

const char *rule_status_name(const struct rule *r)
{
	return !r ? "wrong" : rule_is_unmapped(r) ? "unmapped" : r->n_gaps ? "partial" : "ok";
}

/* ---- life ---- */

struct rule *rule_ref(struct rule *r)
{
	atomic_fetch_add(&r->own->references, 1);
	return r;
}

struct rule *rule_free(struct rule *r)
{
	if (!r || atomic_fetch_sub(&r->own->references, 1) > 1)
		return NULL;
	for (size_t i = 0; i < r->n_exceptions; i++)
		expr_free(r->exceptions[i].expr);
	eql_statement_free(r->own->statement);
	sigma_rule_free(r->own->sigma);
	yaml_free(r->own->yaml);
	arena_done(&r->own->arena);
	free(r->own);
	free(r);
	return NULL;
}

static struct rule *rule_new(const char *text, size_t n)
{
	struct rule *r = calloc(1, sizeof(*r));
	char *copy;

	if (!r)
		return NULL;
	r->own = calloc(1, sizeof(*r->own));
	if (!r->own) {
		free(r);
		return NULL;
	}
	atomic_init(&r->own->references, 1);
	r->own->arena.limit = ARENA_BYTES;
	r->level = RULE_MEDIUM;
	r->log_source = -1;
	copy = arena_alloc(&r->own->arena, n + 1);
	if (!copy)
		return rule_free(r);
	memcpy(copy, text, n);
	copy[n] = '\0';
	r->source = copy;
	r->n_source = n;
	return r;
}

/* ---- ids ---- */

/* A rule without an id is known by its title: letters, digits and dashes. */
static const char *id_of_title(struct rule *r)
{
	char *id = arena_alloc(&r->own->arena, RULE_ID_BYTES);
	size_t n = 0;

	if (!id)
		return NULL;
	for (const char *c = r->title; *c && n < RULE_ID_BYTES - 1; c++) {
		char low = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);

		if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9'))
			id[n++] = low;
		else if (n && id[n - 1] != '-')
			id[n++] = '-';
	}
	while (n && id[n - 1] == '-')
		n--;
	if (n == 0)
		n = (size_t)snprintf(id, RULE_ID_BYTES, "rule");
	id[n] = '\0';
	return id;
}

static bool is_id(const char *s)
{
	size_t n = strlen(s);

	return n && n < RULE_ID_BYTES && s[0] != '.' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

static int settle_id(struct rule *r, const struct yaml_node *document, struct diag *d)
{
	const struct yaml_node *at = yaml_get(document, "id");

	if (!r->id)
		r->id = id_of_title(r);
	if (!r->id)
		return err_origin(-ENOMEM);
	if (is_id(r->id))
		return 0;
	return diag_set(d, -EINVAL, at ? at->line : document->line, at ? at->column : 1,
			"an id is letters, digits, '-', '_' and '.', at most %d of them",
			RULE_ID_BYTES - 1);
}

/* ---- Sigma ---- */

static void take_sigma(struct rule *r)
{
	const struct sigma_rule *s = r->own->sigma;

	r->id = s->id;
	r->title = s->title ? s->title : "(no title)";
	r->description = s->description;
	r->author = s->author;
	r->bypass = s->bypass;
	r->references = s->references;
	r->techniques = s->techniques;
	r->false_positives = s->falsepositives;
	r->tags = s->tags;
	r->used_fields = s->used_fields;
	r->used_modifiers = s->used_modifiers;
	r->name = s->name;
	r->correlation = s->correlation;
	r->log_source = s->source;
	if (s->is_filter) {
		r->filter = s->expr;
		r->filtered = &s->filtered;
	} else {
		r->expr = s->expr;
	}
	if (s->level && !rule_level_parse(s->level, &r->level))
		r->level = RULE_MEDIUM;
	memcpy(r->gaps, s->gaps, sizeof(r->gaps));
	r->n_gaps = s->n_gaps;
}

static int parse_sigma(struct rule *r, const struct yaml_node *document, struct diag *d)
{
	int e = sigma_rule_new(&r->own->sigma, document, d);

	if (e < 0)
		return e;
	r->language = yaml_get(document, "correlation") ? RULE_SIGMA_CORRELATION
		      : yaml_get(document, "filter")	? RULE_SIGMA_FILTER
							: RULE_SIGMA;
	take_sigma(r);
	return 0;
}

/* ---- any ---- */

static int only_document(const struct yaml *y, const struct yaml_node **ret, struct diag *d)
{
	const struct yaml_node *document = yaml_first(y);

	if (!document)
		return diag_set(d, -EINVAL, 1, 1, "expected a rule, the text is empty");
	if (document->next)
		return diag_set(d, -EINVAL, document->next->line, 1, "expected one rule only");
	if (document->type != YAML_MAP)
		return diag_set(d, -EINVAL, document->line, document->column,
				"a rule must be a map, not %s", yaml_type_name(document));
	*ret = document;
	return 0;
}

int rule_parse(struct rule **ret, const char *text, size_t n, struct diag *d)
{
	const struct yaml_node *document = NULL;
	struct diag unused = { 0 };
	AUTO(rule) *r = rule_new(text, n);
	int e;

	if (!r)
		return err_origin(-ENOMEM);
	if (!d)
		d = &unused;
	e = yaml_parse(&r->own->yaml, text, n, d);
	if (e == 0)
		e = only_document(r->own->yaml, &document, d);
	if (e == 0)
		e = yaml_get(document, "query") ? rule_parse_envelope(r, document, d)
						: parse_sigma(r, document, d);
	if (e == 0)
		e = settle_id(r, document, d);
	if (e == 0)
		*ret = TAKE(r);
	return e;
}

void rule_print_query(const struct rule *r, struct buf *out)
{
	size_t n = r->query ? strlen(r->query) : 0;

	while (n && r->query[n - 1] == '\n')
		n--;
	if (n)
		buf_add(out, r->query, n);
	else if (r->expr)
		expr_print(r->expr, out);
}

/* ---- documents of a text ---- */

static bool is_marker(const char *line, size_t n)
{
	return n >= 3 && memcmp(line, "---", 3) == 0 &&
	       (n == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

static bool is_blank(const char *line, size_t n)
{
	size_t i = 0;

	while (i < n && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r'))
		i++;
	return i == n || line[i] == '#';
}

bool rule_next_document(const char *text, size_t n, size_t *at, const char **ret, size_t *ret_n,
			uint32_t *ret_line)
{
	size_t begin = *at, i = *at;
	bool holds = false;

	while (i < n) {
		const char *end = memchr(text + i, '\n', n - i);
		size_t len = end ? (size_t)(end - text) - i : n - i;
		bool marker = is_marker(text + i, len);

		if (marker && holds)
			break;
		if (marker)
			begin = i + len + (end != NULL);
		else if (!is_blank(text + i, len))
			holds = true;
		i += len + (end != NULL);
	}
	*at = i;
	*ret = text + begin;
	*ret_n = i - begin;
	*ret_line = 0;
	for (size_t k = 0; k < begin; k++)
		*ret_line += text[k] == '\n';
	return holds;
}
