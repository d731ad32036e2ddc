/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <unistd.h>

#include "ctl/cmds.h"
#include "ctl/events.h"
#include "ctl/explain.h"
#include "ctl/histogram.h"
#include "ctl/narrow.h"
#include "ctl/pages.h"
#include "ctl/progress.h"
#include "ctl/rows.h"
#include "ctl/sequences.h"
#include "ctl/session.h"
#include "lib/pipe.h"

enum { DEFAULT_LIMIT = 100, PAGE_HITS = 5000, PARAMS = 9 };

static const struct cli_option options[] = {
	OPTION("since", 0, TIME, "TIME", since,
	       "From this time on (24h): 15m, 14:30, today, 2026-11-22T21:44:19Z"),
	OPTION("until", 0, TIME, "TIME", until, "Before this time"),
	OPTION("limit", 0, NUMBER, "N", limit,
	       "At most N events, over several pages if need be (100)"),
	OPTION("all", 0, FLAG, NULL, all, "All events, page by page"),
	OPTION("order", 0, CHOICE, "desc|asc", order,
	       "Newest first (desc, the default) or oldest first"),
	OPTION("node", 0, TEXT, "NODE", node, "Only this node, by name or id"),
	NARROW_OPTIONS,
	OPTION("fields", 0, TEXT, "A,B", fields, "Only these fields"),
	OPTION("count", 0, FLAG, NULL, count, "Only how many there are, whatever --limit says"),
	OPTION("watch", 0, NUMBER, "SECONDS", watch,
	       "Ask again every so many seconds, until Ctrl-C"),
	OPTION("explain", 0, FLAG, NULL, explain,
	       "What the query was read as, and which blocks were read for it, instead of events"),
	OPTION("histogram", 0, FLAG, NULL, histogram, "How many there are over time, as bars"),
	CLI_OPTIONS_EVENTS,
};

/* One search on its way. */
struct search {
	const struct cli_io *io;
	const struct cli_values *v;
	const char *query;
	struct session *session;
	struct printer *printer;
	struct events events;
	struct pages pages;
	struct progress progress;
	uint64_t shown;
	bool is_done; /* a table of pipes, or sequences: printed to its end */
	char *keep;   /* fields that the query's keep or drop leaves */
};

static void say_more(const struct search *s)
{
	bool asked = s->v->limit || s->v->all || s->v->explain;

	if (!asked && s->pages.cursor[0] && s->io->err_tty)
		cli_say(s->io, "the %s %d are shown, there are more: --limit N or --all",
			s->v->order && strcmp(s->v->order, "asc") == 0 ? "oldest" : "newest",
			DEFAULT_LIMIT);
}

static int print_table(struct search *s, struct slice page)
{
	int r = rows_print(s->io, s->v->output, page, &s->shown);

	s->is_done = true;
	return r < 0 ? r : pages_add(&s->pages, page);
}

static int print_sequences(struct search *s, struct slice page)
{
	int r = sequences_print(s->io, &s->events, printer_format_of(s->v->output, s->io->out_tty),
				page, &s->shown);

	s->is_done = true;
	return r < 0 ? r : pages_add(&s->pages, page);
}

static int print_page(struct search *s, struct slice page)
{
	struct slice hits, key, hit;
	size_t at = 0;
	int r = 0;

	if (rows_are_in(page))
		return print_table(s, page);
	if (sequences_are_in(page))
		return print_sequences(s, page);
	if (!rawjson_member(page, "hits", &hits))
		return err_origin(-EBADMSG);
	while (r == 0 && rawjson_next(hits, &at, &key, &hit)) {
		r = printer_row(s->printer, hit);
		s->shown++;
	}
	if (r == 0)
		r = pages_add(&s->pages, page);
	return r;
}

/* How many hits the next page may have; 0: enough. */
static uint64_t wanted(const struct search *s)
{
	uint64_t limit = s->v->limit ? s->v->limit : DEFAULT_LIMIT;

	if (s->v->all && !s->v->limit)
		return PAGE_HITS;
	return MIN(limit - MIN(limit, s->shown), (uint64_t)PAGE_HITS);
}

static int print_plan(struct search *s, struct slice page)
{
	int r = explain_print(s->io, printer_format_of(s->v->output, s->io->out_tty), page);

	s->is_done = true;
	s->shown = 1;
	return r < 0 ? r : pages_add(&s->pages, page);
}

static int ask_page(struct search *s, struct buf *body)
{
	const struct cli_values *v = s->v;
	char limit[24];
	struct client_param params[PARAMS] = {
		{ "q", s->query },
		{ "since", v->since },
		{ "until", v->until },
		{ "node", v->node },
		{ "order", v->order },
		{ "fields", s->events.fields },
		{ "limit", limit },
		{ "cursor", s->pages.cursor[0] ? s->pages.cursor : NULL },
		{ "explain", v->explain ? "true" : NULL },
	};
	const struct client_request q = { "/api/v1/search", params, PARAMS, CLIENT_MAY_POST };
	struct slice page;
	struct diag d = { 0 };
	int r;

	snprintf(limit, sizeof(limit), "%" PRIu64, wanted(s));
	r = session_ask(s->session, &q, body, &page);
	if (r)
		return r;
	r = v->explain ? print_plan(s, page) : print_page(s, page);
	if (r == -EBADMSG)
		diag_set(&d, r, 0, 0, "the collector's answer is not what a search answers");
	return r;
}

/* Asks page after page.  Returns 0, an exit code that was said, or a negative errno. */
static int ask_pages(struct search *s)
{
	AUTO_BUF struct buf body = { 0 };
	int r;

	do {
		r = ask_page(s, &body);
		if (!s->io->out_tty) /* else the rows tell */
			progress_show(&s->progress, "%" PRIu64 " events", s->shown);
	} while (r == 0 && !s->v->explain && s->pages.cursor[0] && wanted(s) > 0);
	progress_end(&s->progress);
	return r;
}

static int finish(struct search *s)
{
	AUTO_BUF struct buf members = { 0 };
	int r = 0;

	pages_members(&s->pages, &members);
	if (!buf_ok(&members))
		r = err_origin(-ENOMEM);
	else if (!s->is_done)
		r = printer_finish(s->printer, (const char *)members.data);
	if (r < 0)
		return session_failed(s->io, r, NULL);
	pages_say(&s->pages, s->io);
	say_more(s);
	if (s->shown == 0) {
		cli_say_none(s->io, s->v->since ? "events match"
						: "events of the last 24 hours match: --since 7d "
						  "looks further back");
		return EXIT_NONE;
	}
	return pages_partial(&s->pages) ? EXIT_PARTIAL : EXIT_HITS;
}

/* What keep names are the columns, as --fields would be; what is wrong with the query, the
 * collector says. */
static const char *fields_of(struct search *s)
{
	AUTO(pipe) *p = NULL;
	size_t n = s->query ? strlen(s->query) : 0, commas = 0;

	if (s->v->fields || n == 0 || pipe_parse(&p, s->query, n, NULL) < 0 || !p->fields)
		return s->v->fields;
	for (const char *c = p->fields; *c; c++)
		commas += *c == ',';
	if (commas < PRINTER_COLUMNS)
		s->keep = TAKE(p->fields);
	return s->keep;
}

static int run_search(struct search *s)
{
	enum printer_format format = printer_format_of(s->v->output, s->io->out_tty);
	struct diag d = { 0 };
	int r;

	if (events_columns(&s->events, format, fields_of(s), &d) < 0) {
		cli_say(s->io, "%s", d.text);
		return EXIT_USAGE;
	}
	r = events_printer(&s->printer, s->io, &s->events, format, false);
	if (r == 0)
		r = ask_pages(s);
	if (r == 0)
		return finish(s);
	if (r == -EBADMSG)
		diag_set(&d, r, 0, 0, "the collector's answer is not what a search answers");
	if (s->printer && s->shown && printer_flush(s->printer) < 0)
		return EXIT_SERVER;
	return r < 0 ? session_failed(s->io, r, &d) : r;
}

static int print_count(const struct search *s, uint64_t count)
{
	switch (printer_format_of(s->v->output, s->io->out_tty)) {
	case PRINTER_TABLE:
	case PRINTER_COMPACT:
		fprintf(s->io->out, "%" PRIu64 "\n", count);
		break;
	case PRINTER_CSV:
		fprintf(s->io->out, "count\n%" PRIu64 "\n", count);
		break;
	default:
		fprintf(s->io->out, "{\"count\": %" PRIu64 "}\n", count);
	}
	if (count == 0)
		return EXIT_NONE;
	return pages_partial(&s->pages) ? EXIT_PARTIAL : EXIT_HITS;
}

static int run_count(struct search *s)
{
	const struct client_param params[] = {
		{ "q", s->query },
		{ "since", s->v->since },
		{ "until", s->v->until },
		{ "node", s->v->node },
	};
	const struct client_request q = { "/api/v1/count", params, ARRAY_SIZE(params),
					  CLIENT_MAY_POST };
	AUTO_BUF struct buf body = { 0 };
	struct slice doc, count;
	int r;

	r = session_ask(s->session, &q, &body, &doc);
	if (r)
		return r;
	r = pages_add(&s->pages, doc);
	if (r == 0 && !rawjson_member(doc, "count", &count))
		r = err_origin(-EBADMSG);
	if (r < 0)
		return session_failed(s->io, r, NULL);
	pages_say(&s->pages, s->io);
	return print_count(s, strtoull(count.s, NULL, 10));
}

static int run_once(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	struct search s = { .io = io, .v = v, .progress = { .io = io } };
	AUTO_BUF struct buf query = { 0 };
	struct diag d = { 0 };
	int r;

	if (v->count && v->histogram)
		diag_set(&d, -EINVAL, 0, 0, "--count and --histogram exclude each other");
	else if (narrow_query(v, operand, &query, &d) == 0 && !buf_ok(&query))
		return session_failed(io, err_origin(-ENOMEM), NULL);
	if (d.text[0]) {
		cli_say(io, "%s", d.text);
		return EXIT_USAGE;
	}
	s.query = query.n > 1 ? (const char *)query.data : NULL;
	r = session_open(&s.session, io, v);
	if (r == 0 && v->histogram)
		r = histogram_run(s.session, io, v, s.query);
	else if (r == 0)
		r = v->count ? run_count(&s) : run_search(&s);
	printer_free(s.printer);
	session_free(s.session);
	pages_done(&s.pages);
	free(s.keep);
	return r;
}

/* What is on a terminal makes room for the next answer. */
static int run(const struct cli_io *io, const struct cli_values *v, const char *operand)
{
	int r = run_once(io, v, operand);

	while (v->watch && r != EXIT_USAGE && r != EXIT_SERVER) {
		if (cli_finish(io, r) == EXIT_SERVER || ferror(io->out))
			break;
		sleep((unsigned)MIN(v->watch, UINT64_C(86400)));
		if (io->out_tty)
			fputs("\033[H\033[2J", io->out);
		r = run_once(io, v, operand);
	}
	return r;
}

const struct cli_command cmd_query = {
	.name = "query",
	.operand = "[QUERY]",
	.summary = "Search the events of the whole fleet",
	.about = "Shows stored events of the last 24 hours (--since) that match QUERY (EQL; "
		 "docs/query.md),\n"
		 "newest first; without QUERY all. Put quotes around it, for the shell.\n"
		 "\n"
		 "  rtsecctl query 'process where process.name == \"true\"' --since -5m\n"
		 "  rtsecctl query 'destination.port == 22' --count\n"
		 "  rtsecctl query passwd --all -o csv > passwd.csv\n"
		 "  rtsecctl query '| stats count by process.name | sort count desc'\n"
		 "  rtsecctl query -p curl --container web --since 1h -o compact\n"
		 "  rtsecctl query 'sequence by host.id with maxspan=1m\n"
		 "    [process where process.name == \"curl\"]\n"
		 "    [process where process.name == \"sh\"]'\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = run,
};
