/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sample.h"

#include "lib/batch.h"
#include "lib/timestamp.h"

#define BEGIN_NS UINT64_C(1790000000000000000) /* any time will do */
#define STEP_NS	 UINT64_C(1000000000)
enum { MAX_ARGS = 256, MAX_FIELDS = 128 };

struct sample {
	struct frame_codec *codec;
	struct block *block;
	struct buf frame;
};

/* A field of the event that is being made. */
struct value {
	struct field_ref field;
	const struct yaml_node *node;
};

struct maker {
	struct sample *sample;
	struct batch *batch;
	struct diag *diag;
	const struct yaml_node *event;
	struct value values[MAX_FIELDS];
	size_t n;
	uint32_t rows[VIA_MAX]; /* of the process table; 0: not there */
	enum kind kind;
	uint64_t time_ns;
};

int sample_new(struct sample **ret)
{
	AUTO(sample) *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_origin(-ENOMEM);
	r = frame_codec_new(&s->codec);
	if (r == 0)
		r = block_new(&s->block);
	if (r == 0)
		*ret = TAKE(s);
	return r;
}

struct sample *sample_free(struct sample *s)
{
	if (!s)
		return NULL;
	frame_codec_free(s->codec);
	block_free(s->block);
	buf_done(&s->frame);
	free(s);
	return NULL;
}

static int wrong(struct maker *m, const struct yaml_node *at, const char *expected)
{
	return diag_set(m->diag, -EINVAL, at->line, at->column, "expected %s", expected);
}

/* ---- what is told ---- */

static int find_kind(struct maker *m)
{
	const struct yaml_node *action = yaml_get(m->event, "event.action");
	const struct yaml_node *category = yaml_get(m->event, "event.category");

	if (!action || !action->text)
		return wrong(m, action ? action : m->event, "event.action, the kind of the event");
	for (uint32_t k = 1; k < KIND_MAX; k++) {
		const struct kind_info *info = kind_info(k);

		if (!info || strcmp(info->action, action->text) != 0 ||
		    (category && !yaml_is(category, info->category)))
			continue;
		m->kind = k;
		return 0;
	}
	return diag_set(m->diag, -EINVAL, action->line, action->column,
			"no kind of event has the action \"%.40s\"", action->text);
}

static bool is_told_elsewhere(const struct yaml_node *key)
{
	static const char *const keys[] = { "event.action", "event.category", "event.type",
					    "after",	    "host.id",	      "host.name" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (yaml_is(key, keys[i]))
			return true;
	return false;
}

static int read_values(struct maker *m)
{
	for (const struct yaml_node *i = m->event->first; i; i = i->next) {
		struct value *v = &m->values[m->n];

		if (is_told_elsewhere(i->key) || i->type == YAML_NULL)
			continue;
		if (m->n == MAX_FIELDS)
			return wrong(m, i, "fewer fields");
		if (!field_find(i->key->text, i->key->n, &v->field))
			return diag_set(m->diag, -EINVAL, i->key->line, i->key->column,
					"unknown field \"%.60s\"; see docs/fields.md",
					i->key->text);
		if (v->field.info->home == HOME_BATCH)
			return wrong(m, i->key, "of the node host.id and host.name only");
		if (v->field.info->rule != RULE_STORED && v->field.info->rule != RULE_JOIN)
			return wrong(m, i->key, "the field that this one is derived from");
		v->node = i;
		m->n++;
	}
	return 0;
}

static const struct yaml_node *told(const struct maker *m, enum field f, enum field_via via)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->values[i].field.info->field == f && m->values[i].field.via == via)
			return m->values[i].node;
	return NULL;
}

static bool has_process(const struct maker *m, enum field_via via)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->values[i].field.info->home == HOME_PROCESS && m->values[i].field.via == via)
			return true;
	return false;
}

/* ---- values ---- */

static int put_list(struct maker *m, enum kind kind, enum field f, const struct yaml_node *node)
{
	uint32_t numbers[MAX_ARGS];
	size_t n = 0;
	bool list = node->type == YAML_LIST;

	for (const struct yaml_node *i = list ? node->first : node; i; i = list ? i->next : NULL) {
		if (!i->text)
			return wrong(m, i, "a text");
		if (n == MAX_ARGS)
			return wrong(m, i, "a shorter list");
		numbers[n++] = batch_string(m->batch, i->text, i->n);
	}
	batch_set_list(m->batch, kind, f, numbers, n);
	return 0;
}

static int put_words(struct maker *m, enum field f, const struct yaml_node *node)
{
	uint32_t numbers[MAX_ARGS];
	size_t n = 0;

	if (!node->text)
		return wrong(m, node, "a text");
	for (size_t at = 0, len; at < node->n; at += len + 1) {
		const char *blank = memchr(node->text + at, ' ', node->n - at);

		len = blank ? (size_t)(blank - node->text) - at : node->n - at;
		if (n < MAX_ARGS)
			numbers[n++] = batch_string(m->batch, node->text + at, len);
	}
	batch_set_list(m->batch, KIND_NONE, f, numbers, n);
	return 0;
}

static int put_date(struct maker *m, enum kind kind, enum field f, const struct yaml_node *node)
{
	uint64_t ns;

	if (!node->text || timestamp_parse(node->text, node->n, BEGIN_NS, &ns, NULL) < 0)
		return wrong(m, node, "a time such as 2027-01-31T12:00:00Z");
	batch_set(m->batch, kind, f, ns);
	return 0;
}

static int put_id(struct maker *m, enum kind kind, enum field f, const struct yaml_node *node)
{
	char *end = NULL;
	uint64_t id = node->text ? strtoull(node->text, &end, 16) : 0;

	if (!id || *end)
		return wrong(m, node, "an id of hexadecimal digits");
	batch_set_id(m->batch, kind, f, id);
	return 0;
}

static int put_value(struct maker *m, enum kind kind, const struct value *v)
{
	const struct field_info *f = v->field.info;
	const struct yaml_node *node = v->node;

	if (f->rule == RULE_JOIN)
		return put_words(m, f->source, node);
	switch (f->type) {
	case TYPE_KEYWORDS:
		return put_list(m, kind, f->field, node);
	case TYPE_DATE:
		return put_date(m, kind, f->field, node);
	case TYPE_ID:
		return put_id(m, kind, f->field, node);
	case TYPE_LONG:
		if (node->type != YAML_INT || node->integer < 0)
			return wrong(m, node, "a number, not negative");
		batch_set(m->batch, kind, f->field, (uint64_t)node->integer);
		return 0;
	case TYPE_BOOL:
		if (node->type != YAML_BOOL)
			return wrong(m, node, "true or false");
		batch_set(m->batch, kind, f->field, node->boolean);
		return 0;
	case TYPE_KEYWORD:
	case TYPE_IP:
		if (!node->text)
			return wrong(m, node, "a text");
		batch_set_str(m->batch, kind, f->field, node->text, node->n);
		break;
	}
	return 0;
}

/* ---- processes ---- */

/* One process is one id: by its pid, else by the part it plays. */
static uint64_t entity_of(const struct maker *m, enum field_via via)
{
	const struct yaml_node *id = told(m, FIELD_ENTITY_ID, via), *pid = told(m, FIELD_PID, via);

	if (id && id->text)
		return strtoull(id->text, NULL, 16) | (UINT64_C(1) << 63);
	if (pid && pid->type == YAML_INT)
		return UINT64_C(0x7000000000000000) + (uint64_t)pid->integer;
	return UINT64_C(0x6000000000000000) + via;
}

/* What the sensor takes from the executable. */
static void fill_in(struct maker *m, enum field_via via)
{
	const struct yaml_node *exe = told(m, FIELD_EXECUTABLE, via);
	const char *slash;
	uint32_t arg;

	if (!exe || !exe->text)
		return;
	slash = strrchr(exe->text, '/');
	slash = slash ? slash + 1 : exe->text;
	if (!told(m, FIELD_NAME, via))
		batch_set_str(m->batch, KIND_NONE, FIELD_NAME, slash, strlen(slash));
	if (told(m, FIELD_ARGS, via) || told(m, FIELD_COMMAND_LINE, via))
		return;
	arg = batch_string(m->batch, slash, strlen(slash));
	batch_set_list(m->batch, KIND_NONE, FIELD_ARGS, &arg, 1);
}

static void link_rows(struct maker *m)
{
	static const enum field links[VIA_MAX] = {
		[VIA_PARENT] = FIELD_PARENT,
		[VIA_SESSION_LEADER] = FIELD_SESSION_LEADER,
		[VIA_ENTRY_LEADER] = FIELD_ENTRY_LEADER,
	};

	for (size_t via = 0; via < VIA_MAX; via++)
		if (links[via] && m->rows[via])
			batch_set_row(m->batch, KIND_NONE, links[via], m->rows[via]);
}

static int add_process(struct maker *m, enum field_via via)
{
	uint64_t entity = entity_of(m, via);
	int r = 0;

	m->rows[via] = batch_process_find(m->batch, entity, 0);
	if (m->rows[via])
		return 0;
	m->rows[via] = batch_process_add(m->batch, entity, 0);
	for (size_t i = 0; r == 0 && i < m->n; i++) {
		const struct field_ref *f = &m->values[i].field;

		if (f->info->home == HOME_PROCESS && f->via == via &&
		    f->info->field != FIELD_ENTITY_ID)
			r = put_value(m, KIND_NONE, &m->values[i]);
	}
	fill_in(m, via);
	if (via == VIA_ACTOR)
		link_rows(m);
	return r;
}

/* Rows refer to rows before them: the acting process comes last. */
static int add_processes(struct maker *m)
{
	static const enum field_via order[] = { VIA_PARENT, VIA_SESSION_LEADER, VIA_ENTRY_LEADER,
						VIA_TARGET };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(order); i++)
		if (has_process(m, order[i]))
			r = add_process(m, order[i]);
	return r == 0 ? add_process(m, VIA_ACTOR) : r;
}

/* ---- the event ---- */

static int find_time(struct maker *m, uint32_t number)
{
	const struct yaml_node *after = yaml_get(m->event, "after");
	uint64_t ns = number * STEP_NS;

	if (after && (!after->text || duration_parse(after->text, after->n, &ns, NULL) < 0))
		return wrong(m, after, "a length of time such as 5s");
	m->time_ns = BEGIN_NS + ns;
	return 0;
}

static int add_event(struct maker *m, uint32_t number)
{
	int r = 0;

	batch_event(m->batch, m->kind, number + 1, m->time_ns);
	batch_set_row(m->batch, m->kind, FIELD_PROCESS, m->rows[VIA_ACTOR]);
	if (m->rows[VIA_TARGET])
		batch_set_row(m->batch, m->kind, FIELD_TARGET, m->rows[VIA_TARGET]);
	if (!told(m, FIELD_OUTCOME, VIA_ACTOR))
		batch_set_str(m->batch, m->kind, FIELD_OUTCOME, "success", strlen("success"));
	for (size_t i = 0; r == 0 && i < m->n; i++)
		if (m->values[i].field.info->home == HOME_EVENT)
			r = put_value(m, m->kind, &m->values[i]);
	return r;
}

static const char *host(const struct yaml_node *event, const char *key, const char *otherwise)
{
	const struct yaml_node *node = yaml_get(event, key);

	return node && node->text && node->n && node->n < 128 ? node->text : otherwise;
}

static int make(struct maker *m, uint32_t number)
{
	int r = find_kind(m);

	if (r == 0)
		r = find_time(m, number);
	if (r == 0)
		r = read_values(m);
	if (r == 0)
		r = add_processes(m);
	return r == 0 ? add_event(m, number) : r;
}

static int open_frame(struct maker *m, uint32_t number)
{
	struct sample *s = m->sample;
	int r;

	buf_clear(&s->frame);
	r = batch_seal(m->batch, s->codec, NULL, number + 1, m->time_ns, &s->frame);
	if (r == 0)
		r = block_load(s->block, s->frame.data, s->frame.n, m->diag);
	if (r == -EBADMSG)
		r = -EINVAL;
	return r;
}

int sample_event(struct sample *s, const struct yaml_node *event, uint32_t number,
		 struct block **ret_block, struct diag *d)
{
	const char *id = host(event, "host.id", host(event, "host.name", "node-1"));
	struct batch_origin origin = { .node_id = id,
				       .node_name = host(event, "host.name", id),
				       .boot_id = { 1 },
				       .architecture = "x86_64",
				       .os_kernel = "6.1",
				       .agent_version = "0" };
	AUTO_MEM struct maker *m = calloc(1, sizeof(*m));
	AUTO(batch) *batch = NULL;
	int r;

	if (!m)
		return err_origin(-ENOMEM);
	if (event->type != YAML_MAP)
		return diag_set(d, -EINVAL, event->line, event->column,
				"an event is a map of fields, not %s", yaml_type_name(event));
	r = batch_new(&batch, &origin);
	if (r < 0)
		return r;
	*m = (struct maker){ .sample = s, .batch = batch, .diag = d, .event = event };
	r = make(m, number);
	if (r == 0)
		r = open_frame(m, number);
	if (r == 0)
		*ret_block = s->block;
	return r;
}
