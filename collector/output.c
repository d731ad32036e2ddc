/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_internal.h"

#include <time.h>

#include "collector/api_alerts.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/timestamp.h"

enum { TICK_MS = 250, FILE_BYTES = 256 << 10 };

/* Alerts that the next message tells, and the change number of the last that was looked at. */
struct group {
	struct outputs *all;
	struct output *output;
	struct output_alert alerts[OUTPUT_GROUP];
	uint64_t ids[OUTPUT_GROUP];
	size_t n, seen;
	uint64_t change;
	bool failed;
};

static void group_done(struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->alerts[i].json);
}

/* ---- what is told ---- */

static bool is_for(const struct output_silence *x, const struct alert *a, uint64_t now_ns)
{
	return (x->until_ns == 0 || now_ns < x->until_ns) &&
	       (!x->rule || strcmp(x->rule, a->rule_id) == 0) &&
	       (!x->node || strcmp(x->node, a->node) == 0 || strcmp(x->node, a->node_id) == 0);
}

static bool is_silenced(struct outputs *all, const struct output *o, const struct alert *a)
{
	const struct output_settings *s = o->settings;
	uint64_t now_ns = timestamp_now();
	bool found = false;

	for (size_t i = 0; i < s->n_silences; i++)
		found |= is_for(&s->silences[i], a, now_ns);
	pthread_mutex_lock(&all->mutex);
	for (size_t i = 0; i < o->n_live; i++) {
		const struct live_silence *l = &o->live[i];
		const struct output_silence x = { .rule = l->rule[0] ? l->rule : NULL,
						  .node = l->node[0] ? l->node : NULL,
						  .until_ns = l->until_ns };

		found |= is_for(&x, a, now_ns);
	}
	pthread_mutex_unlock(&all->mutex);
	return found;
}

static bool is_news(struct output *o, const struct alert *a)
{
	const struct told *t = &o->told[a->id % OUTPUT_TOLD];

	return t->id != a->id || t->status != a->status || t->owned != (a->owner[0] != '\0') ||
	       timestamp_now() >= t->at_ns + OUTPUT_REPEAT_NS;
}

static void note_told(struct output *o, const struct alert *a)
{
	o->told[a->id % OUTPUT_TOLD] = (struct told){ .id = a->id,
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
	if (is_silenced(g->all, g->output, a) || !is_news(g->output, a))
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

/* What others may read: @n alerts were told, or none for a reason. */
static void say(struct outputs *all, struct output *o, const char *error, size_t n)
{
	pthread_mutex_lock(&all->mutex);
	o->sent += n;
	o->failed += n == 0;
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
	uint64_t ms = o->settings->pause_ms << MIN(o->tries - 1, UINT64_C(10));

	o->not_before_ns = now_ns + MIN(ms, (uint64_t)OUTPUT_LAST_PAUSE_MS) * 1000000;
}

/* Returns true when the place in the book may move on. */
static bool deliver(struct outputs *all, struct output *o, struct group *g)
{
	struct diag d = { 0 };
	int r = output_send(o->sender, g->alerts, g->n, &d);

	o->in_minute++;
	if (r == 0) {
		o->tries = 0;
		say(all, o, "", g->n);
		return true;
	}
	g->failed = true;
	if (atomic_load(&all->stopping)) /* cut off: it is told after the next start */
		return false;
	say(all, o, d.text[0] ? d.text : strerror(-r), 0);
	if (o->tries++ == 0)
		log_warn("output.failed", "output=%s reason=\"%s\"", o->settings->name, d.text);
	pause_after_failure(o, timestamp_now());
	if (o->tries < o->settings->tries)
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
		o->told[g->ids[i] % OUTPUT_TOLD].id = 0;
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
	struct group g = { .all = all, .output = o, .change = o->change };
	bool on = true;

	if (o->change >= last || !may_send(o, timestamp_now()))
		return false;
	if (alertbook_list(all->book, &f, gather, &g) < 0)
		on = false;
	else if (g.n)
		on = deliver(all, o, &g);
	if (!on || g.failed)
		forget_told(o, &g);
	if (on)
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
	while (!atomic_load(&all->stopping)) {
		bool more = false;
		struct timespec until;

		pthread_mutex_unlock(&all->mutex);
		for (size_t i = 0; i < all->config.n; i++)
			more |= work(all, &all->outputs[i]);
		pthread_mutex_lock(&all->mutex);
		if (more || atomic_load(&all->stopping))
			continue;
		until = monotonic_after_ms(TICK_MS);
		monotonic_wait(&all->wake, &all->mutex, &until);
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

struct outputs *outputs_ref(struct outputs *all)
{
	if (all)
		atomic_fetch_add(&all->refs, 1);
	return all;
}

struct outputs *outputs_unref(struct outputs *all)
{
	return all && atomic_fetch_sub(&all->refs, 1) == 1 ? outputs_free(all) : NULL;
}

struct outputs *outputs_stop(struct outputs *all)
{
	if (!all)
		return NULL;
	pthread_mutex_lock(&all->mutex);
	atomic_store(&all->stopping, true);
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->mutex);
	pthread_join(all->thread, NULL);
	return outputs_unref(all);
}

static int keep_silence(const struct alert_silence *s, void *arg)
{
	struct output *o = arg;
	struct live_silence *l = &o->live[o->n_live];

	if (o->n_live == OUTPUT_SILENCES)
		return 0;
	*l = (struct live_silence){ .id = s->id, .until_ns = s->until_ns };
	snprintf(l->rule, sizeof(l->rule), "%s", s->rule ? s->rule : "");
	snprintf(l->node, sizeof(l->node), "%s", s->node ? s->node : "");
	o->n_live++;
	return 0;
}

int output_read_silences(struct outputs *all, struct output *o)
{
	AUTO_MEM struct output *scratch = calloc(1, sizeof(*scratch));
	int r;

	if (!scratch)
		return err_origin(-ENOMEM);
	r = alertbook_silences(all->book, o->settings->name, keep_silence, scratch);
	if (r < 0)
		return r;
	pthread_mutex_lock(&all->mutex);
	memcpy(o->live, scratch->live, sizeof(o->live));
	o->n_live = scratch->n_live;
	pthread_mutex_unlock(&all->mutex);
	return 0;
}

static int start(struct outputs *all)
{
	int r = 0;

	pthread_mutex_init(&all->mutex, NULL);
	pthread_cond_init(&all->wake, NULL);
	for (size_t i = 0; r == 0 && i < all->config.n; i++) {
		struct output *o = &all->outputs[i];

		o->settings = &all->config.outputs[i];
		r = output_sender_new(&o->sender, o->settings, &all->stopping);
		if (r == 0)
			r = alertbook_output_get(all->book, o->settings->name, &o->change);
		if (r == 0)
			r = output_read_silences(all, o);
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

int outputs_check(const char *dir, struct diag *d)
{
	struct output_config config;
	int r = read_config(dir, &config, d);

	output_config_done(&config);
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
	all->refs = 1;
	r = start(all);
	if (r < 0)
		outputs_free(all);
	else
		*ret = all;
	return r;
}
