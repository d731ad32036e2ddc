/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/probe_filter.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>

#include <bpf/bpf.h>
#include <linux/membarrier.h>

/* ---- the table of values ---- */

static int put(const struct filter_state *s, uint32_t generation, const struct filter_entry *e)
{
	struct filter_key key = e->key;

	key.generation = (uint16_t)generation;
	return bpf_map_update_elem(s->values, &key, &e->slots, BPF_ANY) < 0 ? err_origin(-errno)
									    : 0;
}

static void take_out(const struct filter_state *s, uint32_t generation, const struct filter_key *k)
{
	struct filter_key key = *k;

	key.generation = (uint16_t)generation;
	(void)bpf_map_delete_elem(s->values, &key); /* not there: put() failed */
}

static void take_out_all(const struct filter_state *s, uint32_t generation,
			 const struct filter_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		take_out(s, generation, &entries[i].key);
	for (size_t i = 0; i < FILTER_CGROUPS; i++) {
		struct filter_key key = { .bits = FILTER_HEAD_BITS + 64, .dim = FILTER_CGROUP };

		memcpy(key.data, &s->cgroups[i].id, sizeof(s->cgroups[i].id));
		if (s->cgroups[i].id)
			take_out(s, generation, &key);
	}
}

static bool asks_cgroups(const struct filter_set *set)
{
	return set->uses >> FILTER_CGROUP & 1;
}

static int put_all(struct filter_state *s, const struct filter_set *set, const struct filter *rules,
		   const struct filter_entry *entries, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = put(s, set->generation, &entries[i]);
	for (size_t i = 0; r == 0 && asks_cgroups(set) && i < FILTER_CGROUPS; i++) {
		const struct filter_cgroup *c = &s->cgroups[i];
		struct filter_entry e = filter_cgroup(rules, c->id, c->container);

		if (c->id)
			r = put(s, set->generation, &e);
	}
	return r;
}

/* ---- counts ---- */

static int read_hits(const struct filter_state *s, uint32_t generation, uint64_t ret[FILTER_SLOTS])
{
	uint32_t at = generation % FILTER_SETS;

	memset(ret, 0, FILTER_SLOTS * sizeof(ret[0]));
	if (bpf_map_lookup_elem(s->hits, &at, s->read) < 0)
		return err_origin(-errno);
	for (int cpu = 0; cpu < s->n_cpus; cpu++)
		for (size_t i = 0; i < FILTER_SLOTS; i++)
			ret[i] += s->read[cpu].n[i];
	return 0;
}

static int clear_hits(const struct filter_state *s, uint32_t generation)
{
	uint32_t at = generation % FILTER_SETS;

	memset(s->read, 0, (size_t)s->n_cpus * sizeof(*s->read));
	return bpf_map_update_elem(s->hits, &at, s->read, BPF_ANY) < 0 ? err_origin(-errno) : 0;
}

/* What the rules that went decided goes on under their names, where the new ones have them. */
static void carry_over(struct filter_state *s, const struct filter *old, const uint64_t *hits,
		       const struct filter *new)
{
	uint64_t before[FILTER_SLOTS] = { 0 };

	for (size_t i = 0; old && i < filter_n(new); i++)
		for (size_t k = 0; k < filter_n(old); k++)
			if (strcmp(filter_name(new, i), filter_name(old, k)) == 0)
				before[i] = s->before[k] + hits[k];
	memcpy(s->before, before, sizeof(before));
}

/* ---- the change ---- */

/* Returns when no program that was running before still is. */
static void wait_for_programs(void)
{
	const struct timespec long_enough = { .tv_nsec = 100000000 };

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		nanosleep(&long_enough, NULL); /* not on kernels with nohz_full */
}

/* Makes @set the one that counts, then empties the table of the one before. */
static int swap(struct filter_state *s, const struct filter_set *set, struct filter *rules)
{
	uint32_t old = s->last, at = set->generation % FILTER_SETS;
	uint64_t hits[FILTER_SLOTS] = { 0 };
	int r = clear_hits(s, set->generation);

	if (r == 0 && bpf_map_update_elem(s->sets, &at, set, BPF_ANY) < 0)
		r = err_origin(-errno);
	if (r < 0)
		return r;
	if (set->uses & (1u << FILTER_EXECUTABLE | 1u << FILTER_ANCESTOR))
		__atomic_store_n(s->follows, 1, __ATOMIC_RELEASE);
	/* without rules nothing is judged, not even that there are none */
	s->in_force = filter_n(rules) ? set->generation : 0;
	__atomic_store_n(s->generation, s->in_force, __ATOMIC_RELEASE);
	s->last = set->generation;
	wait_for_programs();
	if (s->rules)
		(void)!read_hits(s, old, hits);
	carry_over(s, s->rules, hits, rules);
	take_out_all(s, old, s->entries, s->n_entries);
	return 0;
}

int filter_state_set(struct filter_state *s, struct filter *rules, struct diag *d)
{
	AUTO_MEM struct filter_entry *entries = NULL;
	uint32_t next = s->last + 1;
	struct filter_set set;
	size_t n = 0;
	int r = filter_compile(rules, &set, &entries, &n);

	if ((uint16_t)next == 0)
		next += 2; /* 0 is no set; keys have 16 bits of it */
	set.generation = next;
	if (r == 0)
		r = put_all(s, &set, rules, entries, n);
	if (r == 0)
		r = swap(s, &set, rules);
	if (r < 0) {
		take_out_all(s, next, entries, n);
		return diag_set(d, r, 0, 0, "the kernel did not take the filters: %s",
				strerror(-r));
	}
	free(s->entries);
	filter_free(s->rules);
	s->entries = TAKE(entries);
	s->n_entries = n;
	s->rules = rules;
	return 0;
}

/* ---- containers ---- */

void filter_state_cgroup(struct filter_state *s, uint64_t id, const char *container)
{
	struct filter_cgroup *c = &s->cgroups[s->next_cgroup];
	struct filter_entry old, e;

	if (id <= 1) /* the root's: on hosts with cgroup v1 every process is there */
		return;
	for (size_t i = 0; i < FILTER_CGROUPS; i++)
		if (s->cgroups[i].id == id)
			return;
	s->next_cgroup = (s->next_cgroup + 1) % FILTER_CGROUPS;
	if (s->rules) {
		old = filter_cgroup(s->rules, c->id, "");
		if (c->id)
			take_out(s, s->last, &old.key);
	}
	c->id = id;
	snprintf(c->container, sizeof(c->container), "%s", container);
	if (!s->rules)
		return;
	e = filter_cgroup(s->rules, id, c->container);
	(void)!put(s, s->last, &e); /* not there: its events are told */
}

int filter_state_counts(struct filter_state *s, struct probe_filter_count *ret, size_t most)
{
	uint64_t hits[FILTER_SLOTS];
	size_t n = s->rules ? MIN(filter_n(s->rules), most) : 0;
	int r = n ? read_hits(s, s->last, hits) : 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		ret[i] = (struct probe_filter_count){
			.name = filter_name(s->rules, i),
			.action = filter_action(s->rules, i),
			.events = s->before[i] + hits[i],
		};
	return r < 0 ? r : (int)n;
}

void filter_state_done(struct filter_state *s)
{
	filter_free(s->rules);
	free(s->entries);
	free(s->read);
}
