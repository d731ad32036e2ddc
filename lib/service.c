/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/service.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

void service_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_FD int fd = -1;
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@') /* the abstract namespace */
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

uint64_t service_watchdog_ms(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!us || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(us, NULL, 10) / 2000;
}

/* LeakSanitizer traces the process that it looks into. */
#if defined(__SANITIZE_ADDRESS__)
#define TRACED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRACED 1
#endif
#endif
#ifndef TRACED
#define TRACED 0
#endif

void service_no_core(void)
{
	const struct rlimit none = { 0, 0 };
	AUTO_FD int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

	(void)setrlimit(RLIMIT_CORE, &none);
	if (fd >= 0)
		(void)!write(fd, "0", 1);
}

void service_harden(void)
{
	service_no_core();
	(void)prctl(PR_SET_DUMPABLE, TRACED);
}

bool service_beats(struct service_pulse *p, uint64_t turns, uint64_t now_ms, uint64_t patience_ms)
{
	if (p->since_ms == 0 || p->turns != turns)
		*p = (struct service_pulse){ turns, now_ms };
	return now_ms - p->since_ms <= patience_ms;
}

/* glibc raises both bounds, up to 32 and 64 MiB, with the largest block that was ever freed: from
 * then on blocks of that size lie in the arena of whichever thread asks, and stay there. */
void service_return_memory(void)
{
	enum { MAPPED_BYTES = 1 << 20, SPARE_BYTES = 2 << 20 };

	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, SPARE_BYTES);
}
