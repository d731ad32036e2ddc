/* SPDX-License-Identifier: Apache-2.0 */
/* flows_seen - what the tests of flows share beside flows_fixture.h.
 * Thread: the test's own. */
#pragma once
#include "tests/collector/flows_fixture.h"

static UNUSED const struct fleet_process client = { .entity = 0xc1, .name = "curl", .pid = 100 };

static UNUSED const struct fleet_process server = { .entity = 0x5e, .name = "nginx", .pid = 200 };

static UNUSED const struct fleet_tuple plain = { "10.0.0.1", "10.0.0.2", 40000, 80, false };

static inline UNUSED struct fleet_event connects(struct fix *f, uint64_t at_ms,
						 struct fleet_tuple t)
{
	return (struct fleet_event){ .kind = KIND_CONNECT,
				     .time_ns = f->base + at_ms * ms - ms,
				     .duration_ns = ms,
				     .actor = client,
				     .tuple = t };
}

static inline UNUSED struct fleet_event accepts(struct fix *f, uint64_t at_ms, struct fleet_tuple t)
{
	return (struct fleet_event){
		.kind = KIND_ACCEPT, .time_ns = f->base + at_ms * ms, .actor = server, .tuple = t
	};
}

static inline UNUSED struct fleet_event closes(struct fix *f, uint64_t at_ms, uint64_t after_ms,
					       bool ingress)
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

static inline UNUSED void assert_joined(const struct flow *flow, uint64_t a, uint64_t b,
					uint32_t confidence)
{
	assert_int_equal(flow->ends.end[FLOW_CONNECTED].entity, a);
	assert_int_equal(flow->ends.end[FLOW_ACCEPTED].entity, b);
	assert_int_equal(flow->ends.confidence, confidence);
}

static inline UNUSED enum flow_absence why(struct fix *f, size_t i, struct flow_why *ret)
{
	assert_int_equal(flowdb_why(f->reader, &f->got[i], ret), 0);
	return ret->absence;
}

#define F(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
