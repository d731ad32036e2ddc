/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fields.h"

#define RULE_NONE RULE_STORED

static const struct field_info fields[FIELD_MAX + 1] = {
#define ENTRY(id, n, t, h, r, s, v, help_)    \
	[FIELD_##id] = { .field = FIELD_##id, \
			 .name = (n),         \
			 .type = TYPE_##t,    \
			 .home = (h),         \
			 .rule = RULE_##r,    \
			 .source = FIELD_##s, \
			 .has_via = (v),      \
			 .help = (help_) },
#define E(number, id, name, type, help) ENTRY(id, name, type, HOME_EVENT, NONE, NONE, false, help)
#define P(number, id, name, type, help) ENTRY(id, name, type, HOME_PROCESS, NONE, NONE, true, help)
#define C(number, id, name, type, help) ENTRY(id, name, type, HOME_PROCESS, NONE, NONE, false, help)
#define B(number, id, name, type, help) ENTRY(id, name, type, HOME_BATCH, NONE, NONE, false, help)
#define D(number, id, name, type, source, rule, help) \
	ENTRY(id, name, type, HOME_EVENT, rule, source, false, help)
#define Q(number, id, name, type, source, rule, help) \
	ENTRY(id, name, type, HOME_PROCESS, rule, source, true, help)
#include "lib/fields.def"
#undef ENTRY
};

static const struct kind_info kinds[KIND_MAX] = {
#define K(number, id, category_, action_, type_, class_, help_) \
	[number] = { .kind = KIND_##id,                         \
		     .category = (category_),                   \
		     .action = (action_),                       \
		     .type = (type_),                           \
		     .class = CLASS_##class_,                   \
		     .help = (help_) },
#include "lib/kinds.def"
#undef K
};

static const struct {
	const char *alias, *name;
} aliases[] = {
#define A(alias, name) { alias, name },
#include "lib/fields.def"
};

static const char *const via_prefixes[VIA_MAX] = {
	[VIA_ACTOR] = "process.",
	[VIA_PARENT] = "process.parent.",
	[VIA_SESSION_LEADER] = "process.session_leader.",
	[VIA_ENTRY_LEADER] = "process.entry_leader.",
	[VIA_TARGET] = "Target.process.",
};

static bool is_internal(const struct field_info *info)
{
	switch (info->field) {
	case FIELD_PROCESS:
	case FIELD_TARGET:
	case FIELD_PARENT:
	case FIELD_SESSION_LEADER:
	case FIELD_ENTRY_LEADER:
	case FIELD_GENERATION:
		return true;
	default:
		return false;
	}
}

const struct field_info *field_info(uint32_t field)
{
	return field > 0 && field <= FIELD_MAX && fields[field].name ? &fields[field] : NULL;
}

const struct kind_info *kind_info(uint32_t kind)
{
	return kind < KIND_MAX && kinds[kind].action ? &kinds[kind] : NULL;
}

const char *field_via_prefix(enum field_via via)
{
	return via_prefixes[via];
}

static bool name_is(const char *known, const char *name, size_t n)
{
	return strlen(known) == n && memcmp(known, name, n) == 0;
}

static bool find_under(enum field_via via, const char *name, size_t n, struct field_ref *ret)
{
	size_t skip = strlen(via_prefixes[via]);

	if (n <= skip || memcmp(name, via_prefixes[via], skip) != 0)
		return false;
	for (size_t i = 1; i <= FIELD_MAX; i++) {
		const struct field_info *f = &fields[i];

		if (f->name && f->has_via && name_is(f->name, name + skip, n - skip)) {
			*ret = (struct field_ref){ f, via };
			return true;
		}
	}
	return false;
}

bool field_find(const char *name, size_t n, struct field_ref *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (name_is(aliases[i].alias, name, n))
			return field_find(aliases[i].name, strlen(aliases[i].name), ret);
	for (size_t i = 1; i <= FIELD_MAX; i++) {
		const struct field_info *f = &fields[i];

		if (f->name && !f->has_via && !is_internal(f) && name_is(f->name, name, n)) {
			*ret = (struct field_ref){ f, VIA_ACTOR };
			return true;
		}
	}
	for (enum field_via via = 0; via < VIA_MAX; via++)
		if (find_under(via, name, n, ret))
			return true;
	return false;
}

const char *field_name(struct field_ref ref, char *buf, size_t n)
{
	snprintf(buf, n, "%s%s", ref.info->has_via ? via_prefixes[ref.via] : "", ref.info->name);
	return buf;
}

const char *field_type_name(enum field_type type)
{
	static const char *const names[] = {
		[TYPE_LONG] = "long",	    [TYPE_BOOL] = "boolean",	 [TYPE_DATE] = "date",
		[TYPE_KEYWORD] = "keyword", [TYPE_KEYWORDS] = "keyword", [TYPE_IP] = "ip",
		[TYPE_ID] = "keyword",
	};

	return names[type];
}

int field_each(int (*each)(struct field_ref ref, void *arg), void *arg)
{
	for (size_t i = 1; i <= FIELD_MAX; i++) {
		const struct field_info *f = &fields[i];
		int r;

		if (!f->name || is_internal(f))
			continue;
		for (enum field_via via = 0; via < (f->has_via ? VIA_MAX : 1); via++) {
			r = each((struct field_ref){ f, via }, arg);
			if (r)
				return r;
		}
	}
	return 0;
}

bool field_alias(size_t i, const char **ret_alias, const char **ret_name)
{
	if (i >= ARRAY_SIZE(aliases))
		return false;
	*ret_alias = aliases[i].alias;
	*ret_name = aliases[i].name;
	return true;
}
