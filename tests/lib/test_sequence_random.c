/* SPDX-License-Identifier: Apache-2.0 */
/* Random events, statements and blocks: lib/sequence.c against a second, plain reading of the
 * rules, which looks at all events of a key at once, stage after stage. */
#include "tests/lib/sequence_fixture.h"

#include "tests/lib/expr_random.h"

enum { ROUNDS = 1500, MAX_STEPS = 5, KEYS = 3 };

struct plan {
	char letters[MAX_STEPS]; /* of each step */
	bool missing[MAX_STEPS];
	unsigned n, runs; /* of the first step that is not missing */
	unsigned maxspan; /* seconds; 0: none */
	bool until;	  /* U */
	bool keyed;
};

/* ---- the model ---- */

struct chain {
	uint32_t at[2 * MAX_STEPS], n;
};

struct model {
	const struct seq_world *w;
	const struct plan *p;
	char stages[2 * MAX_STEPS]; /* letters, runs counted out */
	unsigned n_stages;
	uint32_t mine[SEQ_MAX_EVENTS], n_mine; /* events of the key, in order */
	struct chain found[SEQ_MAX_EVENTS];
	uint32_t n_found;
};

static const struct seq_event *event(const struct model *m, uint32_t i)
{
	return &m->w->events[m->mine[i]];
}

static bool is(const struct model *m, uint32_t i, char letter)
{
	return strchr(event(m, i)->letters, letter) != NULL;
}

/* Is there an event of @letter among (from, to), exclusive, in time [low, high]? */
static bool any(const struct model *m, char letter, int64_t from, int64_t to, int64_t low,
		int64_t high)
{
	for (int64_t i = from + 1; i < to; i++)
		if (is(m, (uint32_t)i, letter) && event(m, (uint32_t)i)->second >= low &&
		    event(m, (uint32_t)i)->second <= high)
			return true;
	return false;
}

/* Nothing that is said to be missing is there. */
static bool is_whole(const struct model *m, const struct chain *c)
{
	int64_t first = event(m, c->at[0])->second, last = event(m, c->at[c->n - 1])->second;
	unsigned before = 0;
	bool runs_done = false;

	for (unsigned i = 0; i < m->p->n; i++) {
		if (!m->p->missing[i]) {
			before += runs_done ? 1 : m->p->runs;
			runs_done = true;
			continue;
		}
		if (before == 0) {
			if (any(m, m->p->letters[i], -1, c->at[0], last - m->p->maxspan, INT64_MAX))
				return false;
		} else if (before == m->n_stages) {
			if (any(m, m->p->letters[i], c->at[c->n - 1], m->n_mine, 0,
				first + m->p->maxspan))
				return false;
		} else if (any(m, m->p->letters[i], c->at[before - 1], c->at[before], 0,
			       INT64_MAX)) {
			return false;
		}
	}
	return true;
}

/* The chains of one more stage; @all is replaced by them. */
static uint32_t extend(const struct model *m, struct chain *all, uint32_t n, char letter)
{
	struct chain next[SEQ_MAX_EVENTS];
	uint32_t n_next = 0, used = 0;

	for (uint32_t i = 0; i < m->n_mine; i++) {
		struct chain c;
		uint32_t best = UINT32_MAX;

		if (!is(m, i, letter))
			continue;
		for (uint32_t k = used; k < n && all[k].at[all[k].n - 1] < i; k++)
			best = k;
		if (best == UINT32_MAX)
			continue;
		used = best + 1; /* and all before it */
		c = all[best];
		if (m->p->maxspan &&
		    event(m, i)->second - event(m, c.at[0])->second > m->p->maxspan)
			continue;
		if (m->p->until && any(m, 'U', (int64_t)c.at[c.n - 1] - 1, i, 0, INT64_MAX))
			continue;
		c.at[c.n++] = i;
		next[n_next++] = c;
	}
	memcpy(all, next, n_next * sizeof(*next));
	return n_next;
}

static void find_of_key(struct model *m, unsigned key)
{
	struct chain all[SEQ_MAX_EVENTS];
	uint32_t n = 0;

	m->n_mine = 0;
	for (uint32_t i = 0; i < m->w->n; i++)
		if (!m->p->keyed || m->w->events[i].pid == key)
			m->mine[m->n_mine++] = i;
	for (uint32_t i = 0; i < m->n_mine; i++)
		if (is(m, i, m->stages[0]))
			all[n++] = (struct chain){ .at = { i }, .n = 1 };
	for (unsigned s = 1; s < m->n_stages; s++)
		n = extend(m, all, n, m->stages[s]);
	for (uint32_t i = 0; i < n; i++) {
		if (!is_whole(m, &all[i]))
			continue;
		for (uint32_t k = 0; k < all[i].n; k++)
			m->found[m->n_found].at[k] = m->mine[all[i].at[k]];
		m->found[m->n_found++].n = all[i].n;
	}
}

static void find_all(struct model *m)
{
	bool runs_done = false;

	for (unsigned i = 0; i < m->p->n; i++) {
		for (unsigned k = 0; !m->p->missing[i] && k < (runs_done ? 1 : m->p->runs); k++)
			m->stages[m->n_stages++] = m->p->letters[i];
		runs_done |= !m->p->missing[i];
	}
	for (unsigned key = 1; key <= (m->p->keyed ? KEYS : 1); key++)
		find_of_key(m, key);
}

/* ---- making ---- */

static bool random_plan(struct plan *p)
{
	unsigned stages = 0;

	*p = (struct plan){ .n = 1 + random_below(MAX_STEPS), .keyed = random_below(4) != 0 };
	p->runs = random_below(4) ? 1 : 1 + random_below(4);
	p->maxspan = random_below(3) ? 1 + random_below(12) : 0;
	p->until = random_below(3) == 0;
	for (unsigned i = 0; i < p->n; i++) {
		p->letters[i] = (char)('A' + random_below(4));
		p->missing[i] = p->maxspan && random_below(4) == 0;
		stages += !p->missing[i];
	}
	return stages > 0 && (stages + p->runs > 2 || stages < p->n);
}

static void write_plan(const struct plan *p, struct buf *out)
{
	bool runs_done = false;

	buf_str(out, "sequence");
	if (p->keyed)
		buf_str(out, " by process.pid");
	if (p->maxspan)
		buf_printf(out, " with maxspan=%us", p->maxspan);
	for (unsigned i = 0; i < p->n; i++) {
		buf_printf(out, " %s[file where stringContains(file.name, \"%c\")]",
			   p->missing[i] ? "!" : "", p->letters[i]);
		if (!p->missing[i] && !runs_done)
			buf_printf(out, " with runs=%u", p->runs);
		runs_done |= !p->missing[i];
	}
	if (p->until)
		buf_str(out, " until [file where stringContains(file.name, \"U\")]");
	buf_byte(out, 0);
}

static void random_events(struct seq_world *w)
{
	unsigned second = 1, n = random_below(80);

	w->n = 0;
	for (unsigned i = 0; i < n; i++) {
		char letters[8] = { (char)('A' + random_below(4)) };

		if (random_below(12) == 0)
			letters[0] = 'U';
		else if (random_below(4) == 0)
			letters[1] = (char)('A' + random_below(4));
		if (random_below(30) == 0)
			letters[strlen(letters)] = 'U';
		second += random_below(4) ? random_below(3) : random_below(9);
		seq_add(w, letters, 1 + random_below(KEYS), second);
	}
}

/* ---- comparing ---- */

static struct {
	struct chain found[SEQ_MAX_EVENTS];
	uint32_t n;
} engine;

static int on_match(const struct sequence_match *m, void *arg)
{
	struct chain *c = &engine.found[engine.n++];

	(void)arg;
	c->n = 0;
	for (uint32_t i = 0; i < m->n_events; i++)
		if (!m->events[i].missing)
			c->at[c->n++] = (uint32_t)m->events[i].seq - 1;
	return 0;
}

static int by_events(const void *x, const void *y)
{
	const struct chain *a = x, *b = y;

	for (uint32_t i = 0; i < MIN(a->n, b->n); i++)
		if (a->at[i] != b->at[i])
			return a->at[i] > b->at[i] ? 1 : -1;
	return (a->n > b->n) - (a->n < b->n);
}

static uint32_t block_of[SEQ_MAX_EVENTS], block_now;

static bool take_now(uint32_t i)
{
	return block_of[i] == block_now;
}

/* Events fall into blocks at random, near ones likely into one; fed as a scan or as live. */
static void run_engine(struct seq_world *w, const struct eql_statement *st)
{
	const struct sequence_config config = { .statement = st,
						.to_ns = UINT64_MAX,
						.match = on_match };
	AUTO(sequence) *s = NULL;
	uint32_t n_blocks = 1 + random_below(6);
	uint64_t first_s[8];

	engine.n = 0;
	assert_int_equal(sequence_new(&s, &config), 0);
	memset(first_s, 0xff, sizeof(first_s));
	for (uint32_t i = 0; i < w->n; i++) {
		block_of[i] = random_below(3) ? i * n_blocks / w->n : random_below(n_blocks);
		first_s[block_of[i]] = MIN(first_s[block_of[i]], w->events[i].second);
	}
	for (uint32_t done = 0; done < n_blocks; done++) { /* by their first event */
		block_now = 0;
		for (uint32_t b = 1; b < n_blocks; b++)
			if (first_s[b] < first_s[block_now])
				block_now = b;
		if (first_s[block_now] == UINT64_MAX)
			break;
		assert_int_equal(sequence_advance(s, (SEQ_BASE_S + first_s[block_now]) * SEQ_NS),
				 0);
		seq_load(w, 0, w->n, take_now);
		assert_int_equal(sequence_block(s, w->scratch, w->block, block_now), 0);
		first_s[block_now] = UINT64_MAX;
	}
	assert_int_equal(sequence_finish(s), 0);
}

static void show(const struct seq_world *w, const char *what, const struct chain *all, uint32_t n)
{
	print_error("%s:\n", what);
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < all[i].n; k++) {
			const struct seq_event *e = &w->events[all[i].at[k]];

			print_error(" %s%u@%u", e->letters, e->pid, e->second);
		}
		print_error("\n");
	}
}

static uint32_t check(struct seq_world *w, const struct plan *p, struct model *m)
{
	AUTO_BUF struct buf text = { 0 };
	AUTO(eql_statement) *st = NULL;
	bool same;

	write_plan(p, &text);
	st = seq_parse((const char *)text.data);
	run_engine(w, st);
	*m = (struct model){ .w = w, .p = p };
	find_all(m);
	qsort(m->found, m->n_found, sizeof(m->found[0]), by_events);
	qsort(engine.found, engine.n, sizeof(engine.found[0]), by_events);
	same = engine.n == m->n_found;
	for (uint32_t i = 0; same && i < engine.n; i++)
		same = by_events(&engine.found[i], &m->found[i]) == 0;
	if (same)
		return engine.n;
	for (uint32_t i = 0; i < w->n; i++)
		print_error("%s%u@%u ", w->events[i].letters, w->events[i].pid,
			    w->events[i].second);
	show(w, "\nengine", engine.found, engine.n);
	show(w, "model", m->found, m->n_found);
	fail_msg("%s", (const char *)text.data);
	return 0;
}

static void test_sequence_given_random_events_when_taken_then_as_the_model(void **state)
{
	const char *seed = getenv("RTSEC_TEST_SEED");
	struct model *m = malloc(sizeof(*m));
	struct seq_world *w = malloc(sizeof(*w));
	uint32_t found = 0;

	(void)state;
	assert_non_null(m);
	assert_non_null(w);
	random_state = seed ? strtoull(seed, NULL, 0) : 20261128;
	print_message("RTSEC_TEST_SEED=%llu\n", (unsigned long long)random_state);
	seq_setup(w);
	for (int i = 0; i < ROUNDS; i++) {
		struct plan p;

		while (!random_plan(&p))
			;
		random_events(w);
		found += check(w, &p, m);
	}
	assert_true(found > ROUNDS); /* the rounds had something to find */
	seq_done(w);
	free(w);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence_given_random_events_when_taken_then_as_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
