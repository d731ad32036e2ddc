/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/rules.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/limits.h"

enum { FOLDER_DEPTH = 32 };

void rules_done(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].file);
		rule_free(r->v[i].rule);
	}
	for (size_t i = 0; i < r->n_paths; i++)
		free(r->paths[i]);
	buf_done(&r->given);
	free(r->v);
	free(r->paths);
	*r = (struct rules){ 0 };
}

static int unreadable(const char *path, struct diag *d)
{
	int e = errno;

	return diag_set(d, -e, 0, 0, "cannot read %s: %s", path, strerror(e));
}

/* ---- files ---- */

static bool is_yaml(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".yml") == 0 || strcmp(dot, ".yaml") == 0);
}

static int add_path(struct rules *r, const char *path)
{
	char *copy;

	if (r->n_paths == r->cap_paths) {
		size_t cap = r->cap_paths ? r->cap_paths * 2 : 64;
		char **paths = reallocarray(r->paths, cap, sizeof(*paths));

		if (!paths)
			return err_origin(-ENOMEM);
		r->paths = paths;
		r->cap_paths = cap;
	}
	copy = strdup(path);
	if (!copy)
		return err_origin(-ENOMEM);
	r->paths[r->n_paths++] = copy;
	return 0;
}

static int visit(struct rules *r, const char *path, unsigned depth, struct diag *d);

static int visit_entries(struct rules *r, const char *path, struct dirent **names, int n,
			 unsigned depth, struct diag *d)
{
	int e = 0;

	for (int i = 0; e == 0 && i < n; i++) {
		const char *name = names[i]->d_name;
		AUTO_MEM char *inner = NULL;
		struct stat s;

		if (name[0] == '.')
			continue;
		if (asprintf(&inner, "%s/%s", path, name) < 0) {
			inner = NULL;
			return err_origin(-ENOMEM);
		}
		if (lstat(inner, &s) == 0 && (S_ISDIR(s.st_mode) || is_yaml(name)))
			e = visit(r, inner, depth + 1, d);
	}
	return e;
}

/* Recursion: FOLDER_DEPTH. */
static int visit(struct rules *r, const char *path, unsigned depth, struct diag *d)
{
	struct dirent **names = NULL;
	struct stat s;
	int n, e;

	if (stat(path, &s) < 0)
		return unreadable(path, d);
	if (!S_ISDIR(s.st_mode))
		return add_path(r, path);
	if (depth > FOLDER_DEPTH)
		return diag_set(d, -ELOOP, 0, 0, "%s: folders are nested too deeply", path);
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		return unreadable(path, d);
	e = visit_entries(r, path, names, n, depth, d);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return e;
}

/* ---- rules ---- */

static int add_entry(struct rules *r, const char *file, struct rule *rule_, uint32_t line,
		     const struct diag *wrong)
{
	AUTO(rule) *rule = rule_;
	struct rules_entry *e;

	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct rules_entry *v = reallocarray(r->v, cap, sizeof(*v));

		if (!v)
			return err_origin(-ENOMEM);
		r->v = v;
		r->cap = cap;
	}
	e = &r->v[r->n];
	*e = (struct rules_entry){ .file = strdup(file), .line = line + 1 };
	if (!e->file)
		return err_origin(-ENOMEM);
	if (!rule)
		e->wrong = *wrong;
	e->wrong.line += rule ? 0 : line;
	for (size_t i = 0; rule && i < rule->n_gaps; i++)
		rule->gaps[i].line += line;
	r->n_wrong += !rule;
	r->n_unmapped += rule && rule_is_unmapped(rule);
	r->n_partial += rule && rule->n_gaps && !rule_is_unmapped(rule);
	e->rule = TAKE(rule);
	r->n++;
	return 0;
}

/* Appends document @s; one whose values are expanded gets the placeholders that were given, unless
 * it has its own. */
static void add_filled(const struct rules *r, const char *s, size_t n, struct buf *out)
{
	static const char key[] = "\nplaceholders:";
	AUTO_MEM char *text = strndup(s, n);

	out->failed |= !text;
	buf_add(out, s, n);
	if (!text || r->given.n == 0 || !strstr(text, "|expand") || strstr(text, key))
		return;
	buf_str(out, key);
	buf_byte(out, '\n');
	buf_add(out, r->given.data, r->given.n);
}

static int read_text(const char *path, struct buf *out, struct diag *d)
{
	AUTO_MEM char *text = malloc(LIMIT_YAML_BYTES + 1);
	FILE *f = fopen(path, "re");
	size_t n;
	int e = 0;

	if (!text || !f) {
		e = f ? err_origin(-ENOMEM) : unreadable(path, d);
		if (f)
			fclose(f);
		return e;
	}
	n = fread(text, 1, LIMIT_YAML_BYTES + 1, f); /* one too many is noticed by the parser */
	if (ferror(f)) {
		errno = EIO;
		e = unreadable(path, d);
	}
	fclose(f);
	buf_add(out, text, n);
	return e || buf_ok(out) ? e : err_origin(-ENOMEM);
}

/* The map in r->placeholders, each line behind two blanks. */
static int read_placeholders(struct rules *r, struct diag *d)
{
	AUTO_BUF struct buf text = { 0 };
	AUTO(yaml) *y = NULL;
	int e = read_text(r->placeholders, &text, d);

	if (e < 0)
		return e;
	e = yaml_parse(&y, (const char *)text.data, text.n, d);
	if (e == 0 && (!yaml_first(y) || yaml_first(y)->type != YAML_MAP))
		e = diag_set(d, -EINVAL, 1, 1, "expected a map of placeholders and their values");
	if (e < 0)
		diag_file(d, r->placeholders);
	for (size_t at = 0, n; e == 0 && at < text.n; at += n) {
		const char *line = (const char *)text.data + at;
		const char *end = memchr(line, '\n', text.n - at);

		n = end ? (size_t)(end - line) + 1 : text.n - at;
		if (n >= 3 && memcmp(line, "---", 3) == 0)
			continue;
		buf_str(&r->given, "  ");
		buf_add(&r->given, line, n);
		if (!end)
			buf_byte(&r->given, '\n');
	}
	return e || buf_ok(&r->given) ? e : err_origin(-ENOMEM);
}

static int add_documents(struct rules *r, const char *file, const struct buf *text)
{
	const char *document;
	size_t at = 0, len, before = r->n;
	struct diag wrong = { 0 };
	uint32_t line;
	int e = 0;

	while (e == 0 &&
	       rule_next_document((const char *)text->data, text->n, &at, &document, &len, &line)) {
		AUTO_BUF struct buf filled = { 0 };
		struct rule *rule = NULL;

		add_filled(r, document, len, &filled);
		if (!buf_ok(&filled))
			return err_origin(-ENOMEM);
		wrong = (struct diag){ 0 };
		e = rule_parse(&rule, (const char *)filled.data, filled.n, &wrong);
		if (e >= 0 || e == -EINVAL)
			e = add_entry(r, file, rule, line, &wrong);
	}
	if (e || r->n > before)
		return e;
	diag_set(&wrong, 0, 1, 1, "the file is empty");
	return add_entry(r, file, NULL, 0, &wrong);
}

static int add_file(struct rules *r, const char *path, struct diag *d)
{
	AUTO_BUF struct buf text = { 0 };
	int e = read_text(path, &text, d);

	return e < 0 ? e : add_documents(r, path, &text);
}

int rules_read(const struct rules *r, const char *path, struct buf *out, struct diag *d)
{
	AUTO_BUF struct buf text = { 0 };
	const char *document;
	size_t at = 0, len;
	uint32_t line;
	int e = read_text(path, &text, d);

	if (e < 0)
		return e;
	if (r->given.n == 0) {
		buf_add(out, text.data, text.n);
		at = text.n;
	}
	while (rule_next_document((const char *)text.data, text.n, &at, &document, &len, &line)) {
		buf_str(out, "---\n");
		add_filled(r, document, len, out);
	}
	buf_byte(out, 0);
	return buf_ok(out) ? 0 : err_origin(-ENOMEM);
}

int rules_load(struct rules *ret, const char *const *paths, size_t n, struct diag *d)
{
	int r = ret->placeholders ? read_placeholders(ret, d) : 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = visit(ret, paths[i], 0, d);
	for (size_t i = 0; r == 0 && i < ret->n_paths; i++)
		r = add_file(ret, ret->paths[i], d);
	return r;
}
