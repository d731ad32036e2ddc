/* SPDX-License-Identifier: Apache-2.0 */
/* The sensor's small parts: numbers, users, names, options, node, acks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>

#include <cmocka.h>

#include "lib/uuid.h"
#include "sensor/ack.h"
#include "sensor/names.h"
#include "sensor/node.h"
#include "sensor/options.h"
#include "sensor/seq.h"
#include "sensor/users.h"
#include "tests/sensor/ack_encode.h"

#define BOOT "3d03e335-9586-44b8-b03d-10757b3652f6"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rtsec-small-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static const char *write_file(const char *name, const char *text)
{
	static char path[128];
	AUTO_FD int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(strlen(text), write(fd, text, strlen(text)));
	return path;
}

/* ---- seq ---- */

static void test_seq_given_a_clean_stop_when_opened_again_then_numbers_go_on(void **state)
{
	struct seq_past past;
	struct diag d = { 0 };
	struct seq s;

	(void)state;
	assert_int_equal(0, seq_open(&s, dir, BOOT, 1000, &past, &d));
	assert_int_equal(1000, s.next);
	assert_false(past.clean);
	assert_int_equal(0, past.lost_last);
	s.next = 1234;
	seq_close(&s, true);
	assert_int_equal(0, seq_open(&s, dir, BOOT, 5000, &past, &d));
	assert_true(past.clean);
	assert_int_equal(1234, s.next);
	seq_close(&s, true);
}

static void test_seq_given_a_kill_when_opened_again_then_a_range_is_told_and_none_comes_twice(
	void **state)
{
	struct seq_past past;
	struct diag d = { 0 };
	struct seq s;

	(void)state;
	assert_int_equal(0, seq_open(&s, dir, BOOT, 1000, &past, &d));
	s.next = 1500;
	seq_note(&s, 1400);
	seq_close(&s, false);
	assert_int_equal(0, seq_open(&s, dir, BOOT, 9000, &past, &d));
	assert_false(past.clean);
	assert_int_equal(1400, past.lost_first);
	assert_int_equal(8999, past.lost_last);
	assert_int_equal(9000, s.next);
	seq_close(&s, false);
}

static void test_seq_given_another_boot_or_a_broken_file_when_opened_then_it_begins_anew(
	void **state)
{
	struct seq_past past;
	struct diag d = { 0 };
	struct seq s;

	(void)state;
	assert_int_equal(0, seq_open(&s, dir, BOOT, 1000, &past, &d));
	seq_close(&s, true);
	assert_int_equal(0,
			 seq_open(&s, dir, "00000000-9586-44b8-b03d-10757b3652f6", 70, &past, &d));
	assert_int_equal(70, s.next);
	assert_int_equal(0, past.lost_last);
	seq_close(&s, true);
	write_file("seq", "garbage");
	assert_int_equal(0, seq_open(&s, dir, BOOT, 80, &past, &d));
	assert_int_equal(80, s.next);
	assert_true(past.unreadable); /* who knows which numbers of this boot were used */
	assert_int_equal(1, past.lost_first);
	assert_int_equal(79, past.lost_last);
	seq_close(&s, true);
}

static void test_seq_given_another_boot_that_ended_without_a_stop_when_opened_then_it_is_told(
	void **state)
{
	struct seq_past past;
	struct diag d = { 0 };
	struct seq s;

	(void)state;
	assert_int_equal(0, seq_open(&s, dir, BOOT, 1000, &past, &d));
	assert_false(past.cut);
	seq_note(&s, 1200);
	seq_close(&s, false);
	assert_int_equal(0,
			 seq_open(&s, dir, "00000000-9586-44b8-b03d-10757b3652f6", 70, &past, &d));
	assert_true(past.cut);
	assert_string_equal(past.cut_boot, BOOT);
	assert_int_equal(past.cut_first, 1200);
	assert_true(past.cut_ns > 0);
	assert_int_equal(past.lost_last, 0);
	assert_int_equal(s.next, 70);
	seq_close(&s, true);
	assert_int_equal(0, seq_open(&s, dir, BOOT, 1000, &past, &d));
	assert_false(past.cut);
	seq_close(&s, true);
}

static void test_seq_given_a_running_sensor_when_a_second_opens_then_it_is_told_why(void **state)
{
	struct seq_past past;
	struct diag d = { 0 };
	struct seq s, second;
	char path[4200];

	(void)state;
	assert_int_equal(0, seq_open(&s, dir, BOOT, 1000, &past, &d));
	assert_int_equal(-EBUSY, seq_open(&second, dir, BOOT, 1000, &past, &d));
	assert_non_null(strstr(d.text, "another sensor"));
	snprintf(path, sizeof(path), "%s/seq", dir);
	assert_int_equal(0, unlink(path)); /* to get rid of a lock that is in the way */
	assert_int_equal(-EBUSY, seq_open(&second, dir, BOOT, 1000, &past, &d));
	assert_non_null(strstr(d.text, "another sensor"));
	seq_close(&s, true);
	assert_int_equal(-ENOENT, seq_open(&s, "/no/such/folder", BOOT, 1, &past, &d));
}

/* ---- users ---- */

static void test_users_given_odd_lines_when_read_then_good_ones_have_names(void **state)
{
	AUTO(users) *u = NULL;
	const char *path = write_file("passwd", "root:x:0:0::/:/bin/sh\n\n:x:5:\nbad\nno:id\n"
						"ann:x:1000:1000::\nagain:x:1000:1:\n"
						"huge:x:4294967296:\nlast:x:7");

	(void)state;
	assert_int_equal(0, users_new(&u, path, "/no/such/file"));
	assert_string_equal("root", users_name(u, 0));
	assert_string_equal("ann", users_name(u, 1000));
	assert_string_equal("last", users_name(u, 7));
	assert_null(users_name(u, 5));
	assert_null(users_group(u, 0));
}

static void test_users_given_a_changed_file_when_refreshed_then_new_names_are_known(void **state)
{
	AUTO(users) *u = NULL;
	const char *path = write_file("passwd", "old:x:1:\n");

	(void)state;
	assert_int_equal(0, users_new(&u, path, path));
	write_file("passwd", "newer:x:1:\nx:x:2:\n");
	users_refresh(u, 500000000); /* less than a second after */
	assert_string_equal("old", users_name(u, 1));
	users_refresh(u, 2000000000);
	assert_string_equal("newer", users_name(u, 1));
	assert_string_equal("x", users_group(u, 2));
	unlink(path);
	users_refresh(u, 4000000000);
	assert_null(users_name(u, 1));
}

/* ---- names ---- */

static void test_names_given_numbers_when_named_then_they_are_the_kernels(void **state)
{
	const char *words[WORDS_MAX];
	char buf[32];

	(void)state;
	assert_string_equal("ENOENT", name_of_error(2));
	assert_string_equal("ECONNREFUSED", name_of_error(111));
	assert_null(name_of_error(0));
	assert_null(name_of_error(100000));
	assert_string_equal("SIGKILL", name_of_signal(9, buf, sizeof(buf)));
	assert_string_equal("SIG33", name_of_signal(33, buf, sizeof(buf)));
	assert_string_equal("SIGRTMIN", name_of_signal(34, buf, sizeof(buf)));
	assert_string_equal("SIGRTMIN+3", name_of_signal(37, buf, sizeof(buf)));
	assert_null(name_of_signal(65, buf, sizeof(buf)));
	assert_null(name_of_signal(0, buf, sizeof(buf)));
	assert_int_equal(1, names_of_open(O_RDONLY, words));
	assert_string_equal("read", words[0]);
	assert_int_equal(4, names_of_open(O_RDWR | O_APPEND | O_CREAT, words));
	assert_string_equal("write", words[1]);
	assert_int_equal(1, names_of_open(O_PATH, words));
	assert_int_equal(
		7,
		names_of_open(O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_TRUNC | O_DIRECTORY, words));
	assert_string_equal("dir", name_of_type(0040755));
	assert_null(name_of_type(0));
}

/* ---- options ---- */

static int parse(struct options *o, struct diag *d, const char *a, const char *b)
{
	/* The machine's own file must not change what is asked here. */
	static char text_a[256], text_b[256], name[] = "rtsec-sensor",
					      file[] = "--config=/dev/null";
	char *argv[] = { name, file, text_a, text_b };

	snprintf(text_a, sizeof(text_a), "%s", a ? a : "");
	snprintf(text_b, sizeof(text_b), "%s", b ? b : "");
	return options_parse(o, 2 + (a != NULL) + (b != NULL), argv, d);
}

static void test_options_given_good_ones_when_parsed_then_they_are_set(void **state)
{
	struct diag d = { 0 };
	struct options o;
	uint64_t kinds;

	(void)state;
	assert_int_equal(0, parse(&o, &d, NULL, NULL));
	assert_int_equal(0, o.collectors.n); /* where it was enrolled */
	assert_int_equal(64 << 20, o.queue_bytes);
	assert_int_equal(7 * 86400, o.spool_age_s);
	assert_int_equal(SPOOL_SYNC_INTERVAL, o.spool_sync);
	options_done(&o);
	assert_int_equal(0, parse(&o, &d, "--collector", "tcp://10.0.0.1:1"));
	assert_string_equal("tcp://10.0.0.1:1", o.collectors.at[0]);
	options_done(&o);
	assert_int_equal(0, parse(&o, &d, "--label=env=prod", NULL));
	assert_int_equal(1, o.labels.n);
	assert_string_equal("env", o.labels.at[0].key);
	assert_string_equal("prod", o.labels.at[0].value);
	options_done(&o);
	assert_int_equal(0, parse(&o, &d, "--queue-bytes=3K", "--ignore-pid=77"));
	assert_int_equal(3072, o.queue_bytes);
	assert_int_equal(77, o.ignored.at[0]);
	options_done(&o);
	assert_int_equal(0, parse(&o, &d, "--log-level", "warn"));
	assert_int_equal(LOG_WARN, o.log_level);
	options_done(&o);
	assert_int_equal(0, parse(&o, &d, "--without=open", "--throttle=7"));
	assert_int_equal(7, o.throttle);
	assert_int_equal(0, options_kinds(&o, &kinds, &d));
	assert_true(kinds == ~(UINT64_C(1) << KIND_OPEN));
	options_done(&o);
}

static void test_options_given_bad_ones_when_parsed_then_each_is_refused_with_a_reason(void **state)
{
	static const char *const bad[][2] = {
		{ "--nonsense", NULL },
		{ "stray", NULL },
		{ "--collector", NULL },
		{ "--collector=", NULL },
		{ "--queue-bytes", "12X" },
		{ "--queue-bytes", "99999999999G" },
		{ "--queue-bytes", "-1" },
		{ "--label", "novalue" },
		{ "--label", "=x" },
		{ "--ignore-pid", "0" },
		{ "--without", "exec" },
		{ "--without", "gap" },
		{ "--without", "nothing" },
		{ "--log-level", "loud" },
		{ "--insecure", NULL },
		{ "-collector", "x" },
		{ "--", NULL },
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct diag d = { 0 };

		assert_int_equal(-EINVAL, parse(&o, &d, bad[i][0], bad[i][1]));
		assert_true(d.text[0]);
	}
}

/* ---- node ---- */

static void test_node_given_a_machine_id_when_derived_then_it_is_stable_and_not_the_same(
	void **state)
{
	static const char machine[] = "0123456789abcdef0123456789abcdef";
	char a[33], b[33];

	(void)state;
	node_id_derive(machine, 32, a);
	node_id_derive(machine, 32, b);
	assert_string_equal(a, b);
	assert_int_equal(32, strlen(a));
	assert_string_not_equal(a, machine);
	node_id_derive(machine, 31, b);
	assert_string_not_equal(a, b);
}

static void test_node_given_this_machine_when_read_then_its_facts_are_known(void **state)
{
	struct diag d = { 0 };
	struct node node;
	char long_id[200];

	(void)state;
	assert_int_equal(0, node_read(&node, NULL, NULL, dir, &d));
	assert_true(node.id[0] && node.name[0] && node.os_kernel[0]);
	assert_int_equal(36, strlen(node.boot_text));
	assert_int_equal(0, node_read(&node, "my-id", "my-name", dir, &d));
	assert_string_equal("my-id", node.id);
	assert_string_equal("my-name", node.name);
	memset(long_id, 'x', sizeof(long_id));
	long_id[sizeof(long_id) - 1] = 0;
	assert_int_equal(-EINVAL, node_read(&node, long_id, NULL, dir, &d));
	assert_int_equal(-EINVAL, node_read(&node, NULL, "", dir, &d));
}

static void test_node_given_uuid_text_when_parsed_then_only_good_ones_pass(void **state)
{
	uint8_t id[16];

	(void)state;
	assert_int_equal(0, uuid_parse(BOOT, 36, id));
	assert_int_equal(0x3d, id[0]);
	assert_int_equal(0xf6, id[15]);
	assert_int_equal(-EBADMSG, uuid_parse(BOOT, 35, id));
	assert_int_equal(-EBADMSG, uuid_parse("3d03e335x9586-44b8-b03d-10757b3652f6", 36, id));
	assert_int_equal(-EBADMSG, uuid_parse("3d03e335-9586-44b8-b03d-10757b3652fg", 36, id));
}

/* ---- ack ---- */

static void test_ack_given_each_code_when_encoded_and_parsed_then_it_is_the_same(void **state)
{
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf out = { 0 }, scratch = { 0 };
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(0, frame_codec_new(&codec));
	for (enum ack_code code = ACK_STORED; code <= ACK_BUSY; code++) {
		struct ack a = { .code = code,
				 .first_seq = 1 + code,
				 .linger_ms = 5,
				 .pid = 7,
				 .received_time_ns = 99,
				 .reason = "why" },
			   b;

		buf_clear(&out);
		assert_int_equal(0, ack_encode(&a, codec, &out));
		assert_int_equal(0, ack_parse(&b, out.data, out.n, codec, &scratch, &d));
		assert_int_equal(code, b.code);
		assert_int_equal(1 + code, b.first_seq);
		assert_int_equal(5, b.linger_ms);
		assert_int_equal(7, b.pid);
		assert_string_equal("why", b.reason);
		for (size_t n = 0; n < out.n; n++)
			assert_int_equal(-EBADMSG, ack_parse(&b, out.data, n, codec, &scratch, &d));
	}
}

static void test_ack_given_a_claim_of_megabytes_when_parsed_then_it_is_refused(void **state)
{
	uint8_t frame[64] = "RTS1\2\1\0\0\0\0\0\1";
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf scratch = { 0 };
	struct diag d = { 0 };
	struct ack a;

	(void)state;
	assert_int_equal(0, frame_codec_new(&codec));
	assert_int_equal(-EBADMSG, ack_parse(&a, frame, sizeof(frame), codec, &scratch, &d));
	assert_non_null(strstr(d.text, "claims"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_seq_given_a_clean_stop_when_opened_again_then_numbers_go_on),
		T(test_seq_given_a_kill_when_opened_again_then_a_range_is_told_and_none_comes_twice),
		T(test_seq_given_another_boot_or_a_broken_file_when_opened_then_it_begins_anew),
		T(test_seq_given_another_boot_that_ended_without_a_stop_when_opened_then_it_is_told),
		T(test_seq_given_a_running_sensor_when_a_second_opens_then_it_is_told_why),
		T(test_users_given_odd_lines_when_read_then_good_ones_have_names),
		T(test_users_given_a_changed_file_when_refreshed_then_new_names_are_known),
		T(test_names_given_numbers_when_named_then_they_are_the_kernels),
		T(test_options_given_good_ones_when_parsed_then_they_are_set),
		T(test_options_given_bad_ones_when_parsed_then_each_is_refused_with_a_reason),
		T(test_node_given_a_machine_id_when_derived_then_it_is_stable_and_not_the_same),
		T(test_node_given_this_machine_when_read_then_its_facts_are_known),
		T(test_node_given_uuid_text_when_parsed_then_only_good_ones_pass),
		T(test_ack_given_each_code_when_encoded_and_parsed_then_it_is_the_same),
		T(test_ack_given_a_claim_of_megabytes_when_parsed_then_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
