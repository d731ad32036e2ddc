/* SPDX-License-Identifier: Apache-2.0 */
/* The other commands against a collector of canned answers: output, exit code, what was asked. */
#include "tests/ctl/answers.h"

static void test_nodes_given_list_when_asked_then_rows(void **state)
{
	static const char table[] =
		"NODE   STATE   SEEN    EVENTS  LOST  KERNEL  ARCH     SENSOR  ID\n"
		"web-1  up      9s ago       5     6  6.1     aarch64  0.1.0   i1\n"
		"web-2  silent  3d ago                                         i2\n";
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"nodes\":[{\"id\":\"i1\",\"name\":\"web-1\",\"events\":5}]}", 0 },
		{ 200, NULL, "{\"nodes\":[]}", 0 },
		{ 200, NULL, "{\"other\":[]}", 0 },
		{ 200, NULL,
		  "{\"nodes\":[{\"id\":\"i1\",\"name\":\"web-1\",\"state\":\"up\",\"lag_ms\":9999,"
		  "\"events\":5,"
		  "\"os_kernel\":\"6.1\",\"architecture\":\"aarch64\",\"agent_version\":\"0.1.0\","
		  "\"sensor\":{\"lost_priority\":1,\"lost_bulk\":2,\"lost_queue\":3}},"
		  "{\"id\":\"i2\",\"name\":\"web-2\",\"state\":\"silent\",\"lag_ms\":300000000}]}",
		  0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 4, ARGS("nodes"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "{\"id\":\"i1\",\"name\":\"web-1\",\"events\":5}\n");
	assert_has(f.requests[0], "GET /api/v1/nodes HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("nodes", "-o", "json"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_string_equal(r.out, "{\"nodes\":[]}\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("nodes"));
	assert_int_equal(r.code, EXIT_SERVER);
	assert_has(r.err, "has no \"nodes\"");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("nodes", "-o", "table"));
	assert_string_equal(r.out, table);
	end(&f, &r);
}

static void test_status_given_counters_when_asked_then_a_row_each(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL,
		  "{\"version\":\"0.1.0\",\"store\":{\"events\":12,\"days\":[\"a\",\"b\"]}}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 1, ARGS("status", "--counters", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "NAME          VALUE\n"
				   "version       0.1.0\n"
				   "store.events  12\n"
				   "store.days    a, b\n");
	end(&f, &r);
}

#define STATUS_OF(more) "{\"version\":\"0.1.0\",\"big\":18446744073709551615" more "}"

#define REFUSED                                                                                \
	{                                                                                      \
		403, "application/problem+json", "{\"title\":\"Forbidden\",\"status\":403}", 0 \
	}

static void test_status_given_a_well_fleet_when_asked_then_ok_and_0(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, STATUS_OF(""), 0 },
		{ 200, NULL, "{\"nodes\":[{\"name\":\"a\",\"state\":\"up\"}]}", 0 },
		{ 200, NULL, "{\"rules\":[{\"id\":\"r\",\"enabled\":true,\"status\":\"ok\"}]}", 0 },
		REFUSED,
		{ 200, NULL, "{\"alerts\":[]}", 0 },
		REFUSED,
		{ 200, NULL, "{\"columns\":[],\"rows\":[]}", 0 },
		{ 200, NULL, "{\"hits\":[]}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, ARRAY_SIZE(answers), ARGS("status", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.err, "");
	assert_has(r.out, "ok    nodes     1 of 1 up\n");
	assert_has(r.out, "ok    rules     1 of 1 on\n");
	assert_has(r.out, "?     outputs   not told to this token\n");
	assert_has_not(r.out, "next:");
	end(&f, &r);
}

static void test_status_given_trouble_when_asked_then_told_and_1(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, STATUS_OF(",\"nodes\":{\"known\":1}"), 0 },
		{ 200, NULL,
		  "{\"nodes\":[{\"name\":\"a\\u001b[2J\",\"state\":\"silent\",\"lag_ms\":61000}]}",
		  0 },
		REFUSED,
		REFUSED,
		REFUSED,
		REFUSED,
		REFUSED,
		REFUSED,
	};
	struct fake f;
	struct run r;

	(void)state;
	r = ask(&f, answers, ARRAY_SIZE(answers), ARGS("status", "-o", "table"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "fail  nodes     0 of 1 up; 1 silent (a\\x1b[2J for 1m)\n"
			  "                next: on the node: systemctl status rtsec-sensor");
	end(&f, &r);
	r = ask(&f, answers, ARRAY_SIZE(answers), ARGS("status", "-o", "json"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.out, "{\"check\":\"nodes\",\"state\":\"fail\",");
	assert_has(r.out, "],\"version\":\"0.1.0\",\"big\":18446744073709551615,\"nodes\":{");
	end(&f, &r);
}

/* A file of @n bytes at @data; unlinked by the caller. */
static void make_file(char path[64], const void *data, size_t n)
{
	AUTO_FD int fd = -1;

	snprintf(path, 64, "/tmp/rtsec-import-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), (ssize_t)n);
}

static void test_import_given_lines_when_sent_then_sums_and_the_right_media_type(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL,
		  "{\"batches\":1,\"events\":2,\"duplicates\":3,\"refused\":0,\"lines\":5}", 0 },
		{ 200, NULL,
		  "{\"batches\":0,\"events\":0,\"duplicates\":0,\"refused\":1,\"lines\":0}", 0 },
	};
	char path[64];
	struct fake f;
	struct run r;

	(void)state;
	make_file(path, "{\"a\":1}\n{\"b\":2}", 15);
	r = ask(&f, answers, 2, ARGS("import", path));
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(
		r.out, "1 batches with 2 events stored, 3 events were there, 0 batches refused\n");
	assert_has(f.requests[0], "POST /api/v1/import HTTP/1.1\r\n");
	assert_has(f.requests[0], "\r\nContent-Type: application/x-ndjson\r\n");
	assert_has(f.requests[0], "\r\n\r\n{\"a\":1}\n{\"b\":2}");
	unlink(path);
	run_done(&r);
	make_file(path, "RSEG", 4);
	r = run((struct run_setting){ .port = f.port }, ARGS("import", path, "-o", "json"));
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_string_equal(r.out, "{\"batches\":0,\"events\":0,\"duplicates\":0,\"refused\":1}\n");
	assert_has(f.requests[1], "\r\nContent-Type: application/octet-stream\r\n");
	unlink(path);
	end(&f, &r);
}

static void test_import_given_mistakes_when_told_then_line_of_the_file_and_2(void **state)
{
	static const struct fake_answer answers[] = {
		{ 400, "application/problem+json",
		  "{\"title\":\"Bad\",\"detail\":\"no field is called "
		  "'x'\",\"line\":7,\"column\":9}",
		  0 },
	};
	char path[64];
	struct fake f;
	struct run r;

	(void)state;
	make_file(path, "{}\n", 3);
	r = ask(&f, answers, 1, ARGS("import", path));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "line 7, column 9: no field is called 'x'");
	assert_string_equal(r.out, "");
	unlink(path);
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("import", path));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "cannot read");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("import"));
	assert_int_equal(r.code, EXIT_USAGE);
	end(&f, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes_given_list_when_asked_then_rows),
		cmocka_unit_test(test_status_given_counters_when_asked_then_a_row_each),
		cmocka_unit_test(test_status_given_a_well_fleet_when_asked_then_ok_and_0),
		cmocka_unit_test(test_status_given_trouble_when_asked_then_told_and_1),
		cmocka_unit_test(
			test_import_given_lines_when_sent_then_sums_and_the_right_media_type),
		cmocka_unit_test(test_import_given_mistakes_when_told_then_line_of_the_file_and_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
