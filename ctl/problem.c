/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/problem.h"

#include <jansson.h>

#include "ctl/text.h"

enum { INDENT = 2 };

static void copy_member(const json_t *doc, const char *key, char *ret, size_t n)
{
	const char *s = json_string_value(json_object_get(doc, key));

	snprintf(ret, n, "%s", s ? s : "");
}

/* "expected" is a sentence or a list of alternatives. */
static void copy_expected(const json_t *doc, char *ret, size_t n)
{
	const json_t *list = json_object_get(doc, "expected"), *item;
	size_t i, at = 0;

	copy_member(doc, "expected", ret, n);
	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);

		if (s && at < n)
			at += (size_t)snprintf(ret + at, n - at, "%s%s", i ? ", " : "", s);
	}
}

static uint32_t position(const json_t *doc, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(doc, key));

	return v > 0 && v < UINT32_MAX ? (uint32_t)v : 0;
}

void problem_read(struct problem *ret, long status, const char *body, size_t n)
{
	json_t *doc = n ? json_loadb(body, n, 0, NULL) : NULL;

	*ret = (struct problem){ .status = status };
	copy_member(doc, "title", ret->title, sizeof(ret->title));
	copy_member(doc, "detail", ret->detail, sizeof(ret->detail));
	copy_expected(doc, ret->expected, sizeof(ret->expected));
	copy_member(doc, "parameter", ret->parameter, sizeof(ret->parameter));
	if (!ret->parameter[0])
		snprintf(ret->parameter, sizeof(ret->parameter), "q");
	ret->line = position(doc, "line");
	ret->column = position(doc, "column");
	if (!ret->title[0])
		snprintf(ret->title, sizeof(ret->title),
			 "the collector answered with HTTP status %ld", status);
	json_decref(doc);
}

bool problem_is_usage(const struct problem *p)
{
	return p->status == 400 || p->status == 413 || p->status == 414 || p->status == 422;
}

/* The line @number of @text. */
static const char *find_line(const char *text, uint32_t number, size_t *ret_n)
{
	for (; number > 1 && *text; number--) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	*ret_n = strcspn(text, "\n");
	return text;
}

/* Line and caret.  Of a line wider than the terminal only the part around the caret is shown. */
static void format_caret(const char *line, size_t n, size_t before, size_t width, struct buf *out)
{
	AUTO_BUF struct buf left = { 0 }, right = { 0 };
	size_t room = width > 2 * INDENT ? width - 2 * INDENT : SIZE_MAX, from = 0, caret, fits;

	text_escape(line, before, &left);
	text_escape(line + before, n - before, &right);
	caret = text_width((const char *)left.data, left.n);
	if (caret >= room) { /* begin in the middle, the caret at two thirds */
		from = text_fit((const char *)left.data, left.n, caret - room * 2 / 3);
		caret = text_width((const char *)left.data + from, left.n - from);
	}
	buf_printf(out, "%*s", INDENT, "");
	buf_add(out, left.data + from, left.n - from);
	fits = text_fit((const char *)right.data, right.n, room - caret);
	buf_add(out, right.data, fits);
	buf_printf(out, "\n%*s^\n", (int)(INDENT + caret), "");
}

void problem_format(const struct problem *p, const char *value, size_t width, struct buf *out)
{
	const char *text = p->detail[0] ? p->detail : p->title, *line;
	size_t n;

	if (p->line && value && strcmp(p->parameter, "q") == 0)
		buf_printf(out, "query:%u:%u: ", p->line, p->column);
	else if (p->line && value)
		buf_printf(out, "--%s: ", p->parameter);
	text_escape(text, strlen(text), out);
	if (p->expected[0] && !strstr(text, p->expected)) {
		buf_str(out, "; expected ");
		text_escape(p->expected, strlen(p->expected), out);
	}
	buf_byte(out, '\n');
	if (!p->line || !p->column || !value)
		return;
	line = find_line(value, p->line, &n);
	format_caret(line, n, MIN(p->column - 1, n), width, out);
}
