/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tally.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char evicted[] = "evicted";

PRINTF_LIKE(2, 3)
static void add(struct tally *t, const char *fmt, ...)
{
	va_list ap;

	if (t->n == TALLY_TEXTS)
		return;
	va_start(ap, fmt);
	vsnprintf(t->texts[t->n], sizeof(t->texts[0]), fmt, ap);
	va_end(ap);
	t->at[t->n] = t->texts[t->n];
	t->n++;
}

static void add_count(struct tally *t, const char *what, const char *name, uint64_t n)
{
	if (n)
		add(t, "%s %s=%" PRIu64, what, name, n);
}

static void add_evicted(struct tally *t, const char *table, uint64_t n)
{
	t->evicted += n;
	add_count(t, evicted, table, n);
}

static void add_filters(struct tally *t, const struct source *s)
{
	struct probe_filter_count at[TALLY_TEXTS];
	int n = s->ops->filter_counts ? s->ops->filter_counts(s->self, at, TALLY_TEXTS) : 0;

	for (int i = 0; i < n; i++)
		add(t, "filter %s=%" PRIu64, at[i].name, at[i].events);
}

static void add_processes(struct tally *t, struct enrich *e)
{
	const struct hashes *h = enrich_hasher(e);
	struct hashes_counters hashes = { 0 };
	struct known_counters known;

	known_counters(enrich_known(e), &known);
	if (h)
		hashes_counters(h, &hashes);
	add_count(t, "processes", "begin_unseen", known.guessed);
	add_count(t, "processes", "read_from_proc", known.proc_reads);
	add_count(t, "processes", "args_lost", known.args_lost);
	add_count(t, "hashes", "done", hashes.done);
	add_count(t, "hashes", "failed", hashes.failed);
	add_count(t, "hashes", "skipped", hashes.skipped);
	add_count(t, "hashes", "refused", hashes.refused);
	add_count(t, "hashes", "forgotten", hashes.evicted);
}

void tally_make(struct tally *t, const struct source *s, struct enrich *e)
{
	struct probe_counts kernel = { 0 };
	struct enrich_evictions sensor;

	if (s->ops->counts)
		s->ops->counts(s->self, &kernel);
	enrich_evictions(e, &sensor);
	t->left_out = kernel.left_out;
	t->undecided = kernel.undecided;
	t->evicted = 0;
	t->n = 0;
	add_evicted(t, "processes", sensor.processes);
	add_evicted(t, "domains", sensor.domains);
	add_evicted(t, "containers", sensor.containers);
	add_evicted(t, "arrivals", kernel.arrivals_missed);
	add_evicted(t, "followed", kernel.unfollowed);
	add_evicted(t, "workloads", kernel.unthrottled);
	add_processes(t, e);
	add_filters(t, s);
}

const char *tally_evictions(const struct tally *t, char *buf, size_t n)
{
	size_t at = 0;
	int k = snprintf(buf, n,
			 "tables of fixed size are full, entries gave way since the start:");

	for (size_t i = 0; i < t->n && k >= 0 && (at += (size_t)k) < n; i++)
		k = strncmp(t->at[i], evicted, sizeof(evicted) - 1) == 0
			    ? snprintf(buf + at, n - at, "%s", t->at[i] + sizeof(evicted) - 1)
			    : 0;
	return buf;
}
