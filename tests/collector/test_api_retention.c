/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/retention: what is told, who may change it, and what is refused. */
#include "tests/collector/served.h"

#include "collector/api.h"

static void use_token(struct served *s, enum role role)
{
	assert_int_equal(maindb_token_create(s->maindb, "keeper", role, s->token), 0);
}

/* Status of POST with @body; *ret, when not NULL, is its answer, the caller's. */
static int post(const struct served *s, const char *body, json_t **ret)
{
	AUTO_BUF struct buf more = { 0 };
	struct answer a;
	int status;

	buf_printf(&more, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		   strlen(body), body);
	buf_byte(&more, 0);
	served_ask(s, "POST /api/v1/retention", (const char *)more.data, &a);
	status = a.status;
	if (ret)
		*ret = answer_json(&a);
	answer_done(&a);
	return status;
}

static json_int_t number(const json_t *doc, const char *where)
{
	return json_integer_value(json_at(doc, where));
}

static void test_api_retention_given_days_when_asked_then_limits_days_and_holds(void **state)
{
	struct served *s = *state;
	json_t *doc, *day;

	served_put(s, &(struct fixture_batch){
			      .node = "n1", .first_seq = 1, .n = 3, .time_ns = s->base_ns });
	assert_int_equal(maindb_hold(s->maindb, (uint32_t)(s->base_ns / fixture_day_ns)), 0);
	doc = served_json(s, "/api/v1/retention", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "days")), 1);
	day = json_array_get(json_object_get(doc, "days"), 0);
	assert_int_equal(number(day, "events"), 3);
	assert_true(number(day, "bytes") > 0);
	assert_true(json_is_true(json_at(day, "held")));
	assert_int_equal(strlen(text_at(day, "day")), 10);
	assert_true(json_is_null(json_at(doc, "changed")));
	json_decref(doc);
}

static void test_api_retention_given_admin_when_set_and_dropped_then_told_with_author(void **state)
{
	struct served *s = *state;
	struct answer a;
	json_t *doc;

	use_token(s, ROLE_ADMIN);
	assert_int_equal(post(s, "{\"keep_days\":7}", &doc), 200);
	assert_int_equal(number(doc, "keep_days"), 7);
	assert_int_equal(number(doc, "keep_bytes"), number(doc, "configured.keep_bytes"));
	assert_string_equal(text_at(doc, "author"), "keeper");
	json_decref(doc);
	assert_int_equal(post(s, "{\"keep_bytes\":1099511627776}", &doc), 200);
	assert_int_equal(number(doc, "keep_days"), 7);
	assert_int_equal(number(doc, "keep_bytes"), 1099511627776);
	json_decref(doc);
	served_ask(s, "DELETE /api/v1/retention", NULL, &a);
	assert_int_equal(a.status, 200);
	doc = answer_json(&a);
	assert_int_equal(number(doc, "keep_days"), number(doc, "configured.keep_days"));
	json_decref(doc);
	answer_done(&a);
}

static void test_api_retention_given_wrong_values_or_role_when_set_then_refused(void **state)
{
	static const char *const wrong[] = { "{}", "{\"keep_days\":-1}", "{\"keep_days\":\"x\"}",
					     "{\"keep_days\":36501}",
					     "{\"keep_bytes\":99999999999999999999}" };
	struct served *s = *state;
	struct maindb_keep keep;

	use_token(s, ROLE_OPERATOR);
	assert_int_equal(post(s, "{\"keep_days\":7}", NULL), 403);
	use_token(s, ROLE_ADMIN);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(post(s, wrong[i], NULL), 400);
	assert_int_equal(maindb_keep_get(s->maindb, &keep), MAINDB_E_NOT_SET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_api_retention_given_days_when_asked_then_limits_days_and_holds),
		SERVED(test_api_retention_given_admin_when_set_and_dropped_then_told_with_author),
		SERVED(test_api_retention_given_wrong_values_or_role_when_set_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
