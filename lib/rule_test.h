/* SPDX-License-Identifier: Apache-2.0 */
/* rule_test - runs the tests that a rule carries, on events made by lib/sample.h.
 * Thread: any.  Memory: only during the call. */
#pragma once
#include "lib/rule.h"

/* Runs test @i of @r.  *ret_passed: the rule did as the test says; else @d tells why not.
 * Returns 0, -EINVAL (the test's events are wrong; @d has the place), or -ENOMEM. */
NODISCARD int rule_test_run(const struct rule *r, size_t i, bool *ret_passed, struct diag *d);
