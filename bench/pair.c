/* SPDX-License-Identifier: Apache-2.0 */
/* pair - one TCP connection on this host with both ends known: listens on a free port of
 * 127.0.0.1 (-6: of ::1), connects to it from a child process, sends 5 bytes one way and 3 the
 * other, closes both.  Prints one JSON line: ip, client_pid, client_port, server_pid, server_port.
 * Thread: one in each process.  Memory: none. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/util.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int die(const char *what)
{
	fprintf(stderr, "pair: %s: %m\n", what);
	exit(1);
}

static unsigned port_of(const union address *a)
{
	return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

static int listen_at(union address *a, socklen_t *n)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, &a->any, *n) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, &a->any, n) < 0)
		die("listen");
	return fd;
}

/* The child: connects, sends 5 bytes, reads until the other side closes. */
static int client(const union address *to, socklen_t n)
{
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[8];

	if (fd < 0 || connect(fd, &to->any, n) < 0 || write(fd, "hello", 5) != 5)
		return 1;
	while (read(fd, answer, sizeof(answer)) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	bool six = argc > 1 && strcmp(argv[1], "-6") == 0;
	union address here = { .v4 = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	union address there;
	socklen_t n = six ? sizeof(here.v6) : sizeof(here.v4), n_there = sizeof(there);
	int listener, fd, status = 1;
	char hello[5];
	pid_t pid;

	if (six)
		here = (union address){ .v6 = { .sin6_family = AF_INET6,
						.sin6_addr = IN6ADDR_LOOPBACK_INIT } };
	listener = listen_at(&here, &n);
	pid = fork();
	if (pid < 0)
		return die("fork");
	if (pid == 0)
		_exit(client(&here, n));
	fd = accept4(listener, &there.any, &n_there, SOCK_CLOEXEC);
	if (fd < 0 || read(fd, hello, sizeof(hello)) != 5 || write(fd, "bye", 3) != 3)
		return die("accept");
	close(fd);
	waitpid(pid, &status, 0);
	printf("{\"ip\":\"%s\",\"client_pid\":%d,\"client_port\":%u,\"server_pid\":%d,"
	       "\"server_port\":%u}\n",
	       six ? "::1" : "127.0.0.1", pid, port_of(&there), getpid(), port_of(&here));
	return status != 0;
}
