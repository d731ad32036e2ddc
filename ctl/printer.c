/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/printer.h"

#include "ctl/table.h"
#include "ctl/text.h"

struct printer {
	struct printer_config c;
	struct table *table; /* PRINTER_TABLE only */
	struct buf cell, line;
	uint64_t rows;
	bool begun;
};

int printer_new(struct printer **ret, const struct printer_config *config)
{
	AUTO(printer) *p = NULL;

	if (config->n_columns == 0 || config->n_columns > PRINTER_COLUMNS)
		return err_origin(-EINVAL);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_origin(-ENOMEM);
	p->c = *config;
	if (config->format == PRINTER_COMPACT && !config->line)
		p->c.format = PRINTER_TABLE;
	if (p->c.format == PRINTER_TABLE) {
		int r = table_new(&p->table, config);

		if (r < 0)
			return r;
	}
	*ret = TAKE(p);
	return 0;
}

struct printer *printer_free(struct printer *p)
{
	if (!p)
		return NULL;
	table_free(p->table);
	buf_done(&p->cell);
	buf_done(&p->line);
	free(p);
	return NULL;
}

enum printer_format printer_format_of(const char *word, bool terminal)
{
	static const char *const words[] = {
		[PRINTER_TABLE] = "table",   [PRINTER_COMPACT] = "compact", [PRINTER_JSON] = "json",
		[PRINTER_NDJSON] = "ndjson", [PRINTER_CSV] = "csv",
	};

	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum printer_format)i;
	return terminal ? PRINTER_TABLE : PRINTER_NDJSON;
}

const json_t *printer_find(const json_t *row, const char *path)
{
	const json_t *whole = json_object_get(row, path);

	for (const char *dot = strchr(path, '.'); !whole && dot; dot = strchr(dot + 1, '.')) {
		const json_t *inner = json_object_getn(row, path, (size_t)(dot - path));

		if (json_is_object(inner))
			whole = printer_find(inner, dot + 1);
	}
	return whole;
}

void printer_value(const json_t *v, struct buf *out)
{
	AUTO_MEM char *dump = NULL;
	const json_t *item;
	size_t i;

	if (!v || json_is_null(v))
		return;
	if (json_is_string(v)) {
		buf_add(out, json_string_value(v), json_string_length(v));
		return;
	}
	if (json_is_array(v)) {
		json_array_foreach(v, i, item)
		{
			buf_str(out, i ? ", " : "");
			printer_value(item, out);
		}
		return;
	}
	dump = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	buf_str(out, dump ? dump : "");
}

/* A list in CSV stays JSON: no separator inside a cell is safe from its contents. */
static void csv_value(const json_t *v, struct buf *out)
{
	AUTO_MEM char *dump = json_is_array(v) ? json_dumps(v, JSON_COMPACT) : NULL;

	if (dump)
		buf_str(out, dump);
	else
		printer_value(v, out);
}

/* RFC 4180, lines ended by \n. */
static void csv_cell(struct printer *p, const struct buf *text)
{
	bool quote = text->n && (strcspn((const char *)text->data, ",\"\r\n") < text->n - 1 ||
				 text->data[0] == ' ' || text->data[text->n - 2] == ' ');

	if (!quote) {
		buf_add(&p->line, text->data, text->n ? text->n - 1 : 0);
		return;
	}
	buf_byte(&p->line, '"');
	for (size_t i = 0; i < text->n - 1; i++) {
		if (text->data[i] == '"')
			buf_byte(&p->line, '"');
		buf_byte(&p->line, text->data[i]);
	}
	buf_byte(&p->line, '"');
}

static void csv_text(struct printer *p, size_t column, const char *s, size_t n)
{
	if (column)
		buf_byte(&p->line, ',');
	if (n == 0)
		return;
	buf_clear(&p->cell);
	if (p->c.terminal)
		text_escape(s, n, &p->cell);
	else
		buf_add(&p->cell, s, n);
	buf_byte(&p->cell, 0);
	csv_cell(p, &p->cell);
}

static void csv_titles(struct printer *p)
{
	for (size_t i = 0; i < p->c.n_columns; i++) {
		const struct printer_column *c = &p->c.columns[i];
		const char *title = c->field ? c->field : c->title;

		csv_text(p, i, title, strlen(title));
	}
	buf_byte(&p->line, '\n');
}

static void csv_row(struct printer *p, const json_t *doc)
{
	AUTO_BUF struct buf text = { 0 };

	for (size_t i = 0; i < p->c.n_columns; i++) {
		const struct printer_column *c = &p->c.columns[i];
		const json_t *v = c->field ? printer_find(doc, c->field) : NULL;

		buf_clear(&text);
		if (c->cell && !v)
			c->cell(doc, &text);
		else
			csv_value(v, &text);
		csv_text(p, i, (const char *)text.data, text.n);
	}
	buf_byte(&p->line, '\n');
}

/* Newlines in JSON text are blanks between tokens, and would break a line of NDJSON in two. */
static void json_row(struct printer *p, struct slice row)
{
	size_t from = p->line.n;

	if (p->c.terminal)
		text_escape_json(row.s, row.n, &p->line);
	else
		buf_add(&p->line, row.s, row.n);
	for (size_t i = from; i < p->line.n; i++)
		if (p->line.data[i] == '\n' || p->line.data[i] == '\r')
			p->line.data[i] = ' ';
	if (p->c.format == PRINTER_NDJSON)
		buf_byte(&p->line, '\n');
}

static void begin(struct printer *p)
{
	if (!p->begun && p->c.format == PRINTER_JSON)
		buf_printf(&p->line, "{\"%s\":[", p->c.list);
	if (!p->begun && p->c.format == PRINTER_CSV)
		csv_titles(p);
	p->begun = true;
}

/* Hands the line to stdio. */
static int put(struct printer *p)
{
	bool ok = buf_ok(&p->line) && buf_ok(&p->cell);
	size_t n = p->line.n;

	errno = 0;
	if (ok && n && fwrite(p->line.data, 1, n, p->c.out) != n)
		return err_origin(errno ? -errno : -EIO);
	buf_clear(&p->line);
	return ok ? 0 : err_origin(-ENOMEM);
}

int printer_row(struct printer *p, struct slice row)
{
	bool cells = printer_is_text(p->c.format) || p->c.format == PRINTER_CSV;
	json_t *doc = cells ? rawjson_load(row) : NULL;
	int r = 0;

	if (cells && !json_is_object(doc)) {
		json_decref(doc);
		return err_origin(-EBADMSG);
	}
	begin(p);
	if (p->c.format == PRINTER_TABLE) {
		r = table_row(p->table, doc);
	} else if (p->c.format == PRINTER_COMPACT) {
		p->c.line(doc, &p->c, &p->line);
		buf_byte(&p->line, '\n');
	} else if (p->c.format == PRINTER_CSV) {
		csv_row(p, doc);
	} else {
		if (p->c.format == PRINTER_JSON && p->rows)
			buf_str(&p->line, ",");
		json_row(p, row);
	}
	json_decref(doc);
	p->rows++;
	return r < 0 ? r : put(p);
}

int printer_flush(struct printer *p)
{
	int r = p->table ? table_flush(p->table) : put(p);

	if (r < 0)
		return r;
	return fflush(p->c.out) == 0 ? 0 : err_origin(-errno);
}

int printer_finish(struct printer *p, const char *members)
{
	begin(p);
	if (p->c.format == PRINTER_JSON) {
		buf_str(&p->line, *members ? "]," : "]");
		if (p->c.terminal)
			text_escape_json(members, strlen(members), &p->line);
		else
			buf_str(&p->line, members);
		buf_str(&p->line, "}\n");
	}
	return printer_flush(p);
}

int printer_rows(struct printer *p, struct slice rows, uint64_t *ret_n)
{
	struct slice key, row;
	uint64_t n = 0;
	size_t at = 0;
	int r = 0;

	while (r == 0 && rawjson_next(rows, &at, &key, &row)) {
		r = printer_row(p, row);
		n++;
	}
	if (ret_n)
		*ret_n += n;
	return r;
}

int printer_print(const struct printer_config *config, struct slice rows, const char *members,
		  uint64_t *ret_n)
{
	AUTO(printer) *p = NULL;
	int r = printer_new(&p, config);

	if (r == 0)
		r = printer_rows(p, rows, ret_n);
	return r == 0 ? printer_finish(p, members) : r;
}
