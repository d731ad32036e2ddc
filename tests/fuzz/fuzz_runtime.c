/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_runtime - what container runtimes answer: HTTP and JSON. */
#include <string.h>

#include "sensor/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(int r, const struct container_facts *f)
{
	if (r != 0 && r != -EBADMSG)
		abort();
	if (strlen(f->name) >= sizeof(f->name) || strlen(f->image) >= sizeof(f->image) ||
	    strlen(f->pod) >= sizeof(f->pod) || strlen(f->pod_uid) >= sizeof(f->pod_uid))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *s = (const char *)data, *body;
	struct container_facts f;
	size_t n_body;

	check(runtime_parse_inspection(s, n, &f), &f);
	check(runtime_parse_bundle(s, n, &f), &f);
	if (runtime_parse_http(s, n, &body, &n_body) == 0) {
		if (body < s || body + n_body != s + n)
			abort();
		check(runtime_parse_inspection(body, n_body, &f), &f);
	}
	return 0;
}
