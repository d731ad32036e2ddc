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

struct source source_of_kernel(struct source_kernel *k)
{
	static const struct source_ops ops = { kernel_consume, kernel_wait, kernel_loss,
					       kernel_malformed, kernel_throttles };

	return (struct source){ &ops, k };
}
