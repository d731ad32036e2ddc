/* SPDX-License-Identifier: Apache-2.0 */
/* uring - the least of io_uring that a test needs: one request at a time. */
#pragma once
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/sensor/kernel_fixture.h"

struct uring {
	int fd;
	uint8_t *rings;
	size_t n_rings;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

static inline UNUSED void uring_open(struct uring *u, uint32_t flags)
{
	*u = (struct uring){ .params = { .flags = flags } };
	u->fd = (int)syscall(SYS_io_uring_setup, 8, &u->params);
	assert_true(u->fd >= 0);
	assert_true(u->params.features & IORING_FEAT_SINGLE_MMAP);
	u->n_rings =
		MAX(u->params.sq_off.array + u->params.sq_entries * sizeof(uint32_t),
		    u->params.cq_off.cqes + u->params.cq_entries * sizeof(struct io_uring_cqe));
	u->rings = mmap(NULL, u->n_rings, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd,
			IORING_OFF_SQ_RING);
	u->sqes = mmap(NULL, u->params.sq_entries * sizeof(*u->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED, u->fd, IORING_OFF_SQES);
	assert_ptr_not_equal(u->rings, MAP_FAILED);
	assert_ptr_not_equal(u->sqes, MAP_FAILED);
}

static inline UNUSED void uring_close(struct uring *u)
{
	munmap(u->rings, u->n_rings);
	munmap(u->sqes, u->params.sq_entries * sizeof(*u->sqes));
	close(u->fd);
}

static inline UNUSED uint32_t *uring_word(const struct uring *u, uint32_t at)
{
	return (void *)(u->rings + at);
}

/* Does @sqe and waits for it.  Returns its result. */
static inline UNUSED int uring_do(struct uring *u, const struct io_uring_sqe *sqe)
{
	uint32_t mask = *uring_word(u, u->params.sq_off.ring_mask);
	uint32_t *tail = uring_word(u, u->params.sq_off.tail), at = *tail & mask, head;
	const struct io_uring_cqe *cqes = (const void *)(u->rings + u->params.cq_off.cqes);
	int result;

	u->sqes[at] = *sqe;
	uring_word(u, u->params.sq_off.array)[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	assert_int_equal(syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0),
			 1);
	head = *uring_word(u, u->params.cq_off.head);
	assert_int_not_equal(
		head, __atomic_load_n(uring_word(u, u->params.cq_off.tail), __ATOMIC_ACQUIRE));
	result = cqes[head & *uring_word(u, u->params.cq_off.ring_mask)].res;
	__atomic_store_n(uring_word(u, u->params.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return result;
}
