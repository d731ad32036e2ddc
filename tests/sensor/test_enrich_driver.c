/* SPDX-License-Identifier: Apache-2.0 */
/* What enrich makes of modules, BPF, probes and io_uring. */
#include "tests/sensor/enrich_fixture.h"

#include <errno.h>

static void test_enrich_driver_given_modules_when_told_then_name_and_file_are_fields(void **state)
{
	(void)state;
	made_module(&made, 10, 10 * second, 20 * second, "evil", "/tmp/evil.ko");
	feed();
	made_module(&made, 10, 10 * second, 20 * second, "", ""); /* init_module */
	made.module.error = EPERM;
	feed();
	seal();
	assert_int_equal(2, rows(KIND_MODULE));
	check_text(0, "event.category", "driver");
	check_text(0, "event.action", "load_module");
	check_text(0, "rtsec.module.name", "evil");
	check_text(0, "file.path", "/tmp/evil.ko");
	check_text(0, "event.outcome", "success");
	check_text(1, "rtsec.module.name", NULL);
	check_text(1, "file.path", NULL);
	check_text(1, "error.code", "EPERM");
}

static void test_enrich_driver_given_bpf_when_told_then_types_are_words(void **state)
{
	(void)state;
	made_bpf(&made, REC_BPF_LOAD, 10, 10 * second, 20 * second, 29);
	feed();
	made_bpf(&made, REC_BPF_LOAD, 10, 10 * second, 20 * second, 1000);
	feed();
	made_bpf(&made, REC_BPF_MAP, 10, 10 * second, 20 * second, 27);
	feed();
	seal();
	assert_int_equal(2, rows(KIND_BPF_LOAD));
	check_text(0, "rtsec.bpf.type", "lsm");
	check_text(0, "rtsec.bpf.name", "nnnnnnnnnnnnnnnn");
	check_number(0, "rtsec.bpf.id", 77);
	check_text(1, "rtsec.bpf.type", "1000");
	assert_int_equal(1, rows(KIND_BPF_MAP));
	check_text(0, "rtsec.bpf.type", "ringbuf");
}

static void test_enrich_driver_given_objects_when_taken_then_an_alarm_when_they_are_its_own(
	void **state)
{
	static const struct {
		enum rec_bpf_object object;
		const char *message;
	} own[] = {
		{ REC_BPF_OBJECT_PROGRAM, "a process got hold of a BPF program of the sensor" },
		{ REC_BPF_OBJECT_MAP, "a process got hold of a BPF map of the sensor" },
		{ REC_BPF_OBJECT_LINK, "a process got hold of a BPF link of the sensor" },
	};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(own); i++) {
		made_bpf(&made, REC_BPF_TAKEN, 10, 10 * second, (20 + i) * second, own[i].object);
		made.bpf.id = FIXTURE_OWN_ID;
		feed();
		made.bpf.id = FIXTURE_OWN_ID + 1; /* somebody else's */
		feed();
	}
	made_bpf(&made, REC_BPF_TAKEN, 10, 10 * second, 30 * second, 1000);
	feed();
	seal();
	assert_int_equal(3, rows(KIND_ALARM));
	for (uint32_t i = 0; i < ARRAY_SIZE(own); i++) {
		check_text(i, "rtsec.alarm.reason", "ring_opened");
		check_text(i, "rtsec.alarm.state", "raised");
		check_text(i, "message", own[i].message);
	}
}

static void test_enrich_driver_given_probes_when_told_then_type_and_name_are_fields(void **state)
{
	(void)state;
	made_probe(&made, 10, 10 * second, 20 * second, 0, "do_exit");
	feed();
	made_probe(&made, 10, 10 * second, 20 * second, REC_PROBE_RETURN | REC_PROBE_USER,
		   "/bin/bash");
	feed();
	made_probe(&made, 10, 10 * second, 20 * second, 0xffff, "");
	feed();
	seal();
	assert_int_equal(3, rows(KIND_PROBE));
	check_text(0, "rtsec.probe.type", "kprobe");
	check_text(0, "rtsec.probe.name", "do_exit");
	check_number(0, "rtsec.probe.offset", 16);
	check_text(1, "rtsec.probe.type", "uretprobe");
	check_text(1, "rtsec.probe.name", "/bin/bash");
	check_text(2, "rtsec.probe.name", NULL);
}

static void test_enrich_driver_given_an_io_uring_when_made_then_its_flags_are_words(void **state)
{
	(void)state;
	made_uring(&made, 10, 10 * second, 20 * second, 1 << 1 | 1 << 12 | 1u << 31);
	feed();
	seal();
	assert_int_equal(1, rows(KIND_IO_URING));
	check_list(0, "rtsec.io_uring.flags", "sqpoll single_issuer");
}

/* Anyone may ask for all of them; the kernel says no, and the attempt is told. */
static void test_enrich_driver_given_all_flags_at_once_when_told_then_each_is_a_word(void **state)
{
	(void)state;
	made_uring(&made, 10, 10 * second, 20 * second, UINT32_MAX);
	feed();
	seal();
	assert_int_equal(1, rows(KIND_IO_URING));
	check_list(0, "rtsec.io_uring.flags",
		   "iopoll sqpoll sq_aff cqsize clamp attach_wq r_disabled submit_all coop_taskrun "
		   "single_issuer defer_taskrun no_mmap");
}

static void test_enrich_driver_given_a_submitted_call_when_told_then_its_outcome_is_unknown(
	void **state)
{
	(void)state;
	made_link(&made, REC_LINK, 10, 10 * second, 20 * second, "old", "new");
	made.head.flags |= REC_F_SUBMITTED;
	feed();
	made_open_failed(&made, 10, 10 * second, 20 * second, "/tmp", "x", 0);
	made.head.flags |= REC_F_SUBMITTED;
	feed();
	seal();
	assert_int_equal(1, rows(KIND_LINK));
	check_text(0, "file.path", "/home/user/new");
	check_text(0, "event.outcome", "unknown");
	check_text(0, "error.code", NULL);
	assert_int_equal(1, rows(KIND_OPEN));
	check_text(0, "file.path", "/tmp/x");
	check_text(0, "event.outcome", "unknown");
	assert_int_equal(VALUE_NULL, value(0, "file.inode").type);
}

#define T(name) cmocka_unit_test_setup_teardown(test_enrich_driver_given_##name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(modules_when_told_then_name_and_file_are_fields),
		T(bpf_when_told_then_types_are_words),
		T(objects_when_taken_then_an_alarm_when_they_are_its_own),
		T(probes_when_told_then_type_and_name_are_fields),
		T(an_io_uring_when_made_then_its_flags_are_words),
		T(all_flags_at_once_when_told_then_each_is_a_word),
		T(a_submitted_call_when_told_then_its_outcome_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
