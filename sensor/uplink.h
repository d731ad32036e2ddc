/* SPDX-License-Identifier: Apache-2.0 */
/* uplink - carries frames from the outbox to the collector and their Acks back.
 *
 * An NNG REQ socket with a window of contexts: each context has one frame under way and waits for
 * its Ack.  NNG sends again when the connection breaks or an Ack is overdue; that is harmless,
 * since the collector knows a batch by (node, boot, first seq).  A frame leaves the outbox only
 * when its Ack says that it is stored, or refused for good; on BUSY it is sent again later.
 *
 * Threads: the calls any; Acks are handled on NNG's threads, which touch only the outbox, the
 * counters and their own context.  Only uplink*.c touch NNG in the sensor; no fork after it. */
#pragma once
#include "sensor/outbox.h"
#include "lib/diag.h"

struct uplink;

/* What the node shows, and whom it trusts: PEM texts; key and certificate are one. */
struct uplink_tls {
	const char *ca, *pem; /* live as long as the uplink, or until uplink_redial() */
};

enum { UPLINK_URLS = 8 };

/* Of several collectors the first is the one to be with; when it is away the next is dialled, and
 * the first tried again every minute. */
struct uplink_config {
	const char *const *urls;      /* tls+tcp://HOST:PORT, or tcp://; NULL at the end */
	const struct uplink_tls *tls; /* of the former */
	struct outbox *outbox;	      /* outlives the uplink */
	uint32_t window;	      /* frames under way at once */
	uint32_t resend_ms;	      /* an Ack is overdue after this */
	uint32_t reconnect_min_ms, reconnect_max_ms;
	uint32_t busy_ms; /* how long a BUSY frame waits */
	/* When to turn to another collector; 0: as uplink.c has it. */
	uint32_t silent_ms; /* frames under way and no Ack for so long: there is no connection */
	uint32_t away_ms;   /* so long without a connection: the next is dialled */
	uint32_t return_ms; /* so long on another than the first: that is tried again */
	uint32_t trial_ms;  /* how long it is tried */
};

/* Plain TCP carries what processes do in the clear.  Returns true for loopback addresses,
 * "localhost" and ipc:// URLs. */
bool uplink_url_is_local(const char *url);

/* Begins to dial; the collector need not be there.  *ret is freed with uplink_free().
 * Returns 0, -EINVAL (a bad URL or not a private one: see @d), -ENOMEM or -EIO. */
NODISCARD int uplink_new(struct uplink **ret, const struct uplink_config *config, struct diag *d);

/* Stops at once; frames without an Ack stay in the outbox.  Waits two seconds at most
 * (lib/nng_end.h). */
struct uplink *uplink_free(struct uplink *u);
DEFINE_FREEP(uplink)

/* Dials anew with @tls, when the certificate was renewed.  Frames under way are sent again.
 * Thread: the one that made @u.  Returns as uplink_new(). */
NODISCARD int uplink_redial(struct uplink *u, const struct uplink_tls *tls, struct diag *d);

/* To be called about once a second: turns to the next collector when there is no connection, and
 * back. Thread: the one that made @u. */
void uplink_tick(struct uplink *u);

/* Tells that the outbox has something new. */
void uplink_kick(struct uplink *u);

/* linger_ms of the last Ack; 0: none, or there is no connection. */
uint32_t uplink_linger_ms(const struct uplink *u);

/* The process of a collector on this machine, as its Acks name it; 0: it is on another one, or does
 * not say. */
uint32_t uplink_local_collector(const struct uplink *u);

/* How far our clock is ahead of the collector's (see linkclock.h).  False: not measured. */
bool uplink_clock(struct uplink *u, int64_t *ret_offset_ns, uint64_t *ret_error_ns);

struct uplink_counters {
	uint64_t sent, stored, duplicates, refused, busy, errors, bad_acks, connections;
	bool connected;
	uint32_t collector; /* which of the URLs is dialled */
	const char *away;   /* why it cannot be reached, for people; NULL: it can.  As of the last
			     * uplink_tick(), on its thread */
};
void uplink_counters(const struct uplink *u, struct uplink_counters *ret);
