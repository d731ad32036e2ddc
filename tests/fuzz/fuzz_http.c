/* SPDX-License-Identifier: Apache-2.0 */
/* What we read ourselves of a request: its path, parameters in the address or a JSON body, cursor,
 * numbers, field names.  libmicrohttpd reads the rest.  The first line of the input is the path,
 * what follows it the query string, or the body when it begins with '{'. */
#include <assert.h>

#include "collector/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void use_values(const struct params *p)
{
	AUTO(document) *document = NULL;
	struct query_cursor cursor;
	struct diag d = { 0 };
	uint64_t v;
	size_t n;

	for (enum param i = 0; i < PARAM_MAX; i++) {
		const char *s = params_text(p, i, &n);

		assert(strlen(s) == n);
		if (params_number(p, i, 1, 2000, &v, &d) == 0)
			assert(v >= 1 && v <= 2000);
	}
	n = p->value[PARAM_CURSOR].n;
	if (n && query_cursor_parse(&cursor, p->value[PARAM_CURSOR].s, n) == 0) {
		char again[QUERY_CURSOR_BYTES];

		assert(strcmp(query_cursor_format(&cursor, again), p->value[PARAM_CURSOR].s) == 0);
	}
	n = p->value[PARAM_FIELDS].n;
	if (n && document_new(&document, p->value[PARAM_FIELDS].s, n, &d) < 0)
		assert(d.text[0]);
}

static void read_params(uint64_t allowed, const char *s, size_t n)
{
	struct params p = { 0 };
	struct diag d = { 0 };
	int r;

	if (n && s[0] == '{')
		r = params_parse_json(&p, allowed, s, n, &d);
	else
		r = params_parse_query(&p, allowed, s, n, &d);
	assert(r == 0 || d.text[0]);
	if (r == 0)
		use_values(&p);
	for (enum param i = 0; i < PARAM_MAX && r == 0; i++)
		assert(!p.value[i].s || allowed >> i & 1);
	params_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *s = (const char *)data, *newline = n ? memchr(s, '\n', n) : NULL;
	size_t n_path = newline ? (size_t)(newline - s) : 0;
	unsigned allowed;
	const struct route *route = api_route(s, n_path, METHOD_GET, &allowed);
	char value[PATH_VALUE_BYTES];

	if (route && path_value(route->path, s, n_path, "entity_id", value))
		assert(value[0] && path_fits(route->path, s, n_path));
	if (newline) {
		s = newline + 1;
		n -= n_path + 1;
	}
	read_params(route ? route->params : (UINT64_C(1) << PARAM_MAX) - 1, s, n);
	return 0;
}
