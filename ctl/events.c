/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/events.h"

#include "ctl/compact.h"

static const char *text_at(const json_t *doc, const char *path)
{
	return json_string_value(printer_find(doc, path));
}

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static void add(const json_t *doc, const char *path, struct buf *out)
{
	printer_value(printer_find(doc, path), out);
}

void events_node(const json_t *doc, struct buf *out)
{
	add(doc, printer_find(doc, "host.name") ? "host.name" : "host.id", out);
}

void events_process(const json_t *doc, struct buf *out)
{
	add(doc, "process.name", out);
	if (!printer_find(doc, "process.pid"))
		return;
	buf_byte(out, '[');
	add(doc, "process.pid", out);
	buf_byte(out, ']');
}

void events_user(const json_t *doc, struct buf *out)
{
	static const char *const paths[] = { "process.user.name", "user.name", "process.user.id",
					     "user.id" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const json_t *v = printer_find(doc, paths[i]);

		if (!v || json_is_null(v))
			continue;
		printer_value(v, out);
		return;
	}
}

static void endpoint(const json_t *doc, const char *ip, const char *port, struct buf *out)
{
	const char *address = text_at(doc, ip);
	bool v6 = address && strchr(address, ':');

	buf_str(out, v6 ? "[" : "");
	buf_str(out, address ? address : "?");
	buf_str(out, v6 ? "]" : "");
	if (printer_find(doc, port)) {
		buf_byte(out, ':');
		add(doc, port, out);
	}
}

static void summarise_process(const json_t *doc, struct buf *out)
{
	const char *action = text_at(doc, "event.action");

	if (is(action, "end") && printer_find(doc, "process.exit_signal")) {
		buf_str(out, "killed by ");
		add(doc, "process.exit_signal", out);
		buf_str(out, "  ");
	} else if (is(action, "end") && printer_find(doc, "process.exit_code")) {
		buf_str(out, "exit ");
		add(doc, "process.exit_code", out);
		buf_str(out, "  ");
	} else if (is(action, "fork") && printer_find(doc, "process.child.pid")) {
		buf_str(out, "child ");
		add(doc, "process.child.pid", out);
		buf_str(out, "  ");
	}
	add(doc,
	    printer_find(doc, "process.command_line") ? "process.command_line"
						      : "process.executable",
	    out);
}

static void summarise_file(const json_t *doc, struct buf *out)
{
	if (printer_find(doc, "file.Ext.original.path")) {
		add(doc, "file.Ext.original.path", out);
		buf_str(out, " -> ");
	}
	add(doc, "file.path", out);
	if (printer_find(doc, "file.open.flags")) {
		buf_str(out, " (");
		add(doc, "file.open.flags", out);
		buf_str(out, ")");
	}
}

static void summarise_network(const json_t *doc, struct buf *out)
{
	endpoint(doc, "source.ip", "source.port", out);
	buf_str(out, " -> ");
	endpoint(doc, "destination.ip", "destination.port", out);
	if (printer_find(doc, "network.transport")) {
		buf_byte(out, ' ');
		add(doc, "network.transport", out);
	}
}

static void summarise_own(const json_t *doc, struct buf *out)
{
	if (!printer_find(doc, "rtsec.gap.count")) {
		add(doc, "message", out);
		return;
	}
	add(doc, "rtsec.gap.count", out);
	buf_str(out, " events lost: ");
	add(doc, "rtsec.gap.class", out);
	buf_str(out, ", ");
	add(doc, "rtsec.gap.cause", out);
}

void events_summary(const json_t *doc, struct buf *out)
{
	static const struct {
		const char *category;
		void (*summarise)(const json_t *doc, struct buf *out);
	} table[] = {
		{ "process", summarise_process },
		{ "file", summarise_file },
		{ "network", summarise_network },
		{ "rtsec", summarise_own },
	};
	const json_t *category = printer_find(doc, "event.category");
	const char *error = text_at(doc, "error.code");

	if (json_is_array(category)) /* ECS allows several */
		category = json_array_get(category, 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (is(json_string_value(category), table[i].category))
			table[i].summarise(doc, out);
	if (error)
		buf_printf(out, " [%s]", error);
}

const char *events_tint(const json_t *doc)
{
	if (is(text_at(doc, "event.action"), "gap"))
		return "33"; /* yellow: something is missing here */
	if (is(text_at(doc, "event.outcome"), "failure"))
		return "31";
	return NULL;
}

static const struct printer_column table_columns[] = {
	{ .title = "TIME", .field = "@timestamp", .time = PRINTER_MILLIS, .width = 18 },
	{ .title = "NODE", .cell = events_node, .width = 12, .middle = true },
	{ .title = "ACTION", .field = "event.action", .width = 10 },
	{ .title = "PROCESS", .cell = events_process, .width = 18, .middle = true },
	{ .title = "USER", .cell = events_user, .width = 6, .spare = 1 },
	{ .title = "SUMMARY", .cell = events_summary, .width = 40, .gives_way = true },
};

/* What the cells above ask for. */
static const char text_fields[] =
	"@timestamp,host.id,host.name,event.category,event.action,event.outcome,error.code,"
	"process.pid,process.name,process.executable,process.command_line,process.user.id,"
	"process.parent.name,container.id,container.name,orchestrator.namespace,"
	"orchestrator.resource.name,"
	"process.user.name,process.exit_code,process.exit_signal,process.child.pid,file.path,"
	"file.Ext.original.path,file.open.flags,source.ip,source.port,destination.ip,"
	"destination.port,network.transport,rtsec.gap.count,rtsec.gap.class,rtsec.gap.cause,"
	"message";

static const char csv_fields[] =
	"@timestamp,host.name,event.sequence,event.category,event.action,event.outcome,error.code,"
	"process.entity_id,process.pid,process.name,process.executable,process.command_line,"
	"process.user.name,process.parent.pid,process.parent.name,file.path,source.ip,source.port,"
	"destination.ip,destination.port,network.community_id";

/* Appends the column of @name.  The collector answers under the name that it was asked by, be it an
 * alias; process.parent.* is the object process.parent. */
static void add_own(struct events *e, const char *name, size_t n)
{
	size_t i = e->n_columns++;

	if (n > 2 && memcmp(name + n - 2, ".*", 2) == 0)
		n -= 2;
	snprintf(e->names[i], sizeof(e->names[i]), "%.*s", (int)n, name);
	e->own[i] = (struct printer_column){ .field = e->names[i], .gives_way = true };
}

static int own_columns(struct events *e, const char *fields, struct diag *d)
{
	e->columns = e->own;
	e->fields = fields;
	for (const char *p = fields;; p++) {
		size_t n = strcspn(p, ",");

		if (n == 0 || n >= sizeof(e->names[0]))
			return diag_set(d, -EINVAL, 0, 0,
					"--fields wants names with a comma between, such as "
					"@timestamp,process.name");
		if (e->n_columns == PRINTER_COLUMNS)
			return diag_set(d, -EINVAL, 0, 0, "--fields takes at most %d names",
					PRINTER_COLUMNS);
		add_own(e, p, n);
		p += n;
		if (!*p)
			return 0;
	}
}

int events_columns(struct events *ret, enum printer_format format, const char *fields,
		   struct diag *d)
{
	*ret = (struct events){ 0 };
	if (fields || format == PRINTER_CSV)
		return own_columns(ret, fields ? fields : csv_fields, d);
	ret->fields = printer_is_text(format) ? text_fields : NULL;
	ret->columns = table_columns;
	ret->n_columns = ARRAY_SIZE(table_columns);
	return 0;
}

int events_printer(struct printer **ret, const struct cli_io *io, const struct events *e,
		   enum printer_format format, bool live)
{
	const struct printer_config config = {
		PRINTER_ON(io),
		.format = format,
		.columns = e->columns,
		.n_columns = e->n_columns,
		.list = "hits",
		.live = live,
		.tint = events_tint,
		/* --fields are columns, whatever the form */
		.line = e->columns == table_columns ? compact_line : NULL,
	};

	return printer_new(ret, &config);
}
