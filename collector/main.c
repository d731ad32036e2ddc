/* SPDX-License-Identifier: Apache-2.0 */
/* rtsec-collector: the composition root.  One uv loop (the web server, the live tail, signals), one
 * ingest thread, uv's thread pool for searches. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <uv.h>

#include "collector/authority.h"
#include "collector/day.h"
#include "collector/facts_beside.h"
#include "collector/flows.h"
#include "collector/http.h"
#include "collector/ingest.h"
#include "collector/import.h"
#include "collector/joiner.h"
#include "collector/options.h"
#include "collector/reload.h"
#include "lib/service.h"
#include "lib/timestamp.h"

_Static_assert(OPTIONS_AUTO == DISK_AUTO, "forwarded as it is");

enum { EXIT_USAGE = 2, SIGNALS = 3, MAX_FILES = 65536, LOCK_TRIES = 10, SECOND_MS = 1000 };

struct collector {
	struct authority *authority;
	struct http_files *http_files;
	uv_loop_t loop;
	uv_signal_t signals[SIGNALS];
	uv_timer_t watchdog, second;
	int code; /* of the exit */
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

static int complain(const struct diag *d, int r)
{
	char text[1024], quoted[1200];

	if (d->text[0])
		diag_format(d, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s", strerror(-r));
	log_error("collector.failed", "reason=%s",
		  log_value(text, strlen(text), quoted, sizeof(quoted)));
	return EXIT_FAILURE;
}

/* ---- the folder ---- */

static int make_folder(const char *dir, struct diag *d)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s", dir,
				strerror(errno));
	return 0;
}

/* One collector a folder.  The descriptor stays open, and the lock with it, until exit. */
static int lock_folder(const char *dir, struct diag *d)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	char path[512];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				"the folder's path is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot open %s: %s", path,
				strerror(errno));
	for (unsigned i = 0; i < LOCK_TRIES;
	     i++) { /* one that was killed may still be taken down */
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	close(fd);
	return diag_set(d, err_origin(-EBUSY), 0, 0, "another collector runs in the folder %s",
			dir);
}

static int prepare_folder(const char *dir, struct diag *d)
{
	int r = make_folder(dir, d);

	return r < 0 ? r : lock_folder(dir, d);
}

/* ---- the daemon ---- */

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	service_notify("WATCHDOG=1");
}

static int watch_watchdog(struct collector *c)
{
	uint64_t ms = service_watchdog_ms();
	int r = uv_timer_init(&c->loop, &c->watchdog);

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
	int r = prepare_folder(o->dir, d);

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

static int start(struct collector *c, const struct options *o, struct diag *d)
{
	char address[128], quarantine[512];
	struct ingest_config ingest = { .url = o->listen };
	struct http_config http = { .address = address };
	struct ingest_tls tls;
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
	if (r < 0)
		return r;
	tls = (struct ingest_tls){ .ca = authority_ca(c->authority),
				   .cert = authority_cert(c->authority),
				   .key = authority_key(c->authority) };
	ingest.tls = has_tls(o) ? &tls : NULL;
	http.authority = c->authority;
	http.events_url = o->listen;
	snprintf(quarantine, sizeof(quarantine), "%s/quarantine", o->dir);
	ingest.store = http.store = c->store;
	ingest.maindb = http.maindb = c->maindb;
	http.rulebook = c->rulebook;
	http.alertbook = c->alertbook;
	http.detect = c->detect;
	http.outputs = c->outputs;
	ingest.hub = http.hub = c->hub;
	ingest.follow = http.follow = c->follow;
	http.flows = c->flows;
	http.facts = c->facts;
	ingest.quarantine_dir = quarantine;
	ingest.dir = o->dir;
	ingest.merge = &merge_usual;
	ingest.keep = http.keep = (struct retention_limits){ o->keep_days, o->keep_bytes };
	ingest.watch = true;
	ingest.min_free_bytes = o->min_free_bytes;
	r = ingest_start(&c->ingest, &ingest, d);
	http.ingest = c->ingest;
	http.import = ingest_import;
	http.import_arg = c->ingest;
	if (r == 0)
		r = http_start(&c->http, &c->loop, &http, d);
	c->reload.ingest = c->ingest;
	c->reload.http = c->http;
	c->reload.book = c->alertbook;
	if (r == 0)
		r = watch_signals(c);
	if (r == 0)
		r = watch_watchdog(c);
	if (r == 0)
		r = watch_ingest(c);
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

/* Of main(), for a reload. */
static struct {
	int n;
	char *const *at;
} arguments;

static int serve(const struct options *o)
{
	struct collector c = { .reload = { .argc = arguments.n,
					   .argv = arguments.at,
					   .started = o,
					   .outputs = &c.outputs } };
	struct diag d = { 0 };
	int r, code = EXIT_SUCCESS;

	service_return_memory();
	service_harden();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like a full disk */
	allow_many_files();
	r = uv_loop_init(&c.loop);
	if (r < 0)
		return complain(&d, r);
	r = start(&c, o, &d);
	if (r < 0)
		code = complain(&d, r);
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

/* ---- commands ---- */

static int token_create(const struct options *o)
{
	AUTO(maindb) *m = NULL;
	struct diag d = { 0 };
	enum role role;
	char token[MAINDB_TOKEN_CHARS + 1];
	int r;

	if (!o->name || !o->role || !role_parse(o->role, &role)) {
		fprintf(stderr, "rtsec-collector: token create needs --name NAME and --role "
				"viewer|analyst|operator|admin\n");
		return EXIT_USAGE;
	}
	r = maindb_open(&m, o->dir, &d);
	if (r == 0)
		r = maindb_token_create(m, o->name, role, token);
	if (r < 0)
		return complain(&d, r);
	return puts(token) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(const char *text)
{
	fprintf(stderr, "rtsec-collector: %s\n", text);
	return EXIT_USAGE;
}

/* hold DAY and release DAY. */
static int change_hold(const struct options *o, int (*change)(struct maindb *m, uint32_t day))
{
	AUTO(maindb) *m = NULL;
	struct diag d = { 0 };
	char name[DAY_PATH_BYTES];
	uint32_t day;
	int r;

	snprintf(name, sizeof(name), "events-%s.db", o->words[1]);
	if (!day_parse_name(name, &day))
		return usage("a day is written as 2026-11-22");
	r = maindb_open(&m, o->dir, &d);
	if (r == 0)
		r = change(m, day);
	if (r == MAINDB_E_NOT_HELD)
		fprintf(stderr, "rtsec-collector: %s is not on hold\n", o->words[1]);
	return r < 0 ? complain(&d, r) : r;
}

static int hold(const struct options *o)
{
	return change_hold(o, maindb_hold);
}

static int release(const struct options *o)
{
	return change_hold(o, maindb_release);
}

static int print_hold(uint32_t day, void *arg)
{
	char path[DAY_PATH_BYTES];

	(void)arg;
	day_path("", day, "", path);
	return printf("%.10s\n", path + strlen("/events-")) < 0 ? -EIO : 0;
}

static int holds(const struct options *o)
{
	AUTO(maindb) *m = NULL;
	struct diag d = { 0 };
	int r = maindb_open(&m, o->dir, &d);

	if (r == 0)
		r = maindb_holds(m, print_hold, NULL);
	return r < 0 || fflush(stdout) != 0 ? complain(&d, r) : EXIT_SUCCESS;
}

/* import FILE: while no collector runs on the folder. */
static int import(const struct options *o)
{
	AUTO(store) *store = NULL;
	struct import_result got = { 0 };
	struct diag d = { 0 };
	FILE *f = strcmp(o->words[1], "-") == 0 ? stdin : fopen(o->words[1], "re");
	int r;

	if (!f) {
		fprintf(stderr, "rtsec-collector: cannot read %s: %s\n", o->words[1],
			strerror(errno));
		return EXIT_FAILURE;
	}
	r = prepare_folder(o->dir, &d);
	if (r == 0)
		r = store_open(&store, o->dir, &d);
	if (r == 0)
		r = import_file(store, f, &got, &d);
	if (f != stdin)
		fclose(f);
	printf("%llu batches with %llu events stored, %llu events were there, %llu batches "
	       "refused\n",
	       (unsigned long long)got.batches, (unsigned long long)got.events,
	       (unsigned long long)got.there, (unsigned long long)got.refused);
	if (r < 0 || fflush(stdout) != 0)
		return complain(&d, r);
	return got.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct command {
	const char *words[2]; /* NULL: any word */
	size_t n_words;
	int (*run)(const struct options *o);
} commands[] = {
	{ { NULL }, 0, serve },	       { { "token", "create" }, 2, token_create },
	{ { "hold", NULL }, 2, hold }, { { "release", NULL }, 2, release },
	{ { "holds" }, 1, holds },     { { "import", NULL }, 2, import },
};

static const struct command *find_command(const struct options *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];
		bool same = c->n_words == o->n_words;

		for (size_t w = 0; same && w < c->n_words; w++)
			same = !c->words[w] || strcmp(c->words[w], o->words[w]) == 0;
		if (same)
			return c;
	}
	return NULL;
}

static int answer(const struct options *o)
{
	const char *file = config_file(o->config);

	if (o->common.help)
		options_help(stdout);
	else if (o->common.version)
		puts("rtsec-collector " RTSEC_VERSION);
	else
		printf("%s: the settings are right\n", file ? file : "no configuration file");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct command *command;
	char text[900];
	struct diag d = { 0 };
	struct options o;
	int code;

	arguments.n = argc;
	arguments.at = argv;
	if (options_parse(&o, argc, argv, &d) < 0)
		return usage(diag_format(&d, text, sizeof(text)));
	log_set_level(o.log_level);
	command = find_command(&o);
	if (o.common.help || o.common.version || o.common.check)
		code = answer(&o);
	else
		code = command ? command->run(&o) : usage("unknown command; see --help");
	options_done(&o);
	return code;
}
