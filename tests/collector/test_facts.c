/* SPDX-License-Identifier: Apache-2.0 */
/* What was ever seen: kept over any order of batches, bounded, asked by rarity and spread. */
#include "tests/collector/served.h"

#include "tests/collector/fleet.h"

#include "collector/facts.h"

static const uint64_t minute = 60000000000;

struct fix {
	char dir[128];
	struct facts *facts;
	struct follow_observer o;
	struct block *block;
	uint64_t base, arrived;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	f->base = timestamp_now() - 60 * minute;
	assert_int_equal(block_new(&f->block), 0);
	assert_int_equal(facts_new(&f->facts, f->dir, 20, NULL), 0);
	f->o = facts_observer(f->facts);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	facts_free(f->facts);
	block_free(f->block);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* ---- batches ---- */

static struct batch *begin(const char *node, int64_t ahead_ns, struct batch_stats *ret_stats)
{
	struct batch_origin origin = { .node_id = node,
				       .node_name = node,
				       .boot_id = { 1 },
				       .architecture = "x86_64",
				       .os_kernel = "6",
				       .agent_version = "0" };
	struct batch *b = NULL;

	*ret_stats = (struct batch_stats){ .clock_offset_ns = ahead_ns, .clock_error_ns = 1 };
	assert_int_equal(batch_new(&b, &origin), 0);
	return b;
}

static void seal(struct batch *b, const struct batch_stats *stats, struct buf *out)
{
	AUTO(frame_codec) *codec = NULL;

	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(batch_seal(b, codec, stats, 1, 1, out), 0);
	batch_free(b);
}

/* @node executes @executable, n times from @at_ns on. */
static void exec_frame(const char *node, const char *executable, uint64_t at_ns, uint32_t n,
		       struct buf *out)
{
	static uint64_t seq;
	int64_t ahead = 1000 * (int64_t)minute;
	struct batch_stats stats;
	struct batch *b = begin(node, ahead, &stats);
	uint32_t parent, row;

	parent = batch_process_add(b, 0xf00, 0);
	fleet_set(b, KIND_NONE, FIELD_EXECUTABLE, "/bin/sh");
	row = batch_process_add(b, 0xf01, 0);
	fleet_set(b, KIND_NONE, FIELD_EXECUTABLE, executable);
	fleet_set(b, KIND_NONE, FIELD_USER_NAME, "eve");
	fleet_set(b, KIND_NONE, FIELD_SHA256, strrchr(executable, '/') + 1);
	batch_set_row(b, KIND_NONE, FIELD_PARENT, parent);
	for (uint32_t i = 0; i < n; i++) {
		batch_event(b, KIND_EXEC, ++seq, at_ns + i + (uint64_t)ahead);
		batch_set_row(b, KIND_EXEC, FIELD_PROCESS, row);
	}
	seal(b, &stats, out);
}

static void take(struct fix *f, const struct buf *frame)
{
	struct store_block meta = { .ingested_ns = ++f->arrived };

	assert_int_equal(block_load(f->block, frame->data, frame->n, NULL), 0);
	assert_int_equal(f->o.batch(&meta, f->block, f->o.arg), 0);
}

static void commit(struct fix *f)
{
	assert_int_equal(f->o.commit(f->arrived, f->o.arg), 0);
}

static void execs(struct fix *f, const char *node, const char *executable, uint64_t at_ns,
		  uint32_t n)
{
	AUTO_BUF struct buf frame = { 0 };

	exec_frame(node, executable, at_ns, n, &frame);
	take(f, &frame);
	commit(f);
}

static int get(struct fix *f, enum fact_kind kind, const char *value, struct fact *ret)
{
	AUTO(facts_reader) *r = NULL;

	assert_int_equal(facts_reader_new(&r, f->facts), 0);
	return facts_get(r, kind, value, strlen(value), ret);
}

/* ---- tests ---- */

static void test_facts_given_execs_when_taken_in_any_order_then_times_counts_and_nodes(void **state)
{
	struct fix *f = *state;
	uint64_t position = 0;
	struct fact fact;

	execs(f, "b", "/bin/ls", f->base + 2 * minute, 3);
	execs(f, "a", "/bin/ls", f->base + 5 * minute, 2);
	execs(f, "a", "/bin/ls", f->base, 1); /* late */
	assert_int_equal(get(f, FACT_EXECUTABLE, "/bin/ls", &fact), 0);
	assert_int_equal(fact.first_ns, f->base); /* by the collector's clock */
	assert_int_equal(fact.last_ns, f->base + 5 * minute + 1);
	assert_int_equal(fact.n, 6);
	assert_int_equal(fact.nodes, 2);
	assert_int_equal(get(f, FACT_HASH, "ls", &fact), 0);
	assert_int_equal(get(f, FACT_PAIR, "/bin/sh > /bin/ls", &fact), 0);
	assert_int_equal(fact.n, 6);
	assert_int_equal(get(f, FACT_USER, "eve", &fact), 0);
	assert_int_equal(get(f, FACT_USER, "root", &fact), -ENOENT);
	assert_int_equal(f->o.position(&position, f->o.arg), 0);
	assert_int_equal(position, 3);
}

static void test_facts_given_connections_when_taken_then_destinations_and_domains(void **state)
{
	struct fix *f = *state;
	struct fleet_node n = { .id = "a", .boot = 1, .clock_error_ns = 1 };
	struct fleet_event e = { .kind = KIND_CONNECT,
				 .time_ns = f->base,
				 .actor = { .entity = 1, .name = "curl" },
				 .tuple = { "10.0.0.1", "192.0.2.7", 4000, 443, false } };
	struct fleet_event loop = e, in = e;
	AUTO_BUF struct buf frame = { 0 }, second = { 0 }, third = { 0 };
	struct fact fact;

	loop.tuple.dest_ip = "127.0.0.1";
	in.kind = KIND_ACCEPT;
	in.tuple.dest_ip = "10.0.0.9";
	fleet_frame(&n, &e, 1, &frame);
	fleet_frame(&n, &loop, 1, &second);
	fleet_frame(&n, &in, 1, &third);
	take(f, &frame);
	take(f, &second);
	take(f, &third);
	commit(f);
	assert_int_equal(get(f, FACT_DESTINATION, "192.0.2.7", &fact), 0);
	assert_int_equal(get(f, FACT_DESTINATION, "127.0.0.1", &fact), -ENOENT);
	assert_int_equal(get(f, FACT_DESTINATION, "10.0.0.9", &fact), -ENOENT);
}

static void test_facts_given_rollback_and_reopening_when_asked_then_only_what_was_committed(
	void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf frame = { 0 };
	struct facts_counters c;
	struct fact fact;

	execs(f, "a", "/bin/ls", f->base, 1);
	exec_frame("a", "/bin/ls", f->base, 5, &frame);
	take(f, &frame);
	f->o.rollback(f->o.arg);
	take(f, &frame);
	commit(f);
	f->facts = facts_free(f->facts);
	assert_int_equal(facts_new(&f->facts, f->dir, 20, NULL), 0);
	assert_int_equal(get(f, FACT_EXECUTABLE, "/bin/ls", &fact), 0);
	assert_int_equal(fact.n, 6);
	facts_counters(f->facts, &c);
	assert_int_equal(c.facts, 4);
}

static void test_facts_given_too_many_when_taken_then_those_not_seen_for_longest_go(void **state)
{
	struct fix *f = *state;
	struct facts_counters c;
	struct fact fact;
	char path[32];

	for (uint32_t i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), "/bin/x%u", i);
		execs(f, "a", path, f->base + i * minute, 1);
	}
	assert_int_equal(get(f, FACT_EXECUTABLE, "/bin/x29", &fact), 0);
	assert_int_equal(get(f, FACT_EXECUTABLE, "/bin/x0", &fact), -ENOENT);
	assert_int_equal(get(f, FACT_USER, "eve", &fact), 0); /* other kinds stay */
	facts_counters(f->facts, &c);
	assert_true(c.evicted >= 30);
	assert_true(c.facts <= 3 * 20 + 1);
}

struct listed {
	char values[16][64];
	uint64_t window_ns;
	size_t n;
};

static int list(const struct fact *fact, void *arg)
{
	struct listed *l = arg;

	assert_true(l->n < ARRAY_SIZE(l->values));
	snprintf(l->values[l->n++], sizeof(l->values[0]), "%s", fact->value);
	l->window_ns = fact->window_ns;
	return 0;
}

static void test_facts_given_facts_when_asked_for_rare_then_fewest_nodes_first(void **state)
{
	struct fix *f = *state;
	AUTO(facts_reader) *r = NULL;
	struct listed l = { 0 };

	execs(f, "a", "/bin/common", f->base, 9);
	execs(f, "b", "/bin/common", f->base, 9);
	execs(f, "a", "/bin/often", f->base, 9);
	execs(f, "a", "/bin/once", f->base + minute, 1);
	assert_int_equal(facts_reader_new(&r, f->facts), 0);
	assert_int_equal(facts_rare(r, FACT_EXECUTABLE, 0, 100, list, &l), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.values[0], "/bin/once");
	assert_string_equal(l.values[1], "/bin/often");
	l.n = 0;
	assert_int_equal(facts_rare(r, FACT_EXECUTABLE, f->base + minute, 1, list, &l), 0);
	assert_int_equal(l.n, 1);
}

static void test_facts_given_new_hash_on_nodes_when_asked_for_spread_then_within_the_time(
	void **state)
{
	struct fix *f = *state;
	AUTO(facts_reader) *r = NULL;
	struct facts_spread q = { FACT_HASH, f->base, 5 * minute, 3 };
	struct listed l = { 0 };

	execs(f, "a", "/bin/old", f->base - 60 * minute, 1);
	for (uint32_t i = 0; i < 3; i++) {
		const char *node = i == 0 ? "a" : i == 1 ? "b" : "c";

		execs(f, node, "/bin/old", f->base + i * minute, 1);
		execs(f, node, "/bin/fast", f->base + 10 * minute + i * minute, 1);
		execs(f, node, "/bin/slow", f->base + i * 9 * minute, 1);
	}
	assert_int_equal(facts_reader_new(&r, f->facts), 0);
	assert_int_equal(facts_spread(r, &q, list, &l), 0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.values[0], "fast");
	assert_int_equal(l.window_ns, 2 * minute);
	q.nodes = 4;
	l.n = 0;
	assert_int_equal(facts_spread(r, &q, list, &l), 0);
	assert_int_equal(l.n, 0);
}

/* ---- the API ---- */

static void test_prevalence_given_facts_when_asked_over_the_api_then_told(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf a = { 0 }, b = { 0 };
	json_t *doc;

	exec_frame("a", "/bin/new", s->base_ns, 2, &a);
	exec_frame("b", "/bin/new", s->base_ns + 1000, 1, &b);
	served_put_frame(s, &a);
	served_put_frame(s, &b);
	assert_int_equal(follow_wait(s->follow, store_arrived(s->store), 30000), 0);
	doc = served_json(s, "/api/v1/prevalence?kind=executable", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "facts")), 1);
	json_decref(doc);
	doc = served_json(s, "/api/v1/prevalence?kind=executable&value=/bin/new", 200);
	assert_int_equal(json_integer_value(json_at(
				 json_array_get(json_object_get(doc, "facts"), 0), "nodes")),
			 2);
	assert_int_equal(json_array_size(json_at(json_array_get(json_object_get(doc, "facts"), 0),
						 "seen_on")),
			 2);
	json_decref(doc);
	doc = served_json(s, "/api/v1/spread?kind=hash&nodes=2&within=1m", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "facts")), 1);
	json_decref(doc);
	doc = served_json(s, "/api/v1/spread?kind=hash&nodes=3&within=1m", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "facts")), 0);
	json_decref(doc);
	json_decref(served_json(s, "/api/v1/prevalence?kind=what", 400));
	json_decref(served_json(s, "/api/v1/spread?kind=hash&within=no", 400));
}

static void test_fields_of_facts_given_programs_when_queried_then_by_what_is_known(void **state)
{
	static const char *const queries[] = {
		"/api/v1/count?q=process+where+rtsec.prevalence.nodes+==+2",
		"/api/v1/count?q=process+where+rtsec.prevalence.nodes+%3C+2",
		"/api/v1/"
		"count?q=process+where+rtsec.first_seen+!=+null+and+process.executable+==+%22/bin/"
		"one%22",
		"/api/v1/count?q=process+where+rtsec.first_seen+%3E+%22now-1s%22",
	};
	static const json_int_t counts[] = { 3, 4, 4, 0 };
	struct served *s = *state;
	AUTO_BUF struct buf a = { 0 }, b = { 0 }, c = { 0 };
	json_t *doc;

	exec_frame("a", "/bin/two", s->base_ns, 2, &a);
	exec_frame("b", "/bin/two", s->base_ns + 1000, 1, &b);
	exec_frame("b", "/bin/one", s->base_ns + 2000, 4, &c);
	served_put_frame(s, &a);
	served_put_frame(s, &b);
	served_put_frame(s, &c);
	assert_int_equal(follow_wait(s->follow, store_arrived(s->store), 30000), 0);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s&since=0", queries[i]);
		doc = served_json(s, path, 200);
		assert_int_equal(json_integer_value(json_at(doc, "count")), counts[i]);
		json_decref(doc);
	}
	doc = served_json(
		s, "/api/v1/search?since=0&limit=1&fields=rtsec.prevalence.nodes,rtsec.first_seen",
		200);
	assert_non_null(
		json_at(json_array_get(json_object_get(doc, "hits"), 0), "rtsec.prevalence.nodes"));
	json_decref(doc);
	doc = served_json(s, "/api/v1/search?since=0&limit=1", 200);
	assert_null(json_at(json_array_get(json_object_get(doc, "hits"), 0), "rtsec"));
	json_decref(doc);
}

static void expect_count(struct served *s, const char *query, json_int_t wanted)
{
	json_t *doc = served_json(s, query, 200);

	if (json_integer_value(json_at(doc, "count")) != wanted)
		fail_msg("%s: %lld, not %lld", query, json_integer_value(json_at(doc, "count")),
			 wanted);
	json_decref(doc);
}

static void test_fields_of_facts_given_a_token_of_one_node_when_queried_then_null(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf a = { 0 }, b = { 0 };

	exec_frame("a", "/bin/two", s->base_ns, 2, &a);
	exec_frame("b", "/bin/two", s->base_ns + 1000, 1, &b);
	served_put_frame(s, &a);
	served_put_frame(s, &b);
	assert_int_equal(follow_wait(s->follow, store_arrived(s->store), 30000), 0);
	expect_count(s, "/api/v1/count?since=0&q=process+where+rtsec.prevalence.nodes+==+2", 3);
	served_use_token(s, ROLE_VIEWER, "node:a");
	expect_count(s, "/api/v1/count?since=0&q=process+where+true", 2);
	expect_count(s, "/api/v1/count?since=0&q=process+where+rtsec.prevalence.nodes+==+2", 0);
	expect_count(s, "/api/v1/count?since=0&q=process+where+not+rtsec.prevalence.nodes+==+2", 0);
	expect_count(s, "/api/v1/count?since=0&q=process+where+rtsec.prevalence.nodes+==+null", 2);
	expect_count(s, "/api/v1/count?since=0&q=process+where+rtsec.first_seen+!=+null", 0);
	json_decref(served_json(s, "/api/v1/prevalence?kind=executable", 403));
	json_decref(served_json(s, "/api/v1/spread?kind=hash", 403));
}

static void test_fields_of_facts_given_pipes_when_queried_then_as_other_fields(void **state)
{
	struct served *s = *state;
	AUTO_BUF struct buf a = { 0 }, b = { 0 }, c = { 0 };
	json_t *doc;

	exec_frame("a", "/bin/two", s->base_ns, 2, &a);
	exec_frame("b", "/bin/two", s->base_ns + 1000, 1, &b);
	exec_frame("b", "/bin/one", s->base_ns + 2000, 4, &c);
	served_put_frame(s, &a);
	served_put_frame(s, &b);
	served_put_frame(s, &c);
	assert_int_equal(follow_wait(s->follow, store_arrived(s->store), 30000), 0);
	doc = served_json(s,
			  "/api/v1/search?since=0&q=process+where+true+%7c+where+"
			  "rtsec.prevalence.nodes+%3c+2+%7c+stats+count+by+rtsec.prevalence.nodes",
			  200);
	assert_int_equal(json_array_size(json_object_get(doc, "rows")), 1);
	assert_int_equal(json_integer_value(json_array_get(
				 json_array_get(json_object_get(doc, "rows"), 0), 0)),
			 1);
	assert_int_equal(json_integer_value(json_array_get(
				 json_array_get(json_object_get(doc, "rows"), 0), 1)),
			 4);
	json_decref(doc);
	doc = served_json(s,
			  "/api/v1/search?since=0&q=process+where+true+%7c+sort+"
			  "rtsec.prevalence.nodes+desc+%7c+head+1&fields=process.executable",
			  200);
	assert_string_equal(
		text_at(json_array_get(json_object_get(doc, "hits"), 0), "process.executable"),
		"/bin/two");
	json_decref(doc);
}

#define F(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_facts_given_execs_when_taken_in_any_order_then_times_counts_and_nodes),
		F(test_facts_given_connections_when_taken_then_destinations_and_domains),
		F(test_facts_given_rollback_and_reopening_when_asked_then_only_what_was_committed),
		F(test_facts_given_too_many_when_taken_then_those_not_seen_for_longest_go),
		F(test_facts_given_facts_when_asked_for_rare_then_fewest_nodes_first),
		F(test_facts_given_new_hash_on_nodes_when_asked_for_spread_then_within_the_time),
		SERVED(test_fields_of_facts_given_programs_when_queried_then_by_what_is_known),
		SERVED(test_fields_of_facts_given_a_token_of_one_node_when_queried_then_null),
		SERVED(test_fields_of_facts_given_pipes_when_queried_then_as_other_fields),
		SERVED(test_prevalence_given_facts_when_asked_over_the_api_then_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
