/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/lookup.h"

#include <ctype.h>
#include <inttypes.h>

#include "ctl/events.h"
#include "ctl/pages.h"
#include "ctl/session.h"

enum { DEFAULT_LIMIT = 1000, PAGE_HITS = 5000, PARAMS = 8 };

struct lookup {
	const struct cli_io *io;
	const struct cli_values *v;
	const char *path;
	struct session *session;
	struct printer *printer;
	struct events events;
	struct pages pages;
	uint64_t shown;
};

void lookup_path(struct buf *out, const char *before, const char *key, const char *after)
{
	buf_str(out, before);
	for (const char *c = key; *c; c++) {
		bool plain = isascii((unsigned char)*c) &&
			     (isalnum((unsigned char)*c) || strchr("-._~", *c));

		if (plain)
			buf_byte(out, (uint8_t)*c);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
	}
	buf_str(out, after);
	buf_byte(out, 0);
}

/* How many hits the next page may have; 0: enough. */
static uint64_t wanted(const struct lookup *l)
{
	uint64_t limit = l->v->limit ? l->v->limit : DEFAULT_LIMIT;

	if (l->v->all && !l->v->limit)
		return PAGE_HITS;
	return MIN(limit - MIN(limit, l->shown), (uint64_t)PAGE_HITS);
}

static int print_page(struct lookup *l, struct slice page)
{
	struct slice hits, key, hit;
	size_t at = 0;
	int r = 0;

	if (!rawjson_member(page, "hits", &hits))
		return err_origin(-EBADMSG);
	while (r == 0 && rawjson_next(hits, &at, &key, &hit)) {
		r = printer_row(l->printer, hit);
		l->shown++;
	}
	return r == 0 ? pages_add(&l->pages, page) : r;
}

static int ask_page(struct lookup *l, struct buf *body)
{
	const struct cli_values *v = l->v;
	char limit[24];
	const struct client_param params[PARAMS] = {
		{ "q", v->query },
		{ "since", v->since },
		{ "until", v->until },
		{ "node", v->node },
		{ "fields", l->events.fields },
		{ "limit", limit },
		{ "cursor", l->pages.cursor[0] ? l->pages.cursor : NULL },
		{ "descendants", v->descendants ? "true" : NULL },
	};
	const struct client_request q = { l->path, params, PARAMS, CLIENT_MAY_POST };
	struct slice page;
	int r;

	snprintf(limit, sizeof(limit), "%" PRIu64, wanted(l));
	r = session_ask(l->session, &q, body, &page);
	return r ? r : print_page(l, page);
}

static int finish(struct lookup *l)
{
	AUTO_BUF struct buf members = { 0 };
	int r;

	pages_members(&l->pages, &members);
	r = buf_ok(&members) ? printer_finish(l->printer, (const char *)members.data)
			     : err_origin(-ENOMEM);
	if (r < 0)
		return session_failed(l->io, r, NULL);
	pages_say(&l->pages, l->io);
	if (!l->v->limit && !l->v->all && l->pages.cursor[0] && l->io->err_tty)
		cli_say(l->io, "the oldest %d are shown, there are more: --limit N or --all",
			DEFAULT_LIMIT);
	if (l->shown == 0)
		return EXIT_NONE;
	return pages_partial(&l->pages) ? EXIT_PARTIAL : EXIT_HITS;
}

/* Returns an exit code. */
static int show(struct lookup *l)
{
	enum printer_format format = printer_format_of(l->v->output, l->io->out_tty);
	AUTO_BUF struct buf body = { 0 };
	struct diag d = { 0 };
	int r;

	if (events_columns(&l->events, format, l->v->fields, &d) < 0) {
		cli_say(l->io, "%s", d.text);
		return EXIT_USAGE;
	}
	r = events_printer(&l->printer, l->io, &l->events, format, false);
	if (r == 0)
		r = session_open(&l->session, l->io, l->v);
	if (r == 0)
		do {
			r = ask_page(l, &body);
		} while (r == 0 && l->pages.cursor[0] && wanted(l) > 0);
	if (r == 0)
		return finish(l);
	if (r == -EBADMSG)
		diag_set(&d, r, 0, 0, "the collector's answer is not what a search answers");
	if (l->printer && l->shown && printer_flush(l->printer) < 0)
		return EXIT_SERVER;
	return r < 0 ? session_failed(l->io, r, &d) : r;
}

int lookup_events(const struct cli_io *io, const struct cli_values *v, const char *path)
{
	struct lookup l = { .io = io, .v = v, .path = path };
	int r = show(&l);

	printer_free(l.printer);
	session_free(l.session);
	pages_done(&l.pages);
	return r;
}
