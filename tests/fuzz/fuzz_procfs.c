/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc, any bytes.  The first byte says which. */
#include "sensor/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct container_ref ref;
	char tty[32];
	struct procfs_status status;
	struct procfs_stat stat;
	const char *s;

	if (n == 0)
		return 0;
	s = (const char *)data + 1;
	switch (data[0] % 3) {
	case 0:
		if (procfs_parse_stat(s, n - 1, &stat) == 0) {
			if (stat.n_comm >= sizeof(stat.comm) || stat.comm[stat.n_comm])
				abort();
			(void)procfs_tty_name(stat.tty, tty, sizeof(tty));
		}
		break;
	case 1:
		(void)!procfs_parse_status(s, n - 1, &status);
		break;
	default:
		if (container_parse(s, n - 1, &ref) != (ref.id[0] != 0))
			abort();
		if (strlen(ref.id) > 64 || strlen(ref.pod_uid) > 36)
			abort();
	}
	return 0;
}
