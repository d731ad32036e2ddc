/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* uring - what processes do over io_uring, past the system calls that the other programs watch.
 *
 * Opens and accepted connections are told when they are complete, from the descriptor, as ever; of
 * an open that failed the name is gone by then.  Deletions, renames, links, directories made, and
 * opens into io_uring's own table leave nothing to look at: told when they are submitted, with the
 * kernel's copy of the name and without a result (REC_F_SUBMITTED).  TCP connections need nothing:
 * the socket tells them (network.bpf.c); of unix sockets, bind, listen and writes what is done is
 * told from the request's file.  Not seen: accept by a multishot request or into io_uring's own
 * table, extended attributes.  io_uring_setup itself is told. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/ends.h"
#include "bpf/write.h"

/* enum io_uring_op */
enum {
	OP_WRITEV = 2,
	OP_WRITE_FIXED = 5,
	OP_ACCEPT = 13,
	OP_CONNECT = 16,
	OP_FALLOCATE = 17,
	OP_OPENAT = 18,
	OP_WRITE = 23,
	OP_OPENAT2 = 28,
	OP_SPLICE = 30,
	OP_RENAMEAT = 35,
	OP_UNLINKAT = 36,
	OP_MKDIRAT = 37,
	OP_SYMLINKAT = 38,
	OP_LINKAT = 39,
	OP_FTRUNCATE = 55,
	OP_BIND = 56,
	OP_LISTEN = 57,
};
enum {
	PARAMS_ENTRIES_AT = 0, /* struct io_uring_params */
	PARAMS_FLAGS_AT = 8,
};

/* --- setup --- */
SEC("tracepoint")
int uring_setup(struct call_exit *call)
{
	struct task_struct *t = task_now();
	struct pt_regs *regs = read_call(t, call->nr);
	struct rec_uring r = {};
	char *params;

	if (!regs || !read_watched(t))
		return 0;
	fill_head(&r.head, t);
	r.error = error_of(call->ret);
	r.entries = (uint32_t)ARG1(regs);
	params = (char *)ARG2(regs);
	bpf_probe_read_user(&r.flags, sizeof(r.flags), params + PARAMS_FLAGS_AT);
	r.head.type = REC_URING;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
	return 0;
}

/* --- complete --- */
static __always_inline bool is_open(uint8_t op)
{
	return op == OP_OPENAT || op == OP_OPENAT2;
}

_Static_assert(sizeof(struct rec_open) >= sizeof(struct rec_rename) &&
		       sizeof(struct rec_open) >= sizeof(struct rec_delete) &&
		       sizeof(struct rec_open) >= sizeof(struct rec_create),
	       "the largest that begins here");

static __always_inline struct scratch *uring_begin(struct task_struct *t, uint32_t fixed)
{
	struct scratch *s = scratch_take(SCRATCH_FILE, REC_CLASS_BULK);

	if (!s)
		return NULL;
	fill_move(s, fixed);
	__builtin_memset(s->bytes, 0, sizeof(struct rec_open)); /* the largest */
	fill_head((struct rec_head *)s->bytes, t);
	return s;
}

static __always_inline void uring_end(struct scratch *s, enum rec_type type, uint16_t flags)
{
	struct rec_head *h = (struct rec_head *)s->bytes;

	h->type = (uint16_t)type;
	h->flags = flags;
	emit_scratch(REC_CLASS_BULK, s);
	scratch_give(s);
}

static __always_inline void open_complete(struct task_struct *t, int res)
{
	struct file *file = res >= 0 ? read_fd(t, res) : NULL;
	uint16_t flags = REC_F_AS_ASKED | REC_F_NAME_CUT;
	struct rec_open *r;
	struct scratch *s;

	if (res >= 0 && !file)
		return; /* closed already */
	s = uring_begin(t, sizeof(*r));
	if (!s)
		return;
	r = (struct rec_open *)s->bytes;
	if (file) {
		flags = BPF_CORE_READ(file, f_mode) & FMODE_CREATED ? REC_F_CREATED : 0;
		r->open_flags = BPF_CORE_READ(file, f_flags);
		fill_file(&r->file, file);
		fill_file_path(s, &r->path, file);
	} else {
		r->error = (uint32_t)-res;
	}
	uring_end(s, REC_OPEN, flags);
}

static __always_inline void accept_complete(struct task_struct *t, void *request, int res)
{
	struct sock *sk;

	if (res < 0 || BPF_CORE_READ((struct io_accept *)request, file_slot))
		return;
	sk = read_tcp(t, res);
	if (sk)
		accept_tell(t, sk);
}

/* @res of what sets lengths is 0 when it was done, else bytes. */
static __always_inline void write_complete(struct task_struct *t, struct file *file, uint8_t op,
					   int res)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	if (res < 0 || (res == 0 && op != OP_FALLOCATE && op != OP_FTRUNCATE) ||
	    (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG ||
	    written_lately(BPF_CORE_READ(inode, i_ino), BPF_CORE_READ(inode, i_sb, s_dev)))
		return;
	written_tell(t, TYPED(struct file, file));
}

static __always_inline void socket_complete(struct task_struct *t, struct file *file, uint8_t op,
					    int res)
{
	struct sock *sk = file_socket(file);
	struct rec_tcp *r;

	if (!sk || res < 0) /* what was asked is gone */
		return;
	if (op == OP_CONNECT) {
		unix_tell(t, sk);
		return;
	}
	if (!is_inet(sk))
		return;
	r = own_end_begin(t, sk, op == OP_BIND ? REC_BIND : REC_LISTEN, res);
	if (r)
		emit_submit_bulk(r);
}

#define OP(name)    (1ULL << OP_##name)
#define OPS_OPENING (OP(OPENAT) | OP(OPENAT2))
#define OPS_SOCKET  (OP(CONNECT) | OP(BIND) | OP(LISTEN))
#define OPS_WRITING \
	(OP(WRITEV) | OP(WRITE_FIXED) | OP(FALLOCATE) | OP(WRITE) | OP(SPLICE) | OP(FTRUNCATE))
#define OPS_FOLLOWED (OPS_OPENING | OPS_SOCKET | OPS_WRITING | OP(ACCEPT))

static __always_inline void complete(void *request, int res)
{
	struct io_kiocb *req = request;
	uint8_t op = req ? BPF_CORE_READ(req, opcode) : 0;
	uint64_t bit = op < 64 ? 1ULL << op : 0;
	struct task_struct *t;

	if (!(bit & OPS_FOLLOWED))
		return;
	t = task_now();
	if (!read_watched(t))
		return;
	if (bit & OPS_WRITING)
		write_complete(t, TYPED(struct file, BPF_CORE_READ(req, file)), op, res);
	else if (bit & OPS_SOCKET)
		socket_complete(t, TYPED(struct file, BPF_CORE_READ(req, file)), op, res);
	else if (op == OP_ACCEPT)
		accept_complete(t, request, res);
	else if (!BPF_CORE_READ((struct io_open *)request, file_slot))
		open_complete(t, res);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_complete, void *ctx_, void *req, struct io_uring_cqe *cqe)
{
	complete(req, BPF_CORE_READ(cqe, res));
	return 0;
}

/* Before 6.10. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_old, void *ctx_, void *req, uint64_t user_data, int res)
{
	complete(req, res);
	return 0;
}

/* --- submitted --- */
static __always_inline uint16_t submitted_name(struct scratch *s, struct rec_path *path,
					       struct task_struct *t, int dirfd,
					       struct filename *name, uint16_t *flags)
{
	const char *text = BPF_CORE_READ(name, name);
	char first = '/';

	bpf_probe_read_kernel(&first, 1, text);
	fill_start(s, path, t, dirfd, first);
	return fill_copied(s, text, flags);
}

static __always_inline void submit_open(struct task_struct *t, struct io_open *req)
{
	uint16_t flags = REC_F_AS_ASKED | REC_F_SUBMITTED;
	struct scratch *s = uring_begin(t, sizeof(struct rec_open));
	struct rec_open *r;

	if (!s)
		return;
	r = (struct rec_open *)s->bytes;
	r->name_bytes = submitted_name(s, &r->path, t, BPF_CORE_READ(req, dfd),
				       BPF_CORE_READ(req, filename), &flags);
	uring_end(s, REC_OPEN, flags);
}

static __always_inline void submit_delete(struct task_struct *t, struct io_unlink *req)
{
	uint16_t flags = REC_F_AS_ASKED | REC_F_SUBMITTED;
	struct scratch *s = uring_begin(t, sizeof(struct rec_delete));
	struct rec_delete *r;

	if (!s)
		return;
	r = (struct rec_delete *)s->bytes;
	if (BPF_CORE_READ(req, flags) & AT_REMOVEDIR)
		flags |= REC_F_DIRECTORY;
	r->name_bytes = submitted_name(s, &r->dir, t, BPF_CORE_READ(req, dfd),
				       BPF_CORE_READ(req, filename), &flags);
	uring_end(s, REC_DELETE, flags);
}

static __always_inline void submit_directory(struct task_struct *t, struct io_mkdir *req)
{
	uint16_t flags = REC_F_AS_ASKED | REC_F_SUBMITTED;
	struct scratch *s = uring_begin(t, sizeof(struct rec_create));
	struct rec_create *r;

	if (!s)
		return;
	r = (struct rec_create *)s->bytes;
	r->mode = S_IFDIR;
	r->name_bytes = submitted_name(s, &r->dir, t, BPF_CORE_READ(req, dfd),
				       BPF_CORE_READ(req, filename), &flags);
	uring_end(s, REC_CREATE, flags);
}

struct two_names {
	struct filename *old, *new;
	int old_dir, new_dir;
};

/* Rename, link, symlink: two names.  The text of a symbolic link starts nowhere. */
static __always_inline void submit_two(struct task_struct *t, const struct two_names *n,
				       enum rec_type type)
{
	uint16_t flags = REC_F_AS_ASKED | REC_F_SUBMITTED;
	struct scratch *s = uring_begin(t, sizeof(struct rec_rename));
	struct filename *old = n->old;
	struct rec_rename *r;

	if (!s)
		return;
	r = (struct rec_rename *)s->bytes;
	if (type == REC_SYMLINK)
		r->old_name_bytes = fill_copied(s, BPF_CORE_READ(old, name), &flags);
	else
		r->old_name_bytes = submitted_name(s, &r->old_dir, t, n->old_dir, n->old, &flags);
	r->new_name_bytes = submitted_name(s, &r->new_dir, t, n->new_dir, n->new, &flags);
	uring_end(s, type, flags);
}

static __always_inline void submit_names(struct task_struct *t, void *request, uint8_t op)
{
	struct io_rename *move = request;
	struct io_link *link = request;
	struct two_names n = {};

	if (op == OP_RENAMEAT) {
		n.old = BPF_CORE_READ(move, oldpath);
		n.new = BPF_CORE_READ(move, newpath);
		n.old_dir = BPF_CORE_READ(move, old_dfd);
		n.new_dir = BPF_CORE_READ(move, new_dfd);
	} else {
		n.old = BPF_CORE_READ(link, oldpath);
		n.new = BPF_CORE_READ(link, newpath);
		n.old_dir = BPF_CORE_READ(link, old_dfd);
		n.new_dir = BPF_CORE_READ(link, new_dfd);
	}
	submit_two(t, &n,
		   op == OP_RENAMEAT ? REC_RENAME
		   : op == OP_LINKAT ? REC_LINK
				     : REC_SYMLINK);
}

static __always_inline void submit(void *request)
{
	uint8_t op = BPF_CORE_READ((struct io_kiocb *)request, opcode);
	struct task_struct *t = task_now();

	if (!is_open(op) && (op < OP_RENAMEAT || op > OP_LINKAT))
		return;
	if (is_open(op) && !BPF_CORE_READ((struct io_open *)request, file_slot))
		return;
	if (!read_watched(t))
		return;
	if (is_open(op))
		submit_open(t, request);
	else if (op == OP_UNLINKAT)
		submit_delete(t, request);
	else if (op == OP_MKDIRAT)
		submit_directory(t, request);
	else
		submit_names(t, request, op);
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit, void *req)
{
	submit(req);
	return 0;
}

/* Before 6.4. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_old, void *req)
{
	submit(req);
	return 0;
}
