/* SPDX-License-Identifier: Apache-2.0 */
/* What answers a node's request, addresses and join tokens; any bytes. */
#include <assert.h>

#include "sensor/enrol.h"
#include "sensor/https.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);
	struct enrol_token token;
	struct https_url url;
	struct diag d = { 0 };
	const char *body;
	unsigned status;
	size_t n_body;

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	if (https_parse(text, n, &status, &body, &n_body) == 0)
		assert(status <= 999 && body >= text && body + n_body == text + n);
	if (https_url_parse(&url, text, &d) == 0)
		assert(url.host[0] && url.port[0]);
	if (enrol_token_parse(&token, text, &d) == 0)
		assert(strlen(token.secret) == CERT_HASH_CHARS &&
		       strlen(token.fingerprint) == CERT_HASH_CHARS);
	free(text);
	return 0;
}
