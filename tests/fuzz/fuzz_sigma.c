/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_sigma - rule text: what is refused tells where; what compiles prints as a search that parses
 * to what prints the same. */
#include "lib/eql.h"
#include "lib/limits.h"
#include "lib/sigma.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_tree(const struct expr *e)
{
	AUTO(expr) *again = NULL;
	AUTO_BUF struct buf a = { 0 }, b = { 0 };
	struct diag d = { 0 };

	expr_print(e, &a);
	if (!buf_ok(&a))
		abort();
	if (eql_parse(&again, (const char *)a.data, a.n, &d) < 0) {
		if (a.n <= LIMIT_QUERY_BYTES)
			abort();
		return;
	}
	expr_print(again, &b);
	if (a.n != b.n || memcmp(a.data, b.data, a.n) != 0)
		abort();
}

static void check_rule(const struct yaml_node *document)
{
	AUTO(sigma_rule) *rule = NULL;
	struct diag d = { 0 };
	int r = sigma_rule_new(&rule, document, &d);

	if (r == -ENOMEM)
		return;
	if (r < 0 && (d.line == 0 || d.column == 0 || d.text[0] == '\0'))
		abort();
	if (r == SIGMA_E_UNMAPPED && (rule->expr || rule->n_gaps == 0 || rule->gaps[0].line == 0))
		abort();
	if (r == 0 && !rule->expr == !rule->correlation)
		abort();
	if (r == 0 && rule->expr)
		check_tree(rule->expr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct diag d = { 0 };
	AUTO(yaml) *y = NULL;
	int r = yaml_parse(&y, (const char *)data, n, &d);

	if (r == -EINVAL && (d.line == 0 || d.column == 0 || d.text[0] == '\0'))
		abort();
	for (const struct yaml_node *i = r == 0 ? yaml_first(y) : NULL; i; i = i->next)
		check_rule(i);
	return 0;
}
