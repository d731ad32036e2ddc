/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensor/proctab.h"

static const uint8_t boot[16] = { 1, 2, 3 };
static const uint64_t second = 1000000000;

static struct proctab *make(uint32_t capacity)
{
	struct proctab *t = NULL;

	assert_int_equal(0, proctab_new(&t, capacity, "node", boot));
	return t;
}

static struct proc *add(struct proctab *t, uint32_t pid, const char *exe, struct proc *parent,
			uint32_t sid)
{
	struct proc_program program = { .exe = exe, .n_exe = (uint32_t)strlen(exe) };
	struct proc *p = proctab_add(t, pid, pid * second);

	assert_int_equal(0, proctab_set_image(p, &program));
	proctab_set_parent(t, p, parent);
	p->now.id.sid = sid;
	return p;
}

static void test_proctab_given_a_start_in_ns_and_in_ticks_when_hashed_then_the_entity_is_one(void **state)
{
	struct proctab *t = make(8), *other = NULL;

	(void)state;
	assert_int_equal(proctab_entity(t, 7, 123456789), proctab_entity(t, 7, 120000000));
	assert_int_not_equal(proctab_entity(t, 7, 123456789), proctab_entity(t, 7, 130000000));
	assert_int_not_equal(proctab_entity(t, 7, 123456789), proctab_entity(t, 8, 123456789));
	assert_int_equal(0, proctab_new(&other, 8, "node2", boot));
	assert_int_not_equal(proctab_entity(t, 7, 1), proctab_entity(other, 7, 1));
	proctab_free(other);
	proctab_free(t);
}

static void test_proctab_given_a_process_from_proc_when_the_kernel_names_it_then_it_is_found(void **state)
{
	struct proctab *t = make(8);
	struct proc *p = proctab_add(t, 7, 12 * PROCTAB_TICK_NS);

	(void)state;
	assert_ptr_equal(p, proctab_find(t, 7, 12 * PROCTAB_TICK_NS + 9999999));
	assert_null(proctab_find(t, 7, 13 * PROCTAB_TICK_NS));
	proctab_free(t);
}

static void test_proctab_given_a_full_table_when_adding_then_the_dead_go_first(void **state)
{
	struct proctab *t = make(4);
	struct proctab_counters counters;
	struct proc *parent = add(t, 1, "/init", NULL, 1);
	struct proc *dead_parent = add(t, 2, "/dead_parent", parent, 1);
	struct proc *dead = add(t, 3, "/dead", parent, 1);

	(void)state;
	add(t, 4, "/child", dead_parent, 1);
	proctab_exit(t, dead_parent, second);
	proctab_expire(t, 100 * second);
	proctab_exit(t, dead, 99 * second);
	add(t, 5, "/new", parent, 1);
	assert_null(proctab_find(t, 3, 3 * second));
	assert_non_null(proctab_find(t, 2, 2 * second));
	add(t, 6, "/newer", parent, 1);
	assert_null(proctab_find(t, 2, 2 * second));
	proctab_find(t, 1, second); /* active: not the one to go */
	add(t, 7, "/newest", NULL, 1);
	assert_non_null(proctab_find(t, 1, second));
	assert_null(proctab_find(t, 4, 4 * second));
	proctab_counters(t, &counters);
	assert_int_equal(3, counters.evicted);
	assert_int_equal(1, counters.evicted_alive);
	assert_int_equal(4, counters.alive);
	proctab_free(t);
}

static void test_proctab_given_a_chain_of_dead_parents_when_the_last_child_goes_then_all_go(void **state)
{
	struct proctab *t = make(64);
	struct proctab_counters counters;
	struct proc *p = NULL;

	(void)state;
	for (uint32_t pid = 1; pid <= 40; pid++) {
		struct proc *child = add(t, pid, "/x", p, 1);

		if (p)
			proctab_exit(t, p, pid * second);
		p = child;
	}
	proctab_expire(t, 1000 * second);
	proctab_counters(t, &counters);
	assert_int_equal(39, counters.dead);
	proctab_exit(t, p, 1000 * second);
	proctab_expire(t, 2000 * second);
	proctab_counters(t, &counters);
	assert_int_equal(0, counters.dead + counters.alive);
	assert_int_equal(0, counters.evicted);
	proctab_free(t);
}

static void test_proctab_given_an_exec_when_a_late_event_comes_then_it_sees_the_version_before(void **state)
{
	struct proctab *t = make(8);
	struct proc *p = add(t, 5, "/bin/sh", NULL, 5);
	struct proc_program program = { .exe = "/bin/true", .n_exe = 9, .comm = "true", .n_comm = 4 };

	(void)state;
	assert_int_equal(0, proctab_exec(p, &program, 10 * second));
	assert_string_equal("true", p->now.image->name);
	assert_int_equal(1, p->now.generation);
	assert_string_equal("sh", proctab_version(p, 9 * second)->image->name);
	assert_ptr_equal(&p->now, proctab_version(p, 10 * second));
	proctab_free(t);
}

static void test_proctab_given_a_fork_when_inherited_then_image_and_identity_are_the_parents(void **state)
{
	struct proctab *t = make(8);
	struct proc *parent = add(t, 5, "/bin/sh", NULL, 5), *child = proctab_add(t, 6, 6 * second);

	(void)state;
	parent->now.id.euid = 1000;
	proctab_set_parent(t, child, parent);
	proctab_inherit(child, parent, 6 * second);
	assert_string_equal("/bin/sh", child->now.image->exe);
	assert_int_equal(1000, child->now.id.euid);
	assert_int_equal(2, child->now.image->refs);
	assert_ptr_equal(parent, proctab_parent(t, child));
	assert_ptr_equal(parent, proctab_session_leader(t, child));
	proctab_free(t);
}

static void test_proctab_given_a_login_when_asked_then_the_entry_leader_is_the_login_shell(void **state)
{
	struct proctab *t = make(16);
	struct proc *init = add(t, 1, "/sbin/init", NULL, 1);
	struct proc *sshd = add(t, 2, "/usr/sbin/sshd", init, 2);
	struct proc *shell = add(t, 3, "/bin/bash", sshd, 3);
	struct proc *tmux = add(t, 4, "/usr/bin/tmux", shell, 4);
	struct proc *inner = add(t, 5, "/bin/bash", tmux, 5);
	struct proc *cat = add(t, 6, "/bin/cat", inner, 5);

	(void)state;
	assert_ptr_equal(inner, proctab_session_leader(t, cat));
	assert_ptr_equal(shell, proctab_entry_leader(t, cat));
	assert_ptr_equal(sshd, proctab_entry_leader(t, sshd));
	assert_ptr_equal(init, proctab_entry_leader(t, init));
	proctab_free(t);
}

static void test_proctab_given_a_used_pid_when_it_comes_again_then_both_are_known(void **state)
{
	struct proctab *t = make(8);
	struct proc *old = proctab_add(t, 9, second), *young;

	(void)state;
	proctab_exit(t, old, 2 * second);
	young = proctab_add(t, 9, 3 * second);
	assert_ptr_equal(old, proctab_find(t, 9, second));
	assert_ptr_equal(young, proctab_find(t, 9, 3 * second));
	assert_ptr_equal(old, proctab_find_pid(t, 9, 2 * second));
	assert_ptr_equal(young, proctab_find_pid(t, 9, 4 * second));
	proctab_free(t);
}

int main(void)
{
	struct proctab *t = NULL;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_proctab_given_a_start_in_ns_and_in_ticks_when_hashed_then_the_entity_is_one),
		cmocka_unit_test(
			test_proctab_given_a_process_from_proc_when_the_kernel_names_it_then_it_is_found),
		cmocka_unit_test(
			test_proctab_given_a_full_table_when_adding_then_the_dead_go_first),
		cmocka_unit_test(
			test_proctab_given_a_chain_of_dead_parents_when_the_last_child_goes_then_all_go),
		cmocka_unit_test(
			test_proctab_given_an_exec_when_a_late_event_comes_then_it_sees_the_version_before),
		cmocka_unit_test(
			test_proctab_given_a_fork_when_inherited_then_image_and_identity_are_the_parents),
		cmocka_unit_test(
			test_proctab_given_a_login_when_asked_then_the_entry_leader_is_the_login_shell),
		cmocka_unit_test(
			test_proctab_given_a_used_pid_when_it_comes_again_then_both_are_known),
	};

	if (proctab_new(&t, 1, "node", boot) != -EINVAL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
