/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/metrics.h"

#include "collector/output.h"
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
	for (size_t c = 0; c < WATCH_CONDITIONS; c++)
		sum->m->alarms[c] += n->alarms >> c & 1;
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
	v[METRIC_INGEST_ALARMS_LOST] = c.alarms_lost;
	v[METRIC_INGEST_DISK_LOW] = (uint64_t)ingest_disk(ingest, &v[METRIC_INGEST_DISK_FREE]);
	v[METRIC_MERGE_BLOCKS] = c.merge.blocks;
	v[METRIC_MERGE_INTO] = c.merge.into;
	v[METRIC_MERGE_FAILURES] = c.merge.failures;
	v[METRIC_PEERS_HANDSHAKES] = c.tls.handshakes;
	v[METRIC_PEERS_FAILED] = c.tls.failed;
	v[METRIC_INGEST_FAILING] = ingest && ingest_failing(ingest);
	for (size_t k = 0; k < REFUSAL_MAX; k++)
		m->refused[k] = c.reasons[k] + c.tls.reasons[k];
	m->refused[REFUSAL_MESSAGE_GONE] = c.peers[PEER_GONE];
	m->refused[REFUSAL_MESSAGE_UNKNOWN] = c.peers[PEER_UNKNOWN];
	m->refused[REFUSAL_MESSAGE_REVOKED] = c.peers[PEER_REVOKED];
	m->refused[REFUSAL_MESSAGE_EXPIRED] = c.peers[PEER_EXPIRED];
	m->refused[REFUSAL_MESSAGE_WRONG_NODE] = c.peers[PEER_WRONG_NODE];
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
	for (size_t k = 0; k < REFUSAL_MAX; k++)
		m->refused[k] += c->refused[k];
	v[METRIC_HTTP_UNAUTHORIZED] =
		c->refused[REFUSAL_REQUEST_NO_TOKEN] + c->refused[REFUSAL_REQUEST_WRONG_TOKEN] +
		c->refused[REFUSAL_REQUEST_ROLE] + c->refused[REFUSAL_REQUEST_SCOPE];
	v[METRIC_HTTP_LIMITED] =
		c->refused[REFUSAL_REQUEST_ADDRESS_RATE] + c->refused[REFUSAL_REQUEST_TOKEN_RATE];
	v[METRIC_HTTP_CANCELLED] = c->cancelled;
	v[METRIC_HTTP_BUSY] = c->refused[REFUSAL_REQUEST_BUSY];
	v[METRIC_HTTP_CONNECTIONS] = c->connections;
	v[METRIC_HTTP_JOBS] = pool_jobs(s->pool);
}

static void read_flows(struct metrics *m, const struct flows *flows)
{
	struct flows_counters c;

	flows_counters(flows, &c);
	m->value[METRIC_FLOWS_KEPT] = c.flows;
	m->value[METRIC_FLOWS_EVENTS] = c.events;
	m->value[METRIC_FLOWS_EVICTED] = c.evicted;
	m->value[METRIC_FLOWS_CROWDED] = c.crowded;
}

static void read_facts(struct metrics *m, const struct facts *facts)
{
	struct facts_counters c;

	facts_counters(facts, &c);
	m->value[METRIC_FACTS_KEPT] = c.facts;
	m->value[METRIC_FACTS_EVICTED] = c.evicted;
}

static void read_rules(struct metrics *m, const struct server *s)
{
	struct detect_stats d = { 0 };
	struct outputs_stats o;
	uint64_t *v = m->value;

	m->detect = s->config.detect;
	if (m->detect)
		detect_stats(m->detect, &d);
	outputs_stats(s->config.outputs, &o);
	v[METRIC_RULES_ACTIVE] = d.rules;
	v[METRIC_RULES_HITS] = d.hits;
	v[METRIC_RULES_ALERTS] = d.alerts;
	v[METRIC_RULES_SUPPRESSED] = d.suppressed;
	v[METRIC_RULES_EVICTED] = d.evicted;
	v[METRIC_RULES_LATE] = d.late;
	v[METRIC_RULES_FORGOTTEN] = d.forgotten;
	v[METRIC_RULES_STATE] = d.state_bytes;
	v[METRIC_RULES_DEAR] = d.dear;
	v[METRIC_RULES_SKIPPED] = d.skipped;
	v[METRIC_RULES_RELOADS] = d.reloads;
	v[METRIC_RULES_FAILED] = d.failed_loads;
	v[METRIC_OUTPUTS_SENT] = o.sent;
	v[METRIC_OUTPUTS_FAILED] = o.failed;
	v[METRIC_OUTPUTS_DEAD] = o.dead;
}

static void read_observers(struct metrics *m, struct follow *f)
{
	while (m->n_observers < ARRAY_SIZE(m->observers) &&
	       follow_stats(f, m->n_observers, &m->observers[m->n_observers]))
		m->n_observers++;
}

void metrics_read_loop(struct metrics *m, const struct server *s)
{
	struct node_sum sum = { m, timestamp_now() };
	struct tails_counters tails = { 0 };

	memset(m, 0, sizeof(*m));
	read_ingest(m, s->config.ingest);
	read_observers(m, s->config.follow);
	read_flows(m, s->config.flows);
	read_facts(m, s->config.facts);
	read_rules(m, s);
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
	m->value[METRIC_STORE_DAMAGED_BLOCKS] = totals.damaged_blocks;
	m->value[METRIC_STORE_DAMAGED_EVENTS] = totals.damaged_events;
	return r;
}

static void write_head(struct buf *out, const char *name, const struct metric_info *info)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, info->help, name, info->type);
}

static void name_of(const struct metric_info *info, char ret[64])
{
	snprintf(ret, 64, "rtsec_%s_%s%s", info->group, info->key,
		 strcmp(info->type, "counter") == 0 ? "_total" : "");
}

/* Each number of each observer, the observer as a label. */
static void write_observers(const struct metrics *m, struct buf *out)
{
	static const struct {
		struct metric_info info;
		size_t offset;
	} table[] = {
#define X(member, key_, type_, help_)                                            \
	{ { .group = "follow", .key = #key_, .type = (type_), .help = (help_) }, \
	  offsetof(struct follow_stats, member) },
		FOLLOW_METRICS(X)
#undef X
	};
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(table) && m->n_observers; i++) {
		name_of(&table[i].info, name);
		write_head(out, name, &table[i].info);
		for (size_t k = 0; k < m->n_observers; k++) {
			const struct follow_stats *o = &m->observers[k];
			uint64_t v;

			memcpy(&v, (const char *)o + table[i].offset, sizeof(v));
			buf_printf(out, "%s{observer=\"%s\"} %llu\n", name, o->name,
				   (unsigned long long)v);
		}
	}
}

/* Those that have not happened stand there, too, as 0: so that a rate can be taken of the first. */
static void write_refusals(const struct metrics *m, struct buf *out)
{
	static const struct metric_info info = { .type = "counter",
						 .help = "Batches, connections, messages and "
							 "requests not taken, by reason" };

	write_head(out, "rtsec_refused_total", &info);
	for (enum refusal r = REFUSAL_NONE + 1; r < REFUSAL_MAX; r++)
		buf_printf(out, "rtsec_refused_total{what=\"%s\",reason=\"%s\"} %llu\n",
			   refusal_what(r), refusal_reason(r), (unsigned long long)m->refused[r]);
}

static void write_alarms(const struct metrics *m, struct buf *out)
{
	static const struct metric_info info = {
		.type = "gauge", .help = "Nodes of which an alarm is raised now, by reason"
	};

	write_head(out, "rtsec_node_alarms", &info);
	for (enum watch_condition c = 0; c < WATCH_CONDITIONS; c++)
		buf_printf(out, "rtsec_node_alarms{reason=\"%s\"} %llu\n", watch_name(c),
			   (unsigned long long)m->alarms[c]);
}

struct rule_lines {
	struct buf *out;
	const char *name;
	size_t offset;
};

static void write_rule(const char *id, const struct detect_rule_stats *s, void *arg)
{
	const struct rule_lines *l = arg;
	uint64_t v;

	memcpy(&v, (const char *)s + l->offset, sizeof(v));
	buf_printf(l->out, "%s{rule=\"", l->name);
	for (; *id; id++)
		buf_byte(l->out, strchr("\"\\\n", *id) ? '_' : (uint8_t)*id);
	buf_printf(l->out, "\"} %llu\n", (unsigned long long)v);
}

/* Each number of the dearest rules, the rule as a label. */
static void write_rules(const struct metrics *m, struct buf *out)
{
	static const struct {
		struct metric_info info;
		size_t offset;
	} table[] = {
#define X(member, key_, type_, help_)                                          \
	{ { .group = "rule", .key = #key_, .type = (type_), .help = (help_) }, \
	  offsetof(struct detect_rule_stats, member) },
		RULE_METRICS(X)
#undef X
	};
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(table) && m->detect; i++) {
		struct rule_lines l = { out, name, table[i].offset };

		name_of(&table[i].info, name);
		write_head(out, name, &table[i].info);
		detect_dearest(m->detect, METRICS_RULES, write_rule, &l);
	}
}

void metrics_write(const struct metrics *m, struct buf *out)
{
	buf_printf(
		out,
		"# HELP rtsec_build_info Version of the collector\n# TYPE rtsec_build_info gauge\n"
		"rtsec_build_info{version=\"%s\"} 1\n",
		RTSEC_VERSION);
	for (size_t i = 0; i < METRIC_MAX; i++) {
		char name[64];

		name_of(&infos[i], name);
		write_head(out, name, &infos[i]);
		buf_printf(out, "%s %llu\n", name, (unsigned long long)m->value[i]);
	}
	write_refusals(m, out);
	write_alarms(m, out);
	write_observers(m, out);
	write_rules(m, out);
}
