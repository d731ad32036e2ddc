/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/container.h"

#include <string.h>

enum { HEX_ID = 64, UUID = 36, SHORT_UID = 32 };

/* ---- paths ---- */

/* A component of a path. */
struct part {
	const char *s;
	size_t n;
};

static bool starts(struct part p, const char *with)
{
	size_t n = strlen(with);

	return p.n >= n && memcmp(p.s, with, n) == 0;
}

static bool is(struct part p, const char *s)
{
	return p.n == strlen(s) && memcmp(p.s, s, p.n) == 0;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The id in a component: a run of exactly 64 hex digits; NULL: it has none. */
static const char *hex_id(struct part p)
{
	const char *end = p.s + p.n;

	for (const char *at = p.s; at < end;) {
		const char *begin = at;

		while (at < end && is_hex(*at))
			at++;
		if (at - begin == HEX_ID)
			return begin;
		if (at < end)
			at++;
	}
	return NULL;
}

static enum container_runtime runtime_of(struct part p, struct part before)
{
	static const struct {
		const char *begin;
		enum container_runtime runtime;
	} words[] = {
		{ "docker", RUNTIME_DOCKER },	   { "cri-containerd", RUNTIME_CONTAINERD },
		{ "nerdctl", RUNTIME_CONTAINERD }, { "crio", RUNTIME_CRIO },
		{ "libpod", RUNTIME_PODMAN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (starts(p, words[i].begin) || starts(before, words[i].begin))
			return words[i].runtime;
	return RUNTIME_UNKNOWN;
}

/* Copies a unit's name, where systemd writes "-" and other characters as \xNN. */
static bool take_name(struct part p, struct container_ref *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < p.n; i++) {
		unsigned code;
		char c = p.s[i];

		if (c == '\\' && p.n - i >= 4 && p.s[i + 1] == 'x' && is_hex(p.s[i + 2]) &&
		    is_hex(p.s[i + 3])) {
			char hex[3] = { p.s[i + 2], p.s[i + 3], 0 };

			code = (unsigned)strtoul(hex, NULL, 16);
			c = code ? (char)code : '?';
			i += 3;
		}
		if (n == sizeof(ret->id) - 1)
			return false;
		ret->id[n++] = c;
	}
	ret->id[n] = '\0';
	return n > 0;
}

/* machine-NAME.scope, systemd-nspawn@NAME.service, lxc.payload.NAME, lxc/NAME. */
static bool named(struct part p, struct part before, struct container_ref *ret)
{
	static const struct {
		const char *begin, *end;
		enum container_runtime runtime;
	} forms[] = {
		{ "machine-", ".scope", RUNTIME_NSPAWN },
		{ "systemd-nspawn@", ".service", RUNTIME_NSPAWN },
		{ "lxc.payload.", "", RUNTIME_LXC },
	};

	if (starts(p, "machine-qemu") || starts(p, "machine-lxc"))
		return false; /* libvirt's */
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t begin = strlen(forms[i].begin), end = strlen(forms[i].end);

		if (!starts(p, forms[i].begin) || p.n <= begin + end ||
		    memcmp(p.s + p.n - end, forms[i].end, end) != 0)
			continue;
		ret->runtime = forms[i].runtime;
		return take_name((struct part){ p.s + begin, p.n - begin - end }, ret);
	}
	if (!is(before, "lxc") && !is(before, "lxc.payload"))
		return false;
	ret->runtime = RUNTIME_LXC;
	return take_name(p, ret);
}

/* kubepods-burstable-pod<uid>.slice, with _ for -, or pod<uid>; a static pod's uid has no dashes.
 */
static void take_pod(struct part p, struct container_ref *ret)
{
	const char *at = starts(p, "pod")	 ? p.s
			 : starts(p, "kubepods") ? memmem(p.s, p.n, "-pod", 4)
						 : NULL;
	size_t n = 0, left;

	if (!at)
		return;
	at += at == p.s ? 3 : 4;
	left = (size_t)(p.s + p.n - at);
	while (n < left && n < UUID && (is_hex(at[n]) || at[n] == '_' || at[n] == '-'))
		n++;
	if (n != UUID && n != SHORT_UID)
		return;
	for (size_t i = 0; i < n; i++)
		ret->pod_uid[i] = at[i];
	for (size_t i = 0; i < n; i++)
		if (ret->pod_uid[i] == '_')
			ret->pod_uid[i] = '-';
	ret->pod_uid[n] = '\0';
}

/* A component that is no container but stands in its place. */
static bool is_monitor(struct part p)
{
	return memmem(p.s, p.n, "conmon", 6) || starts(p, "lxc.monitor");
}

static void take_part(struct part p, struct part before, struct container_ref *ret)
{
	struct container_ref found = { .runtime = RUNTIME_UNKNOWN };
	const char *id;

	take_pod(p, ret);
	if (is(p, "supervisor") && ret->runtime == RUNTIME_NSPAWN) {
		ret->id[0] = '\0';
		return;
	}
	if (is_monitor(p))
		return;
	id = hex_id(p);
	if (id) {
		memcpy(found.id, id, HEX_ID);
		found.runtime = runtime_of(p, before);
	} else if (!named(p, before, &found)) {
		return;
	}
	memcpy(found.pod_uid, ret->pod_uid, sizeof(found.pod_uid));
	*ret = found;
}

bool container_parse(const char *s, size_t n, struct container_ref *ret)
{
	const char *end = s + n;
	struct part before = { s, 0 };

	*ret = (struct container_ref){ .runtime = RUNTIME_UNKNOWN };
	while (s < end) {
		const char *p = s;
		struct part part;

		while (p < end && *p != '/' && *p != ':' && *p != '\n')
			p++;
		part = (struct part){ s, (size_t)(p - s) };
		take_part(part, before, ret);
		before = part;
		if (p < end && *p == '\n') {
			if (ret->id[0])
				return true;
			*ret = (struct container_ref){ .runtime = RUNTIME_UNKNOWN };
			before = (struct part){ p, 0 };
		}
		s = p + 1;
	}
	if (!ret->id[0])
		*ret = (struct container_ref){ .runtime = RUNTIME_UNKNOWN };
	return ret->id[0] != 0;
}

const char *container_runtime_name(enum container_runtime r)
{
	static const char *const names[] = {
		[RUNTIME_UNKNOWN] = NULL,
		[RUNTIME_DOCKER] = "docker",
		[RUNTIME_CONTAINERD] = "containerd",
		[RUNTIME_CRIO] = "cri-o",
		[RUNTIME_PODMAN] = "podman",
		[RUNTIME_NSPAWN] = "systemd-nspawn",
		[RUNTIME_LXC] = "lxc",
	};

	return names[r];
}

/* ---- lives ---- */

struct container *container_new(const struct container_ref *ref)
{
	struct container *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->ref = *ref;
	return c;
}

void container_unref(struct container *c)
{
	if (!c || --c->refs > 0)
		return;
	users_free(c->users);
	free(c);
}

static void tell_news(struct container *c)
{
	if (c->news)
		*c->news = true;
}

static void begin(struct container *c, const struct container_process *p)
{
	c->running = true;
	c->first = *p;
	c->told_start = p->at_ns == 0;
}

void container_enter(struct container *c, const struct container_process *p)
{
	if (c->n_members < CONTAINER_MEMBERS)
		c->members[c->n_members++] = p->tgid;
	if (!c->first.cgroup)
		c->first.cgroup = p->cgroup;
	if (c->alive++ > 0 || (c->running && (!p->cgroup || c->first.cgroup == p->cgroup)))
		return;
	if (c->running) {
		c->again = true;
		c->next = *p;
	} else {
		begin(c, p);
	}
	tell_news(c);
}

void container_leave(struct container *c, const struct container_process *p)
{
	for (uint32_t i = 0; i < c->n_members; i++)
		if (c->members[i] == p->tgid) {
			memmove(&c->members[i], &c->members[i + 1],
				(--c->n_members - i) * sizeof(c->members[0]));
			break;
		}
	if (--c->alive > 0)
		return;
	c->last = *p;
	tell_news(c);
}

void container_end(struct container *c)
{
	c->running = false;
	if (c->again)
		begin(c, &c->next);
	c->again = false;
}
