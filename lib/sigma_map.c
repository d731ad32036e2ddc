/* SPDX-License-Identifier: Apache-2.0 */
/* What lib/sigma_fields.def says. */
#include "lib/eql.h"
#include "lib/sigma_build.h"

#include <strings.h>

enum {
	BIT_PROCESS = 1 << SOURCE_PROCESS,
	BIT_FILE = 1 << SOURCE_FILE,
	BIT_FILE_DELETE = 1 << SOURCE_FILE_DELETE,
	BIT_FILE_RENAME = 1 << SOURCE_FILE_RENAME,
	BIT_FILE_ACCESS = 1 << SOURCE_FILE_ACCESS,
	BIT_NETWORK = 1 << SOURCE_NETWORK,
	BIT_PROCESS_END = 1 << SOURCE_PROCESS_END,
	BIT_DNS = 1 << SOURCE_DNS,
	BIT_AUDITD = 1 << SOURCE_AUDITD,
	BIT_LINUX = 1 << SOURCE_LINUX,
	BIT_FILES = BIT_FILE | BIT_FILE_DELETE | BIT_FILE_RENAME | BIT_FILE_ACCESS,
	BIT_ALL = BIT_PROCESS | BIT_FILES | BIT_NETWORK | BIT_PROCESS_END | BIT_DNS | BIT_LINUX,
};

static const struct {
	enum sigma_source source;
	const char *category, *service, *events;
} sources[] = {
#define S(source_, category_, service_, events_) { SOURCE_##source_, category_, service_, events_ },
#define N(source_, events_)			 { SOURCE_##source_, NULL, NULL, events_ },
#include "lib/sigma_fields.def"
};

static const struct {
	unsigned sources;
	const char *sigma, *ours, *guard;
	enum sigma_form form;
} mapped[] = {
#define F(sources_, sigma_, ours_)	   { BIT_##sources_, sigma_, ours_, NULL, FORM_PLAIN },
#define G(sources_, sigma_, ours_, guard_) { BIT_##sources_, sigma_, ours_, guard_, FORM_PLAIN },
#define V(sources_, sigma_, ours_, guard_, form_) \
	{ BIT_##sources_, sigma_, ours_, guard_, FORM_##form_ },
#include "lib/sigma_fields.def"
};

static const struct {
	unsigned sources;
	const char *sigma, *word, *meaning;
} words[] = {
#define W(sources_, sigma_, word_, meaning_) { BIT_##sources_, sigma_, word_, meaning_ },
#include "lib/sigma_fields.def"
};

static const struct {
	unsigned sources;
	const char *sigma, *reason;
} absent[] = {
#define X(sources_, sigma_, reason_) { BIT_##sources_, sigma_, reason_ },
#include "lib/sigma_fields.def"
};

/* ---- log sources ---- */

/* Is row @i of the table what @r names? */
static bool is_source(const struct sigma_rule *r, size_t i)
{
	const char *service = r->service ? r->service : "";

	if (r->category && strcmp(service, "sysmon") == 0)
		service = ""; /* the usual origin of the categories */
	return sources[i].category &&
	       strcmp(r->category ? r->category : "", sources[i].category) == 0 &&
	       strcmp(service, sources[i].service) == 0;
}

/* Why a source that is none of ours is none; NULL: it may be one. */
static const char *foreign_reason(const struct sigma_rule *r, const struct yaml_node *logsource)
{
	const struct yaml_node *definition = yaml_get(logsource, "definition");

	if (r->product && strcasecmp(r->product, "linux") != 0)
		return "our events are of Linux only";
	if (!r->category && !r->service && definition && definition->text &&
	    strstr(definition->text, "/var/log/"))
		return "it is of plain log files, which are not collected";
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (is_source(r, i))
			return NULL;
	if (r->category && r->service)
		return "a service together with this category is not known";
	if (r->category)
		return "events of this category are not collected";
	return "it is of plain log files, which are not collected";
}

enum sigma_source sigma_source_of(struct sigma_build *b, const struct yaml_node *logsource)
{
	const struct sigma_rule *r = b->rule;
	const char *reason = foreign_reason(r, logsource);

	for (size_t i = 0; !reason && i < ARRAY_SIZE(sources); i++)
		if (is_source(r, i))
			return sources[i].source;
	sigma_gap(b, logsource, "log source%s%s%s%s%s%s: %s", r->product ? " product " : "",
		  r->product ? r->product : "", r->category ? " category " : "",
		  r->category ? r->category : "", r->service ? " service " : "",
		  r->service ? r->service : "", reason);
	return SOURCE_NONE;
}

int sigma_source_expr(enum sigma_source source, struct expr **ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i].source == source)
			return eql_parse(ret, sources[i].events, strlen(sources[i].events), NULL);
	return expr_new_const(ret, true);
}

/* ---- fields ---- */

/* "name" or "name[n]". */
static bool parse_ours(const char *name, struct sigma_target *ret)
{
	size_t n = strcspn(name, "[");

	if (name[n]) {
		ret->is_element = true;
		ret->element = (uint32_t)strtoul(name + n + 1, NULL, 10);
	}
	ret->type = TARGET_FIELD;
	return field_find(name, n, &ret->field);
}

static bool find_mapped(unsigned bit, const char *field, struct sigma_target *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(mapped); i++) {
		if (!(mapped[i].sources & bit) || strcmp(mapped[i].sigma, field) != 0)
			continue;
		ret->guard = mapped[i].guard;
		ret->form = mapped[i].form;
		return parse_ours(mapped[i].ours, ret);
	}
	return false;
}

static bool has_words(unsigned bit, const char *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if ((words[i].sources & bit) && strcmp(words[i].sigma, field) == 0)
			return true;
	return false;
}

void sigma_find_field(enum sigma_source source, const char *field, struct sigma_target *ret)
{
	unsigned bit = 1U << source;

	*ret = (struct sigma_target){ .type = TARGET_ABSENT };
	if (source == SOURCE_NONE || find_mapped(bit, field, ret))
		return;
	if (has_words(bit, field)) {
		ret->type = TARGET_WORDS;
		return;
	}
	if (strchr(field, '.') && field_find(field, strlen(field), &ret->field)) {
		ret->type = TARGET_FIELD;
		return;
	}
	ret->reason = "no event of this log source has it";
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		if ((absent[i].sources & bit) && strcmp(absent[i].sigma, field) == 0)
			ret->reason = absent[i].reason;
}

/* What every event has, by names that are usual for it. */
static const char *usual_name(const char *name)
{
	static const char *const names[][2] = {
		{ "Computer", "host.name" },	 { "ComputerName", "host.name" },
		{ "Hostname", "host.name" },	 { "hostname", "host.name" },
		{ "host", "host.name" },	 { "HostName", "host.name" },
		{ "user", "process.user.name" }, { "username", "process.user.name" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i][0], name) == 0)
			return names[i][1];
	return name;
}

bool sigma_field(int source, const char *name, struct field_ref *ret)
{
	struct sigma_target t = { .type = TARGET_ABSENT };

	if (source > 0)
		sigma_find_field((enum sigma_source)source, name, &t);
	if (t.type == TARGET_FIELD && !t.is_element) {
		*ret = t.field;
		return true;
	}
	name = usual_name(name);
	return field_find(name, strlen(name), ret);
}

bool sigma_source_covers(int filter, int rule)
{
	return filter == rule || filter == SOURCE_LINUX;
}

const char *sigma_find_word(enum sigma_source source, const char *field, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if ((words[i].sources & 1U << source) && strcmp(words[i].sigma, field) == 0 &&
		    strcasecmp(words[i].word, word) == 0)
			return words[i].meaning;
	return NULL;
}

/* ---- the table itself ---- */

static int check_eql(const char *text, struct diag *d)
{
	AUTO(expr) *e = NULL;

	return text ? eql_parse(&e, text, strlen(text), d) : 0;
}

int sigma_check_table(struct diag *d)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sources); i++)
		r = check_eql(sources[i].events, d);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++)
		r = check_eql(words[i].meaning, d);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(mapped); i++) {
		struct sigma_target t = { 0 };

		r = check_eql(mapped[i].guard, d);
		if (r == 0 && !parse_ours(mapped[i].ours, &t))
			r = diag_set(d, -EINVAL, 0, 0, "no field %s", mapped[i].ours);
	}
	return r;
}
