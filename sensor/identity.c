/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/identity.h"

#include <sys/stat.h>

#include "lib/file.h"

void identity_done(struct identity *i)
{
	explicit_bzero(i, sizeof(*i));
}

/* The parts, the one that makes the others count last. */
static const struct part {
	const char *name;
	size_t at, room;
	unsigned mode;
} parts[] = {
#define PART(name_, member, mode_)                                                 \
	{                                                                          \
		.name = (name_), .at = offsetof(struct identity, member),          \
		.room = sizeof(((struct identity *)NULL)->member), .mode = (mode_) \
	}
	PART("ca.pem", ca, 0644),
	PART("api", api, 0644),
	PART("collector", events, 0644),
	PART("node.pem", pem, 0600),
#undef PART
};

static int path_of(const char *state_dir, const char *name, char ret[4096], struct diag *d)
{
	if ((size_t)snprintf(ret, 4096, "%s/tls/%s", state_dir, name) < 4096)
		return 0;
	return diag_set(d, err_origin(-ENAMETOOLONG), 0, 0, "the state folder's path is too long");
}

static int load_parts(struct identity *ret, const char *state_dir, struct diag *d)
{
	char path[4096];
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++) {
		r = path_of(state_dir, parts[i].name, path, d);
		if (r == 0)
			r = file_read(path, (char *)ret + parts[i].at, parts[i].room, NULL, d);
	}
	return r;
}

int identity_load(struct identity *ret, const char *state_dir, struct diag *d)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = load_parts(ret, state_dir, d);
	if (r == -ENOENT)
		return diag_set(
			d, r, 0, 0,
			"this node is not enrolled with a collector (nothing in %s/tls): see "
			"rtsec-sensor enroll --help",
			state_dir);
	if (r == 0)
		r = cert_read(ret->pem, &ret->cert, d);
	if (r == 0 && !cert_fits_key(ret->pem, ret->pem))
		r = diag_set(d, err_origin(-EBADMSG), 0, 0,
			     "%s/tls/node.pem: the certificate is not for the key", state_dir);
	if (r < 0)
		identity_done(ret);
	return r;
}

int identity_save(const struct identity *i, const char *state_dir, struct diag *d)
{
	char path[4096];
	int r = path_of(state_dir, "", path, d);

	if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
		r = diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s", path,
			     strerror(errno));
	for (size_t n = 0; n < ARRAY_SIZE(parts) && r == 0; n++) {
		const char *text = (const char *)i + parts[n].at;

		r = path_of(state_dir, parts[n].name, path, d);
		if (r == 0)
			r = file_write(path, text, strlen(text), parts[n].mode, d);
	}
	return r;
}
