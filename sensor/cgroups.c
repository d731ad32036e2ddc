/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroups.h"

#include <fcntl.h>
#include <mntent.h>

enum { SLOTS = 512, KERNFS_HANDLE = 0xfe /* FILEID_KERNFS */ };

struct entry {
	uint64_t id; /* inverted: in v1 */
	struct container *container;
};

struct cgroups {
	struct containers *all;
	int mount;    /* -1: there is no cgroup v2 */
	int mount_v1; /* of the cpu controller; -1: it is in v2 */
	struct entry slots[SLOTS];
	void (*seen)(void *arg, uint64_t id, const char *container);
	void *arg;
	char path[4096];
};

static void look_for_mounts(struct cgroups *c)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	while (f && (m = getmntent(f))) {
		if (c->mount_v1 < 0 && strcmp(m->mnt_type, "cgroup") == 0 && hasmntopt(m, "cpu"))
			c->mount_v1 = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (c->mount < 0 && strcmp(m->mnt_type, "cgroup2") == 0)
			c->mount = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (f)
		endmntent(f);
}

int cgroups_new(struct cgroups **ret, const char *mount, struct containers *all)
{
	struct cgroups *c = calloc(1, sizeof(*c));

	if (!c)
		return err_origin(-ENOMEM);
	c->all = all;
	c->mount_v1 = -1;
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
	if (c->mount_v1 >= 0)
		close(c->mount_v1);
	free(c);
	return NULL;
}

/* Path of a cgroup, within the mount's view.  Returns its length; 0: not known. */
static size_t path_of(struct cgroups *c, int mount, uint64_t id)
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + sizeof(uint64_t)];
	} h = { .handle = { .handle_bytes = sizeof(uint64_t), .handle_type = KERNFS_HANDLE } };
	AUTO_FD int fd = -1;
	char link[64];
	ssize_t n;

	memcpy(h.bytes + offsetof(struct file_handle, f_handle), &id, sizeof(id));
	fd = open_by_handle_at(mount, &h.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, c->path, sizeof(c->path));
	return n > 0 ? (size_t)n : 0;
}

static struct container *find(struct cgroups *c, int mount, uint64_t id)
{
	uint64_t key = mount == c->mount ? id : ~id;
	struct entry *e = &c->slots[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 55];
	struct container_ref ref;
	size_t n;

	if (mount < 0 || id == 0)
		return NULL;
	if (e->id == key)
		return e->container;
	container_unref(e->container);
	*e = (struct entry){ .id = key };
	n = path_of(c, mount, id);
	if (!container_parse(c->path, n, &ref))
		ref.id[0] = 0;
	if (ref.id[0])
		e->container = containers_find(c->all, &ref);
	if (n && mount == c->mount && c->seen)
		c->seen(c->arg, id, ref.id);
	return e->container;
}

void cgroups_tell(struct cgroups *c, void (*seen)(void *arg, uint64_t id, const char *container),
		  void *arg)
{
	c->seen = seen;
	c->arg = arg;
}

struct container *cgroups_find(struct cgroups *c, uint64_t id)
{
	return find(c, c->mount, id);
}

struct container *cgroups_find_v1(struct cgroups *c, uint64_t id)
{
	return find(c, c->mount_v1, id);
}
