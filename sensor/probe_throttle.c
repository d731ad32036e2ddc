/* SPDX-License-Identifier: Apache-2.0 */
/* probe_throttle - which workloads were throttled, from the kernel's table. */
#include "sensor/probe_throttle.h"

#include <string.h>

#include <bpf/bpf.h>

static const uint64_t forget_windows = UINT64_C(60000000000) >> REC_THROTTLE_SHIFT;

static bool same(const struct rec_workload_key *a, const struct rec_workload_key *b)
{
	return a->id == b->id && a->kind == b->kind;
}

/* What was told of a workload; a place for it when it is new.  NULL: no room, tried again later. */
static struct throttle_told *told_of(struct throttle_state *s, const struct rec_workload_key *key)
{
	struct throttle_told *free = NULL;

	for (size_t i = 0; i < REC_WORKLOADS; i++) {
		if (same(&s->told[i].key, key))
			return &s->told[i];
		if (!free && s->told[i].key.kind == 0)
			free = &s->told[i];
	}
	if (free)
		*free = (struct throttle_told){ .key = *key };
	return free;
}

/* Fills @ret when there is something new.  Returns false for one that is to be forgotten. */
static bool look_at(struct throttle_state *s, const struct rec_workload_key *key,
		    const struct rec_workload *w, uint64_t now_window, struct probe_throttle *ret,
		    size_t *n)
{
	struct throttle_told *told = w->suppressed ? told_of(s, key) : NULL;

	if (told && w->suppressed > told->suppressed) {
		ret[(*n)++] = (struct probe_throttle){
			.workload = *key,
			.count = w->suppressed - told->suppressed,
			.from_ns = MAX(w->first_ns, told->last_ns),
			.to_ns = w->last_ns,
			.start_ns = w->start_ns,
			.tgid = w->tgid,
		};
		told->suppressed = w->suppressed;
		told->last_ns = w->last_ns;
		return true;
	}
	if (now_window - w->window < forget_windows)
		return true;
	if (told)
		*told = (struct throttle_told){ 0 };
	return false;
}

int throttle_read(struct throttle_state *s, int map, uint64_t now_ns, struct probe_throttle *ret,
		  size_t most)
{
	struct rec_workload_key key, next, *at = NULL;
	struct rec_workload w;
	size_t n = 0;

	for (size_t i = 0; i < 2 * REC_WORKLOADS && n < most; i++) {
		int end = bpf_map_get_next_key(map, at, &next);

		if (at && bpf_map_lookup_elem(map, at, &w) == 0 &&
		    !look_at(s, at, &w, now_ns >> REC_THROTTLE_SHIFT, ret, &n))
			(void)bpf_map_delete_elem(map, at);
		if (end < 0)
			break;
		key = next;
		at = &key;
	}
	return (int)n;
}
