/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_send.h"

#include <fcntl.h>
#include <poll.h>

#include <curl/curl.h>
#include <jansson.h>
#include <mbedtls/md.h>

#include "lib/json.h"

enum { TIMEOUT_S = 20, SYSLOG_FACILITY = 13, SYSLOG_WAITS = 40, SYSLOG_WAIT_MS = 250 };

struct output_sender {
	const struct output_settings *settings;
	const atomic_bool *stop;
	CURL *curl;	/* of a connection, kept */
	bool connected; /* syslog */
	char error[CURL_ERROR_SIZE];
};

int output_sender_new(struct output_sender **ret, const struct output_settings *s,
		      const atomic_bool *stop)
{
	AUTO(output_sender) *o = calloc(1, sizeof(*o));

	if (!o || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_origin(-ENOMEM);
	o->settings = s;
	o->stop = stop;
	*ret = TAKE(o);
	return 0;
}

struct output_sender *output_sender_free(struct output_sender *s)
{
	if (!s)
		return NULL;
	curl_easy_cleanup(s->curl);
	free(s);
	return NULL;
}

int output_sign(const char *secret, const void *data, size_t n, char ret[72])
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	uint8_t sum[32];
	size_t at = (size_t)snprintf(ret, 72, "sha256=");

	if (!md || mbedtls_md_hmac(md, (const uint8_t *)secret, strlen(secret), data, n, sum) != 0)
		return err_origin(-EIO);
	for (size_t i = 0; i < sizeof(sum); i++)
		at += (size_t)snprintf(ret + at, 72 - at, "%02x", sum[i]);
	return 0;
}

/* ---- forms ---- */

static const json_t *at_path(const json_t *doc, const char *path, size_t n)
{
	while (doc && n) {
		size_t len = 0;
		char key[64];

		while (len < n && path[len] != '.')
			len++;
		snprintf(key, sizeof(key), "%.*s", (int)len, path);
		doc = json_object_get(doc, key);
		path += len + (len < n);
		n -= len + (len < n);
	}
	return doc;
}

static void add_value(struct buf *out, const json_t *v)
{
	if (json_is_string(v)) { /* as inside of the quotes of a JSON string */
		AUTO_BUF struct buf quoted = { 0 };
		struct json j = json_to(&quoted);

		json_text_n(&j, json_string_value(v), json_string_length(v));
		if (buf_ok(&quoted) && quoted.n >= 2)
			buf_add(out, quoted.data + 1, quoted.n - 2);
	} else if (json_is_integer(v)) {
		buf_printf(out, "%lld", (long long)json_integer_value(v));
	} else if (json_is_boolean(v)) {
		buf_str(out, json_is_true(v) ? "true" : "false");
	}
}

/* {{rule.title}} in the template is that member of the alert. */
static void fill_template(struct buf *out, const char *template, const char *alert)
{
	json_t *doc = json_loads(alert, 0, NULL);

	while (*template) {
		const char *open = strstr(template, "{{"),
			   *close = open ? strstr(open, "}}") : NULL;

		if (!close) {
			buf_str(out, template);
			break;
		}
		buf_add(out, template, (size_t)(open - template));
		add_value(out, at_path(doc, open + 2, (size_t)(close - open) - 2));
		template = close + 2;
	}
	json_decref(doc);
}

static void compose_webhook(const struct output_settings *s, const struct output_alert *alerts,
			    size_t n, struct buf *out)
{
	if (s->template) {
		for (size_t i = 0; i < n; i++)
			fill_template(out, s->template, alerts[i].json);
		return;
	}
	buf_str(out, "{\"alerts\":[");
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i ? "," : "");
		buf_str(out, alerts[i].json);
	}
	buf_str(out, "]}");
}

static const char *text_at(const json_t *doc, const char *path)
{
	const char *s = json_string_value(at_path(doc, path, strlen(path)));

	return s ? s : "";
}

/* POST /api/v2/alerts of Alertmanager: labels say which alert it is, annotations what it says. */
static void compose_alertmanager(const struct output_alert *alerts, size_t n, struct buf *out)
{
	struct json j = json_to(out);

	json_begin_array(&j);
	for (size_t i = 0; i < n; i++) {
		json_t *a = json_loads(alerts[i].json, 0, NULL);
		bool closed = strcmp(text_at(a, "status"), "closed") == 0;

		json_begin_object(&j);
		json_key(&j, "labels");
		json_begin_object(&j);
		json_key_text(&j, "alertname", text_at(a, "rule.id"));
		json_key_text(&j, "severity", text_at(a, "rule.level"));
		json_key_text(&j, "node", text_at(a, "node"));
		json_key_text(&j, "process", text_at(a, "process.name"));
		json_key_text(&j, "object", text_at(a, "object"));
		json_end_object(&j);
		json_key(&j, "annotations");
		json_begin_object(&j);
		json_key_text(&j, "summary", text_at(a, "rule.title"));
		json_key_text(&j, "owner", text_at(a, "owner"));
		json_end_object(&j);
		json_key_text(&j, "startsAt", text_at(a, "first"));
		if (closed)
			json_key_text(&j, "endsAt", text_at(a, "updated"));
		json_end_object(&j);
		json_decref(a);
	}
	json_end_array(&j);
}

/* RFC 5424, 6, with the alert's JSON as the message; each framed by its length (RFC 5425, 4.3). */
static void compose_syslog(const struct output_alert *alerts, size_t n, struct buf *out)
{
	static const struct {
		const char *level;
		unsigned severity;
	} levels[] = { { "critical", 2 }, { "high", 3 }, { "medium", 4 }, { "low", 5 } };

	for (size_t i = 0; i < n; i++) {
		json_t *a = json_loads(alerts[i].json, 0, NULL);
		const char *level = text_at(a, "rule.level"), *node = text_at(a, "node");
		AUTO_BUF struct buf message = { 0 };
		unsigned severity = 6;

		for (size_t k = 0; k < ARRAY_SIZE(levels); k++)
			if (strcmp(levels[k].level, level) == 0)
				severity = levels[k].severity;
		buf_printf(&message, "<%u>1 %s %s rtsec - alert - ", SYSLOG_FACILITY * 8 + severity,
			   text_at(a, "last")[0] ? text_at(a, "last") : "-", node[0] ? node : "-");
		buf_str(&message, alerts[i].json);
		buf_printf(out, "%zu ", message.n);
		buf_add(out, message.data, message.n);
		out->failed |= message.failed;
		json_decref(a);
	}
}

int output_compose(const struct output_settings *s, const struct output_alert *alerts, size_t n,
		   struct buf *out)
{
	switch (s->type) {
	case OUTPUT_WEBHOOK:
		compose_webhook(s, alerts, n, out);
		break;
	case OUTPUT_ALERTMANAGER:
		compose_alertmanager(alerts, n, out);
		break;
	case OUTPUT_SYSLOG:
		compose_syslog(alerts, n, out);
		break;
	default:
		for (size_t i = 0; i < n; i++) {
			buf_str(out, alerts[i].json);
			buf_byte(out, '\n');
		}
	}
	return buf_ok(out) ? 0 : err_origin(-ENOMEM);
}

/* ---- sending ---- */

static int not_taken(struct output_sender *s, struct diag *d, CURLcode code, long status)
{
	char place[OUTPUT_PLACE_BYTES];

	output_place(s->settings, place);
	if (code != CURLE_OK)
		return diag_set(d, -EIO, 0, 0, "%s: %s", place,
				s->error[0] ? s->error : curl_easy_strerror(code));
	return diag_set(d, -EIO, 0, 0, "%s answered %ld", place, status);
}

static size_t ignore_body(char *data, size_t one, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return one * n;
}

static bool is_stopped(const struct output_sender *s)
{
	return s->stop && atomic_load(s->stop);
}

/* libcurl asks once a second and more often; not 0: the transfer ends. */
static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return is_stopped(arg);
}

static bool prepare(struct output_sender *s)
{
	if (!s->curl)
		s->curl = curl_easy_init();
	if (!s->curl)
		return false;
	curl_easy_reset(s->curl);
	s->error[0] = '\0';
	curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "rtsec/" RTSEC_VERSION);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, ignore_body);
	curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(s->curl, CURLOPT_XFERINFODATA, s);
	curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, 0L);
	if (s->settings->ca)
		curl_easy_setopt(s->curl, CURLOPT_CAINFO, s->settings->ca);
	return true;
}

static int post(struct output_sender *s, const struct buf *body, struct diag *d)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char signature[72], header[128];
	long status = 0;
	CURLcode code;

	if (!prepare(s) || !headers)
		return err_origin(-ENOMEM);
	if (s->settings->secret &&
	    output_sign(s->settings->secret, body->data, body->n, signature) == 0) {
		snprintf(header, sizeof(header), "X-Rtsec-Signature: %s", signature);
		headers = curl_slist_append(headers, header);
	}
	curl_easy_setopt(s->curl, CURLOPT_URL, s->settings->url);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE, (long)body->n);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, (const char *)body->data);
	code = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	return code == CURLE_OK && status >= 200 && status < 300 ? 0
								 : not_taken(s, d, code, status);
}

/* libcurl makes the connection, with TLS and its checks, and leaves what is said to us. */
static int connect_syslog(struct output_sender *s, struct diag *d)
{
	char url[512];
	CURLcode code;

	if (!prepare(s))
		return err_origin(-ENOMEM);
	snprintf(url, sizeof(url), "%s%s",
		 strncmp(s->settings->url, "tls", 3) == 0 ? "https" : "http", s->settings->url + 3);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_CONNECT_ONLY, 1L);
	code = curl_easy_perform(s->curl);
	s->connected = code == CURLE_OK;
	return s->connected ? 0 : not_taken(s, d, code, 0);
}

static int send_all(struct output_sender *s, const struct buf *body, struct diag *d)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	size_t sent, at = 0;
	CURLcode code = CURLE_OK;
	unsigned waits = 0;

	curl_easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &fd);
	while (at < body->n) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		code = curl_easy_send(s->curl, body->data + at, body->n - at, &sent);
		if (code == CURLE_OK) {
			at += sent;
			waits = 0;
		} else if (code != CURLE_AGAIN || is_stopped(s) ||
			   (poll(&p, 1, SYSLOG_WAIT_MS) <= 0 && ++waits == SYSLOG_WAITS)) {
			break;
		}
	}
	if (at == body->n)
		return 0;
	s->connected = false;
	curl_easy_cleanup(TAKE(s->curl));
	return not_taken(s, d, code, 0);
}

static int append(const struct output_settings *o, const struct buf *body, struct diag *d)
{
	AUTO_FD int fd = open(o->url, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || write(fd, body->data, body->n) != (ssize_t)body->n)
		return diag_set(d, -EIO, 0, 0, "%s: %s", o->url, strerror(errno));
	return 0;
}

int output_send(struct output_sender *s, const struct output_alert *alerts, size_t n,
		struct diag *d)
{
	AUTO_BUF struct buf body = { 0 };
	int r = output_compose(s->settings, alerts, n, &body);

	if (r < 0)
		return r;
	if (s->settings->type == OUTPUT_NDJSON)
		return append(s->settings, &body, d);
	if (s->settings->type != OUTPUT_SYSLOG)
		return post(s, &body, d);
	if (!s->connected)
		r = connect_syslog(s, d);
	return r < 0 ? r : send_all(s, &body, d);
}
