/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what docs/rules.md tells of lib/sigma_fields.def: log sources and fields. */
#include <stdio.h>
#include <string.h>

#include "lib/util.h"

struct row {
	const char *a, *b, *c;
};

static const struct row sources[] = {
#define S(source, category, service, events) { category, service, events },
#include "lib/sigma_fields.def"
};

static const struct row fields[] = {
#define F(sources, sigma, ours)		     { sigma, ours, #sources },
#define G(sources, sigma, ours, guard)	     { sigma, ours, #sources },
#define V(sources, sigma, ours, guard, form) { sigma, ours, #sources },
#include "lib/sigma_fields.def"
};

static const struct row words[] = {
#define W(sources, sigma, word, meaning) { sigma, word, #sources },
#include "lib/sigma_fields.def"
};

static const struct row absent[] = {
#define X(sources, sigma, reason) { sigma, reason, #sources },
#include "lib/sigma_fields.def"
};

static const char *where(const char *source)
{
	static const char *const names[][2] = {
		{ "ALL", "all but auditd" },	  { "FILES", "file categories" },
		{ "FILE_RENAME", "file_rename" }, { "NETWORK", "network_connection" },
		{ "DNS", "dns_query, dns" },	  { "AUDITD", "auditd" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i][0], source) == 0)
			return names[i][1];
	return source;
}

static void write_sources(void)
{
	printf("| Sigma | our events |\n|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i].a[0])
			printf("| category `%s` | `%s` |\n", sources[i].a, sources[i].c);
		else if (sources[i].b[0])
			printf("| service `%s` | `%s` |\n", sources[i].b, sources[i].c);
		else
			printf("| product `linux` alone | `%s` |\n", sources[i].c);
}

/* a0 ... a12 are one row. */
static bool is_argument(const char *name)
{
	return name[0] == 'a' && name[1] >= '0' && name[1] <= '9';
}

static bool is_first(size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(words[k].a, words[i].a) == 0)
			return false;
	return true;
}

/* A field of few values and all of them. */
static void write_words(const struct row *first)
{
	printf("| %s%s | one of", first->a, strcmp(first->a, "SYSCALL") == 0 ? ", syscall" : "");
	for (size_t k = 0; k < ARRAY_SIZE(words); k++)
		if (strcmp(words[k].a, first->a) == 0)
			printf(" %s", words[k].b);
	printf(" | %s |\n", where(first->c));
}

static void write_fields(void)
{
	printf("\n| field of Sigma | ours | where |\n|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!is_argument(fields[i].a))
			printf("| %s | `%s` | %s |\n", fields[i].a, fields[i].b,
			       where(fields[i].c));
	printf("| a0 ... a12 | `process.args[0]` ... `process.args[12]` | auditd |\n");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (is_first(i) && strcmp(words[i].a, "syscall") != 0)
			write_words(&words[i]);
}

static void write_absent(void)
{
	printf("\n| not on our events | why |\n|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		printf("| %s | %s |\n", absent[i].a, absent[i].b);
}

int main(void)
{
	write_sources();
	write_fields();
	write_absent();
	return 0;
}
