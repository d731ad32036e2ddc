/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_config.h"

#include "collector/output.h"
#include "lib/timestamp.h"

static const char *const types[OUTPUT_TYPES] = { "webhook", "alertmanager", "syslog", "ndjson" };

const char *output_type_name(enum output_type t)
{
	return types[t];
}

static int wrong(struct diag *d, const struct yaml_node *at, const char *text)
{
	return diag_set(d, -EINVAL, at->line, at->column, "%s", text);
}

static int read_text(const struct yaml_node *node, const char **ret, struct diag *d)
{
	if (!node->text || !node->n || strlen(node->text) != node->n)
		return wrong(d, node, "expected a text");
	*ret = node->text;
	return 0;
}

/* ---- silences ---- */

static int read_until(const struct yaml_node *node, uint64_t *ret, struct diag *d)
{
	if (node->text && timestamp_parse(node->text, node->n, timestamp_now(), ret, NULL) == 0)
		return 0;
	return wrong(d, node, "expected a time such as 2027-01-31T12:00:00Z");
}

static int read_silence(struct output_settings *o, const struct yaml_node *map, struct diag *d)
{
	struct output_silence *s = &o->silences[o->n_silences];
	int r = 0;

	if (map->type != YAML_MAP || o->n_silences == OUTPUT_SILENCES)
		return wrong(d, map,
			     "expected a map with rule, node and until, not too many of them");
	for (const struct yaml_node *i = map->first; r == 0 && i; i = i->next) {
		if (yaml_is(i->key, "rule"))
			r = read_text(i, &s->rule, d);
		else if (yaml_is(i->key, "node"))
			r = read_text(i, &s->node, d);
		else if (yaml_is(i->key, "until"))
			r = read_until(i, &s->until_ns, d);
		else
			r = wrong(d, i->key, "expected rule, node or until");
	}
	o->n_silences += r == 0;
	return r;
}

static int read_silences(struct output_settings *o, const struct yaml_node *list, struct diag *d)
{
	int r = list->type == YAML_LIST ? 0 : wrong(d, list, "expected a list of silences");

	for (const struct yaml_node *i = r == 0 ? list->first : NULL; r == 0 && i; i = i->next)
		r = read_silence(o, i, d);
	return r;
}

/* ---- an output ---- */

static int read_type(struct output_settings *o, const struct yaml_node *node, struct diag *d)
{
	for (size_t i = 0; i < OUTPUT_TYPES; i++) {
		if (!yaml_is(node, types[i]))
			continue;
		o->type = (enum output_type)i;
		return 0;
	}
	return wrong(d, node, "expected webhook, alertmanager, syslog or ndjson");
}

static int read_number(struct output_settings *o, const struct yaml_node *i, struct diag *d)
{
	const struct {
		const char *key;
		uint64_t *to;
		int64_t most;
	} numbers[] = { { "per_minute", &o->per_minute, 1000000 },
			{ "tries", &o->tries, 1000 },
			{ "pause_ms", &o->pause_ms, OUTPUT_LAST_PAUSE_MS } };
	size_t k = 0;

	while (k < ARRAY_SIZE(numbers) && !yaml_is(i->key, numbers[k].key))
		k++;
	if (k == ARRAY_SIZE(numbers))
		return wrong(d, i->key,
			     "expected name, type, url, path, secret, template, ca, level, "
			     "per_minute, tries, pause_ms or silences");
	if (i->type != YAML_INT || i->integer < 1 || i->integer > numbers[k].most)
		return wrong(d, i, "expected a number from 1 on, not too great");
	*numbers[k].to = (uint64_t)i->integer;
	return 0;
}

static int read_key(struct output_settings *o, const struct yaml_node *i, struct diag *d)
{
	const struct {
		const char *key, **to;
	} texts[] = { { "name", &o->name },	{ "url", &o->url }, { "path", &o->url },
		      { "secret", &o->secret }, { "ca", &o->ca },   { "template", &o->template } };

	for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
		if (yaml_is(i->key, texts[k].key))
			return read_text(i, texts[k].to, d);
	if (yaml_is(i->key, "type"))
		return read_type(o, i, d);
	if (yaml_is(i->key, "silences"))
		return read_silences(o, i, d);
	if (yaml_is(i->key, "level"))
		return i->text && rule_level_parse(i->text, &o->least)
			       ? 0
			       : wrong(d, i,
				       "expected informational, low, medium, high or critical");
	return read_number(o, i, d);
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static int check(const struct output_config *c, const struct output_settings *o,
		 const struct yaml_node *at, struct diag *d)
{
	if (!o->name || !o->url)
		return wrong(d, at, "an output needs a name, a type, and a url or path");
	for (size_t i = 0; &c->outputs[i] != o; i++)
		if (strcmp(c->outputs[i].name, o->name) == 0)
			return wrong(d, at, "two outputs have the same name");
	if ((o->type == OUTPUT_WEBHOOK || o->type == OUTPUT_ALERTMANAGER) &&
	    !begins(o->url, "http://") && !begins(o->url, "https://"))
		return wrong(d, at, "expected a url that begins with https:// or http://");
	if (o->type == OUTPUT_SYSLOG && !begins(o->url, "tls://") && !begins(o->url, "tcp://"))
		return wrong(d, at, "expected a url such as tls://HOST:6514");
	if (o->type == OUTPUT_NDJSON && o->url[0] != '/')
		return wrong(d, at, "expected a path from the root on");
	return 0;
}

static int read_output(struct output_config *c, const struct yaml_node *map, struct diag *d)
{
	struct output_settings *o = &c->outputs[c->n];
	int r = 0;

	if (map->type != YAML_MAP || c->n == OUTPUT_MOST)
		return wrong(d, map,
			     "expected a map with a name, a type and a url, not too many of them");
	o->tries = OUTPUT_TRIES;
	o->pause_ms = OUTPUT_FIRST_PAUSE_MS;
	for (const struct yaml_node *i = map->first; r == 0 && i; i = i->next)
		r = read_key(o, i, d);
	if (r == 0)
		r = check(c, o, map, d);
	c->n += r == 0;
	return r;
}

int output_config_read(struct output_config *ret, const char *text, size_t n, struct diag *d)
{
	const struct yaml_node *list;
	int r;

	*ret = (struct output_config){ 0 };
	ret->outputs = calloc(OUTPUT_MOST, sizeof(*ret->outputs));
	if (!ret->outputs)
		return err_origin(-ENOMEM);
	r = yaml_parse(&ret->yaml, text, n, d);
	if (r < 0)
		return r;
	list = yaml_get(yaml_first(ret->yaml), "outputs");
	if (!list || list->type != YAML_LIST)
		return diag_set(d, -EINVAL, 1, 1, "expected outputs: and a list of them");
	for (const struct yaml_node *i = list->first; r == 0 && i; i = i->next)
		r = read_output(ret, i, d);
	return r;
}

const char *output_place(const struct output_settings *s, char buf[OUTPUT_PLACE_BYTES])
{
	const char *host = strstr(s->url, "://"), *end, *at;

	if (s->type == OUTPUT_NDJSON || !host) {
		snprintf(buf, OUTPUT_PLACE_BYTES, "%s", s->url);
		return buf;
	}
	host += strlen("://");
	end = host + strcspn(host, "/?#");
	at = memrchr(host, '@', (size_t)(end - host)); /* a name and a password */
	snprintf(buf, OUTPUT_PLACE_BYTES, "%.*s%.*s%s", (int)(host - s->url), s->url,
		 (int)(end - (at ? at + 1 : host)), at ? at + 1 : host, *end ? "/..." : "");
	return buf;
}

void output_config_done(struct output_config *c)
{
	free(c->outputs);
	yaml_free(c->yaml);
	*c = (struct output_config){ 0 };
}
