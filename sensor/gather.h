/* SPDX-License-Identifier: Apache-2.0 */
/* gather - the batch being gathered, with what its frame must know of it, and memos that spare the
 * dictionary: words that come again and again are looked up by pointer or number.
 * Thread: sensor consumer.  Memory: a struct batch and fixed tables. */
#pragma once
#include "lib/batch.h"
#include "sensor/outbox.h"

enum { GATHER_MEMO = 128, GATHER_SLOTS = 2 };

struct gather_memo {
	uint64_t key, stamp;
	uint32_t number;
};

struct gather {
	struct batch *batch;
	uint32_t slot;	/* which of proc_version.row[] is its own */
	uint64_t stamp; /* unique to this batch over all gathers; see gather_clear() */
	uint64_t first_seq, last_seq, from_ns, to_ns;
	uint64_t events[CLASS_MAX];
	uint32_t n_list_values;
	struct loss losses[LOSSES_MAX]; /* told by its gap events */
	size_t n_losses;
	struct gather_memo memo[GATHER_MEMO];
};

/* Returns what batch_new() does.  Done with gather_done(). */
NODISCARD int gather_init(struct gather *g, uint32_t slot, const struct batch_origin *origin);
void gather_done(struct gather *g);

/* Begins the next batch; the one before was sealed. */
void gather_clear(struct gather *g);

static inline UNUSED bool gather_any(const struct gather *g)
{
	return g->first_seq != 0;
}

/* Holds events of @class; gap events, which are of none, count as priority. */
static inline UNUSED bool gather_has(const struct gather *g, enum kind_class class)
{
	return g->events[class] || (class == CLASS_PRIORITY && g->n_losses);
}

/* Begins an event row.  @time_ns since 1970. */
void gather_event(struct gather *g, enum kind kind, uint64_t seq, uint64_t time_ns);

/* String number of a word that lives for ever and is known by its address; 0 for NULL. */
uint32_t gather_word(struct gather *g, const char *word);

/* String number of a text made from a number: @print writes it to a buffer of @n bytes. */
uint32_t gather_number(struct gather *g, void (*print)(uint64_t v, char *buf, size_t n),
		       uint64_t v);

/* Adds a gap event for @l, and remembers that this batch tells it. */
void gather_gap(struct gather *g, uint64_t seq, uint64_t now_ns, const struct loss *l);

/* Adds an event in which the sensor speaks of itself. */
void gather_sensor(struct gather *g, uint64_t seq, uint64_t now_ns, const char *message);
/* An alarm: the sensor's programs are no longer what they were, as @message says. */
void gather_detached(struct gather *g, uint64_t seq, uint64_t now_ns, const char *message);

/* Seals the batch into a frame and begins the next.  Without events it makes a heartbeat. @next_seq
 * goes into a heartbeat.  Returns 0 or -ENOMEM: then the batch is lost; the caller accounts for it
 * with gather_lost() before gather_clear(). */
NODISCARD int gather_seal(struct gather *g, struct frame_codec *codec,
			  const struct batch_stats *stats, uint64_t next_seq, uint64_t now_ns,
			  struct outbox_frame **ret);

/* Adds what the batch holds to @all, as lost for @cause. */
void gather_lost(const struct gather *g, enum loss_cause cause, struct losses *all);
