/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <jansson.h>

#include "sensor/doctor.h"

static struct doctor doctor;

static const struct doctor_finding *finding(const char *check)
{
	for (size_t i = 0; i < doctor.n; i++)
		if (strcmp(doctor.findings[i].check, check) == 0)
			return &doctor.findings[i];
	fail_msg("no finding %s", check);
	return NULL;
}

static void look(struct options *o)
{
	doctor = (struct doctor){ .options = o };
	doctor_look(&doctor);
}

/* A port of this host where somebody listens (@listening), or just did. */
static int a_port(bool listening, char url[64])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(a);

	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	if (listening)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	snprintf(url, 64, "tcp://127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

static void test_doctor_given_a_machine_when_looked_at_then_every_check_says_something(void **state)
{
	static const char *const checks[] = { "kernel",	 "btf",	   "capabilities",
					      "tracefs", "compat", "cgroup",
					      "clock",	 "disk",   "collector" };
	char url[64];
	AUTO_FD int fd = a_port(true, url);
	struct options o = { .collectors = { .at = { url }, .n = 1 },
			     .state_dir = "/tmp/rtsec-doctor/not/there" };

	(void)state;
	look(&o);
	assert_int_equal(doctor.n, ARRAY_SIZE(checks));
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		const struct doctor_finding *f = finding(checks[i]);

		assert_true(f->found[0] != '\0');
		if (f->state == DOCTOR_FAIL)
			assert_true(f->mend[0] != '\0');
	}
	assert_int_equal(finding("kernel")->state, DOCTOR_OK);
	assert_int_equal(finding("collector")->state, DOCTOR_OK);
	assert_int_equal(finding("disk")->state, DOCTOR_OK);
	assert_true(fd >= 0);
}

static void test_doctor_given_boot_options_when_looked_at_then_32_bit_calls_are_known(void **state)
{
	(void)state;
	assert_true(doctor_compat_off("quiet ia32_emulation=0"));
	assert_true(doctor_compat_off("ia32_emulation=off quiet"));
	assert_true(doctor_compat_off("xia32_emulation=1 ia32_emulation=n"));
	assert_false(doctor_compat_off("ia32_emulation=on"));
	assert_false(doctor_compat_off("xia32_emulation=0"));
	assert_false(doctor_compat_off(""));
}

static void test_doctor_given_no_collector_when_looked_at_then_that_fails_and_can_be_mended(
	void **state)
{
	static const char *const bad[] = { "tcp://no such host:1", "tcp://[::1]:x" };
	struct options o = { .state_dir = "/tmp" };
	char url[64];
	AUTO_FD int fd = a_port(false, url);

	(void)state;
	assert_true(fd >= 0);
	o.collectors = (struct config_texts){ .at = { url }, .n = 1 };
	look(&o);
	assert_int_equal(finding("collector")->state, DOCTOR_FAIL);
	assert_non_null(strstr(finding("collector")->mend, "start the collector"));
	assert_int_equal(doctor_worst(&doctor), DOCTOR_FAIL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		o.collectors.at[0] = bad[i];
		look(&o);
		assert_int_equal(finding("collector")->state, DOCTOR_FAIL);
	}
	o.collectors = (struct config_texts){ .at = { "ipc" }, .n = 1 };
	look(&o);
	assert_int_equal(finding("collector")->state, DOCTOR_WARN);
}

static void test_doctor_given_a_small_disk_when_looked_at_then_warned(void **state)
{
	struct options o = { .collectors = { .at = { "ipc" }, .n = 1 },
			     .state_dir = "/tmp",
			     .spool_bytes = UINT64_MAX };

	(void)state;
	look(&o);
	assert_int_equal(finding("disk")->state, DOCTOR_WARN);
	o.collectors.n = 0;
	o.state_dir = "relative/nowhere";
	look(&o);
	assert_int_equal(finding("disk")->state, DOCTOR_FAIL);
	assert_int_equal(finding("collector")->state, DOCTOR_FAIL); /* none is named */
}

static void test_doctor_given_findings_when_printed_then_text_and_json_have_all(void **state)
{
	AUTO_BUF struct buf text = { 0 }, json = { 0 };
	json_t *top;

	(void)state;
	doctor = (struct doctor){ 0 };
	doctor_say(&doctor, "one", DOCTOR_OK, NULL, "all is \"well\"");
	doctor_say(&doctor, "two", DOCTOR_WARN, "mend it", "not so %d", 2);
	assert_int_equal(doctor_worst(&doctor), DOCTOR_WARN);
	doctor_print(&doctor, false, &text);
	buf_byte(&text, 0);
	assert_non_null(strstr((char *)text.data, "warn  two"));
	assert_non_null(strstr((char *)text.data, "to mend: mend it"));
	doctor_print(&doctor, true, &json);
	top = json_loadb((const char *)json.data, json.n, 0, NULL);
	assert_int_equal(json_array_size(top), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(top, 0), "found")),
			    "all is \"well\"");
	assert_true(json_is_null(json_object_get(json_array_get(top, 0), "mend")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(top, 1), "state")),
			    "warn");
	json_decref(top);
}

static void test_doctor_given_too_many_findings_when_said_then_the_rest_is_left_out(void **state)
{
	(void)state;
	doctor = (struct doctor){ 0 };
	for (int i = 0; i < DOCTOR_FINDINGS + 3; i++)
		doctor_say(&doctor, "x", DOCTOR_OK, NULL, "%d", i);
	assert_int_equal(doctor.n, DOCTOR_FINDINGS);
}

static void test_doctor_given_a_kind_without_a_tier_when_asked_then_why_and_how_to_mend_it(
	void **state)
{
	const char *mend = NULL;

	(void)state;
	assert_string_equal(doctor_missing(KIND_OPEN, &mend), "these events are not seen here");
	assert_non_null(mend);
	assert_non_null(doctor_missing(KIND_MODULE, &mend));
	assert_int_equal(!mend,
			 access("/proc/modules", F_OK) < 0); /* nothing to mend, nothing to see */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_doctor_given_a_machine_when_looked_at_then_every_check_says_something),
		cmocka_unit_test(
			test_doctor_given_boot_options_when_looked_at_then_32_bit_calls_are_known),
		cmocka_unit_test(
			test_doctor_given_no_collector_when_looked_at_then_that_fails_and_can_be_mended),
		cmocka_unit_test(test_doctor_given_a_small_disk_when_looked_at_then_warned),
		cmocka_unit_test(
			test_doctor_given_findings_when_printed_then_text_and_json_have_all),
		cmocka_unit_test(
			test_doctor_given_too_many_findings_when_said_then_the_rest_is_left_out),
		cmocka_unit_test(
			test_doctor_given_a_kind_without_a_tier_when_asked_then_why_and_how_to_mend_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
