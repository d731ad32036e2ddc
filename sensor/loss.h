/* SPDX-License-Identifier: Apache-2.0 */
/* loss - what was lost and not yet told.  A loss is added where it happens, turned into a gap
 * event, and travels with the frame that tells it: when that frame is lost too, the loss comes
 * back here.  So the count of a class and cause is exact, and its ranges are the smallest that
 * hold all of it.
 * Thread: one owner at a time.  Memory: fixed. */
#pragma once
#include "lib/fields.h"

/* The numbers are kept on disk by sensor/spool_record.c: add at the end only. */
enum loss_cause {
	LOSS_RING_FULL,	 /* kernel: no room in a ring */
	LOSS_MAP_FULL,	 /* kernel: no room in a map: the close of a connection lacks its owner */
	LOSS_PROBE_BUSY, /* kernel: a program ran nested on one CPU */
	LOSS_QUEUE_FULL, /* sensor: frames dropped from the outbox */
	LOSS_MALFORMED,	 /* kernel records that failed their check */
	LOSS_REFUSED,	 /* the collector refused the frame */
	LOSS_NO_MEMORY,	 /* a batch could not be sealed */
	LOSS_RESTART,	 /* the sensor before died: what it had not sent; the count is not known */
	LOSS_SPOOL_FULL,    /* dropped from the disk spool to make room */
	LOSS_SPOOL_EXPIRED, /* was in the disk spool for too long */
	LOSS_SPOOL_DAMAGED, /* in the disk spool, but not readable; the count may not be known */
	LOSS_CONNTRACK_FULL, /* kernel: too many translations waited; the count is not known */
	LOSS_CAUSES
};

struct loss {
	uint64_t count; /* events; 0: not known */
	enum kind_class class;
	enum loss_cause cause;
	uint64_t from_ns, to_ns;      /* since 1970 */
	uint64_t first_seq, last_seq; /* 0: lost before numbering */
};

enum { LOSSES_MAX = CLASS_MAX * LOSS_CAUSES };

struct losses {
	struct loss at[CLASS_MAX][LOSS_CAUSES];
	uint32_t pending; /* bit class * LOSS_CAUSES + cause */
};

/* Adds @l to what is pending of its class and cause. */
void losses_add(struct losses *all, const struct loss *l);

/* Adds all of @from and empties it. */
void losses_move(struct losses *all, struct losses *from);

/* Takes one out.  Returns false when there is none. */
bool losses_take(struct losses *all, struct loss *ret);

static inline UNUSED bool losses_any(const struct losses *all)
{
	return all->pending != 0;
}

/* Word of rtsec.gap.cause and of rtsec.gap.class. */
const char *loss_cause_name(enum loss_cause cause);
const char *loss_class_name(enum kind_class class);
