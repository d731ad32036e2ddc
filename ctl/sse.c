/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sse.h"

static const char bom[] = "\xef\xbb\xbf";

static void set_text(struct buf *b, const char *s, size_t n)
{
	b->n = 0;
	buf_add(b, s, n);
	buf_byte(b, 0);
}

static bool is_name(const char *line, size_t n, const char *name)
{
	return strlen(name) == n && memcmp(line, name, n) == 0;
}

static void set_retry(struct sse *s, const char *value, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		if (value[i] < '0' || value[i] > '9' || i >= 9)
			return;
		v = v * 10 + (uint64_t)(value[i] - '0');
	}
	if (n)
		s->retry_ms = v;
}

static void field(struct sse *s, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	size_t name = colon ? (size_t)(colon - line) : n, at = MIN(name + 1, n);

	if (at < n && line[at] == ' ')
		at++;
	if (is_name(line, name, "data")) {
		buf_add(&s->data, line + at, n - at);
		buf_byte(&s->data, '\n');
	} else if (is_name(line, name, "event")) {
		set_text(&s->type, line + at, n - at);
	} else if (is_name(line, name, "id")) {
		if (!memchr(line + at, 0, n - at))
			set_text(&s->id, line + at, n - at);
	} else if (is_name(line, name, "retry")) {
		set_retry(s, line + at, n - at);
	}
}

static int dispatch(struct sse *s, sse_event_fn each, void *arg)
{
	struct sse_event e = { .type = "message" };
	int r = 0;

	if (s->id.n)
		set_text(&s->last, (const char *)s->id.data, s->id.n - 1);
	if (!buf_ok(&s->last))
		return err_origin(-ENOMEM);
	e.id = sse_last_id(s);
	if (s->data.n) {
		s->data.data[s->data.n - 1] = 0; /* the last newline */
		e.data = (const char *)s->data.data;
		e.n = s->data.n - 1;
		if (s->type.n > 1)
			e.type = (const char *)s->type.data;
		r = each(&e, arg);
	}
	s->data.n = 0;
	s->type.n = 0;
	return r;
}

static int end_line(struct sse *s, sse_event_fn each, void *arg)
{
	const char *line = (const char *)s->line.data;
	size_t n = s->line.n;

	if (!s->begun && n >= 3 && memcmp(line, bom, 3) == 0) {
		line += 3;
		n -= 3;
	}
	s->begun = true;
	s->line.n = 0;
	if (n == 0)
		return dispatch(s, each, arg);
	field(s, line, n);
	if (!buf_ok(&s->data) || !buf_ok(&s->type) || !buf_ok(&s->id))
		return err_origin(-ENOMEM);
	return s->data.n > SSE_EVENT_BYTES ? err_origin(-EMSGSIZE) : 0;
}

static size_t until_line_end(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '\n' && p[i] != '\r')
		i++;
	return i;
}

int sse_feed(struct sse *s, const void *data, size_t n, sse_event_fn each, void *arg)
{
	const char *p = data;

	for (size_t i = 0; i < n; i++) {
		size_t len;
		int r;

		if (s->after_cr && p[i] == '\n') { /* the second half of a CRLF */
			s->after_cr = false;
			continue;
		}
		s->after_cr = false;
		len = until_line_end(p + i, n - i);
		if (s->line.n + len > SSE_EVENT_BYTES)
			return err_origin(-EMSGSIZE);
		buf_add(&s->line, p + i, len);
		if (!buf_ok(&s->line))
			return err_origin(-ENOMEM);
		i += len;
		if (i == n)
			return 0;
		s->after_cr = p[i] == '\r';
		r = end_line(s, each, arg);
		if (r)
			return r;
	}
	return 0;
}

void sse_reset(struct sse *s)
{
	buf_clear(&s->line);
	buf_clear(&s->type);
	buf_clear(&s->data);
	buf_clear(&s->id);
	s->after_cr = s->begun = false;
}

void sse_done(struct sse *s)
{
	buf_done(&s->line);
	buf_done(&s->type);
	buf_done(&s->data);
	buf_done(&s->id);
	buf_done(&s->last);
}

const char *sse_last_id(const struct sse *s)
{
	return s->last.n ? (const char *)s->last.data : "";
}
