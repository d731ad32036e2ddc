/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/incidents and /api/v1/incidents/{incident_id} */
#include "collector/api.h"
#include "collector/api_alerts.h"
#include "collector/flows.h"
#include "collector/incidents.h"
#include "lib/timestamp.h"

#define DAY_NS UINT64_C(86400000000000)

struct task {
	uint64_t since_ns, until_ns, id; /* id 0: the list */
	uint64_t limit;
};

static uint32_t count_alerts(const struct incidents *all, uint32_t root, uint64_t *ret_events,
			     enum rule_level *ret_level)
{
	uint32_t n = 0;

	*ret_events = 0;
	*ret_level = RULE_INFORMATIONAL;
	for (uint32_t i = 0; i < all->n; i++) {
		if (all->root[i] != root)
			continue;
		n++;
		*ret_events += all->alerts[i].n_events;
		*ret_level = MAX(*ret_level, all->alerts[i].level);
	}
	return n;
}

/* Is alert @i the first of its incident that has the same @text at @offset? */
static bool is_first(const struct incidents *all, uint32_t i, size_t offset)
{
	for (uint32_t k = 0; k < i; k++)
		if (all->root[k] == all->root[i] &&
		    strcmp((const char *)&all->alerts[k] + offset,
			   (const char *)&all->alerts[i] + offset) == 0)
			return false;
	return true;
}

static void write_texts(struct json *j, const char *key, const struct incidents *all, uint32_t root,
			size_t offset)
{
	json_key(j, key);
	json_begin_array(j);
	for (uint32_t i = 0; i < all->n; i++)
		if (all->root[i] == root && is_first(all, i, offset))
			json_text(j, (const char *)&all->alerts[i] + offset);
	json_end_array(j);
}

/* Each once; they are T and digits. */
static void write_techniques(struct json *j, const struct incidents *all, uint32_t root)
{
	char seen[2048] = "";

	json_key(j, "techniques");
	json_begin_array(j);
	for (uint32_t i = 0; i < all->n; i++) {
		const char *at = all->alerts[i].techniques;

		while (all->root[i] == root && (at = strchr(at, '"'))) {
			size_t n = strcspn(++at, "\"");
			char word[24];

			snprintf(word, sizeof(word), "%.*s ", (int)MIN(n, (size_t)20), at);
			at += n + (at[n] == '"');
			if (strstr(seen, word) || strlen(seen) + strlen(word) >= sizeof(seen))
				continue;
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s", word);
			json_text_n(j, word, strlen(word) - 1);
		}
	}
	json_end_array(j);
}

/* The gravest alert, the earliest of them. */
static uint32_t worst_of(const struct incidents *all, uint32_t root)
{
	uint32_t best = root;

	for (uint32_t i = 0; i < all->n; i++) {
		const struct incident_alert *a = &all->alerts[i], *b = &all->alerts[best];

		if (all->root[i] == root &&
		    (a->level > b->level || (a->level == b->level && a->first_ns < b->first_ns)))
			best = i;
	}
	return best;
}

static void write_incident(struct json *j, const struct incidents *all, uint32_t root)
{
	uint64_t events, first = UINT64_MAX, last = 0;
	enum rule_level level;
	uint32_t n = count_alerts(all, root, &events, &level);

	for (uint32_t i = 0; i < all->n; i++) {
		if (all->root[i] != root)
			continue;
		first = MIN(first, all->alerts[i].first_ns);
		last = MAX(last, all->alerts[i].last_ns);
	}
	json_key_uint(j, "id", all->alerts[root].id);
	json_key_text(j, "title", all->alerts[worst_of(all, root)].title);
	json_key_uint(j, "score", incidents_score(all, root));
	json_key_text(j, "level", rule_level_name(level));
	json_key_time(j, "first", first);
	json_key_time(j, "last", last);
	json_key_uint(j, "n_alerts", n);
	json_key_uint(j, "n_events", events);
	write_texts(j, "nodes", all, root, offsetof(struct incident_alert, node));
	write_texts(j, "rules", all, root, offsetof(struct incident_alert, rule_id));
	write_techniques(j, all, root);
}

/* ---- one ---- */

static int write_alert(const struct alert *a, void *arg)
{
	alert_write(arg, a);
	return 0;
}

static int write_alerts(struct json *j, const struct incidents *all, uint32_t root,
			struct alertbook *book)
{
	int e = 0;

	json_key(j, "alerts");
	json_begin_array(j);
	for (uint32_t i = 0; e >= 0 && i < all->n; i++)
		if (all->root[i] == root)
			e = alertbook_get(book, all->alerts[i].id, write_alert, j);
	json_end_array(j);
	return MIN(e, 0);
}

static void write_links(struct json *j, const struct incidents *all, uint32_t root)
{
	json_key(j, "because");
	json_begin_array(j);
	for (uint32_t i = 0; i < all->n_links; i++) {
		const struct incident_link *l = &all->links[i];

		if (all->root[l->a] != root)
			continue;
		json_begin_object(j);
		json_key_uint(j, "alert", all->alerts[l->a].id);
		json_key_uint(j, "with", all->alerts[l->b].id);
		json_key_text(j, "kind", incident_kind_name(l->kind));
		json_key_text(j, "text", l->text);
		json_end_object(j);
	}
	json_end_array(j);
}

/* What happened, in the order of time: the earliest of those not told yet, until none is left. */
static void write_timeline(struct json *j, const struct incidents *all, uint32_t root)
{
	uint64_t after_ns = 0, after_id = 0;

	json_key(j, "timeline");
	json_begin_array(j);
	for (;;) {
		const struct incident_alert *next = NULL;

		for (uint32_t i = 0; i < all->n; i++) {
			const struct incident_alert *a = &all->alerts[i];
			bool told = a->first_ns < after_ns ||
				    (a->first_ns == after_ns && a->id <= after_id);

			if (all->root[i] != root || told)
				continue;
			if (!next || a->first_ns < next->first_ns ||
			    (a->first_ns == next->first_ns && a->id < next->id))
				next = a;
		}
		if (!next)
			break;
		after_ns = next->first_ns;
		after_id = next->id;
		json_begin_object(j);
		json_key_time(j, "time", next->first_ns);
		json_key_text(j, "node", next->node);
		json_key_uint(j, "alert", next->id);
		json_key_text(j, "title", next->title);
		json_key_text(j, "process", next->process);
		json_key_text(j, "object", next->object[0] ? next->object : NULL);
		json_end_object(j);
	}
	json_end_array(j);
}

static void write_one(struct request *r, struct json *j, const struct incidents *all, uint64_t id)
{
	struct problem p = { .status = 404, .kind = "parameter", .parameter = "incident_id" };

	for (uint32_t i = 0; i < all->n; i++) {
		uint32_t root = all->root[i];

		if (all->alerts[i].id != id)
			continue;
		json_begin_object(j);
		write_incident(j, all, root);
		if (write_alerts(j, all, root, request_server(r)->config.alertbook) < 0) {
			request_problem_errno(r, -EIO);
			return;
		}
		write_links(j, all, root);
		write_timeline(j, all, root);
		json_key_bool(j, "truncated", all->cut);
		api_finish(r, j);
		return;
	}
	diag_set(&p.diag, 0, 0, 0, "there is no incident with this id in the range");
	request_problem(r, &p);
}

/* ---- the list ---- */

static void write_list(struct request *r, struct json *j, const struct incidents *all,
		       uint64_t limit)
{
	uint64_t n = 0;

	json_begin_object(j);
	json_key(j, "incidents");
	json_begin_array(j);
	for (uint32_t score = 101; score-- > 0;)
		for (uint32_t i = 0; i < all->n && n < limit; i++) {
			if (all->root[i] != i || incidents_score(all, i) != score ||
			    !incidents_is_one(all, i))
				continue;
			n++;
			json_begin_object(j);
			write_incident(j, all, i);
			json_end_object(j);
		}
	json_end_array(j);
	json_key_bool(j, "truncated", all->cut || n == limit);
	api_finish(r, j);
}

static void work(struct request *r, struct query_worker *w, void *arg)
{
	const struct task *t = arg;
	const struct server *s = request_server(r);
	struct json j = json_to(request_body(r));
	AUTO(flowdb) *db = NULL;
	struct incidents all;
	int e = s->config.flows ? flows_reader(s->config.flows, &db) : 0;

	if (e < 0 && e != -ENOENT) {
		request_problem_errno(r, e);
		return;
	}
	e = incidents_find(&all, s->config.alertbook, db, w, t->since_ns, t->until_ns);
	if (e < 0)
		request_problem_errno(r, e);
	else if (t->id)
		write_one(r, &j, &all, t->id);
	else
		write_list(r, &j, &all, t->limit);
	incidents_done(&all);
}

static bool read_limit(struct request *r, uint64_t *ret)
{
	struct diag d = { 0 };

	if (params_number(request_params(r), PARAM_LIMIT, 1, 10000, ret, &d) == 0)
		return true;
	api_bad_param(r, PARAM_LIMIT, &d);
	return false;
}

static void start(struct request *r, const char *id)
{
	AUTO_MEM struct task *t = api_alertbook(r) ? api_task(r, sizeof(*t)) : NULL;
	uint64_t now_ns = timestamp_now();

	if (!t)
		return;
	t->since_ns = now_ns - DAY_NS;
	t->until_ns = UINT64_MAX;
	t->id = id ? strtoull(id, NULL, 10) : 0;
	if (id && !t->id)
		t->id = UINT64_MAX;
	t->limit = 100;
	if (api_read_time(r, PARAM_SINCE, now_ns, &t->since_ns) &&
	    api_read_time(r, PARAM_UNTIL, now_ns, &t->until_ns) && (id || read_limit(r, &t->limit)))
		request_run(r, work, TAKE(t), free);
}

void api_incidents(struct request *r)
{
	start(r, NULL);
}

void api_incident(struct request *r)
{
	char id[PATH_VALUE_BYTES];

	if (request_path_value(r, "incident_id", id))
		start(r, id);
}
