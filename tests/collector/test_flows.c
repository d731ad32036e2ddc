/* SPDX-License-Identifier: Apache-2.0 */
/* Connections joined online: single shapes, translated addresses, halves and why, questions,
 * bounds. */
#include "tests/collector/flows_fixture.h"

/* ---- single shapes ---- */

static const struct fleet_process client = { .entity = 0xc1, .name = "curl", .pid = 100 };
static const struct fleet_process server = { .entity = 0x5e, .name = "nginx", .pid = 200 };
static const struct fleet_tuple plain = { "10.0.0.1", "10.0.0.2", 40000, 80, false };

static struct fleet_event connects(struct fix *f, uint64_t at_ms, struct fleet_tuple t)
{
	return (struct fleet_event){ .kind = KIND_CONNECT,
				     .time_ns = f->base + at_ms * ms - ms,
				     .duration_ns = ms,
				     .actor = client,
				     .tuple = t };
}

static struct fleet_event accepts(struct fix *f, uint64_t at_ms, struct fleet_tuple t)
{
	return (struct fleet_event){
		.kind = KIND_ACCEPT, .time_ns = f->base + at_ms * ms, .actor = server, .tuple = t
	};
}

static struct fleet_event closes(struct fix *f, uint64_t at_ms, uint64_t after_ms, bool ingress)
{
	return (struct fleet_event){ .kind = KIND_DISCONNECT,
				     .time_ns = f->base + (at_ms + after_ms) * ms,
				     .duration_ns = after_ms * ms,
				     .ingress = ingress,
				     .actor = ingress ? server : client,
				     .tuple = plain,
				     .sent = 10,
				     .got = 20 };
}

static void assert_joined(const struct flow *flow, uint64_t a, uint64_t b, uint32_t confidence)
{
	assert_int_equal(flow->ends.end[FLOW_CONNECTED].entity, a);
	assert_int_equal(flow->ends.end[FLOW_ACCEPTED].entity, b);
	assert_int_equal(flow->ends.confidence, confidence);
}

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

static enum flow_absence why(struct fix *f, size_t i, struct flow_why *ret)
{
	assert_int_equal(flowdb_why(f->reader, &f->got[i], ret), 0);
	return ret->absence;
}

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

#define F(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
		F(test_flows_given_a_translation_when_told_in_any_order_then_both_tuples_join),
		F(test_flows_given_two_translations_in_a_row_when_taken_then_joined),
		F(test_flows_given_a_translation_of_another_time_when_taken_then_not_joined),
		F(test_flows_given_a_translated_half_when_asked_why_then_of_the_real_peer),
		F(test_flows_given_a_rollback_of_a_translation_when_taken_again_then_once),
		F(test_flows_given_only_closes_when_taken_then_joined_with_less_confidence),
		F(test_flows_given_a_rollback_when_taken_again_then_once),
		F(test_flows_given_halves_when_asked_why_then_the_reason),
		F(test_flows_given_a_sensor_that_starts_anew_when_its_clock_is_not_measured_yet_then_the_last),
		F(test_flowdb_given_flows_when_asked_then_those_that_fit),
		F(test_flows_given_too_many_when_committed_then_oldest_evicted_and_counted),
		F(test_flows_given_one_tuple_without_end_when_taken_then_bounded_and_counted),
		F(test_flows_given_removed_day_when_committed_then_its_flows_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
