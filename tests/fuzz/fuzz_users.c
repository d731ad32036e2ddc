/* SPDX-License-Identifier: Apache-2.0 */
/* passwd, group and the maps of user namespaces of a container, any bytes.  Input: uid_map, a NUL,
 * passwd.  A name is of a line of the file, and without its ends. */
#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensor/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look_up(const struct users *u, uint32_t id, const char *file, size_t n)
{
	const char *name = users_name(u, id), *group = users_group(u, id);

	assert(!name == !group && (!name || strcmp(name, group) == 0));
	if (!name)
		return;
	assert(*name && !strpbrk(name, ":\n"));
	assert(memmem(file, n, name, strlen(name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data, *nul = memchr(text, 0, n), *file;
	static const uint32_t ids[] = { 0, 1, 33, 1000, 65534, 100000, UINT32_MAX };
	AUTO(users) *u = NULL;
	AUTO_FD int fd = -1;
	size_t size;
	int r;

	if (!nul)
		return 0;
	file = nul + 1;
	size = n - (size_t)(file - text);
	fd = memfd_create("passwd", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, file, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	{
		AUTO_FD int again = memfd_create("group", MFD_CLOEXEC);

		assert(again >= 0 && write(again, file, size) == (ssize_t)size &&
		       lseek(again, 0, SEEK_SET) == 0);
		r = users_new_container(&u, fd, again, text, text);
	}
	assert(r == 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		look_up(u, ids[i], file, size);
	for (size_t i = 0; i + 4 <= size && i < 64; i++) {
		uint32_t id;

		memcpy(&id, file + i, sizeof(id));
		look_up(u, id, file, size);
	}
	return 0;
}
