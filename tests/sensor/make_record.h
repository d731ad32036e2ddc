/* SPDX-License-Identifier: Apache-2.0 */
/* make_record - kernel records for tests, as the BPF side would write them. */
#pragma once
#include "bpf/abi.h"
#include "lib/util.h"

/* A record being made: 8-byte aligned. */
union made {
	struct rec_head head;
	struct rec_exec exec;
	struct rec_args args;
	struct rec_fork fork;
	struct rec_exit exit;
	struct rec_open open;
	struct rec_delete del;
	struct rec_rename rename;
	struct rec_tcp tcp;
	struct rec_credentials credentials;
	struct rec_ptrace ptrace;
	struct rec_signal signal;
	struct rec_namespace ns;
	struct rec_create create;
	struct rec_attributes attributes;
	struct rec_mount mount;
	struct rec_unix un;
	struct rec_dns dns;
	struct rec_module module;
	struct rec_protect protect;
	struct rec_prctl prctl;
	struct rec_xattr xattr;
	struct rec_bpf bpf;
	struct rec_probe probe;
	struct rec_uring uring;
	uint64_t room[REC_MAX_BYTES / 8];
};

static inline UNUSED void made_begin(union made *m, enum rec_type type, size_t fixed, uint32_t tgid,
				     uint64_t start_ns, uint64_t time_ns)
{
	memset(m, 0, fixed);
	m->head.size = (uint32_t)fixed;
	m->head.type = (uint16_t)type;
	m->head.tgid = m->head.tid = tgid;
	m->head.start_ns = start_ns;
	m->head.time_ns = time_ns;
	snprintf(m->head.comm, sizeof(m->head.comm), "comm%u", tgid);
}

static inline UNUSED void made_add(union made *m, const void *data, size_t n)
{
	memcpy((char *)m + m->head.size, data, n);
	m->head.size += (uint32_t)n;
}

/* "/usr/bin/true" as the kernel tells it, leaf first. */
static inline UNUSED struct rec_path made_path(union made *m, const char *path)
{
	struct rec_path p = { 0 };
	const char *end = path + strlen(path);

	while (end > path) {
		const char *slash = memrchr(path, '/', (size_t)(end - path));
		const char *part = slash ? slash + 1 : path;
		size_t n = (size_t)(end - part);

		made_add(m, part, n);
		made_add(m, "", 1);
		p.bytes = (uint16_t)(p.bytes + n + 1);
		end = slash ? slash : path;
	}
	return p;
}

static inline UNUSED uint16_t made_text(union made *m, const char *s)
{
	made_add(m, s, strlen(s) + 1);
	return (uint16_t)(strlen(s) + 1);
}

static inline UNUSED void made_open(union made *m, uint32_t tgid, uint64_t start_ns,
				    uint64_t time_ns, const char *path, uint32_t flags)
{
	made_begin(m, REC_OPEN, sizeof(struct rec_open), tgid, start_ns, time_ns);
	m->open.open_flags = flags;
	m->open.file = (struct rec_file){ .inode = 77, .dev_major = 8, .dev_minor = 1,
					  .mode = 0100644 };
	m->open.path = made_path(m, path);
}

static inline UNUSED void made_open_failed(union made *m, uint32_t tgid, uint64_t start_ns,
					   uint64_t time_ns, const char *dir, const char *name,
					   uint32_t error)
{
	made_begin(m, REC_OPEN, sizeof(struct rec_open), tgid, start_ns, time_ns);
	m->head.flags = REC_F_AS_ASKED;
	m->open.error = error;
	m->open.path = made_path(m, dir);
	m->open.name_bytes = made_text(m, name);
}

/* @args: NUL-separated, @n_args bytes with the last NUL. */
static inline UNUSED void made_exec(union made *m, uint32_t tgid, uint64_t start_ns,
				    uint64_t time_ns, const char *exe, const char *args,
				    size_t n_args)
{
	made_begin(m, REC_EXEC, sizeof(struct rec_exec), tgid, start_ns, time_ns);
	m->exec.sid = tgid;
	m->exec.vpid = tgid;
	m->exec.exe = made_path(m, exe);
	m->exec.cwd = made_path(m, "/home/user");
	made_add(m, args, n_args);
	m->exec.args_bytes = (uint32_t)n_args;
}

static inline UNUSED void made_fork(union made *m, uint32_t parent, uint64_t parent_start,
				    uint64_t time_ns, uint32_t child, uint64_t child_start)
{
	made_begin(m, REC_FORK, sizeof(struct rec_fork), parent, parent_start, time_ns);
	m->fork.parent_tgid = parent;
	m->fork.parent_start_ns = parent_start;
	m->fork.child_tgid = child;
	m->fork.child_vpid = child;
	m->fork.child_start_ns = child_start;
}

static inline UNUSED void made_exit(union made *m, uint32_t tgid, uint64_t start_ns,
				    uint64_t time_ns, uint32_t status)
{
	made_begin(m, REC_EXIT, sizeof(struct rec_exit), tgid, start_ns, time_ns);
	m->exit.status = status;
	m->exit.duration_ns = time_ns - start_ns;
}

static inline UNUSED void made_tcp(union made *m, enum rec_type type, uint32_t tgid,
				   uint64_t start_ns, uint64_t time_ns)
{
	static const uint8_t source[4] = { 10, 20, 30, 40 }, dest[4] = { 10, 20, 30, 41 };

	made_begin(m, type, sizeof(struct rec_tcp), tgid, start_ns, time_ns);
	m->tcp.version = REC_IPV4;
	m->tcp.direction = type == REC_ACCEPT ? REC_INGRESS : REC_EGRESS;
	m->tcp.protocol = 6;
	m->tcp.source_port = 51000;
	m->tcp.dest_port = 443;
	memcpy(m->tcp.source, source, 4);
	memcpy(m->tcp.dest, dest, 4);
}

static inline UNUSED void made_credentials(union made *m, uint32_t tgid, uint64_t start_ns,
					   uint64_t time_ns, uint32_t changed)
{
	made_begin(m, REC_CREDENTIALS, sizeof(struct rec_credentials), tgid, start_ns, time_ns);
	m->head.uid = 1001;
	m->head.gid = 2001;
	m->credentials.after = (struct rec_ids){ .uid = 1000, .euid = 1001, .suid = 1002,
						 .gid = 2000, .egid = 2001, .sgid = 2002,
						 .fsuid = 1001, .fsgid = 2001 };
	m->credentials.before = (struct rec_ids){ .uid = 1, .euid = 2, .suid = 3,
						  .gid = 4, .egid = 5, .sgid = 6, .fsuid = 2, .fsgid = 5 };
	m->credentials.effective = 1;
	m->credentials.permitted = UINT64_C(1) << 40 | UINT64_C(1) << 63 | 1;
	m->credentials.changed = changed;
}

static inline UNUSED void made_ptrace(union made *m, uint32_t tgid, uint64_t start_ns,
				      uint64_t time_ns, uint32_t request, struct rec_target target)
{
	made_begin(m, REC_PTRACE, sizeof(struct rec_ptrace), tgid, start_ns, time_ns);
	m->ptrace.request = request;
	m->ptrace.target = target;
}

static inline UNUSED void made_signal(union made *m, uint32_t tgid, uint64_t start_ns,
				      uint64_t time_ns, uint32_t signal, struct rec_target target)
{
	made_begin(m, REC_SIGNAL, sizeof(struct rec_signal), tgid, start_ns, time_ns);
	m->signal.signal = signal;
	m->signal.target = target;
}

static inline UNUSED void made_namespace(union made *m, enum rec_type type, uint32_t tgid,
					 uint64_t start_ns, uint64_t time_ns, uint32_t types)
{
	made_begin(m, type, sizeof(struct rec_namespace), tgid, start_ns, time_ns);
	m->ns.types = types;
}

static inline UNUSED void made_memfd(union made *m, uint32_t tgid, uint64_t start_ns,
				     uint64_t time_ns, const char *name, uint32_t flags)
{
	made_begin(m, REC_MEMFD, sizeof(struct rec_open), tgid, start_ns, time_ns);
	m->open.open_flags = flags;
	m->open.file = (struct rec_file){ .inode = 78, .dev_minor = 1, .mode = 0100777 };
	made_add(m, "memfd:", 6);
	m->open.path.bytes = (uint16_t)(6 + made_text(m, name));
	m->open.path.flags = REC_PATH_DELETED | REC_PATH_DETACHED;
}

/* Of links: @old and @new are names as asked, each below /home/user. */
static inline UNUSED void made_link(union made *m, enum rec_type type, uint32_t tgid,
				    uint64_t start_ns, uint64_t time_ns, const char *old,
				    const char *new)
{
	made_begin(m, type, sizeof(struct rec_rename), tgid, start_ns, time_ns);
	m->head.flags = REC_F_AS_ASKED;
	if (type != REC_SYMLINK)
		m->rename.old_dir = made_path(m, "/home/user");
	m->rename.old_name_bytes = made_text(m, old);
	m->rename.new_dir = made_path(m, "/home/user");
	m->rename.new_name_bytes = made_text(m, new);
}

static inline UNUSED void made_create(union made *m, uint32_t tgid, uint64_t start_ns,
				      uint64_t time_ns, const char *name, uint32_t mode)
{
	made_begin(m, REC_CREATE, sizeof(struct rec_create), tgid, start_ns, time_ns);
	m->head.flags = REC_F_AS_ASKED;
	m->create.mode = mode;
	m->create.dir = made_path(m, "/home/user");
	m->create.name_bytes = made_text(m, name);
}

/* @name NULL: by a descriptor of @path. */
static inline UNUSED void made_attributes(union made *m, enum rec_type type, uint32_t tgid,
					  uint64_t start_ns, uint64_t time_ns, const char *path,
					  const char *name)
{
	made_begin(m, type, sizeof(struct rec_attributes), tgid, start_ns, time_ns);
	m->head.flags = name ? REC_F_AS_ASKED : 0;
	m->attributes.mode = 04755;
	m->attributes.uid = 7;
	m->attributes.gid = UINT32_MAX;
	m->attributes.path = made_path(m, path);
	m->attributes.name_bytes = name ? made_text(m, name) : 0;
}

static inline UNUSED void made_mount(union made *m, enum rec_type type, uint32_t tgid,
				     uint64_t start_ns, uint64_t time_ns, const char *source_dir,
				     const char *source)
{
	made_begin(m, type, sizeof(struct rec_mount), tgid, start_ns, time_ns);
	m->head.flags = REC_F_AS_ASKED;
	m->mount.mount_flags = 0xc0ed0000u | 1 | 4096;
	snprintf(m->mount.type, sizeof(m->mount.type), "tmpfs");
	m->mount.dir = made_path(m, "/home/user");
	m->mount.name_bytes = made_text(m, "point");
	m->mount.source_dir = made_path(m, source_dir);
	m->mount.source_bytes = made_text(m, source);
}

static inline UNUSED void made_unix(union made *m, uint32_t tgid, uint64_t start_ns,
				    uint64_t time_ns, const char *path)
{
	made_begin(m, REC_UNIX, sizeof(struct rec_unix), tgid, start_ns, time_ns);
	m->un.path = made_path(m, path);
}

static inline UNUSED void made_dns(union made *m, uint32_t tgid, uint64_t start_ns,
				   uint64_t time_ns, const void *message, size_t n)
{
	made_begin(m, REC_DNS, sizeof(struct rec_dns), tgid, start_ns, time_ns);
	m->dns.version = REC_IPV4;
	m->dns.server[0] = 10;
	m->dns.bytes = m->dns.total = (uint16_t)n;
	made_add(m, message, n);
}

static inline UNUSED void made_module(union made *m, uint32_t tgid, uint64_t start_ns,
				      uint64_t time_ns, const char *name, const char *path)
{
	made_begin(m, REC_MODULE, sizeof(struct rec_module), tgid, start_ns, time_ns);
	snprintf(m->module.name, sizeof(m->module.name), "%s", name);
	m->module.path = made_path(m, path);
}

static inline UNUSED void made_bpf(union made *m, enum rec_type type, uint32_t tgid,
				   uint64_t start_ns, uint64_t time_ns, uint32_t what)
{
	made_begin(m, type, sizeof(struct rec_bpf), tgid, start_ns, time_ns);
	m->bpf.type = what;
	m->bpf.id = 77;
	memset(m->bpf.name, 'n', sizeof(m->bpf.name));
}

static inline UNUSED void made_probe(union made *m, uint32_t tgid, uint64_t start_ns,
				     uint64_t time_ns, uint16_t flags, const char *name)
{
	made_begin(m, REC_PROBE, sizeof(struct rec_probe), tgid, start_ns, time_ns);
	m->probe.flags = flags;
	m->probe.offset = 16;
	m->probe.name_bytes = made_text(m, name);
}

static inline UNUSED void made_uring(union made *m, uint32_t tgid, uint64_t start_ns,
				     uint64_t time_ns, uint32_t flags)
{
	made_begin(m, REC_URING, sizeof(struct rec_uring), tgid, start_ns, time_ns);
	m->uring.entries = 8;
	m->uring.flags = flags;
}

/* Adds to an exec: @env variables as one block of @n_env bytes, @script NULL: none. */
static inline UNUSED void made_exec_more(union made *m, const char *env, size_t n_env,
					 const char *script)
{
	made_add(m, env, n_env);
	m->exec.env_bytes = (uint16_t)n_env;
	m->exec.script_bytes = script ? made_text(m, script) : 0;
}

static inline UNUSED void made_protect(union made *m, uint32_t tgid, uint64_t start_ns,
				       uint64_t time_ns, uint8_t call, const char *path)
{
	made_begin(m, REC_PROTECT, sizeof(struct rec_protect), tgid, start_ns, time_ns);
	m->protect.call = call;
	m->protect.address = 0x7f0000000000;
	m->protect.bytes = 4096;
	m->protect.protection = 7;
	m->protect.path = made_path(m, path);
}

static inline UNUSED void made_prctl(union made *m, uint32_t tgid, uint64_t start_ns,
				     uint64_t time_ns, uint32_t option, uint64_t value)
{
	made_begin(m, REC_PRCTL, sizeof(struct rec_prctl), tgid, start_ns, time_ns);
	m->prctl.option = option;
	m->prctl.value = value;
}

static inline UNUSED void made_memory(union made *m, enum rec_type type, uint32_t tgid,
				      uint64_t start_ns, uint64_t time_ns, struct rec_target target)
{
	made_ptrace(m, tgid, start_ns, time_ns, 0, target);
	m->head.type = (uint16_t)type;
}

static inline UNUSED void made_xattr(union made *m, uint32_t tgid, uint64_t start_ns,
				     uint64_t time_ns, const char *attribute, const char *name)
{
	made_begin(m, REC_XATTR, sizeof(struct rec_xattr), tgid, start_ns, time_ns);
	m->head.flags = REC_F_AS_ASKED;
	m->xattr.bytes = 20;
	snprintf(m->xattr.attribute, sizeof(m->xattr.attribute), "%s", attribute);
	m->xattr.path = made_path(m, "/home/user");
	m->xattr.name_bytes = made_text(m, name);
}

static inline UNUSED void made_written(union made *m, uint32_t tgid, uint64_t start_ns,
				       uint64_t time_ns, const char *path)
{
	made_open(m, tgid, start_ns, time_ns, path, 1);
	m->head.type = REC_WRITTEN;
}
