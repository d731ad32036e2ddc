/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_look - what can be seen without attaching anything. */
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include <linux/capability.h>

#include "sensor/doctor.h"
#include "sensor/tracefs.h"

enum { CONNECT_MS = 3000 };

static void look_kernel(struct doctor *d)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		doctor_say(d, "kernel", DOCTOR_WARN, NULL, "its release is not readable");
	else if (major < 5 || (major == 5 && minor < 8))
		doctor_say(d, "kernel", DOCTOR_FAIL, "boot a kernel of 5.8 or newer",
			   "%s has no ring buffers for eBPF", u.release);
	else
		doctor_say(d, "kernel", DOCTOR_OK, NULL, "%s on %s: new enough (5.8)", u.release,
			   u.machine);
}

static void look_btf(struct doctor *d)
{
	struct stat st;

	if (stat("/sys/kernel/btf/vmlinux", &st) == 0)
		doctor_say(d, "btf", DOCTOR_OK, NULL,
			   "the kernel tells its types (%lld KiB), so programs fit to it",
			   (long long)st.st_size / 1024);
	else
		doctor_say(
			d, "btf", DOCTOR_FAIL,
			"a kernel built with CONFIG_DEBUG_INFO_BTF=y, as those of Debian, Ubuntu "
			"and Fedora are; in a container: mount /sys",
			"/sys/kernel/btf/vmlinux is missing: programs cannot be fitted");
}

static void look_capabilities(struct doctor *d)
{
	static const struct {
		int number;
		const char *name;
	} needed[] = {
		{ CAP_BPF, "CAP_BPF" },
		{ CAP_PERFMON, "CAP_PERFMON" },
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
		{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
	};
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	char missing[120] = "";
	size_t at = 0;

	(void)syscall(SYS_capget, &head, data);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!(data[needed[i].number / 32].effective >> (needed[i].number % 32) & 1))
			at += (size_t)snprintf(missing + at, sizeof(missing) - at, " %s",
					       needed[i].name);
	if (at)
		doctor_say(d, "capabilities", DOCTOR_FAIL, "run it as root", "missing at start:%s",
			   missing);
	else
		doctor_say(d, "capabilities", DOCTOR_OK, NULL,
			   "all that are needed at start; most are given up afterwards");
}

static void look_tracefs(struct doctor *d)
{
	enum tracefs_how how;
	int fd = tracefs_open(&how);

	if (fd < 0) {
		doctor_say(d, "tracefs", DOCTOR_FAIL,
			   "mount -t tracefs tracefs /sys/kernel/tracing, or run it as root",
			   "not reachable (%s): no system call can be watched", strerror(-fd));
		return;
	}
	close(fd);
	doctor_say(d, "tracefs", DOCTOR_OK, NULL, "%s",
		   how == TRACEFS_MOUNTED ? "mounted: system calls can be watched"
					  : "not mounted, but reachable by a mount of our own");
}

bool doctor_compat_off(const char *cmdline)
{
	static const char name[] = "ia32_emulation=";
	const char *at = cmdline;

	while ((at = strstr(at, name))) {
		if (at == cmdline || at[-1] == ' ')
			return strspn(at + sizeof(name) - 1, "0nN") > 0 ||
			       strncmp(at + sizeof(name) - 1, "of", 2) == 0;
		at += sizeof(name) - 1;
	}
	return false;
}

/* Calls by 32-bit numbers reach no tracepoint of a system call. */
static void look_compat(struct doctor *d)
{
	char cmdline[4096] = "";
	AUTO_FD int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	struct utsname u;

	if (fd >= 0 && read(fd, cmdline, sizeof(cmdline) - 1) < 0)
		cmdline[0] = 0;
	if (uname(&u) < 0 || strcmp(u.machine, "x86_64") != 0)
		doctor_say(
			d, "compat", DOCTOR_OK, NULL,
			"system calls of 32-bit programs, where the kernel runs any, are not seen");
	else if (access("/proc/sys/abi/vsyscall32", F_OK) < 0 || doctor_compat_off(cmdline))
		doctor_say(d, "compat", DOCTOR_OK, NULL,
			   "the kernel takes no 32-bit system calls, which would not be seen");
	else
		doctor_say(
			d, "compat", DOCTOR_WARN,
			"boot with ia32_emulation=0 (kernel 6.7) where no 32-bit program is needed",
			"any program can make 32-bit system calls (int 0x80): of those only exec, "
			"fork, end, signals, TCP and what is of tier fentry are seen");
}

static void look_cgroups(struct doctor *d)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	bool v1 = false, v2 = false;
	struct mntent *m;

	while (f && (m = getmntent(f))) {
		v1 |= strcmp(m->mnt_type, "cgroup") == 0;
		v2 |= strcmp(m->mnt_type, "cgroup2") == 0;
	}
	if (f)
		endmntent(f);
	if (!v1 && !v2)
		doctor_say(d, "cgroup", DOCTOR_WARN, "mount -t cgroup2 none /sys/fs/cgroup",
			   "none is mounted: containers are not recognised");
	else
		doctor_say(d, "cgroup", DOCTOR_OK, NULL, "%s",
			   !v1	? "v2: containers are known with every event"
			   : v2 ? "hybrid: containers are known from their execs on"
				: "v1: containers are known from their execs on");
}

static void look_clock(struct doctor *d)
{
	struct timex t = { 0 };

	if (adjtimex(&t) < 0)
		doctor_say(d, "clock", DOCTOR_WARN, NULL, "its state is not readable: %s",
			   strerror(errno));
	else if (t.status & STA_UNSYNC)
		doctor_say(d, "clock", DOCTOR_WARN, "start chrony or systemd-timesyncd",
			   "not synchronised: times may differ from those of other nodes");
	else
		doctor_say(d, "clock", DOCTOR_OK, NULL, "synchronised, within %ld ms",
			   t.maxerror / 1000);
}

/* The folder itself, or the nearest one above that exists. */
static bool existing_folder(const char *path, char *ret, size_t n)
{
	snprintf(ret, n, "%s", path);
	while (ret[0] && access(ret, F_OK) < 0) {
		char *slash = strrchr(ret, '/');

		if (!slash)
			return false;
		slash[slash == ret] = '\0';
		if (slash == ret)
			break;
	}
	return ret[0] != '\0';
}

static void look_disk(struct doctor *d)
{
	const struct options *o = d->options;
	uint64_t free_bytes;
	struct statvfs v;
	char dir[1024];

	if (!existing_folder(o->state_dir, dir, sizeof(dir)) || access(dir, W_OK | X_OK) < 0) {
		doctor_say(d, "disk", DOCTOR_FAIL, "run it as root, or choose another with: state",
			   "the state folder %.80s cannot be written", o->state_dir);
		return;
	}
	if (statvfs(dir, &v) < 0) {
		doctor_say(d, "disk", DOCTOR_WARN, NULL, "free space is not known: %s",
			   strerror(errno));
		return;
	}
	free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	if (free_bytes < o->spool_bytes)
		doctor_say(d, "disk", DOCTOR_WARN, "free some, or lower: spool-bytes",
			   "%" PRIu64 " MiB free for the spool, which may take %" PRIu64
			   ": a long outage of the collector loses events",
			   free_bytes >> 20, o->spool_bytes >> 20);
	else
		doctor_say(d, "disk", DOCTOR_OK, NULL,
			   "%" PRIu64 " MiB free for the spool, which may take %" PRIu64,
			   free_bytes >> 20, o->spool_bytes >> 20);
}

/* ---- collector ---- */

/* Splits tcp://HOST:PORT, tls+tcp://[HOST]:PORT.  Returns false for another form. */
static bool split_url(const char *url, char host[256], char port[8])
{
	const char *begin = strstr(url, "://"), *end;
	size_t n;

	begin = begin ? begin + 3 : url;
	end = strrchr(begin, ':');
	if (!end || strlen(end + 1) == 0 || strlen(end + 1) > 5)
		return false;
	snprintf(port, 8, "%s", end + 1);
	if (*begin == '[' && end[-1] == ']') {
		begin++;
		end--;
	}
	n = (size_t)(end - begin);
	if (n == 0 || n > 255)
		return false;
	memcpy(host, begin, n);
	host[n] = '\0';
	return true;
}

/* Returns 0 or a negative errno. */
static int try_connect(const struct addrinfo *a)
{
	AUTO_FD int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(int);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&p, 1, CONNECT_MS) <= 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		return -errno;
	return -error;
}

static void look_collector(struct doctor *d, const char *url)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char host[256], port[8];
	int r;

	if (!split_url(url, host, port)) {
		doctor_say(d, "collector", DOCTOR_WARN, NULL, "%.100s is not tried", url);
		return;
	}
	r = getaddrinfo(host, port, &hints, &found);
	if (r != 0) {
		doctor_say(d, "collector", DOCTOR_FAIL, "mend the address: collector",
			   "%.80s has no address: %s", host, gai_strerror(r));
		return;
	}
	r = -EHOSTUNREACH;
	for (const struct addrinfo *a = found; a && r < 0; a = a->ai_next)
		r = try_connect(a);
	freeaddrinfo(found);
	if (r < 0)
		doctor_say(d, "collector", DOCTOR_FAIL,
			   "start the collector, open its port, or mend the address: collector",
			   "%.80s does not answer (%s): events wait in memory and on disk", url,
			   strerror(-r));
	else
		doctor_say(d, "collector", DOCTOR_OK, NULL, "%.100s answers", url);
}

static void look_collectors(struct doctor *d)
{
	const struct config_texts *urls = &d->options->collectors;

	if (urls->n == 0)
		doctor_say(d, "collector", DOCTOR_FAIL,
			   "rtsec-sensor enroll, or say where it is: collector",
			   "none is named, and this node is not enrolled: events would wait here");
	for (size_t i = 0; i < urls->n; i++)
		look_collector(d, urls->at[i]);
}

void doctor_look(struct doctor *d)
{
	static void (*const looks[])(struct doctor * d) = {
		look_kernel,  look_btf,	  look_capabilities, look_tracefs,    look_compat,
		look_cgroups, look_clock, look_disk,	     look_collectors,
	};

	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		looks[i](d);
}
