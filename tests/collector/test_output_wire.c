/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs against other sides that behave well and badly: groups, tries and pauses, dead letters,
 * rate limits, silences, Alertmanager's form, and syslog to a server that speaks TLS. */
#include "tests/collector/outputs_fixture.h"

#include <jansson.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

#include "collector/authority.h"

/* Starts with settings made of @format. */
static void start_with(struct fix *f, const char *format, ...) PRINTF_LIKE(2, 3);
static void start_with(struct fix *f, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	assert_true((size_t)vsnprintf(text, sizeof(text), format, args) < sizeof(text));
	va_end(args);
	start(f, text);
}

static void wait_requests(struct server *s, int n)
{
	for (int i = 0; i < 600 && s->n < n; i++)
		usleep(50000);
	assert_true(s->n >= n);
}

static uint64_t dead_of(struct fix *f, const char *name)
{
	uint64_t n;

	assert_int_equal(alertbook_dead_count(f->book, name, &n), 0);
	return n;
}

static void wait_dead(struct fix *f, const char *name, uint64_t n)
{
	for (int i = 0; i < 600 && dead_of(f, name) != n; i++)
		usleep(50000);
	assert_int_equal(dead_of(f, name), n);
}

/* The JSON body of request @i. */
static json_t *body_of(const struct server *s, int i)
{
	const char *body = strstr(s->got[i % 8], "\r\n\r\n");
	json_error_t error;
	json_t *doc = body ? json_loads(body + 4, 0, &error) : NULL;

	if (!doc)
		fail_msg("no JSON in %s", s->got[i % 8]);
	return doc;
}

static void test_output_given_other_side_down_when_tried_then_dead_letters_and_replay(void **state)
{
	struct fix *f = *state;
	AUTO_MEM struct server *s = calloc(1, sizeof(*s));
	AUTO_BUF struct buf told = { 0 };
	struct json j = json_to(&told);
	struct outputs_stats stats;
	uint64_t first, n = 0;
	json_t *doc;

	assert_non_null(s);
	s->fail = 3;
	server_start(s);
	start_with(f,
		   "outputs: [{ name: hook, type: webhook, url: 'http://127.0.0.1:%u/x', tries: 3, "
		   "pause_ms: 10 }]\n",
		   s->port);
	first = add(f, "one", RULE_HIGH);
	wait_dead(f, "hook", 1);
	assert_int_equal(s->n, 3);
	add(f, "two", RULE_HIGH); /* the output has gone on */
	wait_requests(s, 4);
	assert_non_null(strstr(s->got[3], "\"two\""));
	assert_null(strstr(s->got[3], "\"one\""));
	assert_int_equal(outputs_dead(f->outputs, "hook", 10, &j), 0);
	buf_byte(&told, 0);
	assert_non_null(strstr((const char *)told.data, "answered 500"));
	outputs_stats(f->outputs, &stats);
	assert_int_equal(stats.failed, 3);
	assert_int_equal(stats.dead, 1);
	assert_int_equal(outputs_replay(f->outputs, "hook", &n), 0);
	assert_int_equal(n, 1);
	wait_requests(s, 5);
	doc = body_of(s, 4);
	assert_int_equal(json_array_size(json_object_get(doc, "alerts")), 1);
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json_object_get(doc, "alerts"), 0), "id")),
			 first);
	json_decref(doc);
	assert_int_equal(dead_of(f, "hook"), 0);
	outputs_stop(TAKE(f->outputs));
	server_stop(s);
}

static void test_output_given_many_alerts_when_told_then_in_groups_each_once(void **state)
{
	struct fix *f = *state;
	AUTO_MEM struct server *s = calloc(1, sizeof(*s));
	bool seen[121] = { false };
	size_t total = 0;
	int at = 0;

	assert_non_null(s);
	server_start(s);
	start_with(f, "outputs: [{ name: hook, type: webhook, url: 'http://127.0.0.1:%u/x' }]\n",
		   s->port);
	outputs_stop(TAKE(f->outputs)); /* its place is kept: what comes now, it tells later */
	for (int i = 0; i < 120; i++)
		add(f, "r", RULE_HIGH);
	start_with(f, "outputs: [{ name: hook, type: webhook, url: 'http://127.0.0.1:%u/x' }]\n",
		   s->port);
	for (; total < 120; at++) {
		json_t *doc, *alerts, *a;
		size_t i;

		wait_requests(s, at + 1);
		doc = body_of(s, at);
		alerts = json_object_get(doc, "alerts");
		assert_true(json_array_size(alerts) <= OUTPUT_GROUP);
		total += json_array_size(alerts);
		json_array_foreach(alerts, i, a)
		{
			json_int_t id = json_integer_value(json_object_get(a, "id"));

			assert_in_range(id, 1, 120);
			assert_false(seen[id]);
			seen[id] = true;
		}
		json_decref(doc);
	}
	assert_int_equal(total, 120);
	assert_int_equal(at, 3);
	outputs_stop(TAKE(f->outputs));
	server_stop(s);
}

static void test_output_given_rate_when_reached_then_the_rest_waits(void **state)
{
	struct fix *f = *state;
	AUTO_MEM struct server *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	server_start(s);
	start_with(f,
		   "outputs:\n  - { name: hook, type: webhook, url: 'http://127.0.0.1:%u/x', "
		   "per_minute: 2 }\n  - { name: file, type: ndjson, path: %s/out.ndjson }\n",
		   s->port, f->dir);
	for (size_t i = 1; i <= 5; i++) { /* the file is told after the hook was looked at */
		add(f, "r", RULE_HIGH);
		free(lines(f, i));
		if (i <= 2)
			wait_requests(s, (int)i);
	}
	outputs_stop(TAKE(f->outputs));
	/* on a machine so slow that a minute went by, more may have come, but never all at once */
	assert_in_range(s->n, 2, 4);
	server_stop(s);
}

static void test_output_given_silence_when_made_and_ended_then_it_holds_between(void **state)
{
	struct fix *f = *state;
	struct alert_silence rule = { .rule = "hushed",
				      .until_ns = UINT64_MAX >> 1,
				      .author = "me",
				      .note = "noise" },
			     node = { .node = "n1", .until_ns = 1 };
	AUTO_BUF struct buf told = { 0 };
	struct json j = json_to(&told);
	char settings[256];
	AUTO_MEM char *text = NULL;

	snprintf(settings, sizeof(settings),
		 "outputs: [{ name: file, type: ndjson, path: %s/out.ndjson }]\n", f->dir);
	start(f, settings);
	assert_int_equal(outputs_silence(f->outputs, "none", &rule), 1);
	assert_int_equal(outputs_silence(f->outputs, "file", &node), 0); /* over already */
	assert_int_equal(outputs_silence(f->outputs, "file", &rule), 0);
	outputs_stop(TAKE(f->outputs));
	start(f, settings); /* it holds over a restart */
	outputs_write(f->outputs, &j);
	buf_byte(&told, 0);
	assert_non_null(strstr((const char *)told.data, "\"rule\":\"hushed\""));
	assert_non_null(strstr((const char *)told.data, "\"author\":\"me\",\"note\":\"noise\""));
	add(f, "hushed", RULE_HIGH);
	add(f, "other", RULE_HIGH);
	text = lines(f, 1);
	assert_null(strstr(text, "hushed"));
	assert_non_null(strstr(text, "\"other\""));
	assert_int_equal(outputs_silence_drop(f->outputs, "file", rule.id), 0);
	assert_int_equal(outputs_silence_drop(f->outputs, "file", rule.id), 1);
	add(f, "hushed", RULE_HIGH);
	free(TAKE(text));
	text = lines(f, 2);
	assert_non_null(strstr(text, "hushed"));
}

static void test_output_given_test_when_asked_then_its_fate_is_told(void **state)
{
	struct fix *f = *state;
	AUTO_MEM char *text = NULL;
	struct diag d = { 0 };

	start_with(f,
		   "outputs:\n  - { name: file, type: ndjson, path: %s/out.ndjson }\n"
		   "  - { name: hook, type: webhook, url: 'http://127.0.0.1:1/x' }\n",
		   f->dir);
	assert_int_equal(outputs_test(f->outputs, "none", NULL, &d), 1);
	assert_int_equal(outputs_test(f->outputs, "file", NULL, &d), 0);
	text = lines(f, 1);
	assert_non_null(strstr(text, "rtsec-output-test"));
	assert_int_equal(outputs_test(f->outputs, "hook", NULL, &d), -EIO);
	assert_non_null(strstr(d.text, "127.0.0.1"));
}

/* ---- Alertmanager ---- */

static bool is_label(const char *name)
{
	if (*name >= '0' && *name <= '9')
		return false;
	for (; *name; name++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
			    *name))
			return false;
	return true;
}

/* A postableAlert as Alertmanager's API v2 has it: labels and annotations are maps of texts, times
 * are RFC 3339. */
static void check_postable(const json_t *alert)
{
	static const char *const times[] = { "startsAt", "endsAt" };
	const char *key;
	json_t *value;

	assert_true(json_object_size(json_object_get(alert, "labels")) > 0);
	json_object_foreach(json_object_get(alert, "labels"), key, value)
	{
		assert_true(is_label(key));
		assert_true(json_is_string(value));
	}
	assert_non_null(
		json_string_value(json_object_get(json_object_get(alert, "labels"), "alertname")));
	json_object_foreach(json_object_get(alert, "annotations"), key, value)
		assert_true(is_label(key) && json_is_string(value));
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		const char *text = json_string_value(json_object_get(alert, times[i]));
		uint64_t ns;

		if (json_object_get(alert, times[i]))
			assert_int_equal(timestamp_parse(text, strlen(text), 0, &ns, NULL), 0);
	}
	json_object_foreach((json_t *)(uintptr_t)alert, key, value)
		assert_true(strcmp(key, "labels") == 0 || strcmp(key, "annotations") == 0 ||
			    strcmp(key, "startsAt") == 0 || strcmp(key, "endsAt") == 0 ||
			    strcmp(key, "generatorURL") == 0);
}

static void test_output_given_alertmanager_when_told_then_as_its_api_wants_it(void **state)
{
	struct fix *f = *state;
	AUTO_MEM struct server *s = calloc(1, sizeof(*s));
	const struct alert_edit close = { .status = ALERT_CLOSED };
	uint64_t id;

	assert_non_null(s);
	server_start(s);
	start_with(f,
		   "outputs: [{ name: am, type: alertmanager, url: "
		   "'http://127.0.0.1:%u/api/v2/alerts' }]\n",
		   s->port);
	id = add(f, "told", RULE_CRITICAL);
	wait_requests(s, 1);
	assert_int_equal(alertbook_edit(f->book, id, &close), 0);
	wait_requests(s, 2);
	assert_non_null(strstr(s->got[0], "POST /api/v2/alerts HTTP/1.1\r\n"));
	assert_non_null(strcasestr(s->got[0], "content-type: application/json\r\n"));
	for (int i = 0; i < 2; i++) {
		json_t *doc = body_of(s, i);

		assert_int_equal(json_array_size(doc), 1);
		check_postable(json_array_get(doc, 0));
		assert_int_equal(json_object_get(json_array_get(doc, 0), "endsAt") != NULL, i);
		json_decref(doc);
	}
	outputs_stop(TAKE(f->outputs));
	server_stop(s);
}

/* ---- syslog over TLS ---- */

struct tls_server {
	mbedtls_net_context listening;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_ssl_config config;
	mbedtls_x509_crt cert;
	mbedtls_pk_context key;
	char got[65536];
	_Atomic size_t n;
	_Atomic int connections, refused;
	pthread_t thread;
};

/* Reads what one client says until it goes. */
static void tls_hear(struct tls_server *s, mbedtls_ssl_context *ssl)
{
	int r = mbedtls_ssl_handshake(ssl);

	if (r != 0) {
		s->refused++;
		return;
	}
	s->connections++;
	while (s->n < sizeof(s->got) - 1) {
		r = mbedtls_ssl_read(ssl, (unsigned char *)s->got + s->n,
				     sizeof(s->got) - 1 - s->n);
		if (r <= 0)
			return;
		s->n += (size_t)r;
	}
}

static void *tls_serve(void *arg)
{
	struct tls_server *s = arg;

	for (;;) {
		mbedtls_net_context client;
		mbedtls_ssl_context ssl;

		mbedtls_net_init(&client);
		if (mbedtls_net_accept(&s->listening, &client, NULL, 0, NULL) != 0)
			return NULL;
		mbedtls_ssl_init(&ssl);
		assert_int_equal(mbedtls_ssl_setup(&ssl, &s->config), 0);
		mbedtls_ssl_set_bio(&ssl, &client, mbedtls_net_send, mbedtls_net_recv, NULL);
		tls_hear(s, &ssl);
		mbedtls_ssl_free(&ssl);
		mbedtls_net_free(&client);
	}
}

static uint16_t tls_start(struct tls_server *s, const struct authority *a)
{
	const char *cert = authority_cert(a), *key = authority_key(a);
	struct sockaddr_in address;
	socklen_t n = sizeof(address);

	mbedtls_net_init(&s->listening);
	mbedtls_entropy_init(&s->entropy);
	mbedtls_ctr_drbg_init(&s->random);
	mbedtls_ssl_config_init(&s->config);
	mbedtls_x509_crt_init(&s->cert);
	mbedtls_pk_init(&s->key);
	assert_int_equal(
		mbedtls_ctr_drbg_seed(&s->random, mbedtls_entropy_func, &s->entropy, NULL, 0), 0);
	assert_int_equal(
		mbedtls_x509_crt_parse(&s->cert, (const unsigned char *)cert, strlen(cert) + 1), 0);
	assert_int_equal(
		mbedtls_pk_parse_key(&s->key, (const unsigned char *)key, strlen(key) + 1, NULL, 0),
		0);
	assert_int_equal(mbedtls_ssl_config_defaults(&s->config, MBEDTLS_SSL_IS_SERVER,
						     MBEDTLS_SSL_TRANSPORT_STREAM,
						     MBEDTLS_SSL_PRESET_DEFAULT),
			 0);
	mbedtls_ssl_conf_rng(&s->config, mbedtls_ctr_drbg_random, &s->random);
	assert_int_equal(mbedtls_ssl_conf_own_cert(&s->config, &s->cert, &s->key), 0);
	assert_int_equal(mbedtls_net_bind(&s->listening, "127.0.0.1", "0", MBEDTLS_NET_PROTO_TCP),
			 0);
	assert_int_equal(getsockname(s->listening.fd, (struct sockaddr *)&address, &n), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, tls_serve, s), 0);
	return ntohs(address.sin_port);
}

static void tls_stop(struct tls_server *s)
{
	shutdown(s->listening.fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	mbedtls_net_free(&s->listening);
	mbedtls_ssl_config_free(&s->config);
	mbedtls_x509_crt_free(&s->cert);
	mbedtls_pk_free(&s->key);
	mbedtls_ctr_drbg_free(&s->random);
	mbedtls_entropy_free(&s->entropy);
}

/* Takes one message off @at as RFC 5425 frames it and RFC 5424 writes it; its alert's id. */
static json_int_t take_message(const char **at)
{
	char *rest, *fields = NULL, copy[4096];
	size_t n = strtoul(*at, &rest, 10);
	const char *word;
	json_int_t id;
	uint64_t ns;
	json_t *doc;

	assert_true(**at >= '1' && **at <= '9' && *rest == ' ');
	assert_true(strlen(rest + 1) >= n && n < sizeof(copy));
	snprintf(copy, sizeof(copy), "%.*s", (int)n, rest + 1);
	*at = rest + 1 + n;
	word = strtok_r(copy, " ", &fields);
	assert_string_equal(word, "<107>1"); /* facility 13, severity 3 for high; version 1 */
	word = strtok_r(NULL, " ", &fields);
	assert_int_equal(timestamp_parse(word, strlen(word), 0, &ns, NULL), 0);
	assert_string_equal(strtok_r(NULL, " ", &fields), "n1");
	assert_string_equal(strtok_r(NULL, " ", &fields), "rtsec");
	assert_string_equal(strtok_r(NULL, " ", &fields), "-");	    /* process id */
	assert_string_equal(strtok_r(NULL, " ", &fields), "alert"); /* message id */
	assert_string_equal(strtok_r(NULL, " ", &fields), "-");	    /* structured data */
	doc = json_loads(fields, 0, NULL);
	assert_non_null(doc);
	id = json_integer_value(json_object_get(doc, "id"));
	json_decref(doc);
	return id;
}

static void test_output_given_syslog_server_with_tls_when_told_then_it_has_each_message(
	void **state)
{
	static const char *const names[] = { "127.0.0.1" };
	struct fix *f = *state;
	AUTO_MEM struct tls_server *s = calloc(1, sizeof(*s));
	AUTO(authority) *a = NULL;
	struct diag d = { 0 };
	const char *at;
	uint16_t port;

	assert_non_null(s);
	assert_int_equal(authority_open(&a, f->dir, names, 1, timestamp_now(), &d), 0);
	port = tls_start(s, a);
	/* a server whose certificate is of nobody that is believed gets nothing */
	start_with(f,
		   "outputs: [{ name: siem, type: syslog, url: 'tls://127.0.0.1:%u', tries: 2, "
		   "pause_ms: 10 }]\n",
		   port);
	add(f, "first", RULE_HIGH);
	wait_dead(f, "siem", 1);
	assert_int_equal(s->n, 0);
	s->connections = 0;
	outputs_stop(TAKE(f->outputs));
	start_with(f,
		   "outputs: [{ name: siem, type: syslog, url: 'tls://127.0.0.1:%u', ca: "
		   "'%s/tls/ca.pem' }]\n",
		   port, f->dir);
	add(f, "second", RULE_HIGH);
	add(f, "third", RULE_HIGH);
	for (int i = 0; i < 600 && !memmem(s->got, s->n, "\"third\"", 7); i++)
		usleep(50000);
	outputs_stop(TAKE(f->outputs));
	tls_stop(s);
	assert_int_equal(s->connections, 1); /* kept open from one message to the next */
	at = s->got;
	assert_int_equal(take_message(&at), 2);
	assert_int_equal(take_message(&at), 3);
	assert_string_equal(at, "");
}

#define OUTPUT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTPUT(test_output_given_other_side_down_when_tried_then_dead_letters_and_replay),
		OUTPUT(test_output_given_many_alerts_when_told_then_in_groups_each_once),
		OUTPUT(test_output_given_rate_when_reached_then_the_rest_waits),
		OUTPUT(test_output_given_silence_when_made_and_ended_then_it_holds_between),
		OUTPUT(test_output_given_test_when_asked_then_its_fate_is_told),
		OUTPUT(test_output_given_alertmanager_when_told_then_as_its_api_wants_it),
		OUTPUT(test_output_given_syslog_server_with_tls_when_told_then_it_has_each_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
