/* SPDX-License-Identifier: Apache-2.0 */
/* The web page's files, and /healthz: what is open to everyone. */
#include "collector/api.h"
#include "web/assets.h"

/* Nothing from anywhere else, no inline script, no frame, no form. */
static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
	"form-action 'none'; frame-ancestors 'none'";

static const struct web_asset *find(const char *path)
{
	size_t n;
	const struct web_asset *assets = web_assets(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(assets[i].path, path) == 0)
			return &assets[i];
	return NULL;
}

/* If-None-Match is *, or a list of tags, some perhaps weak (RFC 9110, 13.1.2). */
static bool is_known(const char *if_none_match, const char *etag)
{
	size_t n = strlen(etag);

	if (!if_none_match)
		return false;
	if (strcmp(if_none_match, "*") == 0)
		return true;
	for (const char *s = if_none_match; (s = strstr(s, etag)); s += n)
		if (s[n] == 0 || s[n] == ',' || s[n] == ' ')
			return true;
	return false;
}

void api_asset(struct request *r)
{
	const struct web_asset *asset = find(request_path(r));

	if (!asset) {
		request_problem_text(r, 404, "there is nothing at this path");
		return;
	}
	request_add_header(r, "ETag", asset->etag);
	request_add_header(r, "Cache-Control", "no-cache"); /* ask, by the tag */
	request_add_header(r, "Content-Security-Policy", policy);
	request_add_header(r, "X-Frame-Options", "DENY");
	request_add_header(r, "Cross-Origin-Opener-Policy", "same-origin");
	request_add_header(r, "Cross-Origin-Resource-Policy", "same-origin");
	request_add_header(r, "Permissions-Policy", "camera=(), geolocation=(), microphone=()");
	if (is_known(request_header(r, "If-None-Match"), asset->etag)) {
		request_answer(r, 304, NULL);
		return;
	}
	request_add_header(r, "Content-Encoding", "gzip");
	request_answer_constant(r, asset->content_type, asset->gzip, asset->n_gzip);
}

void api_health(struct request *r)
{
	buf_str(request_body(r), "ok\n");
	request_add_header(r, "Cache-Control", "no-store");
	request_answer(r, 200, "text/plain; charset=utf-8");
}
