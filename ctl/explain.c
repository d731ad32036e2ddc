/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/explain.h"

#include "ctl/text.h"

static const struct {
	const char *path, *title;
} lines[] = {
	{ "plan.query", "query" },
	{ "plan.kinds", "kinds" },
	{ "plan.fields", "fields" },
	{ "plan.blocks.stored", "blocks stored" },
	{ "plan.blocks.outside_time", "  outside the time" },
	{ "plan.blocks.other_node", "  of other nodes" },
	{ "plan.blocks.other_kind", "  of other kinds" },
	{ "plan.blocks.ruled_out", "  ruled out by filter" },
	{ "plan.blocks.not_needed", "  not needed" },
	{ "plan.blocks.read", "  read" },
	{ "plan.blocks.damaged", "  damaged" },
	{ "plan.blocks_read_before", "blocks read before" },
	{ "plan.events_read", "events read" },
	{ "plan.bytes_read", "bytes read" },
};

static void add_line(const struct cli_io *io, const json_t *doc, size_t i, struct buf *out)
{
	AUTO_BUF struct buf text = { 0 };
	const json_t *v = printer_find(doc, lines[i].path);

	if (!v)
		return;
	printer_value(v, &text);
	buf_printf(out, "%-21s ", lines[i].title);
	if (io->out_tty)
		text_escape((const char *)text.data, text.n, out);
	else
		buf_add(out, text.data, text.n);
	buf_byte(out, '\n');
}

int explain_print(const struct cli_io *io, enum printer_format format, struct slice page)
{
	AUTO_BUF struct buf out = { 0 };
	struct slice plan, took;
	json_t *doc;

	if (!rawjson_member(page, "plan", &plan) || !(doc = rawjson_load(page)))
		return err_origin(-EBADMSG);
	if (!printer_is_text(format)) {
		buf_add(&out, plan.s, plan.n);
		buf_byte(&out, '\n');
	}
	for (size_t i = 0; printer_is_text(format) && i < ARRAY_SIZE(lines); i++)
		add_line(io, doc, i, &out);
	if (printer_is_text(format) && rawjson_member(page, "took_ms", &took))
		buf_printf(&out, "%-21s %.*s\n", "milliseconds", (int)took.n, took.s);
	json_decref(doc);
	if (!buf_ok(&out))
		return err_origin(-ENOMEM);
	errno = 0;
	if (fwrite(out.data, 1, out.n, io->out) != out.n || fflush(io->out) != 0)
		return err_origin(errno ? -errno : -EIO);
	return 0;
}
