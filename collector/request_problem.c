/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that tell what is wrong, as RFC 9457 has it. */
#include "collector/request_internal.h"

static const char *status_text(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 429:
		return "Too Many Requests";
	case 499:
		return "Client Closed Request";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

/* What was expected, where the sentence says so. */
static const char *expected_of(const char *text)
{
	static const char word[] = "expected ";
	const char *found = NULL;

	for (const char *s = text; (s = strstr(s, word)); s += sizeof(word) - 1)
		if (s == text || s[-1] == ' ')
			found = s + sizeof(word) - 1;
	return found;
}

static size_t offset_of(const char *text, uint32_t line, uint32_t column)
{
	size_t at = 0, n = strlen(text);

	for (; line > 1; line--) {
		const char *newline = strchr(text + at, '\n');

		if (!newline)
			break;
		at = (size_t)(newline - text) + 1;
	}
	return MIN(at + (column ? column - 1 : 0), n);
}

static void write_position(const struct problem *p, struct json *j)
{
	const char *expected = expected_of(p->diag.text);

	json_key_uint(j, "line", p->diag.line);
	json_key_uint(j, "column", p->diag.column);
	if (p->query)
		json_key_uint(j, "offset", offset_of(p->query, p->diag.line, p->diag.column));
	if (expected)
		json_key_text(j, "expected", expected);
}

void request_problem(struct request *r, const struct problem *p)
{
	struct json j = json_to(&r->body);
	char type[64] = "about:blank";

	if (!r->refused && p->status == 400)
		r->refused = p->query ? REFUSAL_REQUEST_QUERY : REFUSAL_REQUEST_PARAMETER;
	if (p->kind)
		snprintf(type, sizeof(type), "urn:rtsec:problem:%s", p->kind);
	buf_clear(&r->body);
	if (!r->tells) /* else the loop may be reading them */
		buf_clear(&r->headers);
	json_begin_object(&j);
	json_key_text(&j, "type", type);
	json_key_text(&j, "title", status_text(p->status));
	json_key_uint(&j, "status", p->status);
	json_key_text(&j, "detail", p->diag.text);
	if (p->parameter)
		json_key_text(&j, "parameter", p->parameter);
	if (p->diag.line)
		write_position(p, &j);
	json_end_object(&j);
	buf_byte(&r->body, '\n');
	request_answer(r, p->status, "application/problem+json");
}

void request_problem_text(struct request *r, unsigned status, const char *detail)
{
	struct problem p = { .status = status };

	diag_set(&p.diag, 0, 0, 0, "%s", detail);
	request_problem(r, &p);
}

void request_refuse(struct request *r, enum refusal why, unsigned status, const char *detail)
{
	r->refused = why;
	request_problem_text(r, status, detail);
}

void request_problem_errno(struct request *r, int error)
{
	struct problem p = { .status = error == -ENOMEM ? 503 : error == -ECANCELED ? 499 : 500 };

	diag_set(&p.diag, 0, 0, 0, "the question could not be answered: %s", strerror(-error));
	request_problem(r, &p);
}
