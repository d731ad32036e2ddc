/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pipe - query text with pipes: what parses keeps within its tables, and runs over no block at
 * all; what does not tells where. */
#include "lib/pipe_run.h"
#include "lib/sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct pipe *p)
{
	if (!p->expr || p->n_keys > PIPE_KEYS || p->n_columns > PIPE_COLUMNS ||
	    p->n_steps > PIPE_STEPS || p->n_shown > p->n_columns || p->is_table != !!p->n_columns)
		abort();
	for (uint32_t i = 0; i < p->n_shown; i++)
		if (p->shown[i] >= p->n_columns)
			abort();
	for (uint32_t i = 0; i < p->n_steps; i++)
		for (uint32_t k = 0; k < p->steps[i].n_sort; k++)
			if (p->steps[i].sort[k].column >= p->n_columns)
				abort();
	if (p->fields && strlen(p->fields) != p->n_fields)
		abort();
}

static void run(const struct pipe *p)
{
	const struct pipe_run_config config = { .pipe = p, .to_ns = UINT64_MAX };
	struct pipe_table_info info;
	AUTO(pipe_run) *r = NULL;
	AUTO_BUF struct buf out = { 0 };
	struct json j = json_to(&out);

	if (pipe_run_new(&r, &config) < 0 || pipe_run_finish(r) < 0)
		return;
	pipe_run_info(r, &info);
	if (info.n_rows != (p->n_keys ? 0 : 1) || info.truncated)
		abort();
	pipe_write_columns(p, &j);
	for (uint32_t i = 0; i < info.n_rows; i++)
		pipe_write_row(r, i, &j);
}

static int no_match(const struct sequence_match *m, void *arg)
{
	(void)m, (void)arg;
	abort();
}

static void run_series(const struct eql_statement *st)
{
	const struct sequence_config config = { .statement = st, .match = no_match };
	AUTO(sequence) *s = NULL;

	if (st->n_stages == 0 || st->n_stages > EQL_STAGES || st->n_terms > EQL_TERMS)
		abort();
	if (sequence_new(&s, &config) == 0 && sequence_finish(s) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(pipe) *p = NULL;
	struct diag d = { 0 };

	if (pipe_parse(&p, (const char *)data, n, &d) < 0) {
		if (d.line == 0 || d.column == 0 || d.text[0] == '\0')
			abort();
		return 0;
	}
	check(p);
	if (p->is_table)
		run(p);
	if (p->series)
		run_series(p->series);
	return 0;
}
