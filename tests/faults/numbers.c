/* SPDX-License-Identifier: Apache-2.0 */
/* numbers - a steady load of numbered events: makes the files DIR/000000001, DIR/000000002, ... one
 * after the other, and removes each at once, so that each creation that a sensor has told can be
 * accounted for.
 *
 *   numbers DIR PER_SECOND [COUNT]
 *
 * Ends after COUNT or at SIGTERM, and prints how many it has made.
 * Thread: one.  Memory: none. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/util.h"

enum { SECOND_NS = 1000000000 };

static volatile sig_atomic_t is_over;

static void on_term(int number)
{
	(void)number;
	is_over = 1;
}

static bool make(const char *dir, unsigned long number)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%09lu", dir, number);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	close(fd);
	return unlink(path) == 0;
}

static void wait_for(struct timespec *due, unsigned long rate)
{
	due->tv_nsec += SECOND_NS / (long)rate;
	if (due->tv_nsec >= SECOND_NS) {
		due->tv_nsec -= SECOND_NS;
		due->tv_sec++;
	}
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL);
}

int main(int argc, char **argv)
{
	const struct sigaction term = { .sa_handler = on_term };
	unsigned long rate = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long most = argc > 3 ? strtoul(argv[3], NULL, 10) : 0, n = 0;
	struct timespec due;

	if (argc < 3 || rate == 0 || rate > SECOND_NS) {
		fprintf(stderr, "usage: numbers DIR PER_SECOND [COUNT]\n");
		return 2;
	}
	sigaction(SIGTERM, &term, NULL);
	clock_gettime(CLOCK_MONOTONIC, &due);
	while (!is_over && (most == 0 || n < most)) {
		if (!make(argv[1], n + 1)) {
			perror(argv[1]);
			return 1;
		}
		n++;
		wait_for(&due, rate);
	}
	printf("%lu\n", n);
	return 0;
}
