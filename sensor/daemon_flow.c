/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_flow - the way of events: from the consumer through queue and spool to the collector. */
#include <inttypes.h>

#include "lib/log.h"
#include "sensor/daemon_internal.h"

enum {
	WINDOW = 8,
	RESEND_MS = 10000,
	RECONNECT_MIN_MS = 100,
	RECONNECT_MAX_MS = 1000,
	BUSY_MS = 500,
};

/* ---- uplink ---- */

static struct uplink_tls tls_of(const struct sensor *s)
{
	return (struct uplink_tls){ .ca = s->identity.ca, .pem = s->identity.pem };
}

int daemon_open_identity(struct sensor *s, struct diag *d)
{
	struct config_texts *urls = &s->options->collectors;
	bool needed = urls->n == 0;
	int r;

	for (size_t i = 0; i < urls->n; i++)
		needed = needed || strncmp(urls->at[i], "tls+", 4) == 0;
	if (!needed)
		return 0;
	s->result = EXIT_USAGE; /* until it is right: nothing that another start mends */
	r = identity_load(&s->identity, s->options->state_dir, d);
	if (r < 0)
		return r;
	if (urls->n == 0)
		urls->at[urls->n++] = s->identity.events;
	if (strcmp(s->identity.cert.node_id, s->node.id) != 0)
		return diag_set(
			d, err_origin(-EINVAL), 0, 0,
			"the certificate in %s/tls is of the node %s, and this is %s: enroll "
			"again, or give --node-id",
			s->options->state_dir, s->identity.cert.node_id, s->node.id);
	s->result = 0;
	return 0;
}

int daemon_open_uplink(struct sensor *s, struct diag *d)
{
	struct uplink_tls tls = tls_of(s);
	struct uplink_config config = {
		.urls = s->options->collectors.at,
		.tls = s->identity.pem[0] ? &tls : NULL,
		.window = WINDOW,
		.resend_ms = RESEND_MS,
		.reconnect_min_ms = RECONNECT_MIN_MS,
		.reconnect_max_ms = RECONNECT_MAX_MS,
		.busy_ms = BUSY_MS,
	};
	int r = outbox_new(&s->outbox, s->options->queue_bytes);

	if (r < 0)
		return diag_set(d, r, 0, 0, "--queue-bytes 0 keeps nothing");
	config.outbox = s->outbox;
	return uplink_new(&s->uplink, &config, d);
}

int daemon_take_renewed(void *sensor, struct diag *d)
{
	struct sensor *s = sensor;
	struct identity fresh;
	struct uplink_tls tls;
	int r;

	if (!s->uplink) /* it ends */
		return 0;
	r = identity_load(&fresh, s->options->state_dir, d);
	if (r < 0) /* the uplink goes on with the old one */
		return r;
	memcpy(fresh.events, s->identity.events,
	       sizeof(fresh.events)); /* options may point to it */
	s->identity = fresh;
	identity_done(&fresh);
	tls = tls_of(s);
	return uplink_redial(s->uplink, &tls, d);
}

static void kick(void *arg)
{
	struct sensor *s = arg;

	uplink_kick(s->uplink);
}

/* ---- spool ---- */

int daemon_open_spool(struct sensor *s, struct seq_past *past)
{
	char dir[3800], text[1100];
	struct spool_config config = {
		.dir = dir,
		.max_bytes = s->options->spool_bytes,
		.max_age_ns = s->options->spool_age_s * 1000000000u,
		.sync = s->options->spool_sync,
	};
	struct spooler_config spooler = { .outbox = s->outbox, .kick = kick, .arg = s };
	struct spool_totals totals;
	struct diag d = { 0 };

	if (config.max_bytes == 0)
		return 0;
	snprintf(dir, sizeof(dir), "%s/spool", s->options->state_dir);
	memcpy(config.boot_id, s->node.boot_id, sizeof(config.boot_id));
	if (spool_new(&s->spool, &config, &d) < 0) {
		log_error("spool.failed", "reason=%s",
			  log_value(d.text, strlen(d.text), text, sizeof(text)));
		return 0;
	}
	spool_totals(s->spool, &totals);
	if (totals.unread)
		log_info("spool.found", "frames=%" PRIu64 " bytes=%" PRIu64, totals.unread,
			 totals.bytes);
	if (past->lost_last)
		past->lost_first = MIN(spool_reaches(s->spool, past->lost_first), past->lost_last);
	spooler.spool = s->spool;
	return spooler_new(&s->spooler, &spooler);
}

/* ---- consumer ---- */

static uint32_t on_linger(void *arg)
{
	struct sensor *s = arg;

	return uplink_linger_ms(s->uplink);
}

static bool on_clock(int64_t *ret_offset_ns, uint64_t *ret_error_ns, void *arg)
{
	struct sensor *s = arg;

	return uplink_clock(s->uplink, ret_offset_ns, ret_error_ns);
}

static void on_failed(int r, void *arg)
{
	struct sensor *s = arg;

	log_error("consumer.failed", "error=%d reason=\"%s\"", -r, strerror(-r));
	uv_async_send(&s->failed);
}

static void say_start(struct sensor *s, const struct seq_past *past)
{
	char message[512];
	struct loss l = {
		.class = CLASS_BULK,
		.cause = LOSS_RESTART,
		.first_seq = past->lost_first,
		.last_seq = past->lost_last,
		.from_ns = past->cut_ns,
		.to_ns = past->cut_ns,
	};

	if (past->lost_last)
		snprintf(message, sizeof(message),
			 "start: version %s; %s: numbers %" PRIu64 " to %" PRIu64
			 " that are not stored are lost or were never used",
			 RTSEC_VERSION,
			 past->unreadable ? "what the sensor before noted cannot be read"
					  : "the sensor before was killed",
			 past->lost_first, past->lost_last);
	else if (past->cut)
		snprintf(message, sizeof(message),
			 "start: version %s; boot %s ended without a stop of the sensor: its "
			 "numbers "
			 "from %" PRIu64 " on that are not stored are lost",
			 RTSEC_VERSION, past->cut_boot, past->cut_first);
	else
		snprintf(message, sizeof(message), "start: version %s%s", RTSEC_VERSION,
			 past->clean ? "; the sensor before stopped in order" : "");
	consumer_say(s->consumer, message);
	if (past->lost_last || past->cut)
		consumer_lose(s->consumer, &l);
}

int daemon_open_consumer(struct sensor *s, const struct seq_past *past)
{
	const struct config_pairs *pairs = &s->options->labels;
	struct batch_label labels[CONFIG_ITEMS];
	const struct batch_origin origin = {
		.node_id = s->node.id,
		.node_name = s->node.name,
		.architecture = s->node.architecture,
		.os_kernel = s->node.os_kernel,
		.agent_version = RTSEC_VERSION,
		.labels = labels,
		.n_labels = pairs->n,
	};
	struct batch_origin full = origin;
	struct consumer_config config = {
		.source = source_of_kernel(&s->kernel),
		.enrich = s->enrich,
		.outbox = s->outbox,
		.seq = &s->seq,
		.origin = &full,
		.tiers = &s->stats,
		.linger_ms = (uint32_t)MIN(s->options->linger_ms, 10000u),
		.kick = kick,
		.asked_linger_ms = on_linger,
		.clock = on_clock,
		.failed = on_failed,
		.arg = s,
	};
	int r;

	for (size_t i = 0; i < pairs->n; i++)
		labels[i] = (struct batch_label){ pairs->at[i].key, pairs->at[i].value };
	memcpy(full.boot_id, s->node.boot_id, sizeof(full.boot_id));
	r = consumer_new(&s->consumer, &config);
	if (r < 0)
		return r;
	say_start(s, past);
	return consumer_start(s->consumer);
}
