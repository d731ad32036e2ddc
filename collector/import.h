/* SPDX-License-Identifier: Apache-2.0 */
/* import - takes events that were saved into a store: batches, as rtsecctl export --format batches
 * wrote them or as a frames file of a day has them (collector/day.h), or documents, one JSON object
 * a line, as rtsecctl export and query -o ndjson write them.
 *
 * An event that the store has already, known by its node, boot and sequence number, is not stored
 * again.  In two steps, because the store has one writer: import_gather() reads the text, asks a
 * reader which events are there, and makes frames of the rest; import_append() stores them. Thread:
 * an importer has one owner; import_append() is the writer's.  Memory: the piece at hand, one
 * batch. */
#pragma once
#include <stdatomic.h>
#include <stdio.h>

#include "collector/store.h"
#include "lib/limits.h"

enum {

	IMPORT_BATCH_EVENTS = 4096, /* of a batch that is made of documents */
};

struct import_result {
	uint64_t batches, events; /* that are new */
	uint64_t there;		  /* events that were there before */
	uint64_t refused;	  /* batches that are damaged or break a limit */
	uint64_t lines;		  /* of documents, that were read */
	uint64_t at;		  /* bytes of the file that were read */
};

struct importer;

/* @reader is borrowed, and of no use to others during a call.  Returns 0 or -ENOMEM. */
NODISCARD int importer_new(struct importer **ret, struct store_reader *reader);
struct importer *importer_free(struct importer *im);
DEFINE_FREEP(importer)

/* Reads one piece, appends what is new to @out as records of a frames file, and adds to @ret what
 * was there, refused and read.  What it is shows at its first byte.  @first_line (from 1) is that
 * of its first line.  Returns 0; -EBADMSG: it is neither, or ends within a batch, or a document is
 * wrong: @d has line and column, and nothing of a piece of documents was appended; -ECANCELED when
 * *@cancel (NULL: never) became true; or another negative errno. */
NODISCARD int import_gather(struct importer *im, const void *data, size_t n, uint64_t first_line,
			    const atomic_bool *cancel, struct buf *out, struct import_result *ret,
			    struct diag *d);

/* Writer.  Appends the records of import_gather() and commits.  @stored (may be NULL) is told of
 * each batch that is new, after the commit.  Adds to @ret.  Returns 0 or a negative errno of the
 * store: then nothing is to be counted on.
 */
struct import_batch {
	const void *frame;
	size_t n;
	uint64_t id, ingested_ns;
	uint32_t n_events;
};
typedef void (*import_stored_fn)(const struct import_batch *b, void *arg);
NODISCARD int import_append(struct store *s, const struct buf *records, import_stored_fn stored,
			    void *arg, struct import_result *ret);

/* Reads @f to its end, of a store that nobody else writes.  Returns as import_gather(): what came
 * before is stored.
 */
NODISCARD int import_file(struct store *s, FILE *f, struct import_result *ret, struct diag *d);
