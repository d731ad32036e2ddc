/* SPDX-License-Identifier: Apache-2.0 */
/* calls - what a sensor costs the programs that it watches: makes one kind of call a given number
 * of times and says what that took.
 *
 *   calls open|connect|refused|exec|udp|mprotect|none|bare [-n TIMES]
 *
 * none: reads 64 KiB of /dev/zero and adds them up, work with a call that nobody watches.
 * bare: getppid, nothing but a call.
 * open: and close, of /dev/null.
 * connect: to a listener of its own on 127.0.0.1, accepted, both closed at once.
 * refused: to a port where nobody listens, closed.
 * exec: vfork and execve of this program, which then only ends.
 * udp: a datagram to itself, sent and taken.
 * mprotect: a page made unreadable and readable again.
 *
 * Prints one JSON line: kind, made, wall_ns, cpu_ns (of all, children included), and ns: CPU time
 * of one call, the lower quartile of BATCHES batches, since what else runs on the machine only ever
 * makes calls dearer.
 * Thread: one.  Memory: none. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/util.h"

enum { BATCHES = 40 };

static int listener = -1;
static struct sockaddr_in here = { .sin_family = AF_INET };

static int die(const char *what)
{
	fprintf(stderr, "calls: %s: %m\n", what);
	exit(1);
}

static void do_bare(void)
{
	(void)syscall(SYS_getppid);
}

static int zero = -1;

static void begin_none(void)
{
	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (zero < 0)
		die("/dev/zero");
}

static void do_none(void)
{
	static unsigned char bytes[64 << 10];
	uint32_t n = 0;

	if (read(zero, bytes, sizeof(bytes)) != sizeof(bytes))
		die("read");
	for (size_t i = 0; i < sizeof(bytes); i++)
		n += bytes[i];
	__asm__ volatile("" : : "r"(n)); /* is wanted */
}

static void do_open(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("open");
	close(fd);
}

/* Makes @listener, bound to a free port of 127.0.0.1. */
static void begin_socket(int type)
{
	socklen_t n = sizeof(here);

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (const struct sockaddr *)&here, n) < 0 ||
	    getsockname(listener, (struct sockaddr *)&here, &n) < 0)
		die("bind");
}

static void begin_connect(void)
{
	begin_socket(SOCK_STREAM);
	if (listen(listener, 64) < 0)
		die("listen");
}

/* Reset at close, so that no port stays in TIME_WAIT. */
static void do_connect(void)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&here, sizeof(here)) < 0)
		die("connect");
	other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	close(other);
}

static void begin_refused(void)
{
	begin_socket(SOCK_STREAM);
}

static void do_refused(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&here, sizeof(here)) == 0 ||
	    errno != ECONNREFUSED)
		die("refused");
	close(fd);
}

static void begin_udp(void)
{
	begin_socket(SOCK_DGRAM);
}

static void do_udp(void)
{
	char byte = 0;

	if (sendto(listener, &byte, 1, 0, (const struct sockaddr *)&here, sizeof(here)) != 1 ||
	    recv(listener, &byte, 1, 0) != 1)
		die("udp");
}

static char *page;

static void begin_mprotect(void)
{
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		die("mmap");
}

static void do_mprotect(void)
{
	if (mprotect(page, 4096, PROT_NONE) < 0 || mprotect(page, 4096, PROT_READ) < 0)
		die("mprotect");
}

static void do_exec(void)
{
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execl("/proc/self/exe", "calls", "end", (char *)NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		die("exec");
}

static const struct kind {
	const char *name;
	void (*begin)(void);
	void (*act)(void);
	uint64_t times;
} kinds[] = {
	{ "none", begin_none, do_none, 100000 },
	{ "bare", NULL, do_bare, 1000000 },
	{ "open", NULL, do_open, 200000 },
	{ "connect", begin_connect, do_connect, 10000 },
	{ "exec", NULL, do_exec, 1000 },
	{ "udp", begin_udp, do_udp, 20000 },
	{ "mprotect", begin_mprotect, do_mprotect, 100000 },
	{ "refused", begin_refused, do_refused, 20000 },
};

static uint64_t children_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) + children_ns();
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double run_batch(const struct kind *k, uint64_t n)
{
	uint64_t begin = cpu_ns();

	for (uint64_t i = 0; i < n; i++)
		k->act();
	return (double)(cpu_ns() - begin);
}

static void run(const struct kind *k, uint64_t times)
{
	double each[BATCHES], all = 0, ns;
	uint64_t wall, done = 0, n;

	if (k->begin)
		k->begin();
	for (uint64_t i = 0; i < times / 20; i++) /* warms up */
		k->act();
	wall = clock_ns(CLOCK_MONOTONIC);
	for (uint64_t b = 0; b < BATCHES; b++) {
		n = times * (b + 1) / BATCHES - done;
		ns = run_batch(k, n);
		done += n;
		all += ns;
		each[b] = n ? ns / (double)n : 0;
	}
	wall = clock_ns(CLOCK_MONOTONIC) - wall;
	qsort(each, BATCHES, sizeof(each[0]), ascending);
	printf("{\"kind\":\"%s\",\"made\":%" PRIu64 ",\"cpu_ns\":%.0f,\"wall_ns\":%" PRIu64
	       ",\"ns\":%.1f}\n",
	       k->name, done, all, wall, each[BATCHES / 4]);
}

int main(int argc, char **argv)
{
	uint64_t times = 0;

	if (argc == 2 && strcmp(argv[1], "end") == 0)
		return 0;
	if (argc == 4 && strcmp(argv[2], "-n") == 0)
		times = strtoull(argv[3], NULL, 10);
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(argv[1], kinds[i].name) == 0) {
			run(&kinds[i], times ? times : kinds[i].times);
			return 0;
		}
	fprintf(stderr,
		"usage: calls open|connect|refused|exec|udp|mprotect|none|bare [-n TIMES]\n");
	return 2;
}
