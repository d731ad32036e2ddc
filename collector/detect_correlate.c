/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over several events: Sigma's correlations, and sequences and samples of EQL. */
#include <jansson.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/detect_internal.h"
#include "lib/timestamp.h"

#define SETTLE_NS UINT64_C(500000000)  /* events of a node may be so much out of order */
#define SILENT_NS UINT64_C(5000000000) /* a silent node holds sequences up so long */

/* ---- who refers to whom ---- */

static bool is_named(const struct rule *r, const char *name)
{
	return strcmp(r->id, name) == 0 || (r->name && strcmp(r->name, name) == 0);
}

/* Sigma's name of key @name in the rule @of: an alias, or itself. */
static const char *aliased(const struct sigma_correlation *c, const struct rule *of,
			   const char *name)
{
	for (size_t i = 0; i < c->n_aliases; i++)
		if (strcmp(c->aliases[i].name, name) == 0 && is_named(of, c->aliases[i].rule))
			return c->aliases[i].field;
	return name;
}

static void find_keys(const struct sigma_correlation *c, const struct rule *of,
		      struct detect_link *l)
{
	for (size_t k = 0; k < c->group_by.n && k < DETECT_KEYS; k++) {
		const char *name = aliased(c, of, c->group_by.v[k]);

		l->n_keys++;
		l->from[k] = UINT32_MAX;
		if (!of->correlation) {
			if (!sigma_field(of->log_source, name, &l->keys[k]))
				l->keys[k].info = NULL;
			continue;
		}
		for (uint32_t i = 0; i < of->correlation->group_by.n && i < DETECT_KEYS; i++)
			if (strcmp(of->correlation->group_by.v[i], name) == 0)
				l->from[k] = i;
	}
	if (c->field && !of->correlation &&
	    !sigma_field(of->log_source, aliased(c, of, c->field), &l->value))
		l->value.info = NULL;
}

static int add_link(struct detect_member *of, uint32_t to, uint32_t position,
		    const struct sigma_correlation *c)
{
	struct detect_link *more = reallocarray(of->links, of->n_links + 1, sizeof(*more));

	if (!more)
		return err_origin(-ENOMEM);
	of->links = more;
	more[of->n_links] = (struct detect_link){ .to = to, .position = position };
	find_keys(c, of->rule, &more[of->n_links++]);
	return 0;
}

static int link_correlation(struct detect_member *members, uint32_t n, uint32_t at)
{
	const struct sigma_correlation *c = members[at].rule->correlation;
	int r = 0;

	for (uint32_t p = 0; r == 0 && p < c->rules.n; p++)
		for (uint32_t i = 0; r == 0 && i < n; i++) {
			if (i == at || !is_named(members[i].rule, c->rules.v[p]))
				continue;
			r = add_link(&members[i], at, p, c);
		}
	return r;
}

/* A rule that only correlations ask for, none of which says generate, makes no alerts itself. */
static void find_quiet(struct detect_member *members, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct detect_member *m = &members[i];

		m->quiet = m->n_links > 0;
		for (size_t l = 0; l < m->n_links; l++)
			if (members[m->links[l].to].rule->correlation->generate)
				m->quiet = false;
	}
}

int detect_link(struct detect_member *members, uint32_t n)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (members[i].rule->correlation)
			r = link_correlation(members, n, i);
	if (r == 0)
		find_quiet(members, n);
	return r;
}

/* ---- correlations ---- */

/* What is handed on from a hit to the correlations above it. */
struct occurrence {
	struct detect *d;
	const struct detect_hit *hit;
	struct detect_member *member; /* whose hit it is */
	uint64_t time_ns, id;
	uint64_t values[DETECT_KEYS]; /* of a correlation: hashes of its keys */
	char text[256];		      /* and in words */
	unsigned depth;
};

static int feed(const struct occurrence *o);

/* Hash of a field's value, and the value in words; 0: null. */
static uint64_t value_of(const struct detect_hit *h, struct field_ref f, char *text, size_t n,
			 double *ret_number)
{
	struct block_value v = block_value(h->block, h->table, h->row, f);
	struct block_string s = v.string;

	if (v.type == VALUE_STRINGS)
		s = v.n_strings ? block_string(h->block, v.strings[0]) : (struct block_string){ 0 };
	if (v.type == VALUE_NULL || (v.type == VALUE_STRINGS && v.n_strings == 0))
		return 0;
	if (v.type == VALUE_STRING || v.type == VALUE_STRINGS) {
		snprintf(text, n, "%.*s", (int)MIN(s.n, 100U), s.s);
		return XXH3_64bits(s.s, s.n) | 1;
	}
	if (ret_number)
		*ret_number = (double)v.number;
	snprintf(text, n, v.type == VALUE_ID ? "%016llx" : "%llu", (unsigned long long)v.number);
	return XXH3_64bits(&v.number, sizeof(v.number)) | 1;
}

/* Keys of @l for what occurred, to @next; false: it lacks one. */
static bool read_keys(const struct occurrence *o, const struct detect_link *l,
		      const struct sigma_correlation *c, struct occurrence *next)
{
	size_t at = 0;

	for (uint32_t k = 0; k < l->n_keys; k++) {
		char text[128] = "";

		if (o->member->rule->correlation) {
			next->values[k] = l->from[k] == UINT32_MAX ? 0 : o->values[l->from[k]];
			snprintf(next->text, sizeof(next->text), "%s", o->text);
		} else {
			next->values[k] = l->keys[k].info ? value_of(o->hit, l->keys[k], text,
								     sizeof(text), NULL)
							  : 0;
			at += (size_t)snprintf(next->text + at, sizeof(next->text) - at, "%s%s=%s",
					       k ? ", " : "", c->group_by.v[k], text);
			at = MIN(at, sizeof(next->text) - 1);
		}
		if (next->values[k] == 0)
			return false;
	}
	return true;
}

static int on_told(const struct correlate_hit *hits, size_t n, void *arg)
{
	struct occurrence *o = arg; /* of the correlation */
	struct detect_hit h = *o->hit;
	int r = 0;

	h.member = o->member;
	h.time_ns = hits[n - 1].time_ns;
	h.group = XXH3_64bits(o->values, sizeof(o->values)) | 1;
	h.object = o->text[0] ? o->text : NULL;
	h.window = hits;
	h.n_window = n;
	h.folded = false;
	o->time_ns = h.time_ns;
	o->id = XXH3_64bits_withSeed(&hits[n - 1].id, sizeof(hits[n - 1].id), o->member->id_hash);
	detect_count(o->d, o->member, 1);
	if (!o->member->quiet)
		r = detect_take_hit(o->d, &h);
	return r < 0 || o->member->n_links == 0 ? r : feed(o);
}

static int feed_link(const struct occurrence *o, const struct detect_link *l)
{
	struct occurrence next = { .d = o->d, .hit = o->hit, .depth = o->depth + 1 };
	const struct sigma_correlation *c;
	struct correlate_hit hit = { .time_ns = o->time_ns, .id = o->id, .rule = l->position };
	const uint64_t *seq;
	char text[128];

	next.member = &o->d->members[l->to];
	c = next.member->rule->correlation;
	if (!next.member->correlate || !read_keys(o, l, c, &next))
		return 0;
	if (l->value.info) {
		hit.value = value_of(o->hit, l->value, text, sizeof(text), &hit.number);
		if (hit.value == 0)
			return 0;
	} else if (c->field) {
		hit.value = o->id;
	}
	seq = block_column(o->hit->block, o->hit->table, FIELD_SEQ);
	hit.seq = seq ? seq[o->hit->row] - 1 : 0;
	return correlate_add(next.member->correlate, XXH3_64bits(next.values, sizeof(next.values)),
			     &hit, on_told, &next);
}

/* Recursion: DETECT_CHAIN. */
static int feed(const struct occurrence *o)
{
	int r = 0;

	for (size_t i = 0; r == 0 && o->depth < DETECT_CHAIN && i < o->member->n_links; i++)
		r = feed_link(o, &o->member->links[i]);
	return r;
}

int detect_correlate(struct detect *d, struct detect_member *m, const struct detect_hit *h)
{
	const struct block_info *i = block_info(h->block);
	const uint64_t *seq = block_column(h->block, h->table, FIELD_SEQ);
	struct occurrence o = { .d = d, .hit = h, .member = m, .time_ns = h->time_ns };

	o.id = XXH3_64bits_withSeed(i->boot_id, sizeof(i->boot_id),
				    (seq ? seq[h->row] : 0) ^ m->id_hash);
	return feed(&o);
}

/* ---- sequences ---- */

static int on_match(const struct sequence_match *m, void *arg)
{
	struct detect *d = arg;
	AUTO_BUF struct buf keys = { 0 };
	struct json j = json_to(&keys);
	struct detect_hit h = { .member = d->current, .time_ns = m->time_ns, .match = m };

	sequence_write_keys(m, &j);
	buf_byte(&keys, 0);
	if (!buf_ok(&keys))
		return err_origin(-ENOMEM);
	h.group = XXH3_64bits(m->keys, m->n_keys_bytes) | 1;
	h.object = m->n_keys_bytes ? (const char *)keys.data : NULL;
	detect_count(d, h.member, 1);
	return detect_take_hit(d, &h);
}

int detect_sequence_new(struct detect *d, struct detect_member *m)
{
	const struct sequence_config config = {
		.statement = m->rule->statement, .to_ns = UINT64_MAX, .match = on_match, .arg = d
	};

	return sequence_new(&m->sequence, &config);
}

int detect_sequence_feed(struct detect *d, struct detect_member *m, struct block *b)
{
	if (m->fed == d->batches + 1)
		return 0;
	m->fed = d->batches + 1;
	d->current = m;
	return sequence_block(m->sequence, d->scratch, b, m->fed);
}

/* Time up to which all events of all nodes that speak are here. */
static uint64_t watermark(struct detect *d, const struct block *b)
{
	const struct block_info *i = block_info(b);
	uint64_t hash = XXH3_64bits(i->node_id.s, i->node_id.n), now_ns = timestamp_now();
	uint64_t least = UINT64_MAX;
	uint32_t at = 0, oldest = 0;

	for (; at < d->n_nodes && d->nodes[at].hash != hash; at++)
		if (d->nodes[at].seen_ns < d->nodes[oldest].seen_ns)
			oldest = at;
	if (at == ARRAY_SIZE(d->nodes)) {
		at = oldest; /* more nodes than are watched: the one silent for longest goes */
		d->nodes[at] = (struct nodes){ .hash = hash };
	} else if (at == d->n_nodes) {
		d->nodes[d->n_nodes++] = (struct nodes){ .hash = hash };
	}
	d->nodes[at].max_ns = MAX(d->nodes[at].max_ns, i->max_time_ns);
	d->nodes[at].seen_ns = now_ns;
	for (uint32_t k = 0; k < d->n_nodes; k++) {
		uint64_t until = d->nodes[k].max_ns + 1;

		if (now_ns < until + SETTLE_NS)
			until = until > SETTLE_NS ? until - SETTLE_NS : 0;
		if (now_ns > d->nodes[k].seen_ns + SILENT_NS)
			until = MAX(until, now_ns - SILENT_NS);
		least = MIN(least, until);
	}
	return least;
}

int detect_sequences_advance(struct detect *d, struct block *b)
{
	uint64_t before_ns = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < d->n_members; i++) {
		if (!d->members[i].sequence)
			continue;
		if (!before_ns)
			before_ns = watermark(d, b);
		d->current = &d->members[i];
		r = sequence_advance(d->members[i].sequence, before_ns);
	}
	return r;
}

/* ---- events again ---- */

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
