/* SPDX-License-Identifier: Apache-2.0 */
/* source - where the consumer's records come from: the kernel's rings, or a test's replay.
 * Thread: sensor consumer.  Memory: the implementation's. */
#pragma once
#include "sensor/probe.h"
#include "sensor/ring.h"

struct source_ops {
	/* As ring_consume(), ring_wait(), probe_loss(), ring_malformed(). */
	int64_t (*consume)(void *self, uint32_t budget, ring_record_fn *fn, void *arg);
	int (*wait)(void *self, enum rec_wake wake, int timeout_ms);
	int (*loss)(void *self, struct probe_loss ret[REC_CLASSES][REC_CAUSES]);
	uint64_t (*malformed)(void *self);
	/* As probe_throttles(); NULL: never throttled. */
	int (*throttles)(void *self, struct probe_throttle *ret, size_t most);
	/* As probe_counts(), probe_filter_counts(); NULL: it counts nothing. */
	void (*counts)(void *self, struct probe_counts *ret);
	int (*filter_counts)(void *self, struct probe_filter_count *ret, size_t most);
	/* As probe_filter(); NULL: it takes none. */
	int (*filter)(void *self, struct filter *rules, struct diag *d);
};

struct source {
	const struct source_ops *ops;
	void *self;
};

/* The kernel's. */
struct source_kernel {
	struct probe *probe;
	struct ring *ring;
};

/* @k is borrowed and must outlive the source. */
struct source source_of_kernel(struct source_kernel *k);
