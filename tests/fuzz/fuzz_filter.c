/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_filter - rules of the configuration: what is refused tells where, what is taken becomes
 * tables in which each key stands once and has the slots of all that it begins with. */
#include <string.h>

#include "lib/yaml.h"
#include "sensor/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool same_key(const struct filter_key *a, const struct filter_key *b)
{
	return a->bits == b->bits && a->dim == b->dim &&
	       memcmp(a->data, b->data, sizeof(a->data)) == 0;
}

static void check(const struct filter *f)
{
	struct filter_entry *entries = NULL;
	struct filter_set set;
	size_t n = 0;

	if (filter_n(f) > FILTER_SLOTS || filter_compile(f, &set, &entries, &n) != 0 ||
	    n > FILTER_VALUES)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (entries[i].key.bits > FILTER_HEAD_BITS + 8 * FILTER_KEY_BYTES ||
		    entries[i].key.dim >= FILTER_DIMS || !(set.uses >> entries[i].key.dim & 1))
			abort();
		if (i && same_key(&entries[i].key, &entries[i - 1].key))
			abort();
	}
	for (size_t i = filter_n(f); i < FILTER_SLOTS; i++)
		if (set.drops.w[i / 64] >> i % 64 & 1)
			abort();
	(void)filter_cgroup(f, 7, "0123456789abcdef");
	free(entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(filter) *f = NULL;
	AUTO(yaml) *y = NULL;
	struct diag d = { 0 };
	int r;

	if (yaml_parse(&y, (const char *)data, n, &d) != 0)
		return 0;
	r = filter_read(&f, yaml_first(y), &d);
	if (r < 0 && (!d.text[0] || !d.line || !d.column))
		abort();
	if (r == 0)
		check(f);
	return 0;
}
