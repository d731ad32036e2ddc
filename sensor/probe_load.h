/* SPDX-License-Identifier: Apache-2.0 */
/* probe_load - puts the programs into the kernel: loads those of the kinds that are wanted and have
 * a place in this kernel, attaches them, keeps what is needed from then on; inside of probe only.
 *
 * libbpf's object with all instructions and types (3 MB) goes before probe_load() returns: programs
 * live by their links, maps by descriptors of our own.
 * Thread: any one at a time. */
#pragma once
#include "sensor/probe.h"
#include "sensor/probe_table.h"

enum { PROBE_LINKS = 192, PROBE_NOTES = 4 };

struct bpf_link;
struct rtsec_bpf__bss;

/* What stays of the programs.  Zeroed: nothing. */
struct probe_kept {
	int rings[REC_CLASSES], losses, workloads; /* maps */
	int filter_sets, filter_values, filter_hits;
	struct rtsec_bpf__bss *memory; /* shared with the programs; NULL: no map is kept either */
	size_t memory_bytes;
	uint32_t ring_bytes[REC_CLASSES], marks[REC_CLASSES];
	struct bpf_link *links[PROBE_LINKS];
	size_t n_links;
	struct guard_ids ids;
	struct probe_tier tiers[PROBE_ROWS_MOST];
	char reports[PROBE_ROWS_MOST][64];
	size_t n_tiers;
	char notes[PROBE_NOTES][160];
	size_t n_notes;
};

/* Fills @ret, which is freed with probe_kept_done() also when this failed.  @n_cpus: possible ones.
 * Returns as probe_new(). */
NODISCARD int probe_load(struct probe_kept *ret, const struct probe_settings *s, int n_cpus,
			 struct diag *d);
void probe_kept_done(struct probe_kept *k); /* detaches */
