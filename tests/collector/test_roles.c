/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes and roles, walked: each route asked with each role, and with none. */
#include "tests/collector/served.h"

#include "collector/api.h"

static const enum role roles[] = { ROLE_NONE, ROLE_VIEWER, ROLE_ANALYST, ROLE_OPERATOR,
				   ROLE_ADMIN };

struct walk {
	struct served *s;
	char tokens[ARRAY_SIZE(roles)][65];
};

static int setup(void **state)
{
	struct walk *w = calloc(1, sizeof(*w));
	void *served = NULL;

	assert_non_null(w);
	assert_int_equal(served_setup(&served), 0);
	w->s = served;
	for (size_t i = 1; i < ARRAY_SIZE(roles); i++)
		assert_int_equal(maindb_token_create(w->s->maindb, role_name(roles[i]), roles[i],
						     w->tokens[i]),
				 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct walk *w = *state;
	void *served = w->s;
	int r = served_teardown(&served);

	free(w);
	return r;
}

/* Status of @method @path with the token (none: ""), without waiting for the end of a stream. */
static int ask(const struct walk *w, const char *method, const char *path, const char *token)
{
	AUTO_BUF struct buf request = { 0 }, got = { 0 };
	int fd = served_connect(w->s), status = 0;

	buf_printf(&request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", method, path);
	if (token[0])
		buf_printf(&request, "Authorization: Bearer %s\r\n", token);
	buf_str(&request, "Content-Length: 0\r\n\r\n");
	served_send(fd, request.data, request.n);
	while (!got_has(&got, "\r\n") && served_read(fd, &got, 30000))
		;
	close(fd);
	buf_byte(&got, 0);
	assert_true(got.n > 12);
	assert_int_equal(sscanf((const char *)got.data, "HTTP/1.1 %d", &status), 1);
	return status;
}

static void walk_route(const struct walk *w, const struct route *route, const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		int status = ask(w, method, route->path, w->tokens[i]);
		bool in = roles[i] >= route->role;

		if (in ? status == 401 || (status == 403 && route->role != ROLE_NONE)
		       : status != (roles[i] == ROLE_NONE ? 401 : 403))
			fail_msg("%s %s as '%s' answers %d", method, route->path,
				 role_name(roles[i]), status);
	}
}

static void test_roles_given_every_route_when_asked_by_every_role_then_as_its_row_says(void **state)
{
	const struct walk *w = *state;
	size_t n;
	const struct route *routes = api_routes(&n);

	for (size_t i = 0; i < n; i++) {
		if (routes[i].methods & METHOD_GET)
			walk_route(w, &routes[i], "GET");
		if (routes[i].methods & METHOD_POST)
			walk_route(w, &routes[i], "POST");
	}
}

static bool is_one_of(const char *path, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

/* What needs no token, and what a viewer may have done: nothing else, whoever adds a route. */
static void test_roles_given_table_when_read_then_only_what_must_be_is_open(void **state)
{
	static const char *const open[] = { "/healthz", "/api/v1/ca", "/api/v1/enroll",
					    "/api/v1/renew" };
	static const char *const admins[] = { "/api/v1/tokens", "/api/v1/tokens/{token_id}/revoke",
					      "/api/v1/audit", "/api/v1/import" };
	size_t n;
	const struct route *routes = api_routes(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		if ((routes[i].role == ROLE_NONE) !=
		    is_one_of(routes[i].path, open, ARRAY_SIZE(open)))
			fail_msg("%s is open, or should be", routes[i].path);
		if (is_one_of(routes[i].path, admins, ARRAY_SIZE(admins)) &&
		    routes[i].role != ROLE_ADMIN)
			fail_msg("%s is for admins", routes[i].path);
	}
}

static void test_roles_given_each_token_when_it_asks_who_it_is_then_told_its_own(void **state)
{
	const struct walk *w = *state;

	for (size_t i = 1; i < ARRAY_SIZE(roles); i++) {
		AUTO_BUF struct buf line = { 0 };
		struct answer a;
		json_t *doc;

		buf_printf(&line, "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
		buf_printf(&line, "Authorization: Bearer %s\r\n\r\n", w->tokens[i]);
		served_raw(w->s, line.data, line.n, &a);
		assert_int_equal(a.status, 200);
		doc = answer_json(&a);
		assert_string_equal(text_at(doc, "name"), role_name(roles[i]));
		assert_string_equal(text_at(doc, "role"), role_name(roles[i]));
		assert_true(json_is_null(json_object_get(doc, "scope")));
		assert_null(memmem(a.body, a.n_body, w->tokens[i], strlen(w->tokens[i])));
		json_decref(doc);
		answer_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_roles_given_every_route_when_asked_by_every_role_then_as_its_row_says,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_roles_given_each_token_when_it_asks_who_it_is_then_told_its_own, setup,
			teardown),
		cmocka_unit_test(test_roles_given_table_when_read_then_only_what_must_be_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
