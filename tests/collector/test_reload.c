/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP, of the program itself: what is changed in its files is in force then, what needs a
 * restart is told by name, and what is wrong leaves what was. */
#include "tests/collector/program.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "collector/authority.h"
#include "collector/maindb.h"

struct fix {
	char dir[128], token[65];
	struct maindb *maindb;
	struct authority *authorities[2]; /* whose certificates the web server shows by turns */
	pid_t pid;
	int out;
	unsigned port;
};

static void write_file(const struct fix *f, const char *name, const char *text)
{
	char path[200];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	to = fopen(path, "we");
	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

static void show_certificate(const struct fix *f, size_t which)
{
	write_file(f, "web.pem", authority_cert(f->authorities[which]));
	write_file(f, "web.key", authority_key(f->authorities[which]));
}

static void configure(const struct fix *f, const char *more)
{
	char text[1200];

	snprintf(text, sizeof(text),
		 "dir: %s/data\nlisten: ipc://%s/sensors.ipc\nhttp: 127.0.0.1:0\n"
		 "http-cert: %s/web.pem\nhttp-key: %s/web.key\n%s",
		 f->dir, f->dir, f->dir, f->dir, more);
	write_file(f, "collector.yaml", text);
}

static void make_authority(struct fix *f, size_t which)
{
	struct diag d = { 0 };
	char dir[160];

	snprintf(dir, sizeof(dir), "%s/ca%zu", f->dir, which);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(authority_open(&f->authorities[which], dir, NULL, 0, timestamp_now(), &d),
			 0);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	char config[200], text[8192] = "", *port;
	const char *const args[] = { config, NULL };
	struct diag d = { 0 };

	assert_non_null(f);
	fixture_folder(f->dir);
	make_authority(f, 0);
	make_authority(f, 1);
	show_certificate(f, 0);
	configure(f, "keep-days: 9\n");
	snprintf(config, sizeof(config), "--config=%s/collector.yaml", f->dir);
	f->pid = program_start(args, &f->out);
	if (!program_says(f->out, "READY", text, sizeof(text)))
		fail_msg("not ready: %s", text);
	port = strstr(text, " port=");
	assert_non_null(port);
	assert_int_equal(sscanf(port, " port=%u", &f->port), 1);
	snprintf(config, sizeof(config), "%s/data", f->dir);
	assert_int_equal(maindb_open(&f->maindb, config, &d), 0);
	assert_int_equal(maindb_token_create(f->maindb, "t", ROLE_VIEWER, f->token), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	kill(f->pid, SIGTERM);
	assert_int_equal(program_finish(f->pid), 0);
	close(f->out);
	maindb_free(f->maindb);
	authority_free(f->authorities[0]);
	authority_free(f->authorities[1]);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* Sends SIGHUP, and reads until @word, of the last line about it. */
static void reload_it(const struct fix *f, const char *word, char *text, size_t room)
{
	kill(f->pid, SIGHUP);
	if (!program_says(f->out, word, text, room))
		fail_msg("nothing is told: %s", text);
}
#define RELOAD(f, text) reload_it(f, "collector.reloaded", text, sizeof(text))

/* ---- a client with TLS ---- */

static gnutls_session_t dial(const struct fix *f, gnutls_certificate_credentials_t credentials)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)f->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	gnutls_session_t session;

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(gnutls_init(&session, GNUTLS_CLIENT), 0);
	assert_int_equal(gnutls_set_default_priority(session), 0);
	assert_int_equal(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials), 0);
	gnutls_transport_set_int(session, fd);
	assert_int_equal(gnutls_handshake(session), 0);
	return session;
}

static void hang_up(gnutls_session_t session)
{
	close(gnutls_transport_get_int(session));
	gnutls_deinit(session);
}

/* Does the web server show this certificate? */
static bool shows(const struct fix *f, size_t which)
{
	const char *pem = authority_cert(f->authorities[which]);
	const gnutls_datum_t text = { (unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem) };
	gnutls_certificate_credentials_t credentials;
	const gnutls_datum_t *shown;
	gnutls_session_t session;
	gnutls_datum_t der;
	unsigned n = 0;
	bool same;

	assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
	session = dial(f, credentials);
	shown = gnutls_certificate_get_peers(session, &n);
	assert_true(n > 0);
	assert_int_equal(gnutls_pem_base64_decode2("CERTIFICATE", &text, &der), 0);
	same = shown[0].size == der.size && memcmp(shown[0].data, der.data, der.size) == 0;
	gnutls_free(der.data);
	hang_up(session);
	gnutls_certificate_free_credentials(credentials);
	return same;
}

static void ask(const struct fix *f, const char *path, char *answer, size_t room)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	char request[400];
	size_t n = 0;
	ssize_t got;
	int length = snprintf(request, sizeof(request),
			      "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			      "Authorization: Bearer %s\r\n\r\n",
			      path, f->token);

	assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
	session = dial(f, credentials);
	assert_int_equal(gnutls_record_send(session, request, (size_t)length), length);
	while (n + 1 < room && (got = gnutls_record_recv(session, answer + n, room - 1 - n)) > 0)
		n += (size_t)got;
	answer[n] = '\0';
	hang_up(session);
	gnutls_certificate_free_credentials(credentials);
}

static bool answers(const struct fix *f, const char *path, const char *text)
{
	char answer[16384];

	ask(f, path, answer, sizeof(answer));
	return strstr(answer, text) != NULL;
}

/* ---- tests ---- */

static void test_reload_given_new_limits_when_told_then_in_force_and_others_named(void **state)
{
	struct fix *f = *state;
	char text[8192];

	assert_true(answers(f, "/api/v1/retention", "\"keep_days\":9"));
	configure(f, "keep-days: 4\nkeep-bytes: 1G\nlog-level: debug\n");
	RELOAD(f, text);
	assert_non_null(strstr(text, "needs_restart=-"));
	assert_true(answers(f, "/api/v1/retention", "\"keep_days\":4"));
	assert_true(answers(f, "/api/v1/retention", "\"keep_bytes\":1073741824"));
	configure(f, "keep-days: 4\ntls-name: [other.example]\nrules: /nowhere\n");
	RELOAD(f, text);
	assert_non_null(strstr(text, "needs_restart=tls-name,rules"));
}

static void test_reload_given_wrong_settings_when_told_then_place_is_told_and_nothing_changes(
	void **state)
{
	struct fix *f = *state;
	char text[8192];

	configure(f, "keep-bytes: 1G\nkeep-days: many\n");
	reload_it(f, "collector.not_reloaded what=settings", text, sizeof(text));
	assert_non_null(strstr(text, "collector.yaml:7:12: "));
	assert_true(answers(f, "/api/v1/retention", "\"keep_days\":9"));
	assert_true(answers(f, "/api/v1/retention", "\"keep_bytes\":0"));
}

static void test_reload_given_new_certificate_when_told_then_shown_unless_it_is_wrong(void **state)
{
	struct fix *f = *state;
	char text[8192];

	assert_true(shows(f, 0));
	show_certificate(f, 1);
	assert_true(shows(f, 0)); /* not yet */
	RELOAD(f, text);
	assert_non_null(strstr(text, "http-cert"));
	assert_true(shows(f, 1));
	write_file(f, "web.key", authority_key(f->authorities[0])); /* of another certificate */
	RELOAD(f, text);
	assert_non_null(strstr(text, "collector.not_reloaded what=http-cert"));
	assert_true(shows(f, 1));
	write_file(f, "web.pem", "no certificate\n");
	RELOAD(f, text);
	assert_non_null(strstr(text, "collector.not_reloaded what=http-cert"));
	assert_true(shows(f, 1));
}

static void test_reload_given_outputs_when_told_then_in_force_unless_they_are_wrong(void **state)
{
	struct fix *f = *state;
	char text[8192], yaml[400];

	assert_true(answers(f, "/api/v1/outputs", "\"outputs\":[]"));
	snprintf(yaml, sizeof(yaml), "outputs: [{ name: one, type: ndjson, path: %s/a }]\n",
		 f->dir);
	write_file(f, "data/outputs.yaml", yaml);
	RELOAD(f, text);
	assert_true(answers(f, "/api/v1/outputs", "\"name\":\"one\""));
	write_file(f, "data/outputs.yaml", "outputs:\n - { name: two, type: pigeon }\n");
	RELOAD(f, text);
	assert_non_null(strstr(text, "collector.not_reloaded what=outputs.yaml"));
	assert_non_null(strstr(text, "outputs.yaml:2:"));
	assert_true(answers(f, "/api/v1/outputs", "\"name\":\"one\""));
	snprintf(yaml, sizeof(yaml), "outputs: [{ name: two, type: ndjson, path: %s/b }]\n",
		 f->dir);
	write_file(f, "data/outputs.yaml", yaml);
	RELOAD(f, text);
	assert_true(answers(f, "/api/v1/outputs", "\"name\":\"two\""));
	assert_false(answers(f, "/api/v1/outputs", "\"name\":\"one\""));
}

#define T(name) cmocka_unit_test_setup_teardown(test_reload_given_##name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(new_limits_when_told_then_in_force_and_others_named),
		T(wrong_settings_when_told_then_place_is_told_and_nothing_changes),
		T(new_certificate_when_told_then_shown_unless_it_is_wrong),
		T(outputs_when_told_then_in_force_unless_they_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
