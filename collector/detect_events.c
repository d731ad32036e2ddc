/* SPDX-License-Identifier: Apache-2.0 */
/* Events of an alert that are in no batch at hand: looked up, and what they tell of its process. */
#include <jansson.h>

#include "collector/detect_internal.h"

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

static char *dump(const json_t *process, const json_t *parent)
{
	json_t *body = json_pack("{s:b, s:O?, s:[]}", "folded", 0, "process", process, "ancestry");
	char *text;

	if (parent)
		json_array_append(json_object_get(body, "ancestry"), (json_t *)(uintptr_t)parent);
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
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

int detect_fill(struct detect_new *n)
{
	json_t *doc = n->n_events ? json_loads(n->events[n->n_events - 1].document, 0, NULL) : NULL;
	const json_t *process = json_object_get(doc, "process");
	json_t *own = short_process(process);
	json_t *parent = short_process(json_object_get(process, "parent"));
	const char *id = json_string_value(json_object_get(process, "entity_id"));
	const char *node_id = member(doc, "host", "id"), *node = member(doc, "host", "name");

	free(n->body);
	free(n->node);
	free(n->node_id);
	n->body = dump(own, parent);
	n->node_id = strdup(node_id ? node_id : "");
	n->node = strdup(node ? node : "");
	n->entity = id ? strtoull(id, NULL, 16) : 0;
	if (id && n->n_marks < ARRAY_SIZE(n->marks)) {
		n->marks[n->n_marks].kind = "process";
		n->marks[n->n_marks++].value = strdup(id);
	}
	json_decref(own);
	json_decref(parent);
	json_decref(doc);
	return n->body && n->node_id && n->node ? 0 : err_origin(-ENOMEM);
}
