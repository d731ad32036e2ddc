/* SPDX-License-Identifier: Apache-2.0 */
/* rtsecctl status: whether all is well, at a glance; and the collector's counters. */
#include "ctl/checks.h"
#include "ctl/cmds.h"
#include "ctl/printer.h"
#include "ctl/session.h"
#include "ctl/text.h"
#include "lib/json.h"

enum { MAX_DEPTH = 8, INDENT = 16 };

static const struct cli_option options[] = {
	OPTION("counters", 0, FLAG, NULL, counters, "All counters of the collector instead"),
	CLI_OPTIONS_SERVER,
};

/* ---- what is asked ---- */

struct answers {
	struct buf status; /* as it came */
	json_t *docs[8];   /* in the order of questions[] */
	struct picture picture;
};

static const struct client_param last_day[] = {
	{ "q", "event.action == \"gap\" | stats sum(rtsec.gap.count) by host.name | sort "
	       "sum(rtsec.gap.count) desc" },
	{ "since", "-24h" },
};
static const struct client_param tampers[] = {
	{ "q", "event.action == \"alarm\" and rtsec.alarm.state == \"raised\" and "
	       "rtsec.alarm.reason in (\"detached\", \"state_opened\", \"ring_opened\")" },
	{ "since", "-24h" },
	{ "limit", "1000" },
};
static const struct client_param open_alerts[] = { { "status", "open" }, { "limit", "1000" } };

/* The first is needed; the others may be refused to a token. */
static const struct {
	const char *path;
	const struct client_param *params;
	size_t n_params;
	size_t offset; /* in struct picture */
	const char *member;
} questions[] = {
	{ "/api/v1/status", NULL, 0, offsetof(struct picture, status), NULL },
	{ "/api/v1/nodes", NULL, 0, offsetof(struct picture, nodes), "nodes" },
	{ "/api/v1/rules", NULL, 0, offsetof(struct picture, rules), "rules" },
	{ "/api/v1/outputs", NULL, 0, offsetof(struct picture, outputs), "outputs" },
	{ "/api/v1/alerts", open_alerts, ARRAY_SIZE(open_alerts), offsetof(struct picture, alerts),
	  "alerts" },
	{ "/api/v1/retention", NULL, 0, offsetof(struct picture, retention), NULL },
	{ "/api/v1/search", last_day, ARRAY_SIZE(last_day), offsetof(struct picture, gaps),
	  "rows" },
	{ "/api/v1/search", tampers, ARRAY_SIZE(tampers), offsetof(struct picture, tampers),
	  "hits" },
};

static void answers_done(struct answers *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->docs); i++)
		json_decref(a->docs[i]);
	buf_done(&a->status);
}

/* A question whose refusal is no failure. */
static void ask_quietly(struct session *s, size_t i, struct answers *a)
{
	const struct client_request q = { .path = questions[i].path,
					  .params = questions[i].params,
					  .n_params = questions[i].n_params };
	AUTO_BUF struct buf body = { 0 };
	struct diag d = { 0 };
	long status = 0;

	if (client_ask(session_client(s), &q, &status, &body, &d) == 0 && status == 200)
		a->docs[i] = rawjson_load((struct slice){ (const char *)body.data, body.n });
}

/* Returns 0 or an exit code. */
static int gather(struct session *s, struct answers *a)
{
	const struct client_request q = { .path = questions[0].path };
	struct slice doc;
	int r = session_ask(s, &q, &a->status, &doc);

	if (r)
		return r;
	a->docs[0] = rawjson_load(doc);
	for (size_t i = 1; i < ARRAY_SIZE(questions); i++)
		ask_quietly(s, i, a);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		const json_t **at =
			(const json_t **)(void *)((char *)&a->picture + questions[i].offset);

		*at = questions[i].member ? json_object_get(a->docs[i], questions[i].member)
					  : a->docs[i];
	}
	return 0;
}

/* ---- the picture ---- */

static void print_check(const struct cli_io *io, const struct check_result *r)
{
	static const char *const sgr[] = { "32", "33", "33", "31" };
	AUTO_BUF struct buf safe = { 0 };
	bool bad = r->state >= CHECK_WARN;

	text_escape((const char *)r->text.data, r->text.n - 1, &safe);
	buf_byte(&safe, 0);
	if (io->color)
		fprintf(io->out, "\x1b[%sm", sgr[r->state]);
	fprintf(io->out, "%-5.5s%s", r->state == CHECK_UNKNOWN ? "?" : check_state_name(r->state),
		io->color ? "\x1b[0m" : "");
	fprintf(io->out, " %-*s", INDENT - 6, r->name);
	text_wrap(io->out, (const char *)safe.data, INDENT, io->width);
	fputc('\n', io->out);
	if (!bad || !r->mend.n)
		return;
	buf_clear(&safe);
	buf_str(&safe, "next: ");
	text_escape((const char *)r->mend.data, r->mend.n - 1, &safe);
	buf_byte(&safe, 0);
	fprintf(io->out, "%*s", INDENT, "");
	text_wrap(io->out, (const char *)safe.data, INDENT, io->width);
	fputc('\n', io->out);
}

static void write_check(struct json *j, const struct check_result *r)
{
	json_begin_object(j);
	json_key_text(j, "check", r->name);
	json_key_text(j, "state", check_state_name(r->state));
	json_key_text(j, "text", (const char *)r->text.data);
	json_key_text(j, "next", r->mend.n ? (const char *)r->mend.data : NULL);
	json_end_object(j);
}

/* The collector's object, its members byte for byte, with the checks before them. */
static void write_whole(const struct check_result *all, size_t n, struct slice status,
			struct buf *out)
{
	struct json j = json_to(out);
	struct slice key, value;
	size_t at = 0;

	json_begin_object(&j);
	json_key(&j, "checks");
	json_begin_array(&j);
	for (size_t i = 0; i < n; i++)
		write_check(&j, &all[i]);
	json_end_array(&j);
	while (rawjson_next(status, &at, &key, &value)) {
		json_key_n(&j, key.s, key.n);
		json_raw(&j, value.s, value.n);
	}
	json_end_object(&j);
}

static const struct printer_column check_columns[] = {
	{ .field = "check" },
	{ .field = "state" },
	{ .field = "text" },
	{ .field = "next" },
};

/* For programs: json and ndjson are one object, csv a line a check. */
static int print_checks(const struct cli_io *io, enum printer_format format,
			const struct check_result *all, size_t n, struct slice status)
{
	const struct printer_config config = {
		PRINTER_ON(io), .format = format == PRINTER_CSV ? format : PRINTER_NDJSON,
		.columns = check_columns, .n_columns = ARRAY_SIZE(check_columns)
	};
	AUTO_BUF struct buf out = { 0 };
	AUTO(printer) *p = NULL;
	int r = printer_new(&p, &config);

	if (r == 0 && format != PRINTER_CSV) {
		write_whole(all, n, status, &out);
		r = buf_ok(&out) ? printer_row(p, (struct slice){ (const char *)out.data, out.n })
				 : err_origin(-ENOMEM);
	}
	for (size_t i = 0; r == 0 && format == PRINTER_CSV && i < n; i++) {
		struct json j = json_to(&out);

		buf_clear(&out);
		write_check(&j, &all[i]);
		r = printer_row(p, (struct slice){ (const char *)out.data, out.n });
	}
	return r < 0 ? r : printer_finish(p, "");
}

static int show_checks(const struct cli_io *io, enum printer_format format, const struct answers *a)
{
	const struct slice status = { (const char *)a->status.data, a->status.n };
	struct check_result all[CHECKS];
	size_t n = checks_run(&a->picture, all);
	bool failed = false;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (!buf_ok(&all[i].text) || !buf_ok(&all[i].mend))
			r = err_origin(-ENOMEM);
		failed |= all[i].state == CHECK_FAIL;
	}
	for (size_t i = 0; r == 0 && format == PRINTER_TABLE && i < n; i++)
		print_check(io, &all[i]);
	if (r == 0 && format != PRINTER_TABLE)
		r = print_checks(io, format, all, n, status);
	for (size_t i = 0; i < n; i++)
		check_done(&all[i]);
	if (r < 0)
		return session_failed(io, r, NULL);
	return failed ? EXIT_NONE : EXIT_HITS;
}

/* ---- the counters ---- */

static const struct printer_column counter_columns[] = {
	{ .title = "NAME", .field = "name", .whole = true },
	{ .title = "VALUE", .field = "value", .gives_way = true },
};

/* Shows each leaf of @v as a row {"name":"store.events","value":...}. */
static int print_leaves(struct printer *p, const char *prefix, json_t *v, unsigned depth)
{
	AUTO_MEM char *text = NULL;
	const char *key;
	json_t *member, *row;
	int r = 0;

	if (!json_is_object(v) || depth == MAX_DEPTH) {
		row = json_pack("{s:s, s:O}", "name", prefix, "value", v);
		text = row ? json_dumps(row, JSON_COMPACT) : NULL;
		json_decref(row);
		return text ? printer_row(p, (struct slice){ text, strlen(text) })
			    : err_origin(-ENOMEM);
	}
	json_object_foreach(v, key, member)
	{
		AUTO_MEM char *name = NULL;

		if (asprintf(&name, "%s%s%s", prefix, *prefix ? "." : "", key) < 0)
			return err_origin(-ENOMEM);
		r = print_leaves(p, name, member, depth + 1);
		if (r < 0)
			break;
	}
	return r;
}

static int show_counters(struct session *s, const struct cli_io *io, enum printer_format format)
{
	const struct client_request q = { .path = questions[0].path };
	const struct printer_config config = { PRINTER_ON(io), .format = format,
					       .columns = counter_columns,
					       .n_columns = ARRAY_SIZE(counter_columns),
					       .list = "counters" };
	AUTO_BUF struct buf body = { 0 };
	AUTO(printer) *p = NULL;
	struct slice doc;
	json_t *status;
	int r = session_ask(s, &q, &body, &doc);

	if (r)
		return r;
	status = rawjson_load(doc);
	r = printer_new(&p, &config);
	if (r == 0)
		r = print_leaves(p, "", status, 0);
	if (r == 0)
		r = printer_finish(p, "");
	json_decref(status);
	return r < 0 ? session_failed(io, r, NULL) : EXIT_HITS;
}

/* ---- the command ---- */

static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	enum printer_format format = printer_format_of(v->output, io->out_tty);
	struct answers a = { 0 };
	AUTO(session) *s = NULL;
	int r = session_open(&s, io, v);

	(void)operand;
	if (r)
		return r;
	if (v->counters)
		return show_counters(s, io, format);
	r = gather(s, &a);
	if (r == 0)
		r = show_checks(io, format, &a);
	answers_done(&a);
	return r;
}

const struct cli_command cmd_status = {
	.name = "status",
	.summary = "Show whether all is well: nodes, loss, disk, rules, alerts",
	.about = "Judges the fleet at a glance: ok, warn or fail for each of collector, disk, "
		 "store, nodes,\n"
		 "lag, loss, tamper, rules, alerts, outputs and doors (who was refused), and says "
		 "what to\n"
		 "do next. Exits 1 when something fails, 0 else. json and ndjson have these checks "
		 "and all\n"
		 "counters in one object.\n"
		 "\n"
		 "  rtsecctl status\n"
		 "  rtsecctl status -o json | jq -r '.checks[] | select(.state != \"ok\").text'\n"
		 "  watch -n 10 rtsecctl status -o table\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
