/* SPDX-License-Identifier: Apache-2.0 */
/* What the collector knows of events, nodes and itself: /api/v1/fields, kinds, nodes, status. */
#include "collector/api.h"
#include "collector/metrics.h"
#include "collector/openapi.h"
#include "lib/timestamp.h"

#define NS_PER_MS UINT64_C(1000000)

enum { SILENT_MS = 30000 }; /* sensors send a heartbeat well within this */

/* ---- fields and kinds ---- */

static void write_field(struct json *j, const char *name, struct field_ref ref,
			const char *alias_of)
{
	json_begin_object(j);
	json_key_text(j, "name", name);
	json_key_text(j, "type", field_type_name(ref.info->type));
	json_key_bool(j, "list", ref.info->type == TYPE_KEYWORDS);
	json_key_text(j, "help", ref.info->help);
	if (alias_of)
		json_key_text(j, "alias_of", alias_of);
	json_end_object(j);
}

static int each_field(struct field_ref ref, void *arg)
{
	char name[64];

	write_field(arg, field_name(ref, name, sizeof(name)), ref, NULL);
	return 0;
}

void api_fields(struct request *r)
{
	struct json j = json_to(request_body(r));
	const char *alias, *name;
	struct field_ref ref;

	json_begin_object(&j);
	json_key(&j, "fields");
	json_begin_array(&j);
	field_each(each_field, &j);
	for (size_t i = 0; field_alias(i, &alias, &name); i++)
		if (field_find(name, strlen(name), &ref))
			write_field(&j, alias, ref, name);
	json_end_array(&j);
	api_finish(r, &j);
}

void api_kinds(struct request *r)
{
	struct json j = json_to(request_body(r));

	json_begin_object(&j);
	json_key(&j, "kinds");
	json_begin_array(&j);
	for (uint32_t i = 0; i < KIND_MAX; i++) {
		const struct kind_info *kind = kind_info(i);

		if (!kind)
			continue;
		json_begin_object(&j);
		json_key_text(&j, "category", kind->category);
		json_key_text(&j, "action", kind->action);
		json_key_text(&j, "type", kind->type);
		json_key_text(&j, "class", kind->class == CLASS_PRIORITY ? "priority" : "bulk");
		json_key_text(&j, "help", kind->help);
		json_end_object(&j);
	}
	json_end_array(&j);
	api_finish(r, &j);
}

/* ---- the API itself ---- */

void api_openapi(struct request *r)
{
	struct json j = json_to(request_body(r));
	int e = openapi_write(&j);

	buf_byte(j.out, '\n');
	if (e < 0)
		request_problem_errno(r, e);
	else
		request_answer(r, 200, "application/json");
}

/* ---- nodes ---- */

static void write_strings(struct json *j, const char *key, const struct block_string *s, size_t n)
{
	json_key(j, key);
	json_begin_array(j);
	for (size_t i = 0; i < n; i++)
		json_text_n(j, s[i].s, s[i].n);
	json_end_array(j);
}

static void write_sensor(struct json *j, const struct block_stats *s)
{
	json_key(j, "sensor");
	json_begin_object(j);
	json_key_uint(j, "events", s->events);
	json_key_uint(j, "lost_priority", s->lost_priority);
	json_key_uint(j, "lost_bulk", s->lost_bulk);
	json_key_uint(j, "lost_queue", s->lost_queue);
	json_key_uint(j, "malformed", s->malformed);
	json_key_uint(j, "batches_queued", s->batches_queued);
	json_key_uint(j, "bytes_queued", s->bytes_queued);
	json_key_uint(j, "cpu_ns", s->cpu_ns);
	json_key_uint(j, "rss_bytes", s->rss_bytes);
	json_key_uint(j, "processes", s->processes);
	json_key_uint(j, "left_out", s->left_out);
	json_key_uint(j, "undecided", s->undecided);
	write_strings(j, "tiers", s->tiers, s->n_tiers);
	write_strings(j, "counters", s->counters, s->n_counters);
	json_end_object(j);
}

struct node_list {
	struct json j;
	uint64_t now_ns;
	const struct scope *scope; /* what the asker may see */
};

static int each_node(const struct node *n, void *arg)
{
	struct node_list *list = arg;
	struct json *j = &list->j;
	uint64_t silent_ms =
		list->now_ns > n->last_seen_ns ? (list->now_ns - n->last_seen_ns) / NS_PER_MS : 0;
	const struct block_info info = { .node_id = { n->id, (uint32_t)strlen(n->id) } };

	if (!scope_has(list->scope,
		       &info)) /* its labels are not kept: a scope of labels shows none */
		return 0;
	json_begin_object(j);
	json_key_text(j, "id", n->id);
	json_key_text(j, "name", n->name);
	json_key_text(j, "state", n->state ? n->state : silent_ms <= SILENT_MS ? "up" : "silent");
	json_key(j, "alarms");
	json_begin_array(j);
	for (enum watch_condition c = 0; c < WATCH_CONDITIONS; c++)
		if (n->alarms >> c & 1)
			json_text(j, watch_name(c));
	json_end_array(j);
	json_key_text(j, "boot_id", n->boot_id);
	json_key_text(j, "architecture", n->architecture);
	json_key_text(j, "os_kernel", n->os_kernel);
	json_key_text(j, "agent_version", n->agent_version);
	json_key_time(j, "first_seen", n->first_seen_ns);
	json_key_time(j, "last_seen", n->last_seen_ns);
	json_key_uint(j, "lag_ms", silent_ms);
	json_key(j, "clock_offset_ns");
	json_int(j, n->clock_offset_ns);
	json_key_uint(j, "last_sequence", n->last_seq);
	json_key_uint(j, "events", n->events);
	json_key_uint(j, "batches", n->batches);
	write_sensor(j, &n->stats);
	json_end_object(j);
	return 0;
}

void api_nodes(struct request *r)
{
	struct node_list list = { json_to(request_body(r)), timestamp_now(), request_scope(r) };
	int e;

	json_begin_object(&list.j);
	json_key(&list.j, "nodes");
	json_begin_array(&list.j);
	e = maindb_nodes(request_server(r)->config.maindb, each_node, &list);
	json_end_array(&list.j);
	if (e < 0)
		request_problem_errno(r, e);
	else
		api_finish(r, &list.j);
}

/* ---- status and metrics ---- */

/* The table of metrics.h, by groups: {"store":{"blocks":..},..}. */
static void write_groups(const struct metrics *m, struct json *j)
{
	const char *group = "";

	for (size_t i = 0; i < METRIC_MAX; i++) {
		const struct metric_info *info = metric_info((enum metric)i);

		if (strcmp(info->group, group) != 0) {
			if (group[0])
				json_end_object(j);
			group = info->group;
			json_key(j, group);
			json_begin_object(j);
		}
		json_key_uint(j, info->key, m->value[i]);
	}
	if (group[0])
		json_end_object(j);
}

static void write_refusals(const struct metrics *m, struct json *j)
{
	json_key(j, "refused");
	json_begin_object(j);
	for (enum refusal r = REFUSAL_NONE + 1; r < REFUSAL_MAX; r++) {
		char key[64];

		snprintf(key, sizeof(key), "%s_%s", refusal_what(r), refusal_reason(r));
		json_key_uint(j, key, m->refused[r]);
	}
	json_end_object(j);
}

static void write_alarms(const struct metrics *m, struct json *j)
{
	json_key(j, "alarms");
	json_begin_object(j);
	for (enum watch_condition c = 0; c < WATCH_CONDITIONS; c++)
		json_key_uint(j, watch_name(c), m->alarms[c]);
	json_end_object(j);
}

static void write_observers(const struct metrics *m, struct json *j)
{
	json_key(j, "followers");
	json_begin_array(j);
	for (size_t i = 0; i < m->n_observers; i++) {
		const struct follow_stats *o = &m->observers[i];

		json_begin_object(j);
		json_key_text(j, "name", o->name);
#define X(member, key, ...) json_key_uint(j, #key, o->member);
		FOLLOW_METRICS(X)
#undef X
		json_end_object(j);
	}
	json_end_array(j);
}

static void write_status(struct request *r, const struct metrics *m)
{
	struct json j = json_to(request_body(r));
	uint64_t started_ns = request_server(r)->started_ns, now_ns = timestamp_now();

	json_begin_object(&j);
	json_key_text(&j, "version", RTSEC_VERSION);
	json_key_time(&j, "started", started_ns);
	json_key_uint(&j, "uptime_s", now_ns > started_ns ? (now_ns - started_ns) / 1000000000 : 0);
	write_groups(m, &j);
	write_refusals(m, &j);
	write_alarms(m, &j);
	write_observers(m, &j);
	api_finish(r, &j);
}

static void write_metrics(struct request *r, const struct metrics *m)
{
	metrics_write(m, request_body(r));
	request_answer(r, 200, "text/plain; version=0.0.4; charset=utf-8");
}

struct report {
	struct metrics metrics;
	void (*write)(struct request *r, const struct metrics *m);
};

static void work_report(struct request *r, struct query_worker *w, void *task)
{
	struct report *report = task;
	int e = metrics_read_store(&report->metrics, query_worker_reader(w));

	if (e < 0)
		request_problem_errno(r, e);
	else
		report->write(r, &report->metrics);
}

static void report(struct request *r, void (*write)(struct request *, const struct metrics *))
{
	struct report *task = calloc(1, sizeof(*task));

	if (!task) {
		request_problem_errno(r, -ENOMEM);
		return;
	}
	task->write = write;
	metrics_read_loop(&task->metrics, request_server(r));
	request_run(r, work_report, task, free);
}

void api_status(struct request *r)
{
	report(r, write_status);
}

void api_metrics(struct request *r)
{
	report(r, write_metrics);
}
