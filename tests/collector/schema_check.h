/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check - does a JSON value hold what a schema of the API's own description says?
 * Thread: any.  Memory: none. */
#pragma once
#include "tests/test.h"

#include <jansson.h>

struct check {
	const json_t *doc;
	char where[256], why[320]; /* of the first thing that is wrong */
};

static inline UNUSED bool holds(struct check *c, const json_t *schema, const json_t *value);

static inline UNUSED bool wrong(struct check *c, const char *what)
{
	snprintf(c->why, sizeof(c->why), "%s: %s", c->where, what);
	return false;
}

static inline UNUSED bool type_holds(const char *type, const json_t *v)
{
	static const struct {
		const char *name;
		int type;
	} types[] = { { "object", JSON_OBJECT },
		      { "array", JSON_ARRAY },
		      { "string", JSON_STRING },
		      { "integer", JSON_INTEGER },
		      { "null", JSON_NULL } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i].name) == 0)
			return (int)json_typeof(v) == types[i].type;
	if (strcmp(type, "number") == 0)
		return json_is_number(v);
	return strcmp(type, "boolean") == 0 && json_is_boolean(v);
}

static inline UNUSED bool member_holds(struct check *c, const json_t *schema, const char *key,
				       const json_t *v)
{
	size_t n = strlen(c->where);
	bool ok;

	snprintf(c->where + n, sizeof(c->where) - n, ".%s", key);
	ok = holds(c, schema, v);
	c->where[n] = '\0';
	return ok;
}

/* An object is closed here: what is answered has to be declared. */
static inline UNUSED bool object_holds(struct check *c, const json_t *schema, const json_t *value)
{
	const json_t *properties = json_object_get(schema, "properties"), *v, *name;
	const json_t *others = json_object_get(schema, "additionalProperties");
	const char *key;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)value, key, v)
	{
		const json_t *declared = json_object_get(properties, key);

		if (!declared && !others)
			return member_holds(c, NULL, key, v);
		if (!member_holds(c, declared ? declared : others, key, v))
			return false;
	}
	json_array_foreach(
		json_object_get(schema, "required"), i,
		name) if (!json_object_get(value,
					   json_string_value(
						   name))) return wrong(c, json_string_value(name));
	return true;
}

static inline UNUSED bool one_holds(struct check *c, const json_t *schemas, const json_t *value)
{
	const json_t *s;
	size_t i;

	json_array_foreach(schemas, i, s) if (holds(c, s, value)) return true;
	return false;
}

static inline UNUSED bool items_hold(struct check *c, const json_t *schema, const json_t *value)
{
	const json_t *v;
	size_t i;

	json_array_foreach(value, i, v) if (!member_holds(c, schema, "[]", v)) return false;
	return true;
}

static inline UNUSED bool holds(struct check *c, const json_t *schema, const json_t *value)
{
	const char *ref = text_at(schema, "$ref"), *type = text_at(schema, "type");

	if (!schema)
		return wrong(c, "is answered but not declared");
	if (ref) {
		const json_t *schemas = json_at(c->doc, "components.schemas");

		assert_int_equal(strncmp(ref, TEXT("#/components/schemas/")), 0);
		return holds(c, json_object_get(schemas, strrchr(ref, '/') + 1), value);
	}
	if (json_object_get(schema, "anyOf"))
		return one_holds(c, json_object_get(schema, "anyOf"), value);
	if (!type)
		return true;
	if (!type_holds(type, value))
		return wrong(c, type);
	if (strcmp(type, "object") == 0)
		return object_holds(c, schema, value);
	return strcmp(type, "array") != 0 || items_hold(c, json_object_get(schema, "items"), value);
}
