/* SPDX-License-Identifier: Apache-2.0 */
/* probe_throttle - reads the kernel's table of workloads; inside of probe only.
 * Thread: sensor consumer.  Memory: fixed, of its owner. */
#pragma once
#include "sensor/probe.h"

struct throttle_told {
	struct rec_workload_key key; /* kind 0: free */
	uint64_t suppressed, last_ns;
};

struct throttle_state {
	uint64_t seen; /* the kernel's total when the table was read last */
	struct throttle_told told[REC_WORKLOADS];
};

/* As probe_throttles(), from the table @map; workloads that were quiet for a minute are forgotten.
 */
NODISCARD int throttle_read(struct throttle_state *s, int map, uint64_t now_ns,
			    struct probe_throttle *ret, size_t most);
