/* SPDX-License-Identifier: Apache-2.0 */
/* workload - opens and closes one file a given number of times, at a given pace, and says exactly
 * what it did: the other side of "stored count = made count".
 *
 *   workload [-r OPENS_A_SECOND] [-n OPENS] FILE      -r 0, the default: as fast as it goes
 *
 * Prints one JSON line: made, failed, wall_ns, cpu_ns (of this thread, open and close together).
 * The pace is kept against the clock, not by sleeping a fixed time, so that a late wake-up is
 * caught up at once.
 * Thread: one.  Memory: none. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "lib/util.h"

enum { MAX_OPENS = 100000000, EARLY_NS = 500000 };

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sleeps until open number @done is due, if that is at least EARLY_NS away. */
static void keep_pace(uint64_t start_ns, uint64_t done, uint64_t rate)
{
	uint64_t due_ns = start_ns + done * 1000000000u / rate;
	struct timespec t = { .tv_sec = (time_t)(due_ns / 1000000000u),
			      .tv_nsec = (long)(due_ns % 1000000000u) };

	if (due_ns > clock_ns(CLOCK_MONOTONIC) + EARLY_NS)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static uint64_t open_many(const char *file, uint64_t n, uint64_t rate)
{
	uint64_t start_ns = clock_ns(CLOCK_MONOTONIC), failed = 0;

	for (uint64_t i = 0; i < n; i++) {
		int fd = open(file, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			failed++;
		else
			close(fd);
		if (rate > 0)
			keep_pace(start_ns, i + 1, rate);
	}
	return failed;
}

static uint64_t number(const char *s)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 10);

	if (end == s || *end || v > MAX_OPENS) {
		fprintf(stderr, "workload: not a number from 0 to %d: %s\n", MAX_OPENS, s);
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	uint64_t rate = 0, n = 10000, wall_ns, cpu_ns, failed;
	int c;

	while ((c = getopt(argc, argv, "r:n:")) != -1) {
		if (c == 'r')
			rate = number(optarg);
		else if (c == 'n')
			n = number(optarg);
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: workload [-r OPENS_A_SECOND] [-n OPENS] FILE\n");
		return 2;
	}
	wall_ns = clock_ns(CLOCK_MONOTONIC);
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	failed = open_many(argv[optind], n, rate);
	printf("{\"made\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"wall_ns\":%" PRIu64
	       ",\"cpu_ns\":%" PRIu64 "}\n",
	       n, failed, clock_ns(CLOCK_MONOTONIC) - wall_ns,
	       clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns);
	return failed > 0;
}
