/* SPDX-License-Identifier: Apache-2.0 */
/* rtsec-sensor - composition root: makes every module, lends them to each other, waits for signals.
 *
 * Threads: main (a uv loop for signals), the consumer, the spooler, NNG's own.  Order of the end:
 * consumer (drains the rings, seals), outbox (waits for Acks, at most DRAIN_MS, and not at all for
 * a collector that is away when there is a spool), uplink, spooler (what is left goes to disk),
 * probes. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include <uv.h>

#include "lib/log.h"
#include "lib/service.h"
#include "lib/timestamp.h"
#include "sensor/conntrack.h"
#include "sensor/consumer.h"
#include "sensor/doctor.h"
#include "sensor/enrol.h"
#include "sensor/node.h"
#include "sensor/options.h"
#include "sensor/powers.h"
#include "sensor/spooler.h"
#include "sensor/uplink.h"

enum {
	EXIT_UNFIT = 1, /* doctor: something is missing that must be there */
	EXIT_USAGE = 2, /* a person has to mend it: systemd does not start it again */
	EXIT_RUNTIME = 3,
	DRAIN_MS = 4000,
	WINDOW = 8,
	RESEND_MS = 10000,
	RECONNECT_MIN_MS = 100,
	RECONNECT_MAX_MS = 1000,
	BUSY_MS = 500,
	MAX_TIERS = 64,
	SECOND_MS = 1000,
	PULSE_MS = 10000, /* longest turn of the consumer; then the watchdog is left to bite */
	LINKS_S = 10,	  /* between two looks whether the programs are still attached */
	RENEWAL_MS = 3600 * 1000, /* between two looks whether the certificate is to be renewed */
};

struct sensor {
	struct options options;
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
	const char *tiers[MAX_TIERS];
	struct batch_stats stats; /* its tiers */
	uv_loop_t loop;
	uv_signal_t signals[2], reload;
	int argc;
	char **argv; /* read again at a reload */
	uv_async_t failed;
	uv_timer_t renewal, second;
	struct guard_links links;
	struct service_pulse pulse; /* of the consumer */
	unsigned seconds;
	uv_work_t renewing; /* blocks on the network: in a thread of uv's */
	bool is_renewing;
	int renewed;
	struct diag renewal_says;
	int result;
};

/* ---- parts ---- */

static int make_dir(const char *path, struct diag *d)
{
	char part[4096];

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1; *p; p++)
		if (*p == '/') {
			*p = 0;
			(void)mkdir(part, 0755);
			*p = '/';
		}
	if (mkdir(part, 0700) == 0 || errno == EEXIST)
		return 0;
	return diag_set(d, err_origin(-errno), 0, 0, "cannot make the state folder %s: %s", path,
			strerror(errno));
}

static uint64_t boot_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int netns_inode(const char *path, uint32_t *ret, struct diag *d)
{
	struct stat st;

	*ret = 0;
	if (!path)
		return 0;
	if (stat(path, &st) < 0)
		return diag_set(d, err_origin(-errno), 0, 0, "--only-netns %s: %s", path,
				strerror(errno));
	*ret = (uint32_t)st.st_ino;
	return 0;
}

static int open_filters(struct sensor *s, struct diag *d)
{
	AUTO(filter) *rules = NULL;
	int r = options_filters(&s->options, &rules, d);

	if (r < 0 || filter_n(rules) == 0)
		return r;
	r = probe_filter(s->probe, rules, d);
	if (r == 0)
		(void)TAKE(rules);
	return r;
}

static void on_cgroup(void *arg, uint64_t id, const char *container)
{
	struct sensor *s = arg;

	probe_filter_cgroup(s->probe, id, container);
}

static int open_probe(struct sensor *s, struct diag *d)
{
	const struct options *o = &s->options;
	struct probe_settings settings = {
		.priority_ring_bytes = (uint32_t)MIN(o->priority_ring_bytes, 1u << 30),
		.bulk_ring_bytes = (uint32_t)MIN(o->ring_bytes, 1u << 30),
		.throttle = MIN(o->throttle, UINT64_C(1) << 40),
		.filters = o->filters != NULL,
	};
	int r = netns_inode(o->only_netns, &settings.only_netns, d);

	if (r == 0)
		r = options_kinds(o, &settings.kinds, d);
	if (r == 0)
		r = probe_new(&s->probe, &settings, d);
	if (r == 0)
		r = probe_ignore_tgid(s->probe, (uint32_t)getpid());
	for (size_t i = 0; r == 0 && i < o->ignored.n; i++)
		r = probe_ignore_tgid(s->probe, (uint32_t)o->ignored.at[i]);
	if (r == 0)
		r = ring_new(&s->kernel.ring, s->probe);
	if (r == 0)
		probe_links(s->probe, &s->links);
	s->kernel.probe = s->probe;
	return r < 0 ? r : open_filters(s, d);
}

/* Without it all else works, and what is missing is said. */
static void open_conntrack(struct sensor *s)
{
	struct diag d = { 0 };
	uint64_t kinds = UINT64_MAX;
	char text[512];

	(void)!options_kinds(&s->options, &kinds, NULL); /* checked when it was parsed */
	if (!(kinds >> KIND_NAT & 1))
		return;
	if (conntrack_new(&s->conntrack, s->options.only_netns, &d) < 0)
		log_info("conntrack.off", "reason=%s",
			 log_value(d.text, strlen(d.text), text, sizeof(text)));
	else
		log_info("conntrack.listening", "kind=%s", kind_info(KIND_NAT)->action);
}

static void tell_probe(struct sensor *s)
{
	const char *note;
	size_t n;
	const struct probe_tier *tiers = probe_tiers(s->probe, &n);
	char text[512];

	s->stats.tiers = s->tiers;
	for (size_t i = 0; i < n && i < MAX_TIERS; i++) {
		s->tiers[s->stats.n_tiers++] = tiers[i].report;
		log_info("probe.attached", "kind=%s tier=%s", tiers[i].name, tiers[i].tier);
	}
	for (size_t i = 0; (note = probe_note(s->probe, i)); i++)
		log_info("probe.note", "text=%s",
			 log_value(note, strlen(note), text, sizeof(text)));
}

static int open_hashes(struct sensor *s)
{
	const struct hashes_config config = {
		.bytes_per_second = s->options.hash_rate,
		.max_bytes = s->options.hash_max_bytes,
	};

	return config.bytes_per_second ? hashes_new(&s->hashes, &config) : 0;
}

static int open_enrich(struct sensor *s)
{
	struct known_config config = {
		.node_id = s->node.id,
		.boot_id = s->node.boot_id,
		.state_dir = s->options.state_dir,
		.max_processes = (uint32_t)MIN(s->options.max_processes, 1u << 24),
		.cgroup_seen = on_cgroup,
		.arg = s,
	};
	const struct runtime_config runtime = {
		.docker_socket = s->options.docker_socket,
		.podman_socket = s->options.podman_socket,
		.containerd_socket = s->options.containerd_socket,
		.crio_socket = s->options.crio_socket,
	};
	int r = open_hashes(s);

	(void)!options_kinds(&s->options, &config.kinds, NULL); /* checked when it was parsed */
	config.hashes = s->hashes;
	config.conntrack = s->conntrack;
	config.runtime = &runtime;
	if (r == 0)
		r = enrich_new(&s->enrich, &config);
	if (r < 0)
		return r;
	(void)enrich_tick(s->enrich);
	known_scan(enrich_known(s->enrich));
	return 0;
}

/* ---- uplink ---- */

static struct uplink_tls tls_of(const struct sensor *s)
{
	return (struct uplink_tls){ .ca = s->identity.ca, .pem = s->identity.pem };
}

/* The certificate, and where events go when the settings do not say.  The node's id must be the
 * certificate's: the collector takes no other. */
static int open_identity(struct sensor *s, struct diag *d)
{
	struct config_texts *urls = &s->options.collectors;
	bool needed = urls->n == 0;
	int r;

	for (size_t i = 0; i < urls->n; i++)
		needed = needed || strncmp(urls->at[i], "tls+", 4) == 0;
	if (!needed)
		return 0;
	s->result = EXIT_USAGE; /* until it is right: nothing that another start mends */
	r = identity_load(&s->identity, s->options.state_dir, d);
	if (r < 0)
		return r;
	if (urls->n == 0)
		urls->at[urls->n++] = s->identity.events;
	if (strcmp(s->identity.cert.node_id, s->node.id) != 0)
		return diag_set(
			d, err_origin(-EINVAL), 0, 0,
			"the certificate in %s/tls is of the node %s, and this is %s: enroll "
			"again, or give --node-id",
			s->options.state_dir, s->identity.cert.node_id, s->node.id);
	s->result = 0;
	return 0;
}

static int open_uplink(struct sensor *s, struct diag *d)
{
	struct uplink_tls tls = tls_of(s);
	struct uplink_config config = {
		.urls = s->options.collectors.at,
		.tls = s->identity.pem[0] ? &tls : NULL,
		.window = WINDOW,
		.resend_ms = RESEND_MS,
		.reconnect_min_ms = RECONNECT_MIN_MS,
		.reconnect_max_ms = RECONNECT_MAX_MS,
		.busy_ms = BUSY_MS,
	};
	int r = outbox_new(&s->outbox, s->options.queue_bytes);

	if (r < 0)
		return diag_set(d, r, 0, 0, "--queue-bytes 0 keeps nothing");
	config.outbox = s->outbox;
	return uplink_new(&s->uplink, &config, d);
}

/* ---- renewal of the certificate ---- */

static void renew(uv_work_t *work)
{
	struct sensor *s = work->data;

	s->renewed = enrol_renew(s->options.state_dir, timestamp_now(), &s->renewal_says);
}

static int take_renewed(struct sensor *s)
{
	char events[IDENTITY_URL_BYTES];
	struct uplink_tls tls;
	int r;

	memcpy(events, s->identity.events, sizeof(events)); /* options may point to it */
	r = identity_load(&s->identity, s->options.state_dir, &s->renewal_says);
	memcpy(s->identity.events, events, sizeof(events));
	tls = tls_of(s);
	return r < 0 ? r : uplink_redial(s->uplink, &tls, &s->renewal_says);
}

static void on_renewed(uv_work_t *work, int status)
{
	struct sensor *s = work->data;
	int r = s->renewed;
	char text[1100];

	s->is_renewing = false;
	if (status == 0 && r == 0 && s->uplink)
		r = take_renewed(s);
	if (r < 0)
		log_error("identity.not_renewed", "reason=%s",
			  log_value(s->renewal_says.text, strlen(s->renewal_says.text), text,
				    sizeof(text)));
	if (r == 0)
		log_info("identity.renewed", "serial=%s", s->identity.cert.serial);
}

static void on_renewal(uv_timer_t *timer)
{
	struct sensor *s = timer->data;

	if (s->is_renewing || !enrol_is_due(&s->identity.cert, timestamp_now()))
		return;
	s->renewing.data = s;
	s->is_renewing = uv_queue_work(&s->loop, &s->renewing, renew, on_renewed) == 0;
}

/* Blind is worse than gone: whoever starts the sensor again has it attach anew. */
static void watch_links(struct sensor *s)
{
	size_t dead;

	if (++s->seconds % LINKS_S != 0)
		return;
	dead = guard_links_dead(&s->links);
	if (dead == 0)
		return;
	log_error("probe.detached", "dead=%zu of=%zu", dead, s->links.n);
	consumer_detached(s->consumer, (uint32_t)dead);
	s->result = EXIT_RUNTIME;
	uv_stop(&s->loop);
}

static void on_second(uv_timer_t *timer)
{
	struct sensor *s = timer->data;

	uplink_tick(s->uplink);
	watch_links(s);
	if (service_beats(&s->pulse, consumer_turns(s->consumer), uv_now(&s->loop), PULSE_MS))
		service_notify("WATCHDOG=1"); /* nobody hears it without systemd */
}

static int watch_uplink(struct sensor *s)
{
	int r = uv_timer_init(&s->loop, &s->second);

	s->second.data = s;
	return r < 0 ? r : uv_timer_start(&s->second, on_second, SECOND_MS, SECOND_MS);
}

static int watch_identity(struct sensor *s)
{
	int r = uv_timer_init(&s->loop, &s->renewal);

	s->renewal.data = s;
	if (r == 0 && s->identity.pem[0])
		r = uv_timer_start(&s->renewal, on_renewal, 0, RENEWAL_MS);
	return r;
}

/* ---- spool ---- */

static void on_loaded(void *arg)
{
	struct sensor *s = arg;

	uplink_kick(s->uplink);
}

/* Without a spool the sensor still works, from memory: a full disk must not blind it. */
static int open_spool(struct sensor *s, struct seq_past *past)
{
	char dir[3800], text[1100];
	struct spool_config config = {
		.dir = dir,
		.max_bytes = s->options.spool_bytes,
		.max_age_ns = s->options.spool_age_s * 1000000000u,
		.sync = s->options.spool_sync,
	};
	struct spooler_config spooler = { .outbox = s->outbox, .kick = on_loaded, .arg = s };
	struct spool_totals totals;
	struct diag d = { 0 };

	if (config.max_bytes == 0)
		return 0;
	snprintf(dir, sizeof(dir), "%s/spool", s->options.state_dir);
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

static void on_frame(void *arg)
{
	struct sensor *s = arg;

	uplink_kick(s->uplink);
}

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

static int open_consumer(struct sensor *s, const struct seq_past *past)
{
	const struct config_pairs *pairs = &s->options.labels;
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
		.linger_ms = (uint32_t)MIN(s->options.linger_ms, 10000u),
		.kick = on_frame,
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

/* ---- life ---- */

static void on_signal(uv_signal_t *handle, int number)
{
	struct sensor *s = handle->data;

	log_info("sensor.stopping", "signal=%d", number);
	uv_stop(&s->loop);
}

/* The settings are read again, of which the filters are put in force; wrong ones change nothing. */
static void on_reload(uv_signal_t *handle, int number)
{
	struct sensor *s = handle->data;
	static struct options fresh;
	struct filter *rules = NULL;
	struct diag d = { 0 };
	char text[1100], reason[900];
	int r = options_parse(&fresh, s->argc, s->argv, &d);

	(void)number;
	if (r == 0) {
		r = options_filters(&fresh, &rules, &d);
		options_done(&fresh);
	}
	if (r == 0) {
		consumer_filter(s->consumer, rules);
		return;
	}
	diag_format(&d, reason, sizeof(reason));
	log_error("filters.refused", "error=%d reason=%s", -r,
		  log_value(reason, strlen(reason), text, sizeof(text)));
}

static void on_failure(uv_async_t *handle)
{
	struct sensor *s = handle->data;

	s->result = EXIT_RUNTIME;
	uv_stop(&s->loop);
}

static int open_loop(struct sensor *s)
{
	static const int numbers[] = { SIGTERM, SIGINT };
	int r = uv_loop_init(&s->loop);

	s->failed.data = s;
	if (r == 0)
		r = uv_async_init(&s->loop, &s->failed, on_failure);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++) {
		s->signals[i].data = s;
		r = uv_signal_init(&s->loop, &s->signals[i]);
		if (r == 0)
			r = uv_signal_start(&s->signals[i], on_signal, numbers[i]);
	}
	s->reload.data = s;
	if (r == 0)
		r = uv_signal_init(&s->loop, &s->reload);
	if (r == 0)
		r = uv_signal_start(&s->reload, on_reload, SIGHUP);
	return r < 0 ? err_origin(r) : 0;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void close_loop(struct sensor *s)
{
	uv_walk(&s->loop, close_handle, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
}

static int maps_work(void *arg)
{
	struct probe_loss lost[REC_CLASSES][REC_CAUSES];
	struct sensor *s = arg;

	return probe_loss(s->probe, lost);
}

static int open_all(struct sensor *s, struct diag *d)
{
	struct seq_past past;
	int r = make_dir(s->options.state_dir, d);

	if (r == 0)
		r = node_read(&s->node, s->options.node_id, s->options.node_name,
			      s->options.state_dir, d);
	if (r == 0)
		r = open_identity(s, d); /* first: a start that fails here is no sensor that died */
	if (r == 0)
		r = seq_open(&s->seq, s->options.state_dir, s->node.boot_text, boot_us(), &past, d);
	if (r == 0)
		r = open_probe(s, d);
	if (r == 0)
		open_conntrack(s);
	if (r == 0)
		r = powers_drop(maps_work, s, d); /* before there are other threads */
	if (r == 0)
		r = open_uplink(s, d);
	if (r < 0)
		return r;
	tell_probe(s);
	r = open_loop(s);
	if (r == 0)
		r = watch_identity(s);
	if (r == 0)
		r = watch_uplink(s);
	if (r == 0)
		r = open_enrich(s);
	if (r == 0)
		r = open_spool(s, &past);
	if (r == 0)
		r = open_consumer(s, &past);
	return r < 0 ? diag_set(d, r, 0, 0, "%s", strerror(-r)) : 0;
}

/* Hands over what it can, then leaves the rest on disk.  Returns true when nothing is left over. */
static bool hand_over(struct sensor *s, struct uplink_counters *ret_up)
{
	bool empty = false;

	uplink_kick(s->uplink);
	uplink_counters(s->uplink, ret_up);
	if (ret_up->connected || !s->spooler)
		empty = outbox_wait_empty(s->outbox, DRAIN_MS);
	uplink_counters(s->uplink, ret_up);
	if (!s->spooler)
		return empty;
	spooler_halt(s->spooler);
	s->uplink = uplink_free(s->uplink);
	return spooler_rest(s->spooler);
}

/* True when the collector or the disk has everything. */
static bool drain(struct sensor *s)
{
	struct uplink_counters up;
	struct outbox_totals left;
	struct batch_stats stats;
	bool empty;

	consumer_stop(s->consumer, "stop");
	empty = hand_over(s, &up);
	outbox_totals(s->outbox, &left);
	consumer_stats(s->consumer, &stats);
	log_info("sensor.stopped",
		 "records=%" PRIu64 " batches=%" PRIu64 " lost_priority=%" PRIu64
		 " lost_bulk=%" PRIu64 " lost_queue=%" PRIu64 " malformed=%" PRIu64
		 " unsent_batches=%" PRIu64 " spooled_batches=%" PRIu64,
		 stats.events, up.stored + up.duplicates, stats.lost_priority, stats.lost_bulk,
		 left.lost_events, stats.malformed, left.frames, left.spooled);
	return empty && left.lost_events == stats.lost_queue;
}

static void close_all(struct sensor *s)
{
	s->consumer = consumer_free(s->consumer);
	if (s->spooler)
		spooler_halt(s->spooler);
	s->uplink = uplink_free(s->uplink);
	s->spooler = spooler_free(s->spooler);
	s->spool = spool_free(s->spool);
	s->outbox = outbox_free(s->outbox);
	s->enrich = enrich_free(s->enrich);
	s->hashes = hashes_free(s->hashes);
	conntrack_free(s->conntrack);
	s->kernel.ring = ring_free(s->kernel.ring);
	s->probe = probe_free(s->probe);
}

static int run(struct sensor *s)
{
	struct diag d = { 0 };
	char text[1100];
	bool clean;
	int r;

	service_harden();
	service_return_memory();
	r = open_all(s, &d);
	if (r < 0) {
		if (!d.text[0])
			diag_set(&d, r, 0, 0, "%s", strerror(-r));
		log_error("sensor.failed", "error=%d reason=%s", -r,
			  log_value(d.text, strlen(d.text), text, sizeof(text)));
		close_all(s);
		seq_close(&s->seq, false);
		return s->result == EXIT_USAGE || d.line ? EXIT_USAGE : EXIT_RUNTIME;
	}
	log_info("sensor.started", "version=%s node=%s node_id=%s collector=%s first_seq=%" PRIu64,
		 RTSEC_VERSION, s->node.name, s->node.id, s->options.collectors.at[0], s->seq.next);
	service_notify("READY=1");
	uv_run(&s->loop, UV_RUN_DEFAULT);
	service_notify("STOPPING=1");
	clean = drain(s);
	close_all(s);
	seq_close(&s->seq, clean);
	close_loop(s);
	return s->result;
}

/* --help, --version, --check-config: asks about the settings, runs nothing. */
static void answer(const struct options *o)
{
	if (o->common.help)
		options_help(stdout);
	else if (o->common.version)
		printf("rtsec-sensor %s\n", RTSEC_VERSION);
	else
		printf("%s: the settings are right\n",
		       config_file(o->config) ? config_file(o->config) : "no configuration file");
}

static int see_doctor(struct sensor *s)
{
	static struct doctor d;
	AUTO_BUF struct buf text = { 0 };
	struct options *o = &s->options;

	if (o->collectors.n == 0 && identity_load(&s->identity, o->state_dir, NULL) == 0)
		o->collectors = (struct config_texts){ .at = { s->identity.events }, .n = 1 };
	d.options = o;
	doctor_run(&d);
	doctor_print(&d, o->output == OUTPUT_JSON, &text);
	if (!buf_ok(&text) || fwrite(text.data, 1, text.n, stdout) != text.n || fflush(stdout) != 0)
		return EXIT_RUNTIME;
	return doctor_worst(&d) == DOCTOR_FAIL ? EXIT_UNFIT : 0;
}

int main(int argc, char **argv)
{
	static struct sensor s = { .seq = { .fd = -1, .folder = -1 } };
	const struct config_common *common = &s.options.common;
	struct diag d = { 0 };
	char text[900];
	int code = 0;

	service_no_core();
	if (argc > 1 && strcmp(argv[1], "enroll") == 0)
		return enrol_main(argc - 1, argv + 1);
	s.argc = argc;
	s.argv = argv;
	if (options_parse(&s.options, argc, argv, &d) < 0) {
		fprintf(stderr, "rtsec-sensor: %s\n", diag_format(&d, text, sizeof(text)));
		return EXIT_USAGE;
	}
	log_set_level(s.options.log_level);
	if (common->help || common->version || common->check)
		answer(&s.options);
	else if (s.options.doctor)
		code = see_doctor(&s);
	else
		code = run(&s);
	options_done(&s.options);
	return code;
}
