/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: TCP connections. */
#include "tests/sensor/closer.h"
#include "tests/sensor/kernel_fixture.h"

#include <poll.h>

#include "tests/sensor/address.h"

/* --- one connection --- */
/* Who talks to whom; both ends are in this process. */
struct talk {
	const char *listen_ip, *connect_ip; /* as given to bind() and connect() */
	const char *told_ip;		    /* as the records shall say, both ends */
	uint8_t version;
	int listener, client, server;
	uint16_t client_port, port;
};

static void open_listener(struct talk *t)
{
	union address a = make_address(t->listen_ip, 0);
	int no = 0;

	t->listener = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(t->listener >= 0);
	if (a.any.sa_family == AF_INET6)
		assert_int_equal(
			setsockopt(t->listener, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)), 0);
	assert_int_equal(bind(t->listener, &a.any, address_size(&a)), 0);
	assert_int_equal(listen(t->listener, 4), 0);
	t->port = own_port(t->listener);
}

static void connect_client(struct talk *t)
{
	union address a = make_address(t->connect_ip, t->port);

	t->client = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(t->client, &a.any, address_size(&a)), 0);
	t->client_port = own_port(t->client);
}

static void send_all(int from, int to, size_t n)
{
	static char bytes[4096];

	while (n) {
		size_t piece = MIN(n, sizeof(bytes));

		assert_int_equal(send(from, bytes, piece, 0), piece);
		assert_int_equal(recv(to, bytes, piece, MSG_WAITALL), piece);
		n -= piece;
	}
}

/* Waits until the other end of connection @fd has closed. */
static void await_end(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, 0), 0);
}

static void assert_ends(const struct rec_tcp *r, const struct talk *t)
{
	assert_int_equal(r->version, t->version);
	assert_address(r->source, r->version, t->told_ip);
	assert_address(r->dest, r->version, t->told_ip);
	assert_int_equal(r->source_port, t->client_port);
	assert_int_equal(r->dest_port, t->port);
	assert_int_equal(r->head.size, sizeof(*r));
}

/* The close record of the side @direction, waited for: the kernel may take a while to see a FIN
 * or RST, even over loopback. */
static const struct rec_tcp *await_close(struct fixture *f, uint8_t direction)
{
	for (int i = 0; i < AWAIT_TRIES; i++, sleep_ms(10)) {
		const struct rec_tcp *r = NULL;

		take_records(f);
		while ((r = find_record(f, r, REC_CLOSE, getpid()))) {
			if (r->direction == direction)
				return r;
		}
	}
	fail_msg("no close of side %d", direction);
	return NULL;
}

static void assert_closes(struct fixture *f, const struct talk *t, uint64_t sent, uint64_t answered)
{
	for (uint8_t side = REC_EGRESS; side <= REC_INGRESS; side++) {
		const struct rec_tcp *r = await_close(f, side);

		assert_ends(r, t);
		assert_int_equal(r->error, 0);
		assert_int_equal(r->source_bytes, sent);
		assert_int_equal(r->dest_bytes, answered);
		assert_start(r->head.start_ns, getpid());
		assert_true(r->duration_ns > 0 && r->duration_ns < 10000000000u);
	}
}

/* Connects, talks, closes @first and then the other; checks all four records. */
static void check_talk(struct fixture *f, struct talk *t, bool client_first)
{
	uint64_t before = boot_ns();
	const struct rec_tcp *c, *a;

	open_listener(t);
	connect_client(t);
	t->server = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(t->server >= 0);
	send_all(t->client, t->server, 10000);
	send_all(t->server, t->client, 777);
	close(client_first ? t->client : t->server);
	await_end(client_first ? t->server : t->client);
	close(client_first ? t->server : t->client);
	close(t->listener);
	await_close(f, REC_EGRESS); /* first: what is waited for moves the records */
	await_close(f, REC_INGRESS);
	await_record(f, REC_CONNECT, getpid());
	a = await_record(f, REC_ACCEPT, getpid());
	c = find_record(f, NULL, REC_CONNECT, getpid());
	assert_head(&c->head, getpid(), before);
	assert_start(c->head.start_ns, getpid());
	assert_ends(c, t);
	assert_int_equal(c->direction, REC_EGRESS);
	assert_int_equal(c->error, 0);
	assert_true(c->duration_ns > 0);
	assert_head(&a->head, getpid(), c->head.time_ns);
	assert_start(a->head.start_ns, getpid());
	assert_ends(a, t);
	assert_int_equal(a->direction, REC_INGRESS);
	assert_int_equal(a->error, 0);
	assert_closes(f, t, 10000, 777);
	assert_int_equal(await_close(f, REC_EGRESS)->socket, c->socket);
	assert_int_equal(await_close(f, REC_INGRESS)->socket, a->socket);
}

static void test_kernel_network_given_ipv4_when_connected_then_both_sides_agree(void **state)
{
	struct talk t = { .listen_ip = "127.0.0.1",
			  .connect_ip = "127.0.0.1",
			  .told_ip = "127.0.0.1",
			  .version = REC_IPV4 };

	check_talk(*state, &t, true);
	test_setup(state);
	check_talk(*state, &t, false);
}

static void test_kernel_network_given_ipv6_when_connected_then_both_sides_agree(void **state)
{
	struct talk t = {
		.listen_ip = "::1", .connect_ip = "::1", .told_ip = "::1", .version = REC_IPV6
	};

	check_talk(*state, &t, true);
	test_setup(state);
	check_talk(*state, &t, false);
}

static void test_kernel_network_given_ipv4_over_ipv6_sockets_when_connected_then_ipv4_is_told(
	void **state)
{
	struct talk t = { .listen_ip = "::",
			  .connect_ip = "127.0.0.1",
			  .told_ip = "127.0.0.1",
			  .version = REC_IPV4 };

	check_talk(*state, &t, true);
	test_setup(state);
	t.connect_ip = "::ffff:127.0.0.1";
	check_talk(*state, &t, false);
}

static void test_kernel_network_given_a_connection_when_reset_then_the_close_tells_the_error(
	void **state)
{
	struct fixture *f = *state;
	struct talk t = { .listen_ip = "127.0.0.1", .connect_ip = "127.0.0.1" };
	struct linger hard = { .l_onoff = 1 };

	open_listener(&t);
	connect_client(&t);
	t.server = accept(t.listener, NULL, NULL);
	setsockopt(t.client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(t.client);
	assert_int_equal(await_close(f, REC_INGRESS)->error, ECONNRESET);
	close(t.server);
	close(t.listener);
}

/* --- who acts --- */
static void accept_one(void *arg)
{
	struct talk *t = arg;
	int fd = accept(t->listener, NULL, NULL);

	close(fd);
}

static void test_kernel_network_given_a_forked_server_when_it_accepts_then_it_is_the_one(
	void **state)
{
	struct fixture *f = *state;
	struct talk t = { .listen_ip = "127.0.0.1",
			  .connect_ip = "127.0.0.1",
			  .told_ip = "127.0.0.1",
			  .version = REC_IPV4 };
	const struct rec_tcp *a, *c = NULL;
	int status;
	pid_t pid;

	open_listener(&t);
	connect_client(&t);
	pid = in_child(accept_one, &t, &status);
	close(t.client);
	close(t.listener);
	await_record(f, REC_CLOSE, pid);
	a = await_record(f, REC_ACCEPT, pid);
	assert_ends(a, &t);
	c = find_record(f, NULL, REC_CONNECT, getpid());
	assert_non_null(c);
	assert_null(find_record(f, NULL, REC_CONNECT, pid));
}

enum { RACES = 100 };

/* Each is told, of some only where it was accepted. */
static void test_kernel_network_given_a_thread_that_closes_when_accepted_then_all_are_told(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union address a = make_address("127.0.0.1", 0);
	const struct rec_tcp *r = NULL;
	int clients[RACES];
	struct closer closer;

	assert_int_equal(bind(listener, &a.any, sizeof(a.v4)), 0);
	assert_int_equal(listen(listener, RACES), 0);
	a = make_address("127.0.0.1", own_port(listener));
	for (int i = 0; i < RACES; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(clients[i], &a.any, sizeof(a.v4)), 0);
	}
	closer_init(&closer);
	assert_int_equal(closer_start(&closer), 0);
	for (int i = 0; i < RACES; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		assert_true(fd >= 0);
		if (fd > closer.fd)
			close(fd);
		take_records(f);
	}
	closer_stop(&closer);
	await_nth(f, REC_ACCEPT, getpid(), RACES - 1);
	for (int i = 0; i < RACES; i++) {
		r = find_record(f, r, REC_ACCEPT, getpid());
		assert_int_equal(r->dest_port, own_port(listener));
		assert_int_equal(r->source_port == 0, (r->head.flags & REC_F_AS_ASKED) != 0);
		close(clients[i]);
	}
}

/* --- failures --- */
/* The one record of the attempt to @ip:@port, which must have failed with @error. */
static const struct rec_tcp *check_failed(struct fixture *f, const char *ip, uint16_t port,
					  uint32_t error)
{
	const struct rec_tcp *r = await_record(f, REC_CONNECT, getpid());

	sleep_ms(20);
	take_records(f);
	r = find_record(f, NULL, REC_CONNECT, getpid());
	assert_null(find_record(f, r, REC_CONNECT, getpid()));
	assert_null(find_record(f, NULL, REC_CLOSE, getpid()));
	assert_int_equal(r->error, error);
	assert_int_equal(r->direction, REC_EGRESS);
	assert_int_equal(r->version, strchr(ip, ':') ? REC_IPV6 : REC_IPV4);
	assert_address(r->dest, r->version, ip);
	assert_int_equal(r->dest_port, port);
	assert_start(r->head.start_ns, getpid());
	return r;
}

static void try_connect(const char *ip, uint16_t port, int type, int expected)
{
	union address a = make_address(ip, port);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
	struct pollfd answer = { .fd = fd, .events = POLLOUT };

	assert_int_equal(connect(fd, &a.any, address_size(&a)), -1);
	assert_int_equal(errno, expected);
	if (expected == EINPROGRESS)
		assert_int_equal(poll(&answer, 1, AWAIT_MS), 1);
	close(fd);
}

static void test_kernel_network_given_no_listener_when_connected_then_the_refusal_is_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_tcp *r;

	try_connect("127.0.0.1", 9, 0, ECONNREFUSED);
	r = check_failed(f, "127.0.0.1", 9, ECONNREFUSED);
	assert_address(r->source, REC_IPV4, "127.0.0.1");
	assert_int_not_equal(r->source_port, 0);
	assert_int_equal(r->head.flags, 0);
	test_setup(state);
	try_connect("::1", 9, 0, ECONNREFUSED);
	r = check_failed(f, "::1", 9, ECONNREFUSED);
	assert_int_not_equal(r->source_port, 0);
}

static void
test_kernel_network_given_no_listener_when_connected_without_waiting_then_refusal_is_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_tcp *r;

	try_connect("127.0.0.1", 9, SOCK_NONBLOCK, EINPROGRESS);
	r = check_failed(f, "127.0.0.1", 9, ECONNREFUSED);
	assert_int_not_equal(r->source_port, 0);
}

static void
test_kernel_network_given_a_listener_when_connected_without_waiting_then_success_is_told(
	void **state)
{
	struct fixture *f = *state;
	struct talk t = { .listen_ip = "127.0.0.1", .told_ip = "127.0.0.1", .version = REC_IPV4 };
	const struct rec_tcp *r;
	union address a;
	struct pollfd p = { .events = POLLOUT };

	open_listener(&t);
	a = make_address("127.0.0.1", t.port);
	p.fd = t.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(t.client, &a.any, sizeof(a.v4)), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(poll(&p, 1, AWAIT_MS), 1);
	t.client_port = own_port(t.client);
	assert_int_equal(connect(t.client, &a.any, sizeof(a.v4)), 0); /* asks for the result */
	r = await_record(f, REC_CONNECT, getpid());
	assert_null(find_record(f, r, REC_CONNECT, getpid()));
	assert_int_equal(r->error, 0);
	assert_ends(r, &t);
	close(t.client);
	close(t.listener);
}

static void test_kernel_network_given_no_route_when_connected_then_the_failure_is_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_tcp *r;

	try_connect("192.0.2.7", 80, 0, ENETUNREACH);
	r = check_failed(f, "192.0.2.7", 80, ENETUNREACH);
	assert_int_equal(r->head.flags, REC_F_AS_ASKED);
	test_setup(state);
	try_connect("2001:db8::7", 443, 0, ENETUNREACH);
	check_failed(f, "2001:db8::7", 443, ENETUNREACH);
}

static void test_kernel_network_given_a_taken_pair_of_ends_when_connected_then_told_once(
	void **state)
{
	struct fixture *f = *state;
	struct talk t = { .listen_ip = "127.0.0.1", .connect_ip = "127.0.0.1" };
	union address own, peer;
	int yes = 1, fd;

	open_listener(&t);
	connect_client(&t);
	await_record(f, REC_CONNECT, getpid());
	test_setup(state);
	own = make_address("127.0.0.1", t.client_port);
	peer = make_address("127.0.0.1", t.port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(t.client, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	assert_int_equal(bind(fd, &own.any, sizeof(own.v4)), 0);
	assert_int_equal(connect(fd, &peer.any, sizeof(peer.v4)), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	check_failed(f, "127.0.0.1", t.port, EADDRNOTAVAIL);
	close(fd);
	close(t.client);
	close(t.listener);
}

static void test_kernel_network_given_other_sockets_when_used_then_nothing_is_told(void **state)
{
	struct fixture *f = *state;
	union address a = make_address("127.0.0.1", 9);
	int pair[2], udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(udp, &a.any, sizeof(a.v4)), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(connect(-1, &a.any, sizeof(a.v4)), -1);
	close(udp);
	close(pair[0]);
	close(pair[1]);
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	await_record(f, REC_OPEN, getpid());
	assert_null(find_record(f, NULL, REC_CONNECT, 0));
	assert_null(find_record(f, NULL, REC_ACCEPT, 0));
	assert_null(find_record(f, NULL, REC_CLOSE, 0));
}

/* --- bounds --- */
static void test_kernel_network_given_more_sockets_than_remembered_then_the_loss_is_counted(
	void **state)
{
	struct fixture small = { .netns = ((struct fixture *)*state)->netns };
	const struct probe_settings s = { .sockets = 1, .kinds = UINT64_C(1) << KIND_CONNECT };
	struct talk a = { .listen_ip = "127.0.0.1", .connect_ip = "127.0.0.1" }, b = a;
	struct probe_loss loss[REC_CLASSES][REC_CAUSES];

	fixture_open(&small, &s);
	open_listener(&a);
	open_listener(&b);
	for (int i = 0; i < 8; i++)
		connect_client(i % 2 ? &a : &b); /* left open */
	assert_int_equal(probe_loss(small.probe, loss), 0);
	assert_true(loss[REC_CLASS_BULK][REC_LOST_MAP].count > 0);
	fixture_close(&small);
	close(a.listener);
	close(b.listener);
}

#define T(name) cmocka_unit_test_setup(test_kernel_network_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ipv4_when_connected_then_both_sides_agree),
		T(ipv6_when_connected_then_both_sides_agree),
		T(ipv4_over_ipv6_sockets_when_connected_then_ipv4_is_told),
		T(a_connection_when_reset_then_the_close_tells_the_error),
		T(a_forked_server_when_it_accepts_then_it_is_the_one),
		T(no_listener_when_connected_then_the_refusal_is_told),
		T(no_listener_when_connected_without_waiting_then_refusal_is_told),
		T(a_listener_when_connected_without_waiting_then_success_is_told),
		T(no_route_when_connected_then_the_failure_is_told),
		T(a_taken_pair_of_ends_when_connected_then_told_once),
		T(other_sockets_when_used_then_nothing_is_told),
		T(more_sockets_than_remembered_then_the_loss_is_counted),
		/* the last: its connections end later */
		T(a_thread_that_closes_when_accepted_then_all_are_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_network", tests, group_setup, group_teardown);
}
