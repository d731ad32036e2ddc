/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/filter.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "lib/config.h"

enum { CONTAINER_VALUES = 256, CONTAINER_DIGITS = 12 };

struct rule {
	char name[FILTER_NAME_BYTES];
	enum filter_action action;
	uint64_t kinds;
	uint32_t asks; /* bits of enum filter_dim */
};

struct value {
	struct filter_key key;
	uint32_t slot;
};

struct container_value {
	char text[FILTER_CONTAINER_BYTES];
	uint32_t slot;
};

struct filter {
	struct rule rules[FILTER_SLOTS];
	size_t n;
	struct value *values;
	size_t n_values, room;
	struct container_value containers[CONTAINER_VALUES];
	size_t n_containers;
};

/* ---- kinds ---- */

enum { HAS_PATH = 1, HAS_ENDS = 2, KIND_ROWS = 2 };

/* The rows of filter_set.kinds that are told as a kind; what such events have. */
static const struct kind_rows {
	enum kind kind;
	uint8_t has;
	uint8_t rows[KIND_ROWS];
} kinds[] = {
	{ KIND_UID_CHANGE, 0, { REC_CREDENTIALS } },
	{ KIND_GID_CHANGE, 0, { FILTER_ROW_GIDS } },
	{ KIND_CAPSET, 0, { FILTER_ROW_CAPS } },
	{ KIND_SIGNAL, 0, { REC_SIGNAL } },
	{ KIND_PTRACE, 0, { REC_PTRACE } },
	{ KIND_SETNS, 0, { REC_SETNS } },
	{ KIND_UNSHARE, 0, { REC_UNSHARE } },
	{ KIND_MEMFD, HAS_PATH, { REC_MEMFD } },
	{ KIND_MPROTECT, HAS_PATH, { REC_PROTECT } },
	{ KIND_PRCTL_NAME, 0, { REC_PRCTL } },
	{ KIND_PRCTL, 0, { FILTER_ROW_PRCTL } },
	{ KIND_VM_WRITE, 0, { REC_VM_WRITE } },
	{ KIND_VM_READ, 0, { REC_VM_READ } },
	{ KIND_CHROOT, HAS_PATH, { REC_CHROOT } },
	{ KIND_IO_URING, 0, { REC_URING } },
	{ KIND_OPEN, HAS_PATH, { REC_OPEN } },
	{ KIND_CREATION, HAS_PATH, { REC_CREATE, FILTER_ROW_CREATED } },
	{ KIND_DELETION, HAS_PATH, { REC_DELETE } },
	{ KIND_RENAME, HAS_PATH, { REC_RENAME } },
	{ KIND_LINK, HAS_PATH, { REC_LINK } },
	{ KIND_SYMLINK, HAS_PATH, { REC_SYMLINK } },
	{ KIND_CHMOD, HAS_PATH, { REC_CHMOD } },
	{ KIND_CHOWN, HAS_PATH, { REC_CHOWN } },
	{ KIND_MOUNT, HAS_PATH, { REC_MOUNT } },
	{ KIND_UMOUNT, HAS_PATH, { REC_UMOUNT } },
	{ KIND_MODIFICATION, HAS_PATH, { REC_WRITTEN } },
	{ KIND_XATTR, HAS_PATH, { REC_XATTR } },
	{ KIND_PIVOT, HAS_PATH, { REC_PIVOT } },
	{ KIND_MODULE, HAS_PATH, { REC_MODULE } },
	{ KIND_BPF_LOAD, 0, { REC_BPF_LOAD } },
	{ KIND_BPF_MAP, 0, { REC_BPF_MAP } },
	{ KIND_PROBE, 0, { REC_PROBE } },
	{ KIND_CONNECT, HAS_ENDS, { REC_CONNECT } },
	{ KIND_ACCEPT, HAS_ENDS, { REC_ACCEPT } },
	{ KIND_DISCONNECT, HAS_ENDS, { REC_CLOSE } },
	{ KIND_LISTEN, HAS_ENDS, { REC_LISTEN } },
	{ KIND_BIND, HAS_ENDS, { REC_BIND } },
	{ KIND_DATAGRAM, HAS_ENDS, { REC_DATAGRAM } },
	{ KIND_UNIX, HAS_PATH, { REC_UNIX } },
	{ KIND_DNS, 0, { REC_DNS } },
};

bool filter_is_for(enum kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return true;
	return false;
}

/* Bits of the kinds that have all of @has; 0: of all kinds. */
static uint64_t kinds_with(uint8_t has)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((kinds[i].has & has) == has)
			bits |= UINT64_C(1) << kinds[i].kind;
	return bits;
}

/* ---- rules ---- */

int filter_new(struct filter **ret)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (!f)
		return err_origin(-ENOMEM);
	*ret = f;
	return 0;
}

struct filter *filter_free(struct filter *f)
{
	if (f)
		free(f->values);
	free(f);
	return NULL;
}

int filter_rule(struct filter *f, const char *name, enum filter_action action, uint64_t wanted,
		struct diag *d)
{
	struct rule *r = &f->rules[f->n];

	if (f->n == FILTER_SLOTS)
		return diag_set(d, err_origin(-ENOSPC), 0, 0,
				"there are more than %d rules, the most that the kernel judges by",
				FILTER_SLOTS);
	if (wanted & ~kinds_with(0))
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"%s: a kind of events that cannot be left out", name);
	for (size_t i = 0; i < f->n; i++)
		if (strncmp(f->rules[i].name, name, FILTER_NAME_BYTES - 1) == 0)
			return diag_set(d, err_origin(-EINVAL), 0, 0,
					"%s: another rule has that name, by which it is counted",
					name);
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->action = action;
	r->kinds = wanted ? wanted : kinds_with(0);
	r->asks = 0;
	f->n++;
	return 0;
}

size_t filter_n(const struct filter *f)
{
	return f->n;
}

const char *filter_name(const struct filter *f, size_t slot)
{
	return f->rules[slot].name;
}

enum filter_action filter_action(const struct filter *f, size_t slot)
{
	return f->rules[slot].action;
}

/* ---- values ---- */

static int add_value(struct filter *f, enum filter_dim dim, const void *bytes, uint32_t bits,
		     struct diag *d)
{
	struct value *v;

	if (f->n_values == FILTER_VALUES)
		return diag_set(d, err_origin(-ENOSPC), 0, 0,
				"all rules together have more than %d values (each port of a range "
				"is one)",
				FILTER_VALUES);
	if (f->n_values == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct value *more = reallocarray(f->values, room, sizeof(*more));

		if (!more)
			return err_origin(-ENOMEM);
		f->values = more;
		f->room = room;
	}
	v = &f->values[f->n_values++];
	*v = (struct value){ .slot = (uint32_t)f->n - 1 };
	v->key.bits = FILTER_HEAD_BITS + bits;
	v->key.dim = (uint8_t)dim;
	memcpy(v->key.data, bytes, (bits + 7) / 8);
	return 0;
}

static int bad(struct diag *d, const char *text, const char *want)
{
	return diag_set(d, err_origin(-EINVAL), 0, 0, "expected %s, not %.80s", want,
			*text ? text : "nothing");
}

static int add_whole(struct filter *f, enum filter_dim dim, const char *text, struct diag *d)
{
	size_t n = strlen(text);

	if (text[0] != '/' || n + 1 > FILTER_KEY_BYTES)
		return bad(d, text, "an absolute path of at most 251 bytes");
	return add_value(f, dim, text, (uint32_t)(8 * (n + 1)), d);
}

static int add_prefix(struct filter *f, enum filter_dim dim, const char *text, struct diag *d)
{
	size_t n = strlen(text);

	if (text[0] != '/' || n > FILTER_KEY_BYTES)
		return bad(d, text, "the beginning of an absolute path, at most 252 bytes");
	return add_value(f, dim, text, (uint32_t)(8 * n), d);
}

static int add_suffix(struct filter *f, enum filter_dim dim, const char *text, struct diag *d)
{
	char backwards[FILTER_SUFFIX_BYTES];
	size_t n = strlen(text);

	if (n == 0 || n > FILTER_SUFFIX_BYTES)
		return bad(d, text, "the end of a path, at most 128 bytes");
	for (size_t i = 0; i < n; i++)
		backwards[i] = text[n - 1 - i];
	return add_value(f, dim, backwards, (uint32_t)(8 * n), d);
}

static int add_uid(struct filter *f, enum filter_dim dim, const char *text, struct diag *d)
{
	uint64_t number;
	uint32_t uid;

	if (!config_number(text, &number) || number > UINT32_MAX)
		return bad(d, text, "the number of a user");
	uid = (uint32_t)number;
	return add_value(f, dim, &uid, 32, d);
}

static int add_ports(struct filter *f, enum filter_dim dim, const char *text, struct diag *d)
{
	char first_text[8] = "";
	const char *dash = strchr(text, '-');
	uint64_t first, last;
	int r = 0;

	snprintf(first_text, sizeof(first_text), "%.*s", (int)(dash ? dash - text : 7), text);
	if (!config_number(first_text, &first) || !config_number(dash ? dash + 1 : text, &last) ||
	    last > UINT16_MAX || first > last)
		return bad(d, text, "a port such as 443, or ports such as 8000-8099");
	for (uint64_t port = first; r == 0 && port <= last; port++) {
		uint16_t number = (uint16_t)port;

		r = add_value(f, dim, &number, 16, d);
	}
	return r;
}

static int add_network(struct filter *f, enum filter_dim dim, const char *text, struct diag *d)
{
	static const char want[] = "an address or a network such as 10.0.0.0/8 or fd00::/8";
	uint8_t bytes[17] = { 0 };
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	bool v6 = memchr(text, ':', n) != NULL;
	uint64_t bits = v6 ? 128 : 32;

	if (n >= sizeof(address))
		return bad(d, text, want);
	memcpy(address, text, n);
	address[n] = 0;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, bytes + 1) != 1 ||
	    (slash && (!config_number(slash + 1, &bits) || bits > (v6 ? 128 : 32))))
		return bad(d, text, want);
	bytes[0] = v6 ? REC_IPV6 : REC_IPV4;
	for (size_t i = 0; i < 128; i++) /* what is behind the network must be nothing */
		if (i >= bits && bytes[1 + i / 8] >> (7 - i % 8) & 1)
			return bad(d, text, "a network with no bit set behind its length");
	return add_value(f, dim, bytes, (uint32_t)(8 + bits), d);
}

static int add_container(struct filter *f, enum filter_dim dim, const char *text, struct diag *d)
{
	size_t n = strlen(text);
	bool word = strcmp(text, "any") == 0 || strcmp(text, "none") == 0;

	(void)dim;
	if (!word && (n < CONTAINER_DIGITS || n >= FILTER_CONTAINER_BYTES))
		return bad(d, text, "any, none, or at least 12 bytes of a container's id");
	if (f->n_containers == CONTAINER_VALUES)
		return diag_set(d, err_origin(-ENOSPC), 0, 0, "there are more than %d containers",
				CONTAINER_VALUES);
	f->containers[f->n_containers].slot = (uint32_t)f->n - 1;
	memcpy(f->containers[f->n_containers++].text, text, n + 1);
	return 0;
}

static const struct {
	enum filter_dim dim;
	uint8_t needs; /* of a kind */
	int (*add)(struct filter *f, enum filter_dim dim, const char *text, struct diag *d);
} whats[FILTER_WHATS] = {
	[FILTER_W_PATH] = { FILTER_PATH, HAS_PATH, add_whole },
	[FILTER_W_PATH_PREFIX] = { FILTER_PATH, HAS_PATH, add_prefix },
	[FILTER_W_PATH_SUFFIX] = { FILTER_SUFFIX, HAS_PATH, add_suffix },
	[FILTER_W_EXECUTABLE] = { FILTER_EXECUTABLE, 0, add_whole },
	[FILTER_W_ANCESTOR] = { FILTER_ANCESTOR, 0, add_whole },
	[FILTER_W_UID] = { FILTER_UID, 0, add_uid },
	[FILTER_W_CONTAINER] = { FILTER_CGROUP, 0, add_container },
	[FILTER_W_SOURCE] = { FILTER_SOURCE, HAS_ENDS, add_network },
	[FILTER_W_DESTINATION] = { FILTER_DESTINATION, HAS_ENDS, add_network },
	[FILTER_W_SOURCE_PORT] = { FILTER_SOURCE_PORT, HAS_ENDS, add_ports },
	[FILTER_W_DESTINATION_PORT] = { FILTER_DESTINATION_PORT, HAS_ENDS, add_ports },
};

int filter_value(struct filter *f, enum filter_what what, const char *text, struct diag *d)
{
	struct rule *r = &f->rules[f->n - 1];

	assert(f->n > 0 && what < FILTER_WHATS);
	if (!(r->kinds & kinds_with(whats[what].needs)))
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"no event of the rule's kinds has %s, so it would never hold",
				whats[what].needs == HAS_PATH ? "a path" : "addresses and ports");
	r->asks |= 1u << whats[what].dim;
	return whats[what].add(f, whats[what].dim, text, d);
}

/* ---- tables ---- */

static void mask_set(struct filter_mask *m, size_t slot)
{
	m->w[slot / 64] |= UINT64_C(1) << slot % 64;
}

static void mask_add(struct filter_mask *m, const struct filter_mask *more)
{
	for (size_t i = 0; i < FILTER_WORDS; i++)
		m->w[i] |= more->w[i];
}

static void compile_set(const struct filter *f, struct filter_set *set)
{
	*set = (struct filter_set){ 0 };
	for (size_t slot = 0; slot < f->n; slot++) {
		const struct rule *r = &f->rules[slot];

		set->uses |= r->asks;
		if (r->action == FILTER_DROP)
			mask_set(&set->drops, slot);
		for (size_t dim = 0; dim < FILTER_DIMS; dim++)
			if (!(r->asks >> dim & 1))
				mask_set(&set->silent[dim], slot);
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			for (size_t k = 0; r->kinds >> kinds[i].kind & 1 && k < KIND_ROWS; k++)
				if (kinds[i].rows[k])
					mask_set(&set->kinds[kinds[i].rows[k]], slot);
	}
}

/* By dimension, then bytes, then length: a beginning stands before what begins with it. */
static int by_key(const void *a, const void *b)
{
	const struct filter_key *x = &((const struct value *)a)->key;
	const struct filter_key *y = &((const struct value *)b)->key;
	int by_data;

	if (x->dim != y->dim)
		return x->dim < y->dim ? -1 : 1;
	by_data = memcmp(x->data, y->data, sizeof(x->data));
	if (by_data != 0)
		return by_data;
	return (x->bits > y->bits) - (x->bits < y->bits);
}

static bool begins(const struct filter_key *whole, const struct filter_key *beginning)
{
	uint32_t bits = beginning->bits - FILTER_HEAD_BITS, rest = bits % 8;

	if (whole->dim != beginning->dim || whole->bits < beginning->bits ||
	    memcmp(whole->data, beginning->data, bits / 8) != 0)
		return false;
	return rest == 0 || (whole->data[bits / 8] ^ beginning->data[bits / 8]) >> (8 - rest) == 0;
}

/* Makes entries of sorted values: one for each key, with the slots of all keys that it begins with.
 */
static size_t join(const struct value *sorted, size_t n, struct filter_entry *to, size_t *above)
{
	size_t n_to = 0;

	for (size_t i = 0; i < n; i++) {
		const struct filter_key *key = &sorted[i].key;
		size_t up = n_to ? n_to - 1 : SIZE_MAX; /* the longest beginning so far */

		while (up != SIZE_MAX && !begins(key, &to[up].key))
			up = above[up];
		if (up == SIZE_MAX || to[up].key.bits != key->bits) {
			to[n_to] = (struct filter_entry){ .key = *key };
			if (up != SIZE_MAX)
				mask_add(&to[n_to].slots, &to[up].slots);
			above[n_to] = up;
			up = n_to++;
		}
		mask_set(&to[up].slots, sorted[i].slot);
	}
	return n_to;
}

int filter_compile(const struct filter *f, struct filter_set *set, struct filter_entry **ret,
		   size_t *ret_n)
{
	struct value *sorted = calloc(f->n_values + 1, sizeof(*sorted));
	struct filter_entry *entries = calloc(f->n_values + 1, sizeof(*entries));
	size_t *above = calloc(f->n_values + 1, sizeof(*above));
	bool ok = sorted && entries && above;

	if (ok) {
		compile_set(f, set);
		if (f->n_values)
			memcpy(sorted, f->values, f->n_values * sizeof(*sorted));
		qsort(sorted, f->n_values, sizeof(*sorted), by_key);
		*ret_n = join(sorted, f->n_values, entries, above);
		*ret = TAKE(entries);
	}
	free(sorted);
	free(entries);
	free(above);
	return ok ? 0 : err_origin(-ENOMEM);
}

static bool container_is(const char *asked, const char *container)
{
	if (strcmp(asked, "none") == 0)
		return !*container;
	if (strcmp(asked, "any") == 0)
		return *container;
	return strncmp(container, asked, strlen(asked)) == 0;
}

struct filter_entry filter_cgroup(const struct filter *f, uint64_t id, const char *container)
{
	struct filter_entry e = { .key = { .bits = FILTER_HEAD_BITS + 64, .dim = FILTER_CGROUP } };

	memcpy(e.key.data, &id, sizeof(id));
	for (size_t i = 0; i < f->n_containers; i++)
		if (container_is(f->containers[i].text, container))
			mask_set(&e.slots, f->containers[i].slot);
	return e;
}
