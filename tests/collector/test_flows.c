/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of a connection become an edge. */
#include "tests/collector/flows_seen.h"

/* ---- single shapes ---- */

static void test_flows_given_both_sides_when_taken_then_an_edge_with_all_of_it(void **state)
{
	struct fix *f = *state;
	const struct flow *flow = f->got;
	const struct flow_end *a = &flow->ends.end[FLOW_CONNECTED];
	const struct flow_end *b = &flow->ends.end[FLOW_ACCEPTED];

	tell(f, &f->a, connects(f, 0, plain));
	tell(f, &f->b, accepts(f, 1, plain));
	tell(f, &f->b, closes(f, 1, 500, true));
	tell(f, &f->a, closes(f, 0, 502, false));
	ask_all(f);
	assert_int_equal(f->n, 1);
	assert_joined(flow, 0xc1, 0x5e, 100);
	assert_string_equal(a->process, "curl");
	assert_string_equal(b->process, "nginx");
	assert_int_equal(a->pid, 100);
	assert_int_equal(a->open_seq, 1);
	assert_int_equal(a->close_seq, 2);
	assert_int_equal(b->close_ns, f->base + 501 * ms);
	assert_int_equal(a->source_bytes, 11);
	assert_int_equal(b->dest_bytes, 21);
	assert_int_equal(flow->at_ns, f->base);
	assert_string_equal(flow->tuple.source_ip, "10.0.0.1");
	assert_int_equal(flow->tuple.dest_port, 80);
	assert_string_equal(flow->transport, "tcp");
	assert_string_equal(flowdb_node_of(f->reader, a->source).id, "a");
	assert_string_equal(flowdb_node_of(f->reader, b->source).name, "b");
	assert_string_equal(flowdb_boot_of(f->reader, b->source),
			    "02000000-0000-0000-0000-000000000000");
}

static void test_flows_given_accept_first_and_late_connect_when_taken_then_joined(void **state)
{
	struct fix *f = *state;

	tell(f, &f->b, accepts(f, 1, plain));
	ask_all(f);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->got[0].ends.confidence, 0);
	flows_free(TAKE(f->flows)); /* the collector is started anew */
	open_flows(f);
	tell(f, &f->a, connects(f, 0, plain));
	ask_all(f);
	assert_int_equal(f->n, 1);
	assert_joined(f->got, 0xc1, 0x5e, 100);
}

static void test_flows_given_skewed_clocks_when_measured_then_joined_by_true_time(void **state)
{
	struct fix *f = *state;

	f->a.ahead_ns = 3600 * (int64_t)second;
	f->b.ahead_ns = -7200 * (int64_t)second;
	for (uint64_t i = 0; i < 5; i++) { /* one tuple, again and again */
		tell(f, &f->a, connects(f, i * 300, plain));
		tell(f, &f->b, accepts(f, i * 300 + 1, plain));
	}
	ask_all(f);
	assert_int_equal(f->n, 5);
	for (uint64_t i = 0; i < 5; i++) {
		assert_joined(&f->got[i], 0xc1, 0x5e, 70); /* crowded */
		assert_int_equal(f->got[i].ends.end[FLOW_CONNECTED].open_seq, i + 1);
		assert_int_equal(f->got[i].ends.end[FLOW_ACCEPTED].open_seq, i + 1);
	}
}

static void test_flows_given_unmeasured_clock_when_joined_then_less_confidence(void **state)
{
	struct fix *f = *state;

	f->b.clock_error_ns = 0;
	f->b.ahead_ns = 3 * (int64_t)second;
	tell(f, &f->a, connects(f, 0, plain));
	tell(f, &f->b, accepts(f, 1, plain));
	ask_all(f);
	assert_int_equal(f->n, 1);
	assert_joined(f->got, 0xc1, 0x5e, 70);
}

static void test_flows_given_retry_when_first_failed_then_the_second_joins(void **state)
{
	struct fix *f = *state;
	struct fleet_event failed = connects(f, 0, plain);

	failed.error = "ECONNREFUSED";
	tell(f, &f->a, failed);
	tell(f, &f->b, accepts(f, 50, plain));
	tell(f, &f->a, connects(f, 100, plain));
	ask_all(f);
	assert_int_equal(f->n, 2);
	assert_string_equal(f->got[0].ends.end[FLOW_CONNECTED].error, "ECONNREFUSED");
	assert_int_equal(f->got[0].ends.confidence, 0);
	assert_joined(&f->got[1], 0xc1, 0x5e, 100);
}

static void test_flows_given_loopback_on_two_nodes_when_taken_then_not_crossed(void **state)
{
	static const struct fleet_tuple loop = { "127.0.0.1", "127.0.0.1", 40000, 80, false };
	static const struct fleet_tuple loop6 = { "::1", "::1", 40000, 80, false };
	struct fix *f = *state;

	tell(f, &f->a, connects(f, 0, loop));
	tell(f, &f->b, accepts(f, 1, loop));
	tell(f, &f->a, connects(f, 0, loop6));
	tell(f, &f->b, accepts(f, 1, loop6));
	ask_all(f);
	assert_int_equal(f->n, 4);
	tell(f, &f->a, accepts(f, 1, loop));
	ask_all(f);
	assert_int_equal(f->n, 4);
	for (size_t i = 0; i < 4; i++)
		if (f->got[i].ends.confidence)
			assert_int_equal(f->got[i].ends.end[0].node, f->got[i].ends.end[1].node);
}

static void test_flows_given_one_tuple_on_two_hosts_when_taken_then_own_host_is_preferred(
	void **state)
{
	struct fix *f = *state;
	static const struct fleet_tuple bridge = { "172.17.0.2", "172.17.0.3", 40000, 80, false };

	tell(f, &f->a, connects(f, 0, bridge));
	tell(f, &f->b, connects(f, 5, bridge));
	tell(f, &f->b, accepts(f, 1, bridge));
	tell(f, &f->a, accepts(f, 6, bridge));
	ask_all(f);
	assert_int_equal(f->n, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(f->got[i].ends.end[0].node, f->got[i].ends.end[1].node);
}

static void test_flows_given_udp_and_ipv6_when_taken_then_joined(void **state)
{
	static const struct fleet_tuple udp = { "10.0.0.1", "10.0.0.2", 40000, 53, true };
	static const struct fleet_tuple v6 = { "fd00::1", "fd00::2", 40000, 443, false };
	struct fix *f = *state;

	tell(f, &f->a, connects(f, 0, udp));
	tell(f, &f->b, accepts(f, 1, udp));
	tell(f, &f->b, accepts(f, 1, v6));
	tell(f, &f->a, connects(f, 0, v6));
	ask_all(f);
	assert_int_equal(f->n, 2);
	assert_joined(&f->got[0], 0xc1, 0x5e, 100);
	assert_joined(&f->got[1], 0xc1, 0x5e, 100);
}

/* ---- translated addresses ---- */

static void test_flows_given_only_closes_when_taken_then_joined_with_less_confidence(void **state)
{
	struct fix *f = *state;

	tell(f, &f->a, closes(f, 0, 3600000, false)); /* it began before the sensors did */
	tell(f, &f->b, closes(f, 1, 3600000, true));
	ask_all(f);
	assert_int_equal(f->n, 1);
	assert_joined(f->got, 0xc1, 0x5e, 80);
}

static void test_flows_given_a_rollback_when_taken_again_then_once(void **state)
{
	struct fix *f = *state;
	AUTO_BUF struct buf frame = { 0 };
	struct fleet_event e = connects(f, 0, plain);
	struct flows_counters c;
	uint64_t position = 1;

	fleet_frame(&f->a, &e, 1, &frame);
	take(f, &frame);
	f->o.rollback(f->o.arg);
	assert_int_equal(f->o.position(&position, f->o.arg), 0);
	assert_int_equal(position, 0);
	take(f, &frame);
	take(f, &frame);
	commit(f);
	assert_int_equal(f->o.position(&position, f->o.arg), 0);
	assert_int_equal(position, f->arrived);
	ask_all(f);
	assert_int_equal(f->n, 1);
	flows_counters(f->flows, &c);
	assert_int_equal(c.flows, 1);
}

/* ---- halves ---- */

static void
test_flows_given_a_sensor_that_starts_anew_when_its_clock_is_not_measured_yet_then_the_last(
	void **state)
{
	struct fix *f = *state;
	struct fleet_event start = { .kind = KIND_SENSOR,
				     .time_ns = f->base + 2000 * ms,
				     .message = "start: version 0.1" };
	struct fleet_tuple t = plain;
	struct flow_why w;

	f->b.ahead_ns = -3 * (int64_t)second;
	tell(f, &f->a, connects(f, 0, plain));
	tell(f, &f->b, accepts(f, 1, plain));
	flows_free(TAKE(f->flows)); /* it is known after a restart of the collector, too */
	open_flows(f);
	f->b.clock_error_ns = 0;
	tell(f, &f->b, start); /* less than 3 s after the last event */
	t.source_port++;
	tell(f, &f->a, connects(f, 1000, t));
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX, .state = FLOW_HALVES });
	assert_int_equal(f->n, 1);
	assert_int_equal(why(f, 0, &w), FLOW_EVIDENCE_LOST);
	assert_int_equal(w.from_ns, f->base + 1 * ms);
	assert_int_equal(w.to_ns, f->base + 2000 * ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_flows_given_both_sides_when_taken_then_an_edge_with_all_of_it),
		F(test_flows_given_accept_first_and_late_connect_when_taken_then_joined),
		F(test_flows_given_skewed_clocks_when_measured_then_joined_by_true_time),
		F(test_flows_given_unmeasured_clock_when_joined_then_less_confidence),
		F(test_flows_given_retry_when_first_failed_then_the_second_joins),
		F(test_flows_given_loopback_on_two_nodes_when_taken_then_not_crossed),
		F(test_flows_given_one_tuple_on_two_hosts_when_taken_then_own_host_is_preferred),
		F(test_flows_given_udp_and_ipv6_when_taken_then_joined),
		F(test_flows_given_only_closes_when_taken_then_joined_with_less_confidence),
		F(test_flows_given_a_rollback_when_taken_again_then_once),
		F(test_flows_given_a_sensor_that_starts_anew_when_its_clock_is_not_measured_yet_then_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
