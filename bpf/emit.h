/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* emit - the one way out of the programs: whether a task is watched, writing a record to its ring,
 * counting what did not fit, and deciding whether to wake the reader.
 *
 * Waking costs 5 to 15 times the record itself, so the reader says in control.wake when it wants
 * to be woken.  It says so, then looks at the rings once more, then sleeps; we write the record,
 * then look at that word once more: one of the two always sees the other. */
#pragma once
#include "bpf/filter.h"
#include "bpf/throttle.h"

/* --- losses --- */
static __noinline void emit_lost(enum rec_class class, enum rec_cause cause)
{
	uint32_t zero = 0, epoch = *(volatile uint32_t *)&control.loss_epoch;
	uint64_t now = bpf_ktime_get_boot_ns();
	struct rec_losses *all = bpf_map_lookup_elem(&losses, &zero);
	struct rec_loss *loss;

	if (!all || (uint32_t) class >= REC_CLASSES || (uint32_t)cause >= REC_CAUSES)
		return;
	loss = &all->by[class][cause];
	if (!loss->count || loss->epoch != epoch) {
		loss->epoch = epoch;
		loss->first_ns = now;
	}
	loss->last_ns = now;
	loss->count++;
}

/* --- scratch --- */
/* The CPU's buffer @which, empty head; NULL (and counted): it is in use. */
static __always_inline struct scratch *scratch_take(uint32_t which, enum rec_class class)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &which);

	if (!s)
		return NULL;
	if (s->busy) {
		emit_lost(class, REC_LOST_BUSY);
		return NULL;
	}
	s->busy = 1;
	s->which = which;
	return s;
}

/* The same where being in use is no loss. */
static __always_inline struct scratch *scratch_take_quiet(uint32_t which)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &which);

	if (!s || s->busy)
		return NULL;
	s->busy = 1;
	s->which = which;
	return s;
}

static __always_inline void scratch_give(struct scratch *s)
{
	*(volatile uint32_t *)&s->busy = 0;
}

/* --- waking --- */
static __always_inline uint32_t wake_wanted(void)
{
	return *(volatile uint32_t *)&control.wake;
}

/* A look at the fill of the ring costs a tenth of a record.  Where what a CPU writes between two
 * looks is nothing beside the room above the mark, every 16th record looks. */
enum { LOOK_EVERY = 16, SMALL_BYTES = 512, LARGE_MARK = 1 << 20 };

static __always_inline bool look_due(uint64_t mark, uint64_t size)
{
	uint32_t zero = 0, *n;

	if (mark < LARGE_MARK || size > SMALL_BYTES)
		return true;
	n = bpf_map_lookup_elem(&unlooked, &zero);
	return !n || ++*n % LOOK_EVERY == 0;
}

/* The reader waits for the next record of @class. */
static __always_inline bool wake_with_next(enum rec_class class, uint32_t wake)
{
	return wake == REC_WAKE_FIRST || (class == REC_CLASS_PRIORITY && wake == REC_WAKE_PRIORITY);
}

static __always_inline bool wake_due(enum rec_class class, void *ring, uint64_t mark, uint64_t size)
{
	uint32_t wake = wake_wanted();

	if (wake == REC_WAKE_NONE)
		return false;
	return wake_with_next(class, wake) ||
	       (look_due(mark, size) && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) + size >= mark);
}

static __always_inline uint64_t wake_flags(enum rec_class class, void *ring, uint64_t mark,
					   uint64_t size)
{
	if (!wake_due(class, ring, mark, size))
		return BPF_RB_NO_WAKEUP;
	*(volatile uint32_t *)&control.wake = REC_WAKE_NONE;
	return BPF_RB_FORCE_WAKEUP;
}

/* After the record: the reader went to sleep while we wrote it. */
static __noinline void wake_late(void *ring)
{
	void *nothing = bpf_ringbuf_reserve(ring, 8, 0);

	if (!nothing)
		return;
	*(volatile uint32_t *)&control.wake = REC_WAKE_NONE;
	bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

/* --- output --- */
/* Whoever may run anything can make some priority records at no cost, such as of a prctl or of a
 * setns that fails.  Of these no more than half of the ring is ever full: they push out no exec,
 * fork, end or change of ids. */
static __always_inline bool crowds_out(enum rec_class class, const void *record)
{
	uint16_t type;

	if (class != REC_CLASS_PRIORITY)
		return false;
	type = ((const struct rec_head *)record)->type;
	if (type <= REC_EXIT || type == REC_CREDENTIALS)
		return false;
	return bpf_ringbuf_query(&priority_ring, BPF_RB_AVAIL_DATA) * 2 >
	       bpf_ringbuf_query(&priority_ring, BPF_RB_RING_SIZE);
}

/* Writes @size bytes at @s as a record.  Nothing is told to the caller: a loss is counted. */
static __always_inline void emit_bytes(enum rec_class class, const void *record, uint64_t size)
{
	void *ring = class == REC_CLASS_PRIORITY ? (void *)&priority_ring : (void *)&bulk_ring;
	uint64_t mark = class == REC_CLASS_PRIORITY ? fill_priority : fill_bulk;
	uint64_t flags;

	OPAQUE(size);
	if (size > REC_MAX_BYTES)
		size = REC_MAX_BYTES;
	if (filter_drops(record) || (class == REC_CLASS_BULK && throttle(record)))
		return;
	if (crowds_out(class, record)) { /* before anybody is promised a wake-up */
		emit_lost(class, REC_LOST_RING);
		return;
	}
	flags = wake_flags(class, ring, mark, size);
	if (bpf_ringbuf_output(ring, (void *)record, size, flags))
		emit_lost(class, REC_LOST_RING);
	else if (flags == BPF_RB_NO_WAKEUP && wake_with_next(class, wake_wanted()))
		wake_late(ring);
}

/* Writes the record built in @s, whose head lacks only its size. */
static __always_inline void emit_scratch(enum rec_class class, struct scratch *s)
{
	uint32_t size = *(volatile uint32_t *)&s->at;

	((struct rec_head *)s->bytes)->size = size;
	emit_bytes(class, s->bytes, size);
}

/* Room for a record of fixed @size in the bulk ring, for programs that may interrupt others;
 * NULL: counted as lost. */
static __always_inline void *emit_reserve_bulk(uint64_t size)
{
	void *record = bpf_ringbuf_reserve(&bulk_ring, size, 0);

	if (!record)
		emit_lost(REC_CLASS_BULK, REC_LOST_RING);
	return record;
}

static __always_inline void emit_submit_bulk(void *record)
{
	uint64_t flags;

	if (filter_drops(record)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return;
	}
	flags = wake_flags(REC_CLASS_BULK, &bulk_ring, fill_bulk, 0);
	bpf_ringbuf_submit(record, flags);
	if (flags == BPF_RB_NO_WAKEUP && wake_with_next(REC_CLASS_BULK, wake_wanted()))
		wake_late(&bulk_ring);
}

/* --- floods --- */
enum { TOLD_PAUSE_NS = 1000000000 };

/* What is told once a second: numbers of one are not those of another.  What failed does not keep
 * what succeeds from being told. */
enum told {
	TOLD_WRITTEN,
	TOLD_PROTECT,
	TOLD_TRACED,
	TOLD_TRACE_FAILED,
	TOLD_MEMORY,
	TOLD_MEMORY_FAILED,
};

/* @actor did @what (a number of its call) to @target, and that was told less than a second ago. */
static __always_inline bool told_lately(enum told told, uint32_t actor, uint32_t target,
					uint32_t what, uint64_t now_ns)
{
	const struct poke key = { actor, target, what, told };
	uint64_t *last = bpf_map_lookup_elem(&pokes, &key);

	if (last && now_ns - *last < TOLD_PAUSE_NS)
		return true;
	bpf_map_update_elem(&pokes, &key, &now_ns, BPF_ANY);
	return false;
}
