/* SPDX-License-Identifier: Apache-2.0 */
/* events - how events look as rows: the columns of the table and of CSV, and the one-line summary
 * of each kind.
 * Thread: any.  Memory: struct events owns the names of --fields. */
#pragma once
#include "ctl/cli.h"
#include "ctl/printer.h"

struct events {
	const struct printer_column *columns;
	size_t n_columns;
	const char *fields; /* to ask the collector for; NULL: whole documents */
	/* of --fields: */
	struct printer_column own[PRINTER_COLUMNS];
	char names[PRINTER_COLUMNS][64];
};

/* Chooses columns for @format; @fields is the argument of --fields or NULL.  Returns 0, or -EINVAL:
 * a name is missing or there are too many; @d says so. */
NODISCARD int events_columns(struct events *ret, enum printer_format format, const char *fields,
			     struct diag *d);

/* A printer for them on io->out; @live: rows come one by one.  Returns as printer_new(). */
NODISCARD int events_printer(struct printer **ret, const struct cli_io *io, const struct events *e,
			     enum printer_format format, bool live);

/* Cells.  The summary: command line, path, addresses, what was lost. */
void events_node(const json_t *doc, struct buf *out);
void events_process(const json_t *doc, struct buf *out);
void events_user(const json_t *doc, struct buf *out);
void events_summary(const json_t *doc, struct buf *out);

/* Colour of the whole line: red for what failed, yellow for what was lost, else NULL. */
const char *events_tint(const json_t *doc);
