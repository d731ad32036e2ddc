/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/record.h"

/* What of the record's variable part is not yet taken. */
struct rest {
	const char *p;
	size_t n;
	bool ok;
};

static const char *take(struct rest *rest, size_t n)
{
	const char *p = rest->p;

	if (n > rest->n) {
		rest->ok = false;
		return p;
	}
	rest->p += n;
	rest->n -= n;
	return p;
}

static struct record_path take_path(struct rest *rest, const struct rec_path *path)
{
	struct record_path p = { .n = path->bytes, .flags = path->flags };

	p.parts = take(rest, path->bytes);
	if (path->bytes > REC_PATH_BYTES)
		rest->ok = false;
	if (rest->ok && p.n && p.parts[p.n - 1])
		rest->ok = false;
	return p;
}

static struct record_text take_text(struct rest *rest, uint32_t bytes)
{
	struct record_text t = { .s = "" };
	const char *s = take(rest, bytes);

	if (bytes == 0)
		return t;
	if (!rest->ok || bytes > REC_NAME_BYTES || s[bytes - 1]) {
		rest->ok = false;
		return t;
	}
	t.s = s;
	t.n = (uint32_t)strlen(s);
	return t;
}

static void take_exec(struct record *r, struct rest *rest)
{
	const struct rec_exec *e = r->exec;

	r->path[0] = take_path(rest, &e->exe);
	r->path[1] = take_path(rest, &e->cwd);
	r->n_arg_bytes = e->args_bytes;
	r->arg_bytes = take(rest, e->args_bytes);
	if (e->args_bytes > REC_ARGS_BYTES || e->args_before > REC_ARGS_BYTES)
		rest->ok = false;
	if (rest->ok && e->args_bytes && r->arg_bytes[e->args_bytes - 1])
		rest->ok = false;
	r->env = take(rest, e->env_bytes);
	if (e->env_bytes > REC_ENV_BYTES)
		rest->ok = false;
	if (rest->ok && e->env_bytes && r->env[e->env_bytes - 1])
		rest->ok = false;
	r->path[2] = take_path(rest, &e->script_dir);
	r->name[0] = take_text(rest, e->script_bytes);
}

static void take_args(struct record *r, struct rest *rest)
{
	const struct rec_args *a = r->args;

	r->n_arg_bytes = a->bytes;
	r->arg_bytes = take(rest, a->bytes);
	if (a->offset > REC_ARGS_BYTES || a->bytes > REC_ARGS_CHUNK)
		rest->ok = false;
}

static void take_open(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->open->path);
	r->name[0] = take_text(rest, r->open->name_bytes);
}

static void take_delete(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->del->dir);
	r->name[0] = take_text(rest, r->del->name_bytes);
}

static void take_rename(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->rename->old_dir);
	r->name[0] = take_text(rest, r->rename->old_name_bytes);
	r->path[1] = take_path(rest, &r->rename->new_dir);
	r->name[1] = take_text(rest, r->rename->new_name_bytes);
}

static void take_create(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->create->dir);
	r->name[0] = take_text(rest, r->create->name_bytes);
}

static void take_attributes(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->attributes->path);
	r->name[0] = take_text(rest, r->attributes->name_bytes);
}

static void take_mount(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->mount->dir);
	r->name[0] = take_text(rest, r->mount->name_bytes);
	r->path[1] = take_path(rest, &r->mount->source_dir);
	r->name[1] = take_text(rest, r->mount->source_bytes);
}

static void take_tcp(struct record *r, struct rest *rest)
{
	const struct rec_tcp *t = r->tcp;

	if ((t->version != REC_IPV4 && t->version != REC_IPV6) ||
	    (t->direction != REC_EGRESS && t->direction != REC_INGRESS))
		rest->ok = false;
}

static void take_unix(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &((const struct rec_unix *)r->head)->path);
}

static void take_dns(struct record *r, struct rest *rest)
{
	const struct rec_dns *d = r->dns;

	r->message = (const uint8_t *)take(rest, d->bytes);
	if (d->bytes > REC_DNS_BYTES || (d->version != REC_IPV4 && d->version != REC_IPV6))
		rest->ok = false;
}

static void take_module(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->module->path);
}

static void take_probe(struct record *r, struct rest *rest)
{
	r->name[0] = take_text(rest, r->probe->name_bytes);
}

static void take_protect(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->protect->path);
	if (r->protect->call < REC_MMAP || r->protect->call > REC_SHMAT)
		rest->ok = false;
}

static void take_xattr(struct record *r, struct rest *rest)
{
	r->path[0] = take_path(rest, &r->xattr->path);
	r->name[0] = take_text(rest, r->xattr->name_bytes);
}

struct shape {
	size_t fixed; /* bytes of the struct; 0: no such type */
	enum kind_class class;
	void (*take)(struct record *r, struct rest *rest);
};

static const struct shape shapes[REC_END] = {
	[REC_EXEC] = { sizeof(struct rec_exec), CLASS_PRIORITY, take_exec },
	[REC_ARGS] = { sizeof(struct rec_args), CLASS_PRIORITY, take_args },
	[REC_FORK] = { sizeof(struct rec_fork), CLASS_PRIORITY, NULL },
	[REC_EXIT] = { sizeof(struct rec_exit), CLASS_PRIORITY, NULL },
	[REC_OPEN] = { sizeof(struct rec_open), CLASS_BULK, take_open },
	[REC_DELETE] = { sizeof(struct rec_delete), CLASS_BULK, take_delete },
	[REC_RENAME] = { sizeof(struct rec_rename), CLASS_BULK, take_rename },
	[REC_CONNECT] = { sizeof(struct rec_tcp), CLASS_BULK, take_tcp },
	[REC_ACCEPT] = { sizeof(struct rec_tcp), CLASS_BULK, take_tcp },
	[REC_CLOSE] = { sizeof(struct rec_tcp), CLASS_BULK, take_tcp },
	[REC_CREDENTIALS] = { sizeof(struct rec_credentials), CLASS_PRIORITY, NULL },
	[REC_PTRACE] = { sizeof(struct rec_ptrace), CLASS_PRIORITY, NULL },
	[REC_SIGNAL] = { sizeof(struct rec_signal), CLASS_BULK, NULL },
	[REC_SETNS] = { sizeof(struct rec_namespace), CLASS_PRIORITY, NULL },
	[REC_UNSHARE] = { sizeof(struct rec_namespace), CLASS_PRIORITY, NULL },
	[REC_MEMFD] = { sizeof(struct rec_open), CLASS_PRIORITY, take_open },
	[REC_LINK] = { sizeof(struct rec_rename), CLASS_BULK, take_rename },
	[REC_SYMLINK] = { sizeof(struct rec_rename), CLASS_BULK, take_rename },
	[REC_CREATE] = { sizeof(struct rec_create), CLASS_BULK, take_create },
	[REC_CHMOD] = { sizeof(struct rec_attributes), CLASS_BULK, take_attributes },
	[REC_CHOWN] = { sizeof(struct rec_attributes), CLASS_BULK, take_attributes },
	[REC_MOUNT] = { sizeof(struct rec_mount), CLASS_PRIORITY, take_mount },
	[REC_UMOUNT] = { sizeof(struct rec_mount), CLASS_PRIORITY, take_mount },
	[REC_LISTEN] = { sizeof(struct rec_tcp), CLASS_BULK, take_tcp },
	[REC_BIND] = { sizeof(struct rec_tcp), CLASS_BULK, take_tcp },
	[REC_DATAGRAM] = { sizeof(struct rec_tcp), CLASS_BULK, take_tcp },
	[REC_UNIX] = { sizeof(struct rec_unix), CLASS_BULK, take_unix },
	[REC_DNS] = { sizeof(struct rec_dns), CLASS_BULK, take_dns },
	[REC_PROTECT] = { sizeof(struct rec_protect), CLASS_PRIORITY, take_protect },
	[REC_PRCTL] = { sizeof(struct rec_prctl), CLASS_PRIORITY, NULL },
	[REC_VM_READ] = { sizeof(struct rec_ptrace), CLASS_PRIORITY, NULL },
	[REC_VM_WRITE] = { sizeof(struct rec_ptrace), CLASS_PRIORITY, NULL },
	[REC_CHROOT] = { sizeof(struct rec_attributes), CLASS_PRIORITY, take_attributes },
	[REC_PIVOT] = { sizeof(struct rec_rename), CLASS_PRIORITY, take_rename },
	[REC_XATTR] = { sizeof(struct rec_xattr), CLASS_BULK, take_xattr },
	[REC_WRITTEN] = { sizeof(struct rec_open), CLASS_BULK, take_open },
	[REC_MODULE] = { sizeof(struct rec_module), CLASS_PRIORITY, take_module },
	[REC_BPF_LOAD] = { sizeof(struct rec_bpf), CLASS_PRIORITY, NULL },
	[REC_BPF_MAP] = { sizeof(struct rec_bpf), CLASS_PRIORITY, NULL },
	[REC_BPF_TAKEN] = { sizeof(struct rec_bpf), CLASS_PRIORITY, NULL },
	[REC_PROBE] = { sizeof(struct rec_probe), CLASS_PRIORITY, take_probe },
	[REC_URING] = { sizeof(struct rec_uring), CLASS_PRIORITY, NULL },
};

int record_open(struct record *ret, const void *data, size_t n)
{
	const struct rec_head *head = data;
	const struct shape *shape;
	struct rest rest;

	if (n < sizeof(*head) || head->size < sizeof(*head) || head->size > n ||
	    head->size > REC_MAX_BYTES || head->type >= REC_END)
		return err_origin(-EBADMSG);
	shape = &shapes[head->type];
	if (shape->fixed == 0 || head->size < shape->fixed)
		return err_origin(-EBADMSG);
	*ret = (struct record){
		.type = (enum rec_type)head->type,
		.class = shape->class,
		.head = head,
		.exec = data,
	};
	rest = (struct rest){ (const char *)data + shape->fixed, head->size - shape->fixed, true };
	if (shape->take)
		shape->take(ret, &rest);
	return rest.ok && rest.n == 0 ? 0 : err_origin(-EBADMSG);
}

/* ---- paths ---- */

/* Copies to the front of what is left of @buf, which is filled from its end.  From the component on
 * that does not fit, all is left out: the beginning of the path is missing then. */
static size_t prepend(char *buf, size_t at, const char *s, size_t n)
{
	if (n > at)
		return at;
	memcpy(buf + at - n, s, n);
	return at - n;
}

size_t record_path_text(const struct record_path *p, char *buf, size_t n)
{
	const char *s = p->parts, *end = p->parts + p->n;
	bool slash = !(p->flags & REC_PATH_DETACHED);
	size_t at = n - 1, length;

	while (s < end) {
		size_t part = strnlen(s, (size_t)(end - s));

		if (part + 1 > at)
			break;
		at = prepend(buf, at, s, part);
		s += part + 1;
		if (slash || s < end)
			at = prepend(buf, at, "/", 1);
	}
	if (p->n == 0 && slash)
		at = prepend(buf, at, "/", 1);
	length = n - 1 - at;
	memmove(buf, buf + at, length);
	buf[length] = 0;
	return length;
}

/* Appends one component; ".." takes the last one away. */
static size_t append_part(char *buf, size_t at, size_t n, const char *part, size_t n_part)
{
	if (n_part == 0 || (n_part == 1 && part[0] == '.'))
		return at;
	if (n_part == 2 && part[0] == '.' && part[1] == '.') {
		while (at > 0 && buf[at - 1] != '/')
			at--;
		return at ? at - 1 : 0;
	}
	if (at + 1 + n_part >= n)
		return at;
	buf[at++] = '/';
	memcpy(buf + at, part, n_part);
	return at + n_part;
}

size_t record_asked_text(const struct record_path *dir, const struct record_text *name, char *buf,
			 size_t n)
{
	const char *s = name->s, *end = name->s + name->n;
	size_t at = 0;

	if (name->n == 0 || s[0] != '/')
		at = record_path_text(dir, buf, n);
	if (at == 1 && buf[0] == '/')
		at = 0;
	while (s < end) {
		const char *slash = memchr(s, '/', (size_t)(end - s));
		size_t part = (size_t)((slash ? slash : end) - s);

		at = append_part(buf, at, n, s, part);
		s += part + 1;
	}
	if (at == 0)
		buf[at++] = '/';
	buf[at] = 0;
	return at;
}
