/* SPDX-License-Identifier: Apache-2.0 */
/* answers - canned answers of the collector that several tests give.
 * Thread: the test's own.  Memory: constant. */
#pragma once
#include "tests/ctl/fake.h"

#define HIT_A "{\"@timestamp\":\"2026-11-22T21:44:19.123456789Z\",\"n\":18446744073709551615}"
#define HIT_B "{\"@timestamp\":\"2026-11-22T21:44:18.123456789Z\",\"n\":2}"

#define PAGE(hits, cursor, more)                                                               \
	"{\"hits\":[" hits "],\"cursor\":" cursor ",\"took_ms\":2,\"scanned\":{\"blocks\":3}," \
	"\"truncated\":false" more "}"

#define GAP                                                                                      \
	"{\"node\":\"web-1\",\"from\":\"2026-11-22T21:00:00Z\",\"to\":\"2026-11-22T21:00:01Z\"," \
	"\"count\":12,\"class\":\"bulk\",\"cause\":\"ring_full\"}"
