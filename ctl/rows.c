/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/rows.h"

#include "ctl/text.h"
#include "lib/json.h"

enum { NAME_BYTES = 256, GAP = 2 };

struct columns {
	struct printer_column list[PRINTER_COLUMNS];
	char names[PRINTER_COLUMNS][NAME_BYTES];
	size_t n;
};

bool rows_are_in(struct slice page)
{
	struct slice found;

	return rawjson_member(page, "columns", &found) && rawjson_member(page, "rows", &found);
}

static int add_column(struct columns *c, struct slice raw)
{
	json_t *column = rawjson_load(raw);
	const char *name = json_string_value(json_object_get(column, "name"));
	const char *type = json_string_value(json_object_get(column, "type"));
	bool number = type && (strcmp(type, "long") == 0 || strcmp(type, "double") == 0 ||
			       strcmp(type, "INTEGER") == 0);
	int r = name && c->n < PRINTER_COLUMNS ? 0 : -EBADMSG;

	if (r == 0) {
		char *own = c->names[c->n];

		snprintf(own, NAME_BYTES, "%s", name);
		c->list[c->n++] = (struct printer_column){ .field = own,
							   .right = number,
							   .gives_way = !number };
	}
	json_decref(column);
	return r < 0 ? err_origin(r) : 0;
}

static int read_columns(struct columns *c, struct slice page)
{
	struct slice all, key, column;
	size_t at = 0;
	int r = rawjson_member(page, "columns", &all) ? 0 : -EBADMSG;

	while (r == 0 && rawjson_next(all, &at, &key, &column))
		r = add_column(c, column);
	return r;
}

/* An array of cells as an object by the columns' names; the cells stay byte for byte. */
static int write_object(const struct columns *c, struct slice row, struct buf *out)
{
	struct json j = json_to(out);
	struct slice key, cell;
	size_t at = 0, n = 0;

	json_begin_object(&j);
	while (n < c->n && rawjson_next(row, &at, &key, &cell)) {
		json_key(&j, c->names[n++]);
		json_raw(&j, cell.s, cell.n);
	}
	json_end_object(&j);
	if (!buf_ok(out))
		return err_origin(-ENOMEM);
	return n == c->n ? 0 : err_origin(-EBADMSG);
}

static int print_rows(struct printer *p, const struct columns *c, struct slice page,
		      uint64_t *ret_n)
{
	AUTO_BUF struct buf object = { 0 };
	struct slice rows, key, row;
	size_t at = 0;
	int r = rawjson_member(page, "rows", &rows) ? 0 : -EBADMSG;

	while (r == 0 && rawjson_next(rows, &at, &key, &row)) {
		buf_clear(&object);
		r = write_object(c, row, &object);
		if (r == 0)
			r = printer_row(p, (struct slice){ (const char *)object.data, object.n });
		++*ret_n;
	}
	return r < 0 ? r : printer_finish(p, "");
}

static uint64_t count_rows(struct slice page, const char *list)
{
	struct slice rows = { "", 0 }, key, row;
	uint64_t n = 0;
	size_t at = 0;

	while (rawjson_member(page, list, &rows) && rawjson_next(rows, &at, &key, &row))
		n++;
	return n;
}

int rows_print_whole(const struct cli_io *io, struct slice page, const char *list, uint64_t *ret_n)
{
	AUTO_BUF struct buf text = { 0 };

	*ret_n = count_rows(page, list);
	if (io->out_tty)
		text_escape_json(page.s, page.n, &text);
	else
		buf_add(&text, page.s, page.n);
	if (page.n && page.s[page.n - 1] != '\n')
		buf_byte(&text, '\n');
	if (!buf_ok(&text))
		return err_origin(-ENOMEM);
	errno = 0;
	if (fwrite(text.data, 1, text.n, io->out) != text.n || fflush(io->out) != 0)
		return err_origin(errno ? -errno : -EIO);
	return 0;
}

/* Do not even the titles fit beside each other?  Then a table would show next to nothing. */
static bool is_too_wide(const struct columns *c, unsigned width)
{
	size_t need = 0;

	for (size_t i = 0; i < c->n; i++)
		need += text_width(c->names[i], strlen(c->names[i])) + GAP;
	return width && need > width + GAP;
}

/* A line for each cell that is not null, and a blank one behind the row. */
static void write_upright(const json_t *row, const struct printer_config *c, struct buf *out)
{
	AUTO_BUF struct buf value = { 0 };
	size_t widest = 0;

	for (size_t i = 0; i < c->n_columns; i++)
		widest = MAX(widest, strlen(c->columns[i].field));
	for (size_t i = 0; i < c->n_columns; i++) {
		const json_t *v = json_object_get(row, c->columns[i].field);

		if (!v || json_is_null(v))
			continue;
		buf_clear(&value);
		printer_value(v, &value);
		text_escape(c->columns[i].field, strlen(c->columns[i].field), out);
		for (size_t n = strlen(c->columns[i].field); n < widest + GAP; n++)
			buf_byte(out, ' ');
		text_escape((const char *)value.data, value.n, out);
		buf_byte(out, '\n');
	}
}

int rows_print(const struct cli_io *io, const char *output, struct slice page, uint64_t *ret_n)
{
	AUTO_MEM struct columns *c = calloc(1, sizeof(*c));
	struct printer_config config = {
		PRINTER_ON(io),
		.format = printer_format_of(output, io->out_tty),
		.list = "rows",
	};
	AUTO(printer) *p = NULL;
	int r;

	*ret_n = 0;
	if (!c)
		return err_origin(-ENOMEM);
	r = read_columns(c, page);
	if (r == 0 && config.format == PRINTER_JSON)
		return rows_print_whole(io, page, "rows", ret_n);
	if (!output && io->out_tty && is_too_wide(c, io->width)) {
		config.format = PRINTER_COMPACT;
		config.line = write_upright;
	}
	config.columns = c->list;
	config.n_columns = c->n;
	if (r == 0)
		r = printer_new(&p, &config);
	return r < 0 ? r : print_rows(p, c, page, ret_n);
}
