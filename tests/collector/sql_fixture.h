/* SPDX-License-Identifier: Apache-2.0 */
/* sql_fixture - a store of random batches, and a database that asks it.
 * Thread: the test's own.  Memory: freed with the fixture. */
#pragma once
#include "tests/collector/served.h"

#include <sqlite3.h>

#include "collector/sql_columns.h"
#include "collector/sql_query.h"

enum { EVENTS = 400, STATEMENTS = 1500 };

struct sql_case {
	struct sql_answer answer;
	struct diag d;
	json_t *rows;
};

static inline UNUSED int run_within(struct served *s, const char *text, uint64_t within_ms,
				    struct sql_case *c)
{
	struct sql_query q = { .text = text,
			       .n = strlen(text),
			       .store = s->store,
			       .maindb = s->maindb,
			       .limit = 100000,
			       .within_ms = within_ms };
	int r;

	memset(c, 0, sizeof(*c));
	r = sql_query_run(&q, &c->answer, &c->d);
	if (r == 0)
		c->rows = json_loadb((const char *)c->answer.rows.data, c->answer.rows.n, 0, NULL);
	return r;
}

/* A statement that has to be answered. */
static inline UNUSED void run(struct served *s, const char *text, struct sql_case *c)
{
	int r = run_within(s, text, 600000, c);

	if (r < 0)
		fail_msg("%s: %d %s", text, r, c->d.text);
	assert_non_null(c->rows);
}

static inline UNUSED void done(struct sql_case *c)
{
	json_decref(c->rows);
	sql_answer_done(&c->answer);
}

static inline UNUSED const json_t *cell(const struct sql_case *c, size_t row, size_t column)
{
	return json_array_get(json_array_get(c->rows, row), column);
}

static inline UNUSED json_int_t number(struct served *s, const char *text)
{
	struct sql_case c;
	json_int_t v;

	run(s, text, &c);
	v = json_integer_value(cell(&c, 0, 0));
	done(&c);
	return v;
}

static UNUSED const char *const words[] = { "alpha", "Alpha",	  "beta",	 "be_ta",
					    "b%ta",  "gamma ray", "\xc3\xa4gypt" };

static inline UNUSED void put_words(struct served *s)
{
	for (uint32_t i = 0; i < EVENTS / 10; i++)
		served_put(s, &(struct fixture_batch){ .node = i % 3 ? "n1" : "n2",
						       .name = i % 3 ? "web-1" : "db-1",
						       .boot = 1,
						       .first_seq = 1 + i * 10,
						       .n = 10,
						       .time_ns = s->base_ns + i * 1000000,
						       .step_ns = 1000,
						       .word = words[i % ARRAY_SIZE(words)],
						       .kind = i % 5 ? KIND_OPEN : KIND_DELETION });
}
