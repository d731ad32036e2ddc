/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/pages.h"

#include <inttypes.h>

void pages_done(struct pages *p)
{
	buf_done(&p->gaps);
	buf_done(&p->nodes);
	json_decref(p->scanned);
	*p = (struct pages){ 0 };
}

static int take_cursor(struct pages *p, const json_t *cursor)
{
	const char *s = json_string_value(cursor);

	if (s && (strlen(s) >= sizeof(p->next) || (*s && strcmp(s, p->cursor) == 0)))
		return err_origin(-EBADMSG);
	snprintf(p->next, sizeof(p->next), "%s", s ? s : "");
	return 0;
}

static int take_scanned(struct pages *p, json_t *scanned)
{
	const char *key;
	json_t *v;

	if (!p->scanned)
		p->scanned = json_object();
	json_object_foreach(scanned, key, v)
	{
		json_int_t sum = json_integer_value(json_object_get(p->scanned, key));

		json_object_set_new(p->scanned, key, json_integer(sum + json_integer_value(v)));
	}
	return p->scanned ? 0 : err_origin(-ENOMEM);
}

static bool holds(const struct buf *b, const char *s, size_t n)
{
	return b->n && memmem(b->data, b->n, s, n) != NULL;
}

static void add_gap(struct pages *p, struct slice raw)
{
	json_t *gap;
	const char *node;
	json_int_t count;

	if (holds(&p->gaps, raw.s, raw.n)) /* each page of an answer may tell it again */
		return;
	buf_str(&p->gaps, p->gaps.n ? "," : "");
	buf_add(&p->gaps, raw.s, raw.n);
	gap = rawjson_load(raw);
	count = json_integer_value(json_object_get(gap, "count"));
	node = json_string_value(json_object_get(gap, "node"));
	p->n_gaps++;
	p->lost += count > 0 ? (uint64_t)count : 0;
	p->n_unknown += count <= 0;
	if (node && !holds(&p->nodes, node, strlen(node)) && p->nodes.n < 256)
		buf_printf(&p->nodes, "%s%s", p->nodes.n ? ", " : "", node);
	json_decref(gap);
}

static int take_gaps(struct pages *p, struct slice gaps)
{
	struct slice key, gap;
	size_t at = 0;

	while (rawjson_next(gaps, &at, &key, &gap))
		add_gap(p, gap);
	return buf_ok(&p->gaps) && buf_ok(&p->nodes) ? 0 : err_origin(-ENOMEM);
}

static bool is(struct slice key, const char *name)
{
	return key.n == strlen(name) && memcmp(key.s, name, key.n) == 0;
}

static int take_member(struct pages *p, struct slice key, struct slice value)
{
	json_t *v;
	int r = 0;

	if (is(key, "hits") || is(key, "sequences"))
		return 0;
	if (is(key, "gaps"))
		return take_gaps(p, value);
	v = json_loadb(value.s, value.n, JSON_DECODE_ANY, NULL);
	if (is(key, "took_ms"))
		p->took_ms += json_number_value(v);
	else if (is(key, "truncated"))
		p->truncated = json_is_true(v);
	else if (is(key, "scanned"))
		r = take_scanned(p, v);
	else if (is(key, "cursor"))
		r = take_cursor(p, v);
	json_decref(v);
	return r;
}

int pages_add(struct pages *p, struct slice page)
{
	struct slice key, value;
	size_t at = 0;
	int r = 0;

	p->truncated = false;
	p->next[0] = 0;
	while (r == 0 && rawjson_next(page, &at, &key, &value))
		r = take_member(p, key, value);
	memcpy(p->cursor, p->next, sizeof(p->cursor));
	return r;
}

static json_int_t damaged(const struct pages *p)
{
	return json_integer_value(json_object_get(p->scanned, "blocks_damaged"));
}

bool pages_partial(const struct pages *p)
{
	return p->truncated || p->n_gaps > 0 || damaged(p) > 0;
}

static void say_gaps(const struct pages *p, const struct cli_io *io)
{
	const char *plural = p->n_gaps == 1 ? "" : "s", *on = p->nodes.n ? ", on " : "";
	const char *nodes = p->nodes.n ? (const char *)p->nodes.data : "";
	char unknown[64] = "";

	if (p->n_unknown && p->lost)
		snprintf(unknown, sizeof(unknown), "; of %" PRIu64 " the count is unknown",
			 p->n_unknown);
	if (p->lost)
		cli_say(io,
			"%" PRIu64 " events are known to be lost in this range (%" PRIu64
			" gap%s%s%s%.*s): query 'event.action == \"gap\"' shows them",
			p->lost, p->n_gaps, plural, unknown, on, (int)p->nodes.n, nodes);
	else
		cli_say(io,
			"events may be lost in this range, how many is unknown (%" PRIu64
			" gap%s%s%.*s): query 'event.action == \"gap\"' shows them",
			p->n_gaps, plural, on, (int)p->nodes.n, nodes);
}

void pages_say(const struct pages *p, const struct cli_io *io)
{
	if (p->n_gaps)
		say_gaps(p, io);
	if (damaged(p) > 0)
		cli_say(io,
			"%lld stored blocks are damaged and were left out: the collector's log "
			"names "
			"them",
			(long long)damaged(p));
	if (p->truncated)
		cli_say(io, "the collector stopped before it had looked at everything, or told all "
			    "of it: narrow the time or the query, or raise --limit");
}

void pages_members(const struct pages *p, struct buf *out)
{
	json_t *cursor = p->cursor[0] ? json_string(p->cursor) : json_null();
	AUTO_MEM char *cursor_text = json_dumps(cursor, JSON_ENCODE_ANY | JSON_COMPACT);
	AUTO_MEM char *scanned = json_dumps(p->scanned, JSON_COMPACT);

	buf_printf(out, "\"cursor\":%s,\"took_ms\":%.3f,\"scanned\":%s,\"truncated\":%s",
		   cursor_text ? cursor_text : "null", p->took_ms, scanned ? scanned : "{}",
		   p->truncated ? "true" : "false");
	buf_str(out, ",\"gaps\":[");
	buf_add(out, p->gaps.data, p->gaps.n);
	buf_str(out, "]");
	buf_byte(out, 0);
	json_decref(cursor);
}
