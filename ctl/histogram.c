/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/histogram.h"

#include <inttypes.h>

#include "ctl/pages.h"
#include "ctl/printer.h"

enum { MILLI_CHARS = 23 /* "2026-11-22T21:44:19.123" */, BAR = 40, BESIDE = 40 };

static const struct printer_column columns[] = {
	{ .field = "from" },
	{ .field = "count", .right = true },
};

static json_int_t count_of(const json_t *bucket)
{
	return json_integer_value(json_object_get(bucket, "count"));
}

/* @n of @most as eighths of blocks on a terminal, else as #; what is not nothing is seen. */
static void add_bar(json_int_t n, json_int_t most, unsigned width, bool utf8, struct buf *out)
{
	uint64_t eighths = (uint64_t)((double)n / (double)most * width * 8 + 0.5);

	if (!utf8) {
		for (uint64_t i = 0; i < MAX(eighths / 8, (uint64_t)(n > 0)); i++)
			buf_byte(out, '#');
		return;
	}
	eighths = MAX(eighths, (uint64_t)(n > 0));
	for (uint64_t i = 0; i < eighths / 8; i++)
		buf_str(out, "\xe2\x96\x88");
	if (eighths % 8) { /* U+2588 is full, U+258F one eighth */
		buf_str(out, "\xe2\x96");
		buf_byte(out, (uint8_t)(0x90 - eighths % 8));
	}
}

static int print_bars(const struct cli_io *io, struct slice buckets)
{
	unsigned width = io->width > BESIDE + 10 ? io->width - BESIDE : BAR;
	AUTO_BUF struct buf bar = { 0 };
	json_t *list = rawjson_load(buckets);
	const json_t *bucket;
	json_int_t most = 1;
	size_t i;

	json_array_foreach(list, i, bucket) most = MAX(most, count_of(bucket));
	json_array_foreach(list, i, bucket)
	{
		const char *from = json_string_value(json_object_get(bucket, "from"));

		buf_clear(&bar);
		add_bar(count_of(bucket), most, width, io->out_tty, &bar);
		fprintf(io->out, "%.*sZ %10lld  %.*s\n", MILLI_CHARS, from ? from : "",
			(long long)count_of(bucket), (int)bar.n,
			bar.n ? (const char *)bar.data : "");
	}
	json_decref(list);
	return buf_ok(&bar) ? 0 : err_origin(-ENOMEM);
}

static int print_rows(const struct cli_io *io, enum printer_format format, struct slice buckets,
		      const char *members)
{
	const struct printer_config config = {
		PRINTER_ON(io),	    .format = format,
		.columns = columns, .n_columns = ARRAY_SIZE(columns),
		.list = "buckets",
	};

	return printer_print(&config, buckets, members, NULL);
}

static int print(const struct cli_io *io, const struct cli_values *v, struct slice doc,
		 uint64_t *ret_total)
{
	enum printer_format format = printer_format_of(v->output, io->out_tty);
	struct slice buckets, total, interval;
	char members[96];

	if (!rawjson_member(doc, "buckets", &buckets) || !rawjson_member(doc, "total", &total) ||
	    !rawjson_member(doc, "interval_ms", &interval))
		return err_origin(-EBADMSG);
	*ret_total = strtoull(total.s, NULL, 10);
	if (printer_is_text(format))
		return print_bars(io, buckets);
	snprintf(members, sizeof(members), "\"total\":%.*s,\"interval_ms\":%.*s",
		 (int)MIN(total.n, (size_t)20), total.s, (int)MIN(interval.n, (size_t)20),
		 interval.s);
	return print_rows(io, format, buckets, members);
}

int histogram_run(struct session *s, const struct cli_io *io, const struct cli_values *v,
		  const char *query)
{
	const struct client_param params[] = {
		{ "q", query },	     { "since", v->since }, { "until", v->until },
		{ "node", v->node }, { "buckets", "40" },
	};
	const struct client_request q = { "/api/v1/hits", params, ARRAY_SIZE(params),
					  CLIENT_MAY_POST };
	AUTO_BUF struct buf body = { 0 };
	struct pages pages = { 0 };
	struct diag d = { 0 };
	struct slice doc;
	uint64_t total = 0;
	int r = session_ask(s, &q, &body, &doc);

	if (r)
		return r;
	r = print(io, v, doc, &total);
	if (r == 0)
		r = pages_add(&pages, doc);
	if (r == -EBADMSG)
		diag_set(&d, r, 0, 0, "the collector's answer is not a histogram");
	if (r == 0)
		pages_say(&pages, io);
	if (r < 0)
		r = session_failed(io, r, &d);
	else if (total == 0)
		r = EXIT_NONE;
	else
		r = pages_partial(&pages) ? EXIT_PARTIAL : EXIT_HITS;
	pages_done(&pages);
	return r;
}
