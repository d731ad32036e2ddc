/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroups.h"

#include <fcntl.h>
#include <mntent.h>

enum { SLOTS = 512, KERNFS_HANDLE = 0xfe /* FILEID_KERNFS */ };

struct entry {
	uint64_t id;
	struct container *container;
};

struct cgroups {
	struct containers *all;
	int mount; /* -1: there is no cgroup v2 */
	bool legacy;
	struct entry slots[SLOTS];
	char path[4096];
};

static void look_for_mounts(struct cgroups *c)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	while (f && (m = getmntent(f))) {
		c->legacy |= strcmp(m->mnt_type, "cgroup") == 0;
		if (c->mount < 0 && strcmp(m->mnt_type, "cgroup2") == 0)
			c->mount = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (f)
		endmntent(f);
}

bool cgroups_legacy(const struct cgroups *c)
{
	return c->legacy;
}

int cgroups_new(struct cgroups **ret, const char *mount, struct containers *all)
{
	struct cgroups *c = calloc(1, sizeof(*c));

	if (!c)
		return err_origin(-ENOMEM);
	c->all = all;
	c->mount = mount ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (!mount)
		look_for_mounts(c);
	*ret = c;
	return 0;
}

struct cgroups *cgroups_free(struct cgroups *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < SLOTS; i++)
		container_unref(c->slots[i].container);
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

struct container *cgroups_find(struct cgroups *c, uint64_t id)
{
	struct entry *e = &c->slots[(id * UINT64_C(0x9e3779b97f4a7c15)) >> 55];
	struct container_ref ref;

	if (c->mount < 0 || id == 0)
		return NULL;
	if (e->id == id)
		return e->container;
	container_unref(e->container);
	*e = (struct entry){ .id = id };
	if (container_parse(c->path, path_of(c, id), &ref))
		e->container = containers_find(c->all, &ref);
	return e->container;
}
