/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/daemon.h"

#include <signal.h>
#include <sys/resource.h>

#include <uv.h>

#include "collector/authority.h"
#include "collector/command.h"
#include "collector/facts_beside.h"
#include "collector/flows.h"
#include "collector/folder.h"
#include "collector/http.h"
#include "collector/ingest.h"
#include "collector/joiner.h"
#include "collector/reload.h"
#include "lib/log.h"
#include "lib/service.h"
#include "lib/timestamp.h"

_Static_assert(OPTIONS_AUTO == DISK_AUTO, "forwarded as it is");

enum {
	SIGNALS = 3,
	MAX_FILES = 65536,
	SECOND_MS = 1000,
	PULSE_MS = 60000, /* longest turn of ingest, a slow disk included */
};

struct collector {
	struct authority *authority;
	struct http_files *http_files;
	uv_loop_t loop;
	uv_signal_t signals[SIGNALS];
	uv_timer_t watchdog, second;
	struct service_pulse pulse; /* of ingest */
	int code;		    /* of the exit */
	struct reload reload;
	struct store *store;
	struct maindb *maindb;
	struct rulebook *rulebook;
	struct alertbook *alertbook;
	struct detect *detect;
	struct outputs *outputs;
	struct joiner *joiner;
	struct hub *hub;
	struct follow *follow;
	struct flows *flows;
	struct facts *facts;
	struct facts_beside *facts_of_rules;
	struct ingest *ingest;
	struct http *http;
};

/* The loop and ingest live: an ingest that hangs would tell nobody of silent sensors either. */
static void on_watchdog(uv_timer_t *timer)
{
	struct collector *c = timer->data;

	if (service_beats(&c->pulse, ingest_turns(c->ingest), uv_now(&c->loop), PULSE_MS))
		service_notify("WATCHDOG=1");
	else
		log_error("collector.hangs", "thread=ingest turns=%llu",
			  (unsigned long long)c->pulse.turns);
}

static int watch_watchdog(struct collector *c)
{
	uint64_t ms = service_watchdog_ms();
	int r = uv_timer_init(&c->loop, &c->watchdog);

	c->watchdog.data = c;
	if (r == 0 && ms)
		r = uv_timer_start(&c->watchdog, on_watchdog, 0, ms);
	return r;
}

static void close_signals(struct collector *c)
{
	for (size_t i = 0; i < SIGNALS; i++)
		if (!uv_is_closing((uv_handle_t *)&c->signals[i]))
			uv_close((uv_handle_t *)&c->signals[i], NULL);
}

/* Whoever starts it again has it listen anew. */
static void on_second(uv_timer_t *timer)
{
	struct collector *c = timer->data;

	if (!ingest_stalled(c->ingest) || c->code != EXIT_SUCCESS)
		return;
	c->code = EXIT_FAILURE;
	log_error("collector.failed", "reason=\"nothing of what sensors send arrives any more\"");
	close_signals(c);
	uv_stop(&c->loop);
}

static int watch_ingest(struct collector *c)
{
	int r = uv_timer_init(&c->loop, &c->second);

	c->second.data = c;
	return r < 0 ? r : uv_timer_start(&c->second, on_second, SECOND_MS, SECOND_MS);
}

static void on_signal(uv_signal_t *s, int number)
{
	struct collector *c = s->data;

	if (number == SIGHUP) {
		reload(&c->reload);
		return;
	}
	service_notify("STOPPING=1");
	log_info("collector.stopping", "signal=%s", number == SIGTERM ? "SIGTERM" : "SIGINT");
	close_signals(c);
	uv_stop(&c->loop);
}

static int watch_signals(struct collector *c)
{
	static const int numbers[SIGNALS] = { SIGTERM, SIGINT, SIGHUP };
	int r = 0;

	for (size_t i = 0; i < SIGNALS && r == 0; i++) {
		r = uv_signal_init(&c->loop, &c->signals[i]);
		c->signals[i].data = c;
		if (r == 0)
			r = uv_signal_start(&c->signals[i], on_signal, numbers[i]);
	}
	return r;
}

static bool has_tls(const struct options *o)
{
	return strncmp(o->listen, "tls+", 4) == 0;
}

static int check_reach(const struct options *o, const char *http_address, struct diag *d)
{
	const char *open_one = NULL;

	if (!has_tls(o) && !options_loopback_url(o->listen))
		open_one = o->listen;
	else if (o->http_plain && !options_loopback_address(http_address))
		open_one = o->http;
	if (!open_one)
		return 0;
	return diag_set(d, err_origin(-EPERM), 0, 0,
			"%s can be reached from other machines, and nothing is encrypted there; "
			"use TLS or a loopback address",
			open_one);
}

/* What API and web are served with: the given files, or a certificate of our own CA. */
static int choose_https(struct collector *c, const struct options *o, struct http_config *http,
			struct diag *d)
{
	int r = 0;

	if (o->http_plain)
		return 0;
	if (!o->http_cert != !o->http_key)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"--http-cert and --http-key are of use together only");
	http->cert = authority_cert(c->authority);
	http->key = authority_key(c->authority);
	if (!o->http_cert)
		return 0;
	c->http_files = calloc(1, sizeof(*c->http_files));
	if (!c->http_files)
		return err_origin(-ENOMEM);
	r = http_files_read(c->http_files, o, d);
	http->cert = c->http_files->cert;
	http->key = c->http_files->key;
	return r;
}

/* What a new collector begins with: the shipped rules. */
static int begin_rules(struct collector *c, const struct options *o, struct diag *d)
{
	size_t n = 0;
	int r = rulebook_begin(c->rulebook, o->rules, &n, d);

	if (r == 0 && n)
		log_info("collector.rules_in_force", "rules=%zu from=%s", n, o->rules);
	return r;
}

static int open_data(struct collector *c, const struct options *o, struct diag *d)
{
	int r = folder_take(o->dir, d);

	if (r == 0)
		r = maindb_open(&c->maindb, o->dir, d);
	if (r == 0)
		r = rulebook_open(&c->rulebook, o->dir, d);
	if (r == 0)
		r = begin_rules(c, o, d);
	if (r == 0)
		r = alertbook_open(&c->alertbook, o->dir, d);
	if (r == 0)
		r = store_open(&c->store, o->dir, d);
	if (r == 0)
		r = authority_open(&c->authority, o->dir, o->tls_names.at, o->tls_names.n,
				   timestamp_now(), d);
	return r;
}

/* What keeps state of its own about all that is stored. */
static int start_observers(struct collector *c, const struct options *o, struct diag *d)
{
	struct follow_observer observers[3];
	int r = flows_new(&c->flows, o->dir, c->store, 0, d);

	if (r == 0)
		r = facts_new(&c->facts, o->dir, 0, d);
	if (r == 0)
		r = follow_new(&c->follow, c->store);
	if (r < 0)
		return r;
	r = detect_new(&c->detect, c->rulebook, c->alertbook, c->store);
	if (r < 0)
		return r;
	observers[0] = flows_observer(c->flows);
	observers[1] = facts_observer(c->facts);
	observers[2] = detect_observer(c->detect);
	r = facts_beside_new(&c->facts_of_rules, c->facts);
	if (r == 0)
		observers[2].beside = facts_beside_columns(c->facts_of_rules);
	detect_set_beside(c->detect, observers[2].beside);
	for (size_t i = 0; i < ARRAY_SIZE(observers) && r == 0; i++)
		r = follow_add(c->follow, &observers[i]);
	if (r == 0)
		r = joiner_start(&c->joiner, c->alertbook, c->flows, c->store);
	return r == 0 ? outputs_start(&c->outputs, c->alertbook, o->dir, d) : r;
}

static int start_ingest(struct collector *c, const struct options *o, struct diag *d)
{
	char quarantine[512];
	const struct ingest_tls tls = { .ca = authority_ca(c->authority),
					.cert = authority_cert(c->authority),
					.key = authority_key(c->authority) };
	const struct watch_limits watch = options_watch(o);
	const struct ingest_config config = {
		.url = o->listen,
		.tls = has_tls(o) ? &tls : NULL,
		.store = c->store,
		.maindb = c->maindb,
		.hub = c->hub,
		.follow = c->follow,
		.quarantine_dir = quarantine,
		.dir = o->dir,
		.merge = &merge_usual,
		.keep = { o->keep_days, o->keep_bytes },
		.watch = &watch,
		.min_free_bytes = o->min_free_bytes,
	};

	snprintf(quarantine, sizeof(quarantine), "%s/quarantine", o->dir);
	return ingest_start(&c->ingest, &config, d);
}

/* @http has address, port and certificate. */
static int start_http(struct collector *c, const struct options *o, struct http_config *http,
		      struct diag *d)
{
	http->authority = c->authority;
	http->events_url = o->listen;
	http->store = c->store;
	http->maindb = c->maindb;
	http->rulebook = c->rulebook;
	http->alertbook = c->alertbook;
	http->detect = c->detect;
	http->outputs = c->outputs;
	http->hub = c->hub;
	http->follow = c->follow;
	http->flows = c->flows;
	http->facts = c->facts;
	http->keep = (struct retention_limits){ o->keep_days, o->keep_bytes };
	http->ingest = c->ingest;
	http->import = ingest_import;
	http->import_arg = c->ingest;
	return http_start(&c->http, &c->loop, http, d);
}

static int start_watching(struct collector *c)
{
	int r = watch_signals(c);

	c->reload.ingest = c->ingest;
	c->reload.http = c->http;
	c->reload.book = c->alertbook;
	if (r == 0)
		r = watch_watchdog(c);
	return r == 0 ? watch_ingest(c) : r;
}

static int start(struct collector *c, const struct options *o, struct diag *d)
{
	char address[128];
	struct http_config http = { .address = address };
	int r = options_address(o->http, address, sizeof(address), &http.port, d);

	if (r == 0)
		r = check_reach(o, address, d);
	if (r == 0)
		r = open_data(c, o, d);
	if (r == 0)
		r = hub_new(&c->hub, &c->loop, http_deliver, &c->http);
	if (r == 0)
		r = start_observers(c, o, d);
	if (r == 0)
		r = choose_https(c, o, &http, d);
	if (r == 0)
		r = start_ingest(c, o, d);
	if (r == 0)
		r = start_http(c, o, &http, d);
	if (r == 0)
		r = start_watching(c);
	if (r == 0)
		log_info("collector.READY", "dir=%s listen=%s http=%s port=%u version=%s", o->dir,
			 o->listen, address, http_port(c->http), RTSEC_VERSION);
	return r;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* In this order: nobody new, what came in is committed and answered, then the data are closed. */
static void stop(struct collector *c)
{
	c->ingest = ingest_stop(c->ingest);
	c->http = http_stop(c->http);
	c->hub = hub_free(c->hub);
	uv_run(&c->loop, UV_RUN_NOWAIT);
	uv_walk(&c->loop, close_handle, NULL); /* signals, when start() failed before a signal */
	uv_run(&c->loop, UV_RUN_DEFAULT);
	c->follow = follow_free(c->follow);
	c->joiner = joiner_stop(c->joiner);
	c->flows = flows_free(c->flows);
	c->detect = detect_free(c->detect);
	c->outputs = outputs_stop(c->outputs);
	facts_beside_free(TAKE(c->facts_of_rules));
	c->facts = facts_free(c->facts);
	c->store = store_free(c->store);
	c->alertbook = alertbook_free(c->alertbook);
	c->rulebook = rulebook_free(c->rulebook);
	c->authority = authority_free(c->authority);
	free(c->http_files);
	c->maindb = maindb_free(c->maindb);
}

/* Each day file that a search touches needs a few descriptors. */
static void allow_many_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = MIN(l.rlim_max, (rlim_t)MAX_FILES);
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		log_warn("collector.few_files", "error=%s", strerror(errno));
}

int daemon_serve(const struct options *o, int argc, char *const *argv)
{
	struct collector c = {
		.reload = { .argc = argc, .argv = argv, .started = o, .outputs = &c.outputs }
	};
	struct diag d = { 0 };
	int r, code = EXIT_SUCCESS;

	service_return_memory();
	service_harden();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like a full disk */
	allow_many_files();
	r = uv_loop_init(&c.loop);
	if (r < 0)
		return command_failed(&d, r);
	r = start(&c, o, &d);
	if (r < 0)
		code = command_failed(&d, r);
	else {
		service_notify("READY=1");
		uv_run(&c.loop, UV_RUN_DEFAULT);
	}
	stop(&c);
	uv_loop_close(&c.loop);
	code = code == EXIT_SUCCESS ? c.code : code;
	if (code == EXIT_SUCCESS)
		log_info("collector.stopped", "dir=%s", o->dir);
	return code;
}
