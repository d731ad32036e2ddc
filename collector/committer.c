/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/committer.h"

#include "lib/log.h"
#include "lib/monotonic.h"

int committer_commit(struct committer *c)
{
	uint64_t begin_ns = monotonic_ns();
	int r = store_commit(c->store);

	if (r < 0)
		return r;
	atomic_fetch_add_explicit(&c->commits, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->commit_ns, monotonic_ns() - begin_ns, memory_order_relaxed);
	follow_wake(c->follow);
	return 0;
}

void committer_publish(struct committer *c, const struct hub_batch *batch)
{
	if (c->hub)
		hub_publish(c->hub, batch);
}

void committer_note(struct committer *c, int r, uint64_t n_busy)
{
	bool was = atomic_exchange(&c->failing, r < 0);

	if (r < 0 && !was)
		log_error("ingest.store_failed", "error=\"%s\" sensors=keep", strerror(-r));
	if (r == 0 && was)
		log_info("ingest.store_recovered", "busy=%llu", (unsigned long long)n_busy);
}

bool committer_failing(const struct committer *c)
{
	return atomic_load(&c->failing);
}
