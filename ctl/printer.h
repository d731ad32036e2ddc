/* SPDX-License-Identifier: Apache-2.0 */
/* printer - writes rows as a table, JSON, NDJSON or CSV, one after the other as they come.
 *
 * A row is a JSON object as the collector sent it.  json and ndjson pass its bytes on unchanged;
 * table and csv ask it for the columns.  On a terminal what could harm it is escaped: in JSON as
 * \uNNNN, which means the same; elsewhere as ctl/text.h tells.
 *
 * A table needs widths before its first line, so the first rows are held back (PRINTER_HELD of
 * them, or until printer_flush()) and measured; the widths stay after that.
 *
 * Thread: one owner at a time.  Memory: the rows held back. */
#pragma once
#include "ctl/cli.h"
#include "lib/rawjson.h"

enum printer_format { PRINTER_TABLE, PRINTER_COMPACT, PRINTER_JSON, PRINTER_NDJSON, PRINTER_CSV };
enum { PRINTER_COLUMNS = 512, PRINTER_HELD = 200 };

/* Appends the text of a cell to @out; appending nothing leaves it empty. */
typedef void (*printer_cell_fn)(const json_t *row, struct buf *out);

/* How exactly a column's times are shown. */
enum printer_time { PRINTER_NO_TIME, PRINTER_SECONDS, PRINTER_MILLIS };

struct printer_column {
	const char *title;	/* over the column of a table; NULL: the field's name */
	const char *field;	/* dotted name: the value that the cell shows, and the CSV title */
	printer_cell_fn cell;	/* makes the text in a table, and in CSV where the row has no such
				 * field; NULL: the value of the field */
	unsigned width;		/* least width while rows come one by one; 0: the title's */
	enum printer_time time; /* RFC 3339, which a table shows as ctl/when.h tells */
	bool right;		/* numbers */
	/* what becomes of it when the line is too long for the terminal */
	bool gives_way; /* is cut first */
	bool whole;	/* is cut last: what people copy, such as ids */
	bool middle;	/* loses its middle, not its end: paths, names with a number behind them */
	uint8_t spare;	/* not 0: is left out rather than others cut, the higher number first */
};

struct printer_config;

/* Appends a row as one line without its end, fit for a terminal: PRINTER_COMPACT. */
typedef void (*printer_line_fn)(const json_t *row, const struct printer_config *c, struct buf *out);

struct printer_config {
	FILE *out;
	enum printer_format format;
	const struct printer_column *columns; /* lent for the printer's life */
	size_t n_columns;		      /* 1 to PRINTER_COLUMNS */
	const char *list;		      /* json: name of the member that holds the rows */
	unsigned width;			      /* of the terminal; 0: cut nothing */
	bool live; /* rows come one by one: a table takes the columns' least widths */
	bool color;
	bool local;    /* times of this machine's zone, not UTC */
	bool terminal; /* out is one: escape what could harm it */
	const char *(*tint)(
		const json_t *row); /* SGR parameters such as "31", or NULL; may be NULL */
	printer_line_fn line;	    /* NULL: compact is not for these rows */
};

struct printer;

/* What all printers on io->out have in common, as a part of an initialiser. */
#define PRINTER_ON(io)                                                                      \
	.out = (io)->out, .width = (io)->width, .color = (io)->color, .local = (io)->local, \
	.terminal = (io)->out_tty

/* Returns 0, -EINVAL (too many columns or none) or -ENOMEM; *ret is freed by printer_free(). */
NODISCARD int printer_new(struct printer **ret, const struct printer_config *config);
struct printer *printer_free(struct printer *p);
DEFINE_FREEP(printer)

/* True for what is for people: without columns or lines, what is shown stands as text. */
static inline bool printer_is_text(enum printer_format format)
{
	return format == PRINTER_TABLE || format == PRINTER_COMPACT;
}

/* Parses the word of -o; NULL: table on a terminal, else ndjson. */
enum printer_format printer_format_of(const char *word, bool terminal);

/* Shows one row.  Returns 0, -EBADMSG (not a JSON object), -ENOMEM, or the negative errno of
 * writing. */
NODISCARD int printer_row(struct printer *p, struct slice row);

/* Shows each element of the array @rows; adds how many to *ret_n (NULL: not asked).  Returns as
 * printer_row(). */
NODISCARD int printer_rows(struct printer *p, struct slice rows, uint64_t *ret_n);

/* All of it: printer_new(), printer_rows(), printer_finish().  Returns as they do. */
NODISCARD int printer_print(const struct printer_config *config, struct slice rows,
			    const char *members, uint64_t *ret_n);

/* Writes what is held back and flushes: after each row of a live view. */
NODISCARD int printer_flush(struct printer *p);

/* Ends the output and flushes it.  @members is raw JSON such as "\"cursor\":null", put after the
 * rows of json ("" for none).  Returns as printer_row(). */
NODISCARD int printer_finish(struct printer *p, const char *members);

/* Value at the dotted name @path; keys may hold dots themselves.  NULL: none.  Lent. */
const json_t *printer_find(const json_t *row, const char *path);

/* Appends a value as table cells show it: strings bare, lists with ", " between, objects as JSON.
 */
void printer_value(const json_t *v, struct buf *out);
