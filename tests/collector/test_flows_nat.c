/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that were translated between the two ends of a connection. */
#include "tests/collector/flows_seen.h"

/* ---- translated addresses ---- */

/* What a connects to, what b accepts: a service's address, led to b; the source is one of a
 * gateway's. */
static const struct fleet_tuple service = { "10.0.0.1", "10.96.0.1", 40000, 80, false };

static const struct fleet_tuple inside = { "10.0.0.1", "10.0.0.2", 40000, 8080, false };

static const struct fleet_tuple masked = { "10.0.0.9", "10.0.0.2", 50123, 8080, false };

static struct fleet_event translates(struct fix *f, uint64_t at_ms, struct fleet_tuple from,
				     const struct fleet_tuple *to)
{
	return (struct fleet_event){
		.kind = KIND_NAT, .time_ns = f->base + at_ms * ms, .tuple = from, .nat = to
	};
}

static void assert_translated(struct fix *f)
{
	ask_all(f);
	assert_int_equal(f->n, 1);
	assert_joined(f->got, 0xc1, 0x5e, 100);
	assert_string_equal(f->got[0].tuple.dest_ip, "10.96.0.1");
	assert_int_equal(f->got[0].tuple.dest_port, 80);
	assert_string_equal(f->got[0].nat.dest_ip, "10.0.0.2");
	assert_int_equal(f->got[0].nat.dest_port, 8080);
}

static void test_flows_given_a_translation_when_told_in_any_order_then_both_tuples_join(
	void **state)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	(void)state;
	for (size_t o = 0; o < ARRAY_SIZE(orders); o++) {
		void *inner = NULL;
		struct fix *f;
		struct fleet_event e[3];
		struct flow_why w;

		setup(&inner);
		f = inner;
		e[0] = connects(f, 0, service);
		e[1] = translates(f, 1, service, &inside);
		e[2] = accepts(f, 2, inside);
		for (size_t i = 0; i < 3; i++)
			tell(f, orders[o][i] == 0 ? &f->a : &f->b, e[orders[o][i]]);
		assert_translated(f);
		assert_int_equal(flowdb_why(f->reader, &f->got[0], &w), 0);
		assert_int_equal(w.absence, FLOW_NOT_ABSENT);
		teardown(&inner);
	}
}

static void test_flows_given_two_translations_in_a_row_when_taken_then_joined(void **state)
{
	struct fix *f = *state;
	struct fleet_node gateway = { .id = "g", .boot = 3, .clock_error_ns = 1 };
	struct fleet_event end = closes(f, 2, 500, true);

	tell(f, &f->b, accepts(f, 2, masked));
	tell(f, &gateway, translates(f, 1, inside, &masked));
	ask_all(f);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->got[0].ends.confidence, 0);
	tell(f, &f->a, connects(f, 0, service));
	tell(f, &f->a, translates(f, 0, service, &inside));
	assert_translated(f);
	assert_int_equal(f->got[0].nat.source_port, 50123);
	end.tuple = masked;
	tell(f, &f->b, end); /* what comes later under the other tuple finds it */
	assert_translated(f);
	assert_int_equal(f->got[0].ends.end[FLOW_ACCEPTED].close_ns, f->base + 502 * ms);
}

static void test_flows_given_a_translation_of_another_time_when_taken_then_not_joined(void **state)
{
	struct fix *f = *state;

	tell(f, &f->a, connects(f, 0, service));
	tell(f, &f->b, accepts(f, 2, inside));
	tell(f, &f->a, translates(f, 200000, service, &inside));
	tell(f, &f->a, translates(f, 1, inside, &service)); /* the other way round */
	ask_all(f);
	assert_int_equal(f->n, 2);
	assert_int_equal(f->got[0].ends.confidence + f->got[1].ends.confidence, 0);
}

static void test_flows_given_a_translated_half_when_asked_why_then_of_the_real_peer(void **state)
{
	struct fix *f = *state;
	struct flow_why w;

	tell(f, &f->b, accepts(f, 1, plain)); /* b has 10.0.0.2 */
	tell(f, &f->a, connects(f, 5000, service));
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX, .entity = 0xc1 });
	assert_int_equal(flowdb_why(f->reader, &f->got[0], &w), 0);
	assert_int_equal(w.absence, FLOW_NO_SENSOR); /* nobody has the service's address */
	tell(f, &f->a, translates(f, 5001, service, &inside));
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX, .entity = 0xc1 });
	assert_int_equal(flowdb_why(f->reader, &f->got[0], &w), 0);
	assert_int_equal(w.absence, FLOW_EVIDENCE_LATE);
	assert_string_equal(flowdb_node(f->reader, w.node).id, "b");
}

static void test_flows_given_a_rollback_of_a_translation_when_taken_again_then_once(void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf frame = { 0 };
	struct fleet_event e = translates(f, 1, service, &inside);

	tell(f, &f->a, connects(f, 0, service));
	fleet_frame(&f->a, &e, 1, &frame);
	take(f, &frame);
	f->o.rollback(f->o.arg);
	tell(f, &f->b, accepts(f, 2, inside));
	ask_all(f);
	assert_int_equal(f->n, 2);
	take(f, &frame);
	take(f, &frame);
	commit(f);
	assert_translated(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_flows_given_a_translation_when_told_in_any_order_then_both_tuples_join),
		F(test_flows_given_two_translations_in_a_row_when_taken_then_joined),
		F(test_flows_given_a_translation_of_another_time_when_taken_then_not_joined),
		F(test_flows_given_a_translated_half_when_asked_why_then_of_the_real_peer),
		F(test_flows_given_a_rollback_of_a_translation_when_taken_again_then_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
