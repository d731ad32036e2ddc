/* SPDX-License-Identifier: Apache-2.0 */
/* peer - servers and clients whose every process is known, for the tests of flows.
 *   peer serve ADDRESS PORT COMMAND      for each connection a child: reads a word to the end of
 * the line, runs /bin/sh -c "COMMAND" with it as $1, then closes peer call ADDRESS PORT WORD
 * connects, sends WORD, waits for the end; 0: it came peer relay ADDRESS PORT TO_ADDRESS TO_PORT
 * one connection after the other, both ways Servers print "ready" once they listen.  Addresses are
 * numeric, IPv4 or IPv6. Thread: one in each process.  Memory: none. */
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/util.h"

static int die(const char *what)
{
	fprintf(stderr, "peer: %s: %m\n", what);
	exit(1);
}

static struct addrinfo *resolve(const char *address, const char *port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *ret = NULL;
	int r = getaddrinfo(address, port, &hints, &ret);

	if (r != 0) {
		fprintf(stderr, "peer: %s %s: %s\n", address, port, gai_strerror(r));
		exit(2);
	}
	return ret;
}

static int listen_at(const char *address, const char *port)
{
	struct addrinfo *a = resolve(address, port);
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, 1024) < 0)
		die("listen");
	freeaddrinfo(a);
	puts("ready");
	fflush(stdout);
	return fd;
}

static int connect_to(const char *address, const char *port)
{
	struct addrinfo *a = resolve(address, port);
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, a->ai_addr, a->ai_addrlen) < 0)
		die("connect");
	freeaddrinfo(a);
	return fd;
}

/* ---- serve ---- */

/* The child of one connection. */
static int handle(int fd, const char *command)
{
	char word[64] = "";
	size_t n = 0;
	pid_t pid;

	signal(SIGCHLD, SIG_DFL);
	while (n < sizeof(word) - 1 && read(fd, word + n, 1) == 1 && word[n] != '\n')
		n++;
	word[n] = '\0';
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, "sh", word, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return 0;
}

static _Noreturn void serve(char **argv)
{
	int listening = listen_at(argv[0], argv[1]);

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		if (fork() == 0)
			_exit(handle(fd, argv[2]));
		close(fd);
	}
}

/* ---- call ---- */

static int call(char **argv)
{
	int fd = connect_to(argv[0], argv[1]);
	char answer[64];
	ssize_t n;

	if (dprintf(fd, "%s\n", argv[2]) < 0)
		die("send");
	while ((n = read(fd, answer, sizeof(answer))) > 0)
		;
	close(fd);
	return n < 0;
}

/* ---- relay ---- */

/* What came from one side goes to the other.  Returns false at its end. */
static bool pass_on(int from, int to)
{
	char piece[4096];
	ssize_t n = read(from, piece, sizeof(piece));

	for (ssize_t at = 0; at < n;) {
		ssize_t sent = write(to, piece + at, (size_t)(n - at));

		if (sent <= 0)
			return false;
		at += sent;
	}
	if (n <= 0)
		shutdown(to, SHUT_WR);
	return n > 0;
}

static void relay_one(int a, int b)
{
	struct pollfd p[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };

	while ((p[0].fd >= 0 || p[1].fd >= 0) && poll(p, 2, -1) > 0) {
		if (p[0].revents && !pass_on(a, b))
			p[0].fd = -1;
		if (p[1].revents && !pass_on(b, a))
			p[1].fd = -1;
	}
}

static _Noreturn void relay(char **argv)
{
	int listening = listen_at(argv[0], argv[1]);

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC), to;

		if (fd < 0)
			continue;
		to = connect_to(argv[2], argv[3]);
		relay_one(fd, to);
		close(fd);
		close(to);
	}
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		serve(argv + 2);
	if (argc == 5 && strcmp(argv[1], "call") == 0)
		return call(argv + 2);
	if (argc == 6 && strcmp(argv[1], "relay") == 0)
		relay(argv + 2);
	fprintf(stderr, "usage: peer serve ADDRESS PORT COMMAND | call ADDRESS PORT WORD | relay "
			"ADDRESS PORT TO_ADDRESS TO_PORT\n");
	return 2;
}
