/* SPDX-License-Identifier: Apache-2.0 */
/* facts_beside - what facts.db knows of the programs of a batch, as columns of its process table:
 * rtsec.prevalence.nodes, rtsec.first_seen and rtsec.seen_for, and of its destinations as columns
 * of its event tables: rtsec.destination.nodes and .seen_for (lib/block.h: block_beside).
 *
 * A program by the SHA-256 where it is known, else by the path.  What was never seen has 0 nodes.
 * How long ago something was new is not said before FACTS_BESIDE_LEARN_S: everything is new then.
 * Thread: one owner at a time.  Memory: a cache of FACTS_BESIDE_CACHE answers, each good for some
 * seconds. */
#pragma once
#include "collector/facts.h"

struct facts_beside;

enum { FACTS_BESIDE_CACHE = 1024, FACTS_BESIDE_MS = 5000, FACTS_BESIDE_LEARN_S = 86400 };

/* @f is borrowed.  Returns 0 or -ENOMEM; facts.db is opened when it is first asked. */
NODISCARD int facts_beside_new(struct facts_beside **ret, const struct facts *f);
struct facts_beside *facts_beside_free(struct facts_beside *b);
DEFINE_FREEP(facts_beside)

/* For block_set_beside() and store_reader_set_beside(); lives as long as @b. */
const struct block_beside *facts_beside_columns(const struct facts_beside *b);
