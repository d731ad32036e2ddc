/* SPDX-License-Identifier: Apache-2.0 */
/* fields - what lib/fields.def and lib/kinds.def say, as tables to look things up in.
 * Thread: any.  Memory: constant. */
#pragma once
#include "lib/util.h"

enum kind {
	KIND_NONE = 0, /* the process table of a batch */
#define K(number, id, ...) KIND_##id = number,
#include "lib/kinds.def"
#undef K
	KIND_MAX = 64
};

enum kind_class { CLASS_PRIORITY, CLASS_BULK, CLASS_MAX };

struct kind_info {
	enum kind kind;
	const char *category, *action, *type; /* ECS */
	enum kind_class class;
	const char *help;
};

enum field {
	FIELD_NONE = 0,
#define E(number, id, ...) FIELD_##id = number,
#define P(number, id, ...) FIELD_##id = number,
#define C(number, id, ...) FIELD_##id = number,
#define B(number, id, ...) FIELD_##id = number,
#define D(number, id, ...) FIELD_##id = number,
#define Q(number, id, ...) FIELD_##id = number,
#include "lib/fields.def"
	FIELD_MAX = 255
};

enum field_type {
	TYPE_LONG,
	TYPE_BOOL,
	TYPE_DATE,
	TYPE_KEYWORD,
	TYPE_KEYWORDS,
	TYPE_IP,
	TYPE_ID,
};

enum field_home {
	HOME_EVENT,   /* a column of the event's table */
	HOME_PROCESS, /* a column of the process table, reached over a via */
	HOME_BATCH,   /* one value for the batch */
};

enum field_rule {
	RULE_STORED, /* not derived */
	RULE_KIND_CATEGORY,
	RULE_KIND_ACTION,
	RULE_KIND_TYPE,
	RULE_BASENAME,
	RULE_DIRNAME,
	RULE_EXTENSION,
	RULE_JOIN,
	RULE_COUNT,
};

/* Which process of an event a HOME_PROCESS field is asked of, and the name prefix that says so. */
enum field_via {
	VIA_ACTOR,	    /* process. */
	VIA_PARENT,	    /* process.parent. */
	VIA_SESSION_LEADER, /* process.session_leader. */
	VIA_ENTRY_LEADER,   /* process.entry_leader. */
	VIA_TARGET,	    /* Target.process. */
	VIA_MAX
};

/* One column or derived value of the registry: a line of fields.def. */
struct field_info {
	enum field field;
	const char *name; /* full ECS name, or the suffix after the via's prefix (has_via) */
	enum field_type type;
	enum field_home home;
	enum field_rule rule;
	enum field source; /* what a derived field comes from */
	bool has_via;	   /* seen under each prefix of enum field_via */
	const char *help;
};

/* A field as an event has it: which column, of which of its processes. */
struct field_ref {
	const struct field_info *info;
	enum field_via via; /* VIA_ACTOR where it does not matter */
};

/* Facts of a field or kind by number; NULL for a number that fields.def or kinds.def lacks. */
const struct field_info *field_info(uint32_t field);
const struct kind_info *kind_info(uint32_t kind);

/* Prefix of the names of @via, such as "process.parent.". */
const char *field_via_prefix(enum field_via via);

/* Looks up the field called @name (ECS names and the aliases of fields.def; case matters).
 * Internal fields are not found.  Returns false when there is none; *ret is untouched then. */
NODISCARD bool field_find(const char *name, size_t n, struct field_ref *ret);

/* Name of a field in full, written to @buf (64 bytes are enough for each).  Returns @buf. */
const char *field_name(struct field_ref ref, char *buf, size_t n);

/* Word for a type as GET /api/v1/fields and the reference say it: "long", "keyword" and so on. */
const char *field_type_name(enum field_type type);

/* Calls @each for all fields that may be asked for, in the order of the reference page.
 * Stops early and returns what @each returned when that is not 0; else returns 0. */
int field_each(int (*each)(struct field_ref ref, void *arg), void *arg);

/* Names that stand for another: *ret_name is the real one.  Returns false past the last. */
bool field_alias(size_t i, const char **ret_alias, const char **ret_name);
