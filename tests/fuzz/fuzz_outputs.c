/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.yaml: what is refused tells where; what is taken is within bounds, has a place that may
 * be shown, and makes messages of an alert. */
#include <assert.h>

#include "collector/output_config.h"
#include "collector/output_send.h"
#include "lib/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void use(const struct output_settings *s)
{
	static char json[] = "{\"id\":1,\"status\":\"open\",\"rule\":{\"id\":\"r\",\"title\":\"t\","
			     "\"level\":\"high\"},\"node\":\"n\",\"last\":\"l\",\"first\":\"f\"}";
	const struct output_alert a = { json };
	AUTO_BUF struct buf out = { 0 };
	char place[OUTPUT_PLACE_BYTES];
	int r;

	assert(s->name && s->url && s->type < OUTPUT_TYPES);
	assert(output_place(s, place) == place);
	r = output_compose(s, &a, 1, &out);
	assert(r == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct output_config c;
	struct diag d = { 0 };
	int r = output_config_read(&c, (const char *)data, n, &d);

	assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	assert(r != -EINVAL || (d.line && d.text[0]));
	for (size_t i = 0; r == 0 && i < c.n; i++)
		use(&c.outputs[i]);
	output_config_done(&c);
	return 0;
}
