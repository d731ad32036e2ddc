/* SPDX-License-Identifier: Apache-2.0 */
/* spool_fixture - a spool in a folder of its own, and frames to put into it.
 * Thread: the test's own.  Memory: freed with the fixture. */
#pragma once
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sensor/spool_record.h"
#include "sensor/spool.h"

static UNUSED char dir[64];

static UNUSED struct spool *spool;

static UNUSED struct spool_config config;

/* A frame of @n bytes, all of them made of its number. */
static inline UNUSED struct outbox_frame *frame(size_t n, uint64_t seq, uint64_t priority,
						uint64_t bulk)
{
	struct outbox_frame *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->data = malloc(n);
	memset(f->data, (int)(seq & 0xff), n);
	f->n = n;
	f->first_seq = seq;
	f->last_seq = seq + priority + bulk - 1;
	f->events[CLASS_PRIORITY] = priority;
	f->events[CLASS_BULK] = bulk;
	f->from_ns = seq * 10;
	f->to_ns = seq * 10 + 5;
	return f;
}

static inline UNUSED void start(void)
{
	struct diag d = { 0 };

	if (spool_new(&spool, &config, &d) < 0)
		fail_msg("%s", d.text);
}

static inline UNUSED void restart(void)
{
	spool = spool_free(spool);
	start();
}

static inline UNUSED int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rtsec-spool-XXXXXX");
	assert_non_null(mkdtemp(dir));
	config = (struct spool_config){ .dir = dir, .max_bytes = 1 << 20, .boot_id = { 7 } };
	start();
	return 0;
}

static inline UNUSED int teardown(void **state)
{
	char command[128];

	(void)state;
	spool = spool_free(spool);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static inline UNUSED int append(size_t n, uint64_t seq, uint64_t priority, uint64_t bulk)
{
	AUTO(outbox_frame) *f = frame(n, seq, priority, bulk);
	struct spool_ref ref;

	return spool_append(spool, f, false, &ref);
}

/* Takes the next and checks it.  Returns its first number, 0: there is none. */
static inline UNUSED uint64_t next(bool done)
{
	AUTO(outbox_frame) *f = NULL;
	int r = spool_next(spool, &f);

	if (r == SPOOL_E_EMPTY)
		return 0;
	assert_int_equal(0, r);
	for (size_t i = 0; i < f->n; i++)
		assert_int_equal(f->first_seq & 0xff, f->data[i]);
	assert_int_equal(f->first_seq * 10 + 5, f->to_ns);
	if (done)
		spool_done(spool, &f->spooled);
	return f->first_seq;
}

static inline UNUSED struct spool_totals totals(void)
{
	struct spool_totals t;

	spool_totals(spool, &t);
	return t;
}

static UNUSED struct losses losses;

static UNUSED uint64_t n_lost;

static inline UNUSED bool lost(struct loss *ret)
{
	n_lost = spool_losses(spool, &losses);
	return losses_take(&losses, ret);
}

static inline UNUSED void check_no_loss(void)
{
	struct loss l;

	assert_false(lost(&l));
	assert_int_equal(0, n_lost);
}

/* Path of the only file. */
static inline UNUSED const char *file(void)
{
	static char path[512];
	DIR *d = opendir(dir);
	const struct dirent *e;

	assert_non_null(d);
	path[0] = 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			assert_false(path[0]);
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		}
	closedir(d);
	return path;
}
