/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroups.h"

#include <fcntl.h>
#include <mntent.h>

#include "sensor/procfs.h"

enum { SLOTS = 512, KERNFS_HANDLE = 0xfe /* FILEID_KERNFS */ };

struct entry {
	uint64_t id;
	struct proc_container *container;
};

struct cgroups {
	int mount; /* -1: there is no cgroup v2 */
	struct entry slots[SLOTS];
	char path[4096];
};

static int open_mount(const char *mount)
{
	struct mntent *m;
	int fd = -1;
	FILE *f;

	if (mount)
		return open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f = setmntent("/proc/self/mounts", "re");
	while (f && fd < 0 && (m = getmntent(f)))
		if (strcmp(m->mnt_type, "cgroup2") == 0)
			fd = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f)
		endmntent(f);
	return fd;
}

int cgroups_new(struct cgroups **ret, const char *mount)
{
	struct cgroups *c = calloc(1, sizeof(*c));

	if (!c)
		return err_origin(-ENOMEM);
	c->mount = open_mount(mount);
	*ret = c;
	return 0;
}

struct cgroups *cgroups_free(struct cgroups *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < SLOTS; i++)
		proc_container_unref(c->slots[i].container);
	if (c->mount >= 0)
		close(c->mount);
	free(c);
	return NULL;
}

/* Path of a cgroup, within the mount's view.  Returns its length; 0: not known. */
static size_t path_of(struct cgroups *c, uint64_t id)
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + sizeof(uint64_t)];
	} h = { .handle = { .handle_bytes = sizeof(uint64_t), .handle_type = KERNFS_HANDLE } };
	AUTO_FD int fd = -1;
	char link[64];
	ssize_t n;

	memcpy(h.bytes + offsetof(struct file_handle, f_handle), &id, sizeof(id));
	fd = open_by_handle_at(c->mount, &h.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, c->path, sizeof(c->path));
	return n > 0 ? (size_t)n : 0;
}

struct proc_container *cgroups_find(struct cgroups *c, uint64_t id)
{
	struct entry *e = &c->slots[(id * UINT64_C(0x9e3779b97f4a7c15)) >> 55];
	char container[PROCFS_CONTAINER_BYTES];

	if (c->mount < 0 || id == 0)
		return NULL;
	if (e->id == id)
		return e->container;
	proc_container_unref(e->container);
	*e = (struct entry){ .id = id };
	if (procfs_parse_container(c->path, path_of(c, id), container))
		e->container = proc_container_new(container);
	return e->container;
}
