/* SPDX-License-Identifier: Apache-2.0 */
/* From hits to alerts: counted by (rule, process, object) first, formatted when new, written at the
 * end of a group of batches. */
#include "collector/detect_internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HOUR_NS UINT64_C(3600000000000)
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

/* ---- what a hit is about ---- */

static uint64_t cell(struct block *b, uint32_t table, uint32_t row, enum field f)
{
	const uint64_t *column = block_column(b, table, f);

	return column ? column[row] : 0;
}

static struct block_string text_of(struct block *b, uint32_t table, uint32_t row, enum field f)
{
	uint64_t number = cell(b, table, row, f);

	return number ? block_string(b, (uint32_t)number) : (struct block_string){ 0 };
}

/* The object in words, to @out: a path, an address, another process; nothing. */
static void write_object(const struct detect_hit *h, struct buf *out)
{
	struct block *b = h->block;
	struct block_string s;
	uint64_t target;

	if (h->object || h->group || !b) {
		buf_str(out, h->object ? h->object : "");
		return;
	}
	s = text_of(b, h->table, h->row, FIELD_FILE_PATH);
	target = cell(b, h->table, h->row, FIELD_TARGET);
	if (s.n == 0)
		s = text_of(b, h->table, h->row, FIELD_DEST_IP);
	if (s.n) {
		uint64_t port = cell(b, h->table, h->row, FIELD_DEST_PORT);

		buf_add(out, s.s, s.n);
		if (port)
			buf_printf(out, ":%llu", (unsigned long long)(port - 1));
	} else if (target) {
		s = text_of(b, BLOCK_PROCESSES, (uint32_t)target - 1, FIELD_EXECUTABLE);
		buf_add(out, s.s, s.n);
	}
}

/* A hash of it, without writing it. */
static uint64_t object_hash(const struct detect_hit *h)
{
	static const enum field texts[] = { FIELD_FILE_PATH, FIELD_DEST_IP };
	struct block *b = h->block;
	uint64_t port = cell(b, h->table, h->row, FIELD_DEST_PORT);
	uint64_t target = cell(b, h->table, h->row, FIELD_TARGET);
	uint64_t hash = port;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct block_string s = text_of(b, h->table, h->row, texts[i]);

		if (s.n)
			hash = XXH3_64bits_withSeed(s.s, s.n, hash + i);
	}
	if (target)
		hash ^= cell(b, BLOCK_PROCESSES, (uint32_t)target - 1, FIELD_ENTITY_ID);
	return hash;
}

/* Never 0. */
static uint64_t key_of(uint64_t rule, uint64_t entity, uint64_t object)
{
	const uint64_t parts[] = { rule, entity, object };

	return XXH3_64bits(parts, sizeof(parts)) | 1;
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
	uint64_t pid = cell(b, BLOCK_PROCESSES, row, FIELD_PID);
	struct block_list args;

	json_begin_object(j);
	write_id(j, "entity_id", cell(b, BLOCK_PROCESSES, row, FIELD_ENTITY_ID));
	if (pid)
		json_key_uint(j, "pid", pid - 1);
	json_block_text(j, "name", text_of(b, BLOCK_PROCESSES, row, FIELD_NAME));
	json_block_text(j, "executable", text_of(b, BLOCK_PROCESSES, row, FIELD_EXECUTABLE));
	if (block_list(b, BLOCK_PROCESSES, FIELD_ARGS, &args)) {
		json_key(j, "args");
		json_begin_array(j);
		for (uint32_t i = args.starts[row]; i < args.starts[row + 1]; i++) {
			struct block_string s = block_string(b, args.values[i]);

			json_text_n(j, s.s, MIN(s.n, 4096U));
		}
		json_end_array(j);
	}
	json_block_text(j, "user", text_of(b, BLOCK_PROCESSES, row, FIELD_USER_NAME));
	json_end_object(j);
}

static uint32_t parent_of(struct block *b, uint32_t process)
{
	return (uint32_t)cell(b, BLOCK_PROCESSES, process - 1, FIELD_PARENT);
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

static int add_document(struct detect *d, struct detect_new *n, const struct detect_hit *h)
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
		     (unsigned long long)(cell(h->block, h->table, h->row, FIELD_SEQ) - 1)) < 0)
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
	mark(n, "flow", copy_text(text_of(b, h->table, h->row, FIELD_COMMUNITY_ID)));
	if (!p)
		return;
	mark_id(n, "process", h->entity);
	if (!is_of_system(text_of(b, BLOCK_PROCESSES, p - 1, FIELD_EXECUTABLE)))
		mark(n, "sha256", copy_text(text_of(b, BLOCK_PROCESSES, p - 1, FIELD_SHA256)));
	mark(n, "user", copy_text(text_of(b, BLOCK_PROCESSES, p - 1, FIELD_USER_NAME)));
	for (uint32_t i = 0; i < MARK_ANCESTORS && (p = parent_of(b, p)); i++)
		mark_id(n, "ancestor", cell(b, BLOCK_PROCESSES, p - 1, FIELD_ENTITY_ID));
}

/* ---- groups ---- */

static struct detect_new *new_of(struct detect *d, const struct detect_hit *h)
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
	    add_document(d, n, h) < 0 || (!h->block && detect_fill(n) < 0))
		return detect_new_free(n);
	return n;
}

static struct detect_group *find_group(struct detect *d, uint64_t key)
{
	uint32_t at = slots_first(&d->by_key, key);
	uint32_t number = slots_next(&d->by_key, key, &at);

	return number ? &d->groups[number - 1] : NULL;
}

static struct detect_group *add_group(struct detect *d, uint64_t key)
{
	struct detect_group *g;

	if (d->n_groups == d->cap_groups) {
		uint32_t cap = d->cap_groups ? d->cap_groups * 2 : 1024;
		struct detect_group *more = reallocarray(d->groups, cap, sizeof(*more));

		if (!more)
			return NULL;
		d->groups = more;
		d->cap_groups = cap;
	}
	if (!slots_room(&d->by_key))
		return NULL;
	g = &d->groups[d->n_groups++];
	*g = (struct detect_group){ .key = key };
	slots_put(&d->by_key, key, d->n_groups);
	return g;
}

static bool touch(struct detect *d, struct detect_group *g)
{
	if (g->touched)
		return true;
	if (d->n_touched == d->cap_touched) {
		uint32_t cap = d->cap_touched ? d->cap_touched * 2 : 256;
		uint32_t *more = reallocarray(d->touched, cap, sizeof(*more));

		if (!more)
			return false;
		d->touched = more;
		d->cap_touched = cap;
	}
	d->touched[d->n_touched++] = (uint32_t)(g - d->groups);
	g->touched = true;
	return true;
}

/* The group of a hit; of one that would be one alert too many, the one of all the rest. */
static struct detect_group *group_of(struct detect *d, struct detect_hit *h)
{
	struct detect_member *m = h->member;
	uint64_t hour = h->time_ns / HOUR_NS;
	uint64_t key = h->group ? key_of(m->id_hash, 1, h->group)
				: key_of(m->id_hash, h->entity, object_hash(h));
	struct detect_group *g = d->by_key.cap ? find_group(d, key) : NULL;

	if (g && !(g->id && h->time_ns > g->last_ns + DETECT_WINDOW_NS))
		return g;
	if (m->hour != hour) {
		m->hour = hour;
		m->made = 0;
	}
	h->folded = m->made >= DETECT_ALERTS_HOUR;
	if (h->folded) {
		key = key_of(m->id_hash, hour, ~m->id_hash);
		g = find_group(d, key);
	} else {
		m->made++;
	}
	return g ? g : add_group(d, key);
}

int detect_take_hit(struct detect *d, struct detect_hit *h)
{
	struct detect_group *g = d->muted ? NULL : group_of(d, h);

	if (d->muted)
		return 0;
	if (!g || !touch(d, g))
		return err_origin(-ENOMEM);
	if (g->id && h->time_ns > g->last_ns + DETECT_WINDOW_NS)
		g->id = g->n = 0; /* as if it were new */
	if (!g->new && (g->id == 0 || g->n + g->pending < ALERT_EVENTS)) {
		g->new = new_of(d, h);
		if (!g->new)
			return err_origin(-ENOMEM);
	} else if (g->new && g->new->n_events < ALERT_EVENTS && !h->window && !h->match) {
		int r = add_document(d, g->new, h);

		if (r < 0)
			return r;
	}
	if (g->pending == 0)
		g->first_pending_ns = h->time_ns;
	g->first_pending_ns = MIN(g->first_pending_ns, h->time_ns);
	g->last_pending_ns = MAX(g->last_pending_ns, h->time_ns);
	g->pending++;
	return 0;
}

int detect_take(struct detect *d, struct detect_member *m, struct block *b, uint32_t table,
		const uint64_t *bits)
{
	const uint64_t *process = block_column(b, table, FIELD_PROCESS);
	const uint64_t *time = block_column(b, table, FIELD_TIMESTAMP);
	uint32_t rows = block_rows(b, table);
	uint64_t n = 0;
	int r = 0;

	for (uint32_t w = 0; r == 0 && w * 64 < rows; w++)
		for (uint64_t left = bits[w]; r == 0 && left; left &= left - 1) {
			struct detect_hit h = { .member = m, .block = b, .table = table };

			h.row = w * 64 + (uint32_t)__builtin_ctzll(left);
			h.process = process ? (uint32_t)process[h.row] : 0;
			h.time_ns = time && time[h.row] ? time[h.row] - 1 : 0;
			if (h.process)
				h.entity = cell(b, BLOCK_PROCESSES, h.process - 1, FIELD_ENTITY_ID);
			if (m->n_links)
				r = detect_correlate(d, m, &h);
			if (r == 0 && !m->quiet)
				r = detect_take_hit(d, &h);
			n++;
		}
	detect_count(d, m, n);
	return r;
}

/* ---- writing ---- */

static int write_events(struct detect *d, const struct detect_group *g, uint64_t id,
			uint64_t before)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->new->n_events &&before + i < ALERT_EVENTS; i++)
		r = alertbook_add_event(d->alerts, id, before + i, g->new->events[i].id,
					g->new->events[i].document);
	return r;
}

static int write_new(struct detect *d, struct detect_group *g)
{
	struct detect_new *n = g->new;
	struct alert a = {
		.rule_id = n->rule_id,
		.revision = n->revision,
		.title = n->title,
		.level = n->level,
		.techniques = n->techniques,
		.node_id = n->node_id,
		.node = n->node,
		.entity = n->entity,
		.object = n->object,
		.dedup = g->key,
		.first_ns = g->first_pending_ns,
		.last_ns = g->last_pending_ns,
		.n_events = g->pending,
		.body = n->body,
	};
	int r = alertbook_add(d->alerts, &a);

	for (size_t i = 0; r == 0 && i < n->n_marks; i++)
		r = alertbook_mark(d->alerts, a.id, n->marks[i].kind, n->marks[i].value,
				   g->first_pending_ns);
	if (r == 0)
		r = write_events(d, g, a.id, 0);
	g->id = r == 0 ? a.id : 0;
	return r;
}

/* An alert that is there is counted up, else it is made. */
static int write_group(struct detect *d, struct detect_group *g, uint64_t *ret_made)
{
	uint64_t since =
		g->first_pending_ns > DETECT_WINDOW_NS ? g->first_pending_ns - DETECT_WINDOW_NS : 0;
	uint64_t id = g->id, before = g->n;
	int r = 0;

	if (id == 0)
		r = alertbook_find(d->alerts, g->key, since, &id, &before);
	if (r == 0 && id == 0) {
		++*ret_made;
		return write_new(d, g);
	}
	if (r == 0)
		r = alertbook_count(d->alerts, id, g->pending, g->last_pending_ns);
	if (r == 0 && g->new)
		r = write_events(d, g, id, before);
	if (r == 0) {
		g->id = id;
		g->n = before;
	}
	return r;
}

static void settle(struct detect_group *g)
{
	g->n += g->pending;
	g->last_ns = MAX(g->last_ns, g->last_pending_ns);
	g->pending = g->last_pending_ns = 0;
	g->touched = false;
	g->new = detect_new_free(g->new);
}

/* People may have closed alerts: what is known of ids is asked again. */
static void look_again(struct detect *d)
{
	for (uint32_t i = 0; i < d->n_groups; i++)
		if (!d->groups[i].touched)
			d->groups[i].id = 0;
}

void detect_look(struct detect *d)
{
	uint64_t changes = alertbook_changes(d->alerts);

	if (changes == d->changes)
		return;
	look_again(d);
	d->changes = changes;
}

static void forget_all(struct detect *d)
{
	pthread_mutex_lock(&d->mutex);
	d->stats.forgotten += d->n_groups;
	pthread_mutex_unlock(&d->mutex);
	slots_clear(&d->by_key);
	d->n_groups = 0;
}

static void count_made(struct detect *d, uint64_t made, uint64_t hits)
{
	pthread_mutex_lock(&d->mutex);
	d->stats.alerts += made;
	d->stats.suppressed += hits - made;
	pthread_mutex_unlock(&d->mutex);
}

int detect_write(struct detect *d, uint64_t position_ns)
{
	bool edited = alertbook_changes(d->alerts) != d->changes;
	uint64_t made = 0, hits = 0;
	int r = alertbook_begin(d->alerts);

	if (r < 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < d->n_touched; i++) {
		struct detect_group *g = &d->groups[d->touched[i]];

		if (g->new &&edited)
			g->id = 0; /* it may have been closed */
		hits += g->pending;
		r = write_group(d, g, &made);
	}
	if (r < 0) {
		alertbook_rollback(d->alerts);
		return r;
	}
	if (d->settled_ns)
		r = alertbook_settle(d->alerts, d->settled_ns);
	if (r < 0) {
		alertbook_rollback(d->alerts);
		return r;
	}
	r = alertbook_commit(d->alerts, position_ns);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < d->n_touched; i++)
		settle(&d->groups[d->touched[i]]);
	if (edited)
		look_again(d);
	d->n_touched = 0;
	d->changes = alertbook_changes(d->alerts);
	if (hits)
		count_made(d, made, hits);
	if (d->n_groups > DETECT_GROUPS)
		forget_all(d);
	return 0;
}

void detect_forget(struct detect *d)
{
	for (uint32_t i = 0; i < d->n_touched; i++) {
		struct detect_group *g = &d->groups[d->touched[i]];

		g->id = 0;
		g->pending = g->last_pending_ns = 0;
		g->touched = false;
		g->new = detect_new_free(g->new);
	}
	d->n_touched = 0;
}
