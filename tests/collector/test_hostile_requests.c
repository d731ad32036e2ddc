/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile clients of the API: whatever they ask, honest ones are answered meanwhile, and each
 * refusal is counted. */
#include "tests/collector/hostile.h"

#include "lib/limits.h"

/* Connections that never finish their request do not keep others from being answered. */
static void test_hostile_given_slow_clients_when_honest_one_asks_then_answered(void **state)
{
	static const char head[] = "GET /api/v1/nodes HTTP/1.1\r\nHost: x\r\nX-Slow: ";
	struct served *s = *state;
	int fds[200];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = served_connect(s);
		served_send(fds[i], head, i % sizeof(head));
	}
	json_decref(served_json(s, "/api/v1/nodes", 200));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* Connects from an address of its own, 127.0.0.0/8 has many: so that no limit of an address counts.
 */
static int connect_from(const struct served *s, uint32_t who)
{
	const struct sockaddr_in from = { .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + who) };
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(s->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Sends and reads to the end of the connection.  Returns the status; 0: it was cut. */
static int status_from(const struct served *s, uint32_t who, const void *request, size_t n)
{
	int fd = connect_from(s, who), status = 0;
	AUTO_BUF struct buf got = { 0 };

	served_send(fd, request, n);
	while (served_read(fd, &got, 60000))
		;
	close(fd);
	buf_byte(&got, 0);
	(void)sscanf((char *)got.data, "HTTP/1.1 %d ", &status);
	return status;
}

static int honest_status(const struct served *s)
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

	return status_from(s, UINT16_MAX, request, sizeof(request) - 1);
}

/* Half a request and gone: libmicrohttpd keeps such a connection until its time is over. */
static void test_hostile_given_random_requests_when_sent_then_honest_one_is_answered(void **state)
{
	struct served *s = *state;
	uint64_t random = 1442695040888963407u;

	for (int i = 0; i < rounds(); i++) {
		uint8_t bytes[512];
		size_t n = 1 + next_random(&random) % sizeof(bytes);
		int fd = served_connect(s);

		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)next_random(&random);
		served_send(fd, bytes, n);
		close(fd);
		if (i % HONEST_EVERY == HONEST_EVERY - 1)
			assert_int_equal(honest_status(s), 200);
	}
	assert_int_equal(honest_status(s), 200);
}

/* ---- requests that are refused, each for its reason ---- */

enum { LONG_ADDRESS = LIMIT_HTTP_URL_BYTES + 100, HUGE_ADDRESS = 200000 };

/* Good tokens take turns: 500 requests a second are what one may ask. */
enum { TOKENS = 64 };

struct hostile {
	struct served *s;
	char viewers[TOKENS][65], bounds[TOKENS][65];
	size_t turn;
	char ended[65], used[65];	  /* used: a join token */
	char request[4 * CERT_PEM_BYTES]; /* for a certificate, as JSON has it */
	uint64_t random;		  /* state */
};

static void write_get(struct buf *b, const char *target, const char *token)
{
	buf_printf(b, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", target);
	if (token)
		buf_printf(b, "Authorization: Bearer %s\r\n", token);
	buf_str(b, "\r\n");
}

static const char *viewer(struct hostile *h)
{
	return h->viewers[h->turn++ % TOKENS];
}

static void no_token(struct hostile *h, struct buf *b)
{
	(void)h;
	write_get(b, "/api/v1/nodes", NULL);
}

static void wrong_token(struct hostile *h, struct buf *b)
{
	char wrong[65];

	for (size_t i = 0; i < 64; i += 16)
		snprintf(wrong + i, 17, "%016llx", (unsigned long long)next_random(&h->random));
	write_get(b, "/api/v1/nodes", wrong);
}

static void ended_token(struct hostile *h, struct buf *b)
{
	write_get(b, "/api/v1/nodes", h->ended);
}

static void low_role(struct hostile *h, struct buf *b)
{
	write_get(b, "/api/v1/audit", viewer(h));
}

static void out_of_scope(struct hostile *h, struct buf *b)
{
	write_get(b, "/api/v1/edges", h->bounds[h->turn++ % TOKENS]);
}

static void wrong_query(struct hostile *h, struct buf *b)
{
	write_get(b, "/api/v1/search?q=process%20where%20%28%28", viewer(h));
}

static void wrong_parameter(struct hostile *h, struct buf *b)
{
	write_get(b, "/api/v1/search?limit=many", viewer(h));
}

static void other_version(struct hostile *h, struct buf *b)
{
	write_get(b, "/api/v2/search", viewer(h));
}

static void wrong_method(struct hostile *h, struct buf *b)
{
	buf_printf(b,
		   "DELETE /api/v1/nodes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		   "Authorization: Bearer %s\r\n\r\n",
		   viewer(h));
}

static void long_body(struct hostile *h, struct buf *b)
{
	buf_printf(b,
		   "POST /api/v1/search HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		   "Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n",
		   viewer(h), 1 << 30);
}

static void write_long(struct hostile *h, struct buf *b, size_t n)
{
	buf_str(b, "GET /api/v1/search?q=");
	while (n--)
		buf_byte(b, 'x');
	buf_printf(b,
		   " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n",
		   viewer(h));
}

static void long_address(struct hostile *h, struct buf *b)
{
	write_long(h, b, LONG_ADDRESS);
}

static void huge_address(struct hostile *h, struct buf *b)
{
	write_long(h, b, HUGE_ADDRESS);
}

static void garbage(struct hostile *h, struct buf *b)
{
	size_t n = 1 + next_random(&h->random) % 300;

	buf_byte(b, 1); /* no method begins so */
	while (n--)
		buf_byte(b, (uint8_t)next_random(&h->random));
	buf_str(b, "\r\n\r\n");
}

static void half_a_request(struct hostile *h, struct buf *b)
{
	AUTO_BUF struct buf whole = { 0 };

	write_get(&whole, "/api/v1/nodes", viewer(h));
	buf_add(b, whole.data, next_random(&h->random) % (whole.n - 4));
}

static void half_a_body(struct hostile *h, struct buf *b)
{
	buf_printf(b,
		   "POST /api/v1/search HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		   "Authorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{\"q\":",
		   viewer(h));
}

/* What a node enrolled with, once more. */
static void replayed(struct hostile *h, struct buf *b)
{
	AUTO_BUF struct buf body = { 0 };

	buf_printf(&body, "{\"secret\":\"%s\",\"request\":\"%s\"}", h->used, h->request);
	buf_printf(b,
		   "POST /api/v1/enroll HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		   "Content-Length: %zu\r\n\r\n%.*s",
		   body.n, (int)body.n, (const char *)body.data);
}

static void no_certificate(struct hostile *h, struct buf *b)
{
	AUTO_BUF struct buf body = { 0 };

	buf_printf(&body, "{\"certificate\":\"%s\",\"request\":\"%s\"}", h->request, h->request);
	buf_printf(b,
		   "POST /api/v1/renew HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		   "Content-Length: %zu\r\n\r\n%.*s",
		   body.n, (int)body.n, (const char *)body.data);
}

/* Those without a status are cut off or go away themselves. */
static const struct {
	void (*write)(struct hostile *h, struct buf *b);
	int status;
	bool leaves;
	enum refusal why;
} hostiles[] = {
	{ no_token, 401, false, REFUSAL_REQUEST_NO_TOKEN },
	{ wrong_token, 401, false, REFUSAL_REQUEST_WRONG_TOKEN },
	{ ended_token, 401, false, REFUSAL_REQUEST_WRONG_TOKEN },
	{ low_role, 403, false, REFUSAL_REQUEST_ROLE },
	{ out_of_scope, 403, false, REFUSAL_REQUEST_SCOPE },
	{ wrong_query, 400, false, REFUSAL_REQUEST_QUERY },
	{ wrong_parameter, 400, false, REFUSAL_REQUEST_PARAMETER },
	{ other_version, 404, false, REFUSAL_REQUEST_PATH },
	{ wrong_method, 405, false, REFUSAL_REQUEST_METHOD },
	{ long_body, 413, false, REFUSAL_REQUEST_LONG_BODY },
	{ long_address, 414, false, REFUSAL_REQUEST_LONG_ADDRESS },
	{ replayed, 403, false, REFUSAL_REQUEST_JOIN_TOKEN },
	{ no_certificate, 403, false, REFUSAL_REQUEST_CERTIFICATE },
	{ huge_address, 0, false, REFUSAL_REQUEST_UNFINISHED },
	{ garbage, 0, true, REFUSAL_REQUEST_UNFINISHED },
	{ half_a_request, 0, true, REFUSAL_REQUEST_UNFINISHED },
	{ half_a_body, 0, true, REFUSAL_REQUEST_UNFINISHED },
};

/* All refusals, as /metrics has them. */
static void read_refused(const struct served *s, uint64_t ret[REFUSAL_MAX])
{
	struct answer a;

	served_ask(s, "GET /metrics", NULL, &a);
	assert_int_equal(a.status, 200);
	for (enum refusal r = REFUSAL_NONE + 1; r < REFUSAL_MAX; r++) {
		char line[128];
		const char *at;

		snprintf(line, sizeof(line), "\nrtsec_refused_total{what=\"%s\",reason=\"%s\"} ",
			 refusal_what(r), refusal_reason(r));
		at = strstr(a.body, line);
		assert_non_null(at);
		ret[r] = strtoull(at + strlen(line), NULL, 10);
	}
	answer_done(&a);
}

/* Those who left are noticed a little later. */
static void wait_for(const struct served *s, enum refusal why, uint64_t want)
{
	uint64_t now[REFUSAL_MAX] = { 0 };

	for (int i = 0; i < 600 && now[why] < want; i++) {
		if (i)
			poll(NULL, 0, 100);
		read_refused(s, now);
	}
	assert_int_equal(now[why], want);
}

static void send_hostile(struct hostile *h, size_t kind, uint32_t who)
{
	AUTO_BUF struct buf request = { 0 };
	int fd, status;

	hostiles[kind].write(h, &request);
	if (hostiles[kind].leaves) {
		fd = connect_from(h->s, who);
		served_send(fd, request.data, request.n);
		close(fd);
		return;
	}
	status = status_from(h->s, who, request.data, request.n);
	if (hostiles[kind].status && status != hostiles[kind].status)
		fail_msg("kind %zu: %d", kind, status);
}

/* Nothing but what is expected is counted, and each as often as it came. */
static void run_hostile(struct hostile *h, size_t kind, int n)
{
	enum refusal why = hostiles[kind].why;
	uint64_t before[REFUSAL_MAX], after[REFUSAL_MAX];

	read_refused(h->s, before);
	for (int i = 0; i < n; i++) {
		send_hostile(h, kind, (uint32_t)i);
		if (i % HONEST_EVERY == HONEST_EVERY - 1)
			assert_int_equal(honest_status(h->s), 200);
	}
	wait_for(h->s, why, before[why] + (uint64_t)n);
	read_refused(h->s, after);
	for (enum refusal r = REFUSAL_NONE + 1; r < REFUSAL_MAX; r++)
		if (r != why && after[r] != before[r])
			fail_msg("kind %zu: %s/%s was counted", kind, refusal_what(r),
				 refusal_reason(r));
}

static void escape_to(char *to, const char *pem)
{
	for (; *pem; pem++) {
		if (*pem == '\n')
			*to++ = '\\';
		*to++ = *pem == '\n' ? 'n' : *pem;
	}
	*to = 0;
}

static void hostile_init(struct hostile *h, struct served *s)
{
	const struct cert_issuer *issuer = authority_issuer(s->authority);
	char key[CERT_PEM_BYTES], asked[CERT_PEM_BYTES], given[CERT_PEM_BYTES];
	uint64_t now = timestamp_now();
	struct token ended = { .name = "ended", .role = ROLE_ADMIN, .expires_ns = 1 };
	struct cert c;

	*h = (struct hostile){ .s = s, .random = 1442695040888963407u };
	for (size_t i = 0; i < TOKENS; i++) {
		served_use_token(s, ROLE_VIEWER, "node:n1");
		memcpy(h->bounds[i], s->token, sizeof(h->bounds[i]));
		served_use_token(s, ROLE_VIEWER, "");
		memcpy(h->viewers[i], s->token, sizeof(h->viewers[i]));
	}
	assert_int_equal(maindb_token_add(s->maindb, &ended, h->ended), 0);
	assert_int_equal(cert_key_new(key), 0);
	assert_int_equal(cert_request_new(key, "n1", asked, NULL), 0);
	assert_int_equal(cert_issue_node(issuer, asked, now, 1, given, &c, NULL), 0);
	assert_int_equal(maindb_join_add(s->maindb, "", UINT64_MAX >> 1, "", h->used), 0);
	assert_int_equal(maindb_join_use(s->maindb, h->used, &c, now), 0);
	escape_to(h->request, asked);
}

static void test_hostile_given_requests_to_be_refused_when_sent_then_each_is_counted_for_its_reason(
	void **state)
{
	struct hostile h;
	int n = getenv("HOSTILE_ROUNDS") ? rounds() : rounds() / 20;
	size_t fds, bytes, now, more;

	hostile_init(&h, *state);
	for (size_t kind = 0; kind < ARRAY_SIZE(hostiles); kind++)
		run_hostile(&h, kind, 10); /* what is made once is there then */
	fds = n_fds();
	bytes = in_use();
	for (size_t kind = 0; kind < ARRAY_SIZE(hostiles); kind++)
		run_hostile(&h, kind, n);
	now = in_use(); /* once: the server's threads go on */
	more = now - MIN(now, bytes);
	if (more >
	    12 * MEBIBYTE) /* 8 of them are SQLite's cache; rows of the audit log that wait */
		fail_msg("%zu bytes more are in use", more);
	for (int i = 0; i < 600 && n_fds() > fds; i++)
		poll(NULL, 0, 100);
	assert_true(n_fds() <= fds);
}

/* Who has half of all connections gets no more; others do. */
static void test_hostile_given_one_address_when_it_takes_all_it_can_then_counted_and_others_served(
	void **state)
{
	enum { MOST = 256, TRIED = 300 };
	struct served *s = *state;
	uint64_t refused[REFUSAL_MAX];
	int fds[TRIED];

	for (size_t i = 0; i < TRIED; i++)
		fds[i] = connect_from(s, 7);
	assert_int_equal(honest_status(s), 200);
	wait_for(s, REFUSAL_REQUEST_CONNECTIONS, TRIED - MOST);
	for (size_t i = 0; i < TRIED; i++)
		close(fds[i]);
	wait_for(s, REFUSAL_REQUEST_UNFINISHED, MOST);
	read_refused(s, refused);
	assert_int_equal(refused[REFUSAL_REQUEST_CONNECTIONS], TRIED - MOST);
}

/* All places are taken, by several; one leaves, and the next comes in at once: not when the others'
 * time is over, which would take them with it. */
static void test_hostile_given_all_connections_taken_when_one_leaves_then_the_next_is_served(
	void **state)
{
	enum { ALL = 512 };
	struct served *s = *state;
	int fds[ALL];

	for (size_t i = 0; i < ALL; i++)
		fds[i] = connect_from(s, 100 + (uint32_t)i / 200);
	close(fds[0]);
	assert_int_equal(honest_status(s), 200);
	for (size_t i = 1; i < ALL; i++)
		close(fds[i]);
	assert_int_equal(honest_status(s), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_hostile_given_requests_to_be_refused_when_sent_then_each_is_counted_for_its_reason,
			served_setup, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_one_address_when_it_takes_all_it_can_then_counted_and_others_served,
			served_setup, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_all_connections_taken_when_one_leaves_then_the_next_is_served,
			served_setup, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_slow_clients_when_honest_one_asks_then_answered,
			served_setup, served_teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_given_random_requests_when_sent_then_honest_one_is_answered,
			served_setup, served_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
