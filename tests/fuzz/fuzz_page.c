/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a collector answers: rtsecctl cuts it, shows it in every format as for a terminal, and
 * as an error.  No control character but a newline may come out. */
#include <assert.h>

#include "ctl/events.h"
#include "ctl/pages.h"
#include "ctl/problem.h"
#include "ctl/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_harmless(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		assert(c >= 0x20 || c == '\n' || c == '\t');
		assert(c != 0x7f);
		assert(!(c == 0xc2 && i + 1 < n && (unsigned char)s[i + 1] < 0xa0));
	}
}

static void print(struct slice page, enum printer_format format, unsigned width)
{
	static struct events e;
	struct cli_io io = { .out_tty = true, .width = width };
	AUTO(printer) *p = NULL;
	struct slice hits, key, hit;
	char *text = NULL;
	size_t size, at = 0;
	struct diag d;

	io.out = open_memstream(&text, &size);
	if (events_columns(&e, format, NULL, &d) == 0 &&
	    events_printer(&p, &io, &e, format, false) == 0 &&
	    rawjson_member(page, "hits", &hits)) {
		while (rawjson_next(hits, &at, &key, &hit))
			if (printer_row(p, hit) == -ENOMEM)
				break;
		if (printer_finish(p, "") == 0)
			fflush(io.out);
	}
	fclose(io.out);
	check_harmless(text, size);
	free(text);
}

static void tell(const char *body, size_t n)
{
	struct buf out = { 0 };
	struct problem p;

	problem_read(&p, 400, body, n);
	problem_format(&p, "process where a == \xff\x1b and\n b", 40, &out);
	check_harmless((const char *)out.data, out.n);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice page = { (const char *)data, n };
	struct pages pages = { 0 };
	struct buf members = { 0 };
	json_t *doc;

	text_init();
	tell(page.s, n);
	print(page, PRINTER_TABLE, 60);
	print(page, PRINTER_COMPACT, 60);
	print(page, PRINTER_CSV, 0);
	doc = rawjson_load(page);
	if (doc) { /* as in session_ask(): only then is it taken apart */
		print(page, PRINTER_JSON, 0);
		print(page, PRINTER_NDJSON, 0);
	}
	json_decref(doc);
	if (pages_add(&pages, page) == 0)
		pages_members(&pages, &members);
	buf_done(&members);
	pages_done(&pages);
	return 0;
}
