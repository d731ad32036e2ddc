/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cri - a gRPC body of the Container Runtime Interface: refused, or facts within their bounds.
 */
#include <string.h>

#include "sensor/cri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct container_facts f;
	int r = cri_parse(data, n, &f);

	if (r != 0 && r != -EBADMSG)
		abort();
	if (strlen(f.name) >= sizeof(f.name) || strlen(f.image) >= sizeof(f.image) ||
	    strlen(f.pod) >= sizeof(f.pod) || strlen(f.namespace) >= sizeof(f.namespace) ||
	    strlen(f.pod_uid) >= sizeof(f.pod_uid))
		abort();
	return 0;
}
