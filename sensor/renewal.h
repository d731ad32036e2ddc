/* SPDX-License-Identifier: Apache-2.0 */
/* renewal - has the node's certificate renewed when it is due.
 * Thread: the loop's; the network is waited for on one of uv's own.  Memory: fixed. */
#pragma once
#include <uv.h>

#include "sensor/enrol.h"
#include "sensor/identity.h"

struct renewal_config {
	uv_loop_t *loop;
	const struct identity *identity; /* of now; zeroed: there is none to renew */
	const char *state_dir;
	/* There is a new one on disk.  Returns 0 or a negative errno with @d. */
	int (*take)(void *arg, struct diag *d);
	void *arg;
};

struct renewal {
	struct renewal_config config;
	uv_timer_t timer;
	uv_work_t work;
	bool is_under_way;
	int result;
	struct diag says;
};

/* Looks at once and then each hour, until the loop's handles are closed; @r stays where it is.
 * Returns 0 or a negative errno. */
NODISCARD int renewal_start(struct renewal *r, const struct renewal_config *config);
