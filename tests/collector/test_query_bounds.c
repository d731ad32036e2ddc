/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile questions over a store in which nothing repeats: each is refused, or answered within the
 * bound of memory.  Each runs in a process of its own, whose peak is measured. */
#include "tests/collector/fixture.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "collector/query.h"
#include "collector/query_ranked.h"
#include "collector/query_sequence.h"
#include "collector/query_table.h"
#include "lib/limits.h"

enum { BLOCKS = 30, EVENTS = 4000, ANSWER_BYTES = 12 << 20 };
#ifdef __SANITIZE_ADDRESS__
enum { LIMIT_KB = 4 * (64 << 10) }; /* its redzones and what it has not given back count too */

/* Freed memory is kept for a while to catch its use: less of it than 256 MiB. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:thread_local_quarantine_size_kb=64";
}
#else
enum { LIMIT_KB = 64 << 10 };
#endif

struct world {
	char dir[128];
	uint64_t base_ns;
	struct buf query;
};

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void put_block(struct world *w, struct store *s, struct block *block, uint32_t number)
{
	const struct batch_origin origin = { .node_id = "n1",
					     .node_name = "n1",
					     .boot_id = { 1 },
					     .architecture = "x86_64",
					     .os_kernel = "6",
					     .agent_version = "0" };
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf frame = { 0 };
	AUTO(batch) *b = NULL;
	struct diag d = { 0 };

	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(batch_new(&b, &origin), 0);
	for (uint32_t i = 0; i < EVENTS; i++) {
		uint32_t process = batch_process_add(b, next_random() | 1, 0);
		char path[80];
		int n = snprintf(path, sizeof(path), "/var/%016llx%016llx/%u",
				 (unsigned long long)next_random(),
				 (unsigned long long)next_random(), i);

		batch_event(b, KIND_OPEN, number * EVENTS + i + 1,
			    w->base_ns + number * UINT64_C(1000000000) + i * 1000);
		batch_set_row(b, KIND_OPEN, FIELD_PROCESS, process);
		batch_set_str(b, KIND_OPEN, FIELD_FILE_PATH, path, (size_t)n);
	}
	assert_int_equal(batch_seal(b, codec, NULL, (number + 1) * EVENTS + 1, 1, &frame), 0);
	assert_int_equal(block_load(block, frame.data, frame.n, &d), 0);
	assert_int_equal(
		store_append(s, block, frame.data, frame.n, store_arrival(s, timestamp_now())), 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	AUTO(block) *block = NULL;
	AUTO(store) *s = NULL;
	struct diag d = { 0 };

	assert_non_null(w);
	fixture_folder(w->dir);
	w->base_ns = timestamp_now() - 3600 * UINT64_C(1000000000);
	assert_int_equal(store_open(&s, w->dir, &d), 0);
	assert_int_equal(block_new(&block), 0);
	for (uint32_t i = 0; i < BLOCKS; i++)
		put_block(w, s, block, i);
	assert_int_equal(store_commit(s), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	fixture_remove(w->dir);
	buf_done(&w->query);
	free(w);
	return 0;
}

/* ---- one question ---- */

struct outcome {
	uint64_t peak_kb, found;
	bool refused, failed;
};

static int answer(struct query_worker *w, const struct pipe *p, struct document *document,
		  struct outcome *ret)
{
	const struct query_page_request request = { .limit = LIMIT_SEARCH_HITS,
						    .max_bytes = ANSWER_BYTES,
						    .document = document };
	const struct pipe_run_config config = { .pipe = p, .to_ns = UINT64_MAX };
	const struct query q = { .expr = p->expr, .to_ns = UINT64_MAX };
	struct query_page page = { 0 };
	struct sequence_info info;
	AUTO(pipe_run) *run = NULL;
	int r;

	if (p->is_table) {
		struct pipe_table_info table;

		r = pipe_run_new(&run, &config);
		if (r == 0)
			r = query_table(w, &q, run);
		if (r == 0)
			pipe_run_info(run, &table);
		ret->found = r == 0 ? table.n_rows : 0;
		return r;
	}
	if (pipe_is_ranked(p))
		r = query_ranked(w, &q, p, &request, &page);
	else if (p->series)
		r = query_sequences(w, &q, p->series, &request, &page, &info);
	else
		r = query_page(w, &q, &request, &page);
	ret->found = page.n_hits;
	query_page_done(&page);
	return r;
}

static uint64_t peak_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)u.ru_maxrss;
}

/* In the child: the parent's fixture is of no use. */
static void run_child(const struct world *w, const char *text, size_t n, int to)
{
	struct outcome o = { 0 };
	AUTO(query_worker) *worker = NULL;
	AUTO(document) *document = NULL;
	AUTO(store) *s = NULL;
	struct pipe *p = NULL;
	struct diag d = { 0 };
	uint64_t before;

	o.failed = store_open(&s, w->dir, &d) < 0 || query_worker_new(&worker, s) < 0 ||
		   document_new(&document, "", 0, &d) < 0;
	before = peak_kb();
	if (!o.failed) {
		int r = pipe_parse(&p, text, n, &d);

		o.refused = r == -EINVAL && d.text[0];
		o.failed = r < 0 ? !o.refused : answer(worker, p, document, &o) < 0;
	}
	o.peak_kb = peak_kb() - before;
	_exit(write(to, &o, sizeof(o)) == sizeof(o) ? 0 : 1);
}

static struct outcome ask(const struct world *w, const char *text, size_t n)
{
	struct outcome o = { 0 };
	int fds[2], status;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		run_child(w, text, n, fds[1]);
	close(fds[1]);
	if (read(fds[0], &o, sizeof(o)) != sizeof(o))
		fail_msg("the child died of %.200s", text);
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	if (o.failed)
		fail_msg("no answer to %.200s", text);
	if (o.peak_kb > LIMIT_KB)
		fail_msg("%llu KiB for %.200s", (unsigned long long)o.peak_kb, text);
	return o;
}

static void test_query_given_hostile_questions_when_asked_then_memory_is_bounded(void **state)
{
	static const char *const questions[] = {
		"",
		"file where true | sort file.path",
		"file where true | uniq file.path | tail 10000",
		"file where true | uniq file.path | sort -file.path",
		"| stats count_distinct(file.path), values(file.path), count by process.entity_id",
		"| stats count by file.path, process.entity_id, event.sequence",
		"| stats count_distinct(file.path), count_distinct(process.entity_id)",
		"| top 10000 file.path",
		"sequence by file.path [any where true] [any where true]",
		"sequence [any where true] [any where true] with runs=100",
		"sequence by process.entity_id with maxspan=30d [any where true] ![any where "
		"false]",
		"sequence by event.sequence with maxspan=30d ![any where true] [any where true] "
		"![any where false]",
		"sample by file.path [any where true] [any where true] [any where true]",
		"descendant of [any where true] or child of [any where true] or event of "
		"[any where true]",
		"child of [child of [child of [child of [child of [true]]]]]",
		"file where file.path regex \"(([a-z0-9/]+)+)+!\"",
		"file where concat(file.path, file.path, file.path) regex \"(.*a){15}!\"",
		"length(concat(process.command_line, file.path)) > 1000000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		assert_false(ask(*state, questions[i], strlen(questions[i])).refused);
}

/* Repeats @part, in which a # is the number of the time, until the text is as long as one may be.
 */
static struct outcome ask_long(struct world *w, const char *head, const char *part, const char *end)
{
	struct buf *q = &w->query;

	buf_clear(q);
	buf_str(q, head);
	for (int i = 0; q->n + strlen(part) + strlen(end) + 8 < LIMIT_QUERY_BYTES; i++)
		for (const char *c = part; *c; c++) {
			if (*c == '#')
				buf_printf(q, "%d", i);
			else
				buf_byte(q, (uint8_t)*c);
		}
	buf_str(q, end);
	assert_true(buf_ok(q));
	return ask(w, (const char *)q->data, q->n);
}

static void test_query_given_huge_questions_when_asked_then_refused_or_bounded(void **state)
{
	struct world *w = *state;

	assert_false(ask_long(w, "file.path in (\"a\"", ",\"#\"", ")").refused);
	assert_false(ask_long(w, "file.path : (\"a\"", ",\"*#*\"", ")").refused);
	assert_true(ask_long(w, "a", " or a#", "").refused);
	assert_false(ask_long(w, "process where a", " or file.path:*#*x*", "").refused);
	assert_true(ask_long(w, "file.path regex (\"a\"", ",\"#\"", ")").refused);
	assert_true(ask_long(w, "file.path regex \"(", "(a|b#)", "){1,200}\"").refused);
	assert_true(ask_long(w, "", "(", "").refused);
	assert_true(ask_long(w, "", "not ", "true").refused);
	assert_true(ask_long(w, "process.pid == ", "1 + (", "1").refused);
	assert_true(ask_long(w, "process.pid == 1", " + #", "").refused);
	assert_true(ask_long(w, "sequence ", "[true]", "").refused);
	assert_true(ask_long(w, "", "child of [", "").refused);
}

/* As many and as large regular expressions as are taken. */
static void test_query_given_the_most_of_regexes_when_asked_then_bounded(void **state)
{
	struct world *w = *state;
	struct buf *q = &w->query;

	buf_clear(q);
	buf_str(q, "process where file.path regex (\"a\""); /* compiled; no event is asked */
	for (int i = 0; i < 490; i++)
		buf_printf(q, ",\"(a%d|[b-y]z?){1,60}!.*(x|y){1,60}\"", i);
	buf_str(q, ")");
	assert_false(ask(w, (const char *)q->data, q->n).refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_query_given_hostile_questions_when_asked_then_memory_is_bounded),
		cmocka_unit_test(
			test_query_given_huge_questions_when_asked_then_refused_or_bounded),
		cmocka_unit_test(test_query_given_the_most_of_regexes_when_asked_then_bounded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
