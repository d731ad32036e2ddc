/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/incidents.h"

#include <jansson.h>

#include "collector/across.h"

const char *incident_kind_name(enum incident_kind k)
{
	static const char *const names[] = { "lineage", "flow", "file", "user" };

	return names[k];
}

void incidents_done(struct incidents *i)
{
	free(i->alerts);
	free(i->links);
	free(i->root);
	*i = (struct incidents){ 0 };
}

/* ---- alerts ---- */

static void copy(char *to, size_t n, const char *from)
{
	snprintf(to, n, "%s", from ? from : "");
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* What everything on a node descends from says nothing. */
static bool is_general(const char *name, json_int_t pid)
{
	static const char *const names[] = { "systemd", "init",	       "sshd",	       "dockerd",
					     "crond",	"cron",	       "containerd",   "kthreadd",
					     "runsv",	"supervisord", "tini",	       "dumb-init",
					     "login",	"agetty",      "rtsec-sensor", "xinetd" };

	if (pid == 1 || pid == 2)
		return true;
	for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return name && strncmp(name, "containerd-shim", 15) == 0;
}

static void add_end(struct incident_alert *a, const json_t *p, uint32_t depth)
{
	const char *id = text_of(p, "entity_id"), *name = text_of(p, "name");
	struct incident_end *e = &a->ends[a->n_ends];

	if (!id || a->n_ends == INCIDENT_ENDS)
		return;
	*e = (struct incident_end){ .entity = strtoull(id, NULL, 16), .depth = depth, .sure = 100 };
	e->general = is_general(name, json_integer_value(json_object_get(p, "pid")));
	copy(e->name, sizeof(e->name), name);
	a->n_ends++;
}

static void read_process(struct incident_alert *a, const json_t *p)
{
	const json_t *args = json_object_get(p, "args"), *arg;
	size_t at = 0, i;

	json_array_foreach(args, i, arg)
	{
		at += (size_t)snprintf(a->process + at, sizeof(a->process) - at, "%s%s",
				       i ? " " : "", json_string_value(arg));
		if (at >= sizeof(a->process))
			break;
	}
	if (at == 0)
		copy(a->process, sizeof(a->process), text_of(p, "name"));
}

static void read_body(struct incident_alert *a, const char *body)
{
	json_t *b = json_loads(body, 0, NULL);
	const json_t *process = json_object_get(b, "process"), *p;
	uint32_t depth = 1;
	size_t i;

	if (json_is_object(process)) {
		add_end(a, process, 0);
		read_process(a, process);
	}
	json_array_foreach(json_object_get(b, "ancestry"), i, p) add_end(a, p, depth++);
	json_decref(b);
}

/* Makes room for one more. */
static int make_room(struct incidents *all)
{
	uint32_t cap = all->cap ? MIN(all->cap * 2, INCIDENT_ALERTS) : 32;
	struct incident_alert *alerts;
	uint32_t *root;

	if (all->n < all->cap)
		return 0;
	alerts = reallocarray(all->alerts, cap, sizeof(*alerts));
	if (!alerts)
		return err_origin(-ENOMEM);
	all->alerts = alerts;
	root = reallocarray(all->root, cap, sizeof(*root));
	if (!root)
		return err_origin(-ENOMEM);
	all->root = root;
	all->cap = cap;
	return 0;
}

static int take(const struct alert *x, void *arg)
{
	struct incidents *all = arg;
	struct incident_alert *a;
	int r;

	if (all->n == INCIDENT_ALERTS) {
		all->cut = true;
		return 0;
	}
	r = make_room(all);
	if (r < 0)
		return r;
	all->root[all->n] = all->n;
	a = &all->alerts[all->n++];
	*a = (struct incident_alert){
		.id = x->id,
		.first_ns = x->first_ns,
		.last_ns = x->last_ns,
		.n_events = x->n_events,
		.change = x->change,
		.level = x->level,
	};
	copy(a->rule_id, sizeof(a->rule_id), x->rule_id);
	copy(a->title, sizeof(a->title), x->title);
	copy(a->node, sizeof(a->node), x->node);
	copy(a->object, sizeof(a->object), x->object);
	copy(a->techniques, sizeof(a->techniques),
	     strlen(x->techniques) < sizeof(a->techniques) ? x->techniques : "[]");
	read_body(a, x->body);
	return 0;
}

struct marked {
	struct incident_alert *alert;
	char sha256[65];
};

static int take_mark(const char *kind, const char *value, void *arg)
{
	struct marked *m = arg;

	if (strcmp(kind, "flow") == 0)
		copy(m->alert->flow, sizeof(m->alert->flow), value);
	else if (strcmp(kind, "sha256") == 0)
		copy(m->alert->sha256, sizeof(m->alert->sha256), value);
	else if (strcmp(kind, "user") == 0 && strcmp(value, "root") != 0)
		copy(m->alert->user, sizeof(m->alert->user), value);
	return 0;
}

/* ---- over nodes ---- */

/* Adds @entity of another node, which connected to what @from serves, and those above it. */
static int add_remote(struct incidents *all, struct query_worker *w, struct incident_alert *a,
		      const struct incident_end *from, const struct flow *f, uint32_t sure)
{
	const struct flow_end *c = &f->ends.end[FLOW_CONNECTED];
	const struct query q = { .to_ns = UINT64_MAX };
	const struct lineage_request request = { .entity = c->entity, .depth = 8, .limit = 9 };
	struct incident_end base = { .entity = c->entity,
				     .depth = from->depth + 1,
				     .hop = from->hop + 1,
				     .sure = MIN(from->sure, sure) };
	const struct lineage_node *const *nodes;
	AUTO(lineage) *l = NULL;
	uint32_t n = 0;
	int r;

	copy(base.name, sizeof(base.name), c->process);
	if (a->n_ends < INCIDENT_ENDS)
		a->ends[a->n_ends++] = base;
	if (!w || all->looks >= INCIDENT_LOOKS)
		return 0;
	all->looks++;
	r = lineage_find(&l, w, &q, &request);
	if (r < 0)
		return r;
	nodes = lineage_nodes(l, &n);
	for (uint32_t i = n; i-- > 0 && a->n_ends < INCIDENT_ENDS;) {
		json_t *p;

		if (nodes[i]->depth >= 0)
			continue;
		p = json_loadb(lineage_text(l, nodes[i]->text), nodes[i]->text.n, 0, NULL);
		base.entity = nodes[i]->entity;
		base.depth = from->depth + 1 + (uint32_t)-nodes[i]->depth;
		base.general = is_general(text_of(p, "name"),
					  json_integer_value(json_object_get(p, "pid")));
		copy(base.name, sizeof(base.name), text_of(p, "name"));
		json_decref(p);
		a->ends[a->n_ends++] = base;
	}
	return 0;
}

/* Follows the connections that processes above an alert served, from node to node. */
static int cross(struct incidents *all, struct flowdb *db, struct query_worker *w,
		 struct incident_alert *a)
{
	const struct query q = { .to_ns = UINT64_MAX };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < a->n_ends; i++) {
		const struct incident_end e = a->ends[i];
		uint32_t sure = 0;
		struct flow f;

		if (e.hop >= INCIDENT_HOPS || !e.entity)
			continue;
		if (all->looks >= INCIDENT_LOOKS) {
			all->cut = true;
			break;
		}
		all->looks++;
		r = across_served(db, &q, e.entity, a->first_ns, 0, &f, &sure);
		if (r == 0 && sure && f.ends.end[FLOW_CONNECTED].entity)
			r = add_remote(all, w, a, &e, &f, sure);
	}
	return r;
}

/* ---- joining ---- */

static uint32_t root_of(struct incidents *all, uint32_t i)
{
	while (all->root[i] != i)
		i = all->root[i] = all->root[all->root[i]];
	return i;
}

static bool are_near(const struct incident_alert *a, const struct incident_alert *b)
{
	uint64_t later = MAX(a->first_ns, b->first_ns), earlier = MIN(a->last_ns, b->last_ns);

	return later <= earlier || later - earlier <= INCIDENT_APART_NS;
}

static int link_them(struct incidents *all, uint32_t a, uint32_t b, enum incident_kind kind,
		     const char *text)
{
	uint32_t x = root_of(all, a), y = root_of(all, b);
	struct incident_link *l;

	if (x == y || !are_near(&all->alerts[a], &all->alerts[b]))
		return 0;
	if (all->n_links == all->cap_links) {
		uint32_t cap = all->cap_links ? all->cap_links * 2 : 64;
		struct incident_link *more = reallocarray(all->links, cap, sizeof(*more));

		if (!more)
			return err_origin(-ENOMEM);
		all->links = more;
		all->cap_links = cap;
	}
	l = &all->links[all->n_links++];
	*l = (struct incident_link){ .a = a, .b = b, .kind = kind };
	copy(l->text, sizeof(l->text), text);
	/* the alert with the least id names the incident */
	if (all->alerts[x].id < all->alerts[y].id)
		all->root[y] = x;
	else
		all->root[x] = y;
	return 0;
}

/* An end of an alert, for sorting by process. */
struct place {
	uint64_t entity;
	uint32_t alert, end, depth;
};

static int by_entity(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->entity != y->entity)
		return x->entity < y->entity ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return x->alert < y->alert ? -1 : x->alert > y->alert;
}

static const struct incident_end *end_of(const struct incidents *all, const struct place *p)
{
	return &all->alerts[p->alert].ends[p->end];
}

static int join_pair(struct incidents *all, const struct place *x, const struct place *y)
{
	const struct incident_end *e = end_of(all, x), *f = end_of(all, y);
	uint32_t hop = MAX(e->hop, f->hop);
	char text[256];

	if (x->depth == 0)
		snprintf(text, sizeof(text), "%s %s%s", f->depth ? "descends from" : "is the same",
			 f->depth ? "the process " : "process, ", e->name);
	else if (e->general || f->general || x->depth > INCIDENT_NEAR + hop ||
		 y->depth > INCIDENT_NEAR + hop + 4 * hop)
		return 0;
	else
		snprintf(text, sizeof(text), "both descend from the process %s", e->name);
	if (hop) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n,
			 " over %u connection%s between nodes (%u %% sure)", hop,
			 hop > 1 ? "s" : "", MIN(e->sure, f->sure));
	}
	return link_them(all, y->alert, x->alert, hop ? INCIDENT_FLOW : INCIDENT_LINEAGE, text);
}

static int join_processes(struct incidents *all)
{
	AUTO_MEM struct place *places = calloc((size_t)all->n * INCIDENT_ENDS + 1, sizeof(*places));
	size_t n = 0;
	int r = 0;

	if (!places)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < all->n; i++)
		for (uint32_t k = 0; k < all->alerts[i].n_ends; k++)
			places[n++] = (struct place){ all->alerts[i].ends[k].entity, i, k,
						      all->alerts[i].ends[k].depth };
	qsort(places, n, sizeof(*places), by_entity);
	for (size_t i = 0, first = 0; r == 0 && i < n; i++) {
		if (places[i].entity != places[first].entity)
			first = i;
		else if (i != first)
			r = join_pair(all, &places[first], &places[i]);
	}
	return r;
}

/* Alerts that have the same text, the first with each other one. */
static int join_texts(struct incidents *all, size_t offset, enum incident_kind kind,
		      const char *format, bool same_node)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < all->n; i++) {
		const char *x = (const char *)&all->alerts[i] + offset;

		for (uint32_t k = i + 1; r == 0 && *x && k < all->n; k++) {
			const char *y = (const char *)&all->alerts[k] + offset;
			char text[256];

			if (strcmp(x, y) != 0 ||
			    (same_node && strcmp(all->alerts[i].node, all->alerts[k].node) != 0))
				continue;
			snprintf(text, sizeof(text), "%s %s", format, x);
			r = link_them(all, i, k, kind, text);
		}
	}
	return r;
}

static int read_all(struct incidents *all, struct alertbook *book, uint64_t since_ns,
		    uint64_t until_ns)
{
	const struct alert_filter f = { .status = -1,
					.since_ns = since_ns,
					.until_ns = until_ns,
					.limit = INCIDENT_ALERTS + 1 };
	int r = alertbook_list(book, &f, take, all);

	for (uint32_t i = 0; r == 0 && i < all->n; i++) {
		struct marked m = { .alert = &all->alerts[i] };

		r = alertbook_marks(book, all->alerts[i].id, take_mark, &m);
	}
	return r;
}

int incidents_find(struct incidents *ret, struct alertbook *book, struct flowdb *db,
		   struct query_worker *w, uint64_t since_ns, uint64_t until_ns)
{
	int r;

	*ret = (struct incidents){ 0 };
	r = read_all(ret, book, since_ns, until_ns);
	for (uint32_t i = 0; r == 0 && db && i < ret->n; i++)
		r = cross(ret, db, w, &ret->alerts[i]);
	if (r == 0)
		r = join_processes(ret);
	if (r == 0)
		r = join_texts(ret, offsetof(struct incident_alert, flow), INCIDENT_FLOW,
			       "both are of the flow", false);
	if (r == 0)
		r = join_texts(ret, offsetof(struct incident_alert, sha256), INCIDENT_FILE,
			       "both ran the file with the SHA-256", false);
	if (r == 0)
		r = join_texts(ret, offsetof(struct incident_alert, user), INCIDENT_USER,
			       "both were done by the user", true);
	for (uint32_t i = 0; r == 0 && i < ret->n; i++)
		ret->root[i] = root_of(ret, i);
	return r;
}

/* ---- score ---- */

bool incidents_is_one(const struct incidents *all, uint32_t root)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < all->n && n < 2; i++)
		n += all->root[i] == root;
	return n > 1 || all->alerts[root].level >= RULE_HIGH;
}

uint32_t incidents_score(const struct incidents *all, uint32_t root)
{
	static const uint32_t points[RULE_LEVELS] = { 5, 10, 25, 45, 70 };
	uint32_t worst = 0, n = 0, n_nodes = 0, n_rules = 0;

	for (uint32_t i = 0; i < all->n; i++) {
		bool node = true, rule = true;

		if (all->root[i] != root)
			continue;
		for (uint32_t k = 0; k < i; k++) {
			if (all->root[k] != root)
				continue;
			node &= strcmp(all->alerts[k].node, all->alerts[i].node) != 0;
			rule &= strcmp(all->alerts[k].rule_id, all->alerts[i].rule_id) != 0;
		}
		n++;
		n_nodes += node;
		n_rules += rule;
		worst = MAX(worst, points[all->alerts[i].level]);
	}
	return MIN(100U, worst + 4 * (n_rules - (n_rules > 0)) + 10 * (n_nodes - (n_nodes > 0)) +
				 MIN(n, 10U));
}
