/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/node.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/utsname.h>

#include <mbedtls/sha256.h>

#include "lib/uuid.h"

enum { ID_BYTES = 16 };

void node_hex(const uint8_t *bytes, size_t n, char *to)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = 0;
}

void node_id_derive(const char *machine_id, size_t n, char ret[33])
{
	static const char purpose[] = "rtsec node id 1";
	uint8_t hash[32] = { 0 };
	mbedtls_sha256_context c;

	mbedtls_sha256_init(&c);
	if (mbedtls_sha256_starts_ret(&c, 0) == 0 &&
	    mbedtls_sha256_update_ret(&c, (const uint8_t *)purpose, sizeof(purpose)) == 0 &&
	    mbedtls_sha256_update_ret(&c, (const uint8_t *)machine_id, n) == 0)
		(void)mbedtls_sha256_finish_ret(&c, hash);
	mbedtls_sha256_free(&c);
	node_hex(hash, ID_BYTES, ret);
}

/* Reads a small text file without its final newline.  Returns its length; 0: none. */
static size_t read_text(const char *path, char *to, size_t cap)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, to, cap - 1) : 0;

	n = MAX(n, 0);
	while (n > 0 && (to[n - 1] == '\n' || to[n - 1] == ' '))
		n--;
	to[n] = 0;
	return (size_t)n;
}

static int random_id(const char *state_dir, char ret[33], struct diag *d)
{
	uint8_t bytes[ID_BYTES];
	AUTO_FD int fd = -1;
	char path[4096];

	snprintf(path, sizeof(path), "%s/node-id", state_dir);
	if (read_text(path, ret, 33) == 32)
		return 0;
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return diag_set(d, err_origin(-EIO), 0, 0, "no random bytes for a node id");
	node_hex(bytes, sizeof(bytes), ret);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, ret, 32) != 32 || fsync(fd) < 0)
		return diag_set(
			d, err_origin(-errno), 0, 0,
			"there is no /etc/machine-id, and a node id cannot be kept in %s: %s", path,
			strerror(errno));
	return 0;
}

static int find_id(struct node *node, const char *id, const char *state_dir, struct diag *d)
{
	char machine[64];
	size_t n;

	if (id && (!*id || strlen(id) > LIMIT_NODE_ID_BYTES))
		return diag_set(d, err_origin(-EINVAL), 0, 0, "a node id has 1 to %d bytes",
				LIMIT_NODE_ID_BYTES);
	if (id) {
		snprintf(node->id, sizeof(node->id), "%s", id);
		return 0;
	}
	n = read_text("/etc/machine-id", machine, sizeof(machine));
	if (n == 0)
		n = read_text("/var/lib/dbus/machine-id", machine, sizeof(machine));
	if (n == 0)
		return random_id(state_dir, node->id, d);
	node_id_derive(machine, n, node->id);
	return 0;
}

int node_read(struct node *ret, const char *id, const char *name, const char *state_dir,
	      struct diag *d)
{
	struct utsname uts;
	char text[64];
	size_t n;
	int r;

	if (uname(&uts) < 0)
		return diag_set(d, err_origin(-errno), 0, 0, "uname: %s", strerror(errno));
	if (name && (!*name || strlen(name) > LIMIT_NODE_ID_BYTES))
		return diag_set(d, err_origin(-EINVAL), 0, 0, "a node name has 1 to %d bytes",
				LIMIT_NODE_ID_BYTES);
	snprintf(ret->name, sizeof(ret->name), "%s", name ? name : uts.nodename);
	if (!ret->name[0])
		snprintf(ret->name, sizeof(ret->name), "localhost");
	snprintf(ret->architecture, sizeof(ret->architecture), "%s", uts.machine);
	snprintf(ret->os_kernel, sizeof(ret->os_kernel), "%s", uts.release);
	n = read_text("/proc/sys/kernel/random/boot_id", text, sizeof(text));
	r = uuid_parse(text, n, ret->boot_id);
	if (r < 0)
		return diag_set(d, r, 0, 0, "/proc/sys/kernel/random/boot_id is not readable");
	snprintf(ret->boot_text, sizeof(ret->boot_text), "%.36s", text);
	return find_id(ret, id, state_dir, d);
}
