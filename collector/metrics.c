/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/metrics.h"

#include "collector/tail.h"
#include "lib/timestamp.h"

#define UP_NS UINT64_C(30000000000)

static const struct metric_info infos[METRIC_MAX] = {
#define X(id, group_, key_, type_, help_) \
	[METRIC_##id] = { .group = #group_, .key = #key_, .type = (type_), .help = (help_) },
	METRICS(X)
#undef X
};

const struct metric_info *metric_info(enum metric m)
{
	return &infos[m];
}

struct node_sum {
	struct metrics *m;
	uint64_t now_ns;
};

static int add_node(const struct node *n, void *arg)
{
	struct node_sum *sum = arg;
	uint64_t *v = sum->m->value;

	v[METRIC_NODES_KNOWN]++;
	v[METRIC_NODES_UP] += n->last_seen_ns + UP_NS >= sum->now_ns;
	v[METRIC_NODES_LOST] += n->stats.lost_priority + n->stats.lost_bulk + n->stats.lost_queue;
	return 0;
}

static void read_ingest(struct metrics *m, const struct ingest *ingest)
{
	struct ingest_counters c = { 0 };
	uint64_t *v = m->value;

	ingest_counters(ingest, &c);
	v[METRIC_INGEST_BATCHES] = c.batches;
	v[METRIC_INGEST_EVENTS] = c.events;
	v[METRIC_INGEST_BYTES] = c.bytes;
	v[METRIC_INGEST_DUPLICATES] = c.duplicates;
	v[METRIC_INGEST_REFUSED] = c.refused;
	v[METRIC_INGEST_BUSY] = c.busy;
	v[METRIC_INGEST_HEARTBEATS] = c.heartbeats;
	v[METRIC_INGEST_COMMITS] = c.commits;
	v[METRIC_INGEST_COMMIT_NS] = c.commit_ns;
	v[METRIC_INGEST_DISK_BUSY] = c.disk_busy;
	v[METRIC_INGEST_DISK_LOW] = (uint64_t)ingest_disk(ingest, &v[METRIC_INGEST_DISK_FREE]);
	v[METRIC_INGEST_FAILING] = ingest && ingest_failing(ingest);
}

/* Reads zero when main.db cannot be asked: that is told by what writes to it. */
static void read_removed(struct metrics *m, struct maindb *maindb)
{
	struct maindb_removed_sum sum;
	int r = maindb_removed_sum(maindb, &sum);

	if (r < 0)
		memset(&sum, 0, sizeof(sum));
	m->value[METRIC_REMOVED_DAYS] = sum.days;
	m->value[METRIC_REMOVED_EVENTS] = sum.events;
	m->value[METRIC_REMOVED_BYTES] = sum.bytes;
}

static void read_http(struct metrics *m, const struct server *s)
{
	const struct http_counters *c = &s->counters;
	uint64_t *v = m->value;

	v[METRIC_HTTP_REQUESTS] = c->requests;
	v[METRIC_HTTP_2XX] = c->answers[2];
	v[METRIC_HTTP_3XX] = c->answers[3];
	v[METRIC_HTTP_4XX] = c->answers[4];
	v[METRIC_HTTP_5XX] = c->answers[5];
	v[METRIC_HTTP_UNAUTHORIZED] = c->unauthorized;
	v[METRIC_HTTP_CANCELLED] = c->cancelled;
	v[METRIC_HTTP_BUSY] = c->busy;
	v[METRIC_HTTP_CONNECTIONS] = c->connections;
	v[METRIC_HTTP_JOBS] = pool_jobs(s->pool);
}

void metrics_read_loop(struct metrics *m, const struct server *s)
{
	struct node_sum sum = { m, timestamp_now() };
	struct tails_counters tails = { 0 };

	memset(m, 0, sizeof(*m));
	read_ingest(m, s->config.ingest);
	read_removed(m, s->config.maindb);
	read_http(m, s);
	maindb_nodes(s->config.maindb, add_node, &sum);
	if (s->tails)
		tails_counters(s->tails, &tails);
	m->value[METRIC_TAIL_OPEN] = tails.open;
	m->value[METRIC_TAIL_EVENTS] = tails.events;
	m->value[METRIC_TAIL_DROPPED] = tails.dropped;
}

int metrics_read_store(struct metrics *m, struct store_reader *reader)
{
	struct store_totals totals = { 0 };
	int r = store_totals(reader, &totals);

	m->value[METRIC_STORE_BLOCKS] = totals.blocks;
	m->value[METRIC_STORE_EVENTS] = totals.events;
	m->value[METRIC_STORE_BYTES] = totals.bytes;
	m->value[METRIC_STORE_DAYS] = totals.days;
	return r;
}

void metrics_write(const struct metrics *m, struct buf *out)
{
	buf_printf(
		out,
		"# HELP rtsec_build_info Version of the collector\n# TYPE rtsec_build_info gauge\n"
		"rtsec_build_info{version=\"%s\"} 1\n",
		RTSEC_VERSION);
	for (size_t i = 0; i < METRIC_MAX; i++) {
		const struct metric_info *info = &infos[i];
		char name[64];

		snprintf(name, sizeof(name), "rtsec_%s_%s%s", info->group, info->key,
			 strcmp(info->type, "counter") == 0 ? "_total" : "");
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, info->help, name,
			   info->type, name, (unsigned long long)m->value[i]);
	}
}
