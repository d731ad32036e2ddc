/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that a new collector begins with. */
#include <dirent.h>

#include "collector/rulebook_internal.h"
#include "lib/file.h"
#include "lib/limits.h"

static int is_yaml(const struct dirent *e)
{
	const char *dot = e->d_name[0] == '.' ? NULL : strrchr(e->d_name, '.');

	return dot && (strcmp(dot, ".yml") == 0 || strcmp(dot, ".yaml") == 0);
}

/* Of the first that is wrong. */
static int take_problem(const struct rulebook_result *r, void *arg)
{
	struct diag *d = arg;

	if (r->problem && !d->text[0])
		*d = *r->problem;
	return 0;
}

static int apply_file(struct rulebook *b, const char *path, char *text, struct diag *d)
{
	struct rulebook_change c = { .text = text, .author = "rtsec", .note = path };
	int r = file_read(path, text, LIMIT_YAML_BYTES + 1, &c.n, d);

	if (r == 0)
		r = rulebook_apply(b, &c, take_problem, d);
	if (r == RULEBOOK_E_WRONG) {
		diag_file(d, path);
		r = -EINVAL;
	}
	return r;
}

static int apply_folder(struct rulebook *b, const char *dir, struct diag *d)
{
	AUTO_MEM char *text = malloc(LIMIT_YAML_BYTES + 1);
	struct dirent **names = NULL;
	int r = text ? 0 : err_origin(-ENOMEM), n = scandir(dir, &names, is_yaml, alphasort);

	if (n < 0 && errno != ENOENT)
		r = diag_set(d, -errno, 0, 0, "cannot read %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		char path[1024];

		if (r == 0 && (size_t)snprintf(path, sizeof(path), "%s/%s", dir,
					       names[i]->d_name) >= sizeof(path))
			r = diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				     "the path of the rules is too long");
		if (r == 0)
			r = apply_file(b, path, text, d);
		free(names[i]);
	}
	free(names);
	return r;
}

int rulebook_begin(struct rulebook *b, const char *dir, size_t *ret_n, struct diag *d)
{
	sqlite3_stmt *s = b->stmts[RB_EVER];
	bool ever;
	int r;

	*ret_n = 0;
	pthread_mutex_lock(&b->mutex);
	r = sql_step(s);
	ever = r == SQL_E_ROW && sql_u64(s, 0) > 0;
	sqlite3_reset(s);
	pthread_mutex_unlock(&b->mutex);
	if (r < 0 || ever)
		return MIN(r, 0);
	r = apply_folder(b, dir, d);
	*ret_n = b->n;
	return r;
}
