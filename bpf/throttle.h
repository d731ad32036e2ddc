/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* throttle - at most so many bulk records of one workload: one container or service (its cgroup),
 * else one login or daemon (its session).
 *
 * A record costs one look at a counter of the CPU; only when this CPU alone has made more than half
 * a fair share of what one workload may, workloads are counted, with all CPUs together.  What came
 * before that is not counted, so a workload gets at most one and a half times its quota.
 * Where there is no room for one more workload it is not throttled. */
#pragma once
#include "bpf/read.h"

static __always_inline struct rec_workload_key throttle_key(const struct rec_head *h)
{
	struct task_struct *t = task_now();
	struct rec_workload_key key = { h->cgroup_id, REC_BY_CGROUP };

	if (key.id > 1) /* 1: the root, where nothing is told apart */
		return key;
	key.id = 0;
	if ((uint32_t)(bpf_get_current_pid_tgid() >> 32) == h->tgid)
		key.id = read_session(t);
	key.kind = key.id ? REC_BY_SESSION : REC_BY_PROCESS;
	if (!key.id)
		key.id = h->tgid;
	return key;
}

static __noinline bool throttle_workload(const struct rec_head *h, uint64_t window)
{
	struct rec_workload_key key = throttle_key(h);
	struct rec_workload *w = bpf_map_lookup_elem(&workloads, &key);
	uint32_t epoch = *(volatile uint32_t *)&control.loss_epoch;

	if (!w) {
		struct rec_workload fresh = { .window = window, .count = 1 };

		int r = (int)bpf_map_update_elem(&workloads, &key, &fresh, BPF_NOEXIST);

		if (r && r != -EEXIST)
			__sync_fetch_and_add(&unthrottled, 1);
		return false;
	}
	if (window > w->window) {
		w->window = window;
		w->count = 0;
	}
	__sync_fetch_and_add(&w->count, 1);
	if (w->count <= throttle_quota)
		return false;
	if (w->epoch != epoch) {
		w->epoch = epoch;
		w->first_ns = h->time_ns;
	}
	w->last_ns = h->time_ns;
	w->tgid = h->tgid;
	w->start_ns = h->start_ns;
	__sync_fetch_and_add(&w->suppressed, 1);
	__sync_fetch_and_add(&throttled, 1);
	return true;
}

/* True when the bulk record of @h must not be told; it is counted then. */
static __always_inline bool throttle(const struct rec_head *h)
{
	uint64_t window = h->time_ns >> REC_THROTTLE_SHIFT;
	struct throttle_cpu *cpu;
	uint32_t zero = 0;

	if (!throttle_quota)
		return false;
	cpu = bpf_map_lookup_elem(&throttle_cpus, &zero);
	if (!cpu)
		return false;
	if (window > cpu->window) {
		cpu->window = window;
		cpu->count = 0;
	}
	if (++cpu->count <= throttle_share)
		return false;
	return throttle_workload(h, window);
}
