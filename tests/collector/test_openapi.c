/* SPDX-License-Identifier: Apache-2.0 */
/* What the API says of itself, against what it answers: every operation of openapi.json is asked of
 * a real server, and each answer held to the schema declared for it.  A route that is added is
 * covered when it is in the table; what it needs to be asked at all stands in samples[]. */
#include "tests/collector/served.h"

#include "tests/collector/fleet.h"
#include "tests/collector/schema_check.h"

#include "collector/api.h"

/* Parameters without which an operation has nothing to answer, and what stands in paths. */
static char secret[65], request[2 * CERT_PEM_BYTES], certificate[2 * CERT_PEM_BYTES];
static const struct {
	const char *name, *value;
} samples[] = {
	{ "secret", secret },
	{ "request", request },
	{ "certificate", certificate },
	{ "name", "for-a-test" },
	{ "keep_days", "30" },
	{ "node_id", "n9" },
	{ "token_id", "1" },
	{ "field", "process.name" },
	{ "sql", "SELECT process_name, count(*) FROM events GROUP BY 1" },
	{ "entity_id", "0000000000001001" },
	{ "from", "0000000000001001" },
	{ "community_id", "1%3Aa%2Fb%3D" },
	{ "rule_id", "r1" },
	{ "exception_id", "1" },
	{ "alert_id", "1" },
	{ "incident_id", "1" },
	{ "output", "o" },
	{ "silence_id", "1" },
	{ "note", "n" },
	{ "revision", "1" },
	{ "owner", "me" },
	{ "condition", "process.name == \\\"x\\\"" },
	{ "source", "{ id: r2, name: n, query: true }" },
};

static const char imported[] =
	"{\"@timestamp\":\"2026-11-22T21:44:19Z\",\"host\":{\"id\":\"n7\",\"boot\":{\"id\":"
	"\"00000000-0000-0000-0000-000000000001\"}},\"event\":{\"category\":\"process\",\"action\":"
	"\"exec\",\"sequence\":1}}\n";

static const char *sample(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		if (strlen(samples[i].name) == n && memcmp(samples[i].name, name, n) == 0)
			return samples[i].value;
	return NULL;
}

/* ---- operations ---- */

struct operation {
	const struct served *s;
	const json_t *doc, *op;
	const char *path, *method;
};

/* The path with samples in it; GET's with its query, too. */
static void write_target(const struct operation *o, struct buf *to)
{
	const json_t *p;
	const char *brace, *at = o->path;
	size_t i;
	char mark = '?';

	for (; (brace = strchr(at, '{')); at = strchr(brace, '}') + 1) {
		const char *value = sample(brace + 1, strcspn(brace + 1, "}"));

		buf_add(to, at, (size_t)(brace - at));
		buf_str(to, value ? value : "none");
	}
	buf_str(to, at);
	json_array_foreach(json_object_get(o->op, "parameters"), i, p)
	{
		const char *name = text_at(p, "name"), *value = sample(name, strlen(name));

		if (!value || strcmp(text_at(p, "in"), "query") != 0)
			continue;
		buf_printf(to, "%c%s=%s", mark, name, value);
		mark = '&';
	}
}

static void write_body(const struct operation *o, struct buf *to)
{
	const json_t *body = json_object_get(
		json_object_get(json_at(o->op, "requestBody.content"), "application/json"),
		"schema");
	const json_t *p;
	const char *name, *comma = "";

	if (json_object_get(json_at(o->op, "requestBody.content"), "application/x-ndjson")) {
		buf_str(to, imported);
		return;
	}
	buf_byte(to, '{');
	json_object_foreach(json_object_get(body, "properties"), name, p)
	{
		const char *value = sample(name, strlen(name));

		assert_true(strlen(text_at(p, "description")) > 0);
		if (!value)
			continue;
		buf_printf(to, "%s\"%s\":\"%s\"", comma, name, value);
		comma = ",";
	}
	buf_byte(to, '}');
}

static void write_request(const struct operation *o, const char *accept, struct buf *to)
{
	AUTO_BUF struct buf body = { 0 };

	for (const char *c = o->method; *c; c++)
		buf_byte(to, (uint8_t)(*c - 'a' + 'A'));
	buf_byte(to, ' ');
	write_target(o, to);
	buf_printf(to, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n",
		   o->s->token);
	if (strcmp(o->method, "post") == 0)
		write_body(o, &body);
	buf_printf(to, "Accept: %s\r\nContent-Length: %zu\r\n\r\n", accept, body.n);
	buf_add(to, body.data, body.n);
	assert_true(buf_ok(to));
}

static void check_json(const struct operation *o, const json_t *schema, const char *text, size_t n)
{
	struct check c = { .doc = o->doc };
	json_error_t e;
	json_t *value = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);

	if (!value)
		fail_msg("%s %s: %s in %.*s", o->method, o->path, e.text, (int)n, text);
	if (!holds(&c, schema, value))
		fail_msg("%s %s is not as declared: %s", o->method, o->path, c.why);
	json_decref(value);
}

static void check_lines(const struct operation *o, const json_t *schema, const struct answer *a)
{
	const char *at = a->body, *end = a->body + a->n_body, *newline;

	for (; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		assert_non_null(newline);
		check_json(o, schema, at, (size_t)(newline - at));
	}
}

/* A stream has no end: its head has to do. */
static void ask_stream(const struct operation *o, const struct buf *text, const char *media)
{
	AUTO_BUF struct buf got = { 0 };
	int fd = served_connect(o->s);

	served_send(fd, text->data, text->n);
	while (!got_has(&got, "\r\n\r\n") && served_read(fd, &got, 30000))
		;
	close(fd);
	if (!got_has(&got, " 200 ") || !got_has(&got, media))
		fail_msg("%s %s does not stream", o->method, o->path);
}

static void ask_media(const struct operation *o, const char *media, const json_t *schema)
{
	AUTO_BUF struct buf text = { 0 };
	struct answer a;

	write_request(o, media, &text);
	if (strcmp(media, "text/event-stream") == 0) {
		ask_stream(o, &text, media);
		return;
	}
	served_raw(o->s, text.data, text.n, &a);
	if (a.status != 200)
		fail_msg(
			"%s %s: %d %s (what it needs to be asked goes into samples[] of this test)",
			o->method, o->path, a.status, a.body);
	if (!strstr(a.headers, media))
		fail_msg("%s %s: %s expected: %s", o->method, o->path, media, a.headers);
	if (strcmp(media, "application/json") == 0)
		check_json(o, schema, a.body, a.n_body);
	else if (strcmp(media, "application/x-ndjson") == 0)
		check_lines(o, schema, &a);
	else
		assert_true(a.n_body > 0);
	answer_done(&a);
}

static int count_exceptions(const struct rulebook_entry *e, void *arg)
{
	*(size_t *)arg = e->n_exceptions;
	return 0;
}

static void add_alert(const struct served *s)
{
	struct alert a = { .rule_id = "r1",
			   .title = "t",
			   .techniques = "[\"T1\"]",
			   .node_id = "n1",
			   .node = "n1",
			   .object = "/x",
			   .n_events = 1,
			   .first_ns = s->base_ns,
			   .last_ns = s->base_ns,
			   .body = "{\"folded\":false,\"process\":{\"entity_id\":\"0a\",\"pid\":1},"
				   "\"ancestry\":[]}" };

	assert_int_equal(alertbook_begin(s->alertbook), 0);
	assert_int_equal(alertbook_add(s->alertbook, &a), 0);
	assert_int_equal(
		alertbook_add_event(s->alertbook, a.id, 0, "n1:b:1",
				    "{\"_id\":\"n1:b:1\",\"event\":{\"action\":\"exec\"}}"),
		0);
	assert_int_equal(alertbook_commit(s->alertbook, 1), 0);
}

static int count_silences(const struct alert_silence *x, void *arg)
{
	(void)x;
	++*(size_t *)arg;
	return 0;
}

/* What operations take away is there again for the next one. */
static void renew(const struct served *s)
{
	struct rulebook_change c = { .text = "{ id: r1, name: n, query: true }" };
	struct rulebook_exception x = { .rule_id = "r1", .condition = "false" };
	struct alert_silence hush = { .rule = "none", .until_ns = UINT64_MAX };
	size_t n = 0;
	uint64_t id;

	assert_int_equal(alertbook_silences(s->alertbook, "o", count_silences, &n), 0);
	if (n == 0)
		assert_int_equal(outputs_silence(s->outputs, "o", &hush), 0);
	n = 0;
	c.n = strlen(c.text);
	assert_int_equal(rulebook_apply(s->rulebook, &c, NULL, NULL), 0);
	assert_int_equal(rulebook_each(s->rulebook, "r1", count_exceptions, &n), 0);
	if (n == 0)
		assert_int_equal(rulebook_except(s->rulebook, &x, &id, NULL), 0);
}

static void ask_operation(const struct operation *o)
{
	const json_t *content = json_at(o->op, "responses.200.content"), *media, *p;
	const char *name;
	size_t i;

	if (!text_at(o->op, "summary") || !text_at(o->op, "summary")[0])
		fail_msg("%s %s has no help", o->method, o->path);
	json_array_foreach(json_object_get(o->op, "parameters"), i,
			   p) if (!text_at(p, "description")[0])
		fail_msg("%s of %s has no description", text_at(p, "name"), o->path);
	assert_true(json_object_size(content) > 0);
	json_object_foreach((json_t *)(uintptr_t)content, name, media)
	{
		renew(o->s);
		ask_media(o, name, json_object_get(media, "schema"));
	}
}

/* A connection of that process to another node, and one to nowhere. */
static void put_flows(struct served *s)
{
	struct fleet_node n1 = { .id = "n1", .boot = 9, .clock_error_ns = 1 };
	struct fleet_node n2 = { .id = "n2", .boot = 9, .clock_error_ns = 1 };
	struct fleet_event e = { .kind = KIND_CONNECT,
				 .time_ns = s->base_ns,
				 .actor = { .entity = 0x1001, .name = "curl", .pid = 1 },
				 .tuple = { "10.2.0.1", "10.2.0.2", 40000, 80, false } };
	struct fleet_event away = e, other = e;
	AUTO_BUF struct buf first = { 0 }, second = { 0 }, third = { 0 };

	away.tuple.dest_ip = "192.0.2.1";
	other.kind = KIND_ACCEPT;
	other.actor = (struct fleet_process){ .entity = 0x2001, .name = "httpd", .pid = 2 };
	fleet_frame(&n1, &e, 1, &first);
	fleet_frame(&n1, &away, 1, &second);
	fleet_frame(&n2, &other, 1, &third);
	served_put_frame(s, &first);
	served_put_frame(s, &second);
	served_put_frame(s, &third);
	assert_int_equal(follow_wait(s->follow, store_arrived(s->store), 30000), 0);
}

/* PEM as it stands in JSON. */
static void escape(const char *pem, char *to)
{
	for (; *pem; pem++) {
		if (*pem == '\n')
			*to++ = '\\';
		*to++ = *pem == '\n' ? 'n' : *pem;
	}
	*to = 0;
}

/* A node that may be revoked, and one that may enrol and renew. */
static void add_nodes(struct served *s)
{
	char key[CERT_PEM_BYTES], asked[CERT_PEM_BYTES], given[CERT_PEM_BYTES];
	const struct cert_issuer *issuer = authority_issuer(s->authority);
	uint64_t now = timestamp_now();
	struct cert c;

	assert_int_equal(cert_key_new(key), 0);
	assert_int_equal(cert_request_new(key, "n9", asked, NULL), 0);
	assert_int_equal(cert_issue_node(issuer, asked, now, 1, given, &c, NULL), 0);
	assert_int_equal(maindb_certificate_add(s->maindb, &c, now), 0);
	assert_int_equal(cert_request_new(key, "n8", asked, NULL), 0);
	assert_int_equal(cert_issue_node(issuer, asked, now, 1, given, &c, NULL), 0);
	assert_int_equal(maindb_certificate_add(s->maindb, &c, now), 0);
	assert_int_equal(maindb_join_add(s->maindb, "n8", UINT64_MAX >> 1, "", secret), 0);
	escape(asked, request);
	escape(given, certificate);
}

static int setup_admin(void **state)
{
	int r = served_setup(state);
	struct served *s = *state;

	assert_int_equal(maindb_token_create(s->maindb, "admin", ROLE_ADMIN, s->token), 0);
	add_nodes(s);
	for (uint64_t seq = 1; seq < 20; seq += 10)
		served_put(s, &(struct fixture_batch){ .first_seq = seq,
						       .n = 5,
						       .time_ns = s->base_ns,
						       .step_ns = 1000 });
	add_alert(s);
	served_put(s, &(struct fixture_batch){
			      .first_seq = 31, .n = 1, .time_ns = s->base_ns, .kind = KIND_GAP });
	put_flows(s);
	return r;
}

/* ---- tests ---- */

static void test_openapi_given_every_operation_when_asked_then_answers_are_as_declared(void **state)
{
	const struct served *s = *state;
	json_t *doc = served_json(s, "/api/v1/openapi.json", 200), *methods, *op;
	const char *path, *method;

	json_object_foreach(json_object_get(doc, "paths"), path, methods)
		json_object_foreach(methods, method, op)
			ask_operation(&(struct operation){ s, doc, op, path, method });
	json_decref(doc);
}

static void test_openapi_given_tree_over_hosts_when_asked_then_as_declared(void **state)
{
	json_t *doc = served_json(*state, "/api/v1/openapi.json", 200);
	json_t *tree =
		served_json(*state, "/api/v1/processes/0000000000001001/tree?hosts=all", 200);
	struct check c = { .doc = doc };

	if (!holds(&c, json_at(doc, "components.schemas.FleetTree"), tree))
		fail_msg("%s", c.why);
	assert_true(json_array_size(json_object_get(tree, "processes")) >= 2);
	json_decref(tree);
	json_decref(doc);
}

static void test_openapi_given_route_table_when_served_then_each_method_of_each_is_in_it(
	void **state)
{
	json_t *doc = served_json(*state, "/api/v1/openapi.json", 200), *methods, *op;
	json_t *paths = json_object_get(doc, "paths"), *ids = json_object();
	static const char *const names[] = { "get", "post", "delete" }; /* by METHOD_GET ... */
	const char *path, *method;
	size_t n;
	const struct route *routes = api_routes(&n);

	assert_string_equal(text_at(doc, "openapi"), "3.1.0");
	for (size_t i = 0; i < n; i++) {
		methods = json_object_get(paths, routes[i].path);
		for (size_t m = 0; m < ARRAY_SIZE(names); m++)
			if ((routes[i].methods >> m & 1) && !json_object_get(methods, names[m]))
				fail_msg("%s of %s is not in openapi.json", names[m],
					 routes[i].path);
	}
	json_object_foreach(paths, path, methods) json_object_foreach(methods, method, op)
	{
		if (json_object_get(ids, text_at(op, "operationId")))
			fail_msg("%s %s: its operationId is another's too", method, path);
		json_object_set(ids, text_at(op, "operationId"), op);
	}
	json_decref(ids);
	json_decref(doc);
}

static void test_openapi_given_wrong_request_when_asked_then_problem_is_as_declared(void **state)
{
	const struct served *s = *state;
	json_t *doc = served_json(s, "/api/v1/openapi.json", 200);
	json_t *problem = served_json(s, "/api/v1/search?q=process+where+%22", 400);
	const json_t *op = json_at(json_object_get(json_object_get(doc, "paths"), "/api/v1/search"),
				   "get.responses.default.content");
	struct check c = { .doc = doc };

	op = json_object_get(json_object_get(op, "application/problem+json"), "schema");
	if (!holds(&c, op, problem))
		fail_msg("%s", c.why);
	json_decref(problem);
	json_decref(doc);
}

static void test_openapi_given_answer_that_differs_when_checked_then_it_is_noticed(void **state)
{
	static const struct {
		const char *schema, *value;
		bool ok;
	} cases[] = {
		{ "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":"
		  "[\"a\"]}",
		  "{\"a\":1}", true },
		{ "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":"
		  "[\"a\"]}",
		  "{}", false },
		{ "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}",
		  "{\"a\":1,\"b\":2}", false },
		{ "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}",
		  "{\"a\":\"1\"}", false },
		{ "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", "[\"a\",null]", false },
		{ "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "null", true },
		{ "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "7", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *schema = json_loads(cases[i].schema, 0, NULL);
		json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
		struct check c = { 0 };

		assert_int_equal(holds(&c, schema, value), cases[i].ok);
		json_decref(schema);
		json_decref(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_openapi_given_every_operation_when_asked_then_answers_are_as_declared,
			setup_admin, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_openapi_given_tree_over_hosts_when_asked_then_as_declared, setup_admin,
			served_teardown),
		cmocka_unit_test_setup_teardown(
			test_openapi_given_route_table_when_served_then_each_method_of_each_is_in_it,
			setup_admin, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_openapi_given_wrong_request_when_asked_then_problem_is_as_declared,
			setup_admin, served_teardown),
		cmocka_unit_test(
			test_openapi_given_answer_that_differs_when_checked_then_it_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
