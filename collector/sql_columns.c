/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sql_columns.h"

#include <pthread.h>
#include <string.h>

enum { NAME_BYTES = 64, MAX_COLUMNS = 1600 };

struct column {
	char name[NAME_BYTES];
	struct field_ref field;
	bool hidden;
};

struct sql_columns {
	struct column list[MAX_COLUMNS];
	int n, query;
};

static struct sql_columns table;
static bool is_whole;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int add(const char *name, struct field_ref field, bool hidden)
{
	struct column *c = &table.list[table.n];

	if (table.n == MAX_COLUMNS)
		return err_origin(-E2BIG);
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->field = field;
	c->hidden = hidden;
	table.n++;
	return 0;
}

/* process.name is process_name, @timestamp is timestamp. */
static int add_plain(const char *name, struct field_ref field, bool hidden)
{
	char plain[NAME_BYTES];
	size_t n = 0;

	for (; *name && n + 1 < sizeof(plain); name++)
		if (*name != '@')
			plain[n++] = *name == '.' ? '_' : *name;
	plain[n] = '\0';
	return add(plain, field, hidden);
}

static int add_visible(struct field_ref field, void *arg)
{
	char name[NAME_BYTES];

	(void)arg;
	return add_plain(field_name(field, name, sizeof(name)), field, false);
}

static int add_quoted(struct field_ref field, void *arg)
{
	char name[NAME_BYTES];

	(void)arg;
	field_name(field, name, sizeof(name));
	return strpbrk(name, ".@") ? add(name, field, true) : 0;
}

static int add_aliases(void)
{
	const char *alias, *name;
	struct field_ref field;
	int r = 0;

	for (size_t i = 0; r == 0 && field_alias(i, &alias, &name); i++) {
		if (!strchr(alias, '.') || !field_find(name, strlen(name), &field))
			continue;
		r = add_plain(alias, field, true);
		if (r == 0)
			r = add(alias, field, true);
	}
	return r;
}

static void make(void)
{
	int r = field_each(add_visible, NULL);

	table.query = table.n;
	if (r == 0)
		r = add("query", (struct field_ref){ 0 }, true);
	if (r == 0)
		r = field_each(add_quoted, NULL);
	if (r == 0)
		r = add_aliases();
	is_whole = r == 0;
}

const struct sql_columns *sql_columns(void)
{
	pthread_once(&once, make);
	return is_whole ? &table : NULL;
}

struct field_ref sql_column_field(const struct sql_columns *c, int i)
{
	return i >= 0 && i < c->n ? c->list[i].field : (struct field_ref){ 0 };
}

const char *sql_column_name(const struct sql_columns *c, int i)
{
	return i >= 0 && i < c->n ? c->list[i].name : "";
}

bool sql_column_is_query(const struct sql_columns *c, int i)
{
	return i == c->query;
}

const char *sql_column_type(enum field_type type)
{
	return type == TYPE_LONG || type == TYPE_BOOL || type == TYPE_DATE ? "INTEGER" : "TEXT";
}

void sql_columns_declare(const struct sql_columns *c, struct buf *out)
{
	buf_str(out, "CREATE TABLE events (");
	for (int i = 0; i < c->n; i++) {
		const struct field_info *info = c->list[i].field.info;

		buf_printf(out, "%s\"%s\" %s%s", i ? ", " : "", c->list[i].name,
			   info ? sql_column_type(info->type) : "TEXT",
			   c->list[i].hidden ? " HIDDEN" : "");
	}
	buf_str(out, ", PRIMARY KEY (host_id, host_boot_id, event_sequence)) WITHOUT ROWID");
}
