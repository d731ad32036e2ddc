/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that are bound to nodes, against every route that there is: whatever they ask, no answer
 * has anything of another node in it.  A route that is added is walked as well. */
#include "tests/collector/served.h"

#include "tests/collector/fleet.h"

#include <ctype.h>

#include "collector/api.h"
#include "collector/day.h"
#include "collector/scope.h"

#define SECRET "forbidden" /* in each name that the other node has */

enum { SECRET_EVENTS = 7777 }; /* so many in one batch: a number that stands nowhere else */

/* ---- texts ---- */

static void test_scope_given_texts_when_parsed_then_terms_or_refused(void **state)
{
	static const char *const bad[] = { "n1",       "node:", "label:",	 "label:a",
					   "label:=b", "x:y",	"node:a,,node:b" };
	struct block_label label = { { "env", 3 }, { "prod", 4 } };
	struct block_info info = { .node_id = { "n1", 2 }, .labels = &label, .n_labels = 1 };
	struct scope scope;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(scope_parse(&scope, bad[i], NULL), -EINVAL);
	assert_int_equal(scope_parse(&scope, "", NULL), 0);
	assert_true(scope_has(&scope, &info));
	assert_int_equal(scope_parse(&scope, "node:n2,label:env=prod", NULL), 0);
	assert_true(scope_has(&scope, &info));
	assert_int_equal(scope_parse(&scope, "node:n,label:env=pro,label:en=prod", NULL), 0);
	assert_false(scope_has(&scope, &info));
}

/* ---- the fleet: n1, which may be seen, and another ---- */

static void put_flow(struct served *s)
{
	struct fleet_node n1 = { .id = "n1", .boot = 9, .clock_error_ns = 1 };
	struct fleet_node other = { .id = SECRET "-node", .boot = 9, .clock_error_ns = 1 };
	struct fleet_event e = { .kind = KIND_CONNECT,
				 .time_ns = s->base_ns,
				 .actor = { .entity = 0x1001, .name = "curl", .pid = 1 },
				 .tuple = { "10.2.0.1", "10.2.0.2", 40000, 80, false } };
	AUTO_BUF struct buf first = { 0 }, second = { 0 };

	fleet_frame(&n1, &e, 1, &first);
	e.kind = KIND_ACCEPT;
	e.actor = (struct fleet_process){ .entity = 0x2001, .name = SECRET "-server", .pid = 2 };
	fleet_frame(&other, &e, 1, &second);
	served_put_frame(s, &first);
	served_put_frame(s, &second);
}

static void put_alert(const struct served *s)
{
	struct alert a = { .rule_id = "r1",
			   .title = SECRET " title",
			   .techniques = "[]",
			   .node_id = SECRET "-node",
			   .node = SECRET "-node",
			   .object = "/" SECRET,
			   .n_events = 1,
			   .first_ns = s->base_ns,
			   .last_ns = s->base_ns,
			   .body = "{\"folded\":false,\"process\":{\"entity_id\":\"0a\",\"pid\":1},"
				   "\"ancestry\":[]}" };

	assert_int_equal(alertbook_begin(s->alertbook), 0);
	assert_int_equal(alertbook_add(s->alertbook, &a), 0);
	assert_int_equal(alertbook_add_event(s->alertbook, a.id, 0, SECRET ":b:1",
					     "{\"_id\":\"" SECRET ":b:1\"}"),
			 0);
	assert_int_equal(alertbook_commit(s->alertbook, 1), 0);
}

/* Flips a byte of what was written last: a damaged block of the other node. */
static void damage_last(const struct served *s)
{
	char path[DAY_PATH_BYTES];
	uint8_t byte;
	off_t end;
	int fd;

	day_path(s->dir, (uint32_t)(s->base_ns / fixture_day_ns), "frames", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	end = lseek(fd, 0, SEEK_END) - 20;
	assert_int_equal(pread(fd, &byte, 1, end), 1);
	byte ^= 0x55;
	assert_int_equal(pwrite(fd, &byte, 1, end), 1);
	close(fd);
}

static struct fixture_batch of_other(const struct served *s, uint64_t first_seq)
{
	return (struct fixture_batch){ .node = SECRET "-node",
				       .word = SECRET "-word",
				       .first_seq = first_seq,
				       .n = SECRET_EVENTS,
				       .time_ns = s->base_ns,
				       .step_ns = 10 };
}

static int setup(void **state)
{
	int r = served_setup(state);
	struct served *s = *state;
	struct fixture_batch other = of_other(s, 1), broken = of_other(s, 20001);

	assert_int_equal(maindb_token_create(s->maindb, "admin", ROLE_ADMIN, s->token), 0);
	served_put(s, &(struct fixture_batch){ .first_seq = 1, .n = 3, .time_ns = s->base_ns });
	put_flow(s);
	put_alert(s);
	served_put(s, &other);
	served_put(s, &broken);
	assert_int_equal(follow_wait(s->follow, store_arrived(s->store), 30000), 0);
	damage_last(s);
	return r;
}

/* ---- the walk ---- */

/* Of each parameter what asks for most. */
static const char *const samples[PARAM_MAX] = {
	[PARAM_SINCE] = "-1h",
	[PARAM_LIMIT] = "1000",
	[PARAM_FIELD] = "host.id,process.name,file.path",
	[PARAM_DEPTH] = "64",
	[PARAM_DESCENDANTS] = "true",
	[PARAM_HOPS] = "16",
	[PARAM_EXPLAIN] = "true",
	[PARAM_FROM] = "0000000000001001",
	[PARAM_SQL] = "SELECT host_id, process_name FROM events",
	[PARAM_SOURCE] = "{ id: r2, name: n, query: true }",
};

static const char *const queries[] = {
	NULL,
	"any where true",
	"any where process.name : \"" SECRET "*\"",
	"any where descendant of [any where true]",
	"any where true | stats count() by host.name, process.name",
	"sequence [any where true] [any where true]",
};

static const struct {
	const char *name, *value;
} parts[] = {
	{ "entity_id", "0000000000001001" },
	{ "entity_id", "0000000000002001" },
	{ "alert_id", "1" },
	{ "rule_id", "r1" },
	{ "output", "o" },
	{ "node_id", SECRET "-node" },
};

static void write_path(const char *pattern, size_t which, struct buf *to)
{
	const char *brace, *at = pattern;

	for (; (brace = strchr(at, '{')); at = strchr(brace, '}') + 1) {
		size_t n = strcspn(brace + 1, "}"), seen = 0;
		const char *value = "1";

		buf_add(to, at, (size_t)(brace - at));
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
			if (strlen(parts[i].name) == n &&
			    memcmp(parts[i].name, brace + 1, n) == 0 && seen++ <= which)
				value = parts[i].value;
		buf_str(to, value);
	}
	buf_str(to, at);
}

static void write_query(const struct route *route, const char *q, bool wide, struct buf *to)
{
	char mark = '?';

	for (enum param p = 0; p < PARAM_MAX; p++) {
		const char *value = p == PARAM_Q	     ? q
				    : p == PARAM_PROGRESS    ? (wide ? "true" : NULL)
				    : p == PARAM_NODE	     ? (wide ? SECRET "-node" : NULL)
				    : p == PARAM_DESCENDANTS ? (wide ? "true" : NULL)
							     : samples[p];

		if (!value || !(route->params >> p & 1))
			continue;
		buf_printf(to, "%c%s=", mark, param_info(p)->name);
		for (; *value; value++)
			if (isalnum((unsigned char)*value))
				buf_byte(to, (uint8_t)*value);
			else
				buf_printf(to, "%%%02X", (unsigned char)*value);
		mark = '&';
	}
}

struct walk {
	const struct served *s;
	size_t answers, refusals, told; /* told: answers with something of the other node in them */
	bool may_be_told;
};

/* SECRET_EVENTS as a number of its own: its digits stand in some nanoseconds, too. */
static bool tells_count(const char *body, size_t n)
{
	static const char count[] = "7777";
	const char *end = body + n, *p = body;

	while ((p = memmem(p, (size_t)(end - p), count, 4))) {
		if ((p == body || !isdigit((unsigned char)p[-1])) &&
		    (p + 4 == end || !isdigit((unsigned char)p[4])))
			return true;
		p++;
	}
	return false;
}

/* What who asks has said itself does not count: queries, and parameters in problems. */
static bool tells_other(const struct answer *a, const char *q)
{
	static const char *const told[] = { SECRET "-node", SECRET "-word/", SECRET "-server",
					    SECRET " title" };

	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		if (memmem(a->body, a->n_body, told[i], strlen(told[i])))
			return true;
	return tells_count(a->body, a->n_body) ||
	       (!q && memmem(a->body, a->n_body, SECRET, strlen(SECRET)));
}

static void ask(struct walk *w, const char *method, const struct buf *target, const char *q)
{
	AUTO_BUF struct buf line = { 0 };
	struct answer a;

	buf_printf(&line, "%s %.*s", method, (int)target->n, (const char *)target->data);
	buf_byte(&line, 0);
	served_ask(w->s, (const char *)line.data, "Content-Length: 0\r\n\r\n", &a);
	w->answers += a.status == 200;
	w->refusals += a.status == 403;
	if (tells_other(&a, q)) {
		w->told++;
		if (!w->may_be_told)
			fail_msg("%s tells of another node: %s", (const char *)line.data, a.body);
	}
	answer_done(&a);
}

static void walk_method(struct walk *w, const struct route *route, const char *method)
{
	bool asks = route->params != PARAMS_NONE_BUT_BODY && (route->params & PARAM_BIT(Q));

	for (size_t q = 0; q < (asks ? ARRAY_SIZE(queries) : 1); q++)
		for (size_t i = 0; i < 4; i++) {
			AUTO_BUF struct buf target = { 0 };

			write_path(route->path, i & 1, &target);
			if (route->params != PARAMS_NONE_BUT_BODY)
				write_query(route, queries[q], i & 2, &target);
			ask(w, method, &target, queries[q]);
		}
}

static bool is_stream(const struct route *route)
{
	return strstr(route->answer, "text/event-stream") != NULL;
}

static void walk(struct walk *w)
{
	size_t n;
	const struct route *routes = api_routes(&n);

	for (size_t i = 0; i < n; i++) {
		if (is_stream(&routes[i]) && (w->may_be_told || strstr(routes[i].path, "tail")))
			continue; /* has no end: below */
		if (routes[i].methods & METHOD_GET)
			walk_method(w, &routes[i], "GET");
		if ((routes[i].methods & METHOD_POST) && !w->may_be_told)
			walk_method(w, &routes[i], "POST");
		if ((routes[i].methods & METHOD_DELETE) && !w->may_be_told)
			walk_method(w, &routes[i], "DELETE");
	}
}

static void test_scope_given_every_route_when_a_bound_token_asks_then_no_other_node_is_told(
	void **state)
{
	static const char *const scopes[] = { "node:n1", "label:env=prod", "node:n1,node:n3" };
	struct served *s = *state;
	struct walk all = { .s = s, .may_be_told = true };

	walk(&all); /* else the test would prove nothing */
	assert_true(all.told > 40);
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		struct walk w = { .s = s };

		served_use_token(s, ROLE_ADMIN, scopes[i]);
		walk(&w);
		assert_true(w.answers > 40);
		assert_true(w.refusals > 40);
	}
}

static void test_scope_given_tail_when_a_bound_token_follows_then_no_other_node_is_told(
	void **state)
{
	struct served *s = *state;
	struct fixture_batch own = {
		.first_seq = 101, .n = 1, .word = "allowed", .time_ns = s->base_ns + 1000
	};
	struct fixture_batch other = of_other(s, 50001);
	AUTO_BUF struct buf request = { 0 }, got = { 0 };
	int fd;

	served_use_token(s, ROLE_VIEWER, "node:n1");
	buf_printf(&request,
		   "GET /api/v1/tail HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
		   s->token);
	fd = served_connect(s);
	served_send(fd, request.data, request.n);
	while (!got_has(&got, "\r\n\r\n") && served_read(fd, &got, 30000))
		;
	served_put(s, &other);
	served_put(s, &own);
	while (!got_has(&got, "allowed") && served_read(fd, &got, 30000))
		;
	close(fd);
	assert_true(got_has(&got, "allowed"));
	assert_false(got_has(&got, SECRET));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scope_given_texts_when_parsed_then_terms_or_refused),
		cmocka_unit_test_setup_teardown(
			test_scope_given_every_route_when_a_bound_token_asks_then_no_other_node_is_told,
			setup, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_scope_given_tail_when_a_bound_token_follows_then_no_other_node_is_told,
			setup, served_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
