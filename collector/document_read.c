/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/document_read.h"

#include "collector/document_internal.h"
#include "lib/block.h"
#include "lib/limits.h"
#include "lib/rawjson.h"
#include "lib/timestamp.h"
#include "lib/uuid.h"

enum { MAX_DEPTH = 8, LIST_VALUES = 65536 };

/* ---- names ---- */

static int add_name(struct document_reader *r, struct field_ref ref, const char *text)
{
	struct name *n = &r->names[r->n_names];

	if (r->n_names == MAX_NAMES)
		return err_origin(-E2BIG);
	snprintf(n->text, sizeof(n->text), "%s", text);
	n->ref = ref;
	r->n_names++;
	return 0;
}

static int add_field(struct field_ref ref, void *arg)
{
	char text[NAME_BYTES];

	return add_name(arg, ref, field_name(ref, text, sizeof(text)));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

int document_reader_new(struct document_reader **ret)
{
	AUTO(document_reader) *r = calloc(1, sizeof(*r));
	const char *alias, *name;
	struct field_ref ref;
	int e;

	if (!r)
		return err_origin(-ENOMEM);
	e = field_each(add_field, r);
	for (size_t i = 0; e == 0 && field_alias(i, &alias, &name); i++)
		if (field_find(name, strlen(name), &ref))
			e = add_name(r, ref, alias);
	qsort(r->names, r->n_names, sizeof(r->names[0]), by_text);
	if (e == 0)
		*ret = TAKE(r);
	return e;
}

struct document_reader *document_reader_free(struct document_reader *r)
{
	if (!r)
		return NULL;
	json_decref(r->root);
	slots_done(&r->by_entity);
	free(r->images);
	free(r->strings);
	free(r);
	return NULL;
}

/* ---- errors ---- */

/* Where the value of @name stands, or the key when @at_key; objects may be nested or their names
 * have dots. */
static const char *locate(struct slice object, const char *name)
{
	struct slice key, value;
	size_t at = 0, n = strlen(name);

	while (rawjson_next(object, &at, &key, &value)) {
		const char *inside;

		if (key.n > n || memcmp(key.s, name, key.n) != 0)
			continue;
		if (key.n == n)
			return value.s;
		inside = name[key.n] == '.' && *value.s == '{' ? locate(value, name + key.n + 1)
							       : NULL;
		if (inside)
			return inside;
	}
	return NULL;
}

struct place {
	struct slice text;
	struct diag *d;
};

static int PRINTF_LIKE(3, 4) wrong(const struct place *p, const char *name, const char *fmt, ...)
{
	const char *at = name ? locate(p->text, name) : NULL;
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(p->d, -EINVAL, 1, at ? (uint32_t)(at - p->text.s) + 1 : 1, "%s", text);
}

/* ---- reading ---- */

static const char *expected(enum field_type type)
{
	static const char *const words[] = {
		[TYPE_LONG] = "a whole number from 0 on",
		[TYPE_BOOL] = "true or false",
		[TYPE_DATE] = "a time such as \"2026-11-22T21:44:19Z\"",
		[TYPE_KEYWORD] = "a string",
		[TYPE_KEYWORDS] = "an array of strings",
		[TYPE_IP] = "a string",
		[TYPE_ID] = "a string of 1 to 16 hex digits, not all 0",
	};

	return words[type];
}

static bool read_digits(const char *s, size_t n, unsigned base, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned digit = s[i] >= '0' && s[i] <= '9'   ? (unsigned)(s[i] - '0')
				 : s[i] >= 'a' && s[i] <= 'f' ? (unsigned)(s[i] - 'a') + 10
							      : 99;

		if (digit >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit, &v))
			return false;
	}
	*ret = v;
	return n > 0;
}

bool document_number(const json_t *v, enum field_type type, uint64_t *ret)
{
	const char *s = json_string_value(v);
	size_t n = s ? json_string_length(v) : 0;

	switch (type) {
	case TYPE_BOOL:
		*ret = json_is_true(v);
		return json_is_boolean(v);
	case TYPE_DATE:
		return s && n && *s >= '0' && *s <= '9' && timestamp_parse(s, n, 0, ret, NULL) == 0;
	case TYPE_ID:
		return s && n <= 16 && read_digits(s, n, 16, ret) && *ret != 0;
	default:
		if (s)
			return read_digits(s, n, 10, ret);
		*ret = (uint64_t)json_integer_value(v);
		return json_is_integer(v) && json_integer_value(v) >= 0;
	}
}

static bool is_list(const json_t *v)
{
	const json_t *element;
	size_t i;

	if (!json_is_array(v) || json_array_size(v) > LIST_VALUES)
		return false;
	json_array_foreach(v, i, element)
	{
		if (!json_is_string(element))
			return false;
	}
	return true;
}

static bool fits(const json_t *v, enum field_type type)
{
	uint64_t number;

	switch (type) {
	case TYPE_KEYWORDS:
		return json_is_string(v) || is_list(v);
	case TYPE_KEYWORD:
	case TYPE_IP:
		return json_is_string(v);
	default:
		return document_number(v, type, &number);
	}
}

static int take_value(struct document_reader *r, const struct place *p, const char *text,
		      const json_t *v)
{
	struct name key = { 0 }, *found = NULL;
	size_t n = strlen(text);

	if (n < sizeof(key.text)) {
		memcpy(key.text, text, n);
		found = bsearch(&key, r->names, r->n_names, sizeof(key), by_text);
	}
	if (!found)
		return wrong(p, text, "no field is called '%.100s'", text);
	if (json_is_null(v))
		return 0;
	if (!fits(v, found->ref.info->type))
		return wrong(p, text, "%.100s is a %s: expected %s", text,
			     field_type_name(found->ref.info->type),
			     expected(found->ref.info->type));
	r->values[found->ref.via][found->ref.info->field] = v;
	return 0;
}

/* The members of @object, whose names begin with @prefix.  Recursion: at most MAX_DEPTH. */
static int take_object(struct document_reader *r, const struct place *p, json_t *object,
		       const char *prefix, unsigned depth)
{
	const char *key;
	json_t *v;
	int e = 0;

	json_object_foreach(object, key, v)
	{
		char name[256];
		int n = snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);

		if (depth == 0 && strcmp(key, "_id") == 0)
			continue;
		if ((size_t)n >= sizeof(name) || depth == MAX_DEPTH)
			e = wrong(p, NULL, "this name is too long or nested too deeply: '%.80s'",
				  name);
		else if (json_is_object(v))
			e = take_object(r, p, v, name, depth + 1);
		else
			e = take_value(r, p, name, v);
		if (e < 0)
			return e;
	}
	return 0;
}

/* ---- what it cannot do without ---- */

static const char *text_of(const struct document_reader *r, enum field f)
{
	return json_string_value(r->values[VIA_ACTOR][f]);
}

static int check_names(struct document_reader *r, const struct place *p)
{
	static const enum field names[] = { FIELD_HOST_ID, FIELD_HOST_NAME, FIELD_ARCHITECTURE,
					    FIELD_OS_KERNEL, FIELD_AGENT_VERSION };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const json_t *v = r->values[VIA_ACTOR][names[i]];
		size_t n = json_string_length(v);

		if (v && (n > LIMIT_NODE_ID_BYTES || strlen(json_string_value(v)) != n))
			return wrong(p, field_info(names[i])->name,
				     "%s is too long: at most %d bytes", field_info(names[i])->name,
				     LIMIT_NODE_ID_BYTES);
	}
	return 0;
}

static int read_origin(struct document_reader *r, const struct place *p)
{
	struct batch_origin *o = &r->event.origin;
	const char *boot = text_of(r, FIELD_BOOT_ID);
	int e = check_names(r, p);

	if (e < 0)
		return e;
	o->node_id = text_of(r, FIELD_HOST_ID);
	o->node_name = text_of(r, FIELD_HOST_NAME);
	o->architecture = text_of(r, FIELD_ARCHITECTURE);
	o->os_kernel = text_of(r, FIELD_OS_KERNEL);
	o->agent_version = text_of(r, FIELD_AGENT_VERSION);
	if (!o->node_id || !*o->node_id)
		return wrong(p, "host.id", "host.id is missing: whose event is it?");
	if (!o->node_name || !*o->node_name)
		o->node_name = o->node_id;
	if (!boot || strlen(boot) != UUID_TEXT || uuid_parse(boot, UUID_TEXT, o->boot_id) < 0)
		return wrong(p, "host.boot.id",
			     "host.boot.id is missing or no UUID such as "
			     "3d03e335-9586-44b8-b03d-10757b3652f6");
	return 0;
}

static int read_kind(struct document_reader *r, const struct place *p)
{
	const char *category = text_of(r, FIELD_CATEGORY), *action = text_of(r, FIELD_ACTION);

	for (uint32_t k = 1; category && action && k < KIND_MAX; k++) {
		const struct kind_info *info = kind_info(k);

		if (!info || strcmp(info->category, category) != 0 ||
		    strcmp(info->action, action) != 0)
			continue;
		r->event.kind = k;
		return 0;
	}
	return wrong(p, category && action ? "event.action" : NULL,
		     "event.category and event.action must be those of a kind of event (GET "
		     "/api/v1/kinds), not '%.40s' and '%.40s'",
		     category ? category : "", action ? action : "");
}

static int read_when(struct document_reader *r, const struct place *p)
{
	const json_t *seq = r->values[VIA_ACTOR][FIELD_SEQ],
		     *time = r->values[VIA_ACTOR][FIELD_TIMESTAMP];

	if (!seq || !document_number(seq, TYPE_LONG, &r->event.seq) || r->event.seq >= INT64_MAX)
		return wrong(p, "event.sequence", "event.sequence is missing or too large");
	if (!time || !document_number(time, TYPE_DATE, &r->event.time_ns) ||
	    r->event.time_ns >= INT64_MAX)
		return wrong(p, "@timestamp", "@timestamp is missing or too late");
	return 0;
}

bool document_has_process(const struct document_reader *r, enum field_via via)
{
	for (uint32_t f = 1; f < FIELD_MAX; f++)
		if (r->values[via][f] && field_info(f)->home == HOME_PROCESS && !block_is_beside(f))
			return true;
	return false;
}

static int check_processes(struct document_reader *r, const struct place *p)
{
	for (enum field_via via = 0; via < VIA_MAX; via++) {
		char name[NAME_BYTES];
		struct field_ref id = { field_info(FIELD_ENTITY_ID), via };

		if (document_has_process(r, via) && !r->values[via][FIELD_ENTITY_ID])
			return wrong(p, NULL,
				     "%s is missing: other fields of that process are there",
				     field_name(id, name, sizeof(name)));
		if (via != VIA_ACTOR && via != VIA_TARGET && document_has_process(r, via) &&
		    !document_has_process(r, VIA_ACTOR))
			return wrong(p, NULL, "%s is there, but process.entity_id is not",
				     field_name(id, name, sizeof(name)));
	}
	return 0;
}

static int load(struct document_reader *r, const struct place *p)
{
	json_error_t error;

	json_decref(r->root);
	r->root = json_loadb(p->text.s, p->text.n, JSON_REJECT_DUPLICATES, &error);
	if (!r->root && json_error_code(&error) == json_error_numeric_overflow)
		r->root = rawjson_load(p->text);
	if (!r->root && json_error_code(&error) == json_error_out_of_memory)
		return err_origin(-ENOMEM);
	if (!r->root)
		return diag_set(p->d, -EINVAL, 1, (uint32_t)MAX(error.position, 1),
				"this is no JSON: %s", error.text);
	if (!json_is_object(r->root))
		return wrong(p, NULL, "expected an object, {...}, on each line");
	return 0;
}

int document_read(struct document_reader *r, const char *text, size_t n, struct document_event *ret,
		  struct diag *d)
{
	const struct place p = { { text, n }, d };
	int e = load(r, &p);

	memset(r->values, 0, sizeof(r->values));
	memset(&r->event, 0, sizeof(r->event));
	if (e == 0)
		e = take_object(r, &p, r->root, "", 0);
	if (e == 0)
		e = read_origin(r, &p);
	if (e == 0)
		e = read_kind(r, &p);
	if (e == 0)
		e = read_when(r, &p);
	if (e == 0)
		e = check_processes(r, &p);
	if (e == 0)
		*ret = r->event;
	return e;
}
