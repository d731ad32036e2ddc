/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output.h"

#include <pthread.h>
#include <time.h>

#include "collector/api_alerts.h"
#include "collector/output_send.h"
#include "lib/log.h"
#include "lib/timestamp.h"

enum { TICK_MS = 250, TOLD = 4096, FILE_BYTES = 256 << 10 };

/* What was told of an alert last, so that mere counting up is not told each time. */
struct told {
	uint64_t id, at_ns;
	enum alert_status status;
	bool owned;
};

struct output {
	const struct output_settings *settings;
	struct output_sender *sender;
	uint64_t change;	      /* its place in the alert book */
	uint64_t sent, failed, tries; /* tries: of the message at hand */
	uint64_t not_before_ns, minute_ns, in_minute;
	struct told told[TOLD]; /* by id */
	char error[512];
};

/* Alerts that the next message tells, and the change number of the last that was looked at. */
struct group {
	struct output *output;
	struct output_alert alerts[OUTPUT_GROUP];
	uint64_t ids[OUTPUT_GROUP];
	size_t n, seen;
	uint64_t change;
	bool failed;
};

struct outputs {
	struct output_config config;
	struct alertbook *book;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	pthread_t thread;
	bool stopping;
	struct output outputs[];
};

static void group_done(struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->alerts[i].json);
}

/* ---- what is told ---- */

static bool is_silenced(const struct output_settings *s, const struct alert *a)
{
	uint64_t now_ns = timestamp_now();

	for (size_t i = 0; i < s->n_silences; i++) {
		const struct output_silence *x = &s->silences[i];

		if ((x->until_ns == 0 || now_ns < x->until_ns) &&
		    (!x->rule || strcmp(x->rule, a->rule_id) == 0) &&
		    (!x->node || strcmp(x->node, a->node) == 0 || strcmp(x->node, a->node_id) == 0))
			return true;
	}
	return false;
}

static bool is_news(struct output *o, const struct alert *a)
{
	const struct told *t = &o->told[a->id % TOLD];

	return t->id != a->id || t->status != a->status || t->owned != (a->owner[0] != '\0') ||
	       timestamp_now() >= t->at_ns + OUTPUT_REPEAT_NS;
}

static void note_told(struct output *o, const struct alert *a)
{
	o->told[a->id % TOLD] = (struct told){ .id = a->id,
					       .at_ns = timestamp_now(),
					       .status = a->status,
					       .owned = a->owner[0] != '\0' };
}

static int gather(const struct alert *a, void *arg)
{
	struct group *g = arg;
	AUTO_BUF struct buf json = { 0 };
	struct json j = json_to(&json);

	g->change = a->change;
	g->seen++;
	if (is_silenced(g->output->settings, a) || !is_news(g->output, a))
		return 0;
	alert_write(&j, a);
	buf_byte(&json, 0);
	if (!buf_ok(&json))
		return err_origin(-ENOMEM);
	g->ids[g->n] = a->id;
	g->alerts[g->n++].json = (char *)TAKE(json.data);
	json = (struct buf){ 0 };
	note_told(g->output, a);
	return 0;
}

/* ---- one message ---- */

static void say(struct outputs *all, struct output *o, const char *error)
{
	pthread_mutex_lock(&all->mutex);
	snprintf(o->error, sizeof(o->error), "%s", error);
	pthread_mutex_unlock(&all->mutex);
}

/* Not to be sent more often than the settings allow. */
static bool may_send(struct output *o, uint64_t now_ns)
{
	if (now_ns < o->not_before_ns)
		return false;
	if (now_ns >= o->minute_ns + UINT64_C(60000000000)) {
		o->minute_ns = now_ns;
		o->in_minute = 0;
	}
	return o->settings->per_minute == 0 || o->in_minute < o->settings->per_minute;
}

static void pause_after_failure(struct output *o, uint64_t now_ns)
{
	uint64_t ms = (uint64_t)OUTPUT_FIRST_PAUSE_MS << MIN(o->tries - 1, UINT64_C(10));

	o->not_before_ns = now_ns + MIN(ms, (uint64_t)OUTPUT_LAST_PAUSE_MS) * 1000000;
}

/* Returns true when the place in the book may move on. */
static bool deliver(struct outputs *all, struct output *o, struct group *g)
{
	struct diag d = { 0 };
	int r = output_send(o->sender, g->alerts, g->n, &d);

	o->in_minute++;
	if (r == 0) {
		o->sent += g->n;
		o->tries = 0;
		say(all, o, "");
		return true;
	}
	o->failed++;
	say(all, o, d.text[0] ? d.text : strerror(-r));
	if (o->tries++ == 0)
		log_warn("output.failed", "output=%s reason=\"%s\"", o->settings->name, d.text);
	pause_after_failure(o, timestamp_now());
	if (o->tries < OUTPUT_TRIES)
		return false;
	log_error("output.dead_letters", "output=%s alerts=%zu", o->settings->name, g->n);
	o->tries = 0;
	for (size_t i = 0; i < g->n; i++)
		if (alertbook_dead_add(all->book, o->settings->name, g->ids[i], d.text) < 0)
			return false;
	return true;
}

/* Alerts that a message could not tell are news again. */
static void forget_told(struct output *o, const struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		o->told[g->ids[i] % TOLD].id = 0;
}

/* One step of one output; true: there may be more to do. */
static bool work(struct outputs *all, struct output *o)
{
	const struct alert_filter f = { .status = -1,
					.least = o->settings->least,
					.until_ns = UINT64_MAX,
					.by_change = true,
					.after_change = o->change,
					.limit = OUTPUT_GROUP };
	uint64_t last = alertbook_changes(all->book), was = o->change;
	struct group g = { .output = o, .change = o->change };
	bool on = true;

	if (o->change >= last || !may_send(o, timestamp_now()))
		return false;
	if (alertbook_list(all->book, &f, gather, &g) < 0)
		on = false;
	else if (g.n)
		on = deliver(all, o, &g);
	if (!on)
		forget_told(o, &g);
	else
		o->change = g.seen < OUTPUT_GROUP ? MAX(last, g.change) : g.change;
	if (o->change != was && alertbook_output_put(all->book, o->settings->name, o->change) < 0)
		log_warn("output.place_not_kept", "output=%s", o->settings->name);
	group_done(&g);
	return on && o->change < last;
}

static void *run(void *arg)
{
	struct outputs *all = arg;

	pthread_mutex_lock(&all->mutex);
	while (!all->stopping) {
		bool more = false;
		struct timespec until;

		pthread_mutex_unlock(&all->mutex);
		for (size_t i = 0; i < all->config.n; i++)
			more |= work(all, &all->outputs[i]);
		pthread_mutex_lock(&all->mutex);
		if (more || all->stopping)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&all->wake, &all->mutex, &until);
	}
	pthread_mutex_unlock(&all->mutex);
	return NULL;
}

/* ---- life ---- */

static struct outputs *outputs_free(struct outputs *all)
{
	if (!all)
		return NULL;
	for (size_t i = 0; i < all->config.n; i++)
		output_sender_free(all->outputs[i].sender);
	output_config_done(&all->config);
	pthread_mutex_destroy(&all->mutex);
	pthread_cond_destroy(&all->wake);
	free(all);
	return NULL;
}

struct outputs *outputs_stop(struct outputs *all)
{
	if (!all)
		return NULL;
	pthread_mutex_lock(&all->mutex);
	all->stopping = true;
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->mutex);
	pthread_join(all->thread, NULL);
	return outputs_free(all);
}

static int start(struct outputs *all)
{
	pthread_condattr_t clock;
	int r = 0;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_mutex_init(&all->mutex, NULL);
	pthread_cond_init(&all->wake, &clock);
	pthread_condattr_destroy(&clock);
	for (size_t i = 0; r == 0 && i < all->config.n; i++) {
		struct output *o = &all->outputs[i];

		o->settings = &all->config.outputs[i];
		r = output_sender_new(&o->sender, o->settings);
		if (r == 0)
			r = alertbook_output_get(all->book, o->settings->name, &o->change);
	}
	return r == 0 ? -pthread_create(&all->thread, NULL, run, all) : r;
}

static int read_config(const char *dir, struct output_config *ret, struct diag *d)
{
	AUTO_MEM char *text = malloc(FILE_BYTES + 1);
	char path[512];
	FILE *f;
	size_t n;
	int r;

	*ret = (struct output_config){ 0 };
	if (!text || (size_t)snprintf(path, sizeof(path), "%s/outputs.yaml", dir) >= sizeof(path))
		return err_origin(-ENOMEM);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0
				       : diag_set(d, -errno, 0, 0, "cannot read %s: %s", path,
						  strerror(errno));
	n = fread(text, 1, FILE_BYTES, f);
	fclose(f);
	r = output_config_read(ret, text, n, d);
	if (r < 0)
		diag_file(d, path);
	return r;
}

int outputs_start(struct outputs **ret, struct alertbook *book, const char *dir, struct diag *d)
{
	struct output_config config;
	struct outputs *all;
	int r = read_config(dir, &config, d);

	*ret = NULL;
	if (r < 0 || config.n == 0) {
		output_config_done(&config);
		return r;
	}
	all = calloc(1, sizeof(*all) + config.n * sizeof(all->outputs[0]));
	if (!all) {
		output_config_done(&config);
		return err_origin(-ENOMEM);
	}
	all->config = config;
	all->book = book;
	r = start(all);
	if (r < 0)
		outputs_free(all);
	else
		*ret = all;
	return r;
}

/* ---- told to people ---- */

void outputs_write(struct outputs *all, struct json *j)
{
	json_begin_array(j);
	for (size_t i = 0; all && i < all->config.n; i++) {
		const struct output *o = &all->outputs[i];
		uint64_t dead = 0;

		if (alertbook_dead_count(all->book, o->settings->name, &dead) < 0)
			dead = 0;
		pthread_mutex_lock(&all->mutex);
		json_begin_object(j);
		json_key_text(j, "name", o->settings->name);
		json_key_text(j, "type", output_type_name(o->settings->type));
		json_key_text(j, "to", o->settings->url);
		json_key_uint(j, "sent", o->sent);
		json_key_uint(j, "failed", o->failed);
		json_key_uint(j, "dead", dead);
		json_key_text(j, "error", o->error[0] ? o->error : NULL);
		json_end_object(j);
		pthread_mutex_unlock(&all->mutex);
	}
	json_end_array(j);
}

int outputs_replay(struct outputs *all, const char *name, uint64_t *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; all && i < all->config.n; i++)
		if (strcmp(all->outputs[i].settings->name, name) == 0)
			return alertbook_dead_replay(all->book, name, ret_n);
	return 1;
}
