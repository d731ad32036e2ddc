/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/openapi.h"

#include "collector/api.h"
#include "collector/document.h"
#include "collector/shape.h"

/* What stands in braces in paths.  One that is not here has no description, which
 * tests/collector/test_openapi.c does not let pass. */
static const struct {
	const char *name, *pattern, *help;
} path_values[] = {
	{ "entity_id", "^[0-9a-fA-F]{16}$", "A process, as process.entity_id has it" },
	{ "community_id", NULL, "A flow, as network.community_id has it" },
	{ "rule_id", NULL, "A rule" },
	{ "alert_id", "^[0-9]+$", "An alert" },
	{ "incident_id", "^[0-9]+$", "An incident, or an alert of it" },
	{ "output", NULL, "An output" },
	{ "exception_id", "^[0-9]+$", "An exception of the rule" },
	{ "silence_id", "^[0-9]+$", "A silence of the output" },
	{ "node_id", NULL, "A node, as host.id has it" },
	{ "token_id", "^[0-9]+$", "An API token, as /api/v1/tokens has it" },
};

static const struct {
	unsigned bit;
	const char *name;
} methods[] = {
	{ METHOD_GET, "get" },
	{ METHOD_POST, "post" },
	{ METHOD_DELETE, "delete" },
};

/* Types of params.h: JSON's, a format or the words that there are (a blank between). */
static const struct {
	const char *name, *type, *format, *words;
	bool or_list; /* in a body also as an array of strings */
} types[] = {
	{ "query", "string", "rtsec-query", NULL, false },
	{ "time", "string", "rtsec-time", NULL, false },
	{ "duration", "string", "rtsec-duration", NULL, false },
	{ "string", "string", NULL, NULL, false },
	{ "integer", "integer", NULL, NULL, false },
	{ "names", "string", NULL, NULL, true },
	{ "desc or asc", "string", NULL, "desc asc", false },
	{ "all, joined or half", "string", NULL, "all joined half", false },
	{ "kind of facts", "string", NULL, "executable hash pair destination domain user", false },
	{ "own or all", "string", NULL, "own all", false },
	{ "boolean", "string", NULL, "true false", false },
};

/* ---- parameters ---- */

static void write_words(struct json *j, const char *words)
{
	json_key(j, "enum");
	json_begin_array(j);
	for (size_t n; *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		json_text_n(j, words, n);
	}
	json_end_array(j);
}

static void write_fallback(struct json *j, const struct param_info *info)
{
	bool is_number = strcmp(info->type, "integer") == 0;

	if (!info->fallback[0])
		return;
	json_key(j, "default");
	if (is_number)
		json_raw(j, info->fallback, strlen(info->fallback));
	else
		json_text(j, info->fallback);
}

static int write_param_schema(struct json *j, const struct param_info *info, bool in_body)
{
	static const char list[] = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}";
	size_t i = 0;

	while (i < ARRAY_SIZE(types) && strcmp(types[i].name, info->type) != 0)
		i++;
	if (i == ARRAY_SIZE(types))
		return err_origin(-EINVAL);
	json_begin_object(j);
	if (in_body)
		json_key_text(j, "description", info->help);
	if (types[i].or_list && in_body) {
		json_key(j, "anyOf");
		json_begin_array(j);
		json_raw(j, "{\"type\":\"string\"}", 17);
		json_raw(j, list, sizeof(list) - 1);
		json_end_array(j);
	} else {
		json_key_text(j, "type", types[i].type);
		write_fallback(j, info);
	}
	if (types[i].format)
		json_key_text(j, "format", types[i].format);
	if (types[i].words)
		write_words(j, types[i].words);
	json_end_object(j);
	return 0;
}

static bool takes(const struct route *route, enum param p)
{
	return route->params >> p & 1;
}

static int write_query_params(struct json *j, const struct route *route)
{
	int r = 0;

	for (enum param p = 0; p < PARAM_MAX && r == 0; p++) {
		const struct param_info *info = param_info(p);

		if (!takes(route, p))
			continue;
		json_begin_object(j);
		json_key_text(j, "name", info->name);
		json_key_text(j, "in", "query");
		json_key_text(j, "description", info->help);
		json_key(j, "schema");
		r = write_param_schema(j, info, false);
		json_end_object(j);
	}
	return r;
}

static void write_path_param(struct json *j, const char *name, size_t n)
{
	const char *help = "", *pattern = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(path_values); i++)
		if (strlen(path_values[i].name) == n && memcmp(path_values[i].name, name, n) == 0) {
			help = path_values[i].help;
			pattern = path_values[i].pattern;
		}
	json_begin_object(j);
	json_key(j, "name");
	json_text_n(j, name, n);
	json_key_text(j, "in", "path");
	json_key_bool(j, "required", true);
	json_key_text(j, "description", help);
	json_key(j, "schema");
	json_begin_object(j);
	json_key_text(j, "type", "string");
	if (pattern)
		json_key_text(j, "pattern", pattern);
	json_end_object(j);
	json_end_object(j);
}

static void write_path_params(struct json *j, const char *path)
{
	const char *brace;

	for (; (brace = strchr(path, '{')); path = brace) {
		size_t n = strcspn(++brace, "}");

		write_path_param(j, brace, n);
	}
}

/* What import takes. */
static void write_upload(struct json *j)
{
	static const char *const media[] = { "application/x-ndjson", "application/octet-stream" };

	json_key(j, "requestBody");
	json_begin_object(j);
	json_key_bool(j, "required", true);
	json_key(j, "content");
	json_begin_object(j);
	for (size_t i = 0; i < ARRAY_SIZE(media); i++) {
		json_key(j, media[i]);
		json_begin_object(j);
		json_key(j, "schema");
		json_begin_object(j);
		json_key_text(j, "type", "string");
		json_end_object(j);
		json_end_object(j);
	}
	json_end_object(j);
	json_end_object(j);
}

/* The parameters again, as one JSON object. */
static int write_body(struct json *j, const struct route *route)
{
	int r = 0;

	if (route->params == PARAMS_NONE_BUT_BODY) {
		write_upload(j);
		return 0;
	}

	json_key(j, "requestBody");
	json_begin_object(j);
	json_key(j, "content");
	json_begin_object(j);
	json_key(j, "application/json");
	json_begin_object(j);
	json_key(j, "schema");
	json_begin_object(j);
	json_key_text(j, "type", "object");
	json_key_bool(j, "additionalProperties", false);
	json_key(j, "properties");
	json_begin_object(j);
	for (enum param p = 0; p < PARAM_MAX && r == 0; p++) {
		if (!takes(route, p))
			continue;
		json_key(j, param_info(p)->name);
		r = write_param_schema(j, param_info(p), true);
	}
	for (int open = 0; open < 5; open++)
		json_end_object(j);
	return r;
}

/* ---- answers ---- */

static int write_media(struct json *j, const char *media, const char *shape, size_t n)
{
	AUTO_MEM char *text = strndup(shape, n);
	int r;

	if (!text)
		return err_origin(-ENOMEM);
	json_key(j, media);
	json_begin_object(j);
	json_key(j, "schema");
	r = shape_write(text, j);
	json_end_object(j);
	return r;
}

static int write_content(struct json *j, const char *answer)
{
	size_t n = strcspn(answer, "\n");
	int r;

	if (strchr(answer, '/'))
		return write_media(j, answer, "string", 6);
	r = write_media(j, "application/json", answer, n);
	if (r == 0 && answer[n])
		r = write_media(j, "application/x-ndjson", answer + n + 1, strlen(answer + n + 1));
	return r;
}

static int write_answers(struct json *j, const struct route *route)
{
	int r;

	json_key(j, "responses");
	json_begin_object(j);
	json_key(j, "200");
	json_begin_object(j);
	json_key_text(j, "description", route->help);
	json_key(j, "content");
	json_begin_object(j);
	r = write_content(j, route->answer);
	json_end_object(j);
	json_end_object(j);
	json_key(j, "default");
	json_begin_object(j);
	json_key_text(j, "description", "What is wrong");
	json_key(j, "content");
	json_begin_object(j);
	if (r == 0)
		r = write_media(j, "application/problem+json", "Problem", 7);
	for (int open = 0; open < 3; open++)
		json_end_object(j);
	return r;
}

/* ---- operations ---- */

/* Such as getProcessesEntityIdTree. */
static void write_operation_id(struct json *j, const char *method, const char *path)
{
	static const char base[] = "/api/v1";
	char id[128];
	size_t n = strlen(method);
	bool upper = true;

	memcpy(id, method, n);
	if (strncmp(path, base, sizeof(base) - 1) == 0)
		path += sizeof(base) - 1;
	for (; *path && n < sizeof(id); path++) {
		bool is_letter = (*path >= 'a' && *path <= 'z') || (*path >= '0' && *path <= '9');

		if (is_letter)
			id[n++] = upper && *path >= 'a' ? (char)(*path - 'a' + 'A') : *path;
		upper = !is_letter;
	}
	json_key(j, "operationId");
	json_text_n(j, id, n);
}

static void write_role(struct json *j, const struct route *route)
{
	if (route->role == ROLE_NONE) {
		json_key(j, "security");
		json_begin_array(j);
		json_end_array(j);
		return;
	}
	json_key_text(j, "x-rtsec-role", role_name(route->role));
}

static int write_operation(struct json *j, const struct route *route, size_t method)
{
	bool is_post = methods[method].bit == METHOD_POST;
	int r = 0;

	json_key(j, methods[method].name);
	json_begin_object(j);
	write_operation_id(j, methods[method].name, route->path);
	json_key_text(j, "summary", route->help);
	write_role(j, route);
	json_key(j, "parameters");
	json_begin_array(j);
	write_path_params(j, route->path);
	if (!is_post)
		r = write_query_params(j, route);
	json_end_array(j);
	if (r == 0 && is_post)
		r = write_body(j, route);
	if (r == 0)
		r = write_answers(j, route);
	json_end_object(j);
	return r;
}

/* The operations of a path, whose rows stand together; @n rows are left. */
static int write_path(struct json *j, const struct route *routes, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && strcmp(routes[i].path, routes[0].path) == 0; i++)
		for (size_t m = 0; m < ARRAY_SIZE(methods) && r == 0; m++)
			if (routes[i].methods & methods[m].bit)
				r = write_operation(j, &routes[i], m);
	return r;
}

static int write_paths(struct json *j)
{
	size_t n;
	const struct route *routes = api_routes(&n);
	int r = 0;

	json_key(j, "paths");
	json_begin_object(j);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (i && strcmp(routes[i - 1].path, routes[i].path) == 0)
			continue; /* written with the row before */
		json_key(j, routes[i].path);
		json_begin_object(j);
		r = write_path(j, &routes[i], n - i);
		json_end_object(j);
	}
	json_end_object(j);
	return r;
}

/* ---- the rest ---- */

static int write_event(struct json *j)
{
	AUTO(document) *all = NULL;
	struct diag d;
	int r = document_new(&all, "", 0, &d);

	if (r == 0)
		document_schema(all, j);
	return r;
}

static int write_components(struct json *j)
{
	const char *name, *shape, *help;
	int r = 0;

	json_key(j, "components");
	json_begin_object(j);
	json_key(j, "securitySchemes");
	json_begin_object(j);
	json_key(j, "token");
	json_raw(j, "{\"type\":\"http\",\"scheme\":\"bearer\"}", 33);
	json_end_object(j);
	json_key(j, "schemas");
	json_begin_object(j);
	for (size_t i = 0; r == 0 && shape_known(i, &name, &shape, &help); i++) {
		json_key(j, name);
		r = shape ? shape_write(shape, j) : write_event(j);
	}
	json_end_object(j);
	json_end_object(j);
	return r;
}

int openapi_write(struct json *j)
{
	int r;

	json_begin_object(j);
	json_key_text(j, "openapi", "3.1.0");
	json_key(j, "info");
	json_begin_object(j);
	json_key_text(j, "title", "rtsec");
	json_key_text(j, "version", RTSEC_VERSION);
	json_key_text(j, "description",
		      "Runtime security of a fleet: search, live tail, processes, nodes");
	json_end_object(j);
	json_key(j, "security");
	json_raw(j, "[{\"token\":[]}]", 14);
	r = write_paths(j);
	if (r == 0)
		r = write_components(j);
	json_end_object(j);
	if (r == 0 && !buf_ok(j->out))
		r = err_origin(-ENOMEM);
	return r;
}
