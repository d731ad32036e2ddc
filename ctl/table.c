/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/table.h"

#include "ctl/text.h"

enum { GAP = 2, LEAST_WIDTH = 4, LEAST_SUMMARY = 24, UNCUT_BYTES = 64 << 10 };

static const char ellipsis[] = "\xe2\x80\xa6";

struct row {
	struct buf text;	      /* escaped cells, one after the other */
	size_t ends[PRINTER_COLUMNS]; /* where each ends in text */
	const char *tint;
};

struct table {
	struct printer_config c;
	size_t widths[PRINTER_COLUMNS];
	struct row *rows;
	size_t n_rows;
	struct buf raw, line;
	bool settled;
};

static const char *title_of(const struct printer_column *c)
{
	return c->title ? c->title : c->field;
}

int table_new(struct table **ret, const struct printer_config *config)
{
	AUTO(table) *t = calloc(1, sizeof(*t));

	if (!t)
		return err_origin(-ENOMEM);
	t->c = *config;
	t->rows = calloc(PRINTER_HELD, sizeof(*t->rows));
	if (!t->rows)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < config->n_columns; i++)
		t->widths[i] = strlen(title_of(&config->columns[i]));
	*ret = TAKE(t);
	return 0;
}

struct table *table_free(struct table *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; t->rows && i < PRINTER_HELD; i++)
		buf_done(&t->rows[i].text);
	free(t->rows);
	buf_done(&t->raw);
	buf_done(&t->line);
	free(t);
	return NULL;
}

/* The column to make narrower: the one that gives way while it has room, else the widest. */
static size_t widest(const struct table *t)
{
	size_t at = 0;

	for (size_t i = 0; i < t->c.n_columns; i++) {
		if (t->c.columns[i].gives_way && t->widths[i] > LEAST_SUMMARY)
			return i;
		if (t->widths[i] > t->widths[at])
			at = i;
	}
	return at;
}

/* Fits the widths into the terminal. */
static void settle(struct table *t)
{
	size_t total = GAP * (t->c.n_columns - 1);

	for (size_t i = 0; i < t->c.n_columns; i++)
		total += t->widths[i];
	while (t->c.width && total > t->c.width) {
		size_t i = widest(t);

		if (t->widths[i] <= LEAST_WIDTH)
			break;
		t->widths[i]--;
		total--;
	}
	t->settled = true;
}

static void pad(struct table *t, size_t n)
{
	while (n--)
		buf_byte(&t->line, ' ');
}

static void put_cell(struct table *t, size_t column, const char *s, size_t n)
{
	size_t width = t->widths[column], has = text_width(s, n), fits = n;
	bool last = column + 1 == t->c.n_columns, cut = t->c.width && has > width;

	if (cut) {
		fits = text_fit(s, n, width - 1);
		has = text_width(s, fits) + 1;
	}
	if (t->c.columns[column].right && has < width)
		pad(t, width - has);
	if (fits)
		buf_add(&t->line, s, fits);
	buf_str(&t->line, cut ? ellipsis : "");
	if (!last)
		pad(t, GAP + (t->c.columns[column].right || has > width ? 0 : width - has));
}

/* Ends the line and hands it to stdio, blanks at its end cut off. */
static int put_line(struct table *t, const char *tint)
{
	bool color = t->c.color && tint;

	while (t->line.n && t->line.data[t->line.n - 1] == ' ')
		t->line.n--;
	if (!buf_ok(&t->line))
		return err_origin(-ENOMEM);
	errno = 0;
	if (color)
		fprintf(t->c.out, "\x1b[%sm", tint);
	if (t->line.n)
		fwrite(t->line.data, 1, t->line.n, t->c.out);
	fputs(color ? "\x1b[0m\n" : "\n", t->c.out);
	buf_clear(&t->line);
	return ferror(t->c.out) ? err_origin(errno ? -errno : -EIO) : 0;
}

static int put_titles(struct table *t)
{
	for (size_t i = 0; i < t->c.n_columns; i++) {
		const char *title = title_of(&t->c.columns[i]);

		put_cell(t, i, title, strlen(title));
	}
	return put_line(t, "1");
}

static int put_row(struct table *t, const struct row *row)
{
	size_t from = 0;

	for (size_t i = 0; i < t->c.n_columns; i++) {
		put_cell(t, i, (const char *)row->text.data + from, row->ends[i] - from);
		from = row->ends[i];
	}
	return put_line(t, row->tint);
}

static void fill_cell(struct table *t, const struct printer_column *c, const json_t *doc,
		      struct buf *out)
{
	size_t n;

	buf_clear(&t->raw);
	if (c->cell)
		c->cell(doc, &t->raw);
	else
		printer_value(printer_find(doc, c->field), &t->raw);
	n = t->c.width ? MIN(t->raw.n, (size_t)UNCUT_BYTES) : t->raw.n; /* none is so wide */
	text_escape((const char *)t->raw.data, n, out);
}

static bool fill(struct table *t, struct row *row, const json_t *doc)
{
	size_t from = 0;

	buf_clear(&row->text);
	buf_reserve(&row->text, 1); /* so that data is never NULL */
	row->tint = t->c.tint ? t->c.tint(doc) : NULL;
	for (size_t i = 0; i < t->c.n_columns; i++) {
		fill_cell(t, &t->c.columns[i], doc, &row->text);
		row->ends[i] = row->text.n;
		if (!t->settled && buf_ok(&row->text))
			t->widths[i] =
				MAX(t->widths[i], text_width((const char *)row->text.data + from,
							     row->text.n - from));
		from = row->text.n;
	}
	return buf_ok(&row->text) && buf_ok(&t->raw);
}

int table_row(struct table *t, const json_t *doc)
{
	if (!fill(t, &t->rows[t->n_rows], doc))
		return err_origin(-ENOMEM);
	t->n_rows++;
	return t->settled || t->n_rows == PRINTER_HELD ? table_flush(t) : 0;
}

int table_flush(struct table *t)
{
	int r = 0;

	if (!t->settled && t->n_rows) {
		for (size_t i = 0; t->c.live && i < t->c.n_columns; i++)
			t->widths[i] = MAX(t->widths[i], t->c.columns[i].width);
		settle(t);
		r = put_titles(t);
	}
	for (size_t i = 0; r == 0 && i < t->n_rows; i++)
		r = put_row(t, &t->rows[i]);
	t->n_rows = 0;
	return r;
}
