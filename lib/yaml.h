/* SPDX-License-Identifier: Apache-2.0 */
/* yaml - YAML 1.2 text as trees that know where each node stands.  The only file that touches
 * libfyaml.
 *
 * Plain scalars have the types of the core schema (YAML 1.2.2, 10.3): null, booleans, integers
 * (decimal, 0x, 0o), floats, else strings; quoted ones are strings.  Refused, each with a position:
 * text that is not UTF-8 or holds a NUL, a key twice in a map, a key that is no scalar, anchors,
 * aliases, tags, and what breaks a limit of lib/limits.h.
 *
 * Thread: any, one owner at a time.  Memory: one arena a text. */
#pragma once
#include "lib/diag.h"

enum yaml_type {
	YAML_NULL,
	YAML_BOOL,
	YAML_INT,
	YAML_FLOAT,
	YAML_STRING,
	YAML_LIST,
	YAML_MAP,
};

struct yaml_node {
	enum yaml_type type;
	uint32_t line, column; /* 1-based; the column in bytes */
	bool plain;	       /* a scalar that is one line and has no quotes: what is at byte i of
				* text stands at column + i */
	const char *text;      /* a scalar as written but for quotes and escapes; NUL-terminated */
	size_t n;
	bool boolean;		       /* BOOL */
	int64_t integer;	       /* INT */
	double real;		       /* FLOAT */
	const struct yaml_node *key;   /* of an entry of a map: its key, a scalar */
	const struct yaml_node *first; /* LIST, MAP: the first entry; NULL: empty */
	const struct yaml_node *next;  /* the entry after this one; of a document: the next one */
};

struct yaml;

/* Parses @text (borrowed for the call only).  *ret is freed with yaml_free().
 * Returns 0, -EINVAL (the place and reason are in @d) or -ENOMEM. */
NODISCARD int yaml_parse(struct yaml **ret, const char *text, size_t n, struct diag *d);
struct yaml *yaml_free(struct yaml *y);
DEFINE_FREEP(yaml)

/* The first document; NULL when the text holds none.  Nodes live as long as @y. */
const struct yaml_node *yaml_first(const struct yaml *y);

/* Entry of a map; NULL: it has none, or @map is NULL or no map. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* True when @s is the text of scalar @node. */
bool yaml_is(const struct yaml_node *node, const char *s);

/* Word for the type of @node in a sentence: "a list", "a map", "a string" and so on. */
const char *yaml_type_name(const struct yaml_node *node);
