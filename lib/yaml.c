/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/yaml.h"

#include <libfyaml.h>
#include <math.h>

#include "lib/arena.h"
#include "lib/expr_text.h"
#include "lib/limits.h"

enum { ARENA_BYTES = 64 << 20 };

struct yaml {
	struct arena arena;
	const struct yaml_node *first;
};

/* A list or map that is still open. */
struct level {
	struct yaml_node *node, *last; /* its last entry */
	struct yaml_node *key;	       /* of a map: the key whose value comes next */
};

struct builder {
	struct yaml *yaml;
	const char *text;
	size_t n;
	struct diag *diag;
	struct level levels[LIMIT_YAML_DEPTH];
	uint32_t depth, n_nodes;
	size_t seen; /* bytes up to the last position that was asked for, and that position */
	uint32_t line, column;
	struct yaml_node *document; /* the last one */
};

struct yaml *yaml_free(struct yaml *y)
{
	if (!y)
		return NULL;
	arena_done(&y->arena);
	free(y);
	return NULL;
}

const struct yaml_node *yaml_first(const struct yaml *y)
{
	return y->first;
}

bool yaml_is(const struct yaml_node *node, const char *s)
{
	return node && node->text && strlen(s) == node->n && memcmp(node->text, s, node->n) == 0;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (!map || map->type != YAML_MAP)
		return NULL;
	for (const struct yaml_node *i = map->first; i; i = i->next)
		if (yaml_is(i->key, key))
			return i;
	return NULL;
}

const char *yaml_type_name(const struct yaml_node *node)
{
	static const char *const names[] = {
		[YAML_NULL] = "nothing",   [YAML_BOOL] = "a boolean",  [YAML_INT] = "a number",
		[YAML_FLOAT] = "a number", [YAML_STRING] = "a string", [YAML_LIST] = "a list",
		[YAML_MAP] = "a map",
	};

	return names[node->type];
}

/* ---- scalars ---- */

static bool is_any(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static bool is_integer(const char *s, int64_t *ret)
{
	const char *digits = s + (*s == '-' || *s == '+');
	int base = 10;
	char *end;

	if (digits == s && s[0] == '0' && (s[1] == 'x' || s[1] == 'o')) {
		base = s[1] == 'x' ? 16 : 8;
		digits = s + 2;
	}
	if (!*digits || strspn(digits, base == 16   ? "0123456789abcdefABCDEF"
				       : base == 10 ? "0123456789"
						    : "01234567") != strlen(digits))
		return false;
	errno = 0;
	*ret = strtoll(base == 10 ? s : digits, &end, base);
	return errno == 0;
}

static bool is_float(const char *s, double *ret)
{
	static const char *const infinite[] = { ".inf", ".Inf", ".INF", NULL };
	static const char *const none[] = { ".nan", ".NaN", ".NAN", NULL };
	const char *digits = s + (*s == '-' || *s == '+');
	char *end;

	if (is_any(digits, infinite) || is_any(s, none)) {
		*ret = is_any(s, none) ? NAN : *s == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (strspn(digits, "0123456789.eE+-") != strlen(digits) || !strpbrk(digits, "0123456789"))
		return false;
	*ret = strtod(s, &end);
	return *end == '\0' && strchr("0123456789.", *digits);
}

/* Type of a plain scalar by the core schema. */
static void resolve(struct yaml_node *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };

	node->type = YAML_STRING;
	if (is_any(node->text, nulls)) {
		node->type = YAML_NULL;
	} else if (is_any(node->text, trues) || is_any(node->text, falses)) {
		node->type = YAML_BOOL;
		node->boolean = is_any(node->text, trues);
	} else if (is_integer(node->text, &node->integer)) {
		node->type = YAML_INT;
	} else if (is_float(node->text, &node->real)) {
		node->type = YAML_FLOAT;
	}
}

/* ---- building ---- */

static int wrong(const struct builder *b, size_t at, const char *text)
{
	uint32_t line, column;

	diag_position(b->text, MIN(at, b->n), &line, &column);
	return diag_set(b->diag, -EINVAL, line, column, "%s", text);
}

/* Byte at which @e begins; of quoted text libfyaml tells the one behind the quote. */
static size_t place(const struct builder *b, struct fy_event *e)
{
	const struct fy_mark *mark = fy_event_start_mark(e);
	size_t at = mark ? MIN(mark->input_pos, b->n) : b->seen; /* nothing: where its key is */
	enum fy_scalar_style style = FYSS_ANY;

	if (e->type == FYET_SCALAR && e->scalar.value)
		style = fy_token_scalar_style(e->scalar.value);
	if (at > 0 && ((style == FYSS_SINGLE_QUOTED && b->text[at - 1] == '\'') ||
		       (style == FYSS_DOUBLE_QUOTED && b->text[at - 1] == '"')))
		at--;
	return at;
}

/* Sets line and column to those of byte @at; events come in the order of the text. */
static void go_to(struct builder *b, size_t at)
{
	if (at < b->seen) {
		b->seen = 0;
		b->line = b->column = 1;
	}
	for (; b->seen < at; b->seen++) {
		bool end = b->text[b->seen] == '\n';

		b->column = end ? 1 : b->column + 1;
		b->line += end;
	}
}

static int node_new(struct builder *b, struct fy_event *e, enum yaml_type type,
		    struct yaml_node **ret)
{
	struct yaml_node *node;

	if (++b->n_nodes > LIMIT_YAML_NODES)
		return wrong(b, place(b, e), "the text has too many parts");
	node = arena_alloc(&b->yaml->arena, sizeof(*node));
	if (!node)
		return err_origin(-ENOMEM);
	go_to(b, place(b, e));
	*node = (struct yaml_node){ .type = type, .line = b->line, .column = b->column };
	*ret = node;
	return 0;
}

static int add_key(struct builder *b, struct fy_event *e, struct level *up, struct yaml_node *key)
{
	if (!key->text)
		return wrong(b, place(b, e), "a key must be one word or text, not a list or map");
	if (yaml_get(up->node, key->text) && strlen(key->text) == key->n) {
		char text[96];

		snprintf(text, sizeof(text), "the key \"%.60s\" stands twice in this map",
			 key->text);
		return wrong(b, place(b, e), text);
	}
	up->key = key;
	return 0;
}

/* Puts a node where it belongs: into the open list or map, or at the top. */
static int attach(struct builder *b, struct fy_event *e, struct yaml_node *node)
{
	struct level *up = b->depth ? &b->levels[b->depth - 1] : NULL;

	if (!up) {
		if (b->document)
			b->document->next = node;
		else
			b->yaml->first = node;
		b->document = node;
		return 0;
	}
	if (up->node->type == YAML_MAP && !up->key)
		return add_key(b, e, up, node);
	node->key = TAKE(up->key);
	if (up->last)
		up->last->next = node;
	else
		up->node->first = node;
	up->last = node;
	return 0;
}

static int open_level(struct builder *b, struct fy_event *e, enum yaml_type type)
{
	struct yaml_node *node = NULL;
	int r = node_new(b, e, type, &node);

	if (r == 0)
		r = attach(b, e, node);
	if (r < 0)
		return r;
	if (b->depth == LIMIT_YAML_DEPTH)
		return wrong(b, place(b, e), "nested too deeply");
	b->levels[b->depth++] = (struct level){ .node = node };
	return 0;
}

static int add_scalar(struct builder *b, struct fy_event *e)
{
	struct fy_token *token = e->scalar.value;
	enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
	const char *text = "";
	struct yaml_node *node = NULL;
	size_t n = 0;
	char *copy;
	int r = node_new(b, e, YAML_STRING, &node);

	if (r < 0)
		return r;
	if (token)
		text = fy_token_get_text(token, &n);
	copy = text ? arena_alloc(&b->yaml->arena, n + 1) : NULL;
	if (!copy)
		return err_origin(-ENOMEM);
	if (n)
		memcpy(copy, text, n);
	copy[n] = '\0';
	node->text = copy;
	node->n = n;
	if (style == FYSS_PLAIN || style == FYSS_ANY) {
		size_t at = place(b, e);

		resolve(node);
		node->plain = at + n <= b->n && memcmp(b->text + at, copy, n) == 0;
	}
	return attach(b, e, node);
}

static bool has_extras(const struct fy_event *e)
{
	switch (e->type) {
	case FYET_SCALAR:
		return e->scalar.anchor || e->scalar.tag;
	case FYET_SEQUENCE_START:
		return e->sequence_start.anchor || e->sequence_start.tag;
	case FYET_MAPPING_START:
		return e->mapping_start.anchor || e->mapping_start.tag;
	default:
		return e->type == FYET_ALIAS;
	}
}

static int take_event(struct builder *b, struct fy_event *e)
{
	if (has_extras(e))
		return wrong(b, place(b, e),
			     "anchors (&), aliases (*) and tags (!) are not taken "
			     "here; text that begins so needs quotes");
	switch (e->type) {
	case FYET_SCALAR:
		return add_scalar(b, e);
	case FYET_SEQUENCE_START:
		return open_level(b, e, YAML_LIST);
	case FYET_MAPPING_START:
		return open_level(b, e, YAML_MAP);
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		b->depth--;
		return 0;
	default:
		return 0;
	}
}

/* ---- libfyaml ---- */

/* What libfyaml complained of first. */
static int tell_error(const struct builder *b, struct fy_diag *errors)
{
	void *at = NULL;
	const struct fy_diag_error *e = errors ? fy_diag_errors_iterate(errors, &at) : NULL;

	if (!e || !e->msg)
		return diag_set(b->diag, -EINVAL, 1, 1, "this is not YAML");
	return diag_set(
		b->diag, -EINVAL, (uint32_t)MAX(e->line, 1), (uint32_t)MAX(e->column, 1),
		"not YAML: %s%s", e->msg,
		strstr(e->msg, "nested block mapping")
			? "; text with \": \" in it, such as a query, goes into quotes or behind |"
			: "");
}

static int parse_events(struct builder *b, struct fy_parser *p, struct fy_diag *errors)
{
	for (;;) {
		struct fy_event *e = fy_parser_parse(p);
		bool end = e && e->type == FYET_STREAM_END;
		int r = e ? take_event(b, e) : 0;

		if (!e)
			return tell_error(b, errors);
		fy_parser_event_free(p, e);
		if (r < 0 || end)
			return r;
	}
}

static int parse(struct builder *b)
{
	struct fy_diag_cfg quiet = { .level = FYET_ERROR, .module_mask = UINT32_MAX };
	struct fy_diag *errors = fy_diag_create(&quiet);
	struct fy_parse_cfg config = { .flags =
					       FYPCF_DEFAULT_VERSION_1_2 | FYPCF_DISABLE_MMAP_OPT };
	struct fy_parser *p = NULL;
	int r = err_origin(-ENOMEM);

	if (errors) {
		fy_diag_set_collect_errors(errors, true);
		config.diag = errors;
		p = fy_parser_create(&config);
	}
	if (p && fy_parser_set_string(p, b->text, b->n) == 0)
		r = parse_events(b, p, errors);
	if (p)
		fy_parser_destroy(p);
	if (errors)
		fy_diag_destroy(errors);
	return r;
}

static int check_text(const struct builder *b)
{
	for (size_t i = 0, len; i < b->n; i += len) {
		uint8_t c = (uint8_t)b->text[i];

		len = expr_character(b->text + i, b->n - i);
		if (c == 0 || (c >= 0x80 && len == 1))
			return wrong(b, i, "this byte is not UTF-8 text");
	}
	return 0;
}

int yaml_parse(struct yaml **ret, const char *text, size_t n, struct diag *d)
{
	AUTO(yaml) *y = calloc(1, sizeof(*y));
	AUTO_MEM struct builder *b = calloc(1, sizeof(*b));
	int r;

	if (!y || !b)
		return err_origin(-ENOMEM);
	if (n > LIMIT_YAML_BYTES)
		return diag_set(d, -EINVAL, 1, 1, "the text is too long: at most %d bytes",
				LIMIT_YAML_BYTES);
	y->arena.limit = ARENA_BYTES;
	*b = (struct builder){ .yaml = y, .text = text, .n = n, .diag = d, .line = 1, .column = 1 };
	r = check_text(b);
	if (r == 0)
		r = parse(b);
	if (r == 0)
		*ret = TAKE(y);
	return r;
}
