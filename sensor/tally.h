/* SPDX-License-Identifier: Apache-2.0 */
/* tally - what the sensor counts of itself beside losses, as SensorStats.counters has it: events
 * that each filter decided, entries that gave way in tables of fixed size, what of processes could
 * not be seen or hashed.
 * Thread: sensor consumer. Memory: fixed. */
#pragma once
#include "sensor/enrich.h"
#include "sensor/source.h"

enum { TALLY_TEXTS = 64, TALLY_BYTES = 112 }; /* filters after the first ones have no text */

struct tally {
	uint64_t left_out, undecided; /* as in SensorStats */
	uint64_t evicted;	      /* entries of all tables together */
	const char *at[TALLY_TEXTS];
	size_t n;
	char texts[TALLY_TEXTS][TALLY_BYTES];
};

/* Counts anew. */
void tally_make(struct tally *t, const struct source *s, struct enrich *e);

/* Writes the evictions as a sentence to @buf.  Returns @buf. */
const char *tally_evictions(const struct tally *t, char *buf, size_t n);
