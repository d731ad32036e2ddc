/* SPDX-License-Identifier: Apache-2.0 */
/* query DIR RUNS - CPU time and memory of questions over the store DIR, in one thread: medians of
 * RUNS after one run that warms up.  Prints one JSON line a question; its sum line is the last. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "collector/lineage.h"
#include "collector/query.h"
#include "collector/query_sequence.h"
#include "collector/query_table.h"
#include "lib/batch.h"
#include "lib/pipe.h"
#include "lib/timestamp.h"

enum { MAX_RUNS = 101 };

struct bench {
	struct query_worker *worker;
	struct document *document;
	const char *node;
	struct store_scan_stats stats;
	uint64_t found;
};

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static uint64_t rss_peak_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)u.ru_maxrss;
}

static struct query query_of(struct bench *b, const struct expr *e)
{
	memset(&b->stats, 0, sizeof(b->stats));
	return (struct query){
		.expr = e, .to_ns = UINT64_MAX, .node = b->node, .stats = &b->stats
	};
}

static int page(struct bench *b, const struct pipe *p)
{
	const struct query_page_request request = { .limit = 100,
						    .max_bytes = 32 << 20,
						    .document = b->document };
	struct query q = query_of(b, p->expr);
	struct sequence_info info;
	struct query_page page;
	int e = p->series ? query_sequences(b->worker, &q, p->series, &request, &page, &info)
			  : query_page(b->worker, &q, &request, &page);

	b->found = page.n_hits;
	query_page_done(&page);
	return e;
}

static int count(struct bench *b, const struct pipe *p)
{
	struct query q = query_of(b, p->expr);

	return query_count(b->worker, &q, &b->found);
}

static int table(struct bench *b, const struct pipe *p)
{
	const struct pipe_run_config config = { .pipe = p, .to_ns = UINT64_MAX };
	struct query q = query_of(b, p->expr);
	struct pipe_table_info info = { 0 };
	AUTO(pipe_run) *run = NULL;
	int e = pipe_run_new(&run, &config);

	if (e == 0)
		e = query_table(b->worker, &q, run);
	if (e == 0)
		pipe_run_info(run, &info);
	b->found = info.n_rows;
	return e;
}

static int tree(struct bench *b, const struct pipe *p)
{
	const struct lineage_request request = { .entity = UINT64_C(0xfeed0000),
						 .depth = 64,
						 .limit = 10000 };
	struct query q = query_of(b, NULL);
	AUTO(lineage) *l = NULL;
	uint32_t n = 0;
	int e = lineage_find(&l, b->worker, &q, &request);

	(void)p;
	if (e == 0)
		lineage_nodes(l, &n);
	b->found = n;
	return e;
}

static const struct question {
	const char *name, *query, *node;
	int (*ask)(struct bench *b, const struct pipe *p);
	double most_ms; /* that issue 4 asks for at 20 million events; 0: none */
} questions[] = {
	{ "newest_100", "", NULL, page, 20 },
	{ "newest_100_of_node", "", "node-0007", page, 20 },
	{ "newest_100_of_kind", "process where event.action == \"exec\"", NULL, page, 20 },
	{ "newest_100_of_a_rare_kind", "rtsec where true", NULL, page, 20 },
	{ "rare_value", "file.path == \"/needle/in/one/block\"", NULL, page, 100 },
	{ "absent_value", "process.name == \"no-such-program\"", NULL, page, 100 },
	{ "rare_bare_word", "/needle/in/one", NULL, page, 100 },
	{ "begin_of_a_path", "file.path like \"/needle/in/one/blo*\"", NULL, page, 100 },
	{ "process_by_id", "process.entity_id == \"00000000feed0000\"", NULL, page, 100 },
	{ "flow_by_id", "network.community_id == \"1:bWVhc3VyZWQgYnkgcnRzZWM=\"", NULL, page, 100 },
	{ "full_text_scan",
	  "any where stringContains(process.command_line, \"zq\") or "
	  "stringContains(file.path, \"zqzq\")",
	  NULL, count, 2000 },
	{ "full_regex_scan", "file.path regex \".*/z[aeiou]+q.*\"", NULL, count, 2000 },
	{ "count_by_field", "| stats count by process.name", NULL, table, 3000 },
	{ "count_by_two_fields", "| stats count by event.action, host.id", NULL, table, 3000 },
	{ "count_distinct", "| stats count_distinct(file.path)", NULL, table, 0 },
	{ "process_tree_1000", "", NULL, tree, 50 },
	{ "sequence",
	  "sequence by process.entity_id with maxspan=10s [process where event.action == "
	  "\"exec\"] [process where event.action == \"end\"]",
	  NULL, page, 0 },
};

/* ---- a first page while others write ---- */

enum { INGEST_PER_S = 50000, INGEST_BLOCK = 1000, INGEST_S = 10, PAGE_EVERY_MS = 20 };

struct writer {
	struct store *store;
	struct block *block;
	atomic_bool stop;
	uint64_t n_events;
	int result;
};

static int write_one(struct writer *w, struct batch *b, struct frame_codec *codec, uint64_t *seq)
{
	AUTO_BUF struct buf frame = { 0 };
	uint32_t process = batch_process_add(b, *seq, 0);
	uint64_t now_ns = timestamp_now();
	struct diag d;
	int e;

	batch_set_str(b, KIND_NONE, FIELD_NAME, "writer", 6);
	for (uint32_t i = 0; i < INGEST_BLOCK; i++) {
		char path[64];
		int n = snprintf(path, sizeof(path), "/srv/live/%u", (unsigned)(*seq % 5000));

		batch_event(b, KIND_OPEN, (*seq)++, now_ns + i);
		batch_set_row(b, KIND_OPEN, FIELD_PROCESS, process);
		batch_set_str(b, KIND_OPEN, FIELD_FILE_PATH, path, (size_t)n);
	}
	e = batch_seal(b, codec, NULL, *seq, now_ns, &frame);
	if (e == 0)
		e = block_load(w->block, frame.data, frame.n, &d);
	if (e == 0)
		e = store_append(w->store, w->block, frame.data, frame.n,
				 store_arrival(w->store, now_ns));
	return e == 0 ? store_commit(w->store) : e;
}

static void *write_all(void *arg)
{
	const struct batch_origin origin = { .node_id = "node-live",
					     .node_name = "node-live",
					     .boot_id = { 7 },
					     .architecture = "x86_64",
					     .os_kernel = "6.18.0",
					     .agent_version = "0.1.0" };
	struct writer *w = arg;
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;
	uint64_t seq = timestamp_now() / 1000, begin_ns = timestamp_now();

	w->result = frame_codec_new(&codec);
	if (w->result == 0)
		w->result = batch_new(&b, &origin);
	while (w->result == 0 && !atomic_load(&w->stop)) {
		uint64_t due = (timestamp_now() - begin_ns) / (1000000000 / INGEST_PER_S);

		if (w->n_events > due) {
			usleep(1000);
			continue;
		}
		w->result = write_one(w, b, codec, &seq);
		w->n_events += INGEST_BLOCK;
	}
	return NULL;
}

static int by_value(const void *a, const void *b);

static int while_ingesting(struct bench *b, struct store *s)
{
	enum { PAGES = INGEST_S * 1000 / PAGE_EVERY_MS };
	static double wall_ms[PAGES];
	struct writer w = { .store = s };
	AUTO(pipe) *p = NULL;
	uint64_t start_ns = timestamp_now(), took_ms;
	pthread_t thread;
	int e = pipe_parse(&p, "", 0, NULL);

	if (e == 0)
		e = block_new(&w.block);
	if (e < 0 || pthread_create(&thread, NULL, write_all, &w) != 0)
		return e < 0 ? e : -EAGAIN;
	b->node = NULL;
	for (int i = 0; i < PAGES && e == 0; i++) {
		uint64_t begin_ns = timestamp_now();

		e = page(b, p);
		wall_ms[i] = (double)(timestamp_now() - begin_ns) * 1e-6;
		usleep(PAGE_EVERY_MS * 1000);
	}
	took_ms = (timestamp_now() - start_ns) / 1000000;
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	block_free(w.block);
	qsort(wall_ms, PAGES, sizeof(wall_ms[0]), by_value);
	printf("{\"name\":\"first_page_while_ingesting\",\"cpu_ms\":null,\"wall_p50_ms\":%.2f,"
	       "\"wall_p99_ms\":%.2f,\"most_ms\":200,\"ingested_per_s\":%llu,\"found\":%llu,"
	       "\"blocks\":%llu,\"blocks_read\":%llu,\"rss_peak_kb\":%llu}\n",
	       wall_ms[PAGES / 2], wall_ms[PAGES * 99 / 100],
	       (unsigned long long)(w.n_events * 1000 / MAX(took_ms, (uint64_t)1)),
	       (unsigned long long)b->found, (unsigned long long)b->stats.blocks,
	       (unsigned long long)b->stats.blocks_read, (unsigned long long)rss_peak_kb());
	return e < 0 ? e : w.result;
}

/* ---- all ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int run_question(struct bench *b, const struct question *q, uint32_t runs)
{
	AUTO(pipe) *p = NULL;
	double times[MAX_RUNS];
	struct diag d = { 0 };
	int e = pipe_parse(&p, q->query, strlen(q->query), &d);

	if (e < 0) {
		fprintf(stderr, "%s: %s\n", q->name, d.text);
		return e;
	}
	b->node = q->node;
	e = q->ask(b, p);
	for (uint32_t i = 0; i < runs && e == 0; i++) {
		double begin = cpu_now();

		e = q->ask(b, p);
		times[i] = cpu_now() - begin;
	}
	qsort(times, runs, sizeof(times[0]), by_value);
	printf("{\"name\":\"%s\",\"cpu_ms\":%.2f,\"most_ms\":%.0f,\"found\":%llu,\"blocks\":%llu,"
	       "\"blocks_read\":%llu,\"events\":%llu,\"rss_peak_kb\":%llu}\n",
	       q->name, times[runs / 2], q->most_ms, (unsigned long long)b->found,
	       (unsigned long long)b->stats.blocks, (unsigned long long)b->stats.blocks_read,
	       (unsigned long long)b->stats.events, (unsigned long long)rss_peak_kb());
	fflush(stdout);
	return e;
}

int main(int argc, char **argv)
{
	uint32_t runs = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 5;
	const char *only = argc > 3 ? argv[3] : NULL;
	struct bench b = { 0 };
	AUTO(store) *s = NULL;
	struct diag d = { 0 };
	int e;

	if (argc < 2 || runs == 0 || runs > MAX_RUNS) {
		fprintf(stderr, "usage: query DIR [RUNS [QUESTION]]\n");
		return 2;
	}
	e = store_open(&s, argv[1], &d);
	if (e == 0)
		e = query_worker_new(&b.worker, s);
	if (e == 0)
		e = document_new(&b.document, "", 0, &d);
	for (size_t i = 0; i < ARRAY_SIZE(questions) && e == 0; i++)
		if (!only || strcmp(only, questions[i].name) == 0)
			e = run_question(&b, &questions[i], runs);
	if (e == 0 && (!only || strcmp(only, "first_page_while_ingesting") == 0))
		e = while_ingesting(&b, s);
	if (e < 0)
		fprintf(stderr, "query: %s %s\n", strerror(-e), d.text);
	document_free(b.document);
	query_worker_free(b.worker);
	return e < 0;
}
