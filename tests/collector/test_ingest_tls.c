/* SPDX-License-Identifier: Apache-2.0 */
/* The sensors' port with TLS: who gets in, and with what. */
#include "tests/collector/fixture.h"
#include "tests/collector/hang_up.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "collector/ingest.h"

/* A node's key and certificate. */
struct ident {
	char key[CERT_PEM_BYTES], cert[CERT_PEM_BYTES];
	struct cert told;
};

struct fix {
	char dir[128], url[64];
	char ca[CERT_PEM_BYTES], key[CERT_PEM_BYTES], cert[CERT_PEM_BYTES];
	struct cert_issuer *issuer;
	struct store *store;
	struct maindb *maindb;
	struct ingest *ingest;
	struct ident alice, bob;
	uint64_t now;
};

static void make_issuer(struct cert_issuer **ret, char ca[CERT_PEM_BYTES], uint64_t now)
{
	char key[CERT_PEM_BYTES];

	assert_int_equal(cert_key_new(key), 0);
	assert_int_equal(cert_ca_new(key, now, 10, ca, NULL), 0);
	assert_int_equal(cert_issuer_new(ret, ca, key, NULL), 0);
}

static void make_ident(struct ident *i, const struct cert_issuer *issuer, const char *node,
		       uint64_t now)
{
	char request[CERT_PEM_BYTES];

	assert_int_equal(cert_key_new(i->key), 0);
	assert_int_equal(cert_request_new(i->key, node, request, NULL), 0);
	assert_int_equal(cert_issue_node(issuer, request, now, 1, i->cert, &i->told, NULL), 0);
}

/* A port that nobody has; somebody may take it meanwhile, then another is tried. */
static void start(struct fix *f)
{
	const struct ingest_tls tls = { f->ca, f->cert, f->key };
	struct ingest_config config = {
		.url = f->url, .tls = &tls, .store = f->store, .maindb = f->maindb
	};
	struct diag d = { 0 };
	int r = -EADDRINUSE;

	for (unsigned i = 0; i < 100 && r == -EADDRINUSE; i++) {
		snprintf(f->url, sizeof(f->url), "tls+tcp://127.0.0.1:%u",
			 20000 + (unsigned)(timestamp_now() / 1000 + i) % 12000);
		r = ingest_start(&f->ingest, &config, &d);
	}
	if (r < 0)
		fail_msg("%s", d.text);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = timestamp_now();
	fixture_folder(f->dir);
	make_issuer(&f->issuer, f->ca, f->now);
	assert_int_equal(cert_key_new(f->key), 0);
	assert_int_equal(
		cert_issue_collector(f->issuer, f->key, NULL, 0, f->now, 10, f->cert, NULL), 0);
	make_ident(&f->alice, f->issuer, "alice", f->now);
	make_ident(&f->bob, f->issuer, "bob", f->now);
	assert_int_equal(store_open(&f->store, f->dir, NULL), 0);
	assert_int_equal(maindb_open(&f->maindb, f->dir, NULL), 0);
	assert_int_equal(maindb_certificate_add(f->maindb, &f->alice.told, f->now), 0);
	assert_int_equal(maindb_certificate_add(f->maindb, &f->bob.told, f->now), 0);
	start(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	ingest_stop(f->ingest);
	maindb_free(f->maindb);
	store_free(f->store);
	cert_issuer_free(f->issuer);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* Dials as @i, or without a certificate; returns what dialling told. */
static int dial(struct fix *f, const struct ident *i, nng_socket *ret)
{
	nng_tls_config *tls;
	nng_dialer dialer;
	int rv;

	assert_int_equal(nng_req0_open(ret), 0);
	assert_int_equal(nng_socket_set_ms(*ret, NNG_OPT_RECVTIMEO, 30000), 0);
	assert_int_equal(nng_socket_set_ms(*ret, NNG_OPT_SENDTIMEO, 30000), 0);
	assert_int_equal(nng_tls_config_alloc(&tls, NNG_TLS_MODE_CLIENT), 0);
	assert_int_equal(nng_tls_config_ca_chain(tls, f->ca, NULL), 0);
	assert_int_equal(nng_tls_config_server_name(tls, CERT_COLLECTOR_NAME), 0);
	assert_int_equal(nng_tls_config_auth_mode(tls, NNG_TLS_AUTH_MODE_REQUIRED), 0);
	if (i)
		assert_int_equal(nng_tls_config_own_cert(tls, i->cert, i->key, NULL), 0);
	assert_int_equal(nng_dialer_create(&dialer, *ret, f->url), 0);
	assert_int_equal(nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, tls), 0);
	nng_tls_config_free(tls);
	rv = nng_dialer_start(dialer, 0);
	return rv;
}

static void send_batch(nng_socket s, const char *node, uint64_t first_seq, uint64_t now)
{
	struct fixture_batch b = { .node = node, .first_seq = first_seq, .n = 2, .time_ns = now };
	AUTO_BUF struct buf frame = { 0 };
	nng_msg *msg;

	fixture_frame(&b, &frame);
	assert_int_equal(nng_msg_alloc(&msg, 0), 0);
	assert_int_equal(nng_msg_append(msg, frame.data, frame.n), 0);
	assert_int_equal(nng_sendmsg(s, msg, 0), 0);
}

/* Waits without NNG's time-outs: see lib/nng_end.h. */
static bool acked(nng_socket s)
{
	nng_msg *msg;

	for (int i = 0; i < 3000; i++) {
		int rv = nng_recvmsg(s, &msg, NNG_FLAG_NONBLOCK);

		if (rv == 0)
			nng_msg_free(msg);
		if (rv != NNG_EAGAIN)
			return rv == 0;
		poll(NULL, 0, 10);
	}
	return false;
}

static struct ingest_counters counters(const struct fix *f)
{
	struct ingest_counters c;

	ingest_counters(f->ingest, &c);
	return c;
}

/* Waits until one more was turned out for @why. */
static bool turned_out(const struct fix *f, enum peer why, uint64_t before)
{
	for (int i = 0; i < 3000; i++) {
		if (counters(f).peers[why] > before)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* Dials as @i, and waits until that was refused for @why.  NNG dials again, so it may be more than
 * once. */
static bool is_refused(struct fix *f, const struct ident *i, enum refusal why)
{
	uint64_t before = counters(f).tls.reasons[why];
	bool is = false;
	nng_socket s;

	(void)dial(f, i, &s);
	for (int k = 0; k < 3000 && !is; k++) {
		is = counters(f).tls.reasons[why] > before;
		if (!is)
			poll(NULL, 0, 10);
	}
	hang_up(s);
	return is;
}

static void test_ingest_tls_given_enrolled_nodes_when_they_send_then_each_is_stored(void **state)
{
	struct fix *f = *state;
	nng_socket a, b;

	assert_int_equal(dial(f, &f->alice, &a), 0);
	assert_int_equal(dial(f, &f->bob, &b), 0);
	for (uint64_t i = 0; i < 5; i++) {
		send_batch(a, "alice", 1 + 2 * i, f->now);
		send_batch(b, "bob", 1 + 2 * i, f->now);
		assert_true(acked(a));
		assert_true(acked(b));
	}
	assert_int_equal(counters(f).events, 20);
	hang_up(a);
	hang_up(b);
}

static void test_ingest_tls_given_batch_of_another_node_when_sent_then_not_taken(void **state)
{
	struct fix *f = *state;
	nng_socket a;

	assert_int_equal(dial(f, &f->alice, &a), 0);
	send_batch(a, "bob", 1, f->now);
	assert_true(turned_out(f, PEER_WRONG_NODE, 0));
	hang_up(a);
	assert_int_equal(counters(f).events, 0);
}

static void test_ingest_tls_given_open_connection_when_revoked_then_next_batch_is_not_taken(
	void **state)
{
	struct fix *f = *state;
	nng_socket a, b;
	uint32_t n;

	assert_int_equal(dial(f, &f->alice, &a), 0);
	assert_int_equal(dial(f, &f->bob, &b), 0);
	send_batch(a, "alice", 1, f->now);
	assert_true(acked(a));
	assert_int_equal(maindb_node_revoke(f->maindb, "alice", f->now, &n), 0);
	assert_int_equal(n, 1);
	send_batch(a, "alice", 3, f->now);
	assert_true(turned_out(f, PEER_REVOKED, 0));
	send_batch(b, "bob", 1, f->now); /* others go on */
	assert_true(acked(b));
	assert_int_equal(counters(f).events, 4);
	hang_up(a);
	hang_up(b);
}

static void test_ingest_tls_given_certificate_that_was_not_given_here_when_used_then_out(
	void **state)
{
	struct fix *f = *state;
	struct ident eve;
	nng_socket s;

	make_ident(&eve, f->issuer, "eve", f->now); /* signed, but not noted */
	assert_int_equal(dial(f, &eve, &s), 0);
	send_batch(s, "eve", 1, f->now);
	assert_true(turned_out(f, PEER_UNKNOWN, 0));
	assert_int_equal(counters(f).events, 0);
	hang_up(s);
}

static void test_ingest_tls_given_expired_certificate_when_dialled_then_out(void **state)
{
	struct fix *f = *state;
	struct ident old;

	make_ident(&old, f->issuer, "old", f->now - 3 * fixture_day_ns);
	assert_int_equal(maindb_certificate_add(f->maindb, &old.told, f->now), 0);
	assert_true(is_refused(f, &old, REFUSAL_PEER_OLD));
	assert_int_equal(counters(f).events, 0);
}

static void test_ingest_tls_given_strangers_when_dialled_then_no_handshake(void **state)
{
	struct fix *f = *state;
	AUTO(cert_issuer) *other = NULL;
	struct ident mallory, collector = { 0 };
	char ca[CERT_PEM_BYTES];

	make_issuer(&other, ca, f->now);
	make_ident(&mallory, other, "alice", f->now);
	assert_true(is_refused(f, &mallory, REFUSAL_PEER_OTHER_CA));
	assert_true(is_refused(f, NULL, REFUSAL_PEER_NO_CERTIFICATE));
	memcpy(collector.key, f->key, sizeof(f->key));
	memcpy(collector.cert, f->cert, sizeof(f->cert));
	assert_true(is_refused(f, &collector, REFUSAL_PEER_NO_NODE)); /* a server's certificate */
	assert_int_equal(counters(f).events, 0);
}

/* Connections that say nothing, or begin a handshake and go no further. */
static void test_ingest_tls_given_slow_strangers_when_nodes_send_then_stored(void **state)
{
	static const uint8_t hello[64] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };
	struct fix *f = *state;
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint64_t seq = 1;
	nng_socket a, b;
	int fds[200];

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)strtoul(strrchr(f->url, ':') + 1, NULL, 10));
	assert_int_equal(dial(f, &f->alice, &a), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
		assert_int_equal(connect(fds[i], (const struct sockaddr *)&to, sizeof(to)), 0);
		(void)!send(fds[i], hello, i % (sizeof(hello) + 1), MSG_NOSIGNAL);
		if (i % 20)
			continue;
		send_batch(a, "alice", seq, f->now);
		assert_true(acked(a));
		seq += 2;
	}
	assert_int_equal(dial(f, &f->bob, &b), 0); /* and who comes later gets in */
	send_batch(b, "bob", 1, f->now);
	assert_true(acked(b));
	assert_int_equal(counters(f).events, seq - 1 + 2);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	send_batch(a, "alice", seq, f->now);
	assert_true(acked(a));
	hang_up(a);
	hang_up(b);
}

#define T(name) cmocka_unit_test_setup_teardown(test_ingest_tls_given_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(enrolled_nodes_when_they_send_then_each_is_stored),
		T(batch_of_another_node_when_sent_then_not_taken),
		T(open_connection_when_revoked_then_next_batch_is_not_taken),
		T(certificate_that_was_not_given_here_when_used_then_out),
		T(expired_certificate_when_dialled_then_out),
		T(strangers_when_dialled_then_no_handshake),
		T(slow_strangers_when_nodes_send_then_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
