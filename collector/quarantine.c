/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/quarantine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/log.h"

int quarantine_init(struct quarantine *q, const char *dir, struct diag *d)
{
	memset(q, 0, sizeof(*q));
	if (!dir)
		return 0;
	if ((size_t)snprintf(q->dir, sizeof(q->dir), "%s", dir) >= sizeof(q->dir))
		return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0,
				"the folder's path is too long");
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s", dir,
				strerror(errno));
	return 0;
}

void quarantine_keep(struct quarantine *q, const void *frame, size_t n, const char *reason,
		     uint64_t now_ns)
{
	char path[600], quoted[512];
	uint64_t slot = q->n % QUARANTINE_FRAMES;
	AUTO_FD int fd = -1;

	if (q->last_ns && now_ns - q->last_ns < 1000000000u)
		return;
	q->last_ns = now_ns;
	q->n++;
	log_warn("ingest.refused", "bytes=%zu slot=%llu reason=%s", n, (unsigned long long)slot,
		 log_value(reason, strlen(reason), quoted, sizeof(quoted)));
	if (!q->dir[0])
		return;
	snprintf(path, sizeof(path), "%s/refused-%02llu.frame", q->dir, (unsigned long long)slot);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || write(fd, frame, n) != (ssize_t)n)
		log_warn("ingest.quarantine_failed", "error=%s", strerror(errno));
}
