/* SPDX-License-Identifier: Apache-2.0 */
/* What people ask of outputs: how they are, dead letters, a test, silences. */
#include "collector/output_internal.h"

#include "lib/timestamp.h"

static struct output *find(struct outputs *all, const char *name)
{
	for (size_t i = 0; all && i < all->config.n; i++)
		if (strcmp(all->outputs[i].settings->name, name) == 0)
			return &all->outputs[i];
	return NULL;
}

static uint64_t dead_of(struct outputs *all, const struct output *o)
{
	uint64_t n = 0;

	return alertbook_dead_count(all->book, o->settings->name, &n) < 0 ? 0 : n;
}

void outputs_stats(struct outputs *all, struct outputs_stats *ret)
{
	*ret = (struct outputs_stats){ 0 };
	for (size_t i = 0; all && i < all->config.n; i++) {
		const struct output *o = &all->outputs[i];

		ret->dead += dead_of(all, o);
		ret->outputs++;
		pthread_mutex_lock(&all->mutex);
		ret->sent += o->sent;
		ret->failed += o->failed;
		pthread_mutex_unlock(&all->mutex);
	}
}

/* ---- all of them ---- */

static void write_silence(struct json *j, const struct alert_silence *s)
{
	json_begin_object(j);
	json_key(j, "id");
	if (s->id)
		json_uint(j, s->id);
	else
		json_nil(j); /* of outputs.yaml */
	json_key_text(j, "rule", s->rule);
	json_key_text(j, "node", s->node);
	json_key(j, "until");
	if (s->until_ns)
		json_time(j, s->until_ns);
	else
		json_nil(j);
	json_key_text(j, "author", s->author);
	json_key_text(j, "note", s->note);
	json_end_object(j);
}

static int each_silence(const struct alert_silence *s, void *arg)
{
	if (s->until_ns > timestamp_now())
		write_silence(arg, s);
	return 0;
}

static void write_silences(struct outputs *all, const struct output_settings *o, struct json *j)
{
	json_key(j, "silences");
	json_begin_array(j);
	for (size_t i = 0; i < o->n_silences; i++) {
		const struct alert_silence s = { .rule = o->silences[i].rule,
						 .node = o->silences[i].node,
						 .until_ns = o->silences[i].until_ns,
						 .author = "outputs.yaml",
						 .note = "" };

		write_silence(j, &s);
	}
	if (alertbook_silences(all->book, o->name, each_silence, j) < 0)
		j->out->failed = true;
	json_end_array(j);
}

void outputs_write(struct outputs *all, struct json *j)
{
	json_begin_array(j);
	for (size_t i = 0; all && i < all->config.n; i++) {
		const struct output *o = &all->outputs[i];
		uint64_t dead = dead_of(all, o);
		char place[OUTPUT_PLACE_BYTES];

		json_begin_object(j);
		json_key_text(j, "name", o->settings->name);
		json_key_text(j, "type", output_type_name(o->settings->type));
		json_key_text(j, "to", output_place(o->settings, place));
		pthread_mutex_lock(&all->mutex);
		json_key_uint(j, "sent", o->sent);
		json_key_uint(j, "failed", o->failed);
		json_key_text(j, "error", o->error[0] ? o->error : NULL);
		pthread_mutex_unlock(&all->mutex);
		json_key_uint(j, "dead", dead);
		write_silences(all, o->settings, j);
		json_end_object(j);
	}
	json_end_array(j);
}

/* ---- dead letters ---- */

static int each_dead(const struct alert_dead *d, void *arg)
{
	struct json *j = arg;

	json_begin_object(j);
	json_key_uint(j, "id", d->id);
	json_key_uint(j, "alert", d->alert_id);
	json_key_time(j, "created", d->created_ns);
	json_key_text(j, "error", d->error);
	json_end_object(j);
	return 0;
}

int outputs_dead(struct outputs *all, const char *name, uint32_t limit, struct json *j)
{
	int r;

	if (!find(all, name))
		return 1;
	json_begin_array(j);
	r = alertbook_dead_each(all->book, name, limit, each_dead, j);
	json_end_array(j);
	return r;
}

int outputs_replay(struct outputs *all, const char *name, uint64_t *ret_n)
{
	*ret_n = 0;
	return find(all, name) ? alertbook_dead_replay(all->book, name, ret_n) : 1;
}

/* ---- a test ---- */

/* An alert as the API would have it, of a rule that there is not. */
static int write_test(struct buf *out)
{
	struct json j = json_to(out);
	uint64_t now_ns = timestamp_now();

	json_begin_object(&j);
	json_key_uint(&j, "id", 0);
	json_key_uint(&j, "change", 0);
	json_key_text(&j, "status", "open");
	json_key_text(&j, "owner", NULL);
	json_key(&j, "rule");
	json_begin_object(&j);
	json_key_text(&j, "id", "rtsec-output-test");
	json_key_uint(&j, "revision", 0);
	json_key_text(&j, "title", "A test of this output by rtsec");
	json_key_text(&j, "level", "informational");
	json_key(&j, "techniques");
	json_begin_array(&j);
	json_end_array(&j);
	json_end_object(&j);
	json_key_text(&j, "node", "none");
	json_key_text(&j, "node_id", "none");
	json_key_text(&j, "entity_id", NULL);
	json_key_text(&j, "object", NULL);
	json_key_uint(&j, "count", 1);
	json_key_time(&j, "first", now_ns);
	json_key_time(&j, "last", now_ns);
	json_key_time(&j, "created", now_ns);
	json_key_time(&j, "updated", now_ns);
	json_key(&j, "incident");
	json_nil(&j);
	json_end_object(&j);
	buf_byte(out, 0);
	return buf_ok(out) ? 0 : err_origin(-ENOMEM);
}

int outputs_test(struct outputs *all, const char *name, const atomic_bool *stop, struct diag *d)
{
	const struct output *o = find(all, name);
	AUTO(output_sender) *sender = NULL;
	AUTO_BUF struct buf text = { 0 };
	struct output_alert a;
	int r;

	if (!o)
		return 1;
	r = write_test(&text);
	if (r == 0)
		r = output_sender_new(&sender, o->settings, stop);
	if (r < 0)
		return r;
	a.json = (char *)text.data;
	return output_send(sender, &a, 1, d);
}

/* ---- silences ---- */

int outputs_silence(struct outputs *all, const char *name, struct alert_silence *s)
{
	struct output *o = find(all, name);
	uint64_t now_ns = timestamp_now();
	size_t n = 0;
	int r;

	if (!o)
		return 1;
	pthread_mutex_lock(&all->mutex);
	for (size_t i = 0; i < o->n_live; i++)
		n += o->live[i].until_ns > now_ns;
	pthread_mutex_unlock(&all->mutex);
	if (n >= OUTPUT_SILENCES)
		return err_origin(-ENOSPC);
	r = alertbook_silence_add(all->book, name, s);
	return r < 0 ? r : output_read_silences(all, o);
}

int outputs_silence_drop(struct outputs *all, const char *name, uint64_t id)
{
	struct output *o = find(all, name);
	int r = o ? alertbook_silence_drop(all->book, name, id) : 1;

	return r ? r : output_read_silences(all, o);
}
