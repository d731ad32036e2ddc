/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* credentials - user ids, group ids and capabilities that a thread changes itself.
 *
 * What a thread was before is gone when the call returns, so it is noted when the call comes in:
 * the one place with a hook on both ends, of calls that are rare.  Exec's own changes are told by
 * exec. */
#include "bpf/calls.h"
#include "bpf/emit.h"
#include "bpf/fill.h"

static __always_inline void credentials_now(struct credentials *c)
{
	const struct cred *cred = BPF_CORE_READ(task_now(), cred);

	c->ids.uid = BPF_CORE_READ(cred, uid.val);
	c->ids.gid = BPF_CORE_READ(cred, gid.val);
	c->ids.suid = BPF_CORE_READ(cred, suid.val);
	c->ids.sgid = BPF_CORE_READ(cred, sgid.val);
	c->ids.euid = BPF_CORE_READ(cred, euid.val);
	c->ids.egid = BPF_CORE_READ(cred, egid.val);
	c->ids.fsuid = BPF_CORE_READ(cred, fsuid.val);
	c->ids.fsgid = BPF_CORE_READ(cred, fsgid.val);
	bpf_core_read(&c->effective, sizeof(c->effective), &cred->cap_effective);
	bpf_core_read(&c->permitted, sizeof(c->permitted), &cred->cap_permitted);
}

SEC("tracepoint")
int credentials_begin(struct call_enter *call)
{
	uint64_t thread = bpf_get_current_pid_tgid();
	struct credentials c = {};

	if (!read_watched(task_now()))
		return 0;
	credentials_now(&c);
	if ((int)bpf_map_update_elem(&changing, &thread, &c, BPF_ANY))
		emit_lost(REC_CLASS_PRIORITY, REC_LOST_MAP);
	return 0;
}

static __always_inline uint32_t changed(const struct credentials *a, const struct credentials *b)
{
	const struct rec_ids *i = &a->ids, *k = &b->ids;
	uint32_t what = 0;

	if (i->uid != k->uid || i->euid != k->euid || i->suid != k->suid || i->fsuid != k->fsuid)
		what |= REC_CHANGED_UIDS;
	if (i->gid != k->gid || i->egid != k->egid || i->sgid != k->sgid || i->fsgid != k->fsgid)
		what |= REC_CHANGED_GIDS;
	if (!what && (a->effective != b->effective || a->permitted != b->permitted))
		what |= REC_CHANGED_CAPS;
	return what;
}

SEC("tracepoint")
int credentials_end(struct call_exit *call)
{
	uint64_t thread = bpf_get_current_pid_tgid();
	struct credentials *before = bpf_map_lookup_elem(&changing, &thread);
	struct rec_credentials r = {};
	struct credentials after = {};

	if (!before)
		return 0;
	credentials_now(&after);
	r.changed = changed(before, &after);
	r.before = before->ids;
	bpf_map_delete_elem(&changing, &thread);
	if (!r.changed)
		return 0;
	fill_head(&r.head, task_now());
	r.after = after.ids;
	r.effective = after.effective;
	r.permitted = after.permitted;
	r.head.type = REC_CREDENTIALS;
	r.head.size = sizeof(r);
	emit_bytes(REC_CLASS_PRIORITY, &r, sizeof(r));
	return 0;
}
