/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/serving.h"

static bool is_open(const struct serving *s, uint64_t when_ns)
{
	return s->from_ns <= when_ns && (!s->to_ns || when_ns <= s->to_ns);
}

size_t serving_at(const struct serving *list, size_t n, uint64_t when_ns, uint64_t thread,
		  uint32_t *ret_sure)
{
	bool best_same = false;
	size_t best = n;
	uint32_t open = 0;

	for (size_t i = 0; i < n; i++) {
		bool same = thread && list[i].thread == thread;

		if (!is_open(&list[i], when_ns))
			continue;
		open++;
		if (best < n && (best_same > same ||
				 (best_same == same && list[best].from_ns > list[i].from_ns)))
			continue;
		best = i;
		best_same = same;
	}
	*ret_sure = open < 2 ? open * 100 : best_same ? SERVING_ONE_OF_SOME : SERVING_ONE_OF_MANY;
	return best;
}
