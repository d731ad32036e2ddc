/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of flows: asked, bounded, and gone with its day. */
#include "tests/collector/flows_seen.h"

/* ---- halves ---- */

static void test_flows_given_halves_when_asked_why_then_the_reason(void **state)
{
	static const struct fleet_tuple away = { "10.0.0.1", "192.0.2.1", 40001, 443, false };
	struct fix *f = *state;
	struct fleet_event start = { .kind = KIND_SENSOR,
				     .time_ns = f->base + 40000 * ms,
				     .message = "start: version 0.1" };
	struct fleet_event gap = { .kind = KIND_GAP,
				   .time_ns = f->base + 60000 * ms,
				   .gap_from_ns = f->base + 50000 * ms,
				   .gap_to_ns = f->base + 60000 * ms };
	struct fleet_tuple t = plain;
	struct flow_why w;

	tell(f, &f->a, connects(f, 0, away));
	tell(f, &f->a, connects(f, 1000, plain));
	tell(f, &f->b, accepts(f, 1001, plain));	      /* now b's address is known */
	for (uint64_t at = 10000; at <= 70000; at += 15000) { /* 10 25 40 55 70 s */
		t.source_port++;
		tell(f, &f->a, connects(f, at, t));
	}
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX, .state = FLOW_HALVES });
	assert_int_equal(f->n, 6);
	assert_int_equal(why(f, 0, &w), FLOW_NO_SENSOR);
	assert_int_equal(why(f, 1, &w), FLOW_EVIDENCE_LATE); /* b tells nothing after 1 s */
	assert_string_equal(flowdb_node(f->reader, w.node).id, "b");
	assert_int_equal(w.from_ns, f->base + 1001 * ms);
	tell(f, &f->b, start);
	tell(f, &f->b, gap);
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX, .state = FLOW_HALVES });
	assert_int_equal(why(f, 1, &w), FLOW_EVIDENCE_LOST); /* 10 s: before the sensor's start */
	assert_string_equal(w.cause, "stopped");
	assert_int_equal(w.to_ns, f->base + 40000 * ms);
	assert_int_equal(why(f, 4, &w), FLOW_EVIDENCE_LOST); /* 55 s */
	assert_string_equal(w.cause, "ring_full");
	assert_int_equal(why(f, 5, &w), FLOW_EVIDENCE_LATE); /* 70 s */
	t.source_port = 1;
	tell(f, &f->b, accepts(f, 80000, t));
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX, .state = FLOW_HALVES });
	assert_int_equal(why(f, 5, &w), FLOW_NOT_SEEN);
}

/* ---- questions ---- */

static void test_flowdb_given_flows_when_asked_then_those_that_fit(void **state)
{
	struct fix *f = *state;
	struct fleet_tuple t = plain;

	for (uint64_t i = 0; i < 10; i++) { /* over two days */
		t.source_port = (uint16_t)(1000 + i);
		tell(f, &f->a, connects(f, i * 7200000, t));
		if (i % 2)
			tell(f, &f->b, accepts(f, i * 7200000 + 1, t));
	}
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX, .entity = 0xc1 });
	assert_int_equal(f->n, 10);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(f->got[i].tuple.source_port, 1000 + i);
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX, .entity = 0x5e, .only_side = true });
	assert_int_equal(f->n, 0);
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX,
					.entity = 0x5e,
					.only_side = true,
					.side = FLOW_ACCEPTED });
	assert_int_equal(f->n, 5);
	ask(f, &(struct flow_question){
		       .to_ns = UINT64_MAX, .state = FLOW_JOINED, .descending = true });
	assert_int_equal(f->n, 5);
	assert_int_equal(f->got[0].tuple.source_port, 1009);
	ask(f, &(struct flow_question){ .from_ns = f->base + 7200000 * ms,
					.to_ns = f->base + 3 * 7200000 * ms });
	assert_int_equal(f->n, 2);
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX,
					.node = flowdb_find_node(f->reader, "b") });
	assert_int_equal(f->n, 5);
	ask(f, &(struct flow_question){
		       .from_ns = f->got[1].at_ns, .after_id = f->got[1].id, .to_ns = UINT64_MAX });
	assert_int_equal(f->got[0].tuple.source_port, 1004);
	ask(f, &(struct flow_question){ .to_ns = f->got[0].at_ns + 1,
					.after_id = f->got[0].id,
					.descending = true });
	assert_int_equal(f->got[0].tuple.source_port, 1003);
}

static void test_flows_given_too_many_when_committed_then_oldest_evicted_and_counted(void **state)
{
	struct fix *f = *state;
	struct fleet_tuple t = plain;
	struct flows_counters c;

	flows_free(TAKE(f->flows));
	assert_int_equal(flows_new(&f->flows, f->dir, NULL, 5, NULL), 0);
	f->o = flows_observer(f->flows);
	for (uint64_t i = 0; i < 8; i++) {
		t.source_port = (uint16_t)(1000 + i);
		tell(f, &f->a, connects(f, 1000 * i, t));
	}
	ask_all(f);
	assert_int_equal(f->n, 5);
	assert_int_equal(f->got[0].tuple.source_port, 1003);
	flows_counters(f->flows, &c);
	assert_int_equal(c.flows, 5);
	assert_int_equal(c.evicted, 3);
}

static void test_flows_given_one_tuple_without_end_when_taken_then_bounded_and_counted(void **state)
{
	struct fix *f = *state;
	struct flows_counters c;

	for (uint64_t i = 0; i < FLOWDB_KEY_ROWS + 20; i++)
		tell(f, &f->a, connects(f, i, plain));
	flows_counters(f->flows, &c);
	assert_true(c.flows <= FLOWDB_KEY_ROWS + 1);
	assert_int_equal(c.flows + c.crowded, FLOWDB_KEY_ROWS + 20);
}

static void test_flows_given_removed_day_when_committed_then_its_flows_go(void **state)
{
	struct fix *f = *state;
	struct store *s = NULL;
	struct fleet_event old = connects(f, 0, plain);
	struct flows_counters c;

	old.time_ns -= 5 * fixture_day_ns;
	flows_free(TAKE(f->flows));
	assert_int_equal(store_open(&s, f->dir, NULL), 0);
	assert_int_equal(flows_new(&f->flows, f->dir, s, 0, NULL), 0);
	f->o = flows_observer(f->flows);
	tell(f, &f->a, old); /* the store has nothing of that day */
	flows_counters(f->flows, &c);
	assert_int_equal(c.flows, 0);
	assert_int_equal(c.evicted, 0);
	flows_free(TAKE(f->flows));
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_flows_given_halves_when_asked_why_then_the_reason),
		F(test_flowdb_given_flows_when_asked_then_those_that_fit),
		F(test_flows_given_too_many_when_committed_then_oldest_evicted_and_counted),
		F(test_flows_given_one_tuple_without_end_when_taken_then_bounded_and_counted),
		F(test_flows_given_removed_day_when_committed_then_its_flows_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
