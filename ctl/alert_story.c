/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/alert_story.h"

#include <inttypes.h>

#include "ctl/events.h"
#include "ctl/text.h"
#include "ctl/when.h"
#include "lib/timestamp.h"

enum { INDENT = 11, EVENTS = 20 };

static const char *string(const json_t *o, const char *path)
{
	const char *s = json_string_value(printer_find(o, path));

	return s ? s : "";
}

static json_int_t number(const json_t *o, const char *path)
{
	return json_integer_value(printer_find(o, path));
}

/* "name       text", wrapped and harmless; nothing when there is no text. */
static void line(const struct cli_io *io, const char *name, struct buf *text)
{
	AUTO_BUF struct buf safe = { 0 };

	if (text->n) {
		text_escape((const char *)text->data, text->n, &safe);
		buf_byte(&safe, 0);
		fprintf(io->out, "%-*s", INDENT, name);
		text_wrap(io->out, buf_ok(&safe) ? (const char *)safe.data : "", INDENT, io->width);
		fputc('\n', io->out);
	}
	buf_clear(text);
}

static void add_time(const struct cli_io *io, const json_t *alert, const char *key, struct buf *out)
{
	const struct when_style style = { .local = io->local,
					  .brief = io->width != 0,
					  .now_ns = timestamp_now() };

	when_show(string(alert, key), &style, out);
}

static void add_args(const json_t *process, struct buf *out)
{
	const json_t *args = json_object_get(process, "args"), *arg;
	size_t i;

	json_array_foreach(args, i, arg)
	{
		buf_str(out, i ? " " : "");
		printer_value(arg, out);
	}
}

static void say_head(const struct cli_io *io, const json_t *alert, struct buf *out)
{
	bool grave = strcmp(string(alert, "rule.level"), "critical") == 0 ||
		     strcmp(string(alert, "rule.level"), "high") == 0;

	if (io->color)
		fputs(grave ? "\x1b[1;31m" : "\x1b[1m", io->out);
	buf_printf(out, "%" JSON_INTEGER_FORMAT " ", number(alert, "id"));
	buf_str(out, string(alert, "rule.title"));
	line(io, "alert", out);
	if (io->color)
		fputs("\x1b[0m", io->out);
	buf_printf(out, "%s, %s", string(alert, "rule.level"), string(alert, "status"));
	if (*string(alert, "owner"))
		buf_printf(out, ", %s", string(alert, "owner"));
	line(io, "state", out);
	buf_printf(out, "%s  ", string(alert, "rule.id"));
	printer_value(printer_find(alert, "rule.techniques"), out);
	line(io, "rule", out);
}

static void say_when(const struct cli_io *io, const json_t *alert, struct buf *out)
{
	add_time(io, alert, "first", out);
	if (number(alert, "count") > 1) {
		buf_printf(out, ", %" JSON_INTEGER_FORMAT " times until ", number(alert, "count"));
		add_time(io, alert, "last", out);
	}
	line(io, "when", out);
	buf_str(out, string(alert, "node"));
	line(io, "node", out);
	buf_str(out, string(alert, "object"));
	line(io, "object", out);
}

/* systemd[400] > sshd[401] > bash[453] (deploy): the eldest first. */
static void say_process(const struct cli_io *io, const json_t *alert, struct buf *out)
{
	const json_t *process = json_object_get(alert, "process");
	const json_t *ancestry = json_object_get(alert, "ancestry");

	for (size_t i = json_array_size(ancestry); i--;) {
		const json_t *p = json_array_get(ancestry, i);

		buf_printf(out, "%s[%" JSON_INTEGER_FORMAT "]", string(p, "name"),
			   number(p, "pid"));
		if (*string(p, "user") && strcmp(string(p, "user"), "root") != 0)
			buf_printf(out, " (%s)", string(p, "user"));
		buf_str(out, i ? " > " : "");
	}
	line(io, "started by", out);
	if (!json_is_object(process))
		return;
	buf_printf(out, "%s[%" JSON_INTEGER_FORMAT "] (%s)  ", string(process, "name"),
		   number(process, "pid"), string(process, "user"));
	add_args(process, out);
	line(io, "process", out);
	buf_str(out, string(process, "executable"));
	line(io, "program", out);
}

static void say_notes(const struct cli_io *io, const json_t *alert, struct buf *out)
{
	const json_t *notes = json_object_get(alert, "notes"), *note;
	size_t i;

	json_array_foreach(notes, i, note)
	{
		add_time(io, note, "time", out);
		buf_printf(out, " %s: %s", string(note, "author"), string(note, "text"));
		line(io, i ? "" : "notes", out);
	}
}

static int print_events(const struct cli_io *io, const json_t *alert)
{
	const json_t *list = json_object_get(alert, "events"), *event;
	struct events *e = calloc(1, sizeof(*e));
	AUTO(printer) *p = NULL;
	struct diag d = { 0 };
	int r = e ? events_columns(e, PRINTER_COMPACT, NULL, &d) : err_origin(-ENOMEM);
	size_t i;

	if (r == 0)
		r = events_printer(&p, io, e, PRINTER_COMPACT, false);
	if (r == 0 && json_array_size(list))
		fputs("\nevents\n", io->out);
	json_array_foreach(list, i, event)
	{
		AUTO_MEM char *text = json_dumps(event, JSON_COMPACT);

		if (r < 0 || i == EVENTS)
			break;
		r = text ? printer_row(p, (struct slice){ text, strlen(text) })
			 : err_origin(-ENOMEM);
	}
	if (r == 0)
		r = printer_finish(p, "");
	if (r == 0 && i < json_array_size(list))
		fprintf(io->out, "... and %zu more: -o json\n", json_array_size(list) - i);
	free(e);
	return r;
}

static void say_next(const struct cli_io *io, const json_t *alert, struct buf *out)
{
	const char *entity = string(alert, "entity_id");

	if (number(alert, "incident"))
		fprintf(io->out, "\nnext       rtsecctl incidents %" JSON_INTEGER_FORMAT "\n",
			number(alert, "incident"));
	else
		fputs("\nnext\n", io->out);
	if (*entity) {
		buf_printf(out, "rtsecctl tree --across %s", entity);
		line(io, "", out);
		buf_printf(out, "rtsecctl timeline --descendants %s", entity);
		line(io, "", out);
	}
	buf_printf(out, "rtsecctl alerts ack %" JSON_INTEGER_FORMAT " --owner NAME",
		   number(alert, "id"));
	line(io, "", out);
}

int alert_story_print(const struct cli_io *io, const json_t *alert)
{
	AUTO_BUF struct buf text = { 0 };
	int r;

	say_head(io, alert, &text);
	say_when(io, alert, &text);
	say_process(io, alert, &text);
	say_notes(io, alert, &text);
	if (json_array_size(json_object_get(alert, "gaps"))) {
		buf_str(&text, "events of that time are known to be lost: this may not be all");
		line(io, "gaps", &text);
	}
	r = print_events(io, alert);
	if (r < 0)
		return r;
	say_next(io, alert, &text);
	return ferror(io->out) ? err_origin(-EIO) : 0;
}
