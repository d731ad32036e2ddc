/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/table.h"

#include "ctl/text.h"
#include "ctl/when.h"
#include "lib/timestamp.h"

enum { GAP = 2, LEAST_WIDTH = 4, LEAST_SUMMARY = 24, WIDE = 120, UNCUT_BYTES = 64 << 10 };

static const char ellipsis[] = "\xe2\x80\xa6";

struct row {
	struct buf text;	      /* escaped cells, one after the other */
	size_t ends[PRINTER_COLUMNS]; /* where each ends in text */
	const char *tint;
};

struct table {
	struct printer_config c;
	size_t widths[PRINTER_COLUMNS];
	bool left_out[PRINTER_COLUMNS];
	size_t last; /* column that is not left out */
	uint64_t now_ns;
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
	t->last = config->n_columns - 1;
	t->now_ns = timestamp_now();
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

/* How narrow column @i may get before a spare one is left out for it. */
static size_t least(const struct table *t, size_t i)
{
	return t->c.columns[i].gives_way ? MIN(t->widths[i], (size_t)LEAST_SUMMARY) : t->widths[i];
}

static size_t total(const struct table *t, bool least_only)
{
	size_t sum = 0;

	for (size_t i = 0; i < t->c.n_columns; i++)
		if (!t->left_out[i])
			sum += GAP + (least_only ? least(t, i) : t->widths[i]);
	return sum - MIN(sum, (size_t)GAP);
}

/* The spare column to leave out first; n_columns: there is none. */
static size_t most_spare(const struct table *t)
{
	size_t at = t->c.n_columns;
	uint8_t most = 0;

	for (size_t i = 0; i < t->c.n_columns; i++)
		if (!t->left_out[i] && t->c.columns[i].spare > most) {
			most = t->c.columns[i].spare;
			at = i;
		}
	return at;
}

/* What is made narrower first: the widest that gives way while it has room, then the widest, then
 * also those that should stay whole. */
static size_t widest(const struct table *t)
{
	size_t best = t->c.n_columns, best_rank = 0;

	for (size_t i = 0; i < t->c.n_columns; i++) {
		const struct printer_column *c = &t->c.columns[i];
		bool fixed = c->whole || c->time;
		size_t rank = c->gives_way && t->widths[i] > LEAST_SUMMARY ? 3 : fixed ? 1 : 2;

		if (t->left_out[i] || t->widths[i] <= LEAST_WIDTH)
			continue;
		if (best == t->c.n_columns || rank > best_rank ||
		    (rank == best_rank && t->widths[i] > t->widths[best])) {
			best = i;
			best_rank = rank;
		}
	}
	return best;
}

/* Fits the columns into the terminal. */
static void settle(struct table *t)
{
	size_t i;

	t->settled = true;
	if (!t->c.width)
		return;
	while (total(t, true) > t->c.width && (i = most_spare(t)) < t->c.n_columns)
		t->left_out[i] = true;
	while (total(t, false) > t->c.width && (i = widest(t)) < t->c.n_columns)
		t->widths[i]--;
	for (i = 0; i < t->c.n_columns; i++)
		if (!t->left_out[i])
			t->last = i;
}

static void pad(struct table *t, size_t n)
{
	while (n--)
		buf_byte(&t->line, ' ');
}

/* Appends as much of the cell as fits into @width columns.  Returns how many it takes. */
static size_t put_cut(struct table *t, const char *s, size_t n, size_t width, bool middle)
{
	size_t after = middle ? (width - 1) / 2 : 0, fits = text_fit(s, n, width - 1 - after);
	size_t from = n, has = text_width(s, fits) + 1;

	while (from > fits && text_width(s + from - 1, n - from + 1) <= after)
		from--;
	while (from < n && ((unsigned char)s[from] & 0xc0) == 0x80)
		from++; /* not within a character */
	if (fits)
		buf_add(&t->line, s, fits);
	buf_str(&t->line, ellipsis);
	if (from < n)
		buf_add(&t->line, s + from, n - from);
	return has + text_width(s + from, n - from);
}

static void put_cell(struct table *t, size_t column, const char *s, size_t n)
{
	size_t width = t->widths[column], has = text_width(s, n);
	bool last = column == t->last, cut = t->c.width && has > width;

	if (t->left_out[column])
		return;
	if (t->c.columns[column].right && has < width)
		pad(t, width - has);
	if (cut)
		has = put_cut(t, s, n, width, t->c.columns[column].middle);
	else if (n)
		buf_add(&t->line, s, n);
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

/* The time in t->raw as people read it: short on a narrow terminal. */
static void show_time(struct table *t, const struct printer_column *c)
{
	const struct when_style style = { .millis = c->time == PRINTER_MILLIS,
					  .local = t->c.local,
					  .brief = t->c.width && t->c.width < WIDE,
					  .now_ns = t->now_ns };
	AUTO_BUF struct buf text = { 0 };

	buf_byte(&t->raw, 0);
	if (!buf_ok(&t->raw))
		return;
	when_show((const char *)t->raw.data, &style, &text);
	buf_clear(&t->raw);
	if (text.n)
		buf_add(&t->raw, text.data, text.n);
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
	if (c->time)
		show_time(t, c);
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
