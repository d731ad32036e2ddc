/* SPDX-License-Identifier: Apache-2.0 */
/* watch - the collector's eye on its sensors: what is wrong with one is an alarm, an event of its
 * node that rules can match, and a word in /api/v1/nodes.
 *
 *   stopped       its sensor told that it stops
 *   silent        nothing came for so long, though it did not tell that it stops
 *   lagging       what comes is too old, for a sixth of that time on end
 *   skewed        its clock, as measured on the link, is too far off ours
 *   downgraded    its sensor's version is lower than one that it had before
 *   duplicated    two connections send as this node by turns: a sensor was cloned with its state
 *   detached      its sensor told that its programs are gone (sensor/guard.h)
 *   state_opened  its sensor told that somebody opened its state
 *   ring_opened   its sensor told that somebody opened its memory or its maps
 *
 * Each is raised once and cleared once, over restarts too.  Of the last three the sensor's own
 * event raises, ours clears.  Times are of the monotonic clock, so that a clock that is set raises
 * nothing. Thread: ingest's.  Memory: one record a node; at most WATCH_PENDING alarms wait, those
 * that find no place are counted. */
#pragma once
#include "collector/maindb.h"

struct watch;

/* Bits of node.alarms, on disk: new ones go to the end. */
enum watch_condition {
	WATCH_STOPPED,
	WATCH_SILENT,
	WATCH_LAGGING,
	WATCH_SKEWED,
	WATCH_DOWNGRADED,
	WATCH_DUPLICATED,
	WATCH_DETACHED,
	WATCH_STATE_OPENED,
	WATCH_RING_OPENED,
	WATCH_CONDITIONS
};
const char *watch_name(enum watch_condition c);

/* How long or how far something may go before it is an alarm. */
struct watch_limits {
	uint64_t silent_ms, lag_ms, skew_ms;
	uint64_t calm_ms; /* of what comes now and then (duplicated, opened): unseen for so long, it
			     is over */
};
extern const struct watch_limits watch_usual;

enum { WATCH_PENDING = 256, WATCH_ADDRESS_BYTES = 64 };

struct watch_alarm {
	enum watch_condition condition;
	bool raised; /* false: it is over */
	char node_id[129], node_name[129];
	char addresses[2][WATCH_ADDRESS_BYTES]; /* of DUPLICATED; "": none */
	char text[256];				/* for people */
};

/* @m (borrowed) is told the state of each node; those that it knows are watched from now on, with
 * the alarms of before.  watch_usual is in force. */
NODISCARD int watch_new(struct watch **ret, struct maindb *m, uint64_t now_ms);
struct watch *watch_free(struct watch *w);
DEFINE_FREEP(watch)

/* A batch of node @number (maindb_node_seen()), loaded in @b, came over connection @pipe from
 * @address at @now_ms; its Ack is sure.  @received_ns: the wall clock then. */
struct watch_arrival {
	uint32_t number, pipe;
	const char *address;
	uint64_t received_ns, now_ms;
};
void watch_batch(struct watch *w, struct block *b, const struct watch_arrival *a);

void watch_set_limits(struct watch *w, const struct watch_limits *limits);

/* Looks for the silent, and for what is over.  To be called about once a second. */
void watch_tick(struct watch *w, uint64_t now_ms);

/* The next alarm that waits to be stored, which is taken.  Returns false when there is none. */
bool watch_take(struct watch *w, struct watch_alarm *ret);

/* Alarms that found no place: rtsec_ingest_alarms_lost_total. */
uint64_t watch_lost(const struct watch *w);
