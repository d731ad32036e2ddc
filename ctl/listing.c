/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/listing.h"

#include "ctl/session.h"

static int print(const struct listing *l, const struct cli_io *io, const struct cli_values *v,
		 struct slice rows)
{
	const struct printer_config config = {
		PRINTER_ON(io),	       .format = printer_format_of(v->output, io->out_tty),
		.columns = l->columns, .n_columns = l->n_columns,
		.list = l->member,     .tint = l->tint,
	};
	uint64_t n = 0;
	int r = printer_print(&config, rows, "", &n);

	if (r < 0)
		return session_failed(io, r, NULL);
	if (n == 0)
		cli_say_none(io, l->none ? l->none : l->member);
	return n ? EXIT_HITS : EXIT_NONE;
}

int listing_run(const struct listing *l, const struct cli_io *io, const struct cli_values *v)
{
	const struct client_request q = { .path = l->path,
					  .params = l->params,
					  .n_params = l->n_params };
	AUTO_BUF struct buf body = { 0 };
	AUTO(session) *s = NULL;
	struct slice doc, rows, cut;
	int r = session_open(&s, io, v);

	if (r == 0)
		r = session_ask(s, &q, &body, &doc);
	if (r)
		return r;
	if (rawjson_member(doc, l->member, &rows)) {
		r = print(l, io, v, rows);
		if (r != EXIT_HITS || !rawjson_member(doc, "truncated", &cut) || cut.n != 4)
			return r;
		cli_say(io, "there are more than these: --limit N");
		return EXIT_PARTIAL;
	}
	cli_say(io, "the answer to %s has no \"%s\": is this an rtsec collector?", l->path,
		l->member);
	return EXIT_SERVER;
}
