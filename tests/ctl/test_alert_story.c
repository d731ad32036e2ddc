/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/ctl/fake.h"

#define EVENT                                                                                \
	"{\"@timestamp\":\"2021-11-22T21:44:19.5Z\",\"host\":{\"name\":\"db-1\"},\"event\":" \
	"{\"category\":\"file\",\"action\":\"open\"},\"file\":{\"path\":\"/etc/shadow\"}}"

static const char alert[] =
	"{\"id\":2,\"status\":\"acknowledged\",\"owner\":\"me\",\"rule\":{\"id\":\"shadow-read\","
	"\"title\":\"A shell reads the shadow file\",\"level\":\"critical\",\"techniques\":"
	"[\"T1003.008\"]},\"node\":\"db-1\",\"entity_id\":\"44ee3d654c7b7191\",\"object\":"
	"\"/etc/shadow\\u001b[2J\",\"count\":3,\"first\":\"2021-11-22T21:44:19Z\",\"last\":"
	"\"2021-11-22T21:45:00Z\",\"incident\":7,\"process\":{\"pid\":458,\"name\":\"bash\","
	"\"executable\":\"/usr/bin/"
	"bash\",\"args\":[\"bash\",\"-p\"],\"user\":\"root\"},\"ancestry\":"
	"[{\"pid\":457,\"name\":\"sudo\",\"user\":\"root\"},{\"pid\":453,\"name\":\"bash\","
	"\"user\":"
	"\"deploy\"}],\"events\":[" EVENT "],\"notes\":[{\"time\":\"2021-11-22T22:00:00Z\","
	"\"author\":\"me\",\"text\":\"looking\"}],\"gaps\":[{\"count\":1}]}";

static const char page[] =
	"alert      2 A shell reads the shadow file\n"
	"state      critical, acknowledged, me\n"
	"rule       shadow-read  T1003.008\n"
	"when       2021-11-22T21:44:19Z, 3 times until 2021-11-22T21:45:00Z\n"
	"node       db-1\n"
	"object     /etc/shadow\\x1b[2J\n"
	"started by bash[453] (deploy) > sudo[457]\n"
	"process    bash[458] (root)  bash -p\n"
	"program    /usr/bin/bash\n"
	"notes      2021-11-22T22:00:00Z me: looking\n"
	"gaps       events of that time are known to be lost: this may not be all\n"
	"\nevents\n"
	"2021-11-22T21:44:19.500Z db-1 open     /etc/shadow\n"
	"\nnext       rtsecctl incidents 7\n"
	"           rtsecctl tree --across 44ee3d654c7b7191\n"
	"           rtsecctl timeline --descendants 44ee3d654c7b7191\n"
	"           rtsecctl alerts ack 2 --owner NAME\n";

static void test_alert_story_given_an_alert_when_got_then_a_page_for_people(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, alert, 0 },
						      { 200, NULL, alert, 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("alerts", "2", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, page);
	assert_has(f.requests[0], "GET /api/v1/alerts/2 HTTP");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("alerts", "get", "2", "-o", "ndjson"));
	assert_string_equal(r.out + strlen(r.out) - 1, "\n");
	assert_int_equal(strncmp(r.out, alert, strlen(alert)), 0);
	end(&f, &r);
}

static void test_alert_story_given_odd_answers_when_got_then_no_crash(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{}", 0 },
		{ 200, NULL,
		  "{\"id\":\"x\",\"ancestry\":[1,null],\"notes\":{},\"events\":[3],\"gaps\":1}",
		  0 },
		{ 404, "application/problem+json",
		  "{\"title\":\"Not Found\",\"status\":404,\"parameter\":\"id\"}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 3, ARGS("alerts", "2", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("alerts", "2", "-o", "table"));
	assert_int_equal(r.code, EXIT_SERVER); /* an event is no object */
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("alerts", "2", "-o", "table"));
	assert_int_equal(r.code, EXIT_NONE);
	end(&f, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alert_story_given_an_alert_when_got_then_a_page_for_people),
		cmocka_unit_test(test_alert_story_given_odd_answers_when_got_then_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
