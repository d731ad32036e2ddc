/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs: their settings, the forms of messages, and what gets through: to a file, to a web server
 * that fails at first, to one that never answers. */
#include "tests/collector/outputs_fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static void test_output_given_file_when_alerts_are_made_then_told_by_level_silence_and_news(
	void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf settings = { 0 };
	const struct alert_edit close = { .status = ALERT_CLOSED };
	AUTO_MEM char *text = NULL;
	uint64_t id;

	add(f, "before", RULE_CRITICAL); /* there before the output was */
	buf_printf(&settings,
		   "outputs:\n  - name: file\n    type: ndjson\n    path: %s/out.ndjson\n    "
		   "level: high\n"
		   "    silences: [{ rule: hushed }]\n",
		   f->dir);
	buf_byte(&settings, 0);
	start(f, (const char *)settings.data);
	add(f, "low", RULE_LOW);
	add(f, "hushed", RULE_HIGH);
	id = add(f, "told", RULE_HIGH);
	assert_int_equal(alertbook_begin(f->book), 0);
	assert_int_equal(alertbook_count(f->book, id, 5, 1790000000000000001), 0); /* no news */
	assert_int_equal(alertbook_commit(f->book, 2), 0);
	text = lines(f, 1);
	free(TAKE(text));
	assert_int_equal(alertbook_edit(f->book, id, &close), 0);
	text = lines(f, 2);
	assert_null(strstr(text, "before"));
	assert_null(strstr(text, "hushed"));
	assert_null(strstr(text, "\"low\""));
	assert_non_null(strstr(text, "\"status\":\"closed\""));
}

static void test_output_given_webhook_that_fails_when_tried_again_then_it_gets_all_signed(
	void **state)
{
	struct fix *f = *state;
	AUTO_MEM struct server *s = calloc(1, sizeof(*s));
	AUTO_BUF struct buf settings = { 0 };
	const char *body;
	char signature[72];

	assert_non_null(s);
	s->fail = 1;
	server_start(s);
	buf_printf(&settings,
		   "outputs:\n  - name: hook\n    type: webhook\n    url: http://127.0.0.1:%u/x\n"
		   "    secret: key\n",
		   s->port);
	buf_byte(&settings, 0);
	start(f, (const char *)settings.data);
	add(f, "told", RULE_HIGH);
	for (int i = 0; i < 300 && s->n < 2; i++)
		usleep(100000);
	assert_true(s->n >= 2);
	server_stop(s);
	body = strstr(s->got[1], "\r\n\r\n");
	assert_non_null(body);
	assert_non_null(strstr(body, "{\"alerts\":[{\"id\":1,"));
	assert_int_equal(output_sign("key", body + 4, strlen(body + 4), signature), 0);
	assert_non_null(strstr(s->got[1], signature));
}

static void test_output_given_dead_letters_when_replayed_then_told_again(void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf settings = { 0 };
	AUTO_MEM char *text = NULL;
	uint64_t n = 0, id;

	buf_printf(&settings, "outputs: [{ name: file, type: ndjson, path: %s/out.ndjson }]\n",
		   f->dir);
	buf_byte(&settings, 0);
	start(f, (const char *)settings.data);
	id = add(f, "told", RULE_HIGH);
	free(lines(f, 1));
	outputs_stop(TAKE(f->outputs));
	assert_int_equal(alertbook_dead_add(f->book, "file", id, "refused"), 0);
	assert_int_equal(alertbook_dead_count(f->book, "file", &n), 0);
	assert_int_equal(n, 1);
	start(f, (const char *)settings.data);
	assert_int_equal(outputs_replay(f->outputs, "nothing", &n), 1);
	assert_int_equal(outputs_replay(f->outputs, "file", &n), 0);
	assert_int_equal(n, 1);
	text = lines(f, 2);
	assert_int_equal(alertbook_dead_count(f->book, "file", &n), 0);
	assert_int_equal(n, 0);
}

/* ---- forms ---- */

static void compose(const struct output_settings *s, const char *expected)
{
	static char json[] =
		"{\"id\":1,\"status\":\"closed\",\"rule\":{\"id\":\"r\",\"title\":\"a "
		"\\\"b\\\"\",\"level\":\"high\"},\"node\":\"n1\",\"last\":\"2026-01-01T00:"
		"00:00Z\",\"first\":\"f\",\"updated\":\"u\"}";
	const struct output_alert a = { json };
	AUTO_BUF struct buf out = { 0 };

	assert_int_equal(output_compose(s, &a, 1, &out), 0);
	buf_byte(&out, 0);
	if (!strstr((const char *)out.data, expected))
		fail_msg("%s is not in %s", expected, (const char *)out.data);
}

static void test_output_given_types_when_composed_then_each_has_its_form(void **state)
{
	(void)state;
	compose(
		&(struct output_settings){
			.type = OUTPUT_WEBHOOK,
			.template = "{\"text\":\"{{rule.title}} on {{node}}{{none}}\"}" },
		"{\"text\":\"a \\\"b\\\" on n1\"}");
	compose(&(struct output_settings){ .type = OUTPUT_ALERTMANAGER },
		"[{\"labels\":{\"alertname\":\"r\",\"severity\":\"high\",\"node\":\"n1\"");
	compose(&(struct output_settings){ .type = OUTPUT_ALERTMANAGER }, "\"endsAt\":\"u\"");
	compose(&(struct output_settings){ .type = OUTPUT_SYSLOG },
		" <107>1 2026-01-01T00:00:00Z n1 rtsec - alert - {\"id\":1");
	compose(&(struct output_settings){ .type = OUTPUT_NDJSON }, "\"updated\":\"u\"}\n");
}

/* It takes the connection, and never answers. */
static void test_output_given_silent_receiver_when_stopped_then_the_message_ends(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n_address = sizeof(a);
	AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct output_alert alert = { (char[]){ "{}" } };
	struct output_settings s = { .name = "w", .type = OUTPUT_WEBHOOK };
	AUTO(output_sender) *sender = NULL;
	struct diag d = { 0 };
	atomic_bool stop = true;
	char url[100];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n_address), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/services/SECRET", ntohs(a.sin_port));
	s.url = url;
	assert_int_equal(output_sender_new(&sender, &s, &stop), 0);
	assert_int_equal(output_send(sender, &alert, 1, &d), -EIO);
	assert_non_null(strstr(d.text, "abort")); /* not: time-out */
	assert_null(strstr(d.text, "SECRET"));
}

static void test_output_given_places_when_shown_then_without_their_secrets(void **state)
{
	static const struct {
		enum output_type type;
		const char *url, *shown;
	} cases[] = {
		{ OUTPUT_WEBHOOK, "https://hooks.example/services/T0/B1/xyz",
		  "https://hooks.example/..." },
		{ OUTPUT_WEBHOOK, "https://me:word@host:8443?token=1", "https://host:8443/..." },
		{ OUTPUT_ALERTMANAGER, "http://127.0.0.1:9093", "http://127.0.0.1:9093" },
		{ OUTPUT_SYSLOG, "tls://log.example:6514", "tls://log.example:6514" },
		{ OUTPUT_NDJSON, "/var/log/alerts.ndjson", "/var/log/alerts.ndjson" },
	};
	char shown[OUTPUT_PLACE_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct output_settings s = { .type = cases[i].type, .url = cases[i].url };

		assert_string_equal(output_place(&s, shown), cases[i].shown);
	}
}

static void test_output_given_rfc_4231_when_signed_then_its_vector(void **state)
{
	char signature[72];

	(void)state;
	assert_int_equal(output_sign("Jefe", TEXT("what do ya want for nothing?"), signature), 0);
	assert_string_equal(signature,
			    "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b9"
			    "64ec3843");
}

static void test_output_given_wrong_settings_when_read_then_place_and_reason(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "x: 1\n", "expected outputs" },
		{ "outputs: [a]\n", "expected a map" },
		{ "outputs: [{ name: a, type: mail, url: x }]\n", "expected webhook" },
		{ "outputs: [{ name: a, type: webhook }]\n", "needs a name" },
		{ "outputs: [{ name: a, type: webhook, url: ftp://x }]\n", "begins with https" },
		{ "outputs: [{ name: a, type: syslog, url: udp://x }]\n", "tls://HOST" },
		{ "outputs: [{ name: a, type: ndjson, path: x }]\n", "from the root" },
		{ "outputs: [{ name: a, type: ndjson, path: /x }, { name: a, type: ndjson, path: "
		  "/y }]\n",
		  "same name" },
		{ "outputs: [{ name: a, type: ndjson, path: /x, colour: red }]\n",
		  "expected name, type" },
		{ "outputs: [{ name: a, type: ndjson, path: /x, level: bad }]\n", "informational" },
		{ "outputs: [{ name: a, type: ndjson, path: /x, silences: [{ who: x }] }]\n",
		  "rule, node or until" },
		{ "outputs: [{ name: a, type: ndjson, path: /x, tries: 0 }]\n", "from 1 on" },
		{ "outputs: [{ name: a, type: ndjson, path: /x, pause_ms: 999999 }]\n",
		  "not too great" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct output_config c;
		struct diag d = { 0 };

		assert_int_equal(output_config_read(&c, cases[i].text, strlen(cases[i].text), &d),
				 -EINVAL);
		if (!strstr(d.text, cases[i].said) || d.line != 1)
			fail_msg("%s: %u:%u %s", cases[i].text, d.line, d.column, d.text);
		output_config_done(&c);
	}
}

#define OUTPUT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTPUT(test_output_given_file_when_alerts_are_made_then_told_by_level_silence_and_news),
		OUTPUT(test_output_given_webhook_that_fails_when_tried_again_then_it_gets_all_signed),
		OUTPUT(test_output_given_dead_letters_when_replayed_then_told_again),
		cmocka_unit_test(test_output_given_types_when_composed_then_each_has_its_form),
		cmocka_unit_test(
			test_output_given_silent_receiver_when_stopped_then_the_message_ends),
		cmocka_unit_test(test_output_given_places_when_shown_then_without_their_secrets),
		cmocka_unit_test(test_output_given_rfc_4231_when_signed_then_its_vector),
		cmocka_unit_test(test_output_given_wrong_settings_when_read_then_place_and_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
