/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/resolve.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include <linux/openat2.h>

enum { KEEP_NS = 100000000 };

/* Reads a link to a directory.  Returns false when it says no path. */
static bool read_link(const char *link, char *buf, size_t n)
{
	ssize_t got = readlink(link, buf, n);

	if (got <= 0 || (size_t)got >= n || buf[0] != '/')
		return false;
	buf[got] = 0;
	return true;
}

/* Opens @dir below @root, where absolute symbolic links and ".." stay inside. */
static int open_below(const char *root, const char *dir)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				      .resolve = RESOLVE_IN_ROOT };
	AUTO_FD int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return at < 0 ? -1 : (int)syscall(SYS_openat2, at, dir, &how, sizeof(how));
}

/* No look-up below a root follows the links of /proc; these lead to directories of the process, and
 * would lead to ours.  Fills @buf with what @asked means; false: it begins with no such link. */
static bool ask_as_process(const struct resolve *r, char buf[RESOLVE_PATH_BYTES])
{
	static const char *const links[] = { "self/cwd", "self/root", "thread-self/cwd",
					     "thread-self/root" };
	char begin[32], link[32];
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		n = (size_t)snprintf(begin, sizeof(begin), "/proc/%s/", links[i]);
		if (strncmp(r->asked, begin, n) != 0)
			continue;
		snprintf(link, sizeof(link), "/proc/%u%s", r->tgid, strrchr(links[i], '/'));
		if (!read_link(link, buf, RESOLVE_PATH_BYTES / 2))
			return false;
		n = n - 1; /* the slash stays */
		snprintf(buf + strlen(buf), RESOLVE_PATH_BYTES - strlen(buf), "%s", r->asked + n);
		return true;
	}
	return false;
}

/* Path of an open directory, as the kernel tells it.  Returns false when it has none. */
static bool path_of(int fd, char *buf, size_t n)
{
	char link[32], own[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!read_link(link, buf, n))
		return false;
	/* a link led to /proc/self, which is ours here */
	snprintf(own, sizeof(own), "/proc/%d", getpid());
	return strncmp(buf, own, strlen(own)) != 0 || (buf[strlen(own)] && buf[strlen(own)] != '/');
}

static void look_up(struct resolve *r, bool contained)
{
	char root[32], buf[RESOLVE_PATH_BYTES];
	const char *asked = r->asked;
	int fd;

	if (ask_as_process(r, buf)) {
		asked = buf;
		r->at_ns = 0; /* the next one may mean another */
	}
	snprintf(root, sizeof(root), "/proc/%u/root", r->tgid);
	fd = open_below(root, asked);
	if (fd < 0 && !contained)
		fd = open_below("/", asked);
	if (fd < 0 || !path_of(fd, r->found, sizeof(r->found)))
		r->found[0] = 0;
	if (fd >= 0)
		close(fd);
}

/* Fills r->asked with the directory part.  Returns where the last component begins in @name; 0:
 * there is no directory part to look up. */
static size_t split(struct resolve *r, const struct record_path *dir,
		    const struct record_text *name)
{
	size_t leaf = name->n, at = 0;

	while (leaf > 0 && name->s[leaf - 1] == '/')
		leaf--;
	while (leaf > 0 && name->s[leaf - 1] != '/')
		leaf--;
	if (leaf == 0)
		return 0;
	if (name->s[0] != '/') {
		at = record_path_text(dir, r->asked, sizeof(r->asked) - 1);
		r->asked[at++] = '/';
	}
	if (leaf >= sizeof(r->asked) - at)
		return 0;
	memcpy(r->asked + at, name->s, leaf);
	r->asked[at + leaf] = 0;
	return leaf;
}

static bool is_dots(const char *s, size_t n)
{
	return n == 0 || (n <= 2 && memcmp(s, "..", n) == 0);
}

size_t resolve_name(struct resolve *r, const struct rec_head *head, bool contained,
		    const struct record_path *dir, const struct record_text *name, char *buf,
		    size_t n)
{
	char before[sizeof(r->asked)];
	size_t leaf, n_leaf;
	int length;

	memcpy(before, r->asked, strlen(r->asked) + 1);
	leaf = split(r, dir, name);
	n_leaf = strcspn(name->s + leaf, "/");
	if (leaf == 0 || is_dots(name->s + leaf, n_leaf)) {
		memcpy(r->asked, before, strlen(before) + 1);
		return record_asked_text(dir, name, buf, n);
	}
	if (strcmp(before, r->asked) != 0 || r->tgid != head->tgid ||
	    r->start_ns != head->start_ns || head->time_ns - r->at_ns > KEEP_NS) {
		r->tgid = head->tgid;
		r->start_ns = head->start_ns;
		r->at_ns = head->time_ns;
		look_up(r, contained);
	}
	if (!r->found[0])
		return record_asked_text(dir, name, buf, n);
	length = snprintf(buf, n, "%s/%.*s", r->found[1] ? r->found : "", (int)n_leaf,
			  name->s + leaf);
	return MIN((size_t)length, n - 1);
}
