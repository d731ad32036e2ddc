/* SPDX-License-Identifier: Apache-2.0 */
/* How nodes join and leave: /api/v1/ca, enroll, renew, join-tokens, nodes/{node_id}/revoke. */
#include "collector/api.h"
#include "lib/log.h"
#include "lib/timestamp.h"

#define JOIN_MOST_NS (UINT64_C(7) * 86400 * 1000000000)

static const struct authority *authority_of(const struct request *r)
{
	return request_server(r)->config.authority;
}

static bool can_enrol(struct request *r)
{
	const char *url = request_server(r)->config.events_url;

	if (authority_of(r) && url && strncmp(url, "tls+", 4) == 0)
		return true;
	request_problem_text(r, 409,
			     "the sensors' port of this collector has no TLS: there is "
			     "nothing to enrol for");
	return false;
}

void api_ca(struct request *r)
{
	if (!authority_of(r)) {
		request_problem_text(r, 404, "this collector has no CA");
		return;
	}
	buf_str(request_body(r), authority_ca(authority_of(r)));
	request_answer(r, 200, "text/plain; charset=utf-8");
}

/* ---- certificates ---- */

static void answer_certificate(struct request *r, const char *pem, const struct cert *c)
{
	const char *colon = strrchr(request_server(r)->config.events_url, ':');
	struct json j = json_to(request_body(r));

	json_begin_object(&j);
	json_key_text(&j, "node_id", c->node_id);
	json_key_text(&j, "serial", c->serial);
	json_key_time(&j, "expires", c->until_ns);
	json_key_text(&j, "certificate", pem);
	json_key_text(&j, "port", colon ? colon + 1 : "");
	api_finish(r, &j);
}

/* The parameter as text, "" when it is not given. */
static const char *text_of(const struct request *r, enum param p)
{
	size_t n;

	return params_text(request_params(r), p, &n);
}

/* Signs the parameter request.  Returns false when it is answered already. */
static bool sign(struct request *r, char pem[CERT_PEM_BYTES], struct cert *ret)
{
	struct diag d = { 0 };
	int e = cert_issue_node(authority_issuer(authority_of(r)), text_of(r, PARAM_REQUEST),
				timestamp_now(), AUTHORITY_NODE_DAYS, pem, ret, &d);

	if (e == -EBADMSG)
		api_bad_param(r, PARAM_REQUEST, &d);
	else if (e < 0)
		request_problem_errno(r, e);
	return e == 0;
}

static const char *const join_outcomes[] = {
	[MAINDB_E_UNKNOWN] = "this join token is not known",
	[MAINDB_E_USED] = "this join token was used before",
	[MAINDB_E_EXPIRED] = "this join token has expired",
	[MAINDB_E_OTHER_NODE] = "this join token is for another node",
	[MAINDB_E_ENROLLED] = "this node is enrolled: revoke it first, or make a join token for it "
			      "alone",
	[MAINDB_E_MANY] = "this node has as many certificates as one may have",
};

/* Before anything is signed: a stranger is not to cost more than a look. */
static bool knows_join_token(struct request *r)
{
	int e = maindb_join_check(request_server(r)->config.maindb, text_of(r, PARAM_SECRET),
				  timestamp_now());

	if (e > 0)
		request_refuse_secret(r, REFUSAL_REQUEST_JOIN_TOKEN, join_outcomes[e]);
	else if (e < 0)
		request_problem_errno(r, e);
	return e == 0;
}

void api_enroll(struct request *r)
{
	char pem[CERT_PEM_BYTES];
	struct cert c;
	int e;

	if (!can_enrol(r) || !knows_join_token(r) || !sign(r, pem, &c))
		return;
	request_note(r, c.node_id);
	e = maindb_join_use(request_server(r)->config.maindb, text_of(r, PARAM_SECRET), &c,
			    timestamp_now());
	if (e > 0)
		request_refuse_secret(r, REFUSAL_REQUEST_JOIN_TOKEN, join_outcomes[e]);
	else if (e < 0)
		request_problem_errno(r, e);
	if (e != 0)
		return;
	log_info("enrol.joined", "node=%s serial=%s", c.node_id, c.serial);
	answer_certificate(r, pem, &c);
}

/* Who has the key of a certificate that is good gets one for the same node.  Returns NULL, or what
 * is wrong. */
static const char *may_renew(const struct request *r, struct cert *old)
{
	const char *pem = text_of(r, PARAM_CERTIFICATE), *asked = text_of(r, PARAM_REQUEST);
	char node_id[LIMIT_NODE_ID_BYTES + 1];

	if (cert_check(pem, authority_ca(authority_of(r)), timestamp_now(), old, NULL) < 0 ||
	    old->kind != CERT_NODE)
		return "the certificate is not a good one of this collector";
	if (maindb_certificate_standing(request_server(r)->config.maindb, old->serial) !=
	    STANDING_GOOD)
		return "the certificate is revoked or was not given here";
	if (cert_request_read(asked, node_id, NULL) < 0 || strcmp(node_id, old->node_id) != 0 ||
	    !cert_fits_request(pem, asked))
		return "the request is not signed by the certificate's key, or for another node";
	return NULL;
}

void api_renew(struct request *r)
{
	char pem[CERT_PEM_BYTES];
	struct cert old, c;
	const char *wrong;
	int e;

	if (!can_enrol(r))
		return;
	wrong = may_renew(r, &old);
	if (wrong) {
		request_refuse_secret(r, REFUSAL_REQUEST_CERTIFICATE, wrong);
		return;
	}
	if (!sign(r, pem, &c))
		return;
	request_note(r, c.node_id);
	e = maindb_certificate_add(request_server(r)->config.maindb, &c, timestamp_now());
	if (e != 0) {
		if (e < 0)
			request_problem_errno(r, e);
		else
			request_refuse_secret(r, REFUSAL_REQUEST_CERTIFICATE, join_outcomes[e]);
		return;
	}
	log_info("enrol.renewed", "node=%s serial=%s before=%s", c.node_id, c.serial, old.serial);
	answer_certificate(r, pem, &c);
}

/* ---- for people ---- */

void api_join_tokens(struct request *r)
{
	const char *node = text_of(r, PARAM_NODE_ID);
	char secret[MAINDB_TOKEN_CHARS + 1];
	struct json j = json_to(request_body(r));
	uint64_t expires_ns;
	int e;

	if (!can_enrol(r) || !api_read_ttl(r, "1h", JOIN_MOST_NS, &expires_ns))
		return;
	if (node[0] && !cert_node_id_fits(node)) {
		request_problem_text(r, 400, "node_id: expected letters, digits and . _ - : @");
		return;
	}
	e = maindb_join_add(request_server(r)->config.maindb, node, expires_ns,
			    request_token(r)->name, secret);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	json_begin_object(&j);
	json_key(&j, "token");
	buf_printf(j.out, "\"rtsec-join-1:%s:%s\"", secret, authority_fingerprint(authority_of(r)));
	j.comma = true;
	json_key_text(&j, "node_id", node[0] ? node : NULL);
	json_key_time(&j, "expires", expires_ns);
	api_finish(r, &j);
	explicit_bzero(secret, sizeof(secret));
}

void api_node_revoke(struct request *r)
{
	char node_id[PATH_VALUE_BYTES];
	struct json j = json_to(request_body(r));
	uint32_t n;
	int e;

	if (!request_path_value(r, "node_id", node_id))
		return;
	e = maindb_node_revoke(request_server(r)->config.maindb, node_id, timestamp_now(), &n);
	if (e < 0) {
		request_problem_errno(r, e);
		return;
	}
	if (n == 0) {
		request_problem_text(r, 404, "no node of this id has a certificate that is good");
		return;
	}
	json_begin_object(&j);
	json_key_text(&j, "node_id", node_id);
	json_key_uint(&j, "revoked", n);
	api_finish(r, &j);
}
