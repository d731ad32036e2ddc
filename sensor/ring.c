/* SPDX-License-Identifier: Apache-2.0 */
/* The ring's memory is the kernel's (kernel/bpf/ringbuf.c, Documentation/bpf/ringbuf.rst): a page
 * with the reader's position, a page with the writer's, then the data.  libbpf maps the data twice
 * in a row, so that no record is cut at the end; we map it once, which halves the RSS, and copy the
 * rare record that is cut. */
#include "sensor/ring.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "lib/monotonic.h"
#include "sensor/probe.h"

#define BUSY	(1u << 31)
#define DISCARD (1u << 30)
enum { HEADER = 8, COMMIT_EVERY = 256, LONGEST_SLEEP_MS = 1000 };

struct half {
	uint64_t *reader;	/* its page; ours to write */
	const uint64_t *writer; /* its page, followed by the data */
	const uint8_t *data;
	size_t mapped; /* bytes at writer */
	uint64_t at;   /* our position; written to *reader by commit() */
	uint64_t mask;
	uint64_t mark;
};

struct ring {
	struct half halves[REC_CLASSES];
	uint32_t *wake;
	int epoll;
	uint64_t malformed;
	uint8_t whole[REC_MAX_BYTES]; /* a record that was cut */
};

/* --- mapping --- */
static int map_half(struct half *h, struct probe *p, enum rec_class class)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = probe_ring_bytes(p, class);
	int fd = probe_ring_fd(p, class);
	void *m;

	m = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return err_origin(-errno);
	h->reader = m;
	m = mmap(NULL, page + bytes, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (m == MAP_FAILED)
		return err_origin(-errno);
	h->writer = m;
	h->mapped = page + bytes;
	h->data = (const uint8_t *)m + page;
	h->mask = bytes - 1;
	h->mark = probe_ring_mark(p, class);
	h->at = *h->reader;
	return 0;
}

static void unmap_half(struct half *h)
{
	union {
		const void *in;
		void *out;
	} writer = { .in = h->writer };

	if (h->reader)
		munmap(h->reader, (size_t)sysconf(_SC_PAGESIZE));
	if (h->writer)
		munmap(writer.out, h->mapped);
}

struct ring *ring_free(struct ring *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < REC_CLASSES; i++)
		unmap_half(&r->halves[i]);
	if (r->epoll >= 0)
		close(r->epoll);
	free(r);
	return NULL;
}

int ring_new(struct ring **ret, struct probe *p)
{
	AUTO(ring) *r = calloc(1, sizeof(*r));
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int e;

	if (!r)
		return err_origin(-ENOMEM);
	r->wake = probe_wake_word(p);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0)
		return err_origin(-errno);
	for (enum rec_class c = 0; c < REC_CLASSES; c++) {
		e = map_half(&r->halves[c], p, c);
		if (e < 0)
			return e;
		if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, probe_ring_fd(p, c), &event) < 0)
			return err_origin(-errno);
	}
	*ret = TAKE(r);
	return 0;
}

/* --- reading --- */
static uint64_t written(const struct half *h)
{
	return __atomic_load_n(h->writer, __ATOMIC_ACQUIRE);
}

static uint32_t header_at(const struct half *h, uint64_t at)
{
	const void *p = h->data + (at & h->mask);

	return __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
}

/* A record is there and its writer is done with it. */
static bool ready(const struct half *h)
{
	return h->at != written(h) && !(header_at(h, h->at) & BUSY);
}

static void commit(struct half *h)
{
	__atomic_store_n(h->reader, h->at, __ATOMIC_RELEASE);
}

/* The @n bytes at @at in one piece; NULL: too long. */
static const void *in_one_piece(struct ring *r, const struct half *h, uint64_t at, size_t n)
{
	size_t begin = (size_t)(at & h->mask), until_end = (size_t)h->mask + 1 - begin;

	if (n <= until_end)
		return h->data + begin;
	if (n > sizeof(r->whole))
		return NULL;
	memcpy(r->whole, h->data + begin, until_end);
	memcpy(r->whole + until_end, h->data, n - until_end);
	return r->whole;
}

static int give(struct ring *r, const void *at, size_t n, ring_record_fn *fn, void *arg)
{
	const struct rec_head *rec = at;

	if (!at || n < sizeof(*rec) || rec->size < sizeof(*rec) || rec->size > n) {
		r->malformed++;
		return 0;
	}
	return fn(rec, n, arg);
}

/* Gives up to @budget records of one ring, as long as @first (NULL: none) has nothing to give: an
 * exec is read before the opens of the program that it started.
 * Returns how many, or what @fn returned. */
static int64_t consume(struct ring *r, struct half *h, const struct half *first, uint32_t budget,
		       ring_record_fn *fn, void *arg)
{
	uint64_t end = written(h);
	int64_t n = 0;
	int e = 0;

	while (n < budget && h->at < end && e == 0) {
		uint32_t header = header_at(h, h->at), len = header & ~(BUSY | DISCARD);

		if ((header & BUSY) || (first && ready(first)))
			break;
		if (len > h->mask)
			return err_origin(-EBADMSG);
		if (!(header & DISCARD))
			e = give(r, in_one_piece(r, h, h->at + HEADER, len), len, fn, arg);
		h->at += (HEADER + (uint64_t)len + 7) & ~(uint64_t)7;
		n += !(header & DISCARD);
		if (n % COMMIT_EVERY == 0)
			commit(h);
	}
	commit(h);
	return e ? e : n;
}

int64_t ring_consume(struct ring *r, uint32_t budget, ring_record_fn *fn, void *arg)
{
	struct half *priority = &r->halves[REC_CLASS_PRIORITY];
	int64_t total = 0, n, m;

	do {
		n = consume(r, priority, NULL, budget, fn, arg);
		if (n < 0)
			return n;
		m = consume(r, &r->halves[REC_CLASS_BULK], priority,
			    MIN(budget - (uint32_t)n, COMMIT_EVERY), fn, arg);
		if (m < 0)
			return m;
		total += n + m;
		budget -= (uint32_t)(n + m);
	} while (budget && (n + m || ready(priority)));
	return total;
}

/* --- waiting --- */
uint64_t ring_waiting(const struct ring *r, enum rec_class class)
{
	return written(&r->halves[class]) - r->halves[class].at;
}

uint64_t ring_malformed(const struct ring *r)
{
	return r->malformed;
}

static bool any_ready(const struct ring *r)
{
	return ready(&r->halves[REC_CLASS_PRIORITY]) || ready(&r->halves[REC_CLASS_BULK]);
}

static bool due(const struct ring *r, enum rec_wake wake)
{
	if (wake == REC_WAKE_FIRST)
		return any_ready(r);
	if (wake == REC_WAKE_NONE)
		return false;
	if (wake == REC_WAKE_PRIORITY && ready(&r->halves[REC_CLASS_PRIORITY]))
		return true;
	return ring_waiting(r, REC_CLASS_PRIORITY) >= r->halves[REC_CLASS_PRIORITY].mark ||
	       ring_waiting(r, REC_CLASS_BULK) >= r->halves[REC_CLASS_BULK].mark;
}

/* Says when to wake.  True: there is something already. */
static bool arm(struct ring *r, enum rec_wake wake)
{
	__atomic_store_n(r->wake, (uint32_t)wake, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the word first, then the look: see the header */
	return due(r, wake);
}

int ring_wait(struct ring *r, enum rec_wake wake, int timeout_ms)
{
	struct epoll_event events[REC_CLASSES];
	int64_t end = (int64_t)monotonic_ms() + MIN(timeout_ms, LONGEST_SLEEP_MS), left;
	int n = 1;

	if (wake == REC_WAKE_NONE) {
		poll(NULL, 0, MIN(timeout_ms, LONGEST_SLEEP_MS));
		return any_ready(r);
	}
	while (n > 0 && !arm(r, wake)) {
		left = end - (int64_t)monotonic_ms();
		n = left > 0 ? epoll_wait(r->epoll, events, REC_CLASSES, (int)left) : 0;
	}
	__atomic_store_n(r->wake, (uint32_t)REC_WAKE_NONE, __ATOMIC_RELAXED);
	if (n < 0 && errno != EINTR)
		return err_origin(-errno);
	return any_ready(r);
}
