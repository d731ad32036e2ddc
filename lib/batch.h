/* SPDX-License-Identifier: Apache-2.0 */
/* batch - gathers events into one EventBatch frame, column by column.
 *
 * Rows are written one at a time: batch_row() begins a row of a kind's table, the setters fill its
 * fields, fields not set stay null.  A table's last row is the one that setters change, so a
 * process row (kind KIND_NONE) may be written while an event row is open.  Out of memory is
 * remembered and told by batch_seal().
 *
 * Thread: one owner at a time (the sensor's consumer; the collector's merger).
 * Memory: grows to the largest batch and is kept over batch_seal() / batch_clear(). */
#pragma once
#include "lib/buf.h"
#include "lib/fields.h"
#include "lib/frame.h"

struct batch;

struct batch_label {
	const char *key, *value;
};

/* What stays the same in every batch of a node and boot; strings are borrowed for the call. */
struct batch_origin {
	const char *node_id, *node_name;
	uint8_t boot_id[16];
	const char *architecture, *os_kernel, *agent_version;
	const struct batch_label *labels;
	size_t n_labels;
};

/* Mirrors SensorStats of proto/rtsec.proto. */
struct batch_stats {
	int64_t clock_offset_ns; /* the node is ahead of the collector by this */
	uint64_t clock_error_ns; /* within this; 0: not measured */
	uint64_t events, lost_priority, lost_bulk, lost_queue, malformed;
	uint64_t batches_queued, bytes_queued, cpu_ns, rss_bytes, processes;
	uint64_t left_out, undecided;
	const char *const *tiers, *const *counters;
	size_t n_tiers, n_counters;
};

/* Makes an empty batch.  @origin is copied.  *ret is freed with batch_free().
 * Returns 0, -EINVAL (a name of the origin is missing or over its limit) or -ENOMEM. */
NODISCARD int batch_new(struct batch **ret, const struct batch_origin *origin);
struct batch *batch_free(struct batch *b);
DEFINE_FREEP(batch)

/* Events in it; bytes it takes before compression, roughly. */
uint32_t batch_events(const struct batch *b);
size_t batch_bytes(const struct batch *b);

/* Number of @s in the dictionary (1-based), entered when new.  0 for NULL: null.  Bytes after a
 * NUL are cut.  Strings over LIMIT_STRING_BYTES are cut. */
uint32_t batch_string(struct batch *b, const char *s, size_t n);

/* Begins a row in the event table of @kind; sets SEQ and TIMESTAMP (ns since 1970). */
void batch_event(struct batch *b, enum kind kind, uint64_t seq, uint64_t time_ns);

/* Row of the process (@entity, @generation) in the process table, 1-based; 0: not there yet. */
uint32_t batch_process_find(const struct batch *b, uint64_t entity, uint32_t generation);

/* Begins a row in the process table and returns its 1-based number; sets ENTITY_ID, GENERATION.
 * @entity must not be 0.  References to other rows must name rows that are already there. */
uint32_t batch_process_add(struct batch *b, uint64_t entity, uint32_t generation);

/* Set a field of the last row of @kind's table (KIND_NONE: the process table). */
void batch_set(struct batch *b, enum kind kind, enum field f, uint64_t value); /* LONG BOOL DATE */
void batch_set_id(struct batch *b, enum kind kind, enum field f, uint64_t hash);
void batch_set_row(struct batch *b, enum kind kind, enum field f, uint32_t process_row);
void batch_set_str(struct batch *b, enum kind kind, enum field f, const char *s, size_t n);
void batch_set_string(struct batch *b, enum kind kind, enum field f,
		      uint32_t string); /* a number from batch_string() */
void batch_set_list(struct batch *b, enum kind kind, enum field f, const uint32_t *strings,
		    size_t n); /* numbers from batch_string() */

/* Encodes everything as one frame, appended to @out, and empties the batch.  With no events it
 * makes a heartbeat that tells @next_seq.  Returns 0, or -ENOMEM: the batch is emptied all the
 * same and its events are the caller's to account for. */
NODISCARD int batch_seal(struct batch *b, struct frame_codec *codec,
			 const struct batch_stats *stats, uint64_t next_seq, uint64_t now_ns,
			 struct buf *out);
