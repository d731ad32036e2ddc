/* SPDX-License-Identifier: Apache-2.0 */
/* rules - what rules cost: CPU time an event of asking 0, 100, 1,000 and 5,000 rules of recorded
 * batches; then the same with all that is between a batch's bytes and an alert: it is checked,
 * stored, asked by the live engine, and alerts are written ("whole"); last what a flood that is
 * made to let the state of rules explode takes of memory ("flood").
 *
 *   rules STORE RULES_DIR [RUNS]
 *
 * The rules are those of RULES_DIR, over and over with other names and paths in their place, so
 * that each asks for texts of its own: what a rule asks is real, that it is so many is made up.
 * Asking alone: every batch is loaded first; the time is that of this thread, the least of RUNS
 * passes. Whole: the process's CPU time, the batches read before, a commit with fsync every 16
 * batches, a new store each pass.  Prints one JSON line a measurement. Thread: one.  Memory: the
 * recorded frames. */
#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "collector/detect.h"
#include "collector/store.h"
#include "lib/batch.h"
#include "lib/expr_set.h"
#include "lib/rule.h"
#include "lib/timestamp.h"

enum { MAX_RULES = 5000, MAX_TEMPLATES = 256, COMMIT = 16, FLOOD_BATCHES = 250, FLOOD_ROWS = 4000 };

static struct rule *templates[MAX_TEMPLATES];
static size_t n_templates;

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int die(const char *what)
{
	fprintf(stderr, "rules: %s\n", what);
	return EXIT_FAILURE;
}

/* ---- rules ---- */

static void load_text(const char *text, size_t n)
{
	const char *document;
	size_t at = 0, len;
	uint32_t line;

	while (n_templates < MAX_TEMPLATES &&
	       rule_next_document(text, n, &at, &document, &len, &line)) {
		struct rule *r = NULL;

		if (rule_parse(&r, document, len, NULL) == 0 && r->query && !r->statement)
			templates[n_templates++] = r;
		else
			rule_free(r);
	}
}

static int load_rules(const char *dir)
{
	static char text[1 << 20];
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[512];
		FILE *f;

		if (!strstr(e->d_name, ".yml"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		load_text(text, fread(text, 1, sizeof(text), f));
		fclose(f);
	}
	if (d)
		closedir(d);
	return n_templates ? 0 : -ENOENT;
}

/* Rule @i: a template; from the second round on every text of it that has three letters or more is
 * another one. */
static struct rule *rule_of(size_t i)
{
	const struct rule *t = templates[i % n_templates];
	AUTO_BUF struct buf text = { 0 };
	struct rule *r = NULL;
	bool quoted = false;

	if (i < n_templates)
		return rule_ref(templates[i]);
	buf_printf(&text, "id: r%zu\nname: r\nquery: |\n  ", i);
	for (const char *c = t->query; *c; c++) {
		if (*c == '\n') {
			buf_str(&text, "\n  ");
			continue;
		}
		if (*c == '"')
			quoted = !quoted;
		buf_byte(&text, (uint8_t)*c);
		/* in the middle of a text, after two letters of it */
		if (quoted && c[0] >= 'a' && c[0] <= 'z' && c[1] >= 'a' && c[1] <= 'z' &&
		    c[-1] >= 'a' && c[-1] <= 'z' && strncmp(c - 1, "exe", 3) != 0)
			buf_printf(&text, "%zu", i / n_templates);
	}
	if (rule_parse(&r, (const char *)text.data, text.n, NULL) < 0)
		return rule_ref(templates[i % n_templates]);
	return r;
}

/* ---- asking ---- */

struct pass {
	struct expr_set_runner *runner;
	uint64_t ns, events, hits, batches;
};

static int on_hits(uint32_t tree, struct block *b, uint32_t table, const uint64_t *hits, void *arg)
{
	struct pass *p = arg;

	(void)tree;
	for (uint32_t w = 0; w * 64 < block_rows(b, table); w++)
		p->hits += (uint64_t)__builtin_popcountll(hits[w]);
	return 0;
}

/* Every column is unpacked by a first asking, as search and rules after each other would have it.
 */
static int on_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct pass *p = arg;
	uint64_t before, hits = p->hits;
	int r = expr_set_run(p->runner, b, NULL, on_hits, p);

	(void)meta;
	p->hits = hits;
	before = cpu_ns();
	if (r == 0)
		r = expr_set_run(p->runner, b, NULL, on_hits, p);
	p->ns += cpu_ns() - before;
	p->events += block_info(b)->n_events;
	p->batches++;
	return r;
}

static int measure(struct store_reader *reader, uint32_t n, unsigned runs)
{
	static struct rule *rules[MAX_RULES];
	static const struct expr *exprs[MAX_RULES];
	const struct store_range all = { .to_ns = UINT64_MAX, .ascending = true };
	AUTO(expr_set) *set = NULL;
	AUTO(expr_set_runner) *runner = NULL;
	struct store_scan_stats stats = { 0 };
	struct expr_set_info info;
	struct pass best = { .ns = UINT64_MAX };
	int r;

	for (uint32_t i = 0; i < n; i++) {
		rules[i] = rule_of(i);
		exprs[i] = rules[i]->expr;
	}
	r = expr_set_new(&set, exprs, n);
	if (r == 0)
		r = expr_set_runner_new(&runner, set);
	for (unsigned i = 0; r == 0 && i < runs; i++) {
		struct pass p = { .runner = runner };

		r = store_scan(reader, &all, NULL, on_block, &p, &stats);
		if (p.ns < best.ns)
			best = p;
	}
	if (r < 0)
		return r;
	expr_set_info(set, &info);
	printf("{\"rules\":%u,\"ns_an_event\":%.1f,\"us_a_batch\":%.1f,\"events\":%" PRIu64
	       ",\"batches\":%" PRIu64 ",\"hits\":%" PRIu64 ",\"literals\":%u,\"always\":%u}\n",
	       n, (double)best.ns / (double)MAX(best.events, UINT64_C(1)),
	       (double)best.ns / 1000 / (double)MAX(best.batches, UINT64_C(1)), best.events,
	       best.batches, best.hits, info.n_literals, info.n_always);
	for (uint32_t i = 0; i < n; i++)
		rule_free(rules[i]);
	return 0;
}

/* ---- whole ---- */

struct recorded {
	struct buf *frames;
	size_t n;
};

/* The frames as they came. */
static int read_frames(struct store_reader *reader, struct recorded *ret)
{
	const struct store_range all = { .to_ns = UINT64_MAX, .ascending = true };
	struct store_scan_stats stats = { 0 };
	const struct store_block *meta;
	struct block *b;
	int r = store_walk_begin(reader, &all, NULL, NULL, &stats);

	if (r < 0)
		return r;
	while ((r = store_walk_next(reader, &meta, &b)) == STORE_E_BLOCK) {
		size_t n;
		const void *frame = store_walk_frame(reader, &n);
		struct buf *more = reallocarray(ret->frames, ret->n + 1, sizeof(*more));

		if (!more) {
			r = -ENOMEM;
			break;
		}
		ret->frames = more;
		more[ret->n] = (struct buf){ 0 };
		buf_add(&more[ret->n++], frame, n);
	}
	store_walk_end(reader);
	return r;
}

static int remove_one(const char *path, const struct stat *s, int flag, struct FTW *ftw)
{
	(void)s;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* A collector's engine on a folder of its own. */
struct engine {
	char dir[64];
	struct rulebook *rules;
	struct alertbook *alerts;
	struct store *store;
	struct detect *detect;
	struct follow_observer observer;
	struct block *block;
	uint64_t events, batches;
};

static int apply(struct engine *e, const struct rule *rule)
{
	const struct rulebook_change c = {
		.text = rule->source, .n = rule->n_source, .author = "", .note = ""
	};
	int r = rulebook_apply(e->rules, &c, NULL, NULL);

	return r == RULEBOOK_E_WRONG ? -EINVAL : r;
}

static int engine_open(struct engine *e, const char *text, uint32_t n)
{
	struct diag d = { 0 };
	int r;

	*e = (struct engine){ .dir = "/tmp/rtsec-bench-rules-XXXXXX" };
	if (!mkdtemp(e->dir))
		return -errno;
	r = rulebook_open(&e->rules, NULL, &d);
	if (r == 0)
		r = alertbook_open(&e->alerts, NULL, &d);
	if (r == 0)
		r = store_open(&e->store, e->dir, &d);
	if (r == 0)
		r = block_new(&e->block);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		struct rule *rule = rule_of(i);

		r = apply(e, rule);
		rule_free(rule);
	}
	if (r == 0 && text) {
		const struct rulebook_change c = {
			.text = text, .n = strlen(text), .author = "", .note = ""
		};

		r = rulebook_apply(e->rules, &c, NULL, NULL);
	}
	if (r == 0)
		r = detect_new(&e->detect, e->rules, e->alerts, e->store);
	if (r == 0)
		e->observer = detect_observer(e->detect);
	return r;
}

static void engine_close(struct engine *e)
{
	detect_free(e->detect);
	store_free(e->store);
	alertbook_free(e->alerts);
	rulebook_free(e->rules);
	block_free(e->block);
	nftw(e->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int engine_take(struct engine *e, const struct buf *frame, bool store)
{
	struct store_block meta = { .ingested_ns = timestamp_now() };
	struct diag d = { 0 };
	int r = block_load(e->block, frame->data, frame->n, &d);

	if (r == 0 && store) {
		meta.ingested_ns = store_arrival(e->store, meta.ingested_ns);
		r = store_append(e->store, e->block, frame->data, frame->n, meta.ingested_ns);
	}
	meta.id = ++e->batches;
	e->events += block_info(e->block)->n_events;
	if (r == 0 && store && e->batches % COMMIT == 0)
		r = store_commit(e->store);
	if (r == 0)
		r = e->observer.batch(&meta, e->block, e->observer.arg);
	if (r == 0 && e->batches % FOLLOW_GROUP_BATCHES == 0)
		r = e->observer.commit(meta.ingested_ns, e->observer.arg);
	return r;
}

static uint64_t process_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int measure_whole(const struct recorded *all, uint32_t n, unsigned runs)
{
	uint64_t best_ns = UINT64_MAX;
	struct detect_stats stats = { 0 };
	struct engine e;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < runs; i++) {
		uint64_t began_ns;

		r = engine_open(&e, NULL, n);
		if (r == 0 && all->n) /* compiles the rules */
			r = engine_take(&e, &all->frames[0], true);
		began_ns = process_ns();
		e.events = 0;
		for (size_t k = 1; r == 0 && k < all->n; k++)
			r = engine_take(&e, &all->frames[k], true);
		if (r == 0)
			r = store_commit(e.store);
		if (r == 0)
			r = e.observer.commit(timestamp_now(), e.observer.arg);
		best_ns = MIN(best_ns, process_ns() - began_ns);
		if (r == 0)
			detect_stats(e.detect, &stats);
		if (r == 0 && i + 1 == runs)
			printf("{\"whole\":%u,\"ns_an_event\":%.1f,\"events_a_second\":%.0f,"
			       "\"events\":%" PRIu64 ",\"hits\":%" PRIu64 ",\"alerts\":%" PRIu64
			       "}\n",
			       n, (double)best_ns / (double)MAX(e.events, UINT64_C(1)),
			       (double)e.events * 1e9 / (double)best_ns, e.events, stats.hits,
			       stats.alerts);
		engine_close(&e);
	}
	return r;
}

/* ---- a flood ---- */

static const char flood_rules[] =
	"id: pair\nname: p\nquery: |\n  sequence by file.path with maxspan=1h\n"
	"    [ file where event.action == \"open\" ]\n    [ file where event.action == "
	"\"deletion\" ]\n"
	"---\nid: absence\nname: a\nquery: |\n  sequence by file.path with maxspan=1h\n"
	"    [ file where event.action == \"open\" ]\n    ![ file where event.action == "
	"\"deletion\" ]\n"
	"---\nid: base\nname: b\nquery: file where event.action == \"open\"\n"
	"---\ntitle: many\nid: many\ncorrelation:\n  type: event_count\n  rules: [base]\n"
	"  group-by: [file.path]\n  timespan: 1h\n  condition: { gte: 3 }\n"
	"---\ntitle: values\nid: values\ncorrelation:\n  type: value_count\n  rules: [base]\n"
	"  group-by: [host.id]\n  timespan: 1h\n  condition: { field: file.path, gte: 100000000 "
	"}\n";

/* Opens of files of which none is the same. */
static int make_flood(struct batch *b, struct frame_codec *codec, uint64_t at, uint64_t base_ns,
		      struct buf *out)
{
	uint32_t process = batch_process_add(b, 0x1000 + at, 0);

	batch_set_str(b, KIND_NONE, FIELD_NAME, "flood", 5);
	for (uint32_t i = 0; i < FLOOD_ROWS; i++) {
		uint64_t seq = at * FLOOD_ROWS + i + 1;
		char path[64];
		int n = snprintf(path, sizeof(path), "/flood/%" PRIu64, seq);

		batch_event(b, KIND_OPEN, seq, base_ns + seq * 1000);
		batch_set_row(b, KIND_OPEN, FIELD_PROCESS, process);
		batch_set_str(b, KIND_OPEN, FIELD_FILE_PATH, path, (size_t)n);
	}
	return batch_seal(b, codec, NULL, at * FLOOD_ROWS + 1, base_ns, out);
}

static long rss_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static int flood(void)
{
	struct batch_origin origin = { .node_id = "n1",
				       .node_name = "n1",
				       .architecture = "x86_64",
				       .os_kernel = "6",
				       .agent_version = "0" };
	uint64_t base_ns = timestamp_now() - UINT64_C(3600000000000);
	AUTO(frame_codec) *codec = NULL;
	struct detect_stats stats;
	struct engine e;
	long before_kb;
	int r = engine_open(&e, flood_rules, 0);

	if (r == 0)
		r = frame_codec_new(&codec);
	before_kb = rss_kb();
	for (uint64_t i = 0; r == 0 && i < FLOOD_BATCHES; i++) {
		AUTO_BUF struct buf frame = { 0 };
		AUTO(batch) *b = NULL;

		r = batch_new(&b, &origin);
		if (r == 0)
			r = make_flood(b, codec, i, base_ns, &frame);
		if (r == 0)
			r = engine_take(&e, &frame, false);
	}
	if (r == 0) {
		detect_stats(e.detect, &stats);
		printf("{\"flood\":%" PRIu64 ",\"rss_grew_kb\":%ld,\"state_bytes\":%" PRIu64
		       ",\"evicted\":%" PRIu64 "}\n",
		       e.events, rss_kb() - before_kb, stats.state_bytes, stats.evicted);
	}
	engine_close(&e);
	return r;
}

int main(int argc, char **argv)
{
	static const uint32_t counts[] = { 0, 100, 1000, 5000 };
	AUTO(store_reader) *reader = NULL;
	AUTO(store) *store = NULL;
	struct recorded recorded = { 0 };
	struct diag d = { 0 };
	unsigned runs;
	int r = 0;

	if (argc < 3)
		return die("STORE and RULES_DIR are wanted");
	if (load_rules(argv[2]) < 0)
		return die("no rules there");
	if (store_open(&store, argv[1], &d) < 0)
		return die(d.text);
	if (store_reader_new(store, &reader) < 0)
		return die("no memory");
	runs = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 3;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(counts); i++)
		r = measure(reader, counts[i], runs);
	if (r == 0)
		r = read_frames(reader, &recorded);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(counts); i++)
		r = measure_whole(&recorded, counts[i], runs);
	if (r == 0)
		r = flood();
	for (size_t i = 0; i < recorded.n; i++)
		buf_done(&recorded.frames[i]);
	free(recorded.frames);
	for (size_t i = 0; i < n_templates; i++)
		rule_free(templates[i]);
	return r < 0 ? die(strerror(-r)) : EXIT_SUCCESS;
}
