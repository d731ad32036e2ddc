/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* filter - judges finished records by the set of rules that counts (abi_filter.h).
 *
 * In three functions, one after another, as the stacks of all that call each other have 512 bytes.
 * Everything is looked up in one tree of prefixes, by generation, dimension and value; what a rule
 * asks of paths is looked up in the record's own text, turned root first.  Executables and
 * ancestors are looked up once a process, and handed down at fork, so that an ancestor counts also
 * after it ended. All state that loops change is in memory, so that the loops' states are equal to
 * the verifier. */
#include "bpf/filter.h"
#include "bpf/read.h"

enum { SET_NAME = 15 }; /* PR_SET_NAME */

/* --- masks --- */
#define EACH_WORD(i) _Pragma("unroll") for (int i = 0; i < FILTER_WORDS; i++)

static __always_inline bool mask_any(const struct filter_mask *m)
{
	uint64_t all = 0;

	EACH_WORD(i) all |= m->w[i];
	return all != 0;
}

static __always_inline void mask_add(struct filter_mask *m, const struct filter_mask *more)
{
	EACH_WORD(i) m->w[i] |= more->w[i];
}

static __always_inline void mask_clear(struct filter_mask *m)
{
	EACH_WORD(i) m->w[i] = 0;
}

/* Numbers of the one bit that is set, by de Bruijn's sequence: without branches, of which each
 * would double the verifier's work. */
static const uint8_t bit_numbers[64] = {
	0,  1,	2,  53, 3,  7,	54, 27, 4,  38, 41, 8,	34, 55, 48, 28, 62, 5,	39, 46, 44, 42,
	22, 9,	24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
	23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};

/* Number of the first slot in @m & @of; FILTER_SLOTS: none. */
static __always_inline uint32_t mask_first(const struct filter_mask *m,
					   const struct filter_mask *of)
{
	uint64_t first = 0;
	uint32_t word = FILTER_WORDS, at;

#pragma unroll
	for (int i = FILTER_WORDS - 1; i >= 0; i--) {
		uint64_t w = m->w[i] & of->w[i];

		first = w ? w : first;
		word = w ? (uint32_t)i : word;
	}
	at = (uint32_t)(((first & -first) * 0x022fdd63cc95386d) >> 58);
	return word * 64 + (word < FILTER_WORDS ? bit_numbers[at & 63] : 0);
}

static __always_inline bool mask_has(const struct filter_mask *m, uint32_t slot)
{
	return m->w[slot / 64 % FILTER_WORDS] >> (slot % 64) & 1;
}

/* Below 64 wherever it is used: kernel 6.1 forgets what it knows of a number kept on the stack. */
static __always_inline uint32_t row_index(uint32_t row)
{
	OPAQUE(row);
	return row & (FILTER_ROWS_MOST - 1);
}

/* --- what is at hand --- */
static __always_inline struct filter_work *work_now(void)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(&filter_works, &zero);
}

/* The set of generation @g; NULL: it has been replaced meanwhile. */
static __always_inline struct filter_set *set_of(uint32_t g)
{
	uint32_t at = g % FILTER_SETS;
	struct filter_set *set = bpf_map_lookup_elem(&filter_sets, &at);

	return set && set->generation == g ? set : NULL;
}

/* Adds to w->found the slots for which the @bits of w->key.data hold.  False: the table has none.
 */
static __always_inline bool find(struct filter_work *w, uint8_t dim, uint32_t bits)
{
	struct filter_mask *m;

	w->key.bits = FILTER_HEAD_BITS + bits;
	w->key.generation = (uint16_t)w->generation;
	w->key.dim = dim;
	w->key.pad = 0;
	m = bpf_map_lookup_elem(&filter_values, &w->key);
	if (!m)
		return false;
	mask_add(&w->found, m);
	return true;
}

/* --- text --- */
/* Puts one component and a slash before the text: the string of at most @most bytes at @from, its
 * NUL included.  Returns its bytes; 0: there is none, or no room. */
static __always_inline uint32_t put_component(struct filter_work *w, uint64_t from)
{
	uint32_t at;
	long n = bpf_probe_read_kernel_str(w->part, sizeof(w->part), (void *)from);

	if (n <= 0)
		return 0;
	at = *(volatile uint32_t *)&w->at - (uint32_t)n;
	OPAQUE(at);
	if (at >= FILTER_TEXT_END)
		return 0;
	w->text[at] = '/';
	bpf_probe_read_kernel(w->text + at + 1, (uint32_t)(n - 1) & 255, w->part);
	*(volatile uint32_t *)&w->at = at;
	return (uint32_t)n;
}

/* Puts w->bytes of walked components at w->from, leaf first, before the text.  Leaves in w->bytes
 * what there was no room for. */
__noinline int filter_components(void)
{
	struct filter_work *w = work_now();
	volatile uint32_t *left;
	uint32_t n;

	if (!w)
		return 0;
	left = &w->bytes;
	for (int i = 0; i < FILTER_PARTS_MOST && *left; i++) {
		n = put_component(w, *(volatile uint64_t *)&w->from);
		if (!n || n > *left)
			break;
		*left -= n;
		*(volatile uint64_t *)&w->from += n;
	}
	return 0;
}

/* Puts the @n bytes at @from before the text. */
static __always_inline void put_before(struct filter_work *w, uint64_t from, uint32_t n)
{
	uint32_t at = w->at - n;

	OPAQUE(at);
	OPAQUE(n);
	if (at >= FILTER_TEXT_END || n >= REC_NAME_BYTES)
		return;
	bpf_probe_read_kernel(w->text + at, n, (void *)from);
	w->at = at;
}

static __always_inline void put_byte(struct filter_work *w, uint8_t byte)
{
	uint32_t at = w->at - 1;

	OPAQUE(at);
	if (at >= FILTER_TEXT_END)
		return;
	w->text[at] = byte;
	w->at = at;
}

static __always_inline uint8_t first_byte(struct filter_work *w)
{
	uint32_t at = w->at;

	OPAQUE(at);
	return at < FILTER_TEXT_END ? w->text[at] : 0;
}

static __always_inline void text_clear(struct filter_work *w)
{
	w->text[FILTER_TEXT_END] = 0;
	w->at = FILTER_TEXT_END;
}

/* Finds what asks about the text's beginning, or all of it. */
static __always_inline void find_text(struct filter_work *w, uint8_t dim)
{
	uint32_t at = w->at, n;

	OPAQUE(at);
	if (at > FILTER_TEXT_END)
		return;
	n = FILTER_TEXT_END - at + 1; /* its NUL too */
	if (n > FILTER_KEY_BYTES)
		n = FILTER_KEY_BYTES;
	bpf_probe_read_kernel(w->key.data, FILTER_KEY_BYTES, w->text + at);
	find(w, dim, 8 * n);
}

/* The same of its end. */
static __always_inline void find_suffix(struct filter_work *w)
{
	uint32_t n = FILTER_TEXT_END - w->at;
	uint64_t *to = (uint64_t *)w->key.data;

	if (n > FILTER_SUFFIX_BYTES)
		n = FILTER_SUFFIX_BYTES;
#pragma unroll
	for (int i = 0; i < FILTER_SUFFIX_BYTES / 8; i++)
		to[i] = __builtin_bswap64(*(uint64_t *)(w->text + FILTER_TEXT_END - 8 * (i + 1)));
	find(w, FILTER_SUFFIX, 8 * n);
}

/* --- the paths of a record --- */
/* Offsets of its struct rec_path and length of the name that follow one another in its data. */
struct view {
	uint8_t path[2], name[2]; /* 0: there is none */
	uint8_t error, size, first;
};
#define AT(type, member) __builtin_offsetof(struct type, member)
#define VIEW(type, p, n, e)                                                                       \
	{                                                                                         \
		.path = { AT(type, p) }, .name = { n }, .error = (e), .size = sizeof(struct type) \
	}
#define VIEW_TWO(first_)                                                                    \
	{                                                                                   \
		.path = { AT(rec_rename, old_dir), AT(rec_rename, new_dir) },               \
		.name = { AT(rec_rename, old_name_bytes), AT(rec_rename, new_name_bytes) }, \
		.error = AT(rec_rename, error), .size = sizeof(struct rec_rename),          \
		.first = (first_)                                                           \
	}
#define VIEW_OPEN VIEW(rec_open, path, AT(rec_open, name_bytes), AT(rec_open, error))
#define VIEW_ATTRIBUTES \
	VIEW(rec_attributes, path, AT(rec_attributes, name_bytes), AT(rec_attributes, error))

static const struct view views[FILTER_ROWS_MOST] = {
	[REC_OPEN] = VIEW_OPEN,
	[REC_MEMFD] = VIEW_OPEN,
	[REC_WRITTEN] = VIEW_OPEN,
	[REC_DELETE] = VIEW(rec_delete, dir, AT(rec_delete, name_bytes), AT(rec_delete, error)),
	[REC_CREATE] = VIEW(rec_create, dir, AT(rec_create, name_bytes), 0),
	[REC_RENAME] = VIEW_TWO(0),
	[REC_LINK] = VIEW_TWO(0),
	[REC_PIVOT] = VIEW_TWO(0),
	[REC_SYMLINK] = VIEW_TWO(1), /* the text of the link is no path of a file */
	[REC_CHMOD] = VIEW_ATTRIBUTES,
	[REC_CHOWN] = VIEW_ATTRIBUTES,
	[REC_CHROOT] = VIEW_ATTRIBUTES,
	[REC_MOUNT] = VIEW(rec_mount, dir, AT(rec_mount, name_bytes), AT(rec_mount, error)),
	[REC_UMOUNT] = VIEW(rec_mount, dir, AT(rec_mount, name_bytes), AT(rec_mount, error)),
	[REC_XATTR] = VIEW(rec_xattr, path, AT(rec_xattr, name_bytes), AT(rec_xattr, error)),
	[REC_MODULE] = VIEW(rec_module, path, 0, AT(rec_module, error)),
	[REC_PROTECT] = VIEW(rec_protect, path, 0, 0),
	[REC_UNIX] = VIEW(rec_unix, path, 0, 0),
};

static __always_inline uint32_t fixed_u16(const struct filter_work *w, uint8_t at)
{
	return at ? *(const uint16_t *)(w->fixed + (at & 254)) : 0;
}

static __always_inline uint32_t fixed_u32(const struct filter_work *w, uint8_t at)
{
	return at ? *(const uint32_t *)(w->fixed + (at & 252)) : 0;
}

/* What the names of the record are is not known for sure. */
static __always_inline bool names_in_doubt(const struct filter_work *w, const struct view *v)
{
	uint16_t flags = ((const struct rec_head *)w->fixed)->flags;

	if (flags & (REC_F_NAME_CUT | REC_F_SUBMITTED))
		return true;
	if (flags & REC_F_AS_ASKED) /* of a call that failed it is all there is */
		return fixed_u32(w, v->error) == 0;
	return (fixed_u16(w, v->path[0] + 2) | (v->path[1] ? fixed_u16(w, v->path[1] + 2) : 0)) &
	       REC_PATH_TRUNCATED;
}

/* Makes the text of path @which of the record, root first.  False: it has none, or (w->bytes is not
 * 0) it is too deep. */
static __always_inline bool text_of(struct filter_work *w, const struct view *v, uint32_t which)
{
	uint32_t dir = fixed_u16(w, v->path[which]), name = fixed_u16(w, v->name[which]);
	uint64_t at = w->record + v->size;

	w->bytes = 0;
	if (!v->path[which])
		return false;
	if (which)
		at += fixed_u16(w, v->path[0]) + fixed_u16(w, v->name[0]);
	text_clear(w);
	if (name > 1)
		put_before(w, at + dir, name - 1);
	if (first_byte(w) == '/')
		return true;
	if (name > 1)
		put_byte(w, '/');
	w->from = at;
	w->bytes = dir;
	filter_components();
	if (w->bytes)
		return false; /* too deep */
	if (fixed_u16(w, v->path[which] + 2) & REC_PATH_DETACHED && name <= 1 &&
	    first_byte(w) == '/')
		w->at++;
	if (w->at == FILTER_TEXT_END)
		put_byte(w, '/');
	return true;
}

/* --- processes --- */
/* Makes the text of where w->dentry on mount w->from is, up to the root of its mount namespace; as
 * fill_walk(), but in the order that is looked up.  What is too deep has no text. */
__noinline int filter_walk(void)
{
	const long mount_at = (long)bpf_core_field_offset(struct mount, mnt);
	struct filter_work *w = work_now();
	struct dentry *dentry, *parent;
	struct mount *mount, *above;

	if (!w)
		return 0;
	w->from -= (uint64_t)mount_at;
	for (int i = 0; i < FILTER_PARTS_MOST; i++) {
		dentry = (struct dentry *)*(volatile uint64_t *)&w->dentry;
		mount = (struct mount *)*(volatile uint64_t *)&w->from;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == parent || dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount)
				return 0;
			parent = BPF_CORE_READ(mount, mnt_mountpoint);
			*(volatile uint64_t *)&w->from = (uint64_t)above;
		} else if (!put_component(w, (uint64_t)BPF_CORE_READ(dentry, d_name.name))) {
			break;
		}
		*(volatile uint64_t *)&w->dentry = (uint64_t)parent;
	}
	text_clear(w);
	return 0;
}

/* Fills w->actor's executable and hands_down from the executable of w->task. */
__noinline int filter_executable(void)
{
	struct filter_work *w = work_now();
	struct task_struct *t;
	struct file *file;

	if (!w)
		return 0;
	mask_clear(&w->actor.executable);
	mask_clear(&w->actor.hands_down);
	t = (struct task_struct *)w->task;
	file = BPF_CORE_READ(t, mm, exe_file);
	if (!file)
		return 0;
	text_clear(w);
	w->from = (uint64_t)BPF_CORE_READ(file, f_path.mnt);
	w->dentry = (uint64_t)BPF_CORE_READ(file, f_path.dentry);
	filter_walk();
	mask_clear(&w->found);
	find_text(w, FILTER_EXECUTABLE);
	w->actor.executable = w->found;
	mask_clear(&w->found);
	find_text(w, FILTER_ANCESTOR);
	w->actor.hands_down = w->found;
	return 0;
}

static __always_inline uint64_t start_of(struct task_struct *t)
{
	return BPF_CORE_READ(t, group_leader, start_boottime);
}

static __always_inline struct filter_actor *actor_known(struct filter_work *w, uint32_t tgid,
							uint64_t start_ns)
{
	struct filter_actor *a = bpf_map_lookup_elem(&filter_actors, &tgid);

	return a && a->generation == w->generation && a->start_ns == start_ns ? a : NULL;
}

static __always_inline void actor_keep(struct filter_work *w, uint32_t tgid)
{
	if (bpf_map_update_elem(&filter_actors, &tgid, &w->actor, BPF_ANY))
		__sync_fetch_and_add(&filter_unfollowed, 1);
}

/* Adds to w->actor.ancestors what w->task and those it descends from hand down. */
__noinline int filter_ancestors(void)
{
	struct filter_work *w = work_now();
	struct task_struct *t;
	struct filter_actor *a;

	if (!w)
		return 0;
	for (int i = 0; i < FILTER_ANCESTORS; i++) {
		t = (struct task_struct *)*(volatile uint64_t *)&w->task;
		if (!t || BPF_CORE_READ(t, tgid) <= 0)
			break;
		a = actor_known(w, (uint32_t)BPF_CORE_READ(t, tgid), start_of(t));
		if (a) {
			mask_add(&w->actor.ancestors, &a->ancestors);
			mask_add(&w->actor.ancestors, &a->hands_down);
			break;
		}
		filter_executable();
		mask_add(&w->actor.ancestors, &w->actor.hands_down);
		*(volatile uint64_t *)&w->task = (uint64_t)BPF_CORE_READ(t, real_parent);
	}
	return 0;
}

/* Fills w->actor for the process of w->task, and keeps it. */
static __always_inline void actor_learn(struct filter_work *w)
{
	struct task_struct *t = (struct task_struct *)w->task;
	uint32_t tgid = (uint32_t)BPF_CORE_READ(t, tgid);

	w->actor.generation = w->generation;
	w->actor.start_ns = start_of(t);
	mask_clear(&w->actor.ancestors);
	w->task = (uint64_t)BPF_CORE_READ(t, group_leader, real_parent);
	filter_ancestors();
	w->task = (uint64_t)t;
	filter_executable();
	actor_keep(w, tgid);
}

static __always_inline bool follows(struct filter_work *w)
{
	const struct filter_set *set = set_of(w->generation);

	return set && set->uses & (1 << FILTER_EXECUTABLE | 1 << FILTER_ANCESTOR);
}

/* w->task is a process just made. */
int filter_inherit(void)
{
	struct filter_work *w = work_now();

	if (w && follows(w))
		actor_learn(w);
	return 0;
}

/* w->task has a new executable; its ancestors are what they were. */
int filter_become(void)
{
	struct filter_work *w = work_now();
	struct filter_actor *a;
	struct task_struct *t;
	uint32_t tgid;

	if (!w || !follows(w))
		return 0;
	t = (struct task_struct *)w->task;
	tgid = (uint32_t)BPF_CORE_READ(t, tgid);
	a = actor_known(w, tgid, start_of(t));
	if (!a) {
		actor_learn(w);
		return 0;
	}
	w->actor = *a;
	filter_executable();
	actor_keep(w, tgid);
	return 0;
}

/* Makes w->actor that of the record, if that is known or of the running process. */
int filter_learn(void)
{
	struct filter_work *w = work_now();
	const struct rec_head *h;
	struct filter_actor *a;

	if (!w)
		return 0;
	h = (const struct rec_head *)w->fixed;
	a = actor_known(w, h->tgid, h->start_ns);
	w->actor.start_ns = 0;
	if (a) {
		w->actor = *a;
	} else if ((uint32_t)(bpf_get_current_pid_tgid() >> 32) == h->tgid) {
		w->task = (uint64_t)bpf_get_current_task();
		actor_learn(w);
	}
	return 0;
}

/* --- dimensions --- */
/* Takes out of w->holds what asks about @dim and is not in w->found; false: no slot is left. */
static __always_inline bool narrow(struct filter_work *w, const struct filter_set *set,
				   uint32_t dim)
{
	EACH_WORD(i) w->holds.w[i] &= set->silent[dim].w[i] | w->found.w[i];
	return mask_any(&w->holds);
}

/* All that asks about @dim may hold or not. */
static __always_inline void doubt(struct filter_work *w, const struct filter_set *set, uint32_t dim)
{
	EACH_WORD(i) w->maybe.w[i] |= w->holds.w[i] & ~set->silent[dim].w[i];
}

/* Some slot that is left asks about @dim. */
static __always_inline bool asked(const struct filter_work *w, const struct filter_set *set,
				  uint32_t dim)
{
	uint64_t all = 0;

	if (!(set->uses >> dim & 1))
		return false;
	EACH_WORD(i) all |= w->holds.w[i] & ~set->silent[dim].w[i];
	return all != 0;
}

static __always_inline bool judge_who(struct filter_work *w, const struct filter_set *set)
{
	const struct rec_head *h = (const struct rec_head *)w->fixed;

	if (asked(w, set, FILTER_UID)) {
		mask_clear(&w->found);
		*(uint32_t *)w->key.data = h->uid;
		find(w, FILTER_UID, 32);
		if (!narrow(w, set, FILTER_UID))
			return false;
	}
	if (!asked(w, set, FILTER_CGROUP))
		return true;
	mask_clear(&w->found);
	*(uint64_t *)w->key.data = h->cgroup_id;
	if (find(w, FILTER_CGROUP, 64))
		return narrow(w, set, FILTER_CGROUP);
	doubt(w, set, FILTER_CGROUP);
	return true;
}

static __always_inline bool judge_port(struct filter_work *w, const struct filter_set *set,
				       uint32_t dim, uint16_t port)
{
	if (!asked(w, set, dim))
		return true;
	mask_clear(&w->found);
	*(uint16_t *)w->key.data = port;
	find(w, (uint8_t)dim, 16);
	return narrow(w, set, dim);
}

static __always_inline bool judge_address(struct filter_work *w, const struct filter_set *set,
					  uint32_t dim, const uint8_t *address, uint8_t version)
{
	if (!asked(w, set, dim))
		return true;
	mask_clear(&w->found);
	w->key.data[0] = version;
	__builtin_memcpy(w->key.data + 1, address, 16);
	find(w, (uint8_t)dim, version == REC_IPV6 ? 8 + 128 : 8 + 32);
	return narrow(w, set, dim);
}

enum {
	NETWORK = 1 << FILTER_SOURCE_PORT | 1 << FILTER_DESTINATION_PORT | 1 << FILTER_SOURCE |
		  1 << FILTER_DESTINATION,
	PATHS = 1 << FILTER_PATH | 1 << FILTER_SUFFIX,
	PROCESSES = 1 << FILTER_EXECUTABLE | 1 << FILTER_ANCESTOR
};

static __always_inline bool judge_ends(struct filter_work *w, const struct filter_set *set)
{
	const struct rec_tcp *r = (const struct rec_tcp *)w->fixed;

	return judge_port(w, set, FILTER_SOURCE_PORT, r->source_port) &&
	       judge_port(w, set, FILTER_DESTINATION_PORT, r->dest_port) &&
	       judge_address(w, set, FILTER_SOURCE, r->source, r->version) &&
	       judge_address(w, set, FILTER_DESTINATION, r->dest, r->version);
}

/* For records without what they ask about, slots do not hold. */
static __always_inline bool judge_none(struct filter_work *w, const struct filter_set *set,
				       uint32_t first, uint32_t last)
{
	mask_clear(&w->found);
	for (uint32_t dim = first; dim <= last; dim++)
		narrow(w, set, dim);
	return mask_any(&w->holds);
}

static __always_inline bool judge_network(struct filter_work *w, const struct filter_set *set)
{
	uint16_t type = ((const struct rec_head *)w->fixed)->type;

	if (!(set->uses & NETWORK))
		return true;
	if (type == REC_CONNECT || type == REC_ACCEPT || type == REC_CLOSE || type == REC_LISTEN ||
	    type == REC_BIND || type == REC_DATAGRAM)
		return judge_ends(w, set);
	return judge_none(w, set, FILTER_SOURCE_PORT, FILTER_DESTINATION);
}

static __always_inline bool judge_process(struct filter_work *w, const struct filter_set *set)
{
	if (!asked(w, set, FILTER_EXECUTABLE) && !asked(w, set, FILTER_ANCESTOR))
		return true;
	if (!w->actor.start_ns) {
		doubt(w, set, FILTER_EXECUTABLE);
		doubt(w, set, FILTER_ANCESTOR);
		return true;
	}
	w->found = w->actor.executable;
	if (!narrow(w, set, FILTER_EXECUTABLE))
		return false;
	w->found = w->actor.ancestors;
	return narrow(w, set, FILTER_ANCESTOR);
}

/* The look-ups of one path, into w->found; a global function as both paths of a record need it.
 * Nonzero: it is in doubt. */
__noinline int filter_look_up(uint32_t which, uint32_t suffix)
{
	struct filter_work *w = work_now();
	uint32_t type;

	if (!w || which > 1)
		return 0;
	type = ((const struct rec_head *)w->fixed)->type;
	if (!text_of(w, &views[row_index(type)], which))
		return w->bytes != 0;
	if (suffix)
		find_suffix(w);
	else
		find_text(w, FILTER_PATH);
	return 0;
}

static __always_inline bool judge_text(struct filter_work *w, const struct filter_set *set,
				       const struct view *v, uint32_t dim)
{
	int in_doubt = v->path[0] && names_in_doubt(w, v);

	if (!asked(w, set, dim))
		return true;
	mask_clear(&w->found);
	if (!in_doubt && !v->first)
		in_doubt = filter_look_up(0, dim == FILTER_SUFFIX);
	if (!in_doubt && v->path[1])
		in_doubt = filter_look_up(1, dim == FILTER_SUFFIX);
	if (!in_doubt)
		return narrow(w, set, dim);
	doubt(w, set, dim);
	return true;
}

static __always_inline bool judge_paths(struct filter_work *w, const struct filter_set *set)
{
	const struct view *v = &views[row_index(((const struct rec_head *)w->fixed)->type)];

	return !(set->uses & PATHS) ||
	       (judge_text(w, set, v, FILTER_PATH) && judge_text(w, set, v, FILTER_SUFFIX));
}

/* --- the verdict --- */
/* The kinds the record is told as: rows of filter_set.kinds, and the part of rec_head.left_out that
 * each is; 0: there is no such part. */
static __always_inline void find_parts(struct filter_work *w)
{
	const struct rec_head *h = (const struct rec_head *)w->fixed;
	uint32_t changed = ((const struct rec_credentials *)w->fixed)->changed;
	bool ids = h->type == REC_CREDENTIALS;
	bool named =
		h->type == REC_PRCTL && ((const struct rec_prctl *)w->fixed)->option != SET_NAME;
	bool made = h->type == REC_OPEN && h->flags & REC_F_CREATED;

	w->rows[0] = named ? FILTER_ROW_PRCTL : h->type;
	w->parts[0] = ids ? changed & REC_CHANGED_UIDS : REC_LEFT_FIRST;
	w->rows[1] = ids ? FILTER_ROW_GIDS : FILTER_ROW_CREATED;
	w->parts[1] = ids ? changed & REC_CHANGED_GIDS : made ? REC_LEFT_SECOND : 0;
	w->rows[2] = FILTER_ROW_CAPS;
	w->parts[2] = ids ? changed & REC_CHANGED_CAPS : 0;
}

static __always_inline void count_hit(uint32_t generation, uint32_t slot)
{
	uint32_t at = generation % FILTER_SETS;
	struct filter_hits *hits = bpf_map_lookup_elem(&filter_hits, &at);

	if (hits)
		hits->n[slot % FILTER_SLOTS]++;
}

/* Nonzero when part @i of the record is left out. */
__noinline int filter_decide(uint32_t i)
{
	struct filter_work *w = work_now();
	struct filter_set *set = w ? set_of(w->generation) : NULL;
	uint32_t slot;

	if (!set || i >= FILTER_PARTS)
		return 0;
	slot = mask_first(&w->holds, &set->kinds[row_index(w->rows[i])]);
	if (slot >= FILTER_SLOTS)
		return 0;
	if (mask_has(&w->maybe, slot)) {
		if (mask_has(&set->drops, slot))
			__sync_fetch_and_add(&filter_undecided, 1);
		return 0;
	}
	count_hit(w->generation, slot);
	return mask_has(&set->drops, slot);
}

/* Looks at what the record at w->record tells at once. */
int filter_begin(void)
{
	struct filter_work *w = work_now();
	struct filter_set *set;

	if (!w)
		return FILTER_TOLD;
	set = set_of(w->generation);
	if (!set || bpf_probe_read_kernel(w->fixed, sizeof(w->fixed), (void *)w->record))
		return FILTER_TOLD;
	find_parts(w);
	mask_clear(&w->holds);
	mask_clear(&w->maybe);
#pragma unroll
	for (int i = 0; i < FILTER_PARTS; i++)
		if (w->parts[i])
			mask_add(&w->holds, &set->kinds[row_index(w->rows[i])]);
	if (!mask_any(&w->holds) || !judge_who(w, set) || !judge_network(w, set))
		return FILTER_TOLD;
	return asked(w, set, FILTER_EXECUTABLE) || asked(w, set, FILTER_ANCESTOR) ? FILTER_WHO
										  : FILTER_GO_ON;
}

/* The rest.  Returns FILTER_LEAVE_OUT, or REC_LEFT_* bits. */
int filter_end(void)
{
	struct filter_work *w = work_now();
	uint32_t left = 0, all = 0;
	struct filter_set *set;

	if (!w)
		return 0;
	set = set_of(w->generation);
	if (!set || !judge_process(w, set) || !judge_paths(w, set))
		return 0;
#pragma unroll
	for (int i = 0; i < FILTER_PARTS; i++) {
		all |= w->parts[i];
		if (w->parts[i] && filter_decide((uint32_t)i))
			left |= w->parts[i];
	}
	return left == all ? FILTER_LEAVE_OUT : (int)left;
}
