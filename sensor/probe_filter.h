/* SPDX-License-Identifier: Apache-2.0 */
/* probe_filter - puts rules into the kernel's tables and takes out what they decided; inside of
 * probe only.
 * Thread: as probe.  Memory: fixed, and the keys that are in the tables. */
#pragma once
#include "sensor/probe.h"

enum { FILTER_CGROUPS = 512 }; /* remembered for rules to come; the oldest are forgotten */

struct filter_cgroup {
	uint64_t id; /* 0: free */
	char container[FILTER_CONTAINER_BYTES];
};

struct filter_state {
	int sets, values, hits;		/* descriptors of the maps, borrowed */
	uint32_t *generation, *follows; /* words of the kernel side */
	uint32_t last;			/* generation of the newest set */
	_Atomic uint32_t in_force;	/* what *generation must be; 0: no set */
	int n_cpus;
	struct filter *rules;	      /* in force; NULL: none */
	struct filter_entry *entries; /* of them, in the table */
	size_t n_entries;
	uint64_t before[FILTER_SLOTS]; /* events decided by rules of the same name before */
	struct filter_cgroup cgroups[FILTER_CGROUPS];
	size_t next_cgroup;
	struct filter_hits *read; /* per CPU */
};

/* As probe_filter(), probe_filter_cgroup(), probe_filter_counts(). */
NODISCARD int filter_state_set(struct filter_state *s, struct filter *rules, struct diag *d);
void filter_state_cgroup(struct filter_state *s, uint64_t id, const char *container);
NODISCARD int filter_state_counts(struct filter_state *s, struct probe_filter_count *ret,
				  size_t most);
void filter_state_done(struct filter_state *s);
