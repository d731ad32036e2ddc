/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sensor/probe_filter.h"
#include "sensor/probe_load.h"
#include "sensor/probe_skel.h"
#include "sensor/probe_throttle.h"

enum { LOOKS = 10, LOOK_AGAIN_MS = 5 };

struct probe {
	struct probe_kept kept;
	bool filters; /* can be set */
	int n_cpus;
	struct rec_losses *losses, *losses_before; /* per CPU */
	struct throttle_state *throttle;
	struct filter_state filter;
	unsigned n_other; /* times in a row that it found shared words not as they must be */
	bool other_netns; /* its own opens are not looked at */
	uint32_t ignored[REC_IGNORED]; /* what control.ignored must be */
};

/* --- making one --- */
struct probe *probe_free(struct probe *p)
{
	if (!p)
		return NULL;
	probe_kept_done(&p->kept);
	free(p->losses);
	free(p->losses_before);
	free(p->throttle);
	filter_state_done(&p->filter);
	free(p);
	return NULL;
}

static int make_losses(struct probe *p)
{
	p->n_cpus = libbpf_num_possible_cpus();
	if (p->n_cpus < 0)
		return err_origin(p->n_cpus);
	p->losses = calloc((size_t)p->n_cpus, sizeof(*p->losses));
	p->losses_before = calloc((size_t)p->n_cpus, sizeof(*p->losses));
	p->throttle = calloc(1, sizeof(*p->throttle));
	p->filter.read = calloc((size_t)p->n_cpus, sizeof(*p->filter.read));
	if (!p->losses || !p->losses_before || !p->throttle || !p->filter.read)
		return err_origin(-ENOMEM);
	return 0;
}

static void make_filter(struct probe *p)
{
	p->filter.sets = p->kept.filter_sets;
	p->filter.values = p->kept.filter_values;
	p->filter.hits = p->kept.filter_hits;
	p->filter.generation = &p->kept.memory->filter_generation;
	p->filter.follows = &p->kept.memory->filter_follows;
	p->filter.n_cpus = p->n_cpus;
}

/* 0: not known. */
static uint32_t own_netns(void)
{
	struct stat s;

	return stat("/proc/self/ns/net", &s) == 0 ? (uint32_t)s.st_ino : 0;
}

int probe_new(struct probe **ret, const struct probe_settings *settings, struct diag *d)
{
	AUTO(probe) *p = calloc(1, sizeof(*p));
	int r;

	if (d)
		d->text[0] = 0;
	if (!p)
		return err_origin(-ENOMEM);
	p->filters = settings->filters;
	p->other_netns = settings->only_netns && settings->only_netns != own_netns();
	r = make_losses(p);
	if (r == 0)
		r = probe_load(&p->kept, settings, p->n_cpus, d);
	if (r < 0)
		return r;
	make_filter(p);
	p->ignored[0] = p->kept.memory->control.ignored[0];
	*ret = TAKE(p);
	return 0;
}

/* --- questions --- */
const struct probe_tier *probe_tiers(const struct probe *p, size_t *ret_n)
{
	*ret_n = p->kept.n_tiers;
	return p->kept.tiers;
}

const char *probe_note(const struct probe *p, size_t i)
{
	return i < p->kept.n_notes ? p->kept.notes[i] : NULL;
}

void probe_links(const struct probe *p, struct guard_links *to)
{
	for (size_t i = 0; i < p->kept.n_links; i++)
		(void)guard_links_note(to, bpf_link__fd(p->kept.links[i]));
}

const struct guard_ids *probe_ids(const struct probe *p)
{
	return &p->kept.ids;
}

int probe_ignore_tgid(struct probe *p, uint32_t tgid)
{
	uint32_t *slots = p->kept.memory->control.ignored;

	for (size_t i = 0; i < REC_IGNORED; i++) {
		if (slots[i] == 0 || slots[i] == tgid) {
			p->ignored[i] = tgid;
			__atomic_store_n(&slots[i], tgid, __ATOMIC_RELAXED);
			return 0;
		}
	}
	return err_origin(-ENOSPC);
}

void probe_unignore_tgid(struct probe *p, uint32_t tgid)
{
	uint32_t *slots = p->kept.memory->control.ignored;

	for (size_t i = 0; i < REC_IGNORED; i++) {
		if (slots[i] == tgid) { /* else it has ended */
			p->ignored[i] = 0;
			__atomic_store_n(&slots[i], 0, __ATOMIC_RELAXED);
		}
	}
}

/* Whether opens of this process are seen (and left out) at all. */
static bool sees_itself(const struct probe *p)
{
	uint32_t self = (uint32_t)getpid();
	bool opens = false, left_out = false;

	for (size_t i = 0; i < p->kept.n_tiers; i++)
		opens = opens || (p->kept.tiers[i].kind == KIND_OPEN &&
				  strcmp(p->kept.tiers[i].tier, "none") != 0);
	for (size_t i = 0; i < REC_IGNORED; i++)
		left_out = left_out || p->ignored[i] == self;
	return opens && left_out && !p->other_netns;
}

/* The programs free the place of who has ended (forget_ignored() in bpf/process.bpf.c); this
 * process has not. */
static bool words_are_ours(struct probe *p)
{
	const struct rtsec_bpf__bss *b = p->kept.memory;

	for (size_t i = 0; i < REC_IGNORED; i++) {
		uint32_t now = __atomic_load_n(&b->control.ignored[i], __ATOMIC_RELAXED);

		if (now == 0 && p->ignored[i] != (uint32_t)getpid())
			p->ignored[i] = 0;
		if (now != p->ignored[i])
			return false;
	}
	return __atomic_load_n(&b->filter_generation, __ATOMIC_RELAXED) == p->filter.in_force;
}

/* An open of ours is seen, or there can be none. */
static bool sees_open(const struct probe *p)
{
	const struct rtsec_bpf__bss *b = p->kept.memory;
	uint64_t before = __atomic_load_n(&b->left_out, __ATOMIC_RELAXED);
	AUTO_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd < 0 || __atomic_load_n(&b->left_out, __ATOMIC_RELAXED) != before;
}

/* One look may find nothing: while who reads or writes some map is off its CPU, the kernel runs no
 * program of a system call there (bpf_disable_instrumentation()). */
static bool is_blind(const struct probe *p)
{
	for (int i = 0; i < LOOKS; i++) {
		if (sees_open(p))
			return false;
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
	return true;
}

const char *probe_wrong(struct probe *p)
{
	p->n_other = words_are_ours(p) ? 0 : p->n_other + 1;
	if (p->n_other > 1) /* once may be a change of ours under way */
		return "somebody changed what the sensor's programs leave out";
	if (sees_itself(p) && is_blind(p))
		return "the sensor's programs see nothing any more";
	return NULL;
}

void probe_counts(const struct probe *p, struct probe_counts *ret)
{
	const struct rtsec_bpf__bss *b = p->kept.memory;

	ret->left_out = __atomic_load_n(&b->left_out, __ATOMIC_RELAXED);
	ret->undecided = __atomic_load_n(&b->filter_undecided, __ATOMIC_RELAXED);
	ret->unfollowed = __atomic_load_n(&b->filter_unfollowed, __ATOMIC_RELAXED);
	ret->unthrottled = __atomic_load_n(&b->unthrottled, __ATOMIC_RELAXED);
	ret->arrivals_missed = __atomic_load_n(&b->arrivals_missed, __ATOMIC_RELAXED);
}

static void add_loss(struct probe_loss *sum, const struct rec_loss *now,
		     const struct rec_loss *before)
{
	uint64_t n = now->count - before->count;
	uint64_t from = MAX(now->first_ns, before->last_ns);

	if (n == 0)
		return;
	sum->from_ns = sum->count ? MIN(sum->from_ns, from) : from;
	sum->to_ns = MAX(sum->to_ns, now->last_ns);
	sum->count += n;
}

int probe_loss(struct probe *p, struct probe_loss ret[REC_CLASSES][REC_CAUSES])
{
	struct rec_losses *swap = p->losses;
	uint32_t zero = 0;

	memset(ret, 0, sizeof(ret[0]) * REC_CLASSES);
	if (bpf_map_lookup_elem(p->kept.losses, &zero, p->losses) < 0)
		return err_origin(-errno);
	__atomic_add_fetch(&p->kept.memory->control.loss_epoch, 1, __ATOMIC_RELAXED);
	for (int cpu = 0; cpu < p->n_cpus; cpu++) {
		for (size_t i = 0; i < REC_CLASSES * REC_CAUSES; i++)
			add_loss(&ret[0][0] + i, &p->losses[cpu].by[0][0] + i,
				 &p->losses_before[cpu].by[0][0] + i);
	}
	p->losses = p->losses_before;
	p->losses_before = swap;
	return 0;
}

int probe_throttles(struct probe *p, struct probe_throttle *ret, size_t most)
{
	uint64_t seen = __atomic_load_n(&p->kept.memory->throttled, __ATOMIC_RELAXED);
	struct timespec t;
	int n;

	if (seen == p->throttle->seen)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &t);
	n = throttle_read(p->throttle, p->kept.workloads,
			  (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec, ret,
			  most);
	if (n >= 0 && (size_t)n < most)
		p->throttle->seen = seen;
	return n;
}

int probe_filter(struct probe *p, struct filter *rules, struct diag *d)
{
	if (filter_n(rules) && !p->filters)
		return diag_set(d, err_origin(-ENOTSUP), 0, 0,
				"it was started without filters, to cost nothing for them: restart "
				"it (with an empty list, filters: [], it takes some later)");
	return filter_state_set(&p->filter, rules, d);
}

void probe_filter_cgroup(struct probe *p, uint64_t id, const char *container)
{
	filter_state_cgroup(&p->filter, id, container);
}

int probe_filter_counts(struct probe *p, struct probe_filter_count *ret, size_t most)
{
	return filter_state_counts(&p->filter, ret, most);
}

int probe_ring_fd(const struct probe *p, enum rec_class class)
{
	return p->kept.rings[class];
}

uint32_t probe_ring_bytes(const struct probe *p, enum rec_class class)
{
	return p->kept.ring_bytes[class];
}

uint32_t probe_ring_mark(const struct probe *p, enum rec_class class)
{
	return p->kept.marks[class];
}

uint32_t *probe_wake_word(struct probe *p)
{
	return &p->kept.memory->control.wake;
}
