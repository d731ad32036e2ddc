/* SPDX-License-Identifier: Apache-2.0 */
/* record - checks a kernel record once, with all its lengths, and hands out views of its parts.
 * After record_open() succeeded nobody needs to check again.  Source: bpf/abi.h.
 * Thread: any.  Memory: views into the record. */
#pragma once
#include "bpf/abi.h"
#include "lib/fields.h"

/* Components leaf first, each ended by NUL; @n bytes. */
struct record_path {
	const char *parts;
	uint32_t n;
	uint16_t flags; /* REC_PATH_* */
};

struct record_text {
	const char *s; /* NUL-terminated */
	uint32_t n;    /* without the NUL; 0: none */
};

struct record {
	enum rec_type type;
	enum kind_class class;
	const struct rec_head *head;
	union { /* by type */
		const struct rec_exec *exec;
		const struct rec_args *args;
		const struct rec_fork *fork;
		const struct rec_exit *exit;
		const struct rec_open *open;
		const struct rec_delete *del;
		const struct rec_rename *rename;
		const struct rec_tcp *tcp;
		const struct rec_credentials *credentials;
		const struct rec_ptrace *ptrace;
		const struct rec_signal *signal;
		const struct rec_namespace *ns;
		const struct rec_create *create;
		const struct rec_attributes *attributes;
		const struct rec_mount *mount;
		const struct rec_dns *dns;
		const struct rec_protect *protect;
		const struct rec_prctl *prctl;
		const struct rec_xattr *xattr;
		const struct rec_module *module;
		const struct rec_bpf *bpf;
		const struct rec_probe *probe;
		const struct rec_uring *uring;
	};
	/* exec: exe, cwd, script; open, memfd, written, chmod, chown, chroot, xattr, unix, module,
	 * protect: path; create: dir; mount: dir, source dir; delete: dir; rename, link, pivot: old
	 * dir, new dir */
	struct record_path path[3];
	/* open, memfd, delete, create, chmod, chown, chroot, xattr, probe: name as asked; rename,
	 * link, pivot: old, new; mount: mount point, source; exec: script */
	struct record_text name[2];
	const char *arg_bytes; /* exec, args: argument bytes; of exec the last is a NUL */
	uint32_t n_arg_bytes;
	const uint8_t *message; /* dns */
	const char *env;	/* exec: variables; the last byte is a NUL */
};

/* Opens @data (8-byte aligned, @n bytes readable).  Returns 0 or -EBADMSG (*ret is then undefined).
 */
NODISCARD int record_open(struct record *ret, const void *data, size_t n);

/* Writes the walked path as text, "/usr/bin/true", NUL-terminated and cut to fit; of a detached
 * file without the leading "/" ("memfd:name").  Returns its length. */
size_t record_path_text(const struct record_path *p, char *buf, size_t n);

/* Writes the path that a call meant: @name, or if relative @dir/@name, without "//", "/./" and (by
 * the text alone) "..".  NUL-terminated, cut to fit.  Returns its length. */
size_t record_asked_text(const struct record_path *dir, const struct record_text *name, char *buf,
			 size_t n);
