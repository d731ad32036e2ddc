/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/alerts */
#include "collector/api_alerts.h"

#include <jansson.h>

#include "collector/alert_watch.h"
#include "collector/api.h"
#include "collector/api_rules.h"
#include "lib/timestamp.h"

#define AROUND_NS UINT64_C(600000000000) /* gaps so near to an alert are told with it */

struct alertbook *api_alertbook(struct request *r)
{
	struct alertbook *b = request_server(r)->config.alertbook;

	if (!b)
		request_problem_text(r, 503, "there are no alerts here");
	return b;
}

/* ---- parameters ---- */

void alert_query_done(struct alert_query *q)
{
	free(q->rule_id);
	free(q->node);
	q->rule_id = q->node = NULL;
}

static bool read_words(struct request *r, struct alert_filter *f)
{
	const char *status = api_text(r, PARAM_STATUS), *level = api_text(r, PARAM_LEVEL);
	enum alert_status s;

	f->status = -1;
	if (status && !alert_status_parse(status, &s))
		return api_bad(r, PARAM_STATUS, "expected open, acknowledged or closed");
	if (status)
		f->status = (int)s;
	if (level && !rule_level_parse(level, &f->least))
		return api_bad(r, PARAM_LEVEL,
			       "expected informational, low, medium, high or critical");
	return true;
}

bool alert_query_read(struct request *r, struct alert_query *ret)
{
	const char *rule = api_text(r, PARAM_RULE), *node = api_text(r, PARAM_NODE);
	uint64_t now_ns = timestamp_now();

	*ret = (struct alert_query){ .filter.until_ns = UINT64_MAX };
	if (!read_words(r, &ret->filter) ||
	    !api_read_time(r, PARAM_SINCE, now_ns, &ret->filter.since_ns) ||
	    !api_read_time(r, PARAM_UNTIL, now_ns, &ret->filter.until_ns))
		return false;
	ret->rule_id = rule ? strdup(rule) : NULL;
	ret->node = node ? strdup(node) : NULL;
	ret->filter.rule_id = ret->rule_id;
	ret->filter.node = ret->node;
	if ((!rule || ret->rule_id) && (!node || ret->node))
		return true;
	request_problem_errno(r, -ENOMEM);
	return false;
}

static bool read_page(struct request *r, struct alert_filter *f)
{
	const char *cursor = api_text(r, PARAM_CURSOR);
	struct diag d = { 0 };
	uint64_t limit;
	char *end;

	if (params_number(request_params(r), PARAM_LIMIT, 1, LIMIT_SEARCH_HITS, &limit, &d) < 0) {
		api_bad_param(r, PARAM_LIMIT, &d);
		return false;
	}
	f->limit = (uint32_t)limit;
	if (!cursor)
		return true;
	f->before_id = strtoull(cursor, &end, 10);
	return (*cursor >= '1' && *cursor <= '9' && !*end) ||
	       api_bad(r, PARAM_CURSOR, "expected a cursor that this resource has told");
}

/* ---- an alert as JSON ---- */

static void write_or_null(struct json *j, const char *key, const char *text)
{
	json_key_text(j, key, text && *text ? text : NULL);
}

/* The body's members lie in the alert's own object. */
static void write_body(struct json *j, const char *body)
{
	size_t n = strlen(body);

	if (n <= 2)
		return;
	buf_byte(j->out, ',');
	buf_add(j->out, body + 1, n - 2);
}

void alert_write(struct json *j, const struct alert *a)
{
	char entity[20];

	snprintf(entity, sizeof(entity), "%016llx", (unsigned long long)a->entity);
	json_begin_object(j);
	json_key_uint(j, "id", a->id);
	json_key_uint(j, "change", a->change);
	json_key_text(j, "status", alert_status_name(a->status));
	write_or_null(j, "owner", a->owner);
	json_key(j, "rule");
	json_begin_object(j);
	json_key_text(j, "id", a->rule_id);
	json_key_uint(j, "revision", a->revision);
	json_key_text(j, "title", a->title);
	json_key_text(j, "level", rule_level_name(a->level));
	json_key(j, "techniques");
	json_raw(j, a->techniques, strlen(a->techniques));
	json_end_object(j);
	json_key_text(j, "node", a->node);
	json_key_text(j, "node_id", a->node_id);
	json_key_text(j, "entity_id", a->entity ? entity : NULL);
	json_key_text(j, "object", a->object);
	json_key_uint(j, "count", a->n_events);
	json_key_time(j, "first", a->first_ns);
	json_key_time(j, "last", a->last_ns);
	json_key_time(j, "created", a->created_ns);
	json_key_time(j, "updated", a->updated_ns);
	json_key(j, "incident");
	if (a->incident)
		json_uint(j, a->incident);
	else
		json_nil(j);
	write_body(j, a->body);
	json_end_object(j);
}

/* ---- the list ---- */

struct page {
	struct json *j;
	uint32_t n, limit;
	uint64_t last;
	bool more;
};

static int each_alert(const struct alert *a, void *arg)
{
	struct page *p = arg;

	if (p->n == p->limit) {
		p->more = true;
		return 0;
	}
	p->n++;
	p->last = a->id;
	alert_write(p->j, a);
	return 0;
}

void api_alerts(struct request *r)
{
	struct alertbook *b = api_alertbook(r);
	struct json j = json_to(request_body(r));
	struct page page = { .j = &j };
	struct alert_query q = { 0 };
	char cursor[24];
	int e;

	if (!b || !alert_query_read(r, &q) || !read_page(r, &q.filter)) {
		alert_query_done(&q);
		return;
	}
	page.limit = q.filter.limit++;
	json_begin_object(&j);
	json_key(&j, "alerts");
	json_begin_array(&j);
	e = alertbook_list(b, &q.filter, each_alert, &page);
	alert_query_done(&q);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	json_end_array(&j);
	snprintf(cursor, sizeof(cursor), "%llu", (unsigned long long)page.last);
	json_key_text(&j, "cursor", page.more ? cursor : NULL);
	api_finish(r, &j);
}

void api_alerts_watch(struct request *r)
{
	if (api_alertbook(r))
		alert_watch_open(request_server(r)->watches, r);
}

/* ---- one alert ---- */

struct task {
	uint64_t id;
};

static bool read_id(struct request *r, uint64_t *ret)
{
	struct problem p = { .status = 404, .kind = "parameter", .parameter = "alert_id" };
	char text[PATH_VALUE_BYTES], *end;

	if (!request_path_value(r, "alert_id", text))
		return false;
	*ret = strtoull(text, &end, 10);
	if (text[0] >= '1' && text[0] <= '9' && !*end && *ret <= INT64_MAX)
		return true;
	diag_set(&p.diag, 0, 0, 0, "there is no alert with this id");
	request_problem(r, &p);
	return false;
}

/* Answers what a call of the book returned; true: it went well. */
static bool went_well(struct request *r, int e)
{
	struct problem p = { .status = 404, .kind = "parameter", .parameter = "alert_id" };

	if (e == ALERTBOOK_E_UNKNOWN) {
		diag_set(&p.diag, 0, 0, 0, "there is no alert with this id");
		request_problem(r, &p);
	} else if (e < 0) {
		request_problem_errno(r, e);
	}
	return e == 0;
}

/* What is kept of an alert for what is asked beside the book. */
struct one {
	struct json *j;
	uint64_t first_ns, last_ns;
	char node_id[256];
};

static int take_one(const struct alert *a, void *arg)
{
	struct one *o = arg;

	alert_write(o->j, a);
	o->first_ns = a->first_ns;
	o->last_ns = a->last_ns;
	snprintf(o->node_id, sizeof(o->node_id), "%s", a->node_id);
	return 0;
}

static int each_event(const char *document, void *arg)
{
	json_raw(arg, document, strlen(document));
	return 0;
}

static int each_note(const struct alert_note *n, void *arg)
{
	struct json *j = arg;

	json_begin_object(j);
	json_key_time(j, "created", n->created_ns);
	json_key_text(j, "author", n->author);
	json_key_text(j, "note", n->note);
	json_end_object(j);
	return 0;
}

/* Losses of the node around the alert: what it may have missed. */
static int write_gaps(struct request *r, struct query_worker *w, const struct one *o)
{
	struct store_scan_stats stats = { 0 };
	const struct query q = {
		.from_ns = o->first_ns > AROUND_NS ? o->first_ns - AROUND_NS : 0,
		.to_ns = o->last_ns + AROUND_NS,
		.node = o->node_id,
		.cancel = request_cancel(r),
		.stats = &stats,
	};
	uint32_t n;

	return api_write_gaps(w, &q, o->j, &n);
}

static void work_one(struct request *r, struct query_worker *w, void *task)
{
	const struct task *t = task;
	struct alertbook *b = request_server(r)->config.alertbook;
	struct json j = json_to(request_body(r));
	struct one o = { .j = &j };
	int e = alertbook_get(b, t->id, take_one, &o);

	if (!went_well(r, e))
		return;
	j.out->n--; /* the object goes on */
	j.comma = true;
	json_key(&j, "events");
	json_begin_array(&j);
	e = alertbook_events(b, t->id, each_event, &j);
	json_end_array(&j);
	json_key(&j, "notes");
	json_begin_array(&j);
	if (e == 0)
		e = alertbook_notes(b, t->id, each_note, &j);
	json_end_array(&j);
	if (e == 0)
		e = write_gaps(r, w, &o);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_finish(r, &j);
}

static void answer_one(struct request *r, uint64_t id)
{
	struct task *t = api_task(r, sizeof(*t));

	if (!t)
		return;
	t->id = id;
	request_run(r, work_one, t, free);
}

void api_alert(struct request *r)
{
	uint64_t id;

	if (api_alertbook(r) && read_id(r, &id))
		answer_one(r, id);
}

/* ---- changes ---- */

static void edit(struct request *r, int status)
{
	struct alertbook *b = api_alertbook(r);
	struct alert_edit e = {
		.status = status,
		.owner = api_text(r, PARAM_OWNER),
		.note = api_text(r, PARAM_NOTE),
		.author = request_token(r)->name,
	};
	uint64_t id;

	if (!b || !read_id(r, &id))
		return;
	if (status < 0 && !e.note && !e.owner)
		api_bad(r, PARAM_NOTE, "expected a note or an owner");
	else if (went_well(r, alertbook_edit(b, id, &e)))
		answer_one(r, id);
}

void api_alert_ack(struct request *r)
{
	edit(r, ALERT_ACKNOWLEDGED);
}

void api_alert_close(struct request *r)
{
	edit(r, ALERT_CLOSED);
}

void api_alert_reopen(struct request *r)
{
	edit(r, ALERT_OPEN);
}

void api_alert_note(struct request *r)
{
	edit(r, -1);
}

/* ---- an exception out of an alert ---- */

struct origin {
	char rule_id[RULE_ID_BYTES];
	struct buf condition; /* NUL-terminated */
};

static int take_rule(const struct alert *a, void *arg)
{
	struct origin *o = arg;

	snprintf(o->rule_id, sizeof(o->rule_id), "%s", a->rule_id);
	return 0;
}

/* Adds FIELD == "value" of the event. */
static void add_equal(struct buf *out, const json_t *event, const char *object, const char *member,
		      const char *field)
{
	const char *s = json_string_value(json_object_get(json_object_get(event, object), member));

	if (!s)
		return;
	buf_printf(out, "%s%s == ", out->n ? " and " : "", field);
	buf_byte(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_byte(out, '\\');
		buf_byte(out, (uint8_t)*s);
	}
	buf_byte(out, '"');
}

/* The same program doing the same to the same thing. */
static int take_condition(const char *document, void *arg)
{
	struct origin *o = arg;
	json_t *event = json_loads(document, 0, NULL);

	add_equal(&o->condition, event, "event", "action", "event.action");
	add_equal(&o->condition, event, "process", "executable", "process.executable");
	add_equal(&o->condition, event, "file", "path", "file.path");
	add_equal(&o->condition, event, "destination", "ip", "destination.ip");
	buf_byte(&o->condition, 0);
	json_decref(event);
	return 1; /* the first event is enough */
}

void api_alert_except(struct request *r)
{
	struct alertbook *b = api_alertbook(r);
	const char *condition = api_text(r, PARAM_CONDITION);
	struct origin o = { 0 };
	uint64_t id;

	if (!b || !read_id(r, &id) || !went_well(r, alertbook_get(b, id, take_rule, &o)))
		return;
	if (!condition && alertbook_events(b, id, take_condition, &o) >= 0 && o.condition.n > 1)
		condition = (const char *)o.condition.data;
	api_rule_add_exception(r, o.rule_id, condition, id);
	buf_done(&o.condition);
}
