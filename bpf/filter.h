/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* filter - what the other programs need of the filters: one question before a record leaves, and
 * word of processes that come, change and go.  Without a set each is one read of a global.
 *
 * Where a rule cannot be judged (a name only as asked, a container not yet known, a nested run),
 * the event is told, and counted: doubt loses nothing. */
#pragma once
#include "bpf/maps.h"

/* See filter.bpf.c.  Global functions: the verifier looks at each once. */
extern int filter_begin(void);
extern int filter_learn(void);
extern int filter_end(void);
extern int filter_inherit(void);
extern int filter_become(void);

enum { FILTER_LEAVE_OUT = -1 }; /* of filter_end(): all kinds of the record; else REC_LEFT_* */
enum filter_step {
	FILTER_TOLD,
	FILTER_GO_ON,
	FILTER_WHO
}; /* of filter_begin(); WHO: learn first */

static __always_inline struct filter_work *filter_take(void)
{
	uint32_t zero = 0;
	struct filter_work *w = bpf_map_lookup_elem(&filter_works, &zero);

	if (!w)
		return NULL;
	if (w->busy) {
		__sync_fetch_and_add(&filter_undecided, 1);
		return NULL;
	}
	w->busy = 1;
	w->generation = *(volatile uint32_t *)&filter_generation;
	return w;
}

static __always_inline void filter_give(struct filter_work *w)
{
	*(volatile uint32_t *)&w->busy = 0;
}

static __noinline bool filter_ask(struct rec_head *record)
{
	struct filter_work *w = filter_take();
	int step, verdict = 0;

	if (!w)
		return false;
	w->record = (uint64_t)record;
	step = filter_begin();
	if (step == FILTER_WHO)
		filter_learn();
	if (step != FILTER_TOLD)
		verdict = filter_end();
	filter_give(w);
	if (verdict > 0)
		record->left_out = (uint32_t)verdict;
	return verdict == FILTER_LEAVE_OUT;
}

/* True when the finished record must not be told. */
static __always_inline bool filter_drops(const void *record)
{
	return filters_possible && *(volatile uint32_t *)&filter_generation &&
	       filter_ask((struct rec_head *)record);
}

/* --- processes --- */
static __always_inline void filter_actor_word(uint64_t task, int (*what)(void))
{
	struct filter_work *w;

	if (!filters_possible || !*(volatile uint32_t *)&filter_follows)
		return;
	w = filter_take();
	if (!w)
		return;
	w->task = task;
	what();
	filter_give(w);
}

/* @child was made, and is not yet running. */
static __always_inline void filter_forked(struct task_struct *child)
{
	filter_actor_word((uint64_t)child, filter_inherit);
}

/* @task has a new executable. */
static __always_inline void filter_executed(struct task_struct *task)
{
	filter_actor_word((uint64_t)task, filter_become);
}

/* The process @tgid ended. */
static __always_inline void filter_ended(uint32_t tgid)
{
	if (filters_possible && *(volatile uint32_t *)&filter_follows)
		bpf_map_delete_elem(&filter_actors, &tgid);
}
