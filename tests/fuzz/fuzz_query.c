/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_query - query text: what parses must print as text that parses to what prints the same. */
#include "lib/eql.h"

#include "lib/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool no_token(uint64_t token, void *arg)
{
	(void)token, (void)arg;
	return false;
}

static void print(const struct expr *e, struct buf *out)
{
	expr_print(e, out);
	if (!buf_ok(out))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(expr) *first = NULL;
	AUTO(expr) *second = NULL;
	AUTO_BUF struct buf a = { 0 }, b = { 0 };
	struct diag d = { 0 };

	if (eql_parse(&first, (const char *)data, n, &d) < 0) {
		if (d.line == 0 || d.column == 0 || d.text[0] == '\0')
			abort();
		return 0;
	}
	(void)expr_kinds(first);
	(void)expr_may_match(first, no_token, NULL);
	print(first, &a);
	if (eql_parse(&second, (const char *)a.data, a.n, &d) < 0) {
		if (a.n <= LIMIT_QUERY_BYTES) /* escapes and full names take more room */
			abort();
		return 0;
	}
	print(second, &b);
	if (a.n != b.n || memcmp(a.data, b.data, a.n) != 0)
		abort();
	return 0;
}
