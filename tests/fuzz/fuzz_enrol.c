/* SPDX-License-Identifier: Apache-2.0 */
/* What a node is told while it enrols, and what a collector is: HTTP answers, join tokens,
 * certificates and signing requests, scopes of tokens; any bytes. */
#include <assert.h>

#include "collector/scope.h"
#include "lib/cert.h"
#include "lib/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_text(const char *text, size_t n)
{
	static const char *const names[] = { "localhost", "rtsec-collector" };
	char node_id[LIMIT_NODE_ID_BYTES + 1];
	struct scope scope;
	struct diag d = { 0 };
	struct cert c;

	if (cert_read(text, &c, &d) == 0) {
		assert(strlen(c.serial) <= CERT_SERIAL_CHARS);
		assert(c.kind != CERT_NODE || cert_node_id_fits(c.node_id));
	} else {
		assert(d.text[0]);
	}
	if (cert_request_read(text, node_id, &d) == 0)
		assert(cert_node_id_fits(node_id));
	if (cert_check(text, text, timestamp_now(), &c, &d) == 0) /* a CA signs itself */
		assert(cert_has_names(text, names, 0));
	(void)cert_has_names(text, names, ARRAY_SIZE(names));
	(void)cert_fits_request(text, text);
	(void)cert_fits_key(text, text);
	if (scope_parse(&scope, text, &d) == 0)
		for (size_t i = 0; i < scope.n; i++)
			assert(scope.terms[i].value.s >= text &&
			       scope.terms[i].value.s + scope.terms[i].value.n <= text + n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);
	struct diag d = { 0 };
	struct cert c;

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	read_text(text, n);
	(void)!cert_read_der(data, n, &c, &d);
	free(text);
	return 0;
}
