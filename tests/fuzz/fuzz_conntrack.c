/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the kernel's connection tracking, any bytes. */
#include "sensor/conntrack.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t zero[12];
	struct conntrack_translation t;

	if (!conntrack_read(data, n, &t))
		return 0;
	assert(t.protocol == 6 || t.protocol == 17);
	if (!t.ipv6) {
		assert(memcmp(t.asked.source + 4, zero, sizeof(zero)) == 0);
		assert(memcmp(t.led.dest + 4, zero, sizeof(zero)) == 0);
	}
	assert(memcmp(&t.asked, &t.led, sizeof(t.asked)) != 0);
	return 0;
}
