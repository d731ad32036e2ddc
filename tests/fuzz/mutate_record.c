/* SPDX-License-Identifier: Apache-2.0 */
/* mutate_record - kernel records of every type, whose lengths are those of what follows. */
#include "tests/fuzz/mutate.h"

#include "bpf/abi.h"

enum { RECORDS_MAX = 64, DATA_BYTES = 60, FILLER_BYTES = 64 };

/* A length in the fixed part, and what of it follows. */
enum what { ANY, PATH, TEXT, STRINGS };
struct part {
	size_t at, width; /* width 0: there is none */
	enum what what;
};

struct form {
	size_t fixed;
	struct part parts[5];
};

#define LENGTH(type, member, what_)                                                        \
	{                                                                                  \
		offsetof(struct type, member), sizeof(((struct type *)0)->member), (what_) \
	}
#define FILE_FORM(type, first, second)                                        \
	{                                                                     \
		sizeof(struct type),                                          \
		{                                                             \
			LENGTH(type, first, PATH), LENGTH(type, second, TEXT) \
		}                                                             \
	}
#define TWO_FILES_FORM(type, first, second, third, fourth)                            \
	{                                                                             \
		sizeof(struct type),                                                  \
		{                                                                     \
			LENGTH(type, first, PATH), LENGTH(type, second, TEXT),        \
				LENGTH(type, third, PATH), LENGTH(type, fourth, TEXT) \
		}                                                                     \
	}
#define RENAME_FORM \
	TWO_FILES_FORM(rec_rename, old_dir.bytes, old_name_bytes, new_dir.bytes, new_name_bytes)
#define MOUNT_FORM TWO_FILES_FORM(rec_mount, dir.bytes, name_bytes, source_dir.bytes, source_bytes)

static const struct form forms[REC_END] = {
	[REC_EXEC] = { sizeof(struct rec_exec),
		       { LENGTH(rec_exec, exe.bytes, PATH), LENGTH(rec_exec, cwd.bytes, PATH),
			 LENGTH(rec_exec, args_bytes, STRINGS),
			 LENGTH(rec_exec, env_bytes, STRINGS),
			 LENGTH(rec_exec, script_bytes, TEXT) } },
	[REC_ARGS] = { sizeof(struct rec_args), { LENGTH(rec_args, bytes, ANY) } },
	[REC_FORK] = { .fixed = sizeof(struct rec_fork) },
	[REC_EXIT] = { .fixed = sizeof(struct rec_exit) },
	[REC_OPEN] = FILE_FORM(rec_open, path.bytes, name_bytes),
	[REC_MEMFD] = FILE_FORM(rec_open, path.bytes, name_bytes),
	[REC_WRITTEN] = FILE_FORM(rec_open, path.bytes, name_bytes),
	[REC_DELETE] = FILE_FORM(rec_delete, dir.bytes, name_bytes),
	[REC_RENAME] = RENAME_FORM,
	[REC_LINK] = RENAME_FORM,
	[REC_SYMLINK] = RENAME_FORM,
	[REC_PIVOT] = RENAME_FORM,
	[REC_CREATE] = FILE_FORM(rec_create, dir.bytes, name_bytes),
	[REC_CHMOD] = FILE_FORM(rec_attributes, path.bytes, name_bytes),
	[REC_CHOWN] = FILE_FORM(rec_attributes, path.bytes, name_bytes),
	[REC_CHROOT] = FILE_FORM(rec_attributes, path.bytes, name_bytes),
	[REC_XATTR] = FILE_FORM(rec_xattr, path.bytes, name_bytes),
	[REC_MOUNT] = MOUNT_FORM,
	[REC_UMOUNT] = MOUNT_FORM,
	[REC_CONNECT] = { .fixed = sizeof(struct rec_tcp) },
	[REC_ACCEPT] = { .fixed = sizeof(struct rec_tcp) },
	[REC_CLOSE] = { .fixed = sizeof(struct rec_tcp) },
	[REC_LISTEN] = { .fixed = sizeof(struct rec_tcp) },
	[REC_BIND] = { .fixed = sizeof(struct rec_tcp) },
	[REC_DATAGRAM] = { .fixed = sizeof(struct rec_tcp) },
	[REC_UNIX] = { sizeof(struct rec_unix), { LENGTH(rec_unix, path.bytes, PATH) } },
	[REC_DNS] = { sizeof(struct rec_dns), { LENGTH(rec_dns, bytes, ANY) } },
	[REC_MODULE] = { sizeof(struct rec_module), { LENGTH(rec_module, path.bytes, PATH) } },
	[REC_BPF_LOAD] = { .fixed = sizeof(struct rec_bpf) },
	[REC_BPF_MAP] = { .fixed = sizeof(struct rec_bpf) },
	[REC_PROBE] = { sizeof(struct rec_probe), { LENGTH(rec_probe, name_bytes, TEXT) } },
	[REC_URING] = { .fixed = sizeof(struct rec_uring) },
	[REC_PROTECT] = { sizeof(struct rec_protect), { LENGTH(rec_protect, path.bytes, PATH) } },
	[REC_PRCTL] = { .fixed = sizeof(struct rec_prctl) },
	[REC_CREDENTIALS] = { .fixed = sizeof(struct rec_credentials) },
	[REC_PTRACE] = { .fixed = sizeof(struct rec_ptrace) },
	[REC_VM_READ] = { .fixed = sizeof(struct rec_ptrace) },
	[REC_VM_WRITE] = { .fixed = sizeof(struct rec_ptrace) },
	[REC_SIGNAL] = { .fixed = sizeof(struct rec_signal) },
	[REC_SETNS] = { .fixed = sizeof(struct rec_namespace) },
	[REC_UNSHARE] = { .fixed = sizeof(struct rec_namespace) },
};

/* A record at hand, with room. */
union room {
	struct rec_head head;
	struct rec_tcp tcp;
	struct rec_dns dns;
	struct rec_protect protect;
	uint8_t bytes[REC_MAX_BYTES];
};

/* Numbers that have few values. */
static void mend_words(union room *r)
{
	switch (r->head.type) {
	case REC_CONNECT:
	case REC_ACCEPT:
	case REC_CLOSE:
	case REC_LISTEN:
	case REC_BIND:
	case REC_DATAGRAM:
		r->tcp.version = r->tcp.version & 1 ? REC_IPV6 : REC_IPV4;
		r->tcp.direction = r->tcp.direction & 1 ? REC_EGRESS : REC_INGRESS;
		break;
	case REC_DNS:
		r->dns.version = r->dns.version & 1 ? REC_IPV6 : REC_IPV4;
		break;
	case REC_PROTECT:
		r->protect.call = (uint8_t)(REC_MMAP + r->protect.call % REC_SHMAT);
		break;
	default:
		break;
	}
	r->head.time_ns %= UINT64_MAX / 4; /* what the target takes */
}

/* Bytes of @part, the first of them out of what was there. */
static void mend_part(uint8_t *to, const uint8_t *was, size_t n_was, size_t n, enum what what)
{
	static const char filler[] = "usr/bin/sh\0-c\0etc\0LD_PRELOAD=x\0..\0.\0a";

	for (size_t i = 0; i < n; i++)
		to[i] = i < n_was ? was[i] : (uint8_t)filler[i % sizeof(filler)];
	if (n && what != ANY)
		to[n - 1] = 0;
}

/* Makes the lengths those of what follows, which is made where it is missing. */
static void mend(union room *r, size_t size)
{
	const struct form *form = &forms[r->head.type];
	uint8_t was[REC_MAX_BYTES];
	size_t n_was = size > form->fixed ? size - form->fixed : 0, at = form->fixed, used = 0;

	memcpy(was, r->bytes + form->fixed, n_was);
	mend_words(r);
	for (size_t i = 0; i < ARRAY_SIZE(form->parts) && form->parts[i].width; i++) {
		const struct part *p = &form->parts[i];
		uint32_t n = 0;

		memcpy(&n, r->bytes + p->at, p->width);
		n %= mutate_below(20) ? DATA_BYTES : DATA_BYTES * 16;
		memcpy(r->bytes + p->at, &n, p->width);
		mend_part(r->bytes + at, was + used, n_was - used, n, p->what);
		used = MIN(used + n, n_was);
		at += n;
	}
	r->head.size = (uint32_t)at;
}

static void make(union room *r)
{
	uint16_t type = (uint16_t)mutate_below(REC_END);
	const struct form *form = &forms[type];

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < form->fixed; i++)
		r->bytes[i] = mutate_below(3) ? 0 : (uint8_t)mutate_below(256);
	r->head.type = type;
	r->head.tgid = 1 + mutate_below(4);
	r->head.tid = r->head.tgid + (mutate_below(8) == 0);
	r->head.start_ns = r->head.tgid * 100;
	r->head.time_ns = 1000 + mutate_below(1000);
	mend(r, form->fixed);
}

/* @size bytes of it are there; there is room for some more. */
static void change(union room *r, size_t size)
{
	const struct form *form;
	uint16_t type = r->head.type;

	if (type >= REC_END || forms[type].fixed == 0) {
		make(r);
		return;
	}
	form = &forms[type];
	if (mutate_below(2))
		LLVMFuzzerMutate(r->bytes + sizeof(r->head), form->fixed - sizeof(r->head),
				 form->fixed - sizeof(r->head));
	else if (size > form->fixed && mutate_below(2))
		size = form->fixed + LLVMFuzzerMutate(r->bytes + form->fixed, size - form->fixed,
						      size - form->fixed + 32);
	else
		LLVMFuzzerMutate(r->bytes + 6, sizeof(r->head) - 6, sizeof(r->head) - 6);
	r->head.type = type;
	if (mutate_below(16))
		mend(r, size);
}

struct place {
	size_t at, n;
};

static size_t find(const uint8_t *data, size_t n, struct place *ret)
{
	size_t count = 0;

	for (size_t at = 0; at + 4 <= n && count < RECORDS_MAX; count++) {
		uint32_t size;

		memcpy(&size, data + at, sizeof(size));
		size = (uint32_t)MIN(MAX(size, 4U), n - at);
		ret[count] = (struct place){ at, size };
		at += size;
	}
	return count;
}

size_t mutate_records(uint8_t *data, size_t n, size_t max)
{
	static union room room;
	struct place places[RECORDS_MAX], p = { n, 0 };
	size_t count = find(data, n, places), after, gone = 0;

	if (count && mutate_below(6)) {
		p = places[mutate_below((uint32_t)count)];
		gone = mutate_below(8) ? p.n : 0; /* 0: the changed one comes before it */
		if (count > 1 && mutate_below(12) == 0) {
			memmove(data + p.at, data + p.at + p.n, n - p.at - p.n);
			return n - p.n;
		}
		memset(&room, 0, sizeof(room));
		memcpy(&room, data + p.at, MIN(p.n, sizeof(room) - FILLER_BYTES));
		change(&room, MIN(p.n, sizeof(room) - FILLER_BYTES));
	} else {
		make(&room);
	}
	after = n - p.at - gone;
	if (room.head.size > sizeof(room) || p.at + room.head.size + after > max)
		return 0;
	memmove(data + p.at + room.head.size, data + p.at + gone, after);
	memcpy(data + p.at, &room, room.head.size);
	return p.at + room.head.size + after;
}
