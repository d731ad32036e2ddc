/* SPDX-License-Identifier: Apache-2.0 */
/* All fields of the registry are sorted by their names' parts, so that one pass over them opens and
 * closes each object once.  document_begin() keeps those that the table at hand can have. */
#include "collector/document.h"

enum { MAX_ENTRIES = 512, MAX_PARTS = 6, NAME_BYTES = 64 };

/* A field under one of its names. */
struct entry {
	char name[NAME_BYTES];
	uint8_t starts[MAX_PARTS + 1]; /* of the name's parts; one past the last: its length + 1 */
	uint8_t n_parts;
	struct field_ref ref;
	bool picked; /* the fields argument asked for it */
	bool of_pod; /* a name of Kubernetes for a field that others have, too */
};

struct active {
	const struct entry *entry;
	uint8_t common; /* leading parts shared with the active entry before */
};

struct document {
	struct entry entries[MAX_ENTRIES];
	uint32_t n_entries;
	struct active active[MAX_ENTRIES];
	uint32_t n_active;
	struct block *block;
	uint32_t table;
};

/* ---- the plan ---- */

static void split(struct entry *e)
{
	e->n_parts = 1;
	for (uint8_t i = 0; e->name[i]; i++)
		if (e->name[i] == '.' && e->n_parts < MAX_PARTS)
			e->starts[e->n_parts++] = (uint8_t)(i + 1);
	e->starts[e->n_parts] = (uint8_t)(strlen(e->name) + 1);
}

static int add_entry(struct document *d, struct field_ref ref, const char *name)
{
	struct entry *e = &d->entries[d->n_entries];

	if (d->n_entries == MAX_ENTRIES)
		return err_origin(-E2BIG);
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->ref = ref;
	e->of_pod = strncmp(name, "kubernetes.", strlen("kubernetes.")) == 0;
	split(e);
	d->n_entries++;
	return 0;
}

static int add_field(struct field_ref ref, void *arg)
{
	char name[NAME_BYTES];

	if (block_is_beside(ref.info->field)) /* no part of the event: shown when asked for */
		return 0;
	return add_entry(arg, ref, field_name(ref, name, sizeof(name)));
}

/* Aliases with a dot are ECS names of their own; the others are shorthands of the query language.
 */
static int add_everything(struct document *d)
{
	const char *alias, *name;
	struct field_ref ref;
	int r = field_each(add_field, d);

	for (size_t i = 0; r == 0 && field_alias(i, &alias, &name); i++)
		if (strchr(alias, '.') && field_find(name, strlen(name), &ref))
			r = add_entry(d, ref, alias);
	return r;
}

static bool is_under(const char *name, const char *object, size_t n)
{
	return strncmp(name, object, n) == 0 && name[n] == '.';
}

static int pick(struct document *from, struct document *to, const char *name, size_t n)
{
	char asked[NAME_BYTES];
	struct field_ref ref;
	bool found = false;

	if (n >= sizeof(asked) || n == 0)
		return err_origin(-EINVAL);
	memcpy(asked, name, n);
	asked[n] = 0;
	for (uint32_t i = 0; i < from->n_entries; i++) {
		struct entry *e = &from->entries[i];
		bool fits = strcmp(e->name, asked) == 0 || is_under(e->name, asked, n);

		if (fits && !e->picked)
			to->entries[to->n_entries++] = *e;
		e->picked |= fits;
		found |= fits;
	}
	if (found)
		return 0;
	for (uint32_t i = 0; i < to->n_entries; i++)
		if (strcmp(to->entries[i].name, asked) == 0)
			return 0;
	return field_find(asked, n, &ref) ? add_entry(to, ref, asked) : err_origin(-EINVAL);
}

static int pick_all(struct document *from, struct document *to, const char *fields, size_t n,
		    struct diag *d)
{
	for (size_t at = 0, end; at <= n; at = end + 1) {
		const char *comma = memchr(fields + at, ',', n - at);
		size_t len;

		end = comma ? (size_t)(comma - fields) : n;
		while (at < end && fields[at] == ' ')
			at++;
		len = end - at;
		while (len && fields[at + len - 1] == ' ')
			len--;
		if (len > 2 && memcmp(fields + at + len - 2, ".*", 2) == 0)
			len -= 2;
		if (pick(from, to, fields + at, len) < 0)
			return diag_set(
				d, -EINVAL, 1, (uint32_t)at + 1,
				"no field is called '%.*s', expected names of GET /api/v1/fields",
				(int)MIN(len, (size_t)100), fields + at);
	}
	return 0;
}

static int sort_key(char c)
{
	return c == '.' ? 1 : (unsigned char)c + 1;
}

/* By parts: a dot sorts before anything else, so that an object's fields stand together. */
static int by_name(const void *x, const void *y)
{
	const char *a = ((const struct entry *)x)->name, *b = ((const struct entry *)y)->name;

	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a ? sort_key(*a) : 0) - (*b ? sort_key(*b) : 0);
}

int document_new(struct document **ret, const char *fields, size_t n, struct diag *diag)
{
	AUTO(document) *all = calloc(1, sizeof(*all));
	AUTO(document) *picked = calloc(1, sizeof(*picked));
	int r;

	if (!all || !picked)
		return err_origin(-ENOMEM);
	r = add_everything(all);
	if (r == 0 && n)
		r = pick_all(all, picked, fields, n, diag);
	if (r < 0)
		return r;
	if (n == 0) {
		document_free(picked);
		picked = TAKE(all);
	}
	qsort(picked->entries, picked->n_entries, sizeof(picked->entries[0]), by_name);
	*ret = TAKE(picked);
	return 0;
}

struct document *document_free(struct document *d)
{
	free(d);
	return NULL;
}

/* ---- its schema ---- */

static bool part_is_same(const struct entry *a, const struct entry *b, uint8_t part)
{
	size_t from = a->starts[part], n = (size_t)a->starts[part + 1] - from;

	/* the byte after a part is a dot or the end: it is compared too */
	return part < a->n_parts && part < b->n_parts && from == b->starts[part] &&
	       memcmp(a->name + from, b->name + from, n) == 0;
}

static uint8_t common_parts(const struct entry *a, const struct entry *b)
{
	uint8_t n = 0;

	while (n < MAX_PARTS && part_is_same(a, b, n))
		n++;
	return n;
}

static void write_type(const struct field_info *info, struct json *j)
{
	static const struct {
		const char *type, *format;
	} types[] = {
		[TYPE_LONG] = { "integer", NULL },	 [TYPE_BOOL] = { "boolean", NULL },
		[TYPE_DATE] = { "string", "date-time" }, [TYPE_KEYWORD] = { "string", NULL },
		[TYPE_KEYWORDS] = { "array", NULL },	 [TYPE_IP] = { "string", NULL },
		[TYPE_ID] = { "string", NULL },
	};

	json_begin_object(j);
	json_key_text(j, "type", types[info->type].type);
	if (types[info->type].format)
		json_key_text(j, "format", types[info->type].format);
	json_key_text(j, "description", info->help);
	if (info->type == TYPE_KEYWORDS) {
		json_key(j, "items");
		json_raw(j, "{\"type\":\"string\"}", 17);
	}
	json_end_object(j);
}

static void begin_properties(struct json *j)
{
	json_begin_object(j);
	json_key_text(j, "type", "object");
	json_key(j, "properties");
	json_begin_object(j);
}

static void end_properties(struct json *j)
{
	json_end_object(j);
	json_end_object(j);
}

void document_schema(const struct document *d, struct json *j)
{
	uint8_t open = 0;

	begin_properties(j);
	json_key(j, "_id");
	json_raw(j, "{\"type\":\"string\"}", 17);
	for (uint32_t i = 0; i < d->n_entries; i++) {
		const struct entry *e = &d->entries[i];
		uint8_t common = i ? common_parts(e - 1, e) : 0;

		for (; open > common; open--)
			end_properties(j);
		for (; open + 1 < e->n_parts; open++) {
			json_key_n(j, e->name + e->starts[open],
				   (size_t)(e->starts[open + 1] - e->starts[open]) - 1);
			begin_properties(j);
		}
		json_key(j, e->name + e->starts[e->n_parts - 1]);
		write_type(e->ref.info, j);
	}
	for (; open > 0; open--)
		end_properties(j);
	end_properties(j);
}

/* ---- one table ---- */

static bool column_is_there(struct block *b, uint32_t table, const struct field_info *info)
{
	const struct field_info *stored =
		info->rule == RULE_STORED ? info : field_info(info->source);
	struct block_list list;

	if (info->home == HOME_BATCH || !stored)
		return true; /* of the batch or the kind */
	if (info->home == HOME_PROCESS)
		table = BLOCK_PROCESSES;
	if (stored->type == TYPE_KEYWORDS)
		return block_list(b, table, stored->field, &list);
	return block_column(b, table, stored->field) != NULL;
}

void document_begin(struct document *d, struct block *b, uint32_t table)
{
	d->block = b;
	d->table = table;
	d->n_active = 0;
	for (uint32_t i = 0; i < d->n_entries; i++) {
		const struct entry *e = &d->entries[i];
		struct active *a = &d->active[d->n_active];

		if (!column_is_there(b, table, e->ref.info))
			continue;
		a->entry = e;
		a->common = d->n_active ? common_parts(a[-1].entry, e) : 0;
		d->n_active++;
	}
}

/* ---- one event ---- */

void document_value(const struct block *b, const struct block_value *v, struct json *j)
{
	char id[20];

	switch (v->type) {
	case VALUE_LONG:
		json_uint(j, v->number);
		break;
	case VALUE_BOOL:
		json_bool(j, v->number != 0);
		break;
	case VALUE_DATE:
		json_time(j, v->number);
		break;
	case VALUE_ID:
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)v->number);
		json_text_n(j, id, 16);
		break;
	case VALUE_STRING:
		json_text_n(j, v->string.s, v->string.n);
		break;
	case VALUE_STRINGS:
		json_begin_array(j);
		for (uint32_t i = 0; i < v->n_strings; i++) {
			struct block_string s = block_string(b, v->strings[i]);

			json_text_n(j, s.s, s.n);
		}
		json_end_array(j);
		break;
	case VALUE_NULL:
		json_nil(j);
		break;
	}
}

static void write_document_id(struct document *d, uint32_t row, struct json *j)
{
	const struct block_info *i = block_info(d->block);
	const uint64_t *seq = block_column(d->block, d->table, FIELD_SEQ);
	char id[256];
	int n;

	n = snprintf(id, sizeof(id), "%.*s:%s:%llu", (int)i->node_id.n, i->node_id.s, i->boot_text,
		     (unsigned long long)(seq && seq[row] ? seq[row] - 1 : 0));
	json_key(j, "_id");
	json_text_n(j, id, (size_t)n);
}

static void open_parts(struct json *j, const struct entry *e, uint8_t from)
{
	for (uint8_t i = from; i + 1 < e->n_parts; i++) {
		json_key_n(j, e->name + e->starts[i],
			   (size_t)(e->starts[i + 1] - e->starts[i]) - 1);
		json_begin_object(j);
	}
	json_key(j, e->name + e->starts[e->n_parts - 1]);
}

static bool is_in_pod(const struct document *d, uint32_t row)
{
	const struct field_ref type = { field_info(FIELD_ORCHESTRATOR), VIA_ACTOR };

	return block_value(d->block, d->table, row, type).type != VALUE_NULL;
}

/* The value of @e; VALUE_NULL: there is none to show. */
static struct block_value value_of(const struct document *d, uint32_t row, const struct entry *e,
				   const bool has_process[VIA_MAX])
{
	const struct block_value none = { .type = VALUE_NULL };
	struct block_value v;

	if (e->ref.info->home == HOME_PROCESS && !has_process[e->ref.via])
		return none;
	v = block_value(d->block, d->table, row, e->ref);
	return v.type != VALUE_NULL && e->of_pod && !is_in_pod(d, row) ? none : v;
}

void document_write(struct document *d, uint32_t row, struct json *j)
{
	uint8_t open = 0, common = 0; /* objects that are open; those the entry at hand shares */
	bool has_process[VIA_MAX];

	for (enum field_via via = 0; via < VIA_MAX; via++)
		has_process[via] = block_process(d->block, d->table, row, via) != 0;
	json_begin_object(j);
	write_document_id(d, row, j);
	for (uint32_t i = 0; i < d->n_active; i++) {
		const struct entry *e = d->active[i].entry;
		struct block_value v = value_of(d, row, e, has_process);

		common = MIN(common, d->active[i].common);
		if (v.type == VALUE_NULL)
			continue;
		for (; open > common; open--)
			json_end_object(j);
		open_parts(j, e, open);
		document_value(d->block, &v, j);
		open = common = (uint8_t)(e->n_parts - 1);
	}
	for (; open > 0; open--)
		json_end_object(j);
	json_end_object(j);
}
