/* SPDX-License-Identifier: Apache-2.0 */
/* ring - reads the two rings of the kernel side in place: priority before bulk.
 *
 * The kernel does not wake the reader for each record.  The reader says when it wants to be woken:
 * with the next record, the next priority record, or at the fill mark (it lingers, to gather a
 * batch).  It says so, then looks once more, then sleeps, and the kernel looks at that word again
 * after each record, so that no wake-up is lost.
 *
 * Thread: one.  Memory: maps each ring once, and has room for one record. */
#pragma once
#include "bpf/abi.h"
#include "lib/util.h"

struct ring;
struct probe;

/* One record: @n >= rec->size bytes at @rec, checked to be a whole struct rec_head with size <= n;
 * everything else is the callee's to check.  Valid during the call only.
 * Returns 0 to go on; anything else ends ring_consume() after this record and is returned by it. */
typedef int ring_record_fn(const struct rec_head *rec, size_t n, void *arg);

/* Makes a reader of @p's rings; @p must outlive it.  *ret is freed with ring_free().
 * Returns 0, -ENOMEM or a negative errno of mmap or epoll. */
NODISCARD int ring_new(struct ring **ret, struct probe *p);
struct ring *ring_free(struct ring *r);
DEFINE_FREEP(ring)

/* Gives up to @budget records to @fn, priority first; a priority record that comes meanwhile waits
 * for at most 256 bulk ones.  Space is given back to the kernel every 256 records and at the end.
 * Returns the number of records consumed, or what @fn returned, or -EBADMSG: a ring is corrupt. */
NODISCARD int64_t ring_consume(struct ring *r, uint32_t budget, ring_record_fn *fn, void *arg);

/* Sleeps until a record is there (REC_WAKE_FIRST), a priority record (REC_WAKE_PRIORITY), a ring
 * reached its fill mark (REC_WAKE_FILL, REC_WAKE_PRIORITY), or @timeout_ms passed (at most 1000 are
 * slept).  REC_WAKE_NONE: just sleeps.
 * Returns 1: there is something to consume; 0: time passed or a signal came; negative errno. */
NODISCARD int ring_wait(struct ring *r, enum rec_wake wake, int timeout_ms);

/* Bytes waiting in a ring now. */
uint64_t ring_waiting(const struct ring *r, enum rec_class class);
/* Records that were not whole; skipped. */
uint64_t ring_malformed(const struct ring *r);
