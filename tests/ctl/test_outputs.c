/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl outputs and rules cost, against a collector of canned answers: what is asked, and shown.
 */
#include "tests/ctl/fake.h"

static void check(const struct fake_answer *answer, const char *request, const char *shown,
		  const char *const *args)

{
	struct fake f;
	struct run r = ask(&f, answer, 1, args);

	if (r.code != EXIT_HITS)
		fail_msg("%d: %s", r.code, r.err);
	assert_has(f.requests[0], request);
	assert_has(r.out, shown);
	run_done(&r);
	fake_stop(&f);
}

static void test_outputs_given_verbs_when_run_then_asked_and_told(void **state)
{
	static const struct fake_answer list = {
		200, NULL,
		"{\"outputs\":[{\"name\":\"chat\",\"type\":\"webhook\",\"to\":\"https://h/"
		"x\",\"sent\":7,"
		"\"failed\":2,\"dead\":1,\"error\":\"it answered "
		"500\",\"silences\":[{\"id\":3,\"rule\":"
		"\"r1\",\"node\":null,\"until\":\"2027\",\"author\":\"me\",\"note\":\"\"}]}]}",
		false
	};
	static const struct fake_answer dead = {
		200, NULL,
		"{\"dead\":[{\"id\":1,\"alert\":42,\"created\":\"c\",\"error\":\"refused\"}]}",
		false
	};
	static const struct fake_answer sent = {
		200, NULL, "{\"output\":\"chat\",\"sent\":false,\"error\":\"refused\"}", false
	};
	static const struct fake_answer again = { 200, NULL, "{\"output\":\"chat\",\"replayed\":5}",
						  false };
	static const struct fake_answer hush = {
		200, NULL, "{\"output\":\"chat\",\"silence\":4,\"until\":\"2027\"}", false
	};
	static const struct fake_answer ended = { 200, NULL, "{\"output\":\"chat\",\"ended\":4}",
						  false };

	(void)state;
	check(&list, "GET /api/v1/outputs HTTP", "3: r1", ARGS("outputs", "-o", "table"));
	check(&list, "GET /api/v1/outputs HTTP", "\"sent\":7", ARGS("outputs", "list"));
	check(&dead, "GET /api/v1/outputs/chat/dead?limit=9 HTTP", "refused",
	      ARGS("outputs", "dead", "chat", "--limit", "9", "-o", "table"));
	check(&sent, "POST /api/v1/outputs/chat/test HTTP", "chat did not take it: refused",
	      ARGS("outputs", "test", "chat", "-o", "table"));
	check(&again, "POST /api/v1/outputs/chat/replay HTTP", "5 dead letters",
	      ARGS("outputs", "replay", "chat", "-o", "table"));
	check(&hush, "\"rule\":\"r1\"", "silence 4 of chat",
	      ARGS("outputs", "silence", "chat", "--rule", "r1", "--ttl", "2h", "-o", "table"));
	check(&ended, "DELETE /api/v1/outputs/chat/silences/4 HTTP", "silence 4",
	      ARGS("outputs", "unsilence", "chat", "4", "-o", "table"));
}

static void test_outputs_given_wrong_words_when_run_then_2(void **state)
{
	struct run r = run((struct run_setting){ .port = 1 }, ARGS("outputs", "test"));

	(void)state;
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "outputs test takes something else behind it");
	run_done(&r);
}

static void test_rules_given_costs_when_listed_then_dearest_first(void **state)
{
	static const struct fake_answer rules = {
		200, NULL,
		"{\"rules\":[{\"id\":\"cheap\",\"cost_ns\":5000,\"batches\":5,\"hits\":1,\"dear\":"
		"false},"
		"{\"id\":\"dear\",\"cost_ns\":9000000,\"batches\":9,\"hits\":0,\"dear\":true}]}",
		false
	};
	struct fake f;
	struct run r = ask(&f, &rules, 1, ARGS("rules", "cost", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "9.0 ms");
	assert_has(r.out, "1000.0 us");
	assert_true(strstr(r.out, "9.0 ms") < strstr(r.out, "cheap"));
	run_done(&r);
	fake_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outputs_given_verbs_when_run_then_asked_and_told),
		cmocka_unit_test(test_outputs_given_wrong_words_when_run_then_2),
		cmocka_unit_test(test_rules_given_costs_when_listed_then_dearest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
