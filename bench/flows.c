/* SPDX-License-Identifier: Apache-2.0 */
/* flows - how fast connections are joined, how much memory and disk they take, and how fast an edge
 * is found among many. flows CONNECTIONS EDGES CONNECTIONS are joined out of batches of 4096 events
 * (4 events each: both sides' begin and end), 64 nodes, the batches of the accepting nodes 16
 * batches later than the others'; EDGES are put into another store, by 30 days, and asked for by
 * process.  Prints one JSON line; times are CPU time of the thread. Thread: one.  Memory: what is
 * measured. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "collector/flows.h"
#include "lib/timestamp.h"
#include "tests/collector/fleet.h"

enum { NODES = 64, BATCH = 1024, LATE = 16, LOOKUPS = 2000, DAYS = 30 };

static const uint64_t day_ns = 86400000000000u;

static void die(const char *what)
{
	fprintf(stderr, "flows: %s\n", what);
	exit(1);
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double wall_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long rss_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static double file_bytes(const char *dir)
{
	char path[256];
	struct stat s;

	snprintf(path, sizeof(path), "%s/flows.db", dir);
	return stat(path, &s) == 0 ? (double)s.st_size : 0;
}

/* ---- folders ---- */

static void make_folder(char path[128])
{
	const char *base = getenv("TMPDIR");

	snprintf(path, 128, "%s/rtsec-bench-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(path))
		die("cannot make a folder");
}

static void remove_folder(const char *dir)
{
	static const char *const names[] = { "flows.db", "flows.db-wal", "flows.db-shm" };
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* ---- joining ---- */

static struct fleet_node nodes[NODES];
static char ids[NODES][16], ips[NODES][16];

static struct fleet_event event(uint64_t i, enum kind kind, bool accepting, uint64_t at_ns)
{
	uint32_t a = (uint32_t)(i % NODES), b = (uint32_t)((i / NODES + a + 1) % NODES);
	uint32_t own = accepting ? b : a;

	return (struct fleet_event){
		.kind = kind,
		.time_ns = at_ns,
		.duration_ns = kind == KIND_DISCONNECT ? 500000 : 0,
		.actor = { .entity = 1000 + own * 100 + i % 50, .name = "program", .pid = own },
		.tuple = { ips[a], ips[b], (uint16_t)(1024 + i / (NODES * NODES) % 64000), 443,
			   false },
		.ingress = accepting,
		.sent = 100,
	};
}

/* Batch @n of one side: begins and ends of BATCH / 2 connections of one node. */
static void make_batch(uint64_t n, bool accepting, uint64_t base_ns, struct buf *out)
{
	static struct fleet_event list[BATCH];
	uint32_t node = (uint32_t)(n % NODES), count = 0;
	uint64_t first = n / NODES * (BATCH / 2);

	for (uint64_t k = 0; k < BATCH / 2; k++) {
		/* connections whose client is @node; or, of the accepting side, whose server is */
		uint64_t row = first + k,
			 a = accepting ? (node + 2 * NODES - 1 - row % NODES) % NODES : node;
		uint64_t i = row * NODES + a, at = base_ns + i * 20000;

		list[count++] = event(i, accepting ? KIND_ACCEPT : KIND_CONNECT, accepting, at);
		list[count++] = event(i, KIND_DISCONNECT, accepting, at + 500000);
	}
	buf_clear(out);
	fleet_frame(&nodes[node], list, count, out);
}

struct joined {
	double cpu_s, wall_s, bytes;
	struct flows_counters counters;
	uint64_t events, n_joined;
};

static int count_joined(const struct flow *f, void *arg)
{
	*(uint64_t *)arg += f->ends.confidence > 0;
	return 0;
}

static void take(struct follow_observer *o, struct block *b, const struct buf *frame, double *cpu,
		 double *wall)
{
	static uint64_t arrived;
	struct store_block meta = { .ingested_ns = ++arrived };
	double c = cpu_s(), w = wall_s();

	if (block_load_stored(b, frame->data, frame->n, NULL) < 0 || o->batch(&meta, b, o->arg) < 0)
		die("a batch was refused");
	if (arrived % FOLLOW_GROUP_BATCHES == 0 && o->commit(arrived, o->arg) < 0)
		die("a commit failed");
	*cpu += cpu_s() - c;
	*wall += wall_s() - w;
}

static void join(const char *dir, uint64_t connections, struct joined *ret)
{
	uint64_t base_ns = timestamp_now() - day_ns,
		 batches = connections / (BATCH / 2) / NODES * NODES;
	struct follow_observer o;
	struct block *b = NULL;
	struct flows *f = NULL;
	struct flowdb *db = NULL;
	AUTO_BUF struct buf frame = { 0 };

	if (flows_new(&f, dir, NULL, 0, NULL) < 0 || block_new(&b) < 0)
		die("cannot open flows.db");
	o = flows_observer(f);
	for (uint64_t n = 0; n < batches + LATE; n++) {
		if (n < batches) {
			make_batch(n, false, base_ns, &frame);
			take(&o, b, &frame, &ret->cpu_s, &ret->wall_s);
		}
		if (n >= LATE) {
			make_batch(n - LATE, true, base_ns, &frame);
			take(&o, b, &frame, &ret->cpu_s, &ret->wall_s);
		}
	}
	if (o.commit(UINT64_MAX / 4, o.arg) < 0)
		die("a commit failed");
	flows_counters(f, &ret->counters);
	ret->events = ret->counters.events;
	if (flows_reader(f, &db) < 0 ||
	    flowdb_ask(db, &(struct flow_question){ .to_ns = UINT64_MAX }, count_joined,
		       &ret->n_joined) < 0)
		die("cannot read flows.db");
	flowdb_free(db);
	flows_free(f);
	block_free(b);
	ret->bytes = file_bytes(dir);
}

/* ---- looking up ---- */

static void fill(const char *dir, uint64_t edges, uint64_t base_ns)
{
	struct flowdb *db = NULL;
	uint32_t source, node;
	struct flow f = { .transport = "tcp",
			  .tuple = { .source_ip = "10.0.0.1",
				     .dest_ip = "10.0.0.2",
				     .dest_port = 443,
				     .community_id = "1:wCb3OG7yAFWelaUydu0D+125CLM=" } };

	if (flowdb_open(&db, dir, NULL) < 0 ||
	    flowdb_source(db, "n1", "n1", "boot", &source, &node) < 0)
		die("cannot open flows.db");
	f.ends.confidence = 100;
	for (uint64_t i = 0; i < edges; i++) {
		uint64_t at = base_ns + i * (DAYS * day_ns / edges);

		f.id = 0;
		f.tuple.key = i * UINT64_C(0x9e3779b97f4a7c15);
		f.at_ns = at;
		for (int s = 0; s < FLOW_SIDES; s++)
			f.ends.end[s] = (struct flow_end){
				.source = source,
				.node = node,
				.side = (enum flow_side)s,
				.entity = (i / 4 + (uint64_t)s) * UINT64_C(0xd6e8feb86659fd93) | 1,
				.open_ns = at,
				.open_seq = i,
				.established_ns = at,
				.clock_error_ns = 1,
				.process = "program",
			};
		if (flowdb_put(db, &f) < 0 || (i % 20000 == 0 && flowdb_commit(db, i + 1) < 0))
			die("cannot write flows.db");
	}
	if (flowdb_commit(db, edges + 1) < 0)
		die("cannot write flows.db");
	flowdb_free(db);
}

static int by_value(const void *x, const void *y)
{
	const double *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

static int count(const struct flow *f, void *arg)
{
	(void)f;
	++*(uint64_t *)arg;
	return 0;
}

struct looked_up {
	double p50_ms, p99_ms, max_ms, cpu_ms;
	uint64_t found;
};

/* Of random processes over all days, each in a connection as it is opened for a request. */
static void look_up(const char *dir, uint64_t edges, struct looked_up *ret)
{
	static double ms[LOOKUPS];
	uint64_t random = 1;

	for (size_t i = 0; i < LOOKUPS; i++) {
		struct flow_question q = { .to_ns = UINT64_MAX };
		struct flowdb *db = NULL;
		double begin = wall_s(), cpu = cpu_s();

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		q.entity = (random >> 20) % edges / 4 * UINT64_C(0xd6e8feb86659fd93) | 1;
		if (flowdb_open_reader(&db, dir, NULL) < 0 ||
		    flowdb_ask(db, &q, count, &ret->found) < 0)
			die("cannot read flows.db");
		flowdb_free(db);
		ms[i] = (wall_s() - begin) * 1e3;
		ret->cpu_ms += (cpu_s() - cpu) * 1e3 / LOOKUPS;
	}
	qsort(ms, LOOKUPS, sizeof(ms[0]), by_value);
	ret->p50_ms = ms[LOOKUPS / 2];
	ret->p99_ms = ms[LOOKUPS * 99 / 100];
	ret->max_ms = ms[LOOKUPS - 1];
}

int main(int argc, char **argv)
{
	uint64_t connections = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
	uint64_t edges = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	struct joined j = { 0 };
	struct looked_up l = { 0 };
	char dir[128], second[128];

	for (uint32_t i = 0; i < NODES; i++) {
		snprintf(ids[i], sizeof(ids[i]), "node-%u", i);
		snprintf(ips[i], sizeof(ips[i]), "10.0.0.%u", i + 1);
		nodes[i] = (struct fleet_node){ .id = ids[i],
						.boot = (uint8_t)i,
						.clock_error_ns = 1 };
	}
	make_folder(dir);
	make_folder(second);
	join(dir, connections, &j);
	fill(second, edges, timestamp_now() - DAYS * day_ns);
	look_up(second, edges, &l);
	printf("{\"bench\":\"flows\",\"connections\":%llu,\"events\":%llu,\"joined\":%llu,"
	       "\"events_per_cpu_s\":%.0f,\"events_per_wall_s\":%.0f,\"bytes_per_connection\":%.0f,"
	       "\"edges\":%llu,\"lookup_p50_ms\":%.3f,\"lookup_p99_ms\":%.3f,\"lookup_max_ms\":%."
	       "3f,"
	       "\"lookup_cpu_ms\":%.3f,"
	       "\"looked_up\":%llu,\"store_bytes\":%.0f,\"max_rss_kib\":%ld}\n",
	       (unsigned long long)j.counters.flows, (unsigned long long)j.events,
	       (unsigned long long)j.n_joined, (double)j.events / j.cpu_s,
	       (double)j.events / j.wall_s, j.bytes / (double)MAX(j.counters.flows, UINT64_C(1)),
	       (unsigned long long)edges, l.p50_ms, l.p99_ms, l.max_ms, l.cpu_ms,
	       (unsigned long long)l.found, file_bytes(second), rss_kib());
	remove_folder(dir);
	remove_folder(second);
	return 0;
}
