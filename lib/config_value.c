/* SPDX-License-Identifier: Apache-2.0 */
/* config_value - rows by name, and one value from text into its place. */
#include <stdio.h>
#include <string.h>

#include "lib/config_internal.h"
#include "lib/eql_suggest.h"

#define AT(member) offsetof(struct config_common, member)
static const struct config_setting common_rows[] = {
	{ .name = "config",
	  .type = CONFIG_TEXT,
	  .value = "FILE",
	  .offset = AT(file),
	  .help = "read settings from this YAML file",
	  .no_file = true },
	{ .name = "check-config",
	  .type = CONFIG_FLAG,
	  .offset = AT(check),
	  .help = "say whether the settings are right, and end",
	  .no_file = true },
	{ .name = "version",
	  .type = CONFIG_FLAG,
	  .offset = AT(version),
	  .help = "print the version",
	  .no_file = true },
	{ .name = "help",
	  .type = CONFIG_FLAG,
	  .offset = AT(help),
	  .help = "print this text",
	  .no_file = true },
};

size_t config_common_rows(const struct config_setting **ret)
{
	*ret = common_rows;
	return ARRAY_SIZE(common_rows);
}

static const struct config_setting *find_in(const struct config_setting *rows, size_t n_rows,
					    const char *name, size_t n)
{
	for (size_t i = 0; i < n_rows; i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return &rows[i];
	return NULL;
}

const struct config_setting *config_find(const struct config_reader *r, const char *name, size_t n)
{
	const struct config_setting *s = find_in(r->table->settings, r->table->n, name, n);

	return s ? s : find_in(common_rows, ARRAY_SIZE(common_rows), name, n);
}

const char *config_near(const struct config_reader *r, const char *name, size_t n)
{
	const char *names[CONFIG_SETTINGS + ARRAY_SIZE(common_rows) + 1] = { NULL };
	bool file = r->phase == CONFIG_FILE;
	size_t k = 0;

	for (size_t i = 0; i < r->table->n; i++)
		if (file ? !r->table->settings[i].no_file
			 : r->table->settings[i].type != CONFIG_TREE)
			names[k++] = r->table->settings[i].name;
	for (size_t i = 0; !file && i < ARRAY_SIZE(common_rows); i++)
		names[k++] = common_rows[i].name;
	return eql_suggest(names, name, n);
}

void *config_at(const struct config_reader *r, const struct config_setting *s)
{
	bool common = s >= common_rows && s < common_rows + ARRAY_SIZE(common_rows);

	return (char *)r->settings + (common ? r->table->common : 0) + s->offset;
}

/* ---- what was expected ---- */

static void expected(const struct config_setting *s, bool file, char *buf, size_t n)
{
	static const char *const words[] = {
		[CONFIG_FLAG] = "true or false",
		[CONFIG_TEXT] = "text that is not empty",
		[CONFIG_NUMBER] = "a whole number",
		[CONFIG_SIZE] = "a size such as 500K, 64M or 2G",
		[CONFIG_TIME] = "a time such as 30s, 15m, 12h or 7d",
		[CONFIG_CHOICE] = "one of ",
		[CONFIG_TEXTS] = "text that is not empty",
		[CONFIG_NUMBERS] = "a whole number",
		[CONFIG_PAIRS] = "KEY=VALUE",
		[CONFIG_TREE] = "a list or a map",
	};
	int k = snprintf(buf, n, "%s%s%s%s",
			 s->type == CONFIG_PAIRS && file ? "a map of words to text"
							 : words[s->type],
			 s->type == CONFIG_CHOICE ? s->value : "", s->word ? " or " : "",
			 s->word ? s->word : "");

	if (s->max && k >= 0 && (size_t)k < n)
		snprintf(buf + k, n - (size_t)k, ", from %llu to %llu", (unsigned long long)s->min,
			 (unsigned long long)s->max);
}

int config_wrong(struct config_reader *r, const struct config_setting *s, const char *got,
		 const struct yaml_node *node)
{
	char want[200];

	expected(s, node != NULL, want, sizeof(want));
	return diag_set(r->diag, err_origin(-EINVAL), node ? node->line : 0,
			node ? node->column : 0, "%s%s: expected %s, not %.80s", node ? "" : "--",
			s->name, want, *got ? got : "nothing");
}

/* ---- values ---- */

static bool number_with_units(const char *text, const char *units, const uint64_t *sizes,
			      uint64_t *ret)
{
	size_t n = strspn(text, "0123456789");
	const char *unit = text[n] ? strchr(units, text[n]) : NULL;
	uint64_t v = 0;

	if (n == 0 || (text[n] && (!unit || text[n + 1])))
		return false;
	for (size_t i = 0; i < n; i++)
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
			return false;
	if (unit && __builtin_mul_overflow(v, sizes[unit - units], &v))
		return false;
	*ret = v;
	return v != CONFIG_WORD;
}

bool config_number(const char *text, uint64_t *ret)
{
	return number_with_units(text, "", NULL, ret);
}

static bool bytes_of(const char *text, uint64_t *ret)
{
	static const uint64_t sizes[] = { 1 << 10, 1 << 20, 1 << 30, UINT64_C(1) << 40 };

	return number_with_units(text, "KMGT", sizes, ret);
}

static bool time_of(const char *text, uint64_t *ret)
{
	static const uint64_t sizes[] = { 1, 60, 3600, 86400 };

	return number_with_units(text, "smhd", sizes, ret) && *ret > 0 &&
	       *ret <= INT64_MAX / 1000000000;
}

static bool parse_number(const struct config_setting *s, const char *text, uint64_t *ret)
{
	bool ok;

	if (s->word && strcmp(text, s->word) == 0) {
		*ret = CONFIG_WORD;
		return true;
	}
	if (s->type == CONFIG_TIME)
		ok = time_of(text, ret);
	else if (s->type == CONFIG_SIZE)
		ok = bytes_of(text, ret);
	else
		ok = config_number(text, ret);
	return ok && (s->max == 0 || (*ret >= s->min && *ret <= s->max));
}

static bool parse_choice(const struct config_setting *s, const char *text, unsigned *ret)
{
	size_t n = strlen(text);
	unsigned i = 0;

	for (const char *p = s->value; *p; p += strcspn(p, "|"), p += *p == '|', i++)
		if (strcspn(p, "|") == n && memcmp(p, text, n) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

/* Empties a list that an earlier phase filled. */
static void begin_list(struct config_reader *r, const struct config_setting *s, size_t *n)
{
	uint8_t *seen = &r->seen[s - r->table->settings];

	if (*seen != r->phase)
		*n = 0;
	*seen = (uint8_t)r->phase;
}

static int full(struct config_reader *r, const struct config_setting *s,
		const struct yaml_node *node)
{
	return diag_set(r->diag, err_origin(-EINVAL), node ? node->line : 0,
			node ? node->column : 0, "%s%s: more than %d values", node ? "" : "--",
			s->name, CONFIG_ITEMS);
}

int config_set_pair(struct config_reader *r, const struct config_setting *s,
		    struct config_pair pair, const struct yaml_node *node)
{
	struct config_pairs *list = config_at(r, s);

	begin_list(r, s, &list->n);
	if (list->n == CONFIG_ITEMS)
		return full(r, s, node);
	list->at[list->n++] = pair;
	return 0;
}

static int add_text(struct config_reader *r, const struct config_setting *s, const char *text,
		    const struct yaml_node *node)
{
	struct config_texts *list = config_at(r, s);

	begin_list(r, s, &list->n);
	if (list->n == CONFIG_ITEMS)
		return full(r, s, node);
	if (!*text)
		return config_wrong(r, s, text, node);
	list->at[list->n++] = text;
	return 0;
}

static int add_number(struct config_reader *r, const struct config_setting *s, const char *text,
		      const struct yaml_node *node)
{
	struct config_numbers *list = config_at(r, s);

	begin_list(r, s, &list->n);
	if (list->n == CONFIG_ITEMS)
		return full(r, s, node);
	if (!parse_number(s, text, &list->at[list->n]))
		return config_wrong(r, s, text, node);
	list->n++;
	return 0;
}

static bool set_one(const struct config_setting *s, const char *text, void *at)
{
	switch (s->type) {
	case CONFIG_FLAG:
		*(bool *)at = strcmp(text, "true") == 0;
		return true;
	case CONFIG_CHOICE:
		return parse_choice(s, text, at);
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_TIME:
		return parse_number(s, text, at);
	default:
		*(const char **)at = text;
		return *text != '\0';
	}
}

int config_set(struct config_reader *r, const struct config_setting *s, const char *text,
	       const struct yaml_node *node)
{
	if (s->type == CONFIG_TEXTS)
		return add_text(r, s, text, node);
	if (s->type == CONFIG_NUMBERS)
		return add_number(r, s, text, node);
	return set_one(s, text, config_at(r, s)) ? 0 : config_wrong(r, s, text, node);
}
