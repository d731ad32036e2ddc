/* SPDX-License-Identifier: Apache-2.0 */
/* Random tables over random blocks: the columnar engine against the plain meaning of pipe_model.h.
 */
#include "tests/lib/pipe_model.h"

#include "lib/pipe_run.h"

enum { ROUNDS = 700, NAMES_MAX = 400 };

static char names[NAMES_MAX][64];
static bool is_list[NAMES_MAX], is_number[NAMES_MAX], is_date[NAMES_MAX];
static uint32_t n_names;

static int collect(struct field_ref ref, void *arg)
{
	(void)arg;
	assert_true(n_names < NAMES_MAX);
	field_name(ref, names[n_names], sizeof(names[0]));
	is_list[n_names] = ref.info->type == TYPE_KEYWORDS;
	is_number[n_names] = ref.info->type == TYPE_LONG;
	is_date[n_names] = ref.info->type == TYPE_DATE;
	n_names++;
	return 0;
}

/* ---- random text ---- */

static uint32_t pick(const bool *which, bool value)
{
	uint32_t i;

	do
		i = random_below(n_names);
	while (which && which[i] != value);
	return i;
}

static uint32_t add_keys(struct buf *q, uint32_t at_most)
{
	static const char *const widths[] = { "1s", "2s", "3s", "1500ms", "7d" };
	uint32_t n = 1 + random_below(at_most);
	bool had_list = false;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t f = pick(had_list ? is_list : NULL, false);

		buf_printf(q, "%s k%u = ", i ? "," : "", i);
		had_list |= is_list[f];
		if (is_date[f] && random_below(2))
			buf_printf(q, "bucket(%s, %s)", names[f], widths[random_below(5)]);
		else
			buf_str(q, names[f]);
	}
	return n;
}

static bool is_values[PIPE_AGGREGATES]; /* of the query at hand: not to be sorted by */

/* A field for @func; one of few values for values(). */
static const char *argument(const char *func)
{
	bool number = strcmp(func, "sum") == 0 || strcmp(func, "avg") == 0;
	const char *name;

	do
		name = names[pick(number ? is_number : NULL, true)];
	while (strcmp(func, "values") == 0 &&
	       (strstr(name, "command_line") || strstr(name, "sequence")));
	return name;
}

static void add_aggregates(struct buf *q, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const char *func = pipe_functions()[random_below(7)];

		is_values[i] = strcmp(func, "values") == 0;
		buf_printf(q, "%s a%u = %s", i ? "," : "", i, func);
		if (strcmp(func, "count") == 0 && random_below(2))
			continue;
		buf_printf(q, "(%s)", argument(func));
	}
}

/* A column to sort by; false: that one is a list. */
static bool add_column(struct buf *q, uint32_t n_keys, uint32_t n_aggregates)
{
	uint32_t i = random_below(n_keys + n_aggregates);

	if (i >= n_keys && is_values[i - n_keys])
		return false;
	if (i < n_keys)
		buf_printf(q, "k%u", i);
	else
		buf_printf(q, "a%u", i - n_keys);
	return true;
}

static void add_steps(struct buf *q, uint32_t n_keys, uint32_t n_aggregates)
{
	for (uint32_t n = random_below(3); n; n--) {
		uint32_t dice = random_below(4);
		size_t before;

		if (dice == 2)
			buf_printf(q, " | head %u", 1 + random_below(30));
		if (dice == 3)
			buf_printf(q, " | tail %u", 1 + random_below(30));
		if (dice >= 2)
			continue;
		before = q->n;
		buf_str(q, random_below(2) ? " | sort " : " | sort -");
		if (!add_column(q, n_keys, n_aggregates)) {
			q->n = before;
			continue;
		}
		before = q->n;
		buf_str(q, random_below(2) ? ", " : ", -");
		if (!add_column(q, n_keys, n_aggregates))
			q->n = before;
	}
}

static void random_query(struct buf *q)
{
	static const char *const first[] = { "",
					     "",
					     "process where true",
					     "process.pid != null",
					     "file where file.path : \"*s*\"",
					     "true | where event.action != \"exec\"",
					     "network where false" };
	uint32_t n_keys = 0, n_aggregates = random_below(5);

	buf_clear(q);
	buf_printf(q, "%s | stats", first[random_below(ARRAY_SIZE(first))]);
	add_aggregates(q, n_aggregates);
	if (n_aggregates == 0 || random_below(5)) {
		buf_str(q, " by");
		n_keys = add_keys(q, 3);
	}
	add_steps(q, n_keys, n_aggregates);
	buf_byte(q, 0);
}

/* ---- both ways ---- */

static void model_block(struct model_table *m, struct expr_scratch *s, struct block *b,
			const struct pipe_run_config *config)
{
	assert_int_equal(expr_begin(s, m->pipe->expr, b), 0);
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		const struct field_ref time = { field_info(FIELD_TIMESTAMP), VIA_ACTOR };
		const uint64_t *hits;

		assert_int_equal(expr_eval(s, t, &hits), 0);
		for (uint32_t row = 0; row < block_rows(b, t); row++) {
			uint64_t at = block_value(b, t, row, time).number;
			struct model_value keys[PIPE_KEYS];

			if ((hits[row / 64] >> (row % 64) & 1) && at >= config->from_ns &&
			    at < config->to_ns)
				table_event(m, b, t, row, keys, 0);
		}
	}
}

static void write_rows(const struct model_table *m, struct buf *out)
{
	for (size_t i = 0; i < m->n; i++) {
		struct json j = json_to(out);

		json_begin_array(&j);
		for (uint32_t c = 0; c < m->pipe->n_shown; c++) {
			const struct pipe_column *column = &m->pipe->columns[m->pipe->shown[c]];
			bool is_value = m->pipe->shown[c] < m->pipe->n_keys ||
					column->func == PIPE_MIN || column->func == PIPE_MAX ||
					column->func == PIPE_VALUES;

			table_write(column, is_value, &m->groups[i]->cells[m->pipe->shown[c]], &j);
		}
		json_end_array(&j);
		buf_byte(out, '\n');
	}
	buf_byte(out, 0);
}

/* Groups that are cut off are kept behind the table's end, to be freed. */
static void run_steps(struct model_table *m)
{
	for (uint32_t i = 0; i < m->pipe->n_steps; i++) {
		const struct pipe_step *s = &m->pipe->steps[i];
		size_t gone = m->n - MIN(s->n, m->n);

		if (s->type == PIPE_STEP_SORT) {
			table_sort(m, s);
			continue;
		}
		for (size_t k = 0; s->type == PIPE_STEP_TAIL && gone && k < m->n - gone; k++) {
			struct model_group *g = m->groups[k];

			m->groups[k] = m->groups[k + gone];
			m->groups[k + gone] = g;
		}
		m->n -= gone;
	}
}

static void expect_same(struct pipe_run *run, const struct model_table *m, const char *query)
{
	AUTO_BUF struct buf got = { 0 }, want = { 0 };
	struct pipe_table_info info;

	pipe_run_info(run, &info);
	assert_int_equal(info.n_left_out, 0);
	for (uint32_t i = 0; i < info.n_rows; i++) {
		struct json j = json_to(&got);

		pipe_write_row(run, i, &j);
		buf_byte(&got, '\n');
	}
	buf_byte(&got, 0);
	write_rows(m, &want);
	for (size_t i = 0; i < want.n; i++)
		if (i >= got.n || got.data[i] != want.data[i])
			fail_msg("%s\nfrom byte %zu on got\n%.600s\nnot\n%.600s", query, i,
				 (char *)got.data + (i > 100 ? i - 100 : 0),
				 (char *)want.data + (i > 100 ? i - 100 : 0));
	assert_int_equal(got.n, want.n);
}

static uint64_t round_rows;

static void one_round(struct frame_codec *codec, struct block *b, struct expr_scratch *s)
{
	struct pipe_run_config config = { .to_ns = UINT64_MAX };
	AUTO_MEM struct model_table *m = calloc(1, sizeof(*m));
	AUTO_BUF struct buf query = { 0 };
	AUTO(pipe_run) *run = NULL;
	AUTO(pipe) *pipe = NULL;
	struct diag d = { 0 };

	random_query(&query);
	if (pipe_parse(&pipe, (char *)query.data, query.n - 1, &d) < 0)
		fail_msg("%s: %u:%u %s", query.data, d.line, d.column, d.text);
	if (random_below(3) == 0)
		config.from_ns = random_time();
	if (random_below(3) == 0)
		config.to_ns = random_time() + 1;
	config.pipe = m->pipe = pipe;
	assert_int_equal(pipe_run_new(&run, &config), 0);
	for (uint32_t n = random_below(3); n < 3; n++) {
		random_block(b, codec);
		assert_int_equal(pipe_run_block(run, s, b), 0);
		model_block(m, s, b, &config);
	}
	assert_int_equal(pipe_run_finish(run), 0);
	table_finish(m);
	run_steps(m);
	round_rows += m->n;
	expect_same(run, m, (char *)query.data);
	table_done(m);
}

static void test_pipe_given_random_blocks_when_run_then_as_the_plain_meaning(void **state)
{
	const char *seed = getenv("RTSEC_TEST_SEED");
	AUTO(frame_codec) *codec = NULL;
	AUTO(expr_scratch) *s = NULL;
	AUTO(block) *b = NULL;

	(void)state;
	random_state = seed ? strtoull(seed, NULL, 0) : 20261122;
	field_each(collect, NULL);
	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(block_new(&b), 0);
	assert_int_equal(expr_scratch_new(&s), 0);
	for (int i = 0; i < ROUNDS; i++)
		one_round(codec, b, s);
	assert_true(round_rows > ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe_given_random_blocks_when_run_then_as_the_plain_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
