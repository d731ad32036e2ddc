/* SPDX-License-Identifier: Apache-2.0 */
/* skew - LD_PRELOAD=libskew.so SKEW_S=N: the program's wall clock is N seconds ahead.  For a sensor
 * in the tests of flows: the kernel has no time namespaces of the wall clock. Thread: any.  Memory:
 * none. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	long r = syscall(SYS_clock_gettime, clock, ts);
	const char *skew = clock == CLOCK_REALTIME ? getenv("SKEW_S") : NULL;

	if (r == 0 && skew)
		ts->tv_sec += strtol(skew, NULL, 10);
	return (int)r;
}
