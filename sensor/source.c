/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/source.h"

static int64_t kernel_consume(void *self, uint32_t budget, ring_record_fn *fn, void *arg)
{
	struct source_kernel *k = self;

	return ring_consume(k->ring, budget, fn, arg);
}

static int kernel_wait(void *self, enum rec_wake wake, int timeout_ms)
{
	struct source_kernel *k = self;

	return ring_wait(k->ring, wake, timeout_ms);
}

static int kernel_loss(void *self, struct probe_loss ret[REC_CLASSES][REC_CAUSES])
{
	struct source_kernel *k = self;

	return probe_loss(k->probe, ret);
}

static uint64_t kernel_malformed(void *self)
{
	struct source_kernel *k = self;

	return ring_malformed(k->ring);
}

static int kernel_throttles(void *self, struct probe_throttle *ret, size_t most)
{
	struct source_kernel *k = self;

	return probe_throttles(k->probe, ret, most);
}

static void kernel_counts(void *self, struct probe_counts *ret)
{
	struct source_kernel *k = self;

	probe_counts(k->probe, ret);
}

static int kernel_filter_counts(void *self, struct probe_filter_count *ret, size_t most)
{
	struct source_kernel *k = self;

	return probe_filter_counts(k->probe, ret, most);
}

static int kernel_filter(void *self, struct filter *rules, struct diag *d)
{
	struct source_kernel *k = self;

	return probe_filter(k->probe, rules, d);
}

struct source source_of_kernel(struct source_kernel *k)
{
	static const struct source_ops ops = {
		.consume = kernel_consume,
		.wait = kernel_wait,
		.loss = kernel_loss,
		.malformed = kernel_malformed,
		.throttles = kernel_throttles,
		.counts = kernel_counts,
		.filter_counts = kernel_filter_counts,
		.filter = kernel_filter,
	};

	return (struct source){ &ops, k };
}
