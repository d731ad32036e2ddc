/* SPDX-License-Identifier: Apache-2.0 */
/* pace - how long events are held back to be sent together, and how deep the consumer may sleep.
 *
 * A batch costs each end some 0.2 ms, however little it holds: ten a second are nothing where
 * thousands of events happen, and most of what a quiet node costs at all.  So a batch waits
 * - as long as the collector asks (5 ms) while someone is tailing,
 * - else as long as the settings say, where they say anything,
 * - else PACE_PROMPT_MS where much happens: as many events as pay for it;
 * - else, with a priority event (exec, credentials, ...), PACE_PROMPT_MS, as long as there is
 *   credit: a second earns one batch, PACE_CREDIT are saved.  So the first ten of a burst are
 *   prompt, and what hums goes out once a second;
 * - else, with bulk events alone, PACE_SLOW_MS.
 * Bulk events alone wake nobody then: they are found by the next turn, a second later at most.  A
 * priority record is read at once after a pause, and within PACE_PROMPT_MS always: what is to be
 * asked of its process (the file to hash, /proc) is soon gone.
 *
 * Times are the caller's; a clock that is set back makes due what waits.
 * Thread: sensor consumer.  Memory: none. */
#pragma once
#include "bpf/abi.h"
#include "lib/util.h"

enum {
	PACE_PROMPT_MS = 100,
	PACE_SLOW_MS = 1000,
	PACE_CREDIT = 10,      /* batches saved at most */
	PACE_BUSY_RATE = 1000, /* events a second that pay for a batch each PACE_PROMPT_MS */
};

struct pace {
	uint64_t fixed_ns, asked_ns; /* 0: not */
	uint64_t looked_ns;	     /* the turn before */
	uint64_t priority_ns,
		bulk_ns; /* since when the oldest unsealed one may be there; 0: none */
	uint64_t credit_ns, credited_ns; /* a batch costs a second; as of when */
	uint64_t sealed_ns, events;	 /* all was sealed; read since then */
	bool busy, woken;		 /* this turn found priority records */
};

/* What a turn found. */
struct pace_turn {
	uint64_t events;     /* that were read */
	bool woken;	     /* priority records among them */
	bool priority, bulk; /* events of that class are unsealed */
	uint32_t asked_ms;   /* what the last Ack said; 0: nothing */
};

/* @fixed_ms: what the settings say, 0: nothing. */
void pace_init(struct pace *p, uint32_t fixed_ms);

/* Once a turn, when records were read and before the next two are asked. */
void pace_look(struct pace *p, const struct pace_turn *turn, uint64_t now_ns);

/* How long the unsealed events may still wait; 0: seal them; UINT64_MAX: there are none. */
uint64_t pace_left_ns(const struct pace *p, uint64_t now_ns);

/* Everything was sealed. */
void pace_sealed(struct pace *p, uint64_t now_ns);

/* How long to sleep, a second at most, and what is to end it sooner. */
uint64_t pace_sleep_ns(const struct pace *p, uint64_t now_ns, enum rec_wake *ret_wake);
