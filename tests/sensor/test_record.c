/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensor/record.h"
#include "tests/sensor/make_record.h"

static union made m;

/* Opens a copy of exactly the record's size, so that ASan sees a read past its end. */
static int open_copy(size_t n)
{
	struct record r;
	void *copy = aligned_alloc(8, (n + 7) / 8 * 8 + 8);
	int result;

	assert_non_null(copy);
	memcpy((char *)copy, &m, n);
	result = record_open(&r, copy, n);
	free(copy);
	return result;
}

static void test_record_given_an_open_when_opened_then_path_and_flags_are_views(void **state)
{
	struct record r;
	char text[64];

	(void)state;
	made_open(&m, 42, 1000, 2000, "/usr/bin/true", 0);
	assert_int_equal(0, record_open(&r, &m, m.head.size));
	assert_int_equal(REC_OPEN, r.type);
	assert_int_equal(CLASS_BULK, r.class);
	assert_int_equal(13, record_path_text(&r.path[0], text, sizeof(text)));
	assert_string_equal("/usr/bin/true", text);
}

static void make_each(enum rec_type type)
{
	switch (type) {
	case REC_EXEC:
		made_exec(&m, 42, 1, 2, "/bin/sh", "sh\0-c\0ls", 9);
		made_exec_more(&m, "PATH=/bin", 10, "./script");
		break;
	case REC_ARGS:
		made_begin(&m, REC_ARGS, sizeof(struct rec_args), 42, 1, 2);
		m.args.bytes = 4;
		made_add(&m, "abc", 4);
		break;
	case REC_FORK:
		made_fork(&m, 42, 1, 2, 43, 2);
		break;
	case REC_EXIT:
		made_exit(&m, 42, 1, 2, 0);
		break;
	case REC_OPEN:
		made_open_failed(&m, 42, 1, 2, "/tmp", "x", 2);
		break;
	case REC_DELETE:
		made_begin(&m, REC_DELETE, sizeof(struct rec_delete), 42, 1, 2);
		m.del.dir = made_path(&m, "/tmp");
		m.del.name_bytes = made_text(&m, "gone");
		break;
	case REC_RENAME:
		made_begin(&m, REC_RENAME, sizeof(struct rec_rename), 42, 1, 2);
		m.rename.old_dir = made_path(&m, "/tmp");
		m.rename.old_name_bytes = made_text(&m, "a");
		m.rename.new_dir = made_path(&m, "/tmp");
		m.rename.new_name_bytes = made_text(&m, "b");
		break;
	case REC_CREDENTIALS:
		made_credentials(&m, 42, 1, 2, REC_CHANGED_UIDS);
		break;
	case REC_PTRACE:
		made_ptrace(&m, 42, 1, 2, 16, (struct rec_target){ 1, 43, 43 });
		break;
	case REC_SIGNAL:
		made_signal(&m, 42, 1, 2, 9, (struct rec_target){ 1, 43, 43 });
		break;
	case REC_SETNS:
	case REC_UNSHARE:
		made_namespace(&m, type, 42, 1, 2, 0);
		break;
	case REC_MEMFD:
		made_memfd(&m, 42, 1, 2, "name", 0);
		break;
	case REC_LINK:
	case REC_SYMLINK:
		made_link(&m, type, 42, 1, 2, "old", "new");
		break;
	case REC_CREATE:
		made_create(&m, 42, 1, 2, "new", 0);
		break;
	case REC_CHMOD:
	case REC_CHOWN:
		made_attributes(&m, type, 42, 1, 2, "/tmp", "file");
		break;
	case REC_MOUNT:
	case REC_UMOUNT:
		made_mount(&m, type, 42, 1, 2, "/tmp", "from");
		break;
	case REC_UNIX:
		made_unix(&m, 42, 1, 2, "/run/docker.sock");
		break;
	case REC_PROTECT:
		made_protect(&m, 42, 1, 2, REC_MMAP, "/lib/x.so");
		break;
	case REC_PRCTL:
		made_prctl(&m, 42, 1, 2, 15, 0);
		break;
	case REC_VM_READ:
	case REC_VM_WRITE:
		made_memory(&m, type, 42, 1, 2, (struct rec_target){ 0, 0, 43 });
		break;
	case REC_CHROOT:
		made_attributes(&m, type, 42, 1, 2, "/srv", NULL);
		break;
	case REC_PIVOT:
		made_link(&m, type, 42, 1, 2, "new", "old");
		break;
	case REC_XATTR:
		made_xattr(&m, 42, 1, 2, "user.x", "file");
		break;
	case REC_WRITTEN:
		made_written(&m, 42, 1, 2, "/tmp/x");
		break;
	case REC_MODULE:
		made_module(&m, 42, 1, 2, "evil", "/tmp/evil.ko");
		break;
	case REC_BPF_LOAD:
	case REC_BPF_MAP:
	case REC_BPF_TAKEN:
		made_bpf(&m, type, 42, 1, 2, 1);
		break;
	case REC_PROBE:
		made_probe(&m, 42, 1, 2, 0, "do_exit");
		break;
	case REC_URING:
		made_uring(&m, 42, 1, 2, 0);
		break;
	case REC_DNS:
		made_dns(&m, 42, 1, 2, "answer", 6);
		break;
	default:
		made_tcp(&m, type, 42, 1, 2);
		break;
	}
}

static void test_record_given_each_type_when_cut_anywhere_then_it_is_refused(void **state)
{
	(void)state;
	for (enum rec_type type = REC_EXEC; type < REC_END; type++) {
		uint32_t whole;

		make_each(type);
		whole = m.head.size;
		assert_int_equal(0, open_copy(whole));
		for (uint32_t n = 0; n < whole; n++) {
			m.head.size = whole;
			assert_int_equal(-EBADMSG, open_copy(n)); /* less than it says */
			m.head.size = n;
			assert_int_equal(-EBADMSG, open_copy(whole)); /* says less than its parts */
		}
	}
}

static void test_record_given_bad_heads_when_opened_then_they_are_refused(void **state)
{
	(void)state;
	made_exit(&m, 42, 1, 2, 0);
	m.head.type = 0;
	assert_int_equal(-EBADMSG, open_copy(m.head.size));
	m.head.type = REC_END;
	assert_int_equal(-EBADMSG, open_copy(m.head.size));
	made_open(&m, 42, 1, 2, "/a", 0);
	m.open.path.bytes = 0xffff;
	assert_int_equal(-EBADMSG, open_copy(m.head.size));
	made_tcp(&m, REC_CLOSE, 42, 1, 2);
	m.tcp.version = 5;
	assert_int_equal(-EBADMSG, open_copy(m.head.size));
	made_protect(&m, 42, 1, 2, 0, "");
	assert_int_equal(-EBADMSG, open_copy(m.head.size));
	made_protect(&m, 42, 1, 2, REC_SHMAT + 1, "");
	assert_int_equal(-EBADMSG, open_copy(m.head.size));
	made_exec(&m, 42, 1, 2, "/bin/sh", "sh", 3);
	made_exec_more(&m, "PATH=/bin", 9, NULL); /* without its NUL */
	assert_int_equal(-EBADMSG, open_copy(m.head.size));
}

static void test_record_given_a_path_without_its_nul_when_opened_then_it_is_refused(void **state)
{
	(void)state;
	made_open(&m, 42, 1, 2, "/a/b", 0);
	((char *)&m)[m.head.size - 1] = 'x';
	assert_int_equal(-EBADMSG, open_copy(m.head.size));
}

static void check_asked(const char *dir, const char *name, const char *want)
{
	struct record r;
	char text[256];

	made_open_failed(&m, 42, 1, 2, dir, name, 2);
	assert_int_equal(0, record_open(&r, &m, m.head.size));
	assert_int_equal(strlen(want),
			 record_asked_text(&r.path[0], &r.name[0], text, sizeof(text)));
	assert_string_equal(want, text);
}

static void test_record_given_names_as_asked_when_joined_then_they_are_absolute(void **state)
{
	(void)state;
	check_asked("/home/user", "file", "/home/user/file");
	check_asked("/home/user", "./a//b/../c", "/home/user/a/c");
	check_asked("/home/user", "../../../x", "/x");
	check_asked("", "/etc/./passwd", "/etc/passwd");
	check_asked("", "/", "/");
	check_asked("", "/..", "/");
	check_asked("", "rel", "/rel");
}

static void test_record_given_odd_paths_when_written_then_the_text_is_right(void **state)
{
	struct record_path root = { "", 0, 0 }, detached = { "memfd:x", 8, REC_PATH_DETACHED };
	struct record_path long_one = { "leaf\0middle\0root", 17, 0 };
	char text[64], small[8];

	(void)state;
	assert_int_equal(1, record_path_text(&root, text, sizeof(text)));
	assert_string_equal("/", text);
	record_path_text(&detached, text, sizeof(text));
	assert_string_equal("memfd:x", text);
	record_path_text(&long_one, text, sizeof(text));
	assert_string_equal("/root/middle/leaf", text);
	assert_true(record_path_text(&long_one, small, sizeof(small)) < sizeof(small));
	assert_memory_equal("/leaf", small, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_record_given_an_open_when_opened_then_path_and_flags_are_views),
		cmocka_unit_test(test_record_given_each_type_when_cut_anywhere_then_it_is_refused),
		cmocka_unit_test(test_record_given_bad_heads_when_opened_then_they_are_refused),
		cmocka_unit_test(
			test_record_given_a_path_without_its_nul_when_opened_then_it_is_refused),
		cmocka_unit_test(
			test_record_given_names_as_asked_when_joined_then_they_are_absolute),
		cmocka_unit_test(test_record_given_odd_paths_when_written_then_the_text_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
