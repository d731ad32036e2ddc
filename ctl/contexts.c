/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/contexts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

/* Folder and file, without the last part when @file is NULL.  Returns false when the user has no
 * home. */
static bool path_of(const struct cli_io *io, const char *file, char path[PATH_BYTES])
{
	const char *config = io->env("XDG_CONFIG_HOME"), *home = io->env("HOME");
	int n;

	if (config && *config == '/')
		n = snprintf(path, PATH_BYTES, "%s/rtsec%s%s", config, file ? "/" : "",
			     file ? file : "");
	else if (home && *home == '/')
		n = snprintf(path, PATH_BYTES, "%s/.config/rtsec%s%s", home, file ? "/" : "",
			     file ? file : "");
	else
		return false;
	return n < PATH_BYTES;
}

static int read_file(FILE *f, const char *path, json_t **ret, struct diag *d)
{
	json_error_t e;
	struct stat st;

	if (fstat(fileno(f), &st) < 0)
		return err_origin(-errno);
	if (st.st_mode & 077)
		return diag_set(d, err_origin(-EACCES), 0, 0,
				"%s holds tokens, and others may read it: chmod 600 it", path);
	*ret = json_loadf(f, JSON_REJECT_DUPLICATES, &e);
	if (json_is_object(*ret))
		return 0;
	json_decref(*ret);
	return diag_set(d, err_origin(-EINVAL), 0, 0, "%s is no file of contexts: %s", path,
			e.text[0] ? e.text : "an object is expected");
}

int contexts_load(const struct cli_io *io, json_t **ret, struct diag *d)
{
	char path[PATH_BYTES];
	FILE *f = path_of(io, "contexts.json", path) ? fopen(path, "re") : NULL;
	int r;

	if (!f) {
		*ret = json_object();
		return *ret ? 0 : err_origin(-ENOMEM);
	}
	r = read_file(f, path, ret, d);
	fclose(f);
	return r;
}

/* Makes the folder and the one above it. */
static int make_folder(const struct cli_io *io)
{
	char path[PATH_BYTES], *slash;

	path_of(io, NULL, path);
	slash = strrchr(path, '/');
	*slash = '\0';
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_origin(-errno);
	*slash = '/';
	return mkdir(path, 0700) < 0 && errno != EEXIST ? err_origin(-errno) : 0;
}

static int write_file(const char *path, const json_t *doc)
{
	AUTO_MEM char *text = json_dumps(doc, JSON_INDENT(2) | JSON_SORT_KEYS);
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t n = text ? strlen(text) : 0;

	if (!text)
		return err_origin(-ENOMEM);
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return err_origin(-errno);
	if (write(fd, text, n) != (ssize_t)n || write(fd, "\n", 1) != 1 || fsync(fd) < 0)
		return err_origin(errno ? -errno : -EIO);
	return 0;
}

int contexts_save(const struct cli_io *io, const json_t *doc, struct diag *d)
{
	char path[PATH_BYTES], next[PATH_BYTES];
	int r;

	if (!path_of(io, "contexts.json", path) || !path_of(io, "contexts.json.new", next))
		return diag_set(d, err_origin(-ENOENT), 0, 0,
				"HOME is not set: no place for contexts");
	r = make_folder(io);
	if (r == 0)
		r = write_file(next, doc);
	if (r == 0 && rename(next, path) < 0)
		r = err_origin(-errno);
	if (r < 0)
		diag_set(d, r, 0, 0, "cannot write %s: %s", path, strerror(-r));
	return r;
}

int contexts_find(const struct cli_io *io, const char *name, struct context *ret, struct diag *d)
{
	const char *url, *token, *ca;
	json_t *doc = NULL;
	const json_t *c;
	int r = contexts_load(io, &doc, d);

	if (r < 0)
		return r;
	if (!name)
		name = json_string_value(json_object_get(doc, "current"));
	c = name ? json_object_get(json_object_get(doc, "contexts"), name) : NULL;
	url = json_string_value(json_object_get(c, "url"));
	token = json_string_value(json_object_get(c, "token"));
	ca = json_string_value(json_object_get(c, "ca"));
	if (url && token) {
		snprintf(ret->url, sizeof(ret->url), "%s", url);
		snprintf(ret->token, sizeof(ret->token), "%s", token);
		snprintf(ret->ca, sizeof(ret->ca), "%s", ca ? ca : "");
	} else {
		r = diag_set(d, CONTEXTS_E_NONE, 0, 0,
			     "there is no context %s: see rtsecctl context list",
			     name ? name : "yet");
	}
	json_decref(doc);
	return r;
}
