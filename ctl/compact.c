/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/compact.h"

#include "ctl/events.h"
#include "ctl/text.h"
#include "ctl/when.h"
#include "lib/timestamp.h"

enum { ACTION_WIDTH = 8, LEAST_SUMMARY = 20 };

static const char ellipsis[] = "\xe2\x80\xa6";

/* A line that grows, and how wide it is without its colours. */
struct line {
	const struct printer_config *c;
	struct buf *out;
	struct buf raw, text;
	size_t width;
	bool tinted; /* as a whole */
};

/* Appends what stands in raw in colour @sgr (NULL: none), to at least @pad columns.  At most @room
 * columns, 0: any. */
static void put(struct line *l, const char *sgr, size_t pad, size_t room)
{
	bool color = l->c->color && sgr && !l->tinted;
	size_t n, width;

	buf_clear(&l->text);
	if (l->raw.n)
		text_escape((const char *)l->raw.data, l->raw.n, &l->text);
	n = l->text.n;
	width = n ? text_width((const char *)l->text.data, n) : 0;
	if (color)
		buf_printf(l->out, "\x1b[%sm", sgr);
	if (room && width > room) {
		n = text_fit((const char *)l->text.data, n, room - 1);
		buf_add(l->out, l->text.data, n);
		buf_str(l->out, ellipsis);
	} else if (n) {
		buf_add(l->out, l->text.data, n);
	}
	if (color)
		buf_str(l->out, "\x1b[0m");
	for (; width < pad; width++)
		buf_byte(l->out, ' ');
	l->width += width;
	buf_clear(&l->raw);
}

static const char *string_at(const json_t *row, const char *path)
{
	return json_string_value(printer_find(row, path));
}

static void put_time(struct line *l, const json_t *row)
{
	const char *time = string_at(row, "@timestamp");
	const struct when_style style = { .millis = true,
					  .local = l->c->local,
					  .brief = l->c->width != 0,
					  .now_ns = timestamp_now() };

	when_show(time ? time : "", &style, &l->raw);
	put(l, "2", 0, 0);
}

/* web-1, web-1/shop/cart-7d9f, web-1/nginx, web-1/3f1c2b9a8d7e: a pod, a container, or neither. */
static void put_node(struct line *l, const json_t *row)
{
	const char *pod = string_at(row, "orchestrator.resource.name");
	const char *space = string_at(row, "orchestrator.namespace");
	const char *name = string_at(row, "container.name"), *id = string_at(row, "container.id");

	events_node(row, &l->raw);
	if (pod)
		buf_printf(&l->raw, "/%s%s%s", space ? space : "", space ? "/" : "", pod);
	else if (name || id)
		buf_printf(&l->raw, "/%.*s", name ? 256 : 12, name ? name : id);
	put(l, NULL, 0, 0);
}

static const char *category_color(const json_t *row)
{
	static const struct {
		const char *category, *sgr;
	} table[] = {
		{ "process", "32" }, { "file", "34" },	    { "network", "36" },
		{ "driver", "35" },  { "container", "35" }, { "rtsec", "33" },
	};
	const json_t *category = printer_find(row, "event.category");
	const char *s;

	if (json_is_array(category)) /* ECS allows several */
		category = json_array_get(category, 0);
	s = json_string_value(category);
	for (size_t i = 0; s && i < ARRAY_SIZE(table); i++)
		if (strcmp(s, table[i].category) == 0)
			return table[i].sgr;
	return NULL;
}

static void put_process(struct line *l, const json_t *row)
{
	const char *parent = string_at(row, "process.parent.name"), *user;
	AUTO_BUF struct buf text = { 0 };

	if (parent)
		buf_printf(&l->raw, "%s>", parent);
	events_process(row, &l->raw);
	events_user(row, &text);
	buf_byte(&text, 0);
	user = buf_ok(&text) ? (const char *)text.data : "";
	if (*user && strcmp(user, "root") != 0 && strcmp(user, "0") != 0)
		buf_printf(&l->raw, " (%s)", user);
	put(l, "1", 0, 0);
}

static void put_blank(struct line *l)
{
	buf_byte(l->out, ' ');
	l->width++;
}

void compact_line(const json_t *row, const struct printer_config *c, struct buf *out)
{
	const char *sgr = c->tint ? c->tint(row) : NULL;
	struct line l = { .c = c, .out = out, .tinted = c->color && sgr };
	size_t room;

	if (l.tinted)
		buf_printf(out, "\x1b[%sm", sgr);
	put_time(&l, row);
	put_blank(&l);
	put_node(&l, row);
	put_blank(&l);
	printer_value(printer_find(row, "event.action"), &l.raw);
	put(&l, category_color(row), ACTION_WIDTH, 0);
	put_blank(&l);
	if (printer_find(row, "process.pid")) {
		put_process(&l, row);
		put_blank(&l);
	}
	events_summary(row, &l.raw);
	room = c->width > l.width ? c->width - l.width : 0;
	put(&l, NULL, 0, c->width ? MAX(room, (size_t)LEAST_SUMMARY) : 0);
	if (l.tinted)
		buf_str(out, "\x1b[0m");
	buf_done(&l.raw);
	buf_done(&l.text);
}
