/* SPDX-License-Identifier: Apache-2.0 */
/* Connections joined online: single shapes, and random fleets against a joiner by brute force. */
#include "tests/collector/fixture.h"

#include "tests/collector/fleet.h"

#include "collector/flows.h"

static const uint64_t ms = 1000000, second = 1000000000;

struct fix {
	char dir[128];
	struct flows *flows;
	struct follow_observer o;
	struct flowdb *reader;
	struct block *block;
	uint64_t base, arrived;
	struct fleet_node a, b;
	struct flow got[4096];
	size_t n;
};

static void open_flows(struct fix *f)
{
	struct diag d = { 0 };

	if (flows_new(&f->flows, f->dir, NULL, 0, &d) < 0)
		fail_msg("%s", d.text);
	f->o = flows_observer(f->flows);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	f->base = (timestamp_now() / fixture_day_ns) * fixture_day_ns - fixture_day_ns / 2;
	f->a = (struct fleet_node){ .id = "a", .boot = 1, .clock_error_ns = 1 };
	f->b = (struct fleet_node){ .id = "b", .boot = 2, .clock_error_ns = 1 };
	assert_int_equal(block_new(&f->block), 0);
	open_flows(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	flowdb_free(f->reader);
	flows_free(f->flows);
	block_free(f->block);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static void take(struct fix *f, const struct buf *frame)
{
	struct store_block meta = { .ingested_ns = ++f->arrived };
	struct diag d = { 0 };

	if (block_load(f->block, frame->data, frame->n, &d) < 0)
		fail_msg("%s", d.text);
	assert_int_equal(f->o.batch(&meta, f->block, f->o.arg), 0);
}

static void commit(struct fix *f)
{
	assert_int_equal(f->o.commit(f->arrived, f->o.arg), 0);
}

/* A batch of its own for one event. */
static void tell(struct fix *f, struct fleet_node *n, struct fleet_event e)
{
	AUTO_BUF struct buf frame = { 0 };

	fleet_frame(n, &e, 1, &frame);
	take(f, &frame);
	commit(f);
}

static int keep(const struct flow *flow, void *arg)
{
	struct fix *f = arg;

	assert_true(f->n < ARRAY_SIZE(f->got));
	f->got[f->n++] = *flow;
	return 0;
}

static void ask(struct fix *f, const struct flow_question *q)
{
	flowdb_free(f->reader);
	f->reader = NULL;
	assert_int_equal(flowdb_open_reader(&f->reader, f->dir, NULL), 0);
	f->n = 0;
	assert_int_equal(flowdb_ask(f->reader, q, keep, f), 0);
}

static void ask_all(struct fix *f)
{
	ask(f, &(struct flow_question){ .to_ns = UINT64_MAX });
}

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

/* ---- random fleets ---- */

enum {
	NODES = 4,
	CONNECTIONS = 120,
	SIGHTINGS = CONNECTIONS * 5,
	BATCHES = 64,
	TUPLES = 64 * NODES, /* as the accepting side has them; translated ones follow */
};

static uint64_t rng_state;

static uint64_t rng(uint64_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return below ? rng_state % below : 0;
}

/* A sighting as the brute-force joiner sees it. */
struct seen {
	uint32_t node;
	uint64_t seq, established, tuple; /* true time; number of the tuple */
	bool accepted, close, used;
};

struct random_fleet {
	struct fleet_node nodes[NODES];
	char ids[NODES][8], ips[NODES][16];
	struct seen seen[SIGHTINGS];
	size_t n_seen;
	struct buf frames[BATCHES * NODES];
	size_t n_frames;
	struct fleet_event events[NODES][SIGHTINGS];
	uint64_t tuples[NODES][SIGHTINGS];
	size_t n_events[NODES];
	struct flow_link links[CONNECTIONS]; /* of tuples; true time */
	size_t n_links;
	struct fleet_tuple inside[CONNECTIONS]; /* what translations lead to */
	char services[NODES][16];
};

static void random_sighting(struct random_fleet *r, uint32_t node, uint64_t tuple,
			    struct fleet_event e)
{
	if (rng(8) == 0)
		return; /* lost */
	r->tuples[node][r->n_events[node]] = tuple;
	r->events[node][r->n_events[node]++] = e;
}

static void random_translation(struct random_fleet *r, struct fleet_tuple from,
			       struct fleet_tuple to, uint64_t tuple, uint64_t at)
{
	struct fleet_tuple *inner = &r->inside[r->n_links];
	uint32_t node = (uint32_t)rng(NODES);

	if (rng(8) == 0)
		return; /* lost */
	*inner = to;
	/* the sighting's tuple is of no use: see random_batches() */
	r->tuples[node][r->n_events[node]] = UINT64_MAX;
	r->events[node][r->n_events[node]++] = (struct fleet_event){
		.kind = KIND_NAT, .tuple = from, .nat = inner, .time_ns = at
	};
	r->links[r->n_links++] = (struct flow_link){ tuple + TUPLES, tuple, at };
}

static void random_connection(struct random_fleet *r, uint64_t base)
{
	uint32_t a = (uint32_t)rng(NODES), b = (uint32_t)rng(NODES);
	uint16_t port = (uint16_t)(40000 + rng(2));
	struct fleet_tuple t = { r->ips[a], r->ips[b], port, 80, false };
	struct fleet_process pa = { .entity = 100 + a, .name = "client" };
	struct fleet_process pb = { .entity = 200 + b, .name = "server" };
	uint64_t at = base + rng(1200) * second + rng(1000) * ms, lived = rng(400) * second;
	uint64_t accepted = at + (rng(4) ? rng(50) * ms : rng(150) * second);
	uint64_t tuple = a * 64 + b * 8 + (port - 40000), outer = tuple;
	struct fleet_tuple asked = t;

	if (rng(3) == 0) { /* to an address that is translated, by whom it may be */
		asked.dest_ip = r->services[b];
		outer += TUPLES;
		random_translation(r, asked, t, tuple,
				   at + (rng(5) ? rng(20) * ms : rng(300) * second));
	}
	random_sighting(r, a, outer,
			(struct fleet_event){ .kind = KIND_CONNECT,
					      .actor = pa,
					      .tuple = asked,
					      .time_ns = at - ms,
					      .duration_ns = ms });
	random_sighting(
		r, b, tuple,
		(struct fleet_event){
			.kind = KIND_ACCEPT, .actor = pb, .tuple = t, .time_ns = accepted });
	random_sighting(r, a, outer,
			(struct fleet_event){ .kind = KIND_DISCONNECT,
					      .actor = pa,
					      .tuple = asked,
					      .time_ns = at + lived,
					      .duration_ns = lived });
	random_sighting(r, b, tuple,
			(struct fleet_event){ .kind = KIND_DISCONNECT,
					      .actor = pb,
					      .tuple = t,
					      .time_ns = accepted + lived,
					      .duration_ns = lived,
					      .ingress = true });
}

static void random_batches(struct random_fleet *r, uint32_t node)
{
	size_t at = 0;

	while (at < r->n_events[node]) {
		size_t some = 1 + rng(20), n = MIN(some, r->n_events[node] - at);

		assert_true(r->n_frames < BATCHES * NODES);
		for (size_t i = 0; i < n; i++) {
			const struct fleet_event *e = &r->events[node][at + i];

			if (e->kind == KIND_NAT)
				continue;
			r->seen[r->n_seen++] = (struct seen){
				.node = node,
				.seq = r->nodes[node].seq + 1 + i,
				.established = e->kind == KIND_CONNECT
						       ? e->time_ns + e->duration_ns
						       : e->time_ns - e->duration_ns,
				.tuple = r->tuples[node][at + i],
				.accepted = e->kind == KIND_ACCEPT || e->ingress,
				.close = e->kind == KIND_DISCONNECT,
			};
		}
		fleet_frame(&r->nodes[node], &r->events[node][at], n, &r->frames[r->n_frames++]);
		at += n;
	}
}

static void make_fleet(struct random_fleet *r, uint64_t base)
{
	for (uint32_t i = 0; i < NODES; i++) {
		snprintf(r->ids[i], sizeof(r->ids[i]), "n%u", i + 1);
		snprintf(r->ips[i], sizeof(r->ips[i]), "10.0.0.%u", i + 1);
		snprintf(r->services[i], sizeof(r->services[i]), "10.96.0.%u", i + 1);
		r->nodes[i] = (struct fleet_node){ .id = r->ids[i],
						   .boot = (uint8_t)(i + 1),
						   .clock_error_ns = 1,
						   .ahead_ns = (int64_t)(rng(7200) * second) -
							       3600 * (int64_t)second };
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		random_connection(r, base);
	for (uint32_t i = 0; i < NODES; i++)
		random_batches(r, i);
}

static void shuffle(struct random_fleet *r)
{
	for (size_t i = r->n_frames; i > 1; i--) {
		size_t k = rng(i);
		struct buf x = r->frames[i - 1];

		r->frames[i - 1] = r->frames[k];
		r->frames[k] = x;
	}
}

/* What stands for a flow: the sequence numbers of its four sightings, 0 where there is none. */
struct quad {
	uint64_t seq[4]; /* connected open, close; accepted open, close */
	uint32_t node[2];
};

static uint64_t gap_of(const struct seen *a, const struct seen *b)
{
	return a->established > b->established ? a->established - b->established
					       : b->established - a->established;
}

/* Steps: 0 open and close, 1 both ends on a node, 2 on any, 3 of translated tuples. */
static bool fits_at(const struct random_fleet *r, const struct seen *a, const struct seen *b,
		    int step)
{
	if (step == 0)
		return !a->close && b->close && a->node == b->node && a->accepted == b->accepted &&
		       a->tuple == b->tuple;
	if (a->accepted || !b->accepted)
		return false;
	if (step < 3)
		return a->tuple == b->tuple && (step == 2 || a->node == b->node);
	for (size_t i = 0; i < r->n_links; i++)
		if (r->links[i].from == a->tuple && r->links[i].to == b->tuple &&
		    r->links[i].at_ns - a->established + 120 * second <= 240 * second)
			return true;
	return false;
}

/* The two of @list that belong together most; false: none does. */
static bool nearest(const struct random_fleet *r, struct seen **list, size_t n, int step,
		    size_t *ret_a, size_t *ret_b)
{
	uint64_t best = UINT64_MAX, limit = step == 0 ? 5 * second : 120 * second;
	bool found = false;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			const struct seen *a = list[i], *b = list[k];
			bool fits = fits_at(r, a, b, step);

			if (a->used || b->used || !fits || gap_of(a, b) > limit ||
			    gap_of(a, b) >= best)
				continue;
			best = gap_of(a, b);
			*ret_a = i;
			*ret_b = k;
			found = true;
		}
	return found;
}

static void note(struct quad *q, const struct seen *s, const struct seen *close)
{
	int at = s->accepted ? 2 : 0;

	q->node[at / 2] = s->node + 1;
	q->seq[at + s->close] = s->seq;
	if (close)
		q->seq[at + 1] = close->seq;
}

/* All flows of one tuple and of what is translated to it. */
static size_t brute_tuple(struct random_fleet *r, uint64_t tuple, struct quad *ret)
{
	struct seen *all[SIGHTINGS], *ends[SIGHTINGS], *close[SIGHTINGS] = { NULL };
	size_t n = 0, n_ends = 0, n_flows = 0, a, b;

	for (size_t i = 0; i < r->n_seen; i++)
		if (r->seen[i].tuple % TUPLES == tuple)
			all[n++] = &r->seen[i];
	while (nearest(r, all, n, 0, &a, &b)) {
		all[a]->used = all[b]->used = true;
		close[n_ends] = all[b];
		ends[n_ends++] = all[a];
	}
	for (size_t i = 0; i < n; i++)
		if (!all[i]->used)
			ends[n_ends++] = all[i];
	for (size_t i = 0; i < n_ends; i++)
		ends[i]->used = false;
	for (int step = 1; step <= 3; step++)
		while (nearest(r, ends, n_ends, step, &a, &b)) {
			ends[a]->used = ends[b]->used = true;
			memset(&ret[n_flows], 0, sizeof(*ret));
			note(&ret[n_flows], ends[a], close[a]);
			note(&ret[n_flows++], ends[b], close[b]);
		}
	for (size_t i = 0; i < n_ends; i++) {
		if (ends[i]->used)
			continue;
		memset(&ret[n_flows], 0, sizeof(*ret));
		note(&ret[n_flows++], ends[i], close[i]);
	}
	return n_flows;
}

static int by_quad(const void *x, const void *y)
{
	return memcmp(x, y, sizeof(struct quad));
}

static size_t quads_of_store(struct fix *f, struct quad *ret)
{
	ask_all(f);
	memset(ret, 0, f->n * sizeof(*ret));
	for (size_t i = 0; i < f->n; i++)
		for (int s = 0; s < 2; s++) {
			const struct flow_end *e = &f->got[i].ends.end[s];
			const char *id = flowdb_node_of(f->reader, e->source).id;

			ret[i].node[s] = id ? (uint32_t)(id[1] - '0') : 0;
			ret[i].seq[2 * s] = e->open_seq;
			ret[i].seq[2 * s + 1] = e->close_seq;
		}
	return f->n;
}

static void check_round(struct fix *f, struct random_fleet *r)
{
	static struct quad want[SIGHTINGS], got[SIGHTINGS];
	size_t n_want = 0, n_got, n_joined = 0, n_translated = 0;

	for (uint64_t tuple = 0; tuple < TUPLES; tuple++)
		n_want += brute_tuple(r, tuple, want + n_want);
	n_got = quads_of_store(f, got);
	assert_int_equal(n_got, n_want);
	for (size_t i = 0; i < n_got; i++)
		n_joined += got[i].node[0] && got[i].node[1];
	assert_true(n_joined > CONNECTIONS / 4);
	for (size_t i = 0; i < f->n; i++)
		n_translated += f->got[i].nat.key != 0;
	assert_true(n_translated > 0);
	qsort(want, n_want, sizeof(want[0]), by_quad);
	qsort(got, n_got, sizeof(got[0]), by_quad);
	assert_memory_equal(got, want, n_got * sizeof(got[0]));
}

static void test_flows_given_random_fleets_when_taken_in_any_order_then_as_by_brute_force(
	void **state)
{
	struct random_fleet *r = NULL;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct fix *f;
		void *inner = NULL;

		setup(&inner);
		f = inner;
		rng_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		r = calloc(1, sizeof(*r));
		assert_non_null(r);
		/* some of them around midnight */
		make_fleet(r, f->base + (seed % 3 ? 0 : fixture_day_ns / 2 - 600 * second));
		shuffle(r);
		for (size_t i = 0; i < r->n_frames; i++) {
			take(f, &r->frames[i]);
			if (rng(3) == 0)
				commit(f);
			buf_done(&r->frames[i]);
		}
		commit(f);
		check_round(f, r);
		free(r);
		teardown(&inner);
	}
	(void)state;
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
		cmocka_unit_test(
			test_flows_given_random_fleets_when_taken_in_any_order_then_as_by_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
