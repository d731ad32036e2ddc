/* SPDX-License-Identifier: Apache-2.0 */
/* rules - what rules cost: CPU time an event of asking 0, 100, 1,000 and 5,000 rules of recorded
 * batches.
 *
 *   rules STORE RULES_DIR [RUNS]
 *
 * The rules are those of RULES_DIR, over and over with other names and paths in their place, so
 * that each asks for texts of its own: what a rule asks is real, that it is so many is made up.
 * Every batch is loaded first; the time is that of asking alone, of this thread, the least of RUNS
 * passes. Prints one JSON line a number of rules. Thread: one.  Memory: one block. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "collector/store.h"
#include "lib/expr_set.h"
#include "lib/rule.h"

enum { MAX_RULES = 5000, MAX_TEMPLATES = 256 };

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

int main(int argc, char **argv)
{
	static const uint32_t counts[] = { 0, 100, 1000, 5000 };
	AUTO(store_reader) *reader = NULL;
	AUTO(store) *store = NULL;
	struct diag d = { 0 };
	int r = 0;

	if (argc < 3)
		return die("STORE and RULES_DIR are wanted");
	if (load_rules(argv[2]) < 0)
		return die("no rules there");
	if (store_open(&store, argv[1], &d) < 0)
		return die(d.text);
	if (store_reader_new(store, &reader) < 0)
		return die("no memory");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(counts); i++)
		r = measure(reader, counts[i], argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 3);
	for (size_t i = 0; i < n_templates; i++)
		rule_free(templates[i]);
	return r < 0 ? die(strerror(-r)) : EXIT_SUCCESS;
}
