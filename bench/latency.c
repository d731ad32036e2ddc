/* SPDX-License-Identifier: Apache-2.0 */
/* latency - how long from an open(2) until the live tail shows it.
 *
 *   rtsecctl tail -o ndjson 'file.path like "DIR/m*"' | latency [-r RATE] [-n OPENS] DIR
 *
 * Makes OPENS files DIR/m0000000.. first, waits until the tail shows one of them (it is open then),
 * opens each once at RATE a second and notes the time just before; a second thread reads the tail
 * from standard input and notes when each came.  Prints one JSON line: made, seen, p50_ns, p99_ns,
 * max_ns of those seen.  Ends when all were seen, or 5 s after the last open.
 * Threads: main opens, the other reads; each slot of the two tables is written by one of them.
 * Memory: two tables of OPENS numbers. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/util.h"

enum { MAX_OPENS = 1000000, PROBE_TRIES = 100, LAST_WAIT_MS = 5000 };

struct latency {
	char marker[512]; /* "DIR/m": what a line of the tail must hold */
	uint64_t n, rate;
	uint64_t *opened_ns;
	_Atomic uint64_t *seen_ns; /* 0: not yet */
	_Atomic uint64_t n_seen;
	atomic_bool ready; /* the tail has shown the probe */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000u),
			      .tv_nsec = (long)(ns % 1000000000u) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* File @i, or the probe when @i is the number of files. */
static void file_path(const struct latency *l, uint64_t i, char *ret_path, size_t n)
{
	snprintf(ret_path, n, "%s%07" PRIu64, l->marker, i);
}

static void open_file(const struct latency *l, uint64_t i, int flags)
{
	char path[600];
	int fd;

	file_path(l, i, path, sizeof(path));
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0) {
		fprintf(stderr, "latency: cannot open %s: %m\n", path);
		exit(1);
	}
	close(fd);
}

static void note_line(struct latency *l, const char *line)
{
	const char *at = strstr(line, l->marker);
	uint64_t i, none = 0;

	if (!at)
		return;
	i = strtoull(at + strlen(l->marker), NULL, 10);
	if (i == l->n)
		atomic_store(&l->ready, true);
	else if (i < l->n && atomic_compare_exchange_strong(&l->seen_ns[i], &none, now_ns()))
		atomic_fetch_add(&l->n_seen, 1);
}

static void *read_tail(void *arg)
{
	struct latency *l = arg;
	AUTO_MEM char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) >= 0)
		note_line(l, line);
	return NULL;
}

/* Opens the probe until the tail shows it.  What came before it, of making the files, is then
 * through, and is forgotten. */
static void wait_for_tail(struct latency *l)
{
	open_file(l, l->n, O_RDWR | O_CREAT);
	for (int i = 0; i < PROBE_TRIES && !atomic_load(&l->ready); i++) {
		open_file(l, l->n, O_RDONLY);
		sleep_until(now_ns() + 100000000u);
	}
	if (!atomic_load(&l->ready)) {
		fprintf(stderr, "latency: the tail on standard input shows nothing\n");
		exit(1);
	}
	for (uint64_t i = 0; i < l->n; i++)
		atomic_store(&l->seen_ns[i], 0);
	atomic_store(&l->n_seen, 0);
}

static void open_all(struct latency *l)
{
	uint64_t start_ns = now_ns();

	for (uint64_t i = 0; i < l->n; i++) {
		sleep_until(start_ns + i * 1000000000u / l->rate);
		l->opened_ns[i] = now_ns();
		open_file(l, i, O_RDONLY);
	}
	for (int i = 0; i < LAST_WAIT_MS / 10 && atomic_load(&l->n_seen) < l->n; i++)
		sleep_until(now_ns() + 10000000u);
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void report(struct latency *l)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < l->n; i++) {
		uint64_t seen_ns = atomic_load(&l->seen_ns[i]);

		if (seen_ns)
			l->opened_ns[n++] = seen_ns - l->opened_ns[i];
	}
	qsort(l->opened_ns, n, sizeof(*l->opened_ns), ascending);
	printf("{\"made\":%" PRIu64 ",\"seen\":%" PRIu64, l->n, n);
	if (n)
		printf(",\"p50_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64 ",\"max_ns\":%" PRIu64,
		       l->opened_ns[n / 2], l->opened_ns[n * 99 / 100], l->opened_ns[n - 1]);
	printf("}\n");
}

static uint64_t number(const char *s)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 10);

	if (end == s || *end || v == 0 || v > MAX_OPENS) {
		fprintf(stderr, "latency: not a number from 1 to %d: %s\n", MAX_OPENS, s);
		exit(2);
	}
	return v;
}

static void parse(struct latency *l, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:n:")) != -1) {
		if (c == 'r')
			l->rate = number(optarg);
		else if (c == 'n')
			l->n = number(optarg);
		else
			exit(2);
	}
	if (optind + 1 != argc || strlen(argv[optind]) > 400) {
		fprintf(stderr, "usage: rtsecctl tail ... | latency [-r RATE] [-n OPENS] DIR\n");
		exit(2);
	}
	snprintf(l->marker, sizeof(l->marker), "%s/m", argv[optind]);
}

int main(int argc, char **argv)
{
	struct latency l = { .n = 5000, .rate = 1000 };
	pthread_t reader;

	parse(&l, argc, argv);
	l.opened_ns = calloc(l.n, sizeof(*l.opened_ns));
	l.seen_ns = calloc(l.n, sizeof(*l.seen_ns));
	if (!l.opened_ns || !l.seen_ns || pthread_create(&reader, NULL, read_tail, &l) != 0) {
		fprintf(stderr, "latency: no memory\n");
		return 1;
	}
	for (uint64_t i = 0; i < l.n; i++)
		open_file(&l, i, O_RDWR | O_CREAT);
	wait_for_tail(&l);
	open_all(&l);
	report(&l);
	fflush(stdout);
	_exit(atomic_load(&l.n_seen) < l.n); /* the reader may still be in read(2) */
}
