/* SPDX-License-Identifier: Apache-2.0 */
/* document_read - reads events back from the documents that document.h writes.
 *
 * What a document cannot do without: host.id, host.boot.id, event.sequence, @timestamp,
 * event.category and event.action, and the entity_id of each process that it tells of.  What is
 * derived from other fields is passed over, and so is what the collector adds.  A document does not
 * tell how often a process had called execve, nor the ancestors of its parent: batches do
 * (collector/import.h).
 * Thread: one owner at a time.  Memory: the document at hand. */
#pragma once
#include "lib/batch.h"
#include "lib/diag.h"

struct document_reader;

NODISCARD int document_reader_new(struct document_reader **ret);
struct document_reader *document_reader_free(struct document_reader *r);
DEFINE_FREEP(document_reader)

/* What is known of the document that was read last.  The strings live until the next
 * document_read(). */
struct document_event {
	struct batch_origin origin; /* without labels */
	enum kind kind;
	uint64_t seq, time_ns;
};

/* Reads one document, @n bytes of JSON.  Returns 0, -ENOMEM, or -EINVAL: @d tells the column and
 * what was expected there (its line is 1). */
NODISCARD int document_read(struct document_reader *r, const char *text, size_t n,
			    struct document_event *ret, struct diag *d);

/* Writes the event that was read last into @b, a batch of its node and boot, with a process row of
 * its own for each process that it tells of (lib/rebatch.h has each once). */
void document_put(struct document_reader *r, struct batch *b);

/* Begins to count execs anew: before the first event of a batch. */
void document_reader_begin(struct document_reader *r);
