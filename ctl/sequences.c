/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sequences.h"

#include <inttypes.h>

#include "ctl/rows.h"
#include "ctl/text.h"

struct showing {
	const struct cli_io *io;
	struct events events; /* of csv: a copy with the number in front */
	enum printer_format format;
	struct printer *printer; /* of csv: one for all; of a table: of the group at hand */
	struct buf row;
	uint64_t n;
};

bool sequences_are_in(struct slice page)
{
	struct slice found;

	return rawjson_member(page, "sequences", &found);
}

/* @doc with the number as its first member. */
static int print_event(struct showing *s, struct slice doc)
{
	struct slice inside = { doc.s + 1, doc.n - 1 };

	if (s->format != PRINTER_CSV)
		return printer_row(s->printer, doc);
	buf_clear(&s->row);
	buf_printf(&s->row, "{\"sequence\":%" PRIu64 "%s", s->n,
		   inside.n && *inside.s == '}' ? "" : ",");
	buf_add(&s->row, inside.s, inside.n);
	if (!buf_ok(&s->row))
		return err_origin(-ENOMEM);
	return printer_row(s->printer, (struct slice){ (const char *)s->row.data, s->row.n });
}

static bool is_missing(struct slice doc)
{
	struct slice v;

	return rawjson_member(doc, "missing", &v) && v.n == 4 && memcmp(v.s, "true", 4) == 0;
}

static int print_events(struct showing *s, struct slice sequence)
{
	struct slice events, key, doc;
	size_t at = 0;
	int r = rawjson_member(sequence, "events", &events) ? 0 : -EBADMSG;

	while (r == 0 && rawjson_next(events, &at, &key, &doc))
		if (!is_missing(doc))
			r = rawjson_is_object(doc) ? print_event(s, doc) : -EBADMSG;
	return r == -EBADMSG ? err_origin(r) : r;
}

/* "sequence 2: web-1, 1000" */
static int print_head(struct showing *s, struct slice sequence)
{
	AUTO_BUF struct buf head = { 0 };
	AUTO_BUF struct buf text = { 0 };
	struct slice keys, key, value;
	const char *before = ": ";
	size_t at = 0;

	buf_printf(&head, "%ssequence %" PRIu64, s->n > 1 ? "\n" : "", s->n);
	if (!rawjson_member(sequence, "join_keys", &keys))
		return err_origin(-EBADMSG);
	while (rawjson_next(keys, &at, &key, &value)) {
		json_t *v = json_loadb(value.s, value.n, JSON_DECODE_ANY, NULL);

		buf_clear(&text);
		if (v)
			printer_value(v, &text);
		else /* an integer that jansson has no room for */
			buf_add(&text, value.s, value.n);
		buf_str(&head, before);
		if (s->io->out_tty)
			text_escape((const char *)text.data, text.n, &head);
		else
			buf_add(&head, text.data, text.n);
		before = ", ";
		json_decref(v);
	}
	buf_byte(&head, '\n');
	if (!buf_ok(&head))
		return err_origin(-ENOMEM);
	errno = 0;
	if (fwrite(head.data, 1, head.n, s->io->out) != head.n)
		return err_origin(errno ? -errno : -EIO);
	return 0;
}

static int print_group(struct showing *s, struct slice sequence)
{
	int r = print_head(s, sequence);

	if (r == 0)
		r = events_printer(&s->printer, s->io, &s->events, s->format, false);
	if (r == 0)
		r = print_events(s, sequence);
	if (r == 0)
		r = printer_finish(s->printer, "");
	s->printer = printer_free(s->printer);
	return r;
}

static int print_one(struct showing *s, struct slice sequence)
{
	s->n++;
	switch (s->format) {
	case PRINTER_TABLE:
	case PRINTER_COMPACT:
		return print_group(s, sequence);
	case PRINTER_CSV:
		return print_events(s, sequence);
	default:
		return printer_row(s->printer, sequence);
	}
}

/* The columns of csv: the number before those of events. */
static void number_first(struct events *e)
{
	size_t n = MIN(e->n_columns, (size_t)PRINTER_COLUMNS - 1);
	struct printer_column own[PRINTER_COLUMNS];

	memcpy(own + 1, e->columns, n * sizeof(own[0]));
	own[0] = (struct printer_column){ .field = "sequence" };
	memcpy(e->own, own, (n + 1) * sizeof(own[0]));
	e->columns = e->own;
	e->n_columns = n + 1;
}

static int print_all(struct showing *s, struct slice page)
{
	struct slice all, key, sequence;
	size_t at = 0;
	int r = 0;

	if (!rawjson_member(page, "sequences", &all))
		return err_origin(-EBADMSG);
	if (!printer_is_text(s->format))
		r = events_printer(&s->printer, s->io, &s->events, s->format, false);
	while (r == 0 && rawjson_next(all, &at, &key, &sequence))
		r = print_one(s, sequence);
	if (r == 0 && s->printer)
		r = printer_finish(s->printer, "");
	return r;
}

int sequences_print(const struct cli_io *io, const struct events *events,
		    enum printer_format format, struct slice page, uint64_t *ret_n)
{
	struct showing s = { .io = io, .events = *events, .format = format };
	int r;

	if (format == PRINTER_JSON)
		return rows_print_whole(io, page, "sequences", ret_n);
	if (format == PRINTER_CSV)
		number_first(&s.events);
	else if (events->columns == events->own)
		s.events.columns = s.events.own;
	r = print_all(&s, page);
	printer_free(s.printer);
	buf_done(&s.row);
	*ret_n = s.n;
	return r;
}
