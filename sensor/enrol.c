/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/enrol.h"

#include "lib/json.h"
#include "lib/timestamp.h"
#include "lib/yaml.h"
#include "sensor/https.h"

/* ---- tokens ---- */

static bool is_hex(const char *s, size_t n)
{
	return strspn(s, "0123456789abcdef") >= n;
}

int enrol_token_parse(struct enrol_token *ret, const char *text, struct diag *d)
{
	static const char prefix[] = "rtsec-join-1:";
	const char *secret = text + sizeof(prefix) - 1, *fingerprint = secret + CERT_HASH_CHARS + 1;

	if (strncmp(text, prefix, sizeof(prefix) - 1) != 0 ||
	    strlen(secret) != 2 * CERT_HASH_CHARS + 1 || !is_hex(secret, CERT_HASH_CHARS) ||
	    fingerprint[-1] != ':' || !is_hex(fingerprint, CERT_HASH_CHARS))
		return diag_set(
			d, err_origin(-EINVAL), 0, 0,
			"not a join token: expected what `rtsecctl node token create` prints, "
			"rtsec-join-1:...");
	snprintf(ret->secret, sizeof(ret->secret), "%.64s", secret);
	snprintf(ret->fingerprint, sizeof(ret->fingerprint), "%s", fingerprint);
	return 0;
}

/* ---- answers ---- */

/* JSON is YAML.  NULL: it has no such string, or it does not fit. */
static const char *string_of(const struct yaml *y, const char *key, size_t room)
{
	const struct yaml_node *n = yaml_get(yaml_first(y), key);

	return n && n->type == YAML_STRING && n->n > 0 && n->n < room ? n->text : NULL;
}

/* What the collector has against it. */
static int refused(unsigned status, const struct buf *body, struct diag *d)
{
	AUTO(yaml) *y = NULL;
	const char *detail = NULL;

	if (yaml_parse(&y, (const char *)body->data, strlen((const char *)body->data), NULL) == 0)
		detail = string_of(y, "detail", 400);
	return diag_set(d, err_origin(-EACCES), 0, 0, "the collector says: %s (status %u)",
			detail ? detail : "no", status);
}

static int ask(const struct https_request *q, struct buf *body, struct diag *d)
{
	unsigned status = 0;
	int r = https_ask(q, &status, body, d);

	return r == 0 && status != 200 ? refused(status, body, d) : r;
}

/* ---- the CA ---- */

static int fetch_ca(const char *url, const char *fingerprint, char ret[CERT_PEM_BYTES],
		    struct diag *d)
{
	const struct https_request q = { .url = url, .path = "/api/v1/ca" };
	AUTO_BUF struct buf body = { 0 };
	struct cert ca;
	int r = ask(&q, &body, d);

	if (r < 0)
		return r;
	if (body.n > CERT_PEM_BYTES)
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "%s: no CA certificate", url);
	snprintf(ret, CERT_PEM_BYTES, "%s", (const char *)body.data);
	r = cert_read(ret, &ca, d);
	if (r < 0)
		return r;
	if (ca.kind != CERT_CA || strcmp(ca.fingerprint, fingerprint) != 0)
		return diag_set(d, err_origin(-EACCES), 0, 0,
				"%s is not the collector that the token is for: its CA has another "
				"fingerprint",
				url);
	return 0;
}

/* ---- certificates ---- */

/* tls+tcp:// to the host of the API and the port that it told. */
static int keep_address(struct identity *i, const char *port, struct diag *d)
{
	struct https_url u;
	int r = https_url_parse(&u, i->api, d);

	if (r < 0)
		return r;
	if (strspn(port, "0123456789") != strlen(port))
		return diag_set(d, err_origin(-EBADMSG), 0, 0, "the collector tells no port");
	snprintf(i->events, sizeof(i->events),
		 strchr(u.host, ':') ? "tls+tcp://[%s]:%s" : "tls+tcp://%s:%s", u.host, port);
	return 0;
}

/* Takes the certificate of an answer for the key @key.  @request is what was signed. */
static int take(struct identity *i, const char *key, const char *request, const struct buf *body,
		struct diag *d)
{
	AUTO(yaml) *y = NULL;
	const char *pem, *port;
	int r = yaml_parse(&y, (const char *)body->data, strlen((const char *)body->data), d);

	if (r < 0)
		return r;
	pem = string_of(y, "certificate", CERT_PEM_BYTES);
	port = string_of(y, "port", 6);
	if (!pem || !port)
		return diag_set(d, err_origin(-EBADMSG), 0, 0,
				"the collector's answer holds no certificate");
	r = cert_check(pem, i->ca, timestamp_now(), &i->cert, d);
	if (r == 0 && !cert_fits_request(pem, request))
		r = diag_set(d, err_origin(-EBADMSG), 0, 0,
			     "the collector's certificate is for another key");
	if (r < 0)
		return r;
	snprintf(i->pem, sizeof(i->pem), "%s%s", key, pem);
	return keep_address(i, port, d);
}

/* Asks at @path with a JSON object of @name: @value and the request. */
static int ask_signed(const struct identity *i, const char *path, const char *const pair[2],
		      const char *request, struct buf *answer, struct diag *d)
{
	AUTO_BUF struct buf body = { 0 };
	struct json j = json_to(&body);
	struct https_request q = { .url = i->api, .path = path, .ca = i->ca };
	int r;

	json_begin_object(&j);
	json_key_text(&j, pair[0], pair[1]);
	json_key_text(&j, "request", request);
	json_end_object(&j);
	buf_byte(&body, 0);
	if (!buf_ok(&body))
		return err_origin(-ENOMEM);
	q.body = (const char *)body.data;
	r = ask(&q, answer, d);
	explicit_bzero(body.data, body.n);
	return r;
}

static int join(struct identity *i, const struct enrol_token *token, const char *node_id,
		struct diag *d)
{
	const char *const pair[2] = { "secret", token->secret };
	char key[CERT_PEM_BYTES], request[CERT_PEM_BYTES];
	AUTO_BUF struct buf answer = { 0 };
	int r = cert_key_new(key);

	if (r == 0)
		r = cert_request_new(key, node_id, request, d);
	if (r == 0)
		r = fetch_ca(i->api, token->fingerprint, i->ca, d);
	if (r == 0)
		r = ask_signed(i, "/api/v1/enroll", pair, request, &answer, d);
	if (r == 0)
		r = take(i, key, request, &answer, d);
	explicit_bzero(key, sizeof(key));
	return r;
}

int enrol_join(const char *url, const struct enrol_token *token, const char *node_id,
	       const char *state_dir, struct diag *d)
{
	struct identity i = { 0 };
	int r = 0;

	if ((size_t)snprintf(i.api, sizeof(i.api), "%s", url) >= sizeof(i.api))
		r = diag_set(d, err_origin(-EINVAL), 0, 0, "the collector's address is too long");
	if (r == 0)
		r = join(&i, token, node_id, d);
	if (r == 0)
		r = identity_save(&i, state_dir, d);
	identity_done(&i);
	return r;
}

/* ---- renewal ---- */

bool enrol_is_due(const struct cert *c, uint64_t now_ns)
{
	return c->until_ns <= now_ns || c->until_ns - now_ns <= (c->until_ns - c->from_ns) / 3;
}

static int renew(struct identity *i, struct diag *d)
{
	char key[2 * CERT_PEM_BYTES], request[CERT_PEM_BYTES];
	const char *certificate = strstr(i->pem, "-----BEGIN CERTIFICATE-----");
	const char *const pair[2] = { "certificate", certificate };
	AUTO_BUF struct buf answer = { 0 };
	int r;

	if (!certificate)
		return err_origin(-EBADMSG);
	snprintf(key, sizeof(key), "%.*s", (int)(certificate - i->pem), i->pem);
	r = cert_request_new(key, i->cert.node_id, request, d);
	if (r == 0)
		r = ask_signed(i, "/api/v1/renew", pair, request, &answer, d);
	if (r == 0)
		r = take(i, key, request, &answer, d);
	explicit_bzero(key, sizeof(key));
	return r;
}

int enrol_renew(const char *state_dir, uint64_t now_ns, struct diag *d)
{
	struct identity i;
	int r = identity_load(&i, state_dir, d);

	if (r < 0)
		return r;
	r = enrol_is_due(&i.cert, now_ns) ? renew(&i, d) : ENROL_E_NOT_DUE;
	if (r == 0)
		r = identity_save(&i, state_dir, d);
	identity_done(&i);
	return r;
}
