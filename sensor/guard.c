/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/guard.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

#include <linux/bpf.h>

static const uint64_t second = 1000000000;

/* ---- opens ---- */

void guard_init(struct guard *g, const char *state_dir, const struct guard_ids *own)
{
	char real[PATH_MAX];

	memset(g, 0, sizeof(*g));
	g->own = own;
	if (state_dir && realpath(state_dir, real) && strlen(real) + 2 <= sizeof(g->state))
		g->n_state = (size_t)snprintf(g->state, sizeof(g->state), "%s/", real);
	g->n_proc = (size_t)snprintf(g->proc, sizeof(g->proc), "/proc/%d/", (int)getpid());
}

static bool begins(const char *path, size_t n, const char *with, size_t n_with)
{
	return n_with && n >= n_with && memcmp(path, with, n_with) == 0;
}

/* Number of bytes of @path up to behind the slash that ends the number at @at; 0: there is none. */
static size_t behind_number(const char *path, size_t n, size_t at)
{
	size_t i = at;

	while (i < n && path[i] >= '0' && path[i] <= '9')
		i++;
	return i > at && i - at <= 10 && i < n && path[i] == '/' ? i + 1 : 0;
}

/* Through these another process reads or takes what the sensor has mapped and open; those of a
 * thread are those of its process. */
static bool is_way_in(const char *rest, size_t n)
{
	static const char *const ways[] = { "mem", "map_files", "fd" };
	static const char task[] = "task/";
	size_t in = begins(rest, n, task, sizeof(task) - 1)
			    ? behind_number(rest, n, sizeof(task) - 1)
			    : 0;

	rest += in;
	n -= in;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t k = strlen(ways[i]);

		if (begins(rest, n, ways[i], k) && (n == k || rest[k] == '/'))
			return true;
	}
	return false;
}

/* @path leads to memory or descriptors of the process that calls: by its number, or by that of one
 * of its threads, which no listing of /proc shows. */
static bool leads_in(const struct guard *g, const char *path, size_t n)
{
	static const char proc[] = "/proc/";
	size_t at = sizeof(proc) - 1,
	       in = begins(path, n, proc, at) ? behind_number(path, n, at) : 0;
	char thread[64];

	if (in == 0 || !is_way_in(path + in, n - in))
		return false;
	if (begins(path, n, g->proc, g->n_proc))
		return true;
	snprintf(thread, sizeof(thread), "/proc/self/task/%.*s", (int)(in - at), path + at);
	return access(thread, F_OK) == 0;
}

static enum guard_what judge(const struct guard *g, const char *path, size_t n)
{
	if (begins(path, n, g->state, g->n_state) ||
	    (g->n_state && n + 1 == g->n_state && memcmp(path, g->state, n) == 0))
		return GUARD_STATE;
	return leads_in(g, path, n) ? GUARD_RING : GUARD_NOTHING;
}

static enum guard_what at_most_once_a_second(struct guard *g, enum guard_what what,
					     uint64_t time_ns)
{
	if (what == GUARD_NOTHING || time_ns < g->next_ns[what])
		return GUARD_NOTHING;
	g->next_ns[what] = time_ns + second;
	return what;
}

enum guard_what guard_minds(struct guard *g, const char *path, size_t n, uint64_t time_ns)
{
	return at_most_once_a_second(g, judge(g, path, n), time_ns);
}

/* ---- descriptors by id ---- */

void guard_ids_add(struct guard_ids *ids, enum rec_bpf_object object, uint32_t id)
{
	if (ids->n[object] < GUARD_IDS)
		ids->at[object][ids->n[object]++] = id;
}

enum guard_what guard_minds_bpf(struct guard *g, enum rec_bpf_object object, uint32_t id,
				uint64_t time_ns)
{
	for (size_t i = 0; g->own && object < REC_BPF_OBJECTS && i < g->own->n[object]; i++)
		if (g->own->at[object][i] == id)
			return at_most_once_a_second(g, GUARD_BPF, time_ns);
	return GUARD_NOTHING;
}

const char *guard_reason(enum guard_what what)
{
	return what == GUARD_STATE ? "state_opened" : "ring_opened"; /* maps, too */
}

/* ---- links ---- */

static bool target_of(int fd, char ret[32])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, ret, 31);
	ret[MAX(n, 0)] = '\0';
	return n > 0;
}

/* What the kernel knows of a link.  Returns 0 or a negative errno: @fd is none, or nobody may ask.
 */
static int ask_link(int fd, struct bpf_link_info *ret)
{
	union bpf_attr attr = { 0 };

	memset(ret, 0, sizeof(*ret));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(*ret);
	attr.info.info = (uintptr_t)ret;
	return syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* A link that the kernel let go of its program says so; a kernel that tells nothing is believed. */
static bool has_program(int fd)
{
	char path[64], text[1024], *at;
	AUTO_FD int info = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? 0 : read(info, text, sizeof(text) - 1);
	text[MAX(n, 0)] = '\0';
	at = strstr(text, "prog_id:");
	return !at || strtoul(at + strlen("prog_id:"), NULL, 10) != 0;
}

/* As /proc shows it, at ten times the price: what holds a program on kernels before 5.15 is no
 * link. */
static bool looks_alive(int fd, const char *was)
{
	char target[32];

	return target_of(fd, target) && strcmp(target, was) == 0 && has_program(fd);
}

static bool is_alive(const struct guard_links *l, size_t i)
{
	struct bpf_link_info info;
	int r = l->ids[i] ? ask_link(l->fds[i], &info) : -EPERM;

	if (r == -EPERM)
		return looks_alive(l->fds[i], l->targets[i]);
	return r == 0 && info.id == l->ids[i] && info.prog_id != 0;
}

bool guard_links_note(struct guard_links *l, int fd)
{
	struct bpf_link_info info;

	if (fd < 0 || l->n == GUARD_LINKS || !target_of(fd, l->targets[l->n]))
		return false;
	l->ids[l->n] = ask_link(fd, &info) == 0 ? info.id : 0;
	l->fds[l->n++] = fd;
	return true;
}

size_t guard_links_dead(const struct guard_links *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += !is_alive(l, i);
	return n;
}
