/* SPDX-License-Identifier: Apache-2.0 */
/* rebatch - writes events of blocks into a new batch: several small ones into one, or a run of one.
 *
 * Every value stays what it was; SensorStats are those of the block that was added last.  A process
 * row stands once where its columns are the same in several blocks; one that says other things of a
 * process is a row of its own, as it was.
 * Thread: one owner at a time.  Memory: the batch that is being written, and maps of the block
 * at hand. */
#pragma once
#include "lib/batch.h"
#include "lib/block.h"

struct rebatch;

/* An outcome: the block has what this build cannot write again as it is (columns of a newer sensor,
 * events without number or time, references to later rows); what was added so far is as it was only
 * after rebatch_begin(). */
enum { REBATCH_E_ODD = 1 };

NODISCARD int rebatch_new(struct rebatch **ret);
struct rebatch *rebatch_free(struct rebatch *r);
DEFINE_FREEP(rebatch)

/* Begins a batch of the node and boot of @like.  Returns 0, REBATCH_E_ODD or -ENOMEM. */
NODISCARD int rebatch_begin(struct rebatch *r, const struct block *like);

/* The same of another node and boot; its labels are left out.  Returns 0, -EINVAL (as batch_new())
 * or -ENOMEM. */
NODISCARD int rebatch_begin_as(struct rebatch *r, const struct batch_origin *origin);

/* True when @b says the same of its node as the block that the batch was begun with. */
bool rebatch_fits(const struct rebatch *r, const struct block *b);

/* Adds the events of @b with first_seq <= seq <= last_seq, which must come after those added
 * before. Returns 0, REBATCH_E_ODD or -ENOMEM. */
NODISCARD int rebatch_add(struct rebatch *r, struct block *b, uint64_t first_seq,
			  uint64_t last_seq);

/* Ends the batch: its frame, as sent at @sent_ns, is appended to @out.  Returns 0 or -ENOMEM. */
NODISCARD int rebatch_seal(struct rebatch *r, uint64_t sent_ns, struct buf *out);
