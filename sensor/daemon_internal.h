/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_internal - the sensor's modules, between daemon.c (its life), daemon_probe.c (what sees)
 * and daemon_flow.c (from the consumer to the collector).
 * Thread: main, but for what the consumer calls. */
#pragma once
#include <uv.h>

#include "lib/service.h"
#include "sensor/conntrack.h"
#include "sensor/consumer.h"
#include "sensor/daemon.h"
#include "sensor/node.h"
#include "sensor/renewal.h"
#include "sensor/spooler.h"
#include "sensor/uplink.h"

enum { DAEMON_TIERS = 64 };

struct sensor {
	struct options *options;
	struct node node;
	struct identity identity; /* zeroed when not enrolled */
	struct seq seq;
	struct probe *probe;
	struct source_kernel kernel;
	struct hashes *hashes;	     /* NULL: --hash-rate 0 */
	struct conntrack *conntrack; /* NULL: translated addresses are not told */
	struct enrich *enrich;
	struct outbox *outbox;
	struct uplink *uplink;
	struct spool *spool; /* NULL: --spool-bytes 0, or the disk does not let us */
	struct spooler *spooler;
	struct consumer *consumer;
	const char *tiers[DAEMON_TIERS];
	struct batch_stats stats; /* its tiers */
	uv_loop_t loop;
	uv_signal_t signals[2], reload;
	int argc;
	char **argv; /* read again at a reload */
	uv_async_t failed;
	uv_timer_t second;
	struct renewal renewal;
	struct guard_links links;
	uint32_t collector;	    /* the process that is left out as one; 0: none */
	char detached[96];	    /* what is wrong with the programs */
	struct service_pulse pulse; /* of the consumer */
	unsigned seconds;
	uint64_t notified_ms; /* the watchdog */
	int result;
};

/* ---- daemon_probe.c ---- */

/* Loads and attaches what sees.  Returns 0 or a negative errno with @d. */
int daemon_open_probe(struct sensor *s, struct diag *d);
/* Translated addresses.  Without it all else works, and what is missing is said. */
void daemon_open_conntrack(struct sensor *s);
/* Logs by what each kind is seen, and keeps it for the node's record. */
void daemon_tell_probe(struct sensor *s);
/* What is known of processes; reads all of /proc.  Returns 0 or a negative errno. */
int daemon_open_enrich(struct sensor *s);

/* ---- daemon_flow.c ---- */

/* The certificate, and where events go when the settings do not say.  The node's id must be the
 * certificate's: the collector takes no other.  Returns 0 or a negative errno with @d. */
int daemon_open_identity(struct sensor *s, struct diag *d);
/* The queue and the way to the collector.  Returns 0 or a negative errno with @d. */
int daemon_open_uplink(struct sensor *s, struct diag *d);
/* Dials with a new certificate.  Returns 0 or a negative errno with @d. */
int daemon_take_renewed(void *sensor, struct diag *d);
/* Without a spool the sensor still works, from memory: a full disk must not blind it.  Returns 0 or
 * a negative errno. */
int daemon_open_spool(struct sensor *s, struct seq_past *past);
/* Says that the sensor starts, and starts it.  Returns 0 or a negative errno. */
int daemon_open_consumer(struct sensor *s, const struct seq_past *past);
