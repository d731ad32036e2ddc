/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_rule - text of rules: documents lie within the text, what is refused tells where, and the
 * tests that a rule carries run without harm. */
#include "lib/rule_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_document(const char *text, size_t n)
{
	AUTO(rule) *rule = NULL;
	struct diag d = { 0 };
	int r = rule_parse(&rule, text, n, &d);

	if (r == -EINVAL && d.text[0] == '\0')
		abort();
	for (size_t i = 0; r == 0 && i < rule->n_tests; i++) {
		bool passed;

		if (rule_test_run(rule, i, &passed, &d) == -EINVAL && d.text[0] == '\0')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data, *document;
	size_t at = 0, len;
	uint32_t line;

	while (rule_next_document(text, n, &at, &document, &len, &line)) {
		if (document < text || document + len > text + n)
			abort();
		check_document(document, len);
	}
	return 0;
}
