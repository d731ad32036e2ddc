/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shape.h"

#include <string.h>

enum { MAX_DEPTH = 16 };

static const struct {
	const char *name, *shape, *help;
} schemas[] = {
#define SCHEMA(name, shape, help) { #name, shape, help },
#include "collector/schemas.def"
#undef SCHEMA
};

bool shape_known(size_t i, const char **ret_name, const char **ret_shape, const char **ret_help)
{
	if (i >= ARRAY_SIZE(schemas))
		return false;
	*ret_name = schemas[i].name;
	*ret_shape = schemas[i].shape;
	*ret_help = schemas[i].help;
	return true;
}

/* Where the reading stands; at NULL: it has failed. */
struct reading {
	const char *at;
	struct json *j;
	unsigned depth;
};

static bool take(struct reading *r, char c)
{
	if (!r->at || *r->at != c)
		return false;
	r->at++;
	return true;
}

static void expect(struct reading *r, char c)
{
	if (!take(r, c))
		r->at = NULL;
}

static void write_shape(struct reading *r);

/* ---- names ---- */

static const struct {
	const char *name, *type, *format;
} primitives[] = {
	{ "string", "string", NULL },	   { "integer", "integer", NULL },
	{ "number", "number", NULL },	   { "boolean", "boolean", NULL },
	{ "time", "string", "date-time" }, { "any", NULL, NULL },
};

static void write_primitive(struct json *j, size_t i)
{
	json_begin_object(j);
	if (primitives[i].type)
		json_key_text(j, "type", primitives[i].type);
	if (primitives[i].format)
		json_key_text(j, "format", primitives[i].format);
	json_end_object(j);
}

static bool name_is(const char *known, const char *name, size_t n)
{
	return strlen(known) == n && memcmp(known, name, n) == 0;
}

static void write_reference(struct json *j, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "#/components/schemas/%s", name);
	json_begin_object(j);
	json_key_text(j, "$ref", path);
	json_end_object(j);
}

static void write_name(struct reading *r)
{
	const char *name = r->at;
	size_t n = strcspn(name, "{}[]()|?:,*");

	r->at += n;
	for (size_t i = 0; i < ARRAY_SIZE(primitives); i++)
		if (name_is(primitives[i].name, name, n)) {
			write_primitive(r->j, i);
			return;
		}
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++)
		if (name_is(schemas[i].name, name, n)) {
			write_reference(r->j, schemas[i].name);
			return;
		}
	r->at = NULL;
}

/* ---- objects ---- */

struct member {
	const char *name;
	size_t n;
};
enum { MAX_MEMBERS = 48 };

/* Reads a name; notes it when it is required. */
static void read_member(struct reading *r, struct member required[MAX_MEMBERS], size_t *n)
{
	struct member m = { .name = r->at, .n = strcspn(r->at, "{}[]()|?:,*") };

	r->at += m.n;
	if (m.n == 0 || *n == MAX_MEMBERS)
		r->at = NULL;
	else if (!take(r, '?'))
		required[(*n)++] = m;
	expect(r, ':');
	if (r->at)
		json_key_n(r->j, m.name, m.n);
}

static void write_required(struct json *j, const struct member *required, size_t n)
{
	if (n == 0)
		return;
	json_key(j, "required");
	json_begin_array(j);
	for (size_t i = 0; i < n; i++)
		json_text_n(j, required[i].name, required[i].n);
	json_end_array(j);
}

static void write_members(struct reading *r)
{
	struct member required[MAX_MEMBERS];
	size_t n = 0;

	json_key(r->j, "properties");
	json_begin_object(r->j);
	while (r->at && *r->at != '}') {
		read_member(r, required, &n);
		write_shape(r);
		if (!take(r, ','))
			break;
	}
	json_end_object(r->j);
	write_required(r->j, required, n);
}

static void write_object(struct reading *r)
{
	json_begin_object(r->j);
	json_key_text(r->j, "type", "object");
	if (take(r, '*')) {
		expect(r, ':');
		json_key(r->j, "additionalProperties");
		write_shape(r);
	} else {
		write_members(r);
	}
	expect(r, '}');
	json_end_object(r->j);
}

/* ---- the rest ---- */

static void write_array(struct reading *r)
{
	json_begin_object(r->j);
	json_key_text(r->j, "type", "array");
	json_key(r->j, "items");
	write_shape(r);
	expect(r, ']');
	json_end_object(r->j);
}

static void write_alternatives(struct reading *r)
{
	json_begin_object(r->j);
	json_key(r->j, "anyOf");
	json_begin_array(r->j);
	do
		write_shape(r);
	while (take(r, '|'));
	expect(r, ')');
	json_end_array(r->j);
	json_end_object(r->j);
}

static void write_nullable(struct reading *r)
{
	json_begin_object(r->j);
	json_key(r->j, "anyOf");
	json_begin_array(r->j);
	write_shape(r);
	json_begin_object(r->j);
	json_key_text(r->j, "type", "null");
	json_end_object(r->j);
	json_end_array(r->j);
	json_end_object(r->j);
}

static void write_shape(struct reading *r)
{
	if (r->depth++ == MAX_DEPTH)
		r->at = NULL;
	if (take(r, '{'))
		write_object(r);
	else if (take(r, '['))
		write_array(r);
	else if (take(r, '('))
		write_alternatives(r);
	else if (take(r, '?'))
		write_nullable(r);
	else if (r->at)
		write_name(r);
	r->depth--;
}

int shape_write(const char *shape, struct json *j)
{
	struct reading r = { .at = shape, .j = j };

	write_shape(&r);
	return r.at && !*r.at ? 0 : err_origin(-EINVAL);
}
