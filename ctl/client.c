/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/client.h"

#include <poll.h>

#include <curl/curl.h>
#include <jansson.h>

enum { GET_BYTES = 4096 /* longer parameters travel by POST */ };

struct client {
	CURL *curl;
	char *url; /* without a final slash */
	char *authorization;
	char *ca; /* NULL: the system's */
	char error[CURL_ERROR_SIZE];
};

/* One answer on its way in. */
struct answer {
	struct client *c;
	struct buf *body;
	const struct client_stream *stream; /* NULL: the whole goes to body */
	bool opened, stopped, too_big;
};

static int check_url(const char *url, struct diag *d)
{
	const char *host = strstr(url, "://");

	if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
	    strpbrk(host + 3, "?# \t\r\n") || !host[3])
		return diag_set(d, -EINVAL, 0, 0,
				"\"%s\" is not an address such as http://127.0.0.1:8443", url);
	return 0;
}

static int check_token(const char *token, struct diag *d)
{
	size_t n = strlen(token);

	for (size_t i = 0; i < n; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return diag_set(d, -EINVAL, 0, 0,
					"the token holds a character that no token has");
	if (n == 0 || n > 512)
		return diag_set(d, -EINVAL, 0, 0, "the token is %s", n ? "too long" : "empty");
	return 0;
}

/* Proxies of the environment are honoured, but never for this machine itself. */
static void set_proxy(CURL *curl)
{
	const char *given = getenv("no_proxy") ? getenv("no_proxy") : getenv("NO_PROXY");
	char list[1024];

	snprintf(list, sizeof(list), "localhost,127.0.0.1,::1%s%.900s", given ? "," : "",
		 given ? given : "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, list);
}

int client_new(struct client **ret, const char *url, const char *token, struct diag *d)
{
	AUTO(client) *c = NULL;
	size_t n = strlen(url);

	if (check_url(url, d) < 0 || check_token(token, d) < 0)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c || curl_global_init(CURL_GLOBAL_DEFAULT))
		return err_origin(-ENOMEM);
	c->curl = curl_easy_init();
	while (n && url[n - 1] == '/')
		n--;
	c->url = strndup(url, n);
	if (!c->curl || !c->url ||
	    asprintf(&c->authorization, "Authorization: Bearer %s", token) < 0)
		return err_origin(-ENOMEM);
	*ret = TAKE(c);
	return 0;
}

int client_trust(struct client *c, const char *ca)
{
	free(c->ca);
	c->ca = strdup(ca);
	return c->ca ? 0 : err_origin(-ENOMEM);
}

struct client *client_free(struct client *c)
{
	if (!c)
		return NULL;
	curl_easy_cleanup(c->curl);
	free(c->url);
	free(c->authorization);
	free(c->ca);
	free(c);
	return NULL;
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct answer *a = arg;
	long status = 0;

	n *= one;
	curl_easy_getinfo(a->c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (a->stream && status == 200) {
		a->stopped = a->stopped || a->stream->data(data, n, a->stream->arg) != 0;
		return a->stopped ? 0 : n;
	}
	a->too_big = a->body->n + n > CLIENT_ANSWER_BYTES;
	if (a->too_big)
		return 0;
	buf_add(a->body, data, n);
	return buf_ok(a->body) ? n : 0;
}

/* An empty line ends the headers: the stream stands, though nothing may come for long. */
static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
	struct answer *a = arg;
	long status = 0;

	n *= one;
	curl_easy_getinfo(a->c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (a->stream && status == 200 && n <= 2 && (data[0] == '\r' || data[0] == '\n')) {
		a->opened = true;
		if (a->stream->opened)
			a->stream->opened(a->stream->arg);
	}
	return n;
}

static void make_url(struct client *c, const struct client_request *q, bool with_params,
		     struct buf *out)
{
	char separator = '?';

	buf_str(out, c->url);
	buf_str(out, q->path);
	for (size_t i = 0; with_params && i < q->n_params; i++) {
		const struct client_param *p = &q->params[i];
		char *escaped = p->value ? curl_easy_escape(c->curl, p->value, 0) : NULL;

		if (!escaped)
			continue;
		buf_printf(out, "%c%s=%s", separator, p->name, escaped);
		curl_free(escaped);
		separator = '&';
	}
	buf_byte(out, 0);
}

/* The parameters as a JSON object of strings; NULL when memory ran out or one is not UTF-8. */
static char *make_json(const struct client_request *q)
{
	json_t *doc = json_object();
	char *text = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < q->n_params; i++)
		if (q->params[i].value)
			r = json_object_set_new(doc, q->params[i].name,
						json_string(q->params[i].value));
	if (r == 0)
		text = json_dumps(doc, JSON_COMPACT);
	json_decref(doc);
	return text;
}

static bool is_long(const struct client_request *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_params; i++)
		n += q->params[i].value ? strlen(q->params[i].value) : 0;
	return n > GET_BYTES;
}

/* A request as curl takes it. */
struct outgoing {
	struct buf url;
	struct curl_slist *headers;
	char *json;			    /* body of a POST; NULL: another method, or an upload */
	const struct client_upload *upload; /* NULL: none */
	bool delete;
};

static void outgoing_done(struct outgoing *o)
{
	buf_done(&o->url);
	curl_slist_free_all(o->headers);
	free(o->json);
}

/* Returns 0 or -ENOMEM. */
static int add_header(struct outgoing *o, const char *header)
{
	struct curl_slist *longer = curl_slist_append(o->headers, header);

	if (!longer)
		return err_origin(-ENOMEM);
	o->headers = longer;
	return 0;
}

static int compose(struct outgoing *o, struct client *c, const struct client_request *q,
		   const char *accept, struct diag *d)
{
	bool post = !o->upload &&
		    (q->method == CLIENT_POST || (q->method == CLIENT_MAY_POST && is_long(q)));
	char type[96];

	snprintf(type, sizeof(type), "Content-Type: %s",
		 o->upload ? o->upload->type : "application/json");
	if (post)
		o->json = make_json(q);
	o->delete = q->method == CLIENT_DELETE;
	if (post && !o->json)
		return diag_set(d, -EINVAL, 0, 0, "the query is not UTF-8");
	make_url(c, q, !post && !o->upload, &o->url);
	if (!buf_ok(&o->url) || add_header(o, c->authorization) < 0 || add_header(o, accept) < 0 ||
	    ((post || o->upload) && add_header(o, type) < 0))
		return err_origin(-ENOMEM);
	return 0;
}

static int set_up(struct client *c, const struct outgoing *o, struct answer *a)
{
	CURL *curl = c->curl;
	long silence_s = a->stream ? CLIENT_STREAM_SILENCE_S : CLIENT_SILENCE_S;

	curl_easy_reset(curl);
	c->error[0] = 0;
	set_proxy(curl);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, o->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "rtsecctl/" RTSEC_VERSION);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CLIENT_CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, silence_s);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	if (!a->stream) /* compressed events of a live tail would wait for each other */
		curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, a);
	if (c->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca);
	if (o->json)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, o->json);
	if (o->upload) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->upload->n);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, o->upload->data);
	}
	if (o->delete)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
	if (curl_easy_setopt(curl, CURLOPT_URL, (const char *)o->url.data) != CURLE_OK)
		return err_origin(-ENOMEM);
	return 0;
}

/* What to do about it. */
static const char *next_step(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return "; is it running there? systemctl status rtsec-collector";
	case CURLE_COULDNT_RESOLVE_HOST:
		return "; is the name in RTSEC_URL or --url right?";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "; a collector with a certificate of its own CA needs --ca FILE or "
		       "RTSEC_CA, its "
		       "DIR/tls/ca.pem";
	case CURLE_SSL_CONNECT_ERROR:
		return "; does it serve plain http? then the address begins with http://";
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
		return "; does it serve https? then the address begins with https://";
	default:
		return "";
	}
}

/* What curl says, without repeating itself. */
static int fail(const struct client *c, const struct answer *a, CURLcode code, struct diag *d)
{
	if (code == CURLE_OUT_OF_MEMORY || !buf_ok(a->body))
		return err_origin(-ENOMEM);
	if (a->too_big)
		return diag_set(d, -EMSGSIZE, 0, 0,
				"the answer is over %d MiB: ask for less at once",
				CLIENT_ANSWER_BYTES >> 20);
	return diag_set(d, -EIO, 0, 0, "cannot reach the collector at %s: %s%s", c->url,
			c->error[0] ? c->error : curl_easy_strerror(code), next_step(code));
}

/* @o holds an upload, or nothing. */
static int ask(struct client *c, const struct client_request *q, struct outgoing *o,
	       long *ret_status, struct buf *body, struct diag *d)
{
	struct answer a = { .c = c, .body = body };
	CURLcode code;
	int r;

	buf_clear(body);
	r = compose(o, c, q, "Accept: application/json", d);
	if (r == 0)
		r = set_up(c, o, &a);
	if (r < 0)
		return r;
	code = curl_easy_perform(c->curl);
	if (code != CURLE_OK)
		return fail(c, &a, code, d);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, ret_status);
	return 0;
}

int client_ask(struct client *c, const struct client_request *q, long *ret_status, struct buf *body,
	       struct diag *d)
{
	__attribute__((cleanup(outgoing_done))) struct outgoing o = { 0 };

	return ask(c, q, &o, ret_status, body, d);
}

int client_send(struct client *c, const char *path, const struct client_upload *u, long *ret_status,
		struct buf *body, struct diag *d)
{
	__attribute__((cleanup(outgoing_done))) struct outgoing o = { .upload = u };
	const struct client_request q = { path, NULL, 0, CLIENT_GET };

	return ask(c, &q, &o, ret_status, body, d);
}

/* True when nobody reads what is written to @fd any more. */
static bool is_unread(int fd)
{
	struct pollfd p = { .fd = fd };

	return fd >= 0 && poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP | POLLNVAL);
}

/* Drives the transfer until it ends or someone says stop.  Returns true when stopped. */
static bool drive(CURLM *multi, const struct answer *a, CURLcode *ret_code)
{
	const struct client_stream *stream = a->stream;
	int running = 1, left;
	CURLMsg *m;

	while (running && !a->stopped) {
		struct curl_waitfd wait[2] = { { .fd = stream->stop_fd,
						 .events = CURL_WAIT_POLLIN },
					       { .fd = stream->out_fd } };
		unsigned first = stream->stop_fd < 0, end = stream->out_fd < 0 ? 1 : 2;

		if (curl_multi_perform(multi, &running) != CURLM_OK)
			break;
		if (!running)
			break;
		curl_multi_poll(multi, wait + first, end - MIN(first, end), 1000, NULL);
		if (wait[0].revents || is_unread(stream->out_fd))
			return true;
	}
	*ret_code = CURLE_RECV_ERROR;
	while ((m = curl_multi_info_read(multi, &left)))
		if (m->msg == CURLMSG_DONE)
			*ret_code = m->data.result;
	return a->stopped;
}

static int transfer(struct client *c, struct answer *a, long *ret_status, struct diag *d)
{
	CURLM *multi = curl_multi_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	bool stopped = false;

	if (multi && curl_multi_add_handle(multi, c->curl) == CURLM_OK) {
		stopped = drive(multi, a, &code);
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, ret_status);
		curl_multi_remove_handle(multi, c->curl);
	}
	curl_multi_cleanup(multi);
	if (stopped)
		return CLIENT_E_STOPPED;
	if (a->opened && code != CURLE_OUT_OF_MEMORY)
		return diag_set(d, CLIENT_E_ENDED, 0, 0, "%s",
				code == CURLE_OK ? "the collector closed the stream"
				: c->error[0]	 ? c->error
						 : curl_easy_strerror(code));
	return code == CURLE_OK ? 0 : fail(c, a, code, d);
}

int client_follow(struct client *c, const struct client_request *q, const struct client_stream *s,
		  long *ret_status, struct buf *body, struct diag *d)
{
	__attribute__((cleanup(outgoing_done))) struct outgoing o = { 0 };
	AUTO_BUF struct buf id = { 0 };
	struct answer a = { .c = c, .body = body, .stream = s };
	int r;

	buf_clear(body);
	*ret_status = 0;
	r = compose(&o, c, q, "Accept: text/event-stream", d);
	buf_printf(&id, "Last-Event-ID: %s", s->last_event_id);
	buf_byte(&id, 0);
	if (r == 0 && s->last_event_id[0])
		r = buf_ok(&id) ? add_header(&o, (const char *)id.data) : err_origin(-ENOMEM);
	if (r == 0)
		r = set_up(c, &o, &a);
	return r < 0 ? r : transfer(c, &a, ret_status, d);
}
