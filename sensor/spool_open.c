/* SPDX-License-Identifier: Apache-2.0 */
/* spool_open - finds what an earlier run left: the segments of the folder, and what is in them. */
#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "sensor/spool_internal.h"

/* Inserts by number. */
static void chain_insert(struct spool_chain *c, struct spool_segment *g)
{
	struct spool_segment **at = &c->first;

	while (*at && (*at)->number < g->number)
		at = &(*at)->after;
	g->after = *at;
	*at = g;
	if (!g->after)
		c->last = g;
}

static int find_segments(struct spool *s)
{
	DIR *d = opendir(s->dir);
	const struct dirent *e;

	if (!d)
		return err_origin(-errno);
	while ((e = readdir(d))) {
		struct spool_segment *g;
		uint64_t number;
		char class;
		int n = 0;

		if (sscanf(e->d_name, "%c-%16" SCNx64 ".seg%n", &class, &number, &n) != 2 ||
		    n != 22 || e->d_name[n] || (class != 'b' && class != 'p') || number == 0 ||
		    number == UINT64_MAX)
			continue;
		g = spool_segment_new(number, class == 'b' ? CLASS_BULK : CLASS_PRIORITY);
		if (!g) {
			closedir(d);
			return err_origin(-ENOMEM);
		}
		chain_insert(&s->chains[g->class], g);
		s->next_number = MAX(s->next_number, number + 1);
	}
	closedir(d);
	return 0;
}

/* Age over a restart is wall time, since nothing else outlives it; from here on it is counted. */
static void set_expiry(struct spool *s, struct spool_segment *g)
{
	uint64_t now = s->io->now_ns(CLOCK_REALTIME);
	uint64_t age = MIN(now - MIN(now, g->begun_ns), s->config.max_age_ns);

	if (s->config.max_age_ns == 0)
		return;
	g->expires_ns = s->io->now_ns(CLOCK_BOOTTIME) + s->config.max_age_ns - age;
}

static int scan_segments(struct spool *s, enum kind_class class)
{
	struct spool_segment *after;
	int r = 0;

	for (struct spool_segment *g = s->chains[class].first; g && r == 0; g = after) {
		after = g->after;
		r = spool_segment_scan(s, g);
		if (r == -ENOMEM)
			return r;
		if (r < 0) { /* not open: it waits for the next start */
			spool_chain_remove(s, g);
			spool_segment_free(g);
			r = 0;
			continue;
		}
		s->bytes += g->size;
		s->unread += g->live;
		s->records += g->live;
		if (g->live == 0)
			spool_remove_segment(s, g);
		else
			set_expiry(s, g);
	}
	return r;
}

static int by_first(const void *a, const void *b)
{
	const struct spool_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

int spool_open_folder(struct spool *s)
{
	int r;

	if (mkdir(s->dir, 0700) < 0 && errno != EEXIST)
		return err_origin(-errno);
	r = find_segments(s);
	for (size_t class = 0; r == 0 && class < CLASS_MAX; class ++)
		r = scan_segments(s, (enum kind_class) class);
	if (s->n_ranges)
		qsort(s->ranges, s->n_ranges, sizeof(*s->ranges), by_first);
	return r;
}
