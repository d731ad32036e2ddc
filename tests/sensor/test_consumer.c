/* SPDX-License-Identifier: Apache-2.0 */
/* From records to events: what each says when its batch is sealed. */
#include "tests/sensor/consumer_fixture.h"

/* ---- tests ---- */

static void test_consumer_given_fork_exec_and_exit_when_sealed_then_the_tree_is_told(void **state)
{
	(void)state;
	feed_exec(10, "/bin/bash", 20 * second);
	made_fork(&made, 10, 10 * second, 21 * second, 11, 11 * second);
	made.head.uid = made.head.gid = 1000;
	feed();
	feed_exec(11, "/usr/bin/true", 22 * second);
	made_exit(&made, 11, 11 * second, 23 * second, 3 << 8);
	made.head.uid = made.head.gid = 1000;
	feed();
	run();
	assert_true(find(KIND_EXEC));
	check_text(1, "process.name", "true");
	check_text(1, "process.executable", "/usr/bin/true");
	check_text(1, "process.command_line", "prog -v");
	check_text(1, "process.parent.name", "bash");
	check_text(1, "process.working_directory", "/home/user");
	check_text(1, "process.user.name", "ann");
	check_text(1, "process.group.name", "staff");
	check_text(1, "process.tty", "pts/4");
	check_number(1, "process.pid", 11);
	check_number(1, "process.parent.pid", 10);
	check_number(1, "process.session_leader.pid", 11);
	check_number(1, "process.entity_id",
		     proctab_entity(known_processes(enrich_known(w.enrich)), 11, 11 * second));
	assert_true(find(KIND_FORK));
	check_text(0, "process.name", "bash");
	check_number(0, "process.child.pid", 11);
	assert_true(find(KIND_END));
	check_number(0, "process.exit_code", 3);
	check_text(0, "process.exit_signal", NULL);
	check_number(0, "event.duration", 12 * second);
}

static void test_consumer_given_opens_when_sealed_then_paths_flags_and_creation_are_told(
	void **state)
{
	(void)state;
	made_open(&made, 10, 10 * second, 20 * second, "/etc/passwd", O_RDONLY);
	feed();
	made_open(&made, 10, 10 * second, 21 * second, "/tmp/new.txt", O_RDWR | O_CREAT | O_TRUNC);
	made.head.flags = REC_F_CREATED;
	feed();
	made_open_failed(&made, 10, 10 * second, 22 * second, "/home/ann", "../x", ENOENT);
	feed();
	run();
	assert_true(find(KIND_OPEN));
	assert_int_equal(3, block_rows(w.block, w.table));
	check_text(0, "file.path", "/etc/passwd");
	check_text(0, "event.outcome", "success");
	check_text(0, "file.mode", "0644");
	check_text(0, "file.device", "8:1");
	check_text(0, "file.type", "file");
	check_number(0, "file.inode", 77);
	assert_int_equal(4, value(1, "file.open.flags").n_strings);
	check_text(2, "file.path", "/home/x");
	check_text(2, "event.outcome", "failure");
	check_text(2, "error.code", "ENOENT");
	check_text(2, "file.mode", NULL);
	assert_true(find(KIND_CREATION));
	assert_int_equal(1, block_rows(w.block, w.table));
	check_text(0, "file.name", "new.txt");
	check_text(0, "process.name", "comm10"); /* nothing more is known of it */
}

static void test_consumer_given_a_connection_when_sealed_then_both_ends_and_the_id_are_told(
	void **state)
{
	(void)state;
	made_tcp(&made, REC_CONNECT, 10, 10 * second, 20 * second);
	made.tcp.error = EINPROGRESS;
	feed();
	made_tcp(&made, REC_ACCEPT, 11, 11 * second, 21 * second);
	feed();
	made_tcp(&made, REC_CLOSE, 0, 0, 22 * second);
	made.head.flags = REC_F_NO_OWNER;
	made.tcp.source_bytes = 5;
	feed();
	run();
	assert_true(find(KIND_CONNECT));
	check_text(0, "source.ip", "10.20.30.40");
	check_text(0, "destination.ip", "10.20.30.41");
	check_number(0, "destination.port", 443);
	check_text(0, "network.direction", "egress");
	check_text(0, "network.community_id", "1:EViGcgBbB4WSg5XJ6I5LvTiH7lQ=");
	check_text(0, "error.code", "EINPROGRESS");
	assert_true(find(KIND_ACCEPT));
	check_text(0, "network.direction", "ingress");
	check_text(0, "network.community_id", "1:EViGcgBbB4WSg5XJ6I5LvTiH7lQ=");
	assert_true(find(KIND_DISCONNECT));
	check_number(0, "source.bytes", 5);
	assert_int_equal(VALUE_NULL, value(0, "process.pid").type);
}

static void test_consumer_given_a_late_open_when_the_exec_came_first_then_it_is_the_old_programs(
	void **state)
{
	(void)state;
	feed_exec(10, "/bin/bash", 20 * second);
	feed_exec(10, "/bin/cat", 30 * second);
	made_open(&made, 10, 10 * second, 25 * second, "/late", 0);
	feed();
	made_open(&made, 10, 10 * second, 31 * second, "/new", 0);
	feed();
	run();
	assert_true(find(KIND_OPEN));
	check_text(0, "process.name", "bash");
	check_text(1, "process.name", "cat");
}

static void test_consumer_given_10000_arguments_when_sealed_then_all_are_told(void **state)
{
	enum { N = 10000, PIECE = REC_ARGS_CHUNK };
	static char all[2 * N];
	size_t n_before = sizeof(all) / PIECE * PIECE;
	struct block_value v;

	(void)state;
	for (size_t i = 0; i < N; i++)
		all[2 * i] = (char)('a' + i % 26);
	for (size_t at = 0; at < n_before; at += PIECE) {
		made_begin(&made, REC_ARGS, sizeof(struct rec_args), 10, 10 * second, 20 * second);
		made.args.bytes = PIECE;
		made.args.offset = (uint32_t)at;
		made_add(&made, all + at, PIECE);
		feed();
	}
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/x", all + n_before,
		  sizeof(all) - n_before);
	made.exec.args_before = (uint32_t)n_before;
	feed();
	run();
	assert_true(find(KIND_EXEC));
	v = value(0, "process.args");
	assert_int_equal(v.n_strings, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(*block_string(w.block, v.strings[i]).s, 'a' + (int)(i % 26));
	assert_int_equal(VALUE_NULL, value(0, "process.args_truncated").type);
}

static void test_consumer_given_long_arguments_in_pieces_when_sealed_then_they_are_whole(
	void **state)
{
	static const char first[] = "prog\0one\0tw", rest[] = "o\0three";

	(void)state;
	made_begin(&made, REC_ARGS, sizeof(struct rec_args), 10, 10 * second, 20 * second);
	made.args.bytes = sizeof(first) - 1;
	made_add(&made, first, sizeof(first) - 1);
	feed();
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/prog", rest, sizeof(rest));
	made.exec.args_before = sizeof(first) - 1;
	feed();
	made_exec(&made, 11, 11 * second, 20 * second, "/bin/prog", rest, sizeof(rest));
	made.exec.args_before = sizeof(first) - 1; /* its pieces never came */
	feed();
	run();
	assert_true(find(KIND_EXEC));
	check_text(0, "process.command_line", "prog one two three");
	assert_int_equal(VALUE_NULL, value(0, "process.args_truncated").type);
	check_text(1, "process.command_line", "o three");
	check_number(1, "process.args_truncated", 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_consumer_given_fork_exec_and_exit_when_sealed_then_the_tree_is_told),
		T(test_consumer_given_opens_when_sealed_then_paths_flags_and_creation_are_told),
		T(test_consumer_given_a_connection_when_sealed_then_both_ends_and_the_id_are_told),
		T(test_consumer_given_a_late_open_when_the_exec_came_first_then_it_is_the_old_programs),
		T(test_consumer_given_10000_arguments_when_sealed_then_all_are_told),
		T(test_consumer_given_long_arguments_in_pieces_when_sealed_then_they_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
