/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of name servers, any bytes. */
#include "sensor/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dns_answer a;

	if (dns_read(&a, data, n) != 0)
		return 0;
	if (a.n_name == 0 || a.n_name >= sizeof(a.name) || strlen(a.name) != a.n_name ||
	    a.n_addresses > DNS_ADDRESSES_MAX)
		abort();
	for (size_t i = 0; i < a.n_name; i++)
		if (a.name[i] <= ' ' || a.name[i] > '~')
			abort();
	return 0;
}
