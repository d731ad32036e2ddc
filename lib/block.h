/* SPDX-License-Identifier: Apache-2.0 */
/* block - one EventBatch opened for reading: what the collector checks, stores, searches, renders.
 *
 * block_load() checks the whole message against proto/rtsec.proto and lib/limits.h: every count,
 * every string number, every row reference.  After it succeeded no reader needs to check again.
 * Columns are unpacked when first asked for and kept until the next block_load().
 *
 * Values are raw as on the wire: 0 is null; LONG, BOOL and DATE are value + 1; KEYWORD and IP are
 * 1-based string numbers; ID is the hash; row references are row + 1.
 *
 * Thread: one owner at a time.  Memory: one arena, kept over loads. */
#pragma once
#include "lib/diag.h"
#include "lib/fields.h"
#include "lib/frame.h"

struct block;

struct block_string {
	const char *s; /* not NUL-terminated; any bytes but NUL */
	uint32_t n;
};

struct block_label {
	struct block_string key, value;
};

/* Who sent it and what it holds.  Pointers live until the next block_load(). */
struct block_info {
	struct block_string node_id, node_name, architecture, os_kernel, agent_version;
	uint8_t boot_id[16];
	char boot_text[37]; /* the same as a UUID */
	uint64_t first_seq;
	uint32_t n_events; /* 0: a heartbeat */
	uint64_t sent_time_ns;
	uint64_t min_time_ns, max_time_ns; /* of its events; 0 without any */
	uint64_t kinds;			   /* bit k: it has events of kind k */
	uint32_t n_processes, n_strings, n_tables;
	const struct block_label *labels;
	uint32_t n_labels;
	bool has_unknown;     /* a column of a newer sensor was passed over */
	uint64_t ingested_ns; /* set by the reader with block_set_ingested(); 0: unknown */
};

/* List column: values of row r are values[starts[r]] .. values[starts[r + 1] - 1]. */
struct block_list {
	const uint32_t *starts; /* rows + 1 of them */
	const uint32_t *values; /* string numbers, never 0 */
};

enum { BLOCK_PROCESSES = UINT32_MAX }; /* as a table index: the process table */

/* Makes an empty reader.  *ret is freed with block_free().  Returns 0 or -ENOMEM. */
NODISCARD int block_new(struct block **ret);
struct block *block_free(struct block *b);
DEFINE_FREEP(block)

/* Opens the frame @frame (borrowed for the call only) and checks it.
 * Returns 0; -EBADMSG: it breaks the format or a limit, the reason is in @d (with an enum
 * frame_fault), @b is empty; -ENOMEM.
 */
NODISCARD int block_load(struct block *b, const void *frame, size_t n, struct diag *d);

/* The same for a frame that block_load() has accepted before: only what reading safely needs is
 * checked; a value that would point outside is read as null. */
NODISCARD int block_load_stored(struct block *b, const void *frame, size_t n, struct diag *d);

const struct block_info *block_info(const struct block *b);
void block_set_ingested(struct block *b, uint64_t ingested_ns);

/* SensorStats as the sensor sent them (zeroes when it sent none).  n_tiers of tiers[] and so on
 * are filled and live until the next block_load(). */
struct block_stats {
	int64_t clock_offset_ns; /* the node is ahead of the collector by this */
	uint64_t clock_error_ns; /* within this; 0: not measured */
	uint64_t events, lost_priority, lost_bulk, lost_queue, malformed;
	uint64_t batches_queued, bytes_queued, cpu_ns, rss_bytes, processes;
	uint64_t left_out, undecided;
	struct block_string tiers[64], counters[64];
	size_t n_tiers, n_counters;
};
void block_stats(const struct block *b, struct block_stats *ret);

/* Event tables 0 .. n_tables - 1 in ascending kind. */
enum kind block_kind(const struct block *b, uint32_t table);
uint32_t block_rows(const struct block *b, uint32_t table); /* BLOCK_PROCESSES too */

/* A column as one raw value a row; NULL when it is null in every row (or memory ran out:
 * block_failed() tells).  Not for KEYWORDS. */
const uint64_t *block_column(struct block *b, uint32_t table, enum field f);

/* The same for KEYWORDS.  Returns false when every row is null. */
bool block_list(struct block *b, uint32_t table, enum field f, struct block_list *ret);

bool block_failed(const struct block *b);

/* All strings one after the other, nothing between them; *ret_n bytes. */
const char *block_strings(const struct block *b, size_t *ret_n);

/* String @number (1-based, as columns give it). */
struct block_string block_string(const struct block *b, uint32_t number);

/* One field of one event as a person or JSON wants it: via, derivation and types resolved. */
enum block_value_type {
	VALUE_NULL,
	VALUE_LONG,
	VALUE_BOOL,
	VALUE_DATE,
	VALUE_ID,
	VALUE_STRING,
	VALUE_STRINGS
};
struct block_value {
	enum block_value_type type;
	uint64_t number;	    /* LONG BOOL DATE ID */
	struct block_string string; /* STRING; may point into the block's scratch: copy before the
				     * next block_value() */
	const uint32_t *strings;    /* STRINGS: string numbers */
	uint32_t n_strings;
};
struct block_value block_value(struct block *b, uint32_t table, uint32_t row, struct field_ref ref);

/* Columns that no batch has, null as long as nobody knows them.  @ask gives the raw value of one:
 * FIELD_PREVALENCE_NODES, FIELD_FIRST_SEEN and FIELD_SEEN_FOR of the program @value with this
 * @sha256 (n 0 where they are not known), FIELD_DEST_NODES and FIELD_DEST_SEEN_FOR of the address
 * @value. */
struct block_beside {
	uint64_t (*ask)(enum field f, struct block_string value, struct block_string sha256,
			void *arg);
	void *arg;
};
/* Holds for all batches to come, too; NULL: null again.  @beside is borrowed. */
void block_set_beside(struct block *b, const struct block_beside *beside);
/* True for such a field. */
bool block_is_beside(enum field f);

/* Process row (1-based, 0: none) that @via names for an event. */
uint32_t block_process(struct block *b, uint32_t table, uint32_t row, enum field_via via);

/* Scratch that block_value() builds joined strings in: for lib/block_value.c and lib/expr only. */
struct buf *block_scratch(struct block *b);

/* The parts of a path that derived fields mean; s is NULL where there is none. */
struct block_string block_derive(enum field_rule rule, struct block_string path);
