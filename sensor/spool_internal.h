/* SPDX-License-Identifier: Apache-2.0 */
/* spool_internal - segments, between spool.c (what to keep), spool_open.c (what is there at the
 * start) and spool_segment.c (files).
 * Thread: the spool's owner.  Memory: a segment owns its entries and its descriptor. */
#pragma once
#include "sensor/spool.h"
#include "sensor/spool_record.h"

enum spool_state { SPOOL_UNREAD, SPOOL_SENT, SPOOL_DONE };

struct spool_entry {
	uint64_t order;
	uint32_t offset;
	uint8_t state; /* enum spool_state */
};

struct spool_segment {
	uint64_t number;
	enum kind_class class;
	int fd; /* -1: not open */
	uint64_t size;
	uint64_t begun_ns;   /* since 1970, as its first record says */
	uint64_t expires_ns; /* of CLOCK_BOOTTIME; 0: never */
	struct spool_entry *entries;
	uint32_t n, cap;
	uint32_t next; /* entries before it are not SPOOL_UNREAD */
	uint32_t live; /* not SPOOL_DONE */
	bool dirty;
	struct spool_segment *after;
};

struct spool_chain {
	struct spool_segment *first, *last;
	struct spool_segment *active; /* the one that is written to; NULL: none */
	struct spool_segment *cached; /* another whose file is open; NULL: none */
};

struct spool_range {
	uint64_t first, last;
};

struct spool {
	struct spool_config config;
	const struct spool_io *io;
	char dir[3800];
	struct spool_chain chains[CLASS_MAX];
	uint64_t next_number, next_order;
	uint64_t bytes, unread, records;
	uint64_t unsynced_since_ns; /* 0: nothing is */
	struct losses losses;
	uint64_t lost_events;
	struct buf scratch;
	struct spool_range *ranges; /* of this boot, at the start */
	size_t n_ranges, cap_ranges;
};

/* Path of a segment's file. */
struct spool_path {
	char text[3860];
};
struct spool_path spool_segment_path(const struct spool *s, const struct spool_segment *g);

/* Makes a segment, without a file and in no chain.  NULL: no memory. */
struct spool_segment *spool_segment_new(uint64_t number, enum kind_class class);
struct spool_segment *spool_segment_free(struct spool_segment *g);

/* The segment's file, opened when it is not.  Returns it or a negative errno. */
NODISCARD int spool_segment_fd(struct spool *s, struct spool_segment *g);

/* Finds the records of a segment's file; tells those of which only traces are there as losses.
 * Returns 0, -ENOMEM or another negative errno. */
NODISCARD int spool_segment_scan(struct spool *s, struct spool_segment *g);

/* Adds an entry.  Returns 0 or -ENOMEM. */
NODISCARD int spool_segment_add(struct spool_segment *g, const struct spool_entry *e);

/* Reads record @i.  Returns 0 or -ENOMEM; -EBADMSG: it cannot be read; then *ret_head is what is
 * known of it, if *ret_has_head. */
NODISCARD int spool_segment_read(struct spool *s, struct spool_segment *g, uint32_t i,
				 struct outbox_frame **ret, struct spool_head *ret_head,
				 bool *ret_has_head);

/* Writes all @n bytes.  Returns 0 or a negative errno. */
NODISCARD int spool_write_all(const struct spool_io *io, int fd, const void *data, size_t n,
			      uint64_t at);

/* Adds a loss for a record of which only @head is known. */
void spool_head_lost(struct spool *s, const struct spool_head *head, enum loss_cause cause);

/* Adds a loss of records of which nothing is known but their neighbours, NULL: none. */
void spool_unknown_lost(struct spool *s, enum kind_class class, const struct spool_head *before,
			const struct spool_head *after);

/* Makes the folder when it is missing; enters what is in it.  Returns 0 or a negative errno. */
NODISCARD int spool_open_folder(struct spool *s);

/* Takes a segment out of its chain. */
void spool_chain_remove(struct spool *s, struct spool_segment *g);
/* The same, and deletes its file and frees it. */
void spool_remove_segment(struct spool *s, struct spool_segment *g);
