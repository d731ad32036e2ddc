/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/reload.h"

#include "collector/http.h"
#include "lib/file.h"

int http_files_read(struct http_files *ret, const struct options *o, struct diag *d)
{
	int r = file_read(o->http_cert, ret->cert, sizeof(ret->cert), NULL, d);

	return r < 0 ? r : file_read(o->http_key, ret->key, sizeof(ret->key), NULL, d);
}

static bool is_live(const char *name)
{
	static const char *const names[] = { "log-level",      "keep-days",	"keep-bytes",
					     "min-free-bytes", "http-cert",	"http-key",
					     "silent-after",   "lagging-after", "skewed-after",
					     "calm-after" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* A word more of a list with commas. */
struct words {
	char text[256];
};

static void add(struct words *w, const char *word)
{
	size_t n = strlen(w->text);

	snprintf(w->text + n, sizeof(w->text) - n, "%s%s", n ? "," : "", word);
}

static void note_fixed(const char *name, void *arg)
{
	if (!is_live(name))
		add(arg, name);
}

static void not_reloaded(const char *what, const struct diag *d)
{
	char text[900], quoted[1200];

	diag_format(d, text, sizeof(text));
	log_error("collector.not_reloaded", "what=%s reason=%s", what,
		  log_value(text, strlen(text), quoted, sizeof(quoted)));
}

static void set_certificate(const struct reload *r, const struct options *o, struct words *done)
{
	struct http_files *files;
	struct diag d = { 0 };

	if (!r->started->http_cert || !o->http_cert || !o->http_key) /* others are a restart */
		return;
	files = calloc(1, sizeof(*files));
	if (!files)
		return;
	if (http_files_read(files, o, &d) == 0 &&
	    http_set_certificate(r->http, files->cert, files->key, &d) == 0)
		add(done, "http-cert");
	else
		not_reloaded("http-cert", &d);
	explicit_bzero(files, sizeof(*files));
	free(files);
}

/* A file that is wrong is found before the outputs of now are stopped. */
static void set_outputs(const struct reload *r, struct words *done)
{
	struct diag d = { 0 };
	int e = outputs_check(r->started->dir, &d);

	if (e == 0) {
		http_set_outputs(r->http, NULL);
		*r->outputs = outputs_stop(*r->outputs);
		e = outputs_start(r->outputs, r->book, r->started->dir, &d);
		http_set_outputs(r->http, *r->outputs);
	}
	if (e == 0)
		add(done, "outputs.yaml");
	else
		not_reloaded("outputs.yaml", &d);
}

static void set_limits(const struct reload *r, const struct options *o)
{
	const struct retention_limits keep = { o->keep_days, o->keep_bytes };
	const struct watch_limits watch = options_watch(o);

	log_set_level(o->log_level);
	ingest_set_limits(r->ingest, &keep, o->min_free_bytes);
	ingest_set_watch(r->ingest, &watch);
	http_set_keep(r->http, &keep);
}

void reload(const struct reload *r)
{
	struct words done = { "log-level,keep-days,keep-bytes,min-free-bytes,silent-after,"
			      "lagging-after,skewed-after,calm-after" },
		     later = { "" };
	struct diag d = { 0 };
	struct options o;

	if (options_parse(&o, r->argc, r->argv, &d) < 0) {
		not_reloaded("settings", &d);
		return;
	}
	set_limits(r, &o);
	set_certificate(r, &o, &done);
	set_outputs(r, &done);
	options_compare(r->started, &o, note_fixed, &later);
	log_info("collector.reloaded", "applied=%s needs_restart=%s", done.text,
		 later.text[0] ? later.text : "-");
	options_done(&o);
}
