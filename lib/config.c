/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/config_internal.h"
#include "lib/limits.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 80 };

struct config *config_free(struct config *c)
{
	if (!c)
		return NULL;
	yaml_free(c->yaml);
	arena_done(&c->arena);
	free(c->file);
	free(c->text);
	free(c);
	return NULL;
}

const char *config_file(const struct config *c)
{
	return c->file;
}

/* ---- command line ---- */

static int wrong_word(struct config_reader *r, const char *arg)
{
	const char *near = NULL;
	int n = (int)strcspn(arg, "=");

	if (strncmp(arg, "--", 2) == 0)
		near = config_near(r, arg + 2, (size_t)n - 2);
	if (near)
		return diag_set(r->diag, err_origin(-EINVAL), 0, 0,
				"%.*s is no option: did you mean --%s?", n, arg, near);
	return diag_set(r->diag, err_origin(-EINVAL), 0, 0, "%.*s is no option (--help lists them)",
			n, arg);
}

static int set_argument(struct config_reader *r, const struct config_setting *s, const char *text)
{
	const char *equals = s->type == CONFIG_PAIRS ? strchr(text, '=') : NULL;
	struct config_pair pair;
	char *key;

	if (s->type == CONFIG_PAIRS) {
		if (!equals || equals == text)
			return config_wrong(r, s, text, NULL);
		key = arena_alloc(&r->config->arena, (size_t)(equals - text) + 1);
		if (!key)
			return err_origin(-ENOMEM);
		memcpy(key, text, (size_t)(equals - text));
		key[equals - text] = '\0';
		pair = (struct config_pair){ key, equals + 1 };
		return config_set_pair(r, s, pair, NULL);
	}
	return config_set(r, s, text, NULL);
}

static const struct config_setting *find_letter(const struct config_table *t, char letter)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->settings[i].letter && t->settings[i].letter == letter)
			return &t->settings[i];
	return NULL;
}

/* Takes the next "-n value", "--name", "--name value" or "--name=value".  *@ret_setting is NULL for
 * a word. */
static int next_argument(struct config_reader *r, const struct config_setting **ret_setting,
			 const char **ret_text)
{
	const char *arg = r->argv[r->at++], *equals = strchr(arg, '=');
	size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct config_setting *s = NULL;

	*ret_setting = NULL;
	*ret_text = arg;
	if (arg[0] != '-' && r->table->word)
		return 0;
	if (n > 2 && strncmp(arg, "--", 2) == 0)
		s = config_find(r, arg + 2, n - 2);
	else if (n == 2 && arg[0] == '-')
		s = find_letter(r->table, arg[1]);
	if (!s || s->type == CONFIG_TREE)
		return wrong_word(r, arg);
	*ret_text = equals ? equals + 1 : NULL;
	if (s->type != CONFIG_FLAG && !equals)
		*ret_text = r->at < r->argc ? r->argv[r->at++] : NULL;
	if (s->type != CONFIG_FLAG && !*ret_text)
		return diag_set(r->diag, err_origin(-EINVAL), 0, 0, "--%s needs a value: %s",
				s->name, s->value);
	if (s->type == CONFIG_FLAG && equals)
		return diag_set(r->diag, err_origin(-EINVAL), 0, 0, "--%s takes no value", s->name);
	if (s->type == CONFIG_FLAG)
		*ret_text = "true";
	*ret_setting = s;
	return 0;
}

static bool is_common(const struct config_reader *r, const struct config_setting *s)
{
	return s < r->table->settings || s >= r->table->settings + r->table->n;
}

/* @first: only what says which file to read; all else waits for the file. */
static int take_arguments(struct config_reader *r, bool first)
{
	const struct config_setting *s;
	const char *text;
	int ret = 0;

	r->phase = CONFIG_ARGUMENTS;
	r->at = 1;
	while (ret == 0 && r->at < r->argc) {
		ret = next_argument(r, &s, &text);
		if (ret < 0 || first != (s && is_common(r, s)))
			continue;
		ret = s ? set_argument(r, s, text) : r->table->word(r->settings, text, r->diag);
	}
	return ret;
}

/* ---- file ---- */

static int cannot_read(struct config_reader *r, const char *path)
{
	int e = errno;

	diag_file(r->diag, path);
	return diag_set(r->diag, err_origin(-e), 0, 0, "cannot read this configuration: %s",
			strerror(e));
}

/* Reads at most one byte more than may be, so that longer text is refused by its parser. */
static int read_text(struct config_reader *r, const char *path, size_t *ret_n)
{
	const size_t most = LIMIT_YAML_BYTES + 1;
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	*ret_n = 0;
	if (fd < 0)
		return cannot_read(r, path);
	r->config->text = malloc(most);
	if (!r->config->text)
		return err_origin(-ENOMEM);
	while (n > 0 && *ret_n < most) {
		n = read(fd, r->config->text + *ret_n, most - *ret_n);
		if (n < 0)
			return cannot_read(r, path);
		*ret_n += (size_t)n;
	}
	return 0;
}

static int parse_file(struct config_reader *r, const char *name, const char *text, size_t n)
{
	int ret;

	r->phase = CONFIG_FILE;
	r->config->file = strdup(name);
	if (!r->config->file)
		return err_origin(-ENOMEM);
	ret = yaml_parse(&r->config->yaml, text, n, r->diag);
	if (ret == 0)
		ret = config_take_file(r, name);
	if (ret == -EINVAL)
		diag_file(r->diag, name);
	return ret;
}

static int take_file(struct config_reader *r, const struct config_common *common)
{
	const char *path = common->file ? common->file : r->table->default_file;
	size_t n = 0;
	int ret;

	if (common->help || common->version || !path)
		return 0;
	if (!common->file && access(path, F_OK) < 0)
		return 0;
	ret = read_text(r, path, &n);
	return ret < 0 ? ret : parse_file(r, path, r->config->text, n);
}

/* ---- all ---- */

static int take_defaults(struct config_reader *r)
{
	int ret = 0;

	memset(r->settings, 0, r->table->size);
	r->phase = CONFIG_DEFAULTS;
	for (size_t i = 0; ret == 0 && i < r->table->n; i++)
		if (r->table->settings[i].fallback)
			ret = set_argument(r, &r->table->settings[i],
					   r->table->settings[i].fallback);
	return ret;
}

static int begin(struct config_reader *r)
{
	r->config = calloc(1, sizeof(*r->config));
	if (!r->config)
		return err_origin(-ENOMEM);
	r->config->arena.limit = LIMIT_YAML_BYTES;
	return take_defaults(r);
}

int config_read(struct config **ret, const struct config_table *t, void *settings, int argc,
		char *const *argv, struct diag *d)
{
	struct config_reader r = {
		.table = t,
		.settings = settings,
		.diag = d,
		.argc = argc,
		.argv = argv,
	};
	const struct config_common *common = (const void *)((const char *)settings + t->common);
	int e = begin(&r);

	if (e == 0)
		e = take_arguments(&r, true);
	if (e == 0)
		e = take_file(&r, common);
	if (e == 0)
		e = take_arguments(&r, false);
	if (e == 0)
		*ret = TAKE(r.config);
	config_free(r.config);
	return e;
}

int config_parse(struct config **ret, const struct config_table *t, void *settings,
		 const char *name, const char *text, size_t n, struct diag *d)
{
	struct config_reader r = { .table = t, .settings = settings, .diag = d };
	int e = begin(&r);

	if (e == 0)
		e = parse_file(&r, name, text, n);
	if (e == 0)
		*ret = TAKE(r.config);
	config_free(r.config);
	return e;
}

/* Appends the words of @text behind those at column *at, in lines of HELP_WIDTH. */
static void help_words(const char *text, size_t *at, struct buf *out)
{
	while (*text) {
		size_t n = strcspn(text, " ");

		if (*at + 1 + n > HELP_WIDTH && *at > HELP_COLUMN + 2) {
			buf_printf(out, "\n  %-*s", HELP_COLUMN, "");
			*at = HELP_COLUMN + 2;
		}
		buf_printf(out, " %.*s", (int)n, text);
		*at += 1 + n;
		text += n + strspn(text + n, " ");
	}
}

static void help_line(const struct config_setting *s, struct buf *out)
{
	char left[80], fallback[256] = "";
	size_t at = HELP_COLUMN + 2;

	snprintf(left, sizeof(left), "%s%.1s%s--%s%s%s", s->letter ? "-" : "",
		 s->letter ? (const char[]){ s->letter, 0 } : "", s->letter ? ", " : "", s->name,
		 s->value ? " " : "", s->value ? s->value : "");
	if (strlen(left) > HELP_COLUMN) {
		buf_printf(out, "  %s\n", left);
		left[0] = '\0';
	}
	if (s->fallback)
		snprintf(fallback, sizeof(fallback), "(%s)", s->fallback);
	buf_printf(out, "  %-*s", HELP_COLUMN, left);
	help_words(s->help, &at, out);
	help_words(fallback, &at, out);
	buf_byte(out, '\n');
}

void config_help(const struct config_table *t, struct buf *out)
{
	const struct config_setting *common;
	size_t n = config_common_rows(&common);

	for (size_t i = 0; i < t->n; i++)
		if (t->settings[i].type != CONFIG_TREE)
			help_line(&t->settings[i], out);
	for (size_t i = 0; i < n; i++)
		help_line(&common[i], out);
	for (size_t i = 0; i < t->n; i++)
		if (t->settings[i].type == CONFIG_TREE)
			buf_printf(out, "  %-*s %s\n", HELP_COLUMN, t->settings[i].name,
				   t->settings[i].help);
}
