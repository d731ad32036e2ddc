/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert is made of: its process and those above it, its first events, and the marks by
 * which incidents join it to others. */
#include "collector/detect_internal.h"

enum { ANCESTORS = 12, MARK_ANCESTORS = 8 };

struct detect_new *detect_new_free(struct detect_new *n)
{
	char *texts[7];

	if (!n)
		return NULL;
	memcpy(texts,
	       (char *[]){ n->rule_id, n->title, n->techniques, n->node_id, n->node, n->object,
			   n->body },
	       sizeof(texts));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < n->n_events; i++) {
		free(n->events[i].id);
		free(n->events[i].document);
	}
	for (size_t i = 0; i < n->n_marks; i++)
		free(n->marks[i].value);
	free(n);
	return NULL;
}

/* The object in words, to @out: a path, an address, another process, what is wrong with a sensor;
 * nothing. */
static void write_object(const struct detect_hit *h, struct buf *out)
{
	struct block *b = h->block;
	struct block_string s;
	uint64_t target;

	if (h->object || h->group || !b) {
		buf_str(out, h->object ? h->object : "");
		return;
	}
	s = detect_text(b, h->table, h->row, FIELD_FILE_PATH);
	target = detect_cell(b, h->table, h->row, FIELD_TARGET);
	if (s.n == 0)
		s = detect_text(b, h->table, h->row, FIELD_DEST_IP);
	if (s.n) {
		uint64_t port = detect_cell(b, h->table, h->row, FIELD_DEST_PORT);

		buf_add(out, s.s, s.n);
		if (port)
			buf_printf(out, ":%llu", (unsigned long long)(port - 1));
	} else {
		s = target ? detect_text(b, BLOCK_PROCESSES, (uint32_t)target - 1, FIELD_EXECUTABLE)
			   : detect_text(b, h->table, h->row, FIELD_ALARM_REASON);
		buf_add(out, s.s, s.n);
	}
}

/* ---- formatting ---- */

static void json_block_text(struct json *j, const char *key, struct block_string s)
{
	if (!s.n)
		return;
	json_key(j, key);
	json_text_n(j, s.s, s.n);
}

static void write_id(struct json *j, const char *key, uint64_t id)
{
	char text[20];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)id);
	json_key_text(j, key, id ? text : NULL);
}

/* What is told of a process, by its row (from 0 on). */
static void write_process(struct json *j, struct block *b, uint32_t row)
{
	uint64_t pid = detect_cell(b, BLOCK_PROCESSES, row, FIELD_PID);
	struct block_list args;

	json_begin_object(j);
	write_id(j, "entity_id", detect_cell(b, BLOCK_PROCESSES, row, FIELD_ENTITY_ID));
	if (pid)
		json_key_uint(j, "pid", pid - 1);
	json_block_text(j, "name", detect_text(b, BLOCK_PROCESSES, row, FIELD_NAME));
	json_block_text(j, "executable", detect_text(b, BLOCK_PROCESSES, row, FIELD_EXECUTABLE));
	if (block_list(b, BLOCK_PROCESSES, FIELD_ARGS, &args)) {
		json_key(j, "args");
		json_begin_array(j);
		for (uint32_t i = args.starts[row]; i < args.starts[row + 1]; i++) {
			struct block_string s = block_string(b, args.values[i]);

			json_text_n(j, s.s, MIN(s.n, 4096U));
		}
		json_end_array(j);
	}
	json_block_text(j, "user", detect_text(b, BLOCK_PROCESSES, row, FIELD_USER_NAME));
	json_end_object(j);
}

static uint32_t parent_of(struct block *b, uint32_t process)
{
	return (uint32_t)detect_cell(b, BLOCK_PROCESSES, process - 1, FIELD_PARENT);
}

static void write_ancestry(struct json *j, const struct detect_hit *h)
{
	uint32_t p = h->process, n = 0;

	json_key(j, "ancestry");
	json_begin_array(j);
	while (h->block && p && n++ < ANCESTORS) {
		p = parent_of(h->block, p);
		if (p)
			write_process(j, h->block, p - 1);
	}
	json_end_array(j);
}

/* Members of the alert's body, which the API puts into its answer as they are. */
static char *make_body(const struct detect_hit *h)
{
	AUTO_BUF struct buf out = { 0 };
	struct json j = json_to(&out);

	json_begin_object(&j);
	json_key_bool(&j, "folded", h->folded);
	json_key(&j, "process");
	if (h->block && h->process && !h->folded)
		write_process(&j, h->block, h->process - 1);
	else
		json_nil(&j);
	write_ancestry(&j, h);
	json_end_object(&j);
	buf_byte(&out, 0);
	return buf_ok(&out) ? (char *)TAKE(out.data) : NULL;
}

static char *make_techniques(const struct rule *rule)
{
	AUTO_BUF struct buf out = { 0 };
	struct json j = json_to(&out);

	json_begin_array(&j);
	for (size_t i = 0; i < rule->techniques.n; i++)
		json_text(&j, rule->techniques.v[i]);
	json_end_array(&j);
	buf_byte(&out, 0);
	return buf_ok(&out) ? (char *)TAKE(out.data) : NULL;
}

static char *copy_text(struct block_string s)
{
	return s.n ? strndup(s.s, s.n) : strdup("");
}

/* Takes the document @out and the id that it begins with ({"_id":"..."). */
static int keep_document(struct detect_new *n, struct buf *out)
{
	static const char begin[] = "{\"_id\":\"";
	const char *id = (const char *)out->data + sizeof(begin) - 1;

	buf_byte(out, 0);
	if (!buf_ok(out))
		return err_origin(-ENOMEM);
	if (out->n < sizeof(begin) + 1 || memcmp(out->data, begin, sizeof(begin) - 1) != 0)
		return 0;
	n->events[n->n_events].id = strndup(id, strcspn(id, "\""));
	if (!n->events[n->n_events].id)
		return err_origin(-ENOMEM);
	n->events[n->n_events++].document = (char *)TAKE(out->data);
	*out = (struct buf){ 0 };
	return 0;
}

/* The events that a window or a sequence is made of, as far as they are stored; the first ones and
 * the last. */
static int add_window(struct detect *d, struct detect_new *n, const struct detect_hit *h)
{
	size_t all = h->match ? h->match->n_events : h->n_window;
	int r = 0;

	for (size_t i = 0; r == 0 && i < all && n->n_events < ALERT_EVENTS; i++) {
		size_t at = all > ALERT_EVENTS && i == ALERT_EVENTS - 1 ? all - 1 : i;
		AUTO_BUF struct buf out = { 0 };

		if (h->match && h->match->events[at].missing)
			continue;
		r = h->match ? detect_fetch(d, h->match->events[at].time_ns,
					    h->match->events[at].seq, &out)
			     : detect_fetch(d, h->window[at].time_ns, h->window[at].seq, &out);
		if (r == 0)
			r = keep_document(n, &out);
	}
	return r;
}

int detect_new_add(struct detect *d, struct detect_new *n, const struct detect_hit *h)
{
	AUTO_BUF struct buf out = { 0 };
	struct json j = json_to(&out);
	const struct block_info *i;
	char *id;

	if (h->match || h->window) {
		int r = add_window(d, n, h);

		if (r < 0 || n->n_events || !h->block)
			return r;
	}
	i = block_info(h->block);
	document_begin(d->document, h->block, h->table);
	document_write(d->document, h->row, &j);
	buf_byte(&out, 0);
	if (!buf_ok(&out) ||
	    asprintf(&id, "%.*s:%s:%llu", (int)i->node_id.n, i->node_id.s, i->boot_text,
		     (unsigned long long)(detect_cell(h->block, h->table, h->row, FIELD_SEQ) - 1)) <
		    0)
		return err_origin(-ENOMEM);
	n->events[n->n_events].id = id;
	n->events[n->n_events++].document = (char *)TAKE(out.data);
	return 0;
}

/* ---- marks: by what incidents join ---- */

static void mark(struct detect_new *n, const char *kind, char *value)
{
	if (value && value[0] && n->n_marks < ARRAY_SIZE(n->marks)) {
		n->marks[n->n_marks].kind = kind;
		n->marks[n->n_marks++].value = value;
	} else {
		free(value);
	}
}

static void mark_id(struct detect_new *n, const char *kind, uint64_t id)
{
	char *text;

	if (id && asprintf(&text, "%016llx", (unsigned long long)id) > 0)
		mark(n, kind, text);
}

/* Programs that every machine has join nothing. */
static bool is_of_system(struct block_string path)
{
	static const char *const folders[] = { "/usr/", "/bin/", "/sbin/", "/lib" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (path.n >= strlen(folders[i]) &&
		    memcmp(path.s, folders[i], strlen(folders[i])) == 0)
			return true;
	return false;
}

static void add_marks(struct detect_new *n, const struct detect_hit *h)
{
	struct block *b = h->block;
	uint32_t p = h->process;

	if (!b)
		return;
	mark(n, "flow", copy_text(detect_text(b, h->table, h->row, FIELD_COMMUNITY_ID)));
	if (!p)
		return;
	mark_id(n, "process", h->entity);
	if (!is_of_system(detect_text(b, BLOCK_PROCESSES, p - 1, FIELD_EXECUTABLE)))
		mark(n, "sha256", copy_text(detect_text(b, BLOCK_PROCESSES, p - 1, FIELD_SHA256)));
	mark(n, "user", copy_text(detect_text(b, BLOCK_PROCESSES, p - 1, FIELD_USER_NAME)));
	for (uint32_t i = 0; i < MARK_ANCESTORS && (p = parent_of(b, p)); i++)
		mark_id(n, "ancestor", detect_cell(b, BLOCK_PROCESSES, p - 1, FIELD_ENTITY_ID));
}

/* ---- all of it ---- */

struct detect_new *detect_new_of(struct detect *d, const struct detect_hit *h)
{
	struct detect_new *n = calloc(1, sizeof(*n));
	struct block_string node_id = { 0 }, node = { 0 };
	AUTO_BUF struct buf object = { 0 };

	if (!n)
		return NULL;
	if (h->block) {
		node_id = block_info(h->block)->node_id;
		node = block_info(h->block)->node_name;
	}
	write_object(h, &object);
	n->rule_id = strdup(h->member->rule->id);
	n->title = strdup(h->member->rule->title);
	n->techniques = make_techniques(h->member->rule);
	n->node_id = copy_text(node_id);
	n->node = copy_text(node);
	n->body = make_body(h);
	if (object.n && !h->folded)
		n->object = copy_text(
			(struct block_string){ (const char *)object.data, (uint32_t)object.n });
	n->revision = h->member->revision;
	n->level = h->member->rule->level;
	n->entity = h->folded ? 0 : h->entity;
	add_marks(n, h);
	if (!n->rule_id || !n->title || !n->techniques || !n->node_id || !n->node || !n->body ||
	    !buf_ok(&object) || (object.n && !h->folded && !n->object) ||
	    detect_new_add(d, n, h) < 0 || (!h->block && detect_fill(d, n) < 0))
		return detect_new_free(n);
	return n;
}
