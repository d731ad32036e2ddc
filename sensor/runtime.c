/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/runtime.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include <linux/openat2.h>

#include "sensor/cri.h"
#include "lib/monotonic.h"

enum { WAIT_S = 2, MOST_S = 4, MAP_BYTES = 512 };

static const char *or_else(const char *given, const char *usual)
{
	return given ? given : usual;
}

/* ---- HTTP ---- */

int runtime_connect(const char *path)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(a.sun_path))
		return err_origin(-ENAMETOOLONG);
	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_origin(-errno);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return err_origin(r);
}

static time_t seconds(void)
{
	return (time_t)(monotonic_ns() / NS_PER_S);
}

/* Reads until the other side closes, the answer is too long, or it took too long. */
static int read_answer(int fd, char *to, size_t *ret_n)
{
	time_t end = seconds() + MOST_S;
	size_t n = 0;
	ssize_t got;

	while ((got = recv(fd, to + n, RUNTIME_ANSWER_BYTES - n, 0)) > 0) {
		n += (size_t)got;
		if (n == RUNTIME_ANSWER_BYTES)
			return err_origin(-EBADMSG);
		if (seconds() > end)
			return err_origin(-ETIMEDOUT);
	}
	*ret_n = n;
	if (got < 0)
		return err_origin(errno == EAGAIN ? -ETIMEDOUT : -errno);
	return 0;
}

/* HTTP/1.0, so that the answer ends with the connection and comes in one piece. */
static int inspect(const char *socket_path, const char *id, struct container_facts *ret)
{
	AUTO_MEM char *answer = NULL;
	AUTO_FD int fd = runtime_connect(socket_path);
	char request[256];
	const char *body;
	size_t n;
	int r, length;

	if (fd < 0)
		return fd == -ENOENT || fd == -ECONNREFUSED ? RUNTIME_E_NONE : fd;
	answer = malloc(RUNTIME_ANSWER_BYTES);
	if (!answer)
		return err_origin(-ENOMEM);
	length = snprintf(request, sizeof(request),
			  "GET /containers/%s/json HTTP/1.0\r\nHost: rtsec\r\n"
			  "User-Agent: rtsec-sensor\r\n\r\n",
			  id);
	if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
		return err_origin(-EIO);
	r = read_answer(fd, answer, &n);
	if (r == 0)
		r = runtime_parse_http(answer, n, &body, &n);
	return r == 0 ? runtime_parse_inspection(body, n, ret) : r;
}

/* ---- bundles ---- */

static int read_bundle(int dir, const char *path, struct container_facts *ret)
{
	AUTO_MEM char *text = NULL;
	AUTO_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return RUNTIME_E_NONE;
	text = malloc(RUNTIME_ANSWER_BYTES);
	if (!text)
		return err_origin(-ENOMEM);
	while ((got = read(fd, text + n, RUNTIME_ANSWER_BYTES - n)) > 0)
		n += (size_t)got;
	if (got < 0 || n == RUNTIME_ANSWER_BYTES)
		return err_origin(-EBADMSG);
	return runtime_parse_bundle(text, n, ret);
}

/* DIR/NAMESPACE/ID/config.json, of any namespace (k8s.io, default, moby). */
static int look_at_containerd(const struct runtime_config *c, const char *id,
			      struct container_facts *ret)
{
	DIR *d = opendir(
		or_else(c->containerd_dir, "/run/containerd/io.containerd.runtime.v2.task"));
	int r = RUNTIME_E_NONE;
	struct dirent *e;
	char path[400];

	while (d && r == RUNTIME_E_NONE && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/config.json", e->d_name, id);
		r = read_bundle(dirfd(d), path, ret);
	}
	if (d)
		closedir(d);
	return r;
}

static int look_at_crio(const struct runtime_config *c, const char *id, struct container_facts *ret)
{
	AUTO_FD int dir =
		open(or_else(c->storage_dir, "/run/containers/storage/overlay-containers"),
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[160];

	snprintf(path, sizeof(path), "%s/userdata/config.json", id);
	return dir < 0 ? RUNTIME_E_NONE : read_bundle(dir, path, ret);
}

/* A bundle that names nothing is as good as none: the runtime is asked itself. */
static int ask_if_nameless(int r, const char *socket_path, const char *id,
			   struct container_facts *ret)
{
	struct container_facts told;
	int asked;

	if (r < 0 || (r == 0 && ret->name[0]))
		return r;
	asked = cri_ask(socket_path, id, &told);
	if (asked == 0)
		*ret = told;
	return r == 0 ? 0 : asked;
}

static int ask_containerd(const struct runtime_config *c, const char *id,
			  struct container_facts *ret)
{
	return ask_if_nameless(look_at_containerd(c, id, ret),
			       or_else(c->containerd_socket, "/run/containerd/containerd.sock"), id,
			       ret);
}

static int ask_crio(const struct runtime_config *c, const char *id, struct container_facts *ret)
{
	return ask_if_nameless(look_at_crio(c, id, ret),
			       or_else(c->crio_socket, "/run/crio/crio.sock"), id, ret);
}

static int ask_docker(const struct runtime_config *c, const char *id, struct container_facts *ret)
{
	return inspect(or_else(c->docker_socket, "/var/run/docker.sock"), id, ret);
}

static int ask_podman(const struct runtime_config *c, const char *id, struct container_facts *ret)
{
	return inspect(or_else(c->podman_socket, "/run/podman/podman.sock"), id, ret);
}

int runtime_ask(const struct runtime_config *c, const struct container_ref *ref,
		struct container_facts *ret)
{
	static const struct {
		enum container_runtime runtime;
		int (*ask)(const struct runtime_config *c, const char *id,
			   struct container_facts *ret);
	} ways[] = {
		{ RUNTIME_DOCKER, ask_docker },
		{ RUNTIME_CONTAINERD, ask_containerd },
		{ RUNTIME_CRIO, ask_crio },
		{ RUNTIME_PODMAN, ask_podman },
	};
	int r = RUNTIME_E_NONE;

	*ret = (struct container_facts){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(ways) && r != 0; i++) {
		if (ref->runtime != RUNTIME_UNKNOWN && ref->runtime != ways[i].runtime)
			continue;
		r = ways[i].ask(c, ref->id, ret);
		if (r == 0)
			ret->runtime = ways[i].runtime;
	}
	return r;
}

/* ---- names of ids ---- */

static bool same_root(int root)
{
	struct stat here, there;

	return stat("/", &here) < 0 || fstat(root, &there) < 0 ||
	       (here.st_dev == there.st_dev && here.st_ino == there.st_ino);
}

/* Symbolic links in the container stay in the container. */
static int open_inside(int root, const char *path)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
				      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static void read_map(int proc, uint32_t tgid, const char *name, char text[MAP_BYTES])
{
	AUTO_FD int fd = -1;
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "%u/%s", tgid, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, MAP_BYTES - 1);
	text[MAX(n, 0)] = '\0';
}

/* A number of a process may have gone to another one. */
static bool is_member(int proc, uint32_t tgid, const char *id)
{
	struct container_ref ref;
	AUTO_FD int fd = -1;
	char path[48], text[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "%u/cgroup", tgid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	return n > 0 && container_parse(text, (size_t)n, &ref) && strcmp(ref.id, id) == 0;
}

int runtime_users(const struct runtime_config *c, const char *id, uint32_t tgid, struct users **ret)
{
	AUTO_FD int proc = open(or_else(c->proc_root, "/proc"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int root = -1;
	AUTO_FD int passwd = -1;
	AUTO_FD int group = -1;
	char path[48], uid_map[MAP_BYTES], gid_map[MAP_BYTES];

	snprintf(path, sizeof(path), "%u/root", tgid);
	root = openat(proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || same_root(root) || !is_member(proc, tgid, id))
		return RUNTIME_E_NONE;
	passwd = open_inside(root, "etc/passwd");
	group = open_inside(root, "etc/group");
	read_map(proc, tgid, "uid_map", uid_map);
	read_map(proc, tgid, "gid_map", gid_map);
	return users_new_container(ret, passwd, group, uid_map, gid_map);
}
