/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config - a configuration file: what is refused tells where; what is taken is within bounds.
 */
#include <string.h>

#include "lib/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct settings {
	struct config_common common;
	const char *name;
	bool fast;
	uint64_t count, size, age;
	unsigned mode;
	struct config_texts hosts;
	struct config_numbers ports;
	struct config_pairs labels;
	const struct yaml_node *filters;
};

#define AT(member) .offset = offsetof(struct settings, member)
static const struct config_setting rows[] = {
	{ "name", CONFIG_TEXT, "NAME", AT(name), .help = "h" },
	{ "fast", CONFIG_FLAG, AT(fast), .help = "h" },
	{ "count", CONFIG_NUMBER, "N", AT(count), .help = "h", .min = 1, .max = 10 },
	{ "size", CONFIG_SIZE, "N", AT(size), .help = "h", .word = "auto" },
	{ "age", CONFIG_TIME, "TIME", AT(age), .help = "h" },
	{ "mode", CONFIG_CHOICE, "off|on", AT(mode), .help = "h" },
	{ "host", CONFIG_TEXTS, "HOST", AT(hosts), .help = "h" },
	{ "port", CONFIG_NUMBERS, "PORT", AT(ports), .help = "h", .min = 1, .max = 65535 },
	{ "label", CONFIG_PAIRS, "KEY=VALUE", AT(labels), .help = "h" },
	{ "filters", CONFIG_TREE, AT(filters), .help = "h" },
};
static const struct config_table table = {
	.settings = rows,
	.n = ARRAY_SIZE(rows),
	.size = sizeof(struct settings),
	.common = offsetof(struct settings, common),
};

static void check(const struct settings *s)
{
	if (s->count > 10 || s->mode > 1 || s->hosts.n > CONFIG_ITEMS ||
	    s->ports.n > CONFIG_ITEMS || s->labels.n > CONFIG_ITEMS)
		abort();
	if (s->name && strlen(s->name) == 0)
		abort();
	for (size_t i = 0; i < s->ports.n; i++)
		if (s->ports.at[i] < 1 || s->ports.at[i] > 65535)
			abort();
	for (size_t i = 0; i < s->labels.n; i++)
		if (strlen(s->labels.at[i].key) == 0)
			abort();
	if (s->filters && s->filters->type != YAML_LIST && s->filters->type != YAML_MAP)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(config) *c = NULL;
	struct diag d = { 0 };
	struct settings s;
	int r = config_parse(&c, &table, &s, "fuzz.yaml", (const char *)data, n, &d);

	if (r == -EINVAL && (d.line == 0 || d.column == 0 || !d.text[0]))
		abort();
	if (r == 0)
		check(&s);
	return 0;
}
