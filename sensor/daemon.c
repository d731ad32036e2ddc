/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/daemon.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "lib/log.h"
#include "lib/service.h"
#include "sensor/daemon_internal.h"
#include "sensor/powers.h"

enum {
	DRAIN_MS = 2500,
	SECOND_MS = 1000,
	PULSE_MS = 10000, /* longest turn of the consumer; then the watchdog is left to bite */
	LINKS_S = 10,	  /* between two looks whether the programs are still attached */
};

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

/* ---- each second ---- */

/* Blind is worse than gone: whoever starts the sensor again has it attach anew. */
static void watch_links(struct sensor *s)
{
	const char *wrong;
	size_t dead;

	if (++s->seconds % LINKS_S != 0)
		return;
	dead = guard_links_dead(&s->links);
	wrong = probe_wrong(s->probe);
	if (dead == 0 && !wrong)
		return;
	if (dead)
		snprintf(s->detached, sizeof(s->detached),
			 "%zu of the sensor's programs are no longer attached", dead);
	else
		snprintf(s->detached, sizeof(s->detached), "%s", wrong);
	log_error("probe.detached", "dead=%zu of=%zu reason=\"%s\"", dead, s->links.n, s->detached);
	consumer_detached(s->consumer, s->detached);
	s->result = EXIT_RUNTIME;
	uv_stop(&s->loop);
}

/* As often as it wants, so that nobody is woken for nothing; nobody hears it without systemd. */
static void tell_watchdog(struct sensor *s)
{
	uint64_t now_ms = uv_now(&s->loop), every_ms = service_watchdog_ms();

	if (!service_beats(&s->pulse, consumer_turns(s->consumer), now_ms, PULSE_MS) ||
	    every_ms == 0 || now_ms - s->notified_ms < every_ms)
		return;
	s->notified_ms = now_ms;
	service_notify("WATCHDOG=1");
}

/* What a collector on this machine does to store an event would be events again. */
static void leave_out_collector(struct sensor *s)
{
	uint32_t pid = uplink_local_collector(s->uplink);
	char link[32], exe[512];
	ssize_t n;

	if (pid == s->collector)
		return;
	probe_unignore_tgid(s->probe, s->collector);
	s->collector = pid;
	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	n = pid ? readlink(link, exe, sizeof(exe) - 1) : -1;
	if (n < 0)
		return;
	exe[n] = 0;
	/* A number that came through a relay on this machine is of another machine's. */
	if (strcmp(basename(exe), "rtsec-collector") == 0 && probe_ignore_tgid(s->probe, pid) == 0)
		log_info("collector.left_out", "pid=%u", pid);
}

static void on_second(uv_timer_t *timer)
{
	struct sensor *s = timer->data;

	uplink_tick(s->uplink);
	leave_out_collector(s);
	watch_links(s);
	tell_watchdog(s);
}

static int watch_uplink(struct sensor *s)
{
	int r = uv_timer_init(&s->loop, &s->second);

	s->second.data = s;
	return r < 0 ? r : uv_timer_start(&s->second, on_second, SECOND_MS, SECOND_MS);
}

static int watch_identity(struct sensor *s)
{
	const struct renewal_config config = {
		.loop = &s->loop,
		.identity = &s->identity,
		.state_dir = s->options->state_dir,
		.take = daemon_take_renewed,
		.arg = s,
	};

	return renewal_start(&s->renewal, &config);
}

/* ---- the loop ---- */

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

/* ---- life ---- */

static int maps_work(void *arg)
{
	struct probe_loss lost[REC_CLASSES][REC_CAUSES];
	struct sensor *s = arg;

	return probe_loss(s->probe, lost);
}

static int open_all(struct sensor *s, struct diag *d)
{
	struct seq_past past;
	int r = make_dir(s->options->state_dir, d);

	if (r == 0)
		r = node_read(&s->node, s->options->node_id, s->options->node_name,
			      s->options->state_dir, d);
	if (r == 0)
		r = daemon_open_identity(s, d); /* a start that fails here is no sensor that died */
	if (r == 0)
		r = seq_open(&s->seq, s->options->state_dir, s->node.boot_text, boot_us(), &past,
			     d);
	if (r == 0)
		r = daemon_open_probe(s, d);
	if (r == 0)
		daemon_open_conntrack(s);
	if (r == 0)
		r = powers_drop(maps_work, s, d); /* before there are other threads */
	if (r == 0)
		r = daemon_open_uplink(s, d);
	if (r < 0)
		return r;
	daemon_tell_probe(s);
	r = open_loop(s);
	if (r == 0)
		r = watch_identity(s);
	if (r == 0)
		r = watch_uplink(s);
	if (r == 0)
		r = daemon_open_enrich(s);
	if (r == 0)
		r = daemon_open_spool(s, &past);
	if (r == 0)
		r = daemon_open_consumer(s, &past);
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
		 RTSEC_VERSION, s->node.name, s->node.id, s->options->collectors.at[0],
		 s->seq.next);
	service_notify("READY=1");
	uv_run(&s->loop, UV_RUN_DEFAULT);
	service_notify("STOPPING=1");
	clean = drain(s);
	close_all(s);
	seq_close(&s->seq, clean);
	close_loop(s);
	return s->result;
}

int daemon_run(struct options *o, int argc, char **argv)
{
	static struct sensor s = { .seq = { .fd = -1, .folder = -1 } };

	s.options = o;
	s.argc = argc;
	s.argv = argv;
	return run(&s);
}
