/* SPDX-License-Identifier: Apache-2.0 */
/* Events of an alert that are in no batch at hand: looked up, and what they tell of its process. */
#include <jansson.h>

#include "collector/detect_internal.h"
#include "collector/lineage.h"
#include "lib/timestamp.h"

enum { ANCESTORS = 12 };

int detect_fetch(struct detect *d, uint64_t time_ns, uint64_t seq, struct buf *out)
{
	const struct expr_literal number = { .type = LITERAL_INT, .integer = (int64_t)seq };
	struct query q = { .from_ns = time_ns, .to_ns = time_ns + 1 };
	struct query_page_request request = { .limit = 1,
					      .max_bytes = 1 << 20,
					      .document = d->document };
	struct field_ref f = { field_info(FIELD_SEQ), VIA_ACTOR };
	struct query_page page = { 0 };
	AUTO(expr) *e = NULL;
	int r = d->worker ? 0 : query_worker_new(&d->worker, d->store);

	if (r == 0)
		r = expr_new_compare(&e, f, EXPR_EQ, &number, 1, NULL);
	q.expr = e;
	if (r == 0)
		r = query_page(d->worker, &q, &request, &page);
	if (r == 0 && page.n_hits)
		buf_add(out, page.text.data + page.hits[0].at, page.hits[0].n);
	query_page_done(&page);
	return r;
}

static const char *member(const json_t *doc, const char *object, const char *key)
{
	return json_string_value(json_object_get(json_object_get(doc, object), key));
}

/* What an alert tells of a process. */
static json_t *short_process(const json_t *p)
{
	static const char *const keys[] = { "entity_id", "pid", "name", "executable", "args" };
	json_t *s = p ? json_object() : NULL;
	const char *user = member(p, "user", "name");

	for (size_t i = 0; s && i < ARRAY_SIZE(keys); i++)
		if (json_object_get(p, keys[i]))
			json_object_set(s, keys[i], json_object_get(p, keys[i]));
	if (s && !json_object_get(s, "entity_id"))
		json_object_set_new(s, "entity_id", json_null());
	if (s && user)
		json_object_set_new(s, "user", json_string(user));
	return s;
}

/* Those above @entity, its parent first, out of the batch that its event at @time_ns is in. */
static json_t *ancestry_of(struct detect *d, uint64_t entity, uint64_t time_ns)
{
	const struct query q = { .from_ns = time_ns, .to_ns = time_ns + 1 };
	const struct lineage_request request = { .entity = entity,
						 .depth = ANCESTORS,
						 .limit = ANCESTORS + 1 };
	const struct lineage_node *const *nodes;
	json_t *all = json_array();
	AUTO(lineage) *l = NULL;
	uint32_t n = 0;

	if (!entity || !d->worker || lineage_find(&l, d->worker, &q, &request) < 0)
		return all;
	nodes = lineage_nodes(l, &n);
	for (uint32_t i = n; i-- > 0;) {
		json_t *p;

		if (nodes[i]->depth >= 0)
			continue;
		p = json_loadb(lineage_text(l, nodes[i]->text), nodes[i]->text.n, 0, NULL);
		json_array_append_new(all, short_process(p));
		json_decref(p);
	}
	return all;
}

static uint64_t time_of(const json_t *doc)
{
	const char *text = json_string_value(json_object_get(doc, "@timestamp"));
	uint64_t ns = 0;

	return text && timestamp_parse(text, strlen(text), 0, &ns, NULL) == 0 ? ns : 0;
}

static void add_mark(struct detect_new *n, const char *kind, const char *value)
{
	char *copy = value && n->n_marks < ARRAY_SIZE(n->marks) ? strdup(value) : NULL;

	if (!copy)
		return;
	n->marks[n->n_marks].kind = kind;
	n->marks[n->n_marks++].value = copy;
}

/* Its process and those above it, and the marks of them. */
static char *fill_body(struct detect *d, struct detect_new *n, const json_t *doc)
{
	const json_t *process = json_object_get(doc, "process");
	const char *id = json_string_value(json_object_get(process, "entity_id"));
	json_t *own = short_process(process), *above, *body, *p;
	char *text;
	size_t i;

	n->entity = id ? strtoull(id, NULL, 16) : 0;
	above = ancestry_of(d, n->entity, time_of(doc));
	if (json_array_size(above) == 0 && json_object_get(process, "parent"))
		json_array_append_new(above, short_process(json_object_get(process, "parent")));
	add_mark(n, "process", id);
	json_array_foreach(above, i, p)
		add_mark(n, "ancestor", json_string_value(json_object_get(p, "entity_id")));
	body = json_pack("{s:b, s:o?, s:o}", "folded", 0, "process", own, "ancestry", above);
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	return text;
}

int detect_fill(struct detect *d, struct detect_new *n)
{
	json_t *doc = n->n_events ? json_loads(n->events[n->n_events - 1].document, 0, NULL) : NULL;
	const char *node_id = member(doc, "host", "id"), *node = member(doc, "host", "name");

	free(n->body);
	free(n->node);
	free(n->node_id);
	n->body = fill_body(d, n, doc);
	n->node_id = strdup(node_id ? node_id : "");
	n->node = strdup(node ? node : "");
	json_decref(doc);
	return n->body && n->node_id && n->node ? 0 : err_origin(-ENOMEM);
}
