/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: sockets that are bound, that listen, datagrams, answers of
 * name servers, unix sockets of interest. */
#include "tests/sensor/kernel_fixture.h"

#include <linux/netlink.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "tests/sensor/address.h"

static int open_socket(const union address *a, int type)
{
	int fd = socket(a->any.sa_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail_msg("socket: %s", strerror(errno));
	return fd;
}

/* A socket of @type bound to @ip and a port that the kernel chose. */
static int bind_socket(const char *ip, int type)
{
	union address a = make_address(ip, 0);
	int fd = open_socket(&a, type);

	assert_int_equal(bind(fd, &a.any, address_size(&a)), 0);
	return fd;
}

/* --- bind, listen --- */
static void check_waits(struct fixture *f, const char *ip, const char *told, uint8_t version)
{
	uint64_t before = boot_ns();
	AUTO_FD int fd = bind_socket(ip, SOCK_STREAM);
	const struct rec_tcp *r = await_record(f, REC_BIND, getpid());

	assert_head(&r->head, getpid(), before);
	assert_int_equal(r->head.flags, 0);
	assert_int_equal(r->head.size, sizeof(*r));
	assert_int_equal(r->error, 0);
	assert_int_equal(r->version, version);
	assert_int_equal(r->protocol, IPPROTO_TCP);
	assert_address(r->dest, version, told);
	assert_int_equal(r->dest_port, own_port(fd));
	assert_null(find_record(f, NULL, REC_LISTEN, getpid()));

	assert_int_equal(listen(fd, 1), 0);
	r = await_record(f, REC_LISTEN, getpid());
	assert_head(&r->head, getpid(), before);
	assert_int_equal(r->error, 0);
	assert_int_equal(r->version, version);
	assert_address(r->dest, version, told);
	assert_int_equal(r->dest_port, own_port(fd));
}

static void test_kernel_socket_given_a_port_when_bound_and_listened_then_both_are_told(void **state)
{
	check_waits(*state, "127.0.0.1", "127.0.0.1", REC_IPV4);
	test_setup(state);
	check_waits(*state, "::1", "::1", REC_IPV6);
	test_setup(state);
	check_waits(*state, "::", "::", REC_IPV6);
	test_setup(state);
	check_waits(*state, "::ffff:127.0.0.1", "127.0.0.1", REC_IPV4);
}

static void test_kernel_socket_given_no_bind_when_listened_then_the_chosen_port_is_told(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct rec_tcp *r;

	assert_int_equal(listen(fd, 1), 0);
	r = await_record(f, REC_LISTEN, getpid());
	assert_int_not_equal(r->dest_port, 0);
	assert_int_equal(r->dest_port, own_port(fd));
	assert_null(find_record(f, NULL, REC_BIND, getpid()));
}

static void test_kernel_socket_given_a_taken_port_when_bound_then_the_failure_is_told(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int first = bind_socket("127.0.0.1", SOCK_DGRAM);
	AUTO_FD int second = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union address a = make_address("127.0.0.1", own_port(first));
	const struct rec_tcp *r;

	await_record(f, REC_BIND, getpid());
	test_setup(state);
	assert_int_equal(bind(second, &a.any, address_size(&a)), -1);
	r = await_record(f, REC_BIND, getpid());
	assert_int_equal(r->error, EADDRINUSE);
	assert_int_equal(r->head.flags, REC_F_AS_ASKED);
	assert_int_equal(r->protocol, IPPROTO_UDP);
	assert_address(r->dest, r->version, "127.0.0.1");
	assert_int_equal(r->dest_port, own_port(first));
}

static void test_kernel_socket_given_other_families_when_bound_then_nothing_is_told(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un u = { .sun_family = AF_UNIX, .sun_path = "plain.sock" };
	struct sockaddr_nl n = { .nl_family = AF_NETLINK };
	AUTO_FD int unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_FD int netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	assert_int_equal(bind(unix_fd, (struct sockaddr *)&u, sizeof(u)), 0);
	assert_int_equal(listen(unix_fd, 1), 0);
	assert_int_equal(bind(netlink_fd, (struct sockaddr *)&n, sizeof(n)), 0);
	assert_int_equal(listen(-1, 1), -1);
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	await_record(f, REC_OPEN, getpid());
	assert_null(find_record(f, NULL, REC_BIND, 0));
	assert_null(find_record(f, NULL, REC_LISTEN, 0));
}

/* --- datagrams --- */
static void assert_datagram(const struct rec_tcp *r, uint8_t direction, uint8_t version,
			    const char *ip, uint16_t from, uint16_t to)
{
	assert_int_equal(r->direction, direction);
	assert_int_equal(r->version, version);
	assert_int_equal(r->protocol, IPPROTO_UDP);
	assert_address(r->source, version, ip);
	assert_address(r->dest, version, ip);
	assert_int_equal(r->source_port, from);
	assert_int_equal(r->dest_port, to);
	assert_int_equal(r->head.flags, 0);
	assert_int_equal(r->head.size, sizeof(*r));
}

/* The unbound client's own address is chosen by the route of its first datagram. */
static void check_datagrams(struct fixture *f, const char *server_ip, const char *to_ip,
			    const char *told, uint8_t version)
{
	uint64_t before = boot_ns();
	AUTO_FD int server = bind_socket(server_ip, SOCK_DGRAM);
	union address to = make_address(to_ip, own_port(server)), from;
	AUTO_FD int client = open_socket(&to, SOCK_DGRAM);
	socklen_t n = sizeof(from);
	const struct rec_tcp *r;
	char buf[8];

	for (int i = 0; i < 3; i++) {
		assert_int_equal(sendto(client, "ask", 3, 0, &to.any, address_size(&to)), 3);
		n = sizeof(from);
		assert_int_equal(recvfrom(server, buf, sizeof(buf), 0, &from.any, &n), 3);
		assert_int_equal(sendto(server, "tell", 4, 0, &from.any, n), 4);
		assert_int_equal(read(client, buf, sizeof(buf)), 4);
	}
	r = await_nth(f, REC_DATAGRAM, getpid(), 1);
	take_records(f);
	assert_int_equal(count_records(f, REC_DATAGRAM, getpid()), 2); /* of twelve */
	assert_datagram(r, REC_INGRESS, version, told, own_port(client), own_port(server));
	r = find_record(f, NULL, REC_DATAGRAM, getpid());
	assert_head(&r->head, getpid(), before);
	assert_datagram(r, REC_EGRESS, version, told, own_port(client), own_port(server));
}

static void test_kernel_socket_given_datagrams_when_exchanged_then_the_first_of_each_end_is_told(
	void **state)
{
	check_datagrams(*state, "127.0.0.1", "127.0.0.1", "127.0.0.1", REC_IPV4);
	test_setup(state);
	check_datagrams(*state, "::1", "::1", "::1", REC_IPV6);
	test_setup(state);
	check_datagrams(*state, "::", "127.0.0.1", "127.0.0.1", REC_IPV4);
	test_setup(state);
	check_datagrams(*state, "127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1", REC_IPV4);
}

/* Each socket has received something before the first one is read, so that not all are remembered.
 */
static void test_kernel_socket_given_more_sockets_than_fit_when_read_then_told_or_counted(
	void **state)
{
	enum { SOCKETS = 6000, SOME = 500 };
	const struct rlimit limit = { SOCKETS + 2000,
				      SOCKETS + 2000 }; /* programs have some, too */
	struct fixture *f = *state;
	AUTO_FD int client = bind_socket("127.0.0.1", SOCK_DGRAM);
	struct probe_counts before, after;
	AUTO_MEM int *fds = calloc(SOCKETS, sizeof(*fds));
	const struct rec_tcp *r = NULL;
	struct rlimit own;
	size_t told = 0;
	char buf[8];

	probe_counts(f->probe, &before);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &own), 0);
	if (own.rlim_max < limit.rlim_max)
		own = limit;
	own.rlim_cur = limit.rlim_cur;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &own), 0);
	for (int i = 0; i < SOCKETS; i++) {
		union address to;

		fds[i] = bind_socket("127.0.0.1", SOCK_DGRAM);
		to = make_address("127.0.0.1", own_port(fds[i]));
		assert_int_equal(sendto(client, "x", 1, 0, &to.any, address_size(&to)), 1);
		if (i % SOME == 0)
			take_records(f);
	}
	for (int i = 0; i < SOCKETS; i++) {
		assert_int_equal(recv(fds[i], buf, sizeof(buf), 0), 1);
		close(fds[i]);
		if (i % SOME == 0)
			take_records(f);
	}
	take_records(f);
	while ((r = find_record(f, r, REC_DATAGRAM, getpid())))
		told += r->direction == REC_INGRESS;
	probe_counts(f->probe, &after);
	assert_int_equal(told + (after.arrivals_missed - before.arrivals_missed), SOCKETS);
}

static void send_one(void *arg)
{
	if (send(*(int *)arg, "x", 1, 0) != 1)
		_exit(98);
}

static void test_kernel_socket_given_a_dup_in_a_child_when_it_sends_then_the_child_is_told(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int server = bind_socket("127.0.0.1", SOCK_DGRAM);
	AUTO_FD int client = bind_socket("127.0.0.1", SOCK_DGRAM);
	union address to = make_address("127.0.0.1", own_port(server));
	AUTO_FD int copy = -1;
	const struct rec_tcp *r;
	int status;
	pid_t pid;

	assert_int_equal(connect(client, &to.any, address_size(&to)), 0);
	copy = dup(client);
	pid = in_child(send_one, &copy, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_DATAGRAM, pid);
	assert_datagram(r, REC_EGRESS, REC_IPV4, "127.0.0.1", own_port(client), own_port(server));
	assert_null(find_record(f, NULL, REC_DATAGRAM, getpid()));
	send_one(&client); /* another process: told again */
	await_record(f, REC_DATAGRAM, getpid());
}

static void test_kernel_socket_given_streams_and_local_datagrams_when_used_then_none_is_told(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int listener = bind_socket("127.0.0.1", SOCK_STREAM);
	union address to = make_address("127.0.0.1", own_port(listener));
	AUTO_FD int client = open_socket(&to, SOCK_STREAM);
	AUTO_FD int server = -1;
	int pair[2];
	char c;

	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(client, &to.any, address_size(&to)), 0);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(send(client, "x", 1, 0), 1);
	assert_int_equal(recv(server, &c, 1, 0), 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(recv(pair[1], &c, 1, 0), 1);
	close(pair[0]);
	close(pair[1]);
	await_record(f, REC_ACCEPT, getpid());
	take_records(f);
	assert_null(find_record(f, NULL, REC_DATAGRAM, 0));
}

/* --- answers of name servers --- */
enum take_way { TAKE_READ, TAKE_READV, TAKE_RECVFROM, TAKE_RECVMSG, TAKE_WAYS };

static ssize_t take_answer(enum take_way way, int fd, void *buf, size_t n)
{
	struct iovec io = { buf, n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };

	switch (way) {
	case TAKE_READ:
		return read(fd, buf, n);
	case TAKE_READV:
		return readv(fd, &io, 1);
	case TAKE_RECVFROM:
		return recvfrom(fd, buf, n, 0, NULL, NULL);
	default:
		return recvmsg(fd, &m, 0);
	}
}

/* Sends @bytes from @port and takes them in @way. */
static void exchange(uint16_t port, const char *bytes, size_t n, enum take_way way)
{
	union address from = make_address("127.0.0.1", port), to;
	AUTO_FD int client = bind_socket("127.0.0.1", SOCK_DGRAM);
	AUTO_FD int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	AUTO_MEM char *buf = malloc(n);

	assert_int_equal(bind(server, &from.any, address_size(&from)), 0);
	to = make_address("127.0.0.1", own_port(client));
	assert_int_equal(sendto(server, bytes, n, 0, &to.any, address_size(&to)), n);
	assert_int_equal(take_answer(way, client, buf, n), n);
}

static void test_kernel_socket_given_a_name_server_when_it_answers_then_the_message_is_told(
	void **state)
{
	static const char message[] = "\1\2\200\0 any bytes: the sensor reads them";
	struct fixture *f = *state;

	for (enum take_way way = 0; way < TAKE_WAYS; way++) {
		const struct rec_dns *r;

		exchange(53, message, sizeof(message), way);
		r = await_record(f, REC_DNS, getpid());
		assert_int_equal(r->version, REC_IPV4);
		assert_address(r->server, r->version, "127.0.0.1");
		assert_int_equal(r->total, sizeof(message));
		assert_int_equal(r->bytes, sizeof(message));
		assert_int_equal(r->head.size, sizeof(*r) + sizeof(message));
		assert_memory_equal(r + 1, message, sizeof(message));
		test_setup(state);
	}
}

static void test_kernel_socket_given_a_large_answer_when_taken_then_its_beginning_is_told(
	void **state)
{
	static char message[20000];
	struct fixture *f = *state;
	const struct rec_dns *r;

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (char)(i * 7);
	exchange(53, message, sizeof(message), TAKE_RECVMSG);
	r = await_record(f, REC_DNS, getpid());
	assert_int_equal(r->total, sizeof(message));
	assert_int_equal(r->bytes, REC_DNS_BYTES);
	assert_memory_equal(r + 1, message, REC_DNS_BYTES);
}

static void test_kernel_socket_given_another_port_when_it_answers_then_it_is_a_mere_datagram(
	void **state)
{
	struct fixture *f = *state;

	exchange(54, "abc", 3, TAKE_RECVFROM);
	await_record(f, REC_DATAGRAM, getpid());
	take_records(f);
	assert_null(find_record(f, NULL, REC_DNS, 0));
}

/* --- unix sockets of interest --- */
static int unix_listener(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void unix_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

static void test_kernel_socket_given_an_engines_socket_when_connected_then_its_path_is_told(
	void **state)
{
	struct fixture *f = *state;
	uint64_t before = boot_ns();
	AUTO_FD int fd = unix_listener("docker.sock");
	char text[PATH_MAX], want[PATH_MAX + 16];
	const struct rec_unix *r;

	assert_int_equal(symlink("docker.sock", "harmless"), 0);
	unix_connect("./harmless");
	r = await_record(f, REC_UNIX, getpid());
	assert_head(&r->head, getpid(), before);
	snprintf(want, sizeof(want), "%s/docker.sock", f->dir);
	assert_string_equal(path_text((const char *)(r + 1), r->path.bytes, text, sizeof(text)),
			    want);
	assert_int_equal(r->path.flags, 0);
	assert_int_equal(r->head.size, sizeof(*r) + r->path.bytes);
}

static void test_kernel_socket_given_other_unix_sockets_when_connected_then_none_is_told(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int near = unix_listener("docker.sock2");
	AUTO_FD int other = unix_listener("xdocker.sock");
	int pair[2];

	unix_connect("docker.sock2");
	unix_connect("xdocker.sock");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[0]);
	close(pair[1]);
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	await_record(f, REC_OPEN, getpid());
	assert_null(find_record(f, NULL, REC_UNIX, 0));
}

#define T(name) cmocka_unit_test_setup(test_kernel_socket_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_port_when_bound_and_listened_then_both_are_told),
		T(no_bind_when_listened_then_the_chosen_port_is_told),
		T(a_taken_port_when_bound_then_the_failure_is_told),
		T(other_families_when_bound_then_nothing_is_told),
		T(datagrams_when_exchanged_then_the_first_of_each_end_is_told),
		T(more_sockets_than_fit_when_read_then_told_or_counted),
		T(a_dup_in_a_child_when_it_sends_then_the_child_is_told),
		T(streams_and_local_datagrams_when_used_then_none_is_told),
		T(a_name_server_when_it_answers_then_the_message_is_told),
		T(a_large_answer_when_taken_then_its_beginning_is_told),
		T(another_port_when_it_answers_then_it_is_a_mere_datagram),
		T(an_engines_socket_when_connected_then_its_path_is_told),
		T(other_unix_sockets_when_connected_then_none_is_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_socket", tests, group_setup, group_teardown);
}
