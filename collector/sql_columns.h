/* SPDX-License-Identifier: Apache-2.0 */
/* sql_columns - the columns of the SQL table events, from the registry of fields.
 *
 * A field has two columns of one value: process_name, its name with _ for every dot (@ is left
 * out), which SELECT * shows, and "process.name", its own name, hidden, to be written in double
 * quotes.  Names that stand for another (user.name) are hidden in both forms.  The first hidden
 * column is query: events('...') asks it.
 * Thread: any, after sql_columns() was called once. Memory: constant, for ever. */
#pragma once
#include "lib/buf.h"
#include "lib/fields.h"

struct sql_columns;

/* The one table.  NULL: no memory. */
const struct sql_columns *sql_columns(void);

/* Field of column @i; NULL info: it is query, or there is none. */
struct field_ref sql_column_field(const struct sql_columns *c, int i);
/* Name of column @i, "" when there is none. */
const char *sql_column_name(const struct sql_columns *c, int i);
bool sql_column_is_query(const struct sql_columns *c, int i);

/* The statement that SQLite is told the table by; docs/sql.md lists the same.  Writes what SQLite
 * calls its type, too. */
void sql_columns_declare(const struct sql_columns *c, struct buf *out);
const char *sql_column_type(enum field_type type);
