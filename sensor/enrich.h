/* SPDX-License-Identifier: Apache-2.0 */
/* enrich - turns kernel records into event rows: who did it (process, parent, session and entry
 * leader, user, container), to what (path, address), and how it ended.
 *
 * Hot path: no allocation per event; per exec one image; rows of processes once per batch.
 * Thread: sensor consumer.  Memory: struct known and small scratch. */
#pragma once
#include "sensor/gather.h"
#include "sensor/known.h"
#include "sensor/probe.h"
#include "sensor/record.h"

struct enrich;

/* Returns what known_new() does.  *ret is freed with enrich_free(). */
NODISCARD int enrich_new(struct enrich **ret, const struct known_config *config);
struct enrich *enrich_free(struct enrich *e);
DEFINE_FREEP(enrich)

/* Takes the time: how since-boot becomes since-1970; looks after the process table.  Call at each
 * wake-up, not per event.  Returns now, since 1970. */
uint64_t enrich_tick(struct enrich *e);

/* Since-boot time as since-1970, by the last tick. */
uint64_t enrich_time(const struct enrich *e, uint64_t boot_ns);

/* Adds the rows that @r means to @g, numbering them from *seq on. */
void enrich_record(struct enrich *e, const struct record *r, struct gather *g, uint64_t *seq);

/* Adds an event for each container that began or ended since the last call; at the @end also for
 * those of which more might become known. */
void enrich_containers(struct enrich *e, struct gather *g, uint64_t *seq, bool end);

/* Adds an event for each executable whose hash has become known since the last call. */
void enrich_hashes(struct enrich *e, struct gather *g, uint64_t *seq);

/* Adds an event for each connection that got other addresses since the last call,
 * ENRICH_TRANSLATIONS at most.  Returns false when some were lost since the last call. */
enum { ENRICH_TRANSLATIONS = 1024 };
NODISCARD bool enrich_translations(struct enrich *e, struct gather *g, uint64_t *seq);

/* Adds a throttle event. */
void enrich_throttle(struct enrich *e, struct gather *g, uint64_t *seq,
		     const struct probe_throttle *t);

/* Entries that gave way to others, or for which there was no room, since the start. */
struct enrich_evictions {
	uint64_t processes; /* alive */
	uint64_t domains, containers;
};
void enrich_evictions(const struct enrich *e, struct enrich_evictions *ret);

struct known *enrich_known(struct enrich *e);

/* Who hashes executables, borrowed; NULL: nobody. */
const struct hashes *enrich_hasher(const struct enrich *e);
